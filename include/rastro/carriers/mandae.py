"""
Mandaê: a carrier that hands parcels on to others, asked by its tracking code.

API docs: https://dev.mandae.com.br (v3; read 2026-11).
Quirks: events stand newest first, in Brasília's time, ``date`` to the minute and ``timestamp`` to the second. ``id`` of
an event is a number, or 0 or nothing for several things, which only ``name`` tells apart. A code that is unknown comes
as ``error`` with code 404, inside a 404 or a 200. The token stands in ``Authorization`` without a scheme. The webhook
posts the same body; the one about processed items holds no events and concerns nobody here. No signature is documented:
the shop puts a secret of its own into the address that it registers, as ``?secret=…``.

Guesses: of the numbers in the table, all but 1 and 66 say no more than that the parcel is on its way, so the name
refines them; a number outside the table is read by its name, and is never a delivery.
"""

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

import msgspec

from rastro.access import Access, Account, Field
from rastro.carriers import lines
from rastro.carriers.base import Carrier, Part, Push, Pushed
from rastro.errors import Unreadable, error_for
from rastro.http import Request, Response, path_segment
from rastro.models import Event, Refusal, RefusalReason, Snapshot, Status
from rastro.numbers import normalise
from rastro.routing import Claims

ON_ITS_WAY = ("0", "31", "33", "101", "110", "118", "119", "120", "121", "122", "123", "124", "160")
STATUS: Mapping[str, Status] = {
    "1": Status.DELIVERED,
    "66": Status.RETURNED,
    **dict.fromkeys(ON_ITS_WAY, Status.IN_TRANSIT),
}
BACK: lines.Words = (
    (r"(sera|sendo) devolvid|em devolucao|devolucao (iniciada|autorizada|em andamento|solicitada)", Status.RETURNING),
    (r"devolvid|devolucao (concluida|finalizada|realizada)|entregue ao remetente", Status.RETURNED),
)
NAMES: lines.Words = (
    *BACK,
    (r"devolucao|retorno ao remetente", Status.RETURNING),
    (r"cancelad", Status.CANCELLED),
    (r"extravi|\broub|\bfurt", Status.LOST),
    (r"avari|retid|\bfiscal", Status.ON_HOLD),
    (
        r"nao (foi )?(entregue|realizad)|ausente|insucesso|recusad|endereco (incorreto|incompleto)",
        Status.DELIVERY_FAILED,
    ),
    (r"(aguardando|disponivel para) retirada", Status.READY_FOR_PICKUP),
    (r"saiu para entrega|em rota de entrega", Status.OUT_FOR_DELIVERY),
    (r"^(pedido entregue|entrega realizada|entregue( ao destinatario)?)$", Status.DELIVERED),
    (r"coletad|recebid|encaminhad|processad|processo iniciado|rota final|redespachad", Status.IN_TRANSIT),
    (r"contratempo|agendad", Status.IN_TRANSIT),
)
REFINED: Mapping[Status, lines.Words] = {
    Status.IN_TRANSIT: tuple(pair for pair in NAMES if pair[1] is not Status.DELIVERED),
    Status.DELIVERED: (*BACK, (r"nao (foi )?(entregue|realizad)", Status.DELIVERY_FAILED)),
    Status.RETURNED: BACK,
}
LONGEST = 20  # characters of a code


class Line(msgspec.Struct):
    id: str | int | None = None
    date: str | None = None
    timestamp: str | None = None
    name: str | None = None
    description: str | None = None


class Fault(msgspec.Struct):
    code: str | int | None = None
    message: str | None = None


class Answer(msgspec.Struct, rename="camel"):
    tracking_code: str | None = None
    events: list[Line] | None = None
    error: Fault | None = None


class Pushing(msgspec.Struct):
    """A push as it is handed to :meth:`Mandae.parse`, so that it is not taken for all there is."""

    pushed: Answer | None = None


class MandaePush:
    """Both webhooks, one parcel a call."""

    answer = b""
    scheme = "`push_secret`, which you choose and put into the address"
    query = "?secret=…"
    verified_by = (("push_secret",),)

    def is_genuine(self, pushed: Pushed, account: Account) -> bool:
        secret = account.extra.get("push_secret", "")
        return bool(secret) and hmac.compare_digest(pushed.params.get("secret", "").encode(), secret.encode())

    def parts(self, body: bytes) -> Iterator[Part]:
        answer = lines.decoded(body, Answer, Mandae.code)
        if not answer.tracking_code:
            raise Unreadable("mandae: a push that names no parcel", raw=body)
        if answer.events:
            raw = b'{"pushed":' + body.removeprefix(b"\xef\xbb\xbf") + b"}"
            yield Part(references=(normalise(answer.tracking_code),), raw=raw)


class Mandae(Carrier):
    code = "mandae"
    name = "Mandaê"
    docs = "https://dev.mandae.com.br"
    confidence = "A"
    unsure = "The event numbers are known in part only; what they leave open is read from the event's name."
    base_url = "https://api.mandae.com.br/v3"
    fields = (
        Field(name="password", label="Token", help="The API token, sent as it is.", secret=True),
        Field(
            name="push_secret",
            label="Webhook secret",
            help="A secret of your choice; register the webhook's address with ?secret= and this at its end.",
            secret=True,
            required=False,
        ),
        Field(name="host", label="Address", help="https://sandbox.api.mandae.com.br/v3 to try it out.", required=False),
    )
    credentials = "Ask Mandaê's support for the API token of your account."
    requests_per_second = 2.0  # no limit is published
    answers = frozenset({404})
    statuses = STATUS
    claims = Claims(names=(r"\bmandae\b",), hosts=(r"(^|\.)mandae\.com\.br$",), gateway=True)
    push: ClassVar[Push | None] = MandaePush()

    def doubt_about(self, reference: str) -> str:
        return f"it is longer than {LONGEST} characters" if len(reference) > LONGEST else ""

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        return Request(
            method="GET",
            path=f"/trackings/{path_segment(references[0])}",
            headers={"Authorization": access.account.password},
            accept=self.answers,
        )

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        answer = lines.decoded(response.body, Answer, self.code)
        if answer.error:
            code = str(answer.error.code)
            if code in {"401", "403", "408", "429"} or re.fullmatch(r"5\d\d", code):
                raise error_for(int(code), "mandae: the tracking service")
            if code != "404":
                raise Unreadable("mandae: an error that nothing explains", raw=response.body)
        elif response.status == 404 or (answer.events is None and not answer.tracking_code):
            raise Unreadable("mandae: an answer with neither parcel nor error", raw=response.body)
        return iter([(asked[0] if asked else normalise(answer.tracking_code or ""), response.body)])

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        pushed = lines.decoded(raw, Pushing, self.code).pushed
        answer = pushed or lines.decoded(raw, Answer, self.code)
        if answer.error:
            return Refusal(
                reference=reference,
                reason=RefusalReason.NOT_FOUND,
                code=str(answer.error.code),
                message=answer.error.message or "",
            )
        try:
            events = history(answer.events or [])
        except lines.UNREADABLE as error:
            raise Unreadable(f"mandae: an event makes no sense ({error})", raw=raw, reference=reference) from error
        if not events:
            return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, message="no events")
        return Snapshot(reference=reference, events=events, whole=pushed is None)


def history(written: Sequence[Line]) -> tuple[Event, ...]:
    """
    :raises ValueError: a time makes no sense.
    """
    times = [lines.moment(line.timestamp or line.date) for line in written]
    in_order = lines.oldest_first(list(zip(written, times, strict=True)), times)
    return lines.history(event(line, at) for line, at in in_order)


def event(line: Line, at: datetime) -> Event:
    name = (line.name or "").strip()
    number = "" if line.id is None else str(line.id).strip()
    told_by = number if number not in {"", "0"} else lines.as_code(name)
    status = meaning(number, name)
    return Event(
        key=f"{told_by} {at.isoformat()}",
        occurred_at=at,
        status=status,
        code=number or lines.as_code(name) or "?",
        description=name or (line.description or "").strip(),
    )


def meaning(number: str, name: str) -> Status:
    known = STATUS.get(number)
    if known is None:
        by_name = lines.by_words(name, NAMES)
        return Status.UNKNOWN if number and by_name is Status.DELIVERED else by_name
    if known is Status.DELIVERED and not name:
        return Status.UNKNOWN  # the name says to whom
    refined = lines.by_words(name, REFINED[known])
    return known if refined is Status.UNKNOWN else refined
