"""DHL: what its recordings do not reach, the question itself and the signs of its numbers."""

import pytest

from rastro.access import Access, Account
from rastro.carriers.dhl import Dhl
from rastro.routing import Router, Signs

ACCESS = Access(account=Account(base_url="https://host", password="uma-chave"))


def test_a_number_is_asked_about_in_english_and_with_the_key() -> None:
    request = Dhl().request_for(["4200004200"], ACCESS)
    assert (request.method, request.path) == ("GET", "/track/shipments")
    assert dict(request.params) == {"trackingNumber": "4200004200", "language": "en"}
    assert request.headers["DHL-API-Key"] == "uma-chave"
    assert request.accept == {404}


@pytest.mark.parametrize(
    ("number", "doubtful"),
    [("4200004200", False), ("4200004201", True), ("JVGL012345678", False), ("00340434161094000001", False)],
)
def test_a_wrong_check_digit_of_an_express_number_is_doubted(number: str, *, doubtful: bool) -> None:
    assert bool(Dhl().doubt_about(number)) == doubtful


@pytest.mark.parametrize(
    ("courier", "number", "link", "ours"),
    [
        ("DHL Express", "12345", "", True),
        ("", "JVGL0123456789", "", True),
        ("", "JD014600006281230704", "", False),
        ("", "4200004200", "", True),
        ("", "4200004201", "", True),  # by its form, though not by its check digit
        ("", "12345", "https://www.dhl.com/br-pt/home/rastreamento.html?tracking-id=1", True),
        ("", "12345", "https://dhl.com.phishing.example/", False),
    ],
)
def test_dhl_is_known_by_name_link_and_number(courier: str, number: str, link: str, *, ours: bool) -> None:
    router = Router(claims={"dhl": Dhl.claims}, connected=("dhl",))
    assert (router.route(Signs(courier=courier, number=number, url=link)).carrier == "dhl") == ours


def test_the_page_for_people_keeps_the_number_in_one_piece() -> None:
    assert Dhl().page_about("1&x=2").endswith("=1%26x%3D2")
