"""
Kangu: a network of pickup points over several carriers, asked by its tracking code.

API docs: https://portal.kangu.com.br/docs/api/transporte (read 2026-11).
Quirks: the token is a header of that name. ``situacao`` is where the parcel is now and ``historico`` what was before,
with items of the same shape; the newest may stand in both. What is wrong comes as ``error`` with HTTP 400, whether the
code is unknown, still pending or the token is missing; in a good answer it stands there empty. ``observacao`` may name
who took the parcel and is never read. Kangu belongs to Mercado Livre.

Guesses: times are Brasília's; beside the three known values of ``shipmentStatus``, the words of ``ocorrencia`` say
what happened, and they never make a delivery of a value that is not known; the same words tell an attempt in vain, a
return and a pickup apart from the way. Which message means what is guessed by its words.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from rastro.access import Access, Field
from rastro.carriers import lines
from rastro.carriers.base import Carrier
from rastro.errors import CredentialsRefused, RateLimited, Transient, Unreadable
from rastro.http import Request, Response, path_segment
from rastro.models import Event, Refusal, RefusalReason, Snapshot, Status
from rastro.routing import Claims, folded

STATUS: Mapping[str, Status] = {
    "DELIVERED": Status.DELIVERED,
    "SHIPPED": Status.IN_TRANSIT,
    "DROPPED_OFF": Status.IN_TRANSIT,  # at one of Kangu's points
}
BACK: lines.Words = (
    (r"(sera|sendo) devolvid|em devolucao|devolucao (iniciada|autorizada|em andamento|solicitada)", Status.RETURNING),
    (r"devolvid|devolucao (concluida|finalizada|realizada)|entregue ao remetente", Status.RETURNED),
)
WORDS: lines.Words = (
    *BACK,
    (r"devolucao|retorno ao remetente", Status.RETURNING),
    (r"cancelad", Status.CANCELLED),
    (r"extravi|\broub|\bfurt", Status.LOST),
    (r"avari|retid|\bfiscal", Status.ON_HOLD),
    (r"nao (foi )?(entregue|realizad)|ausente|insucesso|recusad|tentativa", Status.DELIVERY_FAILED),
    (r"(aguardando|disponivel para) retirada", Status.READY_FOR_PICKUP),
    (r"saiu para entrega|em rota de entrega", Status.OUT_FOR_DELIVERY),
    (r"^(pedido |objeto |encomenda )?entregue( ao destinatario)?$|^entrega realizada$", Status.DELIVERED),
    (r"etiqueta|aguardando (postagem|coleta)", Status.INFO_RECEIVED),
    (r"postad|coletad|em transito|transferencia|recebido (na|no|pela)", Status.IN_TRANSIT),
)
REFINED: Mapping[Status, lines.Words] = {
    Status.IN_TRANSIT: tuple(pair for pair in WORDS if pair[1] not in {Status.DELIVERED, Status.INFO_RECEIVED}),
    Status.DELIVERED: (*BACK, (r"nao (foi )?(entregue|realizad)", Status.DELIVERY_FAILED)),
}
NOT_KNOWN = r"nao (foi )?(encontrad|localizad|cadastrad)|nao existe|inexistente|\binvalid|pendente|sem rastre"


class Line(msgspec.Struct, rename="camel"):
    shipment_status: str | None = None
    ocorrencia: str | None = None
    data: str | None = None
    data_hora: str | None = None


class Fault(msgspec.Struct):
    codigo: int | str | None = None
    mensagem: str | None = None


class Answer(msgspec.Struct, rename="camel"):
    dt_prev_ent: str | None = None
    situacao: Line | None = None
    historico: list[Line] | None = None
    error: Fault | None = None


class Kangu(Carrier):
    code = "kangu"
    name = "Kangu"
    docs = "https://portal.kangu.com.br/docs/api/transporte"
    confidence = "B"
    unsure = "Only three status values are known; the rest, and the errors, are read from their words."
    base_url = "https://portal.kangu.com.br"
    fields = (Field(name="password", label="Token", help="Of the account, sent in the header token.", secret=True),)
    credentials = "Copy the token from the integrations page of Kangu's portal."
    requests_per_second = 1.0  # no limit is published
    answers = frozenset({400})
    statuses = STATUS
    claims = Claims(names=(r"\bkangu\b",), hosts=(r"(^|\.)kangu\.com\.br$",), gateway=True)

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        return Request(
            method="GET",
            path=f"/tms/transporte/rastrear/{path_segment(references[0])}",
            headers={"token": access.account.password},
            accept=self.answers,
        )

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        answer = lines.decoded(response.body, Answer, self.code)
        said = complaint_in(answer)
        if said:
            complain(said)
        elif response.status == 400 or (answer.situacao is None and answer.historico is None):
            raise Unreadable("kangu: an answer with neither parcel nor error", raw=response.body)
        return iter([(asked[0] if asked else "", response.body)])

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        answer = lines.decoded(raw, Answer, self.code)
        if said := complaint_in(answer):
            if not re.search(NOT_KNOWN, folded(said)):
                raise Unreadable("kangu: an error that nothing explains", raw=raw, reference=reference)
            code = str(answer.error.codigo or "") if answer.error else ""
            return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, code=code, message=said)
        try:
            events = history(answer)
            estimated_at = lines.end_of_day(lines.moment_or_none(answer.dt_prev_ent))
        except lines.UNREADABLE as error:
            raise Unreadable(f"kangu: a line makes no sense ({error})", raw=raw, reference=reference) from error
        if not events:
            return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, message="no line of a history")
        return Snapshot(reference=reference, events=events, estimated_at=estimated_at)


def complaint_in(answer: Answer) -> str:
    """The message of an error; empty where there is none, and where it only stands beside a good answer."""
    told = answer.historico or (answer.situacao and says_something(answer.situacao))
    return "" if told or not answer.error else (answer.error.mensagem or "").strip()


def complain(said: str) -> None:
    """
    :raises RastroError: an error is about the call and not about the parcel.
    """
    bare = folded(said)
    if re.search(r"\btoken\b|nao autorizad|acesso negado", bare):
        raise CredentialsRefused("kangu: the token is refused; check the connection's password")
    if re.search(r"limite de|muitas (requisicoes|consultas)|too many", bare):
        raise RateLimited("kangu: too many requests, the rest is left for later")
    if re.search(r"indisponivel|fora do ar|tente (novamente|mais tarde)|erro interno|time ?out", bare):
        raise Transient("kangu: the service is in trouble, try again later")


def history(answer: Answer) -> tuple[Event, ...]:
    """
    The lines before and the one now, which may be among them.

    :raises ValueError: a time makes no sense.
    """
    written = [line for line in answer.historico or [] if says_something(line)]
    times = [lines.moment(line.data_hora or line.data) for line in written]
    in_order = lines.oldest_first(list(zip(written, times, strict=True)), times)
    events = {one.key: one for one in (event(line, at) for line, at in in_order)}
    if answer.situacao and says_something(answer.situacao):
        now = event(answer.situacao, lines.moment(answer.situacao.data_hora or answer.situacao.data))
        events.setdefault(now.key, now)
    return lines.history(events.values())


def says_something(line: Line) -> bool:
    return bool(line.ocorrencia or line.shipment_status)


def event(line: Line, at: datetime) -> Event:
    text, code = (line.ocorrencia or "").strip(), (line.shipment_status or "").strip().upper()
    status = meaning(code, text)
    return Event(
        key=f"{lines.as_code(text) or code} {at.isoformat()}",
        occurred_at=at,
        status=status,
        code=code[:80] or lines.as_code(text) or "?",
        description=text or code,
    )


def meaning(code: str, text: str) -> Status:
    known = STATUS.get(code)
    if known is None:
        by_text = lines.by_words(text, WORDS)
        return Status.UNKNOWN if code and by_text is Status.DELIVERED else by_text
    if known is Status.DELIVERED and not text:
        return Status.UNKNOWN  # the words say to whom
    refined = lines.by_words(text, REFINED[known])
    return known if refined is Status.UNKNOWN else refined
