"""
USPS: its Tracking API, one number a call, for parcels within and from the United States.

API docs: https://developers.usps.com/trackingv3 (v3; read 2026-11).
Quirks: events stand newest first. ``eventTimestamp`` is local and cut to the minute, and the documents print a Z behind
it that does not belong there, so ``GMTTimestamp`` is preferred. ``statusCategory`` is about the newest event alone. An
error is an object with ``error.code``, one of the login the text that OAuth prescribes. ``name`` is kept as initials.

What the events mean is :mod:`rastro.carriers.usps_events`.

Guesses: no list of ``eventCode`` is published, so the English wording decides and only three codes stand in for it; a
number that is not known is the 404 that the others answer with; the quota of a new key, sixty calls an hour. "Returned"
is the beginning of the way back; it is over with a delivery to the sender.
"""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

import msgspec

from rastro.access import Access, Field
from rastro.carriers import lines, worldwide
from rastro.carriers.base import Carrier
from rastro.carriers.usps_events import CODES, WORDS, Line, history, proof
from rastro.errors import Misconfigured, Unreadable, error_for
from rastro.http import Request, Response, path_segment
from rastro.models import Refusal, RefusalReason, Snapshot, Status
from rastro.numbers import normalise
from rastro.oauth import OAuth
from rastro.redaction import redact
from rastro.routing import Claims

LOGIN_REFUSED = r"invalid_|unauthori|access_denied|insufficient_scope"


class Cause(msgspec.Struct):
    status: str | int | None = None
    detail: str | None = None


class Fault(msgspec.Struct):
    code: str | int | None = None
    message: str | None = None
    errors: list[Cause] | None = None


class Parcel(msgspec.Struct, rename="camel"):
    error: Fault | None = None
    status: str | None = None
    status_category: str | None = None
    expected_delivery_time_stamp: str | None = None
    tracking_events: list[Line] | None = None


class Answer(msgspec.Struct, rename="camel"):
    tracking_number: str | None = None
    tracking_events: msgspec.Raw = msgspec.Raw()
    error: Fault | str | None = None
    error_description: str | None = msgspec.field(name="error_description", default=None)


class Usps(Carrier):
    code = "usps"
    name = "USPS"
    docs = "https://developers.usps.com/trackingv3"
    confidence = "B"
    unsure = "No list of event codes is published: English wording decides; the default quota is not verified."
    base_url = "https://apis.usps.com"
    fields = (
        Field(name="login", label="Consumer key", help="Of an app at developers.usps.com that has Tracking."),
        Field(name="password", label="Consumer secret", help="Of the same app.", secret=True),
    )
    credentials = (
        "Create an app at https://developers.usps.com and ask there for a larger quota; "
        "USPS' test environment is the host https://apis-tem.usps.com."
    )
    connections = 1
    absent = "9400000000000000000009"
    requests_per_second = 1 / 60  # a new app may make sixty calls an hour
    answers = frozenset({404})
    statuses = CODES
    login = OAuth(code="usps", path="/oauth2/v3/token", body="json")
    claims = Claims(
        names=(r"\busps\b",),
        weak=(r"9[1-5][0-9]{18}([0-9]{2})?",),
        check=worldwide.gs1_check_digit_fits,
        hosts=(r"(^|\.)usps\.com$",),
    )

    def page_about(self, number: str) -> str:
        return f"https://tools.usps.com/go/TrackConfirmAction?tLabels={quote(number, safe='')}"

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        if access.token is None:
            raise Misconfigured("usps: no token was obtained; check the connection's login and password")
        return Request(
            method="GET",
            path=f"/tracking/v3/tracking/{path_segment(references[0])}",
            params=(("expand", "DETAIL"),),
            headers={"Authorization": f"Bearer {access.token.value}"},
            accept=self.answers,
        )

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        answer = lines.decoded(response.body, Answer, self.code)
        about = asked[0] if asked else normalise(answer.tracking_number or "")
        if isinstance(answer.error, str):
            said = redact(f"{answer.error} {answer.error_description or ''}".strip())[:120]
            if re.match(LOGIN_REFUSED, answer.error):
                raise error_for(401, self.code, answer=said)
            raise Unreadable(f"usps: an error of its own ({said})", raw=response.body)
        if answer.error:
            return iter([(about, told_of(answer.error, response))])
        if not bytes(answer.tracking_events).startswith(b"["):
            raise Unreadable("usps: the answer holds neither events nor an error", raw=response.body)
        return iter([(about, response.body)])

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        parcel = lines.decoded(raw, Parcel, self.code)
        if parcel.error:
            code, said = str(parcel.error.code or ""), (parcel.error.message or "").strip()
            return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, code=code, message=said)
        told = parcel.tracking_events or []
        try:
            events = history(told, parcel.status_category or "")
        except lines.UNREADABLE as error:
            raise Unreadable(f"usps: an event makes no sense ({error})", raw=raw, reference=reference) from error
        if not events:
            return without_events(reference, parcel, raw)
        return Snapshot(
            reference=reference,
            events=events,
            estimated_at=lines.end_of_day(
                lines.moment_or_none(parcel.expected_delivery_time_stamp, worldwide.zone_of("US"))
            ),
            proof=proof(told, events),
        )


def told_of(fault: Fault, response: Response) -> bytes:
    """
    An error as a part, where it is about the number.

    :raises RastroError: it is about us, or USPS is in trouble.
    """
    causes = fault.errors or []
    said = redact(f"{fault.code or ''} {fault.message or ''}".strip())[:120]
    numbers = (str(one) for one in (fault.code, *(cause.status for cause in causes)))
    status = next((int(one) for one in numbers if re.fullmatch(r"[45]\d\d", one)), response.status)
    if status == 404:
        message = fault.message or next((one.detail for one in causes if one.detail), None)
        return msgspec.json.encode({"error": {"code": str(fault.code or 404), "message": message}})
    if status >= 400:
        raise error_for(status, "usps", answer=said)
    raise Unreadable(f"usps: an error of its own ({said})", raw=response.body)


def without_events(reference: str, parcel: Parcel, raw: bytes) -> Refusal:
    """A label of which nothing is told yet is as good as unknown; a status without its history is nothing to trust."""
    head = lines.by_words(parcel.status_category or parcel.status or "", WORDS)
    if head in {Status.UNKNOWN, Status.INFO_RECEIVED}:
        said = (parcel.status or "").strip()
        return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, message=said)
    raise Unreadable("usps: a status without its events", raw=raw, reference=reference)
