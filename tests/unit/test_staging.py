"""What becomes of a changed answer between the carrier and the load."""

from datetime import UTC, datetime

from rastro.models import Event, Snapshot, Status
from rastro.pipeline.track import digest_of, meaning_of, to_stage
from rastro.warehouse.polls import Due, Staged

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DUE = Due(
    poll_id=1, reference="QB1", digest=None, status=Status.UNKNOWN, quiet_since=NOW, estimated_at=None, refusal=None
)
POSTED = Event(key="PO 01", occurred_at=NOW, status=Status.IN_TRANSIT, code="PO 01", description="Objeto postado")


def staged(raw: bytes, *events: Event) -> Staged:
    return to_stage(DUE, digest_of(raw), Snapshot(reference="QB1", events=events), raw, NOW)


def test_the_same_told_in_other_bytes_has_the_same_meaning() -> None:
    one, other = staged(b"asked at 12:00", POSTED), staged(b"asked at 13:00", POSTED)
    assert one.digest != other.digest
    assert one.meaning == other.meaning


def test_something_else_has_another_meaning() -> None:
    assert staged(b"", POSTED).meaning != staged(b"").meaning


def test_each_release_compares_anew() -> None:
    assert meaning_of(b"told", release="0.1.0") != meaning_of(b"told", release="0.2.0")
