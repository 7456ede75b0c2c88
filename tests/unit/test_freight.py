"""How the wording of Brazilian carriers is read, and what they share beside it."""

from datetime import datetime, timedelta

import pytest

from rastro.carriers import freight, lines
from rastro.models import Event, Standing, Status
from simulator.numbers import access_key

READ = {
    Status.INFO_RECEIVED: ("COLETA SOLICITADA", "Aguardando coleta", "Pedido registrado"),
    Status.IN_TRANSIT: (
        *("EMISSAO", "Emissão", "DOCUMENTO DE TRANSPORTE EMITIDO", "EM TRANSITO", "EM VIAGEM", "Coleta realizada"),
        *("SAIDA DE UNIDADE", "CHEGADA EM UNIDADE DE TRANSBORDO", "Recebido", "ENTREGA AGENDADA"),
        *("AGUARDANDO AGENDAMENTO", "LIBERADO PELA FISCALIZACAO", "SAIDA PARA TRANSFERENCIA"),
    ),
    Status.OUT_FOR_DELIVERY: ("SAIU PARA ENTREGA", "SAIDA PARA ENTREGA", "EM ROTA", "Em rota de entrega"),
    Status.DELIVERY_FAILED: (
        *("NAO ENTREGUE", "Não foi entregue", "ENTREGA NAO REALIZADA", "Destinatário ausente", "CLIENTE MUDOU-SE"),
        *("MERCADORIA RECUSADA PELO DESTINATARIO", "ENDERECO NAO LOCALIZADO", "Tentativa de entrega sem sucesso"),
    ),
    Status.READY_FOR_PICKUP: ("AGUARDANDO RETIRADA", "Disponível para retirada na filial"),
    Status.DELIVERED: (
        *("ENTREGUE", "MERCADORIA ENTREGUE", "Entregue ao destinatário", "Entrega realizada com sucesso"),
        *("Entrega finalizada", "ENTREGA REALIZADA NORMALMENTE", "Sua mercadoria foi entregue!"),
        "ENTREGUE COM RESSALVAS",
    ),
    Status.ON_HOLD: (
        *("RETIDO NA FISCALIZACAO", "MERCADORIA AVARIADA", "Aguardando liberação", "NAO LIBERADO"),
        *("POSSIVEL EXTRAVIO", "Mercadoria extraviada localizada", "MERCADORIA NAO LOCALIZADA"),
        *("DEVOLUCAO NAO AUTORIZADA", "AGUARDANDO AUTORIZACAO DE DEVOLUCAO"),
    ),
    Status.RETURNING: (
        *("DEVOLVIDO", "Não entregue - devolução ao remetente", "Devolução em andamento", "EM PROCESSO DE DEVOLUCAO"),
        *("MERCADORIA SERA DEVOLVIDA", "RETORNO AO REMETENTE", "COLETA DE DEVOLUCAO REALIZADA"),
    ),
    Status.RETURNED: (
        *("DEVOLUCAO ENTREGUE", "Devolução concluída", "DEVOLUCAO ENTREGUE AO REMETENTE"),
        *("ENTREGA REALIZADA AO REMETENTE", "Entregue ao expedidor"),
    ),
    Status.LOST: ("EXTRAVIO DE MERCADORIA", "CARGA ROUBADA", "Perda total"),
    Status.CANCELLED: ("CANCELADO", "Envio cancelado"),
    Status.UNKNOWN: (
        *("CT-E CANCELADO", "ENTREGA CANCELADA", "ENTREGA PARCIAL", "A ENTREGAR", "PREVISAO DE ENTREGA", "FINALIZADO"),
        *("RECEBIDO PELO PORTEIRO", "ENTREGUE A TRANSPORTADORA PARCEIRA", "Tratativa interna", ""),
    ),
}
REMARKS = (
    *(
        "COMPROVANTE DE ENTREGA ANEXADO",
        "Comprovante entregue ao remetente",
        "CANHOTO DEVOLVIDO",
        "DEVOLUCAO DE CANHOTO",
    ),
    *("RECEBIDO COMPROVANTE DE ENTREGA", "CHEGADA DE COMPROVANTE NA FILIAL", "ENTRADA COMPROVANTE"),
)
AT = datetime(2026, 9, 1, 12, tzinfo=lines.BRASILIA)


def event(status: Status, hours: float = 0, description: str = "") -> Event:
    at = AT + timedelta(hours=hours)
    return Event(
        key=f"{status} {hours}", occurred_at=at, status=status, code=status.upper(), description=description or status
    )


@pytest.mark.parametrize(("text", "status"), [(text, status) for status, texts in READ.items() for text in texts])
def test_words_mean_what_they_plainly_say(text: str, status: Status) -> None:
    assert freight.meaning(text) == (status, Standing.EFFECTIVE)


@pytest.mark.parametrize("text", REMARKS)
def test_a_receipt_on_file_moves_nothing(text: str) -> None:
    assert freight.meaning(text) == (Status.UNKNOWN, Standing.INFORMATIVE)
    assert freight.meaning(text, Status.IN_TRANSIT) == (Status.UNKNOWN, Standing.INFORMATIVE)


def test_a_known_code_counts_before_the_words_unless_it_is_a_delivery_that_they_deny() -> None:
    assert freight.meaning("MERCADORIA RECUSADA", Status.IN_TRANSIT)[0] is Status.IN_TRANSIT
    assert freight.meaning("QUALQUER COISA", Status.DELIVERED)[0] is Status.DELIVERED
    assert freight.meaning("MERCADORIA NAO ENTREGUE", Status.DELIVERED)[0] is Status.DELIVERY_FAILED
    assert freight.meaning("DEVOLUCAO ENTREGUE", Status.DELIVERED)[0] is Status.RETURNED


def test_of_one_time_an_end_comes_last() -> None:
    told = freight.history([event(Status.DELIVERED), event(Status.OUT_FOR_DELIVERY)])
    assert [one.status for one in told] == [Status.OUT_FOR_DELIVERY, Status.DELIVERED]


def test_a_bare_day_is_promised_to_its_end_and_what_only_fills_the_field_is_no_time() -> None:
    assert freight.end_of("08/09/26") == datetime(2026, 9, 8, 23, 59, 59, tzinfo=lines.BRASILIA)
    assert freight.end_of("2026-09-08T18:00:00") == datetime(2026, 9, 8, 18, tzinfo=lines.BRASILIA)
    for nothing in ("0001-01-01T00:00:00", "", None):
        assert freight.end_of(nothing) is None
        assert freight.told_at(nothing) is None
    assert freight.end_of("amanhã") is None
    with pytest.raises(ValueError, match="amanhã"):
        freight.told_at("amanhã")


def test_an_access_key_ends_in_a_check_digit() -> None:
    keys = [access_key(serial, "2609") for serial in range(200)]
    assert {key[-1] for key in keys} >= {"0", "1", "9"}
    assert all(freight.check_digit_fits(key) for key in keys)
    assert not any(freight.check_digit_fits(key[:-1] + str((int(key[-1]) + 1) % 10)) for key in keys)
    assert not freight.check_digit_fits(keys[0][:-1])
    assert freight.doubt_about_key(keys[0]) == ""
    assert "check digit" in freight.doubt_about_key(keys[0][:-1] + str((int(keys[0][-1]) + 1) % 10))
