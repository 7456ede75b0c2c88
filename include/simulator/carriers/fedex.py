"""
FedEx's Track API: up to thirty numbers a call, answered result by result; unknown ones inside a 200.

No code of a loss is known, so no simulated parcel gets lost. On its way back a parcel is scanned like any other, and
its delivery to the sender is a DL.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.carriers.base import LIVES, Happening, SimulatedCarrier, What
from simulator.client_tokens import ClientTokens, form_of
from simulator.world import World

CLIENT, SECRET = "simulated-fedex-key", "simulated-fedex-secret"
MOST_NUMBERS = 30
SCANS: Mapping[What, tuple[str, str, str]] = {
    What.LABEL: ("OC", "IN", "Shipment information sent to FedEx"),
    What.POSTED: ("PU", "PU", "Picked up"),
    What.MOVED: ("AR", "IT", "At FedEx facility"),
    What.OUT: ("OD", "IT", "On FedEx vehicle for delivery"),
    What.ABSENT: ("DE", "DE", "Delivery exception"),
    What.WAITING: ("HP", "IT", "Ready for recipient pickup"),
    What.DELIVERED: ("DL", "DL", "Delivered"),
    What.RETURNING: ("RS", "RS", "Returning package to shipper"),
    What.RETURNED: ("DL", "DL", "Delivered"),
    What.HELD: ("CD", "CD", "Clearance delay"),
}


class Simulated(SimulatedCarrier):
    code = "fedex"
    courier = "FedEx International"
    connection: ClassVar[Mapping[str, Any]] = {"login": CLIENT, "password": SECRET}
    lives = (*(life for life in LIVES if life != "lost"), "collected", "customs")

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._tokens = ClientTokens(world=world, code=self.code, client_id=CLIENT, secret=SECRET, lifetime=3600)

    def number(self, serial: int) -> str:
        return f"7{serial:011d}"

    def answer(self, call: Call) -> Reply:
        try:
            match (call.method, *call.segments):
                case ("POST", "oauth", "token"):
                    return self._token(call)
                case ("POST", "track", "v1", "trackingnumbers"):
                    return self._track(call)
        except Malformed as error:
            return self._fault(400, "BAD.REQUEST.ERROR", str(error))
        return self._fault(404, "NOT.FOUND.ERROR", "The resource you requested is no longer available.")

    def _token(self, call: Call) -> Reply:
        token = self._tokens.grant(form_of(call))
        if token is None:
            return self._fault(401, "NOT.AUTHORIZED.ERROR", "The given client credentials were not valid.")
        lasts = self._tokens.lasts
        return answer({"access_token": token, "token_type": "bearer", "expires_in": lasts, "scope": "CXS"})

    def _track(self, call: Call) -> Reply:
        if not self._tokens.admits(call):
            return self._fault(401, "NOT.AUTHORIZED.ERROR", "Access token expired. Please modify your request.")
        asked = call.record().get("trackingInfo")
        numbers = [number_in(one) for one in asked] if isinstance(asked, list) else []
        if not numbers or not all(numbers):
            return self._fault(400, "TRACKING.TRACKINGNUMBER.EMPTY", "Please provide tracking number.")
        if len(numbers) > MOST_NUMBERS:
            return self._fault(400, "TRACKING.TRACKINGNUMBERS.LIMITEXCEEDED", f"At most {MOST_NUMBERS} numbers.")
        # The order of the question is not kept; whoever relies on it finds out here.
        found = [self._results(number) for number in reversed(numbers)]
        return answer({**self._transaction(), "output": {"completeTrackResults": found}})

    def _results(self, number: str) -> dict[str, Any]:
        parcel = self.by_number(number)
        happened = self.told(parcel) if parcel else []
        info = {"trackingNumber": number, "trackingNumberUniqueId": "", "carrierCode": ""}
        if parcel is None or not happened:
            error = {"code": "TRACKING.TRACKINGNUMBER.NOTFOUND", "message": "Tracking number cannot be found."}
            return {"trackingNumber": number, "trackResults": [{"trackingNumberInfo": info, "error": error}]}
        return {"trackingNumber": number, "trackResults": [{"trackingNumberInfo": info, **result(happened)}]}

    def _fault(self, status: int, code: str, message: str) -> Reply:
        return answer({**self._transaction(), "errors": [{"code": code, "message": message}]}, status)

    def _transaction(self) -> dict[str, str]:
        """It is another one each time."""
        return {"transactionId": f"SIM-{self.now():%H%M%S%f}"}


def number_in(one: Any) -> str:
    info = one.get("trackingNumberInfo") if isinstance(one, dict) else None
    return str(info.get("trackingNumber", "")) if isinstance(info, dict) else ""


def result(happened: list[Happening]) -> dict[str, Any]:
    scans = [scan(one) for one in happened]
    sent_back = [place for place, one in enumerate(happened) if one.what is What.RETURNING]
    for place in sent_back[1:]:
        scans[place] |= {"eventType": "OD", "derivedStatusCode": "IT", "eventDescription": SCANS[What.OUT][2]}
    newest, promised = scans[-1], happened[0].at + timedelta(days=6)
    told: dict[str, Any] = {
        "latestStatusDetail": {
            "code": newest["eventType"],
            "derivedCode": newest["derivedStatusCode"],
            "description": newest["eventDescription"],
        },
        "dateAndTimes": [{"type": "ESTIMATED_DELIVERY", "dateTime": f"{promised:%Y-%m-%dT00:00:00-06:00}"}],
        "scanEvents": scans[::-1],
        "deliveryDetails": {"deliveryAttempts": str(sum(one.what is What.ABSENT for one in happened))},
    }
    if happened[-1].what is What.DELIVERED:
        told["dateAndTimes"].append({"type": "ACTUAL_DELIVERY", "dateTime": newest["date"]})
        told["deliveryDetails"]["receivedByName"] = "PESSOA.INVENTADA"
    return told


def scan(one: Happening) -> dict[str, Any]:
    kind, derived, description = SCANS[one.what]
    absent = one.what is What.ABSENT
    return {
        "date": one.at.isoformat(),
        "eventType": kind,
        "eventDescription": description,
        "exceptionCode": "08" if absent else "",
        "exceptionDescription": "Customer not available or business closed" if absent else "",
        "scanLocation": {
            "streetLines": ["Rua das Laranjeiras 7"] if one.what is What.WAITING else [""],
            "city": one.city,
            "stateOrProvinceCode": one.state,
            "countryCode": "BR",
        },
        "locationId": one.city[:4].strip(),
        "derivedStatusCode": derived,
    }
