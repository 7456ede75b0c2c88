"""What is peculiar to some marketplaces, and news with the delivery after it, against their simulations."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rastro.access import Token
from rastro.errors import CredentialsRefused, Misconfigured, Rejected
from rastro.marketplaces.registry import MARKETPLACES
from rastro.models import Status
from rastro.receivers import Message, Reading, Receiver
from simulator.marketplaces import simulated_marketplaces
from simulator.testing import Running
from simulator.world import World

from .exchanges import message_about
from .tokens import LIMITS, MemoryTokens, account_from

SIMULATED = simulated_marketplaces(World())
TOLD = [code for code in SIMULATED if Status.IN_TRANSIT in MARKETPLACES[code].takes]


def sale(simulator: Running, code: str, status: str = "shipped", **facts: Any) -> Message:
    message = message_about(code, {})
    order = {"code": code, "order_id": message.marketplace_order_id, "status": status}
    simulator.control("POST", "sold", {**order, **facts})
    return message


def tokens_of(simulator: Running, code: str, **changed: Any) -> MemoryTokens:
    account = account_from(simulator.info()["marketplaces"][code], **changed)
    return MemoryTokens(account, MARKETPLACES[code].login)


def receiver_with(tokens: MemoryTokens, code: str) -> Receiver:
    return MARKETPLACES[code].build(tokens.account, tokens, limits=LIMITS)


def order_of(simulator: Running, code: str) -> dict[str, Any]:
    [order] = simulator.control("GET", f"sold/{code}")
    assert isinstance(order, dict)
    return order


def test_some_marketplaces_take_news() -> None:
    assert len(TOLD) >= 5


@pytest.mark.parametrize("code", TOLD)
def test_a_parcel_on_its_way_is_told_once_and_its_delivery_after_it(simulator: Running, code: str) -> None:
    receiver = receiver_with(tokens_of(simulator, code), code)
    delivered = sale(simulator, code, "invoiced")
    moving = replace(message_about(code, {"delivered": False}), marketplace_order_id=delivered.marketplace_order_id)
    if receiver.read(moving).reading is Reading.NOT_READY:  # it wants to know that it was sent by somebody else first
        sale(simulator, code, "shipped")
    assert receiver.read(moving).reading is Reading.OWED
    receiver.write(moving)
    assert receiver.read(moving).reading is Reading.DONE
    assert order_of(simulator, code)["deliveries"] == 0
    assert receiver.read(delivered).reading is Reading.OWED
    receiver.write(delivered)
    assert receiver.read(delivered).reading is Reading.DONE
    assert receiver.read(moving).reading is Reading.DONE
    assert order_of(simulator, code)["deliveries"] == 1


def test_shopees_refresh_token_is_good_for_one_use(simulator: Running) -> None:
    tokens = tokens_of(simulator, "shopee")
    message = sale(simulator, "shopee")
    receiver_with(tokens, "shopee").read(message)
    first = tokens.held
    assert first
    with pytest.raises(CredentialsRefused):
        receiver_with(tokens_of(simulator, "shopee"), "shopee").read(message)
    tokens.held = replace(first, value="acabado")
    assert receiver_with(tokens, "shopee").read(message).reading is Reading.OWED
    assert tokens.logins == 2
    assert tokens.held.refresh not in {"", first.refresh}


def test_a_token_that_ends_between_reading_and_writing_is_renewed_and_the_delivery_told_once(
    simulator: Running,
) -> None:
    for code in ("shopee", "shopify"):
        tokens, message = tokens_of(simulator, code), sale(simulator, code)
        receiver = receiver_with(tokens, code)
        assert receiver.read(message).reading is Reading.OWED
        assert tokens.held
        tokens.held = Token(
            value="acabado", expires_at=datetime.now(UTC) + timedelta(hours=1), refresh=tokens.held.refresh
        )
        assert receiver.write(message).number
        assert tokens.logins == 2
        assert order_of(simulator, code)["deliveries"] == 1


def test_shopees_clock_must_be_right(simulator: Running) -> None:
    simulator.configure(clock_ahead=600.0)
    with pytest.raises(Misconfigured, match="set this machine's clock right"):
        receiver_with(tokens_of(simulator, "shopee"), "shopee").read(sale(simulator, "shopee"))


@pytest.mark.parametrize(("channel", "says"), [(90026, "OTP"), (91003, "channel")])
def test_what_is_written_without_reading_first_is_refused_by_shopee_itself(
    simulator: Running, channel: int, says: str
) -> None:
    message = sale(simulator, "shopee", notes={"channel": channel})
    with pytest.raises(Rejected, match=says):
        receiver_with(tokens_of(simulator, "shopee"), "shopee").write(message)
    assert order_of(simulator, "shopee")["deliveries"] == 0


def test_what_shopee_holds_as_failed_for_good_is_a_persons(simulator: Running) -> None:
    message = sale(simulator, "shopee")
    receiver = receiver_with(tokens_of(simulator, "shopee"), "shopee")
    lost = replace(message, delivered_at=None, status=Status.LOST)
    receiver.write(lost)
    assert receiver.read(lost).reading is Reading.DONE
    with pytest.raises(Rejected, match="final"):
        receiver.read(message)


def test_nuvemshop_refuses_the_identical_event_which_is_a_success(simulator: Running) -> None:
    message = sale(simulator, "nuvemshop")
    receiver = receiver_with(tokens_of(simulator, "nuvemshop"), "nuvemshop")
    assert receiver.write(message).status == 201
    assert receiver.write(message).status == 400
    assert order_of(simulator, "nuvemshop")["deliveries"] == 1


def test_shopify_would_take_a_second_delivery_so_it_is_looked_for(simulator: Running) -> None:
    message = sale(simulator, "shopify")
    receiver = receiver_with(tokens_of(simulator, "shopify"), "shopify")
    receiver.write(message)
    assert receiver.read(message).reading is Reading.DONE
    receiver.write(message)
    assert order_of(simulator, "shopify")["deliveries"] == 2, "the simulation tells no more than the real one"


def test_shopify_takes_a_ready_made_token(simulator: Running) -> None:
    granted = tokens_of(simulator, "shopify")
    granted.access()
    assert granted.held
    ready = tokens_of(simulator, "shopify", login="", password="", extra={"access_token": granted.held.value})
    assert receiver_with(ready, "shopify").read(sale(simulator, "shopify")).reading is Reading.OWED
    assert ready.logins == 0
