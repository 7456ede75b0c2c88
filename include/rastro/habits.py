"""
At what hours, and after how long a silence, a carrier has news of a parcel. Pure; learnt from its own history.

What is to be expected depends on the parcel's *step*: the carrier's own code of its newest line, empty before there is
one. A parcel that has left a hub is silent until it can have reached the next; one at the door has news within the day.
How long that takes depends on its *lane*, where it goes to: a step has a habit of its own in each lane that has told
enough. What counts is how many of those that wait in an hour have news then, and not how much news there is: most of it
may come when most wait.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from math import ceil, inf, log
from zoneinfo import ZoneInfo

from rastro.models import Status

LOCAL = ZoneInfo("America/Sao_Paulo")
HOUR = timedelta(hours=1)
WEEK = 168
SILENCE = (1, 2, 4, 8, 12, 18, 24, 36, 48, 72, 120, 168, 240, 360, 720)  # hours at which the next span begins
PARTS = 6  # of a day
LONGEST = timedelta(days=30)  # of one stay: a longer silence teaches no more
SPAN_AFTER = [bisect_right(SILENCE, silence) for silence in range(LONGEST // HOUR)]

ENOUGH = 500  # lines of a carrier's before it has habits
ENOUGH_IN_LANE = 20  # lines of a step in a lane before it has a habit of its own
STEADY_HOURS = 2.0  # lines in each hour of the week that a step's own must outweigh
STEADY_HOURS_IN_LANE = 10.0
STEADY_SPANS = 20.0  # hours of silence in each span, likewise
STEADY_BOTH = 5.0  # lines in each part of the day in each span
ROUNDS = 2  # in which what hours explain and what silences do are told apart

AT_THE_DOOR = frozenset({Status.OUT_FOR_DELIVERY, Status.DELIVERY_FAILED})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Habit:
    """
    ``by_silence``: lines an hour to be expected in each span of :data:`SILENCE`, at an average hour of the week;
    ``by_hour``: how many times as many in each hour of the local week, which begins on Monday; 1 on average.
    ``by_both``: how many times as many as those two say, in each of the :data:`PARTS` of the day after so long a
    silence. What is to go out in the morning does so on the first; what is silent on the second is elsewhere.
    """

    by_silence: tuple[float, ...]
    by_hour: tuple[float, ...]
    by_both: tuple[float, ...] = (1.0,) * PARTS * (len(SILENCE) + 1)

    def news(self, silence: float, slot: int) -> float:
        """Lines an hour after so many hours of silence, in that hour of the week."""
        span = bisect_right(SILENCE, silence)
        return self.by_silence[span] * self.by_hour[slot % WEEK] * self.by_both[both(span, slot)]


def both(span: int, slot: int) -> int:
    """The place of a part of the day in a span of silence."""
    return span * PARTS + slot % 24 * PARTS // 24


CELLS = range(WEEK * (len(SILENCE) + 1))
SPAN_OF = [cell // WEEK for cell in CELLS]
HOUR_OF = [cell % WEEK for cell in CELLS]
BOTH_OF = [both(span, hour) for span, hour in zip(SPAN_OF, HOUR_OF, strict=True)]

ALIKE = (1.0,) * WEEK
# Where nothing has been learnt: at worth 0.05, looks at 1, 3, 6, 12 and 24 hours after 0, 2, 7, 15 and 30 days.
SLEEPING = Habit(by_silence=(0.05,) * 9 + (0.017,) * 3 + (0.0085,) * 2 + (0.0043, 0.0021), by_hour=ALIKE)
AWAKE = Habit(by_silence=(0.05,) * (len(SILENCE) + 1), by_hour=ALIKE)


def untaught(status: Status) -> Habit:
    return AWAKE if status in AT_THE_DOOR else SLEEPING


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A parcel in one step, until its next line or, without ``news``, until now; ``lane`` is empty where unknown."""

    step: str
    lane: str = ""
    status: Status
    begun: datetime
    ended: datetime
    news: bool


Habits = Mapping[str, Habit]  # of one carrier, by step, and by :func:`along` a lane

BETWEEN = "\x1f"  # stands in no code


def lane_of(state_to: str, service: str) -> str:
    """What a parcel's way depends on; empty where nobody says where it goes."""
    return f"{state_to.upper()} {service}".strip() if state_to else ""


def along(step: str, lane: str) -> str:
    """The key of a step's habit in one lane."""
    return f"{step}{BETWEEN}{lane}" if lane else step


def step_and_lane(key: str) -> tuple[str, str]:
    step, _, lane = key.partition(BETWEEN)
    return step, lane


def habit_for(habits: Habits, step: str, lane: str) -> Habit | None:
    return habits.get(along(step, lane)) or habits.get(step)


def learn(stays: Iterable[Stay]) -> dict[str, Habit]:
    """
    What one carrier's parcels teach, by step and by step and lane; nothing where they are too few.

    Rare steps lean on the carrier's week as a whole and on what is expected of parcels that nobody knows, a step in a
    lane on the step as a whole.
    """
    by_step: dict[str, list[Stay]] = defaultdict(list)
    by_lane: dict[tuple[str, str], list[Stay]] = defaultdict(list)
    for stay in stays:
        if stay.ended > stay.begun:
            by_step[stay.step].append(stay)
            if stay.lane:
                by_lane[stay.step, stay.lane].append(stay)
    week = [1.0] * WEEK
    for stay in (one for several in by_step.values() for one in several if one.news):
        week[hour_of_week(stay.ended)] += 1
    if sum(week) - WEEK < ENOUGH:
        return {}
    shape = evened(week)
    learnt = {
        step: habit_of(several, Habit(by_silence=untaught(several[-1].status).by_silence, by_hour=shape), STEADY_HOURS)
        for step, several in by_step.items()
    }
    in_lanes = {
        along(step, lane): habit_of(several, learnt[step], STEADY_HOURS_IN_LANE)
        for (step, lane), several in by_lane.items()
        if sum(stay.news for stay in several) >= ENOUGH_IN_LANE
    }
    return learnt | in_lanes


def habit_of(stays: list[Stay], prior: Habit, steady_hours: float) -> Habit:
    """What these teach who knows no more than ``prior`` before."""
    lines, waits = lines_and_waits(stays)

    def learnt(before: Sequence[float], steady: float, place: Sequence[int], expected: Sequence[float]) -> list[float]:
        """Lines in each place, as a part of those that are expected of all who wait there."""
        told, awaited = [steady * one for one in before], [steady] * len(before)
        for cell, waiting in waits.items():
            told[place[cell]] += lines[cell]
            awaited[place[cell]] += waiting * expected[cell]
        return [a / b for a, b in zip(told, awaited, strict=True)]

    by_silence: Sequence[float] = prior.by_silence
    for _ in range(ROUNDS):
        by_hour = evened(learnt(prior.by_hour, steady_hours, HOUR_OF, [by_silence[span] for span in SPAN_OF]))
        by_silence = learnt(prior.by_silence, STEADY_SPANS, SPAN_OF, [by_hour[hour] for hour in HOUR_OF])
    product = [by_silence[span] * by_hour[hour] for span, hour in zip(SPAN_OF, HOUR_OF, strict=True)]
    by_both = learnt(prior.by_both, STEADY_BOTH, BOTH_OF, product)
    return Habit(by_silence=tuple(by_silence), by_hour=by_hour, by_both=tuple(by_both))


def lines_and_waits(stays: Iterable[Stay]) -> tuple[Counter[int], Counter[int]]:
    """
    In each cell, a span of silence in an hour of the week, how many lines came, and how many parcels waited for one.

    Hours are those of the clock, as the runs are; that within which a stay begins does not count.
    """
    lines: Counter[int] = Counter()
    waits: Counter[int] = Counter()
    for stay in stays:
        silence = int(stay.ended.timestamp() // 3600) - ceil(stay.begun.timestamp() / 3600)  # as its last hour begins
        first = hour_of_week(stay.ended) - silence
        cells = [span * WEEK + (first + passed) % WEEK for passed, span in enumerate(SPAN_AFTER[: silence + 1])]
        waits.update(cells)
        if stay.news and cells and silence < len(SPAN_AFTER):
            lines[cells[-1]] += 1
    return lines, waits


def usual_silence(habit: Habit, share: float) -> float:
    """Hours of silence, in an average week, after which that share has had news; at most :data:`LONGEST`."""
    awaited = -log(1 - share)
    for lines, (start, end) in zip(habit.by_silence, pairwise((0, *SILENCE, inf)), strict=True):
        if lines and lines * (end - start) >= awaited:
            return min(start + awaited / lines, LONGEST / HOUR)
        awaited -= lines * (end - start) if lines else 0
    return LONGEST / HOUR


@lru_cache  # budgets ask for the same hours again and again
def hour_of_week(at: datetime) -> int:
    local = at.astimezone(LOCAL)
    return local.weekday() * 24 + local.hour


def evened(week: Sequence[float]) -> tuple[float, ...]:
    """The same week, 1 on average."""
    mean = sum(week) / WEEK
    return tuple(one / mean for one in week)
