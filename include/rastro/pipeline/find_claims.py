"""Find which parcels sleep, and which can be claimed for at their carrier, by what the daily report has worked out."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from rastro.claims import (
    Eligible,
    Reason,
    eligible,
    granting_lateness,
    is_stalled,
    longest_within,
    rule_for,
    usual_days,
)
from rastro.habits import habit_for, untaught
from rastro.next_look import LOCAL
from rastro.settings import Settings
from rastro.warehouse import claims, habits
from rastro.warehouse.claims import Seen, Sleeper, calendar_for

DAY = timedelta(days=1)
YEAR = timedelta(days=366)  # of the calendar: whatever is silent for longer is silent for a year


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """``claims`` that can be made now, of which ``new`` could not before."""

    claims: int
    new: int
    lapsed: int
    paid_by_carrier: int
    stalled: int


def find_claims(conn: Connection[Any], settings: Settings, now: datetime) -> Found:
    """In one transaction, during which nobody acts by hand. Repeated, it changes nothing."""
    today, changed = now.astimezone(LOCAL).date(), settings.claim_days
    found: list[tuple[Seen, Eligible]] = []
    paid: list[tuple[Seen, Eligible]] = []
    sleepers: list[Sleeper] = []
    with conn.transaction():
        claims.lock(conn)
        learnt, calendars = habits.read(conn), claims.calendars(conn, today - YEAR)
        since = today - timedelta(days=longest_within(changed))
        for seen in claims.cases(conn, since=since, came_late=granting_lateness()):
            case, rule = seen.case, rule_for(seen.case.carrier, changed)
            if case.code in rule.paid:
                ended = case.ended_on or today
                paid.append((seen, Eligible(reason=Reason.LOST, since=ended, until=ended)))
                continue
            days = calendar_for(calendars, case.carrier, seen.state_to)
            habit = habit_for(learnt.get(case.carrier, {}), seen.step, seen.lane) or untaught(case.status)
            # Of the days that are over: the report is made just after midnight.
            silent, usual = days.between(case.scanned_on or today, today - DAY), usual_days(habit)
            if is_stalled(case.status, silent, usual):
                sleepers.append(Sleeper(shipment_id=seen.shipment_id, silent=silent, usual=usual))
                case = replace(case, stalled=True)
            if one := eligible(case, rule, days, today):
                found.append((seen, one))
        new, lapsed, settled = claims.keep(conn, found, paid, sleepers, now)
    return Found(claims=len(found), new=new, lapsed=lapsed, paid_by_carrier=settled, stalled=len(sleepers))
