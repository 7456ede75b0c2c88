"""The public service on a free loopback port, in a thread of this process, on a real warehouse."""

import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg
import requests

from rastro.access import Account
from rastro.carriers.registry import CARRIERS
from rastro.warehouse.connect import opened_promptly
from rastro.web.app import service
from rastro.web.limits import Limits
from rastro.web.pushes import Source, sources_of
from rastro.web.server import listening, server_of
from rastro.web.tracking_page import Shown

HUB_KEY = "invented-key-of-the-hub-0001"
BEARER = {"authorization": f"Bearer {HUB_KEY}"}
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Service:
    """Where it is, and what became of what was sent there."""

    port: int
    dsn: str
    client: requests.Session = field(default_factory=requests.Session)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def send(self, path: str, body: bytes = b"", method: str = "POST", **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(method, f"{self.url}{path}", data=body, headers=named, timeout=20)

    def inbox(self) -> list[tuple[str, str, bytes, int]]:
        """Carrier, way, body and how often it came, of all that was kept."""
        with psycopg.connect(self.dsn) as conn:
            rows = conn.execute("SELECT carrier, way, body, times FROM rastro.inbox ORDER BY inbox_id").fetchall()
        return [(carrier, way, zlib.decompress(body), times) for carrier, way, body, times in rows]


@contextmanager
def serving(
    dsn: str,
    accounts: Mapping[str, Account] | None = None,
    *,
    more: Mapping[str, Source] | None = None,
    hub_key: str = HUB_KEY,
    shown: Shown | None = None,
    limits: Limits | None = None,
    connect: Callable[[], Any] | None = None,
) -> Iterator[Service]:
    """
    :param accounts: connections of carriers, by code.
    :param more: sources beside those, by code.
    :param shown: what tracking pages look like; None: there are none.
    :param connect: opens the warehouse in place of the service's own way.
    """
    sources, _ = sources_of(CARRIERS, accounts or {})
    app = service(
        connect=connect or partial(opened_promptly, dsn),
        sources={**sources, **(more or {})},
        hub_key=hub_key,
        shown=shown,
        limits=limits or Limits(),
    )
    server, taken = server_of(app), listening(LOOPBACK, 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        assert server.started, "the service has not started"
        with requests.Session() as client:
            client.trust_env = False
            yield Service(port=taken.getsockname()[1], dsn=dsn, client=client)
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the service does not end"
