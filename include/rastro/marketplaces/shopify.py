"""
Shopify: fulfillment events, by which a shop's customer sees where the parcel is.

API docs: https://shopify.dev/docs/api/admin-graphql (version 2026-10, read 2026-11). The connection: host = the shop's
own (https://loja.myshopify.com); login and password = client id and secret of an app of the shop's own, for which
Shopify hands out a token for a day; or extra ``access_token``, a token that does not end. Extra ``api_version``.
Quirks: everything is a POST to one address, and refusals come as 200: ``errors`` where the question is wrong, was too
much or is not allowed, ``userErrors`` where the answer is no. A second event of the same kind is taken like the first
one, so an existing one is looked for. Times go out in UTC. Orders are known by their number inside the API (thirteen
digits or so, or gid://shopify/Order/…), not by the number that the customer sees. A package (fulfillment) appears when
it is sent, so an order that is not FULFILLED may have more of them than it shows. Shopify follows some carriers itself
and then has the delivery already.

Guesses: that a second event is not refused is what nothing contradicts.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from rastro import typed
from rastro.access import Account, Field, Tokens
from rastro.errors import CredentialsRefused, Misconfigured, NotFound, RastroError, RateLimited, Rejected, Transient
from rastro.http import Limits, Request, Response
from rastro.marketplaces.answers import (
    Candid,
    Vocabulary,
    in_doubt,
    no_word,
    not_told,
    of_whole_order,
    package_of,
    told_at,
)
from rastro.marketplaces.base import UNREADABLE, Line, Marketplace, decoded, number_outside
from rastro.models import Status
from rastro.oauth import OAuth
from rastro.receivers import Answer, Message, Reading, Receipt
from rastro.redaction import redact

CODE = "shopify"
API_VERSION = "2026-10"
REQUESTS_PER_SECOND = 2.0  # by the cost of our question, a fifth of what the smallest plan bears
EVENTS = Vocabulary(
    words={
        Status.IN_TRANSIT: "IN_TRANSIT",
        Status.OUT_FOR_DELIVERY: "OUT_FOR_DELIVERY",
        Status.DELIVERY_FAILED: "ATTEMPTED_DELIVERY",
        Status.READY_FOR_PICKUP: "READY_FOR_PICKUP",
        Status.DELIVERED: "DELIVERED",
    },
    again=frozenset({"ATTEMPTED_DELIVERY"}),
)
GONE = frozenset({"CANCELLED", "ERROR", "FAILURE"})
# What an error's code says of the next step; any other means that the question is wrong.
REFUSALS: Mapping[str, type[RastroError]] = {
    "THROTTLED": RateLimited,
    "ACCESS_DENIED": CredentialsRefused,
    "SHOP_INACTIVE": CredentialsRefused,
    "INTERNAL_SERVER_ERROR": Transient,
    "TIMEOUT": Transient,
}
QUESTION = """
query Package($id: ID!) {
  order(id: $id) {
    cancelledAt
    displayFulfillmentStatus
    fulfillments(first: 20) {
      id
      status
      displayStatus
      trackingInfo(first: 5) { number }
      events(first: 20, sortKey: HAPPENED_AT, reverse: true) { nodes { status happenedAt } }
    }
  }
}
"""
TELL = """
mutation Tell($event: FulfillmentEventInput!) {
  fulfillmentEventCreate(fulfillmentEvent: $event) {
    fulfillmentEvent { id status }
    userErrors { field message }
  }
}
"""
FIELDS = (
    Field(name="host", label="Shop", help="https://loja.myshopify.com"),
    Field(name="login", label="Client id", help="Of the shop's own app.", required=False),
    Field(name="password", label="Client secret", secret=True, required=False),
    Field(
        name="access_token",
        label="Access token",
        help="In place of client id and secret, for an app that has one without end.",
        secret=True,
        required=False,
    ),
    Field(name="api_version", label="API version", help=f"{API_VERSION} where it is empty.", required=False),
)


class Extensions(msgspec.Struct):
    code: str | None = None


class Error(msgspec.Struct):
    message: str | None = None
    extensions: Extensions | None = None


class Bucket(msgspec.Struct, rename="camel"):
    currently_available: float = 0.0
    restore_rate: float = 0.0


class Cost(msgspec.Struct, rename="camel"):
    requested_query_cost: float = 0.0
    throttle_status: Bucket | None = None


class Spent(msgspec.Struct):
    cost: Cost | None = None


class Envelope(msgspec.Struct):
    """What every answer has in common; ``errors`` is a bare sentence where the call never came to a question."""

    errors: list[Error] | str | None = None
    extensions: Spent | None = None


class TrackingInfo(msgspec.Struct):
    number: str | None = None


class FulfillmentEvent(msgspec.Struct, rename="camel"):
    status: str
    happened_at: datetime | None = None


class Events(msgspec.Struct):
    nodes: list[FulfillmentEvent]


class Fulfillment(msgspec.Struct, rename="camel"):
    id: str
    status: str
    display_status: str | None = None
    tracking_info: list[TrackingInfo] | None = None
    events: Events | None = None


class Order(msgspec.Struct, rename="camel"):
    fulfillments: list[Fulfillment]
    cancelled_at: str | None = None
    display_fulfillment_status: str | None = None


class Found(msgspec.Struct):
    order: Order | None


class FoundAnswer(msgspec.Struct):
    data: Found


class UserError(msgspec.Struct):
    message: str | None = None


class MadeEvent(msgspec.Struct):
    id: str


class Made(msgspec.Struct, rename="camel"):
    fulfillment_event: MadeEvent | None = None
    user_errors: list[UserError] = []


class Told(msgspec.Struct, rename="camel"):
    fulfillment_event_create: Made


class ToldAnswer(msgspec.Struct):
    data: Told


class Shopify:
    """One shop."""

    code = CODE
    repeat_is_safe = False

    def __init__(self, account: Account, tokens: Tokens, *, limits: Limits | None = None) -> None:
        if not account.value("access_token") and not (account.login and account.password):
            raise Misconfigured(
                "shopify: the connection lacks login and password (client id and secret), or extra.access_token in "
                "their place"
            )
        self._path = f"/admin/api/{account.extra.get('api_version') or API_VERSION}/graphql.json"
        http = Candid(
            account.base_url,
            name=CODE,
            judge=judge,
            limits=limits or Limits(requests_per_second=REQUESTS_PER_SECOND),
        )
        self._line = Line(http=http, tokens=tokens)

    def read(self, message: Message) -> Answer:
        word = EVENTS.word_for(message)
        if word is None:
            return not_told(message, "Shopify")
        order = self._order(message)
        answer = reading(order, message, word)
        return of_whole_order(answer, message) if is_whole(order, message) else answer

    def write(self, message: Message) -> Receipt:
        """
        :raises Rejected: it has no word for what happened, or says no.
        :raises NotFound: nothing tells which fulfillment the package is.
        """
        word = EVENTS.word_for(message)
        if word is None:
            raise no_word(message, CODE)
        ours = fulfillment_of(self._order(message), message)
        if ours is None:
            raise NotFound(f"shopify: no package of {number_outside(message, CODE)} is {message.tracking_number}")
        answer = self._ask("Tell", TELL, {"event": event(message, ours, word)}, repeatable=False)
        try:
            made = typed.decode(answer.body, ToldAnswer).data.fulfillment_event_create
        except UNREADABLE as error:
            raise in_doubt(f"shopify: the answer to an event makes no sense ({error})") from None
        if made.user_errors:
            said = "; ".join(redact(one.message or "no reason given") for one in made.user_errors[:3])
            raise Rejected(f"shopify: the event about {message.tracking_number} is refused: {said[:200]}")
        if made.fulfillment_event is None:
            raise in_doubt("shopify: the answer to an event shows none")
        return Receipt(status=answer.status, number=made.fulfillment_event.id)

    def _order(self, message: Message) -> Order:
        answer = self._ask("Package", QUESTION, {"id": order_gid(message)})
        found = decoded(answer, FoundAnswer, f"{CODE}: order {message.marketplace_order_id}").data.order
        if found is None:
            raise NotFound(f"shopify: order {message.marketplace_order_id} is not there, or the app may not see it")
        return found

    def _ask(self, name: str, query: str, variables: dict[str, Any], *, repeatable: bool = True) -> Response:
        return self._line.send(
            lambda access: Request(
                method="POST",
                path=self._path,
                headers={
                    "X-Shopify-Access-Token": access.token.value
                    if access.token
                    else access.account.value("access_token")
                },
                json={"operationName": name, "query": query, "variables": variables},
                repeatable=repeatable,
            )
        )


def judge(what: str, response: Response) -> None:
    """
    :raises RastroError: the answer is a refusal, or none.
    """
    envelope = decoded(response, Envelope, what)
    if not envelope.errors:
        return
    errors = [Error(message=envelope.errors)] if isinstance(envelope.errors, str) else envelope.errors
    said = "; ".join(redact(one.message or "no reason given") for one in errors[:3])[:200]
    codes = {(one.extensions and one.extensions.code) or "" for one in errors}
    kind = next((REFUSALS[code] for code in REFUSALS if code in codes), Rejected)
    if issubclass(kind, RateLimited):
        raise kind(f"{what} is too much at once ({said}): the rest is left for later", retry_after=wait(envelope))
    if issubclass(kind, Transient):
        raise kind(f"{what} failed there ({said}): try again later")
    if kind is CredentialsRefused:
        raise kind(f"{what} is not allowed ({said}): check what the app of the connection may do")
    raise kind(f"{what} is refused ({said})")


def wait(envelope: Envelope) -> float | None:
    """Seconds until the bucket holds what the question costs, as far as the answer tells."""
    cost = envelope.extensions.cost if envelope.extensions else None
    bucket = cost.throttle_status if cost else None
    if cost is None or bucket is None or bucket.restore_rate <= 0:
        return None
    return max(0.0, (cost.requested_query_cost - bucket.currently_available) / bucket.restore_rate)


def order_gid(message: Message) -> str:
    """
    :raises Rejected: it is no number of the API's.
    """
    number = number_outside(message, CODE)
    if match := re.fullmatch(r"(?:gid://shopify/Order/)?(\d+)", number):
        return f"gid://shopify/Order/{match[1]}"
    raise Rejected(
        f"shopify: {number} is not the number by which Shopify's API knows an order; the source must give it"
    )


def fulfillment_of(order: Order, message: Message) -> Fulfillment | None:
    """The fulfillment that the package is; one that was cancelled and made anew counts as made anew."""
    in_order = sorted(order.fulfillments, key=lambda one: one.status in GONE)
    ours = package_of(
        message,
        in_order,
        lambda one: [each.number for each in one.tracking_info or []],
        is_cancelled=lambda one: one.status in GONE,
        whole=order.display_fulfillment_status == "FULFILLED",  # else another package may be on its way to Shopify
    )
    return None if ours and ours.status in GONE else ours


def is_whole(order: Order, message: Message) -> bool:
    """Whether the package that is ours there is the whole order; of one not FULFILLED more may come."""
    fulfilled = order.display_fulfillment_status == "FULFILLED"
    return fulfilled and len(order.fulfillments) == 1 and fulfillment_of(order, message) is not None


def reading(order: Order, message: Message, word: str) -> Answer:
    """What Shopify holds about the package, compared with the event to be told."""
    if order.cancelled_at:
        return Answer(reading=Reading.CLOSED, reason="Shopify has the order as cancelled")
    ours = fulfillment_of(order, message)
    if ours is None:
        return Answer(
            reading=Reading.NOT_READY,
            reason=f"Shopify has no package with {message.tracking_number}; the order must be fulfilled there first",
        )
    if ours.display_status == "DELIVERED":
        return Answer(reading=Reading.DONE, reason="Shopify has it as delivered already")
    if EVENTS.is_known(
        [(one.status, one.happened_at) for one in (ours.events.nodes if ours.events else [])],
        word,
        told_at(message, CODE),
    ):
        return Answer(reading=Reading.DONE, reason=f"Shopify has {word} or something later already")
    return Answer(reading=Reading.OWED)


def event(message: Message, fulfillment: Fulfillment, word: str) -> dict[str, str]:
    """The input of an event; where it happened goes along as far as it is known."""
    step = message.history[-1] if message.history else None
    at = told_at(message, CODE).astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    known = {
        "message": step.description if step else "",
        "city": step.city if step else "",
        "province": step.state if step else "",
    }
    return {
        "fulfillmentId": fulfillment.id,
        "status": word,
        "happenedAt": at,
        **{name: value for name, value in known.items() if value},
    }


MARKETPLACE = Marketplace(
    code=CODE,
    name="Shopify",
    docs="https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentEventCreate",
    confidence="A",
    base_url="",
    fields=FIELDS,
    credentials=(
        "Make an app of the shop's own in Shopify's Dev Dashboard with the permissions read_orders and "
        "write_fulfillments, install it, and take client id and secret from its settings."
    ),
    reads_back=True,
    mails_customer=False,
    requests_per_second=REQUESTS_PER_SECOND,
    build=Shopify,
    takes=frozenset(EVENTS.words) - {Status.DELIVERED},
    login=OAuth(code=CODE, path="/admin/oauth/access_token", ready="access_token"),
    unsure="Nothing says whether it refuses a second event of the same kind, so none is sent.",
)
