from pathlib import Path

import pytest

from rastro.carriers.described import described
from rastro.carriers.generic import TEMPLATE
from rastro.carriers.registry import CARRIERS
from rastro.cli import main

EVERY = {**CARRIERS, **described()}


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["route", *arguments]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return said.out.splitlines()


def test_the_choice_is_explained_sign_by_sign(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "JADLOG .PACKAGE", "12345678901234") == [
        "number   12345678901234",
        "carrier  jadlog",
        "why      by the courier's name 'JADLOG .PACKAGE'",
        "signs, in the order in which they are believed",
        "  the setting couriers: nobody",
        "  the number 12345678901234, of a form that is nobody else's: nobody",
        "  the courier's name 'JADLOG .PACKAGE': jadlog",
        "  the tracking link's host (none): nobody",
        "  the check digit of 12345678901234: nobody",
        "  the form of 12345678901234: jadlog",
        "  the form, though not the check digit, of 12345678901234: nobody",
        "asked by the first of these that the order has",
        "  tracking_number: needs tracking number",
        "  invoice_key: needs invoice key",
        "  carrier_id: needs carrier id",
        "  order_id: needs order id",
    ]


def test_fields_that_only_together_will_do_are_named_together(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, "Braspress")
    assert said[:2] == ["number   (none)", "carrier  braspress"]
    assert "  invoice_number: needs shipper cnpj and invoice number" in said


def test_a_link_may_decide(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, "", "ABC1", "--link", "https://app.loggi.com/rastreador/ABC1")
    assert "carrier  loggi" in said
    assert "  the tracking link's host app.loggi.com: loggi" in said


def test_only_the_named_carriers_have_a_connection(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, "Jadlog", "12345678901", "--connected", "correios, track17")
    assert "carrier  track17" in said
    assert (
        "why      by the courier's name 'Jadlog' it is jadlog, which has no connection; "
        "track17 takes what nobody else does"
    ) in said
    assert "  the form of 12345678901: nobody" in said
    assert "carrier  nobody" in printed(capsys, "", "12345678901", "--connected", "")


def test_every_carrier_has_a_connection_where_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    for code in EVERY:
        assert f"carrier  {code}" in printed(capsys, "Loja", "1", "--map", f"Loja={code}")


def test_a_line_of_the_shops_own_map_can_be_tried(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("Entrega Sul", "QQ100000017BR", "--map", "Outra=none", "--map", "entrega sul=ssw")
    said = printed(capsys, *arguments)
    assert said[1:3] == ["carrier  ssw", "why      by the setting couriers, 'Entrega Sul'"]
    assert "  the setting couriers: ssw" in said
    assert said[-1].startswith("doubt    SSW knows parcels by the invoice's access key")


def test_a_carrier_of_the_shops_own_description_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    description = TEMPLATE.read_text("utf-8").replace("transportadora exemplo", "entrega sul")
    (tmp_path / "entrega_sul.yaml").write_text(description, "utf-8")
    arguments = ("Entrega Sul", "4711", "--connected", "entrega_sul", "--carrier-files", str(tmp_path))
    assert printed(capsys, *arguments)[1] == "carrier  entrega_sul"


def test_where_nobody_can_be_asked_nothing_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, "Motoboy", "1")
    assert said[1] == "carrier  nobody"
    assert said[2].endswith("stands for no carrier, and nobody can be asked")
    assert "asked by the first of these that the order has" not in said


def test_several_numbers_are_explained_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, "", "qq 100 000 017 br; 1Z0INV006600000010")
    assert [line for line in said if line.startswith(("number", "carrier")) or not line] == [
        "number   QQ100000017BR",
        "carrier  correios",
        "",
        "number   1Z0INV006600000010",
        "carrier  ups",
    ]


def test_a_doubtful_number_is_doubted(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, "PAC", "QQ100000018BR")
    assert said[-1] == "doubt    its check digit is wrong: a letter or digit was mistyped"
    assert not [line for line in printed(capsys, "PAC", "QQ100000017BR") if line.startswith("doubt")]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["x", "1", "--connected", "correios,pombo"], f"there is no carrier 'pombo'; known are: {', '.join(EVERY)}"),
        (["x", "1", "--map", "Loja"], "--map: 'Loja' is not COURIER=carrier or COURIER=none"),
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["route", *arguments]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"rastro: {reason}\n")
