from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from rastro.carriers.worldwide import (
    end_of,
    gs1_check_digit_fits,
    oldest_first,
    wall_clock,
    with_way_back,
    zone_of,
)
from rastro.models import Event, Standing, Status

AT = datetime(2026, 9, 1, 12, tzinfo=UTC)


def happened(*statuses: Status) -> list[Event]:
    return [
        Event(key=str(hour), occurred_at=AT + timedelta(hours=hour), status=status, code="C", description="")
        for hour, status in enumerate(statuses)
    ]


def statuses(events: list[Event]) -> list[Status]:
    return [event.status for event in with_way_back(events)]


def test_a_delivery_after_the_way_back_began_is_one_to_the_sender() -> None:
    told = happened(Status.OUT_FOR_DELIVERY, Status.RETURNING, Status.OUT_FOR_DELIVERY, Status.DELIVERED)
    assert statuses(told) == [Status.OUT_FOR_DELIVERY, Status.RETURNING, Status.RETURNING, Status.RETURNED]


def test_a_delivery_before_the_way_back_began_is_one_to_the_recipient() -> None:
    told = happened(Status.DELIVERED, Status.RETURNING)
    assert statuses(told) == [Status.DELIVERED, Status.RETURNING]


def test_what_moves_nothing_is_left_as_it_is_on_the_way_back() -> None:
    told = happened(Status.RETURNING, Status.ON_HOLD, Status.UNKNOWN, Status.LOST, Status.CANCELLED)
    assert statuses(told) == [event.status for event in told]


def test_a_remark_neither_begins_a_way_back_nor_ends_it() -> None:
    remark, delivered = happened(Status.RETURNING, Status.DELIVERED)
    remark = replace(remark, standing=Standing.INFORMATIVE)
    assert statuses([remark, delivered]) == [Status.RETURNING, Status.DELIVERED]
    beginning, told = happened(Status.RETURNING, Status.DELIVERED)
    assert statuses([beginning, replace(told, standing=Standing.INFORMATIVE)])[1] is Status.DELIVERED


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


def test_a_promise_at_midnight_is_one_for_the_day() -> None:
    assert end_of(datetime(2026, 9, 1, tzinfo=UTC)) == datetime(2026, 9, 1, 23, 59, 59, tzinfo=UTC)
    assert end_of(AT) == AT
    assert end_of(None) is None


def test_the_clock_at_the_place_is_the_same_with_and_without_an_offset() -> None:
    assert wall_clock(AT) == wall_clock(AT.replace(tzinfo=timezone(timedelta(hours=-3)))) == "2026-09-01T12:00:00"


@pytest.mark.parametrize("number", ["4006381333931", "00012345600000000012", "0"])
def test_gs1s_check_digit_makes_the_weighted_sum_a_multiple_of_ten(number: str) -> None:
    assert gs1_check_digit_fits(number)
    assert not gs1_check_digit_fits(f"{number[:-1]}{(int(number[-1]) + 1) % 10}")
