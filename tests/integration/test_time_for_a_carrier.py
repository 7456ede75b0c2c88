"""One carrier has its time in a run and no more: what is left is asked about first by the next."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from chaos.hours import context_of
from rastro.carriers.registry import CARRIERS
from rastro.errors import Unreadable
from rastro.models import Window
from rastro.pipeline.track import Tracker
from rastro.warehouse import polls
from rastro.warehouse.polls import Slice

pytestmark = pytest.mark.slow

LOGGI = CARRIERS["loggi"]  # asked about one parcel a call
AT_ONCE = LOGGI.connections
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Clock:
    """Goes on by itself whenever somebody looks at it."""

    def __init__(self, at, each_look):
        self.at, self.each_look = at, each_look

    def __call__(self):
        self.at += self.each_look
        return self.at


class Letting(Clock):
    """Such a clock; somebody lets go of a parcel as soon as another was answered about."""

    def __init__(self, at, shop, holder):
        super().__init__(at, timedelta(0))
        self.shop, self.holder = shop, holder

    def __call__(self):
        if asked_in_order(self.shop):
            self.holder.rollback()
        return super().__call__()


class Broken(type(LOGGI)):
    """An adapter with a fault of its own, which comes to light with one parcel."""

    def __init__(self, reference, where):
        self.reference, self.where = reference, where

    def ask(self, references, access):
        if self.where == "asking" and self.reference in references:
            raise ZeroDivisionError
        return super().ask(references, access)

    def parse(self, raw, reference=""):
        if self.where == "reading" and self.reference == reference:
            raise ZeroDivisionError
        return super().parse(raw, reference)


class AlsoUnreadable(type(LOGGI)):
    """An adapter that reads all it asked about, and cannot read something else that came with it."""

    def ask(self, references, access):
        answered = yield from super().ask(references, access)
        return replace(answered, trouble=Unreadable("loggi: the pages do not add up", raw=b"{}"))


def asked_in_order(shop):
    rows = shop.ask(
        "SELECT reference FROM rastro.poll_state WHERE answered_at IS NOT NULL ORDER BY answered_at, poll_id"
    )
    return [row.reference for row in rows]


def tracked(shop, at, each_look, turns=1, clock=None, carrier=LOGGI):
    """One slice of everything that is due then, by a clock of its own, and the load behind it."""
    from rastro.orchestration import tasks
    from rastro.orchestration.workshop import Workshop

    workshop = replace(Workshop.open(f"at {at}"), clock=clock or Clock(at, each_look))
    keeper = workshop.keeper(LOGGI)
    with workshop.line_to(LOGGI, keeper.account) as http:
        tracker = Tracker(
            carrier=carrier, contract=keeper.holder, http=http, keeper=keeper, connect=workshop.connect,
            settings=replace(workshop.settings, ask_within=10 * MINUTE), window=Window(start=at - HOUR, end=at),
            run_id=workshop.run_id, clock=workshop.clock,
        )  # fmt: skip
        figures = tracker.track(Slice(carrier="loggi", first=0, last=10**9, size=10, turns=turns))
    tasks.load_changes(workshop.run_id, {"params": {}})
    return figures


@pytest.fixture
def due(wide):
    """Parcels of one carrier that are known and not yet asked about, by the order in which they became known."""
    from rastro.orchestration import tasks

    wide.cohort(4 * AT_ONCE, carriers=["loggi"], kinds=["delivered"])
    tasks.sync_orders("sync", {"params": {}})
    rows = wide.ask("SELECT reference FROM rastro.poll_state WHERE carrier = 'loggi' ORDER BY next_poll_at, poll_id")
    assert len(rows) == 4 * AT_ONCE
    return [row.reference for row in rows]


def test_a_slice_ends_in_its_time_without_a_failure_and_the_rest_is_asked_about_first_next_time(wide, due):
    now = datetime.now(UTC)
    first = tracked(wide, now, 2 * MINUTE)
    assert first.trouble is None
    assert 0 < first.asked < len(due)
    assert first.left == len(due) - first.asked
    assert asked_in_order(wide) == due[: first.asked]

    second = tracked(wide, now + 2 * HOUR, 2 * MINUTE)  # all of them are due by now
    assert second.trouble is None
    rest = due[first.asked :]
    assert set(asked_in_order(wide)) >= set(rest[: second.asked])


def test_a_slice_that_shares_its_pool_has_its_part_of_the_time(wide, due):
    figures = tracked(wide, datetime.now(UTC), MINUTE / 10, turns=1)
    assert (figures.asked, figures.left) == (len(due), 0)
    wide.execute("UPDATE rastro.poll_state SET next_poll_at = now()")
    figures = tracked(wide, datetime.now(UTC) + 2 * HOUR, MINUTE / 10, turns=100)
    assert figures.asked == AT_ONCE, "what is begun is always something"
    assert figures.left == len(due) - AT_ONCE


@pytest.mark.parametrize("where", ["asking", "reading"])
def test_what_came_before_an_adapter_broke_is_kept_and_the_rest_asked_about_by_the_next_run(wide, due, where):
    assert AT_ONCE > 1
    last_at_once = due[AT_ONCE - 1]
    with pytest.raises(ZeroDivisionError):
        tracked(wide, datetime.now(UTC), timedelta(0), carrier=Broken(last_at_once, where))
    assert asked_in_order(wide) == due[: AT_ONCE - 1]
    tracked(wide, datetime.now(UTC) + HOUR, timedelta(0))
    assert set(asked_in_order(wide)) == set(due)


def test_what_is_put_aside_with_an_answer_stays_so_though_its_parcel_was_read(wide, due):
    tracked(wide, datetime.now(UTC), timedelta(0), carrier=AlsoUnreadable())
    assert set(asked_in_order(wide)) == set(due)
    put_aside = wide.ask("SELECT subject FROM rastro.quarantine WHERE origin = 'loggi' AND resolved_at IS NULL")
    assert {row.subject for row in put_aside} == set(due)


def test_a_parcel_that_is_always_asked_about_in_vain_goes_neither_before_all_others_nor_after_them(wide, due):
    now = datetime.now(UTC)
    bad = due[0]
    wide.simulator.fault("loggi", "status", status=500, match=bad, times=0)
    figures = tracked(wide, now, timedelta(0))
    assert (figures.asked, figures.unanswered, figures.left) == (len(due), 1, 0), "in vain once in a run, not again"

    wide.execute("UPDATE rastro.poll_state SET next_poll_at = %s WHERE reference <> %s", now + MINUTE, bad)
    assert tracked(wide, now + 2 * HOUR, 2 * MINUTE).unanswered == 0, "the others have waited longer by now"
    wide.execute("UPDATE rastro.poll_state SET next_poll_at = %s WHERE reference <> %s", now + 2 * HOUR, bad)
    assert tracked(wide, now + 3 * HOUR, 2 * MINUTE).unanswered == 1, "it is its turn again"


def test_a_parcel_that_somebody_holds_when_its_turn_comes_is_asked_about_at_the_end_of_the_run(wide, due):
    now = datetime.now(UTC)
    with psycopg.connect(wide.warehouse) as other:
        other.execute("SELECT FROM rastro.poll_state WHERE reference = %s FOR UPDATE", [due[0]])
        figures = tracked(wide, now, timedelta(0), clock=Letting(now, wide, other))
    assert (figures.asked, figures.left, figures.put_off) == (len(due), 0, 0)


def test_what_another_run_has_taken_is_not_counted_as_left(wide, due):
    now = datetime.now(UTC)
    part = Slice(carrier="loggi", first=0, last=10**9, size=10)
    with psycopg.connect(wide.warehouse) as other:

        class Taking(Clock):
            def __call__(self):
                if asked_in_order(wide):  # the other run takes all that is left
                    window = Window(start=now - HOUR, end=now)
                    turn = polls.due_in_turn(other, part, window, now)
                    polls.claim_due(other, part, turn, window, now=now, lease_until=now + 24 * HOUR)
                    other.commit()
                return super().__call__()

        figures = tracked(wide, now, 0 * MINUTE, turns=10**6, clock=Taking(now, MINUTE / 10))
    assert (figures.asked, figures.left) == (AT_ONCE, 0)


def test_what_was_left_is_said_at_the_end_of_the_run(wide, due, caplog):
    from rastro.orchestration import tasks

    now = datetime.now(UTC)
    context = context_of(Window(start=wide.since, end=now), now)
    ((part,),) = tasks.plan_polls("short", context).values()
    assert part["turns"] == 1
    figures = tasks.track_slice("short", context, {**part, "turns": 10**6})
    assert figures["left"] == len(due) - AT_ONCE
    tasks.check_run("short", context, now, set())
    assert f"loggi: {figures['left']} are left to the next run" in caplog.text


def test_all_who_ask_by_one_contract_keep_its_pace_together(wide, due):
    now = datetime.now(UTC)
    for later in (0, 2):
        tracked(wide, now + later * HOUR, timedelta(0))
    ((turns,),) = wide.ask("SELECT turns FROM rastro.pace WHERE account = 'loggi:loggi'")
    assert turns >= len(wide.received("GET", "/loggi/")) >= len(due)
