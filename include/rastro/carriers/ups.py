"""
UPS: its Tracking API, one number a call, for parcels within and between countries.

API docs: https://developer.ups.com/tag/Tracking (v1; read 2026-11).
Quirks: a number that UPS does not know is a 404 with ``response.errors``, or a 200 whose shipment has the warning
TW0001 in place of packages; TV1002 is a number of no form that it gives out. Activities stand newest first. ``date``
and ``time`` are local, with ``gmtOffset`` beside them; where it is missing, ``gmtDate`` and ``gmtTime`` count.
``status.simplifiedTextDescription`` was seen to say "Delivered" of a parcel in customs and is not read. Signatures and
photographs come inside the answer, so they are not asked for; of ``receivedBy`` the initials are kept.

What the activities mean is :mod:`rastro.carriers.ups_packages`.

Guesses: what tells exceptions apart (a few codes, then English words); that errors 250xxx are refused credentials, of
which one is known, and 10xxx an HTTP status.
"""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

import msgspec

from rastro.access import Access, Field
from rastro.carriers import lines
from rastro.carriers.base import Carrier
from rastro.carriers.ups_packages import TYPES, Meaning, Package, history, promise, proof
from rastro.errors import Misconfigured, Unreadable, error_for
from rastro.http import Request, Response, path_segment
from rastro.models import Refusal, RefusalReason, Snapshot, Status
from rastro.numbers import normalise
from rastro.oauth import OAuth
from rastro.redaction import redact
from rastro.routing import Claims

UNKNOWN_NUMBER, NO_NUMBER = "TW0001", "TV1002"


class Fault(msgspec.Struct):
    code: str | int | None = None
    message: str | None = None


class Shipment(msgspec.Struct):
    package: list[Package] | None = None
    warnings: list[Fault] | None = None


class Faults(msgspec.Struct):
    errors: list[Fault]


class Named(msgspec.Struct, rename="camel"):
    inquiry_number: str | None = None


class Shipments(msgspec.Struct):
    shipment: list[msgspec.Raw]


class Answer(msgspec.Struct, rename="camel"):
    track_response: Shipments | None = None
    response: Faults | None = None


def check_digit_fits(number: str) -> bool:
    """Whether the last of a 1Z number's characters is the check digit of the fifteen before it."""
    if not re.fullmatch(r"1Z[A-Z0-9]{15}[0-9]", number):
        return False
    values = [int(sign) if sign.isdigit() else (ord(sign) - 63) % 10 for sign in number[2:17]]
    return (sum(values[::2]) + 2 * sum(values[1::2]) + int(number[17])) % 10 == 0


class Ups(Carrier):
    code = "ups"
    name = "UPS"
    docs = "https://developer.ups.com/tag/Tracking"
    confidence = "A"
    unsure = "What tells returns and attempts apart among exceptions is read from one integration and from wording."
    base_url = "https://onlinetools.ups.com"
    fields = (
        Field(name="login", label="Client id", help="Of an application at developer.ups.com that has Tracking."),
        Field(name="password", label="Client secret", help="Of the same application.", secret=True),
    )
    credentials = (
        "Create an application with the product Tracking at https://developer.ups.com; "
        "UPS' test environment is the host https://wwwcie.ups.com."
    )
    connections = 2
    absent = "1Z0000000000000000"
    requests_per_second = 4.0  # no limit is published
    answers = frozenset({400, 404})
    statuses = TYPES
    login = OAuth(code="ups", path="/security/v1/oauth/token", basic=True)
    claims = Claims(
        names=(r"\bups\b",),
        strong=(r"1Z[A-Z0-9]{16}",),
        check=check_digit_fits,
        hosts=(r"(^|\.)ups\.com$",),
    )

    def page_about(self, number: str) -> str:
        return f"https://www.ups.com/track?tracknum={quote(number, safe='')}"

    def doubt_about(self, reference: str) -> str:
        if not 7 <= len(reference) <= 34:
            return "UPS takes numbers of 7 to 34 characters"
        mistyped = reference.startswith("1Z") and not check_digit_fits(reference)
        return "its check digit is wrong: a letter or digit was mistyped" if mistyped else ""

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        if access.token is None:
            raise Misconfigured("ups: no token was obtained; check the connection's login and password")
        return Request(
            method="GET",
            path=f"/api/track/v1/details/{path_segment(references[0])}",
            params=(
                ("locale", "en_US"),  # the words are read
                ("returnSignature", "false"),
                ("returnMilestones", "false"),
                ("returnPOD", "false"),
            ),
            headers={
                "Authorization": f"Bearer {access.token.value}",
                # It serves to find a call in UPS' logs; made of what is asked, so that a request stays a pure function.
                "transId": lines.digest(references[0], access.token.value),
                "transactionSrc": "rastro",
            },
            accept=self.answers,
        )

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        answer = lines.decoded(response.body, Answer, self.code)
        about = asked[0] if asked else ""
        if answer.response and answer.response.errors:
            return iter([(about, told_of(answer.response.errors[0], response))])
        if answer.track_response is None:
            raise Unreadable("ups: the answer holds neither shipments nor errors", raw=response.body)
        shipments = answer.track_response.shipment
        named = (lines.decoded(bytes(one), Named, self.code).inquiry_number for one in shipments)
        number = about or normalise(next(filter(None, named), ""))
        return iter([(number, b"[" + b",".join(bytes(one) for one in shipments) + b"]")])

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        told = lines.decoded(raw, list[Shipment] | Faults, self.code)  # type: ignore[arg-type]  # msgspec takes unions
        if isinstance(told, Faults):
            return refusal(reference, told.errors[0] if told.errors else Fault())
        unknown = [unknown_in(shipment, reference, raw) for shipment in told if not shipment.package]
        packages = [package_in(shipment.package, reference, raw) for shipment in told if shipment.package]
        if not packages and not unknown:
            raise Unreadable("ups: the answer has no shipment", raw=raw, reference=reference)
        if not packages:
            return refusal(reference, unknown[0])
        try:
            read = [(one, history(one.activity or [])) for one in packages]
            if not all(events for _, events in read):
                return without_activity(reference, packages, raw)
            package, events = max(read, key=lambda pair: pair[1][-1].occurred_at)
        except lines.UNREADABLE as error:
            raise Unreadable(f"ups: an activity makes no sense ({error})", raw=raw, reference=reference) from error
        zone = events[-1].occurred_at.tzinfo
        return Snapshot(
            reference=reference, events=events, estimated_at=promise(package, zone), proof=proof(package, events)
        )


def told_of(fault: Fault, response: Response) -> bytes:
    """
    An error as a part, where it is about the number.

    :raises RastroError: it is about us, or UPS is in trouble.
    """
    code = str(fault.code or "")
    said = redact(f"{code} {fault.message or ''}".strip())[:120]
    if re.fullmatch(r"250\d{3}", code):
        raise error_for(401, "ups", answer=said)
    if response.status == 404 or code in {UNKNOWN_NUMBER, NO_NUMBER}:
        return msgspec.json.encode(Faults(errors=[fault]))
    if match := re.fullmatch(r"10([45]\d\d)", code):
        raise error_for(int(match[1]), "ups", answer=said)
    if response.status == 400:
        raise error_for(400, "ups", answer=said)
    raise Unreadable(f"ups: an error of its own ({said})", raw=response.body)


def refusal(reference: str, fault: Fault) -> Refusal:
    code = str(fault.code or "")
    reason = RefusalReason.MALFORMED if code == NO_NUMBER else RefusalReason.NOT_FOUND
    return Refusal(reference=reference, reason=reason, code=code, message=(fault.message or "").strip())


def unknown_in(shipment: Shipment, reference: str, raw: bytes) -> Fault:
    """The warning that stands in place of packages; another may hide the newest parcel of a number used again."""
    warnings = [one for one in shipment.warnings or [] if one.code == UNKNOWN_NUMBER]
    if not warnings:
        raise Unreadable("ups: a shipment with neither a package nor TW0001", raw=raw, reference=reference)
    return warnings[0]


def package_in(packages: Sequence[Package], reference: str, raw: bytes) -> Package:
    """The package asked about: its shipment may have more, and a package by itself go by another number."""
    if len(packages) == 1:
        return packages[0]
    for package in packages:
        if normalise(package.tracking_number or "") == reference:
            return package
    raise Unreadable("ups: several packages, and none of that number", raw=raw, reference=reference)


def without_activity(reference: str, packages: Sequence[Package], raw: bytes) -> Refusal:
    """A label of which nothing is told yet is as good as unknown; a status without its history is nothing to trust."""
    heads = [one.current_status or Meaning() for one in packages if not one.activity]
    if heads and all(TYPES.get(head.type or "M") is Status.INFO_RECEIVED for head in heads):
        said = heads[0]
        return Refusal(
            reference=reference, reason=RefusalReason.NOT_FOUND, code=said.type or "", message=said.description or ""
        )
    raise Unreadable("ups: a package without an activity", raw=raw, reference=reference)
