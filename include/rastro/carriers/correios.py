"""
Correios (Brazil Post): objects under a contract, srorastro v1 at api.correios.com.br.

API docs: https://www.correios.com.br/atendimento/developers (srorastro 3.5; read 2026-11).
Quirks: ``codigosObjetos`` is repeated, since a comma list is one unknown code; ``resultado`` defaults to the last event
only; an ``Accept-Language`` other than pt-BR fails or translates the wording. An object that is unknown, malformed or
of another contract comes inside a 200, as ``mensagem`` without ``eventos``. ``recebedor``, ``destinatario`` and
``detalhe`` hold personal data and are never read. The body of Correios' old phone app (proxyapp) has the same fields
and is read too, as is a single object by itself.

What the lines mean is :mod:`rastro.carriers.correios_lines`, the token :mod:`rastro.carriers.correios_login`.
"""

import re
from collections.abc import Iterator, Sequence

import msgspec

from rastro import typed
from rastro.access import Access, Field
from rastro.carriers.base import Asks, Carrier
from rastro.carriers.correios_lines import STATUS, Line, history, moment, pickup
from rastro.carriers.correios_login import CorreiosLogin, ready_made_key
from rastro.errors import Misconfigured, Unreadable
from rastro.http import Request, Response
from rastro.models import Refusal, RefusalReason, Snapshot
from rastro.numbers import check_digit_fits, is_s10, normalise
from rastro.redaction import excerpt
from rastro.routing import Claims

NUMBER_FIRST = re.compile(rb'\{"codObjeto":"([A-Z]{2}[0-9]{9}[A-Z]{2})"')  # as Correios writes it: nothing to read
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Parcel(msgspec.Struct, rename="camel"):
    cod_objeto: str
    mensagem: str | None = None
    eventos: list[Line] | None = None
    dt_prevista: str | None = None


class Answer(msgspec.Struct, rename="camel"):
    objetos: list[msgspec.Raw] | None = None
    cod_objeto: str = ""


class Correios(Carrier):
    code = "correios"
    name = "Correios"
    docs = "https://www.correios.com.br/atendimento/developers"
    confidence = "A"
    base_url = "https://api.correios.com.br"
    fields = (
        Field(name="login", label="Meu Correios user", required=False, example="lojaexemplo"),
        Field(
            name="password", label="CWS access code", help="Made at cws.correios.com.br.", secret=True, required=False
        ),
        Field(
            name="posting_card",
            label="Posting card",
            help="Number of the cartão de postagem, leading zeros included.",
            required=False,
            example="0000000000",
        ),
        Field(
            name="contract",
            label="Contract",
            help="Number of the contract, where there is no posting card.",
            required=False,
        ),
        Field(name="dr", label="Regional (DR)", help="Only where the contract wants it.", required=False),
        Field(
            name="access_key",
            label="Ready-made key",
            help="cws-…, in place of all the others.",
            secret=True,
            required=False,
        ),
    )
    credentials = "Make an access code at https://cws.correios.com.br with the user that the contract belongs to."
    asks = Asks.BATCH
    batch_size = 50
    connections = 4
    requests_per_second = 25.0  # the gateway was seen to allow a contract 50
    statuses = STATUS
    login = CorreiosLogin()
    claims = Claims(
        names=(
            r"\bcorreios?\b|\bcarta\b",
            r"\b(sedex|pac)(?![a-z])",  # "SEDEX10", "PAC03298", but no "pacote"
            r"\b(mini envios?|envios? mini)\b",
        ),
        strong=(r"[A-Z]{2}[0-9]{9}[A-Z]{2}",),
        check=check_digit_fits,
        hosts=(r"(^|\.)correios\.com\.br$", r"(^|\.)linketrack\.com$"),
    )

    def page_about(self, number: str) -> str:
        return f"https://rastreamento.correios.com.br/app/index.php?objetos={number}"

    def doubt_about(self, reference: str) -> str:
        if not is_s10(reference):
            return "it is not of the form AA123456789BR"
        return "" if check_digit_fits(reference) else "its check digit is wrong: a letter or digit was mistyped"

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        key = ready_made_key(access.account) or (access.token.value if access.token else "")
        if not key:
            raise Misconfigured("correios: no token was obtained and the connection holds no extra.access_key, cws-…")
        return Request(
            method="GET",
            path="/srorastro/v1/objetos",
            params=(*(("codigosObjetos", number) for number in references), ("resultado", "T")),
            headers={"Accept-Language": "pt-BR", "Authorization": f"Bearer {key}"},
        )

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        del asked  # each object names its own
        body = response.body.removeprefix(b"\xef\xbb\xbf")
        try:
            answer = typed.decode(body, Answer)
        except UNREADABLE as error:
            raise Unreadable(f"correios: {what_else(body)}", raw=response.body) from error
        if answer.objetos:
            return ((reference_in(part), part) for part in map(bytes, answer.objetos))
        if answer.cod_objeto:
            return iter([(normalise(answer.cod_objeto), body)])
        raise Unreadable(f"correios: {what_else(body)}", raw=response.body)

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        try:
            parcel = typed.decode(raw, Parcel)
            events = history(parcel.eventos or [])
        except (*UNREADABLE, ValueError, OverflowError) as error:
            reason = f"correios: an object makes no sense ({error})"
            raise Unreadable(reason, raw=raw, reference=reference_in(raw)) from error
        reference = normalise(parcel.cod_objeto)
        if not reference:
            raise Unreadable("correios: an object without its number", raw=raw)
        if not events:
            return refusal(reference, (parcel.mensagem or "").strip())
        return Snapshot(
            reference=reference,
            events=events,
            estimated_at=moment(parcel.dt_prevista),
            pickup=pickup(parcel.eventos or []),
        )


def refusal(reference: str, said: str) -> Refusal:
    """An unknown message counts as "not found": the number is asked about again, and the words are kept."""
    match = re.match(r"SRO-?\s?(\d{3})", said)
    code = f"SRO-{match[1]}" if match else ""
    reason = RefusalReason.NOT_FOUND
    if code == "SRO-009":
        reason = RefusalReason.NOT_OURS
    elif code == "SRO-019" and not is_s10(reference):  # well-formed numbers were met with it before their posting
        reason = RefusalReason.MALFORMED
    return Refusal(reference=reference, reason=reason, code=code, message=said)


def reference_in(raw: bytes) -> str:
    if found := NUMBER_FIRST.match(raw):
        return found[1].decode()
    try:
        return normalise(typed.decode(raw, Answer).cod_objeto)
    except UNREADABLE:
        return ""


def what_else(body: bytes) -> str:
    """What a body is that is no srorastro answer."""
    start = body.lstrip()[:1]
    if start == b"<":
        return "the answer is HTML or XML: an error page, or a service that Correios has ended; ask srorastro/v1"
    if b'"objeto"' in body[:2000] and b'"pesquisa"' in body[:2000]:
        return "the answer is of rastroMobile, a service that Correios has ended; ask srorastro/v1"
    if start in {b"{", b"["} and excerpt(body) != "not JSON":
        return (
            f"the answer lists no objects ({excerpt(body) or 'JSON of another shape'}); is the connection's host right?"
        )
    return "the answer is empty" if not start else "the answer is not JSON, or was cut short"
