"""The calendar, beside days that stand in any Brazilian one."""

from datetime import date

import pytest

from rastro.working_days import CLOSED_ON, EVERY_CARRIER, STATES, WHOLE_COUNTRY, calendars, days_off

ORDINALS = {(one.carrier, one.state, one.day): one.ordinal for one in calendars(2025, 2026)}


def working_days(after: date, until: date, state: str = WHOLE_COUNTRY, carrier: str = EVERY_CARRIER) -> int:
    return ORDINALS[carrier, state, until] - ORDINALS[carrier, state, after]


def test_every_day_of_every_state_is_there() -> None:
    assert len(STATES) == 27
    assert len(ORDINALS) == (27 + 1) * (1 + len(CLOSED_ON)) * (365 + 365)


@pytest.mark.parametrize(
    ("after", "until", "state", "carrier", "expected"),
    [
        (date(2026, 3, 2), date(2026, 3, 6), "", "", 4),  # Monday to Friday
        (date(2026, 3, 6), date(2026, 3, 9), "", "", 1),  # over a weekend
        (date(2026, 3, 6), date(2026, 3, 8), "", "", 0),  # Friday to Sunday
        (date(2026, 4, 2), date(2026, 4, 6), "", "", 1),  # Good Friday
        (date(2026, 4, 20), date(2026, 4, 22), "", "", 1),  # Tiradentes
        (date(2026, 7, 8), date(2026, 7, 10), "SP", "", 1),  # 9 July is a holiday of São Paulo
        (date(2026, 7, 8), date(2026, 7, 10), "RJ", "", 2),
        (date(2026, 3, 5), date(2026, 3, 9), "PE", "", 1),  # 6 March is one of Pernambuco
        (date(2026, 2, 13), date(2026, 2, 18), "SP", "", 3),  # Carnival is no holiday by law
        (date(2026, 2, 13), date(2026, 2, 18), "SP", "correios", 1),
        (date(2025, 12, 31), date(2026, 1, 2), "", "", 1),  # over New Year
    ],
)
def test_working_days_between(after: date, until: date, state: str, carrier: str, expected: int) -> None:
    assert working_days(after, until, state, carrier) == expected


def test_a_carrier_closes_on_days_that_there_are() -> None:
    for carrier in CLOSED_ON:
        more = days_off(carrier, WHOLE_COUNTRY, 2026, 2026) - days_off(EVERY_CARRIER, WHOLE_COUNTRY, 2026, 2026)
        assert more, f"no day of {carrier} has such a name"
