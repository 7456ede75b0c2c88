"""FedEx: what its recordings do not reach, the question itself and the signs of its numbers."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from rastro.access import Access, Account, Token
from rastro.carriers.fedex import Fedex, check_digit_fits
from rastro.carriers.fedex_results import Result, promise
from rastro.carriers.registry import CARRIERS
from rastro.errors import Misconfigured
from rastro.routing import Router, Signs

ACCOUNT = Account(base_url="https://host", login="chave", password="segredo")
TOKEN = Token(value="um-token", expires_at=datetime(2026, 11, 2, tzinfo=UTC))
BOTH = Router(claims={code: CARRIERS[code].claims for code in ("fedex", "usps")}, connected=("fedex", "usps"))


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
    assert BOTH.route(Signs(courier=courier, number=number, url=link)).carrier == carrier


@pytest.mark.parametrize(
    "number",
    [
        "700000004200",
        "700000004370",  # a rest of 10 is written 0
        "700000004200010",
        "61000000042000020000",
        "9610000000420020000000",
        "9261290000000042000003",
        "1001000000420000000000000000000000",
    ],
)
def test_a_check_digit_fits_and_the_next_digit_does_not(number: str) -> None:
    assert check_digit_fits(number) is True
    assert check_digit_fits(f"{number[:-1]}{(int(number[-1]) + 1) % 10}") is False


@pytest.mark.parametrize("number", ["", "12345", "1" * 14, "1" * 21, "7000000042OO"])
def test_other_numbers_have_no_check_digit(number: str) -> None:
    assert check_digit_fits(number) is None


def test_the_page_for_people_keeps_the_number_in_one_piece() -> None:
    assert Fedex().page_about("1&x=2").endswith("?trknbr=1%26x%3D2")


@pytest.mark.parametrize(
    ("destination", "offset"),
    [
        ({"lastUpdatedDestinationAddress": {"countryCode": "US"}}, -4),
        ({"recipientInformation": {"address": {"countryCode": "PT"}}}, 1),
        ({"destinationLocation": {"locationContactAndAddress": {"address": {"countryCode": "JP"}}}}, 9),
        ({"recipientInformation": {"address": {"city": "FRESNO"}}}, -3),
        ({}, -3),
    ],
)
def test_a_promise_without_an_offset_is_one_by_the_clock_where_the_parcel_goes_to(
    destination: dict[str, object], offset: int
) -> None:
    told = {"dateAndTimes": [{"type": "ESTIMATED_DELIVERY", "dateTime": "2026-09-14T00:00:00"}], **destination}
    promised = promise(msgspec.convert(told, Result))
    assert promised is not None
    assert promised.replace(tzinfo=None) == datetime(2026, 9, 14, 23, 59, 59)  # noqa: DTZ001 -- what the clock shows
    assert promised.utcoffset() == timedelta(hours=offset)
