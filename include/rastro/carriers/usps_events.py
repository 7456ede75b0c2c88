"""
USPS' events: the history they make, what words and codes mean, the proof.

Guesses: the English words; that a delivery after the beginning of a way back is the sender's.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from rastro.carriers import lines, worldwide
from rastro.models import Event, Proof, Standing, Status

WORDS: lines.Words = (
    (worldwide.TO_SENDER, Status.RETURNED),
    (worldwide.RETURNING, Status.RETURNING),
    (r"cancel", Status.CANCELLED),
    (r"\b(lost|stolen|destroyed|disposed)\b", Status.LOST),
    (r"attempt|no access|notice left|not (be )?delivered|undeliver|refused|business closed", Status.DELIVERY_FAILED),
    (worldwide.WAITING, Status.READY_FOR_PICKUP),
    (r"out for delivery", Status.OUT_FOR_DELIVERY),
    (r"for final delivery", Status.IN_TRANSIT),  # handed to another carrier
    (r"^delivered\b", Status.DELIVERED),
    (r"\balert\b|\bheld\b|\bon hold\b", Status.ON_HOLD),
    (r"label created|awaiting item|pre-?shipment", Status.INFO_RECEIVED),
    (r"in transit|arriv|depart|\baccept|in possession|picked up|\bprocessed\b", Status.IN_TRANSIT),
)
CODES: Mapping[str, Status] = {"01": Status.DELIVERED, "03": Status.IN_TRANSIT, "OF": Status.OUT_FOR_DELIVERY}


class Line(msgspec.Struct, rename="camel"):
    event_type: str
    event_code: str | None = None
    event_timestamp: str | None = None
    gmt_timestamp: str | None = msgspec.field(name="GMTTimestamp", default=None)
    gmt_offset: str | None = msgspec.field(name="GMTOffset", default=None)
    event_city: str | None = None
    event_state: str | None = None
    event_country: str | None = None
    event_zip: str | None = msgspec.field(name="eventZIP", default=None)
    name: str | None = None


def history(told: Sequence[Line], category: str) -> tuple[Event, ...]:
    """
    The events; what the newest one does not say by itself is said by its category.

    :raises ValueError: a time makes no sense.
    """
    times = [moment(line) for line in told]
    in_order = worldwide.oldest_first(list(zip(told, times, strict=True)), times)
    meanings = [status_of(line) for line, _ in in_order]
    if meanings and meanings[-1] is Status.UNKNOWN:
        said = lines.by_words(category, WORDS)
        meanings[-1] = Status.UNKNOWN if said in meanings else said
    events = [event(line, at, status) for (line, at), status in zip(in_order, meanings, strict=True)]
    return lines.history(events)


def moment(line: Line) -> datetime:
    if line.gmt_timestamp:
        return lines.moment(line.gmt_timestamp, UTC)
    local = (line.event_timestamp or "").strip().removesuffix("Z")
    offset = (line.gmt_offset or "").strip()
    return lines.moment(local + offset if offset else local, worldwide.zone_of(line.event_country or "US"))


def status_of(line: Line) -> Status:
    said = lines.by_words(line.event_type, WORDS)
    return CODES.get((line.event_code or "").strip().upper(), Status.UNKNOWN) if said is Status.UNKNOWN else said


def event(line: Line, at: datetime, status: Status) -> Event:
    text, city = line.event_type.strip(), (line.event_city or "").strip()
    code = (line.event_code or "").strip().upper() or lines.as_code(text) or "?"
    remark = lines.is_receipt(text)
    return Event(
        key=f"{code} {line.gmt_timestamp or line.event_timestamp} {line.event_zip or lines.as_code(city)}".strip(),
        occurred_at=at,
        status=Status.UNKNOWN if remark else status,
        code=code,
        description=text or code,
        city=city,
        state=line.event_state or "",
        country=line.event_country or "",
        standing=Standing.INFORMATIVE if remark else Standing.EFFECTIVE,
    )


def proof(told: Sequence[Line], events: Sequence[Event]) -> Proof | None:
    if all(one.status is not Status.DELIVERED for one in events):
        return None
    name = next(filter(None, (lines.initials(line.name) for line in told if status_of(line) is Status.DELIVERED)), "")
    return Proof(received_by=name) if name else None
