"""Links to tracking pages: given out, followed, ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from psycopg import Connection

from rastro.models import Pickup, Status
from rastro.reasons import Reason, reason_for
from rastro.tracking_links import address_of, hash_of, new_token
from rastro.warehouse.queries import run


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened to a parcel, in our words: its status and where."""

    at: datetime
    status: Status
    city: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """
    What a customer may see of a parcel. ``steps`` stand newest first; ``asked_at`` is the carrier's last answer,
    ``reason`` why it stands still, where that is understood.
    """

    tracking_number: str
    carrier: str | None
    courier: str
    city_to: str
    state_to: str
    promised_at: datetime | None
    status: Status
    status_at: datetime | None
    delivered_at: datetime | None
    estimated_at: datetime | None
    pickup: Pickup | None
    changed_at: datetime
    asked_at: datetime | None
    steps: Sequence[Step]
    reason: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order that a link leads to."""

    order_id: str
    locale: str
    parcels: Sequence[Parcel]

    def is_over(self, now: datetime, lives_for: timedelta) -> bool:
        """Whether its last parcel ended so long ago that its links are good no more."""
        ended = [one.changed_at for one in self.parcels if one.status.is_final]
        return len(ended) == len(self.parcels) and max(ended) + lives_for <= now


def give_out(conn: Connection[Any], account: str, order_id: str, page: str, now: datetime) -> str:
    """
    A new link to an order's page; good once the transaction is committed.

    :param page: the setting ``tracking_page``.
    """
    token = new_token()
    run(conn, "add_tracking_link", token_hash=hash_of(token), account=account, order_id=order_id, now=now)
    return address_of(token, page)


def follow(conn: Connection[Any], token: str, now: datetime, lives_for: timedelta) -> Order | None:
    """The order that a token leads to; None when it is wrong, revoked or over, which nobody can tell apart."""
    rows = run(conn, "parcels_of_link", token_hash=hash_of(token)).fetchall()
    if not rows:
        return None
    steps: dict[int, list[Step]] = {row.shipment_id: [] for row in rows}
    for one in run(conn, "steps_of_parcels", shipment_ids=list(steps)):
        step = Step(at=one.occurred_at, status=Status(one.status), city=one.city, state=one.state)
        steps[one.shipment_id].append(step)
    order = Order(
        order_id=rows[0].order_id,
        locale=rows[0].locale,
        parcels=[
            Parcel(
                tracking_number=row.tracking_number, carrier=row.carrier, courier=row.courier,
                city_to=row.city_to, state_to=row.state_to,
                promised_at=row.promised_at, status=Status(row.status), status_at=row.status_at,
                delivered_at=row.delivered_at, estimated_at=row.estimated_at,
                pickup=msgspec.convert(row.pickup, Pickup) if row.pickup else None,
                changed_at=row.changed_at, asked_at=row.answered_at, steps=steps[row.shipment_id],
                reason=reason_for(Status(row.status), row.description),
            )
            for row in rows
        ],
    )  # fmt: skip
    return None if order.is_over(now, lives_for) else order


def revoke(conn: Connection[Any], order_id: str, now: datetime) -> int:
    """End every link to an order's page; how many there were."""
    return run(conn, "revoke_tracking_links", order_id=order_id, now=now).rowcount
