"""
### Work out which carrier keeps its word

**When** After each run of `track_deliveries` that loaded something, for what was recorded since the last report; and
each midnight of America/Sao_Paulo, for the day that just ended. **Owner** the data team.

**What** Fills `rastro.delivery_fact`, one row for each parcel: when it was posted, tried and delivered, in how many
working days, whether the promise was kept, how long it stayed where, what was told of it; and `rastro.carrier_day`,
what happened to the parcels of each lane on each day. The first run takes the whole history. What each column means,
with its formula, stands in the docs under *Reports*.

Then `forecast_deliveries` fills `rastro.forecast`: when each parcel on its way is to be expected, and how likely its
promise is missed, by what was known at the end of the day. Runs between two midnights skip it once it is done.

**How many** parcels and days stands in the run's note, in the log of `make_report` and in what the task returns.

**Safe to rerun?** Yes: facts are worked out anew from all that is known, and days are counted from facts. Runs wait for
one another, and none of them sends anything.

**Backfill** Create one for the missed days, in any order. It is seldom needed: how far the reports have come is kept in
the warehouse, and the next run takes up from there.

**When it is red** Nothing was written; the log says why in one line. Rerun the task, or leave it to the next run.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import AssetOrTimeSchedule, CronDataIntervalTimetable, dag

from rastro.orchestration import forecast_tasks, report_tasks
from rastro.orchestration.retry import RetryWhatMayHelp
from rastro.orchestration.steps import step
from rastro.orchestration.tables import CARRIER_DAY, EVENT, FACT, FORECAST


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronDataIntervalTimetable("0 0 * * *", timezone="America/Sao_Paulo"), assets=[EVENT]
    ),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["rastro"],
    default_args={
        "owner": "data-team",
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "retry_policy": RetryWhatMayHelp(),
    },
    dagrun_timeout=timedelta(hours=3),
    is_paused_upon_creation=False,
)
def report_deliveries() -> None:
    reported = step(report_tasks.make_report, outlets=[FACT, CARRIER_DAY])
    reported >> step(forecast_tasks.forecast_deliveries, outlets=[FORECAST])


report_deliveries()
