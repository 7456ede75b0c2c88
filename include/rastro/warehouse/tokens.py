"""Access tokens between tasks; encrypted by the caller, who holds the key."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Connection

from rastro.warehouse.queries import run


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    value: bytes = field(repr=False)
    expires_at: datetime


def lock(conn: Connection[Any], holder: str) -> None:
    """Until the transaction ends, nobody else may renew this holder's token."""
    run(conn, "lock_token", holder=holder)


def load(conn: Connection[Any], holder: str) -> Sealed | None:
    row = run(conn, "load_token", holder=holder).fetchone()
    return Sealed(value=row.sealed, expires_at=row.expires_at) if row else None


def save(conn: Connection[Any], holder: str, sealed: bytes, expires_at: datetime) -> None:
    run(conn, "save_token", holder=holder, sealed=sealed, expires_at=expires_at)
