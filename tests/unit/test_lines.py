"""What holds of every carrier's lines: the way back, receipts, names, several parcels, promises."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from rastro.carriers import lines
from rastro.diff import state_of
from rastro.models import Event, Standing, Status

AT = datetime(2026, 9, 1, 12, tzinfo=UTC)


def event(status: Status, hours: float = 0, text: str = "", parcel: str = "") -> Event:
    at = AT + timedelta(hours=hours)
    return Event(key=f"{parcel} {status} {hours}", occurred_at=at, status=status, code="C", description=text)


def happened(*statuses: Status) -> list[Event]:
    return [event(status, hour) for hour, status in enumerate(statuses)]


def statuses(events: list[Event]) -> list[Status]:
    told = lines.history(events)
    assert lines.history(told) == told
    return [one.status for one in told]


def test_a_delivery_after_the_way_back_began_is_one_to_the_sender() -> None:
    told = happened(Status.OUT_FOR_DELIVERY, Status.RETURNING, Status.OUT_FOR_DELIVERY, Status.DELIVERED)
    assert statuses(told) == [Status.OUT_FOR_DELIVERY, Status.RETURNING, Status.RETURNING, Status.RETURNED]


def test_a_delivery_after_the_return_is_none_to_the_recipient() -> None:
    told = happened(Status.RETURNED, Status.IN_TRANSIT, Status.DELIVERED)
    assert statuses(told) == [Status.RETURNED, Status.RETURNING, Status.RETURNED]


def test_what_is_announced_anew_after_its_return_is_another_parcel_of_the_same_number() -> None:
    anew = [Status.INFO_RECEIVED, Status.IN_TRANSIT, Status.DELIVERED]
    assert statuses(happened(Status.RETURNING, Status.RETURNED, *anew)) == [Status.RETURNING, Status.RETURNED, *anew]
    assert statuses(happened(Status.RETURNING, Status.INFO_RECEIVED)) == [Status.RETURNING, Status.RETURNING]


def test_a_delivery_before_the_way_back_began_is_one_to_the_recipient() -> None:
    assert statuses(happened(Status.DELIVERED, Status.RETURNING)) == [Status.DELIVERED, Status.RETURNING]


@pytest.mark.parametrize("text", ["Entregue ao destinatário", "Entregue ao cliente"])
def test_a_delivery_that_names_the_recipient_is_believed_on_the_way_back_and_ends_it(text: str) -> None:
    told = [*happened(Status.RETURNING), event(Status.DELIVERED, 1, text), event(Status.IN_TRANSIT, 2)]
    assert statuses(told) == [Status.RETURNING, Status.DELIVERED, Status.IN_TRANSIT]
    refused = [*happened(Status.RETURNING), event(Status.DELIVERY_FAILED, 1, "Recusado pelo destinatário")]
    assert statuses(refused) == [Status.RETURNING, Status.RETURNING]


def test_a_delivery_by_a_code_of_the_recipients_is_believed_and_what_may_not_begin_begins_no_way_back() -> None:
    back, delivered = happened(Status.RETURNING, Status.DELIVERED)
    assert lines.history([back, delivered], sure={delivered.key})[-1].status is Status.DELIVERED
    assert lines.history([back, delivered], aside={back.key})[-1].status is Status.DELIVERED


def test_what_moves_nothing_is_left_as_it_is_on_the_way_back() -> None:
    told = happened(Status.RETURNING, Status.ON_HOLD, Status.UNKNOWN, Status.LOST, Status.CANCELLED)
    assert statuses(told) == [one.status for one in told]


def test_a_remark_neither_begins_a_way_back_nor_ends_it() -> None:
    back, delivered = happened(Status.RETURNING, Status.DELIVERED)
    assert statuses([replace(back, standing=Standing.INFORMATIVE), delivered])[1] is Status.DELIVERED
    assert statuses([back, replace(delivered, standing=Standing.INFORMATIVE)])[1] is Status.DELIVERED


RECEIPTS = (
    *(
        "RECEBIDO COMPROVANTE DE ENTREGA",
        "CHEGADA DE COMPROVANTE NA FILIAL",
        "DEVOLUCAO DE CANHOTO",
        "ENTRADA COMPROVANTE",
    ),
    *("Comprovante entregue ao remetente", "DEVOLVIDO O CANHOTO", "CANHOTO EXTRAVIADO", "Foto da entrega recebida"),
    *("POD anexado", "Proof of delivery is available", "Photo added", "Imagem da entrega", "Digitalização concluída"),
)
OF_THE_PARCEL = (
    *(
        "Mercadoria entregue, comprovante anexado",
        "ENTREGA REALIZADA - CANHOTO DIGITALIZADO",
        "Delivered, photo available",
    ),
    *(
        "Destinatário ausente (foto da fachada)",
        "Foto da fachada: destinatário ausente",
        "Não entregue, sem comprovante",
    ),
    *(
        "Mercadoria devolvida ao remetente, canhoto assinado",
        "Devolução concluída com comprovante",
        "Saiu para entrega",
    ),
)


@pytest.mark.parametrize("text", RECEIPTS)
@pytest.mark.parametrize("status", [Status.IN_TRANSIT, Status.RETURNING, Status.LOST, Status.DELIVERED])
def test_a_line_about_a_receipt_does_not_undo_a_delivery_nor_repeat_it(text: str, status: Status) -> None:
    assert lines.is_receipt(text)
    told = lines.history([event(Status.DELIVERED, 0, "Entregue"), event(status, 24, text)])
    assert state_of(told).delivered_at == AT
    assert told[-1].standing is Standing.INFORMATIVE


@pytest.mark.parametrize("text", OF_THE_PARCEL)
def test_a_line_that_also_names_a_receipt_is_about_the_parcel(text: str) -> None:
    assert not lines.is_receipt(text)


def test_what_is_a_delivery_by_its_code_is_one_where_nothing_else_says_so() -> None:
    assert state_of(lines.history([event(Status.DELIVERED, 0, "Comprovante anexado")])).status is Status.DELIVERED


NAMED = {
    "Objeto entregue, recebido por JOÃO DA SILVA CPF 000.000.000-00": "Objeto entregue",
    "Entrega realizada - Recebido por: Maria": "Entrega realizada",
    "Recebido por João da Silva": "Recebido",
    "Recebido pelo porteiro José": "Recebido pelo porteiro",
    "Entregue a João da Silva": "Entregue",
    "Pedido entregue para MARIA SOUZA": "Pedido entregue",
    "Entregue ao Sr. João": "Entregue",
    "Entregue ao destinatário João da Silva": "Entregue ao destinatário",
    "ENTREGUE AO DESTINATARIO - JOAO": "ENTREGUE AO DESTINATARIO",
    "Delivered, signed for by: J DOE": "Delivered",
    "Signed for by: J DOE": "Signed for",
    "Signed by J. Doe": "Signed",
    "Delivered to John Doe": "Delivered",
    "Delivered to the neighbour Doe": "Delivered to the neighbour",
    "Entregue RG 12.345-6": "Entregue",
    "Entregue (CPF: 000.000.000-00)": "Entregue",
    "Entrega finalizada. Recebedor: JOAO, doc 12345": "Entrega finalizada",
    "Nome do recebedor: João": "Nome do recebedor",
    "Fale com joao@example.com": "Fale com …",
}
OPEN = (
    *(
        "Objeto entregue ao destinatário",
        "Entregue ao destinatário com sucesso",
        "Entregue ao remetente.",
        "Saiu para entrega",
    ),
    *("Entregue a transportadora parceira", "Recebido pela unidade de distribuição", "RECEBIDO PELO PORTEIRO", ""),
    *("Delivered, To Original Sender", "Delivered to UPS Access Point and awaits its receiver", "Picked up by carrier"),
    *("Documento de transporte emitido", "Recebido na base", "Picked Up: Package available", "Delivered to agent"),
)


@pytest.mark.parametrize(("text", "kept"), NAMED.items())
def test_nobody_is_named(text: str, kept: str) -> None:
    assert lines.without_names(text) == kept == lines.without_names(kept)
    (told,) = lines.history([event(Status.DELIVERED, 0, text)])
    assert told.description == kept


@pytest.mark.parametrize("text", OPEN)
def test_a_part_that_anybody_may_play_is_no_name(text: str) -> None:
    assert lines.without_names(text) == text


def test_a_name_is_no_part_of_a_code_either() -> None:
    assert lines.as_code("Recebido por João da Silva") == "RECEBIDO"


DELIVERED = (event(Status.OUT_FOR_DELIVERY, 0, parcel="a"), event(Status.DELIVERED, 5, parcel="a"))


def second(*statuses: tuple[Status, float]) -> tuple[Event, ...]:
    return tuple(event(status, hours, parcel="b") for status, hours in statuses)


@pytest.mark.parametrize(
    ("other", "status"),
    [
        ((), Status.OUT_FOR_DELIVERY),  # it has not begun
        (second((Status.IN_TRANSIT, 1)), Status.IN_TRANSIT),
        (second((Status.IN_TRANSIT, 1), (Status.LOST, 3)), Status.IN_TRANSIT),  # delivered in part
        (second((Status.IN_TRANSIT, 1), (Status.LOST, 9)), Status.LOST),
        (second((Status.RETURNING, 1), (Status.RETURNED, 9)), Status.RETURNED),
        (second((Status.INFO_RECEIVED, -1), (Status.CANCELLED, 9)), Status.DELIVERED),  # it never went
        (second((Status.IN_TRANSIT, 1), (Status.DELIVERED, 9)), Status.DELIVERED),
    ],
)
def test_several_parcels_are_delivered_when_all_of_them_are(other: tuple[Event, ...], status: Status) -> None:
    for told in (lines.of_several([DELIVERED, other]), lines.of_several([other, DELIVERED])):
        assert state_of(told).status is status
        assert len(told) == len(DELIVERED) + len(other)


def test_of_several_ends_the_last_one_counts_and_of_one_parcel_its_own() -> None:
    later = second((Status.IN_TRANSIT, 1), (Status.DELIVERED, 9))
    assert state_of(lines.of_several([DELIVERED, later])).delivered_at == AT + timedelta(hours=9)
    assert lines.of_several([DELIVERED]) == DELIVERED
    assert lines.of_several([]) == ()
    cancelled = [second((Status.CANCELLED, 1)), (event(Status.CANCELLED, 2, parcel="a"),)]
    assert state_of(lines.of_several(cancelled)).since == AT + timedelta(hours=2)


def test_an_end_that_is_told_of_one_parcel_alone_is_left_unknown() -> None:
    told = lines.one_of_several(happened(Status.IN_TRANSIT, Status.DELIVERED, Status.LOST, Status.RETURNING))
    assert [one.status for one in told] == [Status.IN_TRANSIT, Status.UNKNOWN, Status.UNKNOWN, Status.RETURNING]


def test_news_of_a_delivery_is_none_after_a_way_back_that_is_known() -> None:
    known, (news,) = happened(Status.RETURNING, Status.RETURNING), [event(Status.DELIVERED, 5)]
    for instead in (Status.UNKNOWN, Status.RETURNED):
        assert [one.status for one in lines.news_after(known, [news], instead)] == [instead]
    named = replace(news, description="Entregue ao destinatário")
    assert lines.news_after(known, [named], Status.UNKNOWN) == (named,)
    assert lines.news_after([event(Status.RETURNING, 9)], [news], Status.UNKNOWN) == (news,)
    assert lines.news_after([*known, news], [news], Status.UNKNOWN) == (news,)  # it was known to be one


def test_a_promise_at_midnight_is_one_for_the_day() -> None:
    assert lines.end_of_day(datetime(2026, 9, 1, tzinfo=UTC)) == datetime(2026, 9, 1, 23, 59, 59, tzinfo=UTC)
    assert lines.end_of_day(AT) == AT
    assert lines.end_of_day(None) is None
