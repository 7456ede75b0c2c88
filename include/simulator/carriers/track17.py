"""
17TRACK's API v2.4: numbers are registered, then read, forty in a call, each accepted or rejected by itself.

Lines stand newest first, and that of the delivery has no zone, as in a captured answer. The time of the last look and
the counts of days change with each answer. What was registered is forgotten when the simulator ends; a number that is
given out anew after a reset is not registered.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.carriers.base import Happening, SimulatedCarrier, What
from simulator.records import Parcel
from simulator.world import BRASILIA, World

KEY = "simulated-track17-key"
MOST_NUMBERS = 40
NUMBER = re.compile(r"[A-Z0-9-]{5,50}")

# stage, sub_status, the carrier's words
WORDS: Mapping[What, tuple[str | None, str, str]] = {
    What.LABEL: ("InfoReceived", "InfoReceived", "Etiqueta emitida"),
    What.POSTED: ("PickedUp", "InTransit_PickedUp", "Objeto postado"),
    What.MOVED: (None, "InTransit_Other", "Objeto em transferência"),
    What.OUT: ("OutForDelivery", "OutForDelivery_Other", "Saiu para entrega ao destinatário"),
    What.ABSENT: (None, "DeliveryFailure_NoBody", "Não entregue, destinatário ausente"),
    What.WAITING: ("AvailableForPickup", "AvailableForPickup_Other", "Aguardando retirada"),
    What.DELIVERED: ("Delivered", "Delivered_Other", "Objeto entregue ao destinatário"),
    What.RETURNING: ("Returning", "Exception_Returning", "Em devolução ao remetente"),
    What.RETURNED: ("Returned", "Exception_Returned", "Objeto devolvido"),
    What.LOST: (None, "Exception_Lost", "Objeto extraviado"),
    What.HELD: (None, "InTransit_CustomsRequiringInformation", "Aguardando pagamento"),
}


class Simulated(SimulatedCarrier):
    code = "track17"
    courier = "17TRACK"
    connection: ClassVar[Mapping[str, Any]] = {"password": KEY}

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._registered: dict[str, Parcel | None] = {}

    def number(self, serial: int) -> str:
        return f"YT{serial:016d}"

    def answer(self, call: Call) -> Reply:
        if call.headers.get("17token") != KEY:
            return refused(-18010002, "Authentication failed.", status=401)
        if call.method != "POST" or call.segments not in {("register",), ("gettrackinfo",), ("getquota",)}:
            return refused(-18010013, "No such call.", status=404)
        if call.segments == ("getquota",):
            quota, used = self.world.settings.registrations, len(self._registered)
            return answer({"code": 0, "data": {"quota_total": quota, "quota_used": used, "quota_remain": quota - used}})
        try:
            entries = call.json()
        except Malformed as error:
            return refused(-18010013, str(error))
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            return refused(-18010013, "The body is not a list of numbers.")
        if len(entries) > MOST_NUMBERS:
            return refused(-18010014, f"More than {MOST_NUMBERS} numbers.")
        each: Callable[[str], dict[str, Any]] = self._register if call.segments == ("register",) else self._told_of
        items = [each(str(entry.get("number", ""))) for entry in entries]
        return answer(
            {
                "code": 0,
                "data": {
                    "accepted": [item for item in items if "error" not in item],
                    "rejected": [item for item in items if "error" in item],
                },
            }
        )

    def _is_registered(self, number: str) -> bool:
        return number in self._registered and self._registered[number] is self.by_number(number)

    def _register(self, number: str) -> dict[str, Any]:
        if not NUMBER.fullmatch(number):
            return rejected(number, -18010012, f"The format of '{number}' is invalid.")
        if self._is_registered(number):
            return rejected(number, -18019901, f"The tracking number '{number}' has been registered.")
        if len(self._registered) >= self.world.settings.registrations:
            return rejected(number, -18019908, "The quota is not enough.")
        self._registered[number] = self.by_number(number)
        return {"origin": 1, "number": number, "carrier": 190008, "email": None, "lang": None, "tag": None}

    def _told_of(self, number: str) -> dict[str, Any]:
        if not self._is_registered(number):
            return rejected(number, -18019902, f"The tracking number '{number}' is not registered.")
        parcel = self.by_number(number)
        happened = self.told(parcel) if parcel else []
        if not happened:
            return rejected(number, -18019909, "No tracking information at this time.")
        newest, now = happened[-1], self.now()
        stage, sub_status, _ = WORDS[newest.what]
        provider = {
            "provider": {"key": 190008, "name": "YunExpress", "country": "CN"},
            "latest_sync_status": "Success",
            "latest_sync_time": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            "events_hash": len(happened),
            "events": [line(one) for one in reversed(happened)],
        }
        return {
            "number": number,
            "carrier": 190008,
            "tag": None,
            "track_info": {
                "latest_status": {"status": sub_status.partition("_")[0], "sub_status": sub_status},
                "latest_event": line(newest),
                "time_metrics": {
                    "days_after_last_update": (now - newest.at).total_seconds() / 86_400,
                    "estimated_delivery_date": {"source": None, "from": None, "to": None},
                },
                "milestone": [{"key_stage": stage, "time_iso": None}],
                "tracking": {"providers_hash": 1, "providers": [provider]},
            },
        }


def line(one: Happening) -> dict[str, Any]:
    stage, sub_status, words = WORDS[one.what]
    local = one.at.astimezone(BRASILIA)
    knows_zone = one.what is not What.DELIVERED
    return {
        "time_iso": local.isoformat(timespec="seconds") if knows_zone else None,
        "time_utc": f"{one.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if knows_zone else None,
        "time_raw": {
            "date": f"{local:%Y-%m-%d}",
            "time": f"{local:%H:%M:%S}",
            "timezone": "-03:00" if knows_zone else None,
        },
        "description": words,
        "location": f"{one.city}, {one.state}",
        "stage": stage,
        "sub_status": sub_status,
        "address": {"country": "BR", "state": one.state, "city": one.city, "street": None, "postal_code": None},
    }


def rejected(number: str, code: int, message: str) -> dict[str, Any]:
    return {"number": number, "carrier": 0, "error": {"code": code, "message": message}}


def refused(code: int, message: str, status: int = 200) -> Reply:
    return answer({"code": code, "data": {"errors": [{"code": code, "message": message}]}}, status)
