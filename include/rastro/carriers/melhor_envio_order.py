"""A Melhor Envio order and the history that its milestones and its state make."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from rastro.carriers import lines
from rastro.models import Event, Status
from rastro.numbers import normalise
from rastro.routing import folded

STATES: Mapping[str, tuple[Status, str]] = {
    "created": (Status.INFO_RECEIVED, "Etiqueta criada"),
    "pending": (Status.INFO_RECEIVED, "Etiqueta aguardando pagamento"),
    "released": (Status.INFO_RECEIVED, "Etiqueta liberada"),
    "paid": (Status.INFO_RECEIVED, "Etiqueta paga"),
    "generated": (Status.INFO_RECEIVED, "Etiqueta gerada"),
    "received": (Status.IN_TRANSIT, "Objeto recebido"),
    "posted": (Status.IN_TRANSIT, "Objeto postado"),
    "delivered": (Status.DELIVERED, "Objeto entregue"),
    "undelivered": (Status.DELIVERY_FAILED, "Objeto não entregue"),
    "suspended": (Status.ON_HOLD, "Envio suspenso"),
    "paused": (Status.ON_HOLD, "Envio pausado"),
    "canceled": (Status.CANCELLED, "Etiqueta cancelada"),
    "cancelled": (Status.CANCELLED, "Etiqueta cancelada"),
    "expired": (Status.CANCELLED, "Etiqueta expirada"),  # was never posted, and cannot be any more
}
MILESTONES = ("created", "paid", "generated", "posted", "delivered", "canceled", "expired")
SAME = {"cancelled": "canceled"}


class Order(msgspec.Struct):
    id: str | None = None
    status: str | None = None
    tracking: str | None = None
    melhorenvio_tracking: str | None = None
    self_tracking: str | None = None
    created_at: str | None = None
    paid_at: str | None = None
    generated_at: str | None = None
    posted_at: str | None = None
    delivered_at: str | None = None
    canceled_at: str | None = None
    expired_at: str | None = None
    error: str | None = None

    @property
    def numbers(self) -> tuple[str, ...]:
        written = (self.tracking, self.melhorenvio_tracking, self.self_tracking)
        return tuple(dict.fromkeys(normalise(one) for one in written if one))


def history(order: Order) -> tuple[Event, ...]:
    """
    The milestones that have a time, and the state where it is none of them.

    :raises ValueError: a time makes no sense.
    """
    state = folded(order.status or "")
    state = SAME.get(state, state)
    written = [(name, getattr(order, f"{name}_at")) for name in MILESTONES]
    dated = [(name, lines.moment(text)) for name, text in written if text]
    events = lines.history(event(name, at, f"{name} {at.isoformat()}", state) for name, at in dated)
    says_more = STATES.get(state, (Status.UNKNOWN, ""))[0] is not Status.INFO_RECEIVED
    if not events or not state or not says_more or state in dict(dated):
        return events
    last = events[-1].occurred_at
    return (*events, event(state, last, f"{state} after {last.isoformat()}", state))


def event(name: str, at: datetime, key: str, state: str) -> Event:
    status, description = STATES.get(name, (Status.UNKNOWN, name))
    if status.is_final and STATES.get(state, (Status.UNKNOWN, ""))[0] is not status:
        status = Status.UNKNOWN  # a time that the state does not bear out
    return Event(key=key, occurred_at=at, status=status, code=name[:80], description=description)
