"""
UPS' packages: the history their activities make, what types, codes and words mean, the estimate, the proof.

``status.type`` decides, where it is not as wide as I and X: those are told apart by ``status.code``, then by the text.
Guesses: which codes beside I and X stand for an attempt, a return or the last way; the English words; that a D after
the beginning of a way back is the sender's.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo

import msgspec

from rastro.carriers import lines, worldwide
from rastro.models import Event, Proof, Standing, Status

TYPES: Mapping[str, Status] = {
    "M": Status.INFO_RECEIVED,  # a label
    "MV": Status.CANCELLED,  # the label is void
    "P": Status.IN_TRANSIT,  # picked up
    "I": Status.IN_TRANSIT,
    "O": Status.OUT_FOR_DELIVERY,
    "X": Status.ON_HOLD,  # an exception, of whatever kind
    "D": Status.DELIVERED,
    "RS": Status.RETURNED,
}
WIDE = frozenset({"I", "X", ""})
CODES: Mapping[str, Status] = {
    **dict.fromkeys(("OT", "OD"), Status.OUT_FOR_DELIVERY),
    **dict.fromkeys(("RF", "UR", "UF"), Status.DELIVERY_FAILED),
    **dict.fromkeys(("RS", "RT", "RH", "RU"), Status.RETURNING),
}
ON_THE_WAY: lines.Words = (
    (worldwide.RETURNING, Status.RETURNING),
    (r"out for delivery", Status.OUT_FOR_DELIVERY),
    (worldwide.WAITING, Status.READY_FOR_PICKUP),
)
EXCEPTIONS: lines.Words = (
    *ON_THE_WAY,
    (r"\b(lost|stolen|destroyed|discarded|disposed)\b", Status.LOST),
    (r"attempt|(receiver|customer) (was )?not|refused|business (was )?closed", Status.DELIVERY_FAILED),
    (r"released", Status.IN_TRANSIT),  # by customs
)
NO_DELIVERY: lines.Words = (
    (rf"{worldwide.TO_SENDER}|{worldwide.RETURNING}", Status.RETURNED),
    (r"\bnot (be )?delivered|undeliver|attempt", Status.DELIVERY_FAILED),
    (rf"\bto (a |the )?ups access point|{worldwide.WAITING}", Status.READY_FOR_PICKUP),
)
WORDS: Mapping[str, lines.Words] = {"I": ON_THE_WAY, "X": EXCEPTIONS, "": EXCEPTIONS, "D": NO_DELIVERY}
OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")


class Place(msgspec.Struct, rename="camel"):
    city: str | None = None
    state_province: str | None = None
    country_code: str | None = None
    country: str | None = None


class Spot(msgspec.Struct):
    address: Place | None = None
    slic: str | None = None  # UPS' number of the building


class Meaning(msgspec.Struct):
    type: str | None = None
    code: str | None = None
    description: str | None = None


class Activity(msgspec.Struct, rename="camel"):
    date: str
    status: Meaning
    time: str | None = None
    gmt_date: str | None = None
    gmt_time: str | None = None
    gmt_offset: str | None = None
    location: Spot | None = None


class Day(msgspec.Struct):
    type: str | None = None
    date: str | None = None


class Hours(msgspec.Struct, rename="camel"):
    type: str | None = None
    end_time: str | None = None


class Handover(msgspec.Struct, rename="camel"):
    received_by: str | None = None


class Package(msgspec.Struct, rename="camel"):
    tracking_number: str | None = None
    activity: list[Activity] | None = None
    current_status: Meaning | None = None
    delivery_date: list[Day] | None = None
    delivery_time: Hours | None = None
    delivery_information: Handover | None = None


def history(told: list[Activity]) -> tuple[Event, ...]:
    """
    :raises ValueError: a time makes no sense.
    """
    times = [moment(one) for one in told]
    in_order = worldwide.oldest_first(list(zip(told, times, strict=True)), times)
    return lines.history(event(one, at) for one, at in in_order)


def moment(activity: Activity) -> datetime:
    local = stamp(activity.date, activity.time)
    if match := OFFSET.fullmatch((activity.gmt_offset or "").strip()):
        off = timedelta(hours=int(match[2]), minutes=int(match[3]))
        return local.replace(tzinfo=timezone(-off if match[1] == "-" else off))
    place = place_of(activity)
    zone = worldwide.zone_of(place.country_code or place.country)
    if activity.gmt_date and activity.gmt_time:
        return stamp(activity.gmt_date, activity.gmt_time).replace(tzinfo=UTC).astimezone(zone)
    return local.replace(tzinfo=zone)


def stamp(day: str, clock: str | None) -> datetime:
    """YYYYMMDD and HHMMSS, whatever stands between the digits, without a zone; no time is midnight."""
    digits = re.sub(r"\D", "", day) + (re.sub(r"\D", "", clock or "") or "000000")
    return datetime.strptime(digits, "%Y%m%d%H%M%S")  # noqa: DTZ007 -- the caller knows the zone


def place_of(activity: Activity) -> Place:
    return (activity.location.address if activity.location else None) or Place()


def event(activity: Activity, at: datetime) -> Event:
    place, said = place_of(activity), activity.status
    kind, code = (said.type or "").strip().upper(), (said.code or "").strip().upper()
    text = re.sub(r"\s+", " ", said.description or "").strip()
    unit = (activity.location.slic if activity.location else None) or lines.as_code(place.city or "")
    known = f"{kind} {code}".strip() or lines.as_code(text) or "?"
    remark = lines.is_receipt(text)
    return Event(
        key=f"{known} {stamp(activity.date, activity.time).isoformat()} {unit}".strip(),
        occurred_at=at,
        status=Status.UNKNOWN if remark else status_of(kind, code, text),
        code=known,
        description=text or known,
        city=place.city or "",
        state=place.state_province or "",
        country=place.country_code or place.country or "",
        standing=Standing.INFORMATIVE if remark else Standing.EFFECTIVE,
    )


def status_of(kind: str, code: str, text: str) -> Status:
    """
    By the type; where that is wide, by the code and then by the text. The text alone takes a delivery back.

    :raises ValueError: a delivery is not described, so nobody knows whether it was one to the recipient.
    """
    if kind == "D" and not text:
        raise ValueError("a delivery without a word about it")
    if kind in WIDE and code in CODES:
        return CODES[code]
    said = lines.by_words(text, WORDS.get(kind, ()))
    return TYPES.get(kind, Status.UNKNOWN) if said is Status.UNKNOWN else said


def promise(package: Package, zone: tzinfo | None) -> datetime | None:
    """The day it is rescheduled to, else the one it was scheduled for, until the hour that is named, or its end."""
    days = {one.type: one.date or "" for one in package.delivery_date or []}
    hours = package.delivery_time
    until = hours.end_time if hours and hours.type != "DEL" and (hours.end_time or "").isdecimal() else None
    for kind in ("RDD", "SDD"):
        if days.get(kind):
            try:
                return lines.end_of_day(stamp(days[kind], until).replace(tzinfo=zone))
            except ValueError:
                continue
    return None


def proof(package: Package, events: Sequence[Event]) -> Proof | None:
    name = lines.initials(package.delivery_information.received_by) if package.delivery_information else ""
    delivered = any(one.status is Status.DELIVERED for one in events)
    return Proof(received_by=name) if name and delivered else None
