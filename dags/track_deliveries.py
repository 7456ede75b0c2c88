"""
### Follow every parcel and tell everyone who waits for it

**When** Hourly, for the hour that just ended. **Owner** the data team.

**What** Reads new shipments from the sources, asks carriers about those that are due, loads what changed into the
warehouse, then writes it on the orders, mails customers and confirms deliveries to marketplaces.

**Safe to rerun?** Yes: any task, any run, any window, several at once. A parcel answered after a window's end is not
asked about again for it, and nobody is told the same thing twice; both are kept in the warehouse, not here.

**Backfill** Create one for the missed hours. Carriers answer with a parcel's whole history, so the first run asks and
the later ones find themselves covered. Events count for the hour they happened in. Old news is not mailed; deliveries
are confirmed whatever their age.

**When it is red** Everything that could be done has been done. The log of `check_run` lists what was not, each with
what to do; then rerun the failed tasks, or leave it to the next hour. `select * from rastro.v_open_problem` lists all
that waits for a person.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import CronDataIntervalTimetable, Param, TaskGroup, TriggerRule, dag, get_current_context, task

from rastro.orchestration import tasks
from rastro.orchestration.pools import POOLS
from rastro.orchestration.retry import RetryWhatMayHelp

PLAN = "plan"  # the XCom key under which a branch leaves the lists that the tasks behind it are mapped over
TIME: dict[str, Any] = {"type": ["string", "null"], "format": "date-time", "description": "Not the run's own hour"}


@task
def sync_orders(run_id: str) -> dict[str, object]:
    return tasks.sync_orders(run_id)


@task.branch(trigger_rule=TriggerRule.ALL_DONE)
def plan_polls(run_id: str) -> list[str]:
    context = get_current_context()
    slices = tasks.plan_polls(run_id, context)
    context["ti"].xcom_push(key=PLAN, value=slices)
    return [f"track.slices_{carrier}" for carrier in slices]


@task
def planned_by(branch: str, name: str) -> list[Any]:
    plan = get_current_context()["ti"].xcom_pull(task_ids=branch, key=PLAN)
    return list(plan[name])


@task(map_index_template="{{ label }}")
def track(part: dict[str, Any], run_id: str) -> dict[str, int]:
    context = get_current_context()
    context["label"] = f"{part['first']}–{part['last']}: {part['size']}"  # type: ignore[typeddict-unknown-key]
    return tasks.track_slice(run_id, context, part)


@task(trigger_rule=TriggerRule.ALL_DONE, retries=2)
def load_changes(run_id: str) -> dict[str, object]:
    return tasks.load_changes(run_id)


@task.branch(trigger_rule=TriggerRule.ALL_DONE)
def choose_deliveries(run_id: str) -> list[str]:
    targets = tasks.open_targets(run_id)
    get_current_context()["ti"].xcom_push(key=PLAN, value=targets)
    return [FIRST_STEP[channel] for channel in targets] or ["nothing_to_tell"]


FIRST_STEP = {
    "order": "update_orders.accounts",
    "email": "email_customers",
    "marketplace": "confirm_marketplaces.marketplaces",
}


@task(map_index_template="{{ label }}")
def update_orders(target: str, run_id: str) -> dict[str, int]:
    get_current_context()["label"] = target  # type: ignore[typeddict-unknown-key]
    return tasks.update_orders(run_id, target)


@task
def email_customers(run_id: str) -> dict[str, int]:
    return tasks.email_customers(run_id)


@task(map_index_template="{{ label }}")
def confirm_marketplaces(target: str, run_id: str) -> dict[str, int]:
    get_current_context()["label"] = target  # type: ignore[typeddict-unknown-key]
    return tasks.confirm_marketplaces(run_id, target)


@task
def nothing_to_tell() -> None:
    """Nobody is owed anything."""


@task(trigger_rule=TriggerRule.ALL_DONE, retries=0)
def check_run(run_id: str) -> dict[str, object]:
    context = get_current_context()
    return tasks.check_run(run_id, context["dag_run"].start_date, tasks.failed_tasks(context))


@dag(
    schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=32,
    doc_md=__doc__,
    tags=["rastro"],
    default_args={"owner": "data-team", "retries": 1, "retry_policy": RetryWhatMayHelp()},
    dagrun_timeout=timedelta(hours=3),
    params={"window_start": Param(None, **TIME), "window_end": Param(None, **TIME)},
)
def track_deliveries() -> None:
    planned, loaded, chosen, checked = plan_polls(), load_changes(), choose_deliveries(), check_run()
    with TaskGroup("track", tooltip="One mapped task per carrier, in the carrier's pool"):
        for carrier in POOLS:
            slices = planned_by.override(task_id=f"slices_{carrier}")("plan_polls", carrier)
            planned >> slices
            track.override(task_id=carrier, pool=carrier).expand(part=slices) >> loaded
    with TaskGroup("update_orders", tooltip="Write tracking and delivery on the orders, per account"):
        accounts = planned_by.override(task_id="accounts")("choose_deliveries", "order")
        chosen >> accounts
        update_orders.override(task_id="write").expand(target=accounts) >> checked
    with TaskGroup("confirm_marketplaces", tooltip="Confirm deliveries, per marketplace"):
        marketplaces = planned_by.override(task_id="marketplaces")("choose_deliveries", "marketplace")
        chosen >> marketplaces
        confirm_marketplaces.override(task_id="confirm").expand(target=marketplaces) >> checked
    sync_orders() >> planned
    loaded >> chosen >> [email_customers(), nothing_to_tell()] >> checked


track_deliveries()
