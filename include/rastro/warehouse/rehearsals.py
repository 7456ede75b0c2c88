"""What dry runs would have sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from rastro.models import Channel, Selection
from rastro.warehouse.queries import run


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """
    One message as it would have been.

    ``verdict`` is send, keep (the other side knows already), drop (not told, for the reason) or wait (tried later).
    """

    channel: Channel
    target: str
    account: str
    order_id: str
    kind: str
    notices: int
    verdict: str
    reason: str = ""
    invoice_number: str = ""
    rendered: Mapping[str, object] | None = None
    recipient: str = ""


def forget(conn: Connection[Any], run_id: str) -> None:
    """Drop what an earlier try of the same run worked out."""
    run(conn, "forget_rehearsal", run_id=run_id)


def add(conn: Connection[Any], one: Rehearsed, now: datetime, run_id: str) -> None:
    run(
        conn, "add_rehearsed", run_id=run_id, channel=one.channel.value, target=one.target, account=one.account,
        order_id=one.order_id, invoice_number=one.invoice_number, kind=one.kind, notices=one.notices,
        verdict=one.verdict, reason=one.reason, recipient=one.recipient, now=now,
        rendered=Jsonb(dict(one.rendered)) if one.rendered is not None else None,
    )  # fmt: skip


def dropped_by(conn: Connection[Any], run_id: str, selection: Selection) -> list[Rehearsed]:
    """Notices that a load of this run recorded as not to be told."""
    return [
        Rehearsed(
            channel=Channel(row.channel), target=row.target, account=row.account, order_id=row.order_id,
            invoice_number=row.invoice_number, kind=row.kind, notices=1, verdict="drop", reason=row.reason,
        )
        for row in run(conn, "dropped_by_run", run_id=run_id, **selection.as_values())
    ]  # fmt: skip


def counts(conn: Connection[Any], run_id: str) -> list[tuple[str, str, int]]:
    """(channel, verdict, messages) of a dry run."""
    return [(row.channel, row.verdict, row.messages) for row in run(conn, "count_rehearsed", run_id=run_id)]


def messages(conn: Connection[Any], run_id: str, channel: str | None, most: int) -> list[Any]:
    """Rows of v_rehearsal, with ``subject`` and ``text`` where it is a mail."""
    return run(conn, "rehearsed_messages", run_id=run_id, channel=channel, most=most).fetchall()


def has_rehearsed(conn: Connection[Any], run_id: str) -> bool:
    """Whether a run was a dry run that came to its end, though it may have had nothing to send."""
    return run(conn, "has_rehearsed", run_id=run_id).fetchone() is not None


def last_run(conn: Connection[Any]) -> str:
    """The newest dry run; empty when there was none."""
    row = run(conn, "last_rehearsal").fetchone()
    return str(row.run_id) if row else ""
