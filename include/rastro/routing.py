"""
Which carrier is asked about a parcel, by the signs on it, and the sentence that says why.

Pure. Every answer carries its reason, since a shop that asks "why is this parcel not followed?" is shown it.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from urllib.parse import urlsplit

# Couriers that no adapter covers. Carriers' own names are looked for first, so a line does no harm once there is one.
OTHER_CARRIERS: Mapping[str, str] = {"Sequoia": r"\bsequoia\b"}

# What shops write where there is no carrier. Not even an aggregator is asked, which would charge for the question.
NOT_TRACKABLE = (
    r"\bmoto[ -]?(boys?|express|frete|taxi)\b|\bmotoqueiros?\b|\blalamove\b|\buber (flash|direct)\b",
    r"\b(entrega(s|dor)?|frota|transportadora|transportes?|veiculo|carro|motorista)( da loja)? propri[ao]s?\b",
    r"^propri[ao]$|\bem maos\b|\b(retirada|balcao)\b|\bretir(a|e|ar) (na|no|em) ",
)

# No aggregator knows a parcel by its invoice.
INVOICE_KEY = r"[0-9]{44}"

MAP = "the setting couriers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """
    What tells that a parcel is some carrier's, as regular expressions searched without regard to case.

    ``names`` in the shop's free text (as :func:`folded` makes it), ``hosts`` in the host of the tracking link.
    ``strong`` and ``weak`` must match the whole normalised number: a strong form is nobody else's, a weak one many give
    out. ``check`` says whether the check digit of such a number fits, None where its form has none. A ``gateway`` sells
    other carriers' freight and yields to one that is named beside it. ``fallback`` carriers take what nobody else does.
    """

    names: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    strong: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    check: Callable[[str], bool | None] | None = field(default=None, repr=False)
    gateway: bool = False
    fallback: bool = False

    @property
    def has_forms(self) -> bool:
        """Whether its numbers can be told by their form at all."""
        return bool(self.strong or self.weak)

    def gives_out(self, number: str) -> bool:
        """Whether its numbers have this form, whatever their check digit."""
        return whole((*self.strong, *self.weak), number)

    def fits(self, number: str) -> bool | None:
        """What the check digit of a number says that it may have given out; None where there is no check digit."""
        return self.check(number) if self.check else None


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
class Reading:
    """One sign, in words that follow on "by", and the carriers that it points to."""

    sign: str
    codes: frozenset[str]

    def __str__(self) -> str:
        return f"{self.sign}: {either(self.codes) or 'nobody'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A look at a parcel: its signs, the carriers that may be meant, and whom each sign points to."""

    signs: Signs
    able: Mapping[str, Claims]
    own: Reading
    named: Reading
    hosted: Reading
    formed: tuple[Reading, ...]

    @property
    def readings(self) -> tuple[Reading, ...]:
        """In the order in which they are believed."""
        return (self.own, self.named, self.hosted, *self.formed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """
    Finds the carrier of a parcel by the signs on it, believed in this order:

    1. the shop's own map;
    2. a number of a form that is nobody else's (strong), its check digit included;
    3. the courier's name, which people type;
    4. the host of the tracking link;
    5. a number that others could have given out, too (weak, or strong of several carriers), whose check digit fits;
    6. such a number of a form that has no check digit;
    7. a number whose check digit is wrong: one was mistyped, or it is somebody else's.

    Where a sign points to several carriers, those with a connection are preferred, then the signs after it decide
    among these. The forms of numbers count for carriers with a connection alone, since one of them fits nearly always.
    Whoever has no connection gives way to a gateway that name or link point to, then to a fallback, where these have
    one: the freight may have been bought there.
    No fallback is asked where there is no carrier at all, nor about an invoice's key.

    :param claims: what each known carrier answers to, by its code.
    :param connected: the codes of those that can be asked, in the order of preference among fallbacks.
    :param couriers: the shop's own map, courier → carrier or ``none``.
    """

    claims: Mapping[str, Claims]
    connected: Sequence[str]
    couriers: Mapping[str, str] = field(default_factory=dict)
    _folded: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = {folded(name): carrier for name, carrier in self.couriers.items() if folded(name)}
        object.__setattr__(self, "_folded", names)

    def route(self, signs: Signs, declined: Collection[str] = ()) -> Routed:
        """
        :param declined: carriers that said it is not theirs; they are passed over, also where the map names them.
        """
        mapped = self._folded.get(folded(signs.courier), "")
        look = self._look(signs, declined)
        routed = self._by_signs(look) if not mapped or mapped in declined else self._by_the_map(mapped, look)
        return replace(routed, looked_at=(f"{MAP}: {mapped or 'nobody'}", *map(str, look.readings)))

    def _look(self, signs: Signs, declined: Collection[str]) -> Look:
        name, host, number = folded(signs.courier), host_of(signs.url), signs.number
        able = {
            code: by
            for code, by in self.claims.items()
            if code not in declined and (code in self.connected or not by.fallback)
        }
        owners = [code for code, by in self.claims.items() if whole(by.strong, number) and by.fits(number) is not False]
        forms = {code: by.fits(number) for code, by in able.items() if code in self.connected and by.gives_out(number)}
        formed = (
            (True, "the check digit of"),
            (None, "the form of"),
            (False, "the form, though not the check digit, of"),
        )
        return Look(
            signs=signs,
            able=able,
            own=Reading(
                sign=f"the number {number or '(none)'}, of a form that is nobody else's",
                codes=frozenset(owners if len(owners) == 1 else ()).intersection(able),
            ),
            named=Reading(sign=f"the courier's name {signs.courier!r}", codes=self._named(able, name, number)),
            hosted=Reading(
                sign=f"the tracking link's host {host or '(none)'}",
                codes=frozenset(code for code, by in able.items() if found(by.hosts, host)),
            ),
            formed=tuple(
                Reading(
                    sign=f"{what} {number or '(none)'}",
                    codes=frozenset(code for code, fits in forms.items() if fits is said),
                )
                for said, what in formed
            ),
        )

    def _named(self, able: Mapping[str, Claims], name: str, number: str) -> frozenset[str]:
        """Whom a name points to: of a gateway and the carriers beside it those that can be asked about the number."""
        named = frozenset(code for code, by in able.items() if found(by.names, name))
        gateways = frozenset(code for code in named if able[code].gateway or able[code].fallback)
        carriers = named - gateways
        asked = gateways.intersection(self.connected)
        if not asked:
            return carriers or gateways
        beside = carriers.intersection(self.connected)
        return frozenset(code for code in beside if not able[code].has_forms or able[code].gives_out(number)) or asked

    def _by_the_map(self, mapped: str, look: Look) -> Routed:
        sign = f"{MAP}, {look.signs.courier!r}"
        if mapped == "none":
            return Routed(carrier=None, why=f"by {sign} it cannot be followed")
        if mapped not in self.claims:
            return Routed(carrier=None, why=f"{sign} names {mapped}, and there is no such carrier")
        return self._or_instead(mapped, sign, look)

    def _by_signs(self, look: Look) -> Routed:
        if not (look.own.codes or look.named.codes):
            name = folded(look.signs.courier)
            if found(NOT_TRACKABLE, name):
                return Routed(carrier=None, why=f"{look.named.sign} stands for no carrier, and nobody can be asked")
            if other := stands_for(name):
                return self._or_fallback(f"{look.named.sign} stands for {other}, which no adapter covers", look)
        candidates: frozenset[str] = frozenset()
        decisive: list[str] = []
        for reading in look.readings:
            left = self._preferred(candidates & reading.codes if candidates else reading.codes)
            if left and left != candidates:
                candidates = left
                decisive.append(reading.sign)
            if len(candidates) == 1:
                return self._or_instead(min(candidates), " and ".join(decisive), look)
        if candidates:
            why = f"by {' and '.join(decisive)} it could be {either(candidates)}: name it on the order or in {MAP}"
            return self._or_fallback(why, look)
        return self._or_fallback(self._nobody(look), look)

    def _nobody(self, look: Look) -> str:
        courier, number = look.signs.courier, look.signs.number
        givers = either(code for code, by in look.able.items() if by.gives_out(number))
        such = f"; {givers} may give out such numbers, but has no connection" if givers else ""
        return f"no carrier answers to the courier {courier!r} or to {number!r}{such}"

    def _preferred(self, codes: frozenset[str]) -> frozenset[str]:
        return codes.intersection(self.connected) or codes

    def _or_instead(self, carrier: str, sign: str, look: Look) -> Routed:
        """The carrier if it can be asked, else a gateway that name or link point to, else a fallback, else itself."""
        if carrier in self.connected:
            return Routed(carrier=carrier, why=f"by {sign}")
        why = f"by {sign} it is {carrier}, which has no connection"
        for reading in (look.named, look.hosted):
            for code in self.connected:
                if code in reading.codes and look.able[code].gateway:
                    return Routed(carrier=code, why=f"{why}; {code} by {reading.sign}")
        routed = self._or_fallback(why, look)
        return routed if routed.carrier else replace(routed, carrier=carrier)

    def _or_fallback(self, why: str, look: Look) -> Routed:
        """The first connected fallback where nobody is known who can be asked; None without one."""
        if look.signs.number and not whole((INVOICE_KEY,), look.signs.number):
            for code in self.connected:
                if code in look.able and look.able[code].fallback:
                    return Routed(carrier=code, why=f"{why}; {code} takes what nobody else does")
        return Routed(carrier=None, why=why)


def stands_for(name: str) -> str:
    """Which carrier without an adapter a courier's folded name stands for; empty when for none that we know."""
    return next((other for other, pattern in OTHER_CARRIERS.items() if found((pattern,), name)), "")


def either(codes: Iterable[str]) -> str:
    return " or ".join(sorted(codes))


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


def found(patterns: tuple[str, ...], text: str) -> bool:
    return bool(text and patterns) and any_of(patterns).search(text) is not None


def whole(patterns: tuple[str, ...], text: str) -> bool:
    return bool(text and patterns) and any_of(patterns).fullmatch(text) is not None


@cache
def any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """One pattern in place of several, since each parcel is held against those of all carriers."""
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE | re.ASCII)
