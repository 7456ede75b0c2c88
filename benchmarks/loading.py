"""
The load: staged answers of five events each become events, states, changes and owed notices, in one transaction.

Compared with COPY of the same events into a table without an index. New are events of parcels that nobody had said
anything about before; known are the same ones, told again by an answer that differs elsewhere. Each answer is kept, too, as half
a kilobyte that cannot be made smaller.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection

from benchmarks.bench import Goal, Measured, Size
from benchmarks.warehouse import filled, opened
from rastro.pipeline.load import load
from rastro.settings import settings_from

NAME = "loading"
NEW = Goal(name="load: new events", unit="events/s", at_least=0.35)
KNOWN = Goal(name="load: known events", unit="events/s", at_least=1)
GROWTH = Goal(name="load: time per new event, 10,000,000 events / 100,000", unit="µs", at_most=1.3)
EVENTS = 5  # of each parcel
PARCELS = 200_000
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)  # events
FILL = (
    "INSERT INTO rastro.source (account, writes_back, own_mail) VALUES ('vtex:loja', true, false)",
    """
    INSERT INTO rastro.poll_state (carrier, reference, quiet_since, next_poll_at)
    SELECT 'correios', 'QQ' || n || 'BR', now() - interval '6 days', now() FROM generate_series(1, {many}) n
    """,
    """
    INSERT INTO rastro.shipment (account, order_id, invoice_number, tracking_number, carrier, poll_id, invoiced_at, first_seen_at, updated_at)
    SELECT 'vtex:loja', 'O-' || poll_id, poll_id::text, reference, carrier, poll_id, now() - interval '6 days', now() - interval '6 days', now()
    FROM rastro.poll_state
    """,
    "INSERT INTO rastro.shipment_state (shipment_id, changed_at) SELECT shipment_id, now() FROM rastro.shipment",
)
STAGE = """
    INSERT INTO rastro.staged_snapshot (poll_id, answered_at, digest, snapshot, raw, run_id, meaning, next_poll_at)
    SELECT p.poll_id, %(now)s, sha256(convert_to(p.reference || %(now)s, 'UTF8')), convert_to(said.text, 'UTF8'), said.packed, 'bench',
        sha256(convert_to(said.text, 'UTF8')), %(now)s::timestamptz + interval '1 hour'
    FROM rastro.poll_state p JOIN rastro.shipment s USING (poll_id) CROSS JOIN LATERAL (
        SELECT json_build_object('reference', p.reference, 'events', json_agg(json_build_object(
            'key', 'BDE ' || day || p.poll_id %% 1000, 'occurred_at', to_json(s.first_seen_at + day * interval '1 day'), 'status', 'in_transit',
            'code', 'BDE 20', 'description', 'Objeto em transferência - por favor aguarde', 'city', 'Recife', 'state', 'PE', 'country', 'BR')
            ORDER BY day))::text AS text,
            (SELECT string_agg(sha512(convert_to(p.reference || n || %(now)s, 'UTF8')), ''::bytea) FROM generate_series(1, 8) n) AS packed
        FROM generate_series(1, 5) day) AS said
"""
FORGET = (
    "TRUNCATE rastro.tracking_event, rastro.shipment_change, rastro.notice, rastro.notice_attempt, rastro.raw_answer, rastro.staged_snapshot CASCADE",
    "UPDATE rastro.shipment_state SET status = 'unknown', status_at = NULL, status_key = '', event_count = 0, revision = 0 WHERE revision > 0",
    "UPDATE rastro.poll_state SET loaded_at = NULL, whole_at = NULL, digest = NULL, meaning = NULL, first_answered_at = NULL WHERE loaded_at IS NOT NULL",
)


def measure(size: Size) -> Iterator[Measured]:
    parcels = 4_000 if size.quick else PARCELS
    with forgotten(size, parcels) as conn:
        new = parcels * EVENTS / loaded(conn)
        known = parcels * EVENTS / loaded(conn)
        ((kept,),) = conn.execute("SELECT count(*) FROM rastro.tracking_event").fetchall()
        if kept != parcels * EVENTS:
            raise AssertionError(f"{kept} events of {parcels * EVENTS} were loaded")
        copied = parcels * EVENTS / copied_bare(conn)
    yield Measured(NEW, new, copied)
    yield Measured(KNOWN, known, copied)
    if not size.quick:
        each = {events: time_per_event(size, events) for events in SIZES}
        for events, took in each.items():
            yield Measured(Goal(name=f"load: {events:,} new events, time per event", unit="µs"), took)
        yield Measured(GROWTH, each[SIZES[-1]], each[100_000])


def time_per_event(size: Size, events: int) -> float:
    """Microseconds of the load for each of so many new events, in one transaction."""
    with forgotten(size, events // EVENTS) as conn:
        return loaded(conn) / events * 1e6


@contextmanager
def forgotten(size: Size, parcels: int) -> Iterator[Connection[Any]]:
    """A warehouse of so many parcels that nobody has said anything about."""
    with filled(size, f"loading_{parcels}", FILL, parcels) as (_, dsn), opened(dsn) as conn:
        for statement in FORGET:
            conn.execute(statement)
        yield conn


def loaded(conn: Connection[Any]) -> float:
    """Seconds that it takes to load an answer about every parcel."""
    now = datetime.now(UTC)
    conn.execute(
        "UPDATE rastro.poll_state SET answered_at = %(now)s, first_answered_at = coalesce(first_answered_at, %(now)s)",
        {"now": now},
    )
    conn.execute(STAGE, {"now": now})
    conn.commit()
    vacuum(conn)
    started = time.perf_counter()
    load(conn, settings_from({}), now=now, run_id="bench")
    conn.commit()
    return time.perf_counter() - started


def copied_bare(conn: Connection[Any]) -> float:
    """Seconds that it takes to COPY all events, as text that is there already, into a table without an index."""
    with conn.cursor().copy("COPY (SELECT * FROM rastro.tracking_event) TO STDOUT") as out:
        blocks = [bytes(block) for block in out]
    conn.execute("CREATE TABLE rastro.bare (LIKE rastro.tracking_event)")
    conn.commit()
    started = time.perf_counter()
    with conn.cursor().copy("COPY rastro.bare FROM STDIN") as into:
        for block in blocks:
            into.write(block)
    conn.commit()
    took = time.perf_counter() - started
    conn.execute("DROP TABLE rastro.bare")
    conn.commit()
    return took


def vacuum(conn: Connection[Any]) -> None:
    conn.autocommit = True
    conn.execute("VACUUM ANALYZE")
    conn.autocommit = False
