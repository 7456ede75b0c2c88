"""Airflow's own backfill, by REST and by command line, through the scheduler, beside runs that are made meanwhile."""

import re
import subprocess
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)
ASKED = re.compile("codigosObjetos=([A-Z0-9]+)")


def since(job: Any, began: datetime) -> list[dict[str, Any]]:
    """The requests that came in from a moment on."""
    return [one for one in job.shop.world.requests() if datetime.fromisoformat(one["time"]) >= began]


def asked(job: Any, began: datetime) -> Counter[str]:
    """How often the carrier was asked about each number."""
    return Counter(number for call in since(job, began) for number in ASKED.findall(call["path"]))


def mailed(job: Any) -> Counter[tuple[str, ...]]:
    """How often each address was told each thing."""
    return Counter((*mail["rcpt_tos"], mail["subject"]) for mail in job.shop.world.mails())


def by_rest(job: Any, start: datetime, end: datetime) -> int:
    return int(job.stack.client.backfill(job.dag_id, start=start, end=end))


def by_command_backwards(job: Any, start: datetime, end: datetime) -> int:
    arguments = ("--dag-id", job.dag_id, "--from-date", start.isoformat(), "--to-date", end.isoformat())
    done = subprocess.run(
        job.stack.command("backfill", "create", *arguments, "--run-backwards", "--max-active-runs", "2"),
        env=job.stack.environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    backfills = job.stack.client.everything("/backfills", "backfills", dag_id=job.dag_id)
    return max(int(one["id"]) for one in backfills)


def runs_of(job: Any, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """The backfill's runs, by their hour."""
    runs = [run for run in job.stack.client.runs(job.dag_id) if run["run_type"] == "backfill"]
    inside = [run for run in runs if start <= datetime.fromisoformat(run["logical_date"]) <= end]
    return sorted(inside, key=lambda run: str(run["logical_date"]))


@pytest.mark.parametrize(("create", "hours_back"), [(by_rest, 60), (by_command_backwards, 90)], ids=["rest", "command"])
def test_a_backfill_beside_other_runs_asks_about_each_parcel_once_and_tells_nobody_twice(
    job: Any, create: Callable[[Any, datetime, datetime], int], hours_back: int
) -> None:
    job.shop.send(40, share_sql=0.5, seed=hours_back)
    job.shop.world.advance()
    began = datetime.now(UTC)
    start = began.replace(minute=0, second=0, microsecond=0) - hours_back * HOUR
    end = start + 2 * HOUR
    told_before = mailed(job)
    with ThreadPoolExecutor(1) as beside:
        manual = beside.submit(job.run, (began - HOUR, began))
        job.stack.client.wait_for_backfill(create(job, start, end))
    assert manual.result()["state"] == "success", job.why(manual.result()["dag_run_id"])

    runs = runs_of(job, start, end)
    assert [run["state"] for run in runs] == ["success"] * 3, [job.why(run["dag_run_id"]) for run in runs]
    starts = [datetime.fromisoformat(run["start_date"]) for run in runs]
    backwards = create is by_command_backwards
    assert starts[0] > starts[-1] if backwards else starts[0] < starts[-1]

    looked_at = asked(job, began)
    assert len(looked_at) >= 40
    assert set(looked_at.values()) == {1}
    new = mailed(job) - told_before
    assert new
    assert set(new.values()) == {1}
    ids = [mail["message_id"] for mail in job.shop.world.mails()]
    assert len(ids) == len(set(ids))
    written = Counter((one["path"], one["body"]) for one in since(job, began) if one["method"] == "PUT")
    assert written
    assert set(written.values()) == {1}
    with psycopg.connect(job.shop.warehouse) as conn:
        changes = conn.execute(
            "SELECT count(*), count(*) FILTER (WHERE window_start <= occurred_at AND occurred_at < window_start + '1h')"
            " FROM rastro.shipment_change WHERE recorded_at >= %s AND occurred_at IS NOT NULL",
            [began],
        ).fetchone()
    assert changes is not None
    assert changes[0] == changes[1] > 20
