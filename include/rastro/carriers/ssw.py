"""
SSW: the system that dozens of regional carriers run on, asked by the invoice's access key.

API docs: https://ssw.inf.br (trackingdanfe; public, read 2026-11).
Quirks: whoever knows the key may ask, there is no login. Each carrier has codes of its own, in brackets behind the
words; what counts is ``codigo_ssw``, and the words where that is not known. An unknown invoice comes with success
false, as a 200 or a 404. A line is dated when it was written and when it happened, both Brasília's without an offset;
the earlier one counts, the former makes the key. The signed receipt is filed days after the delivery and moves nothing.
The estimate stands within a description, which may name people and is read for nothing else.

Guesses: that the codes of scheduling mean no more than being on the way; that "devolvido" is the way back until the
return is said to be delivered; how it is said that a key is none, that there were too many questions, or an outage.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from rastro.access import Access
from rastro.carriers import freight, lines
from rastro.carriers.base import Carrier
from rastro.errors import RateLimited, Rejected, Transient, Unreadable
from rastro.http import Request, Response
from rastro.models import Event, Proof, ReferenceKind, Refusal, RefusalReason, Snapshot, Standing, Status
from rastro.redaction import redact
from rastro.references import parts_of
from rastro.routing import Claims, folded

STATUS: Mapping[str, Status] = {
    "01": Status.DELIVERED,
    "02": Status.IN_TRANSIT,  # to be scheduled
    "08": Status.IN_TRANSIT,  # to be scheduled
    "15": Status.IN_TRANSIT,  # scheduled
    "80": Status.IN_TRANSIT,  # its transport document was issued
    "85": Status.OUT_FOR_DELIVERY,
}
REMARKS = frozenset({"70"})  # the signed receipt is on file
ESTIMATE = r"previsao de entrega:? *([0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4})"
UNKNOWN_INVOICE = r"nenhum documento|nao (foi )?(localizad|encontrad)"
NO_KEY = r"chave.*invalid"
HASTE = r"muitas (requisic|consult)|limite (de|excedid)"
TROUBLE = r"indisponive|tente novamente|manutencao|erro interno"


class Line(msgspec.Struct):
    data_hora: str
    ocorrencia: str
    codigo_ssw: str | int | None = None
    data_hora_efetiva: str | None = None
    dominio: str | None = None
    filial: str | None = None
    cidade: str | None = None
    descricao: str | None = None
    nome_recebedor: str | None = None


class Tracked(msgspec.Struct):
    tracking: msgspec.Raw


class Answer(msgspec.Struct):
    success: bool
    message: str | None = None
    documento: Tracked | None = None


class Ssw(Carrier):
    code = "ssw"
    name = "SSW (regional carriers)"
    docs = "https://ssw.inf.br"
    confidence = "B"
    unsure = (
        "Only some codes are known, other lines are read by their words. The public view hides some of what happens."
    )
    base_url = "https://ssw.inf.br/api"
    fields = ()
    credentials = "No credentials are needed: whoever holds an invoice's access key may ask."
    references = (ReferenceKind.INVOICE_KEY, ReferenceKind.TRACKING_NUMBER)
    requests_per_second = 1.0  # no limit is published
    answers = frozenset({404})
    statuses = STATUS
    claims = Claims(
        names=(
            r"\bssw\b",
            r"\bpajucara\b|\btecmar\b|\barlete\b|\bsal express\b|\bpatrus\b",
            r"^(ativa|favorita)$|\b(transp\w*|expresso|grupo) (ativa|favorita)\b|\b(ativa|favorita) (log|transp|carga)",
        ),
        strong=(r"[0-9]{44}",),
        check=freight.check_digit_fits,
        hosts=(r"(^|\.)ssw\.inf\.br$",),
        gateway=True,  # to carriers some of which have an adapter of their own
    )

    def doubt_about(self, reference: str) -> str:
        number = parts_of(reference)[0]
        if not freight.is_access_key(number):
            return "SSW knows parcels by the invoice's access key of 44 digits, and this is none"
        return freight.doubt_about_key(number)

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        del access
        key = parts_of(references[0])[0]
        if not freight.is_access_key(key):
            raise Rejected("ssw: parcels are known by the invoice's access key of 44 digits; the order has none")
        return Request(method="POST", path="/trackingdanfe", json={"chave_nfe": key}, accept=self.answers)

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        answer = lines.decoded(response.body, Answer, self.code)
        message = answer.message or ""
        raw = msgspec.json.encode({"success": False, "message": message})
        if answer.success:
            if response.status == 404 or answer.documento is None:
                raise Unreadable("ssw: a success without a document", raw=response.body)
            # The heading, with the names of both sides, is not taken along.
            raw = b'{"success":true,"documento":{"tracking":' + bytes(answer.documento.tracking) + b"}}"
        elif re.search(HASTE, folded(message)):
            raise RateLimited(f"ssw: too many questions ({redact(message)[:80]}), the rest is left for later")
        elif re.search(TROUBLE, folded(message)):
            raise Transient(f"ssw: the other side is in trouble ({redact(message)[:80]}), try again later")
        return iter([(asked[0] if asked else "", raw)])

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        answer = lines.decoded(raw, Answer, self.code)
        if answer.documento is None:
            return refusal(answer, raw, reference)
        written = lines.decoded(bytes(answer.documento.tracking), list[Line], self.code)
        try:
            times = [lines.moment(line.data_hora) for line in written]
            in_order = lines.oldest_first(list(zip(written, times, strict=True)), times)
            events = freight.history(event(line, at) for line, at in in_order)
            estimated_at = estimate([line for line, _ in in_order])
        except lines.UNREADABLE as error:
            raise Unreadable(f"ssw: a line makes no sense ({error})", raw=raw, reference=reference) from error
        if not events:
            return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, message="a document without lines")
        return Snapshot(reference=reference, events=events, estimated_at=estimated_at, proof=proof(written, events))


def refusal(answer: Answer, raw: bytes, reference: str) -> Refusal:
    """:raises Unreadable: it is not about the invoice; a person must see it."""
    said = (answer.message or "").strip()
    if answer.success:
        raise Unreadable("ssw: a success without a document", raw=raw, reference=reference)
    for pattern, reason in ((UNKNOWN_INVOICE, RefusalReason.NOT_FOUND), (NO_KEY, RefusalReason.MALFORMED)):
        if re.search(pattern, folded(said)):
            return Refusal(reference=reference, reason=reason, message=redact(said)[:120])
    raise Unreadable(f"ssw: an error of its own ({redact(said)[:80]})", raw=raw, reference=reference)


def event(line: Line, written_at: datetime) -> Event:
    text, code = text_of(line), code_of(line)
    status, standing = meaning(line)
    city, _, state = (line.cidade or "").partition("/")
    happened_at = freight.told_at(line.data_hora_efetiva)
    code = code or lines.as_code(text) or "?"
    return Event(
        key=f"{code} {written_at.isoformat()} {(line.dominio or '').strip()} {(line.filial or '').strip()}",
        occurred_at=min(written_at, happened_at or written_at),
        status=status,
        code=code,
        description=text,
        city=city.strip(),
        state=state.strip(),
        standing=standing,
    )


def meaning(line: Line) -> tuple[Status, Standing]:
    code = code_of(line)
    if code in REMARKS:
        return Status.UNKNOWN, Standing.INFORMATIVE
    return freight.meaning(text_of(line), STATUS.get(code, Status.UNKNOWN))


def text_of(line: Line) -> str:
    """The words without the carrier's own code behind them."""
    return re.sub(r"\s*\([0-9]+\)\s*$", "", line.ocorrencia).strip()


def code_of(line: Line) -> str:
    """SSW's own code in two digits; empty when it has none."""
    code = str(line.codigo_ssw if line.codigo_ssw is not None else "").strip()
    return code.zfill(2) if code else ""


def estimate(oldest_first: Sequence[Line]) -> datetime | None:
    """The day that the newest line names which names one."""
    named = [re.findall(ESTIMATE, folded(f"{line.ocorrencia} {line.descricao or ''}")) for line in oldest_first]
    days = [at for found in named for day in found if (at := freight.end_of(day))]
    return days[-1] if days else None


def proof(written: Sequence[Line], events: Sequence[Event]) -> Proof | None:
    names = [lines.initials(line.nome_recebedor) for line in written if meaning(line)[0] is Status.DELIVERED]
    delivered = any(one.status is Status.DELIVERED for one in events)
    return Proof(received_by=names[-1]) if delivered and any(names[-1:]) else None
