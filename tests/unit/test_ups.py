"""UPS: what its recordings do not reach, the question itself, check digits, and wordings."""

import base64
from datetime import UTC, datetime

import pytest

from rastro.access import Access, Account, Token
from rastro.carriers.ups import Ups, check_digit_fits
from rastro.carriers.ups_packages import status_of
from rastro.errors import Misconfigured
from rastro.models import Status
from rastro.routing import Router, Signs

ACCOUNT = Account(base_url="https://host", login="cliente", password="segredo")
ACCESS = Access(account=ACCOUNT, token=Token(value="um-token", expires_at=datetime(2026, 11, 2, tzinfo=UTC)))


def test_one_number_is_asked_about_without_pictures() -> None:
    request = Ups().request_for(["1Z0INV006600000010"], ACCESS)
    assert (request.method, request.path) == ("GET", "/api/track/v1/details/1Z0INV006600000010")
    assert dict(request.params)["returnSignature"] == "false"
    assert request.headers["Authorization"] == "Bearer um-token"
    assert request.headers["transactionSrc"]
    assert request.accept == {400, 404}


def test_two_questions_have_two_transactions_and_one_question_has_one() -> None:
    def transaction(number: str) -> str:
        return Ups().request_for([number], ACCESS).headers["transId"]

    assert transaction("1Z0INV006600000010") != transaction("1Z0INV006600000029")
    assert transaction("1Z0INV006600000010") == transaction("1Z0INV006600000010")


def test_a_number_stays_one_segment_of_the_path() -> None:
    assert Ups().request_for(["1/../2"], ACCESS).path == "/api/track/v1/details/1%2F..%2F2"


def test_without_a_token_nothing_is_asked() -> None:
    with pytest.raises(Misconfigured, match="no token"):
        Ups().request_for(["1Z0INV006600000010"], Access(account=ACCOUNT))


def test_the_login_names_the_client_by_basic_authentication() -> None:
    assert Ups.login is not None
    request = Ups.login.request(ACCOUNT, None, datetime(2026, 11, 1, tzinfo=UTC))
    assert request.path == "/security/v1/oauth/token"
    assert request.body == b"grant_type=client_credentials"
    assert request.headers["Authorization"] == "Basic " + base64.b64encode(b"cliente:segredo").decode()


@pytest.mark.parametrize(
    ("number", "fits"),
    [
        ("1Z0INV006600000010", True),
        ("1Z0INV006600000011", False),
        ("1Z0INV006600000100", False),
        ("1Z0INV00660000001A", False),
        ("1Z0INV00660000001", False),
        ("", False),
    ],
)
def test_the_check_digit_of_a_1z_number(number: str, *, fits: bool) -> None:
    assert check_digit_fits(number) == fits


@pytest.mark.parametrize(
    ("number", "doubtful"),
    [("1Z0INV006600000010", False), ("1Z0INV006600000011", True), ("INV0000042", False), ("12345", True)],
)
def test_what_looks_wrong_is_doubted(number: str, *, doubtful: bool) -> None:
    assert bool(Ups().doubt_about(number)) == doubtful


@pytest.mark.parametrize(
    ("courier", "number", "link", "ours"),
    [
        ("UPS", "12345", "", True),
        ("GROUPS", "12345", "", False),
        ("USPS", "12345", "", False),
        ("", "1Z0INV006600000010", "", True),
        ("", "12345", "https://www.ups.com/track?tracknum=1", True),
        ("", "12345", "https://www.groups.com/", False),
    ],
)
def test_ups_is_known_by_name_link_and_number(courier: str, number: str, link: str, *, ours: bool) -> None:
    router = Router(claims={"ups": Ups.claims}, connected=("ups",))
    assert (router.route(Signs(courier=courier, number=number, url=link)).carrier == "ups") == ours


@pytest.mark.parametrize(
    ("kind", "code", "text", "status"),
    [
        ("D", "FS", "DELIVERED", Status.DELIVERED),
        ("D", "OT", "DELIVERED", Status.DELIVERED),  # the type decides before the code
        ("D", "", "Delivered to the original sender", Status.RETURNED),
        ("D", "", "Not delivered: nobody was there", Status.DELIVERY_FAILED),
        ("D", "", "Delivered to UPS Access Point", Status.READY_FOR_PICKUP),
        ("I", "RS", "On its way", Status.RETURNING),
        ("I", "", "Delivered", Status.IN_TRANSIT),
        ("X", "", "Delivered", Status.ON_HOLD),
        ("X", "", "The receiver refused the package", Status.DELIVERY_FAILED),
        ("X", "", "Returned to the facility after an attempt", Status.DELIVERY_FAILED),
        ("X", "", "Return receipt prepared", Status.ON_HOLD),
        ("", "RH", "", Status.RETURNING),
        ("", "", "Delivered", Status.UNKNOWN),
        ("W", "", "Delivered", Status.UNKNOWN),
    ],
)
def test_the_type_decides_then_the_code_then_the_text(kind: str, code: str, text: str, status: Status) -> None:
    assert status_of(kind, code, text) is status


def test_the_page_for_people_keeps_the_number_in_one_piece() -> None:
    assert Ups().page_about("1&x=2").endswith("?tracknum=1%26x%3D2")
