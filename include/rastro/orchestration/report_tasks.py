"""The bodies of the tasks that report: what was asked and what was done, as in :mod:`rastro.orchestration.tasks`."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rastro.models import Window
from rastro.orchestration.stages import SUMMARY, stage
from rastro.orchestration.workshop import Workshop
from rastro.pipeline import report

OF_A_DAY = frozenset({"scheduled", "backfill"})  # the others take up where the last report was


def make_report(run_id: str, context: Mapping[str, Any]) -> dict[str, int]:
    """Bring the facts and the days of lanes up to date; how many of each."""
    shop = Workshop.open(run_id)
    with stage(shop, "make_report") as running, shop.connect() as conn:
        done = report.make_report(conn, day_of(context), shop.clock())
        running.figures = asdict(done)
    if ti := context.get("ti"):
        ti.xcom_push(key=SUMMARY, value=done.in_words())
    return asdict(done)


def day_of(context: Mapping[str, Any]) -> Window | None:
    """The day that the run is for; None when it was begun by an asset or by a person."""
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    if context["dag_run"].run_type not in OF_A_DAY or start is None or end is None:
        return None
    return Window(start=start, end=end)
