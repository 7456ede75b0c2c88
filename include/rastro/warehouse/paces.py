"""
The pace of an account, kept together by all who call it: tasks side by side, runs side by side, several machines.

Who wants to call takes some turns that follow one another, and nobody else has any of them; who comes next gets those
after them. So calls never come faster than the pace, and nobody waits longer than everybody takes once.
"""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

from psycopg import Connection, OperationalError

from rastro.errors import Transient
from rastro.warehouse.connect import Connect, first_line
from rastro.warehouse.queries import run

SHARE = 0.25  # seconds of turns taken at once: so often the warehouse is asked at most, by each client


class SharedPace:
    """
    Spaces the calls to an account evenly. Threads may share it; it holds a connection to the warehouse.

    :param account: whose pace it is, as ``adapter:connection``.
    :param per_second: calls, above 0.
    :param abreast: calls that this client makes at once, at most; more turns than that are never taken together.
    """

    def __init__(
        self,
        connect: Connect,
        account: str,
        *,
        per_second: float,
        abreast: int,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connect = connect
        self._account = account
        self._gap = 1 / per_second
        self._most = max(1, min(abreast, int(per_second * SHARE)))
        self._lot, self._used = 1, 0
        self._sleep = sleep
        self._lock = threading.Lock()
        self._held = ExitStack()
        self._conn: Connection[Any] | None = None
        self._next, self._end = 0.0, -1.0

    def wait(self) -> None:
        """
        Until it is this call's turn.

        :raises Transient: the warehouse cannot be reached.
        """
        with self._lock:
            at = max(time.monotonic(), self._next)
            if at > self._end:  # none is left, or it is too late for those that are
                self._take()
                at = self._next
            self._next = at + self._gap
            self._used += 1
        self._sleep(max(0.0, at - time.monotonic()))

    def close(self) -> None:
        self._conn = None
        with suppress(OperationalError):
            self._held.close()

    def _take(self) -> None:
        """As many as were used of the last ones, twice as many where all were: what is not used is lost to others."""
        self._lot = min(self._most, 2 * self._used if self._used >= self._lot else max(1, self._used))
        self._used = 0
        try:
            wait = self._take_turns()
        except OperationalError:  # the connection is lost, and another one may be had
            self.close()
            try:
                wait = self._take_turns()
            except OperationalError as error:
                raise Transient(f"The warehouse cannot be reached: {first_line(error)}") from error
        self._next = time.monotonic() + wait
        self._end = self._next + (self._lot - 0.99) * self._gap

    def _take_turns(self) -> float:
        """Seconds until the first of them."""
        if self._conn is None:
            self._conn = self._held.enter_context(self._connect())
            self._conn.autocommit = True
            self._conn.execute("SET synchronous_commit = off")  # turns lost in a crash are missed by nobody
        (turn,) = run(self._conn, "take_turns", account=self._account, turns=self._lot, gap=self._gap)
        return float(turn.wait)
