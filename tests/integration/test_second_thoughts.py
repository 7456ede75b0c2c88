"""What is decided later on: routes added, orders mended, deliveries undone before anybody was told."""

import pytest

pytestmark = pytest.mark.slow

ROUTES = "MKT=direct:vtex_protocol:market, BWW=connector, MLF=none"


def hooks(shop):
    return [one for one in shop.received("POST", "^/webhook/") if one["status"] < 300]


def test_a_route_added_later_confirms_what_was_delivered_meanwhile(shop):
    shop.configure(routes=ROUTES)
    shop.orders("delivered_at_once", parcels=2, variant="hub")
    runs = shop.to_the_end()
    assert runs
    assert hooks(shop) == []
    problems = [row.problem for row in shop.ask("SELECT problem FROM rastro.v_open_problem")]
    assert problems.count("route to the marketplace is unknown") == 2
    shop.configure(routes=f"{ROUTES}, HUB=direct:webhook:hub")
    for _ in range(2):
        assert not shop.hour().failures
    assert len(hooks(shop)) == 2, "each once, though the deliveries were no news any more"
    assert not shop.ask("SELECT FROM rastro.v_open_problem WHERE starts_with(problem, 'route')")


def test_a_delivery_undone_before_it_was_confirmed_is_confirmed_when_it_comes_true(shop):
    shop.orders("undone", parcels=1, variant="hub")
    shop.simulator.fault("webhook", "status", status=503)
    while shop.advance():
        shop.hour()
    assert hooks(shop) == []
    shop.simulator.calm()
    shop.pauses_end()
    shop.hour()
    assert len(hooks(shop)) == 1


def test_an_order_put_aside_is_read_again_and_its_entry_closed_once_it_is_mended(shop):
    shop.orders("delivered", parcels=1, variant="slash_invoice")
    shop.hour()
    assert [row.reason for row in shop.ask("SELECT reason FROM rastro.quarantine")] == ["invoice_unaddressable"]
    assert shop.ask("SELECT order_id FROM rastro.awaited_order")
    shop.hour()
    [entry] = shop.ask("SELECT times, resolved_at FROM rastro.quarantine")
    assert entry.times >= 2
    assert entry.resolved_at is None, "it still cannot be addressed"


def test_a_misspelt_carrier_is_named_and_does_not_stop_the_others(shop):
    shop.configure(carriers="correios:correios, coreios:correios")
    shop.cohort(6)
    run = shop.hour()
    assert set(run.failures) == {"check_run"}
    assert "there is no coreios" in str(run.failures["check_run"])
    assert shop.asked_about()
