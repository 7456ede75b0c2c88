"""
Shopee, for sellers in Brazil who ship by their own carriers.

API docs: https://open.shopee.com/documents/v2/v2.logistics.update_tracking_status (v2; read 2026-11). The connection:
login = partner_id, password = partner_key, extra ``shop_id`` and ``refresh_token``, which the shop's consent gives.
Quirks: every call is signed: HMAC-SHA256, in hex, by the partner's key over partner id, path, time, and, once logged
in, access token and shop; the time may be five minutes off. A token lives four hours. The refresh token lives thirty
days and is good for one use: each login gives the next one. Refusals come as 200 with ``error``, and a token that has
ended is called ``invalid_acceess_token``, as it is written here. Only orders of three channels are told anything: the
seller's own fleet (90021), 90025 and 90026; all others Shopee carries itself. 90026 wants the one-time code that the
buyer gives at the door, and a reason for a failure, which no carrier tells us: those are a person's. ``done`` and
``failed`` are final, so a failed attempt is none: only a parcel that is back or lost has failed. What is told is about
the whole order, so an end waits until all parcels of it have come to it, and one of several packages there is a
person's, too.

Guesses: the codes of errors are gathered from integrations. That an order may be told delivered that was never told
picked up is what its docs imply.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from rastro import typed
from rastro.access import Access, Account, Field, Tokens, check
from rastro.errors import Misconfigured, NotFound, Rejected, Unreadable
from rastro.http import Limits, Request
from rastro.marketplaces.answers import Candid, in_doubt, no_word, not_told, of_whole_order
from rastro.marketplaces.base import ON_ITS_WAY, UNREADABLE, Line, Marketplace, decoded, number_outside
from rastro.marketplaces.shopee_login import SPOKEN, ByConsent, judge, number, signed
from rastro.models import Status
from rastro.receivers import Answer, Message, Reading, Receipt

CODE = "shopee"
REQUESTS_PER_SECOND = 5.0  # no limit is published
ORDER = "/api/v2/order/get_order_detail"
UPDATE = "/api/v2/logistics/update_tracking_status"
PICKED_UP, DONE, FAILED = "logistics_pickup_done", "logistics_delivery_done", "logistics_delivery_failed"
OWN_FLEET, BY_CODE = 90021, 90026
CHANNELS = frozenset({OWN_FLEET, 90025, BY_CODE})
CANCELLED = frozenset({"CANCELLED"})
WITH_BUYER = frozenset({"TO_CONFIRM_RECEIVE", "COMPLETED"})
SENT_BACK = frozenset({"TO_RETURN"})
# A package's logistics_status.
BEFORE = frozenset({"LOGISTICS_NOT_START", "LOGISTICS_NOT_STARTED", "LOGISTICS_READY"})
ARRANGED = frozenset({"LOGISTICS_REQUEST_CREATED", "LOGISTICS_PICKUP_RETRY"})
PICKED_UP_THERE = frozenset({"LOGISTICS_PICKUP_DONE"})
DELIVERED = frozenset({"LOGISTICS_DELIVERY_DONE"})
FAILED_THERE = frozenset({"LOGISTICS_DELIVERY_FAILED", "LOGISTICS_LOST"})
CANCELLED_THERE = frozenset({"LOGISTICS_REQUEST_CANCELED", "LOGISTICS_REQUEST_CANCELLED", "LOGISTICS_INVALID"})
FIELDS = (
    Field(name="login", label="Partner id"),
    Field(name="password", label="Partner key", secret=True),
    Field(name="shop_id", label="Shop id", help="The number of the shop, which comes with its consent."),
    Field(
        name="refresh_token",
        label="Refresh token",
        help="From the shop's consent; from then on Rastro keeps the newest one.",
        secret=True,
    ),
)


class Package(msgspec.Struct):
    logistics_status: str | None = None
    logistics_channel_id: int | None = None


class Order(msgspec.Struct):
    order_sn: str
    order_status: str
    package_list: list[Package] | None = None


class Orders(msgspec.Struct):
    order_list: list[Order]


class OrdersAnswer(msgspec.Struct):
    response: Orders


class Update(msgspec.Struct):
    update_result: str


class UpdateAnswer(msgspec.Struct):
    response: Update
    request_id: str | None = None


def now_in_utc() -> datetime:
    return datetime.now(UTC)


class Shopee:
    """One shop."""

    code = CODE
    repeat_is_safe = False

    def __init__(
        self,
        account: Account,
        tokens: Tokens,
        *,
        clock: Callable[[], datetime] = now_in_utc,
        limits: Limits | None = None,
    ) -> None:
        check(CODE, account, FIELDS)
        number(account, "login")
        number(account, "shop_id")
        self._clock = clock
        http = Candid(
            account.base_url,
            name=CODE,
            judge=judge,
            limits=limits or Limits(requests_per_second=REQUESTS_PER_SECOND),
        )
        self._line = Line(http=http, tokens=tokens)

    def read(self, message: Message) -> Answer:
        """
        :raises Rejected: it is a person's: a one-time code is wanted, or one word would stand for several packages.
        """
        word = word_for(message)
        if word is None:
            return not_told(message, "Shopee")
        wanted = number_outside(message, CODE)
        answer = self._line.send(
            lambda access: Request(
                method="GET",
                path=ORDER,
                params=(
                    *self._signed(access, ORDER),
                    ("order_sn_list", wanted),
                    ("response_optional_fields", "package_list"),
                ),
                accept=SPOKEN,
            )
        )
        orders = decoded(answer, OrdersAnswer, f"{CODE}: order {wanted}").response.order_list
        order = next((one for one in orders if one.order_sn == wanted), None)
        if order is None:
            raise NotFound(f"shopee: order {wanted} is not there")
        return of_whole_order(reading(order, word), message)

    def write(self, message: Message) -> Receipt:
        """
        :raises Rejected: it has no word for what happened, or says no.
        """
        word = word_for(message)
        if word is None:
            raise no_word(message, CODE)
        body = update(message, word)
        answer = self._line.send(
            lambda access: Request(
                method="POST",
                path=UPDATE,
                params=self._signed(access, UPDATE),
                json=body,
                repeatable=False,
                accept=SPOKEN,
            )
        )
        try:
            said = typed.decode(answer.body, UpdateAnswer)
        except UNREADABLE as error:
            raise in_doubt(f"shopee: the answer to an update makes no sense ({error})") from None
        match said.response.update_result:
            case "succeed":
                return Receipt(status=answer.status, number=said.request_id or "")
            case "failed":
                raise Rejected(
                    f"shopee: {body['logistics_status']} of {body['order_sn']} failed, and no reason is given"
                )
        raise in_doubt("shopee: the answer to an update does not say how it went")

    def _signed(self, access: Access, path: str) -> tuple[tuple[str, str], ...]:
        if access.token is None:
            raise Misconfigured("shopee: no token was obtained; check the connection")
        return signed(access.account, path, self._clock(), access.token)


def word_for(message: Message) -> str | None:
    """None where Shopee has none for it."""
    if message.delivered_at:
        return DONE
    if message.status in ON_ITS_WAY:
        return PICKED_UP
    return FAILED if message.status in {Status.RETURNED, Status.LOST} else None


def update(message: Message, word: str) -> dict[str, str]:
    body = {"order_sn": number_outside(message, CODE), "logistics_status": word}
    if word == PICKED_UP:
        body |= {"tracking_number": message.tracking_number}
        if message.tracking_url:
            body |= {"tracking_url": message.tracking_url}
    return body


def reading(order: Order, word: str) -> Answer:
    """
    What Shopee holds about the order, compared with the word to be told.

    :raises Rejected: what is to be told is a person's.
    :raises Unreadable: the order does not say by which channel it goes, or how far it has come.
    """
    packages = order.package_list or []
    if order.order_status in CANCELLED:
        return Answer(reading=Reading.CLOSED, reason="Shopee has the order as cancelled")
    if order.order_status in SENT_BACK:
        return Answer(reading=Reading.CLOSED, reason="the buyer sends it back")
    if order.order_status in WITH_BUYER:
        return shown(word, DELIVERED)
    if not packages:
        return Answer(reading=Reading.NOT_READY, reason=f"Shopee has it as {order.order_status}, without a package yet")
    if any(not one.logistics_channel_id for one in packages):
        raise Unreadable(f"shopee: order {order.order_sn} does not say by which channel it goes")
    if others := sorted({one.logistics_channel_id or 0 for one in packages} - CHANNELS):
        return Answer(
            reading=Reading.CLOSED, reason=f"Shopee carries it by its channel {others[0]} and marks the order itself"
        )
    if order.order_status == "IN_CANCEL":
        return Answer(reading=Reading.NOT_READY, reason="the buyer asks for it to be cancelled, and nobody has decided")
    if len(packages) > 1:
        raise Rejected(
            f"shopee: order {order.order_sn} goes in {len(packages)} packages, and Shopee takes one word for all of "
            "them; tell it by hand when the last one has arrived"
        )
    answer = far(order, packages[0], word)
    if answer.reading is Reading.OWED and packages[0].logistics_channel_id == BY_CODE and word in {DONE, FAILED}:
        wanted = "the one-time code that the buyer gave" if word == DONE else "a reason that no carrier tells"
        raise Rejected(
            f"shopee: order {order.order_sn} goes by channel {BY_CODE}, which wants {wanted}; tell it by hand"
        )
    return answer


def far(order: Order, package: Package, word: str) -> Answer:
    """How far a package has come, compared with the word."""
    status = package.logistics_status or ""
    if status in DELIVERED or status in FAILED_THERE:
        return shown(word, DELIVERED if status in DELIVERED else FAILED_THERE)
    if status in CANCELLED_THERE:
        return Answer(reading=Reading.CLOSED, reason="Shopee has the shipping as cancelled")
    if status in BEFORE:
        return Answer(
            reading=Reading.NOT_READY,
            reason=f"Shopee has it as {order.order_status}; its shipping must be arranged there first",
        )
    if status in PICKED_UP_THERE and word == PICKED_UP:
        return Answer(reading=Reading.DONE, reason="Shopee has it as picked up already")
    if status in PICKED_UP_THERE or status in ARRANGED:
        return Answer(reading=Reading.OWED)
    raise Unreadable(f"shopee: order {order.order_sn} is {status or 'nowhere'}, which no table explains")


def shown(word: str, there: frozenset[str]) -> Answer:
    """The answer where Shopee holds an end, which is final."""
    end = "delivered" if there is DELIVERED else "failed"
    if word == PICKED_UP or (word == DONE) == (there is DELIVERED):
        return Answer(reading=Reading.DONE, reason=f"Shopee has it as {end} already")
    if word == FAILED:
        return Answer(reading=Reading.CLOSED, reason="Shopee has it as delivered, which is final")
    raise Rejected("shopee: it has the delivery as failed, which is final; take it up with Shopee")


MARKETPLACE = Marketplace(
    code=CODE,
    name="Shopee",
    docs="https://open.shopee.com/documents/v2/v2.logistics.update_tracking_status",
    confidence="A",
    base_url="https://partner.shopeemobile.com",
    fields=FIELDS,
    credentials=(
        "Register as a partner on Shopee's Open Platform for partner id and key; the shop then consents on the page "
        "that it makes for the app, which gives shop id and refresh token."
    ),
    reads_back=True,
    mails_customer=True,
    requests_per_second=REQUESTS_PER_SECOND,
    build=Shopee,
    takes=frozenset({Status.IN_TRANSIT, Status.RETURNED, Status.LOST}),
    login=ByConsent(),
    unsure="The codes of its errors are gathered from integrations.",
)
