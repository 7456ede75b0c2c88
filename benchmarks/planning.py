"""
Planning a run: 3 % of all references are due, and are cut into slices.

Compared with counting them by the index that finds them, carrier by carrier.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from benchmarks.bench import Goal, Measured, Size
from benchmarks.warehouse import filled, opened
from rastro.models import Window
from rastro.pipeline.plan import plan
from rastro.settings import settings_from

NAME = "planning"
GOAL = Goal(name="planning: cut what is due into slices", unit="s", at_most=3)
GROWTH = Goal(name="planning: time per due parcel, 10,000,000 / 100,000", unit="µs", at_most=1.3)
PARCELS, A_FEW = 10_000_000, 100_000
CARRIERS = ("correios", "jadlog", "loggi", "total_express")
FILL = (
    """
    INSERT INTO rastro.poll_state (carrier, reference, status, quiet_since, answered_at, next_poll_at)
    SELECT (ARRAY['correios', 'jadlog', 'loggi', 'total_express'])[n % 4 + 1], 'QQ' || n || 'BR', 'in_transit', now() - interval '5 hours',
           now() - interval '3 hours', now() + interval '1 hour' * CASE WHEN hashint8(n) % 100 IN (0, 1, 2) THEN -1 ELSE 1 + abs(hashint8(n)) % 24 END
    FROM generate_series(1, {many}) n
    """,
)
COUNT = """
    SELECT count(*) FROM rastro.poll_state
    WHERE carrier = %s AND next_poll_at <= %s AND answered_at < %s AND (lease_until IS NULL OR lease_until < %s)
"""


def measure(size: Size) -> Iterator[Measured]:
    took, counted, due = planned(size, 500_000 if size.quick else PARCELS)
    yield Measured(GOAL, took, counted)
    if not size.quick:
        took_a_few, _, a_few_due = planned(size, A_FEW)
        yield Measured(GROWTH, took / due * 1e6, took_a_few / a_few_due * 1e6)


def planned(size: Size, many: int) -> tuple[float, float, int]:
    """Seconds of planning and of counting, and how many of so many parcels are due."""
    with filled(size, f"planning_{many}", FILL, many) as (_, dsn), opened(dsn) as conn:
        now = datetime.now(UTC)
        window = Window(start=now - timedelta(hours=1), end=now)

        started = time.perf_counter()
        due = 0
        for carrier in CARRIERS:
            ((count,),) = conn.execute(COUNT, [carrier, now, window.end, now]).fetchall()
            due += count
        counted = time.perf_counter() - started

        started = time.perf_counter()
        slices = plan(conn, CARRIERS, window, settings_from({}), dict.fromkeys(CARRIERS, 50), now=now).slices
        took = time.perf_counter() - started
        if sum(one.size for several in slices.values() for one in several) != due:
            raise AssertionError("not all that is due was planned")
        return took, counted, due
