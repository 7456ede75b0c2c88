"""A carrier that takes so many calls a day: who gets them, how runs share them, and what becomes of the rest."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from rastro.budget import FOR_THE_PATIENT
from rastro.models import EVERYTHING, Selection, Window
from rastro.pipeline.plan import Planned, plan
from rastro.settings import settings_from
from rastro.warehouse import budgets, polls
from rastro.warehouse.budgets import Purse

NOON = datetime(2026, 11, 20, 15, tzinfo=UTC)  # in São Paulo
HOUR = timedelta(hours=1)
KNOWN = """
    INSERT INTO rastro.poll_state (carrier, reference, status, quiet_since, answered_at, next_poll_at, step)
    SELECT 'correios', %(name)s || n, %(status)s, %(quiet)s, %(answered)s, %(due)s + n * interval '1 second', %(step)s
    FROM generate_series(1, %(many)s) AS n
"""
SHIPMENTS = """
    WITH source AS (
        INSERT INTO rastro.source (account, writes_back, own_mail, synced_until) VALUES ('a', true, true, now())
    )
    INSERT INTO rastro.shipment (account, order_id, invoice_number, tracking_number, carrier, poll_id, promised_at,
        first_seen_at, updated_at)
    SELECT 'a', reference, '1', reference, carrier, poll_id, %s, now(), now() FROM rastro.poll_state
"""


@pytest.fixture
def conn(warehouse: Any) -> psycopg.Connection:
    return warehouse.connection


def known(conn: psycopg.Connection, name: str, many: int, status: str = "in_transit", **more: Any) -> None:
    by_default = {"quiet": NOON - 30 * HOUR, "answered": NOON - 5 * HOUR, "due": NOON - 2 * HOUR, "step": ""}
    conn.execute(KNOWN, {"name": name, "many": many, "status": status, **by_default, **more})


def shipments(conn: psycopg.Connection, promised_at: datetime | None = None) -> None:
    conn.execute(SHIPMENTS, [promised_at])


def planned(
    conn: psycopg.Connection,
    calls: int | None,
    *,
    now: datetime = NOON,
    batch: int = 10,
    selection: Selection = EVERYTHING,
) -> Planned:
    budget = {} if calls is None else {"calls_per_day": f"correios={calls}", "carriers": "correios:contract"}
    window = Window(start=now - HOUR, end=now)
    return plan(conn, ["correios"], window, settings_from(budget), {"correios": batch}, now=now, selection=selection)


def claimed(
    conn: psycopg.Connection, made: Planned, now: datetime = NOON, selection: Selection = EVERYTHING
) -> list[str]:
    """What the tasks of the plan are given, whatever else becomes due."""
    window, found = Window(start=now - HOUR, end=now), []
    for part in made.slices["correios"]:
        turn = polls.due_in_turn(conn, part, window, now, selection)
        due = polls.claim_due(
            conn, part, turn, window, now=now, lease_until=now + HOUR / 2, named=bool(selection.numbers)
        )
        found += [one.reference for one in due]
    return found


def answered(conn: psycopg.Connection, references: list[str], at: datetime) -> None:
    """Nothing new was said of them, and they are looked at in the next run."""
    conn.execute(
        "UPDATE rastro.poll_state SET answered_at = %s, next_poll_at = %s, lease_until = NULL"
        " WHERE reference = ANY(%s)",
        [at, at + HOUR, references],
    )


def test_without_a_budget_all_that_is_due_is_planned_and_nothing_is_chosen(conn: psycopg.Connection) -> None:
    known(conn, "N", 100)
    for calls in (None, 0):
        made = planned(conn, calls)
        assert [(part.size, part.chosen) for part in made.slices["correios"]] == [(100, False)]
        assert made.put_off == {}
    assert conn.execute("SELECT FROM rastro.poll_state WHERE chosen_for IS NOT NULL").fetchall() == []


def test_a_budget_that_suffices_changes_nothing(conn: psycopg.Connection) -> None:
    known(conn, "N", 100)
    made = planned(conn, 120)  # ten for each of the twelve hours that are left
    assert [(part.size, part.chosen) for part in made.slices["correios"]] == [(100, False)]
    assert (made.put_off, len(claimed(conn, made))) == ({}, 100)


def test_short_of_calls_the_likeliest_go_first_and_some_who_have_waited_longest(conn: psycopg.Connection) -> None:
    known(conn, "sleeps", 60, quiet=NOON - 400 * HOUR, due=NOON - 9 * HOUR)
    known(conn, "moves", 60)
    known(conn, "door", 12, "out_for_delivery")
    made = planned(conn, 12 * 3)  # three calls of ten
    assert made.put_off == {"correios": 132 - 30}
    got = claimed(conn, made)
    assert len(got) == 30
    patient = 30 // FOR_THE_PATIENT
    assert {one for one in got if one.startswith("sleeps")} == {f"sleeps{n}" for n in range(1, patient + 1)}
    assert len([one for one in got if one.startswith("door")]) == 12
    assert len([one for one in got if one.startswith("moves")]) == 30 - 12 - patient
    due = polls.count_due(conn, ["correios"], Window(start=NOON, end=NOON + HOUR), NOON + HOUR)
    assert due == {"correios": 132}, "what is put off stays due"


def test_those_who_are_always_asked_about_in_vain_leave_calls_to_the_others(conn: psycopg.Connection) -> None:
    known(conn, "fails", 60, answered=NOON - 6 * HOUR, due=NOON - 3 * HOUR)
    known(conn, "sound", 60)
    asked: list[str] = []
    for hour in range(6):
        now = NOON + hour * HOUR
        made = planned(conn, (12 - hour) * 3, now=now)  # three calls of ten, for each of the hours that are left
        got = claimed(conn, made, now)
        asked += got
        answered(conn, [one for one in got if one.startswith("sound")], now)
        conn.execute(
            "UPDATE rastro.poll_state SET failures = failures + 1, lease_until = NULL WHERE reference = ANY(%s)",
            [[one for one in got if one.startswith("fails")]],
        )
    sound = {one for one in asked if one.startswith("sound")}
    assert len(sound) == 60, "all of them have had their turn"
    assert {one for one in asked if one.startswith("fails")}


def test_a_parcel_whose_promised_day_is_near_goes_before_others(conn: psycopg.Connection) -> None:
    known(conn, "moves", 30)
    known(conn, "promised", 5, due=NOON - HOUR)
    known(conn, "estimated", 5, due=NOON - HOUR)
    conn.execute(
        "UPDATE rastro.poll_state SET estimated_at = %s WHERE reference LIKE 'estimated%%'", [NOON + 20 * HOUR]
    )
    shipments(conn, NOON + 100 * HOUR)
    conn.execute(
        "UPDATE rastro.shipment SET promised_at = %s WHERE order_id LIKE 'promised%%'", [NOON + 20 * HOUR]
    )  # fmt: skip
    got = claimed(conn, planned(conn, 12, batch=12))
    assert len([one for one in got if not one.startswith("moves")]) == 10
    assert {one for one in got if one.startswith("moves")} == {"moves1", "moves2"}, "who has waited longest"


def test_nobody_waits_for_ever_however_much_news_the_others_have(conn: psycopg.Connection) -> None:
    """Of 120 that are always due 20 are asked about in a run, 2 of them for their patience: after 60 runs all were."""
    known(conn, "door", 90, "out_for_delivery")
    known(conn, "sleeps", 30, quiet=NOON - 400 * HOUR)
    asked: set[str] = set()
    sleepers_last = 0
    for hour in range(60):
        now = NOON + hour * HOUR
        got = claimed(conn, by_share(conn, now), now)
        assert len(got) == 20
        answered(conn, got, now)
        sleepers_last = hour if {one for one in got if one.startswith("sleeps")} - asked else sleepers_last
        asked |= set(got)
    assert len(asked) == 120
    assert sleepers_last >= 5, "they do wait"


def by_share(conn: psycopg.Connection, now: datetime) -> Planned:
    """A plan that has two calls of ten, whatever the hour."""
    hours_left = 24 - (now.hour - 3) % 24
    return planned(conn, 2 * hours_left, now=now)


def test_whom_a_person_names_is_asked_about_whatever_the_plan(conn: psycopg.Connection) -> None:
    known(conn, "N", 100)
    shipments(conn)
    planned(conn, 12)
    wish = Selection(numbers=tuple(f"N{n}" for n in range(50, 90)))
    made = planned(conn, 12, selection=wish)
    assert made.put_off == {}
    assert len(claimed(conn, made, selection=wish)) == 40


def test_what_is_spent_is_spread_over_the_hours_that_are_left(conn: psycopg.Connection) -> None:
    known(conn, "N", 1000)
    purse = Purse(contract="correios", budget=120)
    assert purse.take(conn, 60, made=0, now=NOON) == 60
    assert sum(part.size for part in planned(conn, 120).slices["correios"]) == 5 * 10
    assert purse.take(conn, 60, made=60, now=NOON) == 60
    assert planned(conn, 120).slices == {}
    assert planned(conn, 120).put_off == {"correios": 1000}
    tomorrow = planned(conn, 120, now=NOON + 12 * HOUR)
    assert sum(part.size for part in tomorrow.slices["correios"]) == 5 * 10


def test_what_was_not_used_is_given_back_and_what_was_used_beyond_counts(conn: psycopg.Connection) -> None:
    purse = Purse(contract="correios", budget=10)
    assert purse.take(conn, 4, made=0, now=NOON) == 4
    assert purse.take(conn, 4, made=6, now=NOON) == 4  # two were made again after a fault
    assert budgets.spent(conn, "correios", NOON) == 10
    assert purse.take(conn, 0, made=7, now=NOON) == 0
    assert budgets.spent(conn, "correios", NOON) == 7
    assert Purse(contract="correios", budget=10).take(conn, 4, made=0, now=NOON) == 3
    assert budgets.spent(conn, "jadlog", NOON) == 0
    assert purse.take(conn, 4, made=40, now=NOON) == 0
    assert budgets.spent(conn, "correios", NOON) == 43


@pytest.mark.slow
def test_runs_at_the_same_time_never_take_more_than_the_budget_together(warehouse: Any) -> None:
    budget = 500

    def slice_of_a_run(number: int) -> int:
        purse, made = Purse(contract="correios", budget=budget), 0
        with psycopg.connect(warehouse.dsn) as conn:
            while given := purse.take(conn, 4, made=made, now=NOON):
                conn.commit()
                made += given - (number + made) % 2  # some need fewer than they were given
            purse.take(conn, 0, made=made, now=NOON)
        return made

    with ThreadPoolExecutor(12) as threads:
        made = sum(threads.map(slice_of_a_run, range(12)))
    with psycopg.connect(warehouse.dsn) as conn:
        assert budgets.spent(conn, "correios", NOON) == made
    assert budget - 12 <= made <= budget


@pytest.mark.slow
def test_what_is_put_off_is_said_and_is_no_failure_and_is_asked_about_when_there_are_calls(
    shop: Any, caplog: Any
) -> None:
    shop.orders("delivered", parcels=60)
    shop.configure(calls_per_day="correios=1", poll_every="60m")
    first = shop.hour()
    assert not first.failures
    assert first.figures["track"]["asked"] == 50
    assert first.figures["plan_polls"]["put_off"] == {"correios": 10}
    assert "correios: 10 are due and put off" in caplog.text
    second = shop.hour()
    assert not second.failures
    assert second.figures["track"]["asked"] == 0
    assert len(shop.received("GET", "^/correios/srorastro")) == 1
    waiting = shop.ask(
        "SELECT shipment_id FROM rastro.shipment JOIN rastro.poll_state USING (poll_id) WHERE answered_at IS NULL"
    )
    assert len(waiting) == 10
    with psycopg.connect(shop.warehouse) as conn:
        from rastro.warehouse import lookup

        assert all(lookup.shipment(conn, row.shipment_id).put_off for row in waiting)
    shop.configure(calls_per_day="")
    third = shop.hour()
    assert third.figures["track"]["asked"] == 10
    assert shop.ask("SELECT FROM rastro.carrier_plan") == []
    assert not shop.wrong()


@pytest.mark.slow
def test_a_task_that_finds_the_calls_used_up_asks_nobody_and_fails_not(shop: Any, caplog: Any) -> None:
    from chaos.hours import context_of
    from rastro.orchestration import tasks

    shop.orders("delivered", parcels=5)
    shop.configure(calls_per_day="correios=2")
    now = datetime.now(UTC)
    context = context_of(Window(start=shop.since, end=now), now)
    tasks.sync_orders("late", context)
    ((part,),) = tasks.plan_polls("late", context).values()
    with psycopg.connect(shop.warehouse) as conn:
        assert Purse(contract="correios", budget=2).take(conn, 2, made=0, now=datetime.now(UTC)) == 2  # by another run
    figures = tasks.track_slice("late", context, part)
    assert (figures["asked"], figures["put_off"]) == (0, 5)
    assert not shop.received("GET", "^/correios/srorastro")
    tasks.check_run("late", context, now, set())
    assert "correios: 5 are due and put off" in caplog.text
