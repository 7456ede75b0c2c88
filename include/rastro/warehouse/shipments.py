"""Shipments: merged from their sources, found again for a person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from rastro.models import Shipment
from rastro.warehouse.queries import copy_in, run


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """A shipment with the carrier that was found for it, why, and what that carrier is asked about."""

    shipment: Shipment
    carrier: str | None
    why: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    added: int
    changed: int
    not_followed: int
    unclaimed: int


def watermark(conn: Connection[Any], account: str) -> datetime | None:
    row = run(conn, "watermark", account=account).fetchone()
    return row.synced_until if row else None


def set_watermark(conn: Connection[Any], account: str, until: datetime) -> None:
    run(conn, "set_watermark", account=account, until=until)


def merge(conn: Connection[Any], routed: Iterable[Routed], now: datetime) -> Merged:
    """Bring shipments and the references they are asked about up to date, in the caller's transaction."""
    run(conn, "make_incoming_shipment")
    copy_in(conn, "copy_incoming_shipment", (_row(one) for one in routed))
    run(conn, "add_references", now=now)
    (counts,) = run(conn, "merge_shipments", now=now)
    run(conn, "stop_unwanted_polls")
    return Merged(**counts._asdict())


def _row(routed: Routed) -> Sequence[object]:
    s = routed.shipment
    return (
        s.account, s.order_id, s.invoice_number, s.tracking_number, s.tracking_text, s.courier, s.tracking_url,
        s.invoice_key, s.shipper_cnpj, s.carrier_id, routed.carrier, routed.why, routed.reference, s.service, s.origin,
        s.affiliate, s.marketplace_order_id, s.marketplace_endpoint, s.route.value, s.marketplace, s.locale,
        s.ordered_at, s.invoiced_at, s.promised_at, s.city_to, s.state_to, s.skip,
    )  # fmt: skip


def awaited_orders(conn: Connection[Any], account: str, horizon: datetime) -> list[str]:
    """Orders that had a package without a number when they were last read."""
    return [row.order_id for row in run(conn, "awaited_orders", account=account, horizon=horizon)]


def await_order(conn: Connection[Any], account: str, order_id: str, now: datetime) -> None:
    run(conn, "await_order", account=account, order_id=order_id, now=now)


def orders_have_come(conn: Connection[Any], account: str, order_ids: Sequence[str]) -> None:
    run(conn, "order_has_come", account=account, order_ids=list(order_ids))
