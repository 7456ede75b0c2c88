"""
Braspress' tracking v3: by the payer's CNPJ and the number of an invoice or an order.

Its words are guesses, as they are in the adapter. The head tells a delivery, which the lists do not have.
"""

import base64
from collections.abc import Mapping
from typing import Any, ClassVar

from simulator.calls import Call, Reply, answer
from simulator.carriers.base import Happening, SimulatedCarrier, What
from simulator.numbers import SHIPPER_CNPJ
from simulator.world import BRASILIA

USER = "LOJASIM_API"
PASSWORD = "simulated-braspress-password"  # noqa: S105 -- invented, accepted by the simulator alone
WORDS = {
    What.LABEL: "COLETA SOLICITADA",
    What.POSTED: "EMISSAO",
    What.MOVED: "EM VIAGEM",
    What.OUT: "SAIU PARA ENTREGA",
    What.ABSENT: "DESTINATARIO AUSENTE",
    What.WAITING: "AGUARDANDO RETIRADA",
    What.DELIVERED: "ENTREGUE",
    What.RETURNING: "EM DEVOLUCAO",
    What.RETURNED: "DEVOLUCAO CONCLUIDA",
    What.LOST: "EXTRAVIO",
    What.HELD: "RETIDO NA FISCALIZACAO",
}
ON_TIMELINE = {What.LABEL, What.POSTED, What.MOVED, What.OUT}


class Simulated(SimulatedCarrier):
    code = "braspress"
    courier = "Braspress Rodoviário"
    connection: ClassVar[Mapping[str, Any]] = {"login": USER, "password": PASSWORD}

    def number(self, serial: int) -> str:
        return f"BP{serial:09d}"

    def answer(self, call: Call) -> Reply:
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if call.headers.get("authorization") != expected:
            return self._refuse(401, "Usuário ou senha inválidos")
        match (call.method, *call.segments):
            case ("GET", "v3", "tracking", "byNf", cnpj, number, "json"):
                parcel = self.by("invoice_number", number)
            case ("GET", "v3", "tracking", "byNumPedido", cnpj, number, "json"):
                parcel = self.by("order_id", number)
            case _:
                return self._refuse(404, "Serviço inválido")
        happened = self.told(parcel) if parcel and cnpj == SHIPPER_CNPJ else []
        if parcel is None or not happened:
            return self._refuse(404, "Nota fiscal não encontrada")
        newest = happened[-1]
        delivered = newest.what is What.DELIVERED
        lines = [one for one in happened if one.what is not What.DELIVERED]
        consignment = {
            "numero": int(parcel.number[2:]),
            "origem": "SAO",
            "emissao": day(happened[0]),
            "remetente": "LOJA SIMULADA LTDA",
            "destinatario": "PESSOA INVENTADA",
            "tipoFrete": "CIF",
            "volumes": 1,
            "peso": 3.2,
            "previsaoEntrega": None,
            "dataEntrega": day(newest) if delivered else None,
            "status": WORDS[newest.what],
            "cidade": newest.city,
            "uf": newest.state,
            "dataOcorrencia": moment(lines[-1]),
            "ultimaOcorrencia": WORDS[lines[-1].what],
            "notasFiscais": [{"serie": "1", "numero": parcel.invoice_number}],
            "timeline": [line(one) for one in lines if one.what in ON_TIMELINE],
            "ocorrencias": [line(one) for one in lines if one.what not in ON_TIMELINE],
        }
        return answer({"conhecimentos": [consignment]})

    def _refuse(self, status: int, text: str) -> Reply:
        at = f"{self.now().astimezone(BRASILIA):%d/%m/%Y %H:%M:%S.%f}"
        return answer({"statusCode": status, "message": text, "dateTime": at, "errorList": []}, status)


def day(one: Happening) -> str:
    return f"{one.at.astimezone(BRASILIA):%d/%m/%Y}"


def moment(one: Happening) -> str:
    return f"{one.at.astimezone(BRASILIA):%d/%m/%Y %H:%M:%S}"


def line(one: Happening) -> dict[str, str]:
    return {"descricao": WORDS[one.what], "data": moment(one)}
