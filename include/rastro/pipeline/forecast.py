"""Say of each parcel on its way when it will come and how likely its promise is missed; and how good that was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd
from psycopg import Connection

from rastro.backtest import trials
from rastro.errors import Permanent
from rastro.forecast import Counts, count, foresee, known_on, learn, pending, together
from rastro.warehouse import forecast

LIKELY = 0.5


@dataclass(slots=True, kw_only=True)
class Figures:
    """Parcels on their way, those that a day could be told of, and those likelier than not to miss their promise."""

    parcels: int = 0
    dated: int = 0
    likely_late: int = 0

    def add(self, said: pd.DataFrame) -> None:
        self.parcels += len(said)
        self.dated += int(said["median_on"].notna().sum())
        self.likely_late += int((said["miss_probability"] > LIKELY).sum())


def forecast_deliveries(conn: Connection[Any], day: date, now: datetime) -> Figures:
    """
    Forecasts of one day, from what was known at its end, in one transaction; those made of it before are replaced.

    :raises Permanent: nothing has been reported yet.
    """
    figures = Figures()
    with conn.transaction():
        forecast.begin(conn)
        calendars = forecast.calendars(conn)
        forecast.forget(conn, day)
        counts: Counts | None = None
        waiting: list[pd.DataFrame] = []
        for lot in forecast.parcels(conn, day, day):
            known = known_on(lot, day)
            counted = count(known, calendars, day)
            counts = together(counts, counted) if counts else counted
            waiting.append(pending(known))
        if counts:
            curves = learn(counts)
            for lot in waiting:
                said = foresee(curves, lot, calendars, day)
                forecast.add(conn, day, said, now)
                figures.add(said)
    return figures


def try_again(conn: Connection[Any], days: Sequence[date]) -> pd.DataFrame:
    """
    Forecasts made anew for days gone by, as :func:`rastro.backtest.trials` gives them.

    :raises Permanent: nothing has been reported yet.
    """
    until = forecast.facts_reach(conn)
    calendars = forecast.calendars(conn)
    lots = [*forecast.parcels(conn, days[0], days[-1])]
    if until is None or not lots:
        raise Permanent("There are no facts to try forecasts on: run report_deliveries first, which makes them")
    return trials(pd.concat(lots), forecast.estimates(conn, days[-1]), calendars, days, until)
