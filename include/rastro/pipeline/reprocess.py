"""
Reprocess: read the answers that were kept once more, with today's parsers and tables. No carrier is asked.

What an answer means otherwise than it is recorded is staged for the load that follows in the same run; what means the
same is left alone, so that a reprocess costs the writing of what it changes, and a second one changes nothing.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection

from rastro.carriers.base import Carrier
from rastro.diff import compare
from rastro.errors import Unreadable
from rastro.models import Proof, Refusal, Selection, Snapshot, Window
from rastro.pipeline.load import life_of
from rastro.pipeline.track import digest_of
from rastro.warehouse import again, loading, records
from rastro.warehouse.again import Kept, Prospect, ReadAgain
from rastro.warehouse.loading import Known

AT_A_TIME = 500
# Apart from what tracking puts aside: a newer answer that could not be read keeps its own entry and body.
NO_LONGER_READABLE = "kept answer unreadable"

encode = msgspec.json.Encoder().encode


@dataclass(slots=True, kw_only=True)
class Figures:
    """Kept answers that were read, and of these the ones that mean something else now, nothing, or cannot be read."""

    read: int = 0
    changed: int = 0
    refused: int = 0
    unreadable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A kept answer as it is read today; ``at`` is when the carrier last gave it."""

    kept: Kept
    snapshot: Snapshot
    at: datetime

    @property
    def is_newest(self) -> bool:
        return self.kept.loaded_at is None or self.at >= self.kept.loaded_at

    @property
    def is_overtaken(self) -> bool:
        return self.kept.whole_at is not None and self.at < self.kept.whole_at


def reprocess(
    conn: Connection[Any],
    carriers: Mapping[str, Carrier],
    selection: Selection,
    window: Window | None,
    *,
    now: datetime,
    run_id: str,
    commit: Callable[[], object],
) -> Figures:
    """
    Read every kept answer of the selected shipments again, those that came within ``window`` when there is one.

    :param commit: called after every some hundred, so that no transaction spans the whole warehouse. One that was cut
        off and begins anew may stage an answer twice, which changes nothing more. A dry run commits nothing.
    """
    figures = Figures()
    for some in again.kept_answers(conn, carriers, selection, window, AT_A_TIME):
        readings = list(readings_of(conn, carriers, some, figures, now, run_id))
        otherwise = meaning_something_else(conn, readings)
        again.stage(conn, map(to_stage, otherwise), run_id)
        commit()
        figures.read += len(some)
        figures.changed += len(otherwise)
    return figures


def readings_of(
    conn: Connection[Any],
    carriers: Mapping[str, Carrier],
    some: Sequence[Kept],
    figures: Figures,
    now: datetime,
    run_id: str,
) -> Iterator[Reading]:
    """What can be read of these; what cannot is put aside, and what could not before is so no longer."""
    read: dict[str, list[str]] = {}
    for kept in some:
        raw = zlib.decompress(kept.raw)
        at = last_given(kept, raw)
        try:
            meaning = carriers[kept.carrier].parse(raw, kept.reference)
        except Unreadable as error:
            figures.unreadable += 1
            records.quarantine(
                conn, origin=kept.carrier, subject=kept.reference, reason=NO_LONGER_READABLE, detail=str(error),
                raw=raw, now=min(at, kept.loaded_at or at), run_id=run_id,  # a retry knows it for the one loaded
            )  # fmt: skip
            continue
        read.setdefault(kept.carrier, []).append(kept.reference)
        if isinstance(meaning, Refusal):
            figures.refused += 1
        else:
            yield Reading(kept=kept, snapshot=meaning, at=at)
    for carrier, references in read.items():
        again.close_entries_about(conn, carrier, references, NO_LONGER_READABLE, now)


def last_given(kept: Kept, raw: bytes) -> datetime:
    """When the carrier last said just this: at its last answer, if that was the same."""
    return kept.heard_at if kept.heard_at and kept.digest == digest_of(raw) else kept.answered_at


def meaning_something_else(conn: Connection[Any], readings: Sequence[Reading]) -> list[Reading]:
    """Those that differ from what is recorded of any of the shipments they are about."""
    poll_ids = [reading.kept.poll_id for reading in readings]
    prospects = again.prospects_of(conn, poll_ids)
    by_poll: dict[int, list[Known]] = {poll_id: [] for poll_id in poll_ids}
    for known in loading.known_of(conn, poll_ids):
        by_poll[known.poll_id].append(known)
    return [
        reading
        for reading in readings
        if any(differs(reading, known, prospects[known.shipment_id]) for known in by_poll[reading.kept.poll_id])
    ]


def differs(reading: Reading, known: Known, prospect: Prospect) -> bool:
    """Whether loading the answer would change anything recorded of a shipment."""
    change = compare(
        known.events,
        reading.snapshot,
        life=life_of(known, reading.at),
        before=known.state,
        newest=reading.is_newest,
        overtaken=reading.is_overtaken,
    )
    if change.new or change.restated or change.after != known.state:
        return True
    return reading.is_newest and prospect_in(reading.snapshot) != prospect


def prospect_in(snapshot: Snapshot) -> Prospect:
    """In the form in which it is recorded."""
    pickup = msgspec.to_builtins(snapshot.pickup) if snapshot.pickup else None
    proof = snapshot.proof or Proof()
    return Prospect(
        estimated_at=snapshot.estimated_at, pickup=pickup, received_by=proof.received_by, proof_url=proof.picture
    )


def to_stage(reading: Reading) -> ReadAgain:
    """The digest stays that of the carrier's last answer: whether the next one is news has not changed."""
    kept = reading.kept
    return ReadAgain(
        poll_id=kept.poll_id,
        answered_at=reading.at,
        digest=kept.digest or digest_of(zlib.decompress(kept.raw)),
        snapshot=encode(reading.snapshot),
        raw=kept.raw,
        worked_out_again=True,
    )
