"""What forecasts are made of, and where they are kept."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from psycopg import Connection
from psycopg.rows import tuple_row

from rastro.errors import Permanent
from rastro.forecast import Calendars
from rastro.warehouse.queries import copy_in, run, statement

PARCELS = 100_000  # read at a time, some 100 MB
DAYS = ("ordered_on", "posted_on", "out_on", "attempted_on", "delivered_on", "ended_on", "promised_on")
# More than the working days that rastro.forecast looks back over; and more than a leg of its horizon before them.
TEACHING, LONGEST = timedelta(days=75), timedelta(days=150)
KEPT = timedelta(days=400)


def begin(conn: Connection[Any]) -> None:
    """Wait until nobody else is forecasting."""
    run(conn, "lock_forecasts")


def parcels(conn: Connection[Any], first: date, last: date) -> Iterator[pd.DataFrame]:
    """What forecasts of these days are made of, lot by lot, as :func:`rastro.forecast.known_on` wants it."""
    asked = {"since": first - TEACHING, "begun_since": first - LONGEST, "until": last}
    with conn.cursor("forecast_parcels", row_factory=tuple_row) as cursor:
        cursor.execute(statement("forecast_parcels"), asked, binary=True)
        columns = [column.name for column in cursor.description or ()]
        while rows := cursor.fetchmany(PARCELS):
            frame = pd.DataFrame(rows, columns=columns).set_index("shipment_id")
            for column in DAYS:
                frame[column] = pd.to_datetime(frame[column].astype("float64"), unit="D")
            yield frame


def estimates(conn: Connection[Any], until: date) -> pd.DataFrame:
    """Each estimate of a carrier's until then: ``shipment_id``, ``told_on``, ``estimated_on``."""
    rows = run(conn, "forecast_estimates", until=until).fetchall()
    frame = pd.DataFrame(rows, columns=["shipment_id", "told_on", "estimated_on"])
    return frame.astype({"told_on": "datetime64[s]", "estimated_on": "datetime64[s]"})


def calendars(conn: Connection[Any]) -> Calendars:
    """
    :raises Permanent: nothing has been reported yet.
    """
    rows = run(conn, "working_day_calendars").fetchall()
    if not rows:
        raise Permanent("There is no calendar of working days yet: run report_deliveries first, which makes it")
    return Calendars(
        first=min(row.first for row in rows),
        rows={(row.carrier, row.state): place for place, row in enumerate(rows)},
        counts=np.array([row.counts for row in rows]),
    )


def facts_reach(conn: Connection[Any]) -> date | None:
    """The last day of which the facts know all; None before the first report."""
    row = run(conn, "facts_reach").fetchone()
    return row.day if row else None


def is_told(conn: Connection[Any], day: date) -> bool:
    return run(conn, "forecasts_are_told", day=day).fetchone() is not None


def forget(conn: Connection[Any], day: date) -> None:
    """What was said at the end of that day, and what was said too long ago."""
    run(conn, "forget_forecasts", day=day, kept_since=day - KEPT)


def add(conn: Connection[Any], day: date, said: pd.DataFrame, now: datetime) -> int:
    """Keep what :func:`rastro.forecast.foresee` says, of that day; how many parcels."""
    dates = [dates_of(said[column]) for column in ("median_on", "p90_on", "promised_on")]
    chances = [None if np.isnan(one) else float(one) for one in said["miss_probability"].round(4)]
    rows = zip(said.index.tolist(), *dates, chances, said["lane_level"], said["sample"].tolist(), strict=True)
    return copy_in(
        conn,
        "copy_forecasts",
        (
            (shipment_id, day, median, p90, chance, promised, level, sample, now)
            for shipment_id, median, p90, promised, chance, level, sample in rows
        ),
    )


def dates_of(days: pd.Series) -> list[date | None]:
    return days.to_numpy("datetime64[D]").tolist()  # type: ignore[no-any-return]


def likeliest_late(conn: Connection[Any], most: int) -> list[Any]:
    return run(conn, "likeliest_late", most=most).fetchall()
