"""
FedEx's results: the history their scans make, what their codes mean, the estimate, the proof.

Guesses: that a DL after RS or RT is the sender's; that a code in no table is what ``derivedStatusCode`` says, though
never a delivery.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

import msgspec

from rastro.carriers import lines, worldwide
from rastro.models import Event, Pickup, Proof, Standing, Status

STATUS: Mapping[str, Status] = {
    **dict.fromkeys(("OC", "OX", "EP", "MD"), Status.INFO_RECEIVED),  # a label, electronic data
    **dict.fromkeys(("PU", "PX", "AP"), Status.IN_TRANSIT),  # picked up
    **dict.fromkeys(("IT", "AR", "DP", "AF", "CC"), Status.IN_TRANSIT),
    **dict.fromkeys(("DY", "DD"), Status.IN_TRANSIT),  # late, and on its way
    **dict.fromkeys(("OD", "AD", "ED"), Status.OUT_FOR_DELIVERY),
    "DE": Status.DELIVERY_FAILED,
    **dict.fromkeys(("HL", "HP"), Status.READY_FOR_PICKUP),
    "DL": Status.DELIVERED,
    **dict.fromkeys(("SE", "CD", "HA"), Status.ON_HOLD),  # exception, customs, to be held
    **dict.fromkeys(("RS", "RT"), Status.RETURNING),
    "CA": Status.CANCELLED,
}
DERIVED: Mapping[str, Status] = {
    "IN": Status.INFO_RECEIVED,  # label created
    **{code: status for code, status in STATUS.items() if status is not Status.DELIVERED},
}
FORECASTS = frozenset({"AO"})


class Place(msgspec.Struct, rename="camel"):
    street_lines: list[str] | None = None
    city: str | None = None
    state_or_province_code: str | None = None
    country_code: str | None = None


class Scan(msgspec.Struct, rename="camel"):
    date: str
    event_type: str
    event_description: str | None = None
    derived_status_code: str | None = None
    exception_code: str | None = None
    exception_description: str | None = None
    location_id: str | None = None
    scan_location: Place | None = None


class Head(msgspec.Struct):
    code: str | None = None
    description: str | None = None


class Time(msgspec.Struct, rename="camel"):
    type: str | None = None
    date_time: str | None = None


class Span(msgspec.Struct):
    begins: str | None = None
    ends: str | None = None


class Window(msgspec.Struct):
    window: Span | None = None


class Delivery(msgspec.Struct, rename="camel"):
    received_by_name: str | None = None


class Fault(msgspec.Struct):
    code: str | None = None
    message: str | None = None


class Country(msgspec.Struct, rename="camel"):
    country_code: str | None = None


class Addressed(msgspec.Struct):
    address: Country | None = None


class Destination(msgspec.Struct, rename="camel"):
    location_contact_and_address: Addressed | None = None


class Result(msgspec.Struct, rename="camel"):
    scan_events: list[Scan] | None = None
    error: Fault | None = None
    latest_status_detail: Head | None = None
    date_and_times: list[Time] | None = None
    estimated_delivery_time_window: Window | None = None
    standard_transit_time_window: Window | None = None
    delivery_details: Delivery | None = None
    recipient_information: Addressed | None = None
    destination_location: Destination | None = None
    last_updated_destination_address: Country | None = None


def history(scans: Sequence[Scan] | None) -> tuple[Event, ...]:
    """
    :raises ValueError: a time makes no sense.
    """
    told = scans or []
    times = [moment(scan) for scan in told]
    in_order = worldwide.oldest_first(list(zip(told, times, strict=True)), times)
    return lines.history(event(scan, at) for scan, at in in_order)


def moment(scan: Scan) -> datetime:
    return lines.moment(scan.date, worldwide.zone_of((scan.scan_location or Place()).country_code))


def event(scan: Scan, at: datetime) -> Event:
    place = scan.scan_location or Place()
    kind = scan.event_type.strip().upper()
    code = f"{kind} {(scan.exception_code or '').strip()}".strip() or "?"
    status = STATUS.get(kind) or DERIVED.get((scan.derived_status_code or "").strip().upper(), Status.UNKNOWN)
    # Beside a delivery stands how and to whom; that is nobody else's.
    more = "" if status is Status.DELIVERED else (scan.exception_description or "").strip()
    return Event(
        key=f"{code} {worldwide.wall_clock(at)} {scan.location_id or lines.as_code(place.city or '')}".strip(),
        occurred_at=at,
        status=Status.UNKNOWN if kind in FORECASTS else status,
        code=code,
        description=": ".join(part for part in ((scan.event_description or "").strip(), more) if part) or code,
        city=place.city or "",
        state=place.state_or_province_code or "",
        country=place.country_code or "",
        standing=Standing.INFORMATIVE if kind in FORECASTS else Standing.EFFECTIVE,
    )


def promise(result: Result) -> datetime | None:
    """The estimate, by its own date, its window, or the service's usual time."""
    dates = [one.date_time for one in result.date_and_times or [] if one.type == "ESTIMATED_DELIVERY"]
    for window in (result.estimated_delivery_time_window, result.standard_transit_time_window):
        span = (window.window if window else None) or Span()
        dates += [span.ends, span.begins]
    zone = zone_there(result)
    return lines.end_of_day(next((at for one in dates if (at := lines.moment_or_none(one, zone))), None))


def zone_there(result: Result) -> tzinfo:
    """The zone where the parcel is to be delivered; Brasília's where that is not told."""
    at = result.destination_location.location_contact_and_address if result.destination_location else None
    places = (one.address for one in (result.recipient_information, at) if one and one.address)
    countries = (result.last_updated_destination_address, *places)
    country = next((one.country_code for one in countries if one and one.country_code), "")
    return worldwide.zone_of(country) if country else lines.BRASILIA


def pickup(result: Result, events: Sequence[Event]) -> Pickup | None:
    """Where a parcel waits that is ready to be collected: at the place of the newest scan that says so."""
    waiting = [scan for scan in result.scan_events or [] if STATUS.get(scan.event_type) is Status.READY_FOR_PICKUP]
    if not waiting or events[-1].status is not Status.READY_FOR_PICKUP:
        return None
    place = max(waiting, key=moment).scan_location or Place()
    street = ", ".join(line.strip() for line in place.street_lines or [] if line.strip())
    return Pickup(place=f"FedEx {place.city or ''}".strip(), address=street)


def proof(result: Result, events: Sequence[Event]) -> Proof | None:
    name = lines.initials(result.delivery_details.received_by_name) if result.delivery_details else ""
    delivered = any(one.status is Status.DELIVERED for one in events)
    return Proof(received_by=name) if name and delivered else None
