"""Forecasts of each day, made from a warehouse's facts and kept there."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from chaos.hours import context_of
from papers import commands, statements
from rastro.cli import main
from rastro.errors import Permanent
from rastro.models import Window
from rastro.pipeline.forecast import forecast_deliveries, try_again
from rastro.pipeline.report import local_day
from rastro.warehouse import forecast, report
from rastro.working_days import calendars

pytestmark = pytest.mark.slow

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
MONDAY = date(2026, 3, 2)
TUESDAY = MONDAY + timedelta(days=8)
DAY = timedelta(days=1)
SHIPMENT = """
    INSERT INTO rastro.shipment (account, order_id, invoice_number, tracking_number, carrier, first_seen_at, updated_at)
    VALUES ('vtex:loja', %(order_id)s, '1', %(order_id)s, 'correios', %(at)s, %(at)s) RETURNING shipment_id
"""
FACT = """
    INSERT INTO rastro.delivery_fact (shipment_id, account, carrier, service, state_from, city_from, state_to, city_to,
        ordered_at, posted_at, first_attempt_at, delivered_at, ended_at, ended_as, status, promised_at, attempts,
        failed_on, silent_on, hours_in, notices, computed_at)
    VALUES (%(shipment_id)s, 'vtex:loja', 'correios', 'PAC', 'SP', 'SAO PAULO', 'RJ', 'NITEROI', %(ordered_at)s,
        %(posted_at)s, %(delivered_at)s, %(delivered_at)s, %(ended_at)s, %(ended_as)s, %(status)s, %(promised_at)s, 0,
        '{}', '{}', '{}', 0, %(posted_at)s)
"""
CHANGE = """
    INSERT INTO rastro.shipment_change (shipment_id, from_status, to_status, event_key, occurred_at, window_start,
        new_events, restated, first_contact, recorded_at, run_id)
    VALUES (%(shipment_id)s, 'in_transit', %(to)s, 'k', %(at)s, %(at)s, 1, 0, false, %(at)s, 'run')
"""


def noon(day: date | None) -> datetime | None:
    return datetime(day.year, day.month, day.day, 15, tzinfo=UTC) if day else None


@pytest.fixture
def conn(warehouse: Any) -> psycopg.Connection:
    report.replace_calendar(warehouse.connection, calendars(2025, 2027))
    report.note_reported(warehouse.connection, NOW)
    return warehouse.connection


def parcel(
    conn: psycopg.Connection,
    name: str,
    posted: date,
    delivered: date | None = None,
    *,
    promised: date | None = None,
    ended: tuple[date, str] | None = None,
    changes: dict[str, date] | None = None,
) -> int:
    row = conn.execute(SHIPMENT, {"order_id": name, "at": NOW}).fetchone()
    assert row
    ended_on, ended_as = ended or ((delivered, "delivered") if delivered else (None, ""))
    conn.execute(
        FACT,
        {
            "shipment_id": row[0], "ordered_at": noon(posted), "posted_at": noon(posted),
            "delivered_at": noon(delivered), "ended_at": noon(ended_on), "ended_as": ended_as,
            "status": ended_as or "in_transit", "promised_at": noon(promised),
        },
    )  # fmt: skip
    for status, day in (changes or {}).items():
        conn.execute(CHANGE, {"shipment_id": row[0], "to": status, "at": noon(day)})
    return int(row[0])


def past(conn: psycopg.Connection) -> None:
    """Of a hundred parcels that were posted on a Monday, sixty came on Wednesday and forty on Thursday."""
    for number in range(100):
        parcel(conn, f"past {number}", MONDAY, MONDAY + (2 if number < 60 else 3) * DAY)


def kept(conn: psycopg.Connection) -> list[Any]:
    with conn.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute("SELECT * FROM rastro.forecast ORDER BY day, shipment_id").fetchall()


def test_each_parcel_on_its_way_is_told_of_once_a_day_and_the_days_are_kept(conn: psycopg.Connection) -> None:
    past(conn)
    on_its_way = parcel(conn, "on its way", TUESDAY - DAY, promised=TUESDAY + DAY)
    figures = forecast_deliveries(conn, TUESDAY, NOW)
    assert (figures.parcels, figures.dated, figures.likely_late) == (1, 1, 0)
    (row,) = kept(conn)
    assert (row.shipment_id, row.day, row.promised_on) == (on_its_way, TUESDAY, TUESDAY + DAY)
    assert (row.median_on, row.p90_on) == (TUESDAY + DAY, TUESDAY + 2 * DAY)
    assert row.miss_probability == pytest.approx(0.4, abs=0.01)
    assert (row.lane_level, row.sample) == ("city", 101)
    forecast_deliveries(conn, TUESDAY, NOW + DAY)
    (again,) = kept(conn)
    assert again == row._replace(computed_at=NOW + DAY)
    forecast_deliveries(conn, TUESDAY + DAY, NOW)
    assert [(one.day, one.miss_probability) for one in kept(conn)][1:] == [(TUESDAY + DAY, 1)]
    forecast_deliveries(conn, TUESDAY + 401 * DAY, NOW)
    assert TUESDAY not in {one.day for one in kept(conn)}


def test_a_backfilled_day_is_told_of_by_what_was_known_then(conn: psycopg.Connection) -> None:
    past(conn)
    parcel(conn, "delivered since", TUESDAY - DAY, TUESDAY + 9 * DAY, promised=TUESDAY + DAY)
    parcel(conn, "posted since", TUESDAY + DAY, promised=TUESDAY + DAY)
    forecast_deliveries(conn, TUESDAY, NOW)
    (since,) = kept(conn)
    assert since.median_on == TUESDAY + DAY
    assert since.miss_probability == pytest.approx(0.4, abs=0.01)
    forecast_deliveries(conn, MONDAY + 2 * DAY, NOW)
    early = [one for one in kept(conn) if one.day == MONDAY + 2 * DAY]
    assert len(early) == 40, "those that came on Thursday were on their way on Wednesday"


def test_what_is_out_comes_sooner_and_what_turned_back_is_expected_no_longer(conn: psycopg.Connection) -> None:
    for number in range(60):
        parcel(conn, f"p{number}", MONDAY, MONDAY + 3 * DAY, changes={"out_for_delivery": MONDAY + 2 * DAY})
    way = parcel(conn, "way", TUESDAY - DAY)
    out = parcel(conn, "out", TUESDAY - DAY, changes={"out_for_delivery": TUESDAY})
    parcel(conn, "back", TUESDAY - DAY, changes={"returning": TUESDAY})
    parcel(conn, "lost", MONDAY, ended=(TUESDAY, "lost"))
    parcel(conn, "cancelled", MONDAY, ended=(TUESDAY, "cancelled"))
    forecast_deliveries(conn, TUESDAY, NOW)
    assert {one.shipment_id: one.median_on for one in kept(conn)} == {
        way: TUESDAY + 2 * DAY, out: TUESDAY + DAY,
    }  # fmt: skip


def test_without_history_a_parcel_is_told_of_honestly(conn: psycopg.Connection) -> None:
    parcel(conn, "first of all", TUESDAY, promised=TUESDAY + 3 * DAY)
    forecast_deliveries(conn, TUESDAY, NOW)
    (row,) = kept(conn)
    assert (row.median_on, row.p90_on) == (None, None)
    assert row.miss_probability in {None, 1}


def test_without_a_parcel_nothing_is_told(conn: psycopg.Connection) -> None:
    assert forecast_deliveries(conn, TUESDAY, NOW).parcels == 0
    assert kept(conn) == []


def test_without_a_calendar_it_says_what_to_do(warehouse: Any) -> None:
    with pytest.raises(Permanent, match="report_deliveries"):
        forecast_deliveries(warehouse.connection, TUESDAY, NOW)
    with pytest.raises(Permanent, match="report_deliveries"):
        try_again(warehouse.connection, [TUESDAY])


def test_analysts_see_the_newest_forecast_of_what_is_still_on_its_way(conn: psycopg.Connection) -> None:
    past(conn)
    late = parcel(conn, "late", TUESDAY - DAY, promised=TUESDAY)
    parcel(conn, "early", TUESDAY - DAY, promised=TUESDAY + 5 * DAY)
    arrived = parcel(conn, "arrived", TUESDAY - DAY, promised=TUESDAY + DAY)
    for day in (TUESDAY - DAY, TUESDAY):
        forecast_deliveries(conn, day, NOW)
    conn.execute("UPDATE rastro.delivery_fact SET ended_at = %s WHERE shipment_id = %s", [NOW, arrived])
    rows = forecast.likeliest_late(conn, 5)
    assert [(row.order_id, row.miss_probability) for row in rows] == [("late", 1), ("early", 0)]
    seen = conn.execute("SELECT DISTINCT day FROM rastro.v_forecast WHERE shipment_id = %s", [late]).fetchall()
    assert seen == [(TUESDAY,)]


def test_the_commands_of_the_page_list_what_will_be_late_and_try_it_on_days_gone_by(
    warehouse: Any, conn: Any, capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = [one.split()[1:] for one in commands("docs/forecast.md") if "--history" not in one]
    assert [one[1] for one in typed] == ["--most", "--backtest"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RASTRO_WAREHOUSE_DSN", warehouse.dsn)
    past(conn)
    parcel(conn, "late", TUESDAY - DAY, promised=TUESDAY)
    told_of = parcel(conn, "told of", TUESDAY - DAY, TUESDAY + DAY, promised=TUESDAY + DAY)
    conn.execute("INSERT INTO rastro.estimate VALUES (%s, %s, %s)", [told_of, noon(TUESDAY), noon(TUESDAY + 3 * DAY)])
    conn.commit()
    listed, tried = typed
    assert main(listed) == 1
    assert "no forecasts yet" in capsys.readouterr().err
    forecast_deliveries(conn, TUESDAY, NOW)
    conn.commit()
    assert main(listed) == 0
    assert "100%  late" in capsys.readouterr().out
    assert main(tried) == 0
    printed = capsys.readouterr().out
    assert "carrier's estimate" in printed
    assert "Calibration error" in printed
    assert (tmp_path / "forecast.svg").read_text("utf-8").startswith("<?xml")


def test_the_pages_questions_are_answered(conn: psycopg.Connection) -> None:
    past(conn)
    parcel(conn, "in doubt", TUESDAY - 2 * DAY, promised=TUESDAY + DAY)
    for number in range(40):
        parcel(conn, f"stuck {number}", TUESDAY - 8 * DAY, promised=TUESDAY + DAY)
    forecast_deliveries(conn, TUESDAY, NOW)
    conn.execute("UPDATE rastro.delivery_fact SET on_time = false WHERE promised_at IS NOT NULL")
    likely, by_lane, said = (conn.execute(one).fetchall() for one in statements("docs/forecast.md"))
    assert len(likely) == 40
    assert [row[:4] for row in by_lane] == [("correios", "PAC", "RJ", 41)]
    assert (sum(forecasts for _, forecasts, _ in said), {missed for _, _, missed in said}) == (41, {1})


def test_a_run_of_a_day_forecasts_it_and_one_in_between_only_what_is_missing(shop: Any) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    from rastro.orchestration.forecast_tasks import forecast_deliveries as body
    from rastro.orchestration.report_tasks import make_report

    shop.orders("delivered", parcels=4)
    assert not shop.hour().failures
    now = datetime.now(UTC)
    in_between = context_of(Window(start=now - DAY, end=now), now, run_type="asset_triggered")
    make_report("report", in_between)
    shop.execute("UPDATE rastro.delivery_fact SET ordered_at = now() - interval '5 days', posted_at = NULL")
    assert body("first", in_between) == {"parcels": 4, "dated": 0, "likely_late": 0}
    with pytest.raises(AirflowSkipException, match="already"):
        body("again", in_between)
    midnight = datetime(now.year, now.month, now.day, 3, tzinfo=UTC)
    of_a_day = context_of(Window(start=midnight - 3 * DAY, end=midnight - 2 * DAY), now)
    assert body("backfilled", of_a_day)["parcels"] == 4
    days = [row.day for row in shop.ask("SELECT DISTINCT day FROM rastro.forecast ORDER BY day")]
    assert days == [(midnight - 3 * DAY).date(), local_day(now) - DAY]
    figures = shop.ask("SELECT figures FROM rastro.run_stage WHERE stage = 'forecast_deliveries' ORDER BY started_at")
    assert len(figures) == 2
