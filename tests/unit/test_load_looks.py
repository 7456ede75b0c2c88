"""When a loaded answer's reference is looked at next, and what counts as a parcel's own life."""

from datetime import UTC, datetime, timedelta

import msgspec

from rastro.diff import State
from rastro.models import Event, Shipment, Snapshot, Standing, Status
from rastro.pipeline.load import judge, next_look
from rastro.settings import settings_from
from rastro.warehouse.loading import Known, StagedAnswer
from rastro.warehouse.shipments import SourceTraits

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SETTINGS = settings_from({})
SOURCES = {"sql:erp": SourceTraits(writes_back=False, own_mail=True)}
LONG_AGO = Event(
    key="old", occurred_at=NOW - timedelta(days=400), status=Status.DELIVERED, code="BDE 01", description="entregue"
)


def known(invoiced_at: datetime | None) -> Known:
    shipment = Shipment(
        account="sql:erp", order_id="1", invoice_number="1", tracking_number="QB1", invoiced_at=invoiced_at
    )
    return Known(
        shipment_id=1, poll_id=1, shipment=shipment, first_seen_at=NOW - timedelta(hours=1), state=State(), events=()
    )


def answer(*events: Event) -> StagedAnswer:
    snapshot = msgspec.json.encode(Snapshot(reference="QB1", events=events))
    return StagedAnswer(
        staged_id=1, poll_id=1, answered_at=NOW, digest=b"x", snapshot=snapshot, first_answered_at=NOW, loaded_at=None
    )


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
