"""
Correios' CWS: tokens and tracking, refusing what the carrier refuses.

A batch answer is joined from the bytes kept for each object, so that asking about fifty costs next to nothing.
"""

import base64
import hashlib
import hmac
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from simulator import credentials
from simulator.calls import Call, Malformed, Reply, answer
from simulator.journeys import journey
from simulator.records import Parcel, Settings
from simulator.world import BRASILIA, World, now

VERSION = "3.5.49"
LANGUAGES = {"pt-BR", "en", "es-ES"}
RESULTS = {"T": "Todos os Eventos", "U": "Último Evento", "P": "Primeiro Evento"}
MOST_CODES = 50
S10 = re.compile(r"[A-Z]{2}\d{9}[A-Z]{2}")
SIGNING_KEY = b"signs the simulator's tokens, nothing else"
FRESH_ENOUGH = 1800.0  # seconds: with more than this left, the running token is given out again
REFUSALS = {
    "SRO-009": "SRO-009: Objeto não pertence ao contrato",
    "SRO-019": "SRO-019: Objeto inválido",
    "SRO-020": "SRO-020: Objeto não encontrado na base de dados dos Correios.",
}
POSTAL_TYPES = {
    "QQ": ("ETIQUETA LOGICA PAC", "ENCOMENDA PAC"),
    "QN": ("ETIQUETA LOGICA PAC QN", "ENCOMENDA PAC"),
    "OV": ("ETIQUETA LOGICA SEDEX", "SEDEX"),
    "TJ": ("ETIQUETA LOGICA SEDEX TJ", "SEDEX"),
    "LX": ("OBJETO INTERNACIONAL PACKET", "INTERNACIONAL"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    user: str
    access_code: str
    posting_card: str
    number: str


FIRST = Contract(
    user=credentials.CORREIOS_USER,
    access_code=credentials.CORREIOS_ACCESS_CODE,
    posting_card=credentials.CORREIOS_POSTING_CARD,
    number=credentials.CORREIOS_CONTRACT,
)
SECOND = Contract(
    user=credentials.SECOND_CORREIOS_USER,
    access_code=credentials.SECOND_CORREIOS_ACCESS_CODE,
    posting_card=credentials.SECOND_CORREIOS_POSTING_CARD,
    number=credentials.SECOND_CORREIOS_CONTRACT,
)


class Correios:
    def __init__(self, world: World) -> None:
        self._world = world
        self._objects: dict[tuple[str, str], tuple[int, bytes]] = {}
        self._tokens: dict[tuple[str, str, int], tuple[float, str]] = {}
        self._asked_for_token: deque[float] = deque()

    def answer(self, call: Call) -> Reply:
        match (call.method, *call.segments):
            case ("POST", "token", "v1", "autentica"):
                return self._token(call, "")
            case ("POST", "token", "v1", "autentica", "cartaopostagem" | "contrato" as kind):
                return self._token(call, kind)
            case ("GET", "srorastro", "v1", "objetos"):
                return self._guarded(call, lambda user: self._batch(call, user))
            case ("GET", "srorastro", "v1", "objetos", code):
                return self._guarded(call, lambda user: self._single(call, code, user))
        return complaint(call, 404, "Recurso não encontrado")

    def _token(self, call: Call, kind: str) -> Reply:
        limit = self._world.settings.token_requests_per_second
        at = time.monotonic()
        while self._asked_for_token and self._asked_for_token[0] < at - 1:
            self._asked_for_token.popleft()
        self._asked_for_token.append(at)
        if limit and len(self._asked_for_token) > limit:
            return Reply(status=429)
        shown = call.headers.get("authorization")
        contract = next((one for one in (FIRST, SECOND) if shown == basic(one.user, one.access_code)), None)
        if contract is None:
            return complaint(call, 401, "Usuário ou código de acesso inválido")
        expected = {"cartaopostagem": contract.posting_card, "contrato": contract.number}
        if kind:
            try:
                number = call.record().get("numero")
            except Malformed as error:
                return complaint(call, 400, str(error))
            if number != expected[kind]:
                return complaint(call, 400, f"GTW-015: {kind} não pertence ao usuário")
        return answer(self._token_body(kind, contract), 201)

    def _token_body(self, kind: str, contract: Contract) -> dict[str, Any]:
        settings, issued = self._world.settings, now()
        key = (contract.user, kind, settings.token_generation)
        held = self._tokens.get(key)
        if held is None or held[0] - issued.timestamp() <= FRESH_ENOUGH:
            expires = issued.timestamp() + settings.token_lifetime
            claims = {
                "iat": issued.timestamp(), "exp": expires, "kind": kind, "gen": settings.token_generation,
                "user": contract.user,
            }  # fmt: skip
            held = self._tokens[key] = (expires, signed(claims))
        expires_at = datetime.fromtimestamp(held[0], BRASILIA)
        body: dict[str, Any] = {
            "ambiente": "PRODUCAO",
            "id": contract.user,
            "ip": "127.0.0.1",
            "perfil": "PJ",
            "cnpj": "12345678000100",
            "emissao": issued.astimezone(BRASILIA).strftime("%Y-%m-%dT%H:%M:%S"),
            "expiraEm": expires_at.strftime("%Y-%m-%dT%H:%M:%S"),
            "zoneOffset": "-03:00",
            "token": held[1],
        }
        apis = [{"api": number} for number in (5, 34, 35, 87)]
        if kind == "cartaopostagem":
            body["cartaoPostagem"] = {
                "numero": contract.posting_card,
                "contrato": contract.number,
                "dr": 72,
                "api": apis,
            }
        if kind == "contrato":
            body["contrato"] = {"numero": contract.number, "dr": 72, "api": apis}
        return body

    def _guarded(self, call: Call, ask: Callable[[str], Reply]) -> Reply:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        claims = verified(token) if scheme == "Bearer" else None
        if claims is None:
            return complaint(call, 401, "GTW-003: Token ausente ou inválido")
        if claims["exp"] <= now().timestamp() or claims["gen"] != self._world.settings.token_generation:
            return complaint(call, 401, "GTW-006: Token expirado")
        if not claims["kind"]:
            return complaint(call, 403, "GTW-012: API 87 restrita para o usuário")
        if call.headers.get("accept-language") not in LANGUAGES:
            return complaint(call, 400, "SRO-018: Idioma não permitido. Use pt-BR, en ou es-ES")
        return ask(claims["user"])

    def _batch(self, call: Call, user: str) -> Reply:
        codes = call.every("codigosObjetos")
        result = call.first("resultado", "U")
        if not codes or not all(codes):
            return complaint(call, 400, "SRO-001: Informe ao menos um código de objeto")
        if len(codes) > MOST_CODES:
            return complaint(call, 400, f"SRO-017: O limite é de {MOST_CODES} objetos por consulta")
        return self._objects_answer(call, codes, result, user)

    def _single(self, call: Call, code: str, user: str) -> Reply:
        return self._objects_answer(call, [code], call.first("resultado", "T"), user)

    def _objects_answer(self, call: Call, codes: list[str], result: str, user: str) -> Reply:
        if result not in RESULTS:
            return complaint(call, 400, "SRO-016: resultado deve ser T, P ou U")
        # The carrier does not keep the order of the question; whoever relies on it finds out here.
        objects = b",".join(self._object(code, result, user) for code in reversed(codes))
        head = f'{{"versao":"{VERSION}","quantidade":{len(codes)},"objetos":['
        tail = f'],"tipoResultado":"{RESULTS[result]}"}}'
        return Reply(body=head.encode() + objects + tail.encode())

    def _object(self, code: str, result: str, user: str) -> bytes:
        parcel = self._world.parcels.get(code)
        if parcel is None:
            return refusal(code, "SRO-020" if S10.fullmatch(code) else "SRO-019")
        contract = contract_of(parcel, self._world.settings)
        if parcel.carrier != "correios" or contract.user != user:
            return refusal(code, "SRO-009")
        version = self._world.versions.get(f"parcel:{code}", 0)
        kept = self._objects.get((code, result))
        if kept is None or kept[0] != version:
            kept = self._objects[code, result] = (version, described(parcel, result, contract))
        return kept[1]


def contract_of(parcel: Parcel, settings: Settings) -> Contract:
    """The one by which it was posted, and which alone knows it."""
    return SECOND if parcel.account and parcel.account == settings.second_contract else FIRST


def described(parcel: Parcel, result: str, contract: Contract) -> bytes:
    """One object of an answer, newest event first."""
    known = journey(parcel.kind).upto(parcel.position)
    if not parcel.lines:
        return refusal(parcel.number, known[-1].refusal or "SRO-020")
    events = parcel.lines[::-1]
    events = {"T": events, "U": events[:1], "P": events[-1:]}[result]
    kind, category = POSTAL_TYPES[parcel.number[:2]]
    first = datetime.fromisoformat(parcel.lines[0]["dtHrCriado"])
    return msgspec.json.encode(
        {
            "codObjeto": parcel.number,
            "tipoPostal": {"sigla": parcel.number[:2], "descricao": kind, "categoria": category},
            "dtPrevista": f"{first + timedelta(days=7):%Y-%m-%d}T23:59:59",
            "contrato": contract.number,
            "largura": 16,
            "comprimento": 24,
            "altura": 10,
            "diametro": 0,
            "peso": 0.5,
            "formato": "PACOTE",
            "modalidade": "F",
            "valorDeclarado": 0,
            "eventos": events,
        }
    )


def refusal(code: str, reason: str) -> bytes:
    return msgspec.json.encode({"codObjeto": code, "mensagem": REFUSALS[reason]})


def complaint(call: Call, status: int, message: str) -> Reply:
    """An error as the gateway words it."""
    path = call.path.partition("?")[0]
    date = f"{now().astimezone(BRASILIA):%Y-%m-%dT%H:%M:%S}"
    return answer({"msgs": [message], "date": date, "method": call.method, "path": path, "causa": message}, status)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(claims: dict[str, Any]) -> str:
    """A JWT (HS256)."""
    header = encoded(b'{"alg":"HS256","typ":"JWT"}')
    text = f"{header}.{encoded(msgspec.json.encode(claims))}"
    return f"{text}.{encoded(hmac.digest(SIGNING_KEY, text.encode(), hashlib.sha256))}"


def verified(token: str) -> dict[str, Any] | None:
    """The claims of a token of ours, None for any other text."""
    text, _, signature = token.rpartition(".")
    if not text or not hmac.compare_digest(
        encoded(hmac.digest(SIGNING_KEY, text.encode(), hashlib.sha256)).encode(), signature.encode()
    ):
        return None
    payload = text.partition(".")[2]
    claims: dict[str, Any] = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims
