"""How runs, loads and plans grow with their parcels, drawn from the figures that are kept: docs/images/growth.png and .svg."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from benchmarks import plots

FIGURE = re.compile(r"(run|load|planning): ([\d,]+) (?:parcels|new events), (.+)")
RUN = {
    ("run", "first contact"): "a run at first contact, five lines each",
    ("run", "2 % with news"): "a run in which one in fifty has news",
}
PARTS = {("load", "time per event"): "load, a new event", ("planning", "time per due one"): "plan, a due parcel"}
MEMORY = ("run", "the largest task")
MILLION = 1_000_000


def draw(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether there was anything to draw: figures of at least two sizes of everything."""
    found: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for row in rows:
        if match := FIGURE.fullmatch(row["name"]):
            found[match[1], match[3]][int(match[2].replace(",", ""))] = row["value"]
    if any(len(found[name]) < 2 for name in (*RUN, *PARTS, MEMORY)):
        return False
    figure, (time, parts, memory) = plots.beside(
        "µs a parcel, whole runs", "µs of parts of a run", "MiB, the largest task"
    )
    for name, label in RUN.items():
        grow(time, {size: seconds / size * MILLION for size, seconds in found[name].items()}, label)
    for name, label in PARTS.items():
        grow(parts, found[name], label)
    grow(memory, found[MEMORY], "its memory")
    for panel in (time, parts, memory):
        panel.set_ylim(0, 1.15 * panel.get_ylim()[1])
        panel.set_xlabel("new events, or parcels on their way" if panel is parts else "parcels on their way")
        panel.legend(fontsize=8, loc="center right" if panel is parts else "lower left")
    plots.save(figure, "growth")
    return True


def grow(panel: Axes, figures: Mapping[int, float], label: str) -> None:
    sizes = sorted(figures)
    heights = [figures[size] for size in sizes]
    panel.set_xscale("log")
    plots.curve(panel, sizes, heights, [f"{one:,.0f}" if one >= 20 else f"{one:.1f}" for one in heights], label)
    plots.plain_numbers(panel, x=sizes)
