"""Parcels that their carrier says are not its own: believed the third time, and offered to whoever else may know."""

import pytest

pytestmark = pytest.mark.slow

REFUSED = "carrier refuses it: not_ours"


def placed(shop):
    """Who is asked about the one parcel and why, and who has declined it."""
    (one,) = shop.ask("SELECT carrier, carrier_reason, declined_by FROM rastro.shipment")
    return one


def listed(shop):
    return shop.ask("SELECT subject, detail FROM rastro.v_open_problem WHERE problem = %s", REFUSED)


def times_declined(shop):
    (one,) = shop.ask("SELECT p.not_ours FROM rastro.shipment JOIN rastro.poll_state p USING (poll_id)")
    return one.not_ours


def test_a_parcel_that_is_not_its_carriers_three_times_in_a_row_goes_to_the_next(wide):
    wide.configure(couriers="Frenet=correios")  # the shop thinks so, and by their numbers it could be
    wide.carried(1, carriers=["frenet"], kinds=["delivered"])
    (parcel,) = wide.simulator.truth()
    number = parcel["tracking_number"]
    for times in (1, 2, 3):
        assert wide.hour().failures == {}
        assert placed(wide).carrier == "correios"
        assert times_declined(wide) == times
        assert [one.subject for one in listed(wide)] == [number]
    assert wide.hour().failures == {}
    assert placed(wide) == (
        "frenet",
        "correios says that it is not its own; then by the courier's name 'Frenet'",
        ["correios"],
    )
    assert listed(wide) == []
    (state,) = wide.ask("SELECT status FROM rastro.v_shipment")
    assert state.status == "in_transit"

    wide.change_row(parcel["order_id"], tracking_url="https://rastreio.loja.example/1")
    while wide.advance():
        assert wide.hour().failures == {}
    assert placed(wide).carrier_reason.startswith("correios says that it is not its own; then by the courier's name")
    (state,) = wide.ask(
        "SELECT t.status, s.tracking_url FROM rastro.shipment s JOIN rastro.shipment_state t USING (shipment_id)"
    )
    assert state == ("delivered", "https://rastreio.loja.example/1"), "its order was read again"
    assert (placed(wide).carrier, placed(wide).declined_by) == ("frenet", ["correios"])
    assert wide.asked_about() == [number] * 3


def test_a_parcel_that_nobody_else_may_know_stays_is_listed_and_is_not_asked_about_again(wide):
    wide.configure(carriers="correios:correios")
    wide.rows("not_ours")
    (parcel,) = wide.simulator.truth()
    number = parcel["tracking_number"]
    for _ in range(5):
        assert wide.hour().failures == {}
        wide.change_row(parcel["order_id"], city_to="Vale Alto")
    assert wide.asked_about() == [number] * 3
    assert (placed(wide).carrier, placed(wide).declined_by, times_declined(wide)) == ("correios", [], 3)
    (problem,) = listed(wide)
    assert problem.subject == number
    assert "SRO-009" in problem.detail
    (state,) = wide.ask("SELECT status, next_poll_at FROM rastro.v_shipment")
    assert state == ("unknown", None)

    (row,) = wide.rows_held()
    nobody = f"no carrier answers to the courier {row['courier']!r} or to {number!r}"
    wide.configure(carriers="correios:correios, track17:track17")
    assert wide.hour().failures == {}
    assert placed(wide) == (
        "track17",
        f"correios says that it is not its own; then {nobody}; track17 takes what nobody else does",
        ["correios"],
    )
    assert wide.hour().failures == {}
    assert placed(wide).carrier == "track17"
    assert wide.asked_about() == [number] * 3


def test_a_carrier_that_changes_its_mind_is_asked_on(wide):
    wide.configure(couriers="Frenet=correios")
    wide.carried(1, carriers=["frenet"], kinds=["delivered"])
    for _ in range(2):
        assert wide.hour().failures == {}
    wide.simulator.fault("correios", "status", status=503, times=0)
    assert wide.hour().failed == {"track.correios", "check_run"}
    assert times_declined(wide) == 2, "no answer is none of the three"
    wide.simulator.calm()
    wide.execute(
        "UPDATE rastro.poll_state SET not_ours = 0, refusal = 'not_found', digest = 'x'"
    )  # as if it had not known it
    for times in (1, 2, 3):
        assert wide.hour().failures == {}
        assert (placed(wide).carrier, times_declined(wide)) == ("correios", times)


def test_a_parcel_that_its_carrier_has_not_known_for_a_week_is_a_persons(wide):
    """Before, it may not be posted yet: most carriers have one word for that and for somebody else's parcel."""
    unknown = "SELECT subject, detail FROM rastro.v_open_problem WHERE problem = 'its carrier does not know it'"
    wide.carried(1, carriers=["jadlog"], kinds=["posted_late"])
    for _ in range(4):
        assert wide.hour().failures == {}
    assert wide.ask(unknown) == []
    wide.execute("UPDATE rastro.shipment SET first_seen_at = first_seen_at - interval '8 days'")
    (problem,) = wide.ask(unknown)
    assert problem.subject == wide.simulator.truth()[0]["tracking_number"]
    assert problem.detail.startswith("jadlog has not known it for a week; it was asked by the ")
    assert "correct the number, or name the carrier in the setting couriers" in problem.detail
