"""What the benchmarks have measured last, as the tables of ``docs/performance.md``."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from stack.adapter_pages import table
from stack.state import REPOSITORY

# Part of the benchmark → how the names of its figures begin.
PARTS: Mapping[str, tuple[str, ...]] = {
    "polling": ("unchanged answers",),
    "parsing": ("changed bodies",),
    "loading": ("load:",),
    "planning": ("planning:",),
    "pages": ("page:", "pages:"),
    "report": ("report:",),
    "run": ("run:",),
}
TITLES = ("figure", "unit", "times", "min", "median", "max", "ratio", "goal", "holds")
HOLDS = {True: "yes", False: "**no**", None: ""}


def measured() -> Sequence[Mapping[str, Any]]:
    rows: Sequence[Mapping[str, Any]] = json.loads((REPOSITORY / "benchmarks/results/latest.json").read_text("utf-8"))
    return rows


def figures_of(part: str) -> str:
    return table(TITLES, (line(row) for row in measured() if row["name"].startswith(PARTS[part])))


def goals_missed() -> str:
    return table(TITLES, (line(row) for row in measured() if row["holds"] is False))


def line(row: Mapping[str, Any]) -> Sequence[str]:
    minimum, median, maximum, ratio = (number(row[name]) for name in ("minimum", "value", "maximum", "ratio"))
    spread = (minimum, median, maximum) if row["repetitions"] > 1 else ("", median, "")
    return (row["name"], row["unit"], str(row["repetitions"]), *spread, ratio, row["goal"], HOLDS[row["holds"]])


def number(figure: float | None) -> str:
    return "" if figure is None else f"{figure:,.4g}" if abs(figure) < 1000 else f"{figure:,.0f}"
