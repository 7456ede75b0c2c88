import base64
import csv
import json
from datetime import UTC, date, datetime, timedelta
from importlib import resources

import pytest

from rastro.access import Access, Account, Token
from rastro.carriers.correios import Correios
from rastro.carriers.correios_lines import STATUS, status_of, status_table
from rastro.carriers.correios_login import CorreiosLogin
from rastro.diff import state_of
from rastro.errors import Misconfigured, Unreadable
from rastro.http import Response
from rastro.models import Pickup, Refusal, RefusalReason, Snapshot, Standing, Status

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
    with pytest.raises(Misconfigured, match=r"^correios: no token was obtained .* extra\.access_key, cws-…$"):
        correios.request_for(["QQ100000017BR"], Access(account=CONTRACT))


@pytest.mark.parametrize(
    ("number", "doubt"),
    [
        ("QQ100000017BR", ""),
        ("QQ100000018BR", "its check digit is wrong: a letter or digit was mistyped"),
        ("QQ10000001BR", "it is not of the form AA123456789BR"),
    ],
)
def test_a_number_that_looks_mistyped_is_doubted_in_a_sentence(number: str, doubt: str) -> None:
    assert correios.doubt_about(number) == doubt


def test_the_page_for_people_is_that_of_the_number() -> None:
    assert correios.page_about("QQ100000017BR").endswith("objetos=QQ100000017BR")


# Logging in


def test_the_token_of_a_posting_card_keeps_its_leading_zeros() -> None:
    assert login.needed(CONTRACT)
    request = login.request(CONTRACT, None, NOW)
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
    request = login.request(account, None, NOW)
    assert (request.path, request.json) == (f"/token/v1/autentica/{path}", body)


def test_all_that_a_connection_lacks_is_said_at_once() -> None:
    account = Account(base_url="https://api.example", extra={"access_key": "wrong-kind", "dr": "SP"})
    assert login.needed(account)
    with pytest.raises(Misconfigured) as error:
        login.request(account, None, NOW)
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


# Cutting an answer


def cut(body: str | bytes) -> list[tuple[str, bytes]]:
    return list(correios.split(Response(status=200, body=body.encode() if isinstance(body, str) else body)))


def test_an_answer_is_cut_into_its_objects_byte_for_byte() -> None:
    first, second = (
        '{"codObjeto": " qq100000017br","eventos":[ ]}',
        '{"mensagem":"SRO-020","codObjeto":"QQ100000025BR"}',
    )
    assert cut(f'{{"versao":"3.5","objetos":[{first} , {second}]}}') == [
        ("QQ100000017BR", first.encode()),
        ("QQ100000025BR", second.encode()),
    ]


def test_a_single_object_by_itself_is_an_answer_too() -> None:
    body = '{"codObjeto":"qq100000017br","eventos":[]}'
    assert cut(body) == [("QQ100000017BR", body.encode())]


def test_a_byte_order_mark_is_no_part_of_an_answer() -> None:
    body = b'{"codObjeto":"QQ100000017BR"}'
    assert cut(b"\xef\xbb\xbf" + body) == [("QQ100000017BR", body)]


@pytest.mark.parametrize("part", ['{"eventos":[]}', '{"codObjeto":17}', '"QQ100000017BR"', "null"])
def test_an_object_whose_number_cannot_be_read_is_cut_out_all_the_same(part: str) -> None:
    assert cut(f'{{"objetos":[{part}]}}') == [("", part.encode())]


ENDED = "a service that Correios has ended; ask srorastro/v1"
NO_OBJECTS = "the answer lists no objects ({}); is the connection's host right?"
NOT_JSON = "the answer is not JSON, or was cut short"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"<html><body>502</body></html>", f"the answer is HTML or XML: an error page, or {ENDED}"),
        (b"\r\n <rastro/>", f"the answer is HTML or XML: an error page, or {ENDED}"),
        (b'{"versao":"1","pesquisa":"x","objeto":[{"numero":"1"}]}', f"the answer is of rastroMobile, {ENDED}"),
        (b'{"objeto":[{"numero":"1"}]}', NO_OBJECTS.format("JSON of another shape")),
        (b'{"pesquisa":"x"}', NO_OBJECTS.format("JSON of another shape")),
        (b"{" + b" " * 2000 + b'"pesquisa":"x","objeto":[]}', NO_OBJECTS.format("JSON of another shape")),
        (b'{"objetos":[]}', NO_OBJECTS.format("JSON of another shape")),
        (b'{"objetos":null}', NO_OBJECTS.format("JSON of another shape")),
        (b'{"codObjeto":""}', NO_OBJECTS.format("JSON of another shape")),
        (b" []", NO_OBJECTS.format("JSON of another shape")),
        (b'{"msgs":["Credenciais ausentes"]}', NO_OBJECTS.format("Credenciais ausentes")),
        (b'{"objetos":[{"codObjeto":', NOT_JSON),
        (b"[" * 100_000, NOT_JSON),
        (b'{"codObjeto":"\xff"}', NOT_JSON),
        (b"servico indisponivel", NOT_JSON),
        (b'"texto"', NOT_JSON),
        (b" \n", "the answer is empty"),
        (b"", "the answer is empty"),
    ],
)
def test_a_body_of_another_kind_is_unreadable_and_says_what_it_is(body: bytes, what: str) -> None:
    with pytest.raises(Unreadable) as error:
        cut(body)
    assert str(error.value) == f"correios: {what}"
    assert error.value.raw == body


def test_a_marked_body_that_cannot_be_read_is_kept_with_its_mark() -> None:
    with pytest.raises(Unreadable) as error:
        cut(b"\xef\xbb\xbf<html>")
    assert error.value.raw == b"\xef\xbb\xbf<html>"


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
    assert refused(codObjeto="QQ100000017BR", **events) == Refusal(
        reference="QQ100000017BR", reason=RefusalReason.NOT_FOUND, code="", message=""
    )


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
    assert str(error.value).startswith("correios: an object makes no sense (")


@pytest.mark.parametrize("number", ["", " \t", "\u200b"])
def test_an_object_without_its_number_is_put_aside(number: str) -> None:
    raw = json.dumps({"codObjeto": number, "eventos": [line("BDE 01", "2026-09-14T10:00:00")]}).encode()
    with pytest.raises(Unreadable) as error:
        correios.parse(raw)
    assert str(error.value) == "correios: an object without its number"
    assert error.value.raw == raw


def test_an_object_that_is_no_object_is_put_aside_without_a_number() -> None:
    with pytest.raises(Unreadable) as error:
        correios.parse(b'"texto"')
    assert error.value.reference == ""


def test_a_history_is_that_of_its_number() -> None:
    assert snapshot(POSTED).reference == "QQ100000017BR"


def test_events_at_one_minute_keep_the_order_of_the_carrier_whichever_end_it_starts_from() -> None:
    first, second, third = (line(code, "2026-09-14T10:00:00") for code in ("PAR 18", "PO 01", "RO 01"))
    last = line("DO 01", "2026-09-15T10:00:00")
    expected = ["PAR 18", "PO 01", "RO 01", "DO 01"]
    assert [event.code for event in snapshot(last, third, second, first).events] == expected
    assert [event.code for event in snapshot(first, second, third, last).events] == expected
    assert [event.code for event in snapshot(third, second, first).events] == ["PAR 18", "PO 01", "RO 01"]


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


@pytest.mark.parametrize(
    ("unidade", "place"),
    [
        (unit(" RECIFE ", "PE "), ("RECIFE", "PE", "BR")),
        ({"nome": "AC FLORESTA"}, ("", "", "BR")),
        (None, ("", "", "BR")),
        ({"nome": "HONG KONG", "tipo": "País", "endereco": {}}, ("", "", "HONG KONG")),
        ({"nome": "HONG KONG", "tipo": "PAIS", "endereco": {"cidade": "KOWLOON", "uf": "HK"}}, ("", "", "HONG KONG")),
        ({"tipo": "País", "endereco": {"pais": " PORTUGAL "}}, ("", "", "PORTUGAL")),
        ({"tipo": "País"}, ("", "", "")),
    ],
)
def test_a_place_is_a_town_of_brazil_or_a_country_and_no_town(
    unidade: dict[str, object] | None, place: tuple[str, str, str]
) -> None:
    (said,) = snapshot(line("PO 01", "2026-09-14T10:00:00", unidade=unidade)).events
    assert (said.city, said.state, said.country) == place


@pytest.mark.parametrize(
    ("unidade", "key"),
    [
        (unit("RECIFE", "PE", codSro="05311970"), "PO 01@2026-09-14T10:00:00@05311970"),
        (unit("RECIFE", "PE", nome="CTE RECIFE"), "PO 01@2026-09-14T10:00:00@RECIFE/PE"),
        ({"nome": "HONG KONG", "tipo": "País"}, "PO 01@2026-09-14T10:00:00@HONG KONG"),
        (None, "PO 01@2026-09-14T10:00:00@"),
    ],
)
def test_an_event_is_recorded_under_its_code_time_and_unit(unidade: dict[str, object] | None, key: str) -> None:
    (said,) = snapshot(line("PO 01", "2026-09-14T10:00:00", unidade=unidade)).events
    assert said.key == key


@pytest.mark.parametrize(
    "written",
    [
        "2026-09-14T10:00:00",
        " 2026-09-14T10:00:00 ",
        "2026-09-14 10:00:00",
        "2026-09-14T10:00",
        "20260914T100000",
        "2026-W38-1T10:00:00",
        "2026-09-14T10:00:00-03:00",
        "2026-09-14T13:00:00Z",
        "2026-09-14T13:00+00",
    ],
)
def test_a_time_makes_the_same_event_however_it_is_written(written: str) -> None:
    (said,) = snapshot(line("PO 01", written)).events
    assert said.key == "PO 01@2026-09-14T10:00:00@"
    assert said.occurred_at == datetime(2026, 9, 14, 13, tzinfo=UTC)


@pytest.mark.parametrize(("written", "wording"), [(" Objeto postado ", "Objeto postado"), ("", ""), (None, "")])
def test_the_wording_is_kept_as_it_is_written(written: str | None, wording: str) -> None:
    (said,) = snapshot(line("PO 01", "2026-09-14T10:00:00", descricao=written)).events
    assert said.description == wording


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
    assert status_table() == STATUS
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


def test_a_correction_with_nothing_before_it_takes_nothing_back() -> None:
    events = snapshot(POSTED, voids("2026-09-13T15:00:00")).events
    assert [event.standing for event in events] == [Standing.INFORMATIVE, Standing.EFFECTIVE]


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
    assert snapshot(line("LDI 01", at, unidade={"nome": "AC FLORESTA"})).pickup is None
    pickup = snapshot(line("LDI 01", at, dtLimiteRetirada="logo", unidade=unit("RECIFE", "PE"))).pickup
    assert pickup == Pickup(place="Unidade de Distribuição", address="RECIFE/PE", deadline=None)


def test_a_pickup_place_is_told_with_all_of_its_address_and_its_last_day() -> None:
    where = {
        "logradouro": "RUA DA AURORA ",
        "numero": 1071,
        "complemento": "LOJA 2",
        "bairro": " BOA VISTA",
        "cidade": "RECIFE",
        "uf": "PE",
        "cep": "50040970",
    }
    waits = line(
        "LDI 01",
        "2026-09-17T10:00:00",
        unidade={"nome": " AC BOA VISTA ", "tipo": "Agência", "endereco": where},
        dtLimiteRetirada="2026-09-24T23:59:59",
    )
    assert snapshot(waits).pickup == Pickup(
        place="AC BOA VISTA",
        address="RUA DA AURORA 1071 LOJA 2, BOA VISTA, RECIFE/PE, 50040970",
        deadline=date(2026, 9, 24),
    )


def test_a_pickup_place_without_a_name_is_correios_own() -> None:
    nameless = line("LDI 01", "2026-09-17T10:00:00", unidade={"endereco": {"logradouro": "RUA DA AURORA"}})
    assert snapshot(nameless).pickup == Pickup(place="Correios", address="RUA DA AURORA")


@pytest.mark.parametrize("newest_first", [True, False])
def test_of_several_pickup_places_the_newest_is_told(*, newest_first: bool) -> None:
    lines = [
        line("LDI 02", "2026-09-18T10:00:00", unidade=unit("OLINDA", "PE")),
        line("LDI 01", "2026-09-17T10:00:00", unidade=unit("RECIFE", "PE")),
    ]
    pickup = snapshot(*(lines if newest_first else reversed(lines))).pickup
    assert pickup
    assert pickup.address == "OLINDA/PE"
