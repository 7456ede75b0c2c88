"""
The plots of the letter: matplotlib, no screen, PNG.

They are read in print and by whoever does not tell red from green: colours are those of M. Okabe and K. Ito (2008),
which differ in lightness, too, and no meaning hangs on a colour alone: markers, dashes and hatches tell the same.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from io import BytesIO
from threading import Lock
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from rastro.letter import ENOUGH, CarrierFigures, LaneFigures, Letter, Named, Plot, Span, lanes_below, running

WIDTH, INCH = 6.4, 0.42  # inches: of every plot, and of a row
RESOLUTION = 150  # dots an inch: sharp on paper
LINES = 5  # in one plot; more nobody tells apart
MOST_ROWS = 12
BLUE, ORANGE, GREEN, RED, BLACK, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#000000", "#767676"
STYLES = ((BLUE, "o", "-"), (RED, "s", "--"), (GREEN, "^", "-."), (BLACK, "D", ":"), (ORANGE, "v", "-"))
LOOK: Any = {  # a name of each option, which matplotlib alone knows
    "font.size": 9,
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it looks the same everywhere
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "hatch.linewidth": 0.6,
}
_drawing = Lock()  # the look is the whole process's
Words = Mapping[str, str]
Curve = tuple[str, list[tuple[date, float]]]  # a carrier's share of each day


def plots(letter: Letter, words: Words, named: Named) -> list[Plot]:
    """
    The plots that there is something to draw for, in their order; each is drawn when it is first looked at.

    :param words: titles and labels, by name.
    """
    return [
        Plot(name=name, says=words[f"plot_{name}"], draw=partial(png_of, draw, rows, letter, words, named))
        for name, (rows_of, draw) in DRAWINGS.items()
        if (rows := rows_of(letter))
    ]


def png_of(draw: Callable[..., Figure], *told: object) -> bytes:
    """Without a time or a program's name, so that the same figures are the same bytes."""
    taken = BytesIO()
    with _drawing, mpl.rc_context(LOOK):
        # Figure.savefig draws twice, once to see where everything is, which the layout has seen to.
        FigureCanvasAgg(draw(*told)).print_png(taken, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return taken.getvalue()


def sheet(title: str, rows: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, 1.1 + INCH * rows), dpi=RESOLUTION, layout="constrained", facecolor="white")
    return figure, figure.add_subplot(title=title)


def busiest(letter: Letter, most: int) -> list[CarrierFigures]:
    """The carriers with promises, those with the most parcels first."""
    known = [one for one in letter.now.carriers if one.promise.known]
    return sorted(known, key=lambda one: (-one.promise.known, one.carrier))[:most]


def promised(letter: Letter) -> list[CarrierFigures]:
    return sorted(busiest(letter, MOST_ROWS), key=lambda one: (one.promise.value, one.carrier))


def promises(rows: Sequence[CarrierFigures], letter: Letter, words: Words, named: Named) -> Figure:
    """Kept promises by carrier with their 95 % interval; hollow, the span before."""
    earlier = {one.carrier: one.promise for one in letter.before.carriers if one.promise.known}
    figure, axes = sheet(words["plot_promise"], len(rows) + 0.6)
    for place, one in enumerate(rows):
        share = one.promise
        axes.plot([share.low(), share.high()], [place, place], color=BLUE, linewidth=2, solid_capstyle="butt")
        axes.plot(share.value, place, "o", color=BLUE, markersize=7, label=words["now"] if not place else None)
        if one.carrier in earlier:
            axes.plot(
                earlier[one.carrier].value, place, "D", markerfacecolor="none", markeredgecolor=BLACK, markersize=7,
                label=words["before"] if one is rows[0] or rows[0].carrier not in earlier else None,
            )  # fmt: skip
        axes.annotate(
            f"{share.kept:,} / {share.known:,}".replace(",", words["thousands"]), (1.01, place),
            xycoords=("axes fraction", "data"), va="center", fontsize=8, color=GREY,
        )  # fmt: skip
    axes.set_yticks(range(len(rows)), [named(one.carrier) for one in rows])
    axes.set_ylim(-0.7, len(rows) - 0.3)
    in_percent(axes.xaxis)
    legend_once(axes)
    return figure


def curves(letter: Letter) -> list[Curve]:
    """Each carrier's share of each day, where two days or more have one."""
    first = min((one.day for one in letter.series), default=letter.span.first)
    span = Span(first=max(first, letter.span.last - timedelta(days=366)), last=letter.span.last)
    found = [(one.carrier, running(letter.series, one.carrier, span)) for one in busiest(letter, LINES)]
    return [(carrier, points) for carrier, points in found if len(points) > 1]


def course(rows: Sequence[Curve], letter: Letter, words: Words, named: Named) -> Figure:
    """Kept promises of the last seven days, day by day."""
    figure, axes = sheet(words["plot_course"], 5)
    for (carrier, points), (colour, marker, line) in zip(rows, STYLES, strict=False):
        x, y = zip(*points, strict=True)
        axes.plot(
            x, y, line, color=colour, marker=marker, markersize=4, markevery=max(1, len(x) // 12), label=named(carrier)
        )
    axes.axvspan(date2num(letter.span.first), date2num(letter.span.last), color=GREY, alpha=0.12, linewidth=0)  # type: ignore[no-untyped-call]
    locator: Any = AutoDateLocator(maxticks=9)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(numeric_days(locator))
    in_percent(axes.yaxis)
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.12), ncols=3, fontsize=8)
    return figure


def delivering(letter: Letter) -> list[CarrierFigures]:
    rows = [one for one in letter.now.carriers if one.days.parcels >= ENOUGH]
    rows = sorted(rows, key=lambda one: (-one.days.parcels, one.carrier))[:MOST_ROWS]
    return sorted(rows, key=lambda one: (-one.days.p50, one.carrier))


def days(rows: Sequence[CarrierFigures], _: Letter, words: Words, named: Named) -> Figure:
    """Working days to the door: the median, and between which days eight of ten parcels came."""
    figure, axes = sheet(words["plot_days"], len(rows) + 0.6)
    for place, one in enumerate(rows):
        axes.plot(
            [one.days.p10, one.days.p90], [place, place], color=GREEN, linewidth=6, alpha=0.55, solid_capstyle="butt"
        )
        axes.plot(one.days.p50, place, "|", color=BLACK, markersize=14, markeredgewidth=2.5)
    axes.set_yticks(range(len(rows)), [named(one.carrier) for one in rows])
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_xlim(left=0)
    axes.set_xlabel(words["axis_days"])
    return figure


def worst(letter: Letter) -> list[LaneFigures]:
    return lanes_below(letter.now)[:MOST_ROWS][::-1]


def lanes(rows: Sequence[LaneFigures], letter: Letter, words: Words, named: Named) -> Figure:
    """The lanes on which surely fewer promises are kept than on the whole: the share that came late."""
    figure, axes = sheet(words["plot_lanes"], len(rows) + 0.6)
    axes.barh(
        range(len(rows)), [1 - one.promise.value for one in rows], color=ORANGE, edgecolor=BLACK, linewidth=0.6,
        hatch="//", height=0.6,
    )  # fmt: skip
    for place, one in enumerate(rows):
        late = one.promise.known - one.promise.kept
        axes.annotate(
            f" {late:,} / {one.promise.known:,}".replace(",", words["thousands"]), (1 - one.promise.value, place),
            va="center", fontsize=8,
        )  # fmt: skip
    axes.axvline(1 - letter.now.promise.value, color=BLACK, linestyle=":", linewidth=1.2)
    axes.set_yticks(range(len(rows)), [f"{one.lane}, {named(one.carrier)}" for one in rows])
    in_percent(axes.xaxis)
    axes.set_xlabel(words["axis_late"])
    return figure


def on_their_way(letter: Letter) -> list[CarrierFigures]:
    rows = sorted(letter.now.carriers, key=lambda one: (-one.pending, one.carrier))[:MOST_ROWS]
    return [one for one in rows if one.pending][::-1]


def silence(rows: Sequence[CarrierFigures], _: Letter, words: Words, named: Named) -> Figure:
    """What is on its way at the end of the span, and of that what nobody has scanned for long."""
    figure, axes = sheet(words["plot_silence"], len(rows) + 0.6)
    places = range(len(rows))
    silent = [one.silent for one in rows]
    moving = [one.pending - one.silent for one in rows]
    axes.barh(places, silent, color=RED, edgecolor=BLACK, linewidth=0.6, hatch="xx", height=0.6, label=words["silent"])
    axes.barh(
        places, moving, left=silent, color="#BFD9EA", edgecolor=BLACK, linewidth=0.6, height=0.6, label=words["moving"]
    )
    for place, one in enumerate(rows):
        axes.annotate(
            f" {one.silent:,}".replace(",", words["thousands"]), (one.pending, place), va="center", fontsize=8
        )
    axes.set_yticks(places, [named(one.carrier) for one in rows])
    legend_once(axes)
    return figure


def numeric_days(locator: Any) -> Any:
    """Days and months as numbers, which every language has."""
    forms = ["%Y", "%m/%Y", "%d/%m", "", "", ""]
    return ConciseDateFormatter(locator, formats=forms, zero_formats=["", "%Y", "%d/%m", "", "", ""], show_offset=False)  # type: ignore[no-untyped-call]


def in_percent(axis: Axis) -> None:
    """Ticks at whole percents."""
    axis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(PercentFormatter(1, decimals=0))


def legend_once(axes: Axes) -> None:
    """Below the plot, each label once."""
    handles, labels = axes.get_legend_handles_labels()
    by_label: Mapping[str, Any] = dict(zip(labels[::-1], handles[::-1], strict=True))
    order: Sequence[str] = list(dict.fromkeys(labels))
    axes.legend(
        [by_label[one] for one in order], order, loc="upper left", bbox_to_anchor=(0, -0.1), ncols=2, fontsize=8
    )


# What there is to draw, and who draws it, in the order of the plots.
DRAWINGS: Mapping[str, tuple[Callable[[Letter], Sequence[Any]], Callable[..., Figure]]] = {
    "promise": (promised, promises),
    "course": (curves, course),
    "days": (delivering, days),
    "lanes": (worst, lanes),
    "silence": (on_their_way, silence),
}
