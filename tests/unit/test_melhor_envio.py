"""Melhor Envio: the conversation that finds an order first, the tokens that work once, the webhook's signature."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from rastro.access import Access, Account, Token
from rastro.carriers.base import Answered, Pushed
from rastro.carriers.melhor_envio import MelhorEnvio
from rastro.carriers.melhor_envio_order import Order, history
from rastro.diff import state_of
from rastro.errors import Misconfigured, RastroError, Transient, Unreadable
from rastro.http import Request, Response
from rastro.models import Refusal, Snapshot, Status
from rastro.routing import Router, Signs

from .dialogue import given

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ACCOUNT = Account(
    base_url="https://host",
    login="4711",
    password="segredo",
    extra={"refresh_token": "primeiro", "contact": "rastreio@loja.example"},
)
ACCESS = Access(account=ACCOUNT, token=Token(value="um-token", expires_at=NOW + timedelta(days=1)))
CARRIER = MelhorEnvio()
NUMBER = "ME26003QX7TBR"
ID = "0a1b2c3d-0000-4000-8000-000000000001"
OTHER = "0a1b2c3d-0000-4000-8000-000000000002"
POSTED = {"status": "posted", "created_at": "2026-09-01 09:12:00", "posted_at": "2026-09-02 14:40:09"}


def conversation(*references: str, answers: list[Response | RastroError]) -> tuple[list[Request], Answered]:
    """What is asked, one after the other, when these answers come back."""
    asking = CARRIER.ask(references, ACCESS)
    requests = [next(asking)]
    for answer in answers:
        try:
            requests.append(given(asking, answer))
        except StopIteration as end:
            return requests, end.value
    raise AssertionError("it asks for more than was answered")


def answered(value: object, status: int = 200) -> Response:
    return Response(status=status, body=json.dumps(value).encode())


def test_orders_known_by_their_id_are_asked_about_in_one_call() -> None:
    told = {ID: {"id": ID, **POSTED}, OTHER: {"id": OTHER, **POSTED}}
    requests, end = conversation(f"carrier_id:{ID}", OTHER.upper(), answers=[answered(told)])
    assert [(one.method, one.path) for one in requests] == [("POST", "/api/v2/me/shipment/tracking")]
    assert requests[0].json == {"orders": [ID, OTHER]}
    assert requests[0].headers["Authorization"] == "Bearer um-token"
    assert requests[0].headers["User-Agent"] == "Rastro (rastreio@loja.example)"
    assert end.parts.keys() == {f"carrier_id:{ID}", OTHER.upper()}
    assert end.trouble is None


@pytest.mark.parametrize("shape", ["list", "page"])
def test_a_tracking_code_is_searched_for_first_and_only_an_exact_match_is_taken(shape: str) -> None:
    found: object = [
        {"id": OTHER, "tracking": NUMBER[:-3] + "XBR", "created_at": "2026-10-01 09:00:00"},
        {"id": "de-outra-vida", "tracking": NUMBER, "created_at": "2024-01-01 09:00:00"},
        {"id": ID, "self_tracking": NUMBER.lower(), "tracking": "AD000000015BR", "created_at": "2026-09-01 09:12:00"},
    ]
    if shape == "page":
        found = {"data": found}
    requests, end = conversation(NUMBER, answers=[answered(found), answered({ID: {"id": ID, **POSTED}})])
    assert (requests[0].method, requests[0].path) == ("GET", "/api/v2/me/orders/search")
    assert requests[0].params == (("q", NUMBER),)
    assert requests[1].json == {"orders": [ID]}
    meant = CARRIER.parse(end.parts[NUMBER], NUMBER)
    assert isinstance(meant, Snapshot)
    assert (meant.reference, meant.events[-1].status) == (NUMBER, Status.IN_TRANSIT)


@pytest.mark.parametrize("nothing", [Response(status=204, body=b""), answered([]), answered([{"id": OTHER}])])
def test_a_code_that_no_order_has_is_not_found_and_asks_nothing_more(nothing: Response) -> None:
    requests, end = conversation(NUMBER, answers=[nothing])
    assert len(requests) == 1
    assert isinstance(CARRIER.parse(end.parts[NUMBER], NUMBER), Refusal)


def test_a_search_that_makes_no_sense_leaves_only_its_own_number_unanswered() -> None:
    answers = [Response(status=200, body=b"<html>"), answered({ID: {"id": ID, **POSTED}})]
    _, end = conversation(NUMBER, f"carrier_id:{ID}", answers=answers)
    assert end.parts.keys() == {f"carrier_id:{ID}"}
    assert isinstance(end.trouble, Unreadable)


def test_an_answer_that_makes_no_sense_leaves_what_the_search_said() -> None:
    answers = [Response(status=204, body=b""), Response(status=200, body=b"")]
    _, end = conversation(NUMBER, f"carrier_id:{ID}", answers=answers)
    assert end.parts.keys() == {NUMBER}
    assert isinstance(end.trouble, Unreadable)


def test_a_call_that_is_not_answered_costs_nothing_that_was_read_before() -> None:
    slow, silence = Transient("no answer in time"), Response(status=204, body=b"")
    _, end = conversation(NUMBER, "AD000000015BR", f"carrier_id:{ID}", answers=[silence, slow])
    assert (end.parts.keys(), end.trouble) == ({NUMBER}, slow)
    _, end = conversation(NUMBER, f"carrier_id:{ID}", answers=[silence, slow])
    assert (end.parts.keys(), end.trouble) == ({NUMBER}, slow)
    told = answered({ID: {"id": ID, **POSTED}})
    _, end = conversation(f"carrier_id:{ID}", NUMBER, OTHER, answers=[slow, told])
    assert (end.parts.keys(), end.trouble) == ({f"carrier_id:{ID}"}, slow)
    for asked in ([NUMBER, OTHER], [OTHER]):
        with pytest.raises(Transient):
            conversation(*asked, answers=[slow])


def test_each_token_is_obtained_by_the_newest_refresh_token() -> None:
    login = MelhorEnvio.login
    assert login is not None
    first = login.request(ACCOUNT, None, NOW)
    assert (first.method, first.path, first.repeatable) == ("POST", "/oauth/token", False)
    assert first.json == {
        "grant_type": "refresh_token",
        "refresh_token": "primeiro",
        "client_id": "4711",
        "client_secret": "segredo",
    }
    assert first.headers["User-Agent"] == "Rastro (rastreio@loja.example)"
    answer = answered({"access_token": "a", "refresh_token": "segundo", "expires_in": 2592000})
    token = login.token(answer, NOW)
    assert (token.expires_at, token.refresh) == (NOW + timedelta(days=30), "segundo")
    assert login.request(ACCOUNT, token, NOW).json["refresh_token"] == "segundo"  # type: ignore[index]


def test_a_login_without_an_app_says_what_is_missing() -> None:
    login = MelhorEnvio.login
    assert login is not None
    with pytest.raises(Misconfigured, match=r"login and password.*extra\.token"):
        login.request(Account(base_url="https://host"), None, NOW)
    with pytest.raises(Misconfigured, match="refresh_token"):
        login.request(Account(base_url="https://host", login="4711", password="segredo"), None, NOW)


def test_a_token_made_in_the_panel_needs_no_login() -> None:
    account = Account(base_url="https://host", extra={"token": "do-painel", "contact": "c@loja.example"})
    assert MelhorEnvio.login is not None
    assert not MelhorEnvio.login.needed(account)
    request = CARRIER.request_for([f"carrier_id:{ID}"], Access(account=account))
    assert request.headers["Authorization"] == "Bearer do-painel"
    with pytest.raises(Misconfigured):
        CARRIER.request_for([ID], Access(account=ACCOUNT))


def test_a_push_is_genuine_by_its_signature_over_the_raw_body() -> None:
    push = MelhorEnvio.push
    assert push is not None
    body = b'{"event":"order.posted"}'
    for secret, account in (
        ("segredo", ACCOUNT),
        ("outro", Account(base_url="https://host", password="segredo", extra={"push_secret": "outro"})),
    ):
        seal = base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()
        assert push.is_genuine(Pushed(headers={"x-me-signature": seal}, body=body), account)
        assert not push.is_genuine(Pushed(headers={"x-me-signature": seal}, body=body + b" "), account)
        assert not push.is_genuine(Pushed(headers={}, body=body), account)
    seal = base64.b64encode(hmac.digest(b"", body, hashlib.sha256)).decode()
    assert not push.is_genuine(Pushed(headers={"x-me-signature": seal}, body=body), Account(base_url="https://host"))


def test_a_push_names_the_order_by_all_its_numbers() -> None:
    push = MelhorEnvio.push
    assert push is not None
    data = {"id": ID, "tracking": "AD 000 000 015 BR", "self_tracking": NUMBER, **POSTED}
    (part,) = push.parts(json.dumps({"event": "order.posted", "data": data}).encode())
    assert part.references == (f"carrier_id:{ID}", "AD000000015BR", NUMBER)
    meant = CARRIER.parse(part.raw, NUMBER)
    assert isinstance(meant, Snapshot)
    assert not meant.whole


@pytest.mark.parametrize(
    ("number", "ours"), [(NUMBER, True), (ID.upper(), True), ("ME000000019BR", False), ("ME2600000019BR", False)]
)
def test_its_own_numbers_are_recognised(number: str, *, ours: bool) -> None:
    router = Router(claims={"melhor_envio": CARRIER.claims}, connected=("melhor_envio",))
    assert (router.route(Signs(number=number)).carrier == "melhor_envio") is ours


def test_the_page_for_people_is_about_a_plain_code_only() -> None:
    assert CARRIER.page_about(NUMBER).endswith(f"/rastreio/{NUMBER}")
    assert not CARRIER.page_about("a/b?c")


@pytest.mark.parametrize(
    ("milestone", "state", "status"),
    [
        ("delivered", "posted", Status.IN_TRANSIT),
        ("canceled", "posted", Status.IN_TRANSIT),
        ("expired", "posted", Status.IN_TRANSIT),
        ("expired", "delivered", Status.DELIVERED),
        ("canceled", "canceled", Status.CANCELLED),
        ("canceled", "cancelled", Status.CANCELLED),
        ("expired", "expired", Status.CANCELLED),
    ],
)
def test_the_time_of_an_end_counts_only_where_the_state_is_that_end(milestone: str, state: str, status: Status) -> None:
    times = {"posted_at": "2026-09-02 10:00:00", f"{milestone}_at": "2026-09-04 10:00:00"}
    assert state_of(history(Order(status=state, **times))).status is status
