"""
Melhor Envio: its OAuth with refresh tokens that work once, its search for an order, its tracking by order id.

It knows milestones only, so the lives here are those without a delivery round, an attempt in vain or a loss. That an
unknown order is left out of the answer is a guess, as in the adapter.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.carriers.base import SimulatedCarrier, What
from simulator.records import Meta, Parcel
from simulator.world import BRASILIA, World

CLIENT_ID, SECRET = "4711", "simulated-melhor-envio-secret"
FIRST = "simulated-melhor-envio-first-refresh-token"
MOST_ORDERS = 50


class Simulated(SimulatedCarrier):
    code = "melhor_envio"
    courier = "Melhor Envio"
    lives = ("delivered_at_once", "label_only", "delivered_before")
    connection: ClassVar[Mapping[str, Any]] = {
        "login": CLIENT_ID,
        "password": SECRET,
        "extra": {"refresh_token": FIRST, "contact": "rastreio@loja.example"},
    }

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._age: Meta = world.meta
        self._given = 0
        self._spent: set[str] = set()

    def number(self, serial: int) -> str:
        return f"ME{26 + serial // 1_000_000}R{serial % 1_000_000:06d}BR"

    def carrier_id(self, serial: int) -> str:
        return f"00000000-0000-4000-8000-{serial:012x}"

    def answer(self, call: Call) -> Reply:
        agent = call.headers.get("user-agent", "")
        if "(" not in agent or "@" not in agent:
            return answer({"message": "Identifique a aplicação e um e-mail de contato no User-Agent."}, 403)
        try:
            if (call.method, *call.segments) == ("POST", "oauth", "token"):
                return self._token(call.record())
            scheme, _, token = call.headers.get("authorization", "").partition(" ")
            if scheme != "Bearer" or not self._is_alive(token):
                return answer({"message": "Unauthenticated."}, 401)
            match (call.method, *call.segments):
                case ("POST", "api", "v2", "me", "shipment", "tracking"):
                    return self._tracking(call.record().get("orders"))
                case ("GET", "api", "v2", "me", "orders", "search"):
                    return self._search(call.first("q"))
        except Malformed as error:
            return answer({"message": str(error)}, 422)
        return answer({"message": "Not Found"}, 404)

    def _token(self, asked: dict[str, Any]) -> Reply:
        """A refresh token works once; the first one is what the app was given by its consent."""
        if self._age is not self.world.meta:  # another world, in which nothing was handed out yet
            self._age = self.world.meta
            self._spent.clear()
        if asked.get("client_id") != CLIENT_ID or asked.get("client_secret") != SECRET:
            return answer({"error": "invalid_client", "message": "Client authentication failed"}, 401)
        refresh = str(asked.get("refresh_token", ""))
        known = refresh == FIRST or is_signed(refresh, "refresh")
        if asked.get("grant_type") != "refresh_token" or not known or refresh in self._spent:
            return answer({"error": "invalid_request", "message": "The refresh token is invalid."}, 401)
        self._spent.add(refresh)
        self._given += 1
        settings = self.world.settings
        expires = self.now().timestamp() + settings.token_lifetime
        return answer(
            {
                "token_type": "Bearer",
                "expires_in": int(settings.token_lifetime),
                "access_token": signed(f"access.{expires:.0f}.{settings.token_generation}.{self._given}"),
                "refresh_token": signed(f"refresh.{self.now().timestamp():.6f}.{self._given}"),
            }
        )

    def _is_alive(self, token: str) -> bool:
        if not is_signed(token, "access"):
            return False
        _, expires, generation, _, _ = token.split(".")
        return float(expires) > self.now().timestamp() and int(generation) == self.world.settings.token_generation

    def _tracking(self, orders: object) -> Reply:
        if not isinstance(orders, list) or not 0 < len(orders) <= MOST_ORDERS:
            return answer({"message": "The given data was invalid.", "errors": {"orders": ["inválido"]}}, 422)
        found = [self.by("carrier_id", str(one)) for one in orders]
        told = {one.carrier_id: described(one) for one in found if one and one.lines}
        return answer(dict(sorted(told.items())) or [])  # PHP writes no keys as an empty list

    def _search(self, words: str) -> Reply:
        parcel = self.by_number(words) or self.by("carrier_id", words)
        if parcel is None or not parcel.lines:
            return Reply(status=204)
        return answer([described(parcel)])


def described(parcel: Parcel) -> dict[str, Any]:
    happened = {one.what: one.at for one in Simulated.told(parcel)}
    first = min(happened.values())
    made = happened.get(What.LABEL, first - timedelta(hours=1))
    posted = min((at for what, at in happened.items() if what is not What.LABEL), default=None)
    delivered = happened.get(What.DELIVERED)
    times = {"created": made, "paid": made, "generated": made, "posted": posted, "delivered": delivered}
    return {
        "id": parcel.carrier_id,
        "protocol": f"ORD-2026{parcel.invoice_number}",
        "status": "delivered" if delivered else "posted" if posted else "released",
        "tracking": parcel.number,
        "melhorenvio_tracking": parcel.number,
        **{f"{name}_at": f"{at.astimezone(BRASILIA):%Y-%m-%d %H:%M:%S}" if at else None for name, at in times.items()},
        "canceled_at": None,
        "expired_at": None,
    }


def signed(text: str) -> str:
    """``text`` with a seal, so that tokens outlive a restart."""
    return f"{text}.{hmac.digest(SECRET.encode(), text.encode(), hashlib.sha256).hex()}"


def is_signed(token: str, kind: str) -> bool:
    text = token.rpartition(".")[0]
    return token.startswith(f"{kind}.") and hmac.compare_digest(signed(text).encode(), token.encode())
