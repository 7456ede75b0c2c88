"""When a parcel is looked at again."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from rastro.habits import AT_THE_DOOR, SILENCE, WEEK, Habit
from rastro.models import FINAL, RefusalReason, Status
from rastro.polling import DECLINED, LONGEST, Look, Pace, interval_of, leaning, next_poll_at, why

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PACE = Pace(every=HOUR, last_look_after=3 * DAY, give_up_after=60 * DAY)
SLEEPY = sorted(set(Status) - FINAL - AT_THE_DOOR)


def look(*, silent: timedelta = timedelta(0), status: Status = Status.IN_TRANSIT, **more) -> Look:
    return Look(at=NOW, status=status, quiet_since=NOW - silent, **more)


@pytest.mark.parametrize("status", SLEEPY)
@pytest.mark.parametrize(
    ("silent", "hours"),
    [
        (timedelta(0), 1),
        (2 * DAY - HOUR, 1),
        (2 * DAY, 3),
        (6 * DAY, 3),
        (7 * DAY, 6),
        (14 * DAY, 6),
        (15 * DAY, 12),
        (29 * DAY, 12),
        (30 * DAY, 24),
        (60 * DAY, 24),
    ],
)
def test_the_longer_a_parcel_is_silent_the_less_often_it_is_asked_about(
    status: Status, silent: timedelta, hours: int
) -> None:
    assert next_poll_at(look(silent=silent, status=status), PACE) == NOW + hours * HOUR


def test_the_interval_is_the_setting_and_the_rest_multiples_of_it() -> None:
    often = Pace(every=timedelta(minutes=15), last_look_after=3 * DAY, give_up_after=60 * DAY)
    assert next_poll_at(look(), often) == NOW + timedelta(minutes=15)
    assert next_poll_at(look(silent=5 * DAY), often) == NOW + timedelta(minutes=45)


@pytest.mark.parametrize("status", sorted(AT_THE_DOOR))
def test_a_parcel_at_the_door_is_asked_about_in_every_run_however_silent(status: Status) -> None:
    assert next_poll_at(look(silent=50 * DAY, status=status), PACE) == NOW + HOUR


@pytest.mark.parametrize(
    ("from_now", "hours"),
    [(timedelta(0), 1), (DAY, 1), (-DAY, 1), (DAY + HOUR, 12), (-DAY - HOUR, 12)],
)
def test_a_parcel_expected_about_now_is_asked_about_in_every_run(from_now: timedelta, hours: int) -> None:
    assert next_poll_at(look(silent=20 * DAY, estimated_at=NOW + from_now), PACE) == NOW + hours * HOUR


@pytest.mark.parametrize("status", sorted(FINAL))
def test_a_parcel_at_its_end_is_looked_at_once_more_and_then_never(status: Status) -> None:
    assert next_poll_at(look(status=status), PACE) == NOW + 3 * DAY
    assert next_poll_at(look(status=status, was_final=True), PACE) is None


def test_the_last_look_comes_however_long_the_end_is_past() -> None:
    long_ago = look(status=Status.DELIVERED, silent=400 * DAY)
    assert next_poll_at(long_ago, PACE) == NOW + 3 * DAY


def test_a_parcel_that_left_its_end_is_asked_about_again() -> None:
    assert next_poll_at(look(status=Status.IN_TRANSIT, was_final=True), PACE) == NOW + HOUR


@pytest.mark.parametrize("status", sorted(set(Status) - FINAL))
def test_a_pending_parcel_is_given_up_after_its_last_day_of_silence(status: Status) -> None:
    assert next_poll_at(look(status=status, silent=60 * DAY), PACE) is not None
    assert next_poll_at(look(status=status, silent=60 * DAY + HOUR), PACE) is None


def test_an_estimate_does_not_keep_a_given_up_parcel_alive() -> None:
    assert next_poll_at(look(silent=61 * DAY, estimated_at=NOW), PACE) is None


@pytest.mark.parametrize(
    ("times", "again"), [(1, True), (DECLINED - 1, True), (DECLINED, False), (DECLINED + 1, False)]
)
def test_a_carrier_is_believed_when_it_has_said_several_times_that_a_parcel_is_not_its_own(
    times: int, *, again: bool
) -> None:
    declined = look(refusal=RefusalReason.NOT_OURS, not_ours=times)
    assert next_poll_at(declined, PACE) == (NOW + HOUR if again else None)


def test_three_times_are_several() -> None:
    assert DECLINED == 3


def test_a_parcel_that_is_declined_at_its_end_is_looked_at_once_more_all_the_same() -> None:
    declined = {"status": Status.DELIVERED, "refusal": RefusalReason.NOT_OURS, "not_ours": DECLINED}
    assert next_poll_at(look(**declined), PACE) == NOW + 3 * DAY


def test_a_malformed_number_is_asked_about_at_the_slowest() -> None:
    assert next_poll_at(look(refusal=RefusalReason.MALFORMED), PACE) == NOW + 24 * HOUR
    at_the_door = look(refusal=RefusalReason.MALFORMED, status=Status.OUT_FOR_DELIVERY)
    assert next_poll_at(at_the_door, PACE) == NOW + 24 * HOUR


def test_a_number_not_known_yet_is_asked_about_like_any_silent_parcel() -> None:
    unknown = {"status": Status.UNKNOWN, "refusal": RefusalReason.NOT_FOUND}
    assert next_poll_at(look(**unknown), PACE) == NOW + HOUR
    assert next_poll_at(look(silent=5 * DAY, **unknown), PACE) == NOW + 3 * HOUR
    assert next_poll_at(look(silent=61 * DAY, **unknown), PACE) is None


def test_an_end_that_is_refused_now_still_ends() -> None:
    delivered = look(status=Status.DELIVERED, was_final=True, refusal=RefusalReason.NOT_FOUND)
    assert next_poll_at(delivered, PACE) is None


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=40), timedelta(minutes=59, seconds=59)])
def test_a_look_that_is_late_does_not_push_the_next_one_out_of_its_run(late: timedelta) -> None:
    at = NOW + late
    assert next_poll_at(Look(at=at, status=Status.IN_TRANSIT, quiet_since=at), PACE) == NOW + HOUR


def test_without_an_interval_a_parcel_is_due_at_once() -> None:
    always = Pace(every=timedelta(0), last_look_after=3 * DAY, give_up_after=60 * DAY)
    assert interval_of(NOW + timedelta(seconds=7), timedelta(0)).later[0] == NOW + timedelta(seconds=7)
    assert next_poll_at(look(silent=20 * DAY), always) == NOW


NIGHTLY = Habit(
    by_silence=(0.0,) * 4 + (0.2,) * (len(SILENCE) - 3),
    by_hour=tuple(3.0 if hour % 24 in range(20, 24) else 0.6 for hour in range(WEEK)),
)


def test_a_parcel_is_looked_at_when_its_carrier_is_wont_to_have_news() -> None:
    """Nothing within 8 hours of a line, and most from 20 to 24 h; it is Friday, 9 h where the carrier works."""
    after = {silent: (next_poll_at(look(silent=silent * HOUR), PACE, NIGHTLY) - NOW) / HOUR for silent in (0, 4, 8, 11)}
    assert after == {0: 9, 4: 5, 8: 1, 11: 1}
    dull = replace(NIGHTLY, by_silence=(0.02,) * (len(SILENCE) + 1))
    assert next_poll_at(look(), PACE, dull) == NOW + 5 * HOUR
    assert next_poll_at(look(), replace(PACE, worth=0.1), dull) == NOW + 9 * HOUR
    assert next_poll_at(structs.replace(look(), at=NOW + 11 * HOUR), PACE, dull) == NOW + 12 * HOUR


def test_a_parcel_that_is_expected_is_looked_at_in_its_carriers_hours_whatever_its_habit() -> None:
    never = Habit(by_silence=(0.0,) * (len(SILENCE) + 1), by_hour=NIGHTLY.by_hour)
    assert next_poll_at(look(), PACE, never) == NOW + LONGEST * HOUR
    assert next_poll_at(look(estimated_at=NOW), PACE, never) == NOW + 2 * HOUR


def test_the_day_that_the_shop_promised_counts_like_the_one_that_its_carrier_says() -> None:
    for both in ({"promised_at": NOW + DAY}, {"promised_at": NOW - DAY, "estimated_at": NOW + 9 * DAY}):
        assert next_poll_at(look(silent=20 * DAY, **both), PACE) == NOW + HOUR
        assert "expected about now" in why(look(silent=20 * DAY, **both), PACE, NOW + HOUR)
    assert next_poll_at(look(silent=20 * DAY, promised_at=NOW + 2 * DAY), PACE) == NOW + 12 * HOUR


@pytest.mark.parametrize(("silent", "hours"), [(3, 3), (8, 6), (20, 12), (40, 24)])
def test_sleepers_that_are_alike_fall_due_at_several_hours_about_the_same(silent: int, hours: int) -> None:
    due = Counter(next_poll_at(look(silent=silent * DAY, poll_id=one), PACE) for one in range(1, 901))
    assert len(due) >= 3
    assert max(due.values()) < 900 * 0.6
    waits = {(at - NOW) / HOUR for at in due if at}
    assert min(waits) >= hours / 2 - 1
    assert max(waits) <= min(LONGEST, 1.5 * hours + 1)
    assert sum((at - NOW) / HOUR * many for at, many in due.items() if at) / 900 == pytest.approx(hours, rel=0.25)


def test_who_is_looked_at_in_every_run_is_so_whoever_it_is() -> None:
    for one in range(1, 20):
        assert next_poll_at(look(poll_id=one), PACE) == NOW + HOUR
        assert next_poll_at(look(silent=5 * DAY, status=Status.OUT_FOR_DELIVERY, poll_id=one), PACE) == NOW + HOUR


@given(st.integers(1, 2**62))
def test_a_parcel_always_leans_to_the_same_side(poll_id: int) -> None:
    assert -1 <= leaning(poll_id) <= 1
    assert leaning(poll_id) == leaning(poll_id)
    assert leaning(poll_id) != leaning(poll_id + 1)
    assert sum(leaning(poll_id + one) for one in range(9)) == pytest.approx(0)


def test_a_wait_that_habits_gave_is_explained_as_such() -> None:
    seen = look()
    assert "hardly ever has news" in why(seen, PACE, next_poll_at(seen, PACE, NIGHTLY))
    assert "looked at after 9 hours" in why(seen, PACE, next_poll_at(seen, PACE, NIGHTLY))


looks = st.builds(
    Look,
    at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - made aware
    status=st.sampled_from(Status),
    quiet_since=st.datetimes(datetime(2025, 6, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    was_final=st.booleans(),
    estimated_at=st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    refusal=st.none() | st.sampled_from(RefusalReason),
    promised_at=st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    poll_id=st.integers(0, 1000),
    not_ours=st.integers(0, 4),
)


@given(looks, st.integers(1, 48).map(lambda quarters: quarters * timedelta(minutes=15)))
def test_the_next_look_lies_ahead_on_an_interval_and_at_most_a_day_of_intervals_away(
    one: Look, every: timedelta
) -> None:
    pace = Pace(every=every, last_look_after=3 * DAY, give_up_after=60 * DAY)
    at = next_poll_at(one, pace)
    if at is None:
        return
    assert at > one.at
    if not one.status.is_final:
        assert at <= one.at + 24 * every
        assert interval_of(at, every).later[0] == at
