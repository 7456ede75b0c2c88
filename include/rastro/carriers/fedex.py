"""
FedEx: its Track API, by tracking number, for parcels within and between countries.

API docs: https://developer.fedex.com/api/en-us/catalog/track/v1/docs.html (Track API v1; read 2026-11).
Quirks: a number that FedEx does not know comes inside a 200, as the ``error`` of its result. Numbers are used again;
then one number has several results, and the one with the newest scan is told about. Scans stand newest first, local
with an offset that is missing at times, so keys are made of the clock at the place. Midnight stands for a day without
an hour. A result can hold an ``error`` beside scans; the scans are believed. ``receivedByName`` is kept as initials;
how often delivery was tried is told by the DE scans, so ``deliveryAttempts`` is not read.

RS and RT say that a parcel is to go back, not that it is back: only a DL after one of them is a return that is over.
DY and DD are delays on the way. AO is a forecast ("on time") and moves nothing.

What the scans mean is :mod:`rastro.carriers.fedex_results`.

Guesses: that DL after RS or RT is the sender's; which words in an error's code stand for refused credentials, too many
calls and an outage.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import cycle
from urllib.parse import quote

import msgspec

from rastro.access import Access, Field
from rastro.carriers import lines, worldwide
from rastro.carriers.base import Asks, Carrier
from rastro.carriers.fedex_results import DERIVED, STATUS, Fault, Head, Result, history, pickup, promise, proof
from rastro.errors import Misconfigured, RastroError, Unreadable, error_for
from rastro.http import Request, Response
from rastro.models import Refusal, RefusalReason, Snapshot, Status
from rastro.numbers import normalise
from rastro.oauth import OAuth
from rastro.redaction import redact
from rastro.routing import Claims

# What an error's code says to do next, as the HTTP status that would say the same.
REFUSALS: Sequence[tuple[str, int]] = (
    ("AUTHORIZED", 401),
    ("AUTHENTICAT", 401),
    ("FORBIDDEN", 403),
    ("TOO.MANY", 429),
    ("RATE.LIMIT", 429),
    ("QUOTA", 429),
    ("UNAVAILABLE", 503),
    ("INTERNAL", 500),
)


def check_digit_fits(number: str) -> bool | None:
    """
    Whether the last digit of a number is the check digit of those before it; None for another form.

    Express: weights 1, 3, 7 from the right over 11 or, of 34, the last 13 digits, modulus 11 and then 10. Ground: GS1's
    over 14 digits, of a 22 that begins with 96 the last ones. SmartPost: GS1's, "92" put before 20 digits.
    """
    if re.fullmatch(r"[0-9]{12}|[0-9]{34}", number):
        digits = reversed(number[-14:-1])
        total = sum(int(digit) * weight for digit, weight in zip(digits, cycle((1, 3, 7)), strict=False))
        return total % 11 % 10 == int(number[-1])
    if re.fullmatch(r"[0-9]{15}|96[0-9]{20}", number):
        return worldwide.gs1_check_digit_fits(number[-15:])
    if re.fullmatch(r"[0-9]{20}|[0-9]{22}", number):
        return worldwide.gs1_check_digit_fits(f"92{number}" if len(number) == 20 else number)
    return None


class Parcel(msgspec.Struct, rename="camel"):
    track_results: list[Result]


class Named(msgspec.Struct, rename="camel"):
    tracking_number: str | None = None


class Output(msgspec.Struct, rename="camel"):
    complete_track_results: list[msgspec.Raw] | None = None
    document_type: str | None = None


class Answer(msgspec.Struct):
    output: Output | None = None
    errors: list[Fault] | None = None


class Fedex(Carrier):
    code = "fedex"
    name = "FedEx"
    docs = "https://developer.fedex.com/api/en-us/catalog/track/v1/docs.html"
    confidence = "A"
    unsure = "No code says that a parcel is back with its sender; a delivery after a return scan is taken for that."
    base_url = "https://apis.fedex.com"
    fields = (
        Field(name="login", label="API key", help="Of a project at developer.fedex.com that has the Track API."),
        Field(name="password", label="Secret key", help="Of the same project.", secret=True),
    )
    credentials = (
        "Create a project with the Track API at https://developer.fedex.com and move it to production; "
        "its test keys work at the host https://apis-sandbox.fedex.com."
    )
    absent = "000000000000"
    asks = Asks.BATCH
    batch_size = 30
    connections = 4
    requests_per_second = 10.0  # a project may make 1,400 in ten seconds; an organisation's day is limited, too
    statuses = STATUS
    login = OAuth(code="fedex", path="/oauth/token")
    claims = Claims(
        names=(r"\bfed[ -]?ex\b|\bfederal express\b",),
        # 20 and 22 digits that begin with 91 to 95 are USPS'.
        weak=(r"[0-9]{12}|[0-9]{15}|[0-9]{34}", r"(?!9[1-5])([0-9]{20}|[0-9]{22})"),
        check=check_digit_fits,
        hosts=(r"(^|\.)fedex\.com$",),
    )

    def page_about(self, number: str) -> str:
        return f"https://www.fedex.com/fedextrack/?trknbr={quote(number, safe='')}"

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        if access.token is None:
            raise Misconfigured("fedex: no token was obtained; check the connection's login and password")
        asked = [{"trackingNumberInfo": {"trackingNumber": number}} for number in references]
        return Request(
            method="POST",
            path="/track/v1/trackingnumbers",
            headers={"Authorization": f"Bearer {access.token.value}", "x-locale": "pt_BR"},
            json={"includeDetailedScans": True, "trackingInfo": asked},
        )

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        answer = lines.decoded(response.body, Answer, self.code)
        output = answer.output or Output()
        if output.complete_track_results is None:
            if answer.errors:
                raise refused(answer.errors[0], response.body)
            what = f"a document, {output.document_type}" if output.document_type else "JSON of another shape"
            raise Unreadable(f"fedex: the answer lists no parcels, it is {what}", raw=response.body)
        items = [bytes(item) for item in output.complete_track_results]
        alone = asked[0] if len(asked) == len(items) == 1 else ""
        return ((normalise(lines.decoded(item, Named, self.code).tracking_number or alone), item) for item in items)

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        results = lines.decoded(raw, Parcel, self.code).track_results
        try:
            told = [(one, history(one.scan_events)) for one in results if one.scan_events]
            result, events = max(told, key=lambda pair: pair[1][-1].occurred_at, default=(Result(), ()))
            estimated_at = promise(result)
        except lines.UNREADABLE as error:
            raise Unreadable(f"fedex: a scan makes no sense ({error})", raw=raw, reference=reference) from error
        # A result that says nothing at all may be the newest life of a number whose older ones still have scans.
        silent = [one for one in results if not one.scan_events and not one.error]
        if silent or not events:
            return refusal(reference, silent or results, raw)
        return Snapshot(
            reference=reference,
            events=events,
            estimated_at=estimated_at,
            pickup=pickup(result, events),
            proof=proof(result, events),
        )


def refused(fault: Fault, body: bytes) -> RastroError:
    """The error that an answer to the whole question stands for."""
    code, said = fault.code or "", redact(f"{fault.code or ''} {fault.message or ''}".strip())[:120]
    status = next((status for word, status in REFUSALS if word in code.upper()), 0)
    return error_for(status, "fedex", answer=said) if status else Unreadable(f"fedex: {said or 'an error'}", raw=body)


def refusal(reference: str, results: Sequence[Result], raw: bytes) -> Refusal:
    """What is said in place of scans. An error that does not say that the number is unknown is a person's to see."""
    fault = next((one.error for one in results if one.error), Fault())
    code, said = fault.code or "", (fault.message or "").strip()
    if "NOTFOUND" in code:
        return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, code=code, message=said)
    if code.startswith("TRACKING.TRACKINGNUMBER."):
        return Refusal(reference=reference, reason=RefusalReason.MALFORMED, code=code, message=said)
    head = next((one.latest_status_detail for one in results if one.latest_status_detail), Head())
    if not code and DERIVED.get(head.code or "") is Status.INFO_RECEIVED:
        return Refusal(
            reference=reference, reason=RefusalReason.NOT_FOUND, code=head.code or "", message=head.description or ""
        )
    what = f"with an error of its own ({code})" if code else "with neither a scan nor an error"
    raise Unreadable(f"fedex: a result {what}", raw=raw, reference=reference)
