"""
Planning a run: 3 % of all references are due, and are cut into slices.

Compared with counting them by the index that finds them, carrier by carrier, with as much memory to work in. Both are
done once before they are measured, so that both find the same in the cache.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from benchmarks.bench import Goal, Measured, Size
from benchmarks.warehouse import filled, opened
from rastro.models import Window
from rastro.pipeline.plan import plan
from rastro.settings import settings_from

NAME = "planning"
GOAL = Goal(name="planning: cut what is due into slices", unit="s", at_most=3)
GROWTH = Goal(name="planning: time per due parcel, 10,000,000 / 100,000", unit="µs", at_most=1.3)
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
CARRIERS = ("correios", "jadlog", "loggi", "total_express")
FILL = (
    """
    INSERT INTO rastro.poll_state (carrier, reference, status, quiet_since, answered_at, next_poll_at)
    SELECT (ARRAY['correios', 'jadlog', 'loggi', 'total_express'])[n % 4 + 1], 'QQ' || n || 'BR', 'in_transit', now() - interval '5 hours',
           now() - interval '3 hours', now() + interval '1 hour' * CASE WHEN abs(hashint8(n)) % 100 < 3 THEN -1 ELSE 1 + abs(hashint8(n)) % 24 END
    FROM generate_series(1, {many}) n
    """,
)
COUNT = """
    SELECT count(*) FROM rastro.poll_state
    WHERE carrier = %s AND next_poll_at <= %s AND answered_at < %s AND (lease_until IS NULL OR lease_until < %s)
"""


def measure(size: Size) -> Iterator[Measured]:
    if size.quick:
        took, counted, _ = planned(size, 500_000)
        yield Measured(GOAL, took, counted)
        return
    each = {}
    for many in SIZES:
        took, counted, due = planned(size, many)
        each[many] = took / due * 1e6
        yield Measured(Goal(name=f"planning: {many:,} parcels, time per due one", unit="µs"), each[many])
    yield Measured(GOAL, took, counted)
    yield Measured(GROWTH, each[SIZES[-1]], each[100_000])


def planned(size: Size, many: int) -> tuple[float, float, int]:
    """Seconds of planning and of counting, the faster of three each, and how many of so many parcels are due."""
    with filled(size, f"planning_{many}", FILL, many) as (_, dsn), opened(dsn) as conn:
        now = datetime.now(UTC)
        window = Window(start=now - timedelta(hours=1), end=now)

        def count() -> int:
            return sum(conn.execute(COUNT, [one, now, window.end, now]).fetchall()[0][0] for one in CARRIERS)

        def cut() -> int:
            slices = plan(conn, CARRIERS, window, settings_from({}), dict.fromkeys(CARRIERS, 50), now=now).slices
            return sum(one.size for several in slices.values() for one in several)

        if count() != cut():
            raise AssertionError("not all that is due was planned")
        rounds = [(timed(count), timed(cut)) for _ in range(3)]  # both with the memory that the plan set
        return min(took for _, took in rounds), min(counted for counted, _ in rounds), count()


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
