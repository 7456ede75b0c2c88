"""A carrier that is asked about one parcel a call refuses calls: is it the parcel, or is it the call?"""

import pytest

from rastro.carriers.registry import CARRIERS

pytestmark = pytest.mark.slow

LOGGI = CARRIERS["loggi"]
ASK = "/packages/"
TRACK = "track.loggi"


def refused(shop):
    return {one.reference for one in shop.ask("SELECT reference FROM rastro.poll_state WHERE refusal = 'malformed'")}


def due_now(shop):
    return shop.ask("SELECT count(*) AS n FROM rastro.poll_state WHERE next_poll_at <= now() AND answered_at IS NULL")[
        0
    ].n


def calls(shop):
    return len(shop.received("GET", ASK))


def numbers(shop, parcels):
    """Of new parcels, in the order in which they are asked about."""
    shop.cohort(parcels, carriers=["loggi"], kinds=["delivered"])
    return [one["tracking_number"] for one in shop.simulator.truth()]


@pytest.mark.parametrize("status", [302, 400])
def test_a_carrier_that_refuses_every_call_is_in_trouble_and_no_parcel_is_put_off(wide, status):
    assert LOGGI.batch_size == 1
    assert len(numbers(wide, 8)) == 8
    wide.simulator.fault("loggi", "status", status=status, match=ASK, times=0)
    run = wide.hour()
    assert run.failed == {TRACK, "check_run"}
    assert f"answered {status}" in str(run.failures[TRACK])
    assert refused(wide) == set()
    assert due_now(wide) == 8
    assert calls(wide) <= 3 + LOGGI.connections - 1, "three are enough to know"
    wide.simulator.calm()
    assert wide.hour().failures == {}
    assert {one.status for one in wide.ask("SELECT status FROM rastro.v_shipment")} == {"in_transit"}


@pytest.mark.parametrize("at_fault", [slice(0, 2), slice(5, 8)], ids=["the first two", "the last three"])
def test_parcels_refused_among_others_that_are_answered_are_put_off_alone(wide, at_fault):
    bad = numbers(wide, 8)[at_fault]
    wide.simulator.fault("loggi", "status", status=400, match="|".join(bad), times=0)
    assert wide.hour().failures == {}
    assert refused(wide) == set(bad)
    assert due_now(wide) == 0
    moved = wide.ask("SELECT FROM rastro.v_shipment WHERE status = 'in_transit'")
    assert len(moved) == 8 - len(bad)


def test_three_that_stand_before_all_others_and_are_refused_let_the_others_pass_in_the_next_run(wide):
    bad = numbers(wide, 8)[:3]
    wide.simulator.fault("loggi", "status", status=400, match="|".join(bad), times=0)
    assert wide.hour().failed == {TRACK, "check_run"}
    assert wide.hour().failures == {}
    assert refused(wide) == set(bad)
    assert due_now(wide) == 0


def test_what_is_refused_where_nothing_else_is_asked_about_is_believed(wide):
    bad = numbers(wide, 2)
    wide.simulator.fault("loggi", "status", status=400, match=ASK, times=0)
    assert wide.hour().failures == {}
    assert refused(wide) == set(bad)


def test_what_was_refused_before_the_carrier_fell_silent_is_not_believed(wide):
    first, *_ = numbers(wide, 8)
    wide.simulator.fault("loggi", "status", status=400, match=first, times=0)
    wide.simulator.fault("loggi", "status", status=429, retry_after="3600", match=ASK, times=0)
    assert wide.hour().failed == {TRACK, "check_run"}
    assert refused(wide) == set()
    assert due_now(wide) == 8
