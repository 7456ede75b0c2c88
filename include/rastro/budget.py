"""
How many calls a carrier is given now, and which parcels they go to. Pure.

What is left of a carrier's calls of a day is shared out among the hours that are left of it, in proportion to the news
that it is wont to have in each, so that its evening has its part. Where more parcels are due than that, those go first
of which most news is to be expected, for as long as it has been late; one place in :data:`FOR_THE_PATIENT` is for those
who have waited longest, so that nobody waits for ever.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from statistics import fmean

from rastro.habits import AT_THE_DOOR, HOUR, LOCAL, WEEK, Habit, Habits, hour_of_week, untaught
from rastro.models import Status

FOR_THE_PATIENT = 10  # one place in so many
LEAST_NEWS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Parcels that are alike: whole hours of silence, and whole hours since the last look, less one for
    each time that they were asked about in vain."""

    step: str
    status: Status
    near: bool
    silent: int
    waited: int


def day_of(at: datetime) -> date:
    """The carrier's own day."""
    return at.astimezone(LOCAL).date()


def share_of_now(budget: int, spent: int, habits: Habits, at: datetime) -> int:
    """Calls for the run of this hour, of those that are left of the day."""
    midnight = datetime.combine(day_of(at) + timedelta(days=1), time(), LOCAL)
    now = hour_of_week(at)
    hours = [news_of_hour(habits, slot) for slot in range(now, now + math.ceil((midnight - at) / HOUR))]
    left = max(0, budget - spent)
    return min(left, math.ceil(left * hours[0] / sum(hours)))


def news_of_hour(habits: Habits, slot: int) -> float:
    """How much news the carrier has in that hour of the week, 1 on average; it is never quite without."""
    return max(LEAST_NEWS, fmean(habit.by_hour[slot % WEEK] for habit in habits.values())) if habits else 1.0


def for_the_patient(parcels: int) -> int:
    """How many of so many places belong to those who have waited longest."""
    return math.ceil(parcels / FOR_THE_PATIENT)


def by_urgency(kinds: Iterable[Kind], habits: Habits, now: datetime) -> list[Kind]:
    """The most urgent first."""
    return sorted(kinds, key=lambda kind: urgency(kind, habits, now), reverse=True)


def urgency(kind: Kind, habits: Habits, now: datetime) -> tuple[float, bool]:
    """
    By how many hours what is to be expected since the last look is late by now, all lines together; between equals,
    whether somebody waits at the door.

    Those at the door first, then by lines alone, would leave those that seldom have news to wait for very long: in the
    month's simulation, at 27 looks a parcel, 95 of 100 lines became known within 9.6 h so, within 5.0 h as it is.
    """
    at_the_door = kind.near or kind.status in AT_THE_DOOR
    if kind.status.is_final:
        return 0.0, at_the_door
    habit = habits.get(kind.step) or untaught(kind.status)
    hours = max(kind.waited, 1)
    return hours_late(habit, max(0, kind.silent - hours), hour_of_week(now - hours * HOUR), hours), at_the_door


@lru_cache(maxsize=100_000)
def hours_late(habit: Habit, silence: int, slot: int, hours: int) -> float:
    """So many hours, which began after such a silence, in that hour of the week: each of their lines since it came."""
    return sum(habit.news(silence + hour, slot + hour) * (hours - hour - 0.5) for hour in range(hours))
