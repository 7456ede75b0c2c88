"""Sync shipments from one source: merge what is new or changed, and find a carrier for each."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from psycopg import Connection

from rastro.carriers.base import Carrier
from rastro.models import ReferenceKind, Shipment
from rastro.orders.base import Aside, Awaited, OrderSource
from rastro.routing import route
from rastro.settings import Settings
from rastro.warehouse import records, shipments
from rastro.warehouse.connect import Connect
from rastro.warehouse.shipments import Routed

AT_A_TIME = 500

Found: TypeAlias = Shipment | Aside | Awaited


@dataclass(slots=True, kw_only=True)
class Figures:
    """What a look at a source found."""

    read: int = 0
    added: int = 0
    changed: int = 0
    not_followed: int = 0
    unclaimed: int = 0
    awaited: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """One look at one source, at one time."""

    account: str
    source: OrderSource
    carriers: Mapping[str, Carrier]
    settings: Settings
    now: datetime
    run_id: str


def sync(connect: Connect, look: Sync) -> Figures:
    """
    Read the source from its watermark, with some overlap, up to now, and again every order that awaited a number.

    Committed some hundred shipments at a time; the watermark moves only when all has been read, so that a source that
    fails half-way is read again from the same place.

    :raises RastroError: the source could not be read to its end.
    """
    figures = Figures()
    source = look.source
    traits = shipments.SourceTraits(writes_back=source.receiver is not None, own_mail=source.own_mail)
    with connect() as conn:
        seen = shipments.keep_source(conn, look.account, traits)
        awaited = shipments.awaited_orders(conn, look.account, look.now - look.settings.sync_horizon)
        conn.commit()
        since = seen - look.settings.sync_overlap if seen else look.now - look.settings.sync_horizon
        for some in in_batches(source.shipments(since, look.now)):
            take(conn, look, some, figures)
        if awaited:
            shipments.orders_have_come(conn, look.account, awaited)  # those that still have no number say so again
            for some in in_batches(source.again(awaited)):
                take(conn, look, some, figures)
        shipments.set_watermark(conn, look.account, look.now)
    return figures


def take(conn: Connection[Any], look: Sync, found: list[Found], figures: Figures) -> None:
    """Merge some of what a source yielded, and commit it."""
    routed = [routed_to(one, look) for one in found if isinstance(one, Shipment)]
    merged = shipments.merge(conn, routed, look.now, whole_packages=look.source.whole_packages)
    figures.read += len(routed)
    figures.added += merged.added
    figures.changed += merged.changed
    figures.not_followed += merged.not_followed
    figures.unclaimed += merged.unclaimed
    read = [subject_of(one.shipment.order_id, one.shipment.invoice_number) for one in routed]
    records.resolve_quarantine(conn, look.account, read, look.now)
    for one in found:
        if isinstance(one, Awaited | Aside) and one.order_id:  # what was put aside may be mended: it is read again
            shipments.await_order(conn, look.account, one.order_id, look.now)
        if isinstance(one, Awaited):
            figures.awaited += 1
        elif isinstance(one, Aside):
            records.quarantine(
                conn, origin=look.account, subject=subject_of(one.order_id, one.invoice_number), reason=one.reason,
                detail=one.detail, raw=one.raw, now=look.now, run_id=look.run_id,
            )  # fmt: skip
            figures.quarantined += 1
    conn.commit()


def subject_of(order_id: str, invoice_number: str) -> str:
    """How the quarantine names a package of an order."""
    return f"{order_id} {invoice_number}".strip()


def routed_to(shipment: Shipment, look: Sync) -> Routed:
    """The shipment with its carrier and the reference that carrier wants."""
    shipment = replace(shipment, account=look.account)
    claims = {code: carrier.claims for code, carrier in look.carriers.items()}
    found = route(shipment.courier, shipment.tracking_number, shipment.tracking_url, claims)
    if found.carrier is None:
        return Routed(shipment=shipment, carrier=None, why=found.why, reference="")
    carrier = look.carriers[found.carrier]
    kinds = carrier.references
    reference = next((text for kind in kinds if (text := reference_of(shipment, kind))), "")
    missing = "" if reference else f"; {found.carrier} needs {' or '.join(kinds)}, and the order has none"
    return Routed(
        shipment=shipment,
        carrier=found.carrier,
        why=found.why + missing,
        reference=reference,
        warning=carrier.doubt_about(reference) if reference else "",
    )


def reference_of(shipment: Shipment, kind: ReferenceKind) -> str:
    """What a carrier that wants this kind of reference is asked about; empty when the shipment lacks it."""
    if kind is ReferenceKind.INVOICE_NUMBER:
        both = shipment.shipper_cnpj and shipment.invoice_number
        return f"{shipment.shipper_cnpj}/{shipment.invoice_number}" if both else ""
    return str(getattr(shipment, kind.value))


def in_batches(found: Iterable[Found]) -> Iterator[list[Found]]:
    """Some hundred at a time, never parting what belongs to one order."""
    batch: list[Found] = []
    for one in found:
        if len(batch) >= AT_A_TIME and one.order_id != batch[-1].order_id:
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch
