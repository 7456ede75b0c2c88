"""All that a database holds, to be searched for what ought not to be in it."""

import re
import zlib
from collections.abc import Collection, Iterator
from contextlib import suppress

import psycopg
from psycopg import sql

TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'
  AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1, 2
"""
VALUES = sql.SQL(
    "SELECT cell.name, cell.held FROM {} AS this_row, jsonb_each_text(to_jsonb(this_row)) AS cell (name, held)"
    " WHERE cell.held IS NOT NULL"
)


def cells(dsn: str, passed_over: Collection[str] = ()) -> Iterator[tuple[str, str]]:
    """Every value of every row as text, each with its ``table.column``; a compressed body as it was."""
    with psycopg.connect(dsn) as conn:
        for schema, table in conn.execute(TABLES).fetchall():
            values = conn.execute(VALUES.format(sql.Identifier(schema, table)))
            for column, value in values:
                if (place := f"{table}.{column}") not in passed_over:
                    yield place, text_of(value)


def text_of(value: str) -> str:
    if not re.fullmatch(r"\\x([0-9a-f]{2})+", value):
        return value
    raw = bytes.fromhex(value[2:])
    with suppress(zlib.error):
        raw = zlib.decompress(raw)
    return raw.decode("utf-8", errors="replace")


def places_of(dsn: str, words: Collection[str], passed_over: Collection[str] = ()) -> set[tuple[str, str]]:
    """Where a database holds any of these words, whatever their case; each with the word."""
    wanted = {word.casefold() for word in words if word}
    assert wanted, "nothing is looked for"
    return {
        (place, word) for place, text in cells(dsn, passed_over) for folded in [text.casefold()] for word in wanted
        if word in folded
    }  # fmt: skip
