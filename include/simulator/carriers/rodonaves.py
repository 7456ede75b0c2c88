"""
Rodonaves' gateway: a token by the password grant, then one invoice a call by CNPJ and number.

Beside 0 its codes are invented, and their words tell what they mean. Every other invoice is found by its nine digits
alone, so that whoever asks by the plain number must ask again.
"""

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qs

from simulator.calls import Call, Reply, answer
from simulator.carriers.base import Happening, SimulatedCarrier, What
from simulator.numbers import SHIPPER_CNPJ
from simulator.records import Parcel
from simulator.world import BRASILIA, World

USER = "LOJASIM"
PASSWORD = "simulated-rodonaves-password"  # noqa: S105 -- invented, accepted by the simulator alone
LINES = {
    What.LABEL: ("60", "Coleta solicitada"),
    What.POSTED: ("0", "Emissão"),
    What.MOVED: ("61", "Em transferência"),
    What.OUT: ("62", "Saiu para entrega"),
    What.ABSENT: ("63", "Destinatário ausente"),
    What.WAITING: ("64", "Aguardando retirada"),
    What.DELIVERED: ("1", "Entrega finalizada"),
    What.RETURNING: ("65", "Mercadoria em devolução"),
    What.RETURNED: ("66", "Devolução finalizada"),
    What.LOST: ("67", "Extravio"),
    What.HELD: ("68", "Retido na fiscalização"),
}


class Simulated(SimulatedCarrier):
    code = "rodonaves"
    courier = "RTE Rodonaves"
    connection: ClassVar[Mapping[str, Any]] = {"login": USER, "password": PASSWORD}

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._tokens: dict[str, float] = {}  # when each ends

    def number(self, serial: int) -> str:
        return f"RTE{serial:09d}"

    def answer(self, call: Call) -> Reply:
        match (call.method, *call.segments):
            case ("POST", "token"):
                return self._token(call)
            case ("GET", "api", "v1", "tracking"):
                return self._tracking(call)
        return answer({"Message": "Recurso inválido."}, 404)

    def _token(self, call: Call) -> Reply:
        asked = {name: values[0] for name, values in parse_qs(call.body.decode("latin-1")).items()}
        expected = {"auth_type": "DEV", "grant_type": "password", "username": USER, "password": PASSWORD}
        if asked != expected:
            return answer({"error": "invalid_grant", "error_description": "Usuário ou senha inválidos."}, 401)
        settings = self.world.settings
        token = f"rte-{settings.token_generation}-{len(self._tokens) + 1:06d}"
        self._tokens[token] = self.now().timestamp() + settings.token_lifetime
        return answer({"access_token": token, "token_type": "bearer", "expires_in": int(settings.token_lifetime)})

    def _tracking(self, call: Call) -> Reply:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        good = scheme == "Bearer" and token.startswith(f"rte-{self.world.settings.token_generation}-")
        if not good or self._tokens.get(token, 0.0) <= self.now().timestamp():
            return answer({"Message": "Authorization has been denied for this request."}, 401)
        parcel = self._parcel(call)
        happened = self.told(parcel) if parcel else []
        if parcel is None or not happened:
            return answer({"Message": "Nota fiscal não encontrada."}, 404)
        return answer(
            {
                "EmissionDate": written(happened[0]),
                "ExpectedDeliveryDays": 6,
                "FiscalDocumentNumber": parcel.number[3:],
                "InvoiceNumber": parcel.invoice_number.zfill(9),
                "RecipientDescription": "PESSOA INVENTADA",
                "Events": [line(one) for one in happened],
            }
        )

    def _parcel(self, call: Call) -> Parcel | None:
        if call.first("TaxIdRegistration") != SHIPPER_CNPJ:
            return None
        asked = call.first("InvoiceNumber")
        parcel = self.by("invoice_number", asked.lstrip("0"))
        only_padded = parcel is not None and int(parcel.invoice_number) % 2 == 1
        return None if only_padded and len(asked) != 9 else parcel


def written(one: Happening) -> str:
    return f"{one.at.astimezone(BRASILIA):%Y-%m-%dT%H:%M:%S}"


def line(one: Happening) -> dict[str, str]:
    code, text = LINES[one.what]
    return {"Date": written(one), "EventCode": code, "Description": text, "City": one.city}
