"""
J&T Express in Brazil: parcels by number, thirty a call, and its push.

API docs: https://openapi.jtjms-br.com (open platform, logistics trace; read 2026-11).
Quirks: a call is a form with one field, ``bizContent``, whose exact text is signed together with the private key by
MD5. Refusals come in a 200 with a ``code`` other than 1. What the scans of a history mean is told in
:mod:`.jt_express_scans`. A push is such a form, too, signed with the same key; it holds the newest scans of one parcel
or of several, and is to be answered with ``{"code":"1","msg":"success","data":"SUCCESS"}``.

Guesses: a number that an answer passes over, or has no scans of, is unknown to J&T. Codes of refusals are those that
the platform has in other countries; one that is not among them is kept for a person to see.
"""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Iterator, Sequence
from typing import ClassVar
from urllib.parse import parse_qs, urlencode

import msgspec

from rastro import typed
from rastro.access import Access, Account, Field
from rastro.carriers import lines
from rastro.carriers.base import Asks, Carrier, Part, Push, Pushed
from rastro.carriers.jt_express_scans import STATUSES, Scan, history, proof
from rastro.errors import CredentialsRefused, RastroError, RateLimited, Rejected, Transient, Unreadable
from rastro.http import Request, Response
from rastro.models import Refusal, RefusalReason, Snapshot
from rastro.numbers import normalise
from rastro.redaction import redact
from rastro.routing import Claims, folded

PATH = "/api/logistics/trace"
MOST_FIELDS = 20  # of a form that anybody can send us
GOOD = "1"
DENIED = {"145003010", "145003012", "145003030", "145003051", "145003052", "145003053", "145003071"}
IN_TROUBLE = {"0", "145003040", "145005000"}
MALFORMED = {"145003050"}
NOT_FOUND = {"999001030", "145003064"}


class Parcel(msgspec.Struct, rename="camel"):
    """``pushed`` is ours: it marks what came without being asked for."""

    bill_code: str | int
    details: list[Scan] | None = None
    pushed: bool = False


class Named(msgspec.Struct, rename="camel"):
    bill_code: str | int | None = None


class PushedParcel(msgspec.Struct):
    details: msgspec.Raw = msgspec.Raw(b"")


class Answer(msgspec.Struct):
    code: str | int
    data: list[msgspec.Raw] | None = None
    msg: str | None = None


class JtExpressPush:
    """Signed as questions are, so it needs no secret of its own."""

    answer = b'{"code":"1","msg":"success","data":"SUCCESS"}'
    scheme = "the private key: a digest of the content"
    query = ""
    verified_by = (("password",),)

    def is_genuine(self, pushed: Pushed, account: Account) -> bool:
        if not account.password:
            return False
        expected = digest_of(content_of(pushed.body), account.password)
        return hmac.compare_digest(pushed.headers.get("digest", "").encode(), expected.encode())

    def parts(self, body: bytes) -> Iterator[Part]:
        content = content_of(body).encode().strip()
        parcels = lines.decoded(content, list[msgspec.Raw], JtExpress.code) if content.startswith(b"[") else [content]
        found = []
        for raw in map(bytes, parcels):
            parcel = lines.decoded(raw, PushedParcel, JtExpress.code)
            number = name_in(raw)
            if not number:
                raise Unreadable("jt_express: a push that names no parcel", raw=body)
            scans = bytes(parcel.details) or b"[" + raw + b"]"  # a single scan comes without a list around it
            if scans not in {b"[]", b"null"}:
                told = b'{"billCode":%s,"details":%s,"pushed":true}' % (msgspec.json.encode(number), scans)
                found.append(Part(references=(number,), raw=told))
        return iter(found)


class JtExpress(Carrier):
    code = "jt_express"
    name = "J&T Express"
    docs = "https://openapi.jtjms-br.com"
    confidence = "B"
    unsure = (
        "Whose a signature is, the recipient's or the sender's after a return, is told by what came before it where no "
        "code says it; some codes are those of other countries."
    )
    base_url = "https://openapi.jtjms-br.com/webopenplatformapi"
    fields = (
        Field(
            name="login",
            label="API account",
            help="The number of the application on the open platform.",
            example="000000000000000001",
        ),
        Field(name="password", label="Private key", help="Signs our questions and J&T's pushes.", secret=True),
    )
    credentials = (
        "Register an application on J&T's open platform for Brazil; its console shows the API account and private key."
    )
    absent = "888000000000000"
    asks = Asks.BATCH
    batch_size = 30
    requests_per_second = 2.0  # no limit is published
    statuses = STATUSES
    claims = Claims(
        names=(
            r"\bj ?(&|&amp;) ?t\b|\bj[ .-]t[ .]{1,2}express",
            r"\bjt\b(?! (transp|log|carg|entreg))",  # such are the initials of others
            r"\bjte\b|^jet$|\bjet (express|standard)\b",
        ),
        strong=(r"(888|999)[0-9]{12}",),
        hosts=(r"(^|\.)jtjms-br\.com$", r"(^|\.)jtexpress\.com\.br$"),
    )
    push: ClassVar[Push | None] = JtExpressPush()

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        content = msgspec.json.encode({"billCodes": ",".join(references)}).decode()
        return Request(
            method="POST",
            path=PATH,
            headers={
                "apiAccount": access.account.login,
                "digest": digest_of(content, access.account.password),
                # The one thing that a clock decides in here, since it must be sent; it is no part of what is signed.
                "timestamp": str(int(time.time() * 1000)),
                "Content-Type": "application/x-www-form-urlencoded",
            },
            body=urlencode({"bizContent": content}).encode(),
        )

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        answer = lines.decoded(response.body, Answer, self.code)
        code, said = str(answer.code), answer.msg or ""
        if code in NOT_FOUND and len(asked) < 2:
            return iter([silence_about(asked[0] if asked else "")])
        if code != GOOD:
            raise denial(code, said, response.body)
        told = [(name_in(bytes(item)), bytes(item)) for item in answer.data or ()]
        if len(told) == len(asked) == 1 and not told[0][0]:
            told = [(asked[0], told[0][1])]
        parts = {name: raw for name, raw in told if name in asked or (name and not asked)}
        if all(name for name, _ in told):  # else one of the silent ones may be the nameless
            parts |= dict(silence_about(number) for number in asked if number not in parts)
        return iter(parts.items())

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        parcel = lines.decoded(raw, Parcel, self.code)
        if not parcel.details:
            return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, message="no scan of it")
        try:
            events = history(parcel.details, pushed=parcel.pushed)
        except lines.UNREADABLE as error:
            raise Unreadable(f"jt_express: a scan makes no sense ({error})", raw=raw, reference=reference) from error
        return Snapshot(
            reference=reference, events=events, proof=proof(parcel.details, events), whole=not parcel.pushed
        )


def digest_of(content: str, private_key: str) -> str:
    """The signature of a call or a push: MD5 over the content and the key, in Base64."""
    return base64.b64encode(hashlib.md5(f"{content}{private_key}".encode(), usedforsecurity=False).digest()).decode()


def content_of(body: bytes) -> str:
    """What a form has as ``bizContent``; empty when it has no such thing, or is no form of a few fields."""
    try:
        return parse_qs(body.decode(), max_num_fields=MOST_FIELDS).get("bizContent", [""])[0]
    except ValueError:
        return ""


def name_in(parcel: bytes) -> str:
    """The number of a parcel, normalised; empty when it names none."""
    try:
        return normalise(str(typed.decode(parcel, Named).bill_code or ""))
    except lines.UNREADABLE:
        return ""


def silence_about(number: str) -> tuple[str, bytes]:
    return number, msgspec.json.encode({"billCode": number, "details": []})


def denial(code: str, said: str, body: bytes) -> RastroError:
    """What an answer with another code than 1 comes to."""
    told = f"jt_express: {code} {redact(said)[:80]}".strip()
    words = folded(said)
    if code in DENIED or re.search(r"signature|digest|api ?account|permission", words):
        return CredentialsRefused(f"{told}: check the connection's API account and private key")
    if re.search(r"too many|too frequent|frequency|rate limit|flow limit", words):
        return RateLimited(f"{told}: the rest is left for later")
    if code in IN_TROUBLE:
        return Transient(f"{told}: the service is in trouble, try again later")
    if code in MALFORMED | NOT_FOUND:
        return Rejected(f"{told}: one of the numbers is not taken")
    return Unreadable(f"{told}: an answer that nobody explains", raw=body)
