"""What Airflow tells of itself while it works: metrics by StatsD, traces by OpenTelemetry, kept as they came."""

import gzip
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

LARGEST_PACKET = 65_535


@dataclass(slots=True, kw_only=True)
class Telemetry:
    """What came in so far, and where it has to be sent."""

    statsd_port: int
    otlp_port: int
    metrics: list[str] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        """For Airflow's environment."""
        return {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(self.statsd_port),
            "AIRFLOW__TRACES__OTEL_ON": "True",
            "OTEL_TRACES_EXPORTER": "otlp_proto_http",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.otlp_port}",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{self.otlp_port}/v1/traces",
            "OTEL_SERVICE_NAME": "airflow",
        }


@contextmanager
def listening() -> Iterator[Telemetry]:
    """Takes all that is sent, for as long as the block lasts."""
    packets = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    packets.bind(("127.0.0.1", 0))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    told = Telemetry(statsd_port=packets.getsockname()[1], otlp_port=server.server_port)
    server.told = told  # type: ignore[attr-defined]

    def take() -> None:
        while packet := packets.recv(LARGEST_PACKET):  # an empty one is the last
            told.metrics.append(packet.decode("utf-8", errors="replace"))

    threads = [Thread(target=take, daemon=True), Thread(target=server.serve_forever, daemon=True)]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        packets.sendto(b"", packets.getsockname())
        for thread in threads:
            thread.join(timeout=10)
        packets.close()


class Taker(BaseHTTPRequestHandler):
    """A collector that agrees with everything."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.told.traces.append(body.decode("utf-8", errors="replace"))  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its name
        """Nothing: it would stand between the tests."""
