"""The facts of deliveries and what happened on each day in each lane, worked out where the events are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Connection

from rastro.warehouse.queries import copy_in, run
from rastro.working_days import CalendarDay


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Days of America/Sao_Paulo: the ones reported, all lanes of which are counted, and the last that there is."""

    first: date
    last: date
    today: date


def begin(conn: Connection[Any]) -> None:
    """Wait until nobody else is reporting."""
    run(conn, "lock_report")
    run(conn, "report_in_memory")


def reported_until(conn: Connection[Any]) -> datetime | None:
    """All that was recorded before is in the reports; None before the first of them."""
    row = run(conn, "reported_until").fetchone()
    return row.until if row else None


def note_reported(conn: Connection[Any], until: datetime) -> None:
    run(conn, "note_reported", until=until)


def years_without_calendar(conn: Connection[Any], now: datetime) -> tuple[int, int] | None:
    """The first and the last year that the calendar has to span; None when it does."""
    (years,) = run(conn, "years_known", now=now)
    return None if years.spanned else (years.first, years.last)


def replace_calendar(conn: Connection[Any], days: Iterable[CalendarDay]) -> None:
    run(conn, "forget_working_days")
    copy_in(conn, "copy_working_days", ((one.carrier, one.state, one.day, one.ordinal) for one in days))


def touch_all(conn: Connection[Any]) -> int:
    """Choose every parcel; how many."""
    run(conn, "make_touched")
    return run(conn, "touch_all").rowcount


def touch_recorded(conn: Connection[Any], since: datetime, until: datetime, today: date) -> int:
    """Choose the parcels of which something was recorded in [since, until), or whose promise fell due; how many."""
    run(conn, "make_touched")
    return run(conn, "touch_recorded", since=since, until=until, today=today).rowcount


def work_out_facts(conn: Connection[Any], today: date, now: datetime) -> int:
    """The facts of the parcels chosen, in place of those that there were; how many."""
    run(conn, "analyze_touched")
    run(conn, "make_life")
    run(conn, "analyze_life")
    run(conn, "make_fact_before")
    run(conn, "forget_facts")
    return run(conn, "add_facts", today=today, now=now).rowcount


def count_days(conn: Connection[Any], days: Days, now: datetime, *, everything: bool) -> int:
    """Count anew the lanes and days that these facts change, and all lanes of the days reported; how many there are."""
    asked = {"first_day": days.first, "last_day": days.last, "today": days.today}
    if everything:
        run(conn, "forget_all_days")
        run(conn, "make_no_dirty")
    else:
        run(conn, "make_dirty", **asked)
        run(conn, "analyze_dirty")
        run(conn, "forget_days")
        (first,) = run(conn, "first_dirty_day")
        asked["first_day"] = first.day or days.first
    counted = run(conn, "count_days", everything=everything, now=now, today=days.today, first_day=asked["first_day"])
    run(conn, "clear_report")
    return counted.rowcount
