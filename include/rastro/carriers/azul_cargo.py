"""
Azul Cargo: its EDI toolkit, by the invoice's access key, by air waybill (AWB) or by the shop's order.

API docs: https://ediapi.onlineapp.com.br/toolkit (EDI v2; given to clients with their access; read 2026-11).
Quirks: the token is good for eight hours and travels in the body of each question. Refusals come as ``HasErrors`` with
a sentence, often inside a 200, and whether they are about the token or the parcel is told by its words. One invoice can
be several waybills, and its delivery is told when none of them is on its way any more. Times are Brasília's without an
offset, the year 1 stands for none, the order of the lines is not promised. ``Comentario`` may name people and is not
read. A waybill is known with its prefix 577 and without, so it is asked about both ways.

Guesses: codes mix those of air freight with numbers that nobody publishes. Of the numbers only 1 is known (delivered),
the others are read by their words. No answer for an unknown parcel was seen, so it is told by "não encontrado" or an
empty list, a parcel of another contract by "não tem permissão".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

import msgspec

from rastro.access import Access, Login
from rastro.carriers import freight, lines
from rastro.carriers.azul_cargo_login import FIELDS, Answer, AzulLogin, answer_in
from rastro.carriers.base import Answered, Asking, Carrier
from rastro.errors import Misconfigured, Unreadable
from rastro.http import Request, Response
from rastro.models import Event, Proof, ReferenceKind, Refusal, RefusalReason, Snapshot, Status
from rastro.numbers import normalise
from rastro.references import kind_of, parts_of
from rastro.routing import Claims

STATUS: Mapping[str, Status] = {
    "1": Status.DELIVERED,
    "DLV": Status.DELIVERED,
    "BKD": Status.INFO_RECEIVED,  # booked
    "RCS": Status.IN_TRANSIT,  # received from the shipper
    "DEP": Status.IN_TRANSIT,
    "ARR": Status.IN_TRANSIT,
    "RCF": Status.IN_TRANSIT,  # received from a flight
    "NFD": Status.IN_TRANSIT,  # arrived, and the recipient was told so
}
ABOUT_OTHERS = r"nao tem permissao"
ABOUT_NOTHING = r"nao (foi )?(encontrad|localizad)|inexistente|\bnenhum"


class Line(msgspec.Struct, rename="pascal"):
    descricao: str
    data_hora: str
    codigo: str | int | None = None
    unidade_municipio: str | None = None
    unidade_uf: str | None = None
    pod: str | None = msgspec.field(default=None, name="UrlPOD")
    url_assinatura: str | None = None
    url_insucesso: str | None = None


class Waybill(msgspec.Struct, rename="pascal"):
    ocorrencias: list[Line] | None = None
    awb: str | int | None = None
    data_entrega_previsao: str | None = None
    data_hora_entrega: str | None = None


def check_digit_fits(number: str) -> bool | None:
    """
    Whether the last digit of an invoice's key or of a waybill is its check digit; None for another form.

    A waybill's eighth digit is the rest of the seven before it by 7, as on every air waybill.
    """
    if freight.is_access_key(number):
        return freight.check_digit_fits(number)
    waybill = re.fullmatch(r"(?:577-?)?([0-9]{7})([0-9])", number)
    return int(waybill[1]) % 7 == int(waybill[2]) if waybill else None


class AzulCargo(Carrier):
    code = "azul_cargo"
    name = "Azul Cargo"
    docs = "https://ediapi.onlineapp.com.br/toolkit"
    confidence = "B"
    unsure = (
        "The table of codes is not public: beside a few codes of air freight and 1 for delivered, words are read. "
        "How an unknown parcel is refused is a guess."
    )
    base_url = "https://ediapi.onlineapp.com.br/toolkit"
    fields = FIELDS
    credentials = "Ask Azul Cargo's commercial contact for an access to the EDI integration (toolkit)."
    references = (ReferenceKind.INVOICE_KEY, ReferenceKind.TRACKING_NUMBER, ReferenceKind.ORDER)
    requests_per_second = 1.0  # no limit is published
    answers = frozenset({400, 404})  # a refusal in words may come with these
    statuses = STATUS
    login: ClassVar[Login | None] = AzulLogin()
    claims = Claims(
        # Behind another word it is a colour ("Linha Azul"), unless that is a gateway's name or more of its own follows.
        names=(r"(?<![a-z] )\bazul\b|\bazul (cargo|linhas|amanha|e-?commerce)\b|\b(frenet|envio|me) azul\b",),
        strong=(r"[0-9]{44}",),
        weak=(r"(577-?)?[0-9]{8}", r"[0-9]{11}"),
        check=check_digit_fits,
        hosts=(r"(^|\.)azulcargoexpress\.com\.br$",),
    )

    def doubt_about(self, reference: str) -> str:
        return freight.doubt_about_key(parts_of(reference)[0])

    def ask(self, references: Sequence[str], access: Access) -> Asking:
        parts: Mapping[str, bytes] = {}
        for question in questions_about(references[0]):
            response = yield request(question, access)
            parts = dict(self.split(response, references))
            if not any(is_unknown(raw) for raw in parts.values()):
                break
        return Answered(parts=parts)

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        return request(questions_about(references[0])[0], access)

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        answer = answer_in(response.body)
        # What stands beside these fields may differ from answer to answer.
        raw = b'{"HasErrors":false,"Value":' + bytes(answer.value) + b"}"
        if answer.has_errors:
            raw = msgspec.json.encode({"HasErrors": True, "ErrorText": answer.error_text or ""})
        return iter([(asked[0] if asked else first_awb(answer), raw)])

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        answer = answer_in(raw)
        if answer.has_errors:
            return refusal(answer, raw, reference)
        waybills = waybills_in(answer)
        try:
            events = lines.of_several([history(one) for one in waybills])
            estimates = [at for one in waybills if (at := freight.end_of(one.data_entrega_previsao))]
        except lines.UNREADABLE as error:
            raise Unreadable(f"azul_cargo: a line makes no sense ({error})", raw=raw, reference=reference) from error
        if not events:
            return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, message="no waybill, or no line of it")
        return Snapshot(
            reference=reference,
            events=events,
            estimated_at=max(estimates, default=None),
            proof=proof(waybills, events),
        )


def questions_about(reference: str) -> Sequence[Mapping[str, str]]:
    """What the question says beside the token, in each way that the parcel may be known by."""
    number = parts_of(reference)[0]
    kind = kind_of(reference)
    if kind is ReferenceKind.INVOICE_KEY or freight.is_access_key(number):
        return [{"ChaveNfe": number}]
    if kind is ReferenceKind.ORDER:
        return [{"Pedido": number}]
    if match := re.fullmatch(r"(?:577-?)?([0-9]{8})", number):
        return [{"Awb": match[1]}, {"Awb": f"577{match[1]}"}]
    return [{"Awb": number}]


def request(question: Mapping[str, str], access: Access) -> Request:
    if access.token is None:
        raise Misconfigured("azul_cargo: no token was obtained; check the connection's login and password")
    return Request(
        method="POST",
        path="/api/Rastreio/Consultar",
        json={"Token": access.token.value, **question},
        accept=AzulCargo.answers,
    )


def refusal(answer: Answer, raw: bytes, reference: str) -> Refusal:
    """:raises Unreadable: it is not about the parcel; a person must see it."""
    for pattern, reason in ((ABOUT_OTHERS, RefusalReason.NOT_OURS), (ABOUT_NOTHING, RefusalReason.NOT_FOUND)):
        if re.search(pattern, answer.words):
            return Refusal(reference=reference, reason=reason, message=answer.said)
    raise Unreadable(f"azul_cargo: an error of its own ({answer.said})", raw=raw, reference=reference)


def waybills_in(answer: Answer) -> Sequence[Waybill]:
    return lines.decoded(bytes(answer.value), list[Waybill] | None, AzulCargo.code) or []  # type: ignore[arg-type]


def is_unknown(raw: bytes) -> bool:
    """Whether a part of ours says that there is no such parcel."""
    answer = answer_in(raw)
    return answer.has_errors or bytes(answer.value) in {b"null", b"[]"}


def first_awb(answer: Answer) -> str:
    """What the parcel is called in an answer that nobody asked for."""
    try:
        waybills = [] if answer.has_errors else waybills_in(answer)
    except Unreadable:  # parse says so
        return ""
    return next((normalise(str(one.awb)) for one in waybills if one.awb), "")


def history(waybill: Waybill) -> tuple[Event, ...]:
    """
    The lines, and the delivery that only the head tells: never on the way back, which has an end of its own.

    :raises ValueError: a time makes no sense, or there is a delivery and nothing that tells what sort of.
    """
    awb = re.sub(r"[^0-9]", "", str(waybill.awb or ""))
    written = waybill.ocorrencias or []
    times = [lines.moment(line.data_hora) for line in written]
    in_order = lines.oldest_first(list(zip(written, times, strict=True)), times)
    events = freight.history(event(line, at, awb) for line, at in in_order)
    at = freight.told_at(waybill.data_hora_entrega)
    if at and waybill.ocorrencias is None:
        raise ValueError("DataHoraEntrega without Ocorrencias")
    if at is None or any(one.status in lines.WAY_BACK or one.status is Status.DELIVERED for one in events):
        return events
    told = Event(
        key=f"{awb} DataHoraEntrega {at.isoformat()}",
        occurred_at=at,
        status=Status.DELIVERED,
        code="DataHoraEntrega",
        description="Entrega",
    )
    return freight.history((*events, told))


def event(line: Line, at: datetime, awb: str) -> Event:
    text, city = line.descricao.strip(), (line.unidade_municipio or "").strip()
    code = str(line.codigo if line.codigo is not None else "").strip() or lines.as_code(text) or "?"
    status, standing = freight.meaning(text, STATUS.get(code.upper().lstrip("0"), Status.UNKNOWN))
    if status is Status.IN_TRANSIT and lines.by_words(text, freight.WORDS) is Status.READY_FOR_PICKUP:
        status = Status.READY_FOR_PICKUP  # it has arrived, and waits there
    if (line.url_insucesso or "").strip() and status in {Status.UNKNOWN, Status.DELIVERED, Status.OUT_FOR_DELIVERY}:
        status = Status.DELIVERY_FAILED  # there is a picture of the attempt in vain
    return Event(
        key=f"{awb} {code} {at.isoformat()} {lines.as_code(city)}",
        occurred_at=at,
        status=status,
        code=code,
        description=text,
        city=city,
        state=(line.unidade_uf or "").strip(),
        standing=standing,
    )


def proof(waybills: Sequence[Waybill], events: Sequence[Event]) -> Proof | None:
    """The newest picture, of the signed receipt or of the signature."""
    written = sorted((line for one in waybills for line in one.ocorrencias or ()), key=lambda line: line.data_hora)
    pictures = [picture for line in written if (picture := (line.pod or line.url_assinatura or "").strip())]
    delivered = any(one.status is Status.DELIVERED for one in events)
    return Proof(picture=pictures[-1]) if pictures and delivered else None
