"""
Shopee's open platform: signed calls, refresh tokens that are good for one use, refusals inside a 200.

Which channel an order goes by is in its ``notes``: ``channel``, 90021 where nothing is said. After a restart the first
refresh token that it once gave out is believed, whichever it is.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.marketplaces.base import SimulatedMarketplace
from simulator.records import Sold
from simulator.world import World, now

PARTNER, SHOP = 1_200_345, 778_899
KEY = "chave-simulada-de-parceiro"
OWN_FLEET, BY_CODE, SHOPEES_OWN = 90021, 90026, 91003
CHANNELS = {OWN_FLEET, 90025, BY_CODE}
TOLERANCE = 300
LIFETIME = timedelta(hours=4)
WORDS = {
    "new": ("READY_TO_SHIP", "LOGISTICS_NOT_START"),
    "invoiced": ("READY_TO_SHIP", "LOGISTICS_READY"),
    "shipped": ("PROCESSED", "LOGISTICS_REQUEST_CREATED"),
    "picked up": ("SHIPPED", "LOGISTICS_PICKUP_DONE"),
    "delivered": ("TO_CONFIRM_RECEIVE", "LOGISTICS_DELIVERY_DONE"),
    "failed": ("SHIPPED", "LOGISTICS_DELIVERY_FAILED"),
    "cancelled": ("CANCELLED", "LOGISTICS_REQUEST_CANCELED"),
    "carried": ("SHIPPED", "LOGISTICS_PICKUP_DONE"),
}
# What an update makes of an order, and where it must stand.
UPDATES = {
    "logistics_pickup_done": ("picked up", {"shipped"}),
    "logistics_delivery_done": ("delivered", {"shipped", "picked up"}),
    "logistics_delivery_failed": ("failed", {"shipped", "picked up"}),
}
REASONS = {"buyer_unreachable", "buyer_unresponsive", "no_delivery_location_consensus"}


class Simulated(SimulatedMarketplace):
    code = "shopee"
    connection: ClassVar[Mapping[str, Any]] = {
        "login": str(PARTNER),
        "password": KEY,
        "extra": {"shop_id": str(SHOP), "refresh_token": "renovacao-0"},
    }
    writes = "update_tracking_status"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._given = -1  # which refresh token is the newest; before any, whichever is shown

    def order_id(self, serial: int) -> str:
        return f"2611200{serial:07d}"

    def answer(self, call: Call) -> Reply:
        path = f"/{'/'.join(call.segments)}"
        if refused := self._refusal(call, path):
            return refused
        try:
            match (call.method, path):
                case ("POST", "/api/v2/auth/access_token/get"):
                    return self._grant(call.record())
                case ("GET", "/api/v2/order/get_order_detail"):
                    return self._detail(call)
                case ("POST", "/api/v2/logistics/update_tracking_status"):
                    return self._update(call.record())
        except Malformed as error:
            return trouble("error_param", str(error))
        return trouble("error_not_found", "The path is not found", 404)

    def _refusal(self, call: Call, path: str) -> Reply | None:
        """What is said to a call that is not signed as it must be, or is by nobody who is logged in."""
        partner, sent, held, shop = (
            call.first(name) for name in ("partner_id", "timestamp", "access_token", "shop_id")
        )
        expected = hmac.new(KEY.encode(), f"{PARTNER}{path}{sent}{held}{shop}".encode(), hashlib.sha256).hexdigest()
        if partner != str(PARTNER) or not hmac.compare_digest(call.first("sign").encode(), expected.encode()):
            return trouble("error_sign", "Wrong sign.", 403)
        if not sent.isdecimal() or abs(now().timestamp() - int(sent)) > TOLERANCE:
            return trouble("error_param", "Invalid timestamp")
        if "auth" not in call.segments and (shop != str(SHOP) or not is_valid(held)):
            return trouble("invalid_acceess_token", "Invalid access_token, please have a check.", 403)
        return None

    def _grant(self, body: dict[str, Any]) -> Reply:
        if (body.get("partner_id"), body.get("shop_id")) != (PARTNER, SHOP):
            raise Malformed("Invalid partner_id or shop_id")
        shown = str(body.get("refresh_token"))
        number = int(shown.split("-")[1]) if shown.startswith("renovacao-") and shown.split("-")[1].isdecimal() else -1
        if shown != refresh_token(number) or (self._given >= 0 and number != self._given):
            return trouble("error_auth", "Invalid refresh_token", 403)
        self._given = number + 1
        ends = int((now() + LIFETIME).timestamp())
        return answer({
            "error": "",
            "message": "",
            "access_token": access_token(ends, self._given),
            "refresh_token": refresh_token(self._given),
            "expire_in": int(LIFETIME.total_seconds()),
            "partner_id": PARTNER,
            "shop_id": SHOP,
        })  # fmt: skip

    def _detail(self, call: Call) -> Reply:
        found = [order for number in call.first("order_sn_list").split(",") if (order := self.sold(number))]
        if not found:
            return trouble("error_not_found", "Wrong parameters, detail: the order is not found.")
        return good({"order_list": [document(order) for order in found]})

    def _update(self, body: dict[str, Any]) -> Reply:
        word = body.get("logistics_status")
        if word not in UPDATES or ("tracking_number" in body) != (word == "logistics_pickup_done"):
            raise Malformed("logistics_status is wrong, or tracking_number comes with it")
        order = self.sold(str(body.get("order_sn")))
        if order is None:
            return trouble("logistics.order_not_found", "The order is not found.")
        channel = channel_of(order)
        if channel not in CHANNELS:
            return trouble("logistics.error_channel", "This channel does not support the update.")
        if channel == BY_CODE and word == "logistics_delivery_done":
            return trouble("logistics.error_otp", "OTP is required.")
        if channel == BY_CODE and word == "logistics_delivery_failed" and body.get("failed_reason") not in REASONS:
            return trouble("error_param", "failed_reason is required.")
        status, before = UPDATES[word]
        if order.status not in before:
            said = f"The status {WORDS[order.status][1]} cannot be updated."
            return trouble("logistics.error_status_limit", said, response={"update_result": "failed"})
        self.tell(order, status, body)
        return good({"update_result": "succeed"})


def seal(text: str) -> str:
    return hashlib.blake2b(f"{KEY} {text}".encode(), digest_size=8).hexdigest()


def refresh_token(number: int) -> str:
    """The first is the connection's; the others say which they are and carry a seal."""
    return f"renovacao-{number}" if number == 0 else f"renovacao-{number}-{seal(str(number))}"


def access_token(ends: int, number: int) -> str:
    return f"acesso-{ends}-{number}-{seal(f'{ends} {number}')}"


def is_valid(held: str) -> bool:
    parts = held.split("-")
    if len(parts) != 4 or not all(part.isdecimal() for part in parts[1:3]):
        return False
    return held == access_token(int(parts[1]), int(parts[2])) and int(parts[1]) > now().timestamp()


def channel_of(order: Sold) -> int:
    return int(order.notes.get("channel", SHOPEES_OWN if order.status == "carried" else OWN_FLEET))


def document(order: Sold) -> dict[str, Any]:
    status, logistics = WORDS[order.status]
    return {
        "order_sn": order.order_id,
        "order_status": status,
        "region": "BR",
        "recipient_address": {"name": "PESSOA INVENTADA"},
        "package_list": [
            {
                "package_number": f"OFG{order.order_id}",
                "logistics_status": logistics,
                "logistics_channel_id": channel_of(order),
                "shipping_carrier": "Logística do vendedor",
            }
        ],
    }


def good(response: dict[str, Any]) -> Reply:
    return answer({"request_id": "simulado", "error": "", "message": "", "response": response})


def trouble(error: str, message: str, status: int = 200, response: dict[str, Any] | None = None) -> Reply:
    return answer({"request_id": "simulado", "error": error, "message": message, "response": response or {}}, status)
