"""
Nuvemshop (Tiendanube), the shop platform: tracking events on an order's fulfillment orders.

API docs: https://tiendanube.github.io/api-documentation (v1; read 2026-11). The connection: login = the number of the
store, password = the app's token, which does not end. Extra ``app``: the app's name with an address to write to, which
Nuvemshop wants as User-Agent.
Quirks: the token goes in a header ``Authentication``, not ``Authorization``. An order has one fulfillment order per
package, with an id of its own; ours is the one with the tracking number. Events are taken once it is DISPATCHED, 100
of them at most. The event ``delivered`` makes it DELIVERED. An event is refused with 400 as identical to an earlier one
when all of it agrees and its time does within a minute: then it is there already. All fields of an event must be
there, null or not. Times are ISO 8601 with offset.

Guesses: that a fulfillment order may be CANCELLED or NOT_DELIVERED is known by a client library only. That Nuvem Envio,
the platform's own shipping, carries a package and follows it itself is told by the carrier's name.
"""

import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

from rastro import typed
from rastro.access import Account, Field, Tokens, check
from rastro.errors import NotFound, Rejected, Unreadable
from rastro.http import USER_AGENT, Http, Limits, Request, path_segment
from rastro.marketplaces.answers import (
    BRASILIA,
    Vocabulary,
    hushed,
    no_word,
    not_told,
    of_whole_order,
    package_of,
    told_at,
)
from rastro.marketplaces.base import UNREADABLE, Marketplace, decoded, number_outside
from rastro.models import Status
from rastro.receivers import Answer, Message, Reading, Receipt
from rastro.redaction import excerpt
from rastro.routing import folded

CODE = "nuvemshop"
REQUESTS_PER_SECOND = 2.0  # what a store's bucket is refilled by
EVENTS = Vocabulary(
    words={
        Status.IN_TRANSIT: "in_transit",
        Status.OUT_FOR_DELIVERY: "out_for_delivery",
        Status.DELIVERY_FAILED: "delivery_attempt_failed",
        Status.READY_FOR_PICKUP: "ready_for_pickup",
        Status.DELIVERED: "delivered",
        Status.RETURNED: "returned_to_sender",
        Status.LOST: "lost",
    },
    again=frozenset({"delivery_attempt_failed"}),
)
# What stands beside an event. It is the same whatever the carrier says, since a copy is known by it.
DESCRIPTIONS: Mapping[str, str] = {
    "in_transit": "Pedido em trânsito",
    "out_for_delivery": "Pedido saiu para entrega",
    "delivery_attempt_failed": "Tentativa de entrega sem sucesso",
    "ready_for_pickup": "Pedido disponível para retirada",
    "delivered": "Pedido entregue",
    "returned_to_sender": "Pedido devolvido ao remetente",
    "lost": "Pedido extraviado",
}
NOT_SENT = frozenset({"UNPACKED", "PACKED"})
SENT = frozenset({"DISPATCHED", "READY_FOR_PICKUP", "NOT_DELIVERED"})
CARRIED = r"\b(nuvem[ -]*envios?|envios?[ -]*nube)\b"
REFUSED = 400
FIELDS = (
    Field(name="login", label="Store id", help="The number of the store."),
    Field(name="password", label="Access token", secret=True),
    Field(name="app", label="App", help="Its name and an address to write to: Loja (ti@loja.example)", required=False),
)


class Carrier(msgspec.Struct):
    name: str | None = None


class Shipping(msgspec.Struct):
    carrier: Carrier | None = None


class TrackingInfo(msgspec.Struct):
    code: str | None = None


class TrackingEvent(msgspec.Struct):
    status: str
    happened_at: datetime | None = None


class FulfillmentOrder(msgspec.Struct):
    id: str
    status: str
    tracking_info: TrackingInfo | None = None
    tracking_events: list[TrackingEvent] | None = None
    shipping: Shipping | None = None


class Made(msgspec.Struct):
    id: str | None = None


class Nuvemshop:
    """One store."""

    code = CODE
    repeat_is_safe = False

    def __init__(self, account: Account, tokens: Tokens | None = None, *, limits: Limits | None = None) -> None:
        del tokens  # its token does not end
        check(CODE, account, FIELDS)
        self._token = account.password
        self._store = path_segment(account.login)
        self._http = Http(
            account.base_url,
            name=CODE,
            headers={
                "Authentication": f"bearer {account.password}",
                "User-Agent": account.extra.get("app") or USER_AGENT,
            },
            limits=limits or Limits(requests_per_second=REQUESTS_PER_SECOND),
        )

    def read(self, message: Message) -> Answer:
        word = EVENTS.word_for(message)
        if word is None:
            return not_told(message, "Nuvemshop")
        orders = self._fulfillment_orders(message)
        answer = reading(orders, message, word)
        return of_whole_order(answer, message) if is_whole(orders, message) else answer

    def write(self, message: Message) -> Receipt:
        """
        :raises Rejected: it has no word for what happened, or refuses the event.
        :raises NotFound: nothing tells which fulfillment order the package is.
        """
        word = EVENTS.word_for(message)
        if word is None:
            raise no_word(message, CODE)
        body = event(message, word)
        ours = fulfillment_order_of(self._fulfillment_orders(message), message)
        if ours is None:
            raise NotFound(f"nuvemshop: no package of {number_outside(message, CODE)} is {message.tracking_number}")
        answer = self._http.send(
            Request(
                method="POST",
                path=f"{self._path(message)}/{path_segment(ours.id)}/tracking-events",
                json=body,
                repeatable=False,
                accept=frozenset({REFUSED}),
            )
        )
        if answer.status == REFUSED:
            check_that_it_is_there(hushed(answer.body, [self._token]), message)
            return Receipt(status=answer.status)
        try:
            number = typed.decode(answer.body, Made).id
        except UNREADABLE:
            number = None  # it was taken all the same
        return Receipt(status=answer.status, number=number or "")

    def _fulfillment_orders(self, message: Message) -> list[FulfillmentOrder]:
        answer = self._http.send(Request(method="GET", path=self._path(message)))
        return decoded(answer, list[FulfillmentOrder], f"{CODE}: order {message.marketplace_order_id}")

    def _path(self, message: Message) -> str:
        return f"/{self._store}/orders/{path_segment(number_outside(message, CODE))}/fulfillment-orders"


def fulfillment_order_of(orders: list[FulfillmentOrder], message: Message) -> FulfillmentOrder | None:
    return package_of(
        message,
        orders,
        lambda one: [one.tracking_info.code] if one.tracking_info else [],
        is_cancelled=lambda one: one.status == "CANCELLED",
    )


def is_whole(orders: list[FulfillmentOrder], message: Message) -> bool:
    """Whether the package that is ours there is the whole order."""
    return len(orders) == 1 and fulfillment_order_of(orders, message) is not None


def reading(orders: list[FulfillmentOrder], message: Message, word: str) -> Answer:
    """
    What Nuvemshop holds about the package, compared with the event to be told.

    :raises Unreadable: its status is none that is known.
    """
    ours = fulfillment_order_of(orders, message)
    if ours is None:
        return Answer(
            reading=Reading.NOT_READY,
            reason=f"Nuvemshop has {len(orders)} packages, none of them with {message.tracking_number} yet",
        )
    if ours.status == "CANCELLED":
        return Answer(reading=Reading.CLOSED, reason="Nuvemshop has the package as cancelled")
    if carried_by_nuvemshop(ours):
        return Answer(reading=Reading.CLOSED, reason="Nuvem Envio carries it and marks the order itself")
    if ours.status == "DELIVERED":
        return Answer(reading=Reading.DONE, reason="Nuvemshop has it as delivered already")
    events = ours.tracking_events or []
    if EVENTS.is_known([(one.status, one.happened_at) for one in events], word, told_at(message, CODE)):
        return Answer(reading=Reading.DONE, reason=f"Nuvemshop has {word} or something later already")
    if ours.status in SENT:
        return Answer(reading=Reading.OWED)
    if ours.status in NOT_SENT:
        return Answer(
            reading=Reading.NOT_READY, reason=f"Nuvemshop has it as {ours.status}; it must be dispatched there first"
        )
    raise Unreadable(f"nuvemshop: a fulfillment order of the unknown status {ours.status[:40]!r}")


def carried_by_nuvemshop(order: FulfillmentOrder) -> bool:
    carrier = order.shipping.carrier if order.shipping else None
    return bool(carrier and re.search(CARRIED, folded(carrier.name or "")))


def event(message: Message, word: str) -> dict[str, str | None]:
    """The body of a tracking event."""
    step = message.history[-1] if message.history else None
    place = ", ".join(part for part in (step.city, step.state) if part) if step else ""
    return {
        "status": word,
        "description": DESCRIPTIONS[word],
        "address": place or None,
        "geolocation": None,
        "happened_at": told_at(message, CODE).astimezone(BRASILIA).isoformat(timespec="seconds"),
        "estimated_delivery_at": None,
    }


def check_that_it_is_there(body: bytes, message: Message) -> None:
    """
    :raises Rejected: the event was refused for another reason than that it is there already.
    """
    said = excerpt(body, length=200)
    if "identical" not in said:
        raise Rejected(f"nuvemshop: the event about {message.tracking_number} is refused: {said or 'no reason given'}")


MARKETPLACE = Marketplace(
    code=CODE,
    name="Nuvemshop",
    docs="https://tiendanube.github.io/api-documentation/resources/fulfillment-order",
    confidence="A",
    base_url="https://api.nuvemshop.com.br/v1",
    fields=FIELDS,
    credentials=(
        "Make an app in Nuvemshop's partner portal with the permission write_fulfillment_orders and install it in the "
        "store; the installation gives the store's number and the token."
    ),
    reads_back=True,
    mails_customer=False,
    requests_per_second=REQUESTS_PER_SECOND,
    build=Nuvemshop,
    takes=frozenset(EVENTS.words) - {Status.DELIVERED},
    unsure="That a package travels by Nuvem Envio is told by the carrier's name.",
)
