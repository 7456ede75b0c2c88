"""Who may do what in the database: one role for each kind of visitor, each with no more than it needs."""

from typing import Any

from psycopg import Connection

from rastro.warehouse.queries import run, statement


def make(conn: Connection[Any]) -> None:
    """Make the roles that are missing and give each what it may, by somebody who may make roles; safe to repeat."""
    conn.execute(statement("make_roles"))
    grant(conn)


def grant(conn: Connection[Any]) -> None:
    """Give each role what it may, where the roles and the schema are there."""
    if run(conn, "roles_are_made").fetchone() is not None and run(conn, "schema_is_made").fetchone() is not None:
        conn.execute(statement("grant_roles"))
