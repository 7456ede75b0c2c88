"""The feed of lots over real HTTP, against its simulation: each change once, five minutes apart."""

from collections.abc import Iterator
from typing import Any

import pytest

from rastro.access import Access
from rastro.carriers.registry import CARRIERS
from rastro.carriers.total_express_lots import TotalExpressLots
from rastro.diff import state_of
from rastro.errors import CredentialsRefused, Doubtful, RateLimited, Unreadable
from rastro.http import Http
from rastro.models import Event, Snapshot
from simulator.testing import Running

from .tokens import LIMITS, account_from

CODE = "total_express"
FEED = TotalExpressLots()


class Reader:
    """Reads lots as the pipeline would, and remembers all that they said."""

    def __init__(self, simulator: Running, **changed: Any) -> None:
        self.simulator = simulator
        self.account = account_from(simulator.info()["carriers"][CODE], **changed)
        self.events: dict[str, dict[str, Event]] = {}
        self.ahead = 0.0

    def fetch(self) -> int:
        """The number of parcels that one lot spoke of."""
        with Http(FEED.host(self.account), name=CODE, limits=LIMITS) as http:
            response = http.send(FEED.request_for(Access(account=self.account)))
        FEED.check(response)
        parts = list(FEED.parts(response.body))
        for part in parts:
            said = CARRIERS[CODE].parse(part.raw, part.references[0])
            assert isinstance(said, Snapshot)
            assert not said.whole
            assert part.references[1].startswith("order_id:ERP-")
            self.events.setdefault(part.references[0], {}).update({event.key: event for event in said.events})
        return len(parts)

    def wait(self) -> None:
        self.ahead += FEED.every.total_seconds()
        self.simulator.configure(clock_ahead=self.ahead)

    def truths(self) -> dict[str, dict[str, Any]]:
        return {truth["tracking_number"]: truth for truth in self.simulator.truth()}


@pytest.fixture
def reader(simulator: Running) -> Iterator[Reader]:
    yield Reader(simulator)
    simulator.configure(clock_ahead=0.0)


def test_lots_add_up_to_every_life(simulator: Running, reader: Reader) -> None:
    kinds = ["delivered", "second_attempt", "returned", "lost", "posted_late", "delivered_before"]
    simulator.cohort(parcels=len(kinds), carriers=[CODE], kinds=kinds)
    for _ in range(6):
        reader.fetch()
        for number, truth in reader.truths().items():
            if truth["refusal"]:
                assert number not in reader.events
            else:
                known = sorted(reader.events[number].values(), key=lambda event: event.occurred_at)
                assert state_of(known).status == truth["status"], truth["kind"]
        reader.wait()
        simulator.advance()


def test_each_change_is_handed_out_once_and_again_only_by_its_day(simulator: Running, reader: Reader) -> None:
    simulator.cohort(parcels=3, carriers=[CODE], kinds=["delivered_before"], hours=0)
    assert reader.fetch() == 3
    days = {event.occurred_at.date().isoformat() for event in reader.events[min(reader.events)].values()}
    reader.wait()
    assert reader.fetch() == 0
    reader.wait()
    again = Reader(simulator, extra={"feed_day": max(days)})
    assert again.fetch() == 3
    assert all(again.events[number].keys() <= reader.events[number].keys() for number in again.events)


def test_lots_asked_for_too_soon_are_refused_in_an_answer_that_looks_good(simulator: Running, reader: Reader) -> None:
    simulator.cohort(parcels=1, carriers=[CODE])
    reader.fetch()
    with pytest.raises(RateLimited):
        reader.fetch()


def test_wrong_credentials_are_refused_as_such(simulator: Running) -> None:
    with pytest.raises(CredentialsRefused):
        Reader(simulator, password="errado").fetch()


def test_a_lot_that_may_have_been_handed_out_is_not_asked_for_again_by_itself(
    simulator: Running, reader: Reader
) -> None:
    simulator.cohort(parcels=1, carriers=[CODE])
    simulator.fault(CODE, "drop_after", times=0)
    with pytest.raises(Doubtful):
        reader.fetch()
    simulator.calm()
    assert len([call for call in simulator.requests() if "webservice24" in call["path"]]) == 1


def test_half_a_lot_and_a_page_in_its_place_are_no_lot(simulator: Running, reader: Reader) -> None:
    simulator.cohort(parcels=1, carriers=[CODE])
    for kind in ("truncated", "html", "empty"):
        simulator.fault(CODE, kind)
        with pytest.raises(Unreadable):
            reader.fetch()
        reader.wait()
