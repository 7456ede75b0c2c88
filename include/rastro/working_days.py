"""
Working days in Brazil, by state and carrier: Monday to Friday but for national and state holidays.

The dates are those of the package ``holidays``. Carnival is no holiday by law but an optional point (*ponto
facultativo*): carriers that close then stand in :data:`CLOSED_ON`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import holidays
from holidays.constants import OPTIONAL, PUBLIC

DAY = timedelta(days=1)
SATURDAY = 5
EVERY_CARRIER, WHOLE_COUNTRY = "", ""
STATES = tuple(code for code in holidays.country_holidays("BR").subdivisions if len(code) == 2)
# Carrier → optional points, as ``holidays`` names them in English, on which it neither collects nor delivers.
CLOSED_ON: Mapping[str, frozenset[str]] = {
    "correios": frozenset({"Carnival"}),  # Monday and Tuesday; on Ash Wednesday it opens at noon
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDay:
    """A day of the calendar of a carrier in a state; ``ordinal`` counts its working days up to this one, included."""

    carrier: str
    state: str
    day: date
    ordinal: int


def calendars(first_year: int, last_year: int) -> Iterator[CalendarDay]:
    """Every day of these years: of the country alone and of each state, for all carriers and those with own days."""
    for state in (WHOLE_COUNTRY, *STATES):
        for carrier in (EVERY_CARRIER, *CLOSED_ON):
            off = days_off(carrier, state, first_year, last_year)
            day, ordinal = date(first_year, 1, 1), 0
            while day.year <= last_year:
                ordinal += day.weekday() < SATURDAY and day not in off
                yield CalendarDay(carrier=carrier, state=state, day=day, ordinal=ordinal)
                day += DAY


def days_off(carrier: str, state: str, first_year: int, last_year: int) -> frozenset[date]:
    """The holidays, weekends apart."""

    def of(category: str) -> Mapping[date, str]:
        return holidays.country_holidays(
            "BR", subdiv=state or None, years=range(first_year, last_year + 1), categories=(category,), language="en_US"
        )

    optional = {day for day, name in of(OPTIONAL).items() if name in CLOSED_ON.get(carrier, ())}
    return frozenset(of(PUBLIC)) | optional
