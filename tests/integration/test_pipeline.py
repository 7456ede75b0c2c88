"""The hourly run from the sources to the last confirmation, against everything the simulated services received."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from rastro.models import Window

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)


def told(shop):
    """How much has been told to anybody outside, by whom it was received."""
    return {
        "orders": len(shop.received("PUT", "/tracking$")),
        "mails": len(shop.simulator.mails()),
        "marketplaces": len(shop.received("POST", "^/(market|webhook)")),
    }


def test_a_cohorts_life_is_told_as_it_was(shop):
    shop.cohort(48)
    hours = shop.to_the_end()
    assert len(hours) > 4
    assert not [hour.failures for hour in hours if hour.failures]
    assert shop.wrong() == []
    assert all(told(shop).values())


def test_an_hour_run_again_changes_nothing_and_tells_nobody(shop):
    shop.cohort(36)
    told_so_far = []
    while True:
        hour = shop.hour()
        facts, told_so_far = shop.facts(), [*told_so_far, told(shop)]
        again = shop.hour(window=hour.window, run_id=hour.run_id)
        assert (hour.failures, again.failures) == ({}, {})
        assert shop.facts() == facts
        assert told(shop) == told_so_far[-1]
        if not shop.advance():
            break
    assert told_so_far[-1] != told_so_far[0]
    assert shop.wrong() == []


def test_two_runs_of_the_same_window_at_once_ask_once_and_tell_once(shop):
    shop.cohort(36)
    shop.hour()
    shop.advance()
    before = len(shop.asked_about())
    window = Window(start=shop.since, end=datetime.now(UTC))
    with ThreadPoolExecutor(2) as threads:
        runs = [threads.submit(shop.hour, window, name) for name in ("first", "second")]
    assert [run.result().failures for run in runs] == [{}, {}]
    asked = shop.asked_about()[before:]
    assert asked
    assert len(asked) == len(set(asked))
    shop.hour(window)  # what one run left because the other was at it
    assert shop.wrong() == []


def test_a_backfill_of_three_hours_asks_about_each_parcel_once(shop):
    shop.cohort(24)
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    windows = [Window(start=end - hours * HOUR, end=end - (hours - 1) * HOUR) for hours in (3, 2, 1)]
    runs = [shop.hour(window) for window in windows]
    assert not [run.failures for run in runs if run.failures]
    asked = shop.asked_about()
    assert asked
    assert len(asked) == len(set(asked))
    assert shop.wrong() == []


def test_changes_count_for_the_hour_they_happened_in_whichever_run_loads_them(shop):
    shop.orders("delivered_before", parcels=6)
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    shop.hour(Window(start=end - 3 * HOUR, end=end - 2 * HOUR))
    changes = shop.ask("SELECT window_start, occurred_at FROM rastro.shipment_change")
    assert len({change.window_start for change in changes}) > 1
    assert all(change.window_start <= change.occurred_at < change.window_start + HOUR for change in changes)


def test_a_second_cohort_leaves_the_first_alone(shop):
    shop.cohort(24)
    shop.to_the_end()
    first = {one.shipment_id for one in shop.ask("SELECT shipment_id FROM rastro.shipment")}
    facts = {name: [row for row in rows if row[0] in first] for name, rows in shop.facts().items() if name == "events"}
    messages = [mail["message_id"] for mail in shop.simulator.mails()]
    shop.cohort(24, seed=2)
    shop.to_the_end()
    assert {name: [row for row in shop.facts()[name] if row[0] in first] for name in facts} == facts
    assert [mail["message_id"] for mail in shop.simulator.mails()][: len(messages)] == messages
    assert shop.wrong() == []
