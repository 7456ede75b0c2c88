"""SSW: what its recordings do not reach, the question itself."""

import pytest

from rastro.access import Access, Account
from rastro.carriers.ssw import Ssw
from rastro.errors import Rejected
from rastro.routing import Router, Signs
from simulator.numbers import access_key

ACCESS = Access(account=Account(base_url="https://host"))
KEY = access_key(7208, "2609")


@pytest.mark.parametrize("reference", [f"invoice_key:{KEY}", KEY])
def test_the_invoices_key_is_asked_about_wherever_the_shop_wrote_it(reference: str) -> None:
    request = Ssw().request_for([reference], ACCESS)
    assert (request.method, request.path, request.json) == ("POST", "/trackingdanfe", {"chave_nfe": KEY})
    assert Ssw().doubt_about(reference) == ""


def test_a_number_that_is_no_key_is_not_asked_about() -> None:
    assert "44 digits" in Ssw().doubt_about("CTE000123456")
    with pytest.raises(Rejected, match="44 digits"):
        Ssw().request_for(["CTE000123456"], ACCESS)


@pytest.mark.parametrize("courier", ["Expresso Pajuçara", "ATIVA LOGISTICA", "Transportes Favorita", "patrus", "Ativa"])
def test_the_carriers_that_run_on_it_are_known_by_name(courier: str) -> None:
    assert routed(courier) == "ssw"


@pytest.mark.parametrize("courier", ["Entrega ativa", "Loja favorita dos clientes"])
def test_everyday_words_are_no_carriers_name(courier: str) -> None:
    assert routed(courier) is None


def routed(courier: str) -> str | None:
    router = Router(claims={"ssw": Ssw.claims}, connected=("ssw",))
    return router.route(Signs(courier=courier, number="CTE000123456")).carrier
