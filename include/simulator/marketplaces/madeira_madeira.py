"""MadeiraMadeira's orders: told of deliveries in lists, item by item, when they stand at 7."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.marketplaces.base import SimulatedMarketplace
from simulator.records import Sold
from simulator.world import now

STATUSES = {"new": 1, "invoiced": 6, "shipped": 7, "carried": 7, "delivered": 8, "cancelled": 4}
TOKEN = "token-simulado-da-loja"  # noqa: S105 - invented, accepted by the simulator alone
SKU = "CANECA-1"


class Simulated(SimulatedMarketplace):
    code = "madeira_madeira"
    connection: ClassVar[Mapping[str, Any]] = {"password": TOKEN}
    writes = "/delivered"

    def order_id(self, serial: int) -> str:
        return str(6_000_000 + serial)

    def answer(self, call: Call) -> Reply:
        if call.headers.get("tokenmm") != TOKEN:
            return trouble(401, "Token not found")
        match (call.method, *call.segments):
            case ("GET", "v1", "pedido", "id", number):
                order = self.sold(number)
                return answer(shown(document(order))) if order else trouble(404, "Pedido não encontrado")
            case ("PUT", "v1", "pedido", "delivered"):
                try:
                    return self._told(call.json())
                except Malformed as error:
                    return trouble(400, str(error))
        return trouble(404, "Not found")

    def _told(self, body: Any) -> Reply:
        if not isinstance(body, list) or not body:
            raise Malformed("a list of orders is wanted")
        orders = [self.sold(number_in(one)) for one in body]
        for order in orders:
            if order is None or STATUSES[order.status] != 7:
                return trouble(422, "O pedido deve estar no status 7")
        for order, told in zip(orders, body, strict=True):
            if order:
                order.notes["entrega"] = told["entrega"]
                self.tell(order, "delivered", told)
        return answer({"meta": {"count": len(body)}, "errors": []})


def number_in(told: Any) -> str:
    """
    :raises Malformed: it is no order with delivered items.
    """
    if not isinstance(told, dict) or not isinstance(told.get("id_pedido"), int):
        raise Malformed("id_pedido must be a number")
    for item in told.get("entrega") or [{}]:
        if not {"sku", "quantidade", "data_entrega"} <= set(item) or item["sku"] != SKU:
            raise Malformed("entrega needs sku, quantidade and data_entrega of each item")
        if not re.fullmatch(r"\d\d/\d\d/\d{4}", item["data_entrega"]):
            raise Malformed("data_entrega must be dd/mm/yyyy")
    return str(told["id_pedido"])


def document(order: Sold) -> dict[str, Any]:
    status = STATUSES[order.status]
    line = {"sku": SKU, "quantidade": 1}
    return {
        "id_pedido": order.order_id,
        "id_seller": "3",
        "status": str(status),
        "skus": [
            {
                "sku": "1000221",
                "skuseller": SKU,
                "quantidade": "1.00000",
                "id_pedido_item": "6184000",
                "madeira_envios": "1" if order.status == "carried" else "0",
            }
        ],
        "faturamento": [{**line, "numero": order.invoice_number, "data_emissao": "18/11/2026"}]
        if status >= 6
        else None,
        "envio": [{**line, "codigo_rastreio": order.tracking_number}] if status >= 7 else None,
        "entrega": order.notes.get("entrega"),
        "data_entrega_seller": now().date().isoformat() if status == 8 else None,
    }


def shown(data: dict[str, Any]) -> dict[str, Any]:
    return {"meta": {"count": 1}, "data": data, "errors": []}


def trouble(status: int, detail: str) -> Reply:
    return answer({"meta": {"count": 0}, "errors": {"detail": detail}}, status)
