"""Melhor Envio over real HTTP: tokens renewed by a refresh token that works once, and orders found by search."""

import pytest

from rastro.access import Access
from rastro.carriers.melhor_envio import MelhorEnvio
from rastro.errors import CredentialsRefused
from rastro.http import Http
from rastro.models import Refusal, Snapshot
from rastro.pipeline.track import converse
from simulator.testing import Running

from .tokens import LIMITS, MemoryTokens, account_from

CARRIER = MelhorEnvio()


def tokens(simulator: Running) -> MemoryTokens:
    simulator.cohort(parcels=1, carriers=["melhor_envio"], kinds=["delivered_before"])
    return MemoryTokens(account_from(simulator.info()["carriers"]["melhor_envio"]), CARRIER.login)


def ask(access: Access, *references: str) -> dict[str, Snapshot | Refusal]:
    with Http(access.account.base_url, name="melhor_envio", limits=LIMITS) as http:
        parts = converse(http, CARRIER.ask(references, access)).parts
    return {reference: CARRIER.parse(raw, reference) for reference, raw in parts.items()}


def test_a_token_that_is_refused_is_renewed_by_the_refresh_token_that_came_with_it(simulator: Running) -> None:
    keeper = tokens(simulator)
    (parcel,) = simulator.truth()
    access = keeper.access()
    for generation in (2, 3, 4):
        simulator.configure(token_generation=generation)
        with pytest.raises(CredentialsRefused):
            ask(access, parcel["tracking_number"])
        renewed = keeper.renewed(access)
        assert renewed is not None
        access = renewed
        assert ask(access, parcel["tracking_number"])
    assert keeper.logins == 4


def test_a_refresh_token_works_once(simulator: Running) -> None:
    keeper = tokens(simulator)
    keeper.access()
    other = MemoryTokens(keeper.account, CARRIER.login)
    with pytest.raises(CredentialsRefused):
        other.access()


def test_a_parcel_is_found_by_its_code_by_its_order_or_not_at_all(simulator: Running) -> None:
    access = tokens(simulator).access()
    (parcel,) = simulator.truth()
    code, order = parcel["tracking_number"], f"carrier_id:{parcel['carrier_id']}"
    found = ask(access, code, "ME26R999999BR", order)
    assert isinstance(found["ME26R999999BR"], Refusal)
    by_code, by_order = found[code], found[order]
    assert isinstance(by_code, Snapshot)
    assert isinstance(by_order, Snapshot)
    assert by_code.events == by_order.events
