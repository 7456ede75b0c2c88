"""The body of the task that forecasts, as in :mod:`rastro.orchestration.tasks`."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from rastro.orchestration.report_tasks import day_of
from rastro.orchestration.stages import stage
from rastro.orchestration.workshop import Workshop
from rastro.pipeline.report import local_day


def forecast_deliveries(run_id: str, context: Mapping[str, Any]) -> dict[str, int]:
    """
    Say of each parcel what was to be expected at the end of the run's day; how many there are.

    A run that is for no day does so for yesterday.

    :raises AirflowSkipException: such a run finds it said already.
    """
    from rastro.pipeline.forecast import forecast_deliveries as forecast_day  # noqa: PLC0415  pandas is slow to load,
    from rastro.warehouse.forecast import is_told  # noqa: PLC0415  and this DAG is parsed many times a day

    shop = Workshop.open(run_id)
    window = day_of(context)
    now: datetime = shop.clock()
    day = local_day(window.end if window else now) - timedelta(days=1)
    with shop.connect() as conn:
        if window is None and is_told(conn, day):
            raise AirflowSkipException(f"What was to be expected at the end of {day} has been said already")
        with stage(shop, "forecast_deliveries") as running:
            done = asdict(forecast_day(conn, day, now))
            running.figures = dict(done)
    return done
