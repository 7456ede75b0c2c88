"""Five thousand parcels in one run: how many tasks and calls it takes, and, printed, how many seconds."""

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

pytestmark = pytest.mark.slow

PARCELS = 5_000
MOST_TASKS = 64
MOST_CALLS = 110
ASKED = re.compile("codigosObjetos=([A-Z0-9]+)")


def seconds_of(record: dict[str, Any]) -> float:
    start, end = (datetime.fromisoformat(record[name]) for name in ("start_date", "end_date"))
    return (end - start).total_seconds()


def measured(job: Any, title: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """One run over the hour up to now: its tracking tasks, and the calls that Correios received meanwhile."""
    began = datetime.now(UTC)
    run = job.run()
    assert run["state"] == "success", job.why(run["dag_run_id"])
    tasks = job.stack.client.task_instances(job.dag_id, run["dag_run_id"])
    steps = Counter[str]()
    for task in tasks:
        if task["state"] == "success":
            steps[task["task_id"]] += round(seconds_of(task), 1)
    print(f"\n{title}: {seconds_of(run):.1f} s; " + ", ".join(f"{name} {spent:.1f}" for name, spent in steps.items()))  # noqa: T201 - the figure is what one runs this for
    calls = [
        one
        for one in job.shop.world.requests()
        if one["path"].startswith("/correios/") and datetime.fromisoformat(one["time"]) >= began
    ]
    return [task for task in tasks if task["task_id"] == "track.correios"], calls


def asked(calls: list[dict[str, Any]]) -> Counter[str]:
    return Counter(number for call in calls for number in ASKED.findall(call["path"]))


def test_five_thousand_parcels_take_few_tasks_and_calls_at_first_contact_and_when_nothing_is_new(job: Any) -> None:
    job.shop.send(PARCELS, share_sql=0.0, kinds=["delivered"], variants=["own"])

    for title in ("5,000 parcels seen for the first time", "5,000 parcels without news"):
        tracking, calls = measured(job, title)

        numbers = asked(calls)
        assert len(numbers) >= PARCELS
        assert set(numbers.values()) == {1}
        assert 1 <= len(tracking) <= MOST_TASKS
        assert len(calls) <= MOST_CALLS
