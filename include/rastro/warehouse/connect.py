"""How the warehouse is reached."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg
from psycopg import Connection

from rastro.errors import Misconfigured, Transient

# Opens a connection of one's own; commits and closes when the block ends, rolls back when it fails.
Connect = Callable[[], AbstractContextManager[Connection[Any]]]

PATIENCE = (
    "-c statement_timeout=15min -c lock_timeout=5min -c timezone=UTC -c idle_in_transaction_session_timeout=30min"
)
IMPATIENCE = "-c statement_timeout=4s -c lock_timeout=2s -c timezone=UTC -c idle_in_transaction_session_timeout=10s"


def connector(conninfo: str) -> Connect:
    """
    A way to open connections to the warehouse.

    :param conninfo: libpq URI or key=value string.
    """

    def connect() -> Connection[Any]:
        return opened(conninfo, connect_timeout=10, application_name="rastro", options=PATIENCE)

    return connect


def opened_promptly(conninfo: str) -> Connection[Any]:
    """
    A connection for statements that somebody waits for: each is a transaction of its own, and given up after seconds.

    :raises RastroError: it cannot be opened.
    """
    return opened(
        conninfo,
        connect_timeout=3,
        tcp_user_timeout=4000,  # milliseconds; a network that swallows everything says nothing by itself
        application_name="rastro serve",
        options=IMPATIENCE,
        autocommit=True,
    )


def opened(conninfo: str, **options: Any) -> Connection[Any]:
    """
    :raises Misconfigured: the server does not let us in.
    :raises Transient: it cannot be reached.
    """
    try:
        return psycopg.connect(conninfo, **options)
    except psycopg.OperationalError as error:
        if "does not exist" in str(error) or "authentication failed" in str(error):
            raise Misconfigured(f"The warehouse refuses us: {first_line(error)}; check its connection") from error
        raise Transient(f"The warehouse cannot be reached: {first_line(error)}") from error


def first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
