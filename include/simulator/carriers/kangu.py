"""
Kangu's tracking: one code a call, where the parcel is now beside what was before; all that is wrong is a 400.

The words and most values of ``shipmentStatus`` are guesses, as they are in the adapter.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from simulator.calls import Call, Reply, answer
from simulator.carriers.base import Happening, SimulatedCarrier, What
from simulator.world import BRASILIA

TOKEN = "simulated-kangu-token"  # noqa: S105 -- invented, accepted by the simulator alone
NOTHING_WRONG = {"codigo": "", "mensagem": ""}
LINES: Mapping[What, tuple[str | None, str]] = {
    What.LABEL: (None, "Etiqueta emitida"),
    What.POSTED: ("DROPPED_OFF", "Recebido no ponto Kangu"),
    What.MOVED: ("SHIPPED", "Em trânsito"),
    What.OUT: ("SHIPPED", "Saiu para entrega"),
    What.ABSENT: ("SHIPPED", "Destinatário ausente"),
    What.WAITING: ("SHIPPED", "Aguardando retirada"),
    What.DELIVERED: ("DELIVERED", "Entregue"),
    What.RETURNING: ("SHIPPED", "Em devolução ao remetente"),
    What.RETURNED: (None, "Devolvido ao remetente"),
    What.LOST: (None, "Extraviado"),
    What.HELD: ("SHIPPED", "Retido na fiscalização"),
}


class Simulated(SimulatedCarrier):
    code = "kangu"
    courier = "Kangu"
    connection: ClassVar[Mapping[str, Any]] = {"password": TOKEN}

    def number(self, serial: int) -> str:
        return f"KG{serial:013d}"

    def answer(self, call: Call) -> Reply:
        token = call.headers.get("token")
        if token != TOKEN:
            said = "Token inválido" if token else "Parametro 'token' não informado no cabeçalho do request"
            return answer({"error": {"codigo": 500, "mensagem": said}}, 400)
        match (call.method, *call.segments):
            case ("GET", "tms", "transporte", "rastrear", number):
                parcel = self.by_number(number)
                if parcel is None:
                    return answer({"error": {"codigo": 404, "mensagem": "Código de rastreio não encontrado"}}, 400)
                happened = self.told(parcel)
                if not happened:
                    return answer({"error": {"codigo": 510, "mensagem": "Código de rastreio pendente"}}, 400)
                promised = (happened[0].at + timedelta(days=7)).astimezone(BRASILIA)
                return answer(
                    {
                        "dtPrevEnt": f"{promised:%Y-%m-%d}",
                        "situacao": line(happened[-1]),
                        "historico": [line(one) for one in reversed(happened)],
                        "error": NOTHING_WRONG,
                    }
                )
        return answer({"error": {"codigo": 404, "mensagem": "Recurso inexistente"}}, 404)


def line(one: Happening) -> dict[str, str | None]:
    status, words = LINES[one.what]
    at = one.at.astimezone(BRASILIA)
    return {
        "shipmentStatus": status,
        "ocorrencia": words,
        "data": f"{at:%d/%m/%Y}",
        "dataHora": f"{at:%Y-%m-%d %H:%M:%S}",
        "observacao": "Recebido por PESSOA INVENTADA" if one.what is What.DELIVERED else "",
    }
