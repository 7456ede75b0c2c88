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


def another_hub(shop):
    """A second connection to the webhook, so that ``webhook:hub`` and ``webhook:second`` are two marketplaces."""
    shop.connections["second"] = shop.connections["hub"]
    shop.reconnect("second")


def routed_to(shop, route, marketplaces="webhook:hub, webhook:second"):
    shop.configure(routes=f"{ROUTES}, HUB={route}", marketplaces=f"vtex_protocol:market, {marketplaces}")


def told(shop):
    rows = shop.ask("SELECT target, kind, state FROM rastro.notice WHERE channel = 'marketplace' ORDER BY notice_id")
    return [(one.target, one.kind, one.state) for one in rows]


def owed_in_vain(shop):
    """A delivery that the marketplace ``webhook:hub`` is owed and could not be told of yet."""
    another_hub(shop)
    routed_to(shop, "direct:webhook:hub")
    shop.orders("delivered_before", variant="hub")
    shop.simulator.fault("webhook", "status", status=503, times=0)
    shop.hour()
    assert told(shop) == [("webhook:hub", "delivered", "owed")]
    assert hooks(shop) == []
    shop.simulator.calm()


def test_a_delivery_owed_to_one_marketplace_goes_to_the_one_that_the_route_names_now(shop):
    owed_in_vain(shop)
    routed_to(shop, "direct:webhook:second", marketplaces="webhook:second")
    for _ in range(2):
        assert not shop.hour().failures, "though the old one is no longer among the marketplaces"
    assert told(shop) == [("webhook:second", "delivered", "sent")]
    assert len(hooks(shop)) == 1


def test_a_delivery_owed_to_a_marketplace_is_left_to_the_connector_that_the_route_names_now_and_comes_back(shop):
    owed_in_vain(shop)
    routed_to(shop, "connector", marketplaces="webhook:second")
    assert not shop.hour().failures
    assert told(shop) == [("webhook:hub", "delivered", "superseded")]
    assert hooks(shop) == []
    routed_to(shop, "direct:webhook:second")
    for _ in range(2):
        assert not shop.hour().failures
    assert told(shop) == [("webhook:second", "delivered", "sent")]
    assert len(hooks(shop)) == 1


def test_what_a_marketplace_refused_is_told_to_the_one_that_the_route_names_now_and_what_it_took_is_not(shop):
    another_hub(shop)
    routed_to(shop, "direct:webhook:hub")
    shop.orders("delivered_before", parcels=2, variant="hub")
    shop.simulator.fault("webhook", "status", status=422, times=1)
    shop.hour()
    assert sorted(state for _, _, state in told(shop)) == ["dead", "sent"]
    routed_to(shop, "direct:webhook:second")
    for _ in range(2):
        assert not shop.hour().failures
    assert sorted(told(shop)) == [("webhook:hub", "delivered", "sent"), ("webhook:second", "delivered", "sent")]
    assert len(hooks(shop)) == 2


def test_what_may_have_arrived_at_one_marketplace_is_a_persons_once_the_route_names_another(shop):
    owed_in_vain(shop)
    shop.execute("UPDATE rastro.notice SET state = 'unknown', hand_overs = 1 WHERE channel = 'marketplace'")
    routed_to(shop, "direct:webhook:second", marketplaces="webhook:second")
    for _ in range(2):
        assert not shop.hour().failures
    assert told(shop) == [("webhook:hub", "delivered", "dead")]
    [problem] = shop.ask("SELECT detail FROM rastro.v_open_problem WHERE problem = 'notice dead (marketplace)'")
    assert problem.detail.endswith("may have arrived by the old one; look, then release it")
    shop.execute(  # as the page never-twice says
        "UPDATE rastro.notice SET state = 'owed', attempts = 0, hand_overs = 0, not_before = now(), settled_at = NULL"
        " WHERE channel = 'marketplace'"
    )
    assert not shop.hour().failures
    assert told(shop) == [("webhook:second", "delivered", "sent")]


def test_a_parcel_under_way_goes_by_the_route_that_was_changed_meanwhile(shop):
    another_hub(shop)
    routed_to(shop, "connector")
    shop.orders("delivered", variant="hub")
    shop.hour()
    shop.advance()
    routed_to(shop, "direct:webhook:second")
    assert [run.failures for run in shop.to_the_end() if run.failures] == []
    assert told(shop) == [("webhook:second", "delivered", "sent")]


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
