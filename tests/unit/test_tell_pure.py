"""What is decided about an attempt to tell somebody, before and after it."""

import re
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection

from rastro.errors import (
    CredentialsRefused,
    Doubtful,
    Forbidden,
    Misconfigured,
    NotFound,
    RastroError,
    RateLimited,
    Rejected,
    Transient,
    Unreadable,
)
from rastro.mail.compose import Sender
from rastro.mail.render import Mail
from rastro.mail.server import Encryption, SmtpServer
from rastro.mail.smtp import Postman
from rastro.models import Channel, NoticeState, Pickup, Status
from rastro.orders.base import Contact, OrderSource
from rastro.pipeline.mail_customers import Letter, Mailer, mail_about
from rastro.pipeline.messages import about_step, key_of_step, packages
from rastro.pipeline.post import message_id
from rastro.pipeline.tell import REFUSED_IN_A_ROW, Figures, Teller, shared
from rastro.receivers import Answer, Message, Progress, Reading, Receipt
from rastro.sending import (
    BACK_OFF,
    UNTIL_A_PERSON_LOOKS,
    Claimed,
    Settlement,
    hindered,
    later,
    mail_in_doubt,
    reconsidered,
)
from rastro.settings import Settings, settings_from
from rastro.warehouse.outbox import Line, OrderKey, Parcel

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SETTINGS = settings_from({"max_attempts": "8", "shop_name": "Loja Exemplo", "mail_from": "pedidos@loja.example"})
ONE_REPEAT = settings_from({"resend_doubtful_mail": "true"})
ORDER = OrderKey(account="sql:erp_db", order_id="900100-01")


def notice(**changes: Any) -> Claimed:
    by_default: dict[str, Any] = {
        "notice_id": 1, "shipment_id": 1, "kind": "delivered", "content": "", "event_at": NOW - 60 * MINUTE,
        "expires_at": None, "attempts": 1, "message_id": "", "hand_overs": 0,
    }  # fmt: skip
    return Claimed(**by_default | changes)


def parcel(shipment_id: int = 1, status: Status = Status.DELIVERED, **changes: Any) -> Parcel:
    by_default: dict[str, Any] = {
        "shipment_id": shipment_id, "order_id": ORDER.order_id, "invoice_number": "4711",
        "tracking_number": f"QQ10000000{shipment_id}BR", "courier": "Transporte Rápido", "tracking_url": "",
        "carrier": "correios", "marketplace_order_id": "", "marketplace_endpoint": "", "locale": "pt-BR", "skip": "",
        "status": status, "status_at": NOW, "delivered_at": NOW if status is Status.DELIVERED else None,
        "estimated_at": None, "pickup": None, "city": "Recife", "state": "PE", "once_delivered": False,
    }  # fmt: skip
    return Parcel(**by_default | changes)


# A pause after a failed attempt


def test_the_pause_grows_with_the_attempts_and_then_stays() -> None:
    patient = replace(SETTINGS, max_attempts=100)
    waits = []
    for attempts in range(1, 11):
        settlement = later(Transient("down"), [notice(attempts=attempts)], patient, NOW)
        assert (settlement.state, settlement.reason) == (NoticeState.OWED, "down")
        assert settlement.not_before
        waits.append((settlement.not_before - NOW) // MINUTE)
    assert waits == [5, 15, 30, 60, 120, 240, 480, 720, 1440, 1440]


def test_the_attempts_are_those_of_the_oldest_notice_among_them() -> None:
    settlement = later(Transient("down"), [notice(attempts=1), notice(attempts=3)], SETTINGS, NOW)
    assert settlement.not_before == NOW + BACK_OFF[2]


@pytest.mark.parametrize(("asked", "waits"), [(None, 5 * MINUTE), (10.0, 5 * MINUTE), (3600.0, 60 * MINUTE)])
def test_the_other_side_may_ask_for_more_patience_and_not_for_less(asked: float | None, waits: timedelta) -> None:
    settlement = later(Transient("busy", retry_after=asked), [notice()], SETTINGS, NOW)
    assert settlement.not_before == NOW + waits


def test_too_many_attempts_are_the_end_until_a_person_looks() -> None:
    assert later(Transient("down"), [notice(attempts=7)], SETTINGS, NOW).state is NoticeState.OWED
    given_up = later(Transient("down"), [notice(attempts=8)], SETTINGS, NOW)
    assert given_up.state is NoticeState.DEAD
    assert given_up.reason == "gave up after 8 attempts: down"
    assert given_up.not_before is None


@pytest.mark.parametrize("error", [CredentialsRefused("401"), Misconfigured("no host"), RateLimited("429")])
def test_a_barred_way_is_no_attempt_at_the_notice_and_never_its_end(error: RastroError) -> None:
    settlement = hindered(error, [notice(attempts=50)], NOW)
    assert (settlement.state, settlement.reason) == (NoticeState.OWED, str(error))
    assert not settlement.counts
    assert settlement.not_before == NOW
    assert later(Transient("down"), [notice()], SETTINGS, NOW).counts


def test_behind_a_barred_way_a_doubt_stays_and_a_wish_for_patience_is_heeded() -> None:
    settlement = hindered(RateLimited("429", retry_after=90), [notice(), notice(hand_overs=1)], NOW)
    assert (settlement.state, settlement.not_before) == (NoticeState.UNKNOWN, NOW + timedelta(seconds=90))


def test_what_may_have_arrived_stays_doubtful_while_it_waits() -> None:
    settlement = later(Transient("down"), [notice(), notice(hand_overs=1)], SETTINGS, NOW)
    assert settlement.state is NoticeState.UNKNOWN
    assert settlement.not_before == NOW + 5 * MINUTE


@given(st.integers(1, 200), st.none() | st.floats(0, 1e6), st.booleans())
def test_whatever_waits_waits_a_while_and_whatever_does_not_is_dead(
    attempts: int, asked: float | None, doubtful
) -> None:
    settlement = later(
        Transient("down", retry_after=asked), [notice(attempts=attempts, hand_overs=int(doubtful))], SETTINGS, NOW
    )
    if settlement.state is NoticeState.DEAD:
        assert attempts >= SETTINGS.max_attempts
    else:
        assert settlement.not_before
        assert settlement.not_before - NOW >= BACK_OFF[0]
        assert settlement.not_before - NOW >= timedelta(seconds=asked or 0)


# Parcels of one invoice, orders among hands, figures


def test_parcels_that_share_an_invoice_are_one_package() -> None:
    first, second, third = parcel(1), parcel(2, invoice_number="4712"), parcel(3)
    assert list(packages([first, second, third])) == [[first, third], [second]]
    assert list(packages([])) == []


def message(**changes: Any) -> Message:
    by_default: dict[str, Any] = {
        "key": "notice_1", "order_id": "1", "invoice_number": "1", "tracking_number": "QQ1", "courier": "",
        "tracking_url": "", "status": Status.DELIVERED, "delivered_at": NOW,
        "history": tuple(Progress(occurred_at=NOW - ago * MINUTE, description=f"{ago}") for ago in (30, 20, 10, 0)),
    }  # fmt: skip
    return Message(**by_default | changes)


def lines(*told: tuple[int, Status, int]) -> list[Line]:
    """One for each line of the message: minutes ago, status, shipment."""
    return [
        Line(shipment_id=whose, occurred_at=NOW - ago * MINUTE, description=f"{ago}", city="", state="", status=status,
             code="")
        for ago, status, whose in told
    ]  # fmt: skip


WAY = lines(
    (30, Status.IN_TRANSIT, 1), (20, Status.IN_TRANSIT, 1), (10, Status.OUT_FOR_DELIVERY, 1), (0, Status.DELIVERED, 1)
)


def test_a_step_is_told_as_things_stood_then() -> None:
    out = about_step(message(), [notice(notice_id=7, kind="out_for_delivery", event_at=NOW - 10 * MINUTE)], WAY)
    assert (out.status, out.delivered_at) == (Status.OUT_FOR_DELIVERY, None)
    assert [line.description for line in out.history] == ["30", "20", "10"]


def test_the_last_of_several_parcels_says_how_far_the_history_goes() -> None:
    step = [notice(notice_id=n, kind="in_transit", event_at=NOW - ago * MINUTE) for n, ago in ((9, 30), (8, 20))]
    told = about_step(message(), step, WAY)
    assert [line.description for line in told.history] == ["30", "20"]


def test_a_step_of_which_no_line_is_left_has_the_whole_history_rather_than_none() -> None:
    step = [notice(kind="in_transit", event_at=NOW - 60 * MINUTE)]
    assert about_step(message(), step, WAY).history == message().history


def test_a_delivery_is_told_with_all_there_is() -> None:
    told = about_step(message(), [notice(notice_id=5, event_at=NOW - 10 * MINUTE), notice(notice_id=4)], WAY)
    assert told == message()


def test_a_step_is_known_by_its_package_whichever_parcel_it_is_owed_for() -> None:
    key = key_of_step(ORDER, "4711", [notice(notice_id=1)])
    assert re.fullmatch(r"package_[0-9a-f]{32}", key)
    assert key_of_step(ORDER, "4711", [notice(notice_id=8, shipment_id=2), notice(notice_id=9, shipment_id=3)]) == key
    others = {
        key_of_step(OrderKey(account="sql:other", order_id=ORDER.order_id), "4711", [notice()]),
        key_of_step(OrderKey(account=ORDER.account, order_id="900101-01"), "4711", [notice()]),
        key_of_step(ORDER, "4712", [notice()]),
        key_of_step(ORDER, "4711", [notice(kind="in_transit")]),
        key_of_step(ORDER, "4711", [notice(content="2026-11-20")]),
    }
    assert len(others - {key}) == 5


def test_what_may_have_arrived_keeps_the_name_under_which_it_went_out() -> None:
    assert key_of_step(ORDER, "4711", [notice(), notice(message_id="notice_5", hand_overs=1)]) == "notice_5"
    surely_not = key_of_step(ORDER, "4711", [notice(message_id="notice_5")])
    assert surely_not == key_of_step(ORDER, "4711", [notice()])


def test_a_step_ends_with_its_own_event_whatever_other_parcels_say_in_that_minute() -> None:
    history = tuple(Progress(occurred_at=NOW, description=words) for words in ("of 1", "itself", "of 1 again", "of 3"))
    said = lines(
        (0, Status.DELIVERY_FAILED, 1), (0, Status.DELIVERY_FAILED, 2), (0, Status.UNKNOWN, 2),
        (0, Status.DELIVERY_FAILED, 3),
    )  # fmt: skip
    step = [notice(shipment_id=2, kind="delivery_failed", event_at=NOW)]
    told = about_step(message(history=history), step, said)
    assert [line.description for line in told.history] == ["of 1", "itself"]


def test_that_it_is_shipped_ends_with_whatever_said_so_first() -> None:
    step = [notice(kind="in_transit", event_at=NOW - 10 * MINUTE)]
    assert len(about_step(message(), step, WAY).history) == 3
    unheard = [notice(kind="in_transit", event_at=NOW - 15 * MINUTE)]
    assert len(about_step(message(), unheard, WAY).history) == 2


def test_every_order_is_taken_by_exactly_one_hand() -> None:
    orders = [OrderKey(account="a", order_id=str(number)) for number in range(500)]
    waiting = shared(orders)
    taken: list[list[OrderKey]] = [[], [], [], []]
    start = threading.Barrier(len(taken))

    def take(mine: list[OrderKey]) -> None:
        start.wait(timeout=10)
        mine.extend(waiting)

    threads = [threading.Thread(target=take, args=(mine,)) for mine in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    everything = [order for mine in taken for order in mine]
    assert len(everything) == len(orders)
    assert set(everything) == set(orders)


def test_figures_count_each_end_once() -> None:
    figures = Figures()
    for settlement in (
        Settlement(state=NoticeState.SENT, outcome="read back"),
        Settlement(state=NoticeState.SENT, outcome="already"),
        Settlement(state=NoticeState.DROPPED),
        Settlement(state=NoticeState.SUPERSEDED),
        Settlement(state=NoticeState.UNKNOWN),
        Settlement(state=NoticeState.DEAD),
        Settlement(state=NoticeState.OWED),
    ):
        figures.count(settlement)
    assert figures.as_numbers() == {"sent": 1, "already": 1, "dropped": 2, "later": 1, "doubtful": 1, "dead": 1}
    assert figures.trouble is None


def judged(figures: Figures) -> list[bool]:
    return [alone for _, _, alone in figures.judged()]


def test_a_refusal_is_about_its_order_where_others_are_told() -> None:
    figures = Figures()
    figures.refuse([notice()], Forbidden("403"))
    figures.refuse([notice()], Rejected("wrong"))
    assert judged(figures) == [False, True]
    figures.sent = 1
    assert judged(figures) == [True, True]
    assert figures.trouble is None


@pytest.mark.parametrize("error", [Forbidden("403"), Rejected("wrong")])
def test_many_refusals_in_a_row_are_about_all_orders_and_end_the_telling(error: RastroError) -> None:
    figures = Figures(sent=1)
    figures.refuse([notice()], error)
    figures.reach()
    for _ in range(REFUSED_IN_A_ROW - 1):
        figures.refuse([notice()], error)
    assert figures.trouble is None
    figures.refuse([notice()], error)
    assert type(figures.trouble) is type(error)
    assert str(error) in str(figures.trouble)
    assert judged(figures) == [True] + [False] * REFUSED_IN_A_ROW


def test_a_refusal_is_an_answer() -> None:
    figures = Figures()
    for _ in range(10):
        figures.miss(Transient("503"))
        figures.refuse([notice()], Rejected("wrong"))
        figures.reach()
    assert figures.reached
    assert figures.trouble is None


# Read, write once, read back


@dataclass
class Shop:
    """
    A receiver with a memory: it knows what was written to it, unless told to answer otherwise.

    ``reads`` and ``writes`` are answers given in turn before its own; an error among them is raised. ``loses`` takes a
    write and then fails.
    """

    code: str = "shop"
    repeat_is_safe: bool = False
    can_be_asked: bool = True
    reads: list[Reading | RastroError] = field(default_factory=list)
    refuses: RastroError | None = None
    loses: bool = False
    forgets: bool = False
    written: list[str] = field(default_factory=list)

    def read(self, message: Message) -> Answer:
        if self.reads:
            told = self.reads.pop(0)
            if isinstance(told, RastroError):
                raise told
            return Answer(reading=told, reason=f"it is {told}")
        if not self.can_be_asked:
            return Answer(reading=Reading.CANNOT_ASK, reason="it cannot be read")
        return Answer(reading=Reading.DONE if message.key in self.written and not self.forgets else Reading.OWED)

    def write(self, message: Message) -> Receipt:
        if self.refuses:
            raise self.refuses
        self.written.append(message.key)
        if self.loses:
            raise Doubtful("no answer")
        return Receipt(status=200, number="R-1")


MESSAGE = Message(
    key="notice_1", order_id=ORDER.order_id, invoice_number="4711", tracking_number="QQ100000001BR", courier="Correios",
    tracking_url="", status=Status.DELIVERED, history=(), delivered_at=NOW,
)  # fmt: skip


def no_source(account: str) -> OrderSource:
    raise AssertionError(f"nobody is asked about {account} here")


def no_database() -> AbstractContextManager[Connection[Any]]:
    raise AssertionError("what is decided here needs no database")


def told(shop: Shop, *notices: Claimed) -> Settlement:
    """How one attempt at telling the shop ends."""
    teller = Teller(
        channel=Channel.MARKETPLACE, target="shop", receiver=shop, connect=no_database, settings=SETTINGS, pages={},
        run_id="r", clock=lambda: NOW,
    )  # fmt: skip
    return teller._tell_once(MESSAGE, notices or (notice(),))


def test_what_is_owed_is_written_once_and_read_back() -> None:
    shop = Shop()
    assert told(shop) == Settlement(state=NoticeState.SENT, receipt="R-1", outcome="read back", answer="200")
    assert shop.written == ["notice_1"]


def test_what_it_knows_already_is_a_success_without_a_write() -> None:
    shop = Shop(written=["notice_1"])
    settlement = told(shop, notice(hand_overs=1))
    assert (settlement.state, settlement.outcome) == (NoticeState.SENT, "already")
    assert shop.written == ["notice_1"]


def test_what_must_not_be_told_any_more_is_dropped_with_the_reason() -> None:
    shop = Shop(reads=[Reading.CLOSED])
    assert told(shop) == Settlement(state=NoticeState.DROPPED, reason="it is closed")
    assert shop.written == []


@pytest.mark.parametrize("reading", [Reading.NOT_READY, Reading.CHANGED])
def test_what_cannot_be_told_yet_waits_and_says_of_what(reading: Reading) -> None:
    shop = Shop(reads=[reading])
    settlement = told(shop)
    assert (settlement.state, settlement.not_before) == (NoticeState.OWED, NOW + BACK_OFF[0])
    assert (settlement.outcome, settlement.reason) == (reading.value, f"it is {reading}")
    assert shop.written == []


def test_where_nothing_can_be_read_an_accepted_write_is_enough() -> None:
    shop = Shop(can_be_asked=False)
    settlement = told(shop)
    assert (settlement.state, settlement.outcome) == (NoticeState.SENT, "accepted")


def test_what_may_have_arrived_and_cannot_be_asked_waits_for_a_person() -> None:
    shop = Shop(can_be_asked=False)
    settlement = told(shop, notice(), notice(hand_overs=1))
    assert (settlement.state, settlement.not_before) == (NoticeState.UNKNOWN, NOW + UNTIL_A_PERSON_LOOKS)
    assert shop.written == []


def test_what_may_have_arrived_is_repeated_where_a_repeat_is_safe() -> None:
    shop = Shop(can_be_asked=False, repeat_is_safe=True)
    assert told(shop, notice(hand_overs=1)).state is NoticeState.SENT
    assert shop.written == ["notice_1"]


def test_a_lost_answer_leaves_a_doubt_that_the_next_reading_resolves_without_a_second_write() -> None:
    shop = Shop(loses=True)
    doubt = told(shop)
    assert (doubt.state, doubt.not_before) == (NoticeState.UNKNOWN, NOW + BACK_OFF[0])
    assert told(shop, notice(hand_overs=1, attempts=2)).outcome == "already"
    assert shop.written == ["notice_1"]


def test_a_write_that_cannot_be_read_back_is_doubtful_and_keeps_its_receipt() -> None:
    settlement = told(Shop(reads=[Reading.OWED, Transient("gone")]))
    assert (settlement.state, settlement.receipt, settlement.answer) == (NoticeState.UNKNOWN, "R-1", "200")
    assert "written, but not read back" in settlement.reason


def test_a_write_that_is_accepted_and_not_there_is_doubtful() -> None:
    settlement = told(Shop(forgets=True))
    assert settlement.state is NoticeState.UNKNOWN
    assert "accepted with 200" in settlement.reason


def test_a_write_that_is_accepted_in_vain_again_waits_for_a_person() -> None:
    settlement = told(Shop(forgets=True), notice(attempts=5, hand_overs=1, in_vain=1))
    assert settlement.state is NoticeState.DEAD
    assert settlement.reason.startswith("given up, accepted with 200")


@pytest.mark.parametrize("after", [Reading.OWED, Reading.NOT_READY, Reading.CLOSED, Transient("down")])
def test_a_refused_write_of_which_nothing_is_there_is_the_end(after: Reading | RastroError) -> None:
    settlement = told(Shop(reads=[Reading.OWED, after], refuses=Rejected("422: step out of turn")))
    assert (settlement.state, settlement.reason) == (NoticeState.DEAD, "422: step out of turn")


def test_a_write_that_is_refused_since_it_is_there_already_is_a_success() -> None:
    settlement = told(Shop(reads=[Reading.OWED, Reading.DONE], refuses=Rejected("422: step out of turn")))
    assert settlement == Settlement(state=NoticeState.SENT, outcome="already", reason="it is done")


@pytest.mark.parametrize("when", ["read", "write"])
@pytest.mark.parametrize(
    ("error", "state"),
    [
        (NotFound("no such order"), NoticeState.DEAD),
        (Rejected("wrong"), NoticeState.DEAD),
    ],
)
def test_trouble_with_one_notice_is_settled_with_it(when: str, error: RastroError, state: NoticeState) -> None:
    shop = Shop(reads=[error]) if when == "read" else Shop(refuses=error)
    settlement = told(shop)
    assert (settlement.state, settlement.reason) == (state, str(error))
    assert shop.written == []


def test_a_look_up_before_the_write_that_makes_no_sense_is_trouble_for_later() -> None:
    with pytest.raises(Transient, match="not JSON"):
        told(Shop(refuses=Unreadable("not JSON")))


def test_an_answer_that_makes_no_sense_is_trouble_for_later_and_nothing_is_written() -> None:
    shop = Shop(reads=[Unreadable("not JSON")])
    with pytest.raises(Transient, match="not JSON"):
        told(shop)
    assert shop.written == []


@pytest.mark.parametrize("when", ["read", "write"])
@pytest.mark.parametrize(
    "error", [CredentialsRefused("401"), Misconfigured("no host"), RateLimited("429"), Transient("503")]
)
def test_trouble_that_concerns_more_than_this_notice_is_handed_on(when: str, error: RastroError) -> None:
    shop = Shop(reads=[error]) if when == "read" else Shop(refuses=error)
    with pytest.raises(type(error)):
        told(shop)
    assert shop.written == []


# Mails that are looked at again before they go


def statuses(*parcels: Parcel) -> dict[int, Status]:
    return {one.shipment_id: one.status for one in parcels if not one.skip}


def outcome(one: Claimed, *parcels: Parcel, settings: Settings = SETTINGS) -> tuple[NoticeState, str] | None:
    """Why a mail does not go out after all; None when it does."""
    found = reconsidered([one], statuses(*(parcels or [parcel()])), settings, NOW, last_days={})
    assert len(found) <= 1
    for held, settlement in found:
        assert held == one
        return settlement.state, settlement.reason
    return None


def test_a_mail_whose_news_is_still_true_goes_out() -> None:
    assert outcome(notice()) is None


def test_a_mail_that_was_overtaken_does_not_go_out() -> None:
    assert outcome(notice(kind="out_for_delivery")) == (NoticeState.SUPERSEDED, "the parcel has moved on")


def test_a_mail_about_a_parcel_that_is_no_longer_followed_does_not_go_out() -> None:
    assert outcome(notice(), parcel(skip="returned")) == (NoticeState.SUPERSEDED, "the parcel has moved on")
    assert outcome(notice(), parcel(2)) == (NoticeState.SUPERSEDED, "the parcel has moved on")


@pytest.mark.parametrize(("expires_in", "goes"), [(MINUTE, True), (timedelta(0), False), (-MINUTE, False)])
def test_a_mail_does_not_go_out_after_its_time(expires_in: timedelta, goes) -> None:
    found = outcome(notice(expires_at=NOW + expires_in))
    assert found == (None if goes else (NoticeState.DROPPED, "too old to be news"))


def test_a_mail_that_may_have_gone_out_waits_for_a_person() -> None:
    doubtful = notice(hand_overs=1, attempts=2)
    ((_, settlement),) = reconsidered([doubtful], statuses(parcel()), SETTINGS, NOW, last_days={})
    assert (settlement.state, settlement.not_before) == (NoticeState.UNKNOWN, NOW + UNTIL_A_PERSON_LOOKS)


@pytest.mark.parametrize(("hand_overs", "goes"), [(1, True), (2, False), (3, False)])
def test_a_mail_that_may_have_gone_out_is_repeated_once_where_that_is_set(hand_overs: int, goes) -> None:
    found = outcome(notice(hand_overs=hand_overs, attempts=5), settings=ONE_REPEAT)
    assert (found is None) is goes


def test_a_repeat_too_must_still_be_true() -> None:
    doubtful = notice(hand_overs=1, attempts=2, kind="out_for_delivery")
    assert outcome(doubtful, settings=ONE_REPEAT) == (NoticeState.SUPERSEDED, "the parcel has moved on")


def test_each_notice_is_looked_at_by_itself() -> None:
    good, late, overtaken = (
        notice(notice_id=1),
        notice(notice_id=2, expires_at=NOW - MINUTE),
        notice(notice_id=3, shipment_id=2),
    )
    found = reconsidered(
        [good, late, overtaken], statuses(parcel(), parcel(2, Status.RETURNED)), SETTINGS, NOW, last_days={}
    )
    assert [(held, settlement.state) for held, settlement in found] == [
        (late, NoticeState.DROPPED),
        (overtaken, NoticeState.SUPERSEDED),
    ]


# What a mail says


@pytest.fixture
def mailer(settings: Settings) -> Mailer:
    return Mailer(
        source_of=no_source, carrier_names={"correios": "Correios"}, pages={},
        postman=Postman(SmtpServer(host="localhost", port=25, encryption=Encryption.NONE)),
        sender=Sender(name="Loja Exemplo", address="pedidos@loja.example"), address_key=b"k", connect=no_database,
        settings=settings, run_id="r", clock=lambda: NOW,
    )  # fmt: skip


@pytest.fixture
def settings() -> Settings:
    return SETTINGS


def written(mailer: Mailer, notices: list[Claimed], parcels: list[Parcel], locale: str = "") -> Mail:
    contact = Contact(email="joana@cliente.example", first_name="Joana", locale=locale)
    letter = Letter(account=ORDER.account, order_id=ORDER.order_id, notices=notices, parcels=parcels)
    return mail_about(letter, contact, mailer.settings, mailer.carrier_names, mailer.pages)


def test_a_mail_speaks_of_the_parcels_concerned_and_their_place_among_all(mailer: Mailer) -> None:
    parcels = [parcel(1, Status.IN_TRANSIT), parcel(2), parcel(3, skip="cancelled"), parcel(4)]
    mail = written(mailer, [notice(shipment_id=2), notice(shipment_id=4)], parcels)
    assert [(one.tracking_number, one.position) for one in mail.parcels] == [
        ("QQ100000002BR", 2),
        ("QQ100000004BR", 3),
    ]
    assert mail.total_parcels == 3
    assert (mail.order_id, mail.shop_name) == (ORDER.order_id, "Loja Exemplo")


def test_delivered_is_said_in_part_until_the_last_parcel_has_arrived(mailer: Mailer) -> None:
    assert written(mailer, [notice()], [parcel(1), parcel(2, Status.IN_TRANSIT)]).message == "delivered_partly"
    assert written(mailer, [notice()], [parcel(1), parcel(2)]).message == "delivered"
    assert written(mailer, [notice()], [parcel(1), parcel(2, Status.LOST, skip="cancelled")]).message == "delivered"


def test_other_news_is_what_it_is_however_many_parcels_there_are(mailer: Mailer) -> None:
    out = notice(kind="out_for_delivery")
    assert written(mailer, [out], [parcel(1, Status.OUT_FOR_DELIVERY), parcel(2)]).message == "out_for_delivery"


def test_a_mail_tells_local_times_and_the_name_customers_know(mailer: Mailer) -> None:
    late = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)
    pickup = Pickup(place="AGF Centro", deadline=date(2026, 11, 28))
    (one,) = written(mailer, [notice(event_at=late)], [parcel(estimated_at=late, pickup=pickup)]).parcels
    assert (one.occurred_at.day, one.occurred_at.hour) == (20, 22)
    assert one.estimated == date(2026, 11, 20)
    assert one.pickup == pickup
    assert one.carrier_name == "Correios"
    (other,) = written(mailer, [notice()], [parcel(carrier="veloz")]).parcels
    assert (other.carrier_name, other.estimated) == ("Transporte Rápido", None)


def test_the_customers_language_comes_before_the_orders(mailer: Mailer) -> None:
    assert written(mailer, [notice()], [parcel(locale="pt-BR")], locale="es-AR").language.tag == "es"
    assert written(mailer, [notice()], [parcel(locale="en-US")]).language.tag == "en"
    assert written(mailer, [notice()], [parcel()]).language.tag == "pt-BR"


def test_whoever_receives_a_parcel_gets_a_mail_of_their_own(mailer: Mailer) -> None:
    assert written(mailer, [notice(to_receiver=True)], [parcel()]).to_receiver
    assert not written(mailer, [notice()], [parcel()]).to_receiver


def test_a_message_id_is_made_of_our_own_row_and_the_shops_domain_and_kept() -> None:
    assert message_id([notice(notice_id=42)], "delivered", SETTINGS) == "<rastro.42.delivered@loja.example>"
    assert message_id([notice(message_id="<a@b>", hand_overs=1)], "delivered", SETTINGS) == "<a@b>"


def test_a_mail_of_unknown_fate_waits_for_a_person() -> None:
    settlement = mail_in_doubt(Doubtful("cut off"), [notice()], SETTINGS, NOW)
    assert (settlement.state, settlement.not_before) == (NoticeState.UNKNOWN, NOW + UNTIL_A_PERSON_LOOKS)
    assert settlement.may_have_arrived


def test_a_mail_of_unknown_fate_is_due_again_once_where_that_is_set() -> None:
    first = mail_in_doubt(Doubtful("cut off"), [notice(attempts=3)], ONE_REPEAT, NOW)
    again = mail_in_doubt(Doubtful("cut off"), [notice(attempts=4, hand_overs=1)], ONE_REPEAT, NOW)
    assert first.not_before == NOW + ONE_REPEAT.lease
    assert again.not_before == NOW + UNTIL_A_PERSON_LOOKS
