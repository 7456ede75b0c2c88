"""How a carrier's calls of a day are shared out, and who gets them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rastro.budget import FOR_THE_PATIENT, Kind, by_urgency, day_of, for_the_patient, share_of_now, urgency
from rastro.habits import AT_THE_DOOR, SILENCE, WEEK, Habit
from rastro.models import FINAL, Status

MIDNIGHT = datetime(2026, 11, 20, 3, tzinfo=UTC)  # in São Paulo
HOUR = timedelta(hours=1)
BY_NIGHT = Habit(
    by_silence=(0.1,) * (len(SILENCE) + 1), by_hour=tuple(4.0 if one % 24 >= 20 else 0.4 for one in range(WEEK))
)


habits = st.builds(
    Habit,
    by_silence=st.tuples(*[st.floats(0.001, 1)] * (len(SILENCE) + 1)),
    by_hour=st.lists(st.floats(0.01, 5), min_size=WEEK, max_size=WEEK).map(tuple),
)


def kind(**more: object) -> Kind:
    by_default = {"step": "RO 01", "status": Status.IN_TRANSIT, "near": False, "silent": 5, "waited": 1}
    return Kind(**{**by_default, **more})  # type: ignore[arg-type]


def test_the_day_is_the_carriers_own() -> None:
    assert day_of(MIDNIGHT) - day_of(MIDNIGHT - timedelta(seconds=1)) == timedelta(days=1)


@pytest.mark.parametrize(
    ("spent", "hour", "share"),
    [
        (0, 0, 100),
        (0, 12, 200),
        (1200, 12, 100),
        (2399, 0, 1),
        (2400, 12, 0),
        (9999, 12, 0),
        (1200, 23, 1200),
        (0, 23.9, 2400),
    ],
)
def test_a_run_has_an_equal_part_of_what_is_left_of_the_day(spent: int, hour: float, share: int) -> None:
    assert share_of_now(2400, spent, {}, MIDNIGHT + hour * HOUR) == share


@given(st.integers(1, 100_000), st.lists(st.integers(0, 10_000), min_size=24, max_size=24), st.integers(0, 3599))
def test_a_day_of_runs_never_spends_more_than_its_budget_and_leaves_the_evening_its_part(
    budget: int, due: list[int], late: int
) -> None:
    spent, unused = 0, 0
    for hour, wanted in enumerate(due):
        share = share_of_now(budget, spent, {}, MIDNIGHT + hour * HOUR + timedelta(seconds=late))
        assert share >= (budget - spent) / 24
        assert share * (24 - hour) >= budget - spent
        assert share >= budget // 24, "what was not used earlier is there later"
        used = min(wanted, share)
        spent, unused = spent + used, unused + share - used
    assert spent <= budget
    assert unused or spent == budget


def test_an_hour_gets_calls_in_proportion_to_the_news_that_its_carrier_has_then() -> None:
    shares = [share_of_now(2400, 0, {"RO 01": BY_NIGHT}, MIDNIGHT + hour * HOUR) for hour in (0, 19, 20, 23)]
    assert shares == [40, 59, 600, 2400]


@given(st.integers(1, 100_000), st.integers(0, 100_000), st.floats(0, 23.99), st.data())
def test_a_run_never_gets_more_than_is_left_nor_nothing_while_there_is_something(
    budget: int, spent: int, hour: float, data: st.DataObject
) -> None:
    share = share_of_now(budget, spent, {"RO 01": data.draw(habits)}, MIDNIGHT + hour * HOUR)
    assert (share == 0) == (spent >= budget)
    assert share <= max(0, budget - spent)


@given(st.integers(1, 100_000))
def test_always_somebody_who_has_waited_longest_is_among_those_asked_about(parcels: int) -> None:
    assert 1 <= for_the_patient(parcels) <= parcels
    assert for_the_patient(parcels) * FOR_THE_PATIENT >= parcels


def test_who_is_likeliest_to_have_news_goes_first_and_between_equals_who_is_at_the_door_or_expected() -> None:
    out = kind(status=Status.OUT_FOR_DELIVERY, step="OEC 01")
    near, sleeper, moving = kind(near=True), kind(silent=400, step=""), kind(step="PO 01")
    late, over = kind(waited=3), kind(status=Status.DELIVERED, silent=999, waited=168)
    told = {"OEC 01": BY_NIGHT, "RO 01": BY_NIGHT, "PO 01": BY_NIGHT}
    ranked = by_urgency([over, sleeper, moving, near, late, out], told, MIDNIGHT + 12 * HOUR)
    assert ranked[0] == late
    assert set(ranked[1:3]) == {out, near}
    assert ranked[3:] == [moving, sleeper, over]


def test_what_is_to_be_expected_weighs_by_how_late_it_is() -> None:
    told = {"RO 01": BY_NIGHT}
    after_the_night, _ = urgency(kind(waited=12), told, MIDNIGHT + 8 * HOUR)  # since 20 h
    by_day, _ = urgency(kind(waited=12), told, MIDNIGHT + 20 * HOUR)
    assert after_the_night == pytest.approx(0.1 * (4 * (11.5 + 10.5 + 9.5 + 8.5) + 0.4 * 8 * 4))
    assert by_day == pytest.approx(0.1 * 0.4 * 12 * 6)


@given(
    habits, st.sampled_from(sorted(set(Status) - FINAL)), st.booleans(), st.integers(0, 500), st.integers(1, 160),
    st.integers(0, WEEK), st.integers(1, 8),
)  # fmt: skip
def test_the_longer_a_parcel_waits_the_more_urgent_it_is(
    habit: Habit,
    status: Status,
    near: bool,  # noqa: FBT001 - Hypothesis names no argument
    silent: int,
    waited: int,
    hour: int,
    longer: int,
) -> None:
    def after(more: int) -> tuple[float, bool]:
        one = kind(status=status, near=near, silent=silent + waited + more, waited=waited + more)
        return urgency(one, {"RO 01": habit}, MIDNIGHT + (hour + more) * HOUR)

    assert after(longer) > after(0)
    assert after(0)[1] == (near or status in AT_THE_DOOR)
