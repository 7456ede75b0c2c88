"""Jadlog: what its recordings do not reach, the question itself."""

import pytest

from rastro.access import Access, Account
from rastro.carriers.jadlog import Jadlog
from rastro.models import Status

ACCESS = Access(account=Account(base_url="https://host", password="um-token"))


@pytest.mark.parametrize(
    ("reference", "entry"),
    [
        ("11000000004207", {"shipmentId": "11000000004207"}),
        ("1100000000420", {"cte": "1100000000420"}),
        ("05001070004402", {"cte": "05001070004402"}),
        ("invoice_key:" + "4" * 44, {"df": {"danfe": "4" * 44}}),
        ("carrier_id:200004311", {"codigo": "200004311"}),
        ("order_id:LOJA-7705", {"pedido": "LOJA-7705"}),
    ],
)
def test_each_kind_of_reference_is_asked_by_its_own_key(reference: str, entry: dict[str, object]) -> None:
    request = Jadlog().request_for([reference], ACCESS)
    assert request.json == {"consulta": [entry]}
    assert request.headers["Authorization"] == "Bearer um-token"


def test_every_word_of_the_table_means_something() -> None:
    assert Jadlog.statuses
    assert Status.UNKNOWN not in Jadlog.statuses.values()


def test_the_page_for_people_keeps_the_number_in_one_piece() -> None:
    assert Jadlog().page_about("1&x=2").endswith("?cte=1%26x%3D2")
