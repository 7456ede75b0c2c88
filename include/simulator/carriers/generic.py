"""
The service of the example that descriptions are copied from: an invented carrier with most of what such services have.

A token by client credentials, many parcels in one question, day and hour apart, an error inside an item, a refusal
inside a 200, and a counter that differs in each answer.
"""

from collections.abc import Mapping
from datetime import timedelta
from itertools import count
from typing import Any, ClassVar
from urllib.parse import parse_qs

from simulator.calls import Call, Malformed, Reply, answer
from simulator.carriers.base import Happening, SimulatedCarrier, What
from simulator.records import Parcel
from simulator.world import BRASILIA, World

CLIENT = "loja-simulada"
SECRET = "simulated-generic-secret"  # noqa: S105 -- invented, accepted by the simulator alone
CUSTOMER = "4711"
MOST = 20
CODES = {
    What.LABEL: ("CRI", "Pedido registrado"),
    What.POSTED: ("COL", "Coletado"),
    What.MOVED: ("TRF", "Em transferência"),
    What.OUT: ("SAI", "Saiu para entrega"),
    What.ABSENT: ("AUS", "Destinatário ausente"),
    What.WAITING: ("RET", "Disponível para retirada"),
    What.DELIVERED: ("ENT", "Entregue ao destinatário"),
    What.RETURNING: ("DEV", "Em devolução"),
    What.RETURNED: ("DVR", "Entregue ao remetente"),
    What.LOST: ("EXT", "Extravio"),
    What.HELD: ("RTD", "Retido na fiscalização"),
}


class Simulated(SimulatedCarrier):
    code = "generic"
    courier = "Transportadora Exemplo"
    connection: ClassVar[Mapping[str, Any]] = {"login": CLIENT, "password": SECRET, "extra": {"customer": CUSTOMER}}

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._questions = count(1)
        self._ends: dict[str, Any] = {}

    def number(self, serial: int) -> str:
        return f"EX{serial:010d}"

    def answer(self, call: Call) -> Reply:
        match call.method, call.segments:
            case "POST", ("oauth", "token"):
                return self._token(call)
            case "POST", ("v1", "rastreamento"):
                return self._track(call)
        return answer({"mensagem": "recurso inexistente"}, 405)

    def _token(self, call: Call) -> Reply:
        asked = {name: values[0] for name, values in parse_qs(call.body.decode("latin-1")).items()}
        if asked != {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}:
            return answer({"error": "invalid_client"}, 401)
        lasts = self.world.settings.token_lifetime
        token = f"generic-{self.world.settings.token_generation}-{len(self._ends)}"
        self._ends[token] = self.now() + timedelta(seconds=lasts)
        return answer({"access_token": token, "token_type": "Bearer", "expires_in": int(lasts)})

    def _is_valid(self, token: str) -> bool:
        of_now = token.startswith(f"generic-{self.world.settings.token_generation}-")
        return of_now and token in self._ends and self._ends[token] > self.now()

    def _track(self, call: Call) -> Reply:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self._is_valid(token):
            return answer({"mensagem": "Token inválido ou expirado."}, 401)
        try:
            question = call.record()
        except Malformed as error:
            return answer({"mensagem": str(error)}, 400)
        items = question.get("objetos")
        if question.get("cliente") != CUSTOMER:
            return answer({"sucesso": False, "mensagem": "Cliente não autorizado."})
        if not isinstance(items, list) or not 0 < len(items) <= MOST or not all(isinstance(one, dict) for one in items):
            return answer({"mensagem": f"Informe de 1 a {MOST} objetos."}, 400)
        return answer({"sucesso": True, "objetos": [self._item(one) for one in items]})

    def _item(self, asked: dict[str, Any]) -> dict[str, Any]:
        code, order = str(asked.get("codigo", "")), str(asked.get("pedido", ""))
        parcel = self.by_number(code) or self.by("order_id", order)
        happened = self.told(parcel) if parcel else []
        echo = {**asked, "consultas": next(self._questions)}
        if parcel is None or not happened:
            return {**echo, "erro": {"codigo": 404, "mensagem": "Objeto não localizado."}}
        return {**echo, **described(parcel, happened)}


def described(parcel: Parcel, happened: list[Happening]) -> dict[str, Any]:
    newest = happened[-1]
    item: dict[str, Any] = {
        "codigo": parcel.number,
        "pedido": parcel.order_id,
        "previsao": f"{(happened[0].at + timedelta(days=9)).astimezone(BRASILIA):%d/%m/%Y}",
        "entregue": newest.what is What.DELIVERED,
        "devolvido": newest.what is What.RETURNED,
        "eventos": [line(one) for one in reversed(happened)],
    }
    if newest.what is What.DELIVERED:
        item["recebedor"] = {"nome": "PESSOA INVENTADA", "documento": "000.000.000-00"}
        item["comprovante"] = f"https://carrier.example/comprovantes/{parcel.number}.jpg"
    return item


def line(one: Happening) -> dict[str, str]:
    code, words = CODES[one.what]
    at = one.at.astimezone(BRASILIA)
    place = f"{one.city} / {one.state}" if one.state else one.city
    return {"data": f"{at:%d/%m/%Y}", "hora": f"{at:%H:%M:%S}", "status": code, "descricao": words, "local": place}
