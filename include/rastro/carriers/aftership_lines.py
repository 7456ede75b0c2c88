"""
What AfterShip writes about one number: the shape of it, what is kept, and what it means.

Tags and subtags are AfterShip's translation of what the carrier says; ``raw_tag`` is the carrier's own code. Read
2026-11 from AfterShip's list of delivery sub-statuses.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from rastro import typed
from rastro.carriers import lines
from rastro.carriers.aggregators import Cut, back_at_sender, by_code, registered, remarks_after_the_end
from rastro.errors import Unreadable
from rastro.models import FINAL, Event, Proof, Refusal, RefusalReason, Snapshot, Status
from rastro.numbers import normalise

ABSENT = 4004
REFUSALS: Mapping[int, RefusalReason] = {
    ABSENT: RefusalReason.NOT_FOUND,
    4005: RefusalReason.MALFORMED,  # the value of the number
    4008: RefusalReason.MALFORMED,  # the value of a field: the number is the only one
    4017: RefusalReason.MALFORMED,  # the format of the number
    4009: RefusalReason.NOT_FOUND,  # the carrier must be named, or something that it asks for
    4010: RefusalReason.NOT_FOUND,
    4011: RefusalReason.NOT_FOUND,
    4012: RefusalReason.NOT_FOUND,  # the carrier is not recognised by the number, or not switched on
}

# By subtag; by tag where a checkpoint has no subtag. A subtag that is not here stays unknown, whatever its tag is.
STATUSES = by_code(
    {
        Status.INFO_RECEIVED: "InfoReceived InfoReceived_001",
        Status.IN_TRANSIT: "InTransit InTransit_001 InTransit_002 InTransit_003 InTransit_004 InTransit_005 "
        "InTransit_006 InTransit_007 InTransit_008 InTransit_009",
        Status.OUT_FOR_DELIVERY: "OutForDelivery OutForDelivery_001 OutForDelivery_003 OutForDelivery_004",
        # 002 moved away, 003 refused, 007 wrong address
        Status.DELIVERY_FAILED: "AttemptFail AttemptFail_001 AttemptFail_002 AttemptFail_003 Exception_002 "
        "Exception_003 Exception_007",
        Status.READY_FOR_PICKUP: "AvailableForPickup AvailableForPickup_001",
        Status.DELIVERED: "Delivered Delivered_001 Delivered_002 Delivered_003 Delivered_004 Delivered_005",
        # 004 customs; 005, 016, 017 late; 006 unpaid; 008 not collected; 009 not taken; 012 damaged; 018 lacks papers
        Status.ON_HOLD: "Exception Exception_001 Exception_004 Exception_005 Exception_006 Exception_008 "
        "Exception_009 Exception_012 Exception_016 Exception_017 Exception_018",
        Status.RETURNING: "Exception_010",
        Status.RETURNED: "Exception_011",
        Status.LOST: "Exception_013",
    }
)


class Checkpoint(msgspec.Struct, omit_defaults=True):
    checkpoint_time: str | None = None
    slug: str | None = None
    tag: str | None = None
    subtag: str | None = None
    raw_tag: str | None = None
    message: str | None = None
    location: str | None = None
    city: str | None = None
    state: str | None = None
    country_region: str | None = None
    country_iso3: str | None = None  # the same in older versions


class Promise(msgspec.Struct, omit_defaults=True, rename={"at": "datetime", "latest": "datetime_max"}):
    at: str | None = None
    latest: str | None = None


class Fault(msgspec.Struct, omit_defaults=True):
    code: int = 0
    message: str | None = None


class Tracking(msgspec.Struct, omit_defaults=True):
    """
    What is kept about one number: no more than is read, and nothing that changes by itself or names a person.

    ``registered`` and ``error`` are ours.
    """

    tracking_number: str | int = ""
    registered: bool = False
    error: Fault | None = None
    tag: str | None = None
    subtag: str | None = None
    return_to_sender: bool | None = None
    signed_by: str | None = None
    latest_estimated_delivery: Promise | None = None
    expected_delivery: str | None = None
    checkpoints: list[Checkpoint] | None = None


class Named(msgspec.Struct):
    tracking_number: str | int = ""


def cut(raw: bytes) -> Cut:
    """One tracking. Where it makes no sense it stays as it is."""
    try:
        tracking = typed.decode(raw, Tracking)
    except lines.UNREADABLE:
        return Cut(number=number_in(raw), raw=raw)
    number = normalise(str(tracking.tracking_number))
    if tracking.tag == "Pending" and not tracking.checkpoints:
        return Cut(number=number, raw=just_registered(number))
    tracking.signed_by = lines.initials(tracking.signed_by) or None
    return Cut(number=number, raw=msgspec.json.encode(tracking), has_events=bool(tracking.checkpoints))


def number_in(raw: bytes) -> str:
    try:
        return normalise(str(typed.decode(raw, Named).tracking_number))
    except lines.UNREADABLE:
        return ""


def just_registered(number: str) -> bytes:
    """What stands for an answer about a number that is registered and has no data yet: the same at each look."""
    return msgspec.json.encode(Tracking(tracking_number=number, registered=True))


def refused(number: str, fault: Fault) -> bytes:
    """What stands for an answer about a number that AfterShip does not know or will not follow."""
    return msgspec.json.encode(Tracking(tracking_number=number, error=fault))


def meaning(code: str, raw: bytes, reference: str) -> Snapshot | Refusal:
    """
    What one tracking means.

    :param code: the adapter's, for messages.
    :raises Unreadable: it makes no sense.
    """
    tracking = lines.decoded(raw, Tracking, code, strict=True)
    reference = reference or normalise(str(tracking.tracking_number))
    if tracking.registered:
        return registered(reference, "AfterShip")
    if tracking.error:
        reason, said = REFUSALS.get(tracking.error.code), (tracking.error.message or "").strip()
        if reason is None:
            raise Unreadable(f"{code}: an error of its own ({tracking.error.code})", raw=raw, reference=reference)
        return Refusal(reference=reference, reason=reason, code=str(tracking.error.code), message=said)
    if not tracking.tag:
        raise Unreadable(f"{code}: a tracking without a tag", raw=raw, reference=reference)
    try:
        events = history(tracking, tracking.checkpoints or [])
    except lines.UNREADABLE as error:
        raise Unreadable(f"{code}: a checkpoint makes no sense ({error})", raw=raw, reference=reference) from error
    if not events:
        said = "AfterShip has no checkpoints of it yet."
        what = tracking.subtag or tracking.tag
        return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, code=what, message=said)
    delivered = any(one.status is Status.DELIVERED for one in events)
    if delivered and tracking.return_to_sender is None:
        said = f"{code}: a delivery, and return_to_sender does not say to whom"
        raise Unreadable(said, raw=raw, reference=reference)
    promise = tracking.latest_estimated_delivery or Promise()
    received_by = lines.initials(tracking.signed_by) if delivered else ""
    return Snapshot(
        reference=reference,
        events=events,
        estimated_at=lines.end_of_day(lines.moment_or_none(promise.latest or promise.at or tracking.expected_delivery)),
        proof=Proof(received_by=received_by) if received_by else None,
    )


def history(tracking: Tracking, checkpoints: Sequence[Checkpoint]) -> tuple[Event, ...]:
    """
    :raises ValueError: a time makes no sense.
    """
    times = [lines.moment(one.checkpoint_time) for one in checkpoints]
    in_order = lines.oldest_first(list(zip(checkpoints, times, strict=True)), times)
    events = back_at_sender(event(one, at) for one, at in in_order)
    if tracking.return_to_sender:
        events = on_the_way_back(events)
    return remarks_after_the_end(events) if tracking.tag == "Delivered" else events


def event(checkpoint: Checkpoint, at: datetime) -> Event:
    text = (checkpoint.message or "").strip()
    place = (checkpoint.city or checkpoint.location or "").strip()
    code = checkpoint.subtag or checkpoint.tag or ""
    clock = (checkpoint.checkpoint_time or "")[:19]  # without an offset, which may be learnt later
    return Event(
        key=f"{checkpoint.raw_tag or code} {clock} {place} {checkpoint.slug or ''}",
        occurred_at=at,
        status=STATUSES.get(code, Status.UNKNOWN),
        code=code or lines.as_code(text) or "?",
        description=text,
        city=place,
        state=(checkpoint.state or "").strip(),
        country=(checkpoint.country_region or checkpoint.country_iso3 or "").strip(),
    )


def on_the_way_back(events: Sequence[Event]) -> tuple[Event, ...]:
    """The same of a parcel that goes back: who gets it is the sender, and until then the newest line is on that way."""
    told = [replace(one, status=Status.RETURNED) if one.status is Status.DELIVERED else one for one in events]
    if told and not any(one.status in FINAL for one in told):
        told[-1] = replace(told[-1], status=Status.RETURNING)
    return tuple(told)
