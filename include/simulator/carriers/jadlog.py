"""
Jadlog's embarcador API: one question of many entries, answered entry by entry.

What it says of an unknown entry is a captured answer's wording; the words for an attempt in vain, a return and a loss
are guesses, as they are in the adapter.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.carriers.base import Happening, SimulatedCarrier, What
from simulator.records import Parcel
from simulator.world import BRASILIA

TOKEN = "simulated-jadlog-token"  # noqa: S105 -- invented, accepted by the simulator alone
MOST_ENTRIES = 100
WORDS = {
    What.LABEL: "COLETA SOLICITADA",
    What.POSTED: "EMISSAO ",  # with the blank that the real one writes
    What.MOVED: "TRANSFERENCIA",
    What.OUT: "EM ROTA",
    What.ABSENT: "DESTINATARIO AUSENTE",
    What.WAITING: "AGUARDANDO RETIRADA",
    What.DELIVERED: "ENTREGUE",
    What.RETURNING: "DEVOLUCAO",
    What.RETURNED: "DEVOLUCAO CONCLUIDA",
    What.LOST: "EXTRAVIO",
    What.HELD: "RETIDO FISCAL",
}
KEYS = {"codigo", "shipmentId", "cte", "pedido", "df"}


class Simulated(SimulatedCarrier):
    code = "jadlog"
    courier = "Jadlog .Package"
    connection: ClassVar[Mapping[str, Any]] = {"password": TOKEN}

    def number(self, serial: int) -> str:
        return f"11{serial:012d}"

    def answer(self, call: Call) -> Reply:
        if call.headers.get("authorization") != f"Bearer {TOKEN}":
            return answer({"error": {"id": -99, "descricao": "Token invalido."}}, 401)
        if call.method != "POST" or call.segments != ("tracking", "consultar"):
            return answer({"error": {"id": -98, "descricao": "Recurso inexistente."}}, 404)
        try:
            entries = call.record().get("consulta")
        except Malformed as error:
            return answer({"error": {"id": -97, "descricao": str(error)}}, 400)
        if not isinstance(entries, list) or not 0 < len(entries) <= MOST_ENTRIES:
            return answer({"error": {"id": -96, "descricao": f"Informe de 1 a {MOST_ENTRIES} consultas."}}, 400)
        if not all(isinstance(entry, dict) and len(entry) == 1 and entry.keys() <= KEYS for entry in entries):
            return answer({"error": {"id": -95, "descricao": "Cada consulta tem uma chave."}}, 400)
        return answer({"consulta": [self._item(entry) for entry in entries]})

    def _item(self, entry: dict[str, Any]) -> dict[str, Any]:
        parcel = self._parcel(entry)
        happened = self.told(parcel) if parcel else []
        if parcel is None or not happened:
            return {**entry, "error": {"id": -1, "descricao": "Nao localizado."}}
        newest = happened[-1]
        tracking: dict[str, Any] = {
            "codigo": parcel.number[2:11],
            "shipmentId": parcel.number,
            "dtEmissao": f"{happened[0].at.astimezone(BRASILIA):%d/%m/%Y}",
            "status": WORDS[newest.what],
            "valor": 21.4,
            "peso": 0.7,
            "eventos": [line(one) for one in happened],
            "volumes": [{"peso": 0.7, "altura": 8, "largura": 20, "comprimento": 27}],
        }
        if newest.what is What.DELIVERED:
            tracking["recebedor"] = {
                "nome": "PESSOA INVENTADA",
                "doc": "000.000.000-00",
                "data": f"{newest.at.astimezone(BRASILIA):%Y-%m-%d}",
            }
        return {**entry, "tracking": tracking}

    def _parcel(self, entry: dict[str, Any]) -> Parcel | None:
        ((key, value),) = entry.items()
        match key:
            case "shipmentId":
                return self.by_number(str(value))
            case "pedido":
                return self.by("order_id", str(value))
            case "df" if isinstance(value, dict):
                return self.by("invoice_key", str(value.get("danfe", "")))
        return None


def line(one: Happening) -> dict[str, str]:
    return {
        "data": f"{one.at.astimezone(BRASILIA):%Y-%m-%d %H:%M:%S}",
        "status": WORDS[one.what],
        "unidade": f"CO {one.city} 01",
    }
