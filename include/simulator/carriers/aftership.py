"""
AfterShip's tracking API: numbers are registered one by one, then read, fifty in a call, unknown ones passed over.

Checkpoints come in an order that is none, half of them without an offset. A parcel on its way back bears the flag, and
Delivered once the sender has it. What was registered is forgotten when the simulator ends; a number that is given out
anew after a reset is not registered.
"""

import re
from collections.abc import Mapping
from datetime import UTC
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.carriers.base import Happening, SimulatedCarrier, What
from simulator.records import Parcel
from simulator.world import BRASILIA, World

KEY = "simulated-aftership-key"
MOST_NUMBERS = 50
NUMBER = re.compile(r"[A-Z0-9-]{5,50}")

# subtag, the carrier's words
WORDS: Mapping[What, tuple[str, str]] = {
    What.LABEL: ("InfoReceived_001", "Etiqueta emitida"),
    What.POSTED: ("InTransit_002", "Objeto postado"),
    What.MOVED: ("InTransit_007", "Objeto em transferência"),
    What.OUT: ("OutForDelivery_001", "Saiu para entrega ao destinatário"),
    What.ABSENT: ("AttemptFail_002", "Não entregue, destinatário ausente"),
    What.WAITING: ("AvailableForPickup_001", "Aguardando retirada"),
    What.DELIVERED: ("Delivered_001", "Objeto entregue"),
    What.RETURNING: ("Exception_001", "Entrega não realizada"),
    What.RETURNED: ("Delivered_001", "Objeto entregue"),
    What.LOST: ("Exception_013", "Objeto extraviado"),
    What.HELD: ("Exception_006", "Aguardando pagamento"),
}


class Simulated(SimulatedCarrier):
    code = "aftership"
    courier = "AfterShip"
    connection: ClassVar[Mapping[str, Any]] = {"password": KEY, "extra": {"push_secret": "simulated-webhook-secret"}}

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._registered: dict[str, Parcel | None] = {}

    def number(self, serial: int) -> str:
        return f"LP{serial:014d}"

    def answer(self, call: Call) -> Reply:
        if call.headers.get("as-api-key") != KEY:
            return refused(401, "The API key is invalid.")
        if call.segments == ("trackings",) and call.method == "GET":
            return self._list(call)
        if call.segments == ("trackings",) and call.method == "POST":
            return self._create(call)
        return refused(404, "The URI requested is invalid.")

    def _list(self, call: Call) -> Reply:
        numbers = [number for number in call.first("tracking_numbers").split(",") if number]
        if not 0 < len(numbers) <= MOST_NUMBERS:
            return refused(400, f"Give 1 to {MOST_NUMBERS} tracking_numbers.")
        found = [self._tracking(number) for number in numbers if self._is_registered(number)]
        limits = {"X-RateLimit-Limit": "6", "X-RateLimit-Remaining": "5"}
        data = {"pagination": {"total": len(found), "has_next_page": False}, "trackings": found}
        return answer({"meta": {"code": 200}, "data": data}, headers=limits)

    def _create(self, call: Call) -> Reply:
        try:
            number = str(call.record().get("tracking_number", ""))
        except Malformed as error:
            return refused(4001, str(error), 400)
        if not NUMBER.fullmatch(number):
            return refused(4005, "The value of tracking_number is invalid.", 400)
        if self._is_registered(number):
            return refused(4003, "Tracking already exists.", 400)
        if len(self._registered) >= self.world.settings.registrations:
            return refused(402, "The plan holds no more shipments.")
        self._registered[number] = self.by_number(number)
        tracking = {**self._tracking(number), "tag": "Pending", "subtag": "Pending_001", "checkpoints": []}
        return answer({"meta": {"code": 201}, "data": tracking}, 201)

    def _is_registered(self, number: str) -> bool:
        return number in self._registered and self._registered[number] is self.by_number(number)

    def _tracking(self, number: str) -> dict[str, Any]:
        parcel = self.by_number(number)
        happened = self.told(parcel) if parcel else []
        subtag = WORDS[happened[-1].what][0] if happened else "Pending_001"
        goes_back = any(one.what in {What.RETURNING, What.RETURNED} for one in happened)
        checkpoints = [checkpoint(one, place) for place, one in enumerate(happened)]
        return {
            "id": number.lower(),
            "tracking_number": number,
            "slug": "cainiao",
            "updated_at": self.now().isoformat(),
            "tag": subtag.partition("_")[0],
            "subtag": subtag,
            "return_to_sender": goes_back,
            "signed_by": "PESSOA INVENTADA" if happened and happened[-1].what is What.DELIVERED else None,
            "latest_estimated_delivery": None,
            "checkpoints": checkpoints[1::2] + checkpoints[::2],
        }


def checkpoint(one: Happening, place: int) -> dict[str, Any]:
    subtag, words = WORDS[one.what]
    local = one.at.astimezone(BRASILIA)
    return {
        "created_at": f"{one.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "slug": "cainiao",
        "checkpoint_time": f"{local:%Y-%m-%dT%H:%M:%S}" if place % 2 else local.isoformat(timespec="seconds"),
        "message": words,
        "location": f"{one.city}, {one.state}",
        "city": one.city,
        "state": one.state,
        "country_region": "BRA",
        "tag": subtag.partition("_")[0],
        "subtag": subtag,
        "raw_tag": f"GTMS_{one.what.upper()}",
    }


def refused(code: int, message: str, status: int = 0) -> Reply:
    return answer({"meta": {"code": code, "message": message, "type": "Refused"}, "data": {}}, status or code)
