"""FedEx: what its recordings do not reach, the question itself and the signs of its numbers."""

from datetime import UTC, datetime

import pytest

from rastro.access import Access, Account, Token
from rastro.carriers.fedex import Fedex
from rastro.carriers.registry import CARRIERS
from rastro.errors import Misconfigured
from rastro.routing import route

ACCOUNT = Account(base_url="https://host", login="chave", password="segredo")
TOKEN = Token(value="um-token", expires_at=datetime(2026, 11, 2, tzinfo=UTC))
BOTH = {code: CARRIERS[code].claims for code in ("fedex", "usps")}


def test_numbers_are_asked_about_together_and_with_all_scans() -> None:
    request = Fedex().request_for(["700000004200", "700000004301"], Access(account=ACCOUNT, token=TOKEN))
    assert (request.method, request.path) == ("POST", "/track/v1/trackingnumbers")
    assert request.json == {
        "includeDetailedScans": True,
        "trackingInfo": [
            {"trackingNumberInfo": {"trackingNumber": "700000004200"}},
            {"trackingNumberInfo": {"trackingNumber": "700000004301"}},
        ],
    }
    assert request.headers == {"Authorization": "Bearer um-token", "x-locale": "pt_BR"}


def test_without_a_token_nothing_is_asked() -> None:
    with pytest.raises(Misconfigured, match="no token"):
        Fedex().request_for(["700000004200"], Access(account=ACCOUNT))


def test_the_login_sends_the_client_in_a_form() -> None:
    assert Fedex.login is not None
    request = Fedex.login.request(ACCOUNT, None, datetime(2026, 11, 1, tzinfo=UTC))
    assert request.path == "/oauth/token"
    assert request.body == b"grant_type=client_credentials&client_id=chave&client_secret=segredo"


@pytest.mark.parametrize(
    ("courier", "number", "link", "carrier"),
    [
        ("FedEx Priority", "12345", "", "fedex"),
        ("FED EX", "12345", "", "fedex"),
        ("USPS", "700000004200", "", "usps"),
        ("GROUPS", "12345", "", None),
        ("", "700000004200", "", "fedex"),
        ("", "123456789012345", "", "fedex"),
        ("", "96" + "0" * 20, "", "fedex"),
        ("", "94" + "0" * 20, "", "usps"),
        ("", "91" + "0" * 18, "", "usps"),
        ("", "1" * 34, "", "fedex"),
        ("", "1" * 21, "", None),
        ("", "12345", "https://www.fedex.com/fedextrack/?trknbr=1", "fedex"),
        ("", "12345", "https://tools.usps.com/go/TrackConfirmAction?tLabels=1", "usps"),
    ],
)
def test_fedex_and_usps_are_told_apart(courier: str, number: str, link: str, carrier: str | None) -> None:
    assert route(courier, number, link, BOTH).carrier == carrier


def test_the_page_for_people_keeps_the_number_in_one_piece() -> None:
    assert Fedex().page_about("1&x=2").endswith("?trknbr=1%26x%3D2")
