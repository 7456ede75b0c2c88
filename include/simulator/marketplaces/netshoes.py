"""
Netshoes' API for sellers: orders of one shipping each, told step by step.

That a step which does not follow is refused with 400 is a guess, as is how a cancelled one is called.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.marketplaces.base import SimulatedMarketplace
from simulator.records import Sold

SHIPPING = 1
WORDS = {
    "new": "Approved",
    "invoiced": "Invoiced",
    "shipped": "Shipped",
    "delivered": "Delivered",
    "cancelled": "Canceled",
    "carried": "Shipped",
}
BEFORE = {"shipped": "invoiced", "delivered": "shipped"}
FIELDS = {
    "shipped": {"status", "carrier", "trackingNumber", "trackingLink", "deliveredCarrierDate"},
    "delivered": {"status", "deliveryDate"},
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}-03:00")


class Simulated(SimulatedMarketplace):
    code = "netshoes"
    connection: ClassVar[Mapping[str, Any]] = {"login": "cliente-simulado", "password": "chave-simulada-netshoes"}
    writes = "/status/delivered"

    def order_id(self, serial: int) -> str:
        return str(9_900_000_000 + serial)

    def answer(self, call: Call) -> Reply:
        held = (call.headers.get("client_id"), call.headers.get("access_token"))
        if held != (self.connection["login"], self.connection["password"]):
            return answer({"message": "Access Denied"}, 403)
        try:
            match (call.method, *call.segments):
                case ("GET", "api", "v2", "orders", order_id):
                    order = self.sold(order_id)
                    return answer(document(order)) if order else unknown()
                case (
                    "PUT",
                    "api",
                    "v1",
                    "orders",
                    order_id,
                    "shippings",
                    code,
                    "status",
                    ("shipped" | "delivered") as to,
                ):
                    order = self.sold(order_id)
                    return self._step(order, to, call.record()) if order and code == str(SHIPPING) else unknown()
        except Malformed as error:
            return trouble(400, "Validation_Error", str(error))
        return unknown()

    def _step(self, order: Sold, to: str, body: dict[str, Any]) -> Reply:
        absent = sorted(FIELDS[to] - body.keys())
        if absent or body["status"] != to.capitalize():
            raise Malformed(f"{', '.join(absent) or 'status'} is not as it must be")
        if not all(TIME.fullmatch(value) for name, value in body.items() if name.endswith("Date")):
            raise Malformed("a date is not of the form yyyy-MM-dd'T'HH:mm:ss.SSS-03:00")
        if order.status != BEFORE[to]:
            return trouble(400, "Invalid_Status", f"Status {WORDS[order.status]} cannot become {to.capitalize()}")
        if to == "shipped":
            order.tracking_number = body["trackingNumber"]
        self.tell(order, to, body)
        return answer({"status": to.capitalize()})


def document(order: Sold) -> dict[str, Any]:
    carried = order.status == "carried"
    return {
        "orderNumber": order.order_id,
        "orderStatus": WORDS[order.status],
        "orderType": "Normal",
        "shippings": [
            {
                "shippingCode": SHIPPING,
                "status": WORDS[order.status],
                "customer": {"customerName": "PESSOA INVENTADA", "document": "000.000.000-00"},
                "transport": {
                    "carrier": "Netshoes Entregas" if carried else "Correios",
                    "deliveryService": "Netshoes Entregas" if carried else "Normal",
                    "trackingNumber": order.tracking_number or None,
                },
            }
        ],
    }


def unknown() -> Reply:
    return trouble(404, "Resource_Not_Found", "The resource was not found")


def trouble(status: int, kind: str, description: str) -> Reply:
    return answer({"type": kind, "description": description, "notifications": [], "links": []}, status)
