"""When carriers have news: learnt from the warehouse once a day, and heeded by the next look."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from rastro.habits import SILENCE, WEEK, along
from rastro.models import Window
from rastro.pipeline import learn_habits
from rastro.warehouse import habits, polls

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

PARCELS = """
    WITH source AS (
        INSERT INTO rastro.source (account, writes_back, own_mail, synced_until)
        VALUES ('vtex:loja', true, true, %(now)s)
    ), asked AS (
        INSERT INTO rastro.poll_state (carrier, reference, status, quiet_since, next_poll_at)
        SELECT %(carrier)s, 'N' || n, 'in_transit', %(now)s, %(now)s FROM generate_series(1, %(parcels)s) AS n
        RETURNING poll_id, carrier, reference
    )
    INSERT INTO rastro.shipment (account, order_id, invoice_number, tracking_number, carrier, poll_id, first_seen_at,
        updated_at)
    SELECT 'vtex:loja', reference, '1', reference, carrier, poll_id, %(now)s - interval '10 days', %(now)s FROM asked
"""
EVENT = """
    INSERT INTO rastro.tracking_event (shipment_id, occurred_at, event_key, position, status, standing, code,
        description, recorded_at)
    SELECT shipment_id, %(at)s, %(code)s, 0, %(status)s, %(standing)s, %(code)s, '', %(recorded)s FROM rastro.shipment
    WHERE carrier = %(carrier)s
"""


@pytest.fixture
def conn(warehouse: Any) -> psycopg.Connection:
    warehouse.connection.execute("SELECT rastro.make_event_partitions(%s, 5)", [(NOW - 60 * DAY).date()])
    return warehouse.connection


def parcels(conn: psycopg.Connection, carrier: str, count: int) -> None:
    conn.execute(PARCELS, {"carrier": carrier, "parcels": count, "now": NOW})


def told(conn: psycopg.Connection, carrier: str, code: str, at: datetime, **more: object) -> None:
    conn.execute(
        EVENT, {"carrier": carrier, "code": code, "at": at, "recorded": NOW, "status": "in_transit",
                "standing": "effective", **more}
    )  # fmt: skip


def test_a_carrier_teaches_by_each_of_its_codes_and_once_a_day(conn: psycopg.Connection) -> None:
    parcels(conn, "correios", 600)
    told(conn, "correios", "PO 01", NOW - 9 * DAY)
    told(conn, "correios", "RO 01", NOW - 9 * DAY + 12 * HOUR)
    told(conn, "correios", "XX 99", NOW - 9 * DAY + 13 * HOUR, standing="withdrawn")
    told(conn, "correios", "BDE 01", NOW - 8 * DAY, status="delivered")
    learnt = learn_habits.once_a_day(conn, NOW)
    assert learnt is not None
    assert set(learnt) == {"correios"}
    assert set(learnt["correios"]) == {"", "PO 01", "RO 01"}
    posted = learnt["correios"]["PO 01"]
    nine_in_the_evening = 21 + 24 * (NOW - 9 * DAY).weekday()
    assert posted.news(12, nine_in_the_evening) > 0.5
    assert posted.news(3, nine_in_the_evening - 9) < 0.01
    kept = habits.read(conn, "correios")["correios"]["PO 01"]
    assert kept.by_hour == pytest.approx(posted.by_hour, rel=1e-5)
    assert kept.by_silence == pytest.approx(posted.by_silence, rel=1e-5)
    assert kept.by_both == pytest.approx(posted.by_both, rel=1e-5)
    assert learn_habits.once_a_day(conn, NOW + 22 * HOUR) is None
    assert set(learn_habits.once_a_day(conn, NOW + 24 * HOUR) or ()) == {"correios"}


def test_a_carrier_teaches_by_lane_too(conn: psycopg.Connection) -> None:
    parcels(conn, "correios", 600)
    conn.execute("""
        UPDATE rastro.shipment SET service = CASE WHEN shipment_id % 2 = 0 THEN 'SEDEX' ELSE '' END,
            state_to = CASE shipment_id % 3 WHEN 0 THEN 'AM' WHEN 1 THEN 'sp' ELSE '' END
    """)
    told(conn, "correios", "PO 01", NOW - 9 * DAY)
    told(conn, "correios", "RO 01", NOW - 9 * DAY + 12 * HOUR)
    learn_habits.once_a_day(conn, NOW)
    lanes = {"", "AM", "AM SEDEX", "SP", "SP SEDEX"}
    assert set(habits.read(conn, "correios")["correios"]) == {
        along(step, lane) for step in ("", "PO 01", "RO 01") for lane in lanes
    } - {along("RO 01", lane) for lane in lanes - {""}}
    conn.execute("UPDATE rastro.shipment SET promised_at = %s WHERE state_to = 'AM'", [NOW + DAY])
    part = polls.Slice(carrier="correios", first=0, last=10**9, size=600)
    window = Window(start=NOW - HOUR, end=NOW)
    turn = polls.due_in_turn(conn, part, window, NOW)
    due = polls.claim_due(conn, part, turn, window, now=NOW, lease_until=NOW + HOUR)
    assert {one.lane for one in due} == lanes
    assert {one.promised_at for one in due if one.lane.startswith("AM")} == {NOW + DAY}
    assert {one.promised_at for one in due if not one.lane.startswith("AM")} == {None}


def test_few_parcels_teach_nothing_and_are_not_read_again_in_every_run(conn: psycopg.Connection) -> None:
    parcels(conn, "correios", 3)
    told(conn, "correios", "PO 01", NOW - 9 * DAY)
    assert learn_habits.once_a_day(conn, NOW) == {"correios": {}}
    assert habits.read(conn) == {}
    assert learn_habits.once_a_day(conn, NOW + HOUR) is None


def test_a_line_that_is_dated_and_not_timed_counts_for_the_time_at_which_it_was_learnt(
    conn: psycopg.Connection,
) -> None:
    midnight = datetime(2026, 11, 12, 3, tzinfo=UTC)
    parcels(conn, "patrus", 600)
    told(conn, "patrus", "1", NOW - 9 * DAY)
    told(conn, "patrus", "2", midnight, recorded=midnight + 9 * HOUR)
    learnt = learn_habits.once_a_day(conn, NOW)
    assert learnt is not None
    thursday = 3 * 24
    by_hour = learnt["patrus"]["1"].by_hour
    assert by_hour[thursday + 9] > 10
    assert by_hour[thursday] < 1.5


def test_the_next_look_heeds_what_was_learnt(shop: Any) -> None:
    shop.orders("delivered", parcels=4)
    shop.configure(poll_every="60m")
    first = shop.hour()
    assert not first.failures
    steps = shop.ask("SELECT DISTINCT step FROM rastro.poll_state WHERE answered_at IS NOT NULL")
    assert any(row.step for row in steps)
    newest = shop.ask("""
        SELECT p.step, (SELECT e.code FROM rastro.tracking_event e JOIN rastro.shipment s USING (shipment_id)
            WHERE s.poll_id = p.poll_id AND e.standing = 'effective'
            ORDER BY e.occurred_at DESC, e.position DESC LIMIT 1) AS code
        FROM rastro.poll_state p WHERE p.loaded_at IS NOT NULL AND p.step <> ''
    """)
    assert newest
    assert all(row.step == row.code for row in newest)
    with psycopg.connect(shop.warehouse) as conn:
        for row in steps:
            conn.execute(
                "INSERT INTO rastro.habit VALUES ('correios', %s, %s, %s)",
                [row.step, [0.001] * (len(SILENCE) + 1), [1.0] * WEEK],
            )
        conn.execute(
            "UPDATE rastro.poll_state SET next_poll_at = now(), answered_at = now() - interval '2 hours',"
            " estimated_at = NULL"
        )
    second = shop.hour()
    assert not second.failures
    waits = shop.ask(
        "SELECT next_poll_at - answered_at AS wait FROM rastro.poll_state WHERE status NOT IN ('delivered')"
    )
    assert waits
    assert all(23 * HOUR <= row.wait <= 24 * HOUR for row in waits), waits
