"""
DHL: Shipment Tracking Unified, one number a call, for all divisions of the group.

API docs: https://developer.dhl.com/api-reference/shipment-tracking (1.5.8; read 2026-11).
Quirks: five status codes are all there is, and none of them says out for delivery, held or returned, so each is
narrowed by its wording, asked for in English. Events stand newest first; times are local at the event and may lack an
offset. ``description`` of a delivery can be the name of who took it: it is not read there, and what follows "signed
for by" nowhere. A number that DHL does not know is a 404 whose body says so; a wrong key a 401, a spent quota a 429,
and each body repeats its status. One number may stand for several shipments; the one with the newest event is told
about. ``possibleAdditionalShipmentsUrl`` (the same number in another division) would cost a second call and is left.
Proof of delivery is shown only to who may see it. Nothing but a category names an event, so a second one of the same
category, time and place is told from the first by its position.

What the events mean is :mod:`rastro.carriers.dhl_events`.

Guesses: the quota of a new key, 250 calls a day and one in five seconds; the English words of the events.
"""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

import msgspec

from rastro.access import Access, Field
from rastro.carriers import lines
from rastro.carriers.base import Carrier
from rastro.carriers.dhl_events import STATUS, Shipment, history, promise, proof
from rastro.errors import Unreadable, error_for
from rastro.http import Request, Response
from rastro.models import Refusal, RefusalReason, Snapshot
from rastro.numbers import normalise
from rastro.redaction import excerpt
from rastro.routing import Claims


class Named(msgspec.Struct):
    id: str | int = ""


class Fault(msgspec.Struct):
    status: int
    title: str = ""
    detail: str = ""


class Answer(msgspec.Struct):
    shipments: list[msgspec.Raw] | None = None
    status: int | None = None
    title: str = ""
    detail: str = ""
    instance: str = ""


def check_digit_fits(number: str) -> bool | None:
    """Whether the tenth digit of a number of DHL Express is the rest of the nine by 7; None for another form."""
    express = re.fullmatch(r"([0-9]{9})([0-9])", number)
    return int(express[1]) % 7 == int(express[2]) if express else None


class Dhl(Carrier):
    code = "dhl"
    name = "DHL"
    docs = "https://developer.dhl.com/api-reference/shipment-tracking"
    confidence = "A"
    unsure = "The default quota is not verified, and returns, holds and the last way are told by English words alone."
    base_url = "https://api-eu.dhl.com"
    fields = (Field(name="password", label="API key", help="The consumer key of an app at DHL.", secret=True),)
    credentials = (
        "Create an app with Shipment Tracking - Unified at https://developer.dhl.com and ask there for a larger quota."
    )
    absent = "0000000000"
    connections = 1
    requests_per_second = 0.2  # a new key may make 250 calls a day
    answers = frozenset({404})
    statuses = STATUS
    claims = Claims(
        names=(r"\bdhl\b",),
        strong=(r"J[A-Z]{2,3}[0-9]{9,10}",),
        weak=(r"[0-9]{10}",),
        check=check_digit_fits,
        hosts=(r"(^|\.)dhl\.(com|de|com\.br)$", r"\.dhl$"),  # mydhl.express.dhl
    )

    def page_about(self, number: str) -> str:
        return f"https://www.dhl.com/br-en/home/tracking.html?tracking-id={quote(number, safe='')}"

    def doubt_about(self, reference: str) -> str:
        mistyped = check_digit_fits(reference) is False
        return "its check digit is wrong for DHL Express: a digit was mistyped" if mistyped else ""

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        return Request(
            method="GET",
            path="/track/shipments",
            params=(("trackingNumber", references[0]), ("language", "en")),
            headers={"DHL-API-Key": access.account.password},
            accept=self.answers,
        )

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        answer = lines.decoded(response.body, Answer, self.code)
        about = asked[0] if asked else ""
        if answer.shipments is not None:
            named = (lines.decoded(bytes(one), Named, self.code).id for one in answer.shipments)
            number = about or normalise(str(next(named, "")))
            return iter([(number, b"[" + b",".join(bytes(one) for one in answer.shipments) + b"]")])
        if (answer.status or response.status) == 404 and answer.title:
            about = about or normalise(answer.instance.rpartition("/")[2])  # "/shipment/1234567890"
            return iter([(about, msgspec.json.encode(Fault(status=404, title=answer.title, detail=answer.detail)))])
        if answer.status and answer.status >= 400 and answer.status != 404:
            raise error_for(answer.status, self.code, answer=excerpt(response.body) or answer.title[:120])
        raise Unreadable("dhl: the answer holds no shipments and says of none that it is unknown", raw=response.body)

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        told = lines.decoded(raw, list[Shipment] | Fault, self.code)  # type: ignore[arg-type]  # msgspec takes unions
        if isinstance(told, Fault):
            said = told.detail or told.title
            return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, code=str(told.status), message=said)
        if not told:
            return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, message="no shipment")
        try:
            read = [(one, history(one)) for one in told]
            if not all(events for _, events in read):
                raise Unreadable("dhl: a shipment without an event", raw=raw, reference=reference)
            shipment, events = max(read, key=lambda pair: pair[1][-1].occurred_at)
            estimated_at = promise(shipment)
        except lines.UNREADABLE as error:
            raise Unreadable(f"dhl: an event makes no sense ({error})", raw=raw, reference=reference) from error
        return Snapshot(reference=reference, events=events, estimated_at=estimated_at, proof=proof(shipment, events))
