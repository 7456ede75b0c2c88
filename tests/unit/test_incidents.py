"""What the data team is alerted of, worked out."""

from datetime import UTC, datetime, timedelta

from rastro.incidents import LONGEST, Kind, failed, late, silent, waiting
from rastro.metrics import Silence
from stack.state import REPOSITORY

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_carrier_that_is_silent_against_its_habit_is_told_of_and_no_other() -> None:
    silences = [
        Silence(carrier="correios", span=8 * HOUR, missing=40.4),
        Silence(carrier="jadlog", span=8 * HOUR, missing=1.0),
        Silence(carrier="ups", span=8 * HOUR, missing=40.0),
    ]
    (one,) = silent(silences, {"correios", "jadlog"}, 6 * HOUR, NOW)
    assert (one.kind, one.subject, one.began_at) == (Kind.CARRIER_SILENT, "correios", NOW - 8 * HOUR)
    assert one.said == "correios has had no news for 8.0 h; by its habit of four weeks it would have had 40"


def test_a_notice_that_has_waited_over_an_hour_is_told_of() -> None:
    oldest = {"email": 3600.0, "order": 3601.0, "alert": 90_000.0}
    (one,) = waiting(oldest, {"email", "order"}, NOW)
    assert (one.kind, one.subject) == (Kind.NOTICE_WAITS, "order")


def test_a_failed_run_is_told_of_part_by_part_and_names_no_order_and_no_person() -> None:
    troubles = [
        ("track correios", "correios: GET answered 403"),
        ("update_orders vtex:loja", "vtex:loja: order 1400120000001-01 of ana.jasmim@cliente.example: " + "x" * 999),
    ]
    one, two = failed("scheduled__1", "track_deliveries", troubles, NOW)
    assert (one.subject, one.said) == ("track correios", "track correios: correios: GET answered 403")
    assert "1400120000001" not in two.said
    assert "jasmim" not in two.said
    assert len(two.said) < LONGEST + 50


def test_a_run_that_failed_without_a_record_is_told_of_all_the_same() -> None:
    (one,) = failed("scheduled__1", "track_deliveries", [], NOW)
    assert (one.subject, "without a record" in one.said) == ("track_deliveries", True)


def test_every_kind_points_to_a_runbook_that_exists() -> None:
    pages = {one: late("r", "d", NOW).text.replace("run-late", one.replace("_", "-")).split("do: ")[1] for one in Kind}
    assert len(pages) == 4
    assert all((REPOSITORY / page).is_file() for page in pages.values())
