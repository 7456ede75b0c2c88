"""Facts of deliveries and days of lanes, beside small parcels that were worked out by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count, permutations
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import pytest
from psycopg.rows import dict_row, namedtuple_row

from rastro.models import Event, Snapshot, Status, Window
from rastro.pipeline.load import load
from rastro.pipeline.report import Figures, make_report
from rastro.settings import settings_from

pytestmark = pytest.mark.slow

HERE = ZoneInfo("America/Sao_Paulo")
ACCOUNT = "vtex:loja"
DAY = timedelta(days=1)
ADD_SHIPMENT = """
    INSERT INTO rastro.shipment (account, order_id, invoice_number, tracking_number, carrier, service, promised_at,
        ordered_at, first_seen_at, updated_at, city_to, state_to, skip)
    VALUES (%s, %s, %s, %s, %s, 'PAC', %s, %s, %s, %s, 'São Simão', %s, %s) RETURNING shipment_id
"""
ADD_SCAN = """
    INSERT INTO rastro.tracking_event (shipment_id, occurred_at, event_key, position, status, standing, code,
        description, city, state, country, recorded_at)
    VALUES (%s, %s, %s, %s, %s, %s, '', '', %s, %s, 'BR', %s)
"""
DECIDE = """
    UPDATE rastro.shipment_state t
    SET changed_at = %(at)s, status = coalesce(nullif(%(status)s, ''), e.status, 'unknown'), status_at = e.occurred_at,
        delivered_at = CASE WHEN e.status = 'delivered' THEN e.occurred_at END
    FROM (VALUES (1)) AS one LEFT JOIN (
        SELECT status, occurred_at FROM rastro.tracking_event
        WHERE shipment_id = %(id)s AND standing = 'effective' ORDER BY occurred_at DESC, position DESC LIMIT 1
    ) AS e ON true
    WHERE t.shipment_id = %(id)s
"""
ADD_CHANGE = """
    INSERT INTO rastro.shipment_change (shipment_id, from_status, to_status, event_key, window_start, new_events,
        restated, first_contact, recorded_at, run_id)
    VALUES (%s, '', '', '', %s, 1, 0, false, %s, 'run')
"""
ADD_NOTICE = """
    INSERT INTO rastro.notice (shipment_id, channel, kind, content, target, state, event_at, owed_at, not_before,
        settled_at, run_id)
    VALUES (%s, 'email', %s, '', %s, %s, %s, %s, %s, %s, 'run')
"""
_numbers = count(1)


def at(text: str) -> datetime:
    """``03-02 09:00`` by the clock of São Paulo, in 2026. 2 March 2026 is a Monday."""
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=HERE)


NOW = at("04-01 12:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """
    A parcel of Correios from Recife to Campinas, unless told otherwise.

    ``scans``: ``03-02 09:00 status`` or ``03-02 09:00 status standing``.
    """

    scans: Sequence[str]
    promised: str = ""
    status: str = ""
    carrier: str | None = "correios"
    state_to: str = "SP"
    order_id: str = ""
    skip: str = ""
    fact: Mapping[str, object] = field(default_factory=dict)


def add(conn: psycopg.Connection[Any], parcel: Parcel, recorded_at: datetime | None = None) -> int:
    """The shipment with its events and its state as a load would leave them; its number."""
    number = next(_numbers)
    known = recorded_at or NOW - timedelta(hours=12)
    (shipment_id,) = conn.execute(
        ADD_SHIPMENT,
        [
            ACCOUNT, parcel.order_id or f"O-{number}", str(number), f"N-{number}", parcel.carrier,
            at(parcel.promised) if parcel.promised else None, at("02-20 10:00"), at("02-20 11:00"), known,
            parcel.state_to, parcel.skip,
        ],
    ).fetchone()  # type: ignore[misc]  # fmt: skip
    conn.execute("INSERT INTO rastro.shipment_state (shipment_id, changed_at) VALUES (%s, %s)", [shipment_id, known])
    scan(conn, shipment_id, *parcel.scans, recorded_at=known, status=parcel.status)
    return int(shipment_id)


def scan(conn: psycopg.Connection[Any], shipment_id: int, *scans: str, recorded_at: datetime, status: str = "") -> None:
    """More scans, and the state that the newest effective one decides."""
    conn.execute("SELECT rastro.make_event_partitions('2026-02-01', 3)")
    for position, told in enumerate(scans):
        day, hour, is_now, *standing = told.split()
        conn.execute(
            ADD_SCAN,
            [
                shipment_id, at(f"{day} {hour}"), told, position, is_now, standing[0] if standing else "effective",
                "Jaboatão" if position == 0 else "Campinas", "PE" if position == 0 else "SP", recorded_at,
            ],
        )  # fmt: skip
    conn.execute(
        DECIDE,
        {"id": shipment_id, "at": recorded_at, "status": status},
    )
    conn.execute(
        ADD_CHANGE,
        [shipment_id, recorded_at, recorded_at],
    )


def fact_of(conn: psycopg.Connection[Any], shipment_id: int) -> dict[str, Any]:
    found = conn.cursor(row_factory=dict_row).execute(
        "SELECT * FROM rastro.delivery_fact WHERE shipment_id = %s", [shipment_id]
    )
    return found.fetchone() or {}


def days_of(conn: psycopg.Connection[Any]) -> dict[date, Any]:
    """By day, where there is one lane."""
    rows = conn.cursor(row_factory=namedtuple_row).execute("SELECT * FROM rastro.v_carrier_day ORDER BY day").fetchall()
    assert len(rows) == len({row.day for row in rows})
    return {row.day: row for row in rows}


def march(day: int) -> date:
    return date(2026, 3, day)


PARCELS = {
    "posted on Friday and delivered on Tuesday over a weekend": Parcel(
        scans=["03-06 10:00 in_transit", "03-09 08:00 out_for_delivery", "03-10 10:00 delivered"],
        promised="03-10 23:59",
        fact={
            "posted_at": at("03-06 10:00"),
            "first_scan_at": at("03-06 10:00"),
            "first_attempt_at": at("03-10 10:00"),
            "delivered_at": at("03-10 10:00"),
            "ended_as": "delivered",
            "transit_working_days": 2,
            "attempt_working_days": 2,
            "on_time": True,
            "days_late": 0,
            "attempts": 1,
            "state_from": "PE",
            "city_from": "JABOATAO",
            "city_to": "SAO SIMAO",
            "transit_days": 4,
            "hours_in": {"in_transit": 70, "out_for_delivery": 26},
        },
    ),
    "announced before it is posted": Parcel(
        scans=["03-02 10:00 info_received", "03-04 10:00 in_transit", "03-05 10:00 delivered"],
        fact={
            "first_scan_at": at("03-02 10:00"),
            "posted_at": at("03-04 10:00"),
            "state_from": "SP",
            "on_time": None,
            "days_late": None,
            "transit_working_days": 1,
        },
    ),
    "over the Carnival of its carrier and a national holiday": Parcel(
        scans=["02-13 10:00 in_transit", "02-18 10:00 delivered"],  # Friday; Monday and Tuesday are Carnival
        fact={"transit_working_days": 1, "transit_days": 5},
    ),
    "over Carnival with a carrier that works then": Parcel(
        scans=["02-13 10:00 in_transit", "02-18 10:00 delivered"],
        carrier="jadlog",
        fact={"transit_working_days": 3},
    ),
    "over a holiday of the state of destination": Parcel(  # 6 March: the Revolution of Pernambuco, a Friday
        scans=["03-05 10:00 in_transit", "03-09 10:00 delivered"],
        state_to="pe",
        fact={"transit_working_days": 1, "state_to": "PE"},
    ),
    "over that day in a state without it": Parcel(
        scans=["03-05 10:00 in_transit", "03-09 10:00 delivered"],
        state_to="SP",
        fact={"transit_working_days": 2},
    ),
    "to a state that there is not": Parcel(
        scans=["03-05 10:00 in_transit", "03-09 10:00 delivered"],
        state_to="EX",
        fact={"transit_working_days": 2},
    ),
    "delivered on a Saturday": Parcel(
        scans=["03-06 10:00 in_transit", "03-07 10:00 delivered"],
        promised="03-06 18:00",
        fact={"transit_working_days": 0, "on_time": False, "days_late": 0},
    ),
    "tried twice in vain, the first time within the promise": Parcel(
        scans=[
            "03-02 10:00 in_transit",
            "03-04 09:00 delivery_failed",
            "03-04 15:00 delivery_failed",
            "03-05 09:00 delivery_failed",
            "03-06 09:00 delivered",
        ],
        promised="03-04 20:00",
        fact={
            "on_time": True,
            "days_late": 0,
            "attempts": 3,
            "failed_on": [march(4), march(5)],
            "first_attempt_at": at("03-04 09:00"),
            "attempt_working_days": 2,
            "transit_working_days": 4,
            "hours_in": {"in_transit": 47, "delivery_failed": 48},
        },
    ),
    "ready to be collected within the promise": Parcel(
        scans=["03-02 10:00 in_transit", "03-04 09:00 ready_for_pickup", "03-09 09:00 delivered"],
        promised="03-04 00:10",
        fact={"on_time": True, "attempts": 1, "attempt_working_days": 2, "transit_working_days": 5, "failed_on": []},
    ),
    "three working days late": Parcel(
        scans=["03-02 10:00 in_transit", "03-09 09:00 delivered"],
        promised="03-04 12:00",
        fact={"on_time": False, "days_late": 3},
    ),
    "late by the last minute before midnight, which is the next day in UTC": Parcel(
        scans=["03-02 10:00 in_transit", "03-04 23:59 delivered"],
        promised="03-04 00:00",
        fact={"on_time": True, "transit_working_days": 2},
    ),
    "late by the first minute after midnight": Parcel(
        scans=["03-02 10:00 in_transit", "03-05 00:01 delivered"],
        promised="03-04 23:59",
        fact={"on_time": False, "days_late": 1, "transit_working_days": 3},
    ),
    "delivered by its first scan": Parcel(
        scans=["03-03 10:00 delivered"],
        fact={
            "posted_at": at("03-03 10:00"),
            "transit_days": 0,
            "transit_working_days": 0,
            "hours_in": {},
            "attempts": 1,
        },
    ),
    "returned after a failed attempt": Parcel(
        scans=[
            "03-02 10:00 in_transit",
            "03-05 09:00 delivery_failed",
            "03-06 09:00 returning",
            "03-10 09:00 returned",
        ],
        promised="03-05 09:00",
        fact={
            "ended_as": "returned",
            "ended_at": at("03-10 09:00"),
            "delivered_at": None,
            "transit_days": None,
            "on_time": True,
            "attempts": 1,
        },
    ),
    "lost on its way": Parcel(
        scans=["03-02 10:00 in_transit", "03-12 09:00 lost"],
        promised="03-06 10:00",
        fact={"ended_as": "lost", "on_time": False, "days_late": 4, "first_attempt_at": None, "attempts": 0},
    ),
    "cancelled before it was posted": Parcel(
        scans=["03-02 10:00 info_received", "03-03 10:00 cancelled"],
        promised="03-06 10:00",
        fact={"ended_as": "cancelled", "on_time": None, "posted_at": None},
    ),
    "on its way with a promise that is over": Parcel(
        scans=["03-27 10:00 in_transit"],
        promised="03-31 10:00",
        fact={
            "on_time": False,
            "days_late": None,
            "ended_as": "",
            "ended_at": None,
            "status": "in_transit",
            "hours_in": {},
        },
    ),
    "on its way with a promise for today": Parcel(
        scans=["03-27 10:00 in_transit"],
        promised="04-01 01:00",
        fact={"on_time": None, "days_late": None},
    ),
    "never heard of": Parcel(
        scans=[],
        promised="03-06 10:00",
        fact={"first_scan_at": None, "on_time": None, "status": "unknown", "state_from": "", "attempts": 0},
    ),
    "without a carrier": Parcel(scans=[], carrier=None, fact={"carrier": ""}),
    "with scans that do not count": Parcel(
        scans=[
            "02-25 10:00 in_transit foreign",
            "03-02 10:00 in_transit",
            "03-03 10:00 delivered voided",
            "03-04 09:00 delivery_failed withdrawn",
            "03-05 08:00 in_transit informative",
            "03-05 10:00 delivered",
        ],
        fact={
            "posted_at": at("03-02 10:00"),
            "first_attempt_at": at("03-05 10:00"),
            "attempts": 1,
            "failed_on": [],
            "hours_in": {"in_transit": 72},
            "transit_working_days": 3,
        },
    ),
    "explained by nobody at first": Parcel(
        scans=["03-02 10:00 unknown", "03-03 10:00 in_transit", "03-04 10:00 delivered"],
        fact={
            "first_scan_at": at("03-02 10:00"),
            "posted_at": at("03-03 10:00"),
            "hours_in": {"unknown": 24, "in_transit": 24},
        },
    ),
}


def test_the_table_names_facts() -> None:
    assert len(PARCELS) > 20
    assert all(one.fact for one in PARCELS.values())


def test_each_fact_is_what_a_person_works_out(warehouse: Any) -> None:
    conn = warehouse.connection
    ids = {name: add(conn, parcel) for name, parcel in PARCELS.items()}
    done = make_report(conn, None, NOW)
    assert done.facts == done.parcels == len(PARCELS)
    wrong = {
        (name, column): (fact[column], wanted)
        for name, parcel in PARCELS.items()
        for fact in [fact_of(conn, ids[name])]
        for column, wanted in parcel.fact.items()
        if fact[column] != wanted
    }
    assert wrong == {}


def test_two_parcels_of_an_order_are_two_facts_and_one_that_is_not_followed_is_none(warehouse: Any) -> None:
    conn = warehouse.connection
    first = add(conn, Parcel(scans=["03-02 10:00 in_transit", "03-03 10:00 delivered"], order_id="O-two"))
    second = add(conn, Parcel(scans=["03-02 10:00 in_transit"], order_id="O-two"))
    skipped = add(conn, Parcel(scans=["03-02 10:00 in_transit"], skip="return"))
    assert make_report(conn, None, NOW).facts == 2
    assert (fact_of(conn, first)["status"], fact_of(conn, second)["status"]) == ("delivered", "in_transit")
    assert fact_of(conn, skipped) == {}


def test_days_without_a_scan_are_silent_from_the_sixth_working_day_to_the_day_before_the_next(warehouse: Any) -> None:
    conn = warehouse.connection
    # Monday; five working days later it is Monday 9, the sixth is Tuesday 10.
    found = add(conn, Parcel(scans=["03-02 10:00 in_transit", "03-13 10:00 delivered"]))
    still = add(conn, Parcel(scans=["03-02 10:00 in_transit"]))
    brief = add(conn, Parcel(scans=["03-02 10:00 in_transit", "03-10 10:00 in_transit", "03-12 10:00 delivered"]))
    announced = add(
        conn, Parcel(scans=["03-02 10:00 info_received", "03-20 10:00 in_transit", "03-21 10:00 delivered"])
    )
    make_report(conn, None, NOW)
    told = dict(conn.execute("SELECT shipment_id, silent_on::text FROM rastro.delivery_fact").fetchall())
    assert told == {
        found: "{[2026-03-10,2026-03-13)}", still: "{[2026-03-10,)}", brief: "{}", announced: "{}",
    }  # fmt: skip
    days = days_of_state(conn, "2026-03-12")
    assert (days.pending, days.silent) == (2, 2)
    days = days_of_state(conn, "2026-03-09")
    assert (days.pending, days.silent) == (3, 0)


def days_of_state(conn: psycopg.Connection[Any], day: str) -> Any:
    """What was counted on a day over all lanes."""
    return (
        conn.cursor(row_factory=namedtuple_row)
        .execute(
            "SELECT sum(posted) AS posted, sum(pending) AS pending, sum(silent) AS silent, sum(delivered) AS delivered"
            " FROM rastro.carrier_day WHERE day = %s",
            [day],
        )
        .fetchone()
    )


def test_a_day_of_a_lane_counts_what_happened_on_it(warehouse: Any) -> None:
    conn = warehouse.connection
    for parcel in (
        Parcel(scans=["03-02 10:00 in_transit", "03-04 10:00 delivered"], promised="03-04 10:00"),
        Parcel(scans=["03-02 11:00 in_transit", "03-04 10:00 delivered"], promised="03-03 10:00"),
        Parcel(scans=["03-02 23:59 in_transit", "03-05 10:00 delivered"], promised="03-10 10:00"),
        Parcel(scans=["03-02 12:00 in_transit", "03-03 10:00 delivery_failed", "03-05 10:00 returned"]),
        Parcel(scans=["03-02 12:00 in_transit", "03-05 10:00 lost"], promised="03-03 23:00"),
    ):
        add(conn, parcel)
    make_report(conn, None, NOW)
    days = days_of(conn)
    assert {day: (row.posted, row.attempted, row.delivered, row.pending) for day, row in days.items()} == {
        march(2): (5, 0, 0, 5), march(3): (0, 1, 0, 5), march(4): (0, 2, 2, 3), march(5): (0, 1, 1, 0),
        march(10): (0, 0, 0, 0),
    }  # fmt: skip
    assert {day: (row.on_time, row.on_time_known) for day, row in days.items() if row.on_time_known} == {
        march(3): (0, 2), march(4): (1, 1), march(10): (1, 1),
    }  # fmt: skip
    assert (days[march(3)].failed_attempts, days[march(3)].failed_share, days[march(4)].failed_share) == (1, 1, 0)
    last = days[march(5)]
    assert (last.lost, last.returned, last.lost_share) == (1, 1, pytest.approx(1 / 3))
    assert (days[march(4)].transit_p50, days[march(4)].transit_p90, days[march(2)].transit_p50) == (2, 2, None)
    assert (last.carrier, last.service, last.state_from, last.state_to, last.city_to) == (
        "correios", "PAC", "PE", "SP", "SAO SIMAO",
    )  # fmt: skip


def test_percentiles_lie_between_the_days_that_there_were(warehouse: Any) -> None:
    conn = warehouse.connection
    for posted in ("03-02", "03-03", "03-04", "03-05"):  # 4, 3, 2 and 1 working days to Friday 6
        add(conn, Parcel(scans=[f"{posted} 10:00 in_transit", "03-06 10:00 delivered"]))
    make_report(conn, None, NOW)
    friday = days_of(conn)[march(6)]
    assert (friday.transit_p50, friday.transit_p90) == (2.5, pytest.approx(3.7))


@pytest.mark.parametrize(
    ("kept", "known", "low", "high"),
    [
        (0, 0, None, None),
        # By hand, z = 1.96: centre (k + z²/2) / (n + z²), half width z·√(k(n−k)/n + z²/4) / (n + z²).
        (1, 1, 0.2065, 1.0),
        (0, 10, 0.0, 0.2775),
        (8, 10, 0.4902, 0.9433),
        (90, 100, 0.8256, 0.9448),
    ],
)
def test_the_interval_is_wilsons(warehouse: Any, kept: int, known: int, low: float | None, high: float | None) -> None:
    asked = [kept, known, kept, known]
    found = warehouse.connection.execute(
        "SELECT rastro.wilson_low(%s, %s), rastro.wilson_high(%s, %s)", asked
    ).fetchone()
    assert found == (pytest.approx(low, abs=5e-5) if known else None, pytest.approx(high, abs=5e-5) if known else None)


def test_estimates_and_notices_of_a_parcel(warehouse: Any) -> None:
    conn = warehouse.connection
    one = add(conn, Parcel(scans=["03-02 10:00 in_transit"]))
    for told, expected in (("03-02 11:00", "03-06 10:00"), ("03-05 11:00", "03-10 10:00")):
        conn.execute("INSERT INTO rastro.estimate VALUES (%s, %s, %s)", [one, at(told), at(expected)])
    for kind, state, settled in (
        ("in_transit", "sent", at("03-02 12:00")),
        ("delivered", "sent", at("03-06 12:00")),
        ("on_hold", "dropped", NOW),
    ):
        conn.execute(
            ADD_NOTICE,
            [one, kind, ACCOUNT, state, NOW, NOW, NOW, settled],
        )
    make_report(conn, None, NOW)
    fact = fact_of(conn, one)
    assert (fact["first_estimate_at"], fact["last_estimate_at"]) == (at("03-06 10:00"), at("03-10 10:00"))
    assert (fact["notices"], fact["first_notice_at"], fact["last_notice_at"]) == (
        2,
        at("03-02 12:00"),
        at("03-06 12:00"),
    )


# Days reported in any order, and again


def rows(conn: psycopg.Connection[Any]) -> tuple[list[Any], list[Any]]:
    """All facts and all days, but for when they were worked out."""
    return tuple(
        sorted(row for (row,) in conn.execute(f"SELECT (to_jsonb(t) - 'computed_at')::text FROM rastro.{table} t"))
        for table in ("delivery_fact", "carrier_day")
    )  # type: ignore[return-value]


def day(number: int) -> Window:
    begun = at(f"03-{number:02} 00:00")
    return Window(start=begun, end=begun + DAY)


DAYS = (16, 17, 18)


def lived(conn: psycopg.Connection[Any]) -> None:
    """Parcels that were first reported on the 15th, and went on for three days that were not."""
    early = at("03-15 12:00")
    ids = [
        add(conn, Parcel(scans=["03-12 10:00 in_transit"], promised=promise, carrier=carrier), recorded_at=early)
        for promise in ("03-16 10:00", "03-17 10:00", "")
        for carrier in ("correios", "jadlog")
    ]
    make_report(conn, None, early)
    scan(conn, ids[0], "03-16 09:00 delivery_failed", recorded_at=at("03-16 10:00"))
    scan(conn, ids[0], "03-17 09:00 delivered", recorded_at=at("03-17 10:00"))
    scan(conn, ids[1], "03-17 23:30 delivered", recorded_at=at("03-18 00:30"))
    scan(conn, ids[2], "03-13 09:00 in_transit", "03-18 09:00 returned", recorded_at=at("03-18 10:00"))
    conn.execute(  # what was told on the 15th is taken back on the 17th
        "UPDATE rastro.tracking_event SET standing = 'withdrawn', restated_at = %s WHERE shipment_id = %s",
        [early, ids[3]],
    )
    scan(conn, ids[3], "03-14 12:00 in_transit", recorded_at=at("03-17 09:00"))
    conn.execute(
        "UPDATE rastro.shipment SET skip = 'return', updated_at = %s WHERE shipment_id = %s",
        [at("03-16 11:00"), ids[4]],
    )
    add(conn, Parcel(scans=["03-17 08:00 in_transit"], state_to="BA"), recorded_at=at("03-17 09:00"))


def test_days_reported_in_any_order_and_twice_come_to_the_same_rows(warehouse: Any) -> None:
    conn, now = warehouse.connection, at("03-19 01:00")
    lived(conn)
    conn.execute("SAVEPOINT lived")
    ends = []
    for order in permutations(DAYS):
        for number in (*order, order[0]):
            make_report(conn, day(number), now)
        ends.append(rows(conn))
        conn.execute("ROLLBACK TO SAVEPOINT lived")
    assert len(ends) == 6
    assert all(end == ends[0] for end in ends)
    conn.execute("DELETE FROM rastro.reported")
    make_report(conn, None, now)  # everything at once, as where there was no report before
    facts, days = rows(conn)
    assert facts == ends[0][0]
    today = '"day": "2026-03-19"'
    assert [row for row in days if today not in row] == [row for row in ends[0][1] if today not in row]
    assert facts
    assert len(days) > 10


def test_a_report_again_writes_nothing_else(warehouse: Any) -> None:
    conn, now = warehouse.connection, at("03-18 11:00")
    lived(conn)
    make_report(conn, None, now)
    before = rows(conn)
    again = make_report(conn, None, now)
    assert rows(conn) == before
    assert again.parcels > 0, "what lies near the last report is looked at once more"


def test_a_report_without_a_span_takes_up_where_the_last_one_was(warehouse: Any) -> None:
    conn = warehouse.connection
    lived(conn)
    make_report(conn, None, at("03-19 01:00"))
    upto_date = rows(conn)
    conn.execute("DELETE FROM rastro.reported")
    make_report(conn, None, at("03-19 01:00"))
    assert rows(conn) == upto_date
    assert make_report(conn, None, at("03-20 01:00")) == Figures(parcels=0, facts=0, days=3 + 2 + 2), (
        "only the days went by"
    )


def test_a_promise_that_falls_due_is_judged_though_nobody_says_anything(warehouse: Any) -> None:
    conn = warehouse.connection
    one = add(conn, Parcel(scans=["03-16 10:00 in_transit"], promised="03-18 22:00"), recorded_at=at("03-16 11:00"))
    make_report(conn, None, at("03-18 23:00"))
    assert fact_of(conn, one)["on_time"] is None
    make_report(conn, None, at("03-19 00:30"))
    assert fact_of(conn, one)["on_time"] is False
    due = days_of(conn)[march(18)]
    assert (due.on_time, due.on_time_known, due.pending) == (0, 1, 1)


def test_the_first_report_is_of_everything_whatever_day_is_asked_for(warehouse: Any) -> None:
    conn = warehouse.connection
    add(conn, Parcel(scans=["03-02 10:00 in_transit", "03-05 10:00 delivered"]), recorded_at=at("03-05 11:00"))
    assert make_report(conn, day(20), NOW).facts == 1


def test_a_report_that_fails_half_way_leaves_all_as_it_was(warehouse: Any) -> None:
    conn = warehouse.connection
    lived(conn)
    conn.commit()
    before = rows(conn)
    conn.execute("ALTER TABLE rastro.carrier_day ADD CONSTRAINT none_today CHECK (day < '2026-03-18') NOT VALID")
    conn.commit()
    with pytest.raises(psycopg.errors.CheckViolation):
        make_report(conn, None, at("03-19 01:00"))
    conn.rollback()
    assert rows(conn) == before
    conn.execute("ALTER TABLE rastro.carrier_day DROP CONSTRAINT none_today")
    assert make_report(conn, None, at("03-19 01:00")).facts > 0


def test_a_reporter_waits_for_another_one(warehouse: Any) -> None:
    lived(warehouse.connection)
    warehouse.connection.commit()
    with psycopg.connect(warehouse.dsn) as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtext('rastro.report'))")
        warehouse.connection.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            make_report(warehouse.connection, None, NOW.astimezone(UTC))


# Estimates are noted by the load


def expects(conn: psycopg.Connection[Any], poll_id: int, expected: datetime | None, said_at: datetime) -> None:
    """The carrier answers that it expects the delivery then, and that is loaded."""
    events = (
        Event(key="PO 01", occurred_at=at("03-02 10:00"), status=Status.IN_TRANSIT, code="PO 01", description=""),
    )
    answer = Snapshot(reference="QQ100000017BR", events=events, estimated_at=expected)
    conn.execute(
        "INSERT INTO rastro.staged_snapshot (poll_id, answered_at, digest, snapshot, raw, run_id)"
        " VALUES (%s, %s, sha256(%s), %s, '', 'run')",
        [poll_id, said_at, str(said_at).encode(), msgspec.json.encode(answer)],
    )
    conn.execute("UPDATE rastro.poll_state SET answered_at = %s WHERE poll_id = %s", [said_at, poll_id])
    load(conn, settings_from({}), now=said_at, run_id="run")


def test_an_estimate_is_kept_when_it_is_another_than_the_last(warehouse: Any) -> None:
    conn = warehouse.connection
    (poll_id,) = conn.execute(
        "INSERT INTO rastro.poll_state (carrier, reference, quiet_since, next_poll_at)"
        " VALUES ('correios', 'QQ100000017BR', %s, %s) RETURNING poll_id",
        [at("03-01 10:00"), at("03-02 10:00")],
    ).fetchone()
    conn.execute("INSERT INTO rastro.source (account, writes_back, own_mail) VALUES (%s, true, false)", [ACCOUNT])
    one = add(conn, Parcel(scans=[]), recorded_at=at("03-02 09:00"))
    conn.execute("UPDATE rastro.shipment SET poll_id = %s", [poll_id])
    conn.execute("DELETE FROM rastro.shipment_change")
    first, later = at("03-06 10:00"), at("03-09 10:00")
    for hour, said in enumerate((first, first, later, None, later, first)):
        expects(conn, poll_id, said, at(f"03-03 {10 + hour}:00"))
    told = conn.execute("SELECT estimated_at, told_at FROM rastro.estimate WHERE shipment_id = %s ORDER BY 2", [one])
    assert told.fetchall() == [
        (first, at("03-03 10:00")), (later, at("03-03 12:00")), (first, at("03-03 15:00")),
    ]  # fmt: skip
