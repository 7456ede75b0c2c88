"""USPS: what its recordings do not reach, the question itself and wordings."""

from datetime import UTC, datetime

import pytest

from rastro.access import Access, Account, Token
from rastro.carriers import lines
from rastro.carriers.registry import CARRIERS
from rastro.carriers.usps import Usps
from rastro.carriers.usps_events import WORDS
from rastro.errors import Misconfigured
from rastro.models import Status
from rastro.routing import Router, Signs

ACCOUNT = Account(base_url="https://host", login="chave", password="segredo")
TOKEN = Token(value="um-token", expires_at=datetime(2026, 11, 2, tzinfo=UTC))


def test_one_number_is_asked_about_in_detail() -> None:
    request = Usps().request_for(["9400100000000000004200"], Access(account=ACCOUNT, token=TOKEN))
    assert (request.method, request.path) == ("GET", "/tracking/v3/tracking/9400100000000000004200")
    assert request.params == (("expand", "DETAIL"),)
    assert request.headers["Authorization"] == "Bearer um-token"
    assert request.accept == {404}


def test_without_a_token_nothing_is_asked() -> None:
    with pytest.raises(Misconfigured, match="no token"):
        Usps().request_for(["9400100000000000004200"], Access(account=ACCOUNT))


def test_the_login_sends_the_client_as_json() -> None:
    assert Usps.login is not None
    request = Usps.login.request(ACCOUNT, None, datetime(2026, 11, 1, tzinfo=UTC))
    assert request.path == "/oauth2/v3/token"
    assert request.json == {"grant_type": "client_credentials", "client_id": "chave", "client_secret": "segredo"}


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Delivered, Front Door/Porch", Status.DELIVERED),
        ("Delivered, Individual Picked Up at Postal Facility", Status.DELIVERED),
        ("Delivered to Agent for Final Delivery", Status.IN_TRANSIT),
        ("Delivered, To Original Sender", Status.RETURNED),
        ("Not Delivered", Status.DELIVERY_FAILED),
        ("Could Not Be Delivered", Status.DELIVERY_FAILED),
        ("Business Closed", Status.DELIVERY_FAILED),
        ("Returned to Sender", Status.RETURNING),
        ("Return Receipt Associated", Status.UNKNOWN),
        ("Available for Pickup", Status.READY_FOR_PICKUP),
        ("Arrived at USPS Origin Facility", Status.IN_TRANSIT),
        ("In Transit, Arriving Late", Status.IN_TRANSIT),
        ("Pre-Shipment, USPS Awaiting Item", Status.INFO_RECEIVED),
        ("Alert", Status.ON_HOLD),
        ("Unreturned", Status.UNKNOWN),
    ],
)
def test_wordings(text: str, status: Status) -> None:
    assert lines.by_words(text, WORDS) is status


def test_a_number_of_the_postal_union_stays_with_the_post_that_brings_it() -> None:
    claims = {code: CARRIERS[code].claims for code in ("correios", "usps")}
    router = Router(claims=claims, connected=tuple(claims))
    for courier in ("", "USPS"):
        assert router.route(Signs(courier=courier, number="LZ100000017US")).carrier == "correios"
    assert router.route(Signs(courier="USPS", number="LZ100000018US")).carrier == "usps", "its check digit is wrong"


def test_the_page_for_people_keeps_the_number_in_one_piece() -> None:
    assert Usps().page_about("1&x=2").endswith("?tLabels=1%26x%3D2")
