"""
Azul Cargo's toolkit: a token in the body of each question, one parcel a call, refusals in words.

Beside the codes of air freight and 1, its numbers are invented, and their words tell what they mean. A waybill is found
by its eleven digits alone, so that whoever asks by eight must ask again.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.carriers.base import Happening, SimulatedCarrier, What
from simulator.records import Parcel
from simulator.world import BRASILIA, World

EMAIL = "integracao@loja.example"
PASSWORD = "simulated-azul-password"  # noqa: S105 -- invented, accepted by the simulator alone
HOURS = 8
LINES = {
    What.LABEL: ("BKD", "Reserva confirmada"),
    What.POSTED: ("RCS", "Recebido"),
    What.MOVED: ("DEP", "Embarcado"),
    What.OUT: ("61", "Saiu para entrega"),
    What.ABSENT: ("62", "Destinatário ausente"),
    What.WAITING: ("63", "Disponível para retirada"),
    What.DELIVERED: ("1", "Entrega realizada"),
    What.RETURNING: ("64", "Em devolução ao remetente"),
    What.RETURNED: ("65", "Devolução entregue"),
    What.LOST: ("66", "Extravio da carga"),
    What.HELD: ("67", "Retido na fiscalização"),
}


class Simulated(SimulatedCarrier):
    code = "azul_cargo"
    courier = "Azul Cargo Express"
    connection: ClassVar[Mapping[str, Any]] = {"login": EMAIL, "password": PASSWORD}

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._tokens: dict[str, float] = {}  # when each ends

    def number(self, serial: int) -> str:
        return f"577{serial % 10**8:08d}"

    def answer(self, call: Call) -> Reply:
        try:
            asked = call.record()
        except Malformed as error:
            return refuse(str(error), 400)
        match (call.method, *call.segments):
            case ("POST", "api", "Autenticacao", "AutenticarUsuario"):
                return self._token(asked)
            case ("POST", "api", "Rastreio", "Consultar"):
                return self._tracking(asked)
        return refuse("Recurso inexistente.", 404)

    def _token(self, asked: dict[str, Any]) -> Reply:
        if asked != {"Email": EMAIL, "Senha": PASSWORD}:
            return refuse("Usuário ou senha inválidos.")
        lasts = min(HOURS * 3600.0, self.world.settings.token_lifetime)
        token = f"azul-{self.world.settings.token_generation}-{len(self._tokens) + 1:06d}"
        self._tokens[token] = self.now().timestamp() + lasts
        return answer({"HasErrors": False, "ErrorText": "", "Value": token})

    def _tracking(self, asked: dict[str, Any]) -> Reply:
        token = str(asked.get("Token", ""))
        ends = self._tokens.get(token, 0.0)
        if not token.startswith(f"azul-{self.world.settings.token_generation}-") or ends <= self.now().timestamp():
            return refuse("Token inválido ou expirado.", 401)
        parcel = self._parcel(asked)
        happened = self.told(parcel) if parcel else []
        if parcel is None or not happened:
            return refuse("AWB não encontrada!")
        delivered = happened[-1] if happened[-1].what is What.DELIVERED else None
        waybill = {
            "Awb": parcel.number,
            "NumeroOperacional": parcel.number[3:].lstrip("0"),
            "DataHoraEmissao": written(happened[0]),
            "DataEntregaPrevisao": "0001-01-01T00:00:00",
            "DataHoraEntrega": written(delivered) if delivered else None,
            "OrigemUnidade": "VCP",
            "DestinoUnidade": "REC",
            "DestinoCidade": happened[-1].city,
            "Ocorrencias": [line(one) for one in happened],
        }
        return answer({"HasErrors": False, "ErrorText": "", "Value": [waybill]})

    def _parcel(self, asked: dict[str, Any]) -> Parcel | None:
        if asked.get("ChaveNfe"):
            return self.by("invoice_key", str(asked["ChaveNfe"]))
        if asked.get("Awb"):
            return self.by_number(str(asked["Awb"]))
        return self.by("order_id", str(asked.get("Pedido", "")))


def refuse(text: str, status: int = 200) -> Reply:
    return answer({"HasErrors": True, "ErrorText": text, "Value": None}, status)


def written(one: Happening) -> str:
    return f"{one.at.astimezone(BRASILIA):%Y-%m-%dT%H:%M:%S}"


def line(one: Happening) -> dict[str, Any]:
    code, text = LINES[one.what]
    picture = "https://fotos.example/azul.jpg"
    return {
        "Codigo": code,
        "Descricao": text,
        "Comentario": "PESSOA INVENTADA",
        "DataHora": written(one),
        "UnidadeMunicipio": one.city,
        "UnidadeUf": one.state,
        "Latitude": None,
        "Longitude": None,
        "UrlPOD": picture if one.what is What.DELIVERED else None,
        "UrlAssinatura": None,
        "UrlInsucesso": picture if one.what is What.ABSENT else None,
    }
