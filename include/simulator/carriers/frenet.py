"""
Frenet's tracking: one parcel a call, by number and service; all that is wrong comes inside a 200.

That a refused token comes as 401 and the words of an attempt in vain and of a return are guesses.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.carriers.base import Happening, SimulatedCarrier, What
from simulator.world import BRASILIA

TOKEN = "simulated-frenet-token"  # noqa: S105 -- invented, accepted by the simulator alone
LINES = {
    What.LABEL: ("18", "Aguardando coleta no ponto de postagem"),
    What.POSTED: ("0", "Objeto postado"),
    What.MOVED: ("1", "Objeto em transferência - por favor aguarde"),
    What.OUT: ("5", "Objeto saiu para entrega ao destinatário"),
    What.ABSENT: ("1", "Objeto não entregue - destinatário ausente"),
    What.WAITING: ("1", "Objeto aguardando retirada no endereço indicado"),
    What.DELIVERED: ("9", "Objeto entregue ao destinatário"),
    What.RETURNING: ("3", "Objeto em devolução ao remetente"),
    What.RETURNED: ("3", "Objeto devolvido ao remetente"),
    What.LOST: ("4", "Objeto extraviado"),
    What.HELD: ("2", "Atraso na entrega"),
}


class Simulated(SimulatedCarrier):
    code = "frenet"
    courier = "Frenet"
    service = "03298"
    connection: ClassVar[Mapping[str, Any]] = {"password": TOKEN}

    def number(self, serial: int) -> str:
        return f"FRT{serial:09d}"

    def answer(self, call: Call) -> Reply:
        if call.headers.get("token") != TOKEN:
            return answer({"Message": "Authorization has been denied for this request."}, 401)
        if call.method != "POST" or call.segments != ("tracking", "trackinginfo"):
            return answer({"Message": "No HTTP resource was found."}, 404)
        try:
            asked = call.record()
        except Malformed as error:
            return answer({"Message": str(error)}, 400)
        if asked.get("ShippingServiceCode") != self.service:
            return answer({"ErrorMessage": "Serviço não encontrado"})
        number = str(asked.get("TrackingNumber", ""))
        parcel = self.by_number(number)
        happened = self.told(parcel) if parcel else []
        return answer(
            {
                "TrackingUrl": f"https://rastreio.example/COR/{number}",
                "TrackingNumber": number,
                "ServiceDescrition": "PAC",
                "TrackingEvents": [line(one) for one in happened],
            }
        )


def line(one: Happening) -> dict[str, str]:
    kind, words = LINES[one.what]
    return {
        "EventDateTime": f"{one.at.astimezone(BRASILIA):%d/%m/%Y %H:%M:%S}",
        "EventDescription": words,
        "EventLocation": f"{one.city.title()}-{one.state}",
        "EventType": kind,
    }
