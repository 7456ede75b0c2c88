"""
Shopify's GraphQL Admin API, as far as one question and one mutation go: refusals come as 200.

A second event of the same kind is taken, as nothing says that the real one refuses it.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs

from simulator.calls import Call, Malformed, Reply, answer
from simulator.marketplaces.base import SimulatedMarketplace
from simulator.records import Sold
from simulator.world import now

CLIENT, SECRET = "app-simulado-shopify", "segredo-simulado-shopify"
DAY = timedelta(hours=24)
EVENTS = {
    *("LABEL_PURCHASED", "LABEL_PRINTED", "READY_FOR_PICKUP", "CONFIRMED", "CARRIER_PICKED_UP", "IN_TRANSIT"),
    *("OUT_FOR_DELIVERY", "ATTEMPTED_DELIVERY", "DELIVERED", "DELAYED", "FAILURE"),
}
SENT = {"shipped", "delivered"}


class Simulated(SimulatedMarketplace):
    code = "shopify"
    connection: ClassVar[Mapping[str, Any]] = {"login": CLIENT, "password": SECRET}
    writes = " mutation"
    lacks = frozenset({"carried"})

    def order_id(self, serial: int) -> str:
        return str(5_600_000_000_000 + serial)

    def named(self, call: Call) -> str:
        return f"{call.path} mutation" if b"fulfillmentEventCreate" in call.body else call.path

    def answer(self, call: Call) -> Reply:
        match (call.method, *call.segments):
            case ("POST", "admin", "oauth", "access_token"):
                return self._grant(call)
            case ("POST", "admin", "api", _, "graphql.json"):
                if not is_valid(call.headers.get("x-shopify-access-token", "")):
                    refused = "[API] Invalid API key or access token (unrecognized login or wrong password)"
                    return answer({"errors": refused}, 401)
                try:
                    return self._graphql(call.record())
                except (Malformed, KeyError, TypeError, ValueError) as error:
                    return answer({"errors": [{"message": f"{error}", "extensions": {"code": "BAD_USER_INPUT"}}]})
        return answer({"errors": "Not Found"}, 404)

    def _grant(self, call: Call) -> Reply:
        form = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
        if form != {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}:
            return answer({"error": "invalid_client", "error_description": "Client authentication failed"}, 401)
        ends = int((now() + DAY).timestamp())
        scope = "read_orders,write_fulfillments"
        return answer({"access_token": token(ends), "scope": scope, "expires_in": int(DAY.total_seconds()) - 1})

    def _graphql(self, body: dict[str, Any]) -> Reply:
        variables = body["variables"]
        if "fulfillmentEventCreate(" in body["query"]:
            return self._event(next(iter(variables.values())))
        order = self.sold(variables["id"].removeprefix("gid://shopify/Order/"))
        return answer({"data": {"order": document(order) if order else None}})

    def _event(self, event: dict[str, Any]) -> Reply:
        mine = [one for one in self.world.sold.values() if one.code == self.code]
        order = next((one for one in mine if own_id(one) == event["fulfillmentId"]), None)
        if event["status"] not in EVENTS or datetime.fromisoformat(event["happenedAt"]).tzinfo is None:
            raise Malformed("Variable $event of type FulfillmentEventInput! was provided invalid value")
        if order is None or order.status not in SENT:
            refused = {"field": ["fulfillmentEvent", "fulfillmentId"], "message": "Fulfillment does not exist"}
            return made(None, [refused])
        events = order.notes.setdefault("events", [])
        events.append({"status": event["status"], "happenedAt": event["happenedAt"]})
        self.tell(order, "delivered" if event["status"] == "DELIVERED" else order.status, event)
        return made(
            {"id": f"gid://shopify/FulfillmentEvent/{order.order_id}{len(events)}", "status": event["status"]}, []
        )


def token(ends: int) -> str:
    """A token that says when it ends, so that a restart does not make it worthless."""
    seal = hashlib.blake2b(f"{SECRET} {ends}".encode(), digest_size=8).hexdigest()
    return f"shpat_{ends}_{seal}"


def is_valid(held: str) -> bool:
    ends = held.removeprefix("shpat_").partition("_")[0]
    return ends.isdecimal() and held == token(int(ends)) and int(ends) > now().timestamp()


def made(event: dict[str, Any] | None, refused: list[dict[str, Any]]) -> Reply:
    return answer({"data": {"fulfillmentEventCreate": {"fulfillmentEvent": event, "userErrors": refused}}})


def own_id(order: Sold) -> str:
    return f"gid://shopify/Fulfillment/{order.order_id[1:]}"


def document(order: Sold) -> dict[str, Any]:
    events = list(reversed(order.notes.get("events", [])))
    fulfillment = {
        "id": own_id(order),
        "status": "SUCCESS",
        "displayStatus": "DELIVERED" if order.status == "delivered" else "IN_TRANSIT" if events else "FULFILLED",
        "trackingInfo": [{"number": order.tracking_number or None}],
        "events": {"nodes": events},
    }
    return {
        "cancelledAt": "2026-11-19T12:00:00Z" if order.status == "cancelled" else None,
        "displayFulfillmentStatus": "FULFILLED" if order.status in SENT else "UNFULFILLED",
        "fulfillments": [fulfillment] if order.status in SENT else [],
    }
