"""
A VTEX order as ``GET order`` answers it, as far as we read it. Pure.

API docs: https://developers.vtex.com/docs/api-reference/orders-api (read 2026-11).
Quirks: nearly everything may be null. Times have seven fractional digits. An order stays ``invoiced`` for ever; a
package is delivered when its ``courierStatus.finished`` is true, whatever ``courierStatus.status`` says. A package of
type Input is a return.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from rastro import typed
from rastro.errors import Unreadable
from rastro.numbers import split_numbers

CANCELLED = frozenset({"cancel", "canceled", "cancelled"})
ASKED_TO_CANCEL = frozenset({"request-cancel", "cancellation-requested"})


class Part(msgspec.Struct, rename="camel", gc=False):
    """Any object of the order: names in camel case, what we do not use left out."""


class Scan(Part):
    last_change: str | None = None
    city: str | None = None
    state: str | None = None
    description: str | None = None


class CourierStatus(Part):
    finished: bool | None = None
    data: tuple[Scan, ...] | None = None


class PackageItem(Part):
    item_index: int
    quantity: float = 1


class Package(Part):
    type: str | None = None
    invoice_number: str | None = None
    invoice_key: str | None = None
    invoice_value: float | str | None = None  # cents
    issuance_date: str | None = None
    courier: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None
    dispatched_date: str | None = None
    courier_status: CourierStatus | None = None
    items: tuple[PackageItem, ...] | None = None

    @property
    def is_output(self) -> bool:
        return (self.type or "").casefold() == "output"

    @property
    def is_finished(self) -> bool:
        return bool(self.courier_status and self.courier_status.finished)

    @property
    def scans(self) -> tuple[Scan, ...]:
        return (self.courier_status and self.courier_status.data) or ()

    @property
    def numbers(self) -> tuple[str, ...]:
        return split_numbers(self.tracking_number or "")


class Packages(Part):
    packages: tuple[Package, ...] | None = None


class DeliveryId(Part):
    courier_name: str | None = None


class Logistics(Part):
    item_index: int | None = None
    selected_sla: str | None = None
    delivery_company: str | None = None
    shipping_estimate_date: str | None = None
    delivery_channel: str | None = None
    selected_delivery_channel: str | None = None
    delivery_ids: tuple[DeliveryId, ...] | None = None


class Address(Part):
    city: str | None = None
    state: str | None = None


class Hint(Part):
    tracking_id: str | None = None
    courier_name: str | None = None


class Shipping(Part):
    address: Address | None = None
    logistics_info: tuple[Logistics, ...] | None = None
    tracking_hints: tuple[Hint, ...] | None = None


class Item(Part):
    seller: str | None = None


class Seller(Part):
    id: str | None = None


class SoldBy(Part):
    name: str | None = None


class App(Part):
    id: str | None = None


class CustomData(Part):
    custom_apps: tuple[App, ...] | None = None


class Profile(Part):
    user_profile_id: str | None = None


class Preferences(Part):
    locale: str | None = None


class Cancellation(Part):
    cancellation_date: str | None = msgspec.field(name="CancellationDate", default=None)


class Order(Part):
    order_id: str
    status: str | None = None
    origin: str | None = None
    affiliate_id: str | None = None
    marketplace_order_id: str | None = None
    marketplace_services_endpoint: str | None = None
    marketplace: SoldBy | None = None
    custom_data: CustomData | None = None
    creation_date: str | None = None
    items: tuple[Item, ...] | None = None
    sellers: tuple[Seller, ...] | None = None
    shipping_data: Shipping | None = None
    client_profile_data: Profile | None = None
    client_preferences_data: Preferences | None = None
    cancellation_data: Cancellation | None = None
    package_attachment: Packages | None = None

    @property
    def packages(self) -> tuple[Package, ...]:
        return (self.package_attachment and self.package_attachment.packages) or ()

    @property
    def is_cancelled(self) -> bool:
        """An invoiced order cannot be cancelled: a cancellation date on one is of a request that came to nothing."""
        if (self.status or "") in CANCELLED:
            return True
        dated = self.cancellation_data is not None and self.cancellation_data.cancellation_date
        return bool(dated) and self.status != "invoiced" and not self.is_asked_to_cancel

    @property
    def is_asked_to_cancel(self) -> bool:
        return (self.status or "") in ASKED_TO_CANCEL

    def is_returned(self, package: Package) -> bool:
        """Whether return invoices cover every piece of every item that a package has."""
        back = quantities(each for each in self.packages if (each.type or "").casefold() == "input")
        sent = quantities(each for each in self.packages if each.is_output)
        indexes = {item.item_index for item in package.items or ()}
        return bool(indexes) and all(back.get(index, 0) >= sent[index] for index in indexes)

    def logistics(self, package: Package) -> list[Logistics]:
        """What was agreed on for the items of a package; for all when it names none."""
        every = list((self.shipping_data and self.shipping_data.logistics_info) or ())
        indexes = {item.item_index for item in package.items or ()}
        return [part for part in every if part.item_index in indexes] or every


def quantities(packages: Iterable[Package]) -> dict[int, float]:
    total: dict[int, float] = defaultdict(float)
    for package in packages:
        for item in package.items or ():
            total[item.item_index] += item.quantity
    return total


def order_in(body: bytes, order_id: str) -> Order:
    """
    :raises Unreadable: without the body, which holds a name and an address.
    """
    try:
        return typed.decode(body, Order)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"order {order_id}: {error}", reference=order_id) from None


def moment(text: str | None) -> datetime | None:
    """An ISO time, without offset read as UTC; None when it is none, or VTEX's year 1 for "never"."""
    try:
        at = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at if at.year > 2000 else None
