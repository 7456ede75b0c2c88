"""Orders of several packages, and packages of several parcels: what a marketplace is told of them, and when."""

import pytest

from rastro.marketplaces.registry import MARKETPLACES
from rastro.models import Status
from simulator.marketplaces import simulated_marketplaces
from simulator.world import World
from stack.wiring import key_of

pytestmark = pytest.mark.slow

# Fast Shop is told of each package by its invoice; of the others each simulated order is one.
ONE_WORD = tuple(code for code in simulated_marketplaces(World()) if code != "fast_shop")
MARKET = "mercado_livre"


def sell_together(shop, code, *kinds, one_invoice=False):
    """One order of the marketplace's that goes in two parcels, under an invoice each or under one."""
    lives = ["label_only", kinds[0], "label_only", kinds[1]]  # every other parcel is sold there
    shop.cohort(4, carriers=["loggi"], marketplaces=[code], kinds=lives)
    one, other = (row for row in shop.rows_held() if row["marketplace_order_id"])
    together = {"order_id": one["order_id"], "marketplace_order_id": one["marketplace_order_id"]}
    if one_invoice:
        together |= {"invoice_number": one["invoice_number"], "invoice_key": one["invoice_key"]}
    shop.change_row(other["order_id"], **together)
    order = sold(shop, code, one["marketplace_order_id"])
    invoices = [one["invoice_number"], other["invoice_number"]]
    shop.simulator.control("POST", "sold", {**order, "notes": {"invoices": invoices}})
    return one["marketplace_order_id"]


def sold(shop, code, order_id):
    (order,) = (one for one in shop.simulator.control("GET", f"sold/{code}") if one["order_id"] == order_id)
    return order


def notices(shop, kind="delivered"):
    return shop.ask(
        "SELECT state, reason, attempts FROM rastro.notice WHERE channel = 'marketplace' AND kind = %s"
        " ORDER BY notice_id",
        kind,
    )


def problems(shop, beginning):
    return shop.ask("SELECT detail FROM rastro.v_open_problem WHERE starts_with(problem, %s)", beginning)


def hours_without_trouble(shop):
    shop.pauses_end()
    hour = shop.hour()
    assert hour.failures == {}


def to_a_person(shop, code):
    """Hour after hour to the end, in which something is given up and nothing else goes wrong."""
    failed = set()
    while shop.advance():
        shop.pauses_end()
        failed |= shop.hour().failed
    assert failed <= {f"confirm.{key_of(code)}", "check_run"}


@pytest.mark.parametrize("code", ONE_WORD)
def test_a_delivery_that_is_the_whole_orders_waits_for_its_other_packages(wide, code):
    order_id = sell_together(wide, code, "delivered_before", "second_attempt")
    for _ in range(2):
        hours_without_trouble(wide)
        assert sold(wide, code, order_id)["told"] == []
        ((state, reason, attempts),) = notices(wide)
        assert (state, attempts) == ("owed", 0), "however long it waits, that is no attempt"
        assert "one word for the whole order" in reason
    while wide.advance():
        hours_without_trouble(wide)
    hours_without_trouble(wide)
    assert sold(wide, code, order_id)["deliveries"] == 1
    assert [one.state for one in notices(wide)] == ["sent", "sent"]


@pytest.mark.parametrize(("code", "one_invoice"), [("skyhub", False), ("netshoes", False), ("netshoes", True)])
def test_an_order_whose_parcels_ended_differently_is_never_told_delivered(wide, code, *, one_invoice):
    order_id = sell_together(wide, code, "delivered_before", "returned", one_invoice=one_invoice)
    to_a_person(wide, code)
    assert sold(wide, code, order_id)["told"] == []
    if one_invoice:
        (detail,) = (one.detail for one in problems(wide, "a delivery is not confirmed"))
        assert f"of the same invoice is returned: settle it with {key_of(code)} by hand" in detail
    else:
        ((state, reason, _),) = notices(wide)
        assert state == "dead"
        assert "its parcels ended differently (delivered, returned): tell it by hand" in reason


@pytest.mark.parametrize(("code", "one_invoice"), [("mercado_livre", True), ("mercado_livre", False), ("shopee", True)])
def test_that_one_parcel_is_back_is_not_told_of_what_another_one_may_still_end(wide, code, *, one_invoice):
    wide.configure(marketplace_news=key_of(code))
    order_id = sell_together(wide, code, "returned", "second_attempt", one_invoice=one_invoice)
    to_a_person(wide, code)
    told = sold(wide, code, order_id)["told"]
    assert {one["status"] for one in told} == {"picked up" if code == "shopee" else "shipped"}
    assert [one.state for one in notices(wide, "returned")] == ["dead"]


@pytest.mark.parametrize(("code", "one_invoice"), [("mercado_livre", True), ("shopee", False)])
def test_that_every_parcel_is_back_is_told_once(wide, code, *, one_invoice):
    assert Status.RETURNED in MARKETPLACES[code].takes
    wide.configure(marketplace_news=key_of(code))
    order_id = sell_together(wide, code, "returned", "returned", one_invoice=one_invoice)
    while wide.advance():
        hours_without_trouble(wide)
    told = sold(wide, code, order_id)["told"]
    assert [one["status"] for one in told].count("returned" if code == MARKET else told[-1]["status"]) == 1
    assert sold(wide, code, order_id)["deliveries"] == 0
    assert [one.state for one in notices(wide, "returned")] == ["sent", "sent"]


# Receivers that cannot be read


def hooks(shop):
    return [one for one in shop.received("POST", "^/webhook/") if one["status"] < 300]


@pytest.mark.parametrize("how", ["its number is corrected", "another volume is added to it"])
def test_a_package_that_was_told_delivered_is_not_told_again(wide, how):
    wide.configure(routes="SKYHUB=direct:webhook:hub")
    wide.cohort(4, carriers=["loggi"], marketplaces=["skyhub"], kinds=["label_only", "delivered_before"])
    one, other = (row for row in wide.rows_held() if row["marketplace_order_id"])
    wide.delete_row(other["order_id"])
    hours_without_trouble(wide)
    assert len(hooks(wide)) == 1
    if how == "its number is corrected":
        wide.change_row(one["order_id"], tracking_number=other["tracking_number"])
    else:
        wide.add_row({**one, "tracking_number": other["tracking_number"]})
    for _ in range(2):
        hours_without_trouble(wide)
    assert len(hooks(wide)) == 1
    assert [(one.state, one.reason) for one in notices(wide)] == [
        ("sent", ""), ("sent", "told before for another parcel or number of the package"),
    ]  # fmt: skip
