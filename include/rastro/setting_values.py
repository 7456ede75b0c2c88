"""
How the texts of settings are read: each reader makes a value of one, or raises ValueError with what is wrong about it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from email_validator import EmailNotValidError, validate_email

from rastro.claims import DAYS as CLAIM_DAYS
from rastro.models import Channel, Route
from rastro.routing import folded

T = TypeVar("T")
LOCAL = ZoneInfo("America/Sao_Paulo")
SHORTEST_KEY = 24  # letters and digits: far more than anybody can try out
EVERY_ACCOUNT = ""  # the key in a table by account that stands for all that are not named


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """
    One connection and the adapter that uses it, written ``adapter:connection`` or ``adapter:connection:relation``.

    ``key`` ("vtex:shop_main") names the account everywhere: in the warehouse, in routes, in messages. ``accounts`` are
    those whose parcels a carrier is asked about through it.
    """

    adapter: str
    connection: str
    relation: str = ""
    accounts: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.adapter}:{self.connection}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRoute:
    """What the shop decided for one marketplace's orders: who confirms, and through which connection."""

    route: Route
    marketplace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A part of each day, by the clock of São Paulo; it may reach over midnight. ``end`` is no part of it."""

    start: time
    end: time

    def hold(self, at: datetime) -> datetime | None:
        """When they end, if they hold at this time; None otherwise."""
        local = at.astimezone(LOCAL)
        ends = local.replace(hour=self.end.hour, minute=self.end.minute, second=0, microsecond=0)
        if self.start > self.end and local.time() >= self.start:
            return ends + timedelta(days=1)
        held = local.time() < self.end and (self.start > self.end or local.time() >= self.start)
        return ends if held else None


def text(value: str) -> str:
    return value.strip()


def each(value: str, read: Callable[[str], T]) -> list[T]:
    """
    What the parts between the commas are.

    :raises ValueError: says of every part that is wrong what is.
    """
    found, wrong = [], []
    for part in filter(None, (part.strip() for part in value.split(","))):
        try:
            found.append(read(part))
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        raise ValueError("; ".join(wrong))
    return found


def once_each(keys: Iterable[str]) -> None:
    """
    :raises ValueError: names all that stand twice.
    """
    if twice := [key for key, times in Counter(keys).items() if times > 1]:
        raise ValueError("; ".join(f"{key} stands twice" for key in twice))


def endpoints(value: str) -> tuple[Endpoint, ...]:
    found = each(value, endpoint)
    once_each(one.key for one in found)
    return tuple(found)


def endpoint(part: str) -> Endpoint:
    pieces = part.split(":")
    if len(pieces) not in {2, 3} or not all(pieces):
        raise ValueError(f"{part!r} is not of the form adapter:connection")
    return Endpoint(adapter=pieces[0], connection=pieces[1], relation=pieces[2] if pieces[2:] else "")


def contracts(value: str) -> tuple[Endpoint, ...]:
    """
    ``correios:one, correios:two=vtex:shop_b+vtex:shop_c``: a carrier's first contract serves every account that is not
    given to a further one.
    """
    found = each(value, contract)
    once_each(one.key for one in found)
    once_each(f"{account} for {one.adapter}" for one in found for account in one.accounts)
    firsts = {one.adapter: one for one in reversed(found)}
    if unused := [one.key for one in found if not one.accounts and one is not firsts[one.adapter]]:
        raise ValueError(
            "; ".join(f"{key} is not its carrier's first, so it needs accounts: {key}=account" for key in unused)
        )
    return tuple(found)


def contract(part: str) -> Endpoint:
    written, equals, accounts = (piece.strip() for piece in part.partition("="))
    given = tuple(account.strip() for account in accounts.split("+")) if equals else ()
    if not all(re.fullmatch(r"[^:\s]+:[^:\s]+", one) for one in (written, *given)):
        raise ValueError(f"{part!r} is not of the form adapter:connection or adapter:connection=account+account")
    adapter, _, connection = written.partition(":")
    return Endpoint(adapter=adapter, connection=connection, accounts=given)


def routes(value: str) -> dict[str, OrderRoute]:
    found = each(value, order_route)
    once_each(code for code, _ in found)
    return dict(found)


def order_route(part: str) -> tuple[str, OrderRoute]:
    affiliate, equals, target = part.partition("=")
    route, _, marketplace = target.partition(":")
    code = affiliate.strip().upper()
    written = bool(code and equals) and route in {"connector", "direct", "none"}
    if not written or (route == "direct") != bool(marketplace):
        raise ValueError(f"{part!r} is not AFFILIATE=connector, =none or =direct:adapter:connection")
    return code, OrderRoute(route=Route(route), marketplace=marketplace)


def couriers(value: str) -> dict[str, str]:
    """``Entrega Sul=ssw, Motoboy=none``: the courier's name as the shop writes it, folded where it is looked up."""
    found = each(value, courier)
    written = {folded(name): name for name, _ in found}
    once_each(written[folded(name)] for name, _ in found)
    return dict(found)


def courier(part: str) -> tuple[str, str]:
    name, equals, carrier = (piece.strip() for piece in part.rpartition("="))
    if not (folded(name) and equals and re.fullmatch(r"[a-z][a-z0-9_]*", carrier)):
        raise ValueError(f"{part!r} is not COURIER=carrier or COURIER=none")
    return name, carrier


def names(value: str) -> frozenset[str]:
    return frozenset(filter(None, (part.strip() for part in value.split(","))))


def markets(value: str) -> frozenset[str]:
    """``shopify:loja, MKT``: connections as they are written, affiliate codes in capitals."""
    return frozenset(name if ":" in name else name.upper() for name in names(value))


def flag(value: str) -> bool:
    if value.strip().lower() not in {"true", "false"}:
        raise ValueError(f"{value!r} is neither true nor false")
    return value.strip().lower() == "true"


def moments(value: str) -> dict[str, datetime]:
    """``2026-11-01`` for every account, ``vtex:main=2026-11-01`` for one."""
    found = each(value, moment)
    once_each(account or "the time for every account" for account, _ in found)
    return dict(found)


def moment(part: str) -> tuple[str, datetime]:
    account, _, time = part.rpartition("=")
    at = datetime.fromisoformat(time.strip())
    return account.strip(), at if at.tzinfo else at.replace(tzinfo=UTC)


def limits(value: str) -> dict[Channel, int]:
    found = each(value, limit)
    once_each(channel for channel, _ in found)
    return dict(found)


def limit(part: str) -> tuple[Channel, int]:
    channel, equals, most = (piece.strip() for piece in part.partition("="))
    if channel not in set(Channel) or not equals or not most.isdecimal():
        raise ValueError(f"{part!r} is not CHANNEL=NUMBER; channels are {', '.join(Channel)}")
    return Channel(channel), int(most)


def budgets(value: str) -> dict[str, int]:
    """``correios=20000, correios:two=5000``: calls a day by carrier, or contract; one with 0 has no limit."""
    found = each(value, budget)
    once_each(contract for contract, _ in found)
    return dict(found)


def budget(part: str) -> tuple[str, int]:
    contract, equals, most = (piece.strip() for piece in part.partition("="))
    if not (re.fullmatch(r"[a-z][a-z0-9_]*(:[^:\s]+)?", contract) and equals and re.fullmatch(r"[0-9]{1,9}", most)):
        raise ValueError(f"{part!r} is not CARRIER=NUMBER or CARRIER:CONNECTION=NUMBER")
    return contract, int(most)


def claim_days(value: str) -> dict[str, dict[str, int]]:
    """``jadlog.late=5, jadlog.within=60``: days of claims by carrier."""
    found = each(value, claim_day)
    once_each(f"{carrier}.{what}" for carrier, what, _ in found)
    by_carrier: dict[str, dict[str, int]] = {}
    for carrier, what, days in found:
        by_carrier.setdefault(carrier, {})[what] = days
    return by_carrier


def claim_day(part: str) -> tuple[str, str, int]:
    if (
        not (said := re.fullmatch(r"([a-z][a-z0-9_]*)\.([a-z_]+)\s*=\s*([0-9]{1,3})", part))
        or said[2] not in CLAIM_DAYS
    ):
        raise ValueError(f"{part!r} is not CARRIER.WHAT=DAYS with one of {', '.join(CLAIM_DAYS)}")
    return said[1], said[2], int(said[3])


def key(value: str) -> str:
    """A secret that somebody else shows us; empty: nobody does."""
    written = value.strip()
    if written and (
        len(written) < SHORTEST_KEY or not written.isascii() or not written.isprintable() or " " in written
    ):
        raise ValueError(f"a key is at least {SHORTEST_KEY} letters, digits and signs, without blanks")
    return written


def secure_url(value: str) -> str:
    """An https address without anything that could leave the attribute it stands in; empty: none."""
    url = value.strip()
    if url and not re.fullmatch(r"https://[a-zA-Z0-9.-]+(:\d+)?(/[!#%&()*+,./0-9:;=?@A-Z_a-z~-]*)?", url):
        raise ValueError(f"{url!r} is not an address that begins with https://")
    return url


def web_address(value: str) -> str:
    """``https://rastro.loja.example``, and http on this machine alone; without the slash at its end."""
    url = value.strip().rstrip("/")
    if re.fullmatch(r"http://(localhost|127\.0\.0\.1)(:\d+)?", url):
        return url
    if "?" in url or "#" in url:
        raise ValueError(f"{url!r} has more than a host and a path")
    return secure_url(url)


def origins(value: str) -> frozenset[str]:
    return frozenset(each(value, origin))


def origin(part: str) -> str:
    if not re.fullmatch(r"https://[a-zA-Z0-9.-]+(:\d+)?", part):
        raise ValueError(f"{part!r} is not an origin such as https://www.loja.example")
    return part


def hours(value: str) -> Hours | None:
    """``21:00-08:00``; empty: none."""
    if not value.strip():
        return None
    match = re.fullmatch(r"(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})", value.strip())
    if not match:
        raise ValueError(f"{value!r} is not a part of the day such as 21:00-08:00")
    start, end = (time.fromisoformat(one.zfill(5)) for one in match.groups())
    if start == end:
        raise ValueError(f"{value!r} begins when it ends")
    return Hours(start=start, end=end)


def colour(value: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value.strip()):
        raise ValueError(f"{value!r} is not a colour such as #1f4e79")
    return value.strip().lower()


def addresses(value: str) -> tuple[str, ...]:
    return tuple(each(value, address))


def address(part: str) -> str:
    try:
        validate_email(part, check_deliverability=False)
    except EmailNotValidError as error:
        raise ValueError(f"{part!r} is no address: {error}") from None
    return part


def ways(value: str) -> tuple[Endpoint, ...]:
    """``mail:dados@loja.example, slack:team_slack``: how somebody is told, and where."""
    found = endpoints(value)
    for one in found:
        if one.adapter not in {"mail", "slack", "webhook"} or one.relation:
            raise ValueError(f"{one.key!r} is not mail:address, slack:connection or webhook:connection")
        if one.adapter == "mail":
            addresses(one.connection)
    return found


def span(value: str) -> timedelta:
    """A number and s, m, h or d: ``90s``, ``60m``, ``45d``; 0 alone is allowed."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])|0", value.strip())
    if not match:
        raise ValueError(f"{value!r} is not a span such as 90s, 60m, 12h or 45d")
    if not match[2]:
        return timedelta(0)
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[match[2]]
    return timedelta(**{unit: float(match[1])})


def span_from(shortest: str) -> Callable[[str], timedelta]:
    def read(value: str) -> timedelta:
        if span(value) < span(shortest):
            raise ValueError(f"{value} is too short; {shortest} is the least")
        return span(value)

    return read


def number(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not low <= int(value) <= high:
            raise ValueError(f"{value} is not between {low:,} and {high:,}")
        return int(value)

    return read


def rate(value: str) -> float:
    if not 0 < float(value) <= 1000:
        raise ValueError(f"{value} is not above 0 and at most 1000")
    return float(value)


def one_of(*choices: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value.strip() not in choices:
            raise ValueError(f"{value!r} is none of {', '.join(choices)}")
        return value.strip()

    return read
