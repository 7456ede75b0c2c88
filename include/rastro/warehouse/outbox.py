"""
The outbox: what is owed to whom, claimed for sending, and settled.

A claim takes everything that is owed about one order on one channel, under a lock and with a lease, so that nobody
else is telling the same people at the same time. Every function works in the caller's transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.types.json import Jsonb

from rastro.models import Channel, NoticeState, Pickup, Status
from rastro.warehouse.queries import run


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderKey:
    account: str
    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """
    One claimed notice. ``doubtful`` is true when an earlier attempt may have gone out.
    """

    notice_id: int
    shipment_id: int
    kind: str
    content: str
    event_at: datetime
    expires_at: datetime | None
    attempts: int
    message_id: str
    doubtful: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One shipment of an order, as it is told about."""

    shipment_id: int
    order_id: str
    invoice_number: str
    tracking_number: str
    courier: str
    tracking_url: str
    carrier: str | None
    marketplace_order_id: str
    marketplace_endpoint: str
    locale: str
    skip: str
    status: Status
    status_at: datetime | None
    delivered_at: datetime | None
    estimated_at: datetime | None
    pickup: Pickup | None
    city: str
    state: str
    once_delivered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    shipment_id: int
    occurred_at: datetime
    description: str
    city: str
    state: str
    status: Status
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """
    How an attempt ended: the notice's new state, why, and what the other side said. ``counts`` is false for an attempt
    that never came to the notice itself.
    """

    state: NoticeState
    reason: str = ""
    receipt: str = ""
    not_before: datetime | None = None
    outcome: str = ""
    answer: str = field(default="", repr=False)
    counts: bool = True


def open_targets(conn: Connection[Any], now: datetime) -> dict[Channel, list[str]]:
    """Whom something is owed to now."""
    targets: dict[Channel, list[str]] = {}
    for row in run(conn, "open_targets", now=now):
        targets.setdefault(Channel(row.channel), []).append(row.target)
    return targets


def open_orders(conn: Connection[Any], channel: Channel, target: str, now: datetime) -> list[OrderKey]:
    """Orders that something is owed about on this channel, oldest news first."""
    rows = run(conn, "open_orders", channel=channel.value, target=target, now=now)
    return [OrderKey(account=row.account, order_id=row.order_id) for row in rows]


def claim(
    conn: Connection[Any],
    channel: Channel,
    target: str,
    order: OrderKey,
    *,
    now: datetime,
    lease_until: datetime,
    claimed_by: str,
    run_id: str,
) -> list[Claimed]:
    """Everything owed about the order; nothing when somebody else is at it."""  # fmt: skip
    run(conn, "lock_order", channel=channel.value, account=order.account, order_id=order.order_id)
    rows = run(
        conn, "claim_notices", channel=channel.value, target=target, account=order.account, order_id=order.order_id,
        now=now, lease_until=lease_until, claimed_by=claimed_by,
    )  # fmt: skip
    claimed = sorted((Claimed(**row._asdict()) for row in rows), key=lambda one: one.notice_id)
    if claimed:
        run(conn, "open_attempts", notice_ids=[one.notice_id for one in claimed], now=now, run_id=run_id)
    return claimed


def store_rendering(
    conn: Connection[Any],
    notices: Sequence[Claimed],
    *,
    rendered: Mapping[str, object],
    message_id: str,
    recipient: str,
) -> None:
    """Keep exactly what is about to be sent, without the address."""
    notice_ids = [one.notice_id for one in notices]
    run(
        conn, "store_rendering", notice_ids=notice_ids, rendered=Jsonb(dict(rendered)), message_id=message_id,
        recipient=recipient,
    )  # fmt: skip


def settle(
    conn: Connection[Any],
    notices: Sequence[Claimed],
    settlement: Settlement,
    *,
    now: datetime,
    claimed_by: str,
    run_id: str,
) -> None:
    """End the attempt. A claim that was lost meanwhile is left to whoever holds it now."""
    notice_ids = [one.notice_id for one in notices]
    run(
        conn, "settle_notices", notice_ids=notice_ids, state=settlement.state.value, reason=settlement.reason,
        receipt=settlement.receipt, not_before=settlement.not_before or now,
        counts=settlement.counts, now=now, claimed_by=claimed_by,
    )  # fmt: skip
    outcome = settlement.outcome or settlement.state.value
    run(
        conn, "close_attempts", notice_ids=notice_ids, outcome=outcome, answer=settlement.answer[:300], now=now,
        run_id=run_id,
    )  # fmt: skip


def parcels_of(conn: Connection[Any], order: OrderKey) -> list[Parcel]:
    return [
        Parcel(
            **{
                **row._asdict(),
                "status": Status(row.status),
                "pickup": msgspec.convert(row.pickup, Pickup) if row.pickup else None,
            }
        )
        for row in run(conn, "package_of_order", account=order.account, order_id=order.order_id)
    ]


def history_of(conn: Connection[Any], shipment_ids: Sequence[int]) -> list[Line]:
    """Every event that counts, oldest first."""
    rows = run(conn, "history_of_shipments", shipment_ids=list(shipment_ids))
    return [Line(**{**row._asdict(), "status": Status(row.status)}) for row in rows]


def is_suppressed(conn: Connection[Any], address_hash: str) -> bool:
    return run(conn, "is_suppressed", address_hash=address_hash).fetchone() is not None


def suppress(conn: Connection[Any], address_hash: str, reason: str, now: datetime) -> None:
    run(conn, "suppress", address_hash=address_hash, reason=reason, now=now)
