"""
What a benchmark is asked for, and what becomes of its figures.

A benchmark is a module with a ``NAME`` and a function ``measure(size)`` that yields each of its figures once. It is
called once for each repetition, and runs the subject and what it is compared with in the same one, so that a busy
machine slows down both.
"""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from stack.postgres import program

RESULTS = Path(__file__).parent / "results" / "latest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """
    A figure, and the bound that it is to keep: of its ratio if it is compared with something, else of its value.

    It is judged by the median of its repetitions, and by the worst of them if it is to hold ``always``.
    """

    name: str
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    always: bool = False

    def __str__(self) -> str:
        bounds = [
            f"{sign} {bound:g}" for sign, bound in (("≥", self.at_least), ("≤", self.at_most)) if bound is not None
        ]
        return " ".join(bounds)

    def holds_for(self, figure: float) -> bool | None:
        """None where there is no bound."""
        if self.at_least is None and self.at_most is None:
            return None
        return (self.at_least is None or figure >= self.at_least) and (self.at_most is None or figure <= self.at_most)


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure of one repetition; ``compared`` is that of its comparison, in the same unit."""

    goal: Goal
    value: float
    compared: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.compared if self.compared else None

    @property
    def judged(self) -> float:
        return self.value if self.ratio is None else self.ratio

    @property
    def holds(self) -> bool | None:
        return self.goal.holds_for(self.judged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """``quick`` wants all of it done in seconds; ``scratch`` is a folder for files, the same in all repetitions."""

    quick: bool
    scratch: Path


class Benchmark(Protocol):
    """What the module of a benchmark is."""

    NAME: str

    def measure(self, size: Size) -> Iterator[Measured]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One figure over all repetitions."""

    goal: Goal
    values: Sequence[float]
    ratios: Sequence[float]

    @classmethod
    def of(cls, repetitions: Sequence[Measured]) -> "Result":
        return cls(
            goal=repetitions[0].goal,
            values=[one.value for one in repetitions],
            ratios=[one.ratio for one in repetitions if one.ratio is not None],
        )

    @property
    def judged(self) -> Sequence[float]:
        return self.ratios or self.values

    @property
    def holds(self) -> bool | None:
        if self.goal.always:
            return self.goal.holds_for(min(self.judged)) and self.goal.holds_for(max(self.judged))
        return self.goal.holds_for(median(self.judged))

    def as_row(self) -> Mapping[str, Any]:
        return {
            "name": self.goal.name,
            "value": rounded(median(self.values)),
            "minimum": rounded(min(self.values)),
            "maximum": rounded(max(self.values)),
            "unit": self.goal.unit,
            "ratio": rounded(median(self.ratios)) if self.ratios else None,
            "goal": str(self.goal),
            "holds": self.holds,
            "repetitions": len(self.values),
        }


def rounded(figure: float) -> float:
    return float(f"{figure:.4g}")


SAYS = {True: "holds", False: "DOES NOT HOLD", None: ""}


def table(results: Iterable[Result]) -> str:
    """Minimum, median and maximum of each figure and of its ratio, the goal, and whether it holds."""
    head = ("figure", "unit", "min", "median", "max", "ratio: min", "median", "max", "goal", "")
    rows = [head, *(_cells(one) for one in results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    texts = {0, 1, 8, 9}
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at in texts else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _cells(result: Result) -> tuple[str, ...]:
    ratios = _spread(result.ratios) if result.ratios else ("", "", "")
    return (
        result.goal.name, result.goal.unit, *_spread(result.values), *ratios, str(result.goal), SAYS[result.holds],
    )  # fmt: skip


def _spread(figures: Sequence[float]) -> tuple[str, str, str]:
    return tuple(f"{rounded(one):,g}" for one in (min(figures), median(figures), max(figures)))  # type: ignore[return-value]


def keep(results: Sequence[Result], *, whole: bool) -> Sequence[Mapping[str, Any]]:
    """Write the figures, and return all that are kept; where only some were measured, the others stay as they were."""
    rows = [one.as_row() for one in results]
    if not whole and RESULTS.exists():
        measured = {row["name"] for row in rows}
        rows = [row for row in json.loads(RESULTS.read_text("utf-8")) if row["name"] not in measured] + rows
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return rows


def machine() -> str:
    """What the absolute figures depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    postgres = subprocess.run([program("postgres"), "--version"], capture_output=True, text=True, check=True)
    told = (
        f"{os.cpu_count()} cores",
        _processor(),
        f"{memory:.0f} GiB of memory",
        f"{platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}",
        postgres.stdout.strip(),
    )
    return ", ".join(told)


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "a processor without a name"
