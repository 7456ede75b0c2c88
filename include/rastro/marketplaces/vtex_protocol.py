"""
A marketplace on VTEX's marketplace protocol, told by an outside seller.

API docs: https://developers.vtex.com/docs/api-reference/marketplace-protocol-external-seller-marketplace (read
2026-11). The connection: host = the marketplace's service endpoint, with its query string if it has one
(``https://host/api/oms?an=account``); login = app key, password = app token. Extra: ``reads_back`` (default ``true``;
``false`` where the key may not view orders).
Quirks: each order names its own endpoint. It is used only when it is on the connection's host, since our credentials go
along. This call has no delivery date; the last event's day stands for it. Dates are local days. Reading back is the
marketplace's own order API, which it may keep to itself; so an answer that is not ``date``, ``orderId``, ``receipt``
confirms nothing. A package of type Input is a return, whatever its invoice.
"""

from typing import Annotated
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import msgspec

from rastro import typed
from rastro.access import Account, Field, Tokens
from rastro.errors import CredentialsRefused, Doubtful, Misconfigured, NotFound, Rejected
from rastro.http import Http, Limits, Request, Response, path_segment
from rastro.marketplaces.base import UNREADABLE, Marketplace, decoded, number_outside
from rastro.receivers import Answer, Message, Reading, Receipt

LOCAL = ZoneInfo("America/Sao_Paulo")
ORDERS_API = "/api/oms"
CANCELLED = frozenset({"cancel", "canceled", "cancelled"})


class CourierStatus(msgspec.Struct):
    finished: bool | None = None


class Item(msgspec.Struct):
    id: str | int | None = None
    quantity: Annotated[float, msgspec.Meta(ge=0, le=100_000)] | None = None


class Package(msgspec.Struct, rename="camel"):
    items: tuple[Item, ...] | None = None
    invoice_number: str | None = None
    type: str | None = None
    courier_status: CourierStatus | None = None


class Packages(msgspec.Struct):
    packages: tuple[Package, ...] | None = None


class Order(msgspec.Struct, rename="camel"):
    status: str
    package_attachment: Packages | None = None


class Acknowledged(msgspec.Struct):
    receipt: str | None = None


class Taken(msgspec.Struct, rename="camel"):
    date: str
    order_id: str


class VtexProtocol:
    """One marketplace account. A second "delivered" is not known to be dropped, so none is sent blindly."""

    code = "vtex_protocol"
    repeat_is_safe = False

    def __init__(self, account: Account, tokens: Tokens | None = None, *, limits: Limits | None = None) -> None:
        del tokens  # its keys do not end
        missing = [
            name
            for name, value in {
                "host (the marketplace's service endpoint)": urlsplit(account.base_url).hostname,
                "login (the app key)": account.login,
                "password (the app token)": account.password,
            }.items()
            if not value
        ]
        if account.extra.get("reads_back", "true").lower() not in {"true", "false"}:
            missing.append("extra reads_back, true or false")
        if missing:
            raise Misconfigured(f"{self.code}: the connection lacks {'; '.join(missing)}")
        self._endpoint = account.base_url
        self._reads_back = account.extra.get("reads_back", "true").lower() == "true"
        parts = urlsplit(account.base_url)
        self.http = Http(
            f"{parts.scheme}://{parts.netloc}",
            name=self.code,
            limits=limits,
            headers={"X-VTEX-API-AppKey": account.login, "X-VTEX-API-AppToken": account.password},
        )

    def read(self, message: Message) -> Answer:
        if not self._reads_back:
            return Answer(reading=Reading.CANNOT_ASK, reason="the connection's reads_back is false")
        try:
            order = self.order(message)
        except (CredentialsRefused, NotFound) as error:
            reason = f"the marketplace does not show us the order: {error}"
            return Answer(reading=Reading.CANNOT_ASK, reason=reason, trouble=error)
        return reading(order, message)

    def order(self, message: Message) -> Order:
        """
        The order as the marketplace's own order API shows it.

        :raises RastroError: it does not show it.
        """
        path, params = self.endpoint(message)
        path = f"{path.removesuffix(ORDERS_API)}{ORDERS_API}/pvt/orders/{self.order_id(message)}"
        answer = self.http.send(Request(method="GET", path=path, params=params))
        return decoded(answer, Order, f"{self.code}: order {message.marketplace_order_id}")

    def write(self, message: Message) -> Receipt:
        """
        :raises Rejected: there is nothing to tell.
        :raises Doubtful: the answer is none by which a marketplace acknowledges it.
        """
        if not message.history:
            raise Rejected(f"{self.code}: order {message.marketplace_order_id} has no history to tell")
        path, params = self.endpoint(message)
        invoice = path_segment(message.invoice_number)
        answer = self.http.send(
            Request(
                method="POST",
                path=f"{path}/pvt/orders/{self.order_id(message)}/invoice/{invoice}/tracking",
                params=params,
                json=tracking(message),
                repeatable=False,
            )
        )
        return acknowledged(answer, f"{self.code}: order {message.marketplace_order_id}")

    def order_id(self, message: Message) -> str:
        return path_segment(number_outside(message, self.code))

    def endpoint(self, message: Message) -> tuple[str, tuple[tuple[str, str], ...]]:
        """Path and query of the endpoint: the order's own if it is on the connection's host, else the connection's."""
        own = urlsplit(self._endpoint)
        named = urlsplit(message.marketplace_endpoint)
        parts = named if named.netloc.casefold() == own.netloc.casefold() else own
        return parts.path.rstrip("/"), tuple(parse_qsl(parts.query))


def receipt_in(answer: Response) -> Receipt:
    """What the marketplace answered to a write; it was taken even where that cannot be read."""
    try:
        receipt = typed.decode(answer.body, Acknowledged).receipt
    except UNREADABLE:
        receipt = None
    return Receipt(status=answer.status, number=receipt or "")


def acknowledged(answer: Response, what: str) -> Receipt:
    """
    What a marketplace answered to a write that it may not let us read back, so that only the answer tells.

    :raises Doubtful: it names neither a day nor an order, as a page to sign in on would not.
    """
    try:
        typed.decode(answer.body, Taken)
    except UNREADABLE as error:
        raise Doubtful(f"{what}: answered {answer.status}, but acknowledged nothing; it may have acted") from error
    return receipt_in(answer)


def package_of(order: Order, message: Message) -> Package | None:
    """
    The package that went out under the message's invoice; one that came back may have the same number.

    :raises Rejected: there are several.
    """
    packages = (order.package_attachment and order.package_attachment.packages) or ()
    found = [
        each
        for each in packages
        if each.invoice_number == message.invoice_number and (each.type or "").casefold() == "output"
    ]
    if len(found) > 1:
        raise Rejected(
            f"order {message.marketplace_order_id} has {len(found)} packages under invoice {message.invoice_number}, "
            "and nothing tells which of them it is: tell it by hand"
        )
    return found[0] if found else None


def reading(order: Order, message: Message) -> Answer:
    """
    What the marketplace holds about the package, compared with a message.

    :raises Rejected: several packages are under its invoice.
    """
    if order.status in CANCELLED:
        return Answer(reading=Reading.CLOSED, reason="the marketplace cancelled the order")
    package = package_of(order, message)
    if package is None:
        return Answer(
            reading=Reading.NOT_READY, reason=f"the marketplace has no invoice {message.invoice_number} on it yet"
        )
    if message.delivered_at and package.courier_status and package.courier_status.finished:
        return Answer(reading=Reading.DONE, reason="the marketplace has it as delivered")
    return Answer(reading=Reading.OWED)


def tracking(message: Message) -> dict[str, object]:
    return {
        "isDelivered": message.delivered_at is not None,
        "events": [
            {
                "city": step.city,
                "state": step.state,
                "description": step.description,
                "date": step.occurred_at.astimezone(LOCAL).date().isoformat(),
            }
            for step in message.history
        ],
    }


MARKETPLACE = Marketplace(
    code="vtex_protocol",
    name="VTEX marketplace protocol",
    docs="https://developers.vtex.com/docs/api-reference/marketplace-protocol-external-seller-marketplace",
    confidence="A",
    base_url="",
    fields=(
        Field(
            name="host",
            label="Service endpoint",
            help="With its query string, if it has one.",
            example="https://mercado.example/api/oms?an=mercado",
        ),
        Field(name="login", label="AppKey"),
        Field(name="password", label="AppToken", secret=True),
        Field(
            name="reads_back",
            label="Read orders back",
            help="true (default) where the marketplace lets us.",
            required=False,
        ),
    ),
    credentials="The marketplace makes an application key for its seller, with the permission Notify invoice.",
    reads_back=True,
    mails_customer=True,
    requests_per_second=0,
    build=VtexProtocol,
)
