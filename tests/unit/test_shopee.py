"""What Shopee's recordings do not reach: signatures, and the login whose refresh token is good for one use."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from rastro.access import Account, Token
from rastro.errors import CredentialsRefused, Misconfigured, RateLimited, Rejected, Unreadable
from rastro.http import Response
from rastro.marketplaces.shopee import CHANNELS, MARKETPLACE, Order, Package, reading
from rastro.marketplaces.shopee import DONE as DELIVERY_DONE
from rastro.marketplaces.shopee_login import ByConsent, sign, signed
from rastro.receivers import Reading

AT = datetime(2023, 1, 19, 0, 13, 51, tzinfo=UTC)
EXTRA = {"shop_id": "2000002", "refresh_token": "o-primeiro"}
ACCOUNT = Account(base_url="https://shopee.example", login="1000001", password="test_partner_key", extra=EXTRA)
UPDATE = "/api/v2/logistics/update_tracking_status"
LOGIN = ByConsent()


def answered(**said: object) -> Response:
    return Response(status=200, body=msgspec.json.encode(said))


def test_a_call_is_signed_over_partner_path_time_token_and_shop() -> None:
    token = Token(value="tok", expires_at=AT + timedelta(hours=4))
    assert dict(signed(ACCOUNT, UPDATE, AT, token)) == {
        "partner_id": "1000001",
        "timestamp": "1674087231",
        "access_token": "tok",
        "shop_id": "2000002",
        "sign": "fc5a91626f4d23d1f5a75a2209792ccecc12d9abc7543dcf1f543d5408efa476",
    }


def test_the_login_is_signed_without_token_and_shop() -> None:
    request = LOGIN.request(ACCOUNT, None, AT)
    expected = sign("test_partner_key", "1000001/api/v2/auth/access_token/get1674087231")
    assert dict(request.params) == {"partner_id": "1000001", "timestamp": "1674087231", "sign": expected}
    assert request.json == {"refresh_token": "o-primeiro", "partner_id": 1000001, "shop_id": 2000002}
    assert not request.repeatable


def test_the_newest_refresh_token_is_used_and_the_connections_only_at_first() -> None:
    held = Token(value="velho", expires_at=AT, refresh="o-segundo")
    request = LOGIN.request(ACCOUNT, held, AT)
    assert isinstance(request.json, Mapping)
    assert request.json["refresh_token"] == "o-segundo"


def test_a_login_gives_a_token_and_the_next_refresh_token() -> None:
    token = LOGIN.token(answered(access_token="a", refresh_token="b", expire_in=14400, error=""), AT)
    assert (token.value, token.refresh, token.expires_at) == ("a", "b", AT + timedelta(hours=4))


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"error": "error_auth", "message": "Invalid refresh_token"}, CredentialsRefused),
        ({"error": "error_param", "message": "There is no refresh_token"}, Rejected),
        ({"error": "error_rate_limit"}, RateLimited),
        ({"access_token": ""}, Unreadable),
        ({"access_token": 7}, Unreadable),
    ],
)
def test_a_login_that_is_refused_inside_a_200_is_no_token(said: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        LOGIN.token(answered(**said), AT)


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"login": "parceiro"}, "login"), ({"extra": {**EXTRA, "shop_id": "loja"}}, "shop_id")],
)
def test_ids_that_are_no_numbers_are_found_at_once(changes: dict[str, object], named: str) -> None:
    values = {"base_url": "https://shopee.example", "login": "1", "password": "chave", "extra": EXTRA, **changes}
    with pytest.raises(Misconfigured, match=f"{named} is not a number"):
        LOGIN.request(Account(**values), None, AT)  # type: ignore[arg-type]


@pytest.mark.parametrize("channel", [90001, 90016, 90022, 91003, 91007])
def test_what_shopee_carries_is_never_confirmed(channel: int) -> None:
    assert channel not in CHANNELS
    package = Package(logistics_status="LOGISTICS_PICKUP_DONE", logistics_channel_id=channel)
    order = Order(order_sn="26112000000007", order_status="SHIPPED", package_list=[package])
    assert reading(order, DELIVERY_DONE).reading is Reading.CLOSED


def test_its_login_is_its_own() -> None:
    assert MARKETPLACE.login is not None
    assert MARKETPLACE.login.needed(ACCOUNT)
    assert MARKETPLACE.login.host(ACCOUNT) == "https://shopee.example"
