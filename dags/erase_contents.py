"""
### Erase what has been kept long enough

**When** Once a day, at 4:30 UTC, and at once where it is new. **Owner** the data team.

**What** Erases from the warehouse texts of messages, whom they went to, proofs of delivery, raw answers of carriers,
bodies in quarantine, what dry runs worked out and links that lead nowhere, each when it is older than the settings
`keep_contents`, `keep_contacts`, `sync_horizon` and `tracking_link_for` say. Facts, states and what was told when stay.
Nothing is erased of whom a mail is still owed to.

**How many** of each kind stands in the run's note, in the log of `erase_contents` and in what the task returns.

**Safe to rerun?** Yes: some thousand rows are erased and committed at a time, and what is erased is not old any more.
It may run beside `track_deliveries` and beside itself, and catches up after days of being paused.

**When it is red** The warehouse could not be reached or was too busy; the log says so in one line. Nothing is half
erased. Rerun the task, or leave it to the next day.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag

from rastro.orchestration import tasks
from rastro.orchestration.retry import RetryWhatMayHelp
from rastro.orchestration.steps import step


@dag(
    schedule="30 4 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    doc_md=__doc__,
    tags=["rastro"],
    default_args={
        "owner": "data-team",
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "retry_policy": RetryWhatMayHelp(),
    },
    dagrun_timeout=timedelta(hours=6),
    is_paused_upon_creation=False,
)
def erase_contents() -> None:
    step(tasks.erase_contents)


erase_contents()
