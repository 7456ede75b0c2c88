"""
The warehouse as Parquet: a folder for each view, in it a file for each month.

The month is that of a time which never changes, so no row moves to another file. A later copy writes the months anew
that hold something which has changed since, whole, and puts each in its place at once: nothing stands there twice, and
who reads meanwhile reads the old file or the new one. All of one copy is of one moment of the warehouse.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import Connection, IsolationLevel
from psycopg.rows import tuple_row

from rastro.errors import Misconfigured
from rastro.typed import decode
from rastro.warehouse.datasets import DATASETS, Dataset
from rastro.warehouse.queries import run, statement

STATE = "rastro-export.json"
# A statement may end this long after its rows say that they were written.
OVERLAP = timedelta(hours=3)
EVER_SINCE = datetime(1970, 1, 1, tzinfo=UTC)
ROWS = 50_000  # in memory at once
# By the names of PostgreSQL's own types; what is not named here is kept as its text.
TYPES = {
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "numeric": pa.float64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
}

Say = Callable[[str], None]


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """``until``: all that was written before is in the files, whose columns these are."""

    until: datetime
    columns: list[str]


def export(
    conn: Connection[Any], folder: Path, names: Sequence[str], say: Say, *, whole: bool = False
) -> dict[str, int]:
    """
    Brings the files below ``folder`` up to date; how many rows were written, by view.

    :param names: of :data:`DATASETS`; none means all.
    :param whole: write every month anew.
    :raises Misconfigured: the folder holds something else, or there is no such view.
    """
    chosen = [one for one in DATASETS if not names or one.name in names]
    if unknown := set(names) - {one.name for one in chosen}:
        known = ", ".join(one.name for one in DATASETS)
        raise Misconfigured(f"There is no {', '.join(sorted(unknown))} to export; there are {known}")
    conn.isolation_level, conn.read_only = IsolationLevel.REPEATABLE_READ, True
    copied = read_state(folder)
    (moment,) = run(conn, "moment")
    written = {}
    for dataset in chosen:
        before = None if whole else copied.get(dataset.name)
        columns = columns_of(conn, dataset)
        if before and before.columns != columns.names:
            say(f"{dataset.name} has other columns than before: every month is written anew")
            before = None
        written[dataset.name] = write_months(conn, folder / dataset.name, dataset, columns, before, say)
        copied[dataset.name] = Copied(until=moment.now, columns=columns.names)
        write_state(folder, copied)
    return written


def write_months(
    conn: Connection[Any], folder: Path, dataset: Dataset, columns: pa.Schema, before: Copied | None, say: Say
) -> int:
    since = before.until - OVERLAP if before else EVER_SINCE
    months = [row.month for row in run(conn, dataset.months, since=since)]
    total = 0
    for month in months:
        file = folder / f"month={month:%Y-%m}" / "part-0.parquet"
        total += (rows := write_month(conn, file, dataset, columns, month))
        say(f"{dataset.name} {month:%Y-%m}: {rows:,} rows")
    if before is None:
        for file in folder.glob("month=*/part-0.parquet"):
            if file.parent.name not in {f"month={month:%Y-%m}" for month in months}:
                file.unlink()
    return total


def write_month(conn: Connection[Any], file: Path, dataset: Dataset, columns: pa.Schema, month: date) -> int:
    """One month in one file, in the place of the one before at once; how many rows it holds."""
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(f".{file.name}.half")
    rows = 0
    try:
        with pq.ParquetWriter(half, columns, compression="zstd") as writer:
            for batch in batches(conn, dataset, columns, month):
                writer.write_batch(batch)
                rows += batch.num_rows
        half.replace(file)
    finally:
        half.unlink(missing_ok=True)
    return rows


def batches(conn: Connection[Any], dataset: Dataset, columns: pa.Schema, month: date) -> Iterator[pa.RecordBatch]:
    with conn.cursor(name="rastro_export", row_factory=tuple_row) as cursor:
        cursor.itersize = ROWS
        cursor.execute(statement(dataset.rows), span_of(month))
        while rows := cursor.fetchmany(ROWS):
            by_column = zip(*rows, strict=True)
            yield pa.RecordBatch.from_arrays(
                [pa.array(plain(values), type=kind) for values, kind in zip(by_column, columns.types, strict=True)],
                schema=columns,
            )


def plain(values: Sequence[Any]) -> Sequence[Any]:
    """Decimals as floats; whatever has no type of its own in a file, as its JSON."""
    sample = next((value for value in values if value is not None), None)
    if isinstance(sample, Decimal):
        return [None if value is None else float(value) for value in values]
    if isinstance(sample, dict | list):
        return [None if value is None else msgspec.json.encode(value).decode() for value in values]
    return values


def columns_of(conn: Connection[Any], dataset: Dataset) -> pa.Schema:
    cursor = conn.execute(statement(dataset.rows), span_of(date(1970, 1, 1)))
    kinds = [(column.name, conn.adapters.types.get(column.type_code)) for column in cursor.description or ()]
    return pa.schema([(name, TYPES.get(kind.name if kind else "", pa.string())) for name, kind in kinds])


def span_of(month: date) -> dict[str, date]:
    return {"month": month, "next_month": (month + timedelta(days=31)).replace(day=1)}


def read_state(folder: Path) -> dict[str, Copied]:
    """
    :raises Misconfigured: the folder is not one of ours, or cannot be read.
    """
    try:
        if folder.exists() and any(folder.iterdir()) and not (folder / STATE).exists():
            raise Misconfigured(f"{folder} holds something else: name an empty folder, or one that holds {STATE}")
        folder.mkdir(parents=True, exist_ok=True)
        held = (folder / STATE).read_bytes() if (folder / STATE).exists() else b"{}"
        return decode(held, dict[str, Copied])
    except (OSError, msgspec.MsgspecError) as error:
        raise Misconfigured(f"{folder / STATE} cannot be read: {error}; remove the folder to begin anew") from error


def write_state(folder: Path, copied: dict[str, Copied]) -> None:
    half = folder / f".{STATE}.half"
    half.write_bytes(msgspec.json.format(msgspec.json.encode(copied)) + b"\n")
    half.replace(folder / STATE)
