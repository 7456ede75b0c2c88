"""Caps on mails: whose mails count, and for how long. What is over them is released in test_by_hand.py."""

from collections import Counter

import pytest

pytestmark = pytest.mark.slow


def kinds(shop):
    return [mail["message_id"].split(".")[2].partition("@")[0] for mail in shop.simulator.mails()]


def test_the_day_counts_one_persons_mails_about_all_orders_and_nobody_elses(shop):
    shop.configure(mails_per_day="3")
    shop.rows("delivered_at_once", parcels=3)
    first, second, other = shop.rows_held()
    shop.change_row(second["order_id"], customer_email=f" {first['customer_email'].upper()}")
    shop.to_the_end()
    readers = Counter(mail["rcpt_tos"][0].lower() for mail in shop.simulator.mails())
    assert readers == {first["customer_email"]: 3, other["customer_email"]: 2}
    assert len(shop.ask("SELECT FROM rastro.notice WHERE channel = 'email' AND state = 'dead'")) == 1


def test_yesterdays_mails_count_for_the_parcel_and_not_for_the_day(shop):
    shop.configure(mails_per_day="1")
    shop.rows("delivered_at_once")
    shop.hour()
    assert kinds(shop) == ["in_transit"]
    shop.execute("UPDATE rastro.notice_attempt SET started_at = started_at - interval '1 day'")
    shop.to_the_end()
    assert kinds(shop) == ["in_transit", "delivered"]


def test_a_dry_run_says_what_would_be_held(shop):
    shop.configure(mails_per_parcel="1")
    shop.rows("delivered_at_once")
    shop.hour()
    while shop.advance():
        pass
    shop.hour(params={"dry_run": True})
    rows = shop.ask(
        "SELECT kind, verdict, reason FROM rastro.v_rehearsal WHERE channel = 'email' AND kind = 'delivered'"
    )
    assert [one.verdict for one in rows] == ["drop"]
    assert "mails_per_parcel" in rows[0].reason
