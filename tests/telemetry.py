"""Takes in telemetry as a collector does, and alerts as a webhook does: over HTTP on loopback, kept and decoded."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(slots=True, kw_only=True)
class Collector:
    """
    ``metrics``: names, values and labels as they came; ``spans``: as OpenTelemetry's own protocol has them; ``posts``:
    path and body of whatever else was posted as JSON; ``refusing``: none of that is taken; ``unwanted``: nothing is in
    which these words are.
    """

    url: str
    metrics: list[tuple[str, float, dict[str, str]]] = field(default_factory=list)
    spans: list[Any] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    posts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refusing: bool = False
    unwanted: str = ""

    @property
    def settings(self) -> dict[str, str]:
        """What an Airflow that sends to it is told."""
        return {
            "AIRFLOW__METRICS__OTEL_ON": "True",
            "AIRFLOW__METRICS__LEGACY_NAMES_ON": "False",
            "AIRFLOW__TRACES__OTEL_ON": "True",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_TRACES_EXPORTER": "otlp_proto_http",
            "OTEL_SERVICE_NAME": "airflow",
            "AIRFLOW__RASTRO__ALERT_BY": "webhook:team_hook",
            "AIRFLOW_CONN_TEAM_HOOK": json.dumps({"conn_type": "http", "host": self.url, "password": "team"}),
        }

    def take(self, path: str, body: bytes) -> int:
        """The status to answer with."""
        if not path.startswith("/v1/"):
            return self.take_alert(path, body)
        self.bodies.append(body)
        if path == "/v1/metrics":
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        self.metrics.extend(points(metric))
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    self.spans.extend(scope.spans)
        return 200

    def take_alert(self, path: str, body: bytes) -> int:
        if self.refusing:
            return 503
        if self.unwanted and self.unwanted in body.decode():
            return 400
        self.posts.append((path, json.loads(body)))
        return 200


def points(metric: Any) -> Iterator[tuple[str, float, dict[str, str]]]:
    kind = metric.WhichOneof("data")
    for point in getattr(metric, kind).data_points:
        if kind in {"gauge", "sum"}:
            value = point.as_double if point.WhichOneof("value") == "as_double" else point.as_int
            yield metric.name, value, attributes(point)


def attributes(holder: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in holder.attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            self.send_response(collector.take(self.path, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """A test's output is for what it found."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Taker) as server:
        collector = Collector(url=f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield collector
        server.shutdown()
        thread.join()
