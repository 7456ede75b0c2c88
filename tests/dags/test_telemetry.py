"""What a running Airflow sends to a collector while a run goes through its scheduler."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from rastro.metrics import METRICS, PREFIX
from telemetry import Collector, attributes

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)


def private_words(world: Any) -> set[str]:
    """What points at a person, a parcel or an order, or opens a door."""
    info = world.info()
    named = ("tracking_number", "email", "order_id", "marketplace_order_id")  # invoices' six digits stand in any id
    words = {parcel[name] for parcel in world.truth() for name in named if len(parcel[name] or "") > 8}
    return words | {info["vtex"]["app_token"], info["correios"]["access_code"], info["smtp"]["password"]}


def test_a_run_sends_every_metric_of_the_table_and_nobodys_data(job: Any, collector: Collector) -> None:
    job.shop.send(40, share_sql=0.5)
    run = job.run()
    assert run["state"] == "success", job.why(run["dag_run_id"])
    assert {name for name, _, _ in collector.metrics if ".rastro." in name} == {f"{PREFIX}.{name}" for name in METRICS}
    for name, labels in (
        ("airflow.rastro.carrier.references", {"carrier": "correios", "answer": "changed"}),
        ("airflow.rastro.calls", {"peer": "correios", "answer": "2xx"}),
    ):
        assert any(one == name and of == labels and value > 0 for one, value, of in collector.metrics), name
    private = {word.encode() for word in private_words(job.shop.world)}
    assert len(private) > 100
    assert not [word for word in private for body in collector.bodies if word in body]


def waited_for(found: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := found()) and time.monotonic() < deadline:
        time.sleep(0.25)
    return value


def told(collector: Collector, kind: str) -> list[str]:
    return [body["text"] for path, body in collector.posts if path == "/team" and body["kind"] == kind]


def test_a_failed_run_is_told_by_airflows_own_callback(job: Any, collector: Collector) -> None:
    assert job.run()["state"] == "success"  # whatever failed before is over
    before = len(told(collector, "run_failed"))
    run = job.run(window_start="2026-03-01T06:00:00Z", window_end="2026-03-01T05:00:00Z")
    assert run["state"] == "failed"
    (text,) = waited_for(lambda: told(collector, "run_failed")[before:])
    assert "docs/runbooks/run-failed.md" in text


def test_a_run_that_misses_its_deadline_is_told_while_it_is_not_over(
    job: Any, postgres: Any, collector: Collector
) -> None:
    """An hour is made to pass by moving the deadline, for a run that waits since another one goes before it."""
    before = len(told(collector, "run_late"))
    now = datetime.now(UTC)
    runs = [
        job.stack.client.trigger(
            job.dag_id, window=(now - HOUR, now), logical_date=now + timedelta(seconds=one), conf={}
        )
        for one in range(4)
    ]
    with psycopg.connect(postgres.dsn("airflow")) as conn:
        conn.execute("UPDATE deadline SET deadline_time = now() - interval '1 second' WHERE NOT missed")
    text, *_ = waited_for(lambda: told(collector, "run_late")[before:])
    assert "an hour after it was due" in text
    assert {job.stack.client.wait_for_run(job.dag_id, run_id)["state"] for run_id in runs} == {"success"}


def test_a_runs_trace_leads_from_the_run_to_its_slices_and_calls(job: Any, collector: Collector) -> None:
    job.shop.send(20)
    run_id = job.run()["dag_run_id"]
    spans = {one.span_id: one for one in collector.spans}
    ours = [one for one in spans.values() if attributes(one).get("rastro.run_id") == run_id]
    slices = [one for one in ours if one.name == "rastro.track"]
    calls = [one for one in ours if attributes(one).get("rastro.peer") == "correios"]
    assert slices
    assert calls
    assert {attributes(one)["rastro.part"].split()[0] for one in slices} == {"correios"}
    assert {one.parent_span_id for one in calls} <= {one.span_id for one in slices}
    assert {spans[one.parent_span_id].name for one in slices} <= {"worker.track.correios", *tasks_of(spans)}
    assert len({one.trace_id for one in ours}) == 1
    allowed = {
        "rastro.run_id", "rastro.peer", "server.address", "http.request.method", "http.response.status_code",
        "http.response.body.size",
    }  # fmt: skip
    assert {key for one in calls for key in attributes(one)} == allowed
    assert {attributes(one)["http.response.status_code"] for one in calls} == {200}


def tasks_of(spans: dict[bytes, Any]) -> set[str]:
    """Names of the spans that Airflow itself makes for tasks."""
    return {one.name for one in spans.values() if one.name.startswith("worker.")}


def test_another_teams_dag_runs_when_an_hour_is_loaded(job: Any) -> None:
    """The one of docs/watch.md, as it stands there."""
    client = job.stack.client
    job.stack.wait_for_dags(["deliveries_of_the_hour"])
    client.unpause("deliveries_of_the_hour")
    job.shop.send(10)
    run = job.run()
    (asset,) = [one for one in client.everything("/assets", "assets") if one["name"] == "rastro.tracking_event"]
    happened = [
        one
        for one in client.everything("/assets/events", "asset_events", asset_id=asset["id"])
        if one["extra"]["run_id"] == run["dag_run_id"]
    ]
    (event,) = happened
    assert event["extra"]["events"] >= 10
    assert event["source_task_id"] == "load_changes"
    (follower, *_) = waited_for(lambda: client.runs("deliveries_of_the_hour"))
    assert follower["run_type"] == "asset_triggered"
    done = client.wait_for_run("deliveries_of_the_hour", follower["dag_run_id"])
    assert done["state"] == "success"
