"""
Who follows a parcel, and who tells its marketplace: tables of signs, and the sentence that says why.

Pure. Every answer carries its reason, since a shop that asks "why is this parcel not followed?" is shown it.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from rastro.models import Route
from rastro.settings import OrderRoute

# Carriers that shops name and that need no adapter to be known: a number of theirs may look like somebody else's.
# An adapter's own claims are asked first, so a line here does no harm once there is one.
OTHER_CARRIERS: Mapping[str, str] = {
    "Jadlog": r"\bjad ?log\b",
    "Loggi": r"\bloggi\b",
    "Total Express": r"\btotal express\b|\btex\b",
    "J&T Express": r"\bj ?& ?t\b|\bj t express\b",
    "Azul Cargo": r"\bazul\b",
    "Braspress": r"\bbraspress\b",
    "Rodonaves": r"\brodonaves\b|\brte\b",
    "TNT": r"\btnt\b|\bmercurio\b",
    "Jamef": r"\bjamef\b",
    "Patrus": r"\bpatrus\b",
    "Uello": r"\buello\b",
    "Sequoia": r"\bsequoia\b",
    "DHL": r"\bdhl\b",
    "FedEx": r"\bfed ?ex\b",
    "UPS": r"\bups\b",
    "USPS": r"\busps\b",
    "a courier of the shop's own": r"\bmoto ?boy\b|\bmoto ?express\b|\b(entrega|frota|transportadora) propria\b",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """
    What tells that a parcel is some carrier's, as regular expressions searched without regard to case.

    ``names`` in the shop's free text (accents removed), ``hosts`` in the host of the tracking link. ``strong`` and
    ``weak`` must match the whole normalised number: a strong form is nobody else's, a weak one many give out.
    ``check`` says whether the check digit of a strong number fits; one that does not counts as weak. ``fallback``
    carriers take what nobody else claims.
    """

    names: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    strong: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    check: Callable[[str], bool] | None = field(default=None, repr=False)
    fallback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """The carrier to ask, None when nobody knows, and why."""

    carrier: str | None
    why: str


def route(courier_name: str, tracking_number: str, tracking_url: str, claims: Mapping[str, Claims]) -> Routed:
    """
    The carrier of a parcel by what its shop wrote: the courier's name, then the link's host, then the number's form.

    A name is believed before a number, because numbers of the common form are given out by many. Where one sign fits
    several carriers, the next one decides among these.

    :param tracking_number: normalised.
    :param claims: what each known carrier answers to, by its code.
    """
    name, host = folded(courier_name), host_of(tracking_url)
    signs = (
        (f"the courier's name {courier_name!r}", {code for code, by in claims.items() if found(by.names, name)}),
        (f"the tracking link's host {host}", {code for code, by in claims.items() if found(by.hosts, host)}),
        (
            f"the form of {tracking_number}",
            {code for code, by in claims.items() if whole((*by.strong, *by.weak), tracking_number)},
        ),
    )
    candidates = frozenset(claims)
    for position, (sign, fitting) in enumerate(signs):
        left = candidates & fitting
        if len(left) == 1:
            return Routed(carrier=min(left), why=f"by {sign}")
        candidates = left or candidates
        if position == 0 and not left:
            for other, pattern in OTHER_CARRIERS.items():
                if found((pattern,), name):
                    return Routed(carrier=None, why=f"{sign} stands for {other}, which no adapter covers")
    if candidates != frozenset(claims):
        return Routed(carrier=None, why=f"it could be {' or '.join(sorted(candidates))}; name the courier on the order")
    return Routed(carrier=None, why=f"no carrier answers to the courier {courier_name!r} or to {tracking_number!r}")


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


# Marketplaces whose connector is known to pass a delivery on, by the name an order gives them.
RELAYED = r"skyhub|\bb2w\b|\bamericanas\b|\bnetshoes\b|\bcarrefour\b|\bmercado ?(livre|libre)\b"


def order_route(marks: OrderMarks, routes: Mapping[str, OrderRoute]) -> Confirmation:
    """
    Who confirms the deliveries of an order: the shop's own table first, then the marks on the order.

    Never two: a connector and a direct call would confirm twice. What nothing explains is a person's to decide.
    """
    decided = routes.get(marks.affiliate.strip().upper())
    if decided:
        why = f"setting routes, {marks.affiliate.strip().upper()}"
        return Confirmation(route=decided.route, marketplace=decided.marketplace, why=why)
    if marks.origin == "Marketplace":
        return Confirmation(route=Route.NONE, why="sold in the shop itself")
    if marks == OrderMarks():
        return Confirmation(route=Route.NONE, why="nothing on the order points to a marketplace")
    relayed = relayed_by(marks)
    if relayed:
        return Confirmation(route=Route.CONNECTOR, why=relayed)
    where = marks.affiliate or marks.marketplace or host_of(marks.endpoint) or marks.origin
    return Confirmation(
        route=Route.REVIEW,
        why=f"nobody said who confirms the orders of {where}; add it to the setting routes",
    )


def relayed_by(marks: OrderMarks) -> str:
    """What shows that a connector passes on what is written on the order; empty when nothing does."""
    host = host_of(marks.endpoint)
    if re.search(r"(^|\.)vtexinternal\.com(\.br)?$", host):
        return f"its endpoint {host} is a connector of VTEX"
    for app in marks.apps:
        if app.upper().startswith("CN-"):
            return f"the connector {app} wrote on it"
    if found((RELAYED,), folded(marks.marketplace)):
        return f"the connector of {marks.marketplace} passes deliveries on"
    return ""


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


# Searched in each courier's name, without accents or case. A bare marketplace's name is not enough: its sellers ship
# by Correios too.
CARRIED_BY_OTHERS: tuple[tuple[str, str], ...] = (
    (
        r"\bvtex shipping network\b|\bvsn\b|\bvtex log\b",
        "It travels by VTEX Shipping Network, which VTEX itself follows.",
    ),
    (
        r"\bmercado ?envios\b|\bme2\b|\bmercado (livre|libre) (full|flex|coleta|places)\b",
        "Mercado Livre carries it by Mercado Envios and marks the order itself.",
    ),
    (
        r"\b(fba|dba)\b|\b(fulfillment|fulfilled|delivery) by amazon\b|\b(logistica da amazon|easy ?ship)\b",
        "Amazon carries it and marks the order itself.",
    ),
    (
        r"\b(magalu|magazine luiza)[ -]*(entregas?|fulfillment)\b",
        "Magalu carries it by Magalu Entregas and marks the order itself.",
    ),
    (
        r"\b(americanas|b2w)[ -]*(entregas?|fulfillment|direct)\b|\bentrega direct\b|\bb2wentrega\w*",
        "Americanas carries it by Americanas Entrega and marks the order itself.",
    ),
    (r"\bnetshoes[ -]*entregas?\b", "Netshoes carries it by Netshoes Entregas and marks the order itself."),
    (
        r"\benvvias\b|\b(cb|via|casas bahia)[ -]*(entregas?|envvias)\b",
        "Casas Bahia carries it by Envvias and marks the order itself.",
    ),
    (r"\bshopee[ -]*(xpress|express|envios|entregas?)\b|\bspx\b", "Shopee carries it and marks the order itself."),
    (r"\bdafiti[ -]*envios?\b", "Dafiti carries it by Dafiti Envios and marks the order itself."),
    (
        r"\bmadeira[ -]*(madeira[ -]*)?envios?\b",
        "MadeiraMadeira carries it by Madeira Envios and marks the order itself.",
    ),
    (r"\b[a-z0-9]+-entregas\b", "The marketplace carries it by its own delivery service and marks the order itself."),
)

# Words that stand where a carrier's name would, for what nobody carries. Correios has pickup services of its own.
COLLECTED = r"^(?!.*\bcorreios\b).*\b(retira(das?|r)?|retire|pick ?up)\b"


def not_ours(carriage: Carriage, routes: Mapping[str, OrderRoute]) -> str:
    """The sentence that says why a package is not ours to follow; empty when it is."""
    for courier in carriage.couriers:
        for pattern, sentence in CARRIED_BY_OTHERS:
            if found((pattern,), folded(courier)):
                return sentence
    if any(hint.strip() for hint in carriage.hints):
        return "The marketplace issued its label and follows it itself."
    decided = routes.get(carriage.affiliate.strip().upper())
    if decided and decided.route is Route.NONE:
        return f"The setting routes says that the marketplace {carriage.affiliate.strip().upper()} carries its parcels."
    named = [courier for courier in carriage.couriers if courier.strip()]
    if (named or carriage.channel == "pickup-in-point") and all(found((COLLECTED,), folded(name)) for name in named):
        return "The customer collects it at the shop or a pickup point, and no carrier brings it there."
    return ""


def folded(text: str) -> str:
    """``text`` in small letters, without accents, each run of blanks and underscores one blank."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return re.sub(r"[\s_]+", " ", bare).strip().casefold()


def host_of(url: str) -> str:
    """The host of a link as people write it, with or without a scheme; empty when there is none."""
    link = url.strip()
    try:
        return urlsplit(link if "://" in link else f"//{link}").hostname or ""
    except ValueError:
        return ""


def found(patterns: Iterable[str], text: str) -> bool:
    return bool(text) and any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)


def whole(patterns: Iterable[str], text: str) -> bool:
    return bool(text) and any(re.fullmatch(pattern, text, re.IGNORECASE) for pattern in patterns)
