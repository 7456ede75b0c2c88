"""
The outbox: what is owed to whom, claimed for sending, and settled.

A claim takes everything that is owed about one order on one channel, under a lock and with a lease, so that nobody
else is telling the same people at the same time. Every function works in the caller's transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.types.json import Jsonb

from rastro.models import EVERYTHING, Channel, Pickup, Selection, Status
from rastro.reasons import Reason, reason_for
from rastro.sending import (
    BEFORE_GO_LIVE,
    IN_VAIN,
    MAY_HAVE_ARRIVED_ELSEWHERE,
    MAY_HAVE_BEEN_TOLD,
    MOVED_ON,
    NOT_AFTER_THE_FIRST,
    REMINDED_FROM,
    REMINDER,
    REROUTED,
    TOO_OLD,
    UNTIL_A_PERSON_LOOKS,
    Claimed,
    MailedBefore,
    Settlement,
    days_reminded_of,
)
from rastro.warehouse.queries import run


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderKey:
    account: str
    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One shipment of an order, as it is told about; ``reason`` is why it stands still, where that is understood."""

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
    reason: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    shipment_id: int
    occurred_at: datetime
    description: str
    city: str
    state: str
    status: Status
    code: str


def open_targets(
    conn: Connection[Any], now: datetime, selection: Selection = EVERYTHING
) -> dict[Channel, dict[str, int]]:
    """Whom something is owed to now, and how many notices."""
    targets: dict[Channel, dict[str, int]] = {}
    for row in run(conn, "open_targets", now=now, **selection.as_values()):
        targets.setdefault(Channel(row.channel), {})[row.target] = row.notices
    return targets


def owe_reminders(conn: Connection[Any], days_before: int, now: datetime, run_id: str) -> int:
    """
    Owe a mail about each parcel that will not wait much longer; how many.

    :param days_before: how long before its last day; 0 for no such mails.
    """
    if not days_before:
        return 0
    first, last = days_reminded_of(now, days_before)
    return run(
        conn, "owe_reminders", reminder=REMINDER, first=first, last=last, told_before=now - NOT_AFTER_THE_FIRST,
        days_before=days_before, from_hour=time(REMINDED_FROM), in_doubt=MAY_HAVE_BEEN_TOLD,
        much_later=now + UNTIL_A_PERSON_LOOKS, now=now, run_id=run_id,
    ).rowcount  # fmt: skip


def settle_overtaken(conn: Connection[Any], go_lives: Mapping[str, datetime], now: datetime) -> int:
    """Settle what is owed and would not be sent any more, so that it counts for nothing; how many notices."""
    return run(
        conn, "settle_overtaken", accounts=list(go_lives), go_lives=list(go_lives.values()), now=now,
        moved_on=MOVED_ON, before_go_live=BEFORE_GO_LIVE, too_old=TOO_OLD,
    ).rowcount  # fmt: skip


def settle_rerouted(conn: Connection[Any], now: datetime) -> int:
    """
    Owe a delivery to the marketplace of its order's present route, and to nobody where that is no direct one; how many.
    """
    return run(
        conn, "settle_rerouted", now=now, rerouted=REROUTED, may_have_arrived=MAY_HAVE_ARRIVED_ELSEWHERE
    ).rowcount


def rendering_of(conn: Connection[Any], notice: Claimed) -> Mapping[str, Any]:
    """The message exactly as it was stored when the notice was handed over."""
    (row,) = run(conn, "rendering_of", notice_id=notice.notice_id)
    rendered: Mapping[str, Any] = row.rendered
    return rendered


def open_orders(
    conn: Connection[Any], channel: Channel, target: str, now: datetime, selection: Selection = EVERYTHING
) -> list[OrderKey]:
    """Orders that something is owed about on this channel, oldest news first."""
    rows = run(conn, "open_orders", channel=channel.value, target=target, now=now, **selection.as_values())
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
    """Everything owed about the order; nothing when somebody else is at it."""
    run(conn, "lock_order", channel=channel.value, account=order.account, order_id=order.order_id)
    rows = run(
        conn, "claim_notices", channel=channel.value, target=target, account=order.account, order_id=order.order_id,
        now=now, lease_until=lease_until, claimed_by=claimed_by, in_vain=IN_VAIN,
    )  # fmt: skip
    claimed = sorted((Claimed(**row._asdict()) for row in rows), key=lambda one: one.notice_id)
    if claimed:
        notice_ids = [one.notice_id for one in claimed]
        run(conn, "open_attempts", notice_ids=notice_ids, now=now, run_id=run_id, claimed_by=claimed_by)
    return claimed


def hand_over(
    conn: Connection[Any],
    notices: Sequence[Claimed],
    *,
    rendered: Mapping[str, object],
    message_id: str,
    recipient: str,
    recipient_hash: str = "",
    claimed_by: str,
    lease_until: datetime,
) -> bool:
    """
    Keep exactly what is about to be sent, without the address; the lease begins anew. From here on it may have arrived.

    False when the claim was lost meanwhile: somebody else is at it, and nothing may be sent.
    """
    held = run(
        conn, "hand_over", notice_ids=[one.notice_id for one in notices], rendered=Jsonb(dict(rendered)),
        message_id=message_id, recipient=recipient, recipient_hash=recipient_hash, claimed_by=claimed_by,
        lease_until=lease_until,
    ).rowcount  # fmt: skip
    return held == len(notices)


def settle(
    conn: Connection[Any],
    notices: Sequence[Claimed],
    settlement: Settlement,
    *,
    now: datetime,
    claimed_by: str,
) -> None:
    """End the attempt. A claim that was lost meanwhile is left to whoever holds it now."""
    notice_ids = [one.notice_id for one in notices]
    run(
        conn, "settle_notices", notice_ids=notice_ids, state=settlement.state.value, reason=settlement.reason,
        receipt=settlement.receipt, not_before=settlement.not_before or now,
        counts=settlement.counts, may_have_arrived=settlement.may_have_arrived, now=now, claimed_by=claimed_by,
    )  # fmt: skip
    outcome = settlement.outcome or settlement.state.value
    run(
        conn, "close_attempts", notice_ids=notice_ids, outcome=outcome, answer=settlement.answer[:300], now=now,
        claimed_by=claimed_by,
    )  # fmt: skip


def parcels_of(conn: Connection[Any], order: OrderKey) -> list[Parcel]:
    parcels = []
    for row in run(conn, "package_of_order", account=order.account, order_id=order.order_id):
        values = row._asdict()
        status = Status(values.pop("status"))
        reason = reason_for(status, values.pop("description"))
        pickup = msgspec.convert(row.pickup, Pickup) if row.pickup else None
        parcels.append(Parcel(**{**values, "status": status, "reason": reason, "pickup": pickup}))
    return parcels


def history_of(conn: Connection[Any], shipment_ids: Sequence[int]) -> list[Line]:
    """Every event that counts, oldest first."""
    rows = run(conn, "history_of_shipments", shipment_ids=list(shipment_ids))
    return [Line(**{**row._asdict(), "status": Status(row.status)}) for row in rows]


def mailed_before(
    conn: Connection[Any], notices: Sequence[Claimed], recipient_hash: str, midnight: datetime
) -> MailedBefore:
    """What the reader of these notices was mailed before."""
    (row,) = run(
        conn, "mailed_before", notice_ids=[one.notice_id for one in notices],
        shipment_ids=[one.shipment_id for one in notices], to_receiver=notices[0].to_receiver,
        recipient_hash=recipient_hash, since=midnight,
    )  # fmt: skip
    return MailedBefore(about_parcel=row.about_parcel, today=row.today)


def is_suppressed(conn: Connection[Any], address_hash: str) -> bool:
    return run(conn, "is_suppressed", address_hash=address_hash).fetchone() is not None


def suppress(conn: Connection[Any], address_hash: str, reason: str, now: datetime) -> None:
    run(conn, "suppress", address_hash=address_hash, reason=reason, now=now)
