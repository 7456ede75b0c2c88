"""
Fast Shop: VTEX's marketplace protocol with a call of its own for a delivery.

API docs: https://fastshop.gitbook.io/fastshop-api-seller/integracao/recursos/gerenciamento-do-pedido/pedido-entregue
(read 2026-11). The connection: host = the address that Fast Shop gives, which its own path is joined to; login = app
key, password = app token.
Quirks: as in :mod:`rastro.marketplaces.vtex_protocol`, but that the whole of a package's items goes into the call, and
they are in Fast Shop's order only; so an order that it does not show cannot be told. Times are UTC with seven digits of
a second's fraction. The receipt may be null.

Guesses: the page describes the call for shops that sell Fast Shop's goods. That Fast Shop takes it from its own
sellers, and shows them their orders as VTEX does, is an inference from its other pages.
"""

from datetime import UTC, datetime

from rastro.access import Field
from rastro.errors import Rejected
from rastro.http import Request
from rastro.marketplaces.base import Marketplace
from rastro.marketplaces.vtex_protocol import ORDERS_API, Package, VtexProtocol, package_of, reading, receipt_in
from rastro.receivers import Answer, Message, Receipt


class FastShop(VtexProtocol):
    """One seller's account; what cannot be read is an error here, since nothing can be told without it."""

    code = "fast_shop"

    def read(self, message: Message) -> Answer:
        return reading(self.order(message), message)

    def write(self, message: Message) -> Receipt:
        """
        :raises Rejected: the order is not delivered, or Fast Shop shows no items under its invoice.
        """
        if message.delivered_at is None:
            raise Rejected(f"fast_shop: order {message.order_id} is not delivered, and nothing else is told here")
        items = items_in(package_of(self.order(message), message))
        if not items:
            raise Rejected(f"fast_shop: no items are shown under invoice {message.invoice_number}, and it wants them")
        path, params = self.endpoint(message)
        return receipt_in(
            self.http.send(
                Request(
                    method="POST",
                    path=f"{path.removesuffix(ORDERS_API)}{ORDERS_API}/pub/orders/{self.order_id(message)}/delivered",
                    params=params,
                    json={"items": items, "deliveredDate": moment(message.delivered_at)},
                    repeatable=False,
                )
            )
        )


def items_in(package: Package | None) -> list[dict[str, object]]:
    """The package's items as the call wants them; empty unless each has an id and a quantity."""
    items = (package and package.items) or ()
    if not all(item.id and item.quantity for item in items):
        return []
    return [{"id": str(item.id), "quantity": int(item.quantity or 0)} for item in items]


def moment(at: datetime) -> str:
    """``2026-11-21T01:30:00.0000000+00:00``."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0+00:00"


MARKETPLACE = Marketplace(
    code="fast_shop",
    name="Fast Shop",
    docs="https://fastshop.gitbook.io/fastshop-api-seller/integracao/recursos/gerenciamento-do-pedido/pedido-entregue",
    confidence="C",
    base_url="",
    fields=(
        Field(
            name="host",
            label="Base URL",
            help="The address that Fast Shop gives, without /api/oms.",
            example="https://fastshop.example",
        ),
        Field(name="login", label="AppKey"),
        Field(name="password", label="AppToken", secret=True),
    ),
    credentials="Fast Shop gives app key and app token to sellers whose integration it has approved.",
    reads_back=True,
    mails_customer=True,
    requests_per_second=0,
    build=FastShop,
    unsure=(
        "The call is published for shops that sell Fast Shop's goods; that Fast Shop takes it from its own sellers and "
        "shows them their orders is inferred."
    ),
)
