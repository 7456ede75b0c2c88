"""
Loggi: packages of one company, asked by tracking code, and its webhook.

API docs: https://docs.api.loggi.com (v1; read 2026-11).
Quirks: ``code`` is a 64-bit number, so it comes as a number or as text. One tracking code can stand for several
packages; the one with the newest line is told about. The history has no order of its own. Times are UTC. Errors are
gRPC's ``{code, message, details}``; of a package it does not know Loggi says 404 with code 5. The webhook's body is one
package with its whole history, authenticated by the user and password that the shop chose when it registered it.

Guesses: what a code means is read from two integrations that agree on most of the table; no code is known to say "out
for delivery", so the codes of the way there are refined by their description, and a damage or loss (9) counts as a loss
only where the words say so. Codes that nobody explains stay unknown.
"""

import base64
import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from urllib.parse import quote

import msgspec

from rastro.access import Access, Account, Field
from rastro.carriers import lines
from rastro.carriers.base import Carrier, Part, Push, Pushed
from rastro.errors import Misconfigured, Unreadable
from rastro.http import Request, Response, path_segment
from rastro.models import Event, ReferenceKind, Refusal, RefusalReason, Snapshot, Status
from rastro.numbers import normalise
from rastro.oauth import OAuth
from rastro.references import reference_from
from rastro.routing import Claims

STATUS: Mapping[str, Status] = {
    "1": Status.INFO_RECEIVED,  # created
    "2": Status.CANCELLED,
    "3": Status.IN_TRANSIT,  # on its way
    "4": Status.IN_TRANSIT,
    "5": Status.DELIVERED,
    "6": Status.DELIVERY_FAILED,  # refused by the recipient
    "7": Status.RETURNING,
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
    Status.IN_TRANSIT: ((r"saiu para entrega|rota de entrega", Status.OUT_FOR_DELIVERY),),
    Status.ON_HOLD: ((r"extravi|perdid|\broub|\bfurt", Status.LOST),),
}
NOT_FOUND = 5  # gRPC
END_OF_DAY = timedelta(days=1, seconds=-1)


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
    tracking_code: str = ""
    loggi_key: str = ""
    status: Line | None = None
    promised_date: str | None = None
    tracking_history: list[Step] | None = None
    history: list[Step] | None = None


class Answer(msgspec.Struct):
    packages: list[Package]


class Fault(msgspec.Struct):
    code: int
    message: str = ""


class LoggiPush:
    """The webhook, one package a call."""

    def is_genuine(self, pushed: Pushed, account: Account) -> bool:
        user, password = account.extra.get("push_user", ""), account.extra.get("push_password", "")
        if not user or not password:
            return False
        expected = b"Basic " + base64.b64encode(f"{user}:{password}".encode())
        return hmac.compare_digest(pushed.headers.get("authorization", "").encode(), expected)

    def parts(self, body: bytes) -> Iterator[Part]:
        package = lines.decoded(body, Package, Loggi.code)
        if not package.tracking_code and not package.loggi_key:
            raise Unreadable("loggi: a push that names no package", raw=body)
        known_by = [normalise(package.tracking_code)] if package.tracking_code else []
        if package.loggi_key:
            known_by.append(reference_from(ReferenceKind.CARRIER_ID, package.loggi_key))
        # Wrapped as the answer to a question is, so that there is one thing to read.
        yield Part(references=tuple(known_by), raw=b'{"packages":[' + body.removeprefix(b"\xef\xbb\xbf") + b"]}")


class Loggi(Carrier):
    code = "loggi"
    name = "Loggi"
    docs = "https://docs.api.loggi.com"
    confidence = "B"
    unsure = "The meaning of the status codes is read from integrations, and some codes stay unexplained."
    base_url = "https://api.loggi.com"
    fields = (
        Field(name="login", label="Client id"),
        Field(name="password", label="Client secret", secret=True),
        Field(name="company_id", label="Company id", help="The number of the company whose packages these are."),
        Field(name="push_user", label="Webhook user", help="As registered with Loggi for the webhook.", required=False),
        Field(name="push_password", label="Webhook password", secret=True, required=False),
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
        if response.status == 404:
            fault = lines.decoded(response.body, Fault, self.code)
            if fault.code != NOT_FOUND:
                raise Unreadable("loggi: a 404 that is not about a package", raw=response.body)
            said = msgspec.json.encode({"code": fault.code, "message": fault.message})  # its details may differ
            return iter([(asked[0] if asked else "", said)])
        packages = lines.decoded(response.body, Answer, self.code).packages
        named = next((normalise(one.tracking_code) for one in packages if one.tracking_code), "")
        return iter([(asked[0] if asked else named, response.body)])

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        answer = lines.decoded(raw, Answer | Fault, self.code)  # type: ignore[arg-type]  # a union is fine for msgspec
        if isinstance(answer, Fault):
            return Refusal(
                reference=reference,
                reason=RefusalReason.NOT_FOUND,
                code=str(answer.code),
                message=answer.message,
            )
        try:
            told = [(one, history(one)) for one in answer.packages]
            package, events = max(told, key=newest, default=(Package(), ()))
            estimated_at = promise(package.promised_date)
        except lines.UNREADABLE as error:
            raise Unreadable(f"loggi: a line makes no sense ({error})", raw=raw, reference=reference) from error
        if not events:
            return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, message="no package, or no line of it")
        return Snapshot(reference=reference, events=events, estimated_at=estimated_at)


def newest(told: tuple[Package, tuple[Event, ...]]) -> float:
    return told[1][-1].occurred_at.timestamp() if told[1] else float("-inf")


def history(package: Package) -> tuple[Event, ...]:
    """
    The lines, and the package's status where the history does not have it yet.

    :raises ValueError: a time makes no sense.
    """
    steps = package.tracking_history or package.history or []
    times = [lines.moment(step.status.updated_time, UTC) for step in steps]
    in_order = lines.oldest_first(list(zip(steps, times, strict=True)), times)
    events = {one.key: one for one in (event(step.status, step.location, at) for step, at in in_order)}
    if package.status and package.status.updated_time:
        now = event(package.status, None, lines.moment(package.status.updated_time, UTC))
        events.setdefault(now.key, now)
    return lines.history(events.values())


def event(line: Line, place: Place | None, at: datetime) -> Event:
    description = (line.description or "").strip()
    code = str(line.code).strip() if line.code not in {None, ""} else ""
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
    at = lines.moment_or_none(written, UTC)
    bare = at is not None and len((written or "").strip()) == len("2026-01-01")
    return at.replace(tzinfo=lines.BRASILIA) + END_OF_DAY if at and bare else at
