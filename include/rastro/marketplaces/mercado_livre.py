"""
Mercado Livre, for parcels that the seller ships by carriers of his own (Mercado Envios 1).

API docs: https://developers.mercadolivre.com.br/pt-br/status-de-pedidos-rastreamento (seller_notifications V2; read
2026-11). Its first version was to end on 31 October 2026; whoever needs it still says so in the connection, and nothing
falls back to it by itself.
Quirks: a status belongs to a shipment, whose id the order knows; it has one, so an end is told when all parcels of the
order have come to it. What Mercado Envios 2 carries (Flex, Full and Turbo
among it) is never told. Shipped and delivered must both be told; delivered and not delivered are final. ``substatus``
stands in every body, as JSON's null where there is none (the first version wants the word "null"). A tracking number
goes with its link or not at all. Refresh tokens can be used once. How many calls it bears is not published.

Guesses: the body of V2, which is known from descriptions of its page; 11 ("Otros") as the number of the carrier for
Brazil; which words of a failed attempt mean which substatus: an attempt whose words say none of them is not told.
Shipments of the modes custom and not_specified are left to a person.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from rastro.access import Access, Account, Field, Tokens, check
from rastro.errors import Misconfigured, Rejected, Unreadable
from rastro.http import Http, Limits, Request, path_segment
from rastro.marketplaces.answers import of_whole_order
from rastro.marketplaces.base import Line, Marketplace, decoded, number_outside
from rastro.models import Status
from rastro.oauth import OAuth
from rastro.receivers import Answer, Message, Reading, Receipt
from rastro.routing import folded

T = TypeVar("T")
REQUESTS_PER_SECOND = 5.0
NOTIFICATIONS = {"v2": "/v2/shipments/{}/seller_notifications", "v1": "/shipments/{}/seller_notifications"}
SERVICE_ID = "11"
OPEN = frozenset({"pending", "handling", "ready_to_ship"})
SHIPPED, DELIVERED, NOT_DELIVERED, CANCELLED = "shipped", "delivered", "not_delivered", "cancelled"
FINAL = frozenset({DELIVERED, NOT_DELIVERED, CANCELLED})
# The words of a failed attempt, folded, and the substatus that says the same; the first that fits.
FAILED = (
    (r"ausente|nao atend|fechad", "receiver_absent"),
    (r"nao autorizad", "unauthorized_receiver"),
    (r"endereco|numero (inexistente|nao)|desconhecid", "bad_address"),
    (r"area de risco|perigos", "dangerous_area"),
    (r"intransit|sem acesso|interditad|alagad", "impassable_zone"),
    (r"nao visitad", "not_visited"),
)


class Logistic(msgspec.Struct):
    mode: str | None = None
    type: str | None = None


class Shipment(msgspec.Struct):
    """``mode`` stands at the top or, in the newer form, in ``logistic``."""

    id: int
    status: str | None = None
    substatus: str | None = None
    mode: str | None = None
    logistic: Logistic | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What Mercado Livre can be told, with a word for people."""

    status: str
    word: str
    substatus: str | None = None


DELIVERY = Step(status=DELIVERED, word="Entregue")
STEPS = {
    Status.IN_TRANSIT: Step(status=SHIPPED, word="Enviado"),
    Status.OUT_FOR_DELIVERY: Step(status=SHIPPED, substatus="out_for_delivery", word="Saiu para entrega"),
    Status.RETURNED: Step(status=NOT_DELIVERED, substatus="returned", word="Devolvido ao remetente"),
}


class MercadoLivre:
    """One seller's consent to one application."""

    code = "mercado_livre"
    repeat_is_safe = False

    def __init__(self, account: Account, tokens: Tokens, *, limits: Limits | None = None) -> None:
        check("mercado_livre", account, FIELDS)
        self._version = account.extra.get("version") or "v2"
        self._numbers = account.extra.get("numbers") or "order"
        self._service = account.extra.get("service_id") or SERVICE_ID
        if self._version not in NOTIFICATIONS or self._numbers not in {"order", "shipment"}:
            raise Misconfigured(
                "mercado_livre: the connection's extra version must be v2 or v1, and numbers order or shipment"
            )
        if not self._service.isdecimal():
            raise Misconfigured("mercado_livre: the connection's extra service_id must be a number")
        limits = limits or Limits(requests_per_second=REQUESTS_PER_SECOND)
        self._line = Line(http=Http(account.base_url, name="mercado_livre", limits=limits), tokens=tokens)

    def read(self, message: Message) -> Answer:
        """
        :raises Rejected: the shipment is of a mode that is told by hand, or the order's parcels ended differently.
        """
        return of_whole_order(reading(self._shipment(message), message), message)

    def write(self, message: Message) -> Receipt:
        """
        :raises Rejected: Mercado Livre has no word for it, or refuses the step.
        """
        step = step_of(message)
        if step is None:
            raise Rejected(no_word_for(message))
        path = NOTIFICATIONS[self._version].format(self._shipment(message).id)
        body = notification(step, message, int(self._service), version=self._version)
        answer = self._line.send(
            lambda access: Request(method="POST", path=path, headers=bearer(access), json=body, repeatable=False)
        )
        return Receipt(status=answer.status)

    def _shipment(self, message: Message) -> Shipment:
        number = path_segment(number_outside(message, "mercado_livre"))
        if self._numbers == "order":
            number = str(self._ask(f"/orders/{number}/shipments").id)
        return self._ask(f"/shipments/{number}")

    def _ask(self, path: str) -> Shipment:
        answer = self._line.send(
            lambda access: Request(method="GET", path=path, headers={**bearer(access), "x-format-new": "true"})
        )
        return decoded(answer, Shipment, f"mercado_livre: {path}")


def bearer(access: Access) -> dict[str, str]:
    return {"Authorization": f"Bearer {access.token.value}"} if access.token else {}


def step_of(message: Message) -> Step | None:
    """What is to be told; None when Mercado Livre has no word for it."""
    if message.delivered_at:
        return DELIVERY
    if message.status is not Status.DELIVERY_FAILED:
        return STEPS.get(message.status)
    said = folded(message.history[-1].description) if message.history else ""
    found = next((substatus for pattern, substatus in FAILED if re.search(pattern, said)), None)
    return Step(status=SHIPPED, substatus=found, word="Tentativa de entrega sem sucesso") if found else None


def no_word_for(message: Message) -> str:
    return f"Mercado Livre has no word for {message.status} as the carrier of order {message.order_id} puts it"


def reading(shipment: Shipment, message: Message) -> Answer:
    """
    What Mercado Livre holds about a shipment, compared with a message.

    :raises Rejected: it is of a mode that is told by hand, or ended there otherwise than with us, where it came.
    :raises Unreadable: mode or status are none that are known.
    """
    step = step_of(message)
    if step is None:
        return Answer(reading=Reading.CLOSED, reason=no_word_for(message))
    if ended := ending(shipment, step) or carried(shipment):
        return ended
    if shipment.status == NOT_DELIVERED:
        raise Rejected("mercado_livre: it has the shipment as not delivered, which is final; take it up with them")
    if shipment.status in OPEN and step != STEPS[Status.IN_TRANSIT]:
        reason = f"Mercado Livre has it as {shipment.status}; it must be told first that it is shipped"
        return Answer(reading=Reading.NOT_READY, reason=reason)
    return Answer(reading=Reading.OWED)


def ending(shipment: Shipment, step: Step) -> Answer | None:
    """What the status says against telling that step; None when it says nothing against it."""
    status = shipment.status or ""
    if status not in {*OPEN, SHIPPED, *FINAL}:
        raise Unreadable(f"mercado_livre: a shipment of the unknown status {status[:40]!r}")
    if status == CANCELLED:
        return Answer(reading=Reading.CLOSED, reason="Mercado Livre cancelled the shipment")
    if status == step.status and step.substatus in {None, shipment.substatus}:
        return Answer(reading=Reading.DONE, reason=f"Mercado Livre has it as {status}")
    if status == DELIVERED and step.status == SHIPPED:
        return Answer(reading=Reading.DONE, reason="Mercado Livre has it as delivered")
    if status in FINAL and step != DELIVERY:
        return Answer(reading=Reading.CLOSED, reason=f"Mercado Livre has it as {status}, which is final")
    return None


def carried(shipment: Shipment) -> Answer | None:
    """
    What the mode says against telling anything; None for the one that is told.

    :raises Rejected: it is told by hand.
    :raises Unreadable: it is none that is known.
    """
    mode = (shipment.logistic and shipment.logistic.mode) or shipment.mode or ""
    if mode == "me2":
        kind = (shipment.logistic and shipment.logistic.type) or "of whatever kind"
        return Answer(reading=Reading.CLOSED, reason=f"Mercado Livre carries it itself (me2, {kind})")
    if mode in {"custom", "not_specified"}:
        raise Rejected(f"mercado_livre: a shipment of the mode {mode} is told by hand, in Mercado Livre")
    if mode != "me1":
        raise Unreadable(f"mercado_livre: a shipment of the unknown mode {mode[:40]!r}")
    return None


def notification(step: Step, message: Message, service_id: int, *, version: str) -> dict[str, object]:
    """
    The body that tells of a step.

    :raises Rejected: the parcel has no history, so nobody knows when it was.
    """
    at = message.delivered_at or (message.history[-1].occurred_at if message.history else None)
    if at is None:
        raise Rejected(f"mercado_livre: order {message.order_id} has no history to tell")
    number, url = message.tracking_number, message.tracking_url
    return {
        "payload": {"service_id": service_id, "comment": step.word, "date": moment(at)},
        **({"tracking_number": number, "tracking_url": url} if number and url else {}),
        "status": step.status,
        "substatus": "null" if version == "v1" and step.substatus is None else step.substatus,
    }


def moment(at: datetime) -> str:
    """``2026-11-20T22:30:00.000-03:00``."""
    return at.isoformat(timespec="milliseconds")


FIELDS = (
    Field(name="host", label="Base URL", help="https://api.mercadolibre.com", required=False),
    Field(name="login", label="Application id", example="0000000000000000"),
    Field(name="password", label="Client secret", secret=True),
    Field(
        name="refresh_token",
        label="Refresh token",
        help="The first one (TG-…), from the seller's consent with offline_access; Rastro keeps the later ones.",
        secret=True,
        example="TG-…",
    ),
    Field(
        name="numbers",
        label="Numbers of orders",
        help="order (default), or shipment where the order system holds the shipment's id in the order's place.",
        required=False,
    ),
    Field(name="service_id", label="Carrier's number", help="11 (default) is any other, in Brazil.", required=False),
    Field(
        name="version", label="Version", help="v2 (default), or v1, which was to end in October 2026.", required=False
    ),
)
MARKETPLACE = Marketplace(
    code="mercado_livre",
    name="Mercado Livre (ME1)",
    docs="https://developers.mercadolivre.com.br/pt-br/status-de-pedidos-rastreamento",
    confidence="B",
    base_url="https://api.mercadolibre.com",
    fields=FIELDS,
    credentials=(
        "Make an application at developers.mercadolivre.com.br, and let the seller's account consent to it with "
        "offline_access."
    ),
    reads_back=True,
    mails_customer=True,
    requests_per_second=REQUESTS_PER_SECOND,
    build=MercadoLivre,
    takes=frozenset({*STEPS, Status.DELIVERY_FAILED}),
    login=OAuth(
        code="mercado_livre", path="/oauth/token", grant="refresh_token", body="form", lifetime=timedelta(hours=6)
    ),
    unsure=(
        "The body of the second version is known from descriptions of its page only, and so is the carrier's number "
        "for Brazil; which words of a failed attempt mean which substatus is ours."
    ),
)
