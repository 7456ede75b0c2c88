"""
Recorded exchanges with marketplaces: ``recordings/<marketplace>/<case>.exchange.json``, replayed over real HTTP.

``call`` is ``read`` or ``write``. ``message`` holds what differs from the standard message, by the names of
:class:`~rastro.receivers.Message`; ``delivered`` false takes the delivery out of it. ``connection`` holds what differs
from the connection's extras. ``answers`` come in the order of the requests, each with ``json`` or ``text``, and
``status`` (200) and ``headers`` where it needs them; the last one repeats.

What comes of it: ``reading``, or ``receipt`` (the number of it), or ``error`` (a class of :mod:`rastro.errors`);
``says`` is a pattern of the reason or message. Where it is worth saying, ``asked`` are the requests, each as ``METHOD
/path?query``, and ``sent`` the body of the last one: JSON, or its text.

``<case>.none.txt`` says in a sentence why a marketplace can have no such exchange.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec

from rastro.access import Access, Token
from rastro.errors import RastroError
from rastro.marketplaces.registry import MARKETPLACES
from rastro.models import Status
from rastro.receivers import Answer, Message, Progress, Receipt, Receiver
from simulator import credentials
from simulator.marketplaces import simulated_marketplaces
from simulator.world import World

from .recordings import RECORDINGS
from .tokens import LIMITS, MemoryTokens, account_from

CASES_OF_ALL = (
    *("delivered", "shipped", "not_shipped", "cancelled", "carried"),
    *("not_found", "refused_credentials", "rate_limit", "garbage"),
)
BRASILIA = timezone(timedelta(hours=-3))
AT = datetime(2026, 11, 20, 22, 30, tzinfo=BRASILIA)
SIMULATED = simulated_marketplaces(World())
# Connections of those whose simulation is no module of its own.
CONNECTIONS = {
    "vtex_protocol": {"login": credentials.MARKET_APP_KEY, "password": credentials.MARKET_APP_TOKEN},
    "webhook": {"extra": {"secret": credentials.WEBHOOK_SECRET}},
}
TOKEN = Token(value="chave-de-teste", expires_at=datetime(2100, 1, 1, tzinfo=UTC))


class OneToken(MemoryTokens):
    """A token that is valid for ever and cannot be exchanged for another."""

    def renewed(self, refused: Access) -> None:
        del refused


@dataclass
class Scripted:
    """A server that gives the same answers to whoever asks, in their order, and remembers what it was asked."""

    url: str = ""
    answers: Sequence[tuple[int, dict[str, str], bytes]] = ()
    asked: list[tuple[str, bytes]] = field(default_factory=list)


@contextmanager
def scripted() -> Iterator[Scripted]:
    script = Scripted()

    class Handler(BaseHTTPRequestHandler):
        def take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, content = script.answers[min(len(script.asked), len(script.answers) - 1)]
            script.asked.append((f"{self.command} {self.path}", body))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = take  # noqa: N815 - names that the server looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield script
    server.shutdown()
    server.server_close()


def connection_of(code: str) -> Mapping[str, Any]:
    """The connection that the simulation takes; where there is none, one with something in all that must be there."""
    if code in SIMULATED:
        return SIMULATED[code].connection
    needed = [one for one in MARKETPLACES[code].fields if one.required and one.name != "host"]
    values = {one.name: one.example if one.example.isascii() and one.example else "de-teste" for one in needed}
    standard = {name: values.pop(name) for name in ("login", "password") if name in values}
    return CONNECTIONS.get(code, {**standard, "extra": values})


def receiver_of(code: str, url: str, **extra: str) -> Receiver:
    """The marketplace's adapter on a connection to that address."""
    connection = connection_of(code)
    account = account_from({**connection, "host": url, "extra": {**connection.get("extra", {}), **extra}})
    kind = MARKETPLACES[code]
    return kind.build(account, OneToken(account, kind.login, held=TOKEN), limits=LIMITS)


def message_about(code: str, changes: dict[str, Any]) -> Message:
    """The standard message, delivered or on its way, with some of it changed."""
    order_id = SIMULATED[code].order_id(7) if code in SIMULATED else "7000001-01"
    standard = Message(
        key="notice_7",
        order_id=f"LOJ-{order_id}",
        invoice_number="100001",
        tracking_number="QB123456785BR",
        courier="Correios",
        tracking_url="https://rastreio.example/QB123456785BR",
        status=Status.DELIVERED,
        history=(
            Progress(occurred_at=AT - timedelta(days=2), description="Objeto postado", city="Vila Serena", state="SP"),
            Progress(occurred_at=AT, description="Entregue", city="Vale Alto", state="MG"),
        ),
        delivered_at=AT,
        marketplace_order_id=order_id,
    )
    changes = dict(changes)
    if not changes.pop("delivered", True):
        changes = {"delivered_at": None, "status": "in_transit", "history": standard.history[:1], **changes}
    return msgspec.convert({**msgspec.to_builtins(standard), **msgspec.to_builtins(changes)}, Message)


@dataclass(frozen=True)
class Exchange:
    code: str
    path: Path

    @property
    def case(self) -> str:
        return self.path.name.partition(".")[0]

    @cached_property
    def told(self) -> dict[str, Any]:
        return json.loads(self.path.read_text("utf-8"))

    @property
    def answers(self) -> list[tuple[int, dict[str, str], bytes]]:
        """Status, headers and body of each answer."""
        return [
            (one.get("status", 200), one.get("headers", {}), one["text"].encode() if "text" in one else body_of(one))
            for one in self.told["answers"]
        ]

    def comes_to(
        self, script: Scripted, answers: Sequence[tuple[int, dict[str, str], bytes]] | None = None
    ) -> Answer | Receipt | RastroError:
        """
        What the adapter makes of it; any error but ours comes through.

        :param answers: what arrives in place of the recorded ones.
        """
        script.answers, script.asked = answers or self.answers, []
        receiver = receiver_of(self.code, script.url, **self.told.get("connection", {}))
        message = message_about(self.code, self.told.get("message", {}))
        try:
            return receiver.read(message) if self.told["call"] == "read" else receiver.write(message)
        except RastroError as error:
            return error


def body_of(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer["json"], ensure_ascii=False).encode() if "json" in answer else b""


def all_exchanges() -> list[Exchange]:
    return [
        Exchange(code=code, path=path)
        for code in MARKETPLACES
        for path in sorted((RECORDINGS / code).glob("*.exchange.json"))
    ]
