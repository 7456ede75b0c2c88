"""Sync shipments from one source: merge what is new or changed, and find a carrier for each."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import itemgetter
from typing import Any, TypeAlias

from psycopg import Connection

from rastro.carriers.base import Carrier
from rastro.errors import RastroError
from rastro.models import EVERYTHING, Selection, Shipment
from rastro.orders.base import Aside, Awaited, OrderSource
from rastro.references import missing_for, reference_of
from rastro.routing import Routed as CarrierFound
from rastro.routing import Router, Signs
from rastro.settings import Settings
from rastro.tracking_links import address_of
from rastro.warehouse import by_hand, erased, records, shipments
from rastro.warehouse.connect import Connect
from rastro.warehouse.shipments import Declined, Routed

AT_A_TIME = 500

Found: TypeAlias = Shipment | Aside | Awaited


@dataclass(slots=True, kw_only=True)
class Figures:
    """What a look at a source found; ``passed_over`` is of orders that were erased at a person's wish."""

    read: int = 0
    added: int = 0
    changed: int = 0
    not_followed: int = 0
    unclaimed: int = 0
    awaited: int = 0
    quarantined: int = 0
    passed_over: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """
    One look at one source, at one time.

    :param hash_key: keys the hashes by which erased orders are remembered.
    """

    account: str
    source: OrderSource
    carriers: Mapping[str, Carrier]
    settings: Settings
    now: datetime
    run_id: str
    hash_key: bytes = field(repr=False)
    selection: Selection = EVERYTHING


def sync(connect: Connect, look: Sync) -> Figures:
    """
    Read the source from its watermark, with some overlap, up to now, and again every order that awaited a number or was
    named by whoever triggered the run.

    When the settings that routes and carriers follow from have changed, orders that nobody could place before are read
    again, too, and for routes those under way. Committed some hundred shipments at a time; the watermark moves only
    when all has been read, so that a source that fails half-way is read again from the same place, with nothing lost
    of what it gave.

    :raises RastroError: the source could not be read to its end.
    """
    figures = Figures()
    source = look.source
    traits = shipments.SourceTraits(writes_back=source.receiver is not None, own_mail=source.own_mail)
    horizon = look.now - look.settings.sync_horizon
    trouble: RastroError | None = None
    with connect() as conn:
        seen = shipments.keep_source(conn, look.account, traits)
        shipments.await_undecided(conn, look.account, decided_by(look), look.now)
        awaited = shipments.awaited_orders(conn, look.account, horizon)
        if look.selection.numbers:
            awaited += shipments.named_orders(conn, look.account, look.selection.numbers)
        conn.commit()
        try:
            for some in in_batches(source.shipments(seen - look.settings.sync_overlap if seen else horizon, look.now)):
                take(conn, look, some, figures)
        except RastroError as error:
            trouble = error  # those that are awaited may be read all the same
        for start in range(0, len(awaited), AT_A_TIME):
            take_again(conn, look, awaited[start : start + AT_A_TIME], figures)
        if trouble:
            raise trouble
        shipments.set_watermark(conn, look.account, look.now)
    return figures


def take_again(conn: Connection[Any], look: Sync, order_ids: list[str], figures: Figures) -> None:
    """Read awaited orders once more; those that neither wait nor are put aside any longer have come."""
    still: set[str] = set()
    for some in in_batches(look.source.again(order_ids)):
        take(conn, look, some, figures)
        still |= waiting_in(some)
    shipments.orders_have_come(conn, look.account, [one for one in order_ids if one not in still])
    conn.commit()


def waiting_in(found: Iterable[Found]) -> set[str]:
    """Orders that are to be read again: they have no number yet, or were put aside and may be mended."""
    return {one.order_id for one in found if isinstance(one, Awaited | Aside) and one.order_id}


def decided_by(look: Sync) -> str:
    """A digest of what routes follow from, and one of what carriers do."""
    routes = sorted((affiliate, route.route, route.marketplace) for affiliate, route in look.settings.routes.items())
    router = router_for(look.carriers, look.settings)
    places = (sorted(router.claims.items(), key=itemgetter(0)), router.connected, sorted(router.couriers.items()))
    return f"{digest_of(routes)} {digest_of(places)}"


def digest_of(decisive: object) -> str:
    return hashlib.blake2b(repr(decisive).encode(), digest_size=12).hexdigest()


def take(conn: Connection[Any], look: Sync, found: list[Found], figures: Figures) -> None:
    """Merge some of what a source yielded, and commit it."""
    shipments.wait_to_merge(conn)  # so that nothing is erased between this look and the merge
    gone = erased.among(conn, {(look.account, one.order_id) for one in found}, look.hash_key)
    figures.passed_over += sum((look.account, one.order_id) in gone for one in found)
    found = [one for one in found if (look.account, one.order_id) not in gone]
    ours = [one for one in found if isinstance(one, Shipment)]
    order_ids = sorted({one.order_id for one in ours})
    declined = shipments.declined_by(conn, look.account, order_ids)
    corrections = by_hand.corrections_of(conn, look.account, order_ids)
    router = router_for(look.carriers, look.settings)
    routed = []
    for said in ours:
        correction = corrections.get(package_of(said))
        shipment = replace(
            said,
            account=look.account,
            tracking_url=url_of(said, look.settings.tracking_page),
            tracking_number=(correction and correction.new_number) or said.tracking_number,
        )
        decliners = declined.get(package_of(shipment), ())
        before = corrections.get((said.order_id, said.invoice_number, ""))  # while the package had no number
        chosen = next((one.carrier for one in (correction, before) if one and one.carrier), "")
        placed = routed_to(shipment, look.carriers, router, decliners, chosen=chosen)
        if shipment.tracking_number or placed.reference:
            routed.append(with_decliners(placed, decliners))
    merged = shipments.merge(conn, routed, look.now, whole_packages=look.source.whole_packages)
    figures.read += len(routed)
    figures.added += merged.added
    figures.changed += merged.changed
    figures.not_followed += merged.not_followed
    figures.unclaimed += merged.unclaimed
    waiting = waiting_in(found)
    come = {one.order_id for one in found if one.order_id} - waiting
    records.resolve_quarantine(conn, look.account, sorted(come), look.now)
    shipments.orders_have_come(conn, look.account, sorted(come))
    for order_id in sorted(waiting):
        shipments.await_order(conn, look.account, order_id, look.now)
    shipments.owe_confirmations(conn, sorted(come), look.account, look.now, look.run_id)
    for one in found:
        if isinstance(one, Awaited):
            figures.awaited += 1
        elif isinstance(one, Aside):
            records.quarantine(
                conn, origin=look.account, subject=subject_of(one.order_id, one.invoice_number), reason=one.reason,
                detail=one.detail, raw=one.raw, now=look.now, run_id=look.run_id,
            )  # fmt: skip
            figures.quarantined += 1
    conn.commit()


def url_of(shipment: Shipment, page: str) -> str:
    """The order's tracking URL, but for one of our own pages: whoever has that may follow it, so it is not kept."""
    return "" if page and shipment.tracking_url.startswith(address_of("", page)) else shipment.tracking_url


def subject_of(order_id: str, invoice_number: str) -> str:
    """How the quarantine names a package of an order."""
    return f"{order_id} {invoice_number}".strip()


def package_of(shipment: Shipment) -> tuple[str, str, str]:
    return shipment.order_id, shipment.invoice_number, shipment.tracking_number


def offer_declined(
    connect: Connect, carriers: Mapping[str, Carrier], settings: Settings, now: datetime
) -> dict[str, int]:
    """
    Offer shipments whose carrier says that they are not its own to the next that may know them; how many went where.

    Those that nobody else may know stay where they are, and are listed as refused.
    """
    offered: dict[str, int] = {}
    router = router_for(carriers, settings)
    with connect() as conn:
        moved = []
        for one in shipments.declined_shipments(conn):
            if routed := next_candidate(one, carriers, router):
                moved.append((one, with_decliners(routed, [*one.declined_by, one.carrier])))
                offered[str(routed.carrier)] = offered.get(str(routed.carrier), 0) + 1
        if moved:
            shipments.merge(conn, [routed for _, routed in moved], now, whole_packages=False)
            shipments.note_declined(conn, [one for one, _ in moved])
        conn.commit()
    return offered


def next_candidate(declined: Declined, carriers: Mapping[str, Carrier], router: Router) -> Routed | None:
    """The next carrier that can be asked about a declined shipment; None when nobody else may know it."""
    passed_over = [*declined.declined_by, declined.carrier]
    while (routed := routed_to(declined.shipment, carriers, router, passed_over)).carrier:
        if routed.carrier in router.connected and routed.reference:
            return routed
        passed_over.append(routed.carrier)
    return None


def router_for(carriers: Mapping[str, Carrier], settings: Settings) -> Router:
    return Router(
        claims={code: carrier.claims for code, carrier in carriers.items()},
        connected=tuple(endpoint.adapter for endpoint in settings.carriers),
        couriers=settings.couriers,
    )


def routed_to(
    shipment: Shipment,
    carriers: Mapping[str, Carrier],
    router: Router,
    declined: Collection[str] = (),
    *,
    chosen: str = "",
) -> Routed:
    """
    The shipment with its carrier and the reference that carrier wants.

    :param declined: carriers that said it is not theirs, and are not asked again.
    :param chosen: the carrier that a person chose for this very shipment; empty: none.
    """
    signs = Signs(courier=shipment.courier, number=shipment.tracking_number, url=shipment.tracking_url)
    found = CarrierFound(carrier=chosen, why="chosen by hand") if chosen in carriers else router.route(signs, declined)
    if found.carrier is None:
        return Routed(shipment=shipment, carrier=None, why=found.why, reference="")
    carrier = carriers[found.carrier]
    reference = reference_of(shipment, carrier.references)
    missing = "" if reference else f"; {found.carrier} needs {missing_for(carrier.references)}, and the order has none"
    return Routed(
        shipment=shipment,
        carrier=found.carrier,
        why=found.why + missing,
        reference=reference,
        warning=carrier.doubt_about(reference) if reference else "",
    )


def with_decliners(routed: Routed, declined: Sequence[str]) -> Routed:
    """The shipment with the reason that begins with who said before that it is not theirs."""
    if not declined:
        return routed
    said = "says that it is not its own" if len(declined) == 1 else "say that it is not their own"
    return replace(routed, why=f"{' and '.join(declined)} {said}; then {routed.why}")


def in_batches(found: Iterable[Found]) -> Iterator[list[Found]]:
    """Some hundred at a time, never parting what belongs to one order; trouble comes after all that came before it."""
    batch: list[Found] = []
    trouble: RastroError | None = None
    try:
        for one in found:
            if len(batch) >= AT_A_TIME and one.order_id != batch[-1].order_id:
                yield batch
                batch = []
            batch.append(one)
    except RastroError as error:
        trouble = error  # what came before it is good
    if batch:
        yield batch
    if trouble:
        raise trouble
