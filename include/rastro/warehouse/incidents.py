"""The memory of what the data team was alerted of. Every function works in the caller's transaction."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from psycopg import Connection

from rastro.incidents import Incident, Kind
from rastro.warehouse.queries import run


def begin(conn: Connection[Any], found: Iterable[Incident]) -> None:
    for one in found:
        run(conn, "open_incident", kind=one.kind, subject=one.subject, said=one.said, began_at=one.began_at)


def end_others(conn: Connection[Any], kind: Kind, subjects: Collection[str], now: datetime) -> None:
    """Those of the kind are over that are not about one of these."""
    run(conn, "resolve_incidents", kind=kind, subjects=list(subjects), now=now)


def next_untold(conn: Connection[Any], way: str, after: int) -> tuple[int, Incident] | None:
    """The next one after that id, and nobody else is given it until the transaction ends."""
    row = run(conn, "next_untold", way=way, after=after).fetchone()
    if row is None:
        return None
    incident = Incident(kind=Kind(row.kind), subject=row.subject, said=row.said, began_at=row.began_at)
    return row.incident_id, incident


def note_told(conn: Connection[Any], incident_id: int, way: str) -> None:
    run(conn, "note_told", incident_id=incident_id, way=way)


def troubled_parts(conn: Connection[Any], run_id: str) -> list[tuple[str, str]]:
    """Each part of a run that met trouble, and the trouble."""
    return [(row.part, row.trouble) for row in run(conn, "troubled_parts", run_id=run_id)]
