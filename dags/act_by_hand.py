"""
### Do by hand what a person knows better

**When** Never by itself: by *Trigger*, by REST, or from the operators' pages. **Owner** the data team.

**What** One form for all manual work: tell of a parcel what its carrier does not, confirm a delivery, take that back,
ask now, send a mail once more, release or drop what waits for a person, pause, resume, ask another carrier, correct a
number, read the quarantine again; for one order, or for a table of many. All of it is done, or none is.

**What follows** `track_deliveries` is triggered for the orders concerned, so that order, customer and marketplace hear
of it at once, through the same outbox as ever, each thing once.

**Who did what** stands in `rastro.v_manual_action`: who, what, why, before and after.

**Safe to rerun?** Yes: what this run has done it does no second time.

**When it is red** Nothing was done; the log of `act` says in one line why. Correct the form and trigger it anew.
"""

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import dag, get_current_context

from rastro.orchestration import acts
from rastro.orchestration.links import task


@task()
def act(run_id: str) -> list[dict[str, object]]:
    return acts.act_by_hand(run_id, get_current_context())


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    max_active_runs=4,
    doc_md=__doc__,
    tags=["rastro"],
    default_args={"owner": "data-team", "retries": 0},
    dagrun_timeout=timedelta(hours=1),
    params=dict(acts.PARAMS),
    is_paused_upon_creation=False,
)
def act_by_hand() -> None:
    TriggerDagRunOperator.partial(task_id="track", trigger_dag_id="track_deliveries").expand(conf=act())


act_by_hand()
