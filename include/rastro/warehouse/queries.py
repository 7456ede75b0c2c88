"""
The named SQL of this package: ``sql/*.sql``, where each statement follows a line ``-- name: some_name``.

Values are bound by the driver (``%(name)s``); nothing is ever formatted into a statement. A NUL, which PostgreSQL keeps
in no text and refuses together with all that goes with it, is left out wherever it comes from.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, LiteralString, cast

from psycopg import Connection, Cursor
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb

SQL = Path(__file__).parent / "sql"
BINARY_COPY = re.compile(r"COPY (?P<relation>\S+)(?: \((?P<columns>[^)]+)\))? FROM STDIN \(FORMAT binary\)")
PLAIN = frozenset({int, bool, bytes, datetime, type(None)})


@cache
def statement(name: str) -> LiteralString:
    """The text of a named statement. Our own files, so psycopg may trust it as a literal."""
    return _all()[name]


@cache
def _all() -> dict[str, LiteralString]:
    found: dict[str, LiteralString] = {}
    for path in sorted(SQL.glob("*.sql")):
        for name, text in re.findall(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", path.read_text("utf-8"), re.M | re.S):
            if name in found:
                raise ValueError(f"{path.name}: the statement {name} stands twice")
            found[name] = cast("LiteralString", text.strip())
    return found


def run(conn: Connection[Any], name: str, **values: object) -> Cursor[Any]:
    """Execute a named statement; rows come as named tuples."""
    return conn.cursor(row_factory=namedtuple_row).execute(statement(name), storable(values))


def copy_in(conn: Connection[Any], name: str, rows: Iterable[Sequence[object]]) -> int:
    """Stream rows into the COPY statement of that name, which in binary costs a half or less; how many there were."""
    count = 0
    with_types = types_of(conn, name)
    with conn.cursor().copy(statement(name)) as copy:
        if with_types:
            copy.set_types(with_types)
        for row in rows:
            copy.write_row(
                [
                    value if type(value) in PLAIN or (type(value) is str and "\0" not in value) else storable(value)
                    for value in row
                ]
            )
            count += 1
    return count


_types: dict[str, list[int]] = {}  # by statement; PostgreSQL's own types have the same numbers everywhere


def types_of(conn: Connection[Any], name: str) -> list[int]:
    """Of the columns that a COPY in binary fills, in their order, by number; none for one in text."""
    if (binary := BINARY_COPY.search(statement(name))) and name not in _types:
        columns = binary["columns"].split(", ") if binary["columns"] else None
        _types[name] = [
            column.type for column in run(conn, "column_types", relation=binary["relation"], columns=columns)
        ]
    return _types.get(name, [])


def storable(value: Any) -> Any:
    """``value`` without the NUL characters of any text in it."""
    if isinstance(value, str):
        return value.replace("\0", "") if "\0" in value else value
    if isinstance(value, list):
        return [storable(one) for one in value]
    if isinstance(value, tuple):
        return tuple(storable(one) for one in value)
    if isinstance(value, Mapping):
        return {storable(key): storable(one) for key, one in value.items()}
    return Jsonb(storable(value.obj)) if isinstance(value, Jsonb) else value
