"""
Mandaê's tracking: one code a call, newest event first; an unknown code is an error inside a 404.

The names of a return, a loss and a waiting parcel are guesses, as they are in the adapter.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from simulator.calls import Call, Reply, answer
from simulator.carriers.base import Happening, SimulatedCarrier, What
from simulator.world import BRASILIA

TOKEN = "simulated-mandae-token"  # noqa: S105 -- invented, accepted by the simulator alone
LINES = {
    What.LABEL: ("0", "Etiqueta emitida"),
    What.POSTED: ("101", "Encomenda coletada"),
    What.MOVED: ("119", "Encomenda encaminhada"),
    What.OUT: ("0", "Saiu para entrega"),
    What.ABSENT: ("0", "Destinatário ausente"),
    What.WAITING: ("0", "Disponível para retirada na unidade da transportadora"),
    What.DELIVERED: ("1", "Entrega realizada"),
    What.RETURNING: ("0", "Encomenda em devolução"),
    What.RETURNED: ("66", "Encomenda devolvida"),
    What.LOST: ("0", "Encomenda extraviada"),
    What.HELD: ("0", "Retida na fiscalização"),
}


class Simulated(SimulatedCarrier):
    code = "mandae"
    courier = "Mandaê"
    lives = ("delivered", "second_attempt", "delivered_at_once", "returned", "lost", "posted_late", "delivered_before")
    connection: ClassVar[Mapping[str, Any]] = {"password": TOKEN}

    def number(self, serial: int) -> str:
        return f"LOJA{serial:09d}1"

    def answer(self, call: Call) -> Reply:
        if call.headers.get("authorization") != TOKEN:
            return answer({"error": {"code": "401", "message": "Unauthorized"}}, 401)
        match (call.method, *call.segments):
            case ("GET", "trackings", number):
                parcel = self.by_number(number)
                happened = self.told(parcel) if parcel else []
                if not happened:
                    return answer({"error": {"code": "404", "message": f"{number} not found"}}, 404)
                return answer(
                    {
                        "trackingCode": number,
                        "carrierCode": None,
                        "carrierName": "Transportadora Inventada",
                        "partnerItemId": None,
                        "events": [line(one) for one in reversed(happened)],
                    }
                )
        return answer({"error": {"code": "405", "message": "Method Not Allowed"}}, 405)


def line(one: Happening) -> dict[str, str]:
    number, name = LINES[one.what]
    at = one.at.astimezone(BRASILIA)
    return {
        "id": number,
        "date": f"{at:%Y-%m-%d %H:%M}",
        "timestamp": f"{at:%Y-%m-%dT%H:%M:%S}",
        "name": name,
        "description": f"{name}, {one.city.title()}",
    }
