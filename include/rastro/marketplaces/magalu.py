"""
Magalu: its open API for sellers, one delivery of an order at a time.

API docs: https://developers.magalu.com/docs/seller-pedidos/finish_delivery.en/ and its neighbours (read 2026-11). The
test service is https://api-sandbox.magalu.com, whose sales channel has an id of its own.
Quirks: a delivery is addressed by its UUID. What people and shops know is the order's code, whose older form begins
with ``LU-``, or the delivery's, which is the order's with ``-1`` behind it. So it is looked up by code first, and where
an order has several deliveries, by the number inside the access keys of their invoices; its only delivery is told when
all parcels of the order have come. ``finishing`` wants the
delivery shipped, ``shippings`` wants its invoice approved, which takes Magalu a while. The login is on another host,
id.magalu.com; who consents must be ADMIN of the shop, else everything is answered with 403. Times are UTC.

Guesses: the filter ``code`` of the list of deliveries, which takes an order's code without ``LU-``; that a provider
called Magalu Entregas or Magalog carries the parcel itself, since the ids of its services are not published; that a
frozen delivery is freed some day; that Magalu mails its customer about each step.
"""

import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from rastro.access import Access, Account, Field, Tokens, check
from rastro.errors import NotFound, Rejected, Unreadable
from rastro.http import Http, Limits, Request, path_segment
from rastro.marketplaces.answers import of_whole_order
from rastro.marketplaces.base import ON_ITS_WAY, Line, Marketplace, decoded, number_outside
from rastro.models import Status
from rastro.oauth import OAuth
from rastro.receivers import Answer, Message, Reading, Receipt
from rastro.routing import folded

T = TypeVar("T")
DELIVERIES = "/seller/v1/deliveries"
REQUESTS_PER_SECOND = 10.0
LOGIN = "https://id.magalu.com"
LOGIN_ELSEWHERE = frozenset({"api.magalu.com", "api-sandbox.magalu.com"})
# Each step follows the one before it; delivered is the end.
STEPS = ("new", "approved", "invoiced", "shipped", "delivered")
# Who carries by Magalu itself: the id of a logistic network, or words in a provider's name or description.
NETWORK = "fulfillment"
PROVIDER = re.compile(r"magalu entregas|\bmagalog\b|fulfillment")


class Named(msgspec.Struct):
    id: str | int | None = None
    name: str | None = None
    description: str | None = None


class Shipping(msgspec.Struct):
    provider: Named | None = None
    logistic_network: Named | None = None


class OfOrder(msgspec.Struct):
    code: str | None = None


class Delivery(msgspec.Struct):
    id: str
    code: str | None = None
    status: str | None = None
    order: OfOrder | None = None
    shipping: Shipping | None = None


class Deliveries(msgspec.Struct):
    results: tuple[Delivery, ...]


class Invoice(msgspec.Struct):
    key: str | None = None


class Invoices(msgspec.Struct):
    results: tuple[Invoice, ...]


class Created(msgspec.Struct):
    id: str | None = None


class MagaluLogin(OAuth):
    """Magalu's own hosts send their login elsewhere."""

    def host(self, account: Account) -> str:
        own = LOGIN if urlsplit(account.base_url).hostname in LOGIN_ELSEWHERE else account.base_url
        return account.extra.get("login_url") or own


class Magalu:
    """One seller's account on one sales channel."""

    code = "magalu"
    repeat_is_safe = False

    def __init__(self, account: Account, tokens: Tokens, *, limits: Limits | None = None) -> None:
        check("magalu", account, FIELDS)
        self._channel = account.value("channel_id")
        self._line = Line(
            http=Http(
                account.base_url, name="magalu", limits=limits or Limits(requests_per_second=REQUESTS_PER_SECOND)
            ),
            tokens=tokens,
        )

    def read(self, message: Message) -> Answer:
        """
        :raises Rejected: it cannot be told which delivery it is, or one word would stand for what ended differently.
        """
        delivery, only = self._delivery(message)
        answer = reading(delivery, message)
        if not only:
            return answer
        answer = of_whole_order(answer, message)
        if answer.reading is Reading.OWED and message.others:
            self._check_invoice(delivery, message)
        return answer

    def write(self, message: Message) -> Receipt:
        """
        :raises Rejected: there is nothing that Magalu takes, or it refuses the step.
        """
        step, body = news(message)
        path = f"{DELIVERIES}/{path_segment(self._delivery(message)[0].id)}/{step}"
        answer = self._line.send(
            lambda access: Request(
                method="POST",
                path=path,
                headers=self._headers(access),
                json={"channel": {"id": self._channel}, **body},
                repeatable=False,
            )
        )
        try:
            number = decoded(answer, Created, "magalu: the receipt").id
        except Unreadable:  # it was taken all the same
            number = None
        return Receipt(status=answer.status, number=number or "")

    def _delivery(self, message: Message) -> tuple[Delivery, bool]:
        """
        The delivery that the package is, and whether it is all that is known under the order's number.

        :raises NotFound: Magalu knows no such order.
        :raises Rejected: it cannot be told which of the order's deliveries it is.
        """
        number = number_outside(message, "magalu")
        if is_uuid(number):
            return self._ask(f"{DELIVERIES}/{number}", Delivery), True
        code = bare(number)
        listed = self._ask(DELIVERIES, Deliveries, ("code", re.sub(r"-\d{1,2}$", "", code)), ("_limit", "50"))
        found = [one for one in listed.results if code in codes_of(one)]
        if not found:
            raise NotFound(
                f"magalu: no delivery has the code {number}: check the number that the order has with Magalu"
            )
        only = len(found) == 1
        if not only:
            found = [one for one in found if self._holds(one, message.invoice_number)]
        if len(found) != 1:
            raise Rejected(
                f"magalu: order {number} has several deliveries, and {len(found)} of them are under invoice "
                f"{message.invoice_number}: tell Magalu by hand"
            )
        return self._ask(f"{DELIVERIES}/{path_segment(found[0].id)}", Delivery), only

    def _check_invoice(self, delivery: Delivery, message: Message) -> None:
        """
        :raises Rejected: the only delivery of an order of several parcels is under other invoices than ours.
        """
        if (known := self._invoices(delivery)) and message.invoice_number.lstrip("0") not in known:
            raise Rejected(
                f"magalu: the delivery of order {message.marketplace_order_id} is under invoice "
                f"{', '.join(sorted(known))}, not {message.invoice_number}: tell Magalu by hand"
            )

    def _holds(self, delivery: Delivery, invoice_number: str) -> bool:
        return invoice_number.lstrip("0") in self._invoices(delivery)

    def _invoices(self, delivery: Delivery) -> set[str]:
        """The numbers of the invoices that the delivery has, as far as their keys tell."""
        invoices = self._ask(f"{DELIVERIES}/{path_segment(delivery.id)}/invoices", Invoices)
        return {number for one in invoices.results if (number := number_in(one.key or ""))}

    def _ask(self, path: str, kind: type[T], *params: tuple[str, str]) -> T:
        answer = self._line.send(
            lambda access: Request(method="GET", path=path, params=params, headers=self._headers(access))
        )
        return decoded(answer, kind, f"magalu: {path}")

    def _headers(self, access: Access) -> dict[str, str]:
        token = access.token.value if access.token else ""
        return {"Authorization": f"Bearer {token}", "X-Channel-Id": self._channel}


def is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.casefold()
    except ValueError:
        return False


def bare(code: str) -> str:
    return code.strip().upper().removeprefix("LU-")


def codes_of(delivery: Delivery) -> Sequence[str]:
    """What a delivery may be asked for by: its own code, and its order's."""
    own = bare(delivery.code or "")
    return [
        code for code in (own, own.rpartition("-")[0], bare((delivery.order and delivery.order.code) or "")) if code
    ]


def number_in(key: str) -> str:
    """The invoice's number, as it stands in the 44 digits of its access key; empty when these are none."""
    return key[25:34].lstrip("0") if re.fullmatch(r"\d{44}", key) else ""


def carried_by(shipping: Shipping | None) -> str:
    """Who carries the parcel on Magalu's behalf; empty when the seller does."""
    if shipping is None:
        return ""
    network, provider = shipping.logistic_network or Named(), shipping.provider or Named()
    if str(network.id).casefold() == NETWORK:
        return "its fulfilment"
    words = folded(" ".join(str(word) for word in (provider.id, provider.name, provider.description) if word))
    return (provider.name or "Magalu Entregas") if PROVIDER.search(words) else ""


def reading(delivery: Delivery, message: Message) -> Answer:
    """
    What Magalu holds about a delivery, compared with a message.

    :raises Unreadable: its status is none that is known.
    """
    status = delivery.status or ""
    if status == "cancelled":
        return Answer(reading=Reading.CLOSED, reason="Magalu cancelled the delivery")
    if status == "frozen":
        return Answer(reading=Reading.NOT_READY, reason="Magalu has frozen the delivery")
    if status not in STEPS:
        raise Unreadable(f"magalu: a delivery of the unknown status {status[:40]!r}")
    told = STEPS.index("delivered" if message.delivered_at else "shipped")
    if STEPS.index(status) >= told:
        return Answer(reading=Reading.DONE, reason=f"Magalu has it as {status}")
    if carrier := carried_by(delivery.shipping):
        return Answer(reading=Reading.CLOSED, reason=f"Magalu carries it itself, by {carrier}")
    if STEPS.index(status) < told - 1:
        return Answer(
            reading=Reading.NOT_READY, reason=f"Magalu has it as {status}; it must be {STEPS[told - 1]} there first"
        )
    return Answer(reading=Reading.OWED)


def news(message: Message) -> tuple[str, dict[str, object]]:
    """
    The step that a message asks for, and its body.

    :raises Rejected: Magalu takes no such news.
    """
    if message.delivered_at:
        return "finishing", {"delivered_at": moment(message.delivered_at)}
    if message.status not in ON_ITS_WAY or not message.history:
        raise Rejected(f"magalu: order {message.order_id} is {message.status}, of which Magalu is not told")
    dates = {"shipped_at": moment(message.history[0].occurred_at)}
    if message.estimated_at:
        dates["estimated_delivery_at"] = moment(message.estimated_at)
    return "shippings", {
        "tracking_url": message.tracking_url,
        "protocol": message.tracking_number,
        "carrier": {"name": message.courier},
        "dates": dates,
    }


def moment(at: datetime) -> str:
    """``2026-11-21T01:30:00.000Z``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


FIELDS = (
    Field(
        name="host", label="Base URL", help="https://api.magalu.com, or https://api-sandbox.magalu.com", required=False
    ),
    Field(name="login", label="Client id"),
    Field(name="password", label="Client secret", secret=True),
    Field(
        name="refresh_token",
        label="Refresh token",
        help="The first one, from the consent of the shop's ADMIN; Rastro keeps the later ones.",
        secret=True,
    ),
    Field(
        name="channel_id",
        label="Sales channel",
        help="The id of the channel, sent as X-Channel-Id.",
        example="00000000-0000-4000-8000-000000000000",
    ),
)
MARKETPLACE = Marketplace(
    code="magalu",
    name="Magalu",
    docs="https://developers.magalu.com/docs/seller-pedidos/finish_delivery.en/",
    confidence="A",
    base_url="https://api.magalu.com",
    fields=FIELDS,
    credentials=(
        "Register an application at developers.magalu.com with the scopes open:order-delivery-seller:read and :write, "
        "and let the shop's ADMIN consent to it."
    ),
    reads_back=True,
    mails_customer=True,
    requests_per_second=REQUESTS_PER_SECOND,
    build=Magalu,
    takes=frozenset({Status.IN_TRANSIT}),
    login=MagaluLogin(
        code="magalu", path="/oauth/token", grant="refresh_token", body="form", lifetime=timedelta(seconds=7200)
    ),
    unsure=(
        "The list of deliveries is asked by an order's code, which its page does not describe; that Magalu carries a "
        "parcel itself is told by the name of the provider; that it mails its customer."
    ),
)
