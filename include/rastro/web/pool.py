"""
The warehouse, for requests that somebody waits for: a few connections that stay open, used by as many threads.

Each piece of work must bear being done twice, since a connection can break after it was done.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import psycopg
from psycopg import Connection

from rastro.errors import RastroError, Transient

T = TypeVar("T")
log = logging.getLogger(__name__)


class Pool:
    """
    :param connect: opens a connection that commits by itself.
    :param patience: seconds after which nobody is kept waiting any longer.
    :param most: how many may wait at once; beyond it the answer is no right away.
    """

    def __init__(
        self, connect: Callable[[], Connection[Any]], *, size: int = 4, patience: float = 5.0, most: int = 64
    ) -> None:
        self._connect = connect
        self._patience = patience
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="warehouse")
        self._places = threading.BoundedSemaphore(most)
        self._idle: list[Connection[Any]] = []

    async def run(self, work: Callable[[Connection[Any]], T]) -> T:
        """
        What ``work`` returns for a connection.

        :raises Transient: the warehouse cannot do it now.
        """
        if not self._places.acquire(blocking=False):
            raise Transient("The warehouse is too slow for all that is asked of it")
        try:
            doing = self._threads.submit(self._done, work)
        except RuntimeError:
            self._places.release()
            raise Transient("The service is about to stop") from None
        doing.add_done_callback(lambda _: self._places.release())
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.wrap_future(doing)
        except TimeoutError:
            raise Transient(f"The warehouse has not answered within {self._patience:g} seconds") from None

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        while self._idle:
            self._idle.pop().close()

    def _done(self, work: Callable[[Connection[Any]], T]) -> T:
        while (kept := self._take()) is not None:
            try:
                return self._used(kept, work)
            except psycopg.OperationalError:
                if not kept.closed:
                    raise
                # It had ended while nobody used it, as all do when the server starts anew.
        return self._used(self._connect(), work)

    def _take(self) -> Connection[Any] | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _used(self, conn: Connection[Any], work: Callable[[Connection[Any]], T]) -> T:
        try:
            return work(conn)
        finally:
            if not conn.closed:
                self._idle.append(conn)


def reason(error: RastroError | psycopg.Error) -> str:
    """What to write in a log about a failure; the database's own words may repeat what was to be stored."""
    if isinstance(error, psycopg.Error):
        return f"the warehouse: {type(error).__name__} {error.sqlstate or ''}".strip()
    return str(error)
