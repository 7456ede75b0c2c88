"""The host of a connection, as somebody writes it."""

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_webhooks_url_is_posted_to_exactly_as_it_is_written(shop, slash):
    shop.connect_by("hub", host=f"{shop.connections['hub']['host']}{slash}")
    shop.orders("delivered_before", variant="hub")
    shop.hour()
    paths = {one["path"].split("/webhook/")[1] for one in shop.received("POST", "^/webhook/")}
    assert paths == {f"hub{slash}"}


def test_a_slash_at_the_end_of_any_other_host_makes_no_difference(shop):
    for name in ("correios", "loja", "market"):
        shop.connect_by(name, host=shop.connections[name]["host"] + "/")
    shop.cohort(12)
    assert [hour.failures for hour in shop.to_the_end() if hour.failures] == []
    assert shop.wrong() == []
    assert not [one["path"] for one in shop.simulator.requests() if "//" in one["path"]]
