"""
An order's tracking page for whoever has the link: as HTML, and as JSON for the shop's own pages.

Nothing personal is on it, for nothing personal is known here: no name, and of the address the city alone. What carriers
write in their own words is not shown either. Reading it changes nothing, since mail programs open links by themselves.
"""

import base64
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import groupby, takewhile
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from psycopg import Connection
from starlette.requests import Request
from starlette.responses import Response

from rastro.colours import ink_on
from rastro.languages import Language, day, language_accepted, language_for, moment
from rastro.models import Status
from rastro.tracking_links import is_token
from rastro.warehouse import tracking_links
from rastro.warehouse.tracking_links import Order, Parcel, Step
from rastro.web.calls import too_many
from rastro.web.limits import Limits, Visitors
from rastro.web.pool import Pool
from rastro.web.words import NAMES, WORDS, Words
from rastro.wording import https, plain

LOCAL = ZoneInfo("America/Sao_Paulo")
STALE = timedelta(hours=30)  # sleeping parcels are asked about once a day
TEMPLATES = Environment(
    loader=PackageLoader("rastro.web", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """
    What a shop's pages look like and may say: settings of the same names, and what is known of carriers by their codes.
    """

    shop_name: str
    shop_logo: str
    shop_colour: str
    help_url: str
    mail_language: Language
    tracking_link_for: timedelta
    tracking_origins: frozenset[str]
    carrier_names: Mapping[str, str] = field(default_factory=dict)
    carrier_pages: Mapping[str, Callable[[str], str]] = field(default_factory=dict)


class StepShown(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    when: str
    status: str
    headline: str
    place: str


class ParcelShown(msgspec.Struct, frozen=True, kw_only=True):
    """One parcel in one language; ``facts`` and ``collect`` are labels with their values."""

    name: str
    number: str
    status: str
    headline: str
    next: str
    facts: Sequence[tuple[str, str]]
    collect: Sequence[tuple[str, str]]
    link: str
    steps: Sequence[StepShown]
    asked: str
    stale: bool


class OrderShown(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON form, and what the page is made of."""

    number: str
    shop: str
    language: str
    title: str
    parcels: Sequence[ParcelShown]


@dataclass(frozen=True, kw_only=True)
class TrackingPage:
    """``GET /r/TOKEN`` and ``GET /r/TOKEN.json``."""

    shown: Shown
    pool: Pool
    limits: Limits
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @cached_property
    def visitors(self) -> Visitors:
        return Visitors(self.limits)

    @cached_property
    def style(self) -> str:
        """The style sheet in the shop's colour. The policy names its digest, so no other style counts."""
        text = TEMPLATES.get_template("tracking.css").render()
        return text.replace("SHOP_COLOUR", self.shown.shop_colour).replace("SHOP_INK", ink_on(self.shown.shop_colour))

    @cached_property
    def policy(self) -> str:
        digest = base64.b64encode(hashlib.sha256(self.style.encode()).digest()).decode()
        logo = urlsplit(self.shown.shop_logo)
        images = f"; img-src {logo.scheme}://{logo.netloc}" if logo.netloc else ""
        return (
            f"default-src 'none'; style-src 'sha256-{digest}'{images}; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )

    async def html(self, request: Request) -> Response:
        """
        :raises HTTPException: too many ask.
        :raises Transient: the warehouse is away; that is no answer about the order.
        """
        order = await self._order(request)
        language = language_of(request, order, self.shown.mail_language)
        words = WORDS[language]
        told = told_of(order, language, self.shown, self.now()) if order else None
        text = TEMPLATES.get_template("tracking.html").render(
            order=told,
            title=told.title if told else words["gone"],
            words=words,
            language=language,
            names=NAMES,
            shop=self.shown.shop_name,
            logo=https(self.shown.shop_logo),
            help_url=https(self.shown.help_url),
            style=Markup(self.style),  # noqa: S704 -- our own file and a checked colour; the policy has its digest
        )
        headers = {
            "Content-Security-Policy": self.policy,
            "Cache-Control": "private, no-store",
            "X-Robots-Tag": "noindex, nofollow, noarchive",
            "Content-Language": language.tag,
            "Vary": "Accept-Language",
        }
        return Response(text, 200 if told else 404, headers, media_type="text/html")

    async def json(self, request: Request) -> Response:
        """
        :raises HTTPException: too many ask.
        :raises Transient: the warehouse is away.
        """
        order = await self._order(request)
        headers = {"Cache-Control": "private, no-store", "X-Robots-Tag": "noindex", "Vary": "Accept-Language, Origin"}
        if (origin := request.headers.get("origin", "")) in self.shown.tracking_origins:
            headers["Access-Control-Allow-Origin"] = origin
        if order is None:
            return Response(b'{"error":"not_found"}', 404, headers, media_type="application/json")
        told = told_of(order, language_of(request, order, self.shown.mail_language), self.shown, self.now())
        return Response(msgspec.json.encode(told), 200, headers, media_type="application/json")

    async def _order(self, request: Request) -> Order | None:
        request.state.address = "/r/"
        visitor = request.client.host if request.client else ""
        if seconds := self.visitors.wait(visitor, self.clock()):
            raise too_many(seconds)
        token = request.path_params["token"]
        if not is_token(token):
            return None
        now = self.now()

        def look(conn: Connection[Any]) -> Order | None:
            return tracking_links.follow(conn, token, now, self.shown.tracking_link_for)

        return await self.pool.run(look)


def language_of(request: Request, order: Order | None, otherwise: Language) -> Language:
    """What the reader chose, else the order's own language, else the browser's, else the shop's."""
    chosen = request.query_params.get("l", "")
    if chosen in set(Language):
        return Language(chosen)
    accepted = language_accepted(request.headers.get("accept-language", ""), otherwise)
    return language_for(order.locale if order else "", accepted)


def told_of(order: Order, language: Language, shown: Shown, now: datetime) -> OrderShown:
    """The order in one language."""
    words = WORDS[language]
    total = len(order.parcels)
    parcels = [told_of_parcel(one, words, language, shown, now) for one in order.parcels]
    if total > 1:
        parcels = [
            msgspec.structs.replace(one, name=words["parcel"].format(position=place, total=total))
            for place, one in enumerate(parcels, start=1)
        ]
    arrived = sum(one.status is Status.DELIVERED for one in order.parcels)
    title = parcels[0].headline
    if total > 1:
        several = "all_arrived" if arrived == total else "some_arrived" if arrived else "under_way"
        title = str(words[several]).format(count=arrived, total=total)  # type: ignore[literal-required]
    return OrderShown(
        number=plain(order.order_id), shop=shown.shop_name, language=language.tag, title=title, parcels=parcels
    )


def told_of_parcel(parcel: Parcel, words: Words, language: Language, shown: Shown, now: datetime) -> ParcelShown:
    page = shown.carrier_pages.get(parcel.carrier or "")
    carriers_own = page(parcel.tracking_number) if page and parcel.tracking_number else ""
    return ParcelShown(
        name="",
        number=plain(parcel.tracking_number),
        status=parcel.status,
        headline=words["headlines"][parcel.status],
        next=words["reasons"][parcel.reason] if parcel.reason else words["next_steps"][parcel.status],
        facts=list(facts_of(parcel, words, language, shown)),
        collect=list(collecting(parcel, words, language)),
        link=https(carriers_own),
        steps=list(steps_of(parcel.steps, words, language)),
        asked=moment(parcel.asked_at.astimezone(LOCAL), language) if parcel.asked_at else "",
        stale=not parcel.status.is_final and parcel.asked_at is not None and now - parcel.asked_at > STALE,
    )


def facts_of(parcel: Parcel, words: Words, language: Language, shown: Shown) -> Iterator[tuple[str, str]]:
    """What is known of a parcel, a label and a value each; of dates that are past or moot none."""
    pending = not parcel.status.is_final
    told = {
        "delivered": parcel.delivered_at and moment(parcel.delivered_at.astimezone(LOCAL), language),
        "since": parcel.status is not Status.DELIVERED and (since := since_when(parcel)) and moment(since, language),
        "expected": pending and parcel.estimated_at and day(parcel.estimated_at.astimezone(LOCAL).date(), language),
        "promised": pending and parcel.promised_at and day(parcel.promised_at.astimezone(LOCAL).date(), language),
        "destination": place_of(parcel.city_to, parcel.state_to),
        "carrier": plain(shown.carrier_names.get(parcel.carrier or "", parcel.courier)),
        "number": plain(parcel.tracking_number),
    }
    return ((str(words[label]), value) for label, value in told.items() if value)  # type: ignore[literal-required]


def since_when(parcel: Parcel) -> datetime | None:
    """When it came to be where it is: the first of the steps that have said so ever since."""
    lately = [step.at for step in takewhile(lambda step: step.status is parcel.status, parcel.steps)]
    at = lately[-1] if lately else parcel.status_at
    return at.astimezone(LOCAL) if at else None


def collecting(parcel: Parcel, words: Words, language: Language) -> Iterator[tuple[str, str]]:
    """Where it waits, and until which day where the carrier says so: none is ever worked out here."""
    if parcel.status is Status.READY_FOR_PICKUP and (pickup := parcel.pickup):
        told = {
            "place": plain(pickup.place),
            "address": plain(pickup.address),
            "until": day(pickup.deadline, language) if pickup.deadline else "",
        }
        yield from ((str(words[label]), value) for label, value in told.items() if value)  # type: ignore[literal-required]


def steps_of(steps: Sequence[Step], words: Words, language: Language) -> Iterator[StepShown]:
    """Newest first; of several in a row that say the same of the same place the first that happened."""
    for _, alike in groupby(steps, key=lambda step: (step.status, step.city, step.state)):
        *_, first = alike
        at = first.at.astimezone(LOCAL)
        yield StepShown(
            at=at,
            when=moment(at, language),
            status=first.status,
            headline=words["headlines"][first.status],
            place=place_of(first.city, first.state),
        )


def place_of(city: str, state: str) -> str:
    return "/".join(filter(None, (plain(city), plain(state))))
