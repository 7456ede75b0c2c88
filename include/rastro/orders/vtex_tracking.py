"""
Writing a package's progress on its VTEX order.

API docs: https://developers.vtex.com/docs/api-reference/orders-api (Update order tracking status, and for links and
numbers Update order's partial invoice; read 2026-11).
One PUT records the events, makes VTEX mail the customer and, with ``isDelivered``, is relayed to the marketplace.
Quirks: dates are local days without an offset; the only identity an event has is its day and wording. Whether a second
PUT replaces or adds is not documented, so nothing is put that the order already has, and the whole history goes unless
the setting ``events`` says delta. Without a tracking link VTEX mails nothing. What a person confirmed on the order in
the admin screen is left as it is.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from rastro import typed
from rastro.errors import NotFound, Rejected
from rastro.http import Http, Request, Response, path_segment
from rastro.orders.vtex_order import Order, Package
from rastro.orders.vtex_packages import unaddressable
from rastro.receivers import Answer, Message, Reading, Receipt

LOCAL = ZoneInfo("America/Sao_Paulo")
LONGEST_DESCRIPTION = 5000


class Told(msgspec.Struct, frozen=True, order=True):
    """One event as VTEX takes it; all four are texts and none may be null."""

    date: str
    description: str
    city: str
    state: str

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes two events the same to VTEX: case and blanks do not."""
        return tuple(" ".join(part.casefold().split()) for part in (self.date, self.description, self.city, self.state))


class Tracking(msgspec.Struct, frozen=True, rename="camel"):
    """The body of the PUT."""

    is_delivered: bool
    delivered_date: str | None
    events: Sequence[Told]


class Acknowledged(msgspec.Struct):
    receipt: str | None = None


class VtexOrder:
    """
    The order of a VTEX account, as somebody who is told about its packages.

    :param order: reads one order as it is now.
    :param events: ``full`` or ``delta``.
    :param fill_tracking_url: whether an order without a tracking link gets one: that of ``new_link``, which makes one
        for an order of ours, else the message's.
    """

    code = "vtex"
    repeat_is_safe = False

    def __init__(
        self,
        http: Http,
        order: Callable[[str], Order],
        *,
        events: str = "full",
        fill_tracking_url: bool = False,
        new_link: Callable[[str], str] | None = None,
    ) -> None:
        self._http = http
        self._order = order
        self._delta = events == "delta"
        self._fill_tracking_url = fill_tracking_url
        self._new_link = new_link
        self._just_read: dict[str, Package] = {}  # by message key, between a reading that found it owed and its write

    def read(self, message: Message) -> Answer:
        order = self._order(message.order_id)
        answer = reading(order, message)
        package = package_of(order, message)
        self._just_read.pop(message.key, None)
        if answer.reading is Reading.OWED and package is not None:
            self._just_read[message.key] = package
        return answer

    def write(self, message: Message) -> Receipt:
        """
        What goes out depends on what the order has, so the order is read unless :meth:`read` has just done it.

        :raises Rejected: there is nothing to tell, or VTEX cannot address the invoice.
        """
        if not message.history and not message.new_number:
            raise Rejected(f"order {message.order_id}: a package without any history is not written to VTEX")
        fault = unaddressable(message.invoice_number, times=1)
        if fault:
            raise Rejected(f"order {message.order_id}: {fault}")
        package = self._just_read.pop(message.key, None) or package_of(self._order(message.order_id), message)
        if package is None:
            raise NotFound(f"order {message.order_id}: it has no invoice {message.invoice_number} any more")
        invoice = f"/api/oms/pvt/orders/{path_segment(message.order_id)}/invoice/{path_segment(message.invoice_number)}"
        if message.new_number:
            answer = self._patch(invoice, renumbered(package, message))
            return Receipt(status=answer.status, number=receipt_in(answer.body))
        if self._fill_tracking_url and not (package.tracking_url or "").strip():
            self._fill(invoice, package, message)
        body = tracking(package, message, delta=self._delta)
        answer = self._http.send(Request(method="PUT", path=f"{invoice}/tracking", json=body, repeatable=False))
        return Receipt(status=answer.status, number=receipt_in(answer.body))

    def _fill(self, invoice: str, package: Package, message: Message) -> None:
        url = self._new_link(message.order_id) if self._new_link else message.tracking_url
        if url:
            self._patch(invoice, msgspec.structs.replace(package, tracking_url=url))

    def _patch(self, invoice: str, package: Package) -> Response:
        """All four fields go, so that none is blanked."""
        fields = {
            "trackingNumber": package.tracking_number,
            "trackingUrl": package.tracking_url,
            "courier": package.courier,
            "dispatchedDate": package.dispatched_date,
        }
        return self._http.send(Request(method="PATCH", path=invoice, json=fields, repeatable=False))


def reading(order: Order, message: Message) -> Answer:
    """What an order holds, compared with a message."""
    package = package_of(order, message)
    if package is None:
        return Answer(reading=Reading.CLOSED, reason=f"the order has no invoice {message.invoice_number} any more")
    cases = (
        (order.is_cancelled, Reading.CLOSED, "the order was cancelled"),
        (order.is_returned(package), Reading.CLOSED, "a return invoice covers the whole package"),
        *(of_number(package, message) if message.new_number else of_news(package, message)),
        (order.is_asked_to_cancel, Reading.NOT_READY, "the order waits for the answer to a request to cancel it"),
    )
    for holds, found, reason in cases:
        if holds:
            return Answer(reading=found, reason=reason)
    return Answer(reading=Reading.OWED)


Case: TypeAlias = tuple[bool, Reading, str]


def of_number(package: Package, message: Message) -> tuple[Case, ...]:
    numbers = package.numbers or ("",)
    replaced = message.tracking_number not in numbers or message.tracking_number == message.new_number
    return (
        (replaced and message.new_number in numbers, Reading.DONE, "the invoice has the number"),
        (replaced, Reading.CLOSED, "the invoice has another number now"),
    )


def of_news(package: Package, message: Message) -> tuple[Case, ...]:
    delivered = message.delivered_at is not None
    return (
        (not package.numbers, Reading.CHANGED, "the tracking number was taken off the invoice"),
        (message.tracking_number not in package.numbers, Reading.CHANGED, "the invoice has another number now"),
        (
            package.is_finished and not delivered and not message.once_delivered,
            Reading.CLOSED,
            "somebody confirmed the delivery on the order; it is left as it is",
        ),
        (
            package.is_finished == delivered and not missing(package, message),
            Reading.DONE,
            "the order has all of it",
        ),
    )


def renumbered(package: Package, message: Message) -> Package:
    """The package with the new number in place of the one it stands for, in its link too where that names it."""
    before, after = message.tracking_number, message.new_number
    numbers = dict.fromkeys(after if number == before else number for number in package.numbers or ("",))
    url = package.tracking_url
    link = url.replace(before, after) if url and before else url
    return msgspec.structs.replace(package, tracking_number="; ".join(numbers), tracking_url=link)


def package_of(order: Order, message: Message) -> Package | None:
    """The outgoing package of an invoice; None also when two share its number, since VTEX cannot tell them apart."""
    found = [package for package in order.packages if package.invoice_number == message.invoice_number]
    return found[0] if len(found) == 1 and found[0].is_output else None


def tracking(package: Package, message: Message, *, delta: bool) -> Tracking:
    """The body that brings a package up to date; never without an event."""
    whole = wanted(message)
    events = (missing(package, message) or whole[-1:]) if delta else whole
    delivered_at = message.delivered_at
    return Tracking(
        is_delivered=delivered_at is not None,
        delivered_date=delivered_at.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M") if delivered_at else None,
        events=events,
    )


def wanted(message: Message) -> list[Told]:
    """The message's history as VTEX takes it, oldest first."""
    return [
        Told(
            date=step.occurred_at.astimezone(LOCAL).date().isoformat(),
            description=step.description[:LONGEST_DESCRIPTION],
            city=step.city,
            state=step.state,
        )
        for step in message.history
    ]


def held(package: Package) -> list[Told]:
    """The events a package has, oldest first, as far as they are dated."""
    return sorted(
        Told(
            date=scan.last_change[:10],
            description=scan.description or "",
            city=scan.city or "",
            state=scan.state or "",
        )
        for scan in package.scans
        if scan.last_change
    )


def missing(package: Package, message: Message) -> list[Told]:
    known = {told.identity for told in held(package)}
    return [told for told in wanted(message) if told.identity not in known]


def receipt_in(body: bytes) -> str:
    """VTEX's receipt; empty when the answer has none, which does not undo what it took."""
    try:
        return typed.decode(body, Acknowledged).receipt or ""
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
