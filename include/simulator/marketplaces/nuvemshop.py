"""Nuvemshop's API: orders of one fulfillment order each, told by tracking events. An identical event is refused."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.marketplaces.base import SimulatedMarketplace
from simulator.records import Sold
from simulator.world import now

STORE = "4400001"
WORDS = {
    "new": "UNPACKED",
    "invoiced": "PACKED",
    "shipped": "DISPATCHED",
    "delivered": "DELIVERED",
    "cancelled": "CANCELLED",
    "carried": "DISPATCHED",
}
STATUSES = {
    *("dispatched", "received_by_post_office", "in_transit", "out_for_delivery", "delivery_attempt_failed", "delayed"),
    *("ready_for_pickup", "delivered", "returned_to_sender", "lost", "failure"),
}
FIELDS = {"status", "description", "address", "geolocation", "happened_at", "estimated_delivery_at"}
SAME_WITHIN = timedelta(seconds=60)
MOST_EVENTS = 100


class Simulated(SimulatedMarketplace):
    code = "nuvemshop"
    connection: ClassVar[Mapping[str, Any]] = {"login": STORE, "password": "token-simulado-nuvemshop"}
    writes = "/tracking-events"

    def order_id(self, serial: int) -> str:
        return str(1_700_000_000 + serial)

    def answer(self, call: Call) -> Reply:
        if call.headers.get("authentication") != f"bearer {self.connection['password']}":
            return trouble(401, "Unauthorized", "Invalid access token")
        if not call.headers.get("user-agent"):
            return trouble(400, "Bad Request", "Missing a valid User-Agent header")
        try:
            match (call.method, *call.segments):
                case ("GET", store, "orders", order_id, "fulfillment-orders") if store == STORE:
                    order = self.sold(order_id)
                    return answer([document(order)]) if order else unknown("Order not found")
                case ("GET" | "POST", store, "orders", order_id, "fulfillment-orders", own, "tracking-events") if (
                    store == STORE
                ):
                    order = self.sold(order_id)
                    if order is None or own != own_id(order):
                        return unknown("Fulfillment Order not found")
                    return answer(events_of(order)) if call.method == "GET" else self._event(order, call.record())
        except (Malformed, ValueError) as error:
            return trouble(400, "Bad Request", str(error))
        return unknown("Not Found")

    def _event(self, order: Sold, body: dict[str, Any]) -> Reply:
        absent = sorted(FIELDS - body.keys())
        if absent or body["status"] not in STATUSES or not body["description"]:
            raise Malformed(f"{', '.join(absent) or 'status and description'} should not be empty")
        at = datetime.fromisoformat(body["happened_at"])
        if at.tzinfo is None:
            raise Malformed("happened_at must be a valid ISO 8601 date string")
        events = events_of(order)
        if any(identical(one, body) for one in events):
            return trouble(400, "Bad Request", "The tracking event must not be identical to an existing tracking event")
        if WORDS[order.status] != "DISPATCHED":
            return trouble(400, "Bad Request", "The fulfillment order must be dispatched")
        if len(events) >= MOST_EVENTS and body["status"] != "delivered":
            return trouble(400, "Bad Request", "Tracking events has reached the limit")
        made = {**body, "id": f"01SIMULADO{len(events):016d}", "created_at": now().isoformat()}
        order.notes["events"] = [*events, made]
        self.tell(order, "delivered" if body["status"] == "delivered" else order.status, body)
        return answer(made, 201)


def own_id(order: Sold) -> str:
    return f"01FULFILLMENT{order.order_id:0>13}"


def events_of(order: Sold) -> list[dict[str, Any]]:
    return list(order.notes.get("events", []))


def identical(one: dict[str, Any], other: dict[str, Any]) -> bool:
    same = all(one[name] == other[name] for name in FIELDS - {"happened_at"})
    apart = datetime.fromisoformat(one["happened_at"]) - datetime.fromisoformat(other["happened_at"])
    return same and abs(apart) <= SAME_WITHIN


def document(order: Sold) -> dict[str, Any]:
    carrier = "Nuvem Envio" if order.status == "carried" else "Correios"
    return {
        "id": own_id(order),
        "number": order.order_id,
        "status": WORDS[order.status],
        "recipient": {"name": "PESSOA INVENTADA", "phone": None, "identifier": "000.000.000-00"},
        "shipping": {"type": "ship", "carrier": {"name": carrier, "code": "native", "app_id": None}},
        "tracking_info": {"code": order.tracking_number or None, "url": None},
        "tracking_events": events_of(order),
        "fulfilled_at": None,
    }


def unknown(message: str) -> Reply:
    return trouble(404, "Not Found", message)


def trouble(status: int, description: str, message: str) -> Reply:
    return answer({"code": status, "message": message, "description": description}, status)
