"""OAuth client credentials for simulated carriers that hand out tokens: given to the right client, good for a while."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from simulator.calls import Call, Malformed
from simulator.correios import basic, signed, verified
from simulator.world import World, now


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTokens:
    """One service's client. ``lifetime`` in seconds; the world's setting may make it shorter."""

    world: World
    code: str
    client_id: str
    secret: str
    lifetime: float

    def grant(self, form: Mapping[str, str]) -> str | None:
        """A token for these parameters of a request; None when the client is not the right one."""
        known = form.get("client_id") == self.client_id and form.get("client_secret") == self.secret
        return self._issue() if known and form.get("grant_type") == "client_credentials" else None

    def grant_basic(self, call: Call) -> str | None:
        """As :meth:`grant`, for a client that names itself by Basic authentication."""
        known = call.headers.get("authorization") == basic(self.client_id, self.secret)
        return self._issue() if known and form_of(call).get("grant_type") == "client_credentials" else None

    @property
    def lasts(self) -> int:
        return int(min(self.lifetime, self.world.settings.token_lifetime))

    def _issue(self) -> str:
        generation = self.world.settings.token_generation
        return signed({"exp": now().timestamp() + self.lasts, "gen": generation, "for": self.code})

    def admits(self, call: Call) -> bool:
        """Whether the call carries a token of this service that still holds."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        claims = verified(token) if scheme == "Bearer" else None
        if claims is None or claims.get("for") != self.code:
            return False
        return bool(claims["exp"] > now().timestamp() and claims["gen"] == self.world.settings.token_generation)


def form_of(call: Call) -> dict[str, str]:
    """A body as ``application/x-www-form-urlencoded`` has it."""
    try:
        return dict(parse_qsl(call.body.decode()))
    except UnicodeDecodeError:
        raise Malformed("the body is no form") from None
