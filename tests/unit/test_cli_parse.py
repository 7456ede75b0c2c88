import json
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import rastro
from rastro.carriers.described import all_carriers
from rastro.carriers.registry import CARRIERS
from rastro.cli import main, registries
from rastro.marketplaces.registry import MARKETPLACES
from rastro.models import Route, Shipment
from rastro.orders.registry import SOURCES
from rastro.warehouse import shipments

RECORDINGS = Path(__file__).parents[1] / "recordings" / "correios"


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_one_json_object_is_printed_for_each_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse", "correios", str(RECORDINGS / "refusals_among_good_ones.json")]) == 0
    printed = lines(capsys.readouterr().out)
    assert len(printed) == 7
    assert [one["tracking_number"] for one in printed if not one["refusal"]] == ["QQ100000167BR"]


def test_an_object_has_the_promised_shape_newest_event_last(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse", "correios", str(RECORDINGS / "delivered.json")]) == 0
    (parcel,) = lines(capsys.readouterr().out)
    assert list(parcel) == ["tracking_number", "status", "delivered_at", "estimated_at", "refusal", "events"]
    assert (parcel["status"], parcel["delivered_at"]) == ("delivered", "2026-09-16T14:19:48-03:00")
    assert parcel["events"][-1] == {
        "occurred_at": "2026-09-16T14:19:48-03:00",
        "status": "delivered",
        "code": "BDE 01",
        "description": "Objeto entregue ao destinatário",
        "city": "BELO HORIZONTE",
        "state": "MG",
        "country": "BR",
    }


def test_an_event_that_does_not_count_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    main(["parse", "correios", str(RECORDINGS / "voided.json")])
    parcel = lines(capsys.readouterr().out)[0]
    assert (parcel["status"], parcel["delivered_at"]) == ("out_for_delivery", None)
    assert [event.get("standing") for event in parcel["events"]] == [None, None, "voided", "informative"]


def test_a_refused_number_has_no_events_and_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    main(["parse", "correios", str(RECORDINGS / "refusals_among_good_ones.json")])
    parcel = lines(capsys.readouterr().out)[0]
    assert (parcel["status"], parcel["events"], parcel["delivered_at"]) == ("unknown", [], None)
    assert parcel["refusal"] == {
        "reason": "not_found",
        "code": "SRO-020",
        "message": "SRO-020: Objeto não encontrado na base de dados dos Correios.",
    }


def test_the_good_ones_are_printed_beside_one_line_for_each_bad_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse", "correios", str(RECORDINGS / "one_malformed_of_ten.json")]) == 1
    said = capsys.readouterr()
    assert len(lines(said.out)) == 9
    assert len(said.err.splitlines()) == 1
    assert "QQ100000391BR" in said.err


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("html_page.html", "HTML"),
        ("truncated.json", "cut short"),
        ("empty.json", "empty"),
        ("old_phone_service.json", "rastroMobile"),
        ("error_of_the_gateway.json", "SRO-018"),
        ("no_such_file.json", "No such file"),
        (".", "directory"),
    ],
)
def test_what_cannot_be_read_gives_one_line_and_exit_1(
    name: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["parse", "correios", str(RECORDINGS / name)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert reason in said.err


def test_an_unknown_carrier_is_wrong_usage_and_the_known_ones_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse", "pombo", "-"]) == 2
    assert capsys.readouterr().err == f"rastro: there is no carrier 'pombo'; known are: {', '.join(CARRIERS)}\n"


def in_a_plain_terminal(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """The command as a program of its own, where text is ASCII unless the program says otherwise."""
    return subprocess.run(
        [sys.executable, "-m", "rastro.cli", *arguments],
        env={"PYTHONPATH": str(Path(rastro.__path__[0]).parent), "PYTHONIOENCODING": "ascii"},
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("arguments", [["parse", "correios"], ["parse", "correios", "-"]])
def test_the_response_may_come_from_stdin(arguments: list[str]) -> None:
    done = in_a_plain_terminal(*arguments, stdin=(RECORDINGS / "single_object.json").read_bytes())
    assert (done.returncode, done.stderr) == (0, b"")
    (parcel,) = lines(done.stdout.decode())
    assert parcel["events"][-1]["description"] == "Objeto entregue ao destinatário"


def test_an_empty_stdin_is_no_answer() -> None:
    done = in_a_plain_terminal("parse", "correios")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"rastro: correios: the answer is empty\n"


def rows_of(printed: str) -> dict[str, str]:
    """Each entry of a table with what stands below it, by its code."""
    head, *rows = re.split(r"\n(?! )", printed.rstrip("\n"))
    assert head.startswith("code")
    return {row.split()[0]: row for row in rows}


def test_a_carriers_row_says_how_it_is_asked_and_where_to_read_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["carriers"]) == 0
    rows = rows_of(capsys.readouterr().out)
    assert {"50 a call", "number", "25/s, 4 at once", "A"} <= set(re.split(r"\s{2,}", rows["correios"]))
    assert "https://www.correios.com.br/" in rows["correios"]
    assert "push" in rows["loggi"].splitlines()[0]
    assert "Unsure: The meaning of the status codes" in rows["loggi"]


@pytest.mark.parametrize(
    ("command", "registry"), [("orders", SOURCES), ("carriers", all_carriers()), ("marketplaces", MARKETPLACES)]
)
def test_every_entry_of_a_registry_has_its_row(
    command: str, registry: Mapping[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert registry
    assert main([command]) == 0
    rows = rows_of(capsys.readouterr().out)
    assert list(rows) == list(registry)
    for code, row in rows.items():
        assert all(len(line) <= 160 for line in row.splitlines() if "://" not in line and command != "orders"), row
        unsure = getattr(registry[code], "unsure", "")
        assert not unsure or unsure in " ".join(row.split())


@pytest.mark.parametrize(
    ("per_second", "said"), [(25.0, "25/s"), (1.0, "1/s"), (0.5, "30/min"), (1 / 60, "1/min"), (60 / 86_400, "2.5/h")]
)
def test_a_pace_is_said_in_the_unit_that_fits(per_second: float, said: str) -> None:
    assert registries.pace(per_second) == said


@pytest.mark.parametrize("arguments", [[], ["fly"], ["parse"]])
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: rastro" in capsys.readouterr().err


@pytest.mark.slow
def test_a_parcels_status_says_why_this_carrier_what_is_doubtful_and_who_is_told(
    warehouse: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    shipment = Shipment(
        account="sql:erp_db", order_id="ERP-1", invoice_number="501", tracking_number="QB000000010BR",
        courier="Correios SEDEX", route=Route.DIRECT, marketplace="webhook:our_hub",
    )  # fmt: skip
    routed = shipments.Routed(
        shipment=shipment, carrier="correios", why="the courier's name", reference="QB000000010BR", warning="odd digit"
    )
    with warehouse.connection as connection:
        shipments.merge(connection, [routed], datetime(2026, 3, 1, tzinfo=UTC), whole_packages=True)
    for wanted in ("ERP-1", "qb 000 000 010 br"):
        assert main(["status", "--dsn", warehouse.dsn, wanted]) == 0
        printed = capsys.readouterr().out.splitlines()
        assert printed[0] == "QB000000010BR  of order ERP-1, invoice 501"
        assert "  now       UNKNOWN" in printed
        assert "  told      nobody anything yet" in printed
        assert "  next      With the next run: its carrier has not answered about it yet." in printed
        assert "  problem   the number looks mistyped: odd digit" in printed
        assert "  you can   poll_now: ask the carrier now" in printed
        assert "            confirm_delivery: if you know that it has arrived" in printed
        assert "  carrier   correios (Correios SEDEX): the courier's name" in printed
        assert "  confirmed to the marketplace directly, webhook:our_hub" in printed
