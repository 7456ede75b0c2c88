"""
Intelipost: a shipping platform over many carriers, asked by the order's number there.

API docs: https://docs.intelipost.com.br (API v1; read 2026-11).
Quirks: an order consists of volumes, each with a history of its own, newest first; times are milliseconds since 1970,
or ISO 8601. The state (an enumeration) is the code, the micro state beside it says what it was about. The answer wraps
the order in its own running time, which is left out. ``provider_message`` may name who took the parcel and is never
read. The webhook tells one line about one volume, authenticated by the account's key as header ``api-key`` or as the
user of Basic authentication. A signed receipt comes as an attachment of type POD, with a line of its own at times.

Of several volumes, the order is delivered when all of them are: what ends one volume's way counts only where it is the
last of all. A push cannot say whether there are other volumes: what ends the way of its own is left unknown until
Intelipost is asked.

Guesses: how an order that is unknown is answered, and the words of the micro states, since their list is not public.
A failed delivery is on its way back, back, or lost only where the micro state says so.

What the lines mean is :mod:`rastro.carriers.intelipost_lines`.
"""

import base64
import hmac
import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import msgspec

from rastro import typed
from rastro.access import Access, Account, Field
from rastro.carriers import lines
from rastro.carriers.base import Carrier, Part, Push, Pushed
from rastro.carriers.intelipost_lines import STATUS, Line, Volume, history, promise
from rastro.diff import moves
from rastro.errors import CredentialsRefused, Unreadable
from rastro.http import Request, Response, path_segment
from rastro.models import Event, Proof, ReferenceKind, Refusal, RefusalReason, Snapshot, Status
from rastro.numbers import normalise
from rastro.references import parts_of, reference_from
from rastro.routing import Claims, folded

UNKNOWN_ORDER = r"not.?found|nao (foi )?(encontrad|localizad)|nao existe|inexistente"


class Message(msgspec.Struct):
    text: str | None = None
    key: str | None = None


class Order(msgspec.Struct):
    """The order of an answer, what stands in its place when there is none, or a push."""

    order_number: int | str | None = None
    shipment_order_volume_array: list[Volume] | None = None
    messages: list[Message] | None = None
    sales_order_number: int | str | None = None
    tracking_code: str | None = None
    volume_number: int | str | None = None
    history: Line | None = None
    estimated_delivery_date: Any = None


class Answer(msgspec.Struct):
    status: str
    content: msgspec.Raw = msgspec.Raw(b"")
    messages: list[Message] | None = None


class IntelipostPush:
    """The webhook, one line of one volume a call."""

    answer = b""
    scheme = "the account's API key, or `push_secret` where the webhook has another"
    query = ""
    verified_by = (("password",), ("push_secret",))

    def is_genuine(self, pushed: Pushed, account: Account) -> bool:
        secret = account.extra.get("push_secret", "") or account.password
        given = pushed.headers.get("api-key", "") or user_in(pushed.headers.get("authorization", ""))
        return bool(secret) and hmac.compare_digest(given.encode(), secret.encode())

    def parts(self, body: bytes) -> Iterator[Part]:
        push = lines.decoded(body, Order, Intelipost.code)
        orders = [str(one) for one in (push.order_number, push.sales_order_number) if one not in {None, ""}]
        if not orders:
            raise Unreadable("intelipost: a push that names no order", raw=body)
        if push.history is None:
            return
        known_by = [reference_from(ReferenceKind.ORDER, one) for one in dict.fromkeys(orders)]
        if push.tracking_code:
            known_by.append(normalise(push.tracking_code))
        yield Part(references=tuple(known_by), raw=body)


class Intelipost(Carrier):
    code = "intelipost"
    name = "Intelipost"
    docs = "https://docs.intelipost.com.br"
    confidence = "A"
    unsure = "The answer about an unknown order is a guess, and so are the words by which returns and losses are told."
    base_url = "https://api.intelipost.com.br/api/v1"
    fields = (
        Field(name="password", label="API key", help="Of the account; the webhook shows it, too.", secret=True),
        Field(
            name="push_secret",
            label="Webhook key",
            help="Only where the webhook is set up with another key than the account's.",
            secret=True,
            required=False,
        ),
    )
    credentials = "Copy the API key of your account from Intelipost's panel, or ask its support for it."
    references = (ReferenceKind.ORDER,)
    requests_per_second = 2.0  # no limit is published
    answers = frozenset({400, 404})
    statuses = STATUS
    claims = Claims(names=(r"\bintelipost\b",), hosts=(r"(^|\.)intelipost\.com\.br$",), gateway=True)
    push: ClassVar[Push | None] = IntelipostPush()

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        return Request(
            method="GET",
            path=f"/shipment_order/{path_segment(parts_of(references[0])[0])}",
            headers={"api-key": access.account.password},
            accept=self.answers,
        )

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        answer = lines.decoded(response.body, Answer, self.code)
        if answer.messages and answer.status != "OK":
            said = folded(" ".join(f"{one.text or ''} {one.key or ''}" for one in answer.messages))
            if re.search(r"api.?key|\btoken\b|nao autorizad|unauthor|forbidden", said):
                raise CredentialsRefused("intelipost: the API key is refused; check the connection's password")
            if re.search(UNKNOWN_ORDER, said):
                part = msgspec.json.encode({"messages": answer.messages})
                return iter([(asked[0] if asked else "", part)])
        content = bytes(answer.content)
        if response.status != 200 or answer.status != "OK" or not content.startswith(b"{"):
            raise Unreadable(f"{self.code}: an answer that holds no order", raw=response.body)
        return iter([(asked[0] if asked else name_of(content), content)])

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        order = lines.decoded(raw, Order, self.code)
        if order.messages and order.shipment_order_volume_array is None and order.history is None:
            first = order.messages[0]
            return Refusal(
                reference=reference,
                reason=RefusalReason.NOT_FOUND,
                code=(first.key or "")[:80],
                message=first.text or "",
            )
        if order.history is None and order.shipment_order_volume_array is None:
            raise Unreadable("intelipost: an order without volumes", raw=raw, reference=reference)
        volumes = order.shipment_order_volume_array or []
        if order.history:
            volumes = [
                Volume(
                    shipment_order_volume_number=order.volume_number,
                    shipment_order_volume_state_history_array=[order.history],
                )
            ]
        try:
            told = [history(one, place, pushed=order.history is not None) for place, one in enumerate(volumes, 1)]
        except lines.UNREADABLE as error:
            raise Unreadable(f"intelipost: a line makes no sense ({error})", raw=raw, reference=reference) from error
        events = lines.of_several(told) if order.history is None else lines.one_of_several(told[0])
        if not events:
            return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, message="no line of any volume")
        promises = [promise(one.estimated_delivery_date_iso or one.estimated_delivery_date) for one in volumes]
        promises.append(promise(order.estimated_delivery_date))
        return Snapshot(
            reference=reference,
            events=events,
            estimated_at=max((at for at in promises if at), default=None),
            proof=proof(order, events),
            whole=order.history is None,
        )


def user_in(authorization: str) -> str:
    """The user of Basic authentication."""
    scheme, _, pair = authorization.partition(" ")
    try:
        return base64.b64decode(pair).decode().partition(":")[0] if scheme.lower() == "basic" else ""
    except ValueError:
        return ""


def name_of(content: bytes) -> str:
    """An order that nobody asked about, by its number."""
    try:
        number = typed.decode(content, Order, strict=False).order_number
    except lines.UNREADABLE:
        number = None
    return reference_from(ReferenceKind.ORDER, str(number)) if number not in {None, ""} else ""


def proof(order: Order, events: Sequence[Event]) -> Proof | None:
    """The picture of the receipt, where there is a delivery that it proves."""
    volumes = order.shipment_order_volume_array or []
    written = [line for one in volumes for line in one.shipment_order_volume_state_history_array or []]
    written += [order.history] if order.history else []
    attached = [one for line in written for one in line.attachments or []]
    picture = next((one.url for one in attached if (one.type or "").upper() == "POD" and one.url), "")
    # The line about the receipt alone says DELIVERED as its code, and is not read as a delivery.
    delivered = any(
        one.code == "DELIVERED" and (one.status is Status.UNKNOWN or (one.status is Status.DELIVERED and moves(one)))
        for one in events
    )
    return Proof(picture=picture) if picture and delivered else None
