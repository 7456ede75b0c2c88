"""One run without a scheduler: the bodies of the DAG's tasks, in the DAG's order."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from rastro.models import Window

Body = Callable[[], Any]
# Runs one body and gives what it returns; None when it failed, as a failed task leaves nothing behind.
Attempt = Callable[[str, Body], Any]


def context_of(
    window: Window, run_after: datetime, *, run_type: str = "scheduled", params: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What the bodies read of Airflow's context."""
    return {
        "data_interval_start": window.start,
        "data_interval_end": window.end,
        "params": dict(params or {}),
        "dag_run": SimpleNamespace(run_after=run_after, run_type=run_type),
    }


def run_hour(
    run_id: str, context: Mapping[str, Any], began: datetime, attempt: Attempt, failed: Callable[[], Collection[str]]
) -> Mapping[str, Any]:
    """
    All task bodies, each whatever became of those before it; what ``check_run`` returned.

    :param attempt: how a body is run, by the task's name; a mapped task's name ends in what it is about.
    :param failed: names of the tasks that have failed so far.
    """
    from rastro.orchestration import tasks

    attempt("sync_orders", lambda: tasks.sync_orders(run_id, context))
    plan = attempt("plan_polls", lambda: tasks.plan_polls(run_id, context)) or {}
    for carrier, parts in plan.items():
        for part in parts:
            attempt(f"track.{carrier}", lambda part=part: tasks.track_slice(run_id, context, part))
    attempt("receive_news", lambda: tasks.receive_news(run_id, context))
    attempt("load_changes", lambda: tasks.load_changes(run_id, context))
    targets = attempt("choose_deliveries", lambda: tasks.open_targets(run_id, context)) or {}
    for account in targets.get("order", []):
        attempt(f"update_orders.{account}", lambda at=account: tasks.update_orders(run_id, context, at))
    if "email" in targets:
        attempt("email_customers", lambda: tasks.email_customers(run_id, context))
    if "alert" in targets:
        attempt("alert_shop", lambda: tasks.alert_shop(run_id, context))
    for market in targets.get("marketplace", []):
        attempt(f"confirm.{market}", lambda at=market: tasks.confirm_marketplaces(run_id, context, at))
    if tasks.REHEARSAL in targets:
        attempt("rehearse", lambda: tasks.rehearse(run_id, context))
    return attempt("check_run", lambda: tasks.check_run(run_id, context, began, failed())) or {}
