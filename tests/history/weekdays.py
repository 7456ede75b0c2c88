"""A calendar for invented histories: Monday to Friday, and a few days off."""

from collections.abc import Collection
from datetime import date, timedelta

import numpy as np

from rastro.forecast import Calendars


def weekdays(first: date, days: int, off: Collection[date] = ()) -> Calendars:
    """Everybody's, from a day on."""
    all_days = [first + timedelta(days=number) for number in range(days)]
    works = [one.weekday() < 5 and one not in off for one in all_days]
    return Calendars(first=first, rows={("", ""): 0}, counts=np.cumsum([works], axis=1))
