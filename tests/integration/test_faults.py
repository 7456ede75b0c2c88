"""What is known to break trackers of parcels, each thing caused: nothing is lost, nobody is told twice or wrongly."""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any

import psycopg
import pytest
import time_machine
from psycopg import sql

from rastro.carriers.registry import CARRIERS
from rastro.errors import CredentialsRefused, RateLimited, Transient
from rastro.http import Http, Limits
from rastro.models import Window
from rastro.pipeline.track import Tracker
from rastro.warehouse.polls import Slice
from stack.audit import kind_of

pytestmark = pytest.mark.slow

TRACK, HUB, MAIL = "track.correios", "confirm.webhook:hub", "email_customers"
ASK = "^/correios/srorastro"
TRACKING = "/tracking$"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LEASE = 16 * MINUTE  # longer than a lease lasts by default


# What the tests look at


def mailed(shop: Any) -> Counter[tuple[str, str]]:
    """How often each address was mailed about each status."""
    return Counter((mail["rcpt_tos"][0], kind_of(mail)) for mail in shop.simulator.mails())


def kinds_mailed(shop: Any) -> Counter[str]:
    return Counter(kind_of(mail) for mail in shop.simulator.mails())


def writes(shop: Any) -> list[dict[str, Any]]:
    """Bodies that were written on orders, in the order of their coming."""
    return [json.loads(one["body"]) for one in shop.received("PUT", TRACKING)]


def hooks(shop: Any) -> list[dict[str, Any]]:
    """What the marketplace that is told by webhook holds."""
    return list(shop.simulator.control("GET", "webhook/hub"))


def statuses(shop: Any) -> list[str]:
    rows = shop.ask("SELECT status FROM rastro.v_shipment WHERE skip = '' ORDER BY shipment_id")
    return [row.status for row in rows]


def problems(shop: Any) -> Counter[str]:
    return Counter(row.problem for row in shop.ask("SELECT problem FROM rastro.v_open_problem"))


def standings(shop: Any) -> Counter[str]:
    return Counter(row.standing for row in shop.ask("SELECT standing FROM rastro.tracking_event"))


def wrong(shop: Any) -> list[Any]:
    """What the audit finds, but for counts that a killed worker had no time to write down."""
    return [one for one in shop.wrong() if "as recorded" not in one.name]


def told(shop: Any) -> tuple[int, int, int]:
    """How much anybody outside was told so far."""
    return len(writes(shop)), len(shop.simulator.mails()), len(shop.received("POST", "^/(market|webhook)"))


# What the tests do


def after(span: timedelta) -> Any:
    """The time some span from now, for everything in this process, until the block ends."""
    return time_machine.travel(datetime.now(UTC) + span, tick=True)


def wait_until(holds: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "what was waited for has not come"
        time.sleep(0.02)


@contextmanager
def elsewhere(body: Callable[[], object]) -> Iterator[BaseProcess]:
    """``body`` in a process of its own, which ends with the block."""
    process = get_context("fork").Process(target=body)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def killed(shop: Any, when: Callable[[], object]) -> None:
    """An hourly run in a worker that is killed without warning as soon as something has happened."""
    with elsewhere(shop.hour) as worker:
        wait_until(when)
        assert worker.is_alive(), "the run ended before it could be killed"
        os.kill(int(worker.pid or 0), signal.SIGKILL)
        worker.join()
    assert worker.exitcode == -signal.SIGKILL
    shop.simulator.calm()


def same_number_in_another_order(shop: Any, order_id: str, invoiced_at: datetime) -> None:
    """The database's only parcel once more, in an order of its own."""
    values = {"order_id": order_id, "invoice_number": order_id, "invoiced_at": invoiced_at, "updated_at": "now"}
    with psycopg.connect(shop.database) as conn:
        conn.execute(
            "INSERT INTO public.rastro_shipment"
            " SELECT (jsonb_populate_record(one, %s)).* FROM public.rastro_shipment AS one LIMIT 1",
            [json.dumps({name: str(value) for name, value in values.items()})],
        )


# The carrier never answers


def short(limits: Mapping[str, float]) -> Limits:
    return Limits(**{"read_timeout": 0.3, "call_timeout": 1.0, "retries": 1, "backoff": 0.01, **limits})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "limits"), [("hang", {}), ("slow", {"read_timeout": 5.0, "retries": 0})], ids=["silent", "dripping"]
)
def test_a_carrier_that_takes_the_call_and_never_ends_its_answer_does_not_hold_the_worker(
    shop: Any, kind: str, limits: dict[str, float]
) -> None:
    from rastro.orchestration.workshop import Workshop

    shop.orders("delivered", parcels=3)
    shop.simulator.fault("correios", "status", status=403, match=ASK, times=0)
    shop.hour()  # finds the parcels and learns nothing about them
    shop.simulator.calm()
    shop.simulator.fault("correios", kind, match=ASK, times=0, seconds=600)
    workshop = Workshop.open("impatient")
    keeper = workshop.keeper(CARRIERS["correios"])
    http = Http(keeper.account.base_url, name="correios", limits=short(limits))
    tracker = Tracker(
        carrier=CARRIERS["correios"], contract=keeper.holder, http=http, keeper=keeper, connect=workshop.connect,
        settings=workshop.settings, window=Window(start=shop.since, end=datetime.now(UTC)), run_id="impatient",
        clock=workshop.clock,
    )  # fmt: skip
    figures = tracker.track(Slice(carrier="correios", first=0, last=10**9, size=3))
    assert isinstance(figures.trouble, Transient)
    assert (figures.asked, figures.unanswered) == (3, 3)
    assert [row.status for row in shop.ask("SELECT DISTINCT status FROM rastro.v_shipment")] == ["unknown"]
    shop.simulator.calm()
    assert shop.hour().failures == {}
    assert shop.wrong() == []


def test_a_mail_server_that_takes_the_mail_and_falls_silent_does_not_hold_the_worker(shop: Any) -> None:
    shop.rows("delivered")
    shop.connect_by("rastro_smtp", extra={"timeout": 1, "reply_timeout": 1})
    shop.simulator.fault("smtp", "hang_after")
    shop.hour()
    assert [row.state for row in shop.ask("SELECT state FROM rastro.notice")] == ["unknown"]
    with after(LEASE):
        shop.hour()
    assert len(shop.simulator.mails()) == 1


# The carrier tells the same thing in other words, or less of it


def test_an_answer_in_other_words_and_another_order_is_nothing_new(shop: Any) -> None:
    shop.orders("delivered", "returned", "customs", parcels=3)
    shop.orders("delivered_at_once", parcels=1, variant="hub")
    shop.rows("second_attempt", "collected", parcels=2)
    assert shop.hour().failures == {}
    reworded = 0
    while shop.advance():
        assert shop.hour().failures == {}
        before, told_before, calls = shop.facts(), told(shop), len(shop.received("GET", ASK))
        shop.simulator.fault("correios", "reworded", match=ASK, times=0)
        assert shop.hour().failures == {}
        reworded += len(shop.received("GET", ASK)) - calls
        assert shop.facts() == before
        assert told(shop) == told_before
        shop.simulator.calm()
    assert reworded >= 3
    assert told_before != (0, 0, 0)
    assert shop.wrong() == []


def test_a_history_that_gets_shorter_takes_the_event_back_and_tells_no_customer(shop: Any) -> None:
    shop.rows("delivered", parcels=2)
    shop.orders("delivered", parcels=1)
    shop.hour()
    shop.simulator.advance(2)
    shop.hour()
    assert set(statuses(shop)) == {"out_for_delivery"}
    mails, events = mailed(shop), shop.ask("SELECT count(*) AS n FROM rastro.tracking_event")

    shop.simulator.fault("correios", "shortened", match=ASK, times=0)
    assert shop.hour().failures == {}
    assert set(statuses(shop)) == {"in_transit"}
    assert standings(shop)["withdrawn"] == 3
    shop.simulator.calm()
    assert shop.hour().failures == {}
    assert set(statuses(shop)) == {"out_for_delivery"}
    assert standings(shop)["withdrawn"] == 0
    assert mailed(shop) == mails
    assert shop.ask("SELECT count(*) AS n FROM rastro.tracking_event") == events


def test_a_delivery_that_vanishes_is_taken_back_everywhere_and_shown_to_a_person(shop: Any) -> None:
    shop.orders("voided_vanishes", parcels=1)
    shop.rows("voided_vanishes", parcels=1)
    for _ in range(2):
        shop.hour()
        shop.advance()
    shop.hour()
    assert set(statuses(shop)) == {"delivered"}
    shop.advance()
    assert shop.hour().failures == {}
    assert set(statuses(shop)) == {"out_for_delivery"}
    assert [body["isDelivered"] for body in writes(shop)][-2:] == [True, False]
    assert shop.ask("SELECT FROM rastro.notice WHERE channel = 'alert' AND kind = 'reopened'")
    before = kinds_mailed(shop)
    shop.to_the_end()
    assert kinds_mailed(shop) == before, "the second delivery is no second news"
    assert shop.wrong() == []


# Workers that are killed


def test_what_a_killed_worker_was_asking_about_is_asked_again_when_its_lease_ends(shop: Any) -> None:
    shop.orders("delivered", parcels=3)
    shop.simulator.fault("correios", "hang", match=ASK, times=0)
    killed(shop, when=lambda: shop.received("GET", ASK))
    held = shop.ask("SELECT lease_until FROM rastro.poll_state")
    assert len(held) == 3
    assert all(datetime.now(UTC) < row.lease_until < datetime.now(UTC) + LEASE for row in held)
    calls = len(shop.received("GET", ASK))
    assert shop.hour().failures == {}
    assert len(shop.received("GET", ASK)) == calls, "nobody asks beside one who may still be asking"
    with after(LEASE):
        assert shop.hour().failures == {}
    assert set(statuses(shop)) == {"in_transit"}
    assert wrong(shop) == []


def test_an_order_that_a_killed_worker_has_written_is_read_and_not_written_again(shop: Any) -> None:
    shop.orders("delivered_before")
    shop.simulator.fault("vtex", "slow", method="PUT", match=TRACKING, seconds=600)
    killed(shop, when=lambda: writes(shop))
    shop.hour()
    assert [row.state for row in shop.ask("SELECT state FROM rastro.notice")] == ["claimed"], "it may still be writing"
    assert len(writes(shop)) == 1
    with after(LEASE):
        assert shop.hour().failures == {}
    assert len(writes(shop)) == 1
    assert [row.state for row in shop.ask("SELECT state FROM rastro.notice")] == ["sent"]
    assert wrong(shop) == []


def test_a_marketplace_that_a_killed_worker_has_told_is_asked_and_not_told_again(shop: Any) -> None:
    shop.orders("delivered_before", variant="marketplace")
    told_it = partial(shop.received, "POST", "^/market/.*/tracking$")
    shop.simulator.fault("market", "slow", method="POST", match=TRACKING, seconds=600)
    killed(shop, when=told_it)
    shop.hour()
    assert len(told_it()) == 1
    with after(LEASE):
        assert shop.hour().failures == {}
    assert len(told_it()) == 1
    assert {row.state for row in shop.ask("SELECT state FROM rastro.notice")} == {"sent"}
    assert wrong(shop) == []


def test_a_marketplace_behind_a_login_that_a_killed_worker_has_told_is_not_told_again(wide: Any) -> None:
    wide.cohort(2, carriers=["loggi"], marketplaces=["mercado_livre"], kinds=["delivered_before"])
    told_it = partial(wide.received, "POST", "/seller_notifications$")
    wide.simulator.fault("mercado_livre", "slow", method="POST", match="/seller_notifications$", seconds=600)
    killed(wide, when=told_it)
    wide.hour()
    assert len(told_it()) == 1
    with after(LEASE):
        assert wide.hour().failures == {}
    assert len(told_it()) == 1
    assert len(wide.received("POST", "/oauth/token$")) == 1, "the token that it had is good for the next one"
    assert {row.state for row in wide.ask("SELECT state FROM rastro.notice WHERE channel = 'marketplace'")} == {"sent"}


def test_a_mail_that_a_killed_worker_has_sent_is_not_sent_again(shop: Any) -> None:
    shop.rows("delivered")
    shop.simulator.fault("smtp", "hang_after")
    killed(shop, when=shop.simulator.mails)
    shop.hour()
    assert [row.state for row in shop.ask("SELECT state FROM rastro.notice")] == ["claimed"], "it may still be sending"
    for hours in range(3):
        with after(LEASE + hours * HOUR):
            shop.hour()
    assert len(shop.simulator.mails()) == 1
    assert problems(shop)["notice unknown (email)"] == 1


def test_a_mail_that_a_killed_worker_may_have_sent_is_sent_once_more_where_that_is_set(shop: Any) -> None:
    shop.configure(resend_doubtful_mail="true")
    shop.rows("delivered")
    shop.simulator.fault("smtp", "hang_after")
    killed(shop, when=shop.simulator.mails)
    for hours in range(3):
        with after(LEASE + hours * HOUR):
            shop.hour()
    ids = [mail["message_id"] for mail in shop.simulator.mails()]
    assert len(ids) == 2
    assert len(set(ids)) == 1


# Marketplaces that are down for long


def test_a_webhook_that_fails_for_long_is_tried_for_days_then_kept_for_a_person_and_told_once_released(
    shop: Any,
) -> None:
    shop.orders("delivered_at_once", variant="hub")
    shop.hour()
    shop.simulator.advance(2)
    shop.simulator.fault("webhook", "status", status=503, times=0)
    began = at = datetime.now(UTC)
    pauses = []
    while True:
        with time_machine.travel(at, tick=True):
            run = shop.hour()
        assert run.failed <= {HUB, "check_run"}
        assert HUB in run.failed or "given up" in str(run.failures["check_run"])
        (notice,) = shop.ask("SELECT state, not_before, attempts FROM rastro.notice WHERE channel = 'marketplace'")
        if notice.state == "dead":
            break
        assert notice.state in {"owed", "unknown"}
        assert notice.not_before > at
        pauses.append((notice.not_before - at) // MINUTE)
        at = notice.not_before + MINUTE
        assert len(pauses) < 100
    assert pauses == sorted(pauses), "no pause is shorter than the one before it"
    assert pauses[-1] > 10 * pauses[0]
    assert at - began > timedelta(days=2), "a weekend is no reason to give up"
    assert problems(shop)["notice dead (marketplace)"] == 1
    assert hooks(shop) == []

    shop.simulator.calm()
    with time_machine.travel(at + timedelta(days=1), tick=True):
        shop.hour()
        assert hooks(shop) == [], "what was given up waits for a person"
        shop.execute(
            "UPDATE rastro.notice SET state = 'owed', attempts = 0, not_before = now(), settled_at = NULL"
            " WHERE state = 'dead'"
        )
        assert shop.hour().failures == {}
        shop.hour()
    assert [hook["times"] for hook in hooks(shop)] == [1]
    assert problems(shop)["notice dead (marketplace)"] == 0


# Bodies that are not what they seem


@pytest.mark.parametrize(
    ("kind", "more"), [("latin1", {}), ("huge", {"size": 5 * 1024 * 1024})], ids=["wrong charset", "5 MB"]
)
def test_a_body_of_another_kind_overwrites_nothing_and_is_asked_for_again(
    shop: Any, kind: str, more: dict[str, int]
) -> None:
    shop.orders("delivered", parcels=2)
    shop.hour()
    shop.advance()
    before = {row.shipment_id: row.description for row in shop.ask("SELECT * FROM rastro.tracking_event")}
    shop.simulator.fault("correios", kind, match=ASK, times=0, **more)
    shop.hour()
    assert {row.shipment_id: row.description for row in shop.ask("SELECT * FROM rastro.tracking_event")} == before
    assert set(statuses(shop)) == {"in_transit"}
    assert shop.ask("SELECT FROM rastro.quarantine WHERE resolved_at IS NULL")
    shop.simulator.calm()
    assert shop.hour().failures == {}
    assert not shop.ask("SELECT FROM rastro.quarantine WHERE resolved_at IS NULL")
    assert shop.wrong() == []


# The carrier asks for patience


def in_a_second() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)


@pytest.mark.parametrize("said", [lambda: "1", in_a_second, lambda: "", lambda: "soon"], ids=["1", "date", "-", "soon"])
def test_a_429_is_waited_out_in_whatever_form_it_names_its_time(shop: Any, said: Callable[[], str]) -> None:
    shop.orders("delivered", parcels=3)
    shop.simulator.fault("correios", "status", status=429, retry_after=said(), match=ASK)
    assert shop.hour().failures == {}
    assert set(statuses(shop)) == {"in_transit"}
    assert shop.wrong() == []


@pytest.mark.parametrize("said", ["99999999999", "Fri, 31 Dec 2399 23:59:59 GMT"], ids=["seconds", "date"])
def test_a_429_that_names_an_absurd_time_is_left_for_the_next_run_and_believed_up_to_a_cap(
    shop: Any, said: str
) -> None:
    shop.orders("delivered", parcels=3)
    shop.simulator.fault("correios", "status", status=429, retry_after=said, match=ASK, times=0)
    run = shop.hour()
    assert run.failed == {TRACK, "check_run"}
    assert isinstance(run.failures[TRACK], RateLimited)
    assert run.failures[TRACK].retry_after == timedelta(hours=6).total_seconds()
    assert len(shop.received("GET", ASK)) == 1
    shop.simulator.calm()
    assert shop.hour().failures == {}
    assert shop.wrong() == []


# The carrier does not know us any more


def busy(shop: Any) -> None:
    """Parcels of every kind of receiver, the carrier's news about them still to be asked for."""
    shop.orders("delivered", parcels=2)
    shop.orders("delivered_at_once", variant="hub")
    shop.rows("delivered", parcels=2)
    assert shop.hour().failures == {}
    shop.advance()


def test_a_token_refused_once_is_renewed_and_the_slice_goes_on(shop: Any) -> None:
    busy(shop)
    calls = len(shop.received("GET", ASK))
    shop.simulator.fault("correios", "status", status=401, match=ASK)
    assert shop.hour().failures == {}
    assert len(shop.received("GET", ASK)) == calls + 2
    assert shop.wrong() == []


def test_a_token_refused_for_ever_is_said_once_and_holds_up_nobody_else(shop: Any) -> None:
    busy(shop)
    shop.simulator.fault("vtex", "status", status=503, method="PUT", times=0)
    shop.advance()
    shop.hour()  # news that is owed and could not be told
    shop.simulator.calm()
    shop.advance()
    calls = len(shop.received("GET", ASK))
    shop.simulator.fault("correios", "status", status=401, match=ASK, times=0)
    shop.orders("delivered")
    with after(2 * HOUR):
        run = shop.hour()
    assert run.failed == {TRACK, "check_run"}
    assert isinstance(run.failures[TRACK], CredentialsRefused)
    assert str(run.failures["check_run"]).count("check the credentials") == 1
    assert len(shop.received("GET", ASK)) <= calls + 2, "it is renewed once and then believed"
    assert shop.ask("SELECT count(*) AS n FROM rastro.shipment")[0].n == 6, "orders are found all the same"
    assert not shop.ask("SELECT FROM rastro.open_notice"), "and what was owed is told"
    shop.simulator.calm()
    with after(3 * HOUR):
        assert shop.hour().failures == {}
    assert {one["status"] for one in shop.simulator.truth()} == set(statuses(shop))


def test_a_carrier_down_for_a_day_is_caught_up_with_and_customers_hear_only_what_is_still_news(shop: Any) -> None:
    shop.rows("collected", "delivered", parcels=2)
    assert shop.hour().failures == {}
    assert kinds_mailed(shop) == {"in_transit": 2}
    shop.simulator.fault("correios", "status", status=503, times=0)
    for hours in (2, 5, 9):
        with after(hours * HOUR):
            shop.advance()
            assert shop.hour().failed == {TRACK, "check_run"}
    shop.simulator.calm()
    with after(timedelta(days=1, hours=2)):
        assert shop.hour().failures == {}
        assert sorted(statuses(shop)) == ["delivered", "ready_for_pickup"]
        assert kinds_mailed(shop) == {"in_transit": 2, "delivered": 1, "ready_for_pickup": 1}
        shop.hour()
    assert sum(kinds_mailed(shop).values()) == 4


# What the carrier says makes little sense


def test_a_code_that_nobody_explains_is_counted_and_shown_and_moves_and_tells_nothing(shop: Any) -> None:
    shop.rows("odd_code")
    shop.orders("odd_code")
    shop.hour()
    mails, put = kinds_mailed(shop), len(writes(shop))
    shop.advance()
    assert shop.hour().failures == {}
    assert set(statuses(shop)) == {"in_transit"}
    assert (kinds_mailed(shop), len(writes(shop))) == (mails, put)
    kept = shop.ask("SELECT code, description FROM rastro.tracking_event WHERE status = 'unknown'")
    assert {row.code for row in kept} == {"XQT 77"}
    assert len(kept) == 2
    assert problems(shop)["carrier has an unknown code"] == 2
    shop.to_the_end()
    assert set(statuses(shop)) == {"delivered"}
    assert shop.wrong() == []


def test_events_dated_where_they_cannot_be_are_kept_and_flagged_and_deliver_nothing(shop: Any) -> None:
    shop.orders("misdated")
    shop.orders("misdated", variant="hub")
    shop.rows("misdated")
    shop.hour()
    mails = kinds_mailed(shop)
    shop.advance()
    assert shop.hour().failures == {}
    assert set(statuses(shop)) == {"in_transit"}
    assert standings(shop)["foreign"] == 3 * 4
    assert kinds_mailed(shop) == mails
    assert not any(body["isDelivered"] for body in writes(shop))
    assert hooks(shop) == []
    times = {row.at for row in shop.ask("SELECT DISTINCT occurred_at AS at FROM rastro.tracking_event")}
    assert {datetime(1970, 1, 1, 3, tzinfo=UTC), datetime(2100, 1, 1, 2, 59, 59, tzinfo=UTC)} <= times
    before = shop.facts()
    shop.hour()
    assert shop.facts() == before, "the hour that came twice is one hour each time"
    shop.to_the_end()
    assert set(statuses(shop)) == {"delivered"}
    assert kinds_mailed(shop) == {"in_transit": 1, "out_for_delivery": 1, "delivered": 1}
    assert len(hooks(shop)) == 1


# Numbers that do not name one parcel


def test_a_number_used_before_says_nothing_about_the_parcel_that_has_it_now(shop: Any) -> None:
    shop.orders("number_used_before")
    shop.orders("number_used_before", variant="hub")
    shop.rows("number_used_before")
    assert shop.hour().failures == {}
    assert set(statuses(shop)) == {"unknown"}
    assert standings(shop) == {"foreign": 9}
    assert told(shop) == (0, 0, 0)
    shop.to_the_end()
    assert set(statuses(shop)) == {"delivered"}
    assert kinds_mailed(shop) == {"in_transit": 1, "out_for_delivery": 1, "delivered": 1}
    assert len(hooks(shop)) == 1


def test_the_parcel_that_had_the_number_before_stays_delivered_when_another_one_gets_it(shop: Any) -> None:
    shop.rows("number_used_before")
    same_number_in_another_order(shop, "ERP-2019", datetime(2019, 3, 5, 12, tzinfo=UTC))
    shop.hour()
    shop.to_the_end()
    rows = shop.ask("SELECT order_id, status, delivered_at FROM rastro.v_shipment ORDER BY invoiced_at")
    assert [row.status for row in rows] == ["delivered", "delivered"]
    assert rows[0].order_id == "ERP-2019"
    assert [row.delivered_at.year for row in rows] == [2019, datetime.now(UTC).year]
    assert not shop.ask("SELECT FROM rastro.notice WHERE channel = 'alert'")
    (other,) = shop.ask("SELECT count(*) AS n FROM rastro.notice WHERE state = 'sent' AND channel = 'email'")
    assert (other.n, len(shop.simulator.mails())) == (3, 3), "nobody hears of the other one's parcel"


def test_one_number_on_two_orders_is_asked_about_once_and_told_to_both(shop: Any) -> None:
    shop.rows("delivered")
    same_number_in_another_order(shop, "ERP-TWIN", datetime.now(UTC) - HOUR)
    hours = shop.to_the_end()
    assert not [run.failures for run in hours if run.failures]
    assert statuses(shop) == ["delivered", "delivered"]
    asked = shop.asked_about()
    assert len(asked) == len(hours)
    assert set(mailed(shop).values()) == {2}, "once for each order"
    assert kinds_mailed(shop) == {"in_transit": 2, "out_for_delivery": 2, "delivered": 2}


def test_two_numbers_in_one_field_are_two_parcels_and_delivered_when_both_are(shop: Any) -> None:
    shop.orders(variant="two_codes", parcels=2)
    hours = shop.to_the_end()
    assert not [run.failures for run in hours if run.failures]
    assert statuses(shop) == ["delivered", "delivered"]
    assert len(set(shop.asked_about())) == 2
    delivered = [body["isDelivered"] for body in writes(shop)]
    assert delivered == [False] * (len(delivered) - 1) + [True]
    assert shop.wrong() == []


def test_a_parcel_handed_back_to_its_sender_is_never_called_delivered(shop: Any) -> None:
    kinds = ("returned", "returned_by_wording")
    shop.orders(*kinds, parcels=2)
    shop.orders(*kinds, parcels=2, variant="marketplace")
    shop.orders(*kinds, parcels=2, variant="hub")
    shop.rows(*kinds, parcels=2)
    hours = shop.to_the_end()
    assert not [run.failures for run in hours if run.failures]
    assert statuses(shop) == ["returned"] * 8
    assert not any(body["isDelivered"] for body in writes(shop))
    assert shop.received("POST", "^/(market|webhook)") == []
    assert kinds_mailed(shop)["returning"] == 2
    assert kinds_mailed(shop)["delivered"] == 0
    assert problems(shop)["alert: returned"] == 8


# Runs at once


def test_runs_of_the_same_hour_in_several_processes_ask_once_and_tell_once(shop: Any) -> None:
    shop.cohort(36)
    shop.hour()
    shop.advance()
    before = len(shop.asked_about())
    end = datetime.now(UTC)
    scheduled, wider = Window(start=end - HOUR, end=end), Window(start=end - 3 * HOUR, end=end)

    def run(window: Window, name: str) -> None:
        assert shop.hour(window, name).failures == {}

    with (
        elsewhere(partial(run, scheduled, "scheduled")) as first,
        elsewhere(partial(run, scheduled, "backfill")) as second,
    ):
        run(wider, "manual")
        for process in (first, second):
            process.join()
    assert (first.exitcode, second.exitcode) == (0, 0)
    asked = shop.asked_about()[before:]
    assert len(asked) >= 30
    assert len(asked) == len(set(asked))
    shop.hour()  # what one run left because another was at it
    assert shop.wrong() == []


# The warehouse fails in the middle of a load


STUMBLE = """
CREATE OR REPLACE FUNCTION rastro.stumble() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_ARGV[0] = 'full' THEN
        RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
    END IF;
    PERFORM pg_advisory_xact_lock(4711);
    RETURN coalesce(NEW, OLD);
END $$
"""
WAITING = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'rastro' AND wait_event = 'advisory'
"""
STEPS = [("INSERT", "tracking_event"), ("INSERT", "notice"), ("DELETE", "staged_snapshot")]  # first, owing, last
EVERY_STEP = pytest.mark.parametrize(("action", "table"), STEPS, ids=[table for _, table in STEPS])


@contextmanager
def stumbling(shop: Any, action: str, table: str, how: str) -> Iterator[None]:
    """Each change of this kind of row stumbles: over a ``full`` disk, or to ``wait`` until it is let go."""
    names = {"action": sql.SQL(action), "table": sql.Identifier("rastro", table), "how": sql.Literal(how)}  # type: ignore[arg-type]
    shop.execute(STUMBLE)
    shop.execute(
        sql.SQL(
            "CREATE TRIGGER stumble BEFORE {action} ON {table} FOR EACH ROW EXECUTE FUNCTION rastro.stumble({how})"
        ).format(**names)
    )
    yield
    shop.execute(sql.SQL("DROP TRIGGER stumble ON {table}").format(**names))


@contextmanager
def halfway(shop: Any, action: str, table: str) -> Iterator[Callable[[], list[Any]]]:
    """Loads come as far as this table and wait there; yields who waits."""
    with stumbling(shop, action, table, "wait"), psycopg.connect(shop.warehouse) as conn:
        conn.execute("SELECT pg_advisory_lock(4711)")
        yield lambda: shop.ask(WAITING)


def on_their_way(shop: Any) -> dict[str, list[Any]]:
    """Parcels with news that the next run loads; what is known before it."""
    busy(shop)
    return dict(shop.facts())


def failing_load(shop: Any, run_id: str) -> BaseException:
    """How the load of an hourly run fails."""
    try:
        return shop.hour(run_id=run_id).failures["load_changes"]
    except psycopg.OperationalError as error:
        return error


def completes(shop: Any, before: Mapping[str, list[Any]], run_id: str) -> None:
    """Nothing was half done, and the run made again does all of it."""
    assert shop.facts() == before
    assert shop.ask("SELECT FROM rastro.staged_snapshot")
    assert shop.hour(run_id=run_id).failures == {}
    assert not shop.ask("SELECT FROM rastro.staged_snapshot")
    assert wrong(shop) == []


@EVERY_STEP
def test_a_warehouse_that_goes_away_in_the_middle_of_a_load_keeps_none_of_it_and_a_rerun_does_all(
    shop: Any, action: str, table: str
) -> None:
    before = on_their_way(shop)
    with halfway(shop, action, table) as waiting, ThreadPoolExecutor(1) as thread:
        load = thread.submit(failing_load, shop, "cut off")
        wait_until(waiting)
        for row in waiting():
            shop.execute("SELECT pg_terminate_backend(%s)", row.pid)
        assert isinstance(load.result(timeout=60), psycopg.OperationalError | Transient)
    completes(shop, before, "cut off")


@EVERY_STEP
def test_a_disk_that_fills_during_a_load_leaves_nothing_half_done_and_a_rerun_does_all(
    shop: Any, action: str, table: str
) -> None:
    before = on_their_way(shop)
    with stumbling(shop, action, table, "full"):
        assert "No space left" in str(failing_load(shop, "no room"))
    completes(shop, before, "no room")


@EVERY_STEP
def test_a_worker_killed_in_the_middle_of_a_load_leaves_no_lock_and_nothing_half_done(
    shop: Any, action: str, table: str
) -> None:
    before = on_their_way(shop)
    with halfway(shop, action, table) as waiting:
        killed(shop, when=waiting)
    completes(shop, before, "after the kill")
