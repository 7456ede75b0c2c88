"""A warehouse to measure in: the embedded PostgreSQL, filled once and kept for all repetitions."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import Connection, sql

from benchmarks.bench import Size
from rastro.warehouse.migrate import migrate
from stack.postgres import Server, embedded_postgres


@contextmanager
def filled(size: Size, name: str, statements: Sequence[LiteralString], many: int) -> Iterator[tuple[Server, str]]:
    """
    A server, and the DSN of its database ``name``, which ``statements`` filled when it was new.

    :param many: what ``{many}`` stands for in the statements.
    """
    with embedded_postgres(size.scratch / name) as server:
        with psycopg.connect(server.dsn(), autocommit=True) as conn:
            is_new = not conn.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount
        dsn = server.create(name)
        if is_new:
            migrate(dsn)
            with psycopg.connect(dsn, autocommit=True) as conn:
                for statement in statements:
                    conn.execute(sql.SQL(statement).format(many=many))
                conn.execute("VACUUM ANALYZE")
        yield server, dsn


def opened(dsn: str) -> Connection[Any]:
    return psycopg.connect(dsn, options="-c timezone=UTC")
