"""
How often parcels are asked about, and how late we learn of a scan: by habits, and at fixed intervals.

One month of parcels teaches the habits; another is followed by them through :func:`rastro.polling.next_poll_at`, run
by run, as the hourly job does. A fixed interval needs no following: its looks are known beforehand.
"""

import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from statistics import quantiles
from typing import Any

from benchmarks.journeys import Journey, journeys
from rastro.habits import HOUR, Habits, Stay, learn
from rastro.models import Status
from rastro.polling import Look, Pace, next_poll_at

MONDAY = datetime(2026, 11, 2, 3, tzinfo=UTC)  # midnight in São Paulo
WEEKS = 4
TAUGHT_BY = 3000
GIVE_UP = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """Looks a parcel, and hours from scan to knowledge: the median, and what 95 of 100 keep below."""

    how: str
    looks: float
    median: float
    most: float


def stays_of(parcels: Iterable[Journey]) -> Iterator[Stay]:
    for parcel in parcels:
        step, status, begun = "", Status.UNKNOWN, parcel.known
        for scan in parcel.scans:
            yield Stay(step=step, status=status, begun=hour(begun), ended=hour(scan.at), news=True)
            step, status, begun = scan.code, scan.status, scan.at


def hour(at: float) -> datetime:
    return MONDAY + at * HOUR


def followed(parcels: list[Journey], pace: Pace, learnt: Habits, how: str) -> Followed:
    looks, late = 0, []
    for parcel in parcels:
        published = [scan.published for scan in parcel.scans]
        seen, at = 0, float(ceil(parcel.known))
        while True:
            looks += 1
            until = bisect_right(published, at)
            late += [at - scan.at for scan in parcel.scans[seen:until]]
            seen = until
            newest = parcel.scans[seen - 1] if seen else None
            if newest and newest.status.is_final:
                break
            look = Look(
                at=hour(at), status=newest.status if newest else Status.UNKNOWN,
                quiet_since=hour(newest.at if newest else parcel.known),
            )  # fmt: skip
            planned = next_poll_at(look, pace, learnt.get(newest.code if newest else ""))
            if planned is None:
                break
            at = (planned - MONDAY) / HOUR
    return summed(how, looks / len(parcels), late)


def at_fixed_times(parcels: list[Journey], every: int, how: str) -> Followed:
    looks, late = 0, []
    for parcel in parcels:
        end = parcel.scans[-1].published
        if not parcel.scans[-1].status.is_final:
            end += GIVE_UP / HOUR
        looks += ceil(end / every) - ceil(parcel.known / every) + 1
        late += [ceil(scan.published / every) * every - scan.at for scan in parcel.scans]
    return summed(how, looks / len(parcels), late)


def summed(how: str, looks: float, late: list[float]) -> Followed:
    parts = quantiles(late, n=20, method="inclusive")
    return Followed(how=how, looks=looks, median=parts[9], most=parts[18])


def month(parcels: int, worths: Iterable[float] = (0.05,), seed: int = 2) -> list[Followed]:
    learnt = learn(stays_of(journeys(TAUGHT_BY, seed + 1, WEEKS)))
    follow = list(journeys(parcels, seed, WEEKS))
    every = [at_fixed_times(follow, hours, f"every {hours} h") for hours in (1, 2, 6, 12)]
    pace: dict[str, Any] = {"every": HOUR, "last_look_after": timedelta(days=7), "give_up_after": GIVE_UP}
    untaught = followed(follow, Pace(**pace), {}, "nothing learnt")
    return [
        *every, untaught,
        *(followed(follow, Pace(**pace, worth=worth), learnt, f"by habits, worth {worth:g}") for worth in worths),
    ]  # fmt: skip


if __name__ == "__main__":
    print(f"{'':24}{'looks a parcel':>16}{'median h':>10}{'95 % h':>10}")
    for one in month(int(sys.argv[1]) if sys.argv[1:] else 2000, (0.03, 0.05, 0.07, 0.1, 0.15)):
        print(f"{one.how:24}{one.looks:16.1f}{one.median:10.2f}{one.most:10.2f}")
