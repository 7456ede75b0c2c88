"""A marketplace that refuses: one order is a person's, and none of what is refused to all of them is lost."""

import pytest

from rastro.errors import Forbidden, Misconfigured, Rejected
from rastro.pipeline.tell import REFUSED_IN_A_ROW
from stack.wiring import key_of

pytestmark = pytest.mark.slow

MARKET, CLOCKED = "mercado_livre", "shopee"
MANY = 2 * (REFUSED_IN_A_ROW + 3)  # parcels, of which every other one is of a marketplace's order


def sell(shop, code, parcels):
    shop.cohort(parcels, carriers=["loggi"], marketplaces=[code], kinds=["delivered_before"], share_sql=0.0)
    return shop.simulator.control("GET", f"sold/{code}")


def failures(shop, code=MARKET):
    return shop.hour().failures.get(f"confirm.{key_of(code)}")


def notices(shop):
    rows = shop.ask("SELECT state, reason, attempts FROM rastro.notice WHERE channel = 'marketplace' ORDER BY 1")
    return [(one.state, one.reason) for one in rows]


def states(shop):
    return [state for state, _ in notices(shop)]


def told(shop, code=MARKET):
    return sum(len(one["told"]) for one in shop.simulator.control("GET", f"sold/{code}"))


def test_one_order_that_is_forbidden_is_a_persons_and_holds_up_no_other(wide):
    sell(wide, MARKET, 4)
    wide.simulator.fault(MARKET, "status", status=403, match="/shipments/")
    assert failures(wide) is None
    assert states(wide) == ["dead", *["sent"] * (len(notices(wide)) - 1)]
    assert len(notices(wide)) > 1
    assert "Others are told, so it is about this order" in notices(wide)[0][1]
    assert len(wide.received("POST", "/oauth/token$")) == 1, "no new token helps against a 403"


def test_one_order_that_is_forbidden_and_no_other_to_compare_with_waits(wide):
    sell(wide, MARKET, 2)
    wide.simulator.fault(MARKET, "status", status=403, match="/shipments/", times=0)
    assert isinstance(failures(wide), Forbidden)
    assert set(states(wide)) == {"owed"}
    calls = len(wide.received("GET", "/shipments/"))
    failures(wide)
    assert len(wide.received("GET", "/shipments/")) == calls, "it has a pause, so that others come first"
    wide.simulator.calm()
    wide.pauses_end()
    assert failures(wide) is None
    assert set(states(wide)) == {"sent"}


@pytest.mark.parametrize(("status", "kind"), [(403, Forbidden), (400, Rejected)])
def test_what_is_refused_to_all_of_them_is_lost_to_none(wide, status, kind):
    sell(wide, MARKET, MANY)
    wide.simulator.fault(MARKET, "status", status=status, match="/shipments/", times=0)
    assert type(failures(wide)) is kind
    assert set(states(wide)) == {"owed"}
    assert len(states(wide)) > REFUSED_IN_A_ROW
    wide.simulator.calm()
    wide.pauses_end()
    assert failures(wide) is None
    assert set(states(wide)) == {"sent"}
    assert told(wide) == len(states(wide))


def test_a_wrong_clock_is_the_machines_fault_and_no_orders(wide):
    sell(wide, CLOCKED, 3)
    wide.simulator.configure(clock_ahead=600.0)
    assert isinstance(failures(wide, CLOCKED), Misconfigured)
    assert set(states(wide)) == {"owed"}
    wide.simulator.configure(clock_ahead=0.0)
    wide.pauses_end()
    assert failures(wide, CLOCKED) is None
    assert set(states(wide)) == {"sent"}
