"""What is kept for people: the quarantine, and what each stage of each run did."""

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from rastro.warehouse.queries import run


def quarantine(
    conn: Connection[Any],
    *,
    origin: str,
    subject: str,
    reason: str,
    detail: str,
    raw: bytes,
    now: datetime,
    run_id: str,
) -> None:
    """
    Keep aside what could not be read or addressed; the same thing again is counted, not listed twice.

    :param origin: carrier code or account. :param subject: reference or order. :param reason: short and stable.
    """
    run(
        conn, "add_quarantine", origin=origin, subject=subject, reason=reason, detail=detail,
        raw=zlib.compress(raw) if raw else None, now=now, run_id=run_id,
    )  # fmt: skip


def put_aside_of(conn: Connection[Any], origin: str, subjects: Sequence[str]) -> set[str]:
    """The subjects that there are open entries about, for :func:`resolve_quarantine`."""
    return {row.read for row in run(conn, "put_aside_of", origin=origin, subjects=list(subjects))}


def resolve_quarantine(conn: Connection[Any], origin: str, subjects: Sequence[str], now: datetime) -> int:
    """Close the open entries about these subjects, since they have been read after all; how many."""
    return run(conn, "resolve_quarantine", origin=origin, subjects=list(subjects), now=now).rowcount


def forget_slices(conn: Connection[Any], run_id: str) -> None:
    """Drop the records of a run's slices, since it is planned anew."""
    run(conn, "forget_slices", run_id=run_id)


def add_stage(
    conn: Connection[Any],
    *,
    run_id: str,
    stage: str,
    part: str,
    started_at: datetime,
    finished_at: datetime,
    figures: Mapping[str, object],
    calls: Mapping[str, object],
    trouble: str = "",
) -> None:
    """Record what a stage of a run did; a rerun of it replaces the record."""
    run(
        conn, "add_stage", run_id=run_id, stage=stage, part=part, started_at=started_at, finished_at=finished_at,
        figures=Jsonb(dict(figures)), calls=Jsonb(dict(calls)), trouble=trouble,
    )  # fmt: skip
