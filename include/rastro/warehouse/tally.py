"""
Figures for those who look: counted once at the end of each run, since counting reads whole tables.

A backfill of a day is a row of runs in which little is due. What was counted in the same hour stands until something
is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from rastro.warehouse.queries import run

LOCAL = "America/Sao_Paulo"
DAYS = 28  # of deliveries


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """
    ``figure`` things of one kind: of ``part`` (a carrier, channel or problem), in the status or state ``word``, of the
    hour or day that began ``since``, if it is about one.
    """

    subject: str
    part: str
    word: str
    since: datetime | None
    figure: int
    counted_at: datetime


def count(conn: Connection[Any], now: datetime) -> None:
    """Everything counted anew, unless it stands; readers see the old figures until the transaction ends."""
    run(conn, "lock_tally")
    (ever,) = run(conn, "count_written")
    if run(conn, "tally_stands", written=ever.written, now=now).rowcount:
        return
    run(conn, "forget_tally")
    run(conn, "tally_written", written=ever.written, now=now)
    run(conn, "tally_shipments", now=now)
    run(conn, "tally_deliveries", now=now, since=now - timedelta(days=DAYS), zone=LOCAL)
    run(conn, "tally_notices", now=now)
    run(conn, "tally_problems", now=now)
    run(conn, "tally_coverage", now=now)


def read(conn: Connection[Any], subjects: Sequence[str]) -> list[Count]:
    return [Count(**row._asdict()) for row in run(conn, "read_tally", subjects=list(subjects))]
