"""SkyHub's orders: told step by step, each refused out of its turn."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.marketplaces.base import SimulatedMarketplace
from simulator.records import Sold

STATUSES = {
    "new": ("book_product", "NEW", "Pagamento Pendente"),
    "invoiced": ("order_invoiced", "INVOICED", "Faturado"),
    "shipped": ("order_shipped", "SHIPPED", "Pedido Enviado"),
    "carried": ("order_shipped", "SHIPPED", "Pedido Enviado"),
    "exception": ("shipment_exception", "SHIPMENT_EXCEPTION", "Exceção de Entrega"),
    "delivered": ("complete", "DELIVERED", "Completo (entregue)"),
    "cancelled": ("order_canceled", "CANCELED", "Cancelado"),
}
# What each step makes of an order, and from where.
STEPS = {"delivery": ("delivered", {"SHIPPED", "SHIPMENT_EXCEPTION"}), "shipment_exception": ("exception", {"SHIPPED"})}
KEYS = {
    "x-user-email": "loja@simulada.example",
    "x-api-key": "chave-simulada",
    "x-accountmanager-key": "chave-da-plataforma",
}


class Simulated(SimulatedMarketplace):
    code = "skyhub"
    connection: ClassVar[Mapping[str, Any]] = {
        "login": KEYS["x-user-email"],
        "password": KEYS["x-api-key"],
        "extra": {"accountmanager_api_key": KEYS["x-accountmanager-key"]},
    }
    writes = "/delivery"

    def order_id(self, serial: int) -> str:
        return f"Lojas Americanas-{1_500_000_000_000 + serial}-01"

    def answer(self, call: Call) -> Reply:
        if any(call.headers.get(name) != value for name, value in KEYS.items()):
            return trouble(401, "Não autorizado")
        try:
            return self._route(call)
        except Malformed as error:
            return trouble(400, str(error))

    def _route(self, call: Call) -> Reply:
        match (call.method, *call.segments):
            case ("GET", "orders", code):
                order = self.sold(code)
                return answer(document(order)) if order else trouble(404, "Pedido não encontrado")
            case ("POST", "orders", code, step) if step in STEPS:
                order = self.sold(code)
                return self._told(order, step, call.record()) if order else trouble(404, "Pedido não encontrado")
        return trouble(404, "Not found")

    def _told(self, order: Sold, step: str, body: dict[str, Any]) -> Reply:
        check_body(step, body)
        status, before = STEPS[step]
        held, becomes = STATUSES[order.status][1], STATUSES[status][1]
        if held not in before:
            return trouble(422, f"Transição inválida: {held} -> {becomes}")
        self.tell(order, status, body)
        return Reply(status=204)


def check_body(step: str, body: dict[str, Any]) -> None:
    """
    :raises Malformed: it says something that is wrong; an empty delivery is none.
    """
    if step == "delivery":
        if body.get("status", "complete") != "complete":
            raise Malformed("status must be complete")
        if not re.fullmatch(r"\d\d/\d\d/\d{4}", str(body.get("delivered_date", "01/01/2026"))):
            raise Malformed("delivered_date must be dd/mm/yyyy")
        return
    told = body.get("shipment_exception")
    if not isinstance(told, dict) or not isinstance(told.get("observation"), str):
        raise Malformed("shipment_exception needs occurrence_date and observation")
    if datetime.fromisoformat(str(told.get("occurrence_date"))).tzinfo is None:
        raise Malformed("occurrence_date must have an offset")


def document(order: Sold) -> dict[str, Any]:
    code, kind, label = STATUSES[order.status]
    return {
        "code": order.order_id,
        "channel": "Lojas Americanas",
        "calculation_type": "b2wentregadirect" if order.status == "carried" else None,
        "status": {"code": code, "type": kind, "label": label},
        "invoices": [] if kind == "NEW" else [{"key": "31261100000000000100550010001000011000000000"}],
        "shipments": [],
    }


def trouble(status: int, message: str) -> Reply:
    return answer({"error": message}, status)
