"""
### Ask a person whether a channel may send more than its limit

**When** Never by itself: each run of `track_deliveries` that would have sent more on a channel than the setting
`most_notices` allows triggers it for that channel. **Owner** the data team.

**What** The request stands in Airflow under *Required Actions* (Browse), with what is owed and the limit. Look first:
at `rastro.open_notice`, or at a dry run. *Approve* triggers a run of `track_deliveries` that releases the channel;
*Reject*, or no answer until the next hour asks anew, sends nothing. What is owed goes on waiting.

**Safe to rerun?** Yes: it sends nothing itself, and what it triggers tells nothing twice.

**When it is red** The run it triggers could not be made; trigger `track_deliveries` by hand with *release*.
"""

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, dag

from rastro.models import Channel

UNTIL_ASKED_ANEW = timedelta(minutes=55)


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    doc_md=__doc__,
    tags=["rastro"],
    default_args={"owner": "data-team", "retries": 0},
    params={
        "channel": Param(Channel.EMAIL.value, type="string", enum=[one.value for one in Channel]),
        "why": Param("", type="string", description="What is owed, and the limit"),
    },
    is_paused_upon_creation=False,
)
def approve_release() -> None:
    approve = ApprovalOperator(
        task_id="approve",
        subject="Release {{ params.channel }}? {{ params.why }}",
        body="Approved, a run of track_deliveries sends all that is owed on it. Rejected, it goes on waiting.",
        defaults="Reject",
        response_timeout=UNTIL_ASKED_ANEW,
    )
    approve >> TriggerDagRunOperator(
        task_id="release", trigger_dag_id="track_deliveries", conf={"release": ["{{ params.channel }}"]}
    )


approve_release()
