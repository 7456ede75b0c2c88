"""Fast Shop's orders, shown as VTEX shows them and told by a call of its own."""

import re
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.marketplaces.base import SimulatedMarketplace
from simulator.records import Sold
from simulator.vtex import trouble, unauthorised
from simulator.world import now

APP_KEY, APP_TOKEN = "vtexappkey-rapida-SIMULA", "token-simulado-da-rapida"
ITEM = {"id": "2873", "quantity": 1}


class Simulated(SimulatedMarketplace):
    code = "fast_shop"
    connection: ClassVar[Mapping[str, Any]] = {"login": APP_KEY, "password": APP_TOKEN}
    writes = "/delivered"
    lacks = frozenset({"carried"})

    def order_id(self, serial: int) -> str:
        return f"{serial:09d}"

    def answer(self, call: Call) -> Reply:
        refused = unauthorised(call, APP_KEY, APP_TOKEN)
        if refused:
            return refused
        try:
            return self._route(call)
        except Malformed as error:
            return trouble(400, str(error))

    def _route(self, call: Call) -> Reply:
        match (call.method, *call.segments):
            case ("GET", "api", "oms", "pvt", "orders", number):
                order = self.sold(number)
                return answer(document(order)) if order else trouble(404, "Order Not Found")
            case ("POST", "api", "oms", "pub", "orders", number, "delivered"):
                order = self.sold(number)
                return self._told(order, call.record()) if order else trouble(404, "Order Not Found")
        return trouble(404, "Not Found")

    def _told(self, order: Sold, body: dict[str, Any]) -> Reply:
        if body.get("items") != [ITEM]:
            raise Malformed("items must be those of the order, with id and quantity")
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00", str(body.get("deliveredDate"))):
            raise Malformed("deliveredDate must be UTC with seven digits of a second's fraction")
        if order.status != "shipped":
            return trouble(400, f"an order that is {order.status} cannot be delivered")
        self.tell(order, "delivered", body)
        date = now().strftime("%Y-%m-%dT%H:%M:%S.%f0+00:00")
        return answer({"date": date, "orderId": order.order_id, "receipt": uuid.uuid4().hex})


def document(order: Sold) -> dict[str, Any]:
    sent = order.status in {"shipped", "delivered"}
    package = {
        "items": [{"itemIndex": 0, **ITEM, "price": 44900}],
        "courier": "Correios",
        "invoiceNumber": order.invoice_number,
        "trackingNumber": order.tracking_number,
        "type": "Output",
        "courierStatus": {"status": "unknown", "finished": order.status == "delivered", "data": []},
    }
    return {
        "orderId": f"LOJ-{order.order_id}",
        "marketplaceOrderId": order.order_id,
        "status": "canceled" if order.status == "cancelled" else "invoiced",
        "packageAttachment": {"packages": [package] if sent else []},
    }
