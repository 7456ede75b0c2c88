"""
How good forecasts are: made again for days gone by with what was known then, and held against what came. Pure.

Beside them stand the carrier's own estimate as it was told by then, and what the plain lane says: the median and the
90th percentile of the days from posting to delivery of what its pair of states has delivered lately, and no more.
"""

from collections.abc import Iterable, Iterator
from datetime import date

import numpy as np
import pandas as pd

from rastro.forecast import (
    LEVELS,
    RECENT,
    Calendars,
    Days,
    Numbers,
    Places,
    count,
    foresee,
    grouped,
    known_on,
    learn,
    marks,
    pending,
    promised,
)

BINS = 10
QUANTILES = (0.5, 0.9)
RIVALS = ("forecast", "lane", "carrier")
ENOUGH = 5  # deliveries of a lane before it has a plain median; those of all lanes stand in for it


def trials(
    parcels: pd.DataFrame, estimates: pd.DataFrame, calendars: Calendars, days: Iterable[date], until: date
) -> pd.DataFrame:
    """
    A row for each parcel pending at the end of each of these days.

    ``miss_probability`` and whether it was ``missed``, NaN as long as nobody can know. In working days from that day
    the delivery (``took``, NaN where it has not come), and what ``forecast``, ``lane`` and ``carrier`` said of it:
    ``forecast_50``, ``forecast_90`` …; the carrier says one day for both.

    :param parcels: as :func:`rastro.forecast.known_on` wants them, by shipment.
    :param estimates: ``shipment_id``, ``told_on``, ``estimated_on``: each that a carrier gave.
    :param until: the last day of which it is known what happened.
    """
    told = estimates.sort_values("told_on", kind="stable")
    rows = list(_trials(parcels, told, calendars, days, until))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()


def _trials(
    parcels: pd.DataFrame, told: pd.DataFrame, calendars: Calendars, days: Iterable[date], until: date
) -> Iterator[pd.DataFrame]:
    last = np.datetime64(until, "D")
    for day in days:
        known = known_on(parcels, day)
        waiting = pending(known)
        if waiting.empty:
            continue
        said = foresee(learn(count(known, calendars, day)), waiting, calendars, day)
        came = marks(parcels.loc[waiting.index])
        attempted, delivered, by = came[:, 3], came[:, 4], promised(waiting)
        sure = ~np.isnat(by) & ((attempted <= last) | (by < last))
        rows = calendars.rows_of(waiting)
        now = calendars.count(rows, np.full(len(waiting), day, dtype="datetime64[D]"))
        lane = plain_lane(known, waiting, calendars, rows, now)
        newest = told[told["told_on"] <= np.datetime64(day)].groupby("shipment_id")["estimated_on"].last()
        estimated = newest.reindex(waiting.index).to_numpy("datetime64[D]")
        yield pd.DataFrame(
            {
                "day": day,
                "shipment_id": waiting.index,
                "miss_probability": said["miss_probability"].to_numpy(),
                "missed": np.where(sure, ~(attempted <= by), np.nan),
                "took": np.where(delivered <= last, calendars.count(rows, delivered) - now, np.nan),
                "forecast_50": said["median"].to_numpy(),
                "forecast_90": said["p90"].to_numpy(),
                "lane_50": lane[:, 0],
                "lane_90": lane[:, 1],
                **dict.fromkeys(("carrier_50", "carrier_90"), days_to(estimated, calendars, rows, now)),
            }
        )


def days_to(days: Days, calendars: Calendars, rows: Places, now: Numbers) -> Numbers:
    """Working days from now, one at the least: what has not come today comes tomorrow."""
    return np.maximum(calendars.count(rows, days) - now, 1)


def plain_lane(known: pd.DataFrame, waiting: pd.DataFrame, calendars: Calendars, rows: Places, now: Numbers) -> Numbers:
    """The plain lane's median and 90th percentile in working days from now; NaN for what was not posted yet."""
    whose = calendars.rows_of(known)
    posted, delivered = (calendars.count(whose, marks(known)[:, mark]) for mark in (1, 4))
    codes, _ = grouped(known, LEVELS["states"])
    lanes = pd.Series(codes, index=known.index)
    lately = delivered > np.nanmax(now, initial=0) - RECENT
    days = pd.Series(delivered - posted, index=known.index)[lately].dropna()
    by_lane = days.groupby(lanes[days.index])
    mine = lanes[waiting.index]
    enough = by_lane.size().reindex(mine, fill_value=0).to_numpy() >= ENOUGH
    since = now - calendars.count(rows, marks(waiting)[:, 1])
    said = [
        np.where(enough, by_lane.quantile(quantile).reindex(mine), days.quantile(quantile)) for quantile in QUANTILES
    ]
    return np.maximum(np.stack(said, axis=1) - since[:, None], 1)


def pinball(quantile: float, said: pd.Series, took: pd.Series) -> float:
    """
    The mean loss of a quantile, in working days: a day too few costs ``quantile``, a day too many the rest of one.

    NaN when there is nothing to hold against each other.
    """
    late = took - said
    return float(np.maximum(quantile * late, (quantile - 1) * late).mean())


def losses(made: pd.DataFrame) -> pd.DataFrame:
    """
    By rival and quantile: ``forecasts``, its ``loss``, that of ours on the very same ones (``ours``), and the share
    that had come by the day it said (``came_by``).

    Only parcels that have come are counted, alike for all.
    """
    rows = []
    for rival in RIVALS:
        for quantile in QUANTILES:
            name = f"_{quantile * 100:.0f}"
            both = made.dropna(subset=["took", f"{rival}{name}", f"forecast{name}"])
            said, ours, took = both[f"{rival}{name}"], both[f"forecast{name}"], both["took"]
            rows.append(
                {
                    "rival": rival, "quantile": quantile, "forecasts": len(both), "loss": pinball(quantile, said, took),
                    "ours": pinball(quantile, ours, took), "came_by": float((took <= said).mean()),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def calibration(made: pd.DataFrame) -> pd.DataFrame:
    """By tenth of the probability said: ``forecasts``, the mean ``said``, and the share ``missed`` in truth."""
    sure = made.dropna(subset=["miss_probability", "missed"])
    tenth = np.minimum((sure["miss_probability"] * BINS).astype(int), BINS - 1)
    parts = sure.groupby(tenth)
    return pd.DataFrame(
        {"forecasts": parts.size(), "said": parts["miss_probability"].mean(), "missed": parts["missed"].mean()}
    )


def calibration_error(bins: pd.DataFrame) -> float:
    """How far what was said lies from what came, weighed by forecasts; 0 to 1, NaN without any."""
    return float(((bins["said"] - bins["missed"]).abs() * bins["forecasts"]).sum() / bins["forecasts"].sum())
