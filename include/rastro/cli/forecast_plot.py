"""What a back-test found, drawn."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

LOOK: Any = {
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3,
    "legend.frameon": False, "svg.fonttype": "none", "svg.hashsalt": "rastro",
}  # fmt: skip
# Told apart by whoever sees no colours, too: one dark, one light.
OURS, THEIRS = "#0b57a4", "#e9a66b"
WIDTH = 0.36
PERCENT = "{x:.0%}"


def draw(bins: pd.DataFrame, losses: pd.DataFrame, names: Mapping[str, str], file: Path) -> None:
    """Calibration at the left, each point with its forecasts; pinball losses beside each rival's at the right."""
    with mpl.rc_context(LOOK):
        figure = Figure(figsize=(10.4, 4.4), layout="constrained", dpi=120)
        said, lost = figure.subplots(1, 2)
        draw_calibration(said, bins)
        draw_losses(lost, losses[(losses["forecasts"] > 0) & (losses["rival"] != "forecast")], names)
        figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)


def draw_calibration(panel: Axes, bins: pd.DataFrame) -> None:
    panel.set(title="Promises missed", xlabel="probability said", ylabel="share missed")
    panel.set(xlim=(-0.03, 1.1), ylim=(-0.03, 1.05))
    panel.xaxis.set_major_formatter(PERCENT)
    panel.yaxis.set_major_formatter(PERCENT)
    panel.plot([0, 1], [0, 1], color="#7f7f7f", linestyle="--", linewidth=1, label="what would be right")
    panel.plot(bins["said"], bins["missed"], marker="o", color=OURS, label="what came, and of how many forecasts")
    for one in bins.itertuples():
        panel.annotate(
            f"{one.forecasts:,.0f}", (one.said, one.missed), xytext=(5, -9), textcoords="offset points", fontsize=7
        )
    panel.legend()


def draw_losses(panel: Axes, losses: pd.DataFrame, names: Mapping[str, str]) -> None:
    panel.set(title="Pinball loss in working days, on the same parcels", ylabel="less is better")
    panel.set_axisbelow(True)
    places = range(len(losses))
    for loss, colour, label, side in (("ours", OURS, names["forecast"], -1), ("loss", THEIRS, "the other", 1)):
        x = [place + side * WIDTH / 2 for place in places]
        bars = panel.bar(x, losses[loss], width=WIDTH, color=colour, label=label)
        panel.bar_label(bars, fmt="%.2f", fontsize=7)
    panel.set_xticks(
        places, [f"{names[one.rival]},\n{one.quantile:.0%} quantile" for one in losses.itertuples()], fontsize=8
    )
    panel.legend()
