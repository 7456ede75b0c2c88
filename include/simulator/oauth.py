"""A token endpoint by RFC 6749 with refresh tokens that can be used once, for services to which a shop consents."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

import msgspec

from simulator.calls import Call, Reply, answer
from simulator.world import now


@dataclass(slots=True, kw_only=True)
class Consent:
    """
    One application's access to one shop. ``first`` is the refresh token that its connection begins with.

    A refresh token names its place in the chain; none older than the newest that was handed out is taken. What access
    tokens there are is forgotten by a restart, after which everybody renews theirs.
    """

    client_id: str
    client_secret: str
    first: str
    lifetime: timedelta
    _place: int = 0
    _tokens: dict[str, datetime] = field(default_factory=dict)

    def grant(self, call: Call) -> Reply:
        """The answer of the token endpoint, to a form or to JSON."""
        sent = fields_of(call)
        if (sent.get("client_id"), sent.get("client_secret")) != (self.client_id, self.client_secret):
            return refusal("invalid_client", 401)
        if sent.get("grant_type") != "refresh_token":
            return refusal("unsupported_grant_type", 400)
        start, _, place = sent.get("refresh_token", "").rpartition("-")
        if start != self.first.rpartition("-")[0] or not place.isdecimal() or int(place) < self._place:
            return refusal("invalid_grant", 400)
        self._place = int(place) + 1
        token = secrets.token_hex(16)
        self._tokens[token] = now() + self.lifetime
        return answer(
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": int(self.lifetime.total_seconds()),
                "refresh_token": f"{start}-{self._place}",
            }
        )

    def knows(self, call: Call) -> bool:
        """Whether the call bears a token that is good now."""
        kind, _, token = call.headers.get("authorization", "").partition(" ")
        return kind == "Bearer" and token in self._tokens and self._tokens[token] > now()


def fields_of(call: Call) -> dict[str, str]:
    if "json" not in call.headers.get("content-type", ""):
        return dict(parse_qsl(call.body.decode("utf-8", "replace")))
    try:
        return msgspec.json.decode(call.body, type=dict[str, str])
    except msgspec.DecodeError:
        return {}


def refusal(error: str, status: int) -> Reply:
    return answer({"error": error, "error_description": "see RFC 6749, section 5.2"}, status)
