"""What the simulator holds to be true, and what the adapters make of its answers: the same."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from rastro.access import Account
from rastro.carriers.registry import CARRIERS
from rastro.http import Response
from rastro.models import Refusal, Shipment, Snapshot, Standing, Status
from rastro.orders.base import Setup
from rastro.orders.vtex import Vtex
from rastro.routing import Router, Signs
from rastro.settings import settings_from
from simulator.journeys import JOURNEYS
from simulator.testing import Running

ROUTES = settings_from(
    {
        "marketplaces": "vtex_protocol:one, webhook:hub",
        "routes": "BWW=connector, MLF=none, MKT=direct:vtex_protocol:one, HUB=direct:webhook:hub",
    }
).routes
REFUSED = {"not_found": "SRO-020", "not_ours": "SRO-009", "malformed": "SRO-019"}


@pytest.fixture
def correios(simulator: Running) -> Iterator[httpx.Client]:
    told = simulator.info()["correios"]
    auth = (told["user"], told["access_code"])
    card = {"numero": told["posting_card"]}
    token = httpx.post(f"{told['url']}/token/v1/autentica/cartaopostagem", json=card, auth=auth).json()["token"]
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "pt-BR"}
    with httpx.Client(base_url=told["url"], headers=headers) as client:
        yield client


def standing(said: Snapshot | Refusal) -> tuple[str, str]:
    """Status of the newest event that counts and means something, and the carrier's refusal."""
    if isinstance(said, Refusal):
        return "unknown", REFUSED[said.reason]
    counting = [event for event in said.events if event.standing is Standing.EFFECTIVE]
    return next(event.status for event in reversed(counting) if event.status is not Status.UNKNOWN), ""


def test_every_step_of_every_journey_means_what_the_simulator_says(simulator: Running, correios: httpx.Client) -> None:
    simulator.cohort(parcels=len(JOURNEYS), variants=["own"])
    adapter = CARRIERS["correios"]
    steps = max(len(journey.steps) for journey in JOURNEYS.values())
    for step in range(steps + 1):
        if step:
            simulator.advance()
        truth = {parcel["tracking_number"]: parcel for parcel in simulator.truth()}
        assert len(truth) == len(JOURNEYS)
        asked = [("codigosObjetos", number) for number in truth] + [("resultado", "T")]
        answer = Response(status=200, body=correios.get("/srorastro/v1/objetos", params=asked).content)
        meant = {number: standing(adapter.parse(raw)) for number, raw in adapter.split(answer)}
        assert meant == {number: (parcel["status"], parcel["refusal"]) for number, parcel in truth.items()}


def followed(shipments: Mapping[str, Shipment]) -> dict[str, str]:
    """Route by number of the shipments that are ours and that some carrier claims."""
    router = Router(claims={code: carrier.claims for code, carrier in CARRIERS.items()}, connected=("correios",))
    signs = {
        number: Signs(courier=shipment.courier, number=number, url=shipment.tracking_url)
        for number, shipment in shipments.items()
        if not shipment.skip
    }
    return {number: shipments[number].route for number, sign in signs.items() if router.route(sign).carrier}


def test_the_parcels_that_may_be_followed_are_followed_and_no_others(simulator: Running) -> None:
    simulator.cohort(parcels=80)
    told = simulator.info()["vtex"]
    account = Account(base_url=told["urls"]["loja"], login=told["app_key"], password=told["app_token"])
    source = Vtex(Setup(account=account, routes=ROUTES))
    now = datetime.now(UTC)
    found = [item for item in source.shipments(now - timedelta(days=10), now) if isinstance(item, Shipment)]
    shipments = {shipment.tracking_number: shipment for shipment in found if shipment.tracking_number}
    truth = {parcel["tracking_number"]: parcel["route"] for parcel in simulator.truth() if parcel["follow"]}
    assert len(truth) > 50
    assert followed(shipments) == truth
