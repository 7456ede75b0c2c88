"""The example of descriptions over real HTTP: what the cycle that all carriers share does not reach."""

import pytest

from rastro.errors import CredentialsRefused
from rastro.models import Snapshot
from simulator.testing import Running

from .test_simulated_carriers import Asked


def test_a_token_that_is_worthless_is_obtained_anew(simulator: Running) -> None:
    simulator.cohort(parcels=1, carriers=["generic"], kinds=["delivered_before"])
    asked = Asked(simulator, "generic")
    references = asked.truths()
    assert asked.ask(*references)
    generation = simulator.configure()["token_generation"]
    simulator.configure(token_generation=generation + 1)
    assert asked.ask(*references)
    assert asked.tokens.logins == 2


def test_many_are_asked_about_in_calls_of_what_one_may_hold(simulator: Running) -> None:
    simulator.cohort(parcels=45, carriers=["generic"], kinds=["delivered_before"])
    asked = Asked(simulator, "generic")
    found = asked.ask(*asked.truths())
    assert len(found) == 45
    assert all(isinstance(one, Snapshot) for one in found.values())


def test_a_parcel_is_found_by_its_order_too(simulator: Running) -> None:
    simulator.cohort(parcels=2, carriers=["generic"], kinds=["delivered_before"])
    asked = Asked(simulator, "generic")
    first, second = asked.truths().items()
    by_order = f"order_id:{first[1]['order_id']}"
    assert set(asked.ask(by_order, second[0])) == {by_order, second[0]}


def test_a_refusal_inside_a_200_is_one_of_the_credentials(simulator: Running) -> None:
    simulator.cohort(parcels=1, carriers=["generic"], kinds=["delivered_before"])
    asked = Asked(simulator, "generic", extra={"customer": "another"})
    with pytest.raises(CredentialsRefused, match="Cliente não autorizado"):
        asked.ask(*asked.truths())
