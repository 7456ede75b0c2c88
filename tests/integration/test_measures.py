"""What a run's metrics are made of, read from a real warehouse."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from rastro.metrics import METRICS, Sample, Silence, samples
from rastro.models import Channel
from rastro.pipeline.measure import measure, oldest_owed, silences

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)
BATCH = """
INSERT INTO rastro.poll_batch (run_id, carrier, contract, window_start, window_end, from_poll_id, to_poll_id, calls,
    asked, unchanged, changed, refused, quarantined, unanswered, bytes, started_at, finished_at)
VALUES ('r', %(carrier)s, 'c', now(), now(), 1, 9, 1, %(asked)s, 0, %(changed)s, 0, 0, 0, 10, %(at)s, %(at)s)
"""


def found_after(shop: Any, hour: Any, **more: Any) -> dict[tuple[str, ...], float]:
    """Each metric of a run by its name and its labels' values."""
    now = datetime.now(UTC)
    with psycopg.connect(shop.warehouse) as conn:
        figures = measure(
            conn, run_id=hour.run_id, began=now - HOUR, now=now, problems=len(hour.failures),
            budgets_of_day=more.get("budgets_of_day", {}),
        )  # fmt: skip
    return {(one.name, *one.labels.values()): one.value for one in samples(figures, ["correios"])}


def test_a_runs_metrics_are_what_it_did(shop: Any) -> None:
    shop.configure(calls_per_day="correios=1000")
    shop.cohort(24, kinds=["delivered"])
    shop.hour()
    shop.advance()
    hour = shop.hour()
    told = found_after(shop, hour, budgets_of_day={"correios": 1000})
    (batches,) = shop.ask("SELECT sum(asked) AS asked, sum(changed) AS changed, sum(bytes) AS bytes"
                          " FROM rastro.poll_batch WHERE run_id = %s", hour.run_id)  # fmt: skip
    assert batches.asked > 20
    assert told["rastro.carrier.references", "correios", "changed"] == batches.changed > 0
    assert told["rastro.carrier.bytes", "correios"] == batches.bytes
    assert told["rastro.calls", "correios", "2xx"] >= 1
    assert told["rastro.calls", "vtex", "2xx"] > 1
    assert told["rastro.call.seconds", "correios", "1.0"] >= told["rastro.call.seconds", "correios", "0.5"] > 0
    ((events,),) = shop.ask("SELECT sum(new_events) FROM rastro.shipment_change WHERE run_id = %s", hour.run_id)
    assert told["rastro.run.events",] == events > 0
    ((mailed,),) = shop.ask("SELECT count(*) FROM rastro.notice WHERE channel = 'email' AND state = 'sent'")
    assert told["rastro.notices", "email", "sent"] == mailed
    assert told["rastro.run.sent", "order"] > 0
    assert sum(value for (name, *_), value in told.items() if name == "rastro.shipments") > 20
    assert 0 < told["rastro.budget.used", "correios"] < 1
    assert told["rastro.run.problems",] == 0


def test_a_carrier_that_fails_is_seen_in_its_answers(shop: Any) -> None:
    shop.rows("delivered", parcels=6)
    shop.simulator.fault("correios", "status", status=403, match="srorastro", times=0)
    told = found_after(shop, shop.hour())
    assert told["rastro.calls", "correios", "4xx"] > 0
    assert told["rastro.carrier.references", "correios", "unanswered"] == 6
    assert told["rastro.run.problems",] > 0


@contextmanager
def filled(warehouse: Any, batches: list[tuple[timedelta, int, int]], now: datetime) -> Iterator[psycopg.Connection]:
    with psycopg.connect(warehouse.dsn) as conn:
        for ago, asked, changed in batches:
            values = {"carrier": "correios", "asked": asked, "changed": changed, "at": now - ago}
            conn.execute(BATCH, values)
        yield conn


def test_a_silence_is_held_against_the_same_hours_of_the_weeks_before(warehouse: Any) -> None:
    now = datetime.now(UTC)
    busy = [(week * timedelta(days=7) + 2 * HOUR, 100, 10) for week in range(1, 5)]
    with filled(warehouse, [*busy, (8 * HOUR, 50, 5), (3 * HOUR, 200, 0), (HOUR, 100, 0)], now) as conn:
        (silence,) = silences(conn, now)
    assert silence == Silence(carrier="correios", span=8 * HOUR, missing=pytest.approx(30.0))
    assert silence.is_odd(6 * HOUR)


def test_a_night_without_news_is_no_odd_silence_where_nights_are_silent(warehouse: Any) -> None:
    now = datetime.now(UTC)
    quiet = [(week * timedelta(days=7) + 2 * HOUR, 100, 0) for week in range(1, 5)]
    with filled(warehouse, [*quiet, (8 * HOUR, 50, 5), (3 * HOUR, 200, 0)], now) as conn:
        (silence,) = silences(conn, now)
    assert silence.missing == 0


def test_a_notice_waits_since_it_was_owed_and_not_while_it_is_held(shop: Any) -> None:
    shop.mail_all()
    shop.rows("delivered")
    shop.simulator.fault("correios", "status", status=503, match="srorastro", times=0)
    shop.hour()
    insert = """
        INSERT INTO rastro.notice (shipment_id, channel, kind, content, target, state, event_at, owed_at, not_before,
                                   run_id, attempts)
        SELECT shipment_id, 'email', %s, 'x', account, 'owed', now(), now() - interval '3 hours', now() + %s, 'r', %s
        FROM rastro.shipment LIMIT 1
    """
    shop.execute(insert, "held", HOUR, 0)
    now = datetime.now(UTC)
    with psycopg.connect(shop.warehouse) as conn:
        assert oldest_owed(conn, now)["email"] < 0
    shop.execute(insert, "tried", HOUR, 2)
    with psycopg.connect(shop.warehouse) as conn:
        assert oldest_owed(conn, now)["email"] == pytest.approx(3 * 3600, abs=60)


def test_metrics_go_to_statsd_with_their_labels(monkeypatch: pytest.MonkeyPatch, airflow_here: Any) -> None:
    from airflow.sdk.observability import stats
    from airflow.sdk.observability.metrics.stats_utils import get_stats_factory

    from rastro.orchestration.telemetry import emit, metrics_are_on

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taker:
        taker.bind(("127.0.0.1", 0))
        taker.settimeout(10)
        for name, value in {
            "STATSD_ON": "True", "STATSD_HOST": "127.0.0.1", "STATSD_PORT": str(taker.getsockname()[1]),
            "STATSD_INFLUXDB_ENABLED": "True",
        }.items():  # fmt: skip
            monkeypatch.setenv(f"AIRFLOW__METRICS__{name}", value)
        assert metrics_are_on()
        stats.initialize(factory=get_stats_factory(), export_legacy_names=False)
        try:
            emit([Sample(name="rastro.run.sent", value=12, labels={"channel": Channel.EMAIL.value})])
            assert taker.recv(1000) == b"airflow.rastro.run.sent,channel=email:12|g"
        finally:
            monkeypatch.undo()
            stats.initialize(factory=get_stats_factory(), export_legacy_names=False)
    assert not metrics_are_on()
    assert METRICS


def test_where_traces_are_off_nobody_is_told_of_calls(airflow_here: Any) -> None:
    from rastro.orchestration.telemetry import traced

    with traced("track", "correios 1-9", "r") as told:
        assert told is None
