"""Each marketplace's whole cycle over real HTTP, against its simulation: confirm, read back, be cut off, be refused."""

import contextlib
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from rastro.errors import CredentialsRefused, Doubtful, RastroError, RateLimited
from rastro.marketplaces.registry import MARKETPLACES
from rastro.models import Status
from rastro.receivers import Message, Progress, Reading, Receiver
from simulator.marketplaces import simulated_marketplaces
from simulator.testing import Running
from simulator.world import World

from .tokens import LIMITS, MemoryTokens, account_from

BRASILIA = timezone(timedelta(hours=-3))
AT = datetime(2026, 11, 20, 22, 30, tzinfo=BRASILIA)
SIMULATED = simulated_marketplaces(World())
EACH = pytest.mark.parametrize("code", SIMULATED)


def receiver_of(simulator: Running, code: str, **changed: Any) -> Receiver:
    kind = MARKETPLACES[code]
    account = account_from(simulator.info()["marketplaces"][code], **changed)
    return kind.build(account, MemoryTokens(account, kind.login), limits=LIMITS)


def sale(simulator: Running, code: str, status: str = "shipped", **facts: Any) -> Message:
    """An order of the marketplace's in that state, and the message that it was delivered."""
    order_id = SIMULATED[code].order_id(7)
    simulator.control("POST", "sold", {"code": code, "order_id": order_id, "status": status, **facts})
    return Message(
        key="notice_7",
        order_id=f"LOJ-{order_id}",
        invoice_number="100001",
        tracking_number="QB123456785BR",
        courier="Correios",
        tracking_url="https://rastreio.example/QB123456785BR",
        status=Status.DELIVERED,
        history=(
            Progress(occurred_at=AT - timedelta(days=2), description="Objeto postado", city="Vila Serena", state="SP"),
            Progress(occurred_at=AT, description="Entregue", city="Vale Alto", state="MG"),
        ),
        delivered_at=AT,
        marketplace_order_id=order_id,
    )


def order_of(simulator: Running, code: str) -> dict[str, Any]:
    [order] = simulator.control("GET", f"sold/{code}")
    assert isinstance(order, dict)
    return order


@EACH
def test_a_delivery_is_told_once_and_read_back(simulator: Running, code: str) -> None:
    message = sale(simulator, code)
    receiver = receiver_of(simulator, code)
    assert receiver.read(message).reading is Reading.OWED
    receipt = receiver.write(message)
    assert 200 <= receipt.status < 300
    assert receiver.read(message).reading is Reading.DONE
    assert order_of(simulator, code)["deliveries"] == 1


@EACH
def test_what_is_delivered_already_is_done(simulator: Running, code: str) -> None:
    assert receiver_of(simulator, code).read(sale(simulator, code, "delivered")).reading is Reading.DONE


@EACH
@pytest.mark.parametrize(("status", "reading"), [("cancelled", Reading.CLOSED), ("carried", Reading.CLOSED)])
def test_what_is_not_ours_to_tell_is_closed(simulator: Running, code: str, status: str, reading: Reading) -> None:
    if status == "carried" and "carried" in SIMULATED[code].lacks:
        return
    assert receiver_of(simulator, code).read(sale(simulator, code, status)).reading is reading


@EACH
def test_an_order_that_is_not_shipped_yet_waits(simulator: Running, code: str) -> None:
    if "invoiced" in SIMULATED[code].lacks:
        return
    message = sale(simulator, code, "invoiced")
    assert receiver_of(simulator, code).read(message).reading is Reading.NOT_READY
    assert order_of(simulator, code)["told"] == []


@EACH
@pytest.mark.parametrize(("kind", "taken"), [("drop_before", False), ("drop_after", True)])
def test_after_a_lost_answer_the_marketplace_is_asked(simulator: Running, code: str, kind: str, *, taken: bool) -> None:
    message = sale(simulator, code)
    receiver = receiver_of(simulator, code)
    assert receiver.read(message).reading is Reading.OWED
    simulator.fault(code, kind, match=SIMULATED[code].writes)
    with pytest.raises(Doubtful):
        receiver.write(message)
    assert receiver.read(message).reading is (Reading.DONE if taken else Reading.OWED)
    assert order_of(simulator, code)["deliveries"] == int(taken)


@EACH
def test_a_second_delivery_is_no_success_that_nobody_sees(simulator: Running, code: str) -> None:
    """Whatever the other side answers to it, the read that follows says that it is done."""
    message = sale(simulator, code, "delivered")
    receiver = receiver_of(simulator, code)
    with contextlib.suppress(RastroError):
        receiver.write(message)
    assert receiver.read(message).reading is Reading.DONE


@EACH
def test_an_order_the_marketplace_does_not_know_is_a_persons(simulator: Running, code: str) -> None:
    message = replace(sale(simulator, code), marketplace_order_id=SIMULATED[code].order_id(404))
    receiver = receiver_of(simulator, code)
    with pytest.raises(RastroError):
        receiver.read(message)


@EACH
def test_wrong_credentials_are_refused_as_such(simulator: Running, code: str) -> None:
    message = sale(simulator, code)
    connection = SIMULATED[code].connection
    secret = (
        {"password": "errado"} if connection.get("password") else {"extra": dict.fromkeys(connection["extra"], "1")}
    )
    with pytest.raises(CredentialsRefused):
        receiver_of(simulator, code, **secret).read(message)


@EACH
def test_a_marketplace_that_wants_patience_gets_it(simulator: Running, code: str) -> None:
    message = sale(simulator, code)
    receiver = receiver_of(simulator, code)
    receiver.read(message)
    simulator.fault(code, "status", status=429, retry_after="40")
    with pytest.raises(RateLimited) as limited:
        receiver.read(message)
    assert limited.value.retry_after == 40
