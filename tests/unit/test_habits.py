"""What a carrier's own history teaches about when it has news."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from math import log
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rastro.habits import (
    AWAKE,
    ENOUGH,
    ENOUGH_IN_LANE,
    PARTS,
    SILENCE,
    SLEEPING,
    WEEK,
    Stay,
    along,
    habit_for,
    hour_of_week,
    learn,
    lines_and_waits,
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


@pytest.mark.parametrize(
    ("begun", "ended", "hours"),
    [
        (9.7, 9.9, []),  # nobody looks within the hour
        (9.7, 12.3, [(10, 0), (11, 1), (12, 2)]),
        (9.0, 10.5, [(9, 0), (10, 1)]),
        (9.7, 13.0, [(10, 0), (11, 1), (12, 2), (13, 3)]),
    ],
)
def test_a_parcel_waits_in_each_hour_of_the_clock_and_has_news_in_the_last(
    begun: float, ended: float, hours: list[tuple[int, int]]
) -> None:
    cells = [bisect_right(SILENCE, silence) * WEEK + hour for hour, silence in hours]
    lines, waits = lines_and_waits([stay(begun, ended), stay(begun, ended, news=False)])
    assert waits == dict.fromkeys(cells, 2)
    assert lines == dict.fromkeys(cells[-1:], 1)


def test_a_longer_silence_than_thirty_days_teaches_no_more() -> None:
    lines, waits = lines_and_waits([stay(5, 5 + 1000)])
    assert waits.total() == 720
    assert not lines


def test_an_hour_in_which_many_wait_is_not_one_in_which_each_has_more_news() -> None:
    """Nine of ten come at seven in the morning, and a tenth of those who wait has news in each hour."""
    habit = learn(
        stay(day * 24 + hour, day * 24 + hour - 10 * log(1 - (one + 0.5) / several))
        for day in range(7)
        for hour, several in ((7, 900), (19, 100))
        for one in range(several)
    )["departed"]
    for hour in (0, 12):
        assert fmean(habit.news(5, day * 24 + hour) for day in range(7)) == pytest.approx(0.1, rel=0.2)


def test_the_hours_of_news_may_be_others_after_a_long_silence_than_after_a_short_one() -> None:
    """By day after six hours, and by night after twenty."""
    begun = [day * 24 + hour for day in range(7) for hour in range(24) for _ in range(20)]
    by_day = [stay(one, one + 6.5, news=(one + 6) % 24 in range(8, 20)) for one in begun]
    by_night = [stay(one, one + 20.5, news=(one + 20) % 24 not in range(8, 20)) for one in begun]
    habit = learn(by_day + by_night)["departed"]
    assert habit.news(6, 14) > 10 * habit.news(6, 2)
    assert habit.news(20, 2) > 10 * habit.news(20, 14)


def test_who_is_at_the_door_stays_awake() -> None:
    assert untaught(Status.OUT_FOR_DELIVERY) is AWAKE
    assert untaught(Status.IN_TRANSIT) is SLEEPING


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(0, 2000), st.booleans()), max_size=30))
def test_whatever_is_taught_news_is_always_possible_and_never_certain(several: list[tuple[float, float, bool]]) -> None:
    stays = [stay(begun, begun + silence, news=news) for begun, silence, news in several]
    for habit in learn(stays + [stay(0, 5)] * ENOUGH).values():
        assert all(one > 0 for one in (*habit.by_silence, *habit.by_hour, *habit.by_both))
        assert len(habit.by_silence) == len(SILENCE) + 1
        assert len(habit.by_hour) == WEEK
        assert len(habit.by_both) == PARTS * len(habit.by_silence)
