"""A DAG of the shape of ``track_deliveries`` in an hour in which nothing is due, whose tasks do nothing."""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import TaskGroup, TriggerRule, dag

from rastro.orchestration.links import branch, task
from rastro.orchestration.pools import POOLS

CHANNELS = ("order", "marketplace")
TELLERS = ("email_customers", "alert_shop", "rehearse", "ask_for_release")


def nothing(name: str, **options: Any) -> Any:
    @task(task_id=name, **options)
    def do() -> None:
        """Nothing."""

    return do


def nothing_each(name: str, parts: Any) -> Any:
    @task(task_id=name)
    def do(part: object) -> None:
        """Nothing."""

    return do.expand(part=parts)


@branch(trigger_rule=TriggerRule.ALL_DONE)
def plan_polls() -> list[str]:
    return []


@branch(trigger_rule=TriggerRule.ALL_DONE)
def choose_deliveries() -> list[str]:
    return ["nothing_to_tell"]


@task()
def parts_of() -> list[int]:
    return []


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), max_active_tasks=32)
def same_shape() -> None:
    planned, chosen = plan_polls(), choose_deliveries()
    checked = nothing("check_run", trigger_rule=TriggerRule.ALL_DONE)()
    loaded = nothing("load_changes", trigger_rule=TriggerRule.ALL_DONE)()
    with TaskGroup("track"):
        for carrier in POOLS:
            parts = parts_of.override(task_id=f"slices_{carrier}")()
            planned >> parts
            nothing_each(carrier, parts) >> loaded
    for channel in CHANNELS:
        parts = parts_of.override(task_id=f"parts_{channel}")()
        chosen >> parts
        nothing_each(f"tell_{channel}", parts) >> checked
    synced = nothing("sync_orders")()
    received = nothing("receive_news", trigger_rule=TriggerRule.ALL_DONE)()
    synced >> [planned, received]
    received >> loaded
    loaded >> chosen >> [nothing(name)() for name in (*TELLERS, "nothing_to_tell")] >> checked


same_shape()
