"""The look of all curves, and where they are kept: docs/images, as PNG and as SVG."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator, StrMethodFormatter

IMAGES = Path(__file__).parents[1] / "docs" / "images"
mpl.rcParams |= {
    "figure.dpi": 120,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "rastro",  # the same drawing is the same file
}
PALETTE = ("#7f7f7f", "#0b57a4", "#c2410c", "#15803d")


def beside(*titles: str) -> tuple[Figure, list[Axes]]:
    """A panel for each title, next to each other."""
    figure = Figure(figsize=(5.2 * len(titles), 4.4), layout="constrained")
    panels = [figure.add_subplot(1, len(titles), place + 1, title=title) for place, title in enumerate(titles)]
    return figure, panels


def curve(
    panel: Axes, x: Sequence[float], y: Sequence[float], points: Sequence[str], label: str, *, left: bool = False
) -> None:
    """A line whose points are named at their right and above, or at their ``left`` and below."""
    colour = PALETTE[len(panel.get_legend_handles_labels()[0])]
    panel.plot(x, y, marker="o", markersize=4, color=colour, label=label)
    for name, at in zip(points, zip(x, y, strict=True), strict=True):
        panel.annotate(
            name, at, xytext=(-5, -4) if left else (5, 4), textcoords="offset points", fontsize=7, color=colour,
            ha="right" if left else "left", va="top" if left else "bottom",
        )  # fmt: skip


def plain_numbers(panel: Axes, *, x: Sequence[float], y: Sequence[float] = ()) -> None:
    """Ticks at these numbers, written out, on axes that may be logarithmic; an axis without any is left alone."""
    for axis, ticks in ((panel.xaxis, x), (panel.yaxis, y)):
        if not ticks:
            continue
        axis.set_major_locator(FixedLocator(list(ticks)))
        axis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
        axis.set_minor_locator(NullLocator())
        axis.set_minor_formatter(NullFormatter())


def legend(figure: Figure, panel: Axes) -> None:
    """What stands in a panel, said below them all."""
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8)


def save(figure: Figure, name: str) -> None:
    figure.savefig(IMAGES / f"{name}.png", metadata={"Software": None})
    figure.savefig(IMAGES / f"{name}.svg", metadata={"Date": None})
