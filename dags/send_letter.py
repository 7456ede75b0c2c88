"""
### Mail what changed in the week's deliveries

**When** Each Monday, at 11:00 UTC, 8:00 in São Paulo. **Owner** the data team.

**What** Mails to the addresses of the setting `letter_to` what changed between the last whole week and the one before
it: promises kept by carrier and lane, the worst lanes, the best carrier of a lane, parcels that nobody scans; in
sentences, plots and a table. `rastro report` writes the same about any days as a page.

**Safe to rerun?** Yes: a week's letter is sent once. A run whose mail server broke off after it may have taken the
letter sends it once more, with the same Message-ID, half an hour later; then a person decides. It waits two hours
for a mail server that is away, and four for reports.

**When it is red** The log says in one line what to do: the reports have not come so far (run `report_deliveries`), or
the mail server or its settings. Nothing is sent twice; rerun the task.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag

from rastro.orchestration import letter_tasks
from rastro.orchestration.retry import RetryWhatMayHelp
from rastro.orchestration.steps import step


@dag(
    schedule="0 11 * * 1",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["rastro"],
    default_args={
        "owner": "data-team",
        "retries": 24,  # five or ten minutes apart: longer than an attempt is left to itself
        "retry_delay": timedelta(minutes=10),
        "retry_policy": RetryWhatMayHelp(),
    },
    dagrun_timeout=timedelta(hours=6),
    is_paused_upon_creation=False,
)
def send_letter() -> None:
    step(letter_tasks.send_letter)


send_letter()
