"""Why a parcel was not handed over, read from what carriers write."""

import pytest

from rastro.models import Status
from rastro.reasons import SAID, Reason, reason_for

FAILED, HELD = Status.DELIVERY_FAILED, Status.ON_HOLD


@pytest.mark.parametrize(
    ("status", "said", "reason"),
    [
        (FAILED, "Objeto não entregue - carteiro não atendido", Reason.ABSENT),
        (FAILED, "DESTINATARIO AUSENTE, CO MORRO AZUL 01", Reason.ABSENT),
        (FAILED, "CLIENTE AUSENTE/ESTABELECIMENTO FECHADO", Reason.ABSENT),
        (FAILED, "Objeto não entregue - empresa fechada", Reason.ABSENT),
        (FAILED, "Delivery exception: Customer not available or business closed", Reason.ABSENT),
        (FAILED, "The receiver was not available for the second delivery attempt.", Reason.ABSENT),
        (FAILED, "Notice Left (No Authorized Recipient Available)", Reason.ABSENT),
        (FAILED, "Delivery could not be made, nobody was at the door", Reason.ABSENT),
        (FAILED, "Objeto não entregue - endereço incorreto", Reason.ADDRESS),
        (FAILED, "ENDERECO NAO LOCALIZADO", Reason.ADDRESS),
        (FAILED, "Endereço insuficiente para entrega", Reason.ADDRESS),
        (FAILED, "Undeliverable as Addressed", Reason.ADDRESS),
        (FAILED, "Mudou-se", Reason.ELSEWHERE),
        (FAILED, "Destinatário desconhecido no endereço", Reason.ELSEWHERE),
        (FAILED, "RECUSADA - MERCADORIA EM DESACORDO", Reason.REFUSED),
        (FAILED, "The recipient refused the shipment", Reason.REFUSED),
        (FAILED, "Delivery attempted, no access", Reason.NO_ACCESS),
        (FAILED, "Área de risco", Reason.NO_ACCESS),
        (FAILED, "Destinatário não apresentou documento exigido", Reason.DOCUMENT),
        (HELD, "Retido na alfândega", Reason.CUSTOMS),
        (HELD, "Encaminhado para fiscalização aduaneira", Reason.CUSTOMS),
        (HELD, "Clearance delay", Reason.CUSTOMS),
    ],
)
def test_a_reason_is_read_from_words_that_say_it_plainly(status: Status, said: str, reason: Reason) -> None:
    assert reason_for(status, said) is reason


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (FAILED, "Objeto não entregue"),
        (FAILED, "MERCADORIA NAO ENTREGUE"),
        (FAILED, "Ocorrência na entrega"),
        (FAILED, "Endereço sem entrega domiciliar"),
        (FAILED, "Área não atendida"),
        (FAILED, ""),
        (HELD, "Retido na fiscalização"),  # of a state's taxes, which is no customs
        (HELD, "Recusado"),
        (Status.IN_TRANSIT, "Destinatário ausente"),
        (Status.DELIVERED, "Retido na alfândega"),
    ],
)
def test_words_that_say_something_else_or_nothing_are_no_reason(status: Status, said: str) -> None:
    assert reason_for(status, said) is None


def test_every_reason_can_be_read() -> None:
    assert {reason for patterns in SAID.values() for _, reason in patterns} == set(Reason)
