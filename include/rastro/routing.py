"""
Who follows a parcel, and who tells its marketplace: tables of signs, and the sentence that says why.

Pure. Every answer carries its reason, since a shop that asks "why is this parcel not followed?" is shown it.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from rastro.models import Route
from rastro.settings import OrderRoute

# Names that stand for no adapter of ours. An adapter's own names are looked for first, so a line here does no harm once
# there is one.
OTHER_CARRIERS: Mapping[str, str] = {
    "TNT": r"\btnt\b|\bmercurio\b",
    "Jamef": r"\bjamef\b",
    "Patrus": r"\bpatrus\b",
    "Uello": r"\buello\b",
    "GFL": r"\bgfl\b",
    "Sequoia": r"\bsequoia\b",
}
NOT_TRACKABLE = r"\bmoto ?boy\b|\bmoto ?express\b|\b(entrega|frota|transportadora) propria\b|\bretirada\b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """
    What tells that a parcel is some carrier's, as regular expressions searched without regard to case.

    ``names`` in the shop's free text (accents removed), ``hosts`` in the host of the tracking link. ``strong`` and
    ``weak`` must match the whole normalised number: a strong form is nobody else's, a weak one many give out.
    ``check`` says whether the check digit of a strong number fits; one that does not counts as weak. A ``gateway``
    yields to the carrier that is named beside it. ``fallback`` carriers take what nobody else claims.
    """

    names: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    strong: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    check: Callable[[str], bool] | None = field(default=None, repr=False)
    gateway: bool = False
    fallback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What the shop wrote about who carries a parcel; the number is normalised."""

    courier: str = ""
    number: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """The carrier to ask, None when nobody knows, and why; ``looked_at`` is what each sign said, in their order."""

    carrier: str | None
    why: str
    looked_at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """
    Finds the carrier of a parcel by the signs on it.

    The order is: the shop's own map, a strong number, the courier's name, the link's host, a weak number, a fallback.
    Strong numbers go before names, since names are typed by people; names go before weak numbers, which many give out.
    Where one sign fits several carriers, those with a connection are preferred, then the signs behind it decide among
    these. A carrier without a connection gives way to a fallback that has one.

    :param claims: what each known carrier answers to, by its code.
    :param connected: the codes of those that can be asked, in the order of preference among fallbacks.
    :param couriers: the shop's own map, courier → carrier or ``none``.
    """

    claims: Mapping[str, Claims]
    connected: Sequence[str]
    couriers: Mapping[str, str] = field(default_factory=dict)

    def route(self, signs: Signs, declined: Collection[str] = ()) -> Routed:
        """
        :param declined: carriers that said it is not theirs.
        """
        name = folded(signs.courier)
        mapped = next((carrier for known, carrier in self.couriers.items() if name and folded(known) == name), "")
        if mapped and mapped not in declined:
            return self._mapped(mapped, signs)
        able = {code: claims for code, claims in self.claims.items() if code not in declined}
        fits = self._fits(able, signs)
        looked_at = tuple(f"{sign}: {' or '.join(sorted(codes)) or 'nobody'}" for sign, codes in fits)
        candidates: frozenset[str] = frozenset()
        decided = ""
        for sign, codes in fits:
            left = self._preferred(candidates & codes if candidates else codes)
            if not left and candidates:
                continue
            if len(left) == 1:
                return self._if_connected(Routed(carrier=min(left), why=f"by {sign}", looked_at=looked_at), able)
            if left:
                candidates, decided = left, decided or sign
            elif sign.startswith(COURIER) and (stranger := stands_for(name)):
                return self._fallback(
                    Routed(carrier=None, why=f"{sign} stands for {stranger}", looked_at=looked_at), able
                )
        if candidates:
            who = " or ".join(sorted(candidates))
            return Routed(carrier=None, why=f"by {decided} it could be {who}; name the courier", looked_at=looked_at)
        nobody = f"no carrier answers to the courier {signs.courier!r} or to {signs.number!r}"
        return self._fallback(Routed(carrier=None, why=nobody, looked_at=looked_at), able)

    def _mapped(self, carrier: str, signs: Signs) -> Routed:
        sign = f"the setting couriers, {signs.courier!r}"
        if carrier == "none":
            return Routed(carrier=None, why=f"by {sign} it cannot be followed")
        if carrier not in self.claims:
            return Routed(carrier=None, why=f"{sign} names {carrier}, and there is no such carrier")
        return Routed(carrier=carrier, why=f"by {sign}")

    def _fits(self, able: Mapping[str, Claims], signs: Signs) -> Sequence[tuple[str, frozenset[str]]]:
        """Each sign, in the order in which they are believed, with the carriers that it fits."""
        name, host = folded(signs.courier), host_of(signs.url)
        named = frozenset(code for code, by in able.items() if found(by.names, name))
        carriers = frozenset(code for code in named if not able[code].gateway)
        weak = frozenset(code for code, by in able.items() if whole((*by.strong, *by.weak), signs.number))
        connected = frozenset(self.connected)
        return (
            (f"the number {signs.number}, of a form that is its own", frozenset(strong_in(able, signs.number))),
            (f"{COURIER} {signs.courier!r}", carriers & connected or named & connected or carriers or named),
            (f"the tracking link's host {host}", frozenset(code for code, by in able.items() if found(by.hosts, host))),
            (f"the form of {signs.number}", weak & connected),
        )

    def _preferred(self, codes: frozenset[str]) -> frozenset[str]:
        return codes & frozenset(self.connected) or codes

    def _if_connected(self, routed: Routed, able: Mapping[str, Claims]) -> Routed:
        if routed.carrier in self.connected:
            return routed
        instead = self._fallback(routed, able)
        return (
            instead
            if instead.carrier != routed.carrier
            else replace(routed, why=f"{routed.why}, which has no connection")
        )

    def _fallback(self, routed: Routed, able: Mapping[str, Claims]) -> Routed:
        """The first connected fallback in place of a carrier that is unknown or cannot be asked."""
        for code in self.connected:
            if code in able and able[code].fallback:
                why = f"{routed.carrier} {routed.why}, which has no connection" if routed.carrier else routed.why
                return replace(routed, carrier=code, why=f"{why}; {code} takes what nobody else does")
        return routed


COURIER = "the courier's name"


def strong_in(claims: Mapping[str, Claims], number: str) -> Iterator[str]:
    """Carriers whose own form of number this is, its check digit included."""
    for code, by in claims.items():
        if whole(by.strong, number) and (by.check is None or by.check(number)):
            yield code


def stands_for(name: str) -> str:
    """Which carrier without an adapter a courier's folded name stands for; empty when for none that we know."""
    if found((NOT_TRACKABLE,), name):
        return "nobody who can be asked"
    return next((other for other, pattern in OTHER_CARRIERS.items() if found((pattern,), name)), "")


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
