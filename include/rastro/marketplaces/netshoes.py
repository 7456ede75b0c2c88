"""
Netshoes, for sellers who ship by their own carriers.

API docs: https://api-marketplace.netshoes.com.br (v1 and v2, with the SDK that Netshoes publishes; read 2026-11). The
connection: login = client_id, password = access_token; neither ends. Extra ``seller`` where one key serves several
sellers.
Quirks: an order holds several shippings, each with a status of its own; ours is the one with the tracking number. An
exchange's number ends in T and is told like any other. Each step is a PUT, and wants the one before it: invoiced,
shipped, delivered. Times are ISO 8601 with milliseconds, in Brasília. A wrong key is a 403.

Guesses: how it answers a second "delivered" and how many calls it bears are not published. That the carrier's name or
the delivery service says when Netshoes or Magalu carries the parcel is how others know it.
"""

import re
from collections.abc import Mapping

import msgspec

from rastro import typed
from rastro.access import Account, Field, Tokens, check
from rastro.errors import NotFound, Unreadable
from rastro.http import Http, Limits, Request, path_segment
from rastro.marketplaces.answers import (
    REFUSED,
    hushed,
    in_brasilia,
    no_word,
    not_told,
    of_whole_order,
    package_of,
    refusal,
    shipped_at,
)
from rastro.marketplaces.base import ON_ITS_WAY, UNREADABLE, Marketplace, decoded, number_outside
from rastro.models import Status
from rastro.receivers import Answer, Message, Reading, Receipt
from rastro.routing import folded

CODE = "netshoes"
REQUESTS_PER_SECOND = 2.0  # no limit is published
# How far a shipping has come, by its status.
STEPS: Mapping[str, int] = {"created": 0, "approved": 1, "invoiced": 2, "shipped": 3, "delivered": 4}
INVOICED, SHIPPED, DELIVERED = STEPS["invoiced"], STEPS["shipped"], STEPS["delivered"]
CANCELLED = frozenset({"canceled", "cancelled"})
CARRIED = r"\b(netshoes|magalu)[ -]*(entregas?|fulfillment)\b"
FIELDS = (
    Field(name="login", label="client_id"),
    Field(name="password", label="access_token", secret=True),
    Field(name="seller", label="Seller id", help="idSeller, where one key serves several sellers.", required=False),
)


class Transport(msgspec.Struct, rename="camel"):
    tracking_number: str | None = None
    carrier: str | None = None
    delivery_service: str | None = None


class Shipping(msgspec.Struct, rename="camel"):
    shipping_code: int | str
    status: str
    transport: Transport | None = None


class Order(msgspec.Struct):
    shippings: list[Shipping]


class Refusal(msgspec.Struct):
    type: str | None = None
    description: str | None = None


class Netshoes:
    """One seller."""

    code = CODE
    repeat_is_safe = False

    def __init__(self, account: Account, tokens: Tokens | None = None, *, limits: Limits | None = None) -> None:
        del tokens  # its keys do not end
        check(CODE, account, FIELDS)
        self._key = account.password
        headers = {"client_id": account.login, "access_token": account.password}
        if account.extra.get("seller"):
            headers["idSeller"] = account.extra["seller"]
        self._http = Http(
            account.base_url,
            name=CODE,
            headers=headers,
            limits=limits or Limits(requests_per_second=REQUESTS_PER_SECOND),
        )

    def read(self, message: Message) -> Answer:
        step = step_of(message)
        if step is None:
            return not_told(message, "Netshoes")
        order = self._order(message)
        answer = reading(order, message, step)
        return of_whole_order(answer, message) if is_whole(order, message) else answer

    def write(self, message: Message) -> Receipt:
        """
        :raises Rejected: it has no word for what happened, or refuses the step.
        :raises NotFound: nothing tells which of the order's shippings this is.
        """
        step = step_of(message)
        if step is None:
            raise no_word(message, CODE)
        body = told(message)
        shipping = shipping_of(self._order(message), message)
        if shipping is None:
            raise NotFound(
                f"netshoes: none of the shippings of {number_outside(message, CODE)} is {message.tracking_number}"
            )
        number, code = path_segment(number_outside(message, CODE)), path_segment(str(shipping.shipping_code))
        answer = self._http.send(
            Request(
                method="PUT",
                path=f"/api/v1/orders/{number}/shippings/{code}/status/{step}",
                json=body,
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
        answer = self._http.send(
            Request(
                method="GET",
                path=f"/api/v2/orders/{path_segment(number_outside(message, CODE))}",
                params=(("expand", "items,shippings"),),
            )
        )
        return decoded(answer, Order, f"{CODE}: order {message.marketplace_order_id}")


def sentences(body: bytes) -> tuple[str | None, ...]:
    """What a refusal says; nothing where it cannot be read."""
    try:
        said = typed.decode(body, Refusal)
    except UNREADABLE:
        return ()
    return said.type, said.description


def shipping_of(order: Order, message: Message) -> Shipping | None:
    """The shipping that the package is; None where nothing tells which of several."""
    return package_of(
        message,
        order.shippings,
        lambda one: [one.transport.tracking_number] if one.transport else [],
        is_cancelled=lambda one: folded(one.status) in CANCELLED,
    )


def is_whole(order: Order, message: Message) -> bool:
    """Whether the shipping that is ours there is the whole order."""
    return len(order.shippings) == 1 and shipping_of(order, message) is not None


def reading(order: Order, message: Message, step: str) -> Answer:
    """
    What Netshoes holds about the package, compared with the step to be told.

    :raises Unreadable: its status is none that is known.
    """
    wanted = STEPS[step]
    shipping = shipping_of(order, message)
    if shipping is None:
        return Answer(
            reading=Reading.NOT_READY,
            reason=f"Netshoes has {len(order.shippings)} shippings, none of them with {message.tracking_number} yet",
        )
    status = folded(shipping.status)
    if status in CANCELLED:
        return Answer(reading=Reading.CLOSED, reason="Netshoes has the shipping as cancelled")
    if carried_by_netshoes(shipping):
        return Answer(reading=Reading.CLOSED, reason="Netshoes carries it and marks the order itself")
    reached = STEPS.get(status)
    if reached is None:
        raise Unreadable(f"netshoes: a shipping of the unknown status {shipping.status[:40]!r}")
    if reached >= wanted:
        return Answer(reading=Reading.DONE, reason=f"Netshoes has it as {status} already")
    if reached < wanted - 1:
        missing = "invoiced" if wanted == SHIPPED else "shipped"
        return Answer(reading=Reading.NOT_READY, reason=f"Netshoes has it as {status}; it must be told {missing} first")
    return Answer(reading=Reading.OWED)


def carried_by_netshoes(shipping: Shipping) -> bool:
    transport = shipping.transport or Transport()
    names = (transport.carrier, transport.delivery_service)
    return any(re.search(CARRIED, folded(name)) for name in names if name)


def step_of(message: Message) -> str | None:
    """The last part of the path; None where Netshoes has no word for it."""
    if message.delivered_at:
        return "delivered"
    return "shipped" if message.status in ON_ITS_WAY else None


def told(message: Message) -> dict[str, str]:
    """The body of a step."""
    if message.delivered_at:
        return {"status": "Delivered", "deliveryDate": in_brasilia(message.delivered_at)}
    body = {
        "status": "Shipped",
        "carrier": message.courier,
        "trackingNumber": message.tracking_number,
        "trackingLink": message.tracking_url,
        "deliveredCarrierDate": in_brasilia(shipped_at(message, CODE)),
    }
    if message.estimated_at:
        body["estimatedDelivery"] = in_brasilia(message.estimated_at)
    return body


MARKETPLACE = Marketplace(
    code=CODE,
    name="Netshoes",
    docs="https://github.com/netshoes/marketplace-api-sdk-java",
    confidence="B",
    base_url="https://api-marketplace.netshoes.com.br",
    fields=FIELDS,
    credentials="Netshoes gives a seller the pair client_id and access_token in its seller portal.",
    reads_back=True,
    mails_customer=True,
    requests_per_second=REQUESTS_PER_SECOND,
    build=Netshoes,
    takes=frozenset({Status.IN_TRANSIT}),
    unsure="What it answers to a second delivery and how many calls it bears are not published.",
)
