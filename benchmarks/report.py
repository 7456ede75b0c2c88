"""
The reports over a million parcels with fifteen events each: the first, which takes all of it, and one of an ordinary day.

They are compared with one plain aggregate over the same events, which has to read them all and no more than that.
Memory is what Python and PostgreSQL's processes hold together at the worst moment, a shared page by its share, but for
PostgreSQL's cache, which is as large as it is told to be.
"""

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg import Connection

from benchmarks.bench import Goal, Measured, Size
from benchmarks.warehouse import filled, opened
from rastro.pipeline.report import local_day, make_report

NAME = "report"
PARCELS, TOUCHED = 1_000_000, 30_000
FIRST = Goal(name="report: the first, of everything / one aggregate over the events", unit="s")
DAY = Goal(name="report: an ordinary day", unit="s", at_most=120)
DAY_COMPARED = Goal(name="report: an ordinary day / one aggregate over the events", unit="s")
MEMORY = Goal(name="report: most memory of an ordinary day", unit="MiB", at_most=1024)
FIRST_MEMORY = Goal(name="report: most memory of the first", unit="MiB", at_most=1024)
FORECAST = Goal(name="report: forecasts of an ordinary day", unit="s", at_most=120)
FORECAST_MEMORY = Goal(name="report: most memory of the forecasts", unit="MiB", at_most=1024)
# Posted evenly over ninety days, fifteen events eight hours apart; those of the last five days have had them faster, and
# are on their way. Four carriers, two services, two states of origin, a thousand cities.
FILL = (
    "INSERT INTO rastro.source (account, writes_back, own_mail) VALUES ('vtex:loja', true, false)",
    "SELECT rastro.make_event_partitions((now() - interval '4 months')::date, 6)",
    """
    INSERT INTO rastro.shipment (account, order_id, invoice_number, tracking_number, carrier, service, ordered_at, invoiced_at,
        promised_at, first_seen_at, updated_at, city_to, state_to)
    SELECT 'vtex:loja', 'O-' || n, n::text, 'N-' || n, (ARRAY['correios', 'jadlog', 'loggi', 'total_express'])[1 + n % 4],
           (ARRAY['PAC', 'SEDEX'])[1 + n / 4 % 2], at - interval '1 day', at, at + interval '6 days', at, at,
           'Cidade ' || n % 1000, (ARRAY['SP', 'RJ', 'MG', 'BA', 'PR', 'RS', 'PE', 'CE', 'GO', 'AM'])[1 + n % 1000 / 100]
    FROM generate_series(1, {many}) n
    CROSS JOIN LATERAL (SELECT now() - interval '1 day' - n % 7776000 * interval '1 second' * (7776000.0 / {many})) AS posted (at)
    """,
    """
    INSERT INTO rastro.tracking_event (shipment_id, occurred_at, event_key, position, status, standing, code, description, city,
        state, country, recorded_at)
    SELECT s.shipment_id, told.at, 'BDE ' || k, 0,
           CASE WHEN k < 13 THEN 'in_transit' WHEN k = 13 AND s.shipment_id % 10 = 0 THEN 'delivery_failed' WHEN k = 13 THEN 'out_for_delivery'
                WHEN s.first_seen_at < now() - interval '6 days' THEN 'delivered' ELSE 'in_transit' END,
           'effective', 'BDE 20', 'Objeto em transferência - por favor aguarde', 'Recife',
           CASE WHEN k > 0 THEN 'SP' WHEN s.shipment_id % 3 = 0 THEN 'SC' ELSE 'PE' END, 'BR', told.at + interval '1 hour'
    FROM rastro.shipment s CROSS JOIN generate_series(0, 14) k
    CROSS JOIN LATERAL (SELECT s.first_seen_at + k * least(interval '8 hours', (now() - interval '2 hours' - s.first_seen_at) / 15)) AS told (at)
    """,
    """
    INSERT INTO rastro.shipment_state (shipment_id, status, status_at, delivered_at, event_count, changed_at)
    SELECT s.shipment_id, e.status, e.occurred_at, CASE WHEN e.status = 'delivered' THEN e.occurred_at END, 15, e.recorded_at
    FROM rastro.shipment s JOIN rastro.tracking_event e ON e.shipment_id = s.shipment_id AND e.event_key = 'BDE 14'
    """,
    """
    INSERT INTO rastro.shipment_change (shipment_id, from_status, to_status, event_key, occurred_at, window_start, new_events, restated,
        first_contact, recorded_at, run_id)
    SELECT shipment_id, '', status, event_key, occurred_at, date_trunc('hour', occurred_at), 1, 0, false, recorded_at, 'bench'
    FROM rastro.tracking_event WHERE event_key IN ('BDE 0', 'BDE 13', 'BDE 14') ORDER BY recorded_at
    """,
    """
    INSERT INTO rastro.notice (shipment_id, channel, kind, content, target, state, event_at, owed_at, not_before, settled_at, run_id)
    SELECT shipment_id, 'order', kind, '', 'vtex:loja', 'sent', first_seen_at, first_seen_at, first_seen_at, first_seen_at + interval '1 day', 'bench'
    FROM rastro.shipment CROSS JOIN unnest(ARRAY['in_transit', 'delivered']) AS kind
    """,
    "INSERT INTO rastro.estimate (shipment_id, told_at, estimated_at) SELECT shipment_id, first_seen_at, promised_at FROM rastro.shipment",
)
# As the loads of a day leave it: a new event of the youngest parcels, some of which arrive, and a change.
A_DAY = (
    "CREATE TEMP TABLE of_the_day AS SELECT shipment_id FROM rastro.shipment ORDER BY first_seen_at DESC LIMIT %(touched)s",
    """
    INSERT INTO rastro.tracking_event (shipment_id, occurred_at, event_key, position, status, standing, code, description, city, state,
        country, recorded_at)
    SELECT shipment_id, %(now)s, 'BDE ' || %(now)s::text, 0, CASE WHEN shipment_id %% 4 = 0 THEN 'delivered' ELSE 'in_transit' END, 'effective',
        'BDE 20', '', 'Recife', 'PE', 'BR', %(now)s
    FROM of_the_day
    """,
    """
    UPDATE rastro.shipment_state t SET status = e.status, status_at = e.occurred_at, changed_at = e.recorded_at,
        delivered_at = CASE WHEN e.status = 'delivered' THEN e.occurred_at END
    FROM rastro.tracking_event e JOIN of_the_day USING (shipment_id)
    WHERE t.shipment_id = e.shipment_id AND e.occurred_at = %(now)s
    """,
    """
    INSERT INTO rastro.shipment_change (shipment_id, from_status, to_status, event_key, occurred_at, window_start, new_events, restated,
        first_contact, recorded_at, run_id)
    SELECT shipment_id, '', '', '', %(now)s, %(now)s, 1, 0, false, %(now)s, 'bench' FROM of_the_day
    """,
    "DROP TABLE of_the_day",
)
AGGREGATE = "SELECT status, count(*), min(occurred_at), max(occurred_at) FROM rastro.tracking_event GROUP BY status"
FORGET = ("TRUNCATE rastro.delivery_fact, rastro.carrier_day, rastro.forecast, rastro.working_day, rastro.reported",)


def measure(size: Size) -> Iterator[Measured]:
    parcels, touched = (20_000, 600) if size.quick else (PARCELS, TOUCHED)
    with filled(size, NAME, FILL, parcels) as (_, dsn):
        with opened(dsn) as conn:
            for statement in FORGET:
                conn.execute(statement)
        compared = timed(dsn, aggregated)
        with memory() as first_memory:
            first = timed(dsn, reported)
        with opened(dsn) as conn:
            now = datetime.now(UTC)
            for statement in A_DAY:
                conn.execute(statement, {"now": now, "touched": touched} if "%" in statement else None)
            conn.execute("ANALYZE")
        with memory() as day_memory:
            day = timed(dsn, reported)
        with memory() as forecast_memory:
            foretold = timed(dsn, forecast)
        with opened(dsn) as conn:
            ((facts, anew),) = conn.execute(
                "SELECT count(*), count(*) FILTER (WHERE last_scan_at = %s) FROM rastro.delivery_fact", [now]
            ).fetchall()
        if (facts, anew) != (parcels, touched):
            raise AssertionError(f"{facts} facts of {parcels}, {anew} of {touched} are new")
    yield Measured(FIRST, first, compared)
    yield Measured(FIRST_MEMORY, max(first_memory))
    yield Measured(DAY, day)
    yield Measured(DAY_COMPARED, day, compared)
    yield Measured(MEMORY, max(day_memory))
    yield Measured(FORECAST, foretold)
    yield Measured(FORECAST_MEMORY, max(forecast_memory))


def timed(dsn: str, what: Any) -> float:
    """Seconds, by a connection of its own, as a task has one."""
    with opened(dsn) as conn:
        started = time.perf_counter()
        what(conn)
        conn.commit()
        return time.perf_counter() - started


def aggregated(conn: Connection[Any]) -> None:
    conn.execute(AGGREGATE).fetchall()


def reported(conn: Connection[Any]) -> None:
    make_report(conn, None, datetime.now(UTC) + timedelta(minutes=1))


def forecast(conn: Connection[Any]) -> None:
    from rastro.pipeline.forecast import forecast_deliveries  # pandas would weigh upon the reports' memory

    now = datetime.now(UTC)
    if not forecast_deliveries(conn, local_day(now) - timedelta(days=1), now).dated:
        raise AssertionError("nothing is foretold of any parcel")


@contextmanager
def memory() -> Iterator[list[float]]:
    """MiB of this process and PostgreSQL's for its connections, looked at ten times a second while the block lasts."""
    seen, stopped = [0.0], threading.Event()

    def look() -> None:
        while not stopped.wait(0.1):
            seen.append(sum(held(process) for process in (Path(f"/proc/{os.getpid()}"), *postgres_processes())))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        stopped.set()
        looking.join()


def postgres_processes() -> Iterator[Path]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text().startswith("postgres") and NAME in (process / "cmdline").read_text():
                yield process
        except OSError:
            continue


def held(process: Path) -> float:
    """MiB without PostgreSQL's cache, each shared page by the share of it; 0 when the process has ended."""
    try:
        told = (process / "smaps").read_text()
    except OSError:
        return 0.0
    sizes = re.findall(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)\n(?:[A-Z].*\n)*?Pss: +(\d+) kB", told, re.MULTILINE)
    return sum(int(size) for what, size in sizes if not what.startswith("/dev/zero")) / 1024
