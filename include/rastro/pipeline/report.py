"""
The daily report: a fact for each parcel of which something was recorded, and the days of lanes that these change.

Facts are worked out from all that is known by now, whatever span is reported, and days are counted from facts: spans
reported in any order, or several times, come to the same rows.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection

from rastro.models import Window
from rastro.warehouse import report
from rastro.warehouse.report import Days
from rastro.working_days import calendars

HERE = ZoneInfo("America/Sao_Paulo")
# What a run records bears the time at which its task began, and is there for others when it is committed.
COMMITTED_WITHIN = timedelta(hours=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a report did: the parcels looked at, the facts worked out of them, the rows of days and lanes counted."""

    parcels: int
    facts: int
    days: int

    def in_words(self) -> str:
        """``Reported: 1,204 parcels; counted anew: 312 days of a lane.``"""
        return f"Reported: {self.facts:,} parcels; counted anew: {self.days:,} days of a lane."


def make_report(conn: Connection[Any], window: Window | None, now: datetime) -> Figures:
    """
    Bring facts and days up to date with what was recorded, in one transaction.

    :param window: the span that is asked for; None: what was recorded since the last report. The first report is of
        everything, whatever is asked.
    """
    with conn.transaction():
        report.begin(conn)
        if years := report.years_without_calendar(conn, now):
            report.replace_calendar(conn, calendars(*years))
        until = report.reported_until(conn)
        span = window or Window(start=min(until or now, now) - COMMITTED_WITHIN, end=now)
        days = Days(first=local_day(span.start), last=local_day(span.end - timedelta.resolution), today=local_day(now))
        is_first = until is None
        parcels = report.touch_all(conn) if is_first else report.touch_recorded(conn, span.start, span.end, days.today)
        facts = report.work_out_facts(conn, days.today, now)
        counted = report.count_days(conn, days, now, everything=is_first)
        if is_first or window is None:
            report.note_reported(conn, now)
        elif until and window.start <= until:  # nothing between is left out
            report.note_reported(conn, min(window.end, now))
    return Figures(parcels=parcels, facts=facts, days=counted)


def local_day(at: datetime) -> date:
    """The day of America/Sao_Paulo in which a moment lies."""
    return at.astimezone(HERE).date()
