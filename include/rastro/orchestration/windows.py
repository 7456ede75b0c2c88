"""Which hour a run is responsible for."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rastro.errors import Misconfigured
from rastro.models import Window

HOUR = timedelta(hours=1)
TRIGGERED = frozenset({"manual", "operator_triggered"})  # by a person, or by another DAG


def window_of(context: Mapping[str, Any]) -> Window:
    """
    The run's window: the one typed into the trigger form, else its data interval, else the last full hour before it.

    A run that names its parcels asks about them as they are when it is triggered, so its window reaches until then.

    :param context: Airflow's task context.
    :raises Misconfigured: the form's times make no window.
    """
    params = context.get("params") or {}
    typed = (params.get("window_start"), params.get("window_end"))
    if any(typed):
        window = typed_window(*typed)
        if window.end > context["dag_run"].run_after:
            raise Misconfigured("window_end lies in the future: an hour can be covered when it has ended")
        return window
    if params.get("numbers"):
        triggered_at = context["dag_run"].run_after
        return Window(start=triggered_at - HOUR, end=triggered_at)
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    if start is not None and end is not None and start < end:
        return Window(start=start, end=end)
    last = context["dag_run"].run_after.replace(minute=0, second=0, microsecond=0)
    return Window(start=last - HOUR, end=last)


def chosen_window(context: Mapping[str, Any]) -> Window | None:
    """The window that somebody chose, by typing it or by a backfill; None for a run triggered without one."""
    params = context.get("params") or {}
    if params.get("window_start") or params.get("window_end") or context["dag_run"].run_type not in TRIGGERED:
        return window_of(context)
    return None


def typed_window(start: str | None, end: str | None) -> Window:
    if not start or not end:
        raise Misconfigured("Give both window_start and window_end, or neither")
    try:
        window = Window(start=moment(start), end=moment(end))
    except ValueError as error:
        raise Misconfigured(f"window_start and window_end must be ISO times: {error}") from error
    if window.start >= window.end:
        raise Misconfigured("window_start must lie before window_end")
    return window


def moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
