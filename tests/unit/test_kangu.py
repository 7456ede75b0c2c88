"""Kangu: what its recordings do not reach, the question."""

from rastro.access import Access, Account
from rastro.carriers.kangu import Kangu


def test_the_token_is_a_header_of_that_name() -> None:
    request = Kangu().request_for(["KG 1"], Access(account=Account(base_url="https://host", password="um-token")))
    assert (request.method, request.path) == ("GET", "/tms/transporte/rastrear/KG%201")
    assert request.headers["token"] == "um-token"
    assert request.accept == {400}
