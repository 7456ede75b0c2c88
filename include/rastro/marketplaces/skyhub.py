"""
Americanas (also Submarino and Shoptime), by the SkyHub API, behind which Omnik works since 2025.

API docs: https://desenvolvedores.skyhub.com.br/pedidos/atualizacao-de-pedidos (read 2026-11).
Quirks: keys are static and three. An order's code may hold blanks ("Lojas Americanas-1517940500554-01"). A shop may
give statuses names of its own, so their ``type`` is what counts; the one that is sent is the default name,
``complete``. A delivery is the whole order's, so it waits until all parcels of the order have come; one that has
several invoices there is left to a person. Any 2xx is success. A
step out of turn is a 422 with "Transição inválida". One order may be read a second, nine deliveries told.

Guesses: whether ``delivered_date`` wants dd/mm/yyyy, as an example of it has, or ISO 8601, as its neighbours do, so the
connection says which; that a second delivery is refused as a step out of turn; every ``calculation_type`` of Americanas
Entrega but b2wentregadirect; that the marketplace mails its customer. "Shipped" is not told: how it is changed in
2025 could not be read.
"""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from rastro.access import Account, Field, Tokens, check
from rastro.errors import Misconfigured, Rejected, Unreadable
from rastro.http import Http, Limits, Request, path_segment
from rastro.marketplaces.answers import of_whole_order
from rastro.marketplaces.base import Marketplace, decoded, number_outside
from rastro.models import Status
from rastro.receivers import Answer, Message, Reading, Receipt
from rastro.routing import folded

LOCAL = ZoneInfo("America/Sao_Paulo")
REQUESTS_PER_SECOND = 1.0
BEFORE_SHIPPED = frozenset({"NEW", "APPROVED", "INVOICED"})
SHIPPED, EXCEPTION, DELIVERED = "SHIPPED", "SHIPMENT_EXCEPTION", "DELIVERED"
ENDED = {
    "CANCELED": "cancelled",
    "CANCELLED": "cancelled",
    "OVERDUE": "never paid",
    "PAYMENT_OVERDUE": "never paid",
    "RETURNED": "returned",
}
# Who carries by contract of Americanas, as ``calculation_type`` says it, without blanks.
CARRIED = re.compile(r"^(b2wentrega|americanasentrega|direct)")
DATES = ("dd/mm/yyyy", "iso")


class OfOrder(msgspec.Struct):
    """``type`` is SkyHub's own word, whatever the shop calls the status."""

    type: str | None = None
    code: str | None = None


class Invoice(msgspec.Struct):
    key: str | None = None


class Order(msgspec.Struct):
    status: OfOrder
    calculation_type: str | None = None
    invoices: tuple[Invoice, ...] | None = None


class Skyhub:
    """One shop's account."""

    code = "skyhub"
    repeat_is_safe = False

    def __init__(self, account: Account, tokens: Tokens | None = None, *, limits: Limits | None = None) -> None:
        del tokens  # its keys do not end
        check("skyhub", account, FIELDS)
        self._dates = account.extra.get("dates") or DATES[0]
        if self._dates not in DATES:
            raise Misconfigured(f"skyhub: the connection's extra dates must be {' or '.join(DATES)}")
        self._http = Http(
            account.base_url,
            name="skyhub",
            limits=limits or Limits(requests_per_second=REQUESTS_PER_SECOND),
            headers={
                "X-User-Email": account.login,
                "X-Api-Key": account.password,
                "X-Accountmanager-Key": account.value("accountmanager_api_key"),
            },
        )

    def read(self, message: Message) -> Answer:
        """
        :raises Rejected: the order has several invoices, or its parcels ended differently.
        """
        path = self._path(message)
        answer = self._http.send(Request(method="GET", path=path))
        order = decoded(answer, Order, f"skyhub: order {message.marketplace_order_id}")
        return of_whole_order(reading(order, message), message)

    def write(self, message: Message) -> Receipt:
        """
        :raises Rejected: SkyHub takes no such news, or refuses the step.
        """
        step, body = news(message, dates=self._dates)
        request = Request(method="POST", path=f"{self._path(message)}/{step}", json=body, repeatable=False)
        return Receipt(status=self._http.send(request).status)

    @staticmethod
    def _path(message: Message) -> str:
        return f"/orders/{path_segment(number_outside(message, 'skyhub'))}"


def reading(order: Order, message: Message) -> Answer:
    """
    What SkyHub holds about an order, compared with a message.

    :raises Rejected: the order has several invoices.
    :raises Unreadable: its status is of a type that is not known.
    """
    held = (order.status.type or "").upper()
    wanted = DELIVERED if message.delivered_at else EXCEPTION
    if held in {wanted, DELIVERED}:
        return Answer(reading=Reading.DONE, reason=f"SkyHub has it as {held}")
    if held in ENDED:
        return Answer(reading=Reading.CLOSED, reason=f"SkyHub has the order as {ENDED[held]}")
    if held not in {*BEFORE_SHIPPED, SHIPPED, EXCEPTION}:
        raise Unreadable(f"skyhub: an order whose status is of the unknown type {held[:40]!r}")
    kind = folded(order.calculation_type or "").replace(" ", "")
    if CARRIED.search(kind):
        return Answer(reading=Reading.CLOSED, reason=f"Americanas carries it itself ({kind})")
    if held in BEFORE_SHIPPED:
        return Answer(reading=Reading.NOT_READY, reason=f"SkyHub has it as {held}; it must be shipped there first")
    if len({invoice.key for invoice in order.invoices or ()}) > 1:
        raise Rejected(
            f"skyhub: order {message.marketplace_order_id} has several invoices, and SkyHub takes a delivery for the "
            "whole order: tell it by hand once all have arrived"
        )
    return Answer(reading=Reading.OWED)


def news(message: Message, *, dates: str) -> tuple[str, dict[str, object]]:
    """
    The step that a message asks for, and its body.

    :raises Rejected: SkyHub takes no such news.
    """
    if message.delivered_at:
        at = message.delivered_at.astimezone(LOCAL)
        return "delivery", {"status": "complete", "delivered_date": moment(at) if dates == "iso" else f"{at:%d/%m/%Y}"}
    if message.status is not Status.DELIVERY_FAILED or not message.history:
        raise Rejected(f"skyhub: order {message.order_id} is {message.status}, of which SkyHub is not told")
    last = message.history[-1]
    return "shipment_exception", {
        "shipment_exception": {
            "occurrence_date": moment(last.occurred_at.astimezone(LOCAL)),
            "observation": last.description,
        }
    }


def moment(at: datetime) -> str:
    """``2026-11-20T22:30:00-03:00``."""
    return at.isoformat(timespec="seconds")


FIELDS = (
    Field(name="host", label="Base URL", help="https://api.skyhub.com.br", required=False),
    Field(name="login", label="User e-mail", help="Sent as X-User-Email.", example="pedidos@loja.example"),
    Field(name="password", label="API key", help="The integration's token, sent as X-Api-Key.", secret=True),
    Field(
        name="accountmanager_api_key",
        label="Account manager key",
        help="The platform's own key, sent as X-Accountmanager-Key.",
        secret=True,
    ),
    Field(
        name="dates",
        label="Form of the delivery's date",
        help="dd/mm/yyyy (default), or iso if that is refused.",
        required=False,
    ),
)
MARKETPLACE = Marketplace(
    code="skyhub",
    name="Americanas (SkyHub)",
    docs="https://desenvolvedores.skyhub.com.br/pedidos/atualizacao-de-pedidos",
    confidence="B",
    base_url="https://api.skyhub.com.br",
    fields=FIELDS,
    credentials="SkyHub's portal shows user and API key of an account; SkyHub gives each platform its own third key.",
    reads_back=True,
    mails_customer=True,
    requests_per_second=REQUESTS_PER_SECOND,
    build=Skyhub,
    takes=frozenset({Status.DELIVERY_FAILED}),
    unsure=(
        "The form of the delivery's date, which the connection sets; what a second delivery is answered with; which "
        "orders Americanas carries itself, beyond b2wentregadirect."
    ),
)
