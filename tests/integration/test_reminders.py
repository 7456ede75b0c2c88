"""Reminders of parcels that wait to be collected."""

import pytest

pytestmark = pytest.mark.slow

REMINDERS = "SELECT state, reason FROM rastro.notice WHERE content = 'reminder'"


def waiting(shop, last_day="CURRENT_DATE + 1", told="2 days"):
    """A parcel of which its customer was told some days ago that it waits, until a last day."""
    shop.rows("collected")
    shop.hour()
    while shop.ask("SELECT FROM rastro.shipment_state WHERE status = 'ready_for_pickup'") == []:
        assert shop.advance()
        assert shop.hour().failures == {}
    assert shop.ask("SELECT FROM rastro.notice WHERE kind = 'ready_for_pickup' AND state = 'sent'")
    shop.execute(f"UPDATE rastro.notice SET settled_at = settled_at - interval '{told}'")
    shop.execute(
        "UPDATE rastro.shipment_state SET pickup = jsonb_set(pickup, '{deadline}', coalesce(to_jsonb(("
        f"{last_day})::date), 'null'))"
    )


def reminded(shop):
    """The subjects of the reminders that were sent."""
    return [mail["subject"] for mail in shop.simulator.mails() if "retire até" in mail["subject"]]


def test_a_customer_is_reminded_once_of_a_parcel_that_waits(shop):
    waiting(shop)
    for _ in range(3):
        assert shop.hour().failures == {}
    assert len(reminded(shop)) == 1
    assert [one.state for one in shop.ask(REMINDERS)] == ["sent"]


def test_whoever_receives_it_is_reminded_too_if_they_were_told_that_it_waits(shop):
    waiting(shop)
    shop.execute(
        "INSERT INTO rastro.notice (shipment_id, channel, kind, content, to_receiver, target, state, event_at, owed_at,"
        " not_before, settled_at, run_id) SELECT shipment_id, channel, kind, content, true, target, state, event_at,"
        " owed_at, not_before, settled_at, run_id FROM rastro.notice WHERE kind = 'ready_for_pickup'"
    )
    shop.hour()
    rows = shop.ask("SELECT to_receiver FROM rastro.notice WHERE content = 'reminder' ORDER BY 1")
    assert [one.to_receiver for one in rows] == [False, True]


@pytest.mark.parametrize(
    ("last_day", "told", "setting"),
    [
        ("CURRENT_DATE + 6", "2 days", "2"),
        ("CURRENT_DATE - 2", "2 days", "2"),
        ("NULL", "2 days", "2"),
        ("CURRENT_DATE + 1", "2 hours", "2"),
        ("CURRENT_DATE + 1", "2 days", "0"),
    ],
)
def test_nobody_is_reminded_too_early_or_late_or_of_a_day_that_no_carrier_states(shop, last_day, told, setting):
    shop.configure(pickup_reminder_days=setting)
    waiting(shop, last_day, told)
    shop.hour()
    assert shop.ask(REMINDERS) == []
    assert reminded(shop) == []


def test_who_has_collected_a_parcel_meanwhile_is_not_reminded_of_it(shop):
    waiting(shop)
    shop.simulator.fault("smtp", "rcpt", status=451, times=0)
    shop.hour()
    assert [one.state for one in shop.ask(REMINDERS)] == ["owed"]
    shop.simulator.calm()
    shop.to_the_end()
    assert reminded(shop) == []
    assert [one.state for one in shop.ask(REMINDERS)] == ["superseded"]


def test_a_dry_run_shows_the_reminders_and_owes_none(shop):
    waiting(shop)
    shop.hour(params={"dry_run": True})
    (shown,) = shop.ask("SELECT subject FROM rastro.v_rehearsal WHERE channel = 'email'")
    assert "retire até" in shown.subject
    assert shop.ask(REMINDERS) == []
