"""
Rodonaves (RTE): by the invoice's number and the CNPJ of who sends it.

API docs: https://tracking-apigateway.rte.com.br (v1; given to clients with their access; read 2026-11).
Quirks: the token is obtained with ``auth_type=DEV`` beside the password grant. An invoice's number is written with nine
digits, and asked about in its plain form first. The estimate is told as days from the emission, whose line has the
code 0. Times are Brasília's where they have no offset; a state sometimes stands behind the city.

Guesses: codes are not published, so all but 0 are read by their words; the days of the estimate are counted as calendar
days; an unknown invoice is a 404 without a body, a message that says "não encontrado", or an answer without a line.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import ClassVar

import msgspec

from rastro.access import Access, Field, Login
from rastro.carriers import freight, lines
from rastro.carriers.base import Answered, Asking, Carrier
from rastro.errors import Misconfigured, Unreadable
from rastro.http import Request, Response
from rastro.models import Event, ReferenceKind, Refusal, RefusalReason, Snapshot, Status
from rastro.oauth import OAuth
from rastro.redaction import redact
from rastro.references import parts_of
from rastro.routing import Claims, folded

EMISSION = "0"
STATUS: Mapping[str, Status] = {EMISSION: Status.IN_TRANSIT}
UNKNOWN_INVOICE = r"nao (foi |foram )?(encontrad|localizad)|\bnenhum|inexistente"
NOTHING = b"null"  # a part of ours: there is no such invoice


class Line(msgspec.Struct, rename="pascal"):
    date: str
    description: str
    event_code: str | int | None = None
    city: str | None = None


class Tracking(msgspec.Struct, rename="pascal"):
    events: msgspec.Raw = msgspec.Raw()
    emission_date: msgspec.Raw = msgspec.Raw(b"null")
    expected_delivery_days: msgspec.Raw = msgspec.Raw(b"null")
    message: str | None = None


class Read(msgspec.Struct, rename="pascal"):
    """A part, as :meth:`Rodonaves.split` writes it."""

    events: list[Line] | None
    emission_date: str | None = None
    expected_delivery_days: float | None = None


class Rodonaves(Carrier):
    code = "rodonaves"
    name = "Rodonaves (RTE)"
    docs = "https://tracking-apigateway.rte.com.br"
    confidence = "B"
    unsure = (
        "The table of codes is not public, so words are read. Whether the estimate counts working days, and how an "
        "unknown invoice is refused, is a guess."
    )
    base_url = "https://tracking-apigateway.rte.com.br"
    fields = (Field(name="login", label="User"), Field(name="password", label="Password", secret=True))
    credentials = "Ask Rodonaves's integration team for a user and password of the API (auth_type DEV)."
    references = (ReferenceKind.INVOICE_NUMBER,)
    requests_per_second = 1.0  # no limit is published
    answers = frozenset({400, 404})  # a refusal in words may come with these
    statuses = STATUS
    login: ClassVar[Login | None] = OAuth(code="rodonaves", path="/token", grant="password", more={"auth_type": "DEV"})
    claims = Claims(names=(r"\brodonaves\b|\brte\b",), hosts=(r"(^|\.)(rodonaves|rte)\.com\.br$",))

    def ask(self, references: Sequence[str], access: Access) -> Asking:
        parts: Mapping[str, bytes] = {}
        cnpj, number = parts_of(references[0])
        for written in spellings(number):
            response = yield request(cnpj, written, access)
            parts = dict(self.split(response, references))
            if NOTHING not in parts.values():
                break
        return Answered(parts=parts)

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        cnpj, number = parts_of(references[0])
        return request(cnpj, spellings(number)[0], access)

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        return iter([(asked[0] if asked else "", part(response))])

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        if raw == NOTHING:
            return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND)
        answer = lines.decoded(raw, Read, self.code)
        try:
            written = answer.events or []
            times = [lines.moment(line.date) for line in written]
            in_order = lines.oldest_first(list(zip(written, times, strict=True)), times)
            events = freight.history(event(line, at) for line, at in in_order)
            estimated_at = estimate(answer, events)
        except lines.UNREADABLE as error:
            raise Unreadable(f"rodonaves: a line makes no sense ({error})", raw=raw, reference=reference) from error
        if not events:
            return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, message="an invoice without lines")
        return Snapshot(reference=reference, events=events, estimated_at=estimated_at)


def spellings(number: str) -> Sequence[str]:
    """An invoice's number in its plain form, and in nine digits where that is another one."""
    plain = number.lstrip("0") or number
    return list(dict.fromkeys((plain, plain.zfill(9)))) if plain.isdecimal() else [number]


def request(cnpj: str, number: str, access: Access) -> Request:
    if access.token is None:
        raise Misconfigured("rodonaves: no token was obtained; check the connection's login and password")
    return Request(
        method="GET",
        path="/api/v1/tracking",
        params=(("TaxIdRegistration", re.sub(r"[^0-9A-Z]", "", cnpj.upper())), ("InvoiceNumber", number)),
        headers={"Authorization": f"Bearer {access.token.value}"},
        accept=Rodonaves.answers,
    )


def part(response: Response) -> bytes:
    """
    What of an answer is read: not who receives the parcel.

    :raises Unreadable: it is neither an invoice's tracking nor says that there is no such invoice.
    """
    if response.status == 404 and not response.body.strip():
        return NOTHING
    answer = lines.decoded(response.body, Tracking, Rodonaves.code)
    if bytes(answer.events) and response.status < 300:
        return msgspec.json.encode(
            {
                "Events": answer.events,
                "EmissionDate": answer.emission_date,
                "ExpectedDeliveryDays": answer.expected_delivery_days,
            }
        )
    if answer.message and re.search(UNKNOWN_INVOICE, folded(answer.message)):
        return NOTHING
    said = redact(answer.message or "no events")[:80]
    raise Unreadable(f"rodonaves: no tracking of an invoice ({said})", raw=response.body)


def event(line: Line, at: datetime) -> Event:
    text = line.description.strip()
    code = str(line.event_code if line.event_code is not None else "").strip() or lines.as_code(text) or "?"
    status, standing = freight.meaning(text, STATUS.get(code, Status.UNKNOWN))
    place = re.fullmatch(r"(.*?)(?:\s*[-/]\s*([A-Za-z]{2}))?", (line.city or "").strip())
    city, state = (place[1], (place[2] or "").upper()) if place else ("", "")
    return Event(
        key=f"{code} {at.isoformat()} {lines.as_code(line.city or '')}",
        occurred_at=at,
        status=status,
        code=code,
        description=text,
        city=city,
        state=state,
        standing=standing,
    )


def estimate(answer: Read, events: Sequence[Event]) -> datetime | None:
    """The end of the last of the promised days, counted from the emission."""
    emitted = next(
        (one.occurred_at for one in events if one.code == EMISSION), lines.moment_or_none(answer.emission_date)
    )
    if emitted is None or answer.expected_delivery_days is None or answer.expected_delivery_days < 0:
        return None
    day = emitted.astimezone(lines.BRASILIA) + timedelta(days=int(answer.expected_delivery_days))
    return lines.end_of_day(datetime.combine(day.date(), time.min, lines.BRASILIA))
