"""
17TRACK: an aggregator of carriers from all over the world, by tracking number, each registered once.

API docs: https://api.17track.net/en/doc?version=v2.4 (v2.4; read 2026-11).
Quirks: a call asks about up to 40 numbers and is answered number by number, some accepted and some rejected, inside a
200. A number must be registered before it is read: that takes one unit of the quota, reading is free, and data come
minutes later. Counts of days and the time of 17TRACK's own last look change by themselves and are left out.
``time_iso`` and ``time_utc`` are null where it does not know a line's zone. Delivered_Other is all there is for a
delivery, so one on the way back, or to a sender by its words, is a return. Expired says that 17TRACK heard nothing for
long, and nothing of the parcel. What it pushes is signed with the API key itself, by a plain SHA-256 and no HMAC.

Guesses: a time without a zone is Brasília's; a promise that ends at midnight holds to the end of that day; what follows
a delivery is a remark while 17TRACK calls the parcel delivered.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec

from rastro import typed
from rastro.access import Access, Account, Field
from rastro.carriers import lines
from rastro.carriers.aggregators import ALL_FAILURES, one_each
from rastro.carriers.base import Answered, Asking, Asks, Carrier, Part, Pushed
from rastro.carriers.track17_lines import NOT_REGISTERED, STATUSES, Fault, Item, Named, cut, fault_of, meaning
from rastro.errors import (
    CredentialsRefused,
    Permanent,
    RastroError,
    RateLimited,
    Rejected,
    Transient,
    Unreadable,
    error_for,
)
from rastro.http import Request, Response
from rastro.models import Refusal, Snapshot
from rastro.numbers import is_s10
from rastro.redaction import excerpt
from rastro.routing import Claims

CORREIOS = 2151  # 17TRACK's own number of the carrier
UPDATED, STOPPED = "TRACKING_UPDATED", "TRACKING_STOPPED"

DAILY_LIMIT, QUOTA_USED_UP = -18019907, -18019908
# What a code means that is about the call as a whole or the contract, and what to do next; others are rejections.
FAILURES: Mapping[int, tuple[type[RastroError], str]] = {
    -18010001: (CredentialsRefused, "it does not let this machine's IP in: add it to the list of its settings page"),
    -18010002: (CredentialsRefused, "it refuses the API key: check the connection's password"),
    -18010003: (Transient, "it is in trouble, try again later"),
    -18010004: (CredentialsRefused, "the account is disabled: ask 17TRACK why"),
    -18010005: (CredentialsRefused, "the API key may not do this: check what the account is allowed"),
    DAILY_LIMIT: (RateLimited, "no more numbers can be registered today, the rest is left for later"),
    QUOTA_USED_UP: (Permanent, "the quota for registering numbers is used up: buy more at 17TRACK"),
}


class Data(msgspec.Struct):
    """What stands under ``data``: of an answer about numbers, of an error, of the quota."""

    accepted: list[msgspec.Raw] | None = None
    rejected: list[msgspec.Raw] | None = None
    errors: list[Fault] | None = None
    quota_total: int | None = None
    quota_remain: int | None = None


class Answer(msgspec.Struct):
    code: int | None = None
    event: str | None = None  # of a push
    data: msgspec.Raw = msgspec.Raw(b"null")


class Webhook:
    """What 17TRACK pushes: all about one number each time something changes."""

    answer = b""
    scheme = "the API key: a digest of body and key"
    query = ""
    verified_by = (("password",),)

    def is_genuine(self, pushed: Pushed, account: Account) -> bool:
        """The header ``sign`` is the SHA-256 of the body, a slash and the API key, in hexadecimal digits."""
        expected = hashlib.sha256(pushed.body + b"/" + account.password.encode()).hexdigest()
        given = pushed.headers.get("sign", "").strip().lower()
        return bool(account.password) and hmac.compare_digest(given.encode(), expected.encode())

    def parts(self, body: bytes) -> Iterator[Part]:
        answer = lines.decoded(body, Answer, Track17.code)
        if answer.event not in {UPDATED, STOPPED}:
            raise no_tracking_answer(answer, body)
        item = cut(bytes(answer.data))
        if not item.number:
            raise Unreadable("track17: a push that names no number", raw=body)
        return iter([Part(references=(item.number,), raw=item.raw)] if item.has_events else ())


class Track17(Carrier):
    code = "track17"
    name = "17TRACK"
    docs = "https://api.17track.net/en/doc?version=v2.4"
    confidence = "B"
    unsure = (
        "Where 17TRACK does not know the zone of a time, Brasília's is assumed, and a delivery on the way back is held "
        "to be the sender's."
    )
    base_url = "https://api.17track.net/track/v2.4"
    fields = (
        Field(
            name="password",
            label="API key",
            help="The access key of the 17TRACK API. Its webhook is signed with the same key.",
            secret=True,
        ),
    )
    credentials = "Create an account at https://api.17track.net and copy the access key of its settings page."
    asks = Asks.REGISTER
    batch_size = 40
    requests_per_second = 3.0
    statuses = STATUSES
    claims = Claims(names=(r"\b17 ?track\b",), hosts=(r"(^|\.)17track\.net$",), fallback=True)
    push: ClassVar[Webhook] = Webhook()

    def page_about(self, number: str) -> str:
        return f"https://t.17track.net/en#nums={quote(number, safe='')}"

    def ask(self, references: Sequence[str], access: Access) -> Asking:
        """
        Read what is known and register the rest, which is answered as registered until there are data.

        What keeps numbers from being registered is trouble of theirs alone: the others are answered.
        """
        response = yield self.request_for(references, access)
        parts = dict(self.split(response, references))
        unknown = [one for one in references if one in parts and fault_of(parts[one]) == NOT_REGISTERED]
        if not unknown:
            return Answered(parts=parts)
        known = {one: raw for one, raw in parts.items() if one not in unknown}
        try:
            response = yield self.registration_of(unknown, access)
            taken = dict(self.split(accepted(response), unknown))
        except RastroError as trouble:
            return Answered(parts=known, trouble=trouble)
        limits = {fault_of(raw) for raw in taken.values()} & {DAILY_LIMIT, QUOTA_USED_UP}
        known |= {one: raw for one, raw in taken.items() if fault_of(raw) not in limits}
        if not limits:
            return Answered(parts=known)
        try:
            told = (yield self._call("getquota", [], access, accept=ALL_FAILURES)).body
        except RastroError:
            told = b""  # it only says how much is left
        return Answered(parts=known, trouble=failure(min(limits), quota_in(told)))

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        """No carrier is named here: a number is found whichever it was registered with."""
        return self._call("gettrackinfo", [{"number": number} for number in references], access)

    def registration_of(self, references: Sequence[str], access: Access) -> Request:
        """Registering twice does no harm. Correios is named by its numbers; the other carriers 17TRACK recognises."""
        entries = [
            {"number": number, **({"carrier": CORREIOS} if is_s10(number) and number.endswith("BR") else {})}
            for number in references
        ]
        return self._call("register", entries, access, accept=ALL_FAILURES)

    @staticmethod
    def _call(
        name: str, entries: list[dict[str, Any]], access: Access, accept: frozenset[int] = frozenset()
    ) -> Request:
        headers = {"17token": access.account.password}
        return Request(method="POST", path=f"/{name}", headers=headers, json=entries, accept=accept)

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        return iter(one_each(map(cut, items_in(response.body)), asked).items())

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        return meaning(self.code, raw, reference)


def items_in(body: bytes) -> list[bytes]:
    """
    The items of an answer, accepted and rejected ones, and the one that is no longer followed.

    :raises Unreadable: it is no answer about numbers.
    :raises RastroError: the call is refused as a whole.
    """
    answer = lines.decoded(body, Answer, Track17.code)
    if answer.event == STOPPED:
        named = lines.decoded(bytes(answer.data), Named, Track17.code)
        return [msgspec.json.encode(Item(number=named.number, event=STOPPED))]
    data = data_in(answer)
    fault = data.errors[0] if data.errors else Fault(code=answer.code or 0)
    if answer.code or fault.code:
        raise failure(answer.code or fault.code, excerpt(msgspec.json.encode(fault)))
    if answer.code is None or (data.accepted is None and data.rejected is None):
        raise no_tracking_answer(answer, body)
    return [bytes(item) for item in (*(data.accepted or ()), *(data.rejected or ()))]


def data_in(answer: Answer) -> Data:
    """The data of an answer; none where they are of another shape, as those of some errors are."""
    try:
        return typed.decode(answer.data, Data, strict=False)
    except lines.UNREADABLE:
        return Data()


def no_tracking_answer(answer: Answer, body: bytes) -> Unreadable:
    """Says what a body is instead, where that can be told."""
    if answer.event:
        return Unreadable(f"track17: a push of 17TRACK ({answer.event}), not an answer", raw=body)
    if left := quota_in(body):
        return Unreadable(f"track17: 17TRACK's quota ({left}), not a tracking answer", raw=body)
    return Unreadable("track17: neither an answer about numbers nor a push", raw=body)


def quota_in(body: bytes) -> str:
    """How much of the quota is left, in words; empty where the answer does not say."""
    try:
        data = data_in(lines.decoded(body, Answer, Track17.code))
    except Unreadable:
        return ""
    left, total = data.quota_remain, data.quota_total
    return "" if left is None or total is None else f"{left:,} of {total:,} left"


def accepted(response: Response) -> Response:
    """
    :raises RastroError: the HTTP status says no.
    """
    if response.status >= 400:
        raise error_for(response.status, "track17: POST /register", answer=excerpt(response.body))
    return response


def failure(code: int, said: str) -> RastroError:
    kind, next_step = FAILURES.get(code, (Rejected, "it refuses the request as it is"))
    return kind(f"track17: {next_step} ({', '.join(filter(None, (str(code), said)))})")
