"""What the overview shows, made of the tally. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from rastro.claims import ClaimState
from rastro.models import Channel, NoticeState, Status
from rastro.next_look import LOCAL
from rastro.warehouse.tally import DAYS, Count

NOTHING_YET, ON_ITS_WAY, IN_TROUBLE, DELIVERED = "nothing known yet", "on its way", "in trouble", "delivered"
GROUPS = (NOTHING_YET, ON_ITS_WAY, IN_TROUBLE, DELIVERED)
GROUP_OF = {
    Status.UNKNOWN: NOTHING_YET,
    **dict.fromkeys(
        (Status.INFO_RECEIVED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.READY_FOR_PICKUP), ON_ITS_WAY
    ),
    Status.DELIVERED: DELIVERED,
}
COVERAGE = ("gap", "planned", "covered")  # the worst first


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a table of figures; ``figures`` in the order of its headings."""

    name: str
    figures: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.figures)


def parcels(counts: Iterable[Count]) -> list[Line]:
    """By carrier, the busiest first, the figures by :data:`GROUPS`; the name is empty where no carrier claims them."""
    found: dict[str, Counter[str]] = {}
    for one in counts:
        if one.subject == "shipment":
            found.setdefault(one.part, Counter())[GROUP_OF.get(Status(one.word), IN_TROUBLE)] += one.figure
    lines = [Line(name=name, figures=tuple(groups[group] for group in GROUPS)) for name, groups in found.items()]
    return sorted(lines, key=lambda line: (-line.total, line.name))


def statuses(counts: Iterable[Count]) -> dict[Status, int]:
    found: Counter[Status] = Counter()
    for one in counts:
        if one.subject == "shipment":
            found[Status(one.word)] += one.figure
    return {status: found[status] for status in Status if found[status]}


def notices(counts: Iterable[Count]) -> list[Line]:
    """By channel, the figures by the states that a notice can be in."""
    found = {(one.part, one.word): one.figure for one in counts if one.subject == "notice"}
    return [
        Line(name=channel, figures=tuple(found.get((channel, state), 0) for state in NoticeState))
        for channel in Channel
    ]


def problems(counts: Iterable[Count]) -> list[tuple[str, int]]:
    return sorted(((one.part, one.figure) for one in counts if one.subject == "problem"), key=lambda one: -one[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of a plot: its left edge, top and height in a picture 100 units high, and what it stands for."""

    left: float
    top: float
    height: float
    day: date
    figure: int


def deliveries(counts: Iterable[Count], today: date) -> list[Bar]:
    """The deliveries of each of the last days, local ones, all carriers together."""
    days: Counter[date] = Counter()
    for one in counts:
        if one.subject == "delivery" and one.since:
            days[one.since.astimezone(LOCAL).date()] += one.figure
    shown = [today - timedelta(days=ago) for ago in range(DAYS)][::-1]
    most = max((days[day] for day in shown), default=0) or 1
    return [
        Bar(left=at * 20.0, top=100 - 96 * days[day] / most, height=96 * days[day] / most, day=day, figure=days[day])
        for at, day in enumerate(shown)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One part of a bar that lies: where it begins and how long it is, of a hundred."""

    left: float
    width: float
    group: str
    figure: int


def stretches(line: Line, most: int) -> list[Stretch]:
    """The line's figures side by side, so long that the longest of all lines fills the picture."""
    made, left = [], 0.0
    for group, figure in zip(GROUPS, line.figures, strict=True):
        width = 100 * figure / most if most else 0.0
        if figure:
            made.append(Stretch(left=left, width=width, group=group, figure=figure))
        left += width
    return made


@dataclass(slots=True, kw_only=True)
class Money:
    """Claims and their money; ``unknown`` are those of which nobody told the money that counts in their state."""

    claims: int = 0
    at_stake: Decimal = Decimal(0)
    unknown: int = 0
    asked: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)


def money(sums: Iterable[Any]) -> dict[ClaimState, Money]:
    """
    By state, all carriers together.

    :param sums: rows of ``claims_summed``.
    """
    found = {state: Money() for state in ClaimState}
    for row in sums:
        one = found[ClaimState(row.state)]
        one.claims += row.claims
        one.unknown += row.unknown
        one.at_stake += row.at_stake or 0
        one.asked += row.asked or 0
        one.paid += row.paid or 0
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """One hour of the grid; ``word`` is ``none`` where no parcel was on its way."""

    start: datetime
    pending: int
    covered: int
    planned: int
    gap: int

    @property
    def word(self) -> str:
        return next((word for word in COVERAGE if getattr(self, word)), "none")


def coverage(counts: Sequence[Count], carrier: str = "") -> list[tuple[date, list[Hour | None]]]:
    """The newest day first, each with its 24 local hours; None for those that the figures are not about."""
    found: dict[datetime, Counter[str]] = {}
    for one in counts:
        if one.subject == "coverage" and one.since and carrier in {"", one.part}:
            found.setdefault(one.since.astimezone(LOCAL), Counter())[one.word] += one.figure
    days: dict[date, list[Hour | None]] = {}
    for start, figures in sorted(found.items(), reverse=True):
        hours = days.setdefault(start.date(), [None] * 24)
        hours[start.hour] = Hour(
            start=start, pending=figures["pending"], covered=figures["covered"], planned=figures["planned"],
            gap=figures["gap"],
        )  # fmt: skip
    return list(days.items())


def first_and_last_gap(days: Iterable[tuple[date, list[Hour | None]]]) -> tuple[datetime, datetime] | None:
    """The hours that a backfill of all gaps begins and ends with."""
    gaps = sorted(hour.start for _, hours in days for hour in hours if hour and hour.gap)
    return (gaps[0], gaps[-1]) if gaps else None
