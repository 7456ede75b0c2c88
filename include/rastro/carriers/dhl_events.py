"""
DHL's shipments: the history their events make, what codes and words mean, the estimate, the proof.

Guesses: the English words; that a delivery after the beginning of a way back is the sender's.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from rastro.carriers import lines, worldwide
from rastro.models import Event, Proof, Standing, Status
from rastro.routing import folded

STATUS: Mapping[str, Status] = {
    "pre-transit": Status.INFO_RECEIVED,
    "transit": Status.IN_TRANSIT,
    "delivered": Status.DELIVERED,
    "failure": Status.DELIVERY_FAILED,
}
# "Will be returned to the sender" is not over yet, "(was) returned to the sender" is.
BACK: lines.Words = (
    (rf"\b(will|to|must|should|being)\b( be)? return\w* to {worldwide.SENDER}", Status.RETURNING),
    (rf"\breturned to {worldwide.SENDER}|{worldwide.TO_SENDER}", Status.RETURNED),
    (worldwide.RETURNING, Status.RETURNING),
)
WORDS: Mapping[str, lines.Words] = {
    "pre-transit": ((r"cancel", Status.CANCELLED),),
    "transit": (
        *BACK,
        (worldwide.WAITING, Status.READY_FOR_PICKUP),
        (r"out for delivery|with (the )?(delivery )?courier", Status.OUT_FOR_DELIVERY),
        (r"\bon hold\b|\b(is|being) held\b|awaiting (payment|clearance|documents)", Status.ON_HOLD),
    ),
    "delivered": (
        (rf"{worldwide.TO_SENDER}|{worldwide.RETURNING}", Status.RETURNED),
        (r"\bnot (be )?delivered|undeliver|attempt", Status.DELIVERY_FAILED),
        (worldwide.WAITING, Status.READY_FOR_PICKUP),
    ),
    "failure": (
        *BACK,
        (r"cancel", Status.CANCELLED),
        (r"\b(lost|stolen|destroyed|discarded|disposed)\b", Status.LOST),
        (r"\bhold\b|\bheld\b|customs|clearance|damage", Status.ON_HOLD),
    ),
}
TAKEN_BY = re.compile(
    r"[\s,.:;-]*\b(signed|received|accepted|taken|collected)\b( for)? by\b.*", re.IGNORECASE | re.DOTALL
)


class Address(msgspec.Struct, rename="camel"):
    address_locality: str | None = None
    country_code: str | None = None


class Place(msgspec.Struct):
    address: Address | None = None


class Line(msgspec.Struct, rename="camel"):
    timestamp: str
    status_code: str | None = None
    status: str | None = None
    description: str | None = None
    location: Place | None = None


class Person(msgspec.Struct, rename="camel"):
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None


class Handover(msgspec.Struct, rename="camel"):
    signed: Person | None = None
    document_url: str | None = None
    signature_url: str | None = None


class Details(msgspec.Struct, rename="camel"):
    proof_of_delivery: Handover | None = None


class Frame(msgspec.Struct, rename="camel"):
    estimated_through: str | None = None


class Shipment(msgspec.Struct, rename="camel"):
    status: Line | None = None
    events: list[Line] | None = None
    estimated_time_of_delivery: str | None = None
    estimated_delivery_time_frame: Frame | None = None
    destination: Place | None = None
    details: Details | None = None


def history(shipment: Shipment) -> tuple[Event, ...]:
    """
    The events; the head, which repeats the newest of them, where there are none.

    :raises ValueError: a time makes no sense.
    """
    told = shipment.events or ([shipment.status] if shipment.status else [])
    times = [lines.moment(line.timestamp, worldwide.zone_of(address_of(line.location).country_code)) for line in told]
    alike: dict[str, list[str]] = {}
    events = []
    for line, at in worldwide.oldest_first(list(zip(told, times, strict=True)), times):
        place = lines.as_code(address_of(line.location).address_locality or "")
        name = f"{line.status_code or '?'} {worldwide.wall_clock(at)} {place}".strip()
        texts = alike.setdefault(name, [])
        if (text := f"{line.status} {line.description}") not in texts:
            texts.append(text)
        nth = texts.index(text) + 1
        events.append(event(line, at, key=name if nth == 1 else f"{name} {nth}"))
    return lines.history(events)


def event(line: Line, at: datetime, key: str) -> Event:
    place, code = address_of(line.location), (line.status_code or "").strip().lower()
    text = folded(f"{line.status or ''} {line.description or ''}")
    status = lines.by_words(text, WORDS.get(code, BACK))
    remark = lines.is_receipt(text)
    if status is Status.UNKNOWN:
        status = STATUS.get(code, Status.UNKNOWN)
    return Event(
        key=key,
        occurred_at=at,
        status=Status.UNKNOWN if remark else status,
        code=code or lines.as_code(line.status or "") or "?",
        description=wording(line, code) or code or "?",
        city=place.address_locality or "",
        country=place.country_code or "",
        standing=Standing.INFORMATIVE if remark else Standing.EFFECTIVE,
    )


def wording(line: Line, code: str) -> str:
    """What may be shown of a line: its longer text, but about a delivery the shorter one, which names nobody."""
    names = code == "delivered" or "deliver" in folded(line.status or "")
    texts = (line.status,) if names else (line.description, line.status)
    return TAKEN_BY.sub("", next((text.strip() for text in texts if text and text.strip()), ""))


def address_of(place: Place | None) -> Address:
    return (place.address if place else None) or Address()


def promise(shipment: Shipment) -> datetime | None:
    """The end of the time that is named, or of the day."""
    zone = worldwide.zone_of(address_of(shipment.destination).country_code)
    frame = shipment.estimated_delivery_time_frame or Frame()
    dates = (frame.estimated_through, shipment.estimated_time_of_delivery)
    return lines.end_of_day(next((at for one in dates if (at := lines.moment_or_none(one, zone))), None))


def proof(shipment: Shipment, events: Sequence[Event]) -> Proof | None:
    shown = (shipment.details or Details()).proof_of_delivery
    if not shown or all(one.status is not Status.DELIVERED for one in events):
        return None
    signed = shown.signed or Person()
    full = " ".join(part for part in (signed.given_name, signed.family_name) if part)
    pictures = (one for one in (shown.document_url, shown.signature_url) if one and one.startswith("https://"))
    name, picture = lines.initials(full or signed.name), next(pictures, "")
    return Proof(received_by=name, picture=picture) if name or picture else None
