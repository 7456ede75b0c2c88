"""
At what hours, and after how long a silence, a carrier has news of a parcel. Pure; learnt from its own history.

What is to be expected depends on the parcel's *step*: the carrier's own code of its newest line, empty before there is
one. A parcel that has left a hub is silent until it can have reached the next; one at the door has news within the day.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rastro.models import Status

LOCAL = ZoneInfo("America/Sao_Paulo")
HOUR = timedelta(hours=1)
WEEK = 168
SILENCE = (1, 2, 4, 8, 12, 18, 24, 36, 48, 72, 120, 168, 240, 360, 720)  # hours at which the next span begins
LONGEST = timedelta(days=30)  # of one stay: a longer silence teaches no more

ENOUGH = 500  # lines of a carrier's before it has habits
STEADY_HOURS = 5.0  # lines in each hour of the week that a step's own must outweigh
STEADY_SPANS = 20.0  # hours of silence in each span, likewise

AT_THE_DOOR = frozenset({Status.OUT_FOR_DELIVERY, Status.DELIVERY_FAILED})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Habit:
    """
    ``by_silence``: lines an hour to be expected in each span of :data:`SILENCE`, at an average hour of the week;
    ``by_hour``: how many times as many in each hour of the local week, which begins on Monday; 1 on average.
    """

    by_silence: tuple[float, ...]
    by_hour: tuple[float, ...]

    def news(self, silence: float, slot: int) -> float:
        """Lines an hour after so many hours of silence, in that hour of the week."""
        return self.by_silence[bisect_right(SILENCE, silence)] * self.by_hour[slot % WEEK]


ALIKE = (1.0,) * WEEK
# Where nothing has been learnt: at worth 0.05, looks at 1, 3, 6, 12 and 24 hours after 0, 2, 7, 15 and 30 days.
SLEEPING = Habit(by_silence=(0.05,) * 9 + (0.017,) * 3 + (0.0085,) * 2 + (0.0043, 0.0021), by_hour=ALIKE)
AWAKE = Habit(by_silence=(0.05,) * (len(SILENCE) + 1), by_hour=ALIKE)


def untaught(status: Status) -> Habit:
    return AWAKE if status in AT_THE_DOOR else SLEEPING


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A parcel in one step, until its next line or, without ``news``, until now."""

    step: str
    status: Status
    begun: datetime
    ended: datetime
    news: bool


Habits = Mapping[str, Habit]  # by step, of one carrier


def learn(stays: Iterable[Stay]) -> dict[str, Habit]:
    """
    What one carrier's parcels teach, by step; nothing where they are too few.

    Rare steps lean on the carrier's week as a whole and on what is expected of parcels that nobody knows.
    """
    by_step: dict[str, list[Stay]] = defaultdict(list)
    for stay in stays:
        if stay.ended > stay.begun:
            by_step[stay.step].append(stay)
    week = [1.0] * WEEK
    for stay in (one for several in by_step.values() for one in several if one.news):
        week[hour_of_week(stay.ended)] += 1
    if sum(week) - WEEK < ENOUGH:
        return {}
    shape = evened(week)
    return {step: habit_of(several, shape) for step, several in by_step.items()}


def habit_of(stays: list[Stay], shape: tuple[float, ...]) -> Habit:
    week = [STEADY_HOURS * one for one in shape]
    for stay in stays:
        week[hour_of_week(stay.ended)] += stay.news
    by_hour = evened(week)
    prior = untaught(stays[-1].status).by_silence
    lines = [STEADY_SPANS * one for one in prior]
    hours = [STEADY_SPANS] * len(prior)
    for stay in stays:
        silence = min(stay.ended - stay.begun, LONGEST) / HOUR
        begun = hour_of_week(stay.begun)
        for hour in range(int(silence) + 1):
            hours[bisect_right(SILENCE, hour)] += min(1.0, silence - hour) * by_hour[(begun + hour) % WEEK]
        lines[bisect_right(SILENCE, silence)] += stay.news
    return Habit(by_silence=tuple(a / b for a, b in zip(lines, hours, strict=True)), by_hour=by_hour)


def hour_of_week(at: datetime) -> int:
    local = at.astimezone(LOCAL)
    return local.weekday() * 24 + local.hour


def evened(week: list[float]) -> tuple[float, ...]:
    """The same week, 1 on average."""
    mean = sum(week) / WEEK
    return tuple(one / mean for one in week)
