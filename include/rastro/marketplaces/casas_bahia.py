"""
Casas Bahia (formerly Via Varejo), for sellers who ship by their own carriers.

API docs: https://developers.grupocasasbahia.com.br (v2; read 2026-11). The connection: login = client_id, password =
access_token; neither ends. The host takes the path of the API along, and for tests
``https://api-mktplace-hlg.viavarejo.com.br/api/v2/sandbox``.
Quirks: what is told is items, not packages; fewer items than the order has leave it partly delivered. The items of a
package are those of the tracking operations that name its number or its invoice. A delivery is known by the seller's
own ``sellerDeliveryId``, which is chosen when it is sent and given again when it is delivered. An order's status comes
as a code (SHP, DLV) or as a word, an operation's as a control point (ENT is delivered); one that is in no table proves
nothing. Times are ISO 8601 with milliseconds, in Brasília. Too many calls are a 429 that names no time; others wait
about a minute. The marketplace writes to the buyer at every step and wants the seller's own mails turned off.

Guesses: the shape of the order is read from client libraries, and so are its words and codes. That the carrier's name
says when the marketplace carries the parcel (Envvias, CB Entrega) is how others know it. What it answers to a second
"delivered" is not published; 422 stands for every broken rule.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from rastro import typed
from rastro.access import Account, Field, Tokens, check
from rastro.errors import NotFound, Rejected, Unreadable
from rastro.http import Http, Limits, Request, path_segment
from rastro.marketplaces.answers import (
    REFUSED,
    hushed,
    in_brasilia,
    no_word,
    not_told,
    numbers_of,
    of_whole_order,
    refusal,
    shipped_at,
)
from rastro.marketplaces.base import ON_ITS_WAY, UNREADABLE, Marketplace, decoded, number_outside
from rastro.models import Status
from rastro.numbers import normalise
from rastro.receivers import Answer, Message, Reading, Receipt
from rastro.routing import folded

CODE = "casas_bahia"
REQUESTS_PER_SECOND = 1.0  # no limit is published, and who passes it waits a minute
# An order's status, as a word and as a code.
DELIVERED = frozenset({"delivered", "dlv"})
SENT = frozenset({"sent", "shipped", "shp"})  # all of it
CANCELLED = frozenset({"canceled", "cancelled", "can"})
# Control points of an item.
ITEM_DELIVERED = frozenset({"ENT"})
ITEM_SENT = frozenset({"ETR", *ITEM_DELIVERED})
ITEM_CANCELLED = frozenset({"CAN"})
INVOICED = frozenset({"NFS"})
# Still with the seller, who has paid for, picked or packed it.
BEFORE_SENT = frozenset({
    "AAP", "ACR", "AEG", "AES", "AMC", "CAP", "MPA", "NFS", "PAP", "PEI", "VES", "WMS",
})  # fmt: skip
# Off the way to the recipient.
GOING_BACK = frozenset({"PRE", "RIE", "RTD"})
KNOWN = ITEM_SENT | ITEM_CANCELLED | BEFORE_SENT | GOING_BACK
CARRIED = r"\benvvias\b|\b(cb|via|casas bahia)[ -]*(entregas?|fulfillment)\b"
FIELDS = (
    Field(name="login", label="client_id"),
    Field(name="password", label="access_token", secret=True),
)


class Reference(msgspec.Struct):
    id: str


class Carrier(msgspec.Struct):
    name: str | None = None
    cnpj: str | None = None


class Invoice(msgspec.Struct):
    number: str | int | None = None


class Tracking(msgspec.Struct, rename="camel"):
    """One operation on some of the items."""

    control_point: str
    items: list[Reference]
    occurred_at: datetime | None = None
    number: str | None = None
    seller_delivery_id: str | int | None = None
    carrier: Carrier | None = None
    invoice: Invoice | None = None


class Item(msgspec.Struct):
    id: str
    sent: bool | None = None


class Order(msgspec.Struct):
    status: str
    items: list[Item]
    trackings: list[Tracking] | None = None


class Error(msgspec.Struct):
    message: str | None = None


class Refusal(msgspec.Struct):
    errors: list[Error]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The items of one package, and the operations that concern them."""

    items: tuple[Item, ...]
    operations: tuple[Tracking, ...]

    def point_of(self, item: Item, among: frozenset[str]) -> bool:
        """Whether an operation of that kind was made on the item."""
        return any(one.control_point in among and item.id in ids_of([one]) for one in self.operations)

    def now_at(self, item: Item, among: frozenset[str]) -> bool:
        """Whether the newest operation on the item is of that kind; of the same time, the later in the list is."""
        its = [one for one in self.operations if item.id in ids_of([one])]
        if all(one.occurred_at for one in its):
            its.sort(key=lambda one: one.occurred_at.timestamp() if one.occurred_at else 0)
        return bool(its) and its[-1].control_point in among

    def all_at(self, among: frozenset[str]) -> bool:
        return bool(self.items) and all(self.point_of(item, among) for item in self.items)


class CasasBahia:
    """One seller."""

    code = CODE
    repeat_is_safe = False

    def __init__(self, account: Account, tokens: Tokens | None = None, *, limits: Limits | None = None) -> None:
        del tokens  # its keys do not end
        check(CODE, account, FIELDS)
        self._key = account.password
        self._http = Http(
            account.base_url,
            name=CODE,
            headers={"client_id": account.login, "access_token": account.password},
            limits=limits or Limits(requests_per_second=REQUESTS_PER_SECOND),
        )

    def read(self, message: Message) -> Answer:
        step = step_of(message)
        if step is None:
            return not_told(message, "Casas Bahia")
        order = self._order(message)
        delivery = delivery_of(order, message)
        answer = reading(order, message, step)
        return of_whole_order(answer, message) if delivery and len(delivery.items) == len(order.items) else answer

    def write(self, message: Message) -> Receipt:
        """
        :raises Rejected: it has no word for what happened, or a rule of it is broken.
        :raises NotFound: nothing tells which of the order's items are in this package.
        """
        step = step_of(message)
        if step is None:
            raise no_word(message, CODE)
        delivery = delivery_of(self._order(message), message)
        if delivery is None:
            raise NotFound(f"casas_bahia: no items of {number_outside(message, CODE)} are known to be in this package")
        answer = self._http.send(
            Request(
                method="POST",
                path=f"/orders/{path_segment(number_outside(message, CODE))}/trackings/{step}",
                json=tracking(delivery, message),
                repeatable=False,
                accept=REFUSED,
            )
        )
        if answer.status in REFUSED:
            raise refusal(
                CODE, f"{step} of {number_outside(message, CODE)}", answer, *sentences(hushed(answer.body, [self._key]))
            )
        return Receipt(status=answer.status)

    def _order(self, message: Message) -> Order:
        path = f"/orders/{path_segment(number_outside(message, CODE))}"
        answer = self._http.send(Request(method="GET", path=path))
        return decoded(answer, Order, f"{CODE}: order {message.marketplace_order_id}")


def sentences(body: bytes) -> list[str | None]:
    """What a refusal says; nothing where it cannot be read."""
    try:
        return [one.message for one in typed.decode(body, Refusal).errors]
    except UNREADABLE:
        return []


def delivery_of(order: Order, message: Message) -> Delivery | None:
    """
    The items of the package: those sent under its number, else those of its invoice, else all where nothing parts them.

    None where the order's items go in several deliveries and none of them is known to be this one, or all of them were
    sent under a number that no parcel of the order has or had.
    """
    operations = order.trackings or []
    ours, invoice = normalise(message.tracking_number), bare(message.invoice_number)
    named = [one for one in operations if ours and normalise(one.number or "") == ours] or [
        one for one in operations if one.invoice and invoice and bare(one.invoice.number) == invoice
    ]
    every = {item.id for item in order.items}
    numbers = {normalise(one.number) for one in operations if one.number}
    strange = bool(numbers) and not numbers & numbers_of(message)
    ids = ids_of(named) or (set() if strange or parted(operations, every) else every)
    items = tuple(item for item in order.items if item.id in ids)
    if not items:
        return None
    concerned = {item.id for item in items}
    return Delivery(items=items, operations=tuple(one for one in operations if concerned & ids_of([one])))


def ids_of(operations: Sequence[Tracking]) -> set[str]:
    return {each.id for one in operations for each in one.items}


def parted(operations: Sequence[Tracking], every: set[str]) -> bool:
    """Whether some delivery or invoice is known to hold only some of the items."""
    return any(
        (one.number or one.seller_delivery_id or (one.invoice and one.invoice.number)) and ids_of([one]) != every
        for one in operations
    )


def bare(written: str | int | None) -> str:
    """An invoice's number without the zeros in front that some write."""
    return str(written or "").strip().lstrip("0")


def reading(order: Order, message: Message, step: str) -> Answer:
    """
    What Casas Bahia holds about the package, compared with the step to be told.

    :raises Rejected: it is delivered with us, and on its way back there.
    :raises Unreadable: it is not known to be sent, and has operations that no table explains.
    """
    status = folded(order.status)
    if status in CANCELLED:
        return Answer(reading=Reading.CLOSED, reason="Casas Bahia has the order as cancelled")
    delivery = delivery_of(order, message)
    if delivery is None:
        return Answer(
            reading=Reading.NOT_READY,
            reason=f"Casas Bahia has no items under {message.tracking_number} or invoice {message.invoice_number} yet",
        )
    if any(carried_by_marketplace(one) for one in delivery.operations):
        return Answer(reading=Reading.CLOSED, reason="Casas Bahia carries it by Envvias and marks the order itself")
    if delivery.all_at(ITEM_CANCELLED):
        return Answer(reading=Reading.CLOSED, reason="Casas Bahia has the items as cancelled")
    if status in DELIVERED or delivery.all_at(ITEM_DELIVERED):
        return Answer(reading=Reading.DONE, reason="Casas Bahia has it as delivered already")
    if any(delivery.now_at(item, GOING_BACK) for item in delivery.items):
        if step == "delivered":
            raise Rejected("casas_bahia: it has the parcel on its way back to the seller; take it up with Casas Bahia")
        return Answer(reading=Reading.CLOSED, reason="Casas Bahia has it on its way back to the seller")
    return on_the_way(delivery, status, step)


def on_the_way(delivery: Delivery, status: str, step: str) -> Answer:
    """The answer about what is neither delivered nor closed."""
    if is_sent(delivery, status):
        if step == "delivered":
            return Answer(reading=Reading.OWED)
        return Answer(reading=Reading.DONE, reason="Casas Bahia has it as sent already")
    if step == "delivered":
        return Answer(
            reading=Reading.NOT_READY,
            reason=f"Casas Bahia has it as {status}; it must be told the invoice and trackings/sent first",
        )
    if not delivery.all_at(INVOICED):
        return Answer(
            reading=Reading.NOT_READY, reason=f"Casas Bahia has it as {status}; it must be told the invoice first"
        )
    return Answer(reading=Reading.OWED)


def is_sent(delivery: Delivery, status: str) -> bool:
    """
    By the order's status, or by what is said of each of its items.

    :raises Unreadable: what is said of them is in no table.
    """
    if status in SENT or all(item.sent is True or delivery.point_of(item, ITEM_SENT) for item in delivery.items):
        return True
    if odd := sorted({one.control_point for one in delivery.operations} - KNOWN):
        raise Unreadable(f"casas_bahia: an operation of the unknown control point {odd[0][:20]!r}")
    return False


def carried_by_marketplace(operation: Tracking) -> bool:
    return bool(operation.carrier and re.search(CARRIED, folded(operation.carrier.name or "")))


def step_of(message: Message) -> str | None:
    """The last part of the path; None where the marketplace has no word for it."""
    if message.delivered_at:
        return "delivered"
    return "sent" if message.status in ON_ITS_WAY else None


def tracking(delivery: Delivery, message: Message) -> dict[str, Any]:
    """The body of an operation on all items of the package; a carrier's CNPJ is sent where the marketplace has it."""
    sent = [one for one in delivery.operations if one.control_point not in BEFORE_SENT]
    known_by = next((str(one.seller_delivery_id) for one in sent if one.seller_delivery_id), "")
    carrier = next((one.carrier for one in sent if one.carrier and one.carrier.name), None)
    happened = message.delivered_at or shipped_at(message, CODE)
    return {
        "items": [item.id for item in delivery.items],
        "occurredAt": in_brasilia(happened),
        "sellerDeliveryId": known_by or f"{message.order_id}-{message.invoice_number}",
        "number": message.tracking_number,
        "url": message.tracking_url,
        "carrier": {
            "name": (carrier and carrier.name) or message.courier,
            **({"cnpj": carrier.cnpj} if carrier and carrier.cnpj else {}),
        },
    }


MARKETPLACE = Marketplace(
    code=CODE,
    name="Casas Bahia",
    docs="https://developers.grupocasasbahia.com.br",
    confidence="B",
    base_url="https://api-mktplace.viavarejo.com.br/api/v2",
    fields=FIELDS,
    credentials="The seller's portal gives the pair client_id and access_token once the integration is approved.",
    reads_back=True,
    mails_customer=True,
    requests_per_second=REQUESTS_PER_SECOND,
    build=CasasBahia,
    takes=frozenset({Status.IN_TRANSIT}),
    unsure="Its orders are read by shapes that client libraries have, and so are its codes.",
)
