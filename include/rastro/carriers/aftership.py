"""
AfterShip: an aggregator of carriers from all over the world, by tracking number, each registered once.

API docs: https://www.aftership.com/docs/tracking/quickstart/api-quick-start (2025-01; read 2026-11).
Quirks: the version is part of the path. Up to 50 numbers are read in one call, which passes over those that it does not
know; these are registered one by one, and each takes one shipment of the plan. Checkpoints stand in no promised order,
and their times may lack an offset. A parcel on its way back may bear any tag, Delivered too: the flag
``return_to_sender`` is what tells, and without it no delivery is believed. Expired says that AfterShip heard nothing
for long, and nothing of the parcel. ``signed_by`` is a name, of which only the initials are kept.

Guesses: a time without an offset is Brasília's; a bare day of a promise holds to its end; 402 or 403 for a registration
mean that the plan holds no more shipments, since no document says how AfterShip refuses these; what follows a delivery
is a remark while the tag of the parcel is Delivered.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar
from urllib.parse import quote

import msgspec

from rastro import typed
from rastro.access import Access, Account, Field
from rastro.carriers import lines
from rastro.carriers.aftership_lines import ABSENT, REFUSALS, STATUSES, Fault, cut, just_registered, meaning, refused
from rastro.carriers.aggregators import ALL_FAILURES, one_each
from rastro.carriers.base import Answered, Asking, Asks, Carrier, Part, Pushed
from rastro.errors import Permanent, RastroError, Rejected, Unreadable, error_for
from rastro.http import Request, Response, retry_after
from rastro.models import Refusal, Snapshot
from rastro.redaction import excerpt
from rastro.routing import Claims

EXISTS = 4003
PLAN_IS_FULL = frozenset({402, 403})
UNKNOWN = Fault(code=ABSENT, message="AfterShip does not know it: it is not registered.")


class Found(msgspec.Struct):
    trackings: list[msgspec.Raw] | None = None
    tracking_number: str | int | None = None  # of the one that was just registered


class Answer(msgspec.Struct):
    meta: Fault
    data: msgspec.Raw = msgspec.Raw(b"null")


class Message(msgspec.Struct):
    event: str
    msg: msgspec.Raw


class Webhook:
    """What AfterShip pushes: all about one parcel each time it has a new status."""

    answer = b""
    scheme = "`push_secret`, the webhook's secret: an HMAC of the body"
    query = ""
    verified_by = (("push_secret",),)

    def is_genuine(self, pushed: Pushed, account: Account) -> bool:
        """The header ``aftership-hmac-sha256`` is the HMAC-SHA256 of the body with the webhook's secret, in base64."""
        secret = account.value("push_secret")
        expected = base64.b64encode(hmac.digest(secret.encode(), pushed.body, hashlib.sha256))
        given = pushed.headers.get("aftership-hmac-sha256", "").strip()
        return bool(secret) and hmac.compare_digest(given.encode(), expected)

    def parts(self, body: bytes) -> Iterator[Part]:
        message = lines.decoded(body, Message, AfterShip.code)
        if message.event != "tracking_update":
            return iter(())  # an estimate was revised, a parcel is silent for long: the next look tells
        item = cut(bytes(message.msg))
        if not item.number:
            raise Unreadable("aftership: a push that names no number", raw=body)
        return iter([Part(references=(item.number,), raw=item.raw)] if item.has_events else ())


class AfterShip(Carrier):
    code = "aftership"
    name = "AfterShip"
    docs = "https://www.aftership.com/docs/tracking/quickstart/api-quick-start"
    confidence = "A"
    unsure = (
        "A time without an offset is taken for Brasília's, and how AfterShip refuses a shipment beyond its plan is not "
        "documented."
    )
    base_url = "https://api.aftership.com/tracking/2025-01"
    fields = (
        Field(name="password", label="API key", help="Of the kind that needs no signature.", secret=True),
        Field(
            name="push_secret",
            label="Webhook secret",
            help="Shown where the webhook is set up. Without it nothing that is pushed is believed.",
            secret=True,
            required=False,
        ),
    )
    credentials = "Create an API key at https://admin.aftership.com and switch on the carriers it should recognise."
    asks = Asks.REGISTER
    batch_size = 50
    requests_per_second = 5.0  # six reads a second are allowed, and twenty registrations
    answers = frozenset({404})
    statuses = STATUSES
    claims = Claims(names=(r"\bafter ?ship\b",), hosts=(r"(^|\.)aftership\.com$",), fallback=True)
    push: ClassVar[Webhook] = Webhook()

    def page_about(self, number: str) -> str:
        return f"https://www.aftership.com/track/{quote(number, safe='')}"

    def ask(self, references: Sequence[str], access: Access) -> Asking:
        """
        Read what is known and register the rest, each answered as registered until there are data.

        What keeps numbers from being registered is trouble of theirs alone: the others are answered.
        """
        response = yield self.request_for(references, access)
        parts = dict(self.split(response, references))
        unknown = [one for one, raw in parts.items() if raw == refused(one, UNKNOWN)]
        known = {one: raw for one, raw in parts.items() if one not in unknown}
        for reference in unknown:
            try:
                response = yield self.registration_of(reference, access)
                known[reference] = registration(response, reference)
            except RastroError as trouble:
                return Answered(parts=known, trouble=trouble)  # the rest would fare no better
        return Answered(parts=known)

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        return Request(
            method="GET",
            path="/trackings",
            params=(("tracking_numbers", ",".join(references)),),
            headers={"as-api-key": access.account.password},
            accept=self.answers,
        )

    @staticmethod
    def registration_of(reference: str, access: Access) -> Request:
        """Registering twice does no harm. No carrier is named: AfterShip recognises it among those switched on."""
        return Request(
            method="POST",
            path="/trackings",
            headers={"as-api-key": access.account.password},
            json={"tracking_number": reference},
            accept=ALL_FAILURES,
        )

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        """What was asked about and is not in the answer is unknown to AfterShip."""
        found = one_each(map(cut, items_in(response)), asked)
        return iter([*found.items(), *((one, refused(one, UNKNOWN)) for one in asked if one not in found)])

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        return meaning(self.code, raw, reference)


def items_in(response: Response) -> list[bytes]:
    """
    The trackings in an answer.

    :raises Unreadable: it is no answer about trackings.
    :raises RastroError: the call is refused.
    """
    answer = lines.decoded(response.body, Answer, AfterShip.code)
    if answer.meta.code == ABSENT:
        return []
    if not answer.meta.code:
        raise Unreadable("aftership: an answer without a code makes no sense", raw=response.body)
    if response.status >= 300 or not 200 <= answer.meta.code < 300:
        raise failure(response, answer.meta)
    try:
        found = typed.decode(answer.data, Found)
    except lines.UNREADABLE as error:
        raise Unreadable(f"aftership: the answer makes no sense ({error})", raw=response.body) from error
    if found.trackings is not None:
        return [bytes(item) for item in found.trackings]
    if found.tracking_number is None:
        raise Unreadable("aftership: an answer about no tracking makes no sense", raw=response.body)
    return [bytes(answer.data)]


def registration(response: Response, reference: str) -> bytes:
    """
    What stands for an answer about a number that was just registered, or that AfterShip will not follow.

    :raises RastroError: it could not be registered, which says nothing of the number.
    """
    if response.status < 300:
        return next((one.raw for one in map(cut, items_in(response)) if one.has_events), just_registered(reference))
    try:
        meta = lines.decoded(response.body, Answer, AfterShip.code).meta
    except Unreadable:
        meta = Fault()
    if meta.code == EXISTS:
        return just_registered(reference)
    if meta.code in REFUSALS and meta.code != ABSENT:
        return refused(reference, meta)
    raise failure(response, meta)


def failure(response: Response, meta: Fault) -> RastroError:
    """What an answer says no with, and how many calls are left where its headers tell."""
    status = response.status if response.status >= 300 else meta.code
    said = ", ".join(
        filter(None, (str(meta.code or ""), excerpt(msgspec.json.encode(meta)), calls_left(response.headers)))
    )
    if response.status in PLAN_IS_FULL:
        return Permanent(f"aftership: it takes no more shipments ({status}, {said}): check the plan and the API key")
    if 400 <= status < 600:
        return error_for(status, "aftership: /trackings", answer=said, retry_after=retry_after(response.headers))
    return Rejected(f"aftership: the request is refused as it is ({said})")


def calls_left(headers: Mapping[str, str]) -> str:
    """How many calls are left, in words; empty where the headers of an answer do not say."""
    plain = {name.lower(): value for name, value in headers.items()}
    left, limit = plain.get("x-ratelimit-remaining"), plain.get("x-ratelimit-limit")
    return f"{left} of {limit} calls left" if left and limit else ""
