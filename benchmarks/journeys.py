"""
Journeys of parcels through a Brazilian carrier's network, as its scans show them.

The figures are assumptions, chosen to look like what carriers publish: posting in the afternoon, sorting at night, the
last mile out in the morning from Monday to Saturday and delivered by day, a few failed attempts, a few parcels that
sleep for days, very few that are lost; by lanes near, middle and far, with a promised day that about nine of ten keep.
Times are hours since a Monday's midnight where the shop is.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from rastro.models import Status

DAY, WEEK = 24, 168


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """``share`` of all parcels, shares of those with 1 to 4 hubs, hours between two, days that the shop promises."""

    name: str
    share: float
    hubs: tuple[float, float, float, float]
    between: float
    promised: int


LANES = (
    Lane(name="near", share=0.35, hubs=(0.55, 0.35, 0.1, 0), between=10, promised=5),
    Lane(name="middle", share=0.4, hubs=(0.15, 0.5, 0.25, 0.1), between=20, promised=8),
    Lane(name="far", share=0.25, hubs=(0.1, 0.35, 0.35, 0.2), between=40, promised=12),
)
LABELLED_A_WEEK_BY_DAY = (1.0, 1.0, 1.0, 1.0, 0.95, 0.5, 0.35)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A carrier's scan ``at`` an hour, published some minutes later."""

    at: float
    published: float
    status: Status
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    known: float
    lane: str
    promised: float
    scans: tuple[Scan, ...]


def journeys(parcels: int, seed: int, weeks: int = 1) -> Iterator[Journey]:
    """So many parcels that are handed over in as many weeks."""
    chance = Random(seed)
    for _ in range(parcels):
        day = chance.choices(range(7), LABELLED_A_WEEK_BY_DAY)[0] + 7 * chance.randrange(weeks)
        known = day * DAY + chance.triangular(8, 23, 14)
        (lane,) = chance.choices(LANES, [one.share for one in LANES])
        scans = sorted(travel(chance, known, lane), key=lambda one: one[0])
        yield Journey(
            known=known,
            lane=lane.name,
            promised=known // DAY * DAY + lane.promised * DAY + 20,
            scans=tuple(
                Scan(
                    at=at, published=at + min(chance.lognormvariate(math.log(0.1), 0.8), 2.0), status=status, code=code
                )
                for at, status, code in scans
            ),
        )


def travel(chance: Random, known: float, lane: Lane) -> Iterator[tuple[float, Status, str]]:
    at = posting(chance, known)
    yield at, Status.IN_TRANSIT, "posted"
    at = at + chance.triangular(1, 5, 2)
    yield at, Status.IN_TRANSIT, "collected"
    hubs = chance.choices((1, 2, 3, 4), lane.hubs)[0]
    sleeps = chance.randrange(hubs) if chance.random() < 0.03 else None
    lost = chance.randrange(hubs) if chance.random() < 0.004 else None
    for hub in range(hubs):
        at += (
            chance.lognormvariate(math.log(9), 0.5) if hub == 0 else chance.lognormvariate(math.log(lane.between), 0.35)
        )
        yield at, Status.IN_TRANSIT, "arrived"
        if hub == lost:
            return
        if hub == sleeps:
            at += chance.uniform(3, 20) * DAY
        at = next_wave(at + chance.triangular(2, 8, 4), chance)
        yield at, Status.IN_TRANSIT, "departed"
    at = next_working(at + chance.lognormvariate(math.log(6), 0.5), 4, 8, chance)
    yield at, Status.IN_TRANSIT, "at the unit"
    if chance.random() < 0.2:
        at += DAY
    yield from last_mile(chance, at)


def posting(chance: Random, known: float) -> float:
    """In the afternoon of the same day, or of a working day after it."""
    at = (
        known
        if known % DAY < 15 and chance.random() < 0.6
        else known + DAY * chance.choices((1, 2, 3), (0.7, 0.2, 0.1))[0]
    )
    while at // DAY % 7 >= 5:
        at += DAY
    return max(known + 0.2, at // DAY * DAY + chance.triangular(13, 20, 17))


def last_mile(chance: Random, at: float) -> Iterator[tuple[float, Status, str]]:
    for attempt in range(3):
        at = next_working(at + (0 if attempt == 0 else 8), 7.5, 10.5, chance)
        yield at, Status.OUT_FOR_DELIVERY, "out"
        at = at // DAY * DAY + chance.triangular(max(at % DAY + 0.3, 9), 20, 14)
        fate = chance.random()
        if fate < 0.88:
            yield at, Status.DELIVERED, "delivered"
            return
        if fate < 0.92:
            yield at, Status.READY_FOR_PICKUP, "waits"
            at = next_working(at + chance.expovariate(1 / (2.5 * DAY)), 9, 18, chance)
            yield at, Status.DELIVERED, "delivered"
            return
        yield at, Status.DELIVERY_FAILED, "not at home"
    for _ in range(3):
        at += chance.lognormvariate(math.log(24), 0.5)
        yield at, Status.RETURNING, "returning"
    yield at + chance.uniform(12, 48), Status.RETURNED, "returned"


def next_wave(at: float, chance: Random) -> float:
    """The next of the lorries that leave a hub at night: at ten, at two and at five."""
    waves = [day * DAY + hour for day in (at // DAY, at // DAY + 1) for hour in (2, 5, 22)]
    return min(one for one in waves if one >= at) + chance.uniform(0, 1.2)


def next_working(at: float, first: float, last: float, chance: Random) -> float:
    """A time between these hours of the day, on the first day but Sunday on which it is not past."""
    day = at // DAY + (at % DAY > first)
    while day % 7 == 6:
        day += 1
    return day * DAY + chance.uniform(first, last)
