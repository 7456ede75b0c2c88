"""
When a parcel is looked at again.

A pure function of what is known about it: as soon as enough news of it is to be expected, by the habits of its carrier
(:mod:`rastro.habits`). So moving parcels are asked about in every run at the hours at which their carrier has news,
and sleeping ones seldom. Those at an end are looked at once more after some days, since carriers correct themselves.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from msgspec import Struct

from rastro.habits import AT_THE_DOOR, AWAKE, HOUR, Habit, hour_of_week, untaught
from rastro.models import RefusalReason, Status

DECLINED = 3  # times in a row that a carrier says "not ours" before it is believed
LONGEST = 24  # intervals between two looks, whatever is expected
WORTH = 0.05  # lines to be expected before a look, when the interval is an hour
JITTER = 0.5  # of that, by which parcels differ, so that those that are alike do not fall due together
ALIKE = 9  # one in so many parcels differs by as much as another
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """
    ``every`` is the shortest interval, ``last_look_after`` the time from the look that showed a parcel's end to the
    one look that follows it, ``give_up_after`` the silence after which nobody is asked any more. ``worth``: how many
    lines are to be expected before a look, for an interval of an hour; more or less by ``jitter``, a part of it.
    """

    every: timedelta
    last_look_after: timedelta
    give_up_after: timedelta
    worth: float = WORTH
    jitter: float = JITTER


class Look(Struct, frozen=True, kw_only=True):
    """
    What the last look at a parcel showed. ``quiet_since`` is the newest event, or when we first knew the parcel;
    ``was_final`` whether the look before had shown its end already; ``not_ours`` how often in a row the carrier said
    that the parcel is not its own, this time included. It is expected when its carrier says, ``estimated_at``, and
    when the shop did when it was bought, ``promised_at``.
    """

    at: datetime
    status: Status
    quiet_since: datetime
    was_final: bool = False
    estimated_at: datetime | None = None
    promised_at: datetime | None = None
    poll_id: int = 0
    refusal: RefusalReason | None = None
    not_ours: int = 0


def next_poll_at(look: Look, pace: Pace, habit: Habit | None = None) -> datetime | None:
    """The time of the next look, or None when there is none any more."""
    if look.status.is_final:
        return None if look.was_final else look.at + pace.last_look_after
    silence = look.at - look.quiet_since
    if look.not_ours >= DECLINED or silence > pace.give_up_after:
        return None
    interval = interval_of(look.at, pace.every)
    if look.refusal is RefusalReason.MALFORMED:
        return interval.later[LONGEST]
    if not pace.every:
        return interval.later[1]
    wait = until_news(
        habit or untaught(look.status), silence.days * 24 + silence.seconds // 3600, interval.slot, interval.hours,
        is_expected(look), pace.worth, pace.jitter, look.poll_id % ALIKE,
    )  # fmt: skip
    return interval.later[wait]


def why(look: Look, pace: Pace, planned: datetime | None) -> str:
    """The rule that gave :func:`next_poll_at` the ``planned`` time, in words that follow "because"."""
    if look.status.is_final:
        if look.was_final:
            return "it has come to its end, and was looked at once more since"
        return "it has come to its end, and is looked at once more: carriers correct themselves"
    if look.not_ours >= DECLINED:
        return f"the carrier said {look.not_ours} times in a row that the parcel is not its own"
    if look.at - look.quiet_since > pace.give_up_after:
        return f"nobody has said anything for more than {pace.give_up_after.days} days"
    if look.refusal is RefusalReason.MALFORMED:
        return "the carrier says that it will never know such a number"
    if planned is None or planned - look.at <= pace.every:
        if look.status in AT_THE_DOOR:
            return f"it is {look.status.value.replace('_', ' ')}: looked at as often as possible"
        if is_expected(look):
            return "it is expected about now: looked at as often as possible"
        return "it moves: looked at as often as possible"
    hours = (planned - interval_of(look.at, pace.every).later[0]) / HOUR
    if look.at - look.quiet_since > 2 * DAY:
        return f"nothing new for {(look.at - look.quiet_since).days} days: looked at after {hours:g} hours"
    return f"its carrier hardly ever has news of such a parcel before: looked at after {hours:g} hours"


@lru_cache(maxsize=200_000)
def until_news(
    habit: Habit,
    silence: int,
    slot: int,
    every: float,
    near: bool,  # noqa: FBT001 -- the key of a cache
    worth: float,
    jitter: float,
    number: int,
) -> int:
    """Intervals until so many lines are to be expected; where that is not the next one, more or fewer by its number."""
    shortest = until_worth(habit, silence, slot, every, worth, near=near)
    if shortest == 1:
        return 1
    return until_worth(habit, silence, slot, every, worth * (1 + jitter * leaning(number)), near=near)


def leaning(number: int) -> float:
    """From -1 to 1, always the same for a parcel and another for the next one; 0 where it is not known which it is."""
    return (number * 5 + 4) % ALIKE / 4 - 1


def until_worth(habit: Habit, silence: int, slot: int, every: float, worth: float, *, near: bool) -> int:
    """Intervals of so many hours until so many lines are to be expected; who is ``near`` sleeps at night only."""
    lines = 0.0
    for passed in range(LONGEST):
        hours = int(passed * every)
        news = habit.news(silence + hours, slot + hours)
        if near:
            news = max(news, AWAKE.by_silence[0] * habit.by_hour[(slot + hours) % len(habit.by_hour)])
        lines += news
        if lines >= worth - 1e-9:
            return passed + 1
    return LONGEST


def is_expected(look: Look) -> bool:
    """Whether the parcel is expected today or tomorrow, or was expected yesterday."""
    at, told, promised = look.at, look.estimated_at, look.promised_at
    return (told is not None and abs(told - at) <= DAY) or (promised is not None and abs(promised - at) <= DAY)


class Interval(Struct, frozen=True):
    """``later``: its start, and those of the :data:`LONGEST` that follow; ``slot`` is its hour of the week."""

    later: tuple[datetime, ...]
    hours: float
    slot: int


@lru_cache  # what calls at once brought was all looked at at the same time
def interval_of(at: datetime, every: timedelta) -> Interval:
    """``at`` floored to the interval, so that a look some seconds late does not push the next one out of its run."""
    start = at - timedelta(seconds=at.timestamp() % every.total_seconds()) if every else at
    later = tuple(start + count * every for count in range(LONGEST + 1))
    return Interval(later=later, hours=every / HOUR, slot=hour_of_week(at))
