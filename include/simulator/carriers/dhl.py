"""
DHL's Shipment Tracking Unified: one number a call, five status codes and English wording.

The words are guesses, as they are in the adapter; an address in Brazil is local without an offset.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from simulator.calls import Call, Reply, answer
from simulator.carriers.base import LIVES, Happening, SimulatedCarrier, What
from simulator.records import Parcel

KEY = "simulated-dhl-key"
WORDS: Mapping[What, tuple[str, str, str]] = {
    What.LABEL: ("pre-transit", "Data received", "Shipment information received"),
    What.POSTED: ("transit", "Picked up", "Shipment picked up"),
    What.MOVED: ("transit", "Departed", "Departed from a DHL facility"),
    What.OUT: ("transit", "Out for delivery", "Shipment is out for delivery"),
    What.ABSENT: ("failure", "Unsuccessful", "Delivery attempted; recipient not home"),
    What.WAITING: ("transit", "At the counter", "Shipment is ready for pick-up at a DHL ServicePoint"),
    What.DELIVERED: ("delivered", "Delivered", "Delivered - signed for by PESSOA INVENTADA"),
    What.RETURNING: ("failure", "Return", "Shipment will be returned to the shipper"),
    What.RETURNED: ("failure", "Returned", "Shipment has been returned to the shipper"),
    What.LOST: ("failure", "Investigation", "Shipment was lost"),
    What.HELD: ("failure", "Clearance event", "Shipment is held by customs, payment is awaited"),
}


class Simulated(SimulatedCarrier):
    code = "dhl"
    courier = "DHL Express"
    connection: ClassVar[Mapping[str, Any]] = {"password": KEY}
    lives = (*LIVES, "collected", "customs")

    def number(self, serial: int) -> str:
        """Ten digits, the last one the rest of the others divided by seven."""
        body = 420_000_000 + serial
        return f"{body}{body % 7}"

    def answer(self, call: Call) -> Reply:
        if call.headers.get("dhl-api-key") != KEY:
            return problem(401, "Unauthorized", "Unauthorized for given resource.", "/track/shipments")
        if call.method != "GET" or call.segments != ("track", "shipments"):
            return Reply(status=404, content_type="text/html", body=b"<html>no such service</html>")
        number = call.first("trackingNumber")
        if not number:
            return problem(400, "Bad request", "Query parameter trackingNumber is required.", "/shipments")
        parcel = self.by_number(number)
        happened = self.told(parcel) if parcel else []
        if parcel is None or not happened:
            return problem(
                404, "No result found", "No shipment with given tracking number found.", f"/shipment/{number}"
            )
        # What changes with every call; whoever keeps the answer must not keep this.
        page = f"/shipments?trackingNumber={number}&offset=0&limit=5&at={self.now():%H%M%S%f}"
        return answer(
            {
                "url": page,
                "shipments": [shipment(parcel, happened)],
                "possibleAdditionalShipmentsUrl": [f"/shipments?trackingNumber={number}&service=parcel-de"],
            }
        )


def shipment(parcel: Parcel, happened: list[Happening]) -> dict[str, Any]:
    newest, promised = happened[-1], happened[0].at + timedelta(days=6)
    details: dict[str, Any] = {"product": {"productName": "EXPRESS"}, "totalNumberOfPieces": 1}
    if newest.what is What.DELIVERED:
        details["proofOfDelivery"] = {
            "timestamp": f"{newest.at:%Y-%m-%dT%H:%M:%S}",
            "documentUrl": f"https://dhl.example/pod/{parcel.number}",
            "signed": {"@type": "Person", "name": "PESSOA INVENTADA"},
        }
    return {
        "id": parcel.number,
        "service": "express",
        "status": line(newest),
        "destination": {"address": {"countryCode": "BR"}},
        "estimatedTimeOfDelivery": f"{promised:%Y-%m-%dT00:00:00}",
        "details": details,
        "events": [line(one) for one in reversed(happened)],
    }


def line(one: Happening) -> dict[str, Any]:
    code, status, description = WORDS[one.what]
    return {
        "timestamp": f"{one.at:%Y-%m-%dT%H:%M:%S}",
        "location": {"address": {"countryCode": "BR", "addressLocality": one.city}},
        "statusCode": code,
        "status": status,
        "description": description,
    }


def problem(status: int, title: str, detail: str, instance: str) -> Reply:
    return answer({"title": title, "detail": detail, "status": status, "instance": instance}, status)
