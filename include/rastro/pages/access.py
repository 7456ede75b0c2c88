"""
What the pages need of Airflow: who is asking and what they may, the warehouse, and the runs of our DAGs.

All of it is Airflow's inside and no public interface (read in 3.3.2), which is why it stands here alone. A plugin's
application is mounted beside Airflow's own and inherits no protection: each page asks for its own.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from airflow.api.common.trigger_dag import trigger_dag
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.configuration import conf
from airflow.exceptions import DagRunAlreadyExists
from airflow.models import DagModel, DagRun, TaskInstance
from airflow.models.backfill import ReprocessBehavior, _create_backfill
from airflow.sdk.exceptions import AirflowException
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType
from fastapi import Depends, HTTPException, Request
from psycopg import Connection
from sqlalchemy import select

from rastro.carriers.base import Carrier
from rastro.carriers.described import described
from rastro.carriers.registry import CARRIERS
from rastro.errors import Misconfigured
from rastro.orchestration.serving import stored
from rastro.orchestration.workshop import Workshop, conninfo_of, read_settings
from rastro.pages.routes import May
from rastro.settings import Settings
from rastro.warehouse.connect import opened_promptly

TRACK, ACT_BY_HAND, APPROVE, ERASE = "track_deliveries", "act_by_hand", "approve_release", "erase_contents"
REPORT = "report_deliveries"
DAGS = (TRACK, ACT_BY_HAND, APPROVE, ERASE, REPORT)
FINISHED = frozenset({"success", "failed"})


Guard = Callable[[Request, BaseUser], None]
GUARDS: Mapping[May, Guard] = {
    May.SEE: requires_access_dag("GET", DagAccessEntity.RUN, TRACK),
    May.ACT: requires_access_dag("POST", DagAccessEntity.RUN, ACT_BY_HAND),
    May.BACKFILL: requires_access_dag("POST", DagAccessEntity.RUN, TRACK),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who is asking."""

    name: str
    may: frozenset[May]

    @property
    def acts(self) -> bool:
        return May.ACT in self.may

    @property
    def backfills(self) -> bool:
        return May.BACKFILL in self.may


def visitor(request: Request, user: GetUserDep) -> Visitor:
    return Visitor(name=user.get_name(), may=frozenset(one for one in May if _is_let(GUARDS[one], request, user)))


def _is_let(guard: Guard, request: Request, user: BaseUser) -> bool:
    try:
        guard(request, user)
    except HTTPException:
        return False
    return True


Visiting = Annotated[Visitor, Depends(visitor)]


def is_own_origin(request: Request) -> bool:
    """
    Whether a form was sent by a page of ours. Browsers say so with every form and no page can say otherwise; the
    cookie that lets a person in is not sent from other sites at all.
    """
    origin = request.headers.get("origin", "")
    ours = {urlsplit(str(conf.get("api", "base_url", fallback=""))).netloc, request.headers.get("host", "")}
    return urlsplit(origin).netloc in ours - {""}


# The warehouse and the settings, read anew for each request, so that a change counts at once


def warehouse() -> Connection[Any]:
    """
    :raises RastroError: it cannot be opened.
    """
    name = read_settings().warehouse
    held = stored(name)
    if held is None:
        raise Misconfigured(f"The connection {name} (the warehouse) is missing: add it under Admin > Connections")
    return opened_promptly(conninfo_of(held))


def settings() -> Settings:
    """
    :raises Misconfigured: lists everything that is wrong.
    """
    return read_settings()


def carriers() -> Mapping[str, Carrier]:
    return _carriers(read_settings().carrier_files)


@cache
def _carriers(folder: str) -> Mapping[str, Carrier]:
    return {**CARRIERS, **described(Path(folder) if folder else None)}


def address_key() -> bytes:
    return Workshop.vault().hash_key


# Runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a DAG. ``tasks`` says how many of each task are in which state, in the order they began."""

    dag_id: str
    run_id: str
    state: str
    kind: str
    triggered_by: str
    queued_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    window_start: datetime | None
    window_end: datetime | None
    note: str = ""
    is_paused: bool = False
    tasks: tuple[tuple[str, Mapping[str, int]], ...] = ()

    @property
    def is_finished(self) -> bool:
        return self.state in FINISHED


def run_of(dag_id: str, run_id: str) -> Run | None:
    """A run of one of our DAGs; None where Airflow has none, or none any more."""
    with create_session() as session:
        found = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
        if found is None:
            return None
        paused = session.scalar(select(DagModel.is_paused).where(DagModel.dag_id == dag_id))
        rows = session.execute(
            select(TaskInstance.task_id, TaskInstance.state)
            .where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
            .order_by(TaskInstance.start_date.asc().nulls_last(), TaskInstance.task_id)
        )
        tasks: dict[str, Counter[str]] = {}
        for task_id, state in rows:
            tasks.setdefault(task_id, Counter())[str(state or "waiting")] += 1
        return _run(found, is_paused=bool(paused), tasks=tuple(tasks.items()))


def runs_of_hour(start: datetime, end: datetime) -> list[Run]:
    """The runs of track_deliveries whose window meets this hour, the newest first."""
    with create_session() as session:
        found = session.scalars(
            select(DagRun)
            .where(DagRun.dag_id == TRACK, DagRun.data_interval_start < end, DagRun.data_interval_end > start)
            .order_by(DagRun.run_after.desc())
            .limit(20)
        )
        return [_run(one) for one in found]


def _run(found: DagRun, **more: Any) -> Run:
    return Run(
        dag_id=found.dag_id,
        run_id=found.run_id,
        state=str(found.state),
        kind=str(found.run_type),
        triggered_by=found.triggering_user_name or "",
        queued_at=found.queued_at,
        started_at=found.start_date,
        ended_at=found.end_date,
        window_start=found.data_interval_start,
        window_end=found.data_interval_end,
        note=found.note or "",
        **more,
    )


def trigger(by: Visitor, wish: Mapping[str, str], once: str) -> str:
    """
    A run of act_by_hand with these values of its form; its run id. The same form sent twice begins one run.

    :raises Misconfigured: Airflow does not have the DAG, or refuses the values.
    """
    if not re.fullmatch(r"[0-9a-f]{16}", once):
        raise Misconfigured("Open the form anew: what was sent is not of one that this page made")
    said = hashlib.blake2b(repr(sorted(wish.items())).encode(), digest_size=4).hexdigest()
    run_id = f"by_hand__{once}{said}"
    try:
        trigger_dag(
            ACT_BY_HAND,
            run_id=run_id,
            triggered_by=DagRunTriggeredByType.UI,
            triggering_user_name=by.name,
            conf=dict(wish),
        )
    except DagRunAlreadyExists:
        pass
    except (AirflowException, ValueError) as error:
        raise Misconfigured(f"Airflow does not begin a run of {ACT_BY_HAND}: {error}") from error
    return run_id


def backfill(by: Visitor, first: datetime, last: datetime) -> None:
    """
    A backfill of the hours that begin from ``first`` to ``last``, both included; hours that have a run keep it, unless
    it failed.

    :raises Misconfigured: Airflow begins none, since one is running for instance.
    """
    try:
        _create_backfill(
            dag_id=TRACK,
            from_date=first,
            to_date=last,
            max_active_runs=1,
            reverse=False,
            dag_run_conf=None,
            triggering_user_name=by.name,
            reprocess_behavior=ReprocessBehavior.FAILED,
            run_on_latest_version=True,
        )
    except (AirflowException, ValueError) as error:
        raise Misconfigured(f"Airflow begins no backfill: {error}") from error
