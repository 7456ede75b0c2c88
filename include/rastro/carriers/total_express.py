"""
Total Express: parcels by AWB or order number, fifty a call, and its feed of lots (:mod:`.total_express_lots`).

API docs: https://totalconecta.totalexpress.com.br (Status de Entrega 1.0; given to clients; read 2026-11).
Quirks: the AWB ends in a small ``tx`` and is compared with regard to case, so what we keep in capitals is sent with
small ones. The answer comes in pages, sometimes wrapped once more in ``data``. Of AWBs that it does not know it says
404. Times have no offset and are Brasília's. A parcel that is passed on to Correios has their events beside its own.

Guesses: how the lines of an answer are called is not published, so every spelling that integrations allow for is read;
no complete example of one is known. Whether a 404 is about all parcels of a question or about one of them is not known
either, so such a question is halved until it is about one; what an answer passes over in silence is taken for unknown
where the pages account for all else. How the proof of delivery looks is unknown, and it may be a picture of a
signature: it is not asked for. Dates of Correios' events are read in any common form. A paid claim (10), salvage (22)
and disposal (90) count as lost; returns of goods by the customer (60, 62) are left unknown.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from rastro import typed
from rastro.access import Access, Field
from rastro.carriers import lines
from rastro.carriers.base import Answered, Asking, Asks, Carrier, Feed
from rastro.carriers.total_express_lines import STATUS, awb_of, history, names_of
from rastro.carriers.total_express_lots import ASKED, TotalExpressLots, authorization, records
from rastro.errors import Transient, Unreadable
from rastro.http import Request, Response
from rastro.models import Event, ReferenceKind, Refusal, RefusalReason, Snapshot
from rastro.references import kind_of, parts_of
from rastro.routing import Claims

PATH = "/ics-tracking-encomenda-lv/v1/tracking"
MOST_PAGES = 20  # fifty parcels fill one
UNKNOWN_TO_THEM = b'{"notFound":true}'


class Parcels(msgspec.Struct, rename="camel"):
    data: list[msgspec.Raw]
    last_page: int | None = None
    total: int | None = None


class Page(msgspec.Struct, rename="camel"):
    data: list[msgspec.Raw] | Parcels
    last_page: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Pages cut into parts. ``whole`` is false where they do not account for all that was asked about."""

    parts: Mapping[str, bytes]
    last_page: int
    whole: bool


class TotalExpress(Carrier):
    code = "total_express"
    name = "Total Express"
    docs = "https://totalconecta.totalexpress.com.br"
    confidence = "C"
    unsure = (
        "The lines of an answer are read in every spelling that integrations allow for, since none is published in "
        "full; the feed of lots is known from a complete body."
    )
    base_url = ASKED
    fields = (
        Field(name="login", label="User", help="Of the API; for the feed, that of the EDI service."),
        Field(name="password", label="Password", secret=True),
        Field(
            name="feed",
            label="Feed of lots",
            help="true: fetch what is new from the EDI service, at most every five minutes, and ask about no parcel.",
            required=False,
        ),
        Field(
            name="feed_day",
            label="Day to fetch again",
            help="As 2026-11-30: lots of that day that were lost on their way. Clear it afterwards.",
            required=False,
        ),
        Field(
            name="scheme",
            label="Word before the credentials",
            help="Basic, if left empty; some accounts need Basic Auth.",
            required=False,
        ),
    )
    credentials = (
        "Ask Total Express's integration team for a user of the API Status de Entrega, or for one of the EDI service "
        "ObterTracking, and have this machine's address allow-listed."
    )
    references = (ReferenceKind.TRACKING_NUMBER, ReferenceKind.ORDER)
    absent = "TXAA000000TX"
    asks = Asks.BATCH
    batch_size = 50
    requests_per_second = 1.0  # no limit is published
    answers = frozenset({404})
    statuses = STATUS
    claims = Claims(
        names=(r"\btotal[ -]?express\b", r"\btex\b"),
        strong=(r"TX[A-Z0-9]{2,}[0-9]{6,}TX",),
        hosts=(r"(^|\.)totalexpress\.com\.br$",),
    )
    feed: ClassVar[Feed | None] = TotalExpressLots()

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        return question(references, access, page=1)

    def ask(self, references: Sequence[str], access: Access) -> Asking:
        """Page by page; a 404 about several is asked about in halves, so that one of them does not hide the others."""
        response = yield question(references, access, page=1)
        if response.status == 404 and len(references) > 1:
            half = len(references) // 2
            first = yield from self.ask(references[:half], access)
            try:
                second = yield from self.ask(references[half:], access)
            except Transient as error:
                return Answered(parts=first.parts, trouble=first.trouble or error)
            return Answered(parts={**first.parts, **second.parts}, trouble=first.trouble or second.trouble)
        if response.status == 404:
            return Answered(parts=dict(self.split(response, references)))
        bodies = [response.body]
        answer = cut(bodies, references)
        while response.status != 404 and len(bodies) < min(answer.last_page, MOST_PAGES):
            # One that fails ends it all: a parcel may go on there, and half of its lines are not its history.
            response = yield question(references, access, page=len(bodies) + 1)
            if response.status != 404:
                bodies.append(response.body)
                answer = cut(bodies, references)
        missing = [reference for reference in references if reference not in answer.parts]
        if answer.whole or not missing:
            return Answered(parts={**answer.parts, **dict.fromkeys(missing, UNKNOWN_TO_THEM)})
        short = Unreadable("total_express: the pages do not account for all parcels", raw=bodies[-1])
        return Answered(parts=answer.parts, trouble=short)

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        if response.status != 404:
            return iter(cut([response.body], asked).parts.items())
        if response.body.strip():
            lines.decoded(response.body, dict[str, Any], self.code)  # a gateway's page is no answer
        if len(asked) > 1:
            raise Unreadable("total_express: a 404 about several parcels", raw=response.body)
        return iter([(asked[0] if asked else "", UNKNOWN_TO_THEM)])

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        """A part of an answer is an array, one of the feed has ``lots``; records are the same in both."""
        said: Any = lines.decoded(raw, object, self.code)
        if fed := isinstance(said, dict):
            if said.get("notFound") is True:
                return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND)
            said = said.get("lots")
        parcels = records(said)
        try:
            events = lines.of_several([lines.history(told) for told in by_awb(parcels).values()])
        except lines.UNREADABLE as error:
            raise Unreadable(
                f"total_express: a parcel makes no sense: {error}", raw=raw, reference=reference
            ) from error
        if events:
            return Snapshot(reference=reference, events=events, whole=not fed)
        if fed or not parcels:
            raise Unreadable("total_express: a part that says nothing", raw=raw, reference=reference)
        return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, message="a parcel without a line")


def by_awb(parcels: Iterable[Mapping[str, Any]]) -> Mapping[str, Sequence[Event]]:
    """
    The lines of each parcel: an order may be several, and one may be in several records.

    :raises ValueError: one of them makes no sense.
    """
    told: dict[str, list[Event]] = {}
    for parcel in parcels:
        told.setdefault(awb_of(parcel), []).extend(history(parcel))
    return told


def question(references: Sequence[str], access: Access, *, page: int) -> Request:
    awbs = [sent(one) for one in references if kind_of(one) is ReferenceKind.TRACKING_NUMBER]
    orders = [parts_of(one)[0] for one in references if kind_of(one) is ReferenceKind.ORDER]
    asked = {name: numbers for name, numbers in (("awbs", awbs), ("pedidos", orders)) if numbers}
    return Request(
        method="POST",
        path=PATH,
        params=(("page", str(page)),),
        headers={"Authorization": authorization(access.account)},
        json={**asked, "comprovanteEntrega": False},
        accept=TotalExpress.answers,
    )


def sent(number: str) -> str:
    """An AWB as Total Express writes it."""
    return f"{number[:-2]}tx" if number.endswith("TX") else number


def cut(bodies: Iterable[bytes], asked: Sequence[str]) -> Cut:
    """
    The pages of one answer, parcel by parcel: a part is an array of all that they hold about one.

    :raises Unreadable: one of them is no page.
    """
    parts: dict[str, list[bytes]] = {}
    found, total, last_page, named = 0, 0, 1, True
    for body in bodies:
        answer = lines.decoded(body, Page, TotalExpress.code)
        page = answer.data if isinstance(answer.data, Parcels) else answer
        parcels = [bytes(raw) for raw in page.data]  # type: ignore[union-attr]  # Parcels hold no Parcels
        found, total, last_page = found + len(parcels), max(total, page.total or 0), max(last_page, page.last_page or 1)
        for raw in parcels:
            names = names_in(raw) or (tuple(asked) if len(parcels) == len(asked) == 1 else ())
            named = named and bool(names)
            for name in [name for name in names if name in asked] if asked else names[:1]:
                parts.setdefault(name, []).append(raw)
    return Cut(
        parts={name: b"[" + b",".join(raws) + b"]" for name, raws in parts.items()},
        last_page=last_page,
        whole=named and found >= total,
    )


def names_in(raw: bytes) -> tuple[str, ...]:
    try:
        return names_of(typed.decode(raw, dict[str, Any]))
    except lines.UNREADABLE:
        return ()
