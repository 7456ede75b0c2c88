"""How a whole run grows with its parcels, drawn from the figures that are kept: docs/images/growth.png and .svg."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import plots

FIGURE = re.compile(r"run: ([\d,]+) parcels, (.+)")
TIMES = {"first contact": "first contact, five lines each", "2 % with news": "an hour with news of one in fifty"}
MEMORY = "the largest task"
MILLION = 1_000_000


def draw(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether there was anything to draw: figures of at least two sizes, measured in full."""
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for row in rows:
        if row["size"] == "full" and (match := FIGURE.fullmatch(row["name"])):
            found[match[2]][int(match[1].replace(",", ""))] = row["value"]
    if len(found[MEMORY]) < 2:
        return False
    figure, (time, memory) = plots.beside("microseconds a parcel, the whole run", "MiB of the largest task")
    sizes = sorted(found[MEMORY])
    for name, label in TIMES.items():
        per_parcel = [found[name][size] / size * MILLION for size in sizes]
        plots.curve(time, sizes, per_parcel, [f"{one:,.0f}" for one in per_parcel], label)
    held = [found[MEMORY][size] for size in sizes]
    plots.curve(memory, sizes, held, [f"{one:,.0f}" for one in held], "resident memory")
    for panel in (time, memory):
        panel.set_xscale("log")
        panel.set_ylim(0, 1.12 * panel.get_ylim()[1])
        panel.set_xlabel("parcels on their way")
        plots.plain_numbers(panel, x=sizes)
    plots.legend(figure, time)
    plots.save(figure, "growth")
    return True
