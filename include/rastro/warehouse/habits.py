"""When carriers have news, as learnt; and the history that teaches it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from psycopg import Connection

from rastro.habits import Habit, Habits, Stay, along, lane_of, step_and_lane
from rastro.models import Status
from rastro.warehouse.queries import copy_in, run

SAMPLE = 10_000  # parcels of a carrier


def read(conn: Connection[Any], carrier: str | None = None) -> dict[str, Habits]:
    """By carrier; of one, or of all."""
    found: dict[str, dict[str, Habit]] = defaultdict(dict)
    for row in run(conn, "read_habits", carrier=carrier):
        found[row.carrier][along(row.step, row.lane)] = Habit(
            by_silence=tuple(row.by_silence), by_hour=tuple(row.by_hour), by_both=tuple(row.by_both)
        )
    return dict(found)


def learnt_at(conn: Connection[Any]) -> datetime | None:
    """When it was learnt last, whether there was enough to learn from or not."""
    row = run(conn, "habits_learnt_at").fetchone()
    return row.learnt_at if row else None


def carriers(conn: Connection[Any]) -> list[str]:
    return [row.carrier for row in run(conn, "carriers_with_parcels")]


def stays(conn: Connection[Any], carrier: str, *, since: datetime, now: datetime) -> Iterator[Stay]:
    """The steps of a sample of parcels. A line dated midnight has no time of day but that of our learning it."""
    for row in run(conn, "stays_of_sample", carrier=carrier, since=since, now=now, size=SAMPLE):
        status = Status(row.status)
        if row.ended is not None or not status.is_final:
            yield Stay(
                step=row.step, lane=lane_of(row.state_to, row.service), status=status, begun=row.begun,
                ended=row.ended or now, news=row.ended is not None,
            )  # fmt: skip


def replace(conn: Connection[Any], learnt: Mapping[str, Habits], now: datetime) -> None:
    """In one transaction with the caller's; readers see the old ones until it ends."""
    run(conn, "forget_habits")
    copy_in(
        conn,
        "copy_habits",
        (
            (carrier, *step_and_lane(key), list(habit.by_silence), list(habit.by_hour), list(habit.by_both))
            for carrier, several in learnt.items()
            for key, habit in several.items()
        ),
    )
    run(conn, "note_habits_learnt", now=now)
