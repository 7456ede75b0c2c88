"""
When a parcel is looked at again.

A pure function of what is known about it. Young and moving parcels are asked about in every run, sleeping ones in
multiples of the shortest interval, those at an end once more after some days, since carriers correct themselves.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from rastro.models import RefusalReason, Status

DECLINED = 3  # times in a row that a carrier says "not ours" before it is believed
URGENT = frozenset({Status.OUT_FOR_DELIVERY, Status.DELIVERY_FAILED})

# How long the carrier has said nothing new → how many intervals pass between two looks.
SLEEP = (
    (timedelta(days=2), 1),
    (timedelta(days=7), 3),
    (timedelta(days=15), 6),
    (timedelta(days=30), 12),
    (timedelta.max, 24),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """
    ``every`` is the shortest interval, ``last_look_after`` the time from the look that showed a parcel's end to the
    one look that follows it, ``give_up_after`` the silence after which nobody is asked any more.
    """

    every: timedelta
    last_look_after: timedelta
    give_up_after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """
    What the last look at a parcel showed. ``quiet_since`` is the newest event, or when we first knew the parcel;
    ``was_final`` whether the look before had shown its end already; ``not_ours`` how often in a row the carrier said
    that the parcel is not its own, this time included.
    """

    at: datetime
    status: Status
    quiet_since: datetime
    was_final: bool = False
    estimated_at: datetime | None = None
    refusal: RefusalReason | None = None
    not_ours: int = 0


def next_poll_at(look: Look, pace: Pace) -> datetime | None:
    """The time of the next look, or None when there is none any more."""
    silence = look.at - look.quiet_since
    if look.status.is_final:
        return None if look.was_final else look.at + pace.last_look_after
    if look.not_ours >= DECLINED or is_given_up(look, pace):
        return None
    return start_of_interval(look.at, pace.every) + intervals(look, silence) * pace.every


def why(look: Look, pace: Pace) -> str:
    """The rule that gives :func:`next_poll_at` its time, in words that follow "because"."""
    silence = look.at - look.quiet_since
    if look.status.is_final:
        if look.was_final:
            return "it has come to its end, and was looked at once more since"
        return "it has come to its end, and is looked at once more: carriers correct themselves"
    if look.not_ours >= DECLINED:
        return f"the carrier said {look.not_ours} times in a row that the parcel is not its own"
    if is_given_up(look, pace):
        return f"nobody has said anything for more than {pace.give_up_after.days} days"
    if look.refusal is RefusalReason.MALFORMED:
        return "the carrier says that it will never know such a number"
    if look.status in URGENT:
        return f"it is {look.status.value.replace('_', ' ')}: looked at as often as possible"
    if is_near(look.estimated_at, look.at):
        return "it is expected about now: looked at as often as possible"
    if intervals(look, silence) == 1:
        return "it moves: looked at as often as possible"
    hours = intervals(look, silence) * pace.every / timedelta(hours=1)
    return f"nothing new for {silence.days} days: looked at every {hours:g} hours"


def is_given_up(look: Look, pace: Pace) -> bool:
    """Whether a pending parcel has been silent for so long that we stop asking."""
    return not look.status.is_final and look.at - look.quiet_since > pace.give_up_after


def intervals(look: Look, silence: timedelta) -> int:
    """How many intervals to wait, at least one."""
    if look.refusal is RefusalReason.MALFORMED:
        return 24
    if look.status in URGENT or is_near(look.estimated_at, look.at):
        return 1
    return next(wait for longest, wait in SLEEP if silence <= longest)


def is_near(estimated_at: datetime | None, at: datetime) -> bool:
    """Whether the parcel is expected today or tomorrow, or was expected yesterday."""
    return estimated_at is not None and abs(estimated_at - at) <= timedelta(days=1)


def start_of_interval(at: datetime, every: timedelta) -> datetime:
    """``at`` floored to the interval, so that a look some seconds late does not push the next one out of its run."""
    if not every:
        return at
    return at - timedelta(seconds=at.timestamp() % every.total_seconds())
