"""Metrics by Airflow's own means, which send them to StatsD or OpenTelemetry where it is told to."""

from collections.abc import Iterable

from airflow.sdk import conf
from airflow.sdk.observability import stats

from rastro.metrics import Sample

WAYS = ("statsd_on", "statsd_datadog_enabled", "otel_on")


def metrics_are_on() -> bool:
    return any(conf.getboolean("metrics", way, fallback=False) for way in WAYS)


def emit(samples: Iterable[Sample]) -> None:
    for sample in samples:
        stats.gauge(sample.name, sample.value, tags=dict(sample.labels))
