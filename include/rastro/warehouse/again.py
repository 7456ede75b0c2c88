"""What is read once more: the answers that were kept, and what was put aside in quarantine."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Connection

from rastro.models import Selection, Window
from rastro.warehouse.queries import copy_in, run


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """
    The last raw answer about one reference, compressed.

    ``answered_at`` is when it came, ``loaded_at`` the time of the newest answer loaded, ``whole_at`` that of the newest
    whole one, ``digest`` that of the carrier's last answer, given at ``heard_at``: the same answer again, if the digest
    is its own.
    """

    poll_id: int
    carrier: str
    reference: str
    raw: bytes = field(repr=False)
    answered_at: datetime
    heard_at: datetime | None
    loaded_at: datetime | None
    whole_at: datetime | None
    digest: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """When a shipment is expected, where it waits and who took it, as recorded."""

    estimated_at: datetime | None
    pickup: object
    received_by: str = ""
    proof_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAgain:
    """
    An answer of before, on its way to :mod:`rastro.warehouse.loading`; ``snapshot`` and ``raw`` are encoded.

    ``worked_out_again`` is true when it was loaded before, by another reading.
    """

    poll_id: int
    answered_at: datetime
    digest: bytes
    snapshot: bytes
    raw: bytes = field(repr=False)
    worked_out_again: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries of the quarantine are meant; what is empty means all."""

    origin: str = ""
    reason: str = ""
    subject: str = ""

    def as_values(self) -> dict[str, object]:
        return {
            "origin": self.origin or None,
            "reason": self.reason or None,
            "subject": self.subject or None,
        }


EVERY_ENTRY = Filter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One open entry of the quarantine; ``raw`` is compressed, None when no body was kept."""

    quarantine_id: int
    origin: str
    subject: str
    reason: str
    raw: bytes | None = field(repr=False)
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What is followed through a contract, when it was last answered, and the newest answers that were loaded."""

    poll_id: int
    contract: str
    answered_at: datetime | None
    loaded_at: datetime | None
    whole_at: datetime | None
    digest: bytes | None


def kept_answers(
    conn: Connection[Any], carriers: Iterable[str], selection: Selection, window: Window | None, size: int
) -> Iterator[list[Kept]]:
    """Every kept answer of the selected shipments that came within the window, ``size`` of them at a time."""
    chosen = {
        "carriers": list(carriers),
        "window_start": window.start if window else None,
        "window_end": window.end if window else None,
        **selection.as_values(),
    }
    after = 0
    while some := [Kept(**row._asdict()) for row in run(conn, "kept_answers", after=after, size=size, **chosen)]:
        yield some
        after = some[-1].poll_id


def prospects_of(conn: Connection[Any], poll_ids: Sequence[int]) -> dict[int, Prospect]:
    """By shipment."""
    return {
        row.shipment_id: Prospect(
            estimated_at=row.estimated_at, pickup=row.pickup, received_by=row.received_by, proof_url=row.proof_url
        )
        for row in run(conn, "prospects_of_polls", poll_ids=list(poll_ids))
    }


def stage(conn: Connection[Any], answers: Iterable[ReadAgain], run_id: str) -> None:
    """Keep answers for loading. The plan of looks stays as it is."""
    copy_in(
        conn,
        "copy_read_again",
        (
            (one.poll_id, one.answered_at, one.digest, one.snapshot, one.raw, run_id, one.worked_out_again)
            for one in answers
        ),
    )


def close_entries_about(
    conn: Connection[Any], origin: str, subjects: Collection[str], reason: str, now: datetime
) -> None:
    """Close what was put aside about these subjects for this one reason."""
    run(conn, "close_entries_about", origin=origin, subjects=list(subjects), reason=reason, now=now)


def close_entries_of(conn: Connection[Any], origins: Collection[str], reason: str, now: datetime) -> None:
    """Close all that was put aside of these for this reason and is kept: its letters are read again."""
    run(conn, "close_entries_of", origins=list(origins), reason=reason, now=now)


def list_entries(conn: Connection[Any], wanted: Filter, *, resolved: bool = False) -> list[Any]:
    """The quarantine as a person reads it, without the bodies; with ``resolved`` also what is closed."""
    return run(conn, "list_entries", resolved=resolved, **wanted.as_values()).fetchall()


def find_entry(conn: Connection[Any], quarantine_id: int) -> Any | None:
    """Origin, subject, the compressed body and when that was erased; None when there is no such entry."""
    return run(conn, "find_entry", quarantine_id=quarantine_id).fetchone()


def take_entries(conn: Connection[Any], wanted: Filter, after: int, size: int) -> list[Entry]:
    """The next open entries above ``after``; nobody else is given them until the transaction ends."""
    rows = run(conn, "take_entries", after=after, size=size, **wanted.as_values())
    return [Entry(**row._asdict()) for row in rows]


def close_entries(conn: Connection[Any], quarantine_ids: Sequence[int], now: datetime) -> None:
    run(conn, "close_entries", quarantine_ids=list(quarantine_ids), now=now)


def known_references(
    conn: Connection[Any], wanted: Collection[tuple[str, str]]
) -> dict[tuple[str, str], list[Reference]]:
    """Of these (carrier, reference) the ones that are followed, once in each contract."""
    rows = run(
        conn, "known_references", carriers=[carrier for carrier, _ in wanted],
        references=[reference for _, reference in wanted],
    )  # fmt: skip
    found: dict[tuple[str, str], list[Reference]] = {}
    for row in rows:
        reference = Reference(
            poll_id=row.poll_id,
            contract=row.contract,
            answered_at=row.answered_at,
            loaded_at=row.loaded_at,
            whole_at=row.whole_at,
            digest=row.digest,
        )
        found.setdefault((row.carrier, row.reference), []).append(reference)
    return found


def settle_read_late(conn: Connection[Any], answers: Sequence[ReadAgain]) -> None:
    """Their references were answered when these came."""
    run(
        conn, "settle_read_late", poll_ids=[one.poll_id for one in answers],
        answered=[one.answered_at for one in answers],
    )  # fmt: skip


def ask_now(conn: Connection[Any], poll_ids: Collection[int], now: datetime) -> int:
    """Have these asked about in the next run, where anybody is to ask any more; how many that are."""
    return run(conn, "ask_now", poll_ids=list(poll_ids), now=now).rowcount


def await_orders(conn: Connection[Any], quarantine_ids: Sequence[int], now: datetime) -> int:
    """Have the orders of these entries read again by the next sync; how many orders of sources that we know."""
    return run(conn, "await_put_aside", quarantine_ids=list(quarantine_ids), now=now).rowcount
