"""
Loggi's v1: a token of a client, one package a call, errors as gRPC words them.

Its history comes in no order; what it calls a parcel that is out for delivery is a guess, as it is in the adapter.
"""

import secrets
from collections.abc import Mapping
from datetime import UTC
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.carriers.base import Happening, SimulatedCarrier, What
from simulator.correios import signed, verified
from simulator.records import Parcel

CLIENT_ID = "simulated-loggi-client"
CLIENT_SECRET = "simulated-loggi-secret"  # noqa: S105 -- invented, accepted by the simulator alone
COMPANY_ID = "4207"
WORDS: Mapping[What, tuple[str, str]] = {
    What.LABEL: ("1", "Pacote criado"),
    What.POSTED: ("13", "Pacote conferido"),
    What.MOVED: ("17", "Chegou a uma base"),
    What.OUT: ("3", "Saiu para entrega"),
    What.ABSENT: ("18", "Destinatário ausente"),
    What.DELIVERED: ("5", "Entregue"),
    What.RETURNING: ("7", "Devolução iniciada"),
    What.RETURNED: ("8", "Devolvido ao remetente"),
    What.LOST: ("9", "Pacote extraviado"),
    What.HELD: ("22", "Aguardando o remetente"),
}
STATUSES = {3: 400, 5: 404, 7: 403, 12: 404, 16: 401}  # of HTTP, by gRPC's codes


class Simulated(SimulatedCarrier):
    code = "loggi"
    courier = "Loggi Expresso"
    connection: ClassVar[Mapping[str, Any]] = {
        "login": CLIENT_ID,
        "password": CLIENT_SECRET,
        "extra": {"company_id": COMPANY_ID},
    }

    def number(self, serial: int) -> str:
        return f"LGI{serial:09d}"

    def answer(self, call: Call) -> Reply:
        match (call.method, *call.segments):
            case ("POST", "v2", "oauth2", "token"):
                return self._token(call)
            case ("GET", "v1", "companies", company, "packages", number, "tracking"):
                return self._tracking(call, company, number)
        return complaint(12, "Not Implemented")

    def _token(self, call: Call) -> Reply:
        try:
            asked = call.record()
        except Malformed as error:
            return complaint(3, str(error))
        if (asked.get("client_id"), asked.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return complaint(16, "invalid client credentials")
        settings = self.world.settings
        expires = self.now().timestamp() + settings.token_lifetime
        token = signed({"client": CLIENT_ID, "exp": expires, "gen": settings.token_generation})
        return answer({"access_token": token, "expires_in": int(settings.token_lifetime), "token_type": "Bearer"})

    def _tracking(self, call: Call, company: str, number: str) -> Reply:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        claims = verified(token) if scheme == "Bearer" else None
        if claims is None or claims.get("client") != CLIENT_ID:
            return complaint(16, "invalid token")
        if claims["exp"] <= self.now().timestamp() or claims["gen"] != self.world.settings.token_generation:
            return complaint(16, "expired token")
        if company != COMPANY_ID:
            return complaint(7, "the company is not yours")
        parcel = self.by_number(number)
        happened = self.told(parcel) if parcel else []
        if parcel is None or not happened:
            return complaint(5, "tracking code not found")
        return answer({"packages": [package(parcel, happened)]})


def package(parcel: Parcel, happened: list[Happening]) -> dict[str, Any]:
    steps = [{"status": status(one), "location": {"city": one.city, "state": one.state}} for one in happened]
    return {
        "loggiKey": f"00000000-0000-4000-8000-{parcel.number[3:]:0>12}",
        "trackingCode": parcel.number,
        "barcode": f"00{parcel.number[3:]}",
        "status": {**status(happened[-1]), "actionRequired": None},
        "promisedDate": "",
        "trackingHistory": [*steps[1:], steps[0]],
    }


def status(one: Happening) -> dict[str, str]:
    code, description = WORDS[one.what]
    return {"code": code, "description": description, "updatedTime": f"{one.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}


def complaint(code: int, message: str) -> Reply:
    """An error; its details never repeat."""
    details = [{"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": secrets.token_hex(8)}]
    return answer({"code": code, "message": message, "details": details}, STATUSES[code])
