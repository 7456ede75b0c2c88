"""
Frenet: a gateway to many carriers, asked by tracking number together with Frenet's code of the service.

API docs: https://frenetapi.docs.apiary.io (read 2026-11).
Quirks: a wrong service comes inside a 200, as ``ErrorMessage`` without events; a parcel that its carrier does not
report on comes as an empty list, and some stay empty even when delivered. ``EventDateTime`` is Brasília's, as
``dd/mm/yyyy HH:MM[:SS]`` or in ISO 8601, whichever the carrier behind it writes; ``EventType`` is a number or text; the
lines have no fixed order; ``ServiceDescrition`` is spelt so. A push is the same body with ``OrderId`` and
``ShipmentId``, alone or in a list, and tells what is new; notices about the wallet come to the same address. No
signature is documented: the shop puts a secret of its own into the address that it registers, as ``?secret=…``.

Guesses: the types say neither that an attempt failed nor whether a return is over, so the words do; 18 waits to be
collected from the sender's drop-off point, unless the words speak of the customer's pickup. Which messages of
``ErrorMessage`` mean what is guessed by their words.
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
from rastro.errors import CredentialsRefused, RateLimited, Transient, Unreadable
from rastro.http import Request, Response
from rastro.models import Event, ReferenceKind, Refusal, RefusalReason, Snapshot, Status
from rastro.numbers import normalise
from rastro.references import parts_of, reference_from
from rastro.routing import Claims, folded

STATUS: Mapping[str, Status] = {
    "0": Status.IN_TRANSIT,  # posted
    "1": Status.IN_TRANSIT,
    "2": Status.IN_TRANSIT,  # late
    "3": Status.RETURNED,
    "4": Status.LOST,
    "5": Status.OUT_FOR_DELIVERY,
    "9": Status.DELIVERED,
    "18": Status.INFO_RECEIVED,  # waits to be collected
}
RETURNING = (
    r"nao entregue ao remetente|(sera|sendo) devolvid|em devolucao|devolucao (iniciada|autorizada|em andamento)"
    r"|(saiu|encaminhad|transferencia|transito|retorn).* (ao|para o) remetente"
)
UNDERWAY: lines.Words = (
    (RETURNING, Status.RETURNING),
    (r"(entregue|devolvid[oa]) ao remetente", Status.RETURNED),
    (r"nao (foi )?(entregue|realizad|atendid)|insucesso|ausente|recusad|tentativa de entrega", Status.DELIVERY_FAILED),
    (r"(aguardando|disponivel para) (a )?retirada", Status.READY_FOR_PICKUP),
    (r"saiu para (a )?entrega", Status.OUT_FOR_DELIVERY),
)
REFINED: Mapping[Status, lines.Words] = {
    Status.IN_TRANSIT: UNDERWAY,
    Status.INFO_RECEIVED: ((r"retirada", Status.READY_FOR_PICKUP),),
    Status.OUT_FOR_DELIVERY: ((r"(ao|para o) remetente", Status.RETURNING),),
    Status.RETURNED: ((RETURNING, Status.RETURNING),),
    Status.DELIVERED: (
        (r"nao entregue ao remetente", Status.RETURNING),
        (r"ao remetente|devolvid", Status.RETURNED),
        (r"nao (foi )?(entregue|realizad)", Status.DELIVERY_FAILED),
    ),
}
PLACE = re.compile(r"(.+?)\s*[-/]\s*([A-Za-z]{2})")


class Line(msgspec.Struct, rename="pascal"):
    event_date_time: str
    event_description: str | None = None
    event_location: str | None = None
    event_type: str | int | None = None


class Answer(msgspec.Struct, rename="pascal"):
    tracking_number: str | None = None
    tracking_events: list[Line] | None = None
    error_message: str | None = None
    order_id: str | int | None = None
    shipment_id: str | int | None = None
    shipment_status: str | int | None = None


class FrenetPush:
    """Notifications, one parcel or several a call."""

    answer = b""
    scheme = "`push_secret`, which you choose and put into the address"
    query = "?secret=…"
    verified_by = (("push_secret",),)

    def is_genuine(self, pushed: Pushed, account: Account) -> bool:
        secret = account.extra.get("push_secret", "")
        return bool(secret) and hmac.compare_digest(pushed.params.get("secret", "").encode(), secret.encode())

    def parts(self, body: bytes) -> Iterator[Part]:
        listed = body.removeprefix(b"\xef\xbb\xbf").lstrip()
        if not listed.startswith(b"["):
            listed = b"[" + listed + b"]"
        for raw in lines.decoded(listed, list[msgspec.Raw], "frenet"):
            notice = lines.decoded(bytes(raw), Answer, "frenet")
            if notice.tracking_number and notice.tracking_events:
                known_by = [normalise(notice.tracking_number)]
                if notice.order_id not in {None, ""}:
                    known_by.append(reference_from(ReferenceKind.ORDER, str(notice.order_id)))
                yield Part(references=tuple(known_by), raw=bytes(raw))
            elif notice.order_id is None and notice.shipment_id is None and notice.shipment_status is None:
                raise Unreadable("frenet: a notification about nothing", raw=body)


class Frenet(Carrier):
    code = "frenet"
    name = "Frenet"
    docs = "https://frenetapi.docs.apiary.io"
    confidence = "B"
    unsure = (
        "Failed attempts and returns that are not over yet are told by the carriers' words, which no list fixes; so is "
        "what an error message means."
    )
    base_url = "https://api.frenet.com.br"
    fields = (
        Field(name="password", label="Token", help="The account's token.", secret=True),
        Field(
            name="push_secret",
            label="Webhook secret",
            help="A secret of your choice; register the notification address with ?secret= and this at its end.",
            secret=True,
            required=False,
        ),
    )
    credentials = "Copy the token from the user data in Frenet's panel."
    references = (ReferenceKind.NUMBER_AND_SERVICE,)
    requests_per_second = 2.0  # no limit is published
    statuses = STATUS
    claims = Claims(names=(r"\bfrenet\b",), hosts=(r"(^|\.)frenet\.com\.br$",), gateway=True)
    push: ClassVar[Push | None] = FrenetPush()

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        number, service = parts_of(references[0])[:2]
        return Request(
            method="POST",
            path="/tracking/trackinginfo",
            headers={"token": access.account.password},
            json={"ShippingServiceCode": service, "TrackingNumber": number},
        )

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        answer = lines.decoded(response.body, Answer, self.code)
        if answer.error_message and not answer.tracking_events:
            complain(answer.error_message)
        elif answer.tracking_events is None and not answer.tracking_number:
            raise Unreadable("frenet: an answer with neither parcel nor error", raw=response.body)
        return iter([(asked[0] if asked else normalise(answer.tracking_number or ""), response.body)])

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        answer = lines.decoded(raw, Answer, self.code)
        try:
            events = history(answer.tracking_events or [])
        except lines.UNREADABLE as error:
            raise Unreadable(f"frenet: a line makes no sense ({error})", raw=raw, reference=reference) from error
        if events:
            pushed = answer.order_id is not None or answer.shipment_id is not None
            return Snapshot(reference=reference, events=events, whole=not pushed)
        said = (answer.error_message or "").strip()
        if said and not re.search(r"nao (foi )?(encontrad|localizad)|nao existe|\binvalid|inexistente", folded(said)):
            raise Unreadable("frenet: an error that nothing explains", raw=raw, reference=reference)
        return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, message=said or "no events")


def complain(said: str) -> None:
    """
    :raises RastroError: a message in place of an answer is about the call and not about the parcel.
    """
    bare = folded(said)
    if re.search(r"\btoken\b|nao autorizad|unauthor|acesso negado|credencia", bare):
        raise CredentialsRefused("frenet: the token is refused; check the connection's password")
    if re.search(r"limite (de|diario|excedid)|muitas (requisicoes|consultas|chamadas)|too many", bare):
        raise RateLimited("frenet: too many requests, the rest is left for later")
    if re.search(r"indisponivel|fora do ar|tente (novamente|mais tarde)|time ?out|temporari", bare):
        raise Transient("frenet: the service behind it is in trouble, try again later")


def history(written: Sequence[Line]) -> tuple[Event, ...]:
    """
    :raises ValueError: a time makes no sense.
    """
    times = [lines.moment(line.event_date_time) for line in written]
    in_order = lines.oldest_first(list(zip(written, times, strict=True)), times)
    return lines.history(event(line, at) for line, at in in_order)


def event(line: Line, at: datetime) -> Event:
    text, place = (line.event_description or "").strip(), (line.event_location or "").strip()
    code = "" if line.event_type is None else str(line.event_type).strip()
    status = STATUS.get(code, Status.UNKNOWN)
    if status is Status.DELIVERED and not text:
        status = Status.UNKNOWN  # the words say to whom
    refined = lines.by_words(text, REFINED.get(status, ()))
    found = PLACE.fullmatch(place)
    city, state = found.groups() if found else (place, "")
    return Event(
        key=f"{code or lines.as_code(text)} {at.isoformat()} {lines.as_code(place)}",
        occurred_at=at,
        status=status if refined is Status.UNKNOWN else refined,
        code=code or lines.as_code(text) or "?",
        description=text,
        city=city,
        state=state.upper(),
    )
