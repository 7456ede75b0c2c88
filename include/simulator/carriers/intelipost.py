"""
Intelipost's shipment orders, by the shop's order number: one volume each, its history newest first.

How an unknown order is answered and the names of the micro states are guesses, as they are in the adapter.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from simulator.calls import Call, Reply, answer
from simulator.carriers.base import Happening, SimulatedCarrier, What
from simulator.records import Parcel

KEY = "simulated-intelipost-key"
LINES = {
    What.LABEL: ("READY_FOR_SHIPPING", "Pronto para envio", 2, "PRONTO PARA EXPEDICAO"),
    What.POSTED: ("SHIPPED", "Despachado", 3, "DESPACHADO"),
    What.MOVED: ("IN_TRANSIT", "Em trânsito", 125, "ENTRADA FILIAL DESTINO"),
    What.OUT: ("TO_BE_DELIVERED", "Saiu para entrega", 17, "SAIDA PARA ENTREGA"),
    What.ABSENT: ("CLARIFY_DELIVERY_FAIL", "Averiguar falha na entrega", 41, "DESTINATARIO AUSENTE"),
    What.WAITING: ("IN_TRANSIT", "Em trânsito", 52, "AGUARDANDO RETIRADA"),
    What.DELIVERED: ("DELIVERED", "Entregue", 14, "ENTREGA REALIZADA"),
    What.RETURNING: ("DELIVERY_FAILED", "Falha na entrega", 66, "EM PROCESSO DE DEVOLUCAO"),
    What.RETURNED: ("DELIVERY_FAILED", "Falha na entrega", 67, "DEVOLUCAO CONCLUIDA"),
    What.LOST: ("DELIVERY_FAILED", "Falha na entrega", 71, "EXTRAVIO DE MERCADORIA"),
    What.HELD: ("CLARIFY_DELIVERY_FAIL", "Averiguar falha na entrega", 80, "RETIDO EM POSTO FISCAL"),
}


class Simulated(SimulatedCarrier):
    code = "intelipost"
    courier = "Intelipost"
    connection: ClassVar[Mapping[str, Any]] = {"password": KEY}

    def number(self, serial: int) -> str:
        return f"ITP{serial:010d}"

    def answer(self, call: Call) -> Reply:
        if call.headers.get("api-key") != KEY:
            return self._error("A API key não é válida.", "invalid.api.key", 401)
        match (call.method, *call.segments):
            case ("GET", "shipment_order", number):
                parcel = self.by("order_id", number)
                if parcel is None or not parcel.lines:
                    return self._error("Pedido de envio não encontrado.", "shipment_order.not.found", 404)
                return answer({"status": "OK", "messages": [], "content": described(parcel), **self._running()})
        return self._error("Recurso inexistente.", "resource.unknown", 404)

    def _error(self, text: str, key: str, status: int) -> Reply:
        message = {"type": "ERROR", "text": text, "key": key}
        return answer({"status": "ERROR", "messages": [message], "content": None, **self._running()}, status)

    def _running(self) -> dict[str, Any]:
        """What differs from answer to answer."""
        return {"time": f"{self.now().microsecond / 1000:.2f} ms", "timezone": "America/Sao_Paulo", "locale": "pt_BR"}


def described(parcel: Parcel) -> dict[str, Any]:
    happened = Simulated.told(parcel)
    state, localized, _, _ = LINES[happened[-1].what]
    delivered = next((one.at for one in happened if one.what is What.DELIVERED), None)
    return {
        "order_number": parcel.order_id,
        "sales_order_number": parcel.order_id,
        "end_customer": {"first_name": "PESSOA", "last_name": "INVENTADA", "federal_tax_payer_id": "000.000.000-00"},
        "shipment_order_volume_array": [
            {
                "shipment_order_volume_number": "1",
                "tracking_code": parcel.number,
                "shipment_order_volume_state": state,
                "shipment_order_volume_state_localized": localized,
                "delivered": delivered is not None,
                "delivered_date": milliseconds(delivered.timestamp()) if delivered else None,
                "estimated_delivery_date": milliseconds((happened[0].at + timedelta(days=7)).timestamp()),
                "shipment_order_volume_state_history_array": [line(one) for one in reversed(happened)],
            }
        ],
    }


def line(one: Happening) -> dict[str, Any]:
    state, localized, number, name = LINES[one.what]
    return {
        "shipment_order_volume_state": state,
        "shipment_order_volume_state_localized": localized,
        "event_date": milliseconds(one.at.timestamp()),
        "created": milliseconds(one.at.timestamp()) + 61_000,
        "provider_message": "Recebido por PESSOA INVENTADA" if one.what is What.DELIVERED else name.capitalize(),
        "shipment_volume_micro_state": {"id": number, "code": str(number), "default_name": name, "name": name},
        "attachments": None,
    }


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
