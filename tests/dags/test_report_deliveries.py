"""The reports' DAG, through the scheduler: after a run that loaded something, by a backfill, and by a person."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

pytestmark = pytest.mark.slow

DAG_ID = "report_deliveries"
DAY = timedelta(days=1)


def counted(job: Any) -> tuple[int, int]:
    """Delivered parcels by the facts, and by the days."""
    with psycopg.connect(job.shop.warehouse) as conn:
        row = conn.execute(
            "SELECT (SELECT count(*) FROM rastro.delivery_fact WHERE delivered_at IS NOT NULL),"
            " (SELECT coalesce(sum(delivered), 0) FROM rastro.carrier_day)"
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def delivered(job: Any) -> int:
    with psycopg.connect(job.shop.warehouse) as conn:
        row = conn.execute("SELECT count(*) FROM rastro.v_shipment WHERE status = 'delivered' AND skip = ''").fetchone()
    assert row is not None
    return int(row[0])


def ended(job: Any, run: dict[str, Any]) -> dict[str, Any]:
    return dict(job.stack.client.wait_for_run(DAG_ID, run["dag_run_id"]))


def test_what_a_run_loaded_is_reported_by_itself_and_a_backfill_and_a_person_change_nothing(job: Any) -> None:
    client = job.stack.client
    job.stack.wait_for_dags([DAG_ID])
    job.shop.send(30, kinds=["delivered"])
    for _ in range(8):
        run = job.run()
        assert run["state"] == "success", job.why(run["dag_run_id"])
        job.shop.world.advance()
    wanted = delivered(job)
    assert wanted >= 10
    deadline = time.monotonic() + 120
    while counted(job) != (wanted, wanted) and time.monotonic() < deadline:
        time.sleep(1)
    assert counted(job) == (wanted, wanted)
    runs = client.runs(DAG_ID)
    kinds = {run["run_type"] for run in runs}
    assert "asset_triggered" in kinds
    assert [ended(job, run)["state"] for run in runs] == ["success"] * len(runs)

    newest = next(run for run in runs if run["run_type"] == "asset_triggered")
    told = client.xcoms(DAG_ID, newest["dag_run_id"], "make_report")["return_value"]
    assert set(told) == {"parcels", "facts", "days"}
    assert "Reported: " in str(client.run(DAG_ID, newest["dag_run_id"])["note"])

    today = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    client.wait_for_backfill(int(client.backfill(DAG_ID, start=today - 6 * DAY, end=today)))
    made = [run for run in client.runs(DAG_ID) if run["run_type"] == "backfill"]
    assert len(made) >= 3, "the day that was reported by itself is not made again"
    assert [run["state"] for run in made] == ["success"] * len(made)
    for run in made:
        states = {one["task_id"]: one["state"] for one in client.task_instances(DAG_ID, run["dag_run_id"])}
        assert states == dict.fromkeys(("make_report", "forecast_deliveries", "find_claims"), "success")
    by_hand = client.trigger(DAG_ID, logical_date=datetime.now(UTC))
    assert client.wait_for_run(DAG_ID, by_hand)["state"] == "success"
    assert counted(job) == (wanted, wanted)
