from datetime import UTC, datetime, timedelta, timezone

import pytest

from rastro.carriers.worldwide import gs1_check_digit_fits, oldest_first, wall_clock, zone_of

AT = datetime(2026, 9, 1, 12, tzinfo=UTC)


def test_lines_stand_newest_first_unless_their_times_say_otherwise() -> None:
    earlier, later = AT, AT + timedelta(hours=1)
    assert oldest_first(["b", "a"], [later, earlier]) == ["a", "b"]
    assert oldest_first(["b", "a"], [earlier, earlier]) == ["a", "b"]
    assert oldest_first(["a", "b"], [earlier, later]) == ["a", "b"]
    assert oldest_first([], []) == []


@pytest.mark.parametrize(
    ("country", "hours"), [("BR", -3), ("br ", -3), ("US", -4), ("DE", 2), ("CN", 8), ("ZZ", 0), ("", 0), (None, 0)]
)
def test_a_country_has_a_zone(country: str | None, hours: int) -> None:
    assert AT.replace(tzinfo=zone_of(country)).utcoffset() == timedelta(hours=hours)


def test_the_clock_at_the_place_is_the_same_with_and_without_an_offset() -> None:
    assert wall_clock(AT) == wall_clock(AT.replace(tzinfo=timezone(timedelta(hours=-3)))) == "2026-09-01T12:00:00"


@pytest.mark.parametrize("number", ["4006381333931", "00012345600000000012", "0"])
def test_gs1s_check_digit_makes_the_weighted_sum_a_multiple_of_ten(number: str) -> None:
    assert gs1_check_digit_fits(number)
    assert not gs1_check_digit_fits(f"{number[:-1]}{(int(number[-1]) + 1) % 10}")
