"""Magalu's open API for sellers: orders of one delivery each, addressed by a UUID, told step by step."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.marketplaces.base import SimulatedMarketplace
from simulator.numbers import access_key
from simulator.oauth import Consent
from simulator.records import Sold
from simulator.world import World, now

CHANNEL = "5e1f2a70-0000-4000-8000-00000000cafe"
DELIVERY = uuid.UUID("5e1f2a70-0000-4000-8000-0000000000de")
STEPS = ("new", "approved", "invoiced", "shipped", "delivered")


class Simulated(SimulatedMarketplace):
    code = "magalu"
    connection: ClassVar[Mapping[str, Any]] = {
        "login": "aplicacao-simulada",
        "password": "segredo-simulado",
        "extra": {"refresh_token": "renovacao-simulada-0", "channel_id": CHANNEL},
    }
    writes = "/finishing"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._consent = Consent(
            client_id="aplicacao-simulada",
            client_secret="segredo-simulado",  # noqa: S106 - invented, accepted by the simulator alone
            first="renovacao-simulada-0",
            lifetime=timedelta(hours=2),
        )

    def order_id(self, serial: int) -> str:
        return f"LU-{1_400_000_000_000_000 + serial}"

    def answer(self, call: Call) -> Reply:
        if (call.method, *call.segments) == ("POST", "oauth", "token"):
            return self._consent.grant(call)
        if not self._consent.knows(call):
            return trouble(401, "Unauthorized")
        try:
            return self._route(call)
        except Malformed as error:
            return trouble(400, str(error))

    def _route(self, call: Call) -> Reply:
        match (call.method, *call.segments):
            case ("GET", "seller", "v1", "deliveries", *rest):
                if call.headers.get("x-channel-id") != CHANNEL:
                    return trouble(400, "X-Channel-Id is required")
                return self._shown(rest, call)
            case ("POST", "seller", "v1", "deliveries", identity, ("finishing" | "shippings") as step):
                order = self._by_id(identity)
                return self._told(order, step, call.record()) if order else trouble(404, "Not Found")
        return trouble(404, "Not Found")

    def _shown(self, rest: list[str], call: Call) -> Reply:
        match rest:
            case []:
                order = self.sold(f"LU-{call.first('code')}")
                return answer(page([document(order)] if order else []))
            case [identity]:
                order = self._by_id(identity)
                return answer(document(order)) if order else trouble(404, "Not Found")
            case [identity, "invoices"]:
                order = self._by_id(identity)
                return answer(page(invoices(order))) if order else trouble(404, "Not Found")
            case [identity, "histories"]:
                order = self._by_id(identity)
                told = [{"status": one["status"], "created_at": one["at"]} for one in order.told] if order else []
                return answer(page(told)) if order else trouble(404, "Not Found")
        return trouble(404, "Not Found")

    def _told(self, order: Sold, step: str, body: dict[str, Any]) -> Reply:
        if body.get("channel") != {"id": CHANNEL}:
            raise Malformed("channel.id is required")
        wanted = "delivered" if step == "finishing" else "shipped"
        at = body.get("delivered_at") if step == "finishing" else body.get("dates", {}).get("shipped_at")
        if at is not None and datetime.fromisoformat(at).utcoffset() != timedelta():
            raise Malformed("dates are in UTC")
        if status_of(order) != STEPS[STEPS.index(wanted) - 1]:
            return trouble(422, f"delivery is {status_of(order)} and cannot be {wanted}")
        self.tell(order, wanted, body)
        return answer({"id": str(uuid.uuid4()), "created_at": now().isoformat()}, 201)

    def _by_id(self, identity: str) -> Sold | None:
        mine = (order for order in self.world.sold.values() if order.code == self.code)
        return next((order for order in mine if delivery_id(order) == identity), None)


def delivery_id(order: Sold) -> str:
    return str(uuid.uuid5(DELIVERY, order.order_id))


def status_of(order: Sold) -> str:
    return "shipped" if order.status == "carried" else order.status


def document(order: Sold) -> dict[str, Any]:
    code = order.order_id.removeprefix("LU-")
    own = {"id": "proprio", "name": "Transportadora do lojista", "description": "Entrega do lojista"}
    magalu = {"id": "mle", "name": "Magalu Entregas", "description": "Coleta"}
    return {
        "id": delivery_id(order),
        "code": f"{code}-1",
        "status": status_of(order),
        "order": {"code": code, "channel": {"id": CHANNEL}},
        "shipping": {
            "provider": magalu if order.status == "carried" else own,
            "logistic_network": {"id": "marketplace", "name": "Marketplace"},
            "tracking_code": order.tracking_number,
        },
    }


def invoices(order: Sold) -> list[dict[str, Any]]:
    numbers = order.notes.get("invoices", [order.invoice_number])
    return [{"key": access_key(int(number), "2611"), "status": "approved"} for number in numbers]


def page(results: list[dict[str, Any]]) -> dict[str, Any]:
    return {"meta": {"page": {"offset": 0, "limit": 50, "count": len(results), "max_limit": 100}}, "results": results}


def trouble(status: int, message: str) -> Reply:
    return answer({"error": {"code": str(status), "message": message}}, status)
