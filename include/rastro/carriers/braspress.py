"""
Braspress: by the invoice's number, or the shop's order, and the CNPJ that pays the freight.

API docs: https://api.braspress.com/home (tracking v3; read 2026-11).
Quirks: there are no codes, only words, and a line is told apart by these, its time and the consignment. What happened
stands in two lists, ``timeline`` and ``ocorrencias``, and the newest also in the head; a delivery may be told by the
head alone: ``dataEntrega`` beside a status that does not say otherwise, or the status ENTREGUE or FINALIZADO. Dates are
``dd/mm/yyyy`` with or without a time, Brasília's. An invoice is known for ninety days from its transport document. An
error has ``statusCode`` and ``message``, and a ``dateTime`` that differs each time. One invoice can be several
consignments, and its delivery is told when none of them is on its way any more.

Guesses: the words themselves, of which no list is published; that what cannot be found comes as statusCode 404 or says
"não encontrado".
"""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

import msgspec

from rastro.access import Access, Field
from rastro.carriers import freight, lines
from rastro.carriers.base import Carrier
from rastro.errors import Rejected, Unreadable, error_for
from rastro.http import Request, Response, path_segment
from rastro.models import Event, ReferenceKind, Refusal, RefusalReason, Snapshot, Status
from rastro.redaction import redact
from rastro.references import kind_of, parts_of
from rastro.routing import Claims, folded

AT_AN_END = r"^(entregue|finalizado|entrega (realizada|finalizada|efetuada|concluida))[.! ]*$"
UNKNOWN_INVOICE = r"nao (foi |foram )?(encontrad|localizad)|\bnenhum|inexistente"


class Line(msgspec.Struct):
    descricao: str
    data: str


class Consignment(msgspec.Struct, rename="camel"):
    numero: str | int | None = None
    emissao: str | None = None
    previsao_entrega: str | None = None
    data_entrega: str | None = None
    status: str | None = None
    data_ocorrencia: str | None = None
    ultima_ocorrencia: str | None = None
    timeline: list[Line] | None = None
    ocorrencias: list[Line] | None = None


class Answer(msgspec.Struct, rename="camel"):
    """``conhecimentos`` is empty where there are none at all, as in an error."""

    conhecimentos: msgspec.Raw = msgspec.Raw()
    status_code: int | str | None = None
    message: str | None = None


class Braspress(Carrier):
    code = "braspress"
    name = "Braspress"
    docs = "https://api.braspress.com/home"
    confidence = "B"
    unsure = "No list of the words it writes is published, and how it refuses an unknown invoice is a guess."
    base_url = "https://api.braspress.com"
    fields = (
        Field(name="login", label="User", help="The user of the API, which is not the one of the web site."),
        Field(name="password", label="Password", secret=True),
        Field(
            name="payer_cnpj",
            label="CNPJ that pays the freight",
            help="Where it is not the one that issued the invoice; needed to ask by order.",
            required=False,
        ),
    )
    credentials = "Ask Braspress's commercial contact for a user and password of the API."
    references = (ReferenceKind.INVOICE_NUMBER, ReferenceKind.ORDER)
    requests_per_second = 1.0  # no limit is published
    answers = frozenset({400, 404})  # a refusal in words may come with these
    statuses: ClassVar[Mapping[str, Status]] = {
        word: lines.by_words(word, freight.WORDS)
        for word in ("EMISSAO", "EM TRANSITO", "EM VIAGEM", "SAIU PARA ENTREGA", "ENTREGUE")
    }
    claims = Claims(names=(r"\bbraspress\b",), hosts=(r"(^|\.)braspress\.com(\.br)?$",))

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        account = access.account
        cnpj = bare(account.value("payer_cnpj"))
        if kind_of(references[0]) is ReferenceKind.ORDER:
            by, number = "byNumPedido", parts_of(references[0])[0]
        else:
            shipper, number = parts_of(references[0])
            by, number, cnpj = "byNf", number.lstrip("0") or number, cnpj or bare(shipper)
        if not cnpj:
            raise Rejected(
                "braspress: to ask by order, the connection's extra.payer_cnpj must hold who pays the freight"
            )
        pair = base64.b64encode(f"{account.login}:{account.password}".encode()).decode()
        return Request(
            method="GET",
            path=f"/v3/tracking/{by}/{path_segment(cnpj)}/{path_segment(number)}/json",
            headers={"Authorization": f"Basic {pair}"},
            accept=self.answers,
        )

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        answer = lines.decoded(response.body, Answer, self.code)
        if bytes(answer.conhecimentos):
            raw = b'{"conhecimentos":' + bytes(answer.conhecimentos) + b"}"
        else:
            raw = msgspec.json.encode(refused(answer, response))
        return iter([(asked[0] if asked else "", raw)])

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        answer = lines.decoded(raw, Answer, self.code)
        if not bytes(answer.conhecimentos):
            said, code = redact((answer.message or "").strip())[:120], str(answer.status_code or "")
            return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, code=code, message=said)
        consignments = lines.decoded(bytes(answer.conhecimentos), list[Consignment], self.code)
        try:
            events = lines.of_several([history(one) for one in consignments])
            estimates = [at for one in consignments if (at := freight.end_of(one.previsao_entrega))]
        except lines.UNREADABLE as error:
            raise Unreadable(f"braspress: a line makes no sense ({error})", raw=raw, reference=reference) from error
        if not events:
            return Refusal(
                reference=reference, reason=RefusalReason.NOT_FOUND, message="no consignment, or no line of it"
            )
        return Snapshot(reference=reference, events=events, estimated_at=max(estimates, default=None))


def bare(cnpj: str) -> str:
    """A CNPJ without dots, dashes and slashes; newer ones hold letters."""
    return re.sub(r"[^0-9A-Z]", "", cnpj.upper())


def refused(answer: Answer, response: Response) -> Mapping[str, str]:
    """
    What an error says that is about the invoice, without its time.

    :raises RastroError: it is about something else.
    """
    code, said = str(answer.status_code or ""), (answer.message or "").strip()
    if code == "404" or re.search(UNKNOWN_INVOICE, folded(said)):
        return {"statusCode": code, "message": said}
    if code in {"401", "403", "408", "429"} or re.fullmatch(r"5[0-9]{2}", code):
        raise error_for(int(code), "braspress: the tracking, in its body,", answer=redact(said)[:80])
    raise Unreadable(f"braspress: neither consignments nor an error about one ({code})", raw=response.body)


def history(consignment: Consignment) -> tuple[Event, ...]:
    """
    The lines of both lists, the newest one in the head, and what the head says beyond them.

    :raises ValueError: a time makes no sense.
    """
    number = str(consignment.numero or "").strip()
    events = [*told(consignment.timeline, number), *told(consignment.ocorrencias, number)]
    newest = (consignment.ultima_ocorrencia or "").strip()
    at = freight.told_at(consignment.data_ocorrencia)
    if newest and at and not any(is_the_same(one, newest, at) for one in events):
        events.append(event(newest, at, number))
    events += delivery(consignment, events, number)
    status = (consignment.status or "").strip()
    if not events and status and consignment.emissao:
        events = [event(status, lines.moment(consignment.emissao), number)]
    return freight.history(events)


def told(written: Sequence[Line] | None, number: str) -> Iterator[Event]:
    times = [lines.moment(line.data) for line in written or ()]
    for line, at in lines.oldest_first(list(zip(written or (), times, strict=True)), times):
        yield event(line.descricao.strip(), at, number)


def is_the_same(one: Event, text: str, at: datetime) -> bool:
    """Whether a line is the head's newest, which may name the day alone."""
    return one.occurred_at.date() == at.date() and lines.as_code(one.description) == lines.as_code(text)


def delivery(consignment: Consignment, events: Sequence[Event], number: str) -> Iterator[Event]:
    """
    The delivery that only the head tells: never against its own words, nor for what is on its way back.

    It is known by its day; what else happened on that day came before it.
    """
    status = (consignment.status or "").strip()
    worded, newest = (lines.by_words(text, freight.WORDS) for text in (status, consignment.ultima_ocorrencia or ""))
    known = {one.status for one in events}
    if not status or worded not in {Status.UNKNOWN, Status.DELIVERED}:
        return
    if Status.DELIVERED in known or {newest, *known} & lines.WAY_BACK:
        return
    at = freight.told_at(consignment.data_entrega)
    if at is None and re.search(AT_AN_END, folded(status)):
        at = freight.told_at(consignment.data_ocorrencia)
    if at is None:
        return
    same_day = [one.occurred_at for one in events if one.occurred_at.date() == at.date()]
    yield Event(
        key=f"{number} dataEntrega {at.date().isoformat()}",
        occurred_at=max([at, *same_day]),
        status=Status.DELIVERED,
        code=lines.as_code(status),
        description=status,
    )


def event(text: str, at: datetime, number: str) -> Event:
    code = lines.as_code(text) or "?"
    status, standing = freight.meaning(text)
    return Event(
        key=f"{number} {code} {at.isoformat()}",
        occurred_at=at,
        status=status,
        code=code,
        description=text,
        standing=standing,
    )
