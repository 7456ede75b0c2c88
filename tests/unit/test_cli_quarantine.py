"""``rastro quarantine``: the list, a body, and what a retry says."""

from datetime import UTC, datetime

import pytest

from rastro.cli import main
from rastro.models import Shipment
from rastro.warehouse import records, shipments

pytestmark = pytest.mark.slow

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
BODY = b'{"codObjeto":"QQ100000017BR","eventos":"S\xe3o Paulo"}'


@pytest.fixture
def rastro(warehouse, monkeypatch: pytest.MonkeyPatch, capsysbinary):
    """The command on a warehouse with two entries; gives its exit code, stdout and stderr."""
    monkeypatch.setenv("RASTRO_WAREHOUSE_DSN", warehouse.dsn)
    for origin, subject, reason, raw in (
        ("correios", "QQ100000017BR", "unreadable answer", BODY),
        ("vtex:shop_main", "1400120000001-01 47/11", "invoice_unaddressable", b""),
    ):
        records.quarantine(
            warehouse.connection, origin=origin, subject=subject, reason=reason, detail="a line\nor two", raw=raw,
            now=AT, run_id="run",
        )  # fmt: skip
    warehouse.connection.commit()

    def call(*arguments: str) -> tuple[int, bytes, str]:
        code = main(["quarantine", *arguments])
        out, err = capsysbinary.readouterr()
        return code, out, err.decode()

    return call


def test_what_is_open_is_listed_one_line_each(rastro) -> None:
    code, out, _ = rastro()
    titles, *lines = out.decode().splitlines()
    assert (code, titles.split()) == (0, ["id", "origin", "subject", "reason", "since", "times", "detail"])
    assert [line.split()[1] for line in lines] == ["correios", "vtex:shop_main"]
    assert "20/11/2026 09:00" in lines[0]
    assert lines[0].endswith("a line or two")


@pytest.mark.parametrize(
    "chosen", [("--origin", "correios"), ("--reason", "unreadable answer"), ("--subject", "QQ100000017BR")]
)
def test_the_list_can_be_narrowed(rastro, chosen) -> None:
    _, out, _ = rastro(*chosen)
    assert [line.split()[0] for line in out.decode().splitlines()[1:]] == ["1"]


def test_what_was_closed_is_listed_on_request(rastro, warehouse) -> None:
    warehouse.connection.execute("UPDATE rastro.quarantine SET resolved_at = now() WHERE quarantine_id = 1")
    warehouse.connection.commit()
    assert len(rastro()[1].splitlines()) == 2
    titles, *lines = rastro("--all")[1].decode().splitlines()
    assert titles.endswith("closed")
    assert [line.endswith("  –") for line in lines] == [False, True]


def test_a_body_comes_byte_for_byte_with_a_warning_beside_it(rastro) -> None:
    code, out, err = rastro("show", "1")
    assert (code, out) == (0, BODY)
    assert "may hold personal data" in err


@pytest.mark.parametrize(
    ("entry", "erased", "reason"),
    [("2", False, "no body was kept"), ("1", True, "its body was erased on"), ("9", False, "there is no entry 9")],
)
def test_where_there_is_no_body_it_is_said_why(rastro, warehouse, entry: str, *, erased: bool, reason: str) -> None:
    if erased:
        warehouse.connection.execute("UPDATE rastro.quarantine SET raw = NULL, erased_at = now()")
        warehouse.connection.commit()
    code, out, err = rastro("show", entry)
    assert (code, out, err.count("\n")) == (1, b"", 1)
    assert reason in err


@pytest.mark.parametrize("narrowed", [("retry", "--origin", "correios"), ("--origin", "correios", "retry")])
def test_a_retry_says_what_became_of_how_many(rastro, narrowed) -> None:
    code, out, _ = rastro(*narrowed)
    counts = {what.strip(): count for what, _, count in (line.rpartition(" ") for line in out.decode().splitlines())}
    assert code == 0
    assert (counts["entries"], counts["unknown"], counts["read"]) == ("1", "1", "0")


@pytest.mark.parametrize("wanted", ["1400120000001-01", "1400120000001-01 47/11", "qq100000017br"])
def test_what_is_in_quarantine_is_known_to_the_status_command(rastro, warehouse, capsysbinary, wanted: str) -> None:
    assert main(["status", "--dsn", warehouse.dsn, wanted]) == 0
    said = capsysbinary.readouterr().out.decode()
    assert "it is in quarantine since 20/11/2026 09:00" in said
    assert ": a line or two" in said
    assert "rastro quarantine retry --subject" in said


def test_an_order_that_only_begins_alike_is_not_known(rastro, warehouse) -> None:
    assert main(["status", "--dsn", warehouse.dsn, "1400120000001"]) == 1


def test_an_open_problem_names_the_order_that_is_in_quarantine(rastro, warehouse) -> None:
    conn = warehouse.connection
    rows = dict(conn.execute("SELECT subject, order_id FROM rastro.v_open_problem").fetchall())
    assert rows == {"QQ100000017BR": "", "1400120000001-01 47/11": "1400120000001-01"}
    shipment = Shipment(account="sql:erp", order_id="ERP-1", invoice_number="1", tracking_number="QQ100000017BR")
    routed = shipments.Routed(shipment=shipment, carrier="correios", why="by its form", reference="QQ100000017BR")
    shipments.merge(conn, [routed], AT, whole_packages=True)
    rows = dict(conn.execute("SELECT subject, order_id FROM rastro.v_open_problem WHERE problem LIKE 'quarantine%'"))
    assert rows["QQ100000017BR"] == "ERP-1"
    conn.rollback()
