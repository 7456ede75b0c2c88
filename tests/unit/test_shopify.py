"""What Shopify's recordings do not reach: what is sent, how one logs in, how long a throttled shop asks us to wait."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from rastro.access import Access, Account, Token
from rastro.errors import Misconfigured, RateLimited
from rastro.http import Response
from rastro.marketplaces.shopify import MARKETPLACE, QUESTION, TELL, Fulfillment, event, judge, order_gid
from rastro.models import Status
from rastro.receivers import Message, Progress

AT = datetime(2026, 11, 20, 22, 30, tzinfo=timezone(timedelta(hours=-3)))
MESSAGE = Message(
    key="notice_7",
    order_id="LOJ-1",
    invoice_number="100001",
    tracking_number="QB123456785BR",
    courier="Correios",
    tracking_url="",
    status=Status.DELIVERED,
    history=(Progress(occurred_at=AT, description="Entregue", city="Vale Alto", state="MG"),),
    delivered_at=AT,
    marketplace_order_id="5600000000007",
)


class Nobody:
    def access(self) -> Access:
        raise AssertionError

    def renewed(self, refused: Access) -> None:
        raise AssertionError(refused)


def test_an_event_names_its_fulfillment_and_is_in_utc() -> None:
    ours = Fulfillment(id="gid://shopify/Fulfillment/1", status="SUCCESS")
    assert event(MESSAGE, ours, "DELIVERED") == {
        "fulfillmentId": "gid://shopify/Fulfillment/1",
        "status": "DELIVERED",
        "happenedAt": "2026-11-21T01:30:00Z",
        "message": "Entregue",
        "city": "Vale Alto",
        "province": "MG",
    }


def test_a_question_and_a_mutation_have_as_many_brackets_closed_as_opened() -> None:
    for text in (QUESTION, TELL):
        assert text.count("{") == text.count("}") > 2
        assert text.count("(") == text.count(")")


def test_an_order_is_asked_for_by_the_apis_own_id() -> None:
    assert order_gid(MESSAGE) == "gid://shopify/Order/5600000000007"


def test_a_throttled_shop_says_how_long_it_takes_to_refill() -> None:
    body = {
        "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
        "extensions": {
            "cost": {"requestedQueryCost": 43, "throttleStatus": {"currentlyAvailable": 3, "restoreRate": 10.0}}
        },
    }
    with pytest.raises(RateLimited) as limited:
        judge("shopify: POST /", Response(status=200, body=msgspec.json.encode(body)))
    assert limited.value.retry_after == 4.0


@pytest.mark.parametrize(
    ("login", "password", "extra", "enough"),
    [
        ("id", "segredo", {}, True),
        ("", "", {"access_token": "shpat_inventado"}, True),
        ("id", "", {}, False),
        ("", "segredo", {}, False),
        ("", "", {}, False),
    ],
)
def test_either_an_app_or_a_token_is_wanted(login: str, password: str, extra: dict[str, str], *, enough: bool) -> None:
    account = Account(base_url="https://loja.example", login=login, password=password, extra=extra)
    if enough:
        assert MARKETPLACE.build(account, Nobody()).code == "shopify"
    else:
        with pytest.raises(Misconfigured, match=r"login and password.*access_token"):
            MARKETPLACE.build(account, Nobody())


def test_an_app_logs_in_for_a_day_and_a_token_without_end_needs_no_login() -> None:
    login = MARKETPLACE.login
    assert login is not None
    app = Account(base_url="https://loja.example", login="id", password="segredo")
    assert login.needed(app)
    assert login.request(app, None, AT).body == b"grant_type=client_credentials&client_id=id&client_secret=segredo"
    given = Response(status=200, body=b'{"access_token":"shpat_inventado","scope":"read_orders","expires_in":86399}')
    assert login.token(given, AT.astimezone(UTC)) == Token(
        value="shpat_inventado", expires_at=AT.astimezone(UTC) + timedelta(seconds=86399)
    )
    assert not login.needed(Account(base_url="https://loja.example", extra={"access_token": "shpat_inventado"}))
