"""A receiver of signed webhooks by the Standard Webhooks specification, under ``/webhook/{name}``."""

import base64
import hashlib
import hmac

from simulator import credentials
from simulator.calls import Call, Malformed, Reply, answer
from simulator.records import Delivery
from simulator.world import World, now

LARGEST_BODY = 20_000


class Webhook:
    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, name: str, call: Call) -> Reply:
        if call.method != "POST" or call.segments:
            return answer({"error": "webhooks are posted to the address itself"}, 405)
        unsigned = self._unsigned(call)
        if unsigned:
            return answer({"error": unsigned}, 401)
        try:
            body = call.record()
        except Malformed as error:
            return answer({"error": str(error)}, 400)
        if not {"type", "timestamp", "data"} <= set(body) or len(call.body) > LARGEST_BODY:
            return answer({"error": f"type, timestamp and data are wanted, in {LARGEST_BODY} bytes at most"}, 400)
        key = call.headers["webhook-id"]
        kept = self._world.webhooks.get(f"{name}/{key}")
        if kept is None:
            kept = Delivery(name=name, id=key, first_at=now().isoformat(), times=0, body=body)
        kept.times += 1
        self._world.save_webhook(kept)
        return Reply(status=204)

    def _unsigned(self, call: Call) -> str:
        """Why the call is not to be believed; empty when it is."""
        key, sent = call.headers.get("webhook-id", ""), call.headers.get("webhook-timestamp", "")
        if not key or "." in key:
            return "webhook-id is missing or has a full stop in it"
        if not sent.isdecimal() or abs(now().timestamp() - int(sent)) > self._world.settings.webhook_tolerance:
            return "webhook-timestamp is missing or too far from now"
        expected = signature(key, sent, call.body)
        signatures = call.headers.get("webhook-signature", "").split()
        if not any(hmac.compare_digest(one.encode(), expected.encode()) for one in signatures):
            return "webhook-signature does not match"
        return ""


def signature(key: str, timestamp: str, body: bytes) -> str:
    signed = f"{key}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(credentials.WEBHOOK_KEY, signed, hashlib.sha256)).decode()
