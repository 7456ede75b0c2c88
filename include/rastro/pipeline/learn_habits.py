"""Learn once a day, from the parcels of the last weeks, when each carrier has news."""

from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from rastro.habits import Habits, learn
from rastro.warehouse import habits

EVERY = timedelta(hours=23)
REMEMBERED = timedelta(days=35)


def once_a_day(conn: Connection[Any], now: datetime) -> dict[str, Habits] | None:
    """What was learnt, by carrier; None when that was done within the last day."""
    before = habits.learnt_at(conn)
    if before is not None and now - before < EVERY:
        return None
    learnt: dict[str, Habits] = {}
    for carrier in habits.carriers(conn):
        learnt[carrier] = learn(habits.stays(conn, carrier, since=now - REMEMBERED, now=now))
    habits.replace(conn, learnt, now)
    return learnt
