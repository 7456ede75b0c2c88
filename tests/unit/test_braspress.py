"""Braspress: what its recordings do not reach, the question and how stable an answer is."""

import pytest

from rastro.access import Access, Account
from rastro.carriers.braspress import Braspress
from rastro.errors import Rejected
from rastro.http import Response
from rastro.models import Status


def access(payer_cnpj: str = "") -> Access:
    extra = {"payer_cnpj": payer_cnpj}
    return Access(account=Account(base_url="https://host", login="LOJA", password="segredo", extra=extra))


@pytest.mark.parametrize(
    ("reference", "payer", "path"),
    [
        ("invoice_number:12.345.678/0001-00|000007308", "", "/v3/tracking/byNf/12345678000100/7308/json"),
        ("invoice_number:12345678000100|7308", "98.765.432/0001-99", "/v3/tracking/byNf/98765432000199/7308/json"),
        ("invoice_number:12ABC34501DE35|7308-1/A", "", "/v3/tracking/byNf/12ABC34501DE35/7308-1%2FA/json"),
        ("order_id:LOJA/7308", "98765432000199", "/v3/tracking/byNumPedido/98765432000199/LOJA%2F7308/json"),
    ],
)
def test_who_pays_and_the_number_make_the_path(reference: str, payer: str, path: str) -> None:
    request = Braspress().request_for([reference], access(payer))
    assert request.path == path
    assert request.headers["Authorization"] == "Basic TE9KQTpzZWdyZWRv"


def test_an_order_is_not_asked_about_without_who_pays() -> None:
    with pytest.raises(Rejected, match=r"extra\.payer_cnpj"):
        Braspress().request_for(["order_id:LOJA-7308"], access())


def test_a_refusal_is_cut_into_the_same_bytes_whatever_its_time() -> None:
    first, second = (
        b'{"statusCode":404,"message":"Nada","dateTime":"20/09/2026 10:11:12","errorList":[]}',
        b'{"statusCode":404,"message":"Nada","dateTime":"20/09/2026 11:00:00","errorList":[]}',
    )
    cut = [list(Braspress().split(Response(status=404, body=body), ("a",))) for body in (first, second)]
    assert cut[0] == cut[1]


def test_every_word_of_the_table_means_something() -> None:
    assert Braspress.statuses
    assert Status.UNKNOWN not in Braspress.statuses.values()
