"""One process that serves HTTP on one loopback port and SMTP on another, until it is told to stop."""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from simulator.app import TRANSPORT, App
from simulator.control import Control
from simulator.faults import Faults
from simulator.log import JsonLines
from simulator.smtp import mail_server
from simulator.world import World

LOOPBACK = "127.0.0.1"
TICKS_A_DAY = 864_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Port 0 takes a free one. Without a state folder the world is forgotten at the end; logs are kept where named."""

    port: int = 0
    smtp_port: int = 0
    state: Path | None = None
    log: Path | None = None
    mail_log: Path | None = None
    ready: Path | None = None
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    url: str
    smtp_port: int


class Protocol(HttpToolsProtocol):
    """uvicorn's own, which also lets the application cut the connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[TRANSPORT] = self.transport  # type: ignore[literal-required]


class Server(uvicorn.Server):
    """uvicorn's own, with the signals left to us (it would raise them again after the end) and stopped at once."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        for tick in itertools.cycle(range(TICKS_A_DAY)):
            if await self.on_tick(tick):
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), 0.1)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn's own waits a tenth of a second, even for nobody."""
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
        for server in self.servers:
            server.close()
        for taken in sockets or []:
            taken.close()


def listening(port: int) -> socket.socket:
    # Only with the protocol named does asyncio switch off Nagle's delay, forty milliseconds a request.
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((LOOPBACK, port))
    except OSError as error:
        taken.close()
        raise SystemExit(f"simulator: port {port} cannot be used ({error.strerror}); choose another") from None
    return taken


async def serve(
    options: Options, *, started: Callable[[Address, Callable[[], object]], None] | None = None, signals: bool = True
) -> None:
    """
    Serve until told to stop, by SIGTERM or SIGINT or by the callable that ``started`` is given with the address.
    """
    if options.ready is not None:
        options.ready.unlink(missing_ok=True)  # left by one that was killed
    world, faults = World(options.state, options.seed), Faults(options.seed)
    log, mail_log = JsonLines(options.log), JsonLines(options.mail_log)
    control = Control(world, faults)
    app = App(world, faults, control, log)
    config = uvicorn.Config(
        app,
        http=Protocol,
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    server = Server(config)
    loop = asyncio.get_running_loop()
    web, post = listening(options.port), listening(options.smtp_port)
    mail = await loop.create_server(mail_server(world, faults, mail_log), sock=post)
    address = Address(url=f"http://{LOOPBACK}:{web.getsockname()[1]}", smtp_port=post.getsockname()[1])
    app.url, control.smtp_port = address.url, address.smtp_port

    if signals:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.stop)
    serving = asyncio.create_task(server.serve(sockets=[web]))
    try:
        while not server.started and not serving.done():
            await asyncio.sleep(0.001)
        if options.ready is not None:
            write_ready(options.ready, address)
        if started is not None:
            started(address, lambda: loop.call_soon_threadsafe(server.stop))
        await serving
    finally:
        mail.close()
        world.close()
        log.close()
        mail_log.close()
        if options.ready is not None:
            options.ready.unlink(missing_ok=True)


def write_ready(path: Path, address: Address) -> None:
    """Say where we are: whole or not at all, whoever looks."""
    content: dict[str, Any] = {"url": address.url, "smtp_port": address.smtp_port, "pid": os.getpid()}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_bytes(msgspec.json.encode(content))
    draft.replace(path)
