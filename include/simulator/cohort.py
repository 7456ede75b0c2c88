"""
A cohort: parcels made together, each with its journey, and the orders or table rows that speak of them.

Kinds of journey and variants of order go round in rings, so that a cohort of some forty parcels holds every one of
them and a larger one holds them in proportion. ``kinds`` and ``variants`` narrow the rings.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import cycle, islice
from random import Random
from typing import Any

import msgspec

from simulator.calls import Malformed
from simulator.carriers import simulated_carriers
from simulator.carriers.base import SimulatedCarrier
from simulator.journeys import JOURNEYS, ON_REQUEST, journey
from simulator.marketplaces import simulated_marketplaces
from simulator.marketplaces.base import SimulatedMarketplace
from simulator.numbers import SHIPPER_CNPJ, access_key, s10
from simulator.places import TOWNS
from simulator.records import Customer, Order, Package, Parcel, Sold
from simulator.variants import ITEMS, MARKETPLACE_KINDS, RETURNS, RING, VARIANTS, Variant
from simulator.world import TRACKING_PAGE, World, now, reveal

FIRST_NAMES = (
    "Ana",
    "Bento",
    "Clara",
    "Davi",
    "Elisa",
    "Flávio",
    "Glória",
    "Heitor",
    "Íris",
    "João",
    "Luzia",
    "Mateus",
)
LAST_NAMES = ("Alvorada", "Bonança", "Cachoeira", "Delmar", "Estrela", "Fontana", "Girassol", "Horizonte", "Jasmim")
PLAIN = str.maketrans("áãâéíóôúç", "aaaeioouc")
SHOPS_PAGE = "https://rastreio.loja.example/"
TO_BE_MAILED = 10  # of so many parcels of other carriers, one has a customer whom the shop itself mails
SERVICES = (("QQ", "PAC"), ("OV", "SEDEX"), ("QN", "PAC"), ("TJ", "SEDEX"))


class CohortRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of ``POST /control/cohort``; every part has a default."""

    seed: int = 1
    parcels: int = 40
    hours: int = 3  # the missed hours that the histories are spread over; 0: sold, invoiced and posted just now
    vtex_accounts: list[str] = msgspec.field(default_factory=lambda: ["loja"])
    sql_dsn: str = ""
    sql_relation: str = "public.rastro_shipment"
    share_sql: float = 0.3  # counts only with a DSN
    kinds: list[str] = msgspec.field(default_factory=list)
    variants: list[str] = msgspec.field(default_factory=list)
    carriers: list[str] = msgspec.field(default_factory=list)  # others than Correios; all parcels are rows then
    marketplaces: list[str] = msgspec.field(default_factory=list)  # that every other one of these was sold on

    def check(self) -> None:
        kinds = (*JOURNEYS, *ON_REQUEST)
        wrong = [f"kind {kind!r}" for kind in self.kinds if kind not in kinds]
        wrong += [f"variant {name!r}" for name in self.variants if name not in VARIANTS]
        if wrong:
            known = f"kinds: {', '.join(kinds)}; variants: {', '.join(VARIANTS)}"
            raise Malformed(f"unknown {', '.join(wrong)}; {known}")
        if self.sql_dsn and not re.fullmatch(r"\w+\.\w+", self.sql_relation):
            raise Malformed(f"sql_relation {self.sql_relation!r} is not schema.table")
        if not self.vtex_accounts or not 0 < self.parcels <= 200_000 or not 0 <= self.hours <= 24 * 30:
            raise Malformed("a cohort needs an account, 1 to 200,000 parcels and 0 to 720 hours")


@dataclass(slots=True, kw_only=True)
class Made:
    """What one cohort consists of, before anybody is told."""

    parcels: list[Parcel] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    market_orders: list[Order] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    sold: list[Sold] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Maker:
    """Makes the parts of one cohort from one seeded source of chance."""

    world: World
    request: CohortRequest
    cohort: int
    chance: Random
    at: datetime
    made: Made = field(default_factory=Made)

    def make(self) -> Made:
        request = self.request
        if request.carriers:
            return self.wide()
        kinds = {source: cycle(request.kinds or JOURNEYS) for source in ("vtex", "sql")}
        market_kinds = cycle(request.kinds or MARKETPLACE_KINDS)
        variants = cycle(request.variants or RING)
        accounts = cycle(request.vtex_accounts)
        share = request.share_sql if request.sql_dsn else 0.0
        while (count := len(self.made.parcels)) < request.parcels:
            if len(self.made.rows) < int((count + 1) * share):
                self.row(next(kinds["sql"]))
                continue
            name = next(variants)
            if VARIANTS[name].parcels > request.parcels - count:
                name = "own"
            variant = VARIANTS[name]
            ring = market_kinds if variant.affiliate in {"MKT", "HUB", "BWW"} else kinds["vtex"]
            chosen = variant.fixed or (next(ring),)
            self.order(next(accounts), name, variant, chosen)
        return self.made

    def wide(self) -> Made:
        """Parcels of other carriers, each carrier in its turn, every other one sold on a marketplace."""
        carriers, markets = simulated_carriers(self.world), simulated_marketplaces(self.world)
        chosen = cycle(carriers[code] for code in self.request.carriers)
        lives = {one: cycle(self.request.kinds or one.lives) for one in carriers.values()}
        sellers = cycle([None, *(markets[code] for code in self.request.marketplaces)])
        for carrier in islice(chosen, self.request.parcels):
            self.row(next(lives[carrier]), carrier, next(sellers))
        return self.made

    def customer(self) -> Customer:
        first, last = self.chance.choice(FIRST_NAMES), self.chance.choice(LAST_NAMES)
        serial = self.world.next_serial()
        mailbox = f"{first}.{last}.{serial}".lower().translate(PLAIN)
        return Customer(
            user_id=f"{self.chance.getrandbits(32):08x}-0000-4000-8000-{serial:012x}",
            first_name=first,
            last_name=last,
            email=f"{mailbox}@cliente.example",
            alias=f"{self.chance.getrandbits(128):032x}@ct.vtex.com.br",
        )

    def towns(self) -> tuple[int, int]:
        origin, destination = self.chance.sample(range(len(TOWNS)), 2)
        return origin, destination

    def number(self, kind: str, variant: str) -> tuple[str, str]:
        """A parcel's number, and the service it names."""
        serial = self.world.next_serial()
        if variant == "stranger":
            return f"MZ-{serial:05d}", "Motoboy"
        if variant == "pickup_in_store":
            return f"RETIRADA-{serial}", "Retirada"
        if kind == "malformed":
            return f"OV{serial:09d}", "SEDEX"
        if journey(kind).international:
            return s10("LX", 40_000_000 + serial, "CN"), "PAC"
        letters, service = SERVICES[serial % len(SERVICES)]
        return s10(letters, 70_000_000 + serial, "BR"), service

    def parcel(self, kind: str, **facts: Any) -> Parcel:
        """A parcel with its history written: the newest line in one of the missed hours, each in its turn."""
        parcel = Parcel(kind=kind, cohort=self.cohort, **facts)
        hours, history = self.request.hours, journey(kind).history
        if hours:
            hour = self.at.replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours)
            newest = hour + timedelta(hours=len(self.made.parcels) % hours, seconds=self.chance.randrange(120, 3480))
            reveal(parcel, history, until=newest, minutes_apart=self.chance.randrange(15, 50))
        else:
            reveal(parcel, history, until=self.at)
        self.made.parcels.append(parcel)
        return parcel

    def row(
        self, kind: str, carrier: SimulatedCarrier | None = None, market: SimulatedMarketplace | None = None
    ) -> None:
        """A parcel that only a database table knows."""
        customer, (origin, destination) = self.customer(), self.towns()
        number, service = self.number(kind, "own")
        serial = self.world.next_serial()
        courier, page, carrier_id = f"Correios {service}", TRACKING_PAGE + number, ""
        if carrier:
            number, service, page = carrier.number(serial), carrier.service, ""
            courier, carrier_id = carrier.courier, carrier.carrier_id(serial)
        order_id, invoice = f"ERP-{serial:07d}", str(500_000 + serial)
        invoiced = self.invoiced_at()
        key = access_key(500_000 + serial, invoiced.strftime("%y%m"))
        theirs = ""
        if market:
            theirs = market.order_id(serial)
            page = page or SHOPS_PAGE + number  # some marketplaces insist on one
            sold = Sold(
                code=market.code,
                order_id=theirs,
                status=market.first,
                invoice_number=invoice,
                tracking_number=number,
            )
            self.made.sold.append(sold)
        self.parcel(
            kind,
            number=number,
            text=number,
            source="sql",
            account="",
            order_id=order_id,
            invoice_number=invoice,
            variant="row",
            follow=True,
            reason="",
            route="direct" if market else "none",
            marketplace=market.code if market else "",
            marketplace_order_id=theirs,
            email=customer.email,
            origin=origin,
            destination=destination,
            carrier=carrier.code if carrier else "correios",
            courier=courier,
            service=service,
            invoice_key=key,
            carrier_id=carrier_id,
        )
        self.made.rows.append(
            {
                "order_id": order_id,
                "invoice_number": invoice,
                "tracking_number": number,
                "courier": courier,
                "service": service if carrier else None,
                "carrier_id": carrier_id or None,
                "shipper_cnpj": SHIPPER_CNPJ,
                "tracking_url": page or None,
                "invoice_key": key,
                "invoiced_at": invoiced,
                "promised_at": invoiced + timedelta(days=9),
                "updated_at": invoiced,
                "customer_name": f"{customer.first_name} {customer.last_name}",
                "customer_email": customer.email if carrier is None or serial % TO_BE_MAILED == 0 else None,
                "locale": "pt-BR",
                "city_to": TOWNS[destination].name.title(),
                "state_to": TOWNS[destination].state,
                "marketplace_order_id": theirs or None,
                "marketplace": market.code if market else None,
            }
        )

    def invoiced_at(self) -> datetime:
        """Before anything in the history: half a day and more before the missed hours, or a minute ago."""
        if not self.request.hours:
            return self.at - timedelta(seconds=60 + self.chance.randrange(60))
        return self.at - timedelta(hours=self.request.hours + 12, seconds=self.chance.randrange(86_400))

    def order(self, account: str, name: str, variant: Variant, kinds: tuple[str, ...]) -> None:
        """An order of a VTEX account with its packages, and its twin at the marketplace it came from."""
        serial = self.world.next_serial()
        theirs = f"{7_000_000 + serial}-01"
        order_id = f"{variant.affiliate}-{theirs}" if variant.affiliate else f"{1_300_000_000_000 + serial}-01"
        origin, destination = self.towns()
        invoiced = self.invoiced_at()
        order = Order(
            account=account,
            order_id=order_id,
            sequence=str(500_000 + serial),
            variant=name,
            origin=variant.origin,
            affiliate=variant.affiliate,
            endpoint=variant.endpoint(account),
            marketplace=variant.marketplace,
            marketplace_order_id=theirs if variant.affiliate else "",
            status={"cancelled": "canceled", "partly_invoiced": "handling"}.get(name, "invoiced"),
            created_at=(invoiced - timedelta(hours=30)).isoformat(),
            invoiced_at=None if name == "partly_invoiced" else invoiced.isoformat(),
            promised_at=(invoiced + timedelta(days=9)).isoformat(),
            indexed_at=self.at.isoformat(),
            customer=self.customer(),
            city=TOWNS[destination].name.title(),
            state=TOWNS[destination].state,
            postal_code=f"{TOWNS[destination].postal_prefix}-000",
            channel="pickup-in-point" if name == "pickup_in_store" else "delivery",
            service="",
            value=4990 + self.chance.randrange(40_000),
            packages=[],
        )
        if variant.affiliate == "MLF":
            order.hints.append(
                {
                    "trackingId": f"4{serial:010d}",
                    "courierName": "Mercado Envios",
                    "trackingUrl": "https://etiquetas.example/ml",
                    "trackingLabel": "Mercado Envios",
                }
            )
        if variant.affiliate == "BWW":
            order.apps.append("CN-B2W-Integration")
        for place, kind in enumerate(kinds):
            number, service = self.number(kind, name)
            if name == "two_codes" and place:
                package = order.packages[0]
                package.tracking_number = f"{package.tracking_number}; {number}"
            else:
                order.service = order.service or (service if variant.is_correios else variant.courier)
                package = self.package(order, variant, number, service, place)
                order.packages.append(package)
            self.parcel(
                kind,
                number=number,
                text=package.tracking_number or "",
                source=f"vtex:{account}",
                account=account,
                order_id=order_id,
                invoice_number=package.invoice_number,
                variant=name,
                follow=not variant.reason or (name == "return" and place == 0),
                reason=variant.reason if name != "return" or place else "",
                route=variant.route,
                marketplace=variant.marketplace,
                marketplace_order_id=order.marketplace_order_id,
                email="",
                origin=origin,
                destination=destination,
            )
        self.made.orders.append(order)
        if variant.marketplace == "one":
            self.made.market_orders.append(twin(order))

    def package(self, order: Order, variant: Variant, number: str, service: str, place: int) -> Package:
        serial = self.world.next_serial()
        shown: str | None = number
        if order.variant == "late_number":
            order.pending_number, shown = number, None
        if order.variant == "typed_badly":
            shown = f" {number[:2].lower()} {number[2:5]} {number[5:8]} {number[8:11]} {number[11:]}\u00a0"
        issued = order.invoiced_at or order.created_at
        return Package(
            invoice_number=f"NF-{serial}/2026" if order.variant == "slash_invoice" else str(100_000 + serial),
            type="Input" if place and order.variant in RETURNS else "Output",
            courier=f"Correios {service}" if variant.is_correios else variant.courier,
            tracking_number=shown,
            tracking_url=TRACKING_PAGE + number
            if variant.is_correios and shown and order.variant != "no_url"
            else None,
            invoice_key=access_key(serial, issued[2:4] + issued[5:7]),
            issued_at=issued,
            value=order.value,
            items=ITEMS.get((order.variant, place), [0]),
        )


def twin(order: Order) -> Order:
    """The same sale as the marketplace keeps it: invoiced already, nothing known of the parcel's way."""
    return replace(
        order,
        account=order.marketplace,
        order_id=order.marketplace_order_id,
        origin="Marketplace",
        affiliate="",
        packages=[replace(package, events=[]) for package in order.packages],
        mails=[],
    )


def make(world: World, request: CohortRequest) -> Made:
    """A cohort that nobody knows of yet; :func:`keep` puts it into the world."""
    world.meta.cohorts += 1
    cohort = world.meta.cohorts
    chance = Random(f"{world.meta.seed}:{request.seed}:{cohort}")
    return Maker(world=world, request=request, cohort=cohort, chance=chance, at=now()).make()


def keep(world: World, made: Made) -> None:
    world.save_meta()
    world.save_parcels(made.parcels)
    world.save_orders(made.orders)
    world.save_market_orders(made.market_orders)
    world.save_sold(made.sold)
