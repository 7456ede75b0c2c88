import base64
import csv
import json
from datetime import UTC, datetime, timedelta
from importlib import resources

import pytest

from rastro.access import Access, Account, Token
from rastro.carriers.correios import Correios
from rastro.carriers.correios_lines import STATUS, status_of
from rastro.carriers.correios_login import CorreiosLogin
from rastro.diff import state_of
from rastro.errors import Misconfigured, Unreadable
from rastro.http import Response
from rastro.models import Refusal, RefusalReason, Snapshot, Standing, Status

NOW = datetime(2026, 9, 14, 12, tzinfo=UTC)
CONTRACT = Account(
    base_url="https://api.example",
    login="loja",
    password="codigo-inventado",
    extra={"posting_card": "0012345678"},
)
correios = Correios()
login = CorreiosLogin()


def line(code: str, at: str, **more: object) -> dict[str, object]:
    codigo, tipo = code.split()
    return {"codigo": codigo, "tipo": tipo, "dtHrCriado": at, "descricao": code, **more}


def unit(city: str, state: str, **more: object) -> dict[str, object]:
    return {"tipo": "Unidade de Distribuição", "endereco": {"cidade": city, "uf": state}, **more}


def snapshot(*lines: dict[str, object], **more: object) -> Snapshot:
    raw = json.dumps({"codObjeto": "QQ100000017BR", "eventos": lines, **more}).encode()
    said = correios.parse(raw)
    assert isinstance(said, Snapshot)
    return said


def refused(**answer: object) -> Refusal:
    said = correios.parse(json.dumps(answer).encode())
    assert isinstance(said, Refusal)
    return said


def jwt(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.c2ln"


def answer(**body: object) -> Response:
    return Response(status=201, body=json.dumps(body).encode())


# Asking


def test_each_number_is_a_parameter_of_its_own_and_the_whole_history_is_asked_for_in_portuguese() -> None:
    token = Token(value="abc", expires_at=NOW + timedelta(hours=1))
    request = correios.request_for(["QQ100000017BR", "QQ100000025BR"], Access(account=CONTRACT, token=token))
    assert (request.method, request.path) == ("GET", "/srorastro/v1/objetos")
    assert request.params == (
        ("codigosObjetos", "QQ100000017BR"),
        ("codigosObjetos", "QQ100000025BR"),
        ("resultado", "T"),
    )
    assert request.headers == {"Accept-Language": "pt-BR", "Authorization": "Bearer abc"}


def test_a_ready_made_key_is_used_as_it_is() -> None:
    account = Account(base_url="https://api.example", extra={"access_key": "cws-inventada"})
    assert not login.needed(account)
    request = correios.request_for(["QQ100000017BR"], Access(account=account))
    assert request.headers["Authorization"] == "Bearer cws-inventada"


def test_without_token_and_key_nothing_is_asked() -> None:
    with pytest.raises(Misconfigured, match="access_key"):
        correios.request_for(["QQ100000017BR"], Access(account=CONTRACT))


# Logging in


def test_the_token_of_a_posting_card_keeps_its_leading_zeros() -> None:
    assert login.needed(CONTRACT)
    request = login.request(CONTRACT)
    assert (request.method, request.path, request.json) == (
        "POST",
        "/token/v1/autentica/cartaopostagem",
        {"numero": "0012345678"},
    )
    assert base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")) == b"loja:codigo-inventado"


@pytest.mark.parametrize(
    ("extra", "path", "body"),
    [
        ({"contract": "9900000001"}, "contrato", {"numero": "9900000001"}),
        ({"contract": "9900000001", "dr": "72"}, "contrato", {"numero": "9900000001", "dr": 72}),
        (
            {"contract": "9900000001", "posting_card": "0012345678", "dr": "72"},
            "cartaopostagem",
            {"numero": "0012345678", "contrato": "9900000001", "dr": 72},
        ),
    ],
)
def test_a_token_is_asked_for_by_what_the_connection_holds(
    extra: dict[str, str], path: str, body: dict[str, object]
) -> None:
    account = Account(base_url="https://api.example", login="loja", password="x", extra=extra)
    request = login.request(account)
    assert (request.path, request.json) == (f"/token/v1/autentica/{path}", body)


def test_all_that_a_connection_lacks_is_said_at_once() -> None:
    account = Account(base_url="https://api.example", extra={"access_key": "wrong-kind", "dr": "SP"})
    assert login.needed(account)
    with pytest.raises(Misconfigured) as error:
        login.request(account)
    for lacking in ("login", "password", "posting_card", "contract", "dr", "access_key"):
        assert lacking in str(error.value)


def test_a_token_ends_when_it_says_itself() -> None:
    ends = NOW + timedelta(hours=20)
    value = jwt(iat=1, exp=int(ends.timestamp()))
    token = login.token(answer(token=value, expiraEm="2026-09-20T00:00:00"), NOW)
    assert (token.value, token.expires_at) == (value, ends)


@pytest.mark.parametrize("value", ["opaque", "a.b.c", "e30.e30.e30", jwt(exp="soon"), jwt(exp=10**30), jwt(exp=None)])
def test_a_token_that_does_not_say_ends_by_brasilias_clock(value: str) -> None:
    token = login.token(answer(token=value, expiraEm="2026-09-15T07:18:04"), NOW)
    assert token.expires_at == datetime(2026, 9, 15, 10, 18, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    "response",
    [
        answer(token="opaque"),
        answer(token="opaque", expiraEm="2026-09-14T08:59:59"),
        answer(token="", expiraEm="2026-09-15T07:18:04"),
        answer(expiraEm="2026-09-15T07:18:04"),
        answer(token=["opaque"], expiraEm="2026-09-15T07:18:04"),
        Response(status=201, body=b"<html>"),
        Response(status=201, body=b"[" * 100_000),
        Response(status=201, body=b"\xff"),
    ],
)
def test_an_answer_without_a_usable_token_is_unreadable_and_kept_out_of_the_error(response: Response) -> None:
    with pytest.raises(Unreadable) as error:
        login.token(response, NOW)
    assert "opaque" not in str(error.value)
    assert error.value.raw == b""


# Refusals


@pytest.mark.parametrize(
    ("number", "said", "reason", "code"),
    [
        ("QQ100000017BR", "SRO-020: Objeto não encontrado na base de dados dos Correios.", "not_found", "SRO-020"),
        ("QQ100000017BR", "SRO-020:Objeto não encontrado", "not_found", "SRO-020"),
        ("QQ100000017BR", "SRO-019: Objeto inválido", "not_found", "SRO-019"),
        ("AAAA", "SRO-019: Objeto inválido", "malformed", "SRO-019"),
        ("AAAA", "SRO-020: Objeto não encontrado", "not_found", "SRO-020"),
        ("QQ100000017BR", "SRO-009: Objeto não pertence ao contrato", "not_ours", "SRO-009"),
        ("QQ100000017BR", "SRO-555: outra coisa", "not_found", "SRO-555"),
        ("QQ100000017BR", "Objeto em manutenção", "not_found", ""),
    ],
)
def test_a_message_without_events_is_a_refusal(number: str, said: str, reason: str, code: str) -> None:
    assert refused(codObjeto=number, mensagem=said) == Refusal(
        reference=number, reason=RefusalReason(reason), code=code, message=said
    )


@pytest.mark.parametrize("events", [{}, {"eventos": []}, {"eventos": None}, {"mensagem": None}])
def test_an_object_that_says_nothing_is_not_found_and_never_an_empty_history(events: dict[str, object]) -> None:
    assert refused(codObjeto="QQ100000017BR", **events).reason is RefusalReason.NOT_FOUND


def test_events_count_more_than_a_message_beside_them() -> None:
    assert snapshot(line("PO 01", "2026-09-14T10:00:00"), mensagem="SRO-020: Objeto não encontrado").events


# Time, order and identity


def test_times_are_brasilias_and_of_their_own_day() -> None:
    said = snapshot(line("RO 01", "2026-09-14T22:30:00"), line("PO 01", "2018-12-01T10:00:00"))
    assert [event.occurred_at.isoformat() for event in said.events] == [
        "2018-12-01T10:00:00-02:00",
        "2026-09-14T22:30:00-03:00",
    ]


@pytest.mark.parametrize(
    "written",
    ["2026-09-14 10:30:00", "2026-09-14T10:30:00.000000", " 2026-09-14T10:30:00 ", "2026-09-14T13:30:00Z"],
)
def test_a_time_is_the_same_however_it_is_written(written: str) -> None:
    plain = snapshot(line("PO 01", "2026-09-14T10:30:00")).events
    assert snapshot(line("PO 01", written)).events == plain


@pytest.mark.parametrize("written", ["", "ontem", "14/09/2026 10:30", "0001-01-01T00:00:00Z"])
def test_an_event_that_cannot_be_placed_puts_its_object_aside(written: str) -> None:
    raw = json.dumps({"codObjeto": "QQ100000017BR", "eventos": [line("BDE 01", written)]}).encode()
    with pytest.raises(Unreadable) as error:
        correios.parse(raw)
    assert (error.value.reference, error.value.raw) == ("QQ100000017BR", raw)


def test_events_at_one_minute_keep_the_order_of_the_carrier_whichever_end_it_starts_from() -> None:
    first, second, third = (line(code, "2026-09-14T10:00:00") for code in ("PAR 18", "PO 01", "RO 01"))
    last = line("DO 01", "2026-09-15T10:00:00")
    expected = ["PAR 18", "PO 01", "RO 01", "DO 01"]
    assert [event.code for event in snapshot(last, third, second, first).events] == expected
    assert [event.code for event in snapshot(first, second, third, last).events] == expected


def test_new_wording_and_another_way_to_write_the_type_make_no_new_event() -> None:
    at, where = "2026-09-14T10:00:00", unit("SAO PAULO", "SP", codSro="05311970")
    old = snapshot(line("RO 01", at, unidade=where)).events
    new = snapshot(line("RO 1", at, unidade=where, descricao="Objeto encaminhado")).events
    number = snapshot(line("RO 01", at, unidade=where, tipo=1)).events
    assert {event.key for event in (*old, *new, *number)} == {old[0].key}


def test_another_unit_type_or_time_makes_another_event() -> None:
    at, where = "2026-09-14T10:00:00", unit("SAO PAULO", "SP")
    said = snapshot(
        line("RO 01", at, unidade=where),
        line("RO 01", at, unidade=unit("CAMPINAS", "SP")),
        line("RO 01", "2026-09-14T10:00:01", unidade=where),
        line("DO 01", at, unidade=where),
    )
    assert len({event.key for event in said.events}) == 4


def test_a_place_abroad_is_a_country_and_no_city() -> None:
    said = snapshot(line("PO 01", "2026-09-14T10:00:00", unidade={"nome": "HONG KONG", "tipo": "País", "endereco": {}}))
    assert [(event.city, event.state, event.country) for event in said.events] == [("", "", "HONG KONG")]


def test_only_a_readable_estimate_is_one() -> None:
    posted = line("PO 01", "2026-09-14T10:00:00")
    estimate = snapshot(posted, dtPrevista="2026-09-18T23:59:59").estimated_at
    assert estimate
    assert estimate.isoformat() == "2026-09-18T23:59:59-03:00"
    assert snapshot(posted, dtPrevista="em breve").estimated_at is None


# Meaning


def test_the_table_is_whole() -> None:
    rows = list(csv.DictReader((resources.files("rastro.carriers") / "correios_status.csv").read_text().splitlines()))
    pairs = [(code, row["tipo"]) for row in rows for code in row["codigo"].split()]
    assert len(pairs) == len(set(pairs)) == len(STATUS) == 384
    assert all(row["meaning"] for row in rows)


def test_only_four_types_of_one_family_are_a_delivery() -> None:
    delivered = {code for code, status in STATUS.items() if status is Status.DELIVERED}
    assert delivered == {f"{family} {kind}" for family in ("BDE", "BDI", "BDR") for kind in ("00", "01", "67", "70")}


@pytest.mark.parametrize(
    ("code", "wording", "status"),
    [
        ("BDE 01", "Objeto entregue ao destinatário", Status.DELIVERED),
        ("BDE 01", "Objeto entregue ao remetente", Status.RETURNED),
        ("BDE 01", "Objeto devolvido ao remetente", Status.RETURNED),
        ("BDI 01", "Objeto não entregue - carteiro não atendido", Status.DELIVERY_FAILED),
        ("BDI 01", "Objeto n\ufffdo entregue", Status.DELIVERY_FAILED),
        ("BDE 01", "A entrega não pode ser efetuada", Status.DELIVERY_FAILED),
        ("BDE 01", "Entrega não realizada - Objeto será devolvido ao remetente", Status.RETURNING),
        ("BDE 67", "Entregue em endereço vizinho, conforme autorizado pelo remetente", Status.DELIVERED),
        ("BDE 68", "Objeto entregue na Caixa de Correios Inteligente", Status.READY_FOR_PICKUP),
        ("BDE 01", "Objeto entregue na Caixa de Correios Inteligente", Status.READY_FOR_PICKUP),
        ("BDE 22", "Objeto devolvido aos Correios", Status.IN_TRANSIT),
        ("BDE 23", "Objeto entregue ao remetente", Status.RETURNED),
        ("BDR 07", "Objeto sujeito a atraso na entrega ou a devolução ao remetente", Status.DELIVERY_FAILED),
        ("BDR 07", "Objeto será devolvido ao remetente", Status.RETURNING),
        ("BDE 09", "Objeto ainda não chegou à unidade", Status.IN_TRANSIT),
        ("BDE 09", "Objeto não localizado", Status.LOST),
        ("BDE 14", "Desistência de postagem pelo remetente", Status.CANCELLED),
        ("BDE 14", "Objeto entregue ao remetente", Status.RETURNED),
        ("BDE 33", "Destinatário não apresentou documento exigido", Status.DELIVERY_FAILED),
        ("BDE 33", "Documento não apresentado - Objeto será devolvido ao remetente", Status.RETURNING),
        ("BDE 33", "", Status.RETURNING),
        ("OEC 01", "Objeto saiu para entrega ao destinatário", Status.OUT_FOR_DELIVERY),
        ("OEC 01", "Objeto saiu para entrega ao remetente", Status.RETURNING),
        ("LDI 14", "Objeto aguardando retirada no endereço indicado", Status.READY_FOR_PICKUP),
        ("LDI 14", "Objeto encaminhado para retirada no endereço indicado", Status.IN_TRANSIT),
        ("LDI 14", "", Status.IN_TRANSIT),
        ("PAR 17", "Aguardando pagamento", Status.ON_HOLD),
        ("PAR 17", "Objeto liberado pela alfândega", Status.IN_TRANSIT),
        ("PAR 15", "Objeto recebido em PORTUGAL", Status.IN_TRANSIT),
        ("CO 08", "Entregue", Status.UNKNOWN),
        ("BDE 79", "Objeto entregue ao contratante", Status.UNKNOWN),
        ("BDE 31", "Pagamento confirmado", Status.UNKNOWN),
        ("BDE 97", "Objeto entregue ao destinatário", Status.UNKNOWN),
        ("OEC 77", "Objeto saiu para entrega ao destinatário", Status.UNKNOWN),
    ],
)
def test_a_line_means_what_its_code_says_and_its_words_decide_only_where_codes_changed(
    code: str, wording: str, status: Status
) -> None:
    assert status_of(code, wording) is status


POSTED = line("PO 01", "2026-09-14T10:00:00", unidade=unit("SAO PAULO", "SP"))
OUT = line("OEC 01", "2026-09-16T09:00:00", unidade=unit("RECIFE", "PE"))
DELIVERED = line("BDE 01", "2026-09-16T14:00:00", unidade=unit("RECIFE", "PE"))


def voids(at: str, city: str = "RECIFE") -> dict[str, object]:
    return line("EST 01", at, unidade=unit(city, "PE"))


def test_a_correction_voids_the_line_before_it_and_counts_for_nothing_itself() -> None:
    events = snapshot(voids("2026-09-16T15:00:00"), DELIVERED, OUT, POSTED).events
    assert [(event.code, event.standing) for event in events] == [
        ("PO 01", Standing.EFFECTIVE),
        ("OEC 01", Standing.EFFECTIVE),
        ("BDE 01", Standing.VOIDED),
        ("EST 01", Standing.INFORMATIVE),
    ]
    assert state_of(events).status is Status.OUT_FOR_DELIVERY


@pytest.mark.parametrize("before", [OUT, POSTED, line("LDI 01", "2026-09-16T09:00:00")])
def test_a_correction_of_a_line_that_is_gone_leaves_the_line_before_that_alone(before: dict[str, object]) -> None:
    events = snapshot(voids("2026-09-16T15:00:00"), before).events
    assert [event.standing for event in events] == [Standing.EFFECTIVE, Standing.INFORMATIVE]


@pytest.mark.parametrize("outcome", ["BDE 01", "BDI 20", "BDR 23", "IDC 01", "PAR 13"])
def test_every_outcome_can_be_taken_back_from_whatever_place(outcome: str) -> None:
    taken_back = line(outcome, "2026-09-16T14:00:00", unidade=unit("RECIFE", "PE"))
    events = snapshot(voids("2026-09-16T15:00:00", city="OLINDA"), taken_back, POSTED).events
    assert events[1].standing is Standing.VOIDED
    assert state_of(events).status is Status.IN_TRANSIT


def test_two_corrections_take_back_two_outcomes_and_nothing_else() -> None:
    failed = line("BDE 20", "2026-09-16T10:00:00")
    events = snapshot(voids("2026-09-16T15:01:00"), voids("2026-09-16T15:00:00"), DELIVERED, failed, OUT).events
    assert state_of(events).status is Status.OUT_FOR_DELIVERY


def test_a_delivery_after_a_correction_counts() -> None:
    again = {**DELIVERED, "dtHrCriado": "2026-09-16T16:00:00"}
    events = snapshot(again, voids("2026-09-16T15:00:00"), DELIVERED, OUT, POSTED).events
    assert state_of(events).delivered_at == datetime(2026, 9, 16, 19, tzinfo=UTC)


def test_a_pickup_place_is_told_only_with_an_address() -> None:
    at = "2026-09-17T10:00:00"
    assert snapshot(line("LDI 01", at)).pickup is None
    assert snapshot(line("LDI 01", at, unidade={"nome": "AC FLORESTA", "endereco": {}})).pickup is None
    pickup = snapshot(line("LDI 01", at, dtLimiteRetirada="logo", unidade=unit("RECIFE", "PE"))).pickup
    assert pickup
    assert (pickup.place, pickup.address, pickup.deadline) == ("Unidade de Distribuição", "RECIFE/PE", None)
