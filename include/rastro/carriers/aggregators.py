"""
What adapters of aggregators share. These follow parcels of many carriers, each registered with them before it is read.

They translate what the carriers say to codes of their own, in which a delivery to the sender is a delivery, too, and a
remark after a delivery is a movement. Both are put right here, by what else they say of the parcel.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from rastro.carriers import lines
from rastro.models import Event, Refusal, RefusalReason, Standing, Status
from rastro.routing import folded

# What a registration accepts as answers, so that a failure of it does not cost what was read before.
ALL_FAILURES = frozenset(range(400, 600))

TO_SENDER = re.compile(r"\b(ao|pelo) remetente\b|\b(to|by) (the )?(original )?(sender|shipper)\b")
ARRIVALS = frozenset({Status.DELIVERED, Status.RETURNED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One item of an answer: its number, what is kept of it, and whether that has events."""

    number: str
    raw: bytes
    has_events: bool = False


def one_each(cuts: Iterable[Cut], asked: Sequence[str]) -> dict[str, bytes]:
    """The items about what was asked, by number: of several carriers with the same number the first that has events."""
    found: dict[str, Cut] = {}
    for one in cuts:
        held = found.get(one.number)
        if (one.number in asked or not asked) and (held is None or (one.has_events and not held.has_events)):
            found[one.number] = one
    return {number: one.raw for number, one in found.items()}


def registered(reference: str, name: str) -> Refusal:
    """What is said of a number that the aggregator of this name has just been told about, or has no data of yet."""
    said = f"It is registered with {name} now and read from the next look on."
    return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, code="registered", message=said)


def by_code(by_status: Mapping[Status, str]) -> Mapping[str, Status]:
    """Status by code, from the codes of each status with blanks in between."""
    return {code: status for status, codes in by_status.items() for code in codes.split()}


def back_at_sender(events: Iterable[Event]) -> tuple[Event, ...]:
    """The history of ``events``, oldest first; where the words name the sender a delivery is the parcel's return."""
    return lines.history(
        replace(event, status=Status.RETURNED)
        if event.status is Status.DELIVERED and TO_SENDER.search(folded(event.description))
        else event
        for event in events
    )


def remarks_after_the_end(events: Sequence[Event]) -> tuple[Event, ...]:
    """``events``, oldest first, of a parcel known to have arrived: what follows its last arrival are remarks."""
    last = max((place for place, one in enumerate(events) if one.status in ARRIVALS), default=len(events))
    return tuple(
        replace(one, standing=Standing.INFORMATIVE) if place > last else one for place, one in enumerate(events)
    )
