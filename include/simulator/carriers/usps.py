"""
USPS' Tracking API v3: one number a call.

The codes are invented but for those that the adapter knows; the words are guesses, as they are there, and so is the 404
about a number that is not known.
"""

from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.carriers.base import LIVES, Happening, SimulatedCarrier, What
from simulator.client_tokens import ClientTokens
from simulator.records import Parcel
from simulator.world import World

CLIENT, SECRET = "simulated-usps-key", "simulated-usps-secret"
EVENTS: Mapping[What, tuple[str, str, str]] = {
    What.LABEL: ("GX", "Shipping Label Created, USPS Awaiting Item", "Pre-Shipment"),
    What.POSTED: ("03", "USPS in possession of item", "Accepted"),
    What.MOVED: ("10", "Arrived at USPS Regional Facility", "In Transit"),
    What.OUT: ("OF", "Out for Delivery", "Out for Delivery"),
    What.ABSENT: ("02", "Delivery Attempted - No Access to Delivery Location", "Delivery Attempt"),
    What.WAITING: ("14", "Available for Pickup", "Available for Pickup"),
    What.DELIVERED: ("01", "Delivered, Left with Individual", "Delivered"),
    What.RETURNING: ("21", "Return to Sender Processed", "Alert"),
    What.RETURNED: ("01", "Delivered, To Original Sender", "Delivered"),
    What.LOST: ("LO", "Lost in the Mail", "Alert"),
    What.HELD: ("CH", "Held in Customs", "Alert"),
}


class Simulated(SimulatedCarrier):
    code = "usps"
    courier = "USPS Priority Mail"
    connection: ClassVar[Mapping[str, Any]] = {"login": CLIENT, "password": SECRET}
    lives = (*LIVES, "collected", "customs")

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._tokens = ClientTokens(world=world, code=self.code, client_id=CLIENT, secret=SECRET, lifetime=28_799)

    def number(self, serial: int) -> str:
        return f"94{serial:020d}"

    def answer(self, call: Call) -> Reply:
        try:
            match (call.method, *call.segments):
                case ("POST", "oauth2", "v3", "token"):
                    return self._token(call)
                case ("GET", "tracking", "v3", "tracking", number):
                    return self._track(call, number)
        except Malformed as error:
            return fault(400, "Bad Request", str(error))
        return Reply(status=404, content_type="text/plain", body=b"no such service")

    def _token(self, call: Call) -> Reply:
        token = self._tokens.grant(call.record())
        if token is None:
            refused = {"error": "invalid_client", "error_description": "Client authentication failed."}
            return answer(refused, 401)
        return answer({"access_token": token, "token_type": "Bearer", "expires_in": self._tokens.lasts})

    def _track(self, call: Call, number: str) -> Reply:
        if not self._tokens.admits(call):
            return fault(401, "Unauthorized", "The token is missing, wrong or over.")
        parcel = self.by_number(number)
        happened = self.told(parcel) if parcel else []
        if parcel is None or not happened:
            return fault(404, "Not Found", "A status update is not yet available on this package.")
        detail = call.first("expand", "SUMMARY") == "DETAIL"
        return answer(described(parcel, happened if detail else happened[-1:]))


def described(parcel: Parcel, happened: list[Happening]) -> dict[str, Any]:
    _, text, category = EVENTS[happened[-1].what]
    return {
        "trackingNumber": parcel.number,
        "mailClass": "Priority Mail<SUP>&#174;</SUP>",
        "status": text,
        "statusCategory": category,
        "statusSummary": f"Your item: {text}.",
        "expectedDeliveryTimeStamp": f"{happened[0].at + timedelta(days=6):%Y-%m-%dT20:00:00}",
        "trackingEvents": [event(one) for one in reversed(happened)],
    }


def event(one: Happening) -> dict[str, Any]:
    code, text, _ = EVENTS[one.what]
    return {
        "eventType": text,
        "eventTimestamp": f"{one.at:%Y-%m-%dT%H:%M:00}",
        "GMTTimestamp": f"{one.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "GMTOffset": one.at.isoformat()[-6:],
        "eventCountry": "BR",
        "eventCity": one.city,
        "eventState": one.state,
        "eventZIP": None,
        "name": "PESSOA INVENTADA" if one.what is What.DELIVERED else None,
        "eventCode": code,
    }


def fault(status: int, title: str, message: str) -> Reply:
    cause = {"status": str(status), "code": str(status), "title": title, "detail": message}
    return answer({"apiVersion": "v3", "error": {"code": str(status), "message": message, "errors": [cause]}}, status)
