"""Shipments: merged from their sources, found again for a person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from rastro.models import Route, Shipment
from rastro.sending import MAY_HAVE_BEEN_TOLD
from rastro.warehouse.queries import copy_in, run


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """A shipment with the carrier that was found for it, why, and what that carrier is asked about."""

    shipment: Shipment
    carrier: str | None
    why: str
    reference: str
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    added: int
    changed: int
    not_followed: int
    unclaimed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTraits:
    """How the people behind a source are told: whether its orders are written on, and who mails its customers."""

    writes_back: bool
    own_mail: bool


def keep_source(conn: Connection[Any], account: str, traits: SourceTraits) -> datetime | None:
    """Record a source as it is now; how far it has been read, None when never."""
    (row,) = run(conn, "keep_source", account=account, writes_back=traits.writes_back, own_mail=traits.own_mail)
    until: datetime | None = row.synced_until
    return until


def known_sources(conn: Connection[Any]) -> dict[str, SourceTraits]:
    """Every source that was ever read, so that its shipments are judged even while it cannot be reached."""
    return {
        row.account: SourceTraits(writes_back=row.writes_back, own_mail=row.own_mail)
        for row in run(conn, "known_sources")
    }


def set_watermark(conn: Connection[Any], account: str, until: datetime) -> None:
    run(conn, "set_watermark", account=account, until=until)


def wait_to_merge(conn: Connection[Any]) -> None:
    """Until the transaction ends nobody else merges shipments, and nobody is erased."""
    run(conn, "lock_merging")


def merge(conn: Connection[Any], routed: Iterable[Routed], now: datetime, *, whole_packages: bool) -> Merged:
    """
    Bring shipments and the references they are asked about up to date, in the caller's transaction.

    :param whole_packages: each package comes with all of its numbers, so others that it had are gone.
    """
    run(conn, "lock_merging")
    run(conn, "make_incoming_shipment")
    copy_in(conn, "copy_incoming_shipment", (_row(one) for one in routed))
    left: list[int] = []
    if whole_packages:
        run(conn, "pass_over_lost_numbers")
        left = [row.poll_id for row in run(conn, "give_numbers", now=now) if row.poll_id]
    run(conn, "add_references", now=now)
    (counts,) = run(conn, "merge_shipments", now=now)
    run(conn, "stop_polls_left", poll_ids=left)
    if whole_packages:
        run(conn, "retire_replaced", now=now)
    run(conn, "stop_unwanted_polls")
    run(conn, "resume_wanted_polls", now=now)
    return Merged(**counts._asdict())


def _row(routed: Routed) -> Sequence[object]:
    s = routed.shipment
    return (
        s.account, s.order_id, s.invoice_number, s.tracking_number, s.tracking_text, s.courier, s.tracking_url,
        s.invoice_key, s.shipper_cnpj, s.carrier_id, routed.carrier, routed.why, routed.reference, s.service, s.origin,
        s.affiliate, s.marketplace_order_id, s.marketplace_endpoint, s.route.value, s.route_reason, s.marketplace,
        s.locale,
        s.ordered_at, s.invoiced_at, s.promised_at, s.city_to, s.state_to, s.receiver_too,
        s.declared_value, s.skip, routed.warning,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """A shipment that ``carrier`` says is not its own, as ``declined_by`` other carriers said before."""

    shipment_id: int
    shipment: Shipment
    carrier: str
    declined_by: tuple[str, ...]


def declined_shipments(conn: Connection[Any]) -> list[Declined]:
    return [
        Declined(
            shipment_id=row.shipment_id,
            shipment=shipment_in(row),
            carrier=row.carrier,
            declined_by=tuple(row.declined_by),
        )
        for row in run(conn, "declined_shipments")
    ]


def note_declined(conn: Connection[Any], declined: Sequence[Declined]) -> None:
    """Remember that these carriers are not asked about these shipments again."""
    run(
        conn, "note_declined", shipment_ids=[one.shipment_id for one in declined],
        carriers=[one.carrier for one in declined],
    )  # fmt: skip


def declined_by(
    conn: Connection[Any], account: str, order_ids: Sequence[str]
) -> dict[tuple[str, str, str], tuple[str, ...]]:
    """Carriers that declined shipments of these orders, by (order, invoice, number)."""
    return {
        (row.order_id, row.invoice_number, row.tracking_number): tuple(row.declined_by)
        for row in run(conn, "declined_by", account=account, order_ids=list(order_ids))
    }


def shipment_in(row: Any) -> Shipment:
    """The shipment in a row that has all of its columns."""
    values = {name: getattr(row, name) for name in Shipment.__dataclass_fields__}
    return Shipment(**{**values, "route": Route(row.route)})


def awaited_orders(conn: Connection[Any], account: str, horizon: datetime) -> list[str]:
    """Orders that had a package without a number when they were last read."""
    return [row.order_id for row in run(conn, "awaited_orders", account=account, horizon=horizon)]


def named_orders(conn: Connection[Any], account: str, numbers: Sequence[str]) -> list[str]:
    """Orders of an account that are named themselves or by a tracking number."""
    return [row.order_id for row in run(conn, "named_orders", account=account, numbers=list(numbers))]


def unknown_numbers(conn: Connection[Any], numbers: Sequence[str]) -> list[str]:
    """Those that are neither a tracking number nor an order we know."""
    return [row.number for row in run(conn, "unknown_numbers", numbers=list(numbers))]


def await_order(conn: Connection[Any], account: str, order_id: str, now: datetime) -> None:
    run(conn, "await_order", account=account, order_id=order_id, now=now)


def await_undecided(conn: Connection[Any], account: str, decided_by: str, now: datetime) -> None:
    """
    Await the orders that no carrier or route was found for, if they were judged by other settings than ``decided_by``,
    and those that are not told yet, if by other routes.

    :param decided_by: a digest of what routes follow from, a blank, and one of what carriers do.
    """
    run(conn, "await_undecided", account=account, decided_by=decided_by, now=now)
    run(conn, "set_decided_by", account=account, decided_by=decided_by)


def owe_confirmations(
    conn: Connection[Any], order_ids: Sequence[str], account: str, now: datetime, run_id: str
) -> None:
    """Owe the marketplace deliveries that happened before the orders' route to it was known."""
    run(
        conn, "owe_confirmations", order_ids=list(order_ids), account=account, now=now, run_id=run_id,
        in_doubt=MAY_HAVE_BEEN_TOLD,
    )  # fmt: skip


def orders_have_come(conn: Connection[Any], account: str, order_ids: Sequence[str]) -> None:
    run(conn, "lock_merging")
    run(conn, "order_has_come", account=account, order_ids=list(order_ids))
