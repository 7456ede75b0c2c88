"""Whether the warehouse is what this version of the product works with."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import Connection

from rastro.errors import Misconfigured, Transient
from rastro.warehouse.migrate import revisions
from rastro.warehouse.queries import run


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """``is_ahead``: there is a partition for the events of next month. ``now`` is the server's own time."""

    revision: str
    now: datetime
    is_ahead: bool


def health(conn: Connection[Any]) -> Health:
    """
    :raises Misconfigured: the schema is not the newest, or there is none.
    :raises Transient: the server broke off.
    """
    try:
        revision = run(conn, "revision").fetchone()
        (state,) = run(conn, "health")
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        raise Misconfigured("The warehouse has no tables yet: make them with rastro migrate") from None
    except psycopg.Error as error:
        raise Transient(f"The warehouse broke off ({type(error).__name__})") from error
    held, known = revision.revision if revision else "", revisions()
    if held != known[0]:
        next_step = "bring it up to date with rastro migrate" if held in known else "this Rastro is too old for it"
        raise Misconfigured(f"The warehouse is at revision {held or 'none'}, and {known[0]} is wanted: {next_step}")
    return Health(revision=held, now=state.now, is_ahead=state.is_ahead)
