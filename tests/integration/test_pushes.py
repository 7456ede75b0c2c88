"""What carriers tell by themselves: kept, read once, told once, and put right by the next look."""

import json
import zlib
from datetime import UTC, datetime
from urllib.parse import urlencode

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from holdings import places_of
from rastro.carriers.jt_express import JtExpress
from rastro.carriers.loggi import Loggi, LoggiPush
from rastro.carriers.registry import CARRIERS
from rastro.errors import Unreadable
from rastro.orchestration.workshop import Workshop
from rastro.pipeline import person, put_aside, receive

pytestmark = pytest.mark.slow


class Puzzled(LoggiPush):
    """A version of before, to which a push of Loggi's said nothing."""

    def parts(self, body):
        raise Unreadable("loggi: nobody knows what this is", raw=body)


class LoggiOfBefore(Loggi):
    push = Puzzled()


class JtExpressOfBefore(JtExpress):
    """A version of before, which could not read one parcel of several."""

    riddle = ""

    def parse(self, raw, reference=""):
        if reference == self.riddle:
            raise Unreadable("jt_express: a scan makes no sense", raw=raw, reference=reference)
        return super().parse(raw, reference)


def newest(shop, number):
    """A push of Loggi's about the newest line alone."""
    (package,) = shop.said_of(number, "loggi")["packages"]
    last = max(package["trackingHistory"], key=lambda step: step["status"]["updatedTime"])
    return json.dumps({"trackingCode": number, "status": last["status"], "trackingHistory": [last]}).encode()


def all_of_it(shop, number):
    """A push of AfterShip's, which always holds all there is."""
    return json.dumps({"event": "tracking_update", "msg": shop.said_of(number, "aftership")}).encode()


def scans(shop, *numbers):
    """A push of J&T's about several parcels, with the newest scan of each."""
    told = [shop.said_of(number, "jt_express") for number in numbers]
    content = json.dumps([{"billCode": one["billCode"], "details": one["details"][:1]} for one in told])
    return urlencode({"bizContent": content}).encode()


def one_parcel(shop, carrier, kind="delivered"):
    shop.carried(1, carriers=[carrier], kinds=[kind])
    return shop.simulator.truth()[0]["tracking_number"]


def read(shop, carriers=CARRIERS, hash_key=b"key"):
    """As the run's own step reads the inbox."""
    with psycopg.connect(shop.warehouse, row_factory=namedtuple_row) as conn:
        return receive.read(conn, carriers, now=datetime.now(UTC), run_id="read", hash_key=hash_key)


def retry(shop):
    with psycopg.connect(shop.warehouse, row_factory=namedtuple_row) as conn:
        return put_aside.retry(conn, CARRIERS, now=datetime.now(UTC), run_id="retry")


def state(shop):
    (one,) = shop.ask("SELECT status, event_count FROM rastro.v_shipment")
    return one.status, one.event_count


def standings(shop):
    rows = shop.ask("SELECT status, standing FROM rastro.tracking_event ORDER BY occurred_at, position")
    return [(one.status, one.standing) for one in rows]


def mailed(shop):
    """The kinds of mail that went out, in their order."""
    return [mail["message_id"].split(".")[2].partition("@")[0] for mail in shop.simulator.mails()]


def put_aside_now(shop):
    rows = shop.ask("SELECT subject, reason, times FROM rastro.quarantine WHERE resolved_at IS NULL ORDER BY subject")
    return [(one.subject, one.reason, one.times) for one in rows]


@pytest.fixture
def away(wide):
    """While they are away, Loggi and AfterShip answer no question, so that only what they push is known."""
    for carrier in ("loggi", "aftership", "jt_express"):
        wide.simulator.fault(carrier, "status", status=503, times=0)
    return wide


def test_a_push_before_the_first_look_is_told_and_the_look_adds_what_came_before_it(away):
    number = one_parcel(away, "loggi")
    away.simulator.calm()
    body = newest(away, number)
    away.simulator.fault("loggi", "status", status=503, times=0)
    assert away.push("loggi", body)
    assert away.hour().failed == {"track.loggi", "check_run"}
    assert state(away) == ("in_transit", 1)
    away.simulator.calm()
    assert away.hour().failures == {}
    assert state(away) == ("in_transit", 2)
    assert standings(away) == [("in_transit", "effective")] * 2
    assert mailed(away) == ["in_transit"]


@pytest.mark.parametrize(
    ("carrier", "told_by"), [("loggi", newest), ("aftership", all_of_it)], ids=["partial", "whole"]
)
def test_a_push_after_a_look_is_mailed_once_and_the_next_look_owes_nothing(wide, carrier, told_by):
    number = one_parcel(wide, carrier)
    for _ in range(2):
        assert wide.hour().failures == {}
    before = wide.ask("SELECT answered_at, next_poll_at, digest FROM rastro.poll_state")
    wide.advance()
    wide.advance()
    body = told_by(wide, number)
    wide.simulator.fault(carrier, "status", status=503, times=0)
    assert wide.push(carrier, body)
    assert not wide.push(carrier, body), "the same again is counted, and not kept a second time"
    assert wide.hour().failed == {f"track.{carrier}", "check_run"}
    assert state(wide)[0] == "out_for_delivery"
    assert mailed(wide) == ["in_transit", "out_for_delivery"]
    after = wide.ask("SELECT answered_at, next_poll_at, digest FROM rastro.poll_state")
    assert [one.answered_at for one in after] == [one.answered_at for one in before], "no question was answered"
    assert after[0].digest is None, "the next answer is read, whatever it is"
    assert after[0].next_poll_at <= before[0].next_poll_at, "and no look is put off"
    inbox = wide.ask("SELECT carrier, way, times, read_at IS NOT NULL AS read, waiting, unreadable FROM rastro.v_inbox")
    assert inbox == [(carrier, "push", 2, True, 0, 0)]

    wide.simulator.calm()
    facts = wide.facts()
    assert wide.hour().failures == {}
    facts_then = wide.facts()
    assert facts_then["notices"] == facts["notices"]
    assert {standing for _, standing in standings(wide)} == {"effective"}
    assert state(wide) == ("out_for_delivery", 4)
    wide.to_the_end()
    assert mailed(wide) == ["in_transit", "out_for_delivery", "delivered"]
    assert state(wide) == ("delivered", 5)


def test_a_delivery_that_is_pushed_is_mailed_once_and_looked_at_once_more(wide):
    wide.configure(last_look_after="3d")
    number = one_parcel(wide, "aftership", "delivered_at_once")
    assert wide.hour().failures == {}
    wide.advance()
    wide.advance()
    body = all_of_it(wide, number)
    wide.simulator.fault("aftership", "status", status=503, times=0)
    wide.push("aftership", body)
    wide.hour()
    assert state(wide)[0] == "delivered"
    planned = "SELECT next_poll_at - now() AS within, digest FROM rastro.poll_state"
    (at_once,) = wide.ask(planned)
    assert at_once.within.days < 0
    wide.simulator.calm()
    assert wide.hour().failures == {}
    (confirmed,) = wide.ask(planned)
    assert 2 <= confirmed.within.days <= 3, "as after any delivery"
    wide.push("aftership", body + b" ")  # a copy that differs by a blank
    wide.hour()
    (still,) = wide.ask(planned)
    assert 2 <= still.within.days <= 3, "told again, a delivery leaves the last look as it is planned"
    assert still.digest == confirmed.digest
    wide.execute("UPDATE rastro.poll_state SET next_poll_at = now()")
    assert wide.hour().failures == {}
    assert mailed(wide) == ["delivered"], "the first look only registered it"
    assert {standing for _, standing in standings(wide)} == {"effective"}
    (over,) = wide.ask("SELECT next_poll_at FROM rastro.poll_state")
    assert over.next_poll_at is None


def test_a_delivery_of_one_package_that_is_pushed_is_none_of_all_until_the_carrier_was_asked(wide):
    number = one_parcel(wide, "loggi", "delivered_at_once")
    assert wide.hour().failures == {}
    wide.advance()
    wide.advance()
    body = newest(wide, number)
    wide.simulator.fault("loggi", "status", status=503, times=0)
    wide.push("loggi", body)
    wide.hour()
    assert state(wide)[0] == "in_transit"
    assert standings(wide)[-1] == ("unknown", "effective")
    wide.simulator.calm()
    wide.execute("UPDATE rastro.poll_state SET next_poll_at = now()")
    assert wide.hour().failures == {}
    assert state(wide)[0] == "delivered"
    assert standings(wide)[-1] == ("delivered", "effective")


def test_older_news_read_after_newer_news_is_added_and_takes_nothing_back(away):
    number = one_parcel(away, "loggi")
    bodies = []
    for _ in range(3):
        away.simulator.calm()
        bodies.append(newest(away, number))
        away.advance()
    away.simulator.fault("loggi", "status", status=503, times=0)
    first, second, third = bodies
    away.push("loggi", first)
    away.hour()
    away.push("loggi", third)
    away.hour()
    assert away.push("loggi", second)
    away.execute("UPDATE rastro.inbox SET received_at = received_at - interval '1 hour' WHERE read_at IS NULL")
    away.hour()
    assert standings(away) == [
        ("in_transit", "effective"),
        ("in_transit", "effective"),
        ("out_for_delivery", "effective"),
    ]
    assert state(away)[0] == "out_for_delivery"


def test_an_older_push_that_holds_all_there_was_takes_nothing_of_a_newer_answer_back(wide):
    number = one_parcel(wide, "aftership")
    for _ in range(2):
        assert wide.hour().failures == {}
    older = all_of_it(wide, number)
    wide.advance()
    wide.advance()
    assert wide.hour().failures == {}
    facts, counted = wide.facts(), standings(wide)
    assert state(wide)[0] == "out_for_delivery"
    wide.push("aftership", older)
    assert wide.hour().failures == {}
    assert (wide.facts(), standings(wide)) == (facts, counted)


def test_a_push_that_knows_less_of_a_scan_leaves_it_as_an_answer_told_it(wide):
    number = one_parcel(wide, "jt_express", "delivered_before")
    assert wide.hour().failures == {}
    assert state(wide)[0] == "delivered"
    facts = wide.facts()
    wide.push("jt_express", scans(wide, number))
    assert wide.hour().failures == {}
    assert wide.facts() == facts


def test_what_a_push_made_up_is_put_right_by_the_next_answer_though_that_is_as_before(wide):
    number = one_parcel(wide, "loggi")
    assert wide.hour().failures == {}
    facts = wide.ask("SELECT * FROM rastro.tracking_event")
    wrong = {"code": 18, "description": "Destinatário ausente", "updatedTime": datetime.now(UTC).isoformat()}
    wide.push("loggi", json.dumps({"trackingCode": number, "trackingHistory": [{"status": wrong}]}).encode())
    assert wide.hour().failures == {}
    assert state(wide)[0] == "delivery_failed"
    assert wide.hour().failures == {}
    assert state(wide)[0] == "in_transit"
    assert [one for one in wide.ask("SELECT * FROM rastro.tracking_event") if one in facts] == facts


def test_news_of_a_parcel_that_was_given_up_brings_it_back_and_has_it_asked_about(wide):
    wide.configure(sync_overlap="0")  # its order is not read again, which would bring it back as well
    number = one_parcel(wide, "loggi")
    assert wide.hour().failures == {}
    wide.execute("UPDATE rastro.poll_state SET next_poll_at = NULL, quiet_since = now() - interval '61 days'")
    assert wide.hour().failures == {}
    assert state(wide)[0] == "expired"
    wide.advance()
    wide.advance()
    wide.push("loggi", newest(wide, number))
    assert wide.hour().failures == {}
    assert state(wide)[0] == "out_for_delivery"
    wide.advance()
    assert wide.hour().failures == {}
    assert state(wide)[0] == "delivered"


def test_news_of_a_parcel_that_nobody_follows_waits_until_somebody_does(wide):
    number = one_parcel(wide, "loggi")
    body = newest(wide, number)
    (row,) = wide.rows_held()
    with psycopg.connect(wide.database) as conn:
        conn.execute("CREATE TABLE public.later AS SELECT * FROM public.rastro_shipment")
        conn.execute("TRUNCATE public.rastro_shipment")
    wide.push("loggi", body)
    assert wide.hour().failures == {}
    assert wide.ask("SELECT waiting FROM rastro.v_inbox") == [(1,)]
    assert wide.hour().failures == {}
    assert wide.ask("SELECT waiting FROM rastro.v_inbox") == [(1,)]
    with psycopg.connect(wide.database) as conn:
        conn.execute("INSERT INTO public.rastro_shipment SELECT * FROM public.later")
    wide.simulator.fault("loggi", "status", status=503, times=0)
    assert wide.hour().failed == {"track.loggi", "check_run"}
    assert (row["tracking_number"], *state(wide)) == (number, "in_transit", 1)
    assert wide.ask("SELECT waiting FROM rastro.v_inbox") == [(0,)]
    assert wide.ask("SELECT first_contact FROM rastro.shipment_change") == [(True,)]
    assert mailed(wide) == ["in_transit"]


def test_a_push_that_makes_no_sense_is_put_aside_and_told_once_it_can_be_read(away):
    number = one_parcel(away, "loggi")
    away.simulator.calm()
    body = newest(away, number)
    away.simulator.fault("loggi", "status", status=503, times=0)
    away.hour()
    away.push("loggi", body)
    assert read(away, {"loggi": LoggiOfBefore()}).quarantined == 1
    assert put_aside_now(away) == [("letter 1", "unreadable push", 1)]
    (problem,) = away.ask("SELECT account, detail FROM rastro.v_open_problem WHERE problem ~ '^quarantine'")
    assert problem == ("loggi", "loggi: nobody knows what this is")
    (kept,) = away.ask("SELECT raw FROM rastro.quarantine")
    assert zlib.decompress(kept.raw) == body
    assert read(away).letters == 0, "once is enough while nothing is retried"

    away.push("loggi", b'{"event": "of another kind"}')
    away.hour()
    assert [subject for subject, _, _ in put_aside_now(away)] == ["letter 1", "letter 2"]
    retried = retry(away)
    assert (retried.entries, retried.letters_again) == (2, 2)
    away.hour()
    assert put_aside_now(away) == [("letter 2", "unreadable push", 1)]
    assert state(away) == ("in_transit", 1)
    assert mailed(away) == ["in_transit"]


def test_one_parcel_of_a_push_that_makes_no_sense_holds_up_no_other_and_is_told_later(away):
    away.carried(3, carriers=["jt_express"], kinds=["delivered"])
    riddle, plain, unknown = sorted(one["tracking_number"] for one in away.simulator.truth())
    away.simulator.calm()
    body = scans(away, riddle, plain, unknown)
    away.simulator.fault("jt_express", "status", status=503, times=0)
    with psycopg.connect(away.database) as conn:
        conn.execute("DELETE FROM public.rastro_shipment WHERE tracking_number = %s", [unknown])
    away.hour()
    away.push("jt_express", body)
    before = JtExpressOfBefore()
    before.riddle = riddle
    figures = read(away, {"jt_express": before})
    assert (figures.told, figures.waiting, figures.quarantined) == (1, 1, 1)
    assert put_aside_now(away) == [(riddle, "unreadable push", 1)]
    away.hour()
    states = "SELECT tracking_number, status FROM rastro.v_shipment ORDER BY 1"
    assert away.ask(states) == [(riddle, "unknown"), (plain, "in_transit")]
    facts = away.ask("SELECT * FROM rastro.tracking_event")

    kept = away.ask("SELECT refs FROM rastro.inbox_part WHERE unreadable")
    assert kept == [([riddle],)]
    away.advance()
    away.simulator.calm()
    newer = scans(away, riddle)
    away.simulator.fault("jt_express", "status", status=503, times=0)
    away.push("jt_express", newer)
    away.hour()
    assert retry(away).letters_again == 1
    away.hour()
    assert put_aside_now(away) == []
    assert away.ask(states) == [(riddle, "in_transit"), (plain, "in_transit")]
    assert [event for event in away.ask("SELECT * FROM rastro.tracking_event") if event in facts] == facts
    lines = away.ask("SELECT standing FROM rastro.tracking_event JOIN rastro.shipment USING (shipment_id)"
                     " WHERE tracking_number = %s", riddle)  # fmt: skip
    assert [one.standing for one in lines] == ["effective", "effective"], "the older news counts, though told later"
    assert away.ask("SELECT waiting FROM rastro.v_inbox ORDER BY inbox_id") == [(1,), (0,)]


@pytest.mark.parametrize("comes_later", [False, True], ids=["erased after it", "erased before it"])
def test_what_could_not_be_read_about_others_is_told_later_though_a_person_it_speaks_of_is_erased(away, comes_later):
    away.carried(2, carriers=["jt_express"], kinds=["delivered"])
    riddle, gone = sorted(one["tracking_number"] for one in away.simulator.truth())
    away.simulator.calm()
    body = scans(away, riddle, gone)
    away.simulator.fault("jt_express", "status", status=503, times=0)
    away.hour()
    hash_key = Workshop.open("erase").hash_key
    before = JtExpressOfBefore()
    before.riddle = riddle

    def come():
        away.push("jt_express", body)
        assert read(away, {"jt_express": before}, hash_key).quarantined == 1

    def erase():
        (order,) = away.ask("SELECT order_id FROM rastro.shipment WHERE tracking_number = %s", gone)
        with psycopg.connect(away.warehouse, row_factory=namedtuple_row) as conn:
            wanted = person.Wanted(order_id=order.order_id, key=hash_key)
            person.erase(conn, wanted, done_by="ana", now=datetime.now(UTC))

    for step in (erase, come) if comes_later else (come, erase):
        step()
    assert places_of(away.warehouse, {gone}) == set()
    assert away.ask(
        "SELECT body, unreadable, waiting FROM rastro.v_inbox JOIN rastro.inbox USING (inbox_id, unreadable)"
    ) == [(None, 1, 0)]
    assert read(away, {"jt_express": before}, hash_key).late == 0, "it waits until the quarantine is retried"
    assert put_aside_now(away) == [(riddle, "unreadable push", 1)]

    assert retry(away).letters_again == 1
    assert read(away, {"jt_express": before}, hash_key).quarantined == 1, "nothing is lost by a retry in vain"
    assert retry(away).letters_again == 1
    away.hour()
    assert put_aside_now(away) == []
    (told,) = away.ask("SELECT status FROM rastro.v_shipment WHERE tracking_number = %s", riddle)
    assert told.status == "in_transit"
    assert away.ask("SELECT * FROM rastro.inbox_part") == []
    assert places_of(away.warehouse, {gone}) == set()
