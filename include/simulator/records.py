"""What the world consists of. Every record is kept as JSON; times are ISO 8601 in UTC unless they are a carrier's."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class Settings:
    """What can be changed by ``POST /control/settings``."""

    index_lag: float = 0.0  # seconds until a new order stands in VTEX's list
    latency: float = 0.0  # seconds added to each answer
    token_lifetime: float = 86_400.0  # seconds a Correios token lives
    token_generation: int = 1  # raised to make every Correios token given out so far worthless
    token_requests_per_second: int = 0  # 0: as many as one likes; Correios allows 3
    finished_follows: bool = True  # isDelivered false takes "finished" back on a VTEX order
    events_replace: bool = False  # a PUT replaces the history on a VTEX order; else it is merged
    smtp_auth: bool = False  # the mail server wants a login
    webhook_tolerance: float = 300.0  # seconds a webhook's timestamp may be off
    registrations: int = 1_000_000  # numbers that an aggregator follows, over which none is registered any more
    second_contract: str = ""  # the VTEX account that posts by Correios' second contract
    clock_ahead: float = 0.0  # seconds that this world's time is ahead of the machine's; behind it when negative


@dataclass(slots=True, kw_only=True)
class Meta:
    """Counters that make every number in the world unique, and what outlives a restart."""

    seed: int = 0
    serial: int = 0
    cohorts: int = 0
    advances: int = 0


@dataclass(slots=True, kw_only=True)
class Parcel:
    """
    One parcel with what is true about it, whoever asks.

    ``number`` is what Correios knows it by, ``text`` what the shop typed. ``lines`` are the revealed events as Correios
    writes them, oldest first; ``withdrawn`` those it took back. ``times`` of all of them are Brasília's.
    """

    number: str
    text: str
    cohort: int
    source: str
    account: str
    order_id: str
    invoice_number: str
    kind: str
    variant: str
    follow: bool
    reason: str
    route: str
    marketplace: str
    marketplace_order_id: str
    email: str
    origin: int
    destination: int
    carrier: str = "correios"
    courier: str = "Correios"
    service: str = ""
    invoice_key: str = ""
    carrier_id: str = ""
    position: int = 0
    lines: list[dict[str, Any]] = field(default_factory=list)
    withdrawn: list[dict[str, Any]] = field(default_factory=list)
    revealed_at: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Package:
    """One invoice of an order. ``events`` are courierStatus.data, newest first."""

    invoice_number: str
    type: str
    courier: str | None
    tracking_number: str | None
    tracking_url: str | None
    invoice_key: str
    issued_at: str
    value: int
    items: list[int]
    events: list[dict[str, str]] = field(default_factory=list)
    status: str | None = None
    finished: bool = False
    delivered_date: str | None = None
    writes: int = 0  # calls that wrote tracking, whether they changed anything or not
    deliveries: int = 0  # calls that said "delivered"


@dataclass(slots=True, kw_only=True)
class Customer:
    user_id: str
    first_name: str
    last_name: str
    email: str  # the real one
    alias: str  # the one VTEX shows


@dataclass(slots=True, kw_only=True)
class Order:
    """One order of a VTEX account, or of a marketplace that speaks VTEX's protocol."""

    account: str
    order_id: str
    sequence: str
    variant: str
    origin: str
    affiliate: str
    endpoint: str
    marketplace: str
    marketplace_order_id: str
    status: str
    created_at: str
    invoiced_at: str | None
    promised_at: str
    indexed_at: str
    customer: Customer
    city: str
    state: str
    postal_code: str
    channel: str
    service: str
    value: int
    packages: list[Package]
    hints: list[dict[str, str]] = field(default_factory=list)
    apps: list[str] = field(default_factory=list)
    pending_number: str = ""  # what the shop will type into the first package later
    mails: list[dict[str, str]] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"{self.account}/{self.order_id}"

    def package(self, invoice_number: str) -> Package | None:
        return next((package for package in self.packages if package.invoice_number == invoice_number), None)


@dataclass(slots=True, kw_only=True)
class Sold:
    """
    An order of a marketplace with a protocol of its own.

    ``status`` is what all of them have in common: new, invoiced, shipped, delivered, cancelled, carried (the
    marketplace carries it). ``told`` is everything that it was told, ``deliveries`` how often that it is delivered.
    """

    code: str
    order_id: str
    status: str = "shipped"
    invoice_number: str = "100001"
    tracking_number: str = ""
    deliveries: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)  # what its simulation keeps about it


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One webhook received, however often: ``times`` counts the copies that carried the same id."""

    name: str
    id: str
    first_at: str
    times: int
    body: Any
