"""What a carrier's own history teaches about when it has news."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rastro.habits import AWAKE, ENOUGH, SILENCE, SLEEPING, WEEK, Stay, hour_of_week, learn, untaught
from rastro.models import Status

MONDAY = datetime(2026, 11, 2, 3, tzinfo=UTC)  # midnight in São Paulo
HOUR = timedelta(hours=1)


def stay(begun: float, ended: float, *, step: str = "departed", news: bool = True) -> Stay:
    return Stay(
        step=step, status=Status.IN_TRANSIT, begun=MONDAY + begun * HOUR, ended=MONDAY + ended * HOUR, news=news
    )  # fmt: skip


def test_the_week_begins_on_monday_where_the_carrier_works() -> None:
    assert hour_of_week(MONDAY) == 0
    assert hour_of_week(MONDAY - timedelta(minutes=1)) == WEEK - 1


def test_too_few_lines_teach_nothing() -> None:
    assert learn([stay(0, 5)] * (ENOUGH - 1)) == {}
    assert set(learn([stay(0, 5)] * ENOUGH)) == {"departed"}


def test_lines_come_after_the_silence_and_at_the_hour_at_which_they_came() -> None:
    habit = learn([stay(day * 24 + 8, day * 24 + 20) for day in range(7) for _ in range(200)])["departed"]
    assert all(habit.news(early, 8 + early) < 0.01 for early in range(10))
    assert all(habit.by_hour[day * 24 + 20] > 10 for day in range(7))
    assert sum(habit.by_hour) == pytest.approx(WEEK)
    assert habit.news(12, 20) > 1
    assert habit.news(12, 3) < habit.news(12, 20) / 100


def test_parcels_that_are_still_silent_count_as_silent() -> None:
    told = [stay(0, 10) for _ in range(ENOUGH)]
    silent = [stay(0, 400, news=False) for _ in range(ENOUGH)]
    moved, slept = learn(told)["departed"], learn(told + silent)["departed"]
    assert slept.by_silence[4] < moved.by_silence[4]
    assert slept.by_silence[12] < SLEEPING.by_silence[12]


def test_a_rare_step_leans_on_the_carriers_week_and_on_what_nobody_knows() -> None:
    often = [stay(day * 24, day * 24 + 20) for day in range(7) for _ in range(200)]
    habit = learn([*often, stay(0, 3, step="rare")])["rare"]
    assert habit.by_hour[20] > 10
    assert habit.by_silence[9:] == pytest.approx(SLEEPING.by_silence[9:])


def test_who_is_at_the_door_stays_awake() -> None:
    assert untaught(Status.OUT_FOR_DELIVERY) is AWAKE
    assert untaught(Status.IN_TRANSIT) is SLEEPING


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(0, 2000), st.booleans()), max_size=30))
def test_whatever_is_taught_news_is_always_possible_and_never_certain(several: list[tuple[float, float, bool]]) -> None:
    stays = [stay(begun, begun + silence, news=news) for begun, silence, news in several]
    for habit in learn(stays + [stay(0, 5)] * ENOUGH).values():
        assert all(one > 0 for one in (*habit.by_silence, *habit.by_hour))
        assert len(habit.by_silence) == len(SILENCE) + 1
        assert len(habit.by_hour) == WEEK
