"""
A proxy that kills or cuts at one exact step of a conversation.

It stands in front of PostgreSQL's Unix socket, of HTTP and of SMTP. All of them take turns, so a step has two places
where something can go wrong: *before*, when the client's turn begins and nothing of it has been passed on, and
*after*, when the other side has acted and answered and the client has not heard of it. ``kill`` ends the process at
the client's end of that very connection with SIGKILL; ``cut`` closes the connection on both sides.

Run as a process of its own, told by one JSON line on its standard input and answering each by one on its output.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import psutil

LOOPBACK = "127.0.0.1"
SOCKET = ".s.PGSQL.5432"
AT_ONCE = 1 << 16
WRITE = re.compile(rb"(PUT|PATCH|POST) /(vtex|market|webhook)/")
ASK = re.compile(rb"GET /correios/")
COMMIT = re.compile(rb"\x00(COMMIT|commit)\x00|^Q....(COMMIT|commit)\x00", re.DOTALL)


class Kind(StrEnum):
    """What a step is, by its client's first bytes."""

    COMMIT = "commit"  # a transaction ends
    WRITE = "write"  # an order, a marketplace or a hub is told
    MAIL = "mail"  # the text of a mail, up to its final dot
    ASK = "ask"  # a carrier is asked
    ANY = "any"


class Side(StrEnum):
    BEFORE = "before"
    AFTER = "after"


class Action(StrEnum):
    KILL = "kill"
    CUT = "cut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """
    ``action`` at the ``nth`` step of this kind, counted from when it was set; with ``on`` only steps of connections
    whose client has sent that text by then.
    """

    kind: Kind
    side: Side
    nth: int
    action: Action
    on: str = ""


@dataclass(slots=True)
class Armed:
    """A trap that waits; ``seen`` counts the steps it would have fitted."""

    trap: Trap
    seen: int = 0
    fired: bool = False

    def fits(self, talk: "Talk", side: Side) -> bool:
        if self.fired or self.trap.side is not side or self.trap.kind not in talk.step:
            return False
        if self.trap.on and self.trap.on not in talk.said:
            return False
        self.seen += 1
        return self.seen == self.trap.nth


@dataclass(slots=True)
class Talk:
    """One connection: whose turn it is, and what the client's present turn is about."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    clients_turn: bool = False
    step: frozenset[Kind] = frozenset()
    mail_wanted: bool = False  # the server has just asked for a mail's text
    said: set[str] = field(default_factory=set)  # what traps listen for, as far as the client has sent it

    def close(self) -> None:
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.transport.abort()

    def begins(self, data: bytes) -> frozenset[Kind]:
        """The client's turn begins with these bytes."""
        self.clients_turn = True
        found = {Kind.ANY}
        if self.mail_wanted:
            found.add(Kind.MAIL)
        elif WRITE.match(data):
            found.add(Kind.WRITE)
        elif ASK.match(data):
            found.add(Kind.ASK)
        elif COMMIT.search(data):
            found.add(Kind.COMMIT)
        self.mail_wanted = False
        self.step = frozenset(found)
        return self.step


@dataclass(slots=True)
class Lines:
    """Everything that passes, and the traps that are set. ``spared`` are processes that are never killed."""

    spared: frozenset[int]
    armed: list[Armed] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)

    def trap_at(self, talk: Talk, side: Side) -> Trap | None:
        for kind in talk.step:
            self.seen[f"{kind} {side}"] = self.seen.get(f"{kind} {side}", 0) + 1
        found = [one for one in self.armed if one.fits(talk, side)]
        for one in found[:1]:
            if one.trap.action is Action.CUT or self.kill(talk):
                one.fired = True
                return one.trap
        return None

    def kill(self, talk: Talk) -> bool:
        """Whether the process at the client's end has been killed."""
        pids = clients_of(talk.client) - self.spared
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(pids)

    async def pass_on(self, talk: Talk, source: asyncio.StreamReader, *, from_client: bool) -> None:
        target = talk.server if from_client else talk.client
        while data := await source.read(AT_ONCE):
            if from_client:
                talk.said |= {one.trap.on for one in self.armed if one.trap.on and one.trap.on.encode() in data}
                if not talk.clients_turn:
                    talk.begins(data)
                    if self.trap_at(talk, Side.BEFORE):
                        return
            elif talk.clients_turn:
                talk.clients_turn = False
                talk.mail_wanted = data.startswith(b"354")
                if self.trap_at(talk, Side.AFTER):
                    return
            target.write(data)
            await target.drain()

    async def talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, there: str | tuple[str, int]
    ) -> None:
        try:
            if isinstance(there, str):
                upstream, server = await asyncio.open_unix_connection(there)
            else:
                upstream, server = await asyncio.open_connection(*there)
        except OSError:
            writer.transport.abort()
            return
        talk = Talk(client=writer, server=server)
        both = [
            asyncio.create_task(self.pass_on(talk, reader, from_client=True)),
            asyncio.create_task(self.pass_on(talk, upstream, from_client=False)),
        ]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for one in both:
            one.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await one
        talk.close()

    def told(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """What one line on standard input asks for."""
        if "set" in order:
            self.armed = [Armed(trap_from(one)) for one in order["set"]]
            self.seen = {}
            return {}
        return {"fired": [asdict(one.trap) for one in self.armed if one.fired], "seen": self.seen}


def trap_from(told: Mapping[str, Any]) -> Trap:
    return Trap(
        kind=Kind(told["kind"]),
        side=Side(told["side"]),
        nth=int(told["nth"]),
        action=Action(told["action"]),
        on=str(told["on"]),
    )


def clients_of(client: asyncio.StreamWriter) -> set[int]:
    """The processes at the client's end of a connection."""
    end: socket.socket = client.get_extra_info("socket")
    if end.family == socket.AF_UNIX:
        pid, _, _ = struct.unpack("3i", end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return {pid}
    ours, theirs = client.get_extra_info("sockname"), client.get_extra_info("peername")
    return {one.pid for one in psutil.net_connections("tcp4") if one.pid and one.laddr == theirs and one.raddr == ours}


async def serve(folder: Path, postgres: str, http: int, smtp: int, spared: frozenset[int]) -> None:
    lines = Lines(spared)

    async def database(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await lines.talk(reader, writer, postgres)

    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await lines.talk(reader, writer, (LOOPBACK, http))

    async def post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await lines.talk(reader, writer, (LOOPBACK, smtp))

    await asyncio.start_unix_server(database, folder / SOCKET, backlog=200)
    fronts = [await asyncio.start_server(one, LOOPBACK, 0, backlog=200) for one in (web, post)]
    answer({"ports": [front.sockets[0].getsockname()[1] for front in fronts]})
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        answer(lines.told(json.loads(line)))


def answer(told: object) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A running proxy, as the driver sees it: where it listens, and the traps it is told to set."""

    folder: Path
    http_port: int
    smtp_port: int
    process: subprocess.Popen[str]

    def set(self, traps: Sequence[Trap]) -> None:
        """These traps from now on, and no others."""
        self._tell({"set": [asdict(trap) for trap in traps]})

    def fired(self) -> list[Trap]:
        """The traps that went off since they were set."""
        return [trap_from(one) for one in self._tell({"report": True})["fired"]]

    def seen(self) -> dict[str, int]:
        """How many steps of each kind have passed since traps were last set."""
        return dict(self._tell({"report": True})["seen"])

    def _tell(self, order: Mapping[str, Any]) -> Any:
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the proxy was started without pipes")
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextmanager
def proxy(folder: Path, *, postgres: Path, http_port: int, smtp_port: int) -> Iterator[Proxy]:
    """
    A proxy for as long as the block lasts; it ends with us, whatever ends us, since its input ends.

    :param folder: where its Unix socket lies; ``postgres`` is the folder of the server's own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arguments = [str(folder), str(postgres / SOCKET), str(http_port), str(smtp_port), str(os.getpid())]
    process = subprocess.Popen(
        [sys.executable, "-m", "chaos.proxy", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])},
    )
    with process:
        try:
            if process.stdout is None:
                raise RuntimeError("the proxy was started without pipes")
            http, smtp = json.loads(process.stdout.readline())["ports"]
            yield Proxy(folder=folder, http_port=http, smtp_port=smtp, process=process)
        finally:
            process.kill()


if __name__ == "__main__":
    place, database_socket, *numbers = sys.argv[1:]
    web_port, mail_port, *others = map(int, numbers)
    asyncio.run(serve(Path(place), database_socket, web_port, mail_port, frozenset({os.getpid(), *others})))
