"""
Which parcels are not ours to follow, and who tells the marketplace of the others' delivery: tables, and the reason.

Pure. One route for each order, never two: told by a connector and by a call, a delivery would be confirmed twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rastro.models import Route
from rastro.routing import folded, found, host_of
from rastro.setting_values import OrderRoute


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMarks:
    """
    What an order says about where it was bought.

    ``origin`` is VTEX's Marketplace, Fulfillment or Chain; ``apps`` the ids of the order's custom apps. A source
    without such things leaves all of it empty.
    """

    origin: str = ""
    affiliate: str = ""
    endpoint: str = ""
    marketplace: str = ""
    apps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """Who tells the marketplace of a delivery, through which of our connections if we do, and why."""

    route: Route
    marketplace: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """
    What a marketplace's connector in VTEX does with a delivery that is written on the order.

    ``names`` is searched in the connector's host and app and in the marketplace's name. ``affiliates`` are the codes
    that VTEX suggests; each shop chooses its own, so they only tell whose a proven connector is. ``relays``: its
    documentation says that it passes deliveries on. Of the others none was found to say so. Every one of these
    marketplaces writes to its buyers itself, whoever tells it of the delivery.
    """

    marketplace: str
    names: str
    affiliates: tuple[str, ...] = ()
    relays: bool = False


CONNECTORS: tuple[Connector, ...] = (
    Connector(
        marketplace="Americanas", names=r"skyhub|\bb2w|\bamericanas\b|\bsubmarino\b", affiliates=("BWW",), relays=True
    ),
    Connector(marketplace="Netshoes", names=r"\bnetshoes", affiliates=("NTS",), relays=True),
    Connector(marketplace="Carrefour", names=r"\bcarrefour", relays=True),
    Connector(marketplace="Mercado Livre", names=r"\bmercado ?(livre|libre)", affiliates=("MLC", "MLP"), relays=True),
    Connector(marketplace="Amazon", names=r"\bamazon", affiliates=("MZN",)),
    Connector(
        marketplace="Casas Bahia",
        names=r"\bcasas ?bahia|\bvia ?varejo|^via$|\bponto ?frio\b",
        affiliates=("VVJ",),
    ),
    Connector(marketplace="Magalu", names=r"\bmagalu|\bmagazine ?luiza", affiliates=("MGZ",)),
    Connector(marketplace="Centauro", names=r"\bcentauro", affiliates=("CNT",)),
    Connector(marketplace="Dafiti", names=r"\bdafiti", affiliates=("DFT",)),
    Connector(marketplace="Shopee", names=r"\bshopee", affiliates=("SHP",)),
)
VTEX = r"(^|\.)vtexinternal\.com(\.br)?$"
VTEX_MARKETPLACE = r"^oms\.vtexinternal\.com(\.br)?$"


def order_route(marks: OrderMarks, routes: Mapping[str, OrderRoute]) -> Confirmation:
    """
    Who confirms the deliveries of an order: the shop's own table first, then the marks on the order.

    Never two: a connector and a direct call would confirm twice, so a call that the table asks for is a person's to
    decide where the order itself shows a connector that passes deliveries on. So is what nothing explains, and what a
    connector does that no documentation speaks of; the order is written in any case.
    """
    affiliate = marks.affiliate.strip().upper()
    decided = routes.get(affiliate)
    if decided and decided.route is Route.DIRECT and (proof := proof_of_relay(marks)):
        return Confirmation(
            route=Route.REVIEW,
            why=f"told by {decided.marketplace}, too, its delivery would be confirmed twice: {proof}; "
            f"write {affiliate}=connector in the setting routes",
        )
    if decided:
        return Confirmation(route=decided.route, marketplace=decided.marketplace, why=f"setting routes, {affiliate}")
    if marks.origin == "Marketplace":
        return Confirmation(route=Route.NONE, why="sold in the shop itself")
    if marks == OrderMarks():
        return Confirmation(route=Route.NONE, why="nothing on the order points to a marketplace")
    proof = proof_of_connector(marks)
    connector = connector_of(marks, proven=bool(proof))
    if connector and not connector.relays:
        return Confirmation(
            route=Route.REVIEW,
            why=f"no documentation says that the connector of {connector.marketplace} passes a delivery on; "
            f"{add_a_line(affiliate)}",
        )
    if proof:
        return Confirmation(route=Route.CONNECTOR, why=proof)
    if connector and not host_of(marks.endpoint):
        why = f"the connector of {connector.marketplace} passes deliveries on"
        return Confirmation(route=Route.CONNECTOR, why=why)
    where = marks.affiliate or marks.marketplace or host_of(marks.endpoint) or marks.origin
    return Confirmation(
        route=Route.REVIEW, why=f"nobody said who confirms the orders of {where}; {add_a_line(affiliate)}"
    )


def add_a_line(affiliate: str) -> str:
    """What a person is asked to do about an order that is not decided."""
    code = affiliate or "its affiliate code"
    return f"add {code}=connector, {code}=direct:adapter:connection or {code}=none to the setting routes"


def proof_of_connector(marks: OrderMarks) -> str:
    """What shows that a connector of VTEX's own passes on what is written on the order; empty when nothing does."""
    host = host_of(marks.endpoint)
    if found((VTEX_MARKETPLACE,), host):
        return f"its endpoint {host} is another shop's on VTEX"
    if found((VTEX,), host):
        return f"its endpoint {host} is a connector of VTEX"
    return next((f"the connector {app} wrote on it" for app in marks.apps if app.upper().startswith("CN-")), "")


def proof_of_relay(marks: OrderMarks) -> str:
    """What shows that a delivery written on the order is known to be passed on; empty when nothing does."""
    proof = proof_of_connector(marks)
    if found((VTEX_MARKETPLACE,), host_of(marks.endpoint)):
        return proof
    connector = connector_of(marks, proven=True)
    if not proof or not connector or not connector.relays:
        return ""
    return f"{proof}, and that of {connector.marketplace} passes deliveries on"


def connector_of(marks: OrderMarks, *, proven: bool) -> Connector | None:
    """
    Whose connector an order came through, by what its marks say in the order in which they are believed.

    :param proven: it did come through a connector of VTEX's own, so that a suggested affiliate code may be believed.
    """
    host = host_of(marks.endpoint)
    if found((VTEX_MARKETPLACE,), host):
        return None  # a shop on VTEX, whatever it is called
    apps = [app for app in marks.apps if app.upper().startswith("CN-")]
    for text in (host if found((VTEX,), host) else "", *apps, marks.marketplace):
        for connector in CONNECTORS:
            if found((connector.names,), folded(text)):
                return connector
    affiliate = marks.affiliate.strip().upper()
    suggested = (connector for connector in CONNECTORS if affiliate in connector.affiliates)
    return next(suggested, None) if proven else None


def marketplace_called(name: str) -> Connector | None:
    """The marketplace that is meant by its name or by the code that VTEX suggests; None when it is none of these."""
    code = name.strip().upper()
    return next((one for one in CONNECTORS if code in one.affiliates or found((one.names,), folded(name))), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriage:
    """
    What an order says about who carries a package.

    ``couriers`` are all names given for it (package, delivery company, shipping policy), ``hints`` the labels that a
    marketplace attached, ``channel`` is VTEX's delivery or pickup-in-point.
    """

    couriers: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    channel: str = ""
    affiliate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedBy:
    """A marketplace that carries parcels itself by ``service``; ``names`` is searched in each courier's folded name."""

    marketplace: str
    service: str
    names: str

    @property
    def sentence(self) -> str:
        return f"{self.marketplace} carries it by {self.service} and marks the order itself."


# Their deliveries are never confirmed: the marketplace knows of them before we do. A bare marketplace's name is not
# enough: its sellers ship by Correios, too.
CARRIED_BY_OTHERS: tuple[CarriedBy, ...] = (
    CarriedBy(
        marketplace="VTEX",
        service="VTEX Shipping Network",
        names=r"\bvtex shipping network\b|\bvsn\b|\bvtex log\b",
    ),
    CarriedBy(
        marketplace="Mercado Livre",
        service="Mercado Envios (ME2: Full, Flex, Turbo, Coleta, Places)",
        names=r"\bmercado ?envios\b(?! (1|me1)\b)|\bme ?2\b|\bme flex\b"
        r"|\bmercado (livre|libre)[ -]*(full|flex|turbo|coleta|places)\b",
    ),
    CarriedBy(
        marketplace="Amazon",
        service="FBA, DBA or Easy Ship",
        names=r"\b(fba|dba)\b|\b(fulfillment|fulfilled|delivery|shipped) by amazon\b|\beasy ?ship\b"
        r"|\blogistica (da )?amazon\b|\bamazon[ -]*(logistics|logistica|shipping|full|fulfillment)\b",
    ),
    CarriedBy(
        marketplace="Magalu",
        service="Magalu Entregas or its warehouse",
        names=r"\b(magalu|magazine luiza)[ -]*(entregas?|envios?|full|fulfillment)\b"
        r"|\bfulfillment (by |da |do )?(magalu|magazine luiza)\b",
    ),
    CarriedBy(
        marketplace="Americanas",
        service="Americanas Entrega or Direct",
        names=r"\b(americanas|b2w)[ -]*(entregas?|fulfillment|direct)\b|\bentrega direct\b"
        r"|\bb2w(entrega|fulfillment)\w*",
    ),
    CarriedBy(
        marketplace="Netshoes",
        service="Netshoes Entregas",
        names=r"\bnetshoes[ -]*entregas?\b",
    ),
    CarriedBy(
        marketplace="Casas Bahia",
        service="Envvias or CB Entrega",
        names=r"\benvvias\b|\b(cb|via|casas bahia)[ -]*(entregas?|envvias|fulfillment)\b",
    ),
    CarriedBy(
        marketplace="Shopee",
        service="its own channels (all but 90021, 90025 and 90026)",
        names=r"\bshopee[ -]*(xpress|express|envios?|entregas?|full|fulfillment)\b|\bspx\b"
        r"|\bshopee\b.*\b9(?!0021\b|0025\b|0026\b)[0-9]{4}\b",
    ),
    CarriedBy(marketplace="Dafiti", service="Dafiti Envios", names=r"\bdafiti[ -]*(envios?|fulfillment)\b"),
    CarriedBy(
        marketplace="MadeiraMadeira",
        service="Madeira Envios",
        names=r"\bmadeira[ -]*(madeira[ -]*)?envios?\b",
    ),
    CarriedBy(
        marketplace="The marketplace",
        service="a delivery service of its own",
        names=r"\b[a-z0-9]+-entregas\b",
    ),
)

# Words that stand where a carrier's name would, for what nobody carries. Carriers have pickup services of their own.
COLLECTED = r"\b(retira(das?|r)?|retire|pick ?up)\b"
BROUGHT_THERE = r"\b(correios?|sedex|pac|jad ?log|loggi|total express|kangu|dhl|fed ?ex|ups)\b"


def not_ours(carriage: Carriage, routes: Mapping[str, OrderRoute]) -> str:
    """The sentence that says why a package is not ours to follow; empty when it is."""
    for courier in carriage.couriers:
        for carried in CARRIED_BY_OTHERS:
            if found((carried.names,), folded(courier)):
                return carried.sentence
    if any(hint.strip() for hint in carriage.hints):
        return "The marketplace issued its label and follows it itself."
    affiliate = carriage.affiliate.strip().upper()
    decided = routes.get(affiliate)
    if decided and decided.route is Route.NONE:
        return f"The setting routes says that the marketplace {affiliate} carries its parcels."
    named = [courier for courier in carriage.couriers if courier.strip()]
    if (named or carriage.channel == "pickup-in-point") and all(is_collected(folded(name)) for name in named):
        return "The customer collects it at the shop or a pickup point, and no carrier brings it there."
    return ""


def is_collected(name: str) -> bool:
    """Whether a folded courier's name says that the customer collects it and names no carrier that brings it there."""
    return found((COLLECTED,), name) and not found((BROUGHT_THERE,), name)
