"""What carriers are asked about: which references are due, who is asking, and what came of it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from rastro.habits import lane_of
from rastro.models import EVERYTHING, RefusalReason, Selection, Status, Window
from rastro.warehouse.queries import copy_in, run


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """
    A run of due references of one contract: ids from ``first`` to ``last``, ``size`` of them due when it was cut.

    Its carrier's pool takes so many ``turns`` for all that it has. ``chosen``: it holds only those that were chosen for
    its window, since its carrier's calls are counted. ``contract`` is empty for the carrier's first.
    """

    carrier: str
    first: int
    last: int
    size: int
    turns: int = 1
    chosen: bool = False
    contract: str = ""

    @property
    def part(self) -> str:
        """How a person is told of it."""
        return f"{self.contract or self.carrier} {self.first}-{self.last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """
    One claimed reference and what its last look showed; ``not_ours`` and ``promised_at`` as in
    :class:`rastro.polling.Look`, ``step`` and ``lane`` as in :mod:`rastro.habits`.
    """

    poll_id: int
    reference: str
    digest: bytes | None
    status: Status
    quiet_since: datetime
    estimated_at: datetime | None
    refusal: RefusalReason | None
    not_ours: int = 0
    step: str = ""
    lane: str = ""
    promised_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """
    A changed answer on its way to :mod:`rastro.warehouse.loading`; ``snapshot`` and ``raw`` are encoded.

    ``meaning`` is a digest of the snapshot, ``next_poll_at`` the next look if that is the last one's, too.
    """

    poll_id: int
    digest: bytes
    snapshot: bytes
    raw: bytes
    meaning: bytes | None = None
    next_poll_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    poll_id: int
    next_poll_at: datetime | None
    digest: bytes
    reason: RefusalReason
    text: str
    not_ours: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The figures of one slice, for ``poll_batch``."""

    run_id: str
    carrier: str
    contract: str
    window_start: datetime
    window_end: datetime
    first: int
    last: int
    calls: int
    asked: int
    unchanged: int
    changed: int
    refused: int
    quarantined: int
    unanswered: int
    bytes: int
    started_at: datetime
    finished_at: datetime
    trouble: str = ""


def count_due(
    conn: Connection[Any],
    contracts: Iterable[str],
    window: Window,
    now: datetime,
    selection: Selection = EVERYTHING,
) -> dict[str, int]:
    """Of these contracts, named as in :attr:`rastro.settings.Settings.contracts`, those of which any are due."""
    wanted = set(contracts)
    carriers = sorted({within(contract)["carrier"] for contract in wanted})
    run(conn, "work_in_memory")
    rows = run(conn, "count_due", carriers=carriers, window_end=window.end, now=now, **selection.as_values())
    return {row.contract: row.due for row in rows if row.contract in wanted}


def within(contract: str) -> dict[str, str]:
    """Its carrier, and what stands for it beside its references, for SQL."""
    carrier, further, _ = contract.partition(":")
    return {"carrier": carrier, "contract": contract if further else ""}


def slice_due(
    conn: Connection[Any],
    contract: str,
    size: int,
    window: Window,
    now: datetime,
    selection: Selection = EVERYTHING,
    *,
    chosen: bool = False,
) -> list[Slice]:
    rows = run(
        conn, "slice_due", size=size, window_end=window.end, now=now, chosen=chosen, **within(contract),
        **selection.as_values(),
    )  # fmt: skip
    return [
        Slice(first=row.first, last=row.last, size=row.size, chosen=chosen, **within(contract))  # type: ignore[arg-type]
        for row in rows
    ]


def need_not_wait_for_disk(conn: Connection[Any]) -> None:
    """For all that the connection writes: what is lost with a server is asked about again, and counted again."""
    run(conn, "need_not_wait_for_disk")


def due_in_turn(
    conn: Connection[Any], part: Slice, window: Window, now: datetime, selection: Selection = EVERYTHING
) -> list[int]:
    """What is due of the slice, by id, those first that have waited longest."""
    rows = run(
        conn, "due_in_turn", carrier=part.carrier, contract=part.contract, first=part.first, last=part.last,
        window_end=window.end, now=now, chosen=part.chosen, **selection.as_values(),
    )  # fmt: skip
    return [row.poll_id for row in rows]


def claim_due(
    conn: Connection[Any],
    part: Slice,
    poll_ids: Sequence[int],
    window: Window,
    *,
    now: datetime,
    lease_until: datetime,
    named: bool = False,
) -> list[Due]:
    """
    Those of the slice's references that are due still; nobody else is given them until the lease ends.

    :param named: whether a person named them, so that they are due whatever is planned.
    """
    rows = run(
        conn, "claim_due", poll_ids=list(poll_ids), contract=part.contract, window_end=window.end, now=now,
        lease_until=lease_until, named=named,
    )  # fmt: skip
    return [
        Due(
            poll_id=row.poll_id,
            reference=row.reference,
            digest=row.digest,
            status=Status(row.status),
            quiet_since=row.quiet_since,
            estimated_at=row.estimated_at,
            refusal=RefusalReason(row.refusal) if row.refusal else None,
            not_ours=row.not_ours,
            step=row.step,
            lane=lane_of(row.state_to, row.service),
            promised_at=row.promised_at,
        )
        for row in rows
    ]


def count_due_still(
    conn: Connection[Any], part: Slice, poll_ids: Collection[int], window: Window, now: datetime, *, named: bool = False
) -> int:
    """How many of these :func:`claim_due` would still give."""
    (row,) = run(
        conn, "count_due_still", poll_ids=list(poll_ids), contract=part.contract, window_end=window.end, now=now,
        named=named,
    )  # fmt: skip
    return int(row.due)


def settle_unchanged(
    conn: Connection[Any], looked: Sequence[tuple[int, datetime | None]], answered_at: datetime
) -> None:
    """(poll_id, next look) of references whose answer was the same as the last."""
    run(
        conn, "settle_unchanged", answered_at=answered_at,
        poll_ids=[poll_id for poll_id, _ in looked], next_polls=[at for _, at in looked],
    )  # fmt: skip


def settle_refused(conn: Connection[Any], refused: Sequence[Refused], answered_at: datetime) -> None:
    run(
        conn, "settle_refused", answered_at=answered_at,
        poll_ids=[one.poll_id for one in refused], next_polls=[one.next_poll_at for one in refused],
        digests=[one.digest for one in refused], refusals=[one.reason.value for one in refused],
        texts=[one.text for one in refused], not_ours=[one.not_ours for one in refused],
    )  # fmt: skip


def settle_unanswered(conn: Connection[Any], poll_ids: Sequence[int]) -> None:
    """Asked in vain: they stay due, and their failures in a row are counted."""
    run(conn, "settle_unanswered", poll_ids=list(poll_ids))


def stage(conn: Connection[Any], staged: Iterable[Staged], answered_at: datetime, run_id: str) -> None:
    """Keep changed answers for loading, and mark their references as answered."""
    staged = list(staged)
    rows = (
        (one.poll_id, answered_at, one.digest, one.snapshot, one.raw, run_id, one.meaning, one.next_poll_at)
        for one in staged
    )
    copy_in(conn, "copy_staged", rows)
    run(conn, "settle_staged", answered_at=answered_at, poll_ids=[one.poll_id for one in staged])


def add_batch(conn: Connection[Any], batch: Batch) -> None:
    run(conn, "add_batch", **asdict(batch))
