"""
Writes on each run that sums itself up what it did, as the run's note in Airflow's UI.

Airflow calls this in the scheduler when a run has ended, with the run as it stands in the scheduler's own transaction:
what is set here is stored with it. It must never disturb the scheduler, so whatever goes wrong leaves no note.
"""

import json
import logging
from typing import Any

from airflow.listeners import hookimpl
from airflow.models.xcom import XComModel
from sqlalchemy import select
from sqlalchemy.orm import object_session

from rastro.orchestration.stages import SUMMARY

log = logging.getLogger(__name__)
SUMMED_UP_BY = {  # DAG → the task that does so
    "track_deliveries": "check_run",
    "erase_contents": "erase_contents",
    "report_deliveries": "make_report",
}


@hookimpl
def on_dag_run_success(dag_run: Any, msg: str) -> None:  # noqa: ARG001 -- Airflow names them
    write_note(dag_run)


@hookimpl
def on_dag_run_failed(dag_run: Any, msg: str) -> None:  # noqa: ARG001 -- likewise
    write_note(dag_run)


def write_note(dag_run: Any) -> None:
    """The summary that one of the run's tasks left, unless a person has written a note before."""
    try:
        if dag_run.dag_id not in SUMMED_UP_BY or dag_run.note:
            return
        session = object_session(dag_run)
        if session is None:
            return
        said = session.scalar(
            select(XComModel.value).where(
                XComModel.dag_id == dag_run.dag_id,
                XComModel.run_id == dag_run.run_id,
                XComModel.task_id == SUMMED_UP_BY[dag_run.dag_id],
                XComModel.key == SUMMARY,
            )
        )
        if said:
            dag_run.note = json.loads(said) if said.startswith('"') else said
    except Exception:
        log.warning("no note on the run %s", getattr(dag_run, "run_id", ""), exc_info=True)
