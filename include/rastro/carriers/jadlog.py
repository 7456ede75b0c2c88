"""
Jadlog: its embarcador API, by shipment, CT-e, invoice key, pickup request or order.

API docs: https://www.jadlog.com.br (API embarcador 2.3; given to clients together with the token; read 2026-11).
Quirks: each question names its key and the answer repeats it, so a parcel is found again whatever the order. One that
is unknown comes inside a 200, as ``error`` (``erro`` in older descriptions) with id -1. Times are Brasília's without an
offset, ``YYYY-MM-DD HH:MM:SS`` or a bare ``dd/mm/yyyy``. ``recebedor`` holds a name and a document, of which only the
initials are kept. The status at the head can be ahead of the events; it is believed when it says ENTREGUE and
``recebedor`` says on which day.

Guesses: a number of fourteen digits that begins with 11 is a shipmentId, any other a CT-e; the words for what goes
wrong, since no list of them is published. DEVOLUCAO alone is the way back; back with the sender is what also says that
this is concluded.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from rastro import typed
from rastro.access import Access, Field
from rastro.carriers import lines
from rastro.carriers.base import Asks, Carrier
from rastro.errors import Unreadable
from rastro.http import Request, Response
from rastro.models import Event, Proof, ReferenceKind, Refusal, RefusalReason, Snapshot, Status
from rastro.references import kind_of, parts_of
from rastro.routing import Claims, folded

WORDS: lines.Words = (
    (r"nao entregue.*devol", Status.RETURNING),
    (r"devol.*(conclui|finaliz|entregue)|(conclui|finaliz|entregue).*(devol|remetente)", Status.RETURNED),
    (r"devol", Status.RETURNING),
    (r"cancel", Status.CANCELLED),
    (r"extravi|\broub|\bfurt", Status.LOST),
    (r"sinistro|avari|retid|\bfiscal", Status.ON_HOLD),
    (r"nao entregue|nao realizad|insucesso|ausente|recusad|tentativa", Status.DELIVERY_FAILED),
    (r"(aguardando|disponivel para) retirada", Status.READY_FOR_PICKUP),
    (r"em rota|saiu para entrega", Status.OUT_FOR_DELIVERY),
    (r"^entregue( ao destinatario)?$", Status.DELIVERED),
    (r"coleta solicitada", Status.INFO_RECEIVED),
    (r"^(emissao|entrada|transferencia)\b", Status.IN_TRANSIT),
)


class Line(msgspec.Struct):
    data: str
    status: str
    unidade: str | None = None


class Receiver(msgspec.Struct):
    nome: str | None = None
    data: str | None = None


class Tracking(msgspec.Struct, rename="camel"):
    status: str | None = None
    dt_emissao: str | None = None
    recebedor: Receiver | None = None
    eventos: list[Line] | None = None


class Fault(msgspec.Struct):
    id: int | str | None = None
    descricao: str | None = None


class Parcel(msgspec.Struct, rename="camel"):
    tracking: Tracking | None = None
    previsao_entrega: str | None = None
    erro: Fault | None = None
    error: Fault | None = None


class Invoice(msgspec.Struct):
    danfe: str | int | None = None


class Echo(msgspec.Struct, rename="camel"):
    """What an item repeats of the question."""

    codigo: str | int | None = None
    shipment_id: str | int | None = None
    cte: str | int | None = None
    pedido: str | int | None = None
    df: Invoice | None = None


class Answer(msgspec.Struct):
    consulta: list[msgspec.Raw]


class Jadlog(Carrier):
    code = "jadlog"
    name = "Jadlog"
    docs = "https://www.jadlog.com.br"
    confidence = "B"
    unsure = (
        "Whether a number is a shipmentId or a CT-e is guessed by its form, and no list of status words is published."
    )
    base_url = "https://prd-traffic.jadlogtech.com.br/embarcador/api"
    fields = (Field(name="password", label="Token", help="The API token, without the word Bearer.", secret=True),)
    credentials = "Ask Jadlog's commercial contact for the token of the API embarcador."
    references = (
        ReferenceKind.TRACKING_NUMBER,
        ReferenceKind.INVOICE_KEY,
        ReferenceKind.CARRIER_ID,
        ReferenceKind.ORDER,
    )
    absent = "11000000000000"
    asks = Asks.BATCH
    batch_size = 100
    requests_per_second = 0.5  # no limit is published; integrations pause two seconds between calls
    statuses: ClassVar[Mapping[str, Status]] = {
        word: lines.by_words(word, WORDS)
        for word in ("COLETA SOLICITADA", "EMISSAO", "ENTRADA", "TRANSFERENCIA", "EM ROTA", "ENTREGUE", "DEVOLUCAO")
    }
    claims = Claims(
        names=(r"\bjad[ -]?log\b", r"(?<![\w.])\.(package|com)\b(?!\.)"),  # its services, but no "loja.com"
        weak=(r"[0-9]{9,14}",),
        hosts=(r"(^|\.)jadlog\.com\.br$", r"(^|\.)jadlogtech\.com\.br$"),
    )

    def page_about(self, number: str) -> str:
        return f"https://www.jadlog.com.br/siteInstitucional/tracking.jad?cte={quote(number, safe='')}"

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        return Request(
            method="POST",
            path="/tracking/consultar",
            headers={"Authorization": f"Bearer {access.account.password}"},
            json={"consulta": [entry_for(reference) for reference in references]},
        )

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        items = lines.decoded(response.body, Answer, self.code).consulta
        questions = {next(iter(flat(entry_for(reference)))): reference for reference in asked}
        found = []
        for item in items:
            named = echoes(bytes(item))
            known = next((questions[pair] for pair in named if pair in questions), "")
            if known or not asked:
                found.append((known or next((value for _, value in named), ""), bytes(item)))
            elif not named and len(asked) == len(items) == 1:
                found.append((asked[0], bytes(item)))
        return iter(found)

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        parcel = lines.decoded(raw, Parcel, self.code)
        fault = parcel.error or parcel.erro
        if fault:
            return refusal(reference, fault, raw)
        if parcel.tracking is None:
            raise Unreadable("jadlog: an item with neither tracking nor error", raw=raw, reference=reference)
        try:
            events = history(parcel.tracking)
            estimated_at = lines.end_of_day(lines.moment_or_none(parcel.previsao_entrega))
        except lines.UNREADABLE as error:
            raise Unreadable(f"jadlog: a line makes no sense ({error})", raw=raw, reference=reference) from error
        if not events:
            said = (parcel.tracking.status or "").strip()
            return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, message=said)
        return Snapshot(
            reference=reference, events=events, estimated_at=estimated_at, proof=proof(parcel.tracking, events)
        )


def entry_for(reference: str) -> dict[str, Any]:
    """One entry of the question: the key that the reference is, by its kind or its form."""
    number = parts_of(reference)[0]
    match kind_of(reference):
        case ReferenceKind.INVOICE_KEY:
            return {"df": {"danfe": number}}
        case ReferenceKind.CARRIER_ID:
            return {"codigo": number}
        case ReferenceKind.ORDER:
            return {"pedido": number}
    return {"shipmentId" if len(number) == 14 and number.startswith("11") else "cte": number}


def flat(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The keys of a question or of its echo as pairs that can be compared."""
    for name, value in entry.items():
        if isinstance(value, dict):
            yield from flat(value)
        elif value not in {None, ""}:
            yield name, str(value)


def echoes(item: bytes) -> list[tuple[str, str]]:
    try:
        return list(flat(msgspec.to_builtins(typed.decode(item, Echo, strict=False))))
    except lines.UNREADABLE:
        return []


def history(tracking: Tracking) -> tuple[Event, ...]:
    """
    The lines, and what the head says beyond them: a delivery that names its day, or all there is.

    :raises ValueError: a time makes no sense.
    """
    written = tracking.eventos or []
    times = [lines.moment(line.data) for line in written]
    in_order = lines.oldest_first(list(zip(written, times, strict=True)), times)
    events = lines.history(event(line.status, at, line.unidade or "") for line, at in in_order)
    head = tracking.status or ""
    received_on = tracking.recebedor.data if tracking.recebedor else None
    told = any(one.status is Status.DELIVERED or one.status in lines.WAY_BACK for one in events)
    if received_on and not told and lines.by_words(head, WORDS) is Status.DELIVERED:
        # Only the day is known, and the delivery came after all else.
        at = max([lines.moment(received_on), *(one.occurred_at for one in events)])
        return (*events, replace(event(head, at, ""), key=f"ENTREGUE recebedor {received_on}"))
    if not events and head.strip() and tracking.dt_emissao:
        return (event(head, lines.moment(tracking.dt_emissao), ""),)
    return events


def event(text: str, at: datetime, unit: str) -> Event:
    text, unit = text.strip(), unit.strip()
    code = lines.as_code(text) or "?"
    return Event(
        key=f"{code} {at.isoformat()} {lines.as_code(unit)}",
        occurred_at=at,
        status=lines.by_words(text, WORDS),
        code=code,
        description=f"{text}, {unit}" if unit else text,
    )


def proof(tracking: Tracking, events: Sequence[Event]) -> Proof | None:
    name = lines.initials(tracking.recebedor.nome) if tracking.recebedor else ""
    delivered = any(one.status is Status.DELIVERED for one in events)
    return Proof(received_by=name) if name and delivered else None


def refusal(reference: str, fault: Fault, raw: bytes) -> Refusal:
    """Only what says that the parcel is unknown is an answer; any other error is kept for a person to see."""
    said = (fault.descricao or "").strip()
    if str(fault.id) == "-1" or "nao localizad" in folded(said) or "nao encontrad" in folded(said):
        return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, code=str(fault.id or ""), message=said)
    raise Unreadable(f"jadlog: an item with an error of its own (id {fault.id})", raw=raw, reference=reference)
