"""
MadeiraMadeira: its marketplace API, which is told of deliveries item by item.

API docs: https://documenter.getpostman.com/view/3341659/RztmqU19 (v1, read 2026-11). The test service is
https://marketplace-sandbox.madeiramadeira.com.br.
Quirks: the body is a list of orders, and no answer says which of them were taken, so one goes at a time and is read
back. The items are in the order only, under the seller's own codes. Numbers come as numbers or as text, quantities as
``1.00000``. An order must stand at 7 (sent) to be told; others are refused with 422. Errors are ``errors.detail``
beside a count of 0. Dates are days, dd/mm/yyyy. An item may stand under several invoices, some pieces under each, and
what is delivered of it names none.

Guesses: that items are told under the seller's code, as the order's own lists have them; that an order's invoices are
known by the number in ``faturamento``; that a delivery of some items leaves the order at 7; that it mails its customer.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

from rastro.access import Account, Field, Tokens, check
from rastro.errors import NotFound, Rejected, Unreadable
from rastro.http import Http, Limits, Request, path_segment
from rastro.marketplaces.answers import of_whole_order
from rastro.marketplaces.base import Marketplace, decoded, number_outside
from rastro.receivers import Answer, Message, Reading, Receipt

LOCAL = ZoneInfo("America/Sao_Paulo")
REQUESTS_PER_SECOND = 2.0
CANCELLED, SENT, DELIVERED = 4, 7, 8
BEFORE_SENT = {1: "new", 2: "received", 3: "approved", 6: "invoiced"}


class Item(msgspec.Struct):
    """An item of the order; ``madeira_envios`` is 1 where MadeiraMadeira carries it."""

    skuseller: str
    quantidade: Annotated[float, msgspec.Meta(gt=0, le=100_000)]
    madeira_envios: int | None = None


class Invoiced(msgspec.Struct):
    """What was invoiced of an item; ``numero`` is the invoice's."""

    sku: str | None = None
    numero: str | int | None = None
    quantidade: Annotated[float, msgspec.Meta(gt=0, le=100_000)] | None = None


class Delivered(msgspec.Struct):
    """What was delivered of an item, under whatever invoice."""

    sku: str
    quantidade: Annotated[float, msgspec.Meta(ge=0, le=100_000)]


class Order(msgspec.Struct):
    id_pedido: int
    status: int
    skus: tuple[Item, ...]
    faturamento: tuple[Invoiced, ...] | None = None
    entrega: tuple[Delivered, ...] | None = None


class Shown(msgspec.Struct):
    """An order that is not there is an empty list, or nothing."""

    data: Order | tuple[()] | None


class MadeiraMadeira:
    """One seller's account."""

    code = "madeira_madeira"
    repeat_is_safe = False

    def __init__(self, account: Account, tokens: Tokens | None = None, *, limits: Limits | None = None) -> None:
        del tokens  # its key does not end
        check("madeira_madeira", account, FIELDS)
        self._http = Http(
            account.base_url,
            name="madeira_madeira",
            limits=limits or Limits(requests_per_second=REQUESTS_PER_SECOND),
            headers={"TOKENMM": account.password},
        )

    def read(self, message: Message) -> Answer:
        """
        :raises Rejected: nothing tells which of its items are under the message's invoice.
        """
        order = self._order(message)
        answer = reading(order, message)
        whole = answer.reading is Reading.NOT_READY or items_of(order, message) == order.skus
        return of_whole_order(answer, message) if whole else answer

    def write(self, message: Message) -> Receipt:
        """
        :raises Rejected: it is not delivered, or not to be told as it stands there.
        """
        if message.delivered_at is None:
            raise Rejected(f"madeira_madeira: order {message.order_id} is not delivered, and nothing else is told here")
        body = [delivery(self._order(message), message, message.delivered_at)]
        answer = self._http.send(Request(method="PUT", path="/v1/pedido/delivered", json=body, repeatable=False))
        return Receipt(status=answer.status)

    def _order(self, message: Message) -> Order:
        """
        :raises NotFound: MadeiraMadeira does not know it.
        """
        number = number_outside(message, "madeira_madeira")
        what = f"madeira_madeira: order {number}"
        answer = self._http.send(Request(method="GET", path=f"/v1/pedido/id/{path_segment(number)}"))
        shown = decoded(answer, Shown, what).data
        if isinstance(shown, Order):
            return shown
        raise NotFound(f"{what} is not there: check the number that it has with MadeiraMadeira")


def items_of(order: Order, message: Message) -> tuple[Item, ...]:
    """
    The items under the message's invoice; all of them where none is known, or but one that has another number.

    :raises Rejected: there are several invoices, and none of them has the message's number.
    :raises Unreadable: there are no items.
    """
    if not order.skus:
        raise Unreadable(f"madeira_madeira: order {order.id_pedido} has no items")
    numbers = {bare(line.numero) for line in order.faturamento or () if line.numero}
    ours = {line.sku for line in lines_of(order, message)}
    found = tuple(item for item in order.skus if item.skuseller in ours)
    if found or len(numbers) <= 1:
        return found or order.skus
    raise Rejected(
        f"madeira_madeira: order {order.id_pedido} has several invoices, and {message.invoice_number} is none of "
        "them: tell it by hand"
    )


def lines_of(order: Order, message: Message) -> list[Invoiced]:
    """What is under the message's invoice."""
    return [line for line in order.faturamento or () if bare(line.numero) == bare(message.invoice_number)]


def amounts(order: Order, message: Message) -> dict[str, float]:
    """
    How many of each item are under the message's invoice, by the seller's code; all, where nothing says how many.

    :raises Rejected: nothing tells which of its items are under the message's invoice.
    """
    return {
        item.skuseller: in_lines(item.skuseller, lines_of(order, message)) or item.quantidade
        for item in items_of(order, message)
    }


def in_lines(sku: str, lines: Iterable[Invoiced | Delivered]) -> float:
    return sum(line.quantidade or 0 for line in lines if line.sku == sku)


def delivered(order: Order, message: Message) -> Answer:
    """
    Whether what is under the message's invoice is delivered there. A delivery names no invoice, but tells all that is
    under one: it cannot be asked about where each item stands under other invoices, too, and some of it is delivered.
    """
    ours = amounts(order, message)
    there = {sku: in_lines(sku, order.entrega or ()) for sku in ours}
    if any(there[sku] < amount for sku, amount in ours.items()):
        return Answer(reading=Reading.OWED)
    invoiced = {sku: in_lines(sku, order.faturamento or ()) for sku in ours}
    alone = any(invoiced[sku] <= amount for sku, amount in ours.items())
    if alone or all(there[sku] >= amount for sku, amount in invoiced.items()):
        return Answer(reading=Reading.DONE, reason="MadeiraMadeira has these items as delivered")
    return Answer(
        reading=Reading.CANNOT_ASK,
        reason="MadeiraMadeira has some of these items as delivered, and does not show under which of their invoices",
    )


def bare(number: str | int | None) -> str:
    """An invoice's number without the zeros in front."""
    return str(number or "").strip().lstrip("0")


def reading(order: Order, message: Message) -> Answer:
    """
    What MadeiraMadeira holds about an order, compared with a message.

    :raises Rejected: nothing tells which of its items are under the message's invoice.
    :raises Unreadable: its status is none that is known.
    """
    if order.status == DELIVERED:
        return Answer(reading=Reading.DONE, reason="MadeiraMadeira has it as delivered")
    if order.status == CANCELLED:
        return Answer(reading=Reading.CLOSED, reason="MadeiraMadeira cancelled the order")
    if order.status not in {*BEFORE_SENT, SENT}:
        raise Unreadable(f"madeira_madeira: an order of the unknown status {order.status}")
    items = items_of(order, message)
    if any(item.madeira_envios for item in items):
        return Answer(reading=Reading.CLOSED, reason="MadeiraMadeira carries it itself (Madeira Envios)")
    if order.status in BEFORE_SENT:
        reason = f"MadeiraMadeira has it as {BEFORE_SENT[order.status]}; it must be sent there first"
        return Answer(reading=Reading.NOT_READY, reason=reason)
    return delivered(order, message)


def delivery(order: Order, message: Message, at: datetime) -> dict[str, object]:
    """The order's part of the body."""
    day = f"{at.astimezone(LOCAL):%d/%m/%Y}"
    return {
        "id_pedido": order.id_pedido,
        "entrega": [
            {"sku": sku, "quantidade": int(amount), "data_entrega": day}
            for sku, amount in amounts(order, message).items()
        ],
    }


FIELDS = (
    Field(name="host", label="Base URL", help="https://marketplace.madeiramadeira.com.br", required=False),
    Field(name="password", label="Token", help="Sent as TOKENMM.", secret=True),
)
MARKETPLACE = Marketplace(
    code="madeira_madeira",
    name="MadeiraMadeira",
    docs="https://documenter.getpostman.com/view/3341659/RztmqU19",
    confidence="A",
    base_url="https://marketplace.madeiramadeira.com.br",
    fields=FIELDS,
    credentials="The token stands in MadeiraMadeira's Portal Marketplace, under Administração > Integração.",
    reads_back=True,
    mails_customer=True,
    requests_per_second=REQUESTS_PER_SECOND,
    build=MadeiraMadeira,
    unsure=(
        "That items are told under the seller's own codes, and what becomes of an order of which some items are "
        "delivered; how many calls it bears is not published."
    ),
)
