"""Mercado Livre's shipments of Mercado Envios 1, told by seller_notifications V2, and a few that it carries itself."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.marketplaces.base import SimulatedMarketplace
from simulator.oauth import Consent
from simulator.records import Sold
from simulator.world import World

STATUSES = {"new": "pending", "invoiced": "ready_to_ship", "carried": "shipped", "returned": "not_delivered"}
FIRST_ORDER, FIRST_SHIPMENT = 2_000_000_000_000_000, 44_000_000_000
SUBSTATUSES: Mapping[str, set[str | None]] = {
    "shipped": {
        *(None, "out_for_delivery", "soon_deliver", "at_the_door", "receiver_absent", "bad_address", "dangerous_area"),
        *("unauthorized_receiver", "impassable_zone", "not_visited", "documentation_issue", "taxes_issue"),
        "fiscalization_issue",
    },
    "delivered": {None},
    "not_delivered": {"refused_delivery", "returned"},
}
FINAL = {"delivered", "not_delivered", "cancelled"}


class Simulated(SimulatedMarketplace):
    code = "mercado_livre"
    connection: ClassVar[Mapping[str, Any]] = {
        "login": "1234567890123456",
        "password": "segredo-simulado",
        "extra": {"refresh_token": "TG-simulado-0"},
    }
    writes = "/seller_notifications"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._consent = Consent(
            client_id="1234567890123456",
            client_secret="segredo-simulado",  # noqa: S106 - invented, accepted by the simulator alone
            first="TG-simulado-0",
            lifetime=timedelta(hours=6),
        )

    def order_id(self, serial: int) -> str:
        return str(FIRST_ORDER + serial)

    def answer(self, call: Call) -> Reply:
        if (call.method, *call.segments) == ("POST", "oauth", "token"):
            return self._consent.grant(call)
        if not self._consent.knows(call):
            return trouble(401, "unauthorized", "invalid access token")
        try:
            return self._route(call)
        except Malformed as error:
            return trouble(400, "bad_request", str(error))

    def _route(self, call: Call) -> Reply:
        match (call.method, *call.segments):
            case ("GET", "orders", number, "shipments"):
                order = self.sold(number)
                return answer(shipment(order)) if order else trouble(404, "not_found", "Order does not exist")
            case ("GET", "shipments", number):
                order = self.sold(order_of(number))
                return answer(shipment(order)) if order else trouble(404, "not_found", "Shipment does not exist")
            case ("POST", "v2", "shipments", number, "seller_notifications"):
                order = self.sold(order_of(number))
                if order is None:
                    return trouble(404, "not_found", "Shipment does not exist")
                return self._told(order, call.record())
        return trouble(404, "resource not found", "the resource is not there")

    def _told(self, order: Sold, body: dict[str, Any]) -> Reply:
        check_body(body)
        status, held = body["status"], status_of(order)
        if order.status == "carried":
            return trouble(403, "forbidden_error", "the shipment is not of mode me1")
        if held in FINAL or (held != "shipped" and status != "shipped"):
            return trouble(400, "invalid_status", f"a shipment that is {held} cannot become {status}")
        order.notes["substatus"] = body["substatus"]
        self.tell(order, "returned" if status == "not_delivered" else status, body)
        return answer({"status": "OK"})


def check_body(body: dict[str, Any]) -> None:
    """
    :raises Malformed: it is no notification of the second version.
    """
    payload = body.get("payload")
    if not isinstance(payload, dict) or not {"service_id", "comment", "date"} <= set(payload):
        raise Malformed("payload needs service_id, comment and date")
    if not isinstance(payload["service_id"], int) or datetime.fromisoformat(payload["date"]).tzinfo is None:
        raise Malformed("service_id must be a number, and date must have a zone")
    if ("tracking_number" in body) != ("tracking_url" in body):
        raise Malformed("tracking_number and tracking_url go together")
    if body.get("status") not in SUBSTATUSES or "substatus" not in body:
        raise Malformed("status and substatus are required")
    if body["substatus"] not in SUBSTATUSES[body["status"]]:
        raise Malformed(f"{body['status']} has no substatus {body['substatus']}")


def status_of(order: Sold) -> str:
    return STATUSES.get(order.status, order.status)


def order_of(shipment_id: str) -> str:
    return str(int(shipment_id) - FIRST_SHIPMENT + FIRST_ORDER) if shipment_id.isdecimal() else ""


def shipment(order: Sold) -> dict[str, Any]:
    mode, kind = ("me2", "drop_off") if order.status == "carried" else ("me1", "default")
    return {
        "id": int(order.order_id) - FIRST_ORDER + FIRST_SHIPMENT,
        "order_id": int(order.order_id),
        "mode": mode,
        "site_id": "MLB",
        "status": status_of(order),
        "substatus": order.notes.get("substatus"),
        "logistic": {"mode": mode, "type": kind, "direction": "forward"},
        "tracking_number": order.tracking_number or None,
    }


def trouble(status: int, error: str, message: str) -> Reply:
    return answer({"message": message, "error": error, "status": status, "cause": []}, status)
