"""A carrier by description: its question, its login, and what recordings do not reach of its answers."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import yaml

from rastro.access import Access, Account, Token
from rastro.carriers import json_paths, templates
from rastro.carriers.description import Description
from rastro.carriers.generic import Generic
from rastro.carriers.generic_lines import Meanings, split_place
from rastro.errors import CredentialsRefused, Misconfigured, Rejected, Unreadable
from rastro.http import Response
from rastro.models import Refusal, RefusalReason, Snapshot, Standing, Status

KEY = "35260900000000000191550010000047071000047070"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LEAST = """
name: Mine
docs: https://carrier.example/docs
base_url: https://carrier.example
claims: {names: ['\\bmine\\b']}
auth: {kind: none}
request: {path: "/v1/{tracking_number}"}
events: {list: events, time: {path: at}, code: code, text: text}
outcome: {codes: {"1": delivered, "2": in_transit}}
"""


def carrier(settings: str = "") -> Generic:
    """The least description with these settings in place of its own."""
    content = yaml.safe_load(LEAST) | (yaml.safe_load(settings) or {})
    return Generic("mine", msgspec.convert(content, Description))


def access(token: str = "", **extra: str) -> Access:
    account = Account(base_url="https://host", login="user", password="p&ss", extra=extra)
    return Access(account=account, token=Token(value=token, expires_at=NOW) if token else None)


def answer(content: Any, status: int = 200) -> Response:
    return Response(status=status, body=json.dumps(content).encode())


def read(one: Generic, content: Any, *asked: str) -> dict[str, Snapshot | Refusal]:
    return {known: one.parse(raw, known) for known, raw in one.split(answer(content), asked)}


# The question.


def test_a_path_keeps_each_value_within_its_segment() -> None:
    assert carrier().request_for(["A/B?c"], access()).path == "/v1/A%2FB%3Fc"


def test_an_invoice_is_asked_by_all_that_its_key_holds_and_what_it_cannot_fill_is_left_out() -> None:
    one = carrier("""
asked_by: [invoice_key, invoice_number, order_id]
request:
  path: /v1
  query: {nf: "{invoice_number}", serie: "{invoice_series}", cnpj: "{shipper_cnpj}", pedido: "{order_id}"}
""")
    by_key = one.request_for([f"invoice_key:{KEY}"], access())
    assert by_key.params == (("nf", "4707"), ("serie", "1"), ("cnpj", "00000000000191"))
    by_number = one.request_for(["invoice_number:00000000000191|04707"], access())
    assert by_number.params == (("nf", "04707"), ("cnpj", "00000000000191"))
    assert one.request_for(["order_id:L-1"], access()).params == (("pedido", "L-1"),)


def test_a_key_that_is_none_is_doubted_and_refused_where_its_parts_are_wanted() -> None:
    one = carrier('{asked_by: [invoice_key], request: {path: "/{shipper_cnpj}/{invoice_number:09}"}}')
    assert one.doubt_about(f"invoice_key:{KEY}") == ""
    assert "44 digits" in one.doubt_about("invoice_key:123")
    assert one.request_for([f"invoice_key:{KEY}"], access()).path == "/00000000000191/000004707"
    with pytest.raises(Rejected, match="does not hold"):
        one.request_for(["invoice_key:123"], access())


def test_a_cnpj_of_letters_is_read_out_of_a_key_too() -> None:
    key = KEY[:6] + "12ABC34501DE35" + KEY[20:]
    assert templates.values_of(f"invoice_key:{key}")["shipper_cnpj"] == "12ABC34501DE35"


def test_json_and_form_bodies_are_filled() -> None:
    by_json = carrier("""
request:
  method: POST
  path: /v1
  json: {client: "{customer}", deep: [{number: "{tracking_number}"}, 5, null], note: "{lacks}"}
""")
    request = by_json.request_for(["X1"], access(customer="c1"))
    assert request.json == {"client": "c1", "deep": [{"number": "X1"}, 5, None]}
    by_form = carrier('request: {method: POST, path: /v1, form: {number: "{tracking_number}", pass: "{password}"}}')
    request = by_form.request_for(["X1"], access())
    assert request.body == b"number=X1&pass=p%26ss"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("batch", "request_", "params", "body"),
    [
        ("{max: 9, list: a.b, item: '{tracking_number}'}", "json: {a: {c: 1}}", (), {"a": {"c": 1, "b": ["X1", "X2"]}}),
        ("{max: 9, list: ., item: {n: '{tracking_number}'}}", "method: POST", (), [{"n": "X1"}, {"n": "X2"}]),
        ("{max: 9, list: n, item: '{tracking_number}', place: query}", "query: {all: '1'}",
         (("all", "1"), ("n", "X1"), ("n", "X2")), None),
        ("{max: 9, list: n, item: '{tracking_number}', place: query, joined_by: ','}", "", (("n", "X1,X2"),), None),
        ("{max: 9, list: n, item: '{tracking_number}'}", "form: {all: '1'}", (), b"all=1&n=X1&n=X2"),
    ],
)  # fmt: skip
def test_several_are_asked_about_in_one_request(batch: str, request_: str, params: object, body: object) -> None:
    one = carrier(f"batch: {batch}\nrequest:\n  path: /v1\n  {request_}\nreply: {{items: x, key: y}}")
    request = one.request_for(["X1", "X2"], access())
    assert (one.batch_size, one.asks) == (9, "batch")
    assert request.params == params
    assert (request.body or request.json) == body


@pytest.mark.parametrize(
    ("auth", "headers"),
    [
        ("{kind: none}", {}),
        ("{kind: basic}", {"Authorization": "Basic dXNlcjpwJnNz"}),
        ("{kind: basic, user: '{password}', password: ''}", {"Authorization": "Basic cCZzczo="}),
        ("{kind: bearer}", {"Authorization": "Bearer p&ss"}),
        ("{kind: header, name: X-Key, value: 'k {customer}'}", {"X-Key": "k c1"}),
    ],
)
def test_each_way_to_say_who_asks(auth: str, headers: dict[str, str]) -> None:
    one = carrier(f"auth: {auth}")
    assert one.request_for(["X1"], access(customer="c1")).headers == headers
    assert one.login is None


def test_a_key_or_a_token_may_stand_in_the_body() -> None:
    fixed = carrier('{auth: {kind: body}, request: {path: /v1, json: {Token: "{token}", Awb: "{tracking_number}"}}}')
    assert fixed.request_for(["X1"], access()).json == {"Token": "p&ss", "Awb": "X1"}
    obtained = carrier('{auth: {kind: oauth2, path: /t, place: body}, request: {path: /v1, json: {Token: "{token}"}}}')
    request = obtained.request_for(["X1"], access("t1"))
    assert (request.json, request.headers) == ({"Token": "t1"}, {})


def test_what_the_connection_lacks_is_said() -> None:
    with pytest.raises(Misconfigured, match="mine: the connection lacks customer"):
        carrier("auth: {kind: bearer, token: '{customer}'}").request_for(["X1"], access())
    with pytest.raises(Misconfigured, match="no token was obtained"):
        carrier("auth: {kind: oauth2, path: /t}").request_for(["X1"], access())


# The login.


def test_a_login_by_a_grant_or_by_values_of_the_carriers_own() -> None:
    client = carrier("auth: {kind: oauth2, path: /t}").login
    assert client
    request = client.request(access().account, None, NOW)
    assert request.body == b"grant_type=client_credentials&client_id=user&client_secret=p%26ss"
    user = carrier("auth: {kind: oauth2, path: /t, grant: password, send: json, headers: {Sub: '{sub}'}}").login
    assert user
    request = user.request(access(sub="s1").account, None, NOW)
    assert request.json == {"grant_type": "password", "username": "user", "password": "p&ss"}
    assert request.headers["Sub"] == "s1"
    own = carrier("auth: {kind: oauth2, path: /t, values: {usuario: '{login}', senha: '{password}'}, send: json}").login
    assert own
    assert own.request(access().account, None, NOW).json == {"usuario": "user", "senha": "p&ss"}
    basic = carrier("auth: {kind: oauth2, path: /t, basic: true, host: 'https://login.example'}").login
    assert basic
    request = basic.request(access().account, None, NOW)
    assert request.body == b"grant_type=client_credentials"
    assert request.headers["Authorization"] == "Basic dXNlcjpwJnNz"
    assert basic.host(access().account) == "https://login.example"
    assert own.host(access().account) == "https://host"
    with pytest.raises(Misconfigured, match="lacks login, password"):
        own.request(Account(base_url="https://host"), None, NOW)


@pytest.mark.parametrize(
    ("said", "value", "seconds"),
    [
        ({"data": [{"key": "t1", "ends": 600}]}, "t1", 600),
        ({"data": [{"key": "t1", "ends": "600"}]}, "t1", 600),
        ({"data": [{"key": "t1"}]}, "t1", 7200),
        ({"data": [{"key": "t1", "ends": 1}]}, "t1", 60),
    ],
)
def test_a_token_is_found_where_the_description_says(said: object, value: str, seconds: int) -> None:
    login = carrier("auth: {kind: oauth2, path: /t, token: data.0.key, expires_in: data.0.ends, lifetime: 2h}").login
    assert login
    token = login.token(answer(said), NOW)
    assert (token.value, token.expires_at) == (value, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("said", [{}, {"data": []}, {"data": [{"key": {}}]}, {"data": [{"key": "a", "ends": "x"}]}, []])
def test_an_answer_without_a_token_is_none(said: object) -> None:
    login = carrier("auth: {kind: oauth2, path: /t, token: data.0.key, expires_in: data.0.ends}").login
    assert login
    with pytest.raises(Unreadable, match="login"):
        login.token(answer(said), NOW)


def test_the_fields_of_the_connection_are_those_described_and_those_used() -> None:
    described = "connection: [{name: customer, label: Customer, required: false}]"
    assert [one.name for one in carrier(described).fields] == ["customer"]
    names = [one.name for one in carrier(described + "\nauth: {kind: oauth2, path: /t}").fields]
    assert names == ["login", "password", "customer"]
    assert [one.name for one in carrier("auth: {kind: bearer}").fields] == ["password"]


# The answer.

LINE = {"at": "2026-09-01T10:00:00", "code": "2", "text": "x"}


def test_an_object_of_parcels_by_their_numbers_is_read() -> None:
    one = carrier('{reply: {items: parcels, key: "@name"}, batch: {max: 5, list: n, item: "{tracking_number}"}}')
    said = read(one, {"parcels": {"x1": {"events": [LINE]}, "X9": {"events": [LINE]}}}, "X1", "X2")
    assert list(said) == ["X1"]


def test_several_items_about_one_reference_are_read_together_and_cut_into_the_same_bytes() -> None:
    one = carrier("reply: {items: ., ignore: [seen.at, n]}")
    items = [{"events": [LINE], "seen": {"at": 1}}, {"n": 2, "events": [LINE | {"at": "2026-09-02", "code": "1"}]}]
    (meant,) = read(one, items, "X1").values()
    assert isinstance(meant, Snapshot)
    assert [event.status for event in meant.events] == [Status.IN_TRANSIT, Status.DELIVERED]
    again = [{"seen": {"at": 7}, "events": [LINE]}, {"events": [LINE | {"code": "1", "at": "2026-09-02"}], "n": 4}]
    assert dict(one.split(answer(items), ["X1"])) == dict(one.split(answer(again), ["X1"]))


def test_what_is_missing_among_several_is_unanswered_or_not_found_as_the_description_says() -> None:
    batch = '{batch: {max: 5, list: n, item: "{tracking_number}"}, reply: {items: p, key: n}, not_found: {absent: %s}}'
    content = {"p": [{"n": "X1", "events": [LINE]}]}
    assert list(read(carrier(batch % "false"), content, "X1", "X2")) == ["X1"]
    said = read(carrier(batch % "true"), content, "X1", "X2")
    assert isinstance(said["X2"], Refusal)


def test_what_could_be_about_either_of_two_goes_to_neither() -> None:
    one = carrier("""
asked_by: [invoice_number]
batch: {max: 5, list: n, item: "{invoice_number}"}
reply: {items: p, key: n}
""")
    content = {"p": [{"n": "7", "events": [LINE]}, {"n": "8", "events": [LINE]}]}
    asked = ["invoice_number:11|7", "invoice_number:22|7", "invoice_number:11|8"]
    assert list(read(one, content, *asked)) == ["invoice_number:11|8"]


def test_an_answer_without_lines_is_no_parcel_only_where_that_is_said() -> None:
    (meant,) = read(carrier(), {"events": []}, "X1").values()
    assert isinstance(meant, Refusal)
    with pytest.raises(Unreadable, match="there is no line"):
        read(carrier("not_found: {empty: false}"), {"events": []}, "X1")
    with pytest.raises(Unreadable, match="nothing stands at events"):
        read(carrier(), {"other": []}, "X1")


def test_rules_with_a_pattern_come_first_and_each_means_what_it_says() -> None:
    one = carrier("""
not_found: {path: error, message: error}
errors:
  - {path: error, message: error, means: unreadable}
  - {path: error, message: error, pattern: contrato, means: not_ours}
  - {path: error, message: error, pattern: invalid, means: malformed}
  - {path: error, message: error, pattern: token, means: credentials}
""")
    reasons = {
        said: meant.reason
        for said in ("nada", "Outro Contrato", "número inválido")
        for meant in read(one, {"error": said}, "X1").values()
        if isinstance(meant, Refusal)
    }
    assert reasons == {
        "nada": RefusalReason.NOT_FOUND,
        "Outro Contrato": RefusalReason.NOT_OURS,
        "número inválido": RefusalReason.MALFORMED,
    }
    with pytest.raises(CredentialsRefused, match="mine: the carrier refuses"):
        read(one, {"error": "Token expirado"}, "X1")


def test_a_message_shows_nothing_personal() -> None:
    one = carrier("not_found: {path: error, message: error}")
    (meant,) = read(one, {"error": "ninguem@exemplo.com.br, CPF 000.000.000-00"}, "X1").values()
    assert isinstance(meant, Refusal)
    assert meant.message == "…, CPF …"


@pytest.mark.parametrize(
    ("how", "entry", "at"),
    [
        ("{path: at}", {"at": "2026-09-01T10:00:00Z"}, "2026-09-01T10:00:00+00:00"),
        ("{path: at}", {"at": "01/09/2026 10:00"}, "2026-09-01T10:00:00-03:00"),
        ("{path: at, zone: UTC}", {"at": "2026-09-01 10:00"}, "2026-09-01T10:00:00+00:00"),
        ("{path: [d, h], formats: ['%d-%m-%y %Hh%M']}", {"d": "01-09-26", "h": "10h05"}, "2026-09-01T10:05:00-03:00"),
        ("{path: at, formats: [auto, '%Y%m%d%H%M %z']}", {"at": "202609011000 -0400"}, "2026-09-01T10:00:00-04:00"),
        ("{path: at, formats: [epoch_seconds]}", {"at": 1788267600}, "2026-09-01T10:00:00-03:00"),
        ("{path: at, formats: [epoch_milliseconds]}", {"at": "1788267600000"}, "2026-09-01T10:00:00-03:00"),
        ("{path: 'when.at | at'}", {"at": "2026-09-01T10:00"}, "2026-09-01T10:00:00-03:00"),
        ("{path: AT}", {"at": "2026-09-01T10:00"}, "2026-09-01T10:00:00-03:00"),
    ],
)  # fmt: skip
def test_times_are_read_in_the_formats_and_the_zone_that_are_said(how: str, entry: dict[str, Any], at: str) -> None:
    one = carrier(f"events: {{list: events, time: {how}, code: code}}")
    (meant,) = read(one, {"events": [{"code": "2", **entry}]}, "X1").values()
    assert isinstance(meant, Snapshot)
    assert meant.events[0].occurred_at.isoformat() == at


@pytest.mark.parametrize("at", ["amanha", None, "", 5, {}, "2026-02-31", "99999999999999999999"])
def test_a_line_whose_time_cannot_be_read_is_not_read(at: object) -> None:
    with pytest.raises(Unreadable, match="a line makes no sense"):
        read(carrier(), {"events": [{"at": at, "code": "1"}]}, "X1")


def test_a_step_that_has_not_been_taken_yet_is_left_out_where_that_is_said() -> None:
    one = carrier("events: {list: events, time: {path: at, may_lack: true}, code: code}")
    (meant,) = read(one, {"events": [LINE, {"at": None, "code": "1"}]}, "X1").values()
    assert isinstance(meant, Snapshot)
    assert [event.code for event in meant.events] == ["2"]


def test_lines_of_one_time_stand_in_the_order_that_is_said() -> None:
    lines = [LINE | {"text": "b"}, LINE | {"text": "a"}]
    for said, order in (("true", "ab"), ("false", "ba")):
        one = carrier(f"events: {{list: events, time: {{path: at}}, code: code, text: text, newest_first: {said}}}")
        (meant,) = read(one, {"events": lines}, "X1").values()
        assert isinstance(meant, Snapshot)
        assert "".join(event.description for event in meant.events) == order


def test_lines_may_stand_in_several_lists_and_one_may_stand_alone() -> None:
    one = carrier("events: {list: [history, now], time: {path: at}, code: code}")
    (meant,) = read(one, {"history": None, "now": LINE}, "X1").values()
    assert isinstance(meant, Snapshot)
    (meant,) = read(one, {"history": [LINE], "now": LINE | {"at": "2026-09-03"}}, "X1").values()
    assert isinstance(meant, Snapshot)
    assert len(meant.events) == 2


def test_a_lines_own_id_is_its_key_and_codes_may_say_what_the_carrier_does_not() -> None:
    one = carrier("""
events: {list: events, time: {path: at}, code: [kind, code], id: id}
outcome: {codes: {"a 2": out_for_delivery}, texts: {"A 2": Saiu para entrega}}
""")
    (meant,) = read(one, {"events": [{"id": 7, "at": "2026-09-01", "kind": "A", "code": 2.0}]}, "X1").values()
    assert isinstance(meant, Snapshot)
    (event,) = meant.events
    assert (event.key, event.code, event.status) == ("7", "A 2", Status.OUT_FOR_DELIVERY)
    assert event.description == "Saiu para entrega"


def test_a_key_does_not_change_with_the_wording() -> None:
    keys = {
        event.key
        for text in ("Saiu", "Saiu para entrega")
        for meant in read(carrier(), {"events": [LINE | {"text": text}]}, "X1").values()
        if isinstance(meant, Snapshot)
        for event in meant.events
    }
    assert len(keys) == 1


FLAGS = "outcome: {codes: {'2': in_transit}, delivered: done, returned: back, delivered_at: day}"


@pytest.mark.parametrize(
    ("flags", "statuses"),
    [
        ({}, [Status.IN_TRANSIT]),
        ({"done": False, "back": "N", "day": ""}, [Status.IN_TRANSIT]),
        ({"done": "EM ROTA"}, [Status.IN_TRANSIT]),  # a text is no flag
        ({"done": [[]]}, [Status.IN_TRANSIT]),
        ({"done": "Sim"}, [Status.IN_TRANSIT, Status.DELIVERED]),
        ({"day": "02/09/2026"}, [Status.IN_TRANSIT, Status.DELIVERED]),
        ({"done": True, "back": 1}, [Status.IN_TRANSIT, Status.RETURNED]),
    ],
)
def test_flags_say_what_no_line_does(flags: dict[str, object], statuses: list[Status]) -> None:
    (meant,) = read(carrier(FLAGS), {"events": [LINE], **flags}, "X1").values()
    assert isinstance(meant, Snapshot)
    assert [event.status for event in meant.events] == statuses


def test_a_flag_that_nothing_dates_is_no_delivery() -> None:
    with pytest.raises(Unreadable, match="nothing says when"):
        read(carrier(FLAGS), {"events": [], "done": True}, "X1")
    (meant,) = read(carrier(FLAGS), {"events": [], "day": "2026-09-02T10:00"}, "X1").values()
    assert isinstance(meant, Snapshot)
    with pytest.raises(Unreadable):
        read(carrier(FLAGS), {"events": [LINE], "day": "ontem"}, "X1")


WORDS = Meanings.of(
    carrier("""
outcome:
  words:
    - {pattern: entreg, status: delivered}
    - {pattern: deliver, status: delivered}
    - {pattern: ausente, status: delivery_failed}
    - {pattern: devol, status: returning}
    - {pattern: foto, status: informative}
""").description.outcome
)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("Entregue", Status.DELIVERED),
        ("Entrega realizada normalmente", Status.DELIVERED),
        ("ENTREGUE NA SEGUNDA TENTATIVA DE ENTREGA", Status.DELIVERED),
        ("Delivered, Front Door", Status.DELIVERED),
        ("Não entregue", Status.UNKNOWN),
        ("Não foi possível entregar: ausente", Status.DELIVERY_FAILED),
        ("Entrega não realizada", Status.UNKNOWN),
        ("Insucesso na entrega", Status.UNKNOWN),
        ("Saiu para entrega", Status.UNKNOWN),
        ("Em rota de entrega", Status.UNKNOWN),
        ("Aguardando agendamento da entrega", Status.UNKNOWN),
        ("Entrega agendada", Status.UNKNOWN),
        ("Entregue à transportadora parceira", Status.UNKNOWN),
        ("Out for delivery", Status.UNKNOWN),
        ("Undeliverable as addressed", Status.UNKNOWN),
        ("Could not be delivered", Status.UNKNOWN),
        ("Delivery attempted", Status.UNKNOWN),
        ("Entregue ao remetente", Status.RETURNED),
        ("Delivered to original sender", Status.RETURNED),
        ("Devolução ao remetente", Status.RETURNING),
        ("Em entrega de devolução ao remetente", Status.RETURNING),
        ("Entregue ao destinatário, remetente avisado", Status.DELIVERED),
        ("", Status.UNKNOWN),
    ],
)
def test_no_table_makes_a_delivery_of_words_that_deny_it(words: str, status: Status) -> None:
    assert WORDS.status("", words)[0] is status


def test_a_line_that_moves_nothing_says_so() -> None:
    assert WORDS.status("", "Foto anexada") == (Status.UNKNOWN, Standing.INFORMATIVE)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("CAMPINAS / SP", ("CAMPINAS", "SP")),
        ("Campinas-sp", ("Campinas", "SP")),
        ("Embu-Guaçu, SP", ("Embu-Guaçu", "SP")),
        ("Campinas (SP)", ("Campinas", "SP")),
        ("Ji-Paraná", ("Ji-Paraná", "")),
        ("Lisboa / PT", ("Lisboa / PT", "")),
        ("Unidade Central", ("Unidade Central", "")),
        ("/ SP", ("/ SP", "")),
    ],
)
def test_a_city_and_its_state_are_taken_apart(text: str, place: tuple[str, str]) -> None:
    assert split_place(text) == place


def test_only_an_address_of_a_picture_is_kept() -> None:
    one = carrier("proof: {receiver: who, picture: photo}")
    for photo, kept in (("https://carrier.example/1.jpg", "https://carrier.example/1.jpg"), ("iVBORw0KGgo=", "")):
        content = {"events": [LINE | {"code": "1"}], "who": "Pessoa Inventada", "photo": photo}
        (meant,) = read(one, content, "X1").values()
        assert isinstance(meant, Snapshot)
        assert meant.proof
        assert (meant.proof.received_by, meant.proof.picture) == ("P. I.", kept)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b", [1]),
        ("A.B", [1]),
        ("a.c.0", [2]),
        ("a.c.*", [2, None, 4]),
        ("a.c.1 | a.b", [1]),
        ("a.c.1", [None]),
        ("x | a.b", [1]),
        ("x", []),
        ("a.c.9", []),
        ("l.*.k", [5, 6]),
        ("o.*.k", [7]),
        ("", []),
    ],
)
def test_paths_lead_to_what_they_name(path: str, found: list[object]) -> None:
    value = {"a": {"b": 1, "c": [2, None, 4]}, "l": [{"k": 5}, {"k": 6}, {}], "o": {"z": {"k": 7}}}
    assert json_paths.every(value, path) == found


def test_the_page_for_people_keeps_the_number_in_one_piece() -> None:
    one = carrier("page: 'https://carrier.example/f?code={tracking_number}'")
    assert one.page_about("1&x=2") == "https://carrier.example/f?code=1%26x%3D2"
    assert carrier().page_about("1") == ""
