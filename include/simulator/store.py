"""
What the simulator remembers over a restart: one SQLite file, written through on every change.

Each record is a row of its own, so that a change costs one small write however large the world is.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

SCHEMA = "CREATE TABLE IF NOT EXISTS record (kind TEXT, key TEXT, value BLOB, PRIMARY KEY (kind, key))"
UPSERT = "INSERT INTO record VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value"


class Store:
    """Records by kind and key. ``folder`` None keeps them in memory only."""

    def __init__(self, folder: Path | None) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        path = ":memory:" if folder is None else str(folder / "world.sqlite")
        # One event loop owns the world, but a test may open it in one thread and serve it in another.
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")  # a killed process loses nothing; a power cut may
        self._connection.execute(SCHEMA)

    def load(self, kind: str, shape: type[T]) -> Iterator[tuple[str, T]]:
        decoder = msgspec.json.Decoder(shape)
        rows = self._connection.execute("SELECT key, value FROM record WHERE kind = ? ORDER BY rowid", (kind,))
        return ((key, decoder.decode(value)) for key, value in rows)

    def save(self, kind: str, records: Iterable[tuple[str, Any]]) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany(UPSERT, ((kind, key, msgspec.json.encode(value)) for key, value in records))
        self._connection.execute("COMMIT")

    def clear(self) -> None:
        self._connection.execute("DELETE FROM record")

    def close(self) -> None:
        self._connection.close()
