"""
What changed between a span of days and the one before it, of the same length. Pure.

A share is told with its interval, and a change is told only where chance alone seldom makes one as large: Wilson's
interval for a share, Newcombe's for the difference of two (R. G. Newcombe, Statistics in Medicine 17, 1998, method 10).
Carriers are few, and 95 % is asked of them; of hundreds of lanes some would stand out every week by chance, and
99.7 % is asked.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import accumulate
from math import ceil, floor, sqrt

CARRIERS_Z, LANES_Z = 1.96, 3.0
ENOUGH = 20  # parcels of a lane, or promises of a carrier, before anything is said of them
MOST = 3  # sentences of one kind
MOST_LANES = 5  # where the best carrier is named
NOTICEABLY_FASTER = 1.0  # working days, between medians


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Days of America/Sao_Paulo, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Span":
        return Span(first=self.first - timedelta(days=self.days), last=self.first - timedelta(days=1))


def week_before(day: date) -> Span:
    """The last whole week, from a Monday to a Sunday, that was over when the day began."""
    monday = day - timedelta(days=day.weekday())
    return Span(first=monday - timedelta(days=7), last=monday - timedelta(days=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """``kept`` of ``known`` promises that fell due."""

    kept: int = 0
    known: int = 0

    @property
    def value(self) -> float:
        return self.kept / self.known if self.known else 0.0

    def low(self, z: float = CARRIERS_Z) -> float:
        return self._interval(z)[0]

    def high(self, z: float = CARRIERS_Z) -> float:
        return self._interval(z)[1]

    def _interval(self, z: float) -> tuple[float, float]:
        """Wilson's."""
        if not self.known:
            return 0.0, 1.0
        middle = self.kept + z * z / 2
        half = z * sqrt(self.kept * (self.known - self.kept) / self.known + z * z / 4)
        whole = self.known + z * z
        return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)

    def __add__(self, other: "Share") -> "Share":
        return Share(kept=self.kept + other.kept, known=self.known + other.known)


def change(now: Share, before: Share, z: float) -> float:
    """The difference of the shares where it is more than chance, else 0."""
    if not now.known or not before.known:
        return 0.0
    difference = now.value - before.value
    low = difference - sqrt((now.value - now.low(z)) ** 2 + (before.high(z) - before.value) ** 2)
    high = difference + sqrt((now.high(z) - now.value) ** 2 + (before.value - before.low(z)) ** 2)
    return 0.0 if low <= 0 <= high else difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Working days from posting to delivery of those delivered in the span: how many, and percentiles."""

    parcels: int = 0
    p10: float = 0.0
    p50: float = 0.0
    p90: float = 0.0


def days_of(parcels: Mapping[int, int]) -> Days:
    """
    Percentiles as PostgreSQL's ``percentile_cont`` has them: between two parcels in proportion.

    :param parcels: how many took so many days.
    """
    days = sorted(parcels)
    up_to = list(accumulate(parcels[one] for one in days))
    if not up_to:
        return Days()

    def percentile(share: float) -> float:
        place = share * (up_to[-1] - 1)
        low, high = (days[bisect_right(up_to, rank)] for rank in (floor(place), ceil(place)))
        return low + (high - low) * (place - floor(place))

    return Days(parcels=up_to[-1], p10=percentile(0.1), p50=percentile(0.5), p90=percentile(0.9))


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierFigures:
    """One carrier in one span; ``pending`` and ``silent`` at its end."""

    carrier: str
    posted: int = 0
    delivered: int = 0
    promise: Share = field(default_factory=Share)
    lost: int = 0
    returned: int = 0
    failed_attempts: int = 0
    pending: int = 0
    silent: int = 0
    days: Days = field(default_factory=Days)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Lane:
    state_from: str
    state_to: str

    def __str__(self) -> str:
        return f"{self.state_from} → {self.state_to}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneFigures:
    """One carrier on one lane in one span."""

    carrier: str
    lane: Lane
    promise: Share
    days: Days


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All of one span. ``lanes`` are those that name both states."""

    carriers: Sequence[CarrierFigures]
    lanes: Sequence[LaneFigures]

    @property
    def promise(self) -> Share:
        return sum((one.promise for one in self.carriers), Share())

    def total(self, name: str) -> int:
        return sum(getattr(one, name) for one in self.carriers)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayShare:
    """The promises to one carrier that fell due on a day."""

    carrier: str
    day: date
    promise: Share


class Kind(StrEnum):
    """What a sentence tells; the value names its words."""

    WHOLE = "whole"
    WHOLE_UNPROMISED = "whole_unpromised"
    WHOLE_CHANGED = "whole_changed"
    CARRIER_CHANGED = "carrier_changed"
    WORST_LANE = "worst_lane"
    LANE_CHANGED = "lane_changed"
    BEST_BY_PROMISE = "best_by_promise"
    BEST_BY_DAYS = "best_by_days"
    SLEEPERS = "sleepers"
    SLEEPERS_OF = "sleepers_of"
    ENDED_BADLY = "ended_badly"
    NOTHING_CHANGED = "nothing_changed"


Value = str | int | float | Share
CHANGES = frozenset({Kind.WHOLE_CHANGED, Kind.CARRIER_CHANGED, Kind.LANE_CHANGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    kind: Kind
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """``carrier`` is empty where it tells of all; ``series`` goes back further than the span before."""

    span: Span
    carrier: str
    now: Figures
    before: Figures
    series: Sequence[DayShare]

    @property
    def is_empty(self) -> bool:
        return not self.now.carriers


@dataclass(frozen=True, kw_only=True)  # without slots: it keeps what it has drawn
class Plot:
    """``name`` is fit for an address; ``says`` is what somebody hears who does not see it."""

    name: str
    says: str
    draw: Callable[[], bytes]

    @cached_property
    def png(self) -> bytes:
        """Drawn when it is first looked at."""
        return self.draw()


Named = Callable[[str], str]  # a carrier's code → its name


def findings(letter: Letter) -> list[Finding]:
    """What is worth a sentence, in the order in which it is told."""
    found = [
        *of_the_whole(letter),
        *carriers_that_changed(letter),
        *lanes_that_changed(letter),
        *worst_lanes(letter.now),
        *best_carriers(letter.now),
        *sleepers(letter),
        *bad_ends(letter.now),
    ]
    if letter.now.promise.known and letter.before.promise.known and not CHANGES & {one.kind for one in found}:
        found.insert(1, Finding(kind=Kind.NOTHING_CHANGED, values={}))
    return found


def of_the_whole(letter: Letter) -> Iterator[Finding]:
    now, before = letter.now, letter.before
    moved = {"posted": now.total("posted"), "delivered": now.total("delivered")}
    if not now.promise.known:
        yield Finding(kind=Kind.WHOLE_UNPROMISED, values=moved)
        return
    yield Finding(kind=Kind.WHOLE, values={**moved, "promise": now.promise})
    enough = min(now.promise.known, before.promise.known) >= ENOUGH
    if enough and (difference := change(now.promise, before.promise, CARRIERS_Z)):
        yield Finding(kind=Kind.WHOLE_CHANGED, values={"difference": difference, "before": before.promise})


def carriers_that_changed(letter: Letter) -> list[Finding]:
    """The largest changes first; where one carrier is all there is, the whole has told it."""
    earlier = {one.carrier: one.promise for one in letter.before.carriers}
    changed = [
        (difference, one)
        for one in letter.now.carriers
        if len(letter.now.carriers) > 1
        and min(one.promise.known, earlier.get(one.carrier, Share()).known) >= ENOUGH
        and (difference := change(one.promise, earlier[one.carrier], CARRIERS_Z))
    ]
    return [
        Finding(
            kind=Kind.CARRIER_CHANGED,
            values={
                "carrier": one.carrier,
                "difference": difference,
                "promise": one.promise,
                "before": earlier[one.carrier],
            },
        )
        for difference, one in sorted(changed, key=lambda pair: (-abs(pair[0]), pair[1].carrier))[:MOST]
    ]


def lanes_that_changed(letter: Letter) -> list[Finding]:
    earlier = {(one.carrier, one.lane): one.promise for one in letter.before.lanes}
    changed = [
        (difference, one)
        for one in letter.now.lanes
        if min(one.promise.known, earlier.get((one.carrier, one.lane), Share()).known) >= ENOUGH
        and (difference := change(one.promise, earlier[one.carrier, one.lane], LANES_Z))
    ]
    return [
        Finding(
            kind=Kind.LANE_CHANGED,
            values={
                "carrier": one.carrier,
                "lane": str(one.lane),
                "difference": difference,
                "promise": one.promise,
                "before": earlier[one.carrier, one.lane],
            },
        )
        for difference, one in sorted(changed, key=lambda pair: (-abs(pair[0]), pair[1].carrier, pair[1].lane))[:MOST]
    ]


def worst_lanes(now: Figures) -> list[Finding]:
    """Where surely fewer promises are kept than on the whole, the surest first."""
    return [
        Finding(
            kind=Kind.WORST_LANE,
            values={"carrier": one.carrier, "lane": str(one.lane), "promise": one.promise, "late": late_of(one)},
        )
        for one in lanes_below(now)[:MOST]
    ]


def lanes_below(now: Figures) -> list[LaneFigures]:
    whole = now.promise.value
    known = [one for one in now.lanes if one.promise.known >= ENOUGH and one.promise.high(LANES_Z) < whole]
    return sorted(known, key=lambda one: (one.promise.high(LANES_Z), one.carrier, one.lane))


def late_of(one: LaneFigures) -> int:
    return one.promise.known - one.promise.kept


def best_carriers(now: Figures) -> list[Finding]:
    """
    On lanes of several carriers, the busiest first: who surely keeps more promises than each other one; where none
    does, who of those that surely keep no fewer than the best is faster by a working day or more.
    """
    on_lane: dict[Lane, list[LaneFigures]] = defaultdict(list)
    for one in now.lanes:
        if one.promise.known >= ENOUGH and one.days.parcels >= ENOUGH:
            on_lane[one.lane].append(one)
    shared = sorted(
        (several for several in on_lane.values() if len(several) > 1),
        key=lambda several: (-sum(one.promise.known for one in several), several[0].lane),
    )
    return [found for several in shared if (found := best_of(several))][:MOST_LANES]


def best_of(several: Sequence[LaneFigures]) -> Finding | None:
    first, *others = sorted(several, key=lambda one: (-one.promise.value, one.carrier))
    if all(change(first.promise, one.promise, LANES_Z) for one in others):
        return Finding(
            kind=Kind.BEST_BY_PROMISE,
            values={
                "carrier": first.carrier,
                "lane": str(first.lane),
                "promise": first.promise,
                "next": others[0].promise,
                "other": others[0].carrier,
            },
        )
    alike = [first, *(one for one in others if not change(first.promise, one.promise, LANES_Z))]
    first, *others = sorted(alike, key=lambda one: (one.days.p50, one.carrier))
    if others[0].days.p50 - first.days.p50 >= NOTICEABLY_FASTER:
        return Finding(
            kind=Kind.BEST_BY_DAYS,
            values={
                "carrier": first.carrier,
                "lane": str(first.lane),
                "days": first.days.p50,
                "next_days": others[0].days.p50,
                "other": others[0].carrier,
            },
        )
    return None


def sleepers(letter: Letter) -> Iterator[Finding]:
    silent = letter.now.total("silent")
    yield Finding(
        kind=Kind.SLEEPERS,
        values={"silent": silent, "pending": letter.now.total("pending"), "before": letter.before.total("silent")},
    )
    if silent and len(letter.now.carriers) > 1:
        most = max(letter.now.carriers, key=lambda one: (one.silent, one.carrier))
        yield Finding(
            kind=Kind.SLEEPERS_OF,
            values={"carrier": most.carrier, "silent": most.silent, "pending": most.pending},
        )


def bad_ends(now: Figures) -> Iterator[Finding]:
    lost, returned = now.total("lost"), now.total("returned")
    if lost or returned:
        yield Finding(kind=Kind.ENDED_BADLY, values={"lost": lost, "returned": returned})


def running(series: Iterable[DayShare], carrier: str, span: Span, over: int = 7) -> list[tuple[date, float]]:
    """The share of a carrier's promises over the last days up to each day of the span; days that have enough."""
    by_day: dict[date, Share] = defaultdict(Share)
    for one in series:
        if one.carrier == carrier:
            by_day[one.day] += one.promise
    told = []
    for day in (span.first + timedelta(days=place) for place in range(span.days)):
        share = sum((by_day[day - timedelta(days=back)] for back in range(over)), Share())
        if share.known >= ENOUGH:
            told.append((day, share.value))
    return told
