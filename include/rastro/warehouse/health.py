"""Whether the warehouse is what this version of the product works with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import Connection

from rastro.errors import Misconfigured, Transient
from rastro.warehouse.queries import run
from rastro.warehouse.revisions import revisions


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """``is_ahead``: there is a partition for the events of next month. ``now`` is the server's own time."""

    revision: str
    now: datetime
    is_ahead: bool


def health(conn: Connection[Any]) -> Health:
    """
    :raises Misconfigured: the schema is not the newest, there is none, or it was restored.
    :raises Transient: the server broke off.
    """
    revision = current(conn)
    at_home(conn)
    with breaking_off():
        (state,) = run(conn, "health")
    return Health(revision=revision, now=state.now, is_ahead=state.is_ahead)


def current(conn: Connection[Any]) -> str:
    """
    The revision of the schema, which is this version's.

    :raises Misconfigured: the schema is older or newer, or there is none, or the role may not read it.
    :raises Transient: the server broke off.
    """
    with breaking_off():
        revision = run(conn, "revision").fetchone()
    held, known = revision.revision if revision else "", revisions()
    if held != known[0]:
        next_step = "bring it up to date with rastro migrate" if held in known else "this Rastro is too old for it"
        raise Misconfigured(f"The warehouse is at revision {held or 'none'}, and {known[0]} is wanted: {next_step}")
    return str(held)


def at_home(conn: Connection[Any]) -> None:
    """
    :raises Misconfigured: it was restored or copied, and has not been told so: it would tell things again.
    :raises Transient: the server broke off.
    """
    with breaking_off():
        one = run(conn, "is_at_home").fetchone()
    if one is None or not one.at_home:
        raise Misconfigured(
            "The warehouse was restored or copied, and does not know what was told since: say so by rastro restored"
        )


@contextmanager
def breaking_off() -> Iterator[None]:
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        raise Misconfigured("The warehouse has no tables yet: make them with rastro migrate") from None
    except psycopg.errors.InsufficientPrivilege as error:
        said = f"The warehouse lets us in and then refuses: {error.diag.message_primary}"
        raise Misconfigured(f"{said}; tasks and pages come as rastro_writer or as the owner") from None
    except psycopg.Error as error:
        raise Transient(f"The warehouse broke off ({type(error).__name__})") from error
