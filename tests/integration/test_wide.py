"""Every carrier and marketplace that is simulated, through one pipeline, from the shop's database to the receipt."""

import re
from collections import Counter
from datetime import datetime, timedelta

import pytest

from rastro.carriers.base import Asks
from rastro.carriers.registry import CARRIERS
from rastro.models import ReferenceKind
from rastro.references import kind_of
from simulator.carriers import simulated_carriers
from simulator.marketplaces import simulated_marketplaces
from simulator.world import World

pytestmark = pytest.mark.slow

CARRIED_BY = tuple(simulated_carriers(World()))
SOLD_ON = tuple(simulated_marketplaces(World()))
# What they do not know yet is registered by the first look, and read by the next.
ONE_LOOK_LATER = {code for code in CARRIED_BY if CARRIERS[code].asks is Asks.REGISTER}
MISSING = "what its carrier is asked by is missing"


def states(shop):
    """Where each order's parcel is and who is asked about it, as the warehouse has it."""
    return {
        one.order_id: (one.carrier, one.status)
        for one in shop.ask("SELECT order_id, carrier, status FROM rastro.v_shipment")
    }


def truths(shop):
    return {one["order_id"]: (one["carrier"], one["status"]) for one in shop.simulator.truth()}


def test_every_parcel_is_where_its_carrier_says_hour_by_hour_and_every_delivery_is_confirmed_once(wide):
    assert ONE_LOOK_LATER
    wide.carried(5 * len(CARRIED_BY), carriers=CARRIED_BY, marketplaces=SOLD_ON)
    assert {carrier for carrier, _ in truths(wide).values()} == set(CARRIED_BY)

    first = wide.hour()
    assert first.failures == {}
    registered = {order: told for order, told in truths(wide).items() if told[0] in ONE_LOOK_LATER}
    assert {order: status for order, (_, status) in states(wide).items() if order in registered} == dict.fromkeys(
        registered, "unknown"
    )
    assert {order: told for order, told in states(wide).items() if order not in registered} == {
        order: told for order, told in truths(wide).items() if order not in registered
    }
    hours = 0
    while wide.advance():
        assert wide.hour().failures == {}
        assert states(wide) == truths(wide)
        hours += 1
    assert hours > 3
    assert {status for _, status in truths(wide).values()} >= {"delivered", "returned", "lost"}

    kinds = Counter(kind_of(one.reference) for one in wide.ask("SELECT reference FROM rastro.poll_state"))
    assert set(kinds) == set(ReferenceKind)
    each_once_and_only_the_delivered(wide)


def each_once_and_only_the_delivered(shop):
    delivered = {one["marketplace_order_id"] for one in shop.simulator.truth() if one["delivered"]}
    for code in SOLD_ON:
        sold = {one["order_id"]: one["deliveries"] for one in shop.simulator.control("GET", f"sold/{code}")}
        assert sold
        assert sold == {order: int(order in delivered) for order in sold}, code
        assert {0, 1} == set(sold.values()), f"{code} has orders of both kinds"


def missing(shop):
    problems = shop.ask("SELECT subject, detail FROM rastro.v_open_problem WHERE problem = %s", MISSING)
    return {one.subject: one.detail for one in problems}


@pytest.mark.parametrize(
    ("carrier", "lacks", "sentence"),
    [
        (
            "rodonaves",
            {"shipper_cnpj": None, "invoice_key": None},
            "; rodonaves needs shipper cnpj with invoice number, and the order has none",
        ),
        ("frenet", {"service": None}, "; frenet needs tracking number with service, and the order has none"),
    ],
)
def test_a_parcel_without_what_its_carrier_is_asked_by_is_listed_until_its_order_gains_it(
    wide, carrier, lacks, sentence
):
    wide.carried(2, carriers=[carrier], kinds=["delivered"])
    whole, (lacking, *_) = wide.rows_held(), wide.rows_held()
    wide.change_row(lacking["order_id"], **lacks)
    assert wide.hour().failures == {}
    told = missing(wide)
    assert list(told) == [lacking["tracking_number"]]
    assert told[lacking["tracking_number"]].endswith(sentence)
    asked = wide.ask("SELECT order_id, skip FROM rastro.shipment WHERE poll_id IS NULL")
    assert [(one.order_id, one.skip) for one in asked] == [(lacking["order_id"], "")]
    assert states(wide)[lacking["order_id"]] == (carrier, "unknown")
    wide.change_row(lacking["order_id"], **{name: whole[0][name] for name in lacks})
    assert wide.hour().failures == {}
    assert missing(wide) == {}
    assert states(wide) == truths(wide)


@pytest.mark.parametrize(
    ("connection", "calls"),
    [("kangu", "^/carrier/kangu/"), ("madeira_madeira", "^/marketplace/madeira_madeira/")],
)
def test_a_contracts_own_pace_is_kept(wide, connection, calls):
    wide.connect_by(connection, extra={"requests_per_second": "5"})
    wide.carried(4, carriers=["kangu"], kinds=["delivered_before"], marketplaces=["madeira_madeira"])
    assert wide.hour().failures == {}
    times = [datetime.fromisoformat(one["time"]) for one in wide.simulator.requests() if re.match(calls, one["path"])]
    assert len(times) >= 4
    # Five a second, by one slice; the first may come late, so it may seem to be nearer to the second.
    assert times[-1] - times[0] > (len(times) - 2) * timedelta(seconds=0.2)


@pytest.mark.parametrize(
    ("connection", "task"), [("kangu", "track.kangu"), ("madeira_madeira", "confirm.madeira_madeira:madeira_madeira")]
)
@pytest.mark.parametrize("pace", ["soon", "0"])
def test_a_pace_that_is_none_is_named_by_the_task_that_would_keep_to_it(wide, connection, task, pace):
    wide.connect_by(connection, extra={"requests_per_second": pace})
    wide.carried(2, carriers=["kangu"], kinds=["delivered_before"], marketplaces=["madeira_madeira"])
    red = wide.hour()
    assert red.failed == {task, "check_run"}
    assert str(red.failures[task]) == f"{connection}: the connection's extra.requests_per_second, {pace!r}, is no pace"
    wide.reconnect(connection)
    assert wide.hour().failures == {}
