"""Each carrier's whole cycle over real HTTP, against its simulation: log in, ask, learn, be refused, be slowed down."""

from typing import Any

import pytest

from rastro.access import Access
from rastro.carriers.base import Carrier
from rastro.carriers.registry import CARRIERS
from rastro.diff import state_of
from rastro.errors import CredentialsRefused, RateLimited, Transient
from rastro.http import Http
from rastro.models import Refusal, Shipment, Snapshot
from rastro.pipeline.track import converse
from rastro.references import reference_of
from simulator.carriers import simulated_carriers
from simulator.testing import Running
from simulator.world import World

from .tokens import LIMITS, MemoryTokens, account_from

SIMULATED = simulated_carriers(World())
EACH = pytest.mark.parametrize("code", SIMULATED)


def reference_from(truth: dict[str, Any], carrier: Carrier, service: str) -> str:
    shipment = Shipment(
        account="sql:erp", order_id=truth["order_id"], invoice_number=truth["invoice_number"],
        tracking_number=truth["tracking_number"], invoice_key=truth["invoice_key"],
        shipper_cnpj=truth["invoice_key"][6:20], carrier_id=truth["carrier_id"], service=service,
    )  # fmt: skip
    return reference_of(shipment, carrier.references)


class Asked:
    """A carrier as the pipeline would ask it."""

    def __init__(self, simulator: Running, code: str, **changed: Any) -> None:
        self.simulator, self.carrier, self.simulated = simulator, CARRIERS[code], SIMULATED[code]
        self.account = account_from(simulator.info()["carriers"][code], **changed)
        self.tokens = MemoryTokens(self.account, self.carrier.login)

    def ask(self, *references: str) -> dict[str, Snapshot | Refusal]:
        access = self.tokens.access()
        try:
            return self._ask(references, access)
        except CredentialsRefused:
            renewed = self.tokens.renewed(access)
            if renewed is None:
                raise
            return self._ask(references, renewed)

    def _ask(self, references: tuple[str, ...], access: Access) -> dict[str, Snapshot | Refusal]:
        found = {}
        size = self.carrier.batch_size
        with Http(self.account.base_url, name=self.carrier.code, limits=LIMITS) as http:
            for start in range(0, len(references), size):
                answered = converse(http, self.carrier.ask(references[start : start + size], access))
                if answered.trouble:
                    raise answered.trouble
                found.update({known: self.carrier.parse(raw, known) for known, raw in answered.parts.items()})
        return found

    def truths(self) -> dict[str, dict[str, Any]]:
        return {reference_from(one, self.carrier, self.simulated.service): one for one in self.simulator.truth()}


@EACH
def test_every_life_is_understood_step_by_step(simulator: Running, code: str) -> None:
    asked = Asked(simulator, code)
    lives = asked.simulated.lives
    simulator.cohort(parcels=len(lives), carriers=[code], kinds=list(lives))
    assert "" not in asked.truths(), "the simulated parcels have what their carrier is asked by"
    for step in range(7):
        truths = asked.truths()
        asked.ask(*truths)  # what must be registered first is read by the second look
        found = asked.ask(*truths)
        assert found.keys() == truths.keys()
        for reference, truth in truths.items():
            meant = found[reference]
            if truth["refusal"]:
                assert isinstance(meant, Refusal), (step, truth["kind"])
            else:
                assert isinstance(meant, Snapshot), (step, truth["kind"], meant)
                assert state_of(meant.events).status == truth["status"], (step, truth["kind"], meant)
                assert meant.reference == reference
        simulator.advance()


@EACH
def test_an_answer_asked_for_twice_is_the_same_bytes(simulator: Running, code: str) -> None:
    asked = Asked(simulator, code)
    simulator.cohort(parcels=3, carriers=[code], kinds=["delivered_before"])
    references = tuple(asked.truths())
    asked.ask(*references)
    access = asked.tokens.access()
    with Http(asked.account.base_url, name=code, limits=LIMITS) as http:
        size = asked.carrier.batch_size
        first, second = (converse(http, asked.carrier.ask(references[:size], access)).parts for _ in range(2))
    assert first == second != {}


@EACH
def test_wrong_credentials_are_refused_as_such(simulator: Running, code: str) -> None:
    simulated = SIMULATED[code]
    secrets = [name for name in ("login", "password") if simulated.connection.get(name)]
    extra = dict.fromkeys(simulated.connection.get("extra", {}), "errado")
    if not secrets and not extra:
        assert not [one.name for one in CARRIERS[code].fields if one.required], "it wants to know who asks"
        return
    asked = Asked(simulator, code, **dict.fromkeys(secrets, "errado"))
    simulator.cohort(parcels=1, carriers=[code], kinds=["delivered_before"])
    if not secrets:
        asked = Asked(simulator, code, extra=extra)
    with pytest.raises(CredentialsRefused):
        asked.ask(*asked.truths())


@EACH
def test_a_carrier_that_wants_patience_or_is_down_is_no_refusal(simulator: Running, code: str) -> None:
    asked = Asked(simulator, code)
    simulator.cohort(parcels=1, carriers=[code], kinds=["delivered_before"])
    asked.ask(*asked.truths())
    for status, error in ((429, RateLimited), (503, Transient)):
        simulator.fault(code, "status", status=status)
        with pytest.raises(error):
            asked.ask(*asked.truths())
        simulator.calm()
    assert all(isinstance(one, Snapshot) for one in asked.ask(*asked.truths()).values())


@EACH
def test_a_page_in_place_of_an_answer_is_no_answer(simulator: Running, code: str) -> None:
    asked = Asked(simulator, code)
    simulator.cohort(parcels=1, carriers=[code], kinds=["delivered_before"])
    asked.ask(*asked.truths())
    for kind in ("html", "empty", "truncated"):
        simulator.fault(code, kind, times=0)
        with pytest.raises(Exception) as error:  # noqa: PT011 -- which of ours depends on the carrier
            asked.ask(*asked.truths())
        assert type(error.value).__module__ == "rastro.errors"
        simulator.calm()
