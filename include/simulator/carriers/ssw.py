"""
SSW's public tracking by an invoice's access key: no login, and a 200 or a 404 for an invoice that it does not know.

It speaks of a parcel from its transport document on. Beside 01, 80 and 85 its codes are invented, and their words tell
what they mean. Some days after a delivery the signed receipt is filed, here at once.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from simulator.calls import Call, Malformed, Reply, answer
from simulator.carriers.base import LIVES, Happening, SimulatedCarrier, What
from simulator.world import BRASILIA

LINES = {
    What.POSTED: ("80", "DOCUMENTO DE TRANSPORTE EMITIDO (67)", "Informativo"),
    What.MOVED: ("82", "SAIDA DE UNIDADE (76)", "Informativo"),
    What.OUT: ("85", "SAIDA PARA ENTREGA (85)", "Pre-entrega"),
    What.ABSENT: ("93", "DESTINATARIO AUSENTE (14)", "Cliente"),
    What.WAITING: ("94", "AGUARDANDO RETIRADA (33)", "Cliente"),
    What.DELIVERED: ("01", "MERCADORIA ENTREGUE (01)", "Entrega"),
    What.RETURNING: ("95", "EM DEVOLUCAO (25)", "Cliente"),
    What.RETURNED: ("96", "DEVOLUCAO ENTREGUE (26)", "Entrega"),
    What.LOST: ("97", "EXTRAVIO DE MERCADORIA (40)", "Cliente"),
    What.HELD: ("98", "RETIDO NA FISCALIZACAO (50)", "Informativo"),
}
RECEIPT = ("70", "COMPROVANTE DE ENTREGA ANEXADO (70)", "Informativo")
NOTHING = {"success": False, "message": "Nenhum documento localizado"}


class Simulated(SimulatedCarrier):
    code = "ssw"
    courier = "Expresso Pajuçara"
    connection: ClassVar[Mapping[str, Any]] = {}
    lives = tuple(life for life in LIVES if life != "label_then_posted")

    def number(self, serial: int) -> str:
        return f"CTE{serial:09d}"

    def answer(self, call: Call) -> Reply:
        if call.method != "POST" or call.segments != ("trackingdanfe",):
            return answer({"success": False, "message": "Recurso inexistente"}, 404)
        try:
            key = str(call.record().get("chave_nfe", ""))
        except Malformed as error:
            return answer({"success": False, "message": str(error)}, 400)
        if not re.fullmatch(r"[0-9]{44}", key):
            return answer({"success": False, "message": "Chave da NF-e invalida"})
        parcel = self.by("invoice_key", key)
        happened = self.told(parcel) if parcel else []
        if parcel is None or not happened:
            return answer(NOTHING, 404 if int(key[-1]) % 2 else 200)
        tracking = [line(one, *LINES[one.what]) for one in happened]
        if happened[-1].what is What.DELIVERED:
            tracking.append(line(happened[-1], *RECEIPT))
        header = {
            "remetente": "LOJA SIMULADA LTDA",
            "destinatario": "PESSOA INVENTADA",
            "nro_nf": parcel.invoice_number,
            "pedido": parcel.order_id,
        }
        document = {"header": header, "tracking": tracking}
        return answer({"success": True, "message": "Documento localizado com sucesso", "documento": document})


def line(one: Happening, code: str, text: str, kind: str) -> dict[str, str]:
    at = f"{one.at.astimezone(BRASILIA):%Y-%m-%dT%H:%M:%S}"
    delivered = one.what is What.DELIVERED
    return {
        "data_hora": at,
        "dominio": "SIM",
        "filial": one.city[:3],
        "cidade": f"{one.city} / {one.state}",
        "ocorrencia": text,
        "descricao": text.partition(" (")[0].capitalize() + ".",
        "tipo": kind,
        "data_hora_efetiva": at,
        "nome_recebedor": "PESSOA INVENTADA" if delivered else "",
        "nro_doc_recebedor": "00000000000" if delivered else "",
        "codigo_ssw": code,
    }
