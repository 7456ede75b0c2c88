"""
Changed answers on their way into the facts, set by set.

Every function works in the caller's transaction: what is staged becomes events, state, changes and owed notices
together, or nothing of it does.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.types.json import Jsonb

from rastro.diff import Change, State
from rastro.models import Event, NoticeState, Proof, Shipment, Snapshot, Standing, Status
from rastro.notices import Owed
from rastro.sending import CANNOT_BE_ASKED, MAY_HAVE_BEEN_TOLD, UNTIL_A_PERSON_LOOKS
from rastro.warehouse.queries import copy_in, run
from rastro.warehouse.shipments import shipment_in

decode = msgspec.json.Decoder(Snapshot).decode


class StagedAnswer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    One staged answer; ``first_answered_at`` is when the carrier first said anything about it, ``loaded_at`` the time of
    the newest answer loaded so far, ``whole_at`` that of the newest whole one.
    ``worked_out_again`` is true for an answer that was kept and has been read anew, ``unasked`` for what a carrier told
    by itself, which is no answer to a question. ``awaited`` is true while no answer has been read since such news.
    ``planned_at`` is the next look as it was planned when the load took the answer up.
    """

    staged_id: int
    poll_id: int
    answered_at: datetime
    digest: bytes
    snapshot: Snapshot
    first_answered_at: datetime | None
    loaded_at: datetime | None
    whole_at: datetime | None = None
    worked_out_again: bool = False
    unasked: bool = False
    awaited: bool = False
    meaning: bytes | None = None
    planned_at: datetime | None = None

    @property
    def is_first(self) -> bool:
        """Whether the carrier had never said anything before; what waited for its parcel may be older than the rest."""
        return self.first_answered_at is not None and self.first_answered_at >= self.answered_at

    @property
    def is_newest(self) -> bool:
        return self.loaded_at is None or self.answered_at >= self.loaded_at

    @property
    def is_overtaken(self) -> bool:
        return self.whole_at is not None and self.answered_at < self.whole_at


class Known(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    A shipment as it is recorded; ``poll_id`` is 0 where nobody is asked about it, ``passed_on_at`` is the beginning of
    another parcel that got its number since.
    """

    shipment_id: int
    poll_id: int
    shipment: Shipment
    first_seen_at: datetime
    state: State
    events: tuple[Event, ...]
    revision: int = 0
    passed_on_at: datetime | None = None


class Loaded(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One shipment's change with the notices it owes; ``newest`` is false when a later answer was loaded before."""

    known: Known
    change: Change
    owed: tuple[Owed, ...]
    newest: bool = True

    @property
    def revision(self) -> int:
        return self.change.revision if self.change.says_something else self.known.revision


class Plan(StrEnum):
    """What becomes of the next look that is planned."""

    NEW = "new"  # it is the one worked out now, or none
    KEPT = "kept"
    NO_LATER = "no_later"  # the earlier of the two


class NextLook(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    What ``poll_state`` holds once an answer is loaded. What was read again ``keeps_digest``, and so does what came
    unasked and brought nothing; else that leaves none, so that the next answer is read whatever it is. An answer that
    was not ``whole`` keeps an estimate that it does not mention. One that is not the ``newest`` leaves all of it.
    ``meaning`` is that of an answer which changes nothing when it is given again, ``planned_at`` that of the answer.
    """

    staged_id: int
    poll_id: int
    answered_at: datetime
    digest: bytes | None
    status: Status
    quiet_since: datetime
    estimated_at: datetime | None
    next_poll_at: datetime | None
    step: str = ""
    plan: Plan = Plan.NEW
    keeps_digest: bool = False
    whole: bool = True
    newest: bool = True
    meaning: bytes | None = None
    planned_at: datetime | None = None


def begin(conn: Connection[Any], now: datetime) -> None:
    """Wait until nobody else is loading, and make ready what the load needs."""
    run(conn, "lock_loading")
    run(conn, "work_in_memory")
    run(conn, "make_partitions", now=now)
    for table in ("make_incoming_event", "make_incoming_state", "make_incoming_notice", "make_incoming_look"):
        run(conn, table)


def settle_said_before(conn: Connection[Any], *, keep_raw: bool) -> int:
    """Settle the answers whose meaning is that of the last ones loaded; how many."""
    if not run(conn, "something_is_staged").rowcount:
        return 0
    return run(conn, "settle_said_before", keep_raw=keep_raw).rowcount


def take_staged(conn: Connection[Any], after: int, size: int) -> list[StagedAnswer]:
    """The next staged answers, ordered by reference from above ``after``; of each reference only the oldest."""
    return [
        StagedAnswer(
            staged_id=row.staged_id,
            poll_id=row.poll_id,
            answered_at=row.answered_at,
            digest=row.digest,
            snapshot=decode(row.snapshot),
            first_answered_at=row.first_answered_at,
            loaded_at=row.loaded_at,
            whole_at=row.whole_at,
            worked_out_again=row.worked_out_again,
            unasked=row.unasked,
            awaited=row.awaited,
            meaning=row.meaning,
            planned_at=row.planned_at,
        )
        for row in run(conn, "take_staged", after=after, size=size)
    ]


def known_of(conn: Connection[Any], poll_ids: Sequence[int]) -> list[Known]:
    """The shipments that share these references, with every event recorded for them."""
    return _known_in(conn, run(conn, "shipments_of_polls", poll_ids=list(poll_ids)).fetchall())


def known_by_id(conn: Connection[Any], shipment_ids: Sequence[int]) -> list[Known]:
    """These shipments, whether or not anybody is asked about them, with every event recorded for them."""
    return _known_in(conn, run(conn, "shipments_by_id", shipment_ids=list(shipment_ids)).fetchall())


def _known_in(conn: Connection[Any], rows: Sequence[Any]) -> list[Known]:
    events: dict[int, list[Event]] = {row.shipment_id: [] for row in rows}
    told = [row.shipment_id for row in rows if row.event_count]
    for row in run(conn, "events_of_shipments", shipment_ids=told) if told else ():
        events[row.shipment_id].append(
            Event(
                key=row.event_key,
                occurred_at=row.occurred_at,
                status=Status(row.status),
                code=row.code,
                description=row.description,
                city=row.city,
                state=row.state,
                country=row.country,
                standing=Standing(row.standing),
            )
        )
    return [
        Known(
            shipment_id=row.shipment_id,
            poll_id=row.poll_id or 0,
            shipment=shipment_in(row),
            first_seen_at=row.first_seen_at,
            state=State(status=Status(row.status), since=row.status_at, key=row.status_key),
            events=tuple(events[row.shipment_id]),
            revision=row.revision,
            passed_on_at=row.passed_on_at,
        )
        for row in rows
    ]


def write(conn: Connection[Any], loaded: Sequence[Loaded], now: datetime, run_id: str) -> None:
    """Record changes, states and owed notices."""
    run(conn, "empty_incoming")
    copy_in(conn, "copy_incoming_event", (row for one in loaded for row in _event_rows(one)))
    run(conn, "merge_events", now=now)
    copy_in(conn, "copy_incoming_state", (_state_row(one) for one in loaded))
    run(conn, "add_estimates", now=now)
    run(conn, "merge_states", now=now)
    run(conn, "add_changes", now=now, run_id=run_id)
    copy_in(conn, "copy_incoming_notice", (row for one in loaded for row in _notice_rows(one)))
    run(
        conn, "merge_notices", now=now, run_id=run_id, in_doubt=MAY_HAVE_BEEN_TOLD,
        cannot_be_asked=list(CANNOT_BE_ASKED), much_later=now + UNTIL_A_PERSON_LOOKS,
    )  # fmt: skip


def settle(conn: Connection[Any], looks: Sequence[NextLook], *, keep_raw: bool) -> None:
    """Plan when each reference is looked at next, and drop what was staged about it."""
    run(conn, "empty_incoming_look")
    copy_in(conn, "copy_incoming_look", (_look_row(look) for look in looks))
    run(conn, "settle_loaded")
    if not all(look.newest for look in looks):
        run(conn, "settle_loaded_late")
    if keep_raw:
        run(conn, "keep_raw")
    run(conn, "drop_staged")


def expire_silent(conn: Connection[Any], silent_since: datetime, now: datetime, run_id: str) -> int:
    """Mark parcels that are no longer asked about because nothing was said since; how many."""
    return run(conn, "expire_silent", silent_since=silent_since, now=now, run_id=run_id).rowcount


def _event_rows(loaded: Loaded) -> list[tuple[object, ...]]:
    """Events that are new or stand otherwise, and those of the same time, whose order among each other may be new."""
    change = loaded.change
    touched = {event.occurred_at for event in (*change.new, *change.restated)}
    return [
        (
            loaded.known.shipment_id, event.occurred_at, event.key, position, event.status.value,
            event.standing.value, event.code, event.description, event.city, event.state, event.country,
        )
        for position, event in enumerate(change.history)
        if event.occurred_at in touched
    ]  # fmt: skip


def _state_row(loaded: Loaded) -> tuple[object, ...]:
    """Where the parcel is now, and what of it has changed."""
    change, after = loaded.change, loaded.change.after
    pickup, proof = change.pickup, change.proof or Proof()
    return (
        loaded.known.shipment_id, after.status.value, after.since, after.key, after.delivered_at,
        change.estimated_at, Jsonb(msgspec.to_builtins(pickup)) if pickup else None, len(change.history),
        loaded.revision, loaded.newest, change.whole, proof.received_by, proof.picture,
        change.before.status.value, len(change.new), len(change.restated), change.first_contact,
        change.says_something,
    )  # fmt: skip


def _look_row(look: NextLook) -> tuple[object, ...]:
    return (
        look.staged_id, look.poll_id, look.answered_at, look.digest, look.status.value, look.quiet_since,
        look.estimated_at, look.next_poll_at, look.step, look.plan.value, look.keeps_digest, look.whole,
        look.meaning, look.planned_at,
    )  # fmt: skip


def _notice_rows(loaded: Loaded) -> list[tuple[object, ...]]:
    return [
        (
            loaded.known.shipment_id, owed.notice.channel.value, owed.notice.kind, owed.notice.content,
            owed.notice.target, (NoticeState.DROPPED if owed.dropped else NoticeState.OWED).value, owed.dropped,
            owed.notice.event_at, owed.notice.expires_at, Jsonb(dict(owed.notice.facts)), owed.notice.to_receiver,
        )
        for owed in loaded.owed
    ]  # fmt: skip
