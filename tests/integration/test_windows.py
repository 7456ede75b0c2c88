"""Three days were missed and are made up for by a backfill, in whatever order, while the hourly run goes on."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from rastro.models import Window
from stack.audit import kind_of

pytestmark = pytest.mark.slow

BRASILIA = ZoneInfo("America/Sao_Paulo")
HOUR = timedelta(hours=1)
MISSED = 72
COVERAGE = "SELECT window_start, carrier, pending, covered, planned, gap FROM rastro.v_coverage ORDER BY window_start"


def this_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def back(hours: float) -> Any:
    """The time so many hours before this one began, for everything in this process, until the block ends."""
    return time_machine.travel(this_hour() - hours * HOUR, tick=True)


def missed_windows() -> list[Window]:
    first = this_hour() - MISSED * HOUR
    return [Window(start=first + place * HOUR, end=first + (place + 1) * HOUR) for place in range(MISSED)]


def cohort(shop: Any, make: Callable[..., None], *kinds: str, **more: object) -> int:
    """Parcels that come into the world now; the number by which they move on."""
    make(*kinds, **more)
    return max(parcel["cohort"] for parcel in shop.simulator.truth())


def move_on(shop: Any, *cohorts: int) -> None:
    for one in cohorts:
        shop.simulator.control("POST", "advance", {"steps": 1, "cohort": one})


def three_days_missed(shop: Any) -> None:
    """Parcels were followed until three days ago; meanwhile they moved on, and others were sent."""
    with back(MISSED - 0.1):
        shop.since = datetime.now(UTC) - HOUR
        arriving = [
            cohort(shop, shop.rows, "delivered", parcels=2),
            cohort(shop, shop.orders, "delivered", parcels=2),
            cohort(shop, shop.orders, "delivered_at_once", variant="marketplace"),
            cohort(shop, shop.orders, "delivered_at_once", variant="hub"),
        ]
        out_for_delivery = cohort(shop, shop.rows, "second_attempt", parcels=2)
        assert shop.hour().failures == {}
    with back(70):
        cohort(shop, shop.orders, "delivered_before", variant="hub")
        cohort(shop, shop.rows, "delivered_before")
    with back(60):
        move_on(shop, *arriving)
    with back(50):
        move_on(shop, out_for_delivery)
    with back(40):
        cohort(shop, shop.rows, "delivered", parcels=2)
    for hours in (30, 5):
        with back(hours):
            move_on(shop, *arriving)


def forwards(windows: Sequence[Window]) -> list[Window]:
    return list(windows)


def backwards(windows: Sequence[Window]) -> list[Window]:
    return list(reversed(windows))


def shuffled(windows: Sequence[Window]) -> list[Window]:
    return random.Random(7).sample(windows, len(windows))  # noqa: S311 -- an order, not a secret


def outside(shop: Any) -> tuple[int, int, int, int]:
    """How often the carrier was asked, orders written, customers mailed and marketplaces told."""
    return (
        len(shop.asked_about()),
        len(shop.received("PUT", "/tracking$")),
        len(shop.simulator.mails()),
        len(shop.received("POST", "^/(market|webhook)")),
    )


def hour_of_newest_line(parcel: dict[str, Any]) -> datetime:
    newest = max(line["time"] for line in parcel["revealed"])
    at = datetime.fromisoformat(newest).replace(tzinfo=BRASILIA).astimezone(UTC)
    return at.replace(minute=0, second=0)


@pytest.mark.parametrize("order", [forwards, backwards, shuffled], ids=lambda order: order.__name__)
def test_a_backfill_of_three_days_in_any_order_beside_the_hourly_run(
    shop: Any, order: Callable[[Sequence[Window]], list[Window]]
) -> None:
    three_days_missed(shop)
    windows = missed_windows()
    gaps = {(row.window_start, row.carrier) for row in shop.ask(COVERAGE) if row.gap}
    assert gaps == {(window.start, "correios") for window in windows}
    asked_before, mails_before = len(shop.asked_about()), len(shop.simulator.mails())

    with ThreadPoolExecutor(1) as beside:
        hourly = beside.submit(shop.hour, windows[-1], "hourly")
        runs = [shop.hour(window, f"backfill {window.start:%d %H}") for window in order(windows)]
    assert not [run.failures for run in [*runs, hourly.result()] if run.failures]

    asked = Counter(shop.asked_about()[asked_before:])
    followed = [parcel for parcel in shop.simulator.truth() if parcel["follow"]]
    assert asked == {parcel["tracking_number"]: 1 for parcel in followed}, "each parcel once, whatever the windows"

    changes = shop.ask("SELECT * FROM rastro.v_change ORDER BY change_id")
    assert all(change.window_start <= change.occurred_at < change.window_start + HOUR for change in changes)
    last = {change.tracking_number: change.window_start for change in changes}
    assert last == {parcel["tracking_number"]: hour_of_newest_line(parcel) for parcel in followed}
    assert len(set(last.values())) >= 5

    mails = Counter(kind_of(mail) for mail in shop.simulator.mails()[mails_before:])
    assert mails == {"delivered": 2, "in_transit": 2}, "what is still news, and nothing else"
    stale = shop.ask("SELECT reason FROM rastro.notice WHERE channel = 'email' AND state = 'dropped'")
    assert Counter(row.reason for row in stale) == {"too old to be news": 2, "already delivered when first seen": 1}

    assert len(shop.simulator.control("GET", "webhook/hub")) == 2, "confirmed whatever their age"
    (package,) = shop.simulator.control("GET", "market/one")[0]["packages"]
    assert package["deliveries"] == 1
    orders = shop.ask("SELECT status FROM rastro.v_shipment WHERE account = 'vtex:loja'")
    assert {row.status for row in orders} == {"delivered"}

    after = shop.ask(COVERAGE)
    assert {window.start for window in windows} <= {row.window_start for row in after}
    assert all((row.gap, row.planned, row.covered) == (0, 0, row.pending) for row in after)
    before = outside(shop)
    for window in windows[:3]:
        assert shop.hour(window).failures == {}
    assert outside(shop) == before, "hours that are covered ask and tell nobody"


def test_coverage_closes_hour_by_hour_for_parcels_that_could_not_be_asked_about(shop: Any) -> None:
    """While the carrier fails, the hours stay open; the first window that is answered closes them all."""
    with back(5.9):
        shop.since = datetime.now(UTC) - HOUR
        shop.orders("delivered", parcels=3)
        assert shop.hour().failures == {}
    windows = missed_windows()[-5:]
    shop.simulator.fault("correios", "status", status=403, times=0)
    for window in windows[:2]:
        assert "track.correios" in shop.hour(window).failed
    open_hours = [row.window_start for row in shop.ask(COVERAGE) if row.gap == 3]
    assert open_hours == [this_hour() - hours * HOUR for hours in (6, 5, 4, 3, 2, 1)]
    shop.simulator.calm()
    assert shop.hour(windows[2]).failures == {}
    assert not [row for row in shop.ask(COVERAGE) if row.gap]
