"""Loggi: what its recordings do not reach, the question itself, the webhook's lock, and codes against words."""

import base64
from datetime import UTC, datetime

import pytest

from rastro.access import Access, Account, Token
from rastro.carriers.base import Pushed
from rastro.carriers.loggi import Loggi, LoggiPush, camelled, meaning
from rastro.errors import Misconfigured
from rastro.models import Snapshot, Status

ACCOUNT = Account(
    base_url="https://host",
    login="cliente",
    password="segredo",
    extra={"company_id": "42/07", "push_user": "loja", "push_password": "çhave"},
)
TOKEN = Token(value="um-token", expires_at=datetime(2026, 9, 1, tzinfo=UTC))


def basic(pair: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def test_company_and_number_stay_in_their_places_of_the_path() -> None:
    request = Loggi().request_for(["LGI/1?x"], Access(account=ACCOUNT, token=TOKEN))
    assert request.path == "/v1/companies/42%2F07/packages/LGI%2F1%3Fx/tracking"
    assert request.headers["Authorization"] == "Bearer um-token"
    assert request.accept == {404}


def test_nothing_is_asked_without_a_token() -> None:
    with pytest.raises(Misconfigured, match="login and password"):
        Loggi().request_for(["LGI1"], Access(account=ACCOUNT))


@pytest.mark.parametrize(
    ("headers", "genuine"),
    [
        (basic("loja:çhave"), True),
        (basic("loja:chave"), False),
        ({"authorization": "Basic ç"}, False),
        ({}, False),
    ],
)
def test_a_push_is_believed_by_the_password_that_the_shop_chose(headers: dict[str, str], *, genuine: bool) -> None:
    assert LoggiPush().is_genuine(Pushed(headers=headers, body=b"{}"), ACCOUNT) is genuine


def test_no_push_is_believed_where_the_shop_chose_no_password() -> None:
    account = Account(base_url="https://host", extra={"push_user": "loja"})
    assert not LoggiPush().is_genuine(Pushed(headers=basic("loja:"), body=b"{}"), account)


def test_a_push_takes_nothing_back() -> None:
    body = b'{"trackingCode": "lgi1", "status": {"code": 17, "updatedTime": "2026-09-01T10:00:00Z"}}'
    (part,) = LoggiPush().parts(b"\xef\xbb\xbf" + body)
    said = Loggi().parse(part.raw, part.references[0])
    assert isinstance(said, Snapshot)
    assert not said.whole


@pytest.mark.parametrize(
    ("code", "words", "status"),
    [
        ("5", "Entregue", Status.DELIVERED),
        ("5", "", Status.DELIVERED),
        ("5", "Entregue ao remetente", Status.RETURNED),
        ("5", "Pacote não entregue", Status.DELIVERY_FAILED),
        ("3", "Não saiu para entrega", Status.IN_TRANSIT),
        ("3", "Saiu para a entrega", Status.OUT_FOR_DELIVERY),
        ("27", "Entregue", Status.UNKNOWN),
        ("", "Entregue", Status.UNKNOWN),
    ],
)
def test_the_code_decides_and_the_words_make_it_more_exact(code: str, words: str, status: Status) -> None:
    assert meaning(code, words) is status


def test_only_names_are_turned_into_camel_case() -> None:
    body = b'{"tracking_code" : "a_b", "loggiKey": "x", "promised_date": "um_dia"}'
    assert camelled(body) == b'{"trackingCode" : "a_b", "loggiKey": "x", "promisedDate": "um_dia"}'
