"""Who carries a delivery of Magalu's, by which invoice it is known, and where its login is."""

import pytest

from rastro.access import Account
from rastro.errors import Misconfigured
from rastro.marketplaces.magalu import MARKETPLACE, Named, Shipping, bare, carried_by, is_uuid, number_in
from rastro.oauth import OAuth


@pytest.mark.parametrize(
    ("shipping", "carrier"),
    [
        (None, ""),
        (Shipping(), ""),
        (Shipping(provider=Named(id="p-1", name="Transportadora do Lojista", description="Entrega normal")), ""),
        (Shipping(logistic_network=Named(id="marketplace", name="Marketplace")), ""),
        (Shipping(logistic_network=Named(id="Fulfillment")), "its fulfilment"),
        (Shipping(provider=Named(name="MAGALU ENTREGAS")), "MAGALU ENTREGAS"),
        (Shipping(provider=Named(name="Coleta", description="Magalu  Entregas - coleta")), "Coleta"),
        (Shipping(provider=Named(id="magalog")), "Magalu Entregas"),
        (Shipping(provider=Named(name="Magalu Entregas"), logistic_network=Named(id=7)), "Magalu Entregas"),
    ],
)
def test_what_magalu_carries_itself_is_told_by_network_or_provider(shipping: Shipping | None, carrier: str) -> None:
    assert carried_by(shipping) == carrier


@pytest.mark.parametrize(
    ("key", "number"),
    [("31261100000000000100550010001000011000000000", "100001"), ("3126", ""), ("x" * 44, ""), ("", "")],
)
def test_an_access_key_holds_its_invoices_number(key: str, number: str) -> None:
    assert number_in(key) == number


def test_a_delivery_is_addressed_by_its_id_or_found_by_a_code() -> None:
    assert is_uuid("5e1f2a70-1111-4000-8000-000000000701")
    assert not is_uuid("LU-1400000000000007")
    assert not is_uuid("{5e1f2a70-1111-4000-8000-000000000701}")
    assert bare(" lu-1400000000000007 ") == bare("1400000000000007") == "1400000000000007"


@pytest.mark.parametrize(
    ("base_url", "extra", "host"),
    [
        ("https://api.magalu.com", {}, "https://id.magalu.com"),
        ("https://api-sandbox.magalu.com", {}, "https://id.magalu.com"),
        ("http://127.0.0.1:8099/marketplace/magalu", {}, "http://127.0.0.1:8099/marketplace/magalu"),
        ("https://api.magalu.com", {"login_url": "https://id.test.example"}, "https://id.test.example"),
    ],
)
def test_the_login_of_magalus_own_hosts_is_elsewhere(base_url: str, extra: dict[str, str], host: str) -> None:
    assert isinstance(MARKETPLACE.login, OAuth)
    assert MARKETPLACE.login.host(Account(base_url=base_url, extra=extra)) == host


def test_a_connection_that_lacks_something_is_told_all_of_it() -> None:
    with pytest.raises(Misconfigured, match=r"login .*password .*refresh_token .*channel_id"):
        MARKETPLACE.build(Account(base_url="https://api.magalu.com"), None)  # type: ignore[arg-type]
