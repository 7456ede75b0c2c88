"""What an answer adds to what was known, and the state that follows from all of it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rastro.diff import CLOCK_SKEW, Change, Life, State, compare, moves, state_of
from rastro.models import Event, Pickup, Proof, Snapshot, Standing, Status

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LIFE = Life(begins=NOON - timedelta(days=30), ends=NOON + timedelta(days=30))


def event(key: str, status: Status, hours: float = 0, *, standing: Standing = Standing.EFFECTIVE) -> Event:
    return Event(
        key=key,
        occurred_at=NOON + timedelta(hours=hours),
        status=status,
        code=key.upper(),
        description=f"line {key}",
        standing=standing,
    )


POSTED = event("posted", Status.IN_TRANSIT, 0)
MOVED = event("moved", Status.IN_TRANSIT, 10)
OUT = event("out", Status.OUT_FOR_DELIVERY, 20)
DELIVERED = event("delivered", Status.DELIVERED, 24)


def answer(known: Sequence[Event], *told: Event, life: Life = LIFE, before: State | None = None) -> Change:
    """What an answer with these lines changes for a shipment of which ``known`` is recorded."""
    state = state_of(known) if before is None else before
    return compare(known, Snapshot(reference="QQ100000017BR", events=told), life=life, before=state)


def learnt(*answers: Sequence[Event], life: Life = LIFE) -> Change:
    """The last change of a shipment that was answered about several times."""
    change = answer((), *answers[0], life=life)
    for told in answers[1:]:
        change = answer(change.history, *told, life=life, before=change.after)
    return change


def keys(events: Iterable[Event]) -> list[str]:
    return [one.key for one in events]


def standings(events: Iterable[Event]) -> dict[str, Standing]:
    return {one.key: one.standing for one in events}


# The state


def test_nothing_known_is_unknown_since_never() -> None:
    assert state_of([]) == State(status=Status.UNKNOWN, since=None, key="")


@pytest.mark.parametrize("events", [(POSTED, OUT, MOVED), (OUT, POSTED, MOVED), (MOVED, POSTED, OUT)])
def test_the_newest_event_decides_in_whatever_order_they_stand(events: tuple[Event, ...]) -> None:
    assert state_of(events) == State(status=Status.OUT_FOR_DELIVERY, since=OUT.occurred_at, key="out")


def test_of_events_at_the_same_time_the_one_given_last_decides() -> None:
    first, second = event("a", Status.OUT_FOR_DELIVERY), event("b", Status.DELIVERED)
    assert state_of([first, second]).key == "b"
    assert state_of([second, first]).key == "a"


@pytest.mark.parametrize("standing", [one for one in Standing if one is not Standing.EFFECTIVE])
def test_an_event_that_does_not_count_decides_nothing(standing: Standing) -> None:
    assert state_of([POSTED, replace(DELIVERED, standing=standing)]).key == "posted"


def test_a_code_that_no_table_explains_leaves_the_state_as_it_is() -> None:
    strange = event("strange", Status.UNKNOWN, 30)
    assert not moves(strange)
    assert state_of([POSTED, strange]).status is Status.IN_TRANSIT
    assert state_of([strange]) == State()


@pytest.mark.parametrize("status", Status)
def test_only_a_delivered_parcel_has_a_time_of_delivery(status: Status) -> None:
    state = State(status=status, since=NOON)
    assert state.delivered_at == (NOON if status is Status.DELIVERED else None)


# What an answer changes


def test_the_first_answer_is_all_new() -> None:
    change = compare(
        (),
        Snapshot(reference="QQ100000017BR", events=(POSTED, OUT)),
        life=LIFE,
        before=State(),
        first_contact=True,
    )
    assert change.first_contact
    assert change.new == change.history == change.news == (POSTED, OUT)
    assert change.restated == ()
    assert (change.before.status, change.after.status) == (Status.UNKNOWN, Status.OUT_FOR_DELIVERY)
    assert change.says_something


def test_a_later_answer_brings_only_what_was_not_recorded() -> None:
    change = answer((POSTED, MOVED), POSTED, MOVED, OUT)
    assert change.new == (OUT,)
    assert change.restated == ()
    assert change.history == (POSTED, MOVED, OUT)
    assert not change.first_contact


def test_an_older_event_learnt_late_takes_its_place_in_history_and_moves_nothing() -> None:
    change = answer((POSTED, OUT), POSTED, MOVED, OUT)
    assert change.new == (MOVED,)
    assert change.history == (POSTED, MOVED, OUT)
    assert change.after == change.before
    assert change.says_something


def test_estimate_and_pickup_are_those_of_the_answer() -> None:
    pickup = Pickup(place="AGF Centro")
    told = Snapshot(reference="QQ100000017BR", events=(POSTED,), estimated_at=NOON, pickup=pickup)
    change = compare((POSTED,), told, life=LIFE, before=state_of([POSTED]))
    assert (change.estimated_at, change.pickup) == (NOON, pickup)
    assert not change.says_something


def test_an_empty_answer_takes_nothing_back() -> None:
    change = answer((POSTED, DELIVERED))
    assert not change.says_something
    assert change.history == (POSTED, DELIVERED)
    assert change.after.status is Status.DELIVERED


def test_an_event_that_the_answer_skips_is_withdrawn_and_kept() -> None:
    change = answer((POSTED, MOVED, OUT), POSTED, OUT)
    assert change.new == ()
    assert change.restated == (replace(MOVED, standing=Standing.WITHDRAWN),)
    assert keys(change.history) == ["posted", "moved", "out"]
    assert change.says_something


def test_events_older_than_the_answer_reaches_are_trimmed_and_still_count() -> None:
    change = answer((POSTED, MOVED, OUT), OUT)
    assert not change.says_something
    assert change.history == (POSTED, MOVED, OUT)


def test_an_event_at_the_very_time_the_answer_begins_may_have_been_trimmed() -> None:
    beside = event("beside", Status.IN_TRANSIT, 20)
    change = answer((POSTED, beside, OUT), OUT)
    assert standings(change.history) == {
        "posted": Standing.EFFECTIVE,
        "beside": Standing.EFFECTIVE,
        "out": Standing.EFFECTIVE,
    }


def test_a_delivery_that_is_gone_from_the_answer_is_taken_back() -> None:
    change = answer((POSTED, OUT, DELIVERED), POSTED, OUT)
    assert (change.before.status, change.after.status) == (Status.DELIVERED, Status.OUT_FOR_DELIVERY)
    assert change.after.since == OUT.occurred_at
    assert change.after.delivered_at is None
    assert change.says_something
    assert change.news == ()


def test_a_delivery_that_the_carrier_voids_is_taken_back() -> None:
    voided = replace(DELIVERED, standing=Standing.VOIDED)
    remark = event("est", Status.UNKNOWN, 25, standing=Standing.INFORMATIVE)
    change = answer((POSTED, OUT, DELIVERED), POSTED, OUT, voided, remark)
    assert change.restated == (voided,)
    assert change.new == (remark,)
    assert change.after.status is Status.OUT_FOR_DELIVERY


def test_a_withdrawn_event_counts_again_when_it_comes_back() -> None:
    change = learnt((POSTED, DELIVERED), (POSTED,), (POSTED, DELIVERED))
    assert change.new == ()
    assert change.restated == (DELIVERED,)
    assert (change.before.status, change.after.status) == (Status.IN_TRANSIT, Status.DELIVERED)


def test_a_withdrawn_event_stays_withdrawn_without_being_restated_again() -> None:
    change = learnt((POSTED, MOVED, OUT), (POSTED, OUT), (POSTED, OUT))
    assert not change.says_something
    assert standings(change.history)["moved"] is Standing.WITHDRAWN


def test_a_code_that_is_understood_later_is_restated() -> None:
    strange = replace(DELIVERED, status=Status.UNKNOWN)
    change = answer((POSTED, strange), POSTED, DELIVERED)
    assert change.new == ()
    assert change.restated == (DELIVERED,)
    assert change.after.status is Status.DELIVERED


def test_a_given_up_parcel_that_speaks_again_leaves_its_end() -> None:
    change = answer((POSTED,), POSTED, OUT, before=State(status=Status.EXPIRED, since=NOON + timedelta(days=60)))
    assert (change.before.status, change.after.status) == (Status.EXPIRED, Status.OUT_FOR_DELIVERY)


GIVEN_UP = State(status=Status.EXPIRED, since=NOON + timedelta(days=60), key="posted")


@pytest.mark.parametrize(
    "told",
    [
        (POSTED,),
        (POSTED, event("strange", Status.UNKNOWN, 30)),
        (POSTED, event("remark", Status.IN_TRANSIT, 30, standing=Standing.INFORMATIVE)),
        (replace(POSTED, standing=Standing.VOIDED),),
    ],
)
def test_a_given_up_parcel_stays_so_until_something_is_said_that_counts(told: tuple[Event, ...]) -> None:
    assert answer((POSTED,), *told, before=GIVEN_UP).after == GIVEN_UP


def test_a_given_up_parcel_leaves_its_end_when_a_code_of_its_is_understood_at_last() -> None:
    strange = event("strange", Status.UNKNOWN, 3)
    change = answer((POSTED, strange), POSTED, replace(strange, status=Status.LOST), before=GIVEN_UP)
    assert change.after.status is Status.LOST


def test_a_given_up_parcel_is_not_brought_back_by_an_older_answer() -> None:
    snapshot = Snapshot(reference="QQ100000017BR", events=(POSTED, MOVED))
    change = compare((MOVED,), snapshot, life=LIFE, before=GIVEN_UP, newest=False)
    assert change.new == (POSTED,)
    assert change.after == GIVEN_UP


def test_the_same_lines_of_one_minute_in_another_order_move_nothing() -> None:
    out, handed = event("out", Status.OUT_FOR_DELIVERY, 20), event("handed", Status.DELIVERED, 20)
    change = answer((POSTED, out, handed), POSTED, handed, out)
    assert not change.says_something
    assert change.history == (POSTED, out, handed)
    assert change.after.status is Status.DELIVERED


def test_changes_are_counted_from_one() -> None:
    assert answer((), POSTED).revision == 1
    counted = compare((POSTED,), Snapshot(reference="Q", events=(POSTED, OUT)), life=LIFE, before=State(), revision=7)
    assert counted.revision == 7


def test_news_are_the_new_events_that_count_and_are_understood() -> None:
    strange = event("strange", Status.UNKNOWN, 3)
    remark = event("remark", Status.IN_TRANSIT, 4, standing=Standing.INFORMATIVE)
    change = answer((POSTED,), POSTED, strange, remark, MOVED)
    assert change.new == (strange, remark, MOVED)
    assert change.news == (MOVED,)


def test_the_order_of_the_answer_decides_between_events_of_one_minute() -> None:
    out, handed = event("out", Status.OUT_FOR_DELIVERY, 20), event("handed", Status.DELIVERED, 20)
    assert answer((), POSTED, out, handed).after.status is Status.DELIVERED
    assert answer((), POSTED, handed, out).after.status is Status.OUT_FOR_DELIVERY
    late = learnt((POSTED, handed), (POSTED, out, handed))
    assert late.after.status is Status.DELIVERED
    assert keys(late.history) == ["posted", "out", "handed"]


# A parcel's life


def test_a_life_reaches_from_before_the_invoice_to_a_day_from_now() -> None:
    life = Life.of(NOON, margin=timedelta(days=15), now=NOON + timedelta(days=2))
    assert life == Life(begins=NOON - timedelta(days=15), ends=NOON + timedelta(days=2) + CLOCK_SKEW)
    second = timedelta(seconds=1)
    assert life.begins
    assert [life.holds(at) for at in (life.begins - second, life.begins, life.ends, life.ends + second)] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(("passed_on", "ends"), [(90, 75), (16, 1), (17, 2), (18, 3), (19, 3)])
def test_a_life_ends_where_that_of_the_next_parcel_with_its_number_begins(passed_on: int, ends: int) -> None:
    day = timedelta(days=1)
    now = NOON + (99 if passed_on == 90 else 2) * day
    life = Life.of(NOON, margin=15 * day, now=now, passed_on=NOON + passed_on * day)
    assert life == Life(begins=NOON - 15 * day, ends=NOON + ends * day)


def test_without_an_invoice_date_a_life_has_no_beginning() -> None:
    life = Life.of(None, margin=timedelta(days=15), now=NOON)
    assert life.holds(NOON - timedelta(days=9999))
    assert not life.holds(NOON + CLOCK_SKEW + timedelta(seconds=1))


@pytest.mark.parametrize("days", [-31, 31])
def test_an_event_outside_the_life_is_kept_and_moves_nothing(days: int) -> None:
    stranger = event("stranger", Status.DELIVERED, 24 * days)
    change = answer((), stranger, POSTED)
    assert standings(change.new) == {"stranger": Standing.FOREIGN, "posted": Standing.EFFECTIVE}
    assert change.news == (POSTED,)
    assert change.after.status is Status.IN_TRANSIT


def test_a_delivery_of_an_earlier_parcel_with_the_same_number_delivers_nothing() -> None:
    earlier = event("earlier", Status.DELIVERED, -24 * 40)
    change = answer((), earlier)
    assert change.after == State()
    assert change.news == ()


def test_a_foreign_event_is_not_restated_by_every_answer() -> None:
    earlier = event("earlier", Status.DELIVERED, -24 * 40)
    assert not learnt((earlier, POSTED), (earlier, POSTED)).says_something


def test_an_event_dated_ahead_counts_when_its_day_has_come() -> None:
    ahead = event("ahead", Status.DELIVERED, 72)
    short = Life(begins=None, ends=NOON + timedelta(days=1))
    before = answer((), POSTED, ahead, life=short)
    assert before.after.status is Status.IN_TRANSIT
    after = answer(before.history, POSTED, ahead, before=before.after)
    assert after.restated == (ahead,)
    assert after.after.status is Status.DELIVERED


# What holds for any history


@st.composite
def histories(draw: st.DrawFn, *, equal_times: bool = True) -> list[Event]:
    """A carrier's full answer, oldest first: times that may be equal, any status and standing it can give."""
    drawn = draw(
        st.lists(
            st.tuples(
                st.integers(-50 * 24, 50 * 24),
                st.sampled_from(list(Status)),
                st.sampled_from([Standing.EFFECTIVE, Standing.EFFECTIVE, Standing.INFORMATIVE, Standing.VOIDED]),
            ),
            min_size=1,
            max_size=8,
            unique_by=None if equal_times else lambda one: one[0],
        )
    )
    told = [
        event(f"e{number}", status, hours, standing=standing) for number, (hours, status, standing) in enumerate(drawn)
    ]
    return sorted(told, key=lambda one: one.occurred_at)


@st.composite
def gathered(draw: st.DrawFn) -> tuple[list[Event], list[list[Event]]]:
    """
    A full answer, and parts of it in any order as they might have been learnt before. Of one time stands first what was
    learnt first, so here no two times are equal.
    """
    full = draw(histories(equal_times=False))
    parts = st.lists(st.booleans(), min_size=len(full), max_size=len(full)).map(
        lambda chosen: [one for one, taken in zip(full, chosen, strict=True) if taken]
    )
    return full, draw(st.lists(parts, max_size=4))


@given(gathered())
def test_the_order_of_learning_does_not_matter(given_: tuple[list[Event], list[list[Event]]]) -> None:
    full, parts = given_
    at_once, bit_by_bit = learnt(full), learnt(*parts, full)
    assert bit_by_bit.history == at_once.history
    assert bit_by_bit.after == at_once.after


@given(histories(), st.integers(0, 7), st.integers(0, 7))
def test_a_history_learnt_from_overlapping_tails_is_the_whole_history(full: list[Event], end: int, begin: int) -> None:
    first = full[: end + 1]
    reaches_back_to = full[min(begin, len(first) - 1)].occurred_at
    tail = [one for one in full if one.occurred_at >= reaches_back_to]
    assert learnt(first, tail).history == learnt(full).history


@given(gathered())
def test_asking_twice_changes_nothing(given_: tuple[list[Event], list[list[Event]]]) -> None:
    full, parts = given_
    once = learnt(*parts, full)
    again = answer(once.history, *full, before=once.after)
    assert not again.says_something
    assert (again.new, again.restated, again.history) == ((), (), once.history)
    assert again.after == once.after


@given(histories(), st.text(max_size=20))
def test_another_spelling_changes_nothing(full: list[Event], wording: str) -> None:
    once = learnt(full)
    reworded = [replace(one, description=wording, city=wording, code=one.code.lower()) for one in full]
    again = answer(once.history, *reworded, before=once.after)
    assert not again.says_something
    assert again.history == once.history


@given(gathered())
def test_nothing_once_learnt_is_ever_deleted(given_: tuple[list[Event], list[list[Event]]]) -> None:
    full, parts = given_
    known: tuple[Event, ...] = ()
    for told in [full, *parts]:
        change = answer(known, *told)
        assert set(keys(known)) | set(keys(told)) == set(keys(change.history))
        assert len(change.history) == len(set(keys(change.history)))
        assert list(change.history) == sorted(change.history, key=lambda one: one.occurred_at)
        known = change.history


@given(histories())
def test_the_state_is_that_of_an_event_that_counts_and_has_none_newer_beside_it(full: list[Event]) -> None:
    change = learnt(full)
    counting = [one for one in change.history if moves(one)]
    if not counting:
        assert change.after == State()
        return
    newest = max(one.occurred_at for one in counting)
    assert change.after.since == newest
    assert change.after.key == [one for one in counting if one.occurred_at == newest][-1].key
    assert LIFE.holds(newest)


# Answers that overtook each other


def late(known: Sequence[Event], *told: Event, overtaken: bool = True) -> Change:
    """
    What an answer changes that is loaded after a newer one, which gave us ``known``.

    :param overtaken: the newer one was whole.
    """
    snapshot = Snapshot(reference="QQ100000017BR", events=told)
    return compare(known, snapshot, life=LIFE, before=state_of(known), newest=False, overtaken=overtaken)


def test_an_older_answer_loaded_late_takes_nothing_back() -> None:
    change = late((POSTED, MOVED, OUT, DELIVERED), POSTED, MOVED)
    assert not change.says_something
    assert change.after.status is Status.DELIVERED


def test_what_only_an_older_answer_has_was_taken_back_since() -> None:
    change = late((POSTED, MOVED), POSTED, MOVED, DELIVERED)
    assert [(one.key, one.standing) for one in change.new] == [("delivered", Standing.WITHDRAWN)]
    assert change.after.status is Status.IN_TRANSIT
    assert change.news == ()


def test_an_older_answer_that_reaches_further_back_adds_what_the_newer_had_trimmed() -> None:
    change = late((OUT, DELIVERED), POSTED, OUT)
    assert standings(change.new) == {"posted": Standing.EFFECTIVE}
    assert change.after.status is Status.DELIVERED


@pytest.mark.parametrize("known", [(MOVED,), (MOVED, DELIVERED)])
@pytest.mark.parametrize("older", [OUT, replace(MOVED, key="beside")])
def test_what_an_older_answer_has_where_the_newer_begins_or_after_counts_no_more(
    known: tuple[Event, ...], older: Event
) -> None:
    change = late(known, older)
    assert standings(change.new) == {older.key: Standing.WITHDRAWN}
    assert change.after == change.before


def test_a_delivery_is_not_undone_by_an_older_answer_with_another_line_of_its_minute() -> None:
    beside = replace(DELIVERED, key="beside", status=Status.OUT_FOR_DELIVERY)
    for overtaken in (True, False):
        assert late((DELIVERED,), DELIVERED, beside, overtaken=overtaken).after.status is Status.DELIVERED
        assert late((DELIVERED,), beside, overtaken=overtaken).after.status is Status.DELIVERED


# Answers that tell only what is new


def partly(known: Sequence[Event], *told: Event, **more: Any) -> Change:
    """What news changes that a carrier told by itself, which is not all there is to tell."""
    snapshot = Snapshot(reference="QQ100000017BR", events=told, whole=False)
    return compare(known, snapshot, life=LIFE, before=state_of(known), **more)


def test_what_a_partial_answer_does_not_have_is_not_taken_back() -> None:
    change = partly((POSTED, MOVED, OUT), POSTED, DELIVERED)
    assert (change.new, change.restated) == ((DELIVERED,), ())
    assert change.history == (POSTED, MOVED, OUT, DELIVERED)
    assert not change.whole
    assert answer((POSTED, MOVED, OUT), POSTED, DELIVERED).restated == (
        replace(MOVED, standing=Standing.WITHDRAWN),
        replace(OUT, standing=Standing.WITHDRAWN),
    )


@pytest.mark.parametrize(
    "otherwise", [{"standing": Standing.VOIDED}, {"standing": Standing.INFORMATIVE}, {"status": Status.UNKNOWN}]
)
def test_how_a_line_is_to_be_read_is_a_whole_answers_to_say(otherwise: dict[str, Any]) -> None:
    said = replace(DELIVERED, **otherwise)
    change = partly((POSTED, OUT, DELIVERED), said)
    assert not change.says_something
    assert change.after.status is Status.DELIVERED
    assert answer((POSTED, OUT, DELIVERED), POSTED, OUT, said).restated == (said,)


def test_news_of_a_line_that_counts_for_nothing_makes_it_count_no_more() -> None:
    remark = replace(DELIVERED, standing=Standing.INFORMATIVE)
    assert partly((POSTED, remark), DELIVERED).after.status is partly((POSTED,), POSTED).after.status


def test_an_older_partial_answer_adds_what_it_has_and_undoes_nothing() -> None:
    change = partly((POSTED, DELIVERED), MOVED, replace(DELIVERED, status=Status.UNKNOWN), newest=False)
    assert (change.new, change.restated) == ((MOVED,), ())
    assert standings(change.history)["moved"] is Standing.EFFECTIVE
    assert change.after.status is Status.DELIVERED


def test_an_older_whole_answer_takes_nothing_of_newer_news_back_and_adds_what_it_has() -> None:
    change = late((POSTED, DELIVERED), POSTED, MOVED, OUT, overtaken=False)
    assert (change.new, change.restated) == ((MOVED, OUT), ())
    assert change.history == (POSTED, MOVED, OUT, DELIVERED)
    assert change.after.status is Status.DELIVERED


def test_what_older_news_has_and_a_newer_whole_answer_had_not_counts_no_more() -> None:
    change = partly((POSTED, DELIVERED), MOVED, newest=False, overtaken=True)
    assert standings(change.new) == {"moved": Standing.WITHDRAWN}


def test_an_answer_says_whether_it_is_whole_and_what_it_shows_for_a_delivery() -> None:
    proof = Proof(received_by="M. S.", picture="https://entregas.example/1.jpg")
    for whole in (True, False):
        told = Snapshot(reference="QQ100000017BR", events=(DELIVERED,), proof=proof, whole=whole)
        change = compare((), told, life=LIFE, before=State())
        assert (change.whole, change.proof) == (whole, proof)


def test_a_remark_that_only_an_older_answer_has_stays_a_remark() -> None:
    remark = event("remark", Status.IN_TRANSIT, 12, standing=Standing.INFORMATIVE)
    assert late((POSTED, OUT), POSTED, remark).new == (remark,)
