"""A carrier that hands out each change once: lots are kept before they are read, and read once."""

import zlib
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from rastro.carriers.registry import CARRIERS
from rastro.carriers.total_express_lots import TotalExpressLots
from rastro.errors import Transient, Unreadable
from rastro.orchestration import tasks
from rastro.orchestration.workshop import Workshop
from rastro.pipeline import put_aside, receive
from rastro.warehouse import inbox

pytestmark = pytest.mark.slow

CARRIER = "total_express"
FETCH = "/webservice24"
WAIT = CARRIERS[CARRIER].feed.every


class Fed:
    """A shop that is handed Total Express's news, and time that passes for both sides."""

    def __init__(self, shop):
        self.shop = shop
        self.ahead = timedelta()

    def wait(self, span=WAIT):
        """The last lot is so long ago."""
        self.ahead += span
        self.shop.simulator.configure(clock_ahead=self.ahead.total_seconds())
        self.shop.execute("UPDATE rastro.inbox SET last_at = last_at - %s", span)

    def fetched(self):
        return len(self.shop.received("POST", FETCH))

    def hour(self):
        """One run, once the next lot may be asked for."""
        hour = self.shop.hour()
        self.wait()
        return hour

    def letters(self):
        return self.shop.ask("SELECT way, times, read_at IS NOT NULL AS read, waiting FROM rastro.v_inbox")

    def states(self):
        rows = self.shop.ask("SELECT order_id, status FROM rastro.v_shipment ORDER BY 1")
        return {one.order_id: one.status for one in rows}

    def truths(self):
        return {one["order_id"]: one["status"] for one in self.shop.simulator.truth()}


class Puzzled(TotalExpressLots):
    """A version of before, to which one character spoilt the lot."""

    def check(self, response):
        list(self.parts(response.body))

    def parts(self, body):
        raise Unreadable("total_express: a control character", raw=body)


def fetch(fed, feed):
    """As the run's own step fetches a lot, with another reader of it."""
    workshop = Workshop.open("fetch")
    return tasks.fetched(workshop, workshop.carriers()[CARRIER], feed)


@pytest.fixture
def fed(wide):
    wide.connect_by(CARRIER, extra={"feed": "true"})
    yield Fed(wide)
    wide.simulator.configure(clock_ahead=0.0)


def test_lots_add_up_to_every_life_and_nobody_is_asked(fed):
    kinds = ["delivered", "second_attempt", "returned", "lost", "delivered_before"]
    fed.shop.carried(len(kinds), carriers=[CARRIER], kinds=kinds)
    assert fed.hour().failures == {}
    while fed.shop.advance():
        assert fed.hour().failures == {}
        assert fed.states() == fed.truths()
    assert set(fed.truths().values()) == {"delivered", "returned", "lost"}
    assert fed.shop.received("POST", "/tracking") == []
    assert {one.standing for one in fed.shop.ask("SELECT standing FROM rastro.tracking_event")} == {"effective"}
    wrong = [one for one in fed.shop.wrong() if one.name.startswith(("mails to", "Message-IDs"))]
    assert wrong == []


def test_a_lot_is_kept_before_it_is_read_and_a_run_that_was_cut_off_between_has_lost_nothing(fed):
    fed.shop.carried(3, carriers=[CARRIER], kinds=["delivered"])
    now = datetime.now(UTC)
    tasks.sync_orders("cut off", {})
    workshop = Workshop.open("cut off")
    carrier = workshop.carriers()[CARRIER]
    assert tasks.fetched(workshop, carrier, carrier.feed) == 1
    (kept,) = fed.shop.ask("SELECT way, read_at, received_at >= %s AS fresh FROM rastro.inbox", now)
    assert kept == ("feed", None, True)
    assert fed.shop.ask("SELECT * FROM rastro.staged_snapshot") == []
    assert set(fed.states().values()) == {"unknown"}

    assert fed.shop.hour().failures == {}
    assert fed.fetched() == 1, "the next lot may not be asked for yet"
    assert fed.letters() == [("feed", 1, True, 0)]
    assert fed.states() == fed.truths()
    facts = fed.shop.facts()
    assert fed.shop.hour().failures == {}
    assert fed.shop.facts() == facts, "a lot is read once"


def test_a_lot_that_makes_no_sense_is_kept_and_told_once_it_can_be_read(fed):
    fed.shop.cohort(2, carriers=[CARRIER], kinds=["delivered"])
    tasks.sync_orders("before", {})
    with pytest.raises(Unreadable, match="control character"):
        fetch(fed, Puzzled())
    assert fed.letters() == [("feed", 1, False, 0)]
    covered = fed.shop.ask("SELECT answered_at FROM rastro.poll_state WHERE answered_at IS NOT NULL")
    assert covered == [], "it speaks for no parcel before it is read"
    with psycopg.connect(fed.shop.warehouse, row_factory=namedtuple_row) as conn:
        before = type("Before", (type(CARRIERS[CARRIER]),), {"feed": Puzzled()})()
        assert (
            receive.read(conn, {CARRIER: before}, now=datetime.now(UTC), run_id="read", hash_key=b"key").quarantined
            == 1
        )
        assert put_aside.retry(conn, CARRIERS, now=datetime.now(UTC), run_id="retry").letters_again == 1
    assert fed.shop.hour().failures == {}
    assert fed.fetched() == 1
    assert fed.states() == fed.truths()


def test_a_fetching_that_is_cut_off_before_the_lot_is_looked_at_has_lost_nothing(fed):
    fed.shop.cohort(2, carriers=[CARRIER], kinds=["delivered"])
    tasks.sync_orders("before", {})

    class Killed(Exception):
        pass

    class Dying(TotalExpressLots):
        def check(self, response):
            raise Killed(response)

    with pytest.raises(Killed):
        fetch(fed, Dying())
    assert fed.letters() == [("feed", 1, False, 0)]
    assert fed.shop.hour().failures == {}
    assert fed.fetched() == 1
    assert fed.states() == fed.truths()


def test_a_refusal_that_nobody_looked_at_is_no_lot_and_holds_up_nobody(fed):
    refusal = b"<ObterTrackingResponse><CodigoProc>4</CodigoProc></ObterTrackingResponse>"
    with psycopg.connect(fed.shop.warehouse, row_factory=namedtuple_row) as conn:
        now = datetime.now(UTC)
        inbox.receive(conn, CARRIER, inbox.Way.FEED, receive.feed_digest(refusal), zlib.compress(refusal), now)
        figures = receive.read(conn, CARRIERS, now=now, run_id="read", hash_key=b"key")
    assert (figures.letters, figures.refused, figures.quarantined) == (1, 1, 0)
    assert fed.letters() == [("feed", 1, True, 0)]


def test_a_reading_that_is_cut_off_is_begun_anew(fed):
    fed.shop.carried(2, carriers=[CARRIER], kinds=["delivered"])
    tasks.sync_orders("cut off", {})
    workshop = Workshop.open("cut off")
    carrier = workshop.carriers()[CARRIER]
    tasks.fetched(workshop, carrier, carrier.feed)

    class Killed(Exception):
        pass

    class Dying(type(carrier)):
        def parse(self, raw, reference=""):
            raise Killed(raw, reference)

    with psycopg.connect(fed.shop.warehouse, row_factory=namedtuple_row) as conn, pytest.raises(Killed):
        receive.read(conn, {CARRIER: Dying()}, now=datetime.now(UTC), run_id="cut off", hash_key=b"key")
    assert fed.letters() == [("feed", 1, False, 0)]
    assert fed.shop.hour().failures == {}
    assert fed.states() == fed.truths()


def test_lots_are_not_asked_for_more_often_than_the_carrier_allows(fed):
    fed.shop.carried(1, carriers=[CARRIER], kinds=["delivered"])
    for _ in range(2):
        assert fed.shop.hour().failures == {}
    assert fed.fetched() == 1
    fed.wait(WAIT - timedelta(seconds=30))
    assert fed.shop.hour().failures == {}
    assert fed.fetched() == 1
    fed.wait(timedelta(seconds=31))
    assert fed.shop.hour().failures == {}
    assert fed.fetched() == 2
    assert all(one["status"] == 200 for one in fed.shop.received("POST", FETCH))


def test_somebody_else_who_asked_just_now_makes_the_run_red_and_the_next_one_gets_the_lot(fed):
    fed.shop.carried(1, carriers=[CARRIER], kinds=["delivered"])
    tasks.sync_orders("before", {})
    workshop = Workshop.open("somebody else")
    carrier = workshop.carriers()[CARRIER]
    keeper = workshop.keeper(carrier)
    with workshop.line_to(carrier, keeper.account, carrier.feed.host(keeper.account)) as http:
        http.send(carrier.feed.request_for(keeper.access()))
    fed.shop.advance()
    red = fed.shop.hour()
    assert red.failed == {"receive_news", "check_run"}
    assert isinstance(red.failures["receive_news"], Transient)
    assert "lots were asked for twice within five minutes" in str(red.failures["check_run"])
    assert fed.letters() == []
    fed.wait()
    assert fed.shop.hour().failures == {}
    assert fed.letters() == [("feed", 1, True, 0)]


def test_a_lot_without_news_is_counted_and_tells_nobody_anything(fed):
    fed.shop.carried(2, carriers=[CARRIER], kinds=["delivered"])
    assert fed.hour().failures == {}
    facts = fed.shop.facts()
    for _ in range(2):
        assert fed.hour().failures == {}
    assert fed.letters() == [("feed", 1, True, 0), ("feed", 2, True, 0)]
    assert fed.shop.facts() == facts
    assert fed.fetched() == 3
    fed.shop.advance()
    assert fed.hour().failures == {}
    assert fed.states() == fed.truths()


def test_a_parcel_whose_order_comes_later_is_told_then_and_quietly(fed):
    fed.shop.carried(3, carriers=[CARRIER], kinds=["delivered_before"])
    with psycopg.connect(fed.shop.database) as conn:
        conn.execute("CREATE TABLE public.later AS SELECT * FROM public.rastro_shipment LIMIT 1")
        conn.execute("DELETE FROM public.rastro_shipment r USING public.later l WHERE l.order_id = r.order_id")
    assert fed.hour().failures == {}
    assert fed.letters() == [("feed", 1, True, 1)]
    assert set(fed.states().values()) == {"delivered"}
    with psycopg.connect(fed.shop.database) as conn:
        conn.execute("INSERT INTO public.rastro_shipment SELECT * FROM public.later")
    assert fed.hour().failures == {}
    assert fed.states() == fed.truths()
    assert [one.waiting for one in fed.letters()] == [0, 0]
    assert fed.shop.simulator.mails() == [], "what is delivered when it is first seen is nobody's news"


def test_hours_are_covered_by_the_lots_that_were_handed_out(fed):
    fed.shop.carried(3, carriers=[CARRIER], kinds=["delivered"], hours=6)
    coverage = (
        "SELECT sum(pending)::int AS pending, sum(covered)::int AS covered, sum(gap)::int AS gap FROM rastro.v_coverage"
    )
    tasks.sync_orders("before", {})
    (before,) = fed.shop.ask(coverage)
    assert before.pending > 0
    assert (before.covered, before.gap) == (0, before.pending)
    assert fed.hour().failures == {}
    (after,) = fed.shop.ask(coverage)
    assert (after.pending, after.covered, after.gap) == (before.pending, before.pending, 0)


def test_parcels_at_their_end_and_silent_ones_leave_the_feed_as_they_leave_the_looks(fed):
    fed.shop.configure(last_look_after="1d", sync_overlap="0")
    fed.shop.carried(2, carriers=[CARRIER], kinds=["delivered_before", "delivered"])
    planned = "SELECT status, next_poll_at FROM rastro.poll_state ORDER BY status"
    assert fed.hour().failures == {}
    assert fed.hour().failures == {}
    ended, silent = fed.shop.ask(planned)
    assert (ended.status, silent.status) == ("delivered", "in_transit")
    assert ended.next_poll_at is None, "the lot after the one that told its end was its last look"
    fed.shop.execute("UPDATE rastro.poll_state SET quiet_since = quiet_since - interval '61 days'")
    assert fed.hour().failures == {}
    assert fed.shop.ask(planned) == [("delivered", None), ("expired", None)]
    assert set(fed.states().values()) == {"delivered", "expired"}
    assert "given up: nobody said anything for too long" in {
        one.problem for one in fed.shop.ask("SELECT problem FROM rastro.v_open_problem")
    }
    fed.shop.advance()
    assert fed.hour().failures == {}
    assert fed.states() == fed.truths(), "and news brings it back"
    assert [one.next_poll_at is None for one in fed.shop.ask(planned)] == [True, False]


def test_a_lot_whose_answer_is_lost_is_said_to_be_and_comes_again_by_its_day(fed):
    fed.shop.carried(1, carriers=[CARRIER], kinds=["delivered"])
    fed.shop.simulator.fault(CARRIER, "drop_after", match=FETCH)
    red = fed.shop.hour()
    assert red.failed == {"receive_news", "check_run"}
    assert fed.fetched() == 1
    assert fed.letters() == []
    assert str(red.failures["receive_news"]).endswith(receive.LOST)
    day = fed.shop.simulator.truth()[0]["revealed"][-1]["time"][:10]
    fed.shop.connect_by(CARRIER, extra={"feed": "true", "feed_day": day})
    fed.wait()
    assert fed.shop.hour().failures == {}
    assert fed.states() == fed.truths()
