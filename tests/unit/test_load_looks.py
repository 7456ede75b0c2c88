"""When a loaded answer's reference is looked at next, and what counts as a parcel's own life."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from rastro.diff import state_of
from rastro.models import Event, Shipment, Snapshot, Standing, Status
from rastro.pipeline.load import judge, next_look
from rastro.settings import settings_from
from rastro.warehouse.loading import Known, NextLook, Plan, StagedAnswer
from rastro.warehouse.shipments import SourceTraits

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SETTINGS = settings_from({})
SOURCES = {"sql:erp": SourceTraits(writes_back=False, own_mail=True)}
LONG_AGO = Event(
    key="old", occurred_at=NOW - timedelta(days=400), status=Status.DELIVERED, code="BDE 01", description="entregue"
)


def known(invoiced_at: datetime | None, *events: Event, skip: str = "") -> Known:
    shipment = Shipment(
        account="sql:erp", order_id="1", invoice_number="1", tracking_number="QB1", invoiced_at=invoiced_at, skip=skip
    )
    return Known(
        shipment_id=1, poll_id=1, shipment=shipment, first_seen_at=NOW - timedelta(hours=1), state=state_of(events),
        events=events,
    )  # fmt: skip


def answer(*events: Event, **more: Any) -> StagedAnswer:
    snapshot = Snapshot(reference="QB1", events=events)
    by_default: dict[str, Any] = {"answered_at": NOW, "first_answered_at": NOW, "loaded_at": None}
    return StagedAnswer(staged_id=1, poll_id=1, digest=b"x", snapshot=snapshot, **by_default | more)


def lately(status: Status) -> Event:
    return Event(key=status, occurred_at=NOW - timedelta(minutes=10), status=status, code="X", description="a line")


def look_after(answer: StagedAnswer, known: Known) -> NextLook:
    return next_look(answer, [judge(known, answer, SOURCES, SETTINGS, NOW)], SETTINGS)


def test_a_numbers_earlier_life_neither_delivers_the_parcel_nor_makes_us_give_it_up() -> None:
    for invoiced_at in (NOW - timedelta(days=1), None):
        loaded = judge(known(invoiced_at), answer(LONG_AGO), SOURCES, SETTINGS, NOW)
        assert [event.standing for event in loaded.change.new] == [Standing.FOREIGN]
        assert loaded.change.after.status is Status.UNKNOWN
        assert loaded.owed == ()
        look = next_look(answer(LONG_AGO), [loaded], SETTINGS)
        assert look.next_poll_at is not None
        assert look.quiet_since == NOW - timedelta(hours=1), "quiet since we first knew it, not since its earlier life"


def test_a_parcels_own_news_count_as_its_last_word() -> None:
    posted = Event(
        key="po",
        occurred_at=NOW - timedelta(minutes=10),
        status=Status.IN_TRANSIT,
        code="PO 01",
        description="postado",
    )
    loaded = judge(known(NOW - timedelta(days=1)), answer(LONG_AGO, posted), SOURCES, SETTINGS, NOW)
    assert next_look(answer(LONG_AGO, posted), [loaded], SETTINGS).quiet_since == posted.occurred_at


# What comes unasked

IN_TRANSIT, DELIVERED = lately(Status.IN_TRANSIT), lately(Status.DELIVERED)


def test_an_answer_to_a_question_is_planned_after_and_remembered_by_its_digest() -> None:
    look = look_after(answer(IN_TRANSIT), known(NOW))
    assert (look.plan, look.keeps_digest, look.newest) == (Plan.NEW, False, True)


PHOTO = structs.replace(lately(Status.UNKNOWN), standing=Standing.INFORMATIVE)


@pytest.mark.parametrize("event", [IN_TRANSIT, DELIVERED, lately(Status.UNKNOWN)])
@pytest.mark.parametrize("before", [(), (LONG_AGO,), (lately(Status.RETURNED),)], ids=["nothing", "old", "an end"])
def test_news_has_the_carrier_asked_at_once_and_its_next_answer_read(event: Event, before: tuple[Event, ...]) -> None:
    look = look_after(answer(event, unasked=True), known(NOW, *before))
    assert (look.plan, look.next_poll_at, look.digest, look.keeps_digest) == (Plan.NO_LATER, NOW, None, False)


@pytest.mark.parametrize("event", [DELIVERED, structs.replace(DELIVERED, status=Status.UNKNOWN), PHOTO])
def test_news_that_brings_nothing_leaves_the_plan_and_the_digest(event: Event) -> None:
    look = look_after(answer(event, unasked=True), known(NOW, DELIVERED))
    assert (look.plan, look.keeps_digest) == (Plan.KEPT, True)


def test_an_end_that_came_unasked_has_its_last_look_after_the_answer_that_confirms_it() -> None:
    confirmed = look_after(answer(DELIVERED, awaited=True), known(NOW, DELIVERED))
    assert (confirmed.plan, confirmed.next_poll_at, confirmed.digest) == (Plan.NEW, NOW + timedelta(days=7), b"x")
    over = look_after(answer(DELIVERED), known(NOW, DELIVERED))
    assert (over.plan, over.next_poll_at) == (Plan.NEW, None)


@pytest.mark.parametrize("event", [IN_TRANSIT, DELIVERED])
def test_news_of_a_parcel_that_is_not_followed_has_nobody_asked(event: Event) -> None:
    assert look_after(answer(event, unasked=True), known(NOW, skip="not ours")).plan is Plan.KEPT


def test_what_is_only_read_again_leaves_the_plan_and_the_digest_unless_it_moves_the_parcel() -> None:
    again = answer(IN_TRANSIT, worked_out_again=True)
    assert (look_after(again, known(NOW, IN_TRANSIT)).plan, look_after(again, known(NOW)).plan) == (Plan.KEPT, Plan.NEW)
    assert look_after(again, known(NOW)).keeps_digest


@pytest.mark.parametrize(
    ("loaded", "whole", "newest", "overtaken"),
    [
        (None, None, True, False),
        (NOW, NOW, True, False),
        (NOW + timedelta(hours=1), None, False, False),
        (NOW + timedelta(hours=1), NOW, False, False),
        (NOW + timedelta(hours=1), NOW + timedelta(hours=1), False, True),
    ],
)
def test_only_a_newer_whole_answer_overtakes_one(
    loaded: datetime | None, whole: datetime | None, *, newest: bool, overtaken: bool
) -> None:
    one = answer(IN_TRANSIT, loaded_at=loaded, whole_at=whole)
    assert (one.is_newest, one.is_overtaken) == (newest, overtaken)
    change = judge(known(NOW, LONG_AGO), one, SOURCES, SETTINGS, NOW).change
    assert [event.standing for event in change.new] == [Standing.WITHDRAWN if overtaken else Standing.EFFECTIVE]


@pytest.mark.parametrize(
    ("first_answered", "first"),
    [(NOW - timedelta(hours=1), False), (NOW, True), (NOW + timedelta(hours=1), True), (None, False)],
)
def test_what_has_waited_for_its_parcel_is_its_first_contact_all_the_same(
    first_answered: datetime | None, *, first: bool
) -> None:
    one = answer(DELIVERED, first_answered_at=first_answered)
    assert judge(known(NOW), one, SOURCES, SETTINGS, NOW).change.first_contact is first
    assert not judge(known(NOW, IN_TRANSIT), one, SOURCES, SETTINGS, NOW).change.first_contact


def test_news_of_a_delivery_on_a_way_back_that_is_known_delivers_nothing() -> None:
    back = Event(key="b", occurred_at=NOW - timedelta(hours=2), status=Status.RETURNING, code="B", description="a line")
    told = Snapshot(reference="QB1", events=(DELIVERED,), whole=False)
    for unasked, state in ((True, Status.RETURNING), (False, Status.RETURNED)):
        news = structs.replace(answer(unasked=unasked), snapshot=told)
        loaded = judge(known(NOW - timedelta(days=1), back), news, SOURCES, SETTINGS, NOW)
        assert loaded.change.after.status is state
        assert [event.key for event in loaded.change.new] == [DELIVERED.key]
