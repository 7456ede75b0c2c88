"""
UPS' Tracking API: one number a call; an unknown one is a 200 with a warning when it begins with 1Z, else a 404.

Codes and words of exceptions are guesses, as they are in the adapter.
"""

from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.carriers.base import LIVES, Happening, SimulatedCarrier, What
from simulator.client_tokens import ClientTokens
from simulator.records import Parcel
from simulator.world import World

CLIENT, SECRET = "simulated-ups-client", "simulated-ups-secret"
SHORTEST, LONGEST = 7, 34
ACTIVITIES: Mapping[What, tuple[str, str, str]] = {
    What.LABEL: ("M", "MP", "Shipper created a label, UPS has not received the package yet."),
    What.POSTED: ("P", "PU", "Pickup Scan"),
    What.MOVED: ("I", "AR", "Arrived at Facility"),
    What.OUT: ("I", "OT", "Out For Delivery Today"),
    What.ABSENT: ("X", "UF", "The receiver was not available for the first delivery attempt."),
    What.WAITING: ("I", "ZP", "Your package is ready for pickup at a UPS Access Point."),
    What.DELIVERED: ("D", "FS", "DELIVERED"),
    What.RETURNING: ("X", "RU", "The package will be returned to the sender."),
    What.RETURNED: ("RS", "RS", "Returned to Shipper"),
    What.LOST: ("X", "LX", "The package was lost."),
    What.HELD: ("X", "CH", "Your package is held by the customs agency."),
}


class Simulated(SimulatedCarrier):
    code = "ups"
    courier = "UPS Worldwide"
    connection: ClassVar[Mapping[str, Any]] = {"login": CLIENT, "password": SECRET}
    lives = (*LIVES, "collected", "customs")

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._tokens = ClientTokens(world=world, code=self.code, client_id=CLIENT, secret=SECRET, lifetime=14_399)

    def number(self, serial: int) -> str:
        """1Z, a shipper, a service, seven digits and a check digit."""
        body = f"0SIM0066{serial:07d}"
        values = [int(sign) if sign.isdigit() else (ord(sign) - 63) % 10 for sign in body]
        return f"1Z{body}{-(sum(values[::2]) + 2 * sum(values[1::2])) % 10}"

    def answer(self, call: Call) -> Reply:
        try:
            match (call.method, *call.segments):
                case ("POST", "security", "v1", "oauth", "token"):
                    return self._token(call)
                case ("GET", "api", "track", "v1", "details", number):
                    return self._track(call, number)
        except Malformed as error:
            return fault(400, "10400", str(error))
        return fault(404, "10404", "Resource not found.")

    def _token(self, call: Call) -> Reply:
        token = self._tokens.grant_basic(call)
        if token is None:
            return fault(401, "10401", "ClientId is Invalid")
        lasts = str(self._tokens.lasts)
        return answer({"token_type": "Bearer", "access_token": token, "expires_in": lasts, "status": "approved"})

    def _track(self, call: Call, number: str) -> Reply:
        if not self._tokens.admits(call):
            return fault(401, "250002", "Invalid Authentication Information.")
        if not call.headers.get("transid") or not call.headers.get("transactionsrc"):
            return fault(400, "VSS001", "Missing transId or transactionSrc.")
        if not number.isalnum() or not SHORTEST <= len(number) <= LONGEST:
            return fault(400, "TV1002", "Invalid inquiry number")
        parcel = self.by_number(number)
        happened = self.told(parcel) if parcel else []
        if parcel is None or not happened:
            if not number.startswith("1Z"):
                return fault(404, "TW0001", "Tracking Information Not Found")
            warning = {"code": "TW0001", "message": "Tracking Information Not Found"}
            return answer({"trackResponse": {"shipment": [{"inquiryNumber": number, "warnings": [warning]}]}})
        shipment = {"inquiryNumber": number, "package": [package(parcel, happened)]}
        return answer({"trackResponse": {"shipment": [shipment]}})


def package(parcel: Parcel, happened: list[Happening]) -> dict[str, Any]:
    newest, promised = happened[-1], happened[0].at + timedelta(days=6)
    told: dict[str, Any] = {
        "trackingNumber": parcel.number,
        "deliveryDate": [{"type": "SDD", "date": f"{promised:%Y%m%d}"}],
        "deliveryTime": {"type": "EOD", "startTime": "", "endTime": ""},
        "activity": [activity(one) for one in reversed(happened)],
        "currentStatus": activity(newest)["status"],
        "packageCount": 1,
    }
    if newest.what is What.DELIVERED:
        told["deliveryDate"].append({"type": "DEL", "date": f"{newest.at:%Y%m%d}"})
        told["deliveryInformation"] = {"location": "Front Door", "receivedBy": "PESSOA INVENTADA"}
    return told


def activity(one: Happening) -> dict[str, Any]:
    kind, code, description = ACTIVITIES[one.what]
    return {
        "date": f"{one.at:%Y%m%d}",
        "time": f"{one.at:%H%M%S}",
        "gmtDate": f"{one.at.astimezone(UTC):%Y%m%d}",
        "gmtTime": f"{one.at.astimezone(UTC):%H:%M:%S}",
        "gmtOffset": one.at.isoformat()[-6:],
        "location": {
            "address": {"city": one.city, "stateProvince": one.state, "countryCode": "BR", "country": "BR"},
            "slic": one.state and f"9{ord(one.state[0])}{ord(one.state[1])}",
        },
        "status": {"type": kind, "code": code, "description": description, "statusCode": "000"},
    }


def fault(status: int, code: str, message: str) -> Reply:
    return answer({"response": {"errors": [{"code": code, "message": message}]}}, status)
