"""
How many calls a carrier is given now, and which parcels they go to. Pure.

A carrier that takes so many calls a day is given in each run an equal part of what is left of them, so that its evening
has as many as its morning. Where more parcels are due than that, those go first that are at the door or expected, then
those of which most news is to be expected; one place in :data:`FOR_THE_PATIENT` is for those who have waited longest,
so that nobody waits for ever.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from rastro.habits import AT_THE_DOOR, HOUR, LOCAL, Habits, hour_of_week, untaught
from rastro.models import Status
from rastro.polling import expected

FOR_THE_PATIENT = 10  # one place in so many
NO_NEWS = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Parcels that are alike: whole hours of silence, and whole hours since the last look at them."""

    step: str
    status: Status
    near: bool
    silent: int
    waited: int


def day_of(at: datetime) -> date:
    """The carrier's own day."""
    return at.astimezone(LOCAL).date()


def share_of_now(budget: int, spent: int, at: datetime) -> int:
    """Calls for one run: what is left of the day's, in equal parts for the hours that are left of it."""
    midnight = datetime.combine(day_of(at) + timedelta(days=1), time(), LOCAL)
    return math.ceil(max(0, budget - spent) / math.ceil((midnight - at) / HOUR))


def for_the_patient(parcels: int) -> int:
    """How many of so many places belong to those who have waited longest."""
    return math.ceil(parcels / FOR_THE_PATIENT)


def by_urgency(kinds: Iterable[Kind], habits: Habits, now: datetime) -> list[Kind]:
    """The most urgent first."""
    return sorted(kinds, key=lambda kind: urgency(kind, habits, now), reverse=True)


def urgency(kind: Kind, habits: Habits, now: datetime) -> tuple[bool, float]:
    """Whether somebody waits at the door, and the lines to be expected since the last look."""
    if kind.status.is_final:
        return False, NO_NEWS
    habit = habits.get(kind.step) or untaught(kind.status)
    hours = max(kind.waited, 1)
    return kind.near or kind.status in AT_THE_DOOR, expected(
        habit, max(0, kind.silent - hours), hour_of_week(now - hours * HOUR), hours, near=kind.near
    )
