"""Aggregators, with whom a number is registered before it can be read, and whose quota may be used up."""

import pytest

from rastro.errors import Permanent

pytestmark = pytest.mark.slow

ALL = 1_000_000
QUOTA = [
    ("track17", "the quota for registering numbers is used up: buy more at 17TRACK", "0 of 20 left"),
    ("aftership", "it takes no more shipments", "check the plan and the API key"),
]


def states(shop):
    rows = shop.ask("SELECT status, count(*)::int AS parcels FROM rastro.v_shipment GROUP BY 1 ORDER BY 1")
    return {one.status: one.parcels for one in rows}


def last_batch(shop):
    (one,) = shop.ask("SELECT asked, changed, unanswered FROM rastro.poll_batch ORDER BY batch_id DESC LIMIT 1")
    return one


@pytest.mark.parametrize(("carrier", "sentence", "more"), QUOTA)
def test_with_the_quota_used_up_what_is_registered_is_read_and_the_rest_waits_with_a_sentence(
    wide, carrier, sentence, more
):
    wide.simulator.configure(registrations=20)
    wide.carried(30, carriers=[carrier], kinds=["delivered"])
    task = f"track.{carrier}"

    for read in (0, 20):
        red = wide.hour()
        assert red.failed == {task, "check_run"}
        assert isinstance(red.failures[task], Permanent)
        assert sentence in str(red.failures[task])
        assert more in str(red.failures["check_run"])
        assert last_batch(wide) == (30, read, 10)
    assert states(wide) == {"in_transit": 20, "unknown": 10}

    wide.advance()
    wide.advance()
    wide.simulator.configure(registrations=ALL)
    assert wide.hour().failures == {}, "what is left is registered"
    assert last_batch(wide) == (30, 20, 0)
    assert states(wide) == {"out_for_delivery": 20, "unknown": 10}
    assert wide.hour().failures == {}
    assert states(wide) == {"out_for_delivery": 30}
    problems = {one.problem for one in wide.ask("SELECT problem FROM rastro.v_open_problem")}
    assert problems == set(), "nothing of it waits for a person"


@pytest.mark.parametrize(("carrier", "match"), [("track17", "/register"), ("aftership", "/trackings$")])
def test_while_nothing_can_be_registered_what_is_known_is_read(wide, carrier, match):
    wide.cohort(2, carriers=[carrier], kinds=["delivered"])
    for _ in range(2):
        assert wide.hour().failures == {}
    wide.advance()
    wide.cohort(1, carriers=[carrier], kinds=["delivered"])
    wide.simulator.fault(carrier, "drop_before", match=match, method="POST", times=0)
    assert wide.hour().failed == {f"track.{carrier}", "check_run"}
    assert last_batch(wide) == (3, 2, 1)
    wide.simulator.calm()
    assert wide.hour().failures == {}


@pytest.mark.parametrize("carrier", [carrier for carrier, _, _ in QUOTA])
def test_nothing_is_registered_twice_and_what_is_not_known_yet_is_no_silence_of_the_carriers(wide, carrier):
    register = {"track17": ("POST", "/register$"), "aftership": ("POST", "/trackings$")}[carrier]
    wide.carried(3, carriers=[carrier], kinds=["posted_late"])
    for _ in range(3):
        assert wide.hour().failures == {}
    assert len(wide.received(*register)) == {"track17": 1, "aftership": 3}[carrier]
    refusals = {one.refusal for one in wide.ask("SELECT refusal FROM rastro.poll_state")}
    assert refusals == {"not_found"}
    wide.advance()
    wide.advance()
    assert wide.hour().failures == {}
    assert states(wide) == {"in_transit": 3}
