"""Which packages of a VTEX order are ours to follow, and what is known about each. Pure."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from rastro.confirmation import Carriage, OrderMarks, not_ours, order_route
from rastro.models import Shipment
from rastro.orders.base import Aside, Awaited
from rastro.orders.vtex_order import Address, Order, Package, moment
from rastro.setting_values import OrderRoute

# What shops write for a courier when the customer comes to collect. The shipping policy tells no more than that either.
SHELF = re.compile(r"retira|pick ?-?up|balc[aã]o|loja", re.IGNORECASE)


def shipments_of(
    order: Order, *, own_sellers: frozenset[str], routes: Mapping[str, OrderRoute], finished: bool = False
) -> Iterator[Shipment | Aside | Awaited]:
    """
    One shipment for each number of each package that is on its way.

    What somebody else follows has ``skip`` set. A package of ours that has no number yet makes the order awaited, and
    is a shipment without a number for carriers that are asked by its invoice or its order.
    Returns give nothing, and packages marked delivered only where ``finished`` ones are asked for.
    """
    shared = Counter(package.invoice_number for package in order.packages)
    awaited = False
    for package in order.packages:
        if not package.is_output or (package.is_finished and not finished):
            continue
        skip = why_not_ours(order, package, own_sellers=own_sellers, routes=routes)
        if not package.numbers:
            awaited = awaited or not skip
            shipment = shipment_of(order, package, routes)
            if not unaddressable(shipment.invoice_number, times=shared[package.invoice_number]):
                yield replace(shipment, skip=skip)
            continue
        invoice = package.invoice_number or ""
        fault = "" if skip else unaddressable(invoice, times=shared[package.invoice_number])
        if fault:
            yield Aside(order_id=order.order_id, invoice_number=invoice, reason="invoice_unaddressable", detail=fault)
            continue
        shipment = shipment_of(order, package, routes)
        for number in package.numbers:
            yield replace(shipment, tracking_number=number, skip=skip)
    if awaited:
        yield Awaited(order_id=order.order_id)


def why_not_ours(
    order: Order, package: Package, *, own_sellers: frozenset[str], routes: Mapping[str, OrderRoute]
) -> str:
    """The sentence that says why a package is not followed; empty when it is."""
    if order.is_cancelled:
        return "The order was cancelled."
    if order.is_returned(package):
        return "A return invoice covers all that was in it."
    others = foreign_sellers(order, package, own_sellers)
    if others:
        return f"It is shipped and followed by the seller {', '.join(others)}; own_sellers lists the shop's own."
    return not_ours(carriage_of(order, package), routes)


def foreign_sellers(order: Order, package: Package, own_sellers: frozenset[str]) -> list[str]:
    """
    The sellers of a package when none of them is the shop.

    On an order that came from elsewhere (Fulfillment) the shop is the seller by definition.
    """
    if order.origin == "Fulfillment":
        return []
    items = order.items or ()
    indexes = [item.item_index for item in package.items or () if 0 <= item.item_index < len(items)]
    sellers = {items[index].seller for index in indexes} or {seller.id for seller in order.sellers or ()}
    named = sorted(seller for seller in sellers if seller)
    return [] if own_sellers.intersection(named) else named


def carriage_of(order: Order, package: Package) -> Carriage:
    parts = order.logistics(package)
    channels = {part.selected_delivery_channel or part.delivery_channel or "" for part in parts}
    channel = channels.pop() if len(channels) == 1 else ""
    couriers = [package.courier]
    if channel != "pickup-in-point":
        for part in parts:
            couriers += [part.delivery_company, part.selected_sla]
            couriers += [each.courier_name for each in part.delivery_ids or ()]
    elif SHELF.search(package.courier or ""):
        couriers = []
    hints = (order.shipping_data and order.shipping_data.tracking_hints) or ()
    return Carriage(
        couriers=tuple(filter(None, couriers)),
        hints=tuple(hint.tracking_id or hint.courier_name or "" for hint in hints),
        channel=channel,
        affiliate=order.affiliate_id or "",
    )


def shipment_of(order: Order, package: Package, routes: Mapping[str, OrderRoute]) -> Shipment:
    """What all numbers of one package have in common, under the first of them, or under none."""
    confirmation = order_route(
        OrderMarks(
            origin=order.origin or "",
            affiliate=order.affiliate_id or "",
            endpoint=order.marketplace_services_endpoint or "",
            marketplace=(order.marketplace and order.marketplace.name) or "",
            apps=tuple(app.id for app in (order.custom_data and order.custom_data.custom_apps) or () if app.id),
        ),
        routes,
    )
    parts = order.logistics(package)
    promises = [at for at in (moment(part.shipping_estimate_date) for part in parts) if at]
    address = (order.shipping_data and order.shipping_data.address) or Address()
    key = re.sub(r"\D", "", package.invoice_key or "")
    key = key if len(key) == 44 else ""
    return Shipment(
        account="",
        order_id=order.order_id,
        invoice_number=package.invoice_number or "",
        tracking_number=next(iter(package.numbers), ""),
        tracking_text=package.tracking_number or "",
        courier=package.courier or "",
        tracking_url=package.tracking_url or "",
        invoice_key=key,
        shipper_cnpj=key[6:20],
        service=next((part.selected_sla for part in parts if part.selected_sla), ""),
        origin=order.origin or "",
        affiliate=order.affiliate_id or "",
        marketplace_order_id=order.marketplace_order_id or "",
        marketplace_endpoint=order.marketplace_services_endpoint or "",
        route=confirmation.route,
        route_reason=confirmation.why,
        marketplace=confirmation.marketplace,
        locale=(order.client_preferences_data and order.client_preferences_data.locale) or "",
        ordered_at=moment(order.creation_date),
        invoiced_at=moment(package.issuance_date),
        promised_at=max(promises, default=None),
        declared_value=declared_value(package),
        city_to=address.city or "",
        state_to=address.state or "",
    )


def declared_value(package: Package) -> Decimal | None:
    """What the invoice says; None where it says nothing, or the package has several numbers that it may stand for."""
    cents = str(package.invoice_value or "").removesuffix(".0")
    return Decimal(cents) / 100 if re.fullmatch(r"[0-9]{1,10}", cents) and len(package.numbers) < 2 else None


def unaddressable(invoice_number: str, *, times: int) -> str:
    """The sentence that says why VTEX cannot be told about a package, and what to do; empty when it can."""
    if not invoice_number.strip():
        return (
            "The package has no invoice number; give its invoice a number in VTEX, then progress can be written to it."
        )
    if times > 1:
        return (
            f"{times} packages of the order share the invoice number {invoice_number!r}, and VTEX cannot tell them "
            "apart; give each its own number in VTEX."
        )
    if re.search(r"[/\\#?%\s\x00-\x1f]", invoice_number) or not invoice_number.strip("."):
        return (
            f"VTEX cannot find the invoice {invoice_number!r} by its address, because of a blank or one of / # ? %; "
            "correct the invoice number on the order in VTEX (letters, digits, hyphen and dot are safe)."
        )
    return ""
