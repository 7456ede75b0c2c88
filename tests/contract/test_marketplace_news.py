"""What marketplaces take beside deliveries, told to their simulations: once each, and read back."""

from dataclasses import replace

import pytest

from rastro.marketplaces.registry import MARKETPLACES
from rastro.models import Status
from rastro.receivers import Message, Progress, Reading, Receiver
from simulator.testing import Running

from .test_simulated_marketplaces import AT, SIMULATED, order_of, receiver_of, sale

NEWS = [(code, status) for code in SIMULATED for status in sorted(MARKETPLACES[code].takes)]
# A carrier's words, as plain as they come.
WORDS = {
    Status.IN_TRANSIT: "Objeto em trânsito",
    Status.OUT_FOR_DELIVERY: "Objeto saiu para entrega",
    Status.DELIVERY_FAILED: "Destinatário ausente",
    Status.READY_FOR_PICKUP: "Aguardando retirada",
    Status.RETURNING: "Em devolução ao remetente",
    Status.RETURNED: "Devolvido ao remetente",
}


def news(message: Message, status: Status) -> Message:
    line = Progress(occurred_at=AT, description=WORDS.get(status, status.value), city="Vale Alto", state="MG")
    return replace(message, status=status, delivered_at=None, history=(message.history[0], line))


def test_some_marketplaces_take_news() -> None:
    assert NEWS


def awaited(simulator: Running, code: str, status: Status, receiver: Receiver) -> Message:
    """News of an order that stands where the marketplace waits for it: before it is shipped there, or after."""
    for stands_at in ("invoiced", "shipped"):
        message = news(sale(simulator, code, stands_at), status)
        if receiver.read(message).reading is Reading.OWED:
            return message
    raise AssertionError(f"{code} never waits for {status}")


@pytest.mark.parametrize(("code", "status"), NEWS)
def test_news_is_told_once_and_read_back(simulator: Running, code: str, status: Status) -> None:
    receiver = receiver_of(simulator, code)
    message = awaited(simulator, code, status, receiver)
    assert 200 <= receiver.write(message).status < 300
    assert receiver.read(message).reading is Reading.DONE
    order = order_of(simulator, code)
    assert (len(order["told"]), order["deliveries"]) == (1, 0)


@pytest.mark.parametrize(("code", "status"), NEWS)
def test_news_that_a_delivery_has_overtaken_is_not_told(simulator: Running, code: str, status: Status) -> None:
    receiver = receiver_of(simulator, code)
    message = news(sale(simulator, code, "delivered"), status)
    assert receiver.read(message).reading in {Reading.DONE, Reading.CLOSED}
    assert order_of(simulator, code)["told"] == []


@pytest.mark.parametrize(("code", "status"), NEWS)
def test_news_of_what_the_marketplace_carries_is_not_told(simulator: Running, code: str, status: Status) -> None:
    if "carried" in SIMULATED[code].lacks:
        return
    message = news(sale(simulator, code, "carried"), status)
    assert receiver_of(simulator, code).read(message).reading in {Reading.DONE, Reading.CLOSED}
