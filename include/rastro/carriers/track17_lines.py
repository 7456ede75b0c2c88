"""
What 17TRACK writes about one number: the shape of it, what is kept, and what it means.

Time, status and place of a line are 17TRACK's translation of what the carrier says; ``time_raw`` is the carrier's own
clock, and the only time where 17TRACK does not know the zone. Read 2026-11 from https://api.17track.net (v2.4).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from rastro import typed
from rastro.carriers import lines
from rastro.carriers.aggregators import Cut, back_at_sender, by_code, registered, remarks_after_the_end
from rastro.errors import Unreadable
from rastro.models import Event, Refusal, RefusalReason, Snapshot, Status
from rastro.numbers import normalise
from rastro.redaction import redact

ALREADY_REGISTERED, NOT_REGISTERED, NO_DATA_YET = -18019901, -18019902, -18019909
REFUSALS: Mapping[int, RefusalReason] = {
    NOT_REGISTERED: RefusalReason.NOT_FOUND,
    -18019903: RefusalReason.NOT_FOUND,  # the carrier is not recognised by the number
    -18019911: RefusalReason.NOT_FOUND,  # a carrier that cannot be registered at present
    -18010012: RefusalReason.MALFORMED,
}

# By sub_status; by stage, or the main status, where a line or the head has no sub_status. A sub_status that is not here
# stays unknown, whatever its main status is.
STATUSES = by_code(
    {
        Status.INFO_RECEIVED: "InfoReceived",
        Status.IN_TRANSIT: "InTransit InTransit_PickedUp InTransit_Other InTransit_Departure InTransit_Arrival "
        "InTransit_CustomsProcessing InTransit_CustomsReleased PickedUp Departure Arrival",
        Status.READY_FOR_PICKUP: "AvailableForPickup AvailableForPickup_Other",
        Status.OUT_FOR_DELIVERY: "OutForDelivery OutForDelivery_Other",
        Status.DELIVERY_FAILED: "DeliveryFailure DeliveryFailure_Other DeliveryFailure_NoBody DeliveryFailure_Security "
        "DeliveryFailure_Rejected DeliveryFailure_InvalidAddress",
        Status.DELIVERED: "Delivered Delivered_Other",
        Status.RETURNING: "Returning Exception_Returning",
        Status.RETURNED: "Returned Exception_Returned",
        # NoBody and Rejected: the recipient is not found or refuses before anybody tried to deliver.
        Status.ON_HOLD: "Exception Exception_Other Exception_NoBody Exception_Security Exception_Damage "
        "Exception_Rejected Exception_Delayed InTransit_CustomsRequiringInformation",
        Status.LOST: "Exception_Lost Exception_Destroyed",
        Status.CANCELLED: "Exception_Cancel",
    }
)


class Written(msgspec.Struct, omit_defaults=True):
    """A time as the carrier wrote it."""

    date: str | None = None
    time: str | None = None
    timezone: str | None = None


class Address(msgspec.Struct, omit_defaults=True):
    country: str | None = None
    state: str | None = None
    city: str | None = None


class Line(msgspec.Struct, omit_defaults=True):
    time_iso: str | None = None
    time_utc: str | None = None
    time_raw: Written | None = None
    description: str | None = None
    location: str | None = None
    stage: str | None = None
    sub_status: str | None = None
    address: Address | None = None

    def code(self) -> str:
        return self.sub_status or self.stage or ""


class Provider(msgspec.Struct, omit_defaults=True):
    key: int | None = None


class Source(msgspec.Struct, omit_defaults=True):
    """What one of a parcel's carriers says."""

    provider: Provider | None = None
    events: list[Line] | None = None


class Sources(msgspec.Struct, omit_defaults=True):
    providers: list[Source] | None = None


class Promise(msgspec.Struct, omit_defaults=True, rename={"earliest": "from", "latest": "to"}):
    earliest: str | None = None
    latest: str | None = None


class Metrics(msgspec.Struct, omit_defaults=True):
    estimated_delivery_date: Promise | None = None


class Head(msgspec.Struct, omit_defaults=True):
    status: str | None = None
    sub_status: str | None = None

    def code(self) -> str:
        return self.sub_status or self.status or ""


class Info(msgspec.Struct, omit_defaults=True):
    latest_status: Head | None = None
    time_metrics: Metrics | None = None
    tracking: Sources | None = None

    def sources(self) -> list[Source]:
        return (self.tracking.providers if self.tracking else None) or []


class Fault(msgspec.Struct, omit_defaults=True):
    code: int = 0
    message: str | None = None


class Item(msgspec.Struct, omit_defaults=True):
    """
    What is kept about one number: no more than is read, and nothing that changes by itself or names a person.

    ``registered`` and ``event`` are ours. Only what was just registered has ``origin``, and only in the list of all
    numbers do they have the fields from ``package_status`` on.
    """

    number: str | int = ""
    registered: bool = False
    event: str = ""
    error: Fault | None = None
    track_info: Info | None = None
    origin: int | str | None = None
    package_status: str | None = None
    latest_event_time: str | None = None
    latest_event_info: str | None = None
    stop_track_reason: str | None = None


class Named(msgspec.Struct):
    number: str | int = ""


def cut(raw: bytes) -> Cut:
    """
    One item. Where it makes no sense it stays as it is.

    A number that is registered and has no data yet gives the same bytes in whatever words 17TRACK says so.
    """
    try:
        item = typed.decode(raw, Item, strict=False)
    except lines.UNREADABLE:
        return Cut(number=number_in(raw), raw=raw)
    number = normalise(str(item.number))
    just_registered = item.origin is not None and item.track_info is None
    if just_registered or (item.error and item.error.code in {ALREADY_REGISTERED, NO_DATA_YET}):
        return Cut(number=number, raw=msgspec.json.encode(Item(number=number, registered=True)))
    has_events = bool(item.track_info and any(source.events for source in item.track_info.sources()))
    return Cut(number=number, raw=msgspec.json.encode(item), has_events=has_events)


def number_in(raw: bytes) -> str:
    try:
        return normalise(str(typed.decode(raw, Named, strict=False).number))
    except lines.UNREADABLE:
        return ""


def fault_of(raw: bytes) -> int:
    """The code of the error in a part; 0 when it holds none."""
    try:
        error = typed.decode(raw, Item, strict=False).error
    except lines.UNREADABLE:
        return 0
    return error.code if error else 0


def meaning(code: str, raw: bytes, reference: str) -> Snapshot | Refusal:
    """
    What one item means.

    :param code: the adapter's, for messages.
    :raises Unreadable: it makes no sense, or has an error that is not about the number: a person should see it.
    """
    item = lines.decoded(raw, Item, code)
    reference = reference or normalise(str(item.number))
    try:
        if item.registered:
            return registered(reference, "17TRACK")
        if item.error and item.error.code in REFUSALS:
            reason, said = REFUSALS[item.error.code], (item.error.message or "").strip()
            return Refusal(reference=reference, reason=reason, code=str(item.error.code), message=said)
        if item.track_info and not item.error:
            return about(reference, item.track_info)
        if item.package_status and not item.error:
            return listed(reference, item)
    except lines.UNREADABLE as error:
        raise Unreadable(f"{code}: a line makes no sense ({error})", raw=raw, reference=reference) from error
    if item.event:
        said = f"{item.event}, 17TRACK no longer follows it; not a tracking answer"
    elif item.error:
        said = f"an item with an error of its own ({item.error.code}, {redact(item.error.message or '')[:80]})"
    else:
        said = "an item with neither tracking nor error"
    raise Unreadable(f"{code}: {said}", raw=raw, reference=reference)


def about(reference: str, info: Info) -> Snapshot | Refusal:
    """
    :raises ValueError: a time makes no sense.
    """
    head = info.latest_status or Head()
    events = history(info.sources(), head.code())
    if not events:
        said = "17TRACK has no events of it yet."
        return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, code=head.code(), message=said)
    if head.status == "Delivered":
        events = remarks_after_the_end(events)
    promise = (info.time_metrics.estimated_delivery_date if info.time_metrics else None) or Promise()
    return Snapshot(
        reference=reference,
        events=events,
        estimated_at=lines.end_of_day(lines.moment_or_none(promise.latest or promise.earliest)),
    )


def history(sources: Sequence[Source], summary: str) -> tuple[Event, ...]:
    """
    The lines of all carriers, oldest first.

    :param summary: the head's code; it is the newest line's where that has none, and no other line has this one.
    :raises ValueError: a time makes no sense.
    """
    found: list[tuple[datetime, Line, str]] = []
    for source in sources:
        written = source.events or []
        times = [moment_of(line) for line in written]
        carrier = str(source.provider.key or "") if source.provider else ""
        in_order = lines.oldest_first(list(zip(times, written, strict=True)), times)
        found += [(at, line, carrier) for at, line in in_order]
    found.sort(key=lambda one: one[0])
    codes = [line.code() for _, line, _ in found]
    if codes and not codes[-1] and summary not in codes:
        codes[-1] = summary
    return back_at_sender(event(*one, code) for one, code in zip(found, codes, strict=True))


def event(at: datetime, line: Line, carrier: str, code: str) -> Event:
    text, place, address = (line.description or "").strip(), (line.location or "").strip(), line.address or Address()
    raw = line.time_raw or Written()
    # The carrier's own clock: it stays as it is when 17TRACK learns the zone.
    clock = f"{raw.date} {raw.time or ''}".strip() if raw.date else at.isoformat()
    return Event(
        key=f"{line.code()} {clock} {place} {carrier}",
        occurred_at=at,
        status=STATUSES.get(code, Status.UNKNOWN),
        code=code or lines.as_code(text) or "?",
        description=text,
        city=(address.city or "").strip() or place,
        state=(address.state or "").strip(),
        country=(address.country or "").strip(),
    )


def moment_of(line: Line) -> datetime:
    """
    :raises ValueError: there is no time, or it makes no sense.
    """
    raw = line.time_raw or Written()
    if said := line.time_iso or line.time_utc:
        return lines.moment(said)
    return lines.moment(f"{raw.date or ''}T{raw.time}{raw.timezone or ''}" if raw.time else raw.date)


def listed(reference: str, item: Item) -> Snapshot | Refusal:
    """
    What the list of all numbers says of one: no more than its newest line and where it is.

    :raises ValueError: a time makes no sense.
    """
    status, text = item.package_status or "", (item.latest_event_info or "").strip()
    if not item.latest_event_time:
        stopped = f"; it was stopped ({item.stop_track_reason})" if item.stop_track_reason else ""
        said = f"17TRACK has no events of it{stopped}."
        return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, code=status, message=said)
    at = lines.moment(item.latest_event_time)
    newest = Event(
        key=f"{status} {at.isoformat()}",
        occurred_at=at,
        status=STATUSES.get(status, Status.UNKNOWN),
        code=status,
        description=text,
    )
    return Snapshot(reference=reference, events=back_at_sender([newest]), whole=False)
