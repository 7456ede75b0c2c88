"""What the lines of an Intelipost order mean: the states of its volumes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from rastro.carriers import lines
from rastro.models import Event, Standing, Status

STATUS: Mapping[str, Status] = {
    "NEW": Status.INFO_RECEIVED,
    "READY_FOR_SHIPPING": Status.INFO_RECEIVED,
    "SHIPPED": Status.IN_TRANSIT,
    "IN_TRANSIT": Status.IN_TRANSIT,
    "TO_BE_DELIVERED": Status.OUT_FOR_DELIVERY,
    "DELIVERED": Status.DELIVERED,
    "CLARIFY_DELIVERY_FAIL": Status.DELIVERY_FAILED,
    "DELIVERY_FAILED": Status.DELIVERY_FAILED,  # for good; what becomes of the parcel, the micro state says
    "CANCELLED": Status.CANCELLED,
}
WAITING = (r"(aguardando|disponivel para) (a )?retirada", Status.READY_FOR_PICKUP)
BACKWARDS = (r"devol|retorno|logistica reversa", Status.RETURNING)
REFINED: Mapping[str, lines.Words] = {
    "IN_TRANSIT": (WAITING, BACKWARDS),
    "CLARIFY_DELIVERY_FAIL": (
        BACKWARDS,
        WAITING,
        (r"avari|extravi|\broub|\bfurt|sinistr|\bfiscal|retid", Status.ON_HOLD),
    ),
    "DELIVERY_FAILED": (
        (r"(sera|a ser|sendo) devolvid", Status.RETURNING),
        (r"devolvid|devol.*(conclu|finaliz|realizad|efetuad|entregue)|entregue.*remetente", Status.RETURNED),
        BACKWARDS,
        (r"extravi|\broub|\bfurt|perda total", Status.LOST),
    ),
    "DELIVERED": ((r"devol|remetente", Status.RETURNED),),
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Micro(msgspec.Struct):
    id: int | str | None = None
    code: int | str | None = None
    name: str | None = None
    default_name: str | None = None


class Attachment(msgspec.Struct):
    type: str | None = None
    url: str | None = None


class Line(msgspec.Struct):
    shipment_order_volume_state: str
    shipment_order_volume_state_localized: str | None = None
    event_date: int | float | str | None = None
    event_date_iso: str | None = None
    created: int | float | str | None = None
    created_iso: str | None = None
    shipment_volume_micro_state: Micro | None = None
    attachments: list[Attachment] | None = None


class Volume(msgspec.Struct):
    shipment_order_volume_number: int | str | None = None
    shipment_order_volume_state: str | None = None
    shipment_order_volume_state_history_array: list[Line] | None = None
    delivered_date: int | float | str | None = None
    delivered_date_iso: str | None = None
    estimated_delivery_date: Any = None
    estimated_delivery_date_iso: Any = None


def moment(*written: float | str | None) -> datetime:
    """
    The first time that is given, in Brasília's zone where it is milliseconds.

    :raises ValueError: none of them is a time.
    """
    for one in written:
        if isinstance(one, str) and not one.strip().isdecimal():
            if one.strip():
                return lines.moment(one)
        elif one is not None:
            return (EPOCH + timedelta(milliseconds=float(one))).astimezone(lines.BRASILIA)
    raise ValueError("a line without a time")


def promise(written: Any) -> datetime | None:
    """A date by itself, or as a push has it: for the customer and for the carrier, now and at first."""
    if isinstance(written, dict):
        kind = written.get("client") or written.get("logistic_provider")
        now = kind if isinstance(kind, dict) else {}
        written = now.get("current_iso") or now.get("current")
    try:
        return lines.end_of_day(moment(written if isinstance(written, int | float | str) else None))
    except (ValueError, OverflowError):
        return None


def history(volume: Volume, place: int = 1, *, pushed: bool = False) -> tuple[Event, ...]:
    """
    The lines of one volume. A line that says "delivered" again (a receipt was attached) moves nothing.

    :param place: the volume's place in the order, for one that has no number.
    :param pushed: what was said before is not in it, so a receipt is told by its name.
    :raises ValueError: a time makes no sense.
    """
    number = str(volume.shipment_order_volume_number or place)
    written = volume.shipment_order_volume_state_history_array or []
    times = [moment(one.event_date, one.event_date_iso, one.created, one.created_iso) for one in written]
    in_order = lines.oldest_first(list(zip(written, times, strict=True)), times)
    events = lines.history(event(number, line, at) for line, at in in_order)
    delivered_at = volume.delivered_date or volume.delivered_date_iso
    told = any(one.status.is_final or one.code == "DELIVERED" for one in events)
    if volume.shipment_order_volume_state == "DELIVERED" and delivered_at and not told:
        at = max([moment(delivered_at), *(one.occurred_at for one in events)])
        line = Line(shipment_order_volume_state="DELIVERED", shipment_order_volume_state_localized="Entregue")
        events = lines.history((*events, event(number, line, at)))
    said_before = False
    settled = []
    for one in events:
        is_delivery = one.status is Status.DELIVERED
        again = is_delivery and (said_before or (pushed and lines.is_receipt(one.description)))
        settled.append(replace(one, status=Status.UNKNOWN, standing=Standing.INFORMATIVE) if again else one)
        said_before = is_delivery or (said_before and again)
    return tuple(settled)


def event(volume: str, line: Line, at: datetime) -> Event:
    state = line.shipment_order_volume_state.strip().upper()
    micro = line.shipment_volume_micro_state or Micro()
    name = (micro.name or micro.default_name or "").strip()
    refined = lines.by_words(name, REFINED.get(state, ()))
    return Event(
        key=f"{volume} {state} {micro.id or micro.code or lines.as_code(name)} {at.isoformat()}",
        occurred_at=at,
        status=STATUS.get(state, Status.UNKNOWN) if refined is Status.UNKNOWN else refined,
        code=state[:80] or "?",
        description=name or line.shipment_order_volume_state_localized or state,
    )
