"""A history of deliveries in files, to try forecasts on without a warehouse."""

from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from rastro.errors import Permanent
from rastro.forecast import LANE, MARKS, Calendars
from rastro.working_days import calendars

DAYS = [*MARKS, "ended_on", "promised_on"]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """``parcels`` and ``estimates`` as :func:`rastro.backtest.trials` wants them; ``until``, the newest day in them."""

    parcels: pd.DataFrame
    estimates: pd.DataFrame
    calendars: Calendars
    until: date


def read(folder: Path) -> History:
    """
    ``parcels.csv`` has ``shipment_id``, the lane, the days of what happened, ``cancelled`` (True or False);
    ``estimates.csv`` has ``shipment_id``, ``told_on``, ``estimated_on``.

    :raises Permanent: a file has other columns, or a day is none.
    :raises OSError: there is no such file.
    """
    try:
        parcels = pd.read_csv(
            folder / "parcels.csv", index_col="shipment_id", dtype=dict.fromkeys(LANE, str), parse_dates=DAYS,
            date_format="%Y-%m-%d", keep_default_na=False, na_values=dict.fromkeys(DAYS, ""),
        )  # fmt: skip
        estimates = pd.read_csv(
            folder / "estimates.csv", parse_dates=["told_on", "estimated_on"], date_format="%Y-%m-%d"
        )
        days = parcels[DAYS].astype("datetime64[s]")
        parcels[DAYS] = days
    except (ValueError, KeyError) as error:
        raise Permanent(f"The history in {folder} cannot be read: {error}") from error
    until = parcels[list(MARKS)].max().max().date()
    return History(
        parcels=parcels, estimates=estimates, until=until,
        calendars=calendars_of(days.min().min().year, days.max().max().year + 1),
    )  # fmt: skip


def calendars_of(first_year: int, last_year: int) -> Calendars:
    """Those of Brazil for these years."""
    counts = {
        key: [one.ordinal for one in several]
        for key, several in groupby(calendars(first_year, last_year), lambda one: (one.carrier, one.state))
    }
    return Calendars(
        first=date(first_year, 1, 1),
        rows={key: place for place, key in enumerate(counts)},
        counts=np.array(list(counts.values())),
    )
