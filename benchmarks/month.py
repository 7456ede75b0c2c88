"""
How often parcels are asked about, and how late we learn of a scan: by habits, within a budget, and at fixed intervals.

One month of parcels teaches the habits; another is followed by them through :func:`rastro.polling.next_poll_at`, hour by
hour, as the runs do. A fixed interval needs no following: its looks are known beforehand.
"""

import argparse
import json
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain
from math import ceil
from pathlib import Path
from statistics import mean, quantiles

from benchmarks import plots
from benchmarks.journeys import Journey, Scan, journeys
from rastro.budget import Kind, for_the_patient, share_of_now, urgency
from rastro.habits import HOUR, Habits, Stay, habit_for, learn
from rastro.models import Status
from rastro.polling import Look, Pace, is_expected, next_poll_at

MONDAY = datetime(2026, 11, 2, 3, tzinfo=UTC)  # midnight in São Paulo
WEEKS = 4
TAUGHT_BY = 10_000
GIVE_UP = timedelta(days=30)
PACE = Pace(every=HOUR, last_look_after=timedelta(days=7), give_up_after=GIVE_UP)
EVERY = (1, 2, 6, 12)
WORTHS = (0.03, 0.05, 0.07, 0.1, 0.15)
CALLS = (6.0, 4.5, 3.5, 2.5)  # a day for each parcel under way
KEPT = Path(__file__).with_name("results") / "month.json"
PICTURE = "looks-and-delay"
MIDDLE = range(8 * 24, WEEKS * 7 * 24)  # hours at which as many come as go


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """
    Looks a parcel, and hours from scan to knowledge: the median, and what 95 of 100 keep below. ``crest``: looks in the
    fullest hour, where 1 is the average; 0 where that was not counted.
    """

    how: str
    looks: float
    median: float
    most: float
    crest: float = 0.0


@dataclass(slots=True, kw_only=True)
class Parcel:
    """One of those that are followed: what was seen of it, and when that was looked at last."""

    number: int
    journey: Journey
    published: list[float]
    seen: int = 0
    looked: float = 0.0
    due: float = 0.0

    @property
    def newest(self) -> Scan | None:
        return self.journey.scans[self.seen - 1] if self.seen else None

    def look(self, at: float, *, promises: bool) -> Look:
        newest = self.newest
        return Look(
            at=hour(at), status=newest.status if newest else Status.UNKNOWN,
            quiet_since=hour(newest.at if newest else self.journey.known),
            promised_at=hour(self.journey.promised) if promises else None, poll_id=self.number,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How parcels are looked at; ``calls`` a day for all of them, 0 for as many as are due."""

    how: str
    habits: Habits = field(default_factory=dict)
    pace: Pace = PACE
    calls: int = 0
    lanes: bool = True
    promises: bool = True


def stays_of(parcels: Iterable[Journey]) -> Iterator[Stay]:
    for parcel in parcels:
        step, status, begun = "", Status.UNKNOWN, parcel.known
        for scan in parcel.scans:
            yield Stay(step=step, lane=parcel.lane, status=status, begun=hour(begun), ended=hour(scan.at), news=True)
            step, status, begun = scan.code, scan.status, scan.at


def hour(at: float) -> datetime:
    return MONDAY + at * HOUR


def followed(journeys: list[Journey], way: Way) -> Followed:
    looks: Counter[int] = Counter()
    late: list[float] = []
    due: dict[int, list[Parcel]] = defaultdict(list)
    for number, one in enumerate(journeys):
        due[ceil(one.known)].append(
            Parcel(number=number, journey=one, published=[scan.published for scan in one.scans])
        )
    at, spent, day = 0, 0, -1
    while due:
        if at // 24 > day:
            spent, day = 0, at // 24
        now, later = chosen(due.pop(at, []), way, spent, at)
        spent += len(now)
        looks[at] = len(now)
        for parcel in now:
            until = bisect_right(parcel.published, at)
            late += [at - scan.at for scan in parcel.journey.scans[parcel.seen : until]]
            parcel.seen, parcel.looked = until, at
            if (again := next_hour(parcel, at, way)) is not None:
                parcel.due = again
                due[again].append(parcel)
        if later:
            due[at + 1] += later
        at += 1
    even = mean(looks[at] for at in MIDDLE)
    return replace(
        summed(way.how, looks.total() / len(journeys), late), crest=max(looks[at] for at in MIDDLE) / even
    )  # fmt: skip


def next_hour(parcel: Parcel, at: int, way: Way) -> int | None:
    newest = parcel.newest
    if newest and newest.status.is_final:
        return None
    habit = habit_for(way.habits, newest.code if newest else "", parcel.journey.lane if way.lanes else "")
    planned = next_poll_at(parcel.look(at, promises=way.promises), way.pace, habit)
    return None if planned is None else round((planned - MONDAY) / HOUR)


def chosen(due: list[Parcel], way: Way, spent: int, at: int) -> tuple[list[Parcel], list[Parcel]]:
    """Who is looked at now, and who has to wait."""
    share = share_of_now(way.calls, spent, way.habits, hour(at)) if way.calls else len(due)
    if len(due) <= share:
        return due, []
    due = sorted(due, key=lambda one: one.due)
    patient = for_the_patient(share)
    rest = sorted(due[patient:], key=lambda one: urgency(kind_of(one, at, way), way.habits, hour(at)), reverse=True)
    return due[:patient] + rest[: share - patient], rest[share - patient :]


def kind_of(parcel: Parcel, at: int, way: Way) -> Kind:
    look = parcel.look(at, promises=way.promises)
    newest = parcel.newest
    return Kind(
        step=newest.code if newest else "", status=look.status, near=is_expected(look),
        silent=int((look.at - look.quiet_since) / HOUR), waited=int(at - (parcel.looked or parcel.journey.known)),
    )  # fmt: skip


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


def under_way(parcels: list[Journey]) -> float:
    """How many parcels are between label and last scan, on average over the middle of the month."""
    hours = sum(max(0.0, min(one.scans[-1].at, MIDDLE.stop) - max(one.known, MIDDLE.start)) for one in parcels)
    return hours / len(MIDDLE)


def draw(groups: dict[str, list[Followed]]) -> None:
    """Looks a parcel against the delay, for all ways that were tried with all parcels."""
    hourly = groups["at fixed times"][0]
    figure, panels = plots.beside("median", "95 of 100 within")
    for panel, delay in zip(panels, ("median", "most"), strict=True):
        for group, ways in groups.items():
            if group != "otherwise":
                plots.curve(
                    panel, [one.looks for one in ways], [getattr(one, delay) for one in ways],
                    [one.how.split(", ")[-1] for one in ways], group, left=group == "by habits",
                )  # fmt: skip
        panel.axvline(hourly.looks / 3, linestyle=":", color="black", label="a third of the hourly looks")
        panel.axhline(
            getattr(hourly, delay),
            linestyle="--",
            color="black",
            linewidth=0.8,
            label="the delay of looking every hour",
        )
        panel.set(xlabel="looks a parcel", ylabel="hours from scan to our knowledge", xscale="log", yscale="log")
        plots.plain_numbers(panel, x=(20, 30, 50, 100, 170), y=(0.7, 1, 2, 5, 10, 20))
    plots.legend(figure, panels[0])
    plots.save(figure, PICTURE)


@cache
def of_one_month(parcels: int) -> list[Journey]:
    return list(journeys(parcels, seed=2, weeks=WEEKS))


def way_followed(parcels: int, way: Way) -> Followed:
    return followed(of_one_month(parcels), way)


def month(parcels: int) -> dict[str, list[Followed]]:
    """
    Groups of ways to look at the same parcels, worked out by all cores; a fifth of the parcels shows what a budget does,
    and what each thing is worth that can be left out.
    """
    learnt = learn(stays_of(journeys(TAUGHT_BY, seed=3, weeks=WEEKS)))
    all_parcels = of_one_month(parcels)
    some, on_the_way = parcels // 5, under_way(all_parcels)
    way = Way(how="by habits, worth 0.05", habits=learnt)
    ways = {
        "by habits": [
            (parcels, replace(way, how=f"by habits, worth {worth:g}", pace=replace(PACE, worth=worth)))
            for worth in WORTHS
        ],
        "within a budget": [
            (some, replace(way, how=f"{calls:g} calls a day", calls=round(calls * on_the_way / 5))) for calls in CALLS
        ],
        "otherwise": [
            (some, replace(way, how="nothing learnt", habits={})),
            (some, way),
            (some, replace(way, how="without lanes", lanes=False)),
            (some, replace(way, how="without promises", promises=False)),
            (some, replace(way, how="without jitter", pace=replace(PACE, jitter=0))),
        ],
    }
    with ProcessPoolExecutor() as processes:
        running = {
            group: [processes.submit(way_followed, *one) for one in several] for group, several in ways.items()
        }  # fmt: skip
        return {
            "at fixed times": [at_fixed_times(all_parcels, hours, f"every {hours} h") for hours in EVERY],
            **{group: [one.result() for one in several] for group, several in running.items()},
        }


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("parcels", type=int, nargs="?", default=2000)
    asked.add_argument("--keep", action="store_true", help=f"write {KEPT} and draw docs/images/{PICTURE}.*")
    given = asked.parse_args()
    groups = month(given.parcels)
    print(f"{'':24}{'looks a parcel':>16}{'median h':>10}{'95 % h':>10}{'fullest hour':>14}")
    for one in chain.from_iterable(groups.values()):
        print(f"{one.how:24}{one.looks:16.1f}{one.median:10.2f}{one.most:10.2f}{one.crest or '':14.4}")
    if given.keep:
        kept = {"parcels": given.parcels} | {group: [asdict(one) for one in ways] for group, ways in groups.items()}
        KEPT.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
        draw(groups)


if __name__ == "__main__":
    main()
