"""
Loggi: packages of one company, asked by tracking code, and its webhook.

API docs: https://docs.api.loggi.com (v1; read 2026-11).
Quirks: ``code`` is a 64-bit number, so it comes as a number or as text. Names are in camel case, in older answers in
snake case, where the history is called ``history``. The history has no order of its own; its times are UTC. Errors are
gRPC's ``{code, message, details}``; of a package it does not know Loggi says 404 with code 5. The webhook's body is one
package with its history, authenticated by the user and password that the shop chose when it registered it; a late
repeat of one must not take newer lines back, so a push is read as what is new. It does not say whether other packages
have the same tracking code, so what ends the way of one is left unknown until Loggi is asked.

Guesses: what a code means is read from two integrations that agree on most of the table; no code is known to say "out
for delivery", so the codes of the way there are refined by their description, and a damage or loss (9) counts as a loss
only where the words say so. Codes that nobody explains (19, 23, 26, 27, 29) stay unknown. Several packages under one
tracking code are read together; what ends their way is the last of them, and they are delivered when all of them are.
"""

import base64
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import quote

import msgspec

from rastro.access import Access, Account, Field
from rastro.carriers import lines
from rastro.carriers.base import Carrier, Part, Push, Pushed
from rastro.errors import Misconfigured, Unreadable
from rastro.http import Request, Response, path_segment
from rastro.models import Event, Refusal, RefusalReason, Snapshot, Status
from rastro.numbers import normalise
from rastro.oauth import OAuth
from rastro.routing import Claims

STATUS: Mapping[str, Status] = {
    "1": Status.INFO_RECEIVED,  # created
    "2": Status.CANCELLED,
    "3": Status.IN_TRANSIT,  # on its way
    "4": Status.IN_TRANSIT,
    "5": Status.DELIVERED,
    "6": Status.DELIVERY_FAILED,  # refused by the recipient
    "7": Status.RETURNING,  # the return has begun
    "8": Status.RETURNED,
    "9": Status.ON_HOLD,  # lost or damaged
    "10": Status.DELIVERY_FAILED,
    "11": Status.IN_TRANSIT,  # on its way
    "12": Status.DELIVERY_FAILED,
    "13": Status.IN_TRANSIT,  # checked
    "14": Status.IN_TRANSIT,
    "15": Status.IN_TRANSIT,  # weighed
    "16": Status.IN_TRANSIT,  # left a base
    "17": Status.IN_TRANSIT,  # arrived at a base
    "18": Status.DELIVERY_FAILED,  # recipient absent
    "20": Status.DELIVERY_FAILED,
    "21": Status.DELIVERY_FAILED,  # wrong address
    "22": Status.ON_HOLD,  # waits for the sender
    "24": Status.IN_TRANSIT,
    "25": Status.IN_TRANSIT,
    "28": Status.INFO_RECEIVED,
    "30": Status.IN_TRANSIT,
}
REFINED: Mapping[Status, lines.Words] = {
    Status.IN_TRANSIT: ((r"(?<!nao )saiu para (a )?entrega|\brota de entrega", Status.OUT_FOR_DELIVERY),),
    Status.ON_HOLD: ((r"extravi|perdid|\broub|\bfurt", Status.LOST),),
    Status.DELIVERED: (
        (r"\bremetente|devol", Status.RETURNED),
        (r"nao (foi )?entregue", Status.DELIVERY_FAILED),
    ),
}
NOT_FOUND = 5  # gRPC


class Line(msgspec.Struct, rename="camel"):
    code: int | str | None = None
    description: str | None = None
    updated_time: str | None = None


class Place(msgspec.Struct):
    city: str | None = None
    state: str | None = None


class Step(msgspec.Struct):
    status: Line
    location: Place | None = None


class Package(msgspec.Struct, rename="camel"):
    tracking_code: str | None = None
    status: Line | None = None
    promised_date: str | None = None
    tracking_history: list[Step] | None = None
    history: list[Step] | None = None


class Answer(msgspec.Struct):
    """Packages, or an error. ``whole`` is ours: it marks what was pushed."""

    packages: list[Package] | None = None
    code: int | None = None
    message: str = ""
    whole: bool = True


class LoggiPush:
    """The webhook, one package a call."""

    answer = b""
    scheme = "`push_user` and `push_password`, which you choose: Basic authentication"
    query = ""
    verified_by = (("push_user", "push_password"),)

    def is_genuine(self, pushed: Pushed, account: Account) -> bool:
        user, password = account.extra.get("push_user", ""), account.extra.get("push_password", "")
        if not user or not password:
            return False
        expected = b"Basic " + base64.b64encode(f"{user}:{password}".encode())
        return hmac.compare_digest(pushed.headers.get("authorization", "").encode(), expected)

    def parts(self, body: bytes) -> Iterator[Part]:
        package = lines.decoded(camelled(body), Package, Loggi.code)
        if not package.tracking_code:
            raise Unreadable("loggi: a push that names no package", raw=body)
        # Wrapped as the answer to a question is, so that there is one thing to read.
        raw = b'{"whole":false,"packages":[' + body.removeprefix(b"\xef\xbb\xbf") + b"]}"
        return iter([Part(references=(normalise(package.tracking_code),), raw=raw)])


class Loggi(Carrier):
    code = "loggi"
    name = "Loggi"
    docs = "https://docs.api.loggi.com"
    confidence = "B"
    unsure = (
        "The meaning of the status codes is read from integrations, some codes stay unexplained, and that a package is "
        "out for delivery is told by the description alone."
    )
    base_url = "https://api.loggi.com"
    fields = (
        Field(name="login", label="Client id"),
        Field(name="password", label="Client secret", secret=True),
        Field(
            name="company_id",
            label="Company id",
            help="The number of the company whose packages these are.",
            example="1234",
        ),
        Field(name="push_user", label="Webhook user", help="As registered with Loggi for the webhook.", required=False),
        Field(
            name="push_password",
            label="Webhook password",
            help="Likewise; without it no push is believed.",
            secret=True,
            required=False,
        ),
    )
    credentials = "Ask Loggi's integration team for a client id and secret, and for the number of your company."
    requests_per_second = 2.0  # no limit is published; the docs prefer the webhook to polling
    answers = frozenset({404})
    statuses = STATUS
    login = OAuth(code="loggi", path="/v2/oauth2/token", body="json")
    claims = Claims(names=(r"\bloggi\b",), hosts=(r"(^|\.)loggi\.com$",))
    push: ClassVar[Push | None] = LoggiPush()

    def page_about(self, number: str) -> str:
        return f"https://www.loggi.com/rastreador/{quote(number, safe='')}"

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        if access.token is None:
            raise Misconfigured("loggi: no token was obtained; check the connection's login and password")
        company = path_segment(access.account.extra.get("company_id", ""))
        return Request(
            method="GET",
            path=f"/v1/companies/{company}/packages/{path_segment(references[0])}/tracking",
            headers={"Authorization": f"Bearer {access.token.value}"},
            accept=self.answers,
        )

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        answer = lines.decoded(camelled(response.body), Answer, self.code)
        if answer.packages is None:
            if answer.code != NOT_FOUND:
                raise Unreadable("loggi: an answer with neither packages nor a reason", raw=response.body)
            # The details of an error may differ from one time to the next.
            said = msgspec.json.encode({"code": answer.code, "message": answer.message})
            return iter([(asked[0] if asked else "", said)])
        named = next((normalise(one.tracking_code) for one in answer.packages if one.tracking_code), "")
        return iter([(asked[0] if asked else named, response.body)])

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        answer = lines.decoded(camelled(raw), Answer, self.code)
        if answer.packages is None and answer.code != NOT_FOUND:
            raise Unreadable("loggi: an answer with neither packages nor a reason", raw=raw, reference=reference)
        try:
            packages = answer.packages or []
            events = lines.of_several([history(one) for one in packages])
            if not answer.whole:
                events = lines.one_of_several(events)
            promises = [at for one in packages if (at := promise(one.promised_date))]
        except lines.UNREADABLE as error:
            raise Unreadable(f"loggi: a line makes no sense ({error})", raw=raw, reference=reference) from error
        if not events:
            code, said = (
                ("", "no package, or no line of it") if answer.code is None else (str(NOT_FOUND), answer.message)
            )
            return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, code=code, message=said)
        return Snapshot(
            reference=reference, events=events, estimated_at=max(promises, default=None), whole=answer.whole
        )


def camelled(body: bytes) -> bytes:
    """``body`` with names in snake case turned into camel case."""
    return re.sub(
        rb'"[a-z]+(?:_[a-z]+)+"(?=\s*:)', lambda name: re.sub(rb"_[a-z]", lambda at: at[0][1:].upper(), name[0]), body
    )


def history(package: Package) -> tuple[Event, ...]:
    """
    The lines, and the package's status where the history does not have it yet.

    :raises ValueError: a time makes no sense.
    """
    steps = package.tracking_history or package.history or []
    times = [lines.moment(step.status.updated_time, UTC) for step in steps]
    in_order = lines.oldest_first(list(zip(steps, times, strict=True)), times)
    events = lines.history(event(step.status, step.location, at) for step, at in in_order)
    if package.status and package.status.updated_time:
        now = event(package.status, None, lines.moment(package.status.updated_time, UTC))
        known = {one.key for one in events}
        if not events or (now.key not in known and now.code != events[-1].code):
            return lines.history((*events, now))
    return events


def event(line: Line, place: Place | None, at: datetime) -> Event:
    description = (line.description or "").strip()
    code = "" if line.code is None else str(line.code).strip()
    return Event(
        key=f"{code or lines.as_code(description)} {at.isoformat()}",
        occurred_at=at,
        status=meaning(code, description),
        code=code or lines.as_code(description) or "?",
        description=description,
        city=(place.city if place else None) or "",
        state=(place.state if place else None) or "",
    )


def meaning(code: str, description: str) -> Status:
    """By the code; the words only say more exactly what it says already."""
    status = STATUS.get(code, Status.UNKNOWN)
    refined = lines.by_words(description, REFINED.get(status, ()))
    return status if refined is Status.UNKNOWN else refined


def promise(written: str | None) -> datetime | None:
    """When the package is promised for; a bare day means its end, in Brasília."""
    bare = re.fullmatch(r"\d{4}-\d\d-\d\d", (written or "").strip())
    at = lines.moment_or_none(written, lines.BRASILIA if bare else UTC)
    return lines.end_of_day(at) if bare else at
