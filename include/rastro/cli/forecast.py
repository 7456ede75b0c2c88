"""Which parcels will be late; and, tried on days gone by, how far such forecasts can be trusted."""

import argparse
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rastro.cli import warehouse
from rastro.cli.command import complain, print_table

if TYPE_CHECKING:
    import pandas as pd

MOST = 20
NAMES = {"forecast": "Rastro", "lane": "plain lane", "carrier": "carrier's estimate"}


def arguments(parser: argparse.ArgumentParser) -> None:
    warehouse.arguments(parser)
    parser.add_argument("--most", type=int, default=MOST, help="how many parcels to print (default %(default)s)")
    parser.add_argument("--backtest", action="store_true", help="try forecasts on days gone by instead")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, metavar="DAY", help="first day tried")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, metavar="DAY", help="last day tried")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw what was found: .svg, .png or .pdf")
    parser.add_argument(
        "--history",
        type=Path,
        metavar="FOLDER",
        help="try it on parcels.csv and estimates.csv there, not the warehouse",
    )


def forecast(chosen: argparse.Namespace) -> int:
    if not chosen.backtest:
        return likeliest_late(chosen)
    if not chosen.first or not chosen.last or chosen.first > chosen.last:
        return complain("--backtest wants the days --from and --to, in this order, as 2026-03-01", 2)
    return print_backtest(chosen, tried(chosen))


def likeliest_late(chosen: argparse.Namespace) -> int:
    from rastro.warehouse.forecast import likeliest_late as read  # noqa: PLC0415  pandas is slow to load

    with warehouse.connected(chosen) as conn:
        rows = read(conn, chosen.most)
    if not rows:
        return complain("no forecasts yet: report_deliveries makes them once a day")
    print_table(
        ("late", "order", "parcel", "carrier", "status", "promised", "half by", "nine of ten by", "lane", "seen"),
        [
            (
                f"{row.miss_probability:.0%}", row.order_id, row.tracking_number, row.carrier, row.status,
                str(row.promised_on), str(row.median_on or "-"), str(row.p90_on or "-"), row.lane_level,
                f"{row.sample:,}",
            )
            for row in rows
        ],
    )  # fmt: skip
    return 0


def tried(chosen: argparse.Namespace) -> "pd.DataFrame":
    """Forecasts made anew for each of the days, and what came of them."""
    from rastro.backtest import trials  # noqa: PLC0415  likewise
    from rastro.cli.forecast_files import read  # noqa: PLC0415
    from rastro.pipeline.forecast import try_again  # noqa: PLC0415

    days = [chosen.first + timedelta(days=more) for more in range((chosen.last - chosen.first).days + 1)]
    if chosen.history:
        held = read(chosen.history)
        return trials(held.parcels, held.estimates, held.calendars, days, held.until)
    with warehouse.connected(chosen) as conn:
        return try_again(conn, days)


def print_backtest(chosen: argparse.Namespace, made: "pd.DataFrame") -> int:
    from rastro.backtest import calibration, calibration_error, losses  # noqa: PLC0415  likewise

    if made.empty:
        return complain("no parcel was on its way on those days")
    lost, bins = losses(made), calibration(made)
    print(f"{len(made):,} forecasts of {made['shipment_id'].nunique():,} parcels on {made['day'].nunique()} days.\n")
    print("Probability of missing the promise")
    print_table(
        ("said", "missed", "forecasts"),
        [(f"{row.said:.1%}", f"{row.missed:.1%}", f"{row.forecasts:,.0f}") for row in bins.itertuples()],
    )
    print(f"Calibration error: {calibration_error(bins):.3f}\n")
    print("Pinball loss in working days, of parcels that have come, each rival on those it spoke of")
    print_table(
        ("rival", "quantile", "forecasts", "loss", "Rastro's", "came by then"),
        [
            (NAMES[row.rival], f"{row.quantile}", f"{row.forecasts:,}", f"{row.loss:.3f}", f"{row.ours:.3f}",
             f"{row.came_by:.0%}")
            for row in lost.itertuples() if row.forecasts
        ],
    )  # fmt: skip
    if chosen.plot:
        from rastro.cli.forecast_plot import draw  # noqa: PLC0415

        draw(bins, lost, NAMES, chosen.plot)
        print(f"\nDrawn: {chosen.plot}")
    return 0
