"""
### Follow every parcel and tell everyone who waits for it

**When** Hourly, for the hour that just ended. **Owner** the data team.

**What** Reads new shipments from the sources, asks carriers about those that are due and reads what others sent by
themselves, loads what changed into the warehouse, then writes it on the orders, mails customers, confirms deliveries to
marketplaces and alerts the shop.

**Safe to rerun?** Yes: any task, any run, any window, several at once. A parcel answered after a window's end is not
asked about again for it, and nobody is told the same thing twice; both are kept in the warehouse, not here.

**Backfill** Create one for the missed hours. Carriers answer with a parcel's whole history, so the first run asks and
the later ones find themselves covered. Events count for the hour they happened in. Old news is not mailed; deliveries
are confirmed whatever their age.

**Trigger by hand** The form narrows the run to an account, a carrier, or orders and tracking numbers pasted as they
are. A *dry run* sends nothing and keeps what it would send in `rastro.v_rehearsal`. *Reprocess* reads the answers that
were kept once more; *retry the quarantine* what was put aside; *release* lets a channel go on beyond its limit, which
else somebody is asked about, under Required Actions.

**When it is red** Everything that could be done has been done. The log of `check_run` lists what was not, each with
what to do; then rerun the failed tasks, or leave it to the next hour. `select * from rastro.v_open_problem` lists all
that waits for a person.
"""

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import CronDataIntervalTimetable, TaskGroup, TriggerRule, dag, get_current_context

from rastro.orchestration import incidents, tasks
from rastro.orchestration.form import PARAMS
from rastro.orchestration.links import branch, task
from rastro.orchestration.pools import POOLS
from rastro.orchestration.retry import RetryWhatMayHelp
from rastro.orchestration.steps import PLAN, for_each_planned, planned_by, step
from rastro.orchestration.tables import CHANGE, EVENT, SHIPMENT


@branch(trigger_rule=TriggerRule.ALL_DONE)
def plan_polls(run_id: str) -> list[str]:
    context = get_current_context()
    slices = tasks.plan_polls(run_id, context)
    context["ti"].xcom_push(key=PLAN, value=slices)
    return [f"track.slices_{carrier}" for carrier in slices]


@branch(trigger_rule=TriggerRule.ALL_DONE)
def choose_deliveries(run_id: str) -> list[str]:
    context = get_current_context()
    targets = tasks.open_targets(run_id, context)
    context["ti"].xcom_push(key=PLAN, value=targets)
    return [FIRST_STEP[channel] for channel in targets] or ["nothing_to_tell"]


FIRST_STEP = {
    "order": "update_orders.accounts",
    "email": "email_customers",
    "marketplace": "confirm_marketplaces.marketplaces",
    "alert": "alert_shop",
    tasks.REHEARSAL: "rehearse",
    tasks.HELD: "held_channels",
}


@task()
def nothing_to_tell() -> None:
    """Nobody is owed anything."""


@task(trigger_rule=TriggerRule.ALL_DONE, retries=0)
def check_run(run_id: str) -> dict[str, object]:
    context = get_current_context()
    return tasks.check_run(run_id, context, context["dag_run"].start_date, tasks.failed_tasks(context))


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
    deadline=incidents.DEADLINES,
    on_failure_callback=incidents.run_has_failed,
    params=dict(PARAMS),
)
def track_deliveries() -> None:
    planned, chosen, checked = plan_polls(), choose_deliveries(), check_run()
    loaded = step(tasks.load_changes, outlets=[EVENT, CHANGE], trigger_rule=TriggerRule.ALL_DONE, retries=2)
    tellers = [step(tasks.email_customers), step(tasks.alert_shop), step(tasks.rehearse), nothing_to_tell()]
    with TaskGroup("track", tooltip="One mapped task per carrier, in the carrier's pool"):
        for carrier in POOLS:
            options = {"task_id": carrier, "pool": carrier}
            for_each_planned(planned, carrier, f"slices_{carrier}", tasks.track_slice, loaded, **options)
    with TaskGroup("update_orders", tooltip="Write tracking and delivery on the orders, per account"):
        for_each_planned(chosen, "order", "accounts", tasks.update_orders, checked, task_id="write")
    with TaskGroup("confirm_marketplaces", tooltip="Confirm deliveries, per marketplace"):
        for_each_planned(chosen, "marketplace", "marketplaces", tasks.confirm_marketplaces, checked, task_id="confirm")
    held = planned_by.override(task_id="held_channels")("choose_deliveries", tasks.HELD)
    asked = TriggerDagRunOperator.partial(task_id="ask_for_release", trigger_dag_id="approve_release").expand(conf=held)
    chosen >> held
    asked >> checked
    synced = step(tasks.sync_orders, outlets=[SHIPMENT])
    received = step(tasks.receive_news, trigger_rule=TriggerRule.ALL_DONE)
    synced >> [planned, received]
    received >> loaded
    loaded >> chosen >> tellers >> checked


track_deliveries()
