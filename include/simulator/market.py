"""
A marketplace that runs on VTEX, under ``/market/{name}``: told by the protocol, read by the Orders API.

Its orders carry its own ids. A second "delivered" is taken, as VTEX takes it, and counted on the package.
"""

from typing import Any

from simulator import credentials
from simulator.calls import Call, Malformed, Reply, answer
from simulator.order_documents import document
from simulator.records import Order, Package
from simulator.tracking import check_tracking, receipt, write_tracking
from simulator.vtex import missing_invoice, trouble, unauthorised
from simulator.world import World, now


class Market:
    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, name: str, call: Call) -> Reply:
        refused = unauthorised(call, credentials.MARKET_APP_KEY, credentials.MARKET_APP_TOKEN)
        if refused:
            return refused
        try:
            return self._route(name, call)
        except Malformed as error:
            return trouble(400, str(error))

    def _route(self, name: str, call: Call) -> Reply:
        match (call.method, *call.segments):
            case ("GET", "api", "oms", "pvt", "orders", order_id):
                order = self._world.market_orders.get(f"{name}/{order_id}")
                return answer(document(order, call.url)) if order else trouble(404, "Order Not Found")
            case ("POST", "pvt", "orders", order_id, "invoice", *rest):
                order = self._world.market_orders.get(f"{name}/{order_id}")
                return self._told(order, rest, call) if order else trouble(404, "Order Not Found")
        return trouble(404, "Not Found")

    def _told(self, order: Order, rest: list[str], call: Call) -> Reply:
        if not rest:
            self._invoice(order, call.record())
        else:
            package = order.package(rest[0])
            if package is None:
                return missing_invoice(rest[0])
            match rest[1:]:
                case []:
                    self._number(package, call.record())
                case ["tracking"]:
                    body = call.record()
                    check_tracking(body, delivered_date=False, events=False)
                    write_tracking(package, body, self._world.settings)
                case _:
                    return trouble(404, "Not Found")
        self._world.save_market_orders([order])
        return answer(receipt(order))

    def _invoice(self, order: Order, body: dict[str, Any]) -> None:
        if body.get("type") not in {"Output", "Input"}:
            raise Malformed("type must be Output or Input")
        if not isinstance(body.get("invoiceNumber"), str) or not isinstance(body.get("items"), list):
            raise Malformed("invoiceNumber and items are required")
        for item in body["items"]:
            if not isinstance(item, dict) or not {"id", "quantity", "price"} <= set(item):
                raise Malformed("each of items needs id, quantity and price")
        if order.package(body["invoiceNumber"]) is not None:
            return  # the same invoice again: a receipt and nothing else
        order.packages.append(
            Package(
                invoice_number=body["invoiceNumber"],
                type=body["type"],
                courier=body.get("courier"),
                tracking_number=body.get("trackingNumber"),
                tracking_url=body.get("trackingUrl"),
                invoice_key=str(body.get("invoiceKey", "")),
                issued_at=now().isoformat(),
                value=int(body.get("invoiceValue") or 0),
                items=[0],
            )
        )

    def _number(self, package: Package, body: dict[str, Any]) -> None:
        absent = [name for name in ("courier", "trackingNumber", "trackingUrl", "dispatchedDate") if name not in body]
        if absent:
            raise Malformed(f"{', '.join(absent)} must be there")
        package.courier = body["courier"]
        package.tracking_number, package.tracking_url = body["trackingNumber"], body["trackingUrl"]
