"""Metrics and traces by Airflow's own means, which send them to StatsD or OpenTelemetry where it is told to."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from airflow.sdk import conf
from airflow.sdk.observability import stats
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from rastro.http import Call
from rastro.metrics import Sample

WAYS = ("statsd_on", "statsd_datadog_enabled", "otel_on")
NANOSECONDS = 1_000_000_000


def metrics_are_on() -> bool:
    return any(conf.getboolean("metrics", way, fallback=False) for way in WAYS)


def emit(samples: Iterable[Sample]) -> None:
    for sample in samples:
        stats.gauge(sample.name, sample.value, tags=dict(sample.labels))


@contextmanager
def traced(stage: str, part: str, run_id: str) -> Iterator[Callable[[Call], None] | None]:
    """
    A span for a stage of a run, below Airflow's own for the task; what is to be told of each call for a span of it.

    None where nobody records spans. Only the class of an error stands in one: its message may name an order.
    """
    told = {"rastro.run_id": run_id, "rastro.stage": stage, "rastro.part": part}
    with trace.get_tracer("rastro").start_as_current_span(
        f"rastro.{stage}", attributes=told, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield (lambda call: span_of(call, run_id, span)) if span.is_recording() else None
        except Exception as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def span_of(call: Call, run_id: str, stage: Span) -> None:
    """The span of a call that is over; threads that call know nothing of the stage, so it is handed over."""
    began = int(call.began * NANOSECONDS)
    span = trace.get_tracer("rastro").start_span(
        f"{call.method} {call.name}",
        context=trace.set_span_in_context(stage),
        kind=SpanKind.CLIENT,
        start_time=began,
        attributes={
            "rastro.run_id": run_id,
            "rastro.peer": call.name,
            "server.address": call.host,
            "http.request.method": call.method,
            "http.response.status_code": call.status or 0,
            "http.response.body.size": call.bytes,
        },
    )
    if call.status is None or call.status >= 400:
        span.set_status(Status(StatusCode.ERROR))
    span.end(began + int(call.seconds * NANOSECONDS))
