"""
What VTEX does when it is told about a parcel: the same for an order system's PUT and a marketplace's POST.

Public sources disagree on whether a new history replaces the old one or is added to it: it is merged, so that a repeat
changes nothing, unless the setting ``events_replace`` says otherwise.
"""

import re
import uuid
from datetime import datetime
from typing import Any

from simulator.calls import Malformed
from simulator.records import Order, Package, Settings
from simulator.world import now

LONGEST_DESCRIPTION = 5000
EVENT_FIELDS = ("city", "state", "description", "date")


def check_tracking(body: dict[str, Any], *, delivered_date: bool, events: bool) -> None:
    """
    The schema of a tracking call; ``delivered_date`` and ``events`` say whether these must be there.

    :raises Malformed: naming the first thing that is wrong.
    """
    if not isinstance(body.get("isDelivered"), bool):
        raise Malformed("isDelivered is required and must be true or false")
    if delivered_date and "deliveredDate" not in body:
        raise Malformed("deliveredDate is required; null when there is none")
    told = body.get("deliveredDate")
    if told is not None and not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", str(told)):
        raise Malformed("deliveredDate must be yyyy-mm-dd hh:mm")
    if not isinstance(body.get("events", None if events else []), list):
        raise Malformed("events is required and must be an array")
    for place, event in enumerate(body.get("events") or []):
        check_event(f"events[{place}]", event)


def check_event(name: str, event: object) -> None:
    if not isinstance(event, dict):
        raise Malformed(f"{name} must be an object")
    for part in EVENT_FIELDS:
        if not isinstance(event.get(part), str):
            raise Malformed(f"{name}.{part} is required and must be a string")
    if len(event["description"]) > LONGEST_DESCRIPTION:
        raise Malformed(f"{name}.description is longer than {LONGEST_DESCRIPTION}")
    try:
        datetime.fromisoformat(event["date"])
    except ValueError:
        raise Malformed(f"{name}.date must be yyyy-mm-dd") from None


def write_tracking(package: Package, body: dict[str, Any], settings: Settings) -> bool:
    """Take a checked body over into the package; whether that changed anything."""
    before = (list(package.events), package.finished, package.delivered_date)
    written = now().strftime("%Y-%m-%dT%H:%M:%S.%f0+00:00")
    known = {told(event): event for event in package.events}
    fresh = {}
    for event in body.get("events") or []:
        shown = {
            # The day is kept as it is given: a date without zone is stored as if it were UTC.
            "lastChange": f"{datetime.fromisoformat(event['date']):%Y-%m-%dT%H:%M:%S}.0000000+00:00",
            "city": event["city"],
            "state": event["state"],
            "description": event["description"],
            "createDate": written,
        }
        fresh[told(shown)] = known.get(told(shown), shown)
    merged = fresh if settings.events_replace else {**known, **fresh}
    order = {key: place for place, key in enumerate(fresh)}
    package.events = sorted(
        merged.values(), key=lambda event: (event["lastChange"], order.get(told(event), -1)), reverse=True
    )
    package.status = package.status or "unknown"
    package.writes += 1
    package.deliveries += body["isDelivered"]
    if body["isDelivered"] or settings.finished_follows:
        package.finished = body["isDelivered"]
    if body.get("deliveredDate"):
        package.delivered_date = f"{body['deliveredDate'].replace(' ', 'T')}:00.0000000+00:00"
    elif not package.finished:
        package.delivered_date = None
    return before != (package.events, package.finished, package.delivered_date)


def told(event: dict[str, str]) -> tuple[str, ...]:
    """What makes two told events the same one."""
    return (event["lastChange"], event["description"], event["city"], event["state"])


def receipt(order: Order) -> dict[str, str]:
    date = now().strftime("%Y-%m-%dT%H:%M:%S.%f0+00:00")
    return {"date": date, "orderId": order.order_id, "receipt": uuid.uuid4().hex}
