"""Rodonaves: what its recordings do not reach, the question in its two spellings."""

from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest

from rastro.access import Access, Account, Token
from rastro.carriers.rodonaves import Rodonaves, spellings
from rastro.errors import Misconfigured
from rastro.http import Response

ACCOUNT = Account(base_url="https://host", login="LOJA", password="segredo")
ACCESS = Access(account=ACCOUNT, token=Token(value="um-token", expires_at=datetime(2026, 9, 1, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("7408", ["7408", "000007408"]),
        ("000007408", ["7408", "000007408"]),
        ("123456789", ["123456789"]),
        ("7408-1", ["7408-1"]),
        ("000", ["000", "000000000"]),
    ],
)
def test_a_number_is_written_plainly_and_then_with_nine_digits(number: str, written: list[str]) -> None:
    assert spellings(number) == written


def test_the_second_spelling_is_asked_about_only_when_the_first_is_unknown() -> None:
    reference = "invoice_number:12.345.678/0001-00|7408"
    asking = Rodonaves().ask([reference], ACCESS)
    first = next(asking)
    assert first.params == (("TaxIdRegistration", "12345678000100"), ("InvoiceNumber", "7408"))
    assert first.headers == {"Authorization": "Bearer um-token"}
    second = asking.send(Response(status=404, body=b""))
    assert dict(second.params)["InvoiceNumber"] == "000007408"
    with pytest.raises(StopIteration) as end:
        asking.send(Response(status=200, body=b'{"Events":[]}'))
    assert end.value.value.parts.keys() == {reference}
    asking = Rodonaves().ask([reference], ACCESS)
    next(asking)
    with pytest.raises(StopIteration):
        asking.send(Response(status=200, body=b'{"Events":[]}'))


def test_the_login_says_that_a_program_asks() -> None:
    assert Rodonaves.login is not None
    body = Rodonaves.login.request(ACCOUNT, None, datetime(2026, 9, 1, tzinfo=UTC)).body or b""
    assert {name: values[0] for name, values in parse_qs(body.decode()).items()} == {
        "grant_type": "password", "auth_type": "DEV", "username": "LOJA", "password": "segredo",
    }  # fmt: skip


def test_without_a_token_nothing_is_asked() -> None:
    with pytest.raises(Misconfigured, match="no token"):
        Rodonaves().request_for(["invoice_number:1|2"], Access(account=ACCOUNT))
