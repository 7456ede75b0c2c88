"""What a carrier's own history teaches about when it has news."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rastro.habits import (
    AWAKE,
    ENOUGH,
    ENOUGH_IN_LANE,
    SILENCE,
    SLEEPING,
    STEADY_SPANS,
    WEEK,
    Habit,
    Stay,
    along,
    habit_for,
    habit_of,
    hour_of_week,
    learn,
    step_and_lane,
    untaught,
)
from rastro.models import Status

MONDAY = datetime(2026, 11, 2, 3, tzinfo=UTC)  # midnight in São Paulo
HOUR = timedelta(hours=1)


def stay(begun: float, ended: float, *, step: str = "departed", lane: str = "", news: bool = True) -> Stay:
    return Stay(
        step=step, lane=lane, status=Status.IN_TRANSIT, begun=MONDAY + begun * HOUR, ended=MONDAY + ended * HOUR,
        news=news,
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


def test_a_lane_has_a_habit_of_its_own_where_it_has_told_enough_and_leans_on_the_step() -> None:
    near = [stay(day * 24, day * 24 + 6, lane="SP PAC") for day in range(7) for _ in range(60)]
    far = [stay(day * 24, day * 24 + 50, lane="AM PAC") for day in range(7) for _ in range(60)]
    rare = [stay(0, 3, lane="AC PAC") for _ in range(ENOUGH_IN_LANE - 1)]
    learnt = learn([*near, *far, *rare])
    assert set(learnt) == {"departed", along("departed", "SP PAC"), along("departed", "AM PAC")}
    assert habit_for(learnt, "departed", "SP PAC").news(6, 6) > 2 * learnt["departed"].news(6, 6)
    assert habit_for(learnt, "departed", "AM PAC").news(6, 6) < learnt["departed"].news(6, 6) / 2
    assert habit_for(learnt, "departed", "AC PAC") is learnt["departed"]
    assert habit_for(learnt, "departed", "") is learnt["departed"]
    assert habit_for(learnt, "arrived", "SP PAC") is None
    assert {step_and_lane(one) for one in learnt} == {("departed", lane) for lane in ("", "SP PAC", "AM PAC")}


@pytest.mark.parametrize("silence", [0.25, 1, 1.5, 8, 30.75, 200, 721, 2000])
def test_the_hours_of_a_silence_count_where_they_fall(silence: float) -> None:
    """Against counting them one by one."""
    stays = [stay(13, 13 + silence, news=False)] * 3
    prior = Habit(by_silence=(0.1,) * (len(SILENCE) + 1), by_hour=tuple(0.5 + (one % 24) / 23 for one in range(WEEK)))
    expected = [STEADY_SPANS] * (len(SILENCE) + 1)
    known = min(silence, 720)
    for hour in range(int(known) + 1):
        part = min(1.0, known - hour) * habit_of([], prior, 1.0).by_hour[(13 + hour) % WEEK]
        expected[bisect_right(SILENCE, hour)] += 3 * part
    assert habit_of(stays, prior, 1.0).by_silence == pytest.approx([0.1 * STEADY_SPANS / hours for hours in expected])


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
