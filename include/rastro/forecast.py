"""
When a parcel on its way will come, and how likely its promise is missed. Pure; learnt from what parcels before it did.

A parcel's way has four legs, each from one mark to the next: *handling* (ordered → posted), *way* (posted → out for
delivery), *door* (out → first attempt), *wait* (first attempt → delivered). A leg takes whole working days of the
carrier and of the state it goes to, often none. Where a carrier never says that a parcel is out, its first attempt
stands for that, and a delivery without an attempt before it is the first attempt.

**One curve.** For each leg and day ``d`` of it: of the parcels that stood in the leg on that day (``at_risk``), the
share whose leg ended on that very day (``came``)::

    raw(d) = came(d) / at_risk(d)

A parcel still in the leg counts as at risk on each day up to today: it is a survivor, as with Kaplan and Meier, so that
a lane that has stopped delivering is seen at once, and not when its parcels come at last. One that was lost or sent
back never comes: it stays at risk. Only the last :data:`RECENT` working days count, whenever a parcel was posted.

**Thin lanes lean on wider ones.** The curve of a lane is drawn towards that of the wider lane it belongs to, as though
:data:`STEADY` parcels of the wider one had gone through it (lane with city → pair of states → state → carrier and
service → carrier → everything)::

    share(d) = (came(d) + STEADY * share_of_wider(d)) / (at_risk(d) + STEADY)

The widest takes, from the day on which fewer than :data:`TAIL` days of parcels are left, their common share.

**One parcel.** It has stood in its leg for ``t`` working days. The chance that the leg ends ``r`` days from now, given
that it has not yet, is ``share(t+r) * (1 - share(t+1)) * ... * (1 - share(t+r-1))``. The legs behind it are taken as
independent of it, and their days are added up: up to the first attempt for the promise, up to the delivery for the
median and the 90th percentile. A few parcels never come: they count as missed promises, while the two days are those
of the parcels that come, and are not told at all where fewer than :data:`SELDOM` of such parcels still do. What is
known is what was known at the end of a day, so nothing comes before the next working day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MARKS = ("ordered_on", "posted_on", "out_on", "attempted_on", "delivered_on")
LEGS = ("handling", "way", "door", "wait")  # each begins at the mark of its place and ends at the next
TO_THE_DOOR = 3  # legs up to the first attempt, by which a promise is kept or missed
LEVELS: Mapping[str, tuple[str, ...]] = {
    "everything": (),
    "carrier": ("carrier",),
    "service": ("carrier", "service"),
    "state": ("carrier", "service", "state_to"),
    "states": ("carrier", "service", "state_to", "state_from"),
    "city": ("carrier", "service", "state_to", "state_from", "city_to"),
}
LANE = LEVELS["city"]

RECENT = 40  # working days, two months: fewer leave most lanes thin, more are late to see that a lane has changed
STEADY = 20.0  # parcels at which a lane outweighs what the wider one says
TAIL = 30  # days of parcels below which a single late one would decide
HORIZON = 40  # working days of a leg that are told apart; a parcel silent for two months is given up
SELDOM = 0.1  # share of a parcel's like that still comes, below which no day is told
BLOCK = 20_000  # parcels worked out at a time, some 100 MB

Days = NDArray[np.datetime64]
Numbers = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calendars:
    """
    Working days counted: in the row of a carrier and state, those up to and including ``first``, the next day, ….

    An empty carrier or state is everybody's; where a pair has no row of its own, its state's holds, then its carrier's.
    """

    first: date
    rows: Mapping[tuple[str, str], int]
    counts: NDArray[np.int64]

    def rows_of(self, parcels: pd.DataFrame) -> Places:
        """The row of each parcel, by who carries it and where it goes."""
        codes, pairs = grouped(parcels, ("carrier", "state_to"))
        rows = [
            next(self.rows[key] for key in ((carrier, state), ("", state), (carrier, ""), ("", "")) if key in self.rows)
            for carrier, state in pairs.itertuples(index=False)
        ]
        return np.array(rows, dtype=np.int64)[codes] if rows else codes

    def count(self, rows: Places, days: Days) -> Numbers:
        """Working days up to each day, NaN where there is none or the calendar does not reach."""
        places = (days - np.datetime64(self.first, "D")).astype(np.int64)
        known = ~np.isnat(days) & (places >= 0) & (places < self.counts.shape[1])
        return np.where(known, self.counts[rows, np.where(known, places, 0)], np.nan)

    def day(self, rows: Places, counts: Numbers) -> Days:
        """The day on which so many working days are full; NaT for NaN and beyond the calendar's end."""
        days = np.full(len(rows), np.datetime64("NaT"), dtype="datetime64[D]")
        for row in np.unique(rows):
            mine = (rows == row) & ~np.isnan(counts)
            places = np.searchsorted(self.counts[row], counts[mine])
            beyond = places >= self.counts.shape[1]
            days[mine] = np.where(beyond, np.datetime64("NaT"), np.datetime64(self.first, "D") + places)
        return days


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counts:
    """
    What parcels did, by lane (a row of ``lanes`` each) and leg.

    ``at_risk`` and ``came`` also by the day of the leg, 0 to :data:`HORIZON`; ``seen`` are the parcels themselves.
    """

    lanes: pd.DataFrame
    at_risk: NDArray[np.int64]
    came: NDArray[np.int64]
    seen: NDArray[np.int64]

    def by(self, columns: Sequence[str]) -> "Counts":
        """The same, added up over all that these columns do not tell apart."""
        codes, lanes = grouped(self.lanes, columns)

        def added(parts: NDArray[np.int64]) -> NDArray[np.int64]:
            total = np.zeros((len(lanes), *parts.shape[1:]), dtype=np.int64)
            np.add.at(total, codes, parts)
            return total

        return Counts(lanes=lanes, at_risk=added(self.at_risk), came=added(self.came), seen=added(self.seen))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curves:
    """What has been learnt. ``share`` and ``seen`` hold the lanes of all levels below each other, the widest first."""

    share: Numbers
    seen: NDArray[np.int64]
    places: Mapping[str, pd.Series]  # level → place in those of each of its lanes

    def place(self, level: str, parcels: pd.DataFrame) -> Places:
        """Where each parcel's lane stands on that level, -1 where it was never seen."""
        return placed(self.places[level], parcels, LEVELS[level])


def grouped(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[Places, pd.DataFrame]:
    """A number for each row, the same for rows that are the same in these columns, and what each number stands for."""
    if not columns:
        return np.zeros(len(frame), dtype=np.int64), pd.DataFrame(index=range(min(len(frame), 1)))
    codes = frame.groupby(list(columns), sort=False, observed=True).ngroup().to_numpy(np.int64)
    return codes, frame[list(columns)].drop_duplicates().reset_index(drop=True)


def placed(places: pd.Series, frame: pd.DataFrame, columns: Sequence[str]) -> Places:
    if not columns:
        return np.full(len(frame), 0 if len(places) else -1, dtype=np.int64)
    codes, lanes = grouped(frame, columns)
    known: Places = places.reindex(pd.MultiIndex.from_frame(lanes), fill_value=-1).to_numpy(np.int64)
    return known[codes]


def marks(parcels: pd.DataFrame) -> Days:
    """
    The day of each mark, a column each.

    What came later stands for an attempt or an "out" that nobody told. Nothing stands for a posting: where nobody told
    of it, the parcel's first leg is the door.
    """
    days: Days = parcels[list(MARKS)].to_numpy("datetime64[D]")
    for mark in (3, 2):
        days[:, mark] = np.fmin(days[:, mark], days[:, mark + 1])
    days[:, 0][np.isnat(days[:, 1]) & ~np.isnat(days[:, 2])] = np.datetime64("NaT")
    return days


def known_on(parcels: pd.DataFrame, day: date) -> pd.DataFrame:
    """
    What was known of parcels at the end of a day, without those that nobody knew or that were cancelled by then.

    :param parcels: carrier, service, state_from, state_to, city_to; the days of :data:`MARKS`; ``ended_on``, when it
        was lost or turned back, with ``cancelled``; ``promised_on``.
    """
    told = parcels.copy(deep=False)
    for column in (*MARKS, "ended_on"):
        told[column] = told[column].where(told[column] <= np.datetime64(day))
    told["state_from"] = told["state_from"].where(told["posted_on"].notna(), "")
    begun = told[list(MARKS)].notna().any(axis=1)
    return told[begun & ~(told["cancelled"] & told["ended_on"].notna())]


def pending(known: pd.DataFrame) -> pd.DataFrame:
    return known[known["delivered_on"].isna() & known["ended_on"].isna()]


def count(known: pd.DataFrame, calendars: Calendars, today: date) -> Counts:
    """What these parcels did on the last :data:`RECENT` working days; they are as :func:`known_on` gives them."""
    # Where a parcel is posted is known only once it is, so that no handling is told apart by it.
    codes, lanes = grouped(pd.concat([known.assign(state_from="")[list(LANE)], known[list(LANE)]]), LANE)
    unposted, posted = np.split(codes, 2)
    rows = calendars.rows_of(known)
    reached = calendars.count(rows[:, None], marks(known))
    now = calendars.count(rows, np.full(len(known), today, dtype="datetime64[D]"))
    size = HORIZON + 1
    change = np.zeros((len(lanes), len(LEGS), size + 1), dtype=np.int64)
    came = np.zeros((len(lanes), len(LEGS), size), dtype=np.int64)
    seen = np.zeros((len(lanes), len(LEGS)), dtype=np.int64)
    for leg in range(len(LEGS)):
        begun, ended = reached[:, leg], reached[:, leg + 1]
        first = np.maximum(now - RECENT + 1 - begun, 0)
        last = np.maximum(np.where(np.isnan(ended), now, ended) - begun, 0)
        counts = ~np.isnan(begun) & (first <= np.minimum(last, HORIZON))
        where = (posted if leg else unposted)[counts]
        since, until = first[counts].astype(np.int64), last[counts].astype(np.int64)
        np.add.at(change[:, leg], (where, since), 1)
        np.add.at(change[:, leg], (where, np.minimum(until, HORIZON) + 1), -1)
        arrived = ~np.isnan(ended[counts]) & (until <= HORIZON)
        np.add.at(came[:, leg], (where[arrived], until[arrived]), 1)
        np.add.at(seen[:, leg], where, 1)
    return Counts(lanes=lanes, at_risk=change.cumsum(axis=2)[:, :, :size], came=came, seen=seen)


def together(one: Counts, other: Counts) -> Counts:
    """What two lots of parcels did."""
    return Counts(
        lanes=pd.concat([one.lanes, other.lanes], ignore_index=True),
        at_risk=np.concatenate([one.at_risk, other.at_risk]),
        came=np.concatenate([one.came, other.came]),
        seen=np.concatenate([one.seen, other.seen]),
    ).by(LANE)


def learn(counts: Counts) -> Curves:
    """The curves of every lane; NaN for a leg that nobody was seen in."""
    shares: list[Numbers] = []
    seen: list[NDArray[np.int64]] = []
    places: dict[str, pd.Series] = {}
    known, wider = 0, ""
    for level, columns in LEVELS.items():
        here = counts.by(columns)
        if wider:
            leaning = np.concatenate(shares)[placed(places[wider], here.lanes, LEVELS[wider])]
            share = (here.came + STEADY * leaning) / (here.at_risk + STEADY)
        else:
            share = with_common_tail(here)
        index = pd.MultiIndex.from_frame(here.lanes) if columns else pd.RangeIndex(len(here.lanes))
        places[level] = pd.Series(np.arange(known, known + len(share)), index=index)
        shares.append(share)
        seen.append(here.seen)
        known, wider = known + len(share), level
    return Curves(share=np.concatenate(shares), seen=np.concatenate(seen), places=places)


def with_common_tail(widest: Counts) -> Numbers:
    """The raw share of each day, and from where too few are left that of all days from there on."""
    left = widest.at_risk[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]
    came = widest.came[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]
    tail = np.maximum((left >= TAIL).sum(axis=2) - 1, 0)[:, :, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        common = np.take_along_axis(came, tail, axis=2) / np.take_along_axis(left, tail, axis=2)
        raw = widest.came / widest.at_risk
    return np.where((np.arange(HORIZON + 1) >= tail) | (widest.at_risk == 0), common, raw)


def foresee(curves: Curves, waiting: pd.DataFrame, calendars: Calendars, today: date) -> pd.DataFrame:
    """
    What is to be expected of each parcel, at the end of a day.

    :param waiting: as :func:`pending` gives them.
    :return: by the same index ``median_on`` and ``p90_on`` of those that come, NaT where hardly any still comes within
        the horizon, or without any history;
        ``miss_probability``, NaN without a promise or history; ``lane_level``, the narrowest lane that outweighs its
        wider one, empty without history; ``sample``, the parcels it has seen in the leg; and, in working days from
        today, ``median`` and ``p90``.
    """
    rows = calendars.rows_of(waiting)
    now = calendars.count(rows, np.full(len(waiting), today, dtype="datetime64[D]"))
    days = marks(waiting)
    leg = len(MARKS) - 1 - np.argmax(~np.isnat(days[:, ::-1]), axis=1)
    begun = calendars.count(rows, np.take_along_axis(days, leg[:, None], axis=1)[:, 0])
    stood = np.clip(np.nan_to_num(now - begun, nan=HORIZON), 0, HORIZON).astype(np.int64)
    lane, level, sample = leaning_on(curves, waiting, leg)

    attempt, median, p90 = chances(curves, lane, leg, stood)
    return pd.DataFrame(
        {
            "median_on": calendars.day(rows, now + median),
            "p90_on": calendars.day(rows, now + p90),
            "miss_probability": missed(attempt, waiting, calendars.count(rows, promised(waiting)) - now, days, today),
            "promised_on": promised(waiting),
            "lane_level": level,
            "sample": sample,
            "median": median,
            "p90": p90,
        },
        index=waiting.index,
    )


def promised(parcels: pd.DataFrame) -> Days:
    days: Days = parcels["promised_on"].to_numpy("datetime64[D]")
    return days


def leaning_on(curves: Curves, waiting: pd.DataFrame, leg: Places) -> tuple[Places, NDArray[np.object_], Places]:
    """Each parcel's narrowest known lane, whose curve leans on the wider ones; which level weighs most; its sample."""
    lane = np.full(len(waiting), -1, dtype=np.int64)
    level = np.full(len(waiting), "", dtype=object)
    sample = np.zeros(len(waiting), dtype=np.int64)
    for name, columns in LEVELS.items():
        place = curves.place(name, waiting)
        there = place >= 0
        seen = np.zeros(len(waiting), dtype=np.int64)
        seen[there] = curves.seen[place[there], leg[there]]
        lane[there] = place[there]
        weighs = seen >= (STEADY if columns else 1)
        level[weighs], sample[weighs] = name, seen[weighs]
    return lane, level, sample


def chances(curves: Curves, lane: Places, leg: Places, stood: Places) -> tuple[Numbers, Numbers, Numbers]:
    """
    For each parcel the chance that it is attempted within 0, 1, … working days from now, NaN without history; and the
    median and the 90th percentile of the working days to its delivery, if it comes, NaN where that is rare.
    """
    alike, which = np.unique(np.stack([lane, leg, stood], axis=1), axis=0, return_inverse=True)
    attempt = np.full((len(alike), HORIZON + 1), np.nan)
    median, p90 = np.full(len(alike), np.nan), np.full(len(alike), np.nan)
    for start in range(0, len(alike), BLOCK):
        for now_in in range(len(LEGS)):
            block = np.arange(start, min(start + BLOCK, len(alike)))
            block = block[(alike[block, 1] == now_in) & (alike[block, 0] >= 0)]
            share = curves.share[alike[block, 0]]
            chance = ended_on(to_go(share[:, now_in], alike[block, 2]))
            for later in range(now_in + 1, len(LEGS)):
                if later == TO_THE_DOOR:
                    attempt[block] = chance.cumsum(axis=1)
                chance = added_up(chance, ended_on(share[:, later]))
            within = chance.cumsum(axis=1)
            comes = within[:, -1:]
            within = np.where(comes > SELDOM, within / np.maximum(comes, 1e-9), np.nan)
            median[block], p90[block] = reached(within, 0.5), reached(within, 0.9)
    return attempt[which], median[which], p90[which]


def to_go(share: Numbers, stood: Places) -> Numbers:
    """The share of each day from now on, for parcels that have stood so long in the leg; today is over."""
    days = np.minimum(stood[:, None] + np.arange(HORIZON + 1), HORIZON)
    left = np.take_along_axis(share, days, axis=1)
    left[:, 0] *= 0
    return left


def ended_on(share: Numbers) -> Numbers:
    """The chance that a leg ends on each day, of those that have reached the day the share."""
    still_there = np.cumprod(1 - share, axis=1)
    reached_it = np.concatenate([np.ones((len(share), 1)), still_there[:, :-1]], axis=1)
    chance: Numbers = share * reached_it
    return chance


def added_up(one: Numbers, other: Numbers) -> Numbers:
    """The chances of the sum of two independent numbers of days."""
    both = np.zeros_like(one)
    for days in range(HORIZON + 1):
        both[:, days:] += one[:, days : days + 1] * other[:, : HORIZON + 1 - days]
    return both


def reached(within: Numbers, chance: float) -> Numbers:
    """The first day by which the chance is reached; NaN where it never is."""
    enough = within >= chance - 1e-9
    first: Numbers = np.where(enough.any(axis=1), enough.argmax(axis=1), np.nan)
    return first


def missed(attempt: Numbers, waiting: pd.DataFrame, left: Numbers, days: Days, today: date) -> Numbers:
    """
    The chance that the first attempt comes after the promised day; 0 or 1 where that is known already.

    :param left: working days from today to the promised one.
    :param days: as :func:`marks` gives them.
    """
    by, attempted = promised(waiting), days[:, MARKS.index("attempted_on")]
    within = np.clip(np.nan_to_num(left), 0, HORIZON).astype(np.int64)
    chance = 1 - np.take_along_axis(attempt, within[:, None], axis=1)[:, 0]
    known = ~np.isnat(attempted) | (by <= np.datetime64(today, "D"))
    late: NDArray[np.bool_] = ~(attempted <= by)
    said: Numbers = np.where(np.isnat(by), np.nan, np.where(known, late, np.where(np.isnan(left), np.nan, chance)))
    return said
