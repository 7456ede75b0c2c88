"""
Casas Bahia's API for sellers: orders of two items, told by operations on the items.

The shape of an order is that of its client libraries; what it says of a broken rule is a guess.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.marketplaces.base import SimulatedMarketplace
from simulator.records import Sold

WORDS = {
    "new": "PAY",
    "invoiced": "PAY",
    "shipped": "SHP",
    "delivered": "DLV",
    "cancelled": "CAN",
    "carried": "SHP",
}
# Control points that each state has left behind.
POINTS = {
    "new": ("PAP",),
    "invoiced": ("PAP", "NFS"),
    "shipped": ("PAP", "NFS", "ETR"),
    "delivered": ("PAP", "NFS", "ETR", "ENT"),
    "cancelled": ("PAP", "CAN"),
    "carried": ("PAP", "NFS", "ETR"),
}
BEFORE = {"sent": "invoiced", "delivered": "shipped"}
NOW = {"sent": "shipped", "delivered": "delivered"}
FIELDS = ("items", "occurredAt", "sellerDeliveryId", "number", "url", "carrier")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}-03:00")


class Simulated(SimulatedMarketplace):
    code = "casas_bahia"
    connection: ClassVar[Mapping[str, Any]] = {"login": "lojista-simulado", "password": "chave-simulada-casas-bahia"}
    writes = "/trackings/delivered"

    def order_id(self, serial: int) -> str:
        return str(90_000_000_000 + serial)

    def answer(self, call: Call) -> Reply:
        held = (call.headers.get("client_id"), call.headers.get("access_token"))
        if held != (self.connection["login"], self.connection["password"]):
            return trouble(401, "401.001", "SecurityException", "client_id ou access_token inválido")
        try:
            match (call.method, *call.segments):
                case ("GET", "orders", order_id):
                    order = self.sold(order_id)
                    return answer(document(order)) if order else unknown()
                case ("POST", "orders", order_id, "trackings", ("sent" | "delivered") as step):
                    order = self.sold(order_id)
                    return self._operation(order, step, call.record()) if order else unknown()
        except Malformed as error:
            return trouble(400, "400.001", "ValidationException", str(error))
        return unknown()

    def _operation(self, order: Sold, step: str, body: dict[str, Any]) -> Reply:
        absent = [name for name in FIELDS if not body.get(name)]
        if absent or not body["carrier"].get("name"):
            raise Malformed(f"Campos obrigatórios: {', '.join(absent) or 'carrier.name'}")
        if not TIME.fullmatch(body["occurredAt"]):
            raise Malformed("occurredAt inválido")
        if sorted(body["items"]) != sorted(items_of(order)):
            return trouble(422, "422.002", "BusinessException", "Itens não pertencem à entrega")
        if order.status != BEFORE[step]:
            return trouble(422, "422.001", "BusinessException", f"Pedido em {WORDS[order.status]} não aceita {step}")
        if step == "sent":
            order.tracking_number, order.notes["sellerDeliveryId"] = body["number"], body["sellerDeliveryId"]
        self.tell(order, NOW[step], body)
        return Reply(status=201)


def items_of(order: Sold) -> list[str]:
    return [f"{order.order_id}-{place}" for place in (1, 2)]


def document(order: Sold) -> dict[str, Any]:
    return {
        "id": order.order_id,
        "siteId": "CB",
        "status": WORDS[order.status],
        "customer": {"name": "PESSOA INVENTADA", "documentNumber": "000.000.000-00"},
        "items": [
            {"id": item, "skuSellerId": f"SKU-{place}", "sent": order.status in {"shipped", "delivered", "carried"}}
            for place, item in enumerate(items_of(order), start=1)
        ],
        "trackings": [operation(order, point) for point in POINTS[order.status]],
    }


def operation(order: Sold, point: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "controlPoint": point,
        "items": [{"id": item, "href": f"/orders/{order.order_id}/items/{item}"} for item in items_of(order)],
        "occurredAt": "2026-11-18T10:00:00.000-03:00",
    }
    if point in {"ETR", "ENT"}:
        carrier = "Envvias" if order.status == "carried" else "Correios"
        delivery = order.notes.get("sellerDeliveryId", f"{order.order_id}01")
        made |= {
            "number": order.tracking_number,
            "sellerDeliveryId": delivery,
            "carrier": {"name": carrier, "cnpj": None},
        }
    return made


def unknown() -> Reply:
    return trouble(404, "404.001", "NotFoundException", "Pedido não encontrado")


def trouble(status: int, code: str, kind: str, message: str) -> Reply:
    return answer({"errors": [{"code": code, "type": kind, "message": message, "skuSellerId": None}]}, status)
