"""
A backup of the warehouse in one file, and the way back, by PostgreSQL's own ``pg_dump`` and ``pg_restore``.

Beside the backup lie its figures: of each table the number of rows and a checksum, taken from the very moment that the
backup shows, while runs go on. A restore counts again and compares. Passwords go to the programs by environment.
"""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from psycopg import Connection, IsolationLevel, pq, sql

from rastro.errors import Misconfigured, Permanent
from rastro.models import Channel
from rastro.warehouse.connect import opened
from rastro.warehouse.health import current
from rastro.warehouse.migrate import migrate
from rastro.warehouse.queries import run, statement
from rastro.warehouse.restored import settle_in
from rastro.warehouse.revisions import revisions

# Texts of rows are compared, so they must be written alike; a whole warehouse takes as long as it takes.
PLAINLY = "-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c extra_float_digits=1 -c bytea_output=hex"
OF_ITS_OWN = frozenset({"migration", "installation"})  # what a warehouse holds that was never used
EVERY = 30.0  # seconds between two words about a program that takes long

Say = Callable[[str], None]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    rows: int
    checksum: str


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds; it lies beside it as JSON."""

    taken_at: datetime
    revision: str
    tables: dict[str, Table]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())


def figures_beside(file: Path) -> Path:
    return file.with_name(f"{file.name}.json")


def back_up(dsn: str, file: Path, now: datetime, say: Say) -> Figures:
    """
    The warehouse as it is now; runs may go on meanwhile.

    :param file: must not be there yet. It is readable by its owner alone, since it holds all that the warehouse knows.
    :raises RastroError: it could not be made; no file is left.
    """
    if file.exists() or figures_beside(file).exists():
        raise Misconfigured(f"{file} is there already: name another file")
    half = file.with_name(f"{file.name}.part")
    try:
        half.unlink(missing_ok=True)
        half.touch(mode=0o600)
        with opened(dsn, connect_timeout=10, application_name="rastro backup", options=PLAINLY) as conn:
            conn.isolation_level, conn.read_only = IsolationLevel.REPEATABLE_READ, True
            (shared,) = run(conn, "share_snapshot")
            revision = current(conn)
            say(f"Taking the backup of revision {revision} …")
            command = ["pg_dump", "--format=custom", "--schema=rastro", "--no-owner", "--no-privileges"]
            with program([*command, f"--snapshot={shared.snapshot}", f"--file={half}"], dsn) as dump:
                figures = Figures(taken_at=now, revision=revision, tables=counted(conn, say))
                finished(dump, lambda: f"{half.stat().st_size / 1e6:,.0f} MB so far", say)
        beside = figures_beside(file)
        beside.touch(mode=0o600)
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")
        half.rename(file)
    finally:
        half.unlink(missing_ok=True)
    return figures


def restore(
    dsn: str, file: Path, *, told_until: datetime, now: datetime, replace: bool, say: Say
) -> dict[Channel, int]:
    """
    The warehouse as the backup shows it, counted and compared, at the newest schema; how many notices are in doubt.

    :param told_until: see :func:`rastro.warehouse.restored.settle_in`.
    :param replace: what the schema holds may be lost.
    :raises RastroError: it could not be done; the schema that was there is there as before.
    """
    kept = read_figures(file)
    if kept.revision not in revisions():
        raise Misconfigured(f"{file} is of revision {kept.revision}, which this Rastro is too old for: install a newer")
    with opened(dsn, connect_timeout=10, application_name="rastro restore", options=PLAINLY, autocommit=True) as conn:
        (schema,) = run(conn, "schemas_there")
        if schema.set_aside:
            raise Misconfigured("The schema rastro_replaced is left of a restore that broke off: look, then drop it")
        if schema.there:
            held = [name for name in tables_of(conn) if name not in OF_ITS_OWN and holds_something(conn, name)]
            if held and not replace:
                raise Misconfigured(
                    f"The schema rastro there is in use, {len(held)} of its tables hold rows: "
                    "name an empty database, or give --replace to lose them"
                )
            run(conn, "set_aside")
        try:
            say(f"Restoring {kept.rows:,} rows of {kept.taken_at:%Y-%m-%d %H:%M} UTC, revision {kept.revision} …")
            command = ["pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"]
            with program([*command, f"--dbname={conn.info.dbname}", str(file)], dsn) as filling:
                finished(filling, lambda: "still restoring", say)
            compare(kept.tables, counted(conn, say))
        except BaseException:
            run(conn, "drop_half")
            if schema.there:
                run(conn, "put_back")
            raise
        run(conn, "drop_replaced")
        for name in tables_of(conn):
            conn.execute(about("analyze_table", name))
        migrate(dsn)
        with conn.transaction():
            return settle_in(conn, told_until, now)


def read_figures(file: Path) -> Figures:
    """
    :raises Misconfigured: they are not there, or make no sense.
    """
    for needed in (file, figures_beside(file)):
        if not needed.exists():
            raise Misconfigured(f"{needed} is missing: a backup is two files, which belong together")
    try:
        return msgspec.json.decode(figures_beside(file).read_bytes(), type=Figures)
    except msgspec.MsgspecError as error:
        raise Misconfigured(f"{figures_beside(file)} makes no sense: {error}") from error


def compare(kept: Mapping[str, Table], found: Mapping[str, Table]) -> None:
    """
    :raises Permanent: it is not what the backup held.
    """
    differ = sorted(name for name in {*kept, *found} if kept.get(name) != found.get(name))
    if differ:
        raise Permanent(f"What was restored is not what was kept, in {', '.join(differ)}; nothing has been changed")


def counted(conn: Connection[Any], say: Say) -> dict[str, Table]:
    found = {}
    for name in tables_of(conn):
        rows, checksum = conn.execute(about("figures_of_table", name)).fetchone() or (0, "")
        found[name] = Table(rows=rows, checksum=checksum)
        say(f"  {name:<20} {rows:>14,} rows")
    return found


def tables_of(conn: Connection[Any]) -> list[str]:
    return [row.name for row in run(conn, "tables")]


def holds_something(conn: Connection[Any], table: str) -> bool:
    return bool((conn.execute(about("holds_something", table)).fetchone() or (False,))[0])


def about(name: str, table: str) -> sql.Composed:
    """A named statement about a table of the warehouse."""
    return sql.SQL(statement(name)).format(table=sql.Identifier("rastro", table))


def program(command: Sequence[str], dsn: str) -> subprocess.Popen[str]:
    """
    One of PostgreSQL's programs at work, told by its environment where the database is.

    :raises Misconfigured: it is not installed.
    """
    told = {
        option.envvar.decode(): option.val.decode()
        for option in pq.Conninfo.parse(dsn.encode())
        if option.envvar and option.val
    }
    try:
        return subprocess.Popen(command, env={**os.environ, **told}, stderr=subprocess.PIPE, text=True)  # noqa: S603 -- our own words
    except FileNotFoundError as error:
        raise Misconfigured(
            f"{command[0]} is not installed here: it is one of PostgreSQL's client programs (postgresql-client)"
        ) from error


def finished(at_work: subprocess.Popen[str], so_far: Callable[[], str], say: Say) -> None:
    """
    :raises Misconfigured: it has failed; the message is its own first line.
    """
    while True:
        try:
            _, said = at_work.communicate(timeout=EVERY)
        except subprocess.TimeoutExpired:
            say(f"  {so_far()}")
        else:
            break
    if at_work.returncode:
        raise Misconfigured(next(iter(said.strip().splitlines()), "it failed without a word"))
