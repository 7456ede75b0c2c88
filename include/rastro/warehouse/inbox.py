"""What carriers sent by themselves or handed out once: kept before it is read, and read once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from psycopg import Connection

from rastro.warehouse.queries import copy_in, run


class Way(StrEnum):
    """How it came."""

    PUSH = "push"  # the carrier called us
    FEED = "feed"  # we fetched a lot that is handed out once


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One body as it came, compressed."""

    inbox_id: int
    carrier: str
    contract: str
    way: Way
    body: bytes = field(repr=False)
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingPart:
    """
    What a letter says about a parcel that nobody followed when it was read, or what in it was ``unreadable``.

    ``raw`` is compressed.
    """

    inbox_id: int
    carrier: str
    contract: str
    refs: tuple[str, ...]
    raw: bytes = field(repr=False)
    received_at: datetime
    unreadable: bool = False
    part_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unasked:
    """A snapshot on its way to :mod:`rastro.warehouse.loading`; ``snapshot`` and ``raw`` are encoded."""

    poll_id: int
    told_at: datetime
    digest: bytes
    snapshot: bytes
    raw: bytes = field(repr=False)


def receive(
    conn: Connection[Any], carrier: str, way: Way, digest: bytes, body: bytes, now: datetime, contract: str = ""
) -> bool:
    """
    Keep a body; false when the very same one of this contract is here already.

    :param body: compressed.
    :param contract: whose feed it is, or by whose secret it is genuine, where that is not the carrier's first.
    """
    (row,) = run(
        conn, "receive", carrier=carrier, contract=contract, way=way.value, digest=digest, body=body, now=now
    )  # fmt: skip
    return bool(row.is_new)


def let_go(conn: Connection[Any], carrier: str, contract: str, digest: bytes) -> None:
    """Forget a body that nobody has read, and that turned out to hold nothing."""
    run(conn, "let_go", carrier=carrier, contract=contract, digest=digest)


def unread(conn: Connection[Any]) -> dict[str, int]:
    """How many bodies that carriers pushed nobody has read yet, by carrier."""
    return {row.carrier: row.letters for row in run(conn, "count_unread")}


def last_fetched(conn: Connection[Any], carrier: str, contract: str) -> datetime | None:
    """When a lot was last fetched from the carrier by this contract."""
    (row,) = run(conn, "last_fetched", carrier=carrier, contract=contract)
    at: datetime | None = row.at
    return at


def answered_by_feed(
    conn: Connection[Any], carrier: str, contract: str, now: datetime, next_poll_at: datetime, *, silent_since: datetime
) -> None:
    """Count every reference of the contract as answered, those at their end or silent for so long for the last time."""
    run(
        conn, "answered_by_feed", carrier=carrier, contract=contract, now=now, next_poll_at=next_poll_at,
        silent_since=silent_since,
    )  # fmt: skip


def take_unread(conn: Connection[Any], carriers: Collection[str], size: int) -> list[Letter]:
    rows = run(conn, "take_unread", carriers=list(carriers), size=size)
    return [Letter(**{**row._asdict(), "way": Way(row.way)}) for row in rows]


def close_read(conn: Connection[Any], letters: Sequence[Letter], now: datetime) -> None:
    run(conn, "close_read", inbox_ids=[letter.inbox_id for letter in letters], now=now)


def note_unreadable(conn: Connection[Any], parts: Mapping[int, int]) -> None:
    """How many parts of which letters could not be read."""
    run(conn, "note_unreadable", inbox_ids=list(parts), parts=list(parts.values()))


def forget_bodies(conn: Connection[Any], inbox_ids: Collection[int]) -> int:
    """Erase what these letters say; how many there were."""
    return run(conn, "forget_bodies", inbox_ids=sorted(inbox_ids)).rowcount


def read_again(conn: Connection[Any], carriers: Collection[str]) -> int:
    """Have the letters of these carriers read anew that could not be read, wholly or in part; how many."""
    (row,) = run(conn, "read_letters_again", carriers=list(carriers))
    return int(row.letters)


def followed(conn: Connection[Any], wanted: Collection[tuple[str, str, str]]) -> dict[tuple[str, str, str], list[int]]:
    """
    Of these (carrier, contract, reference) the ones that are followed, with the numbers of what is asked about them.

    A tracking number also finds a parcel that is asked about by something else.
    """
    rows = run(
        conn, "followed_references", carriers=[carrier for carrier, _, _ in wanted],
        contracts=[contract for _, contract, _ in wanted], references=[reference for _, _, reference in wanted],
    )  # fmt: skip
    found: dict[tuple[str, str, str], list[int]] = {}
    for row in rows:
        found.setdefault((row.carrier, row.contract, row.reference), []).append(row.poll_id)
    return found


def stage(conn: Connection[Any], told: Sequence[Unasked], run_id: str) -> None:
    """Hand over for loading."""
    rows = ((one.poll_id, one.told_at, one.digest, one.snapshot, one.raw, run_id, True) for one in told)
    copy_in(conn, "copy_unasked", rows)
    run(
        conn, "settle_unasked",
        poll_ids=[one.poll_id for one in told], told_at=[one.told_at for one in told],
    )  # fmt: skip


def let_wait(conn: Connection[Any], parts: Iterable[WaitingPart]) -> None:
    rows = (
        (part.inbox_id, part.carrier, list(part.refs), part.raw, part.received_at, part.unreadable) for part in parts
    )
    copy_in(conn, "copy_waiting_parts", rows)


def take_waiting(conn: Connection[Any], carriers: Collection[str], after: int, size: int) -> list[WaitingPart]:
    """The next parts above ``after`` about parcels that are followed by now."""
    rows = run(conn, "take_waiting_parts", carriers=list(carriers), after=after, size=size)
    return [WaitingPart(**{**row._asdict(), "refs": tuple(row.refs)}) for row in rows]


def drop_waiting(conn: Connection[Any], parts: Sequence[WaitingPart]) -> None:
    run(conn, "drop_waiting_parts", part_ids=[part.part_id for part in parts])
