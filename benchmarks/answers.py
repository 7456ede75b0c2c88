"""
The simulator's Correios answers as fast as they can be given out: each is made once, and then read from memory.

A process of its own, so that what is measured is who asks.
"""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qsl

from simulator.calls import Call
from simulator.cohort import CohortRequest, keep, make
from simulator.correios import Correios, signed
from simulator.credentials import CORREIOS_USER
from simulator.world import World
from stack.state import REPOSITORY

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
CLAIMS = {"exp": 1e12, "kind": "cartaopostagem", "gen": 1, "user": CORREIOS_USER}
HOURS_OF_LIFE = 4  # steps of each parcel's journey that have happened


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    url: str
    numbers: tuple[str, ...]


@contextmanager
def given_out(parcels: int, latency: float) -> Iterator[Answers]:
    """Correios with so many parcels, for as long as the block lasts; each answer takes ``latency`` seconds."""
    with running("benchmarks.answers", str(parcels), str(latency)) as (url, *numbers):
        yield Answers(url=url, numbers=tuple(numbers))


@contextmanager
def running(module: str, *arguments: str) -> Iterator[list[str]]:
    """What a server in a process of its own says in its first line: its address, and more."""
    command = [sys.executable, "-m", module, *arguments]
    environment = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'include'}"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None  # noqa: S101 -- it was asked for in the line above
        try:
            yield process.stdout.readline().split()
        finally:
            process.terminate()


class Memory:
    """HTTP answers by the target of a GET."""

    def __init__(self, parcels: int) -> None:
        world = World()
        keep(
            world, make(world, CohortRequest(parcels=parcels, variants=["own"], kinds=["delivered", "second_attempt"]))
        )
        world.advance(HOURS_OF_LIFE)
        self.numbers = list(world.parcels)
        self.correios = Correios(world)
        self._kept: dict[bytes, bytes] = {}

    def answer(self, target: bytes) -> bytes:
        if target not in self._kept:
            path, _, query = target.decode().partition("?")
            body = asked(self.correios, path, parse_qsl(query))
            self._kept[target] = OK % (len(body), body)
        return self._kept[target]


def asked(correios: Correios, path: str, query: Sequence[tuple[str, str]]) -> bytes:
    """The body of what the simulated Correios answers."""
    headers = {"authorization": f"Bearer {signed(CLAIMS)}", "accept-language": "pt-BR"}
    segments = tuple(path.strip("/").split("/"))
    reply = correios.answer(
        Call(method="GET", path=path, segments=segments, query=tuple(query), headers=headers, body=b"", url="")
    )
    if reply.status != 200:
        raise ValueError(f"the simulator refuses {path}: {reply.body.decode()}")
    return reply.body


class Given(asyncio.Protocol):
    """One connection, on which one question follows another's answer."""

    def __init__(self, answer: Callable[[bytes], bytes], latency: float) -> None:
        self._answer = answer
        self._latency = latency
        self._asked = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 -- TCP's is one
        self._write = transport.write

    def data_received(self, data: bytes) -> None:
        self._asked += data
        if self._asked.endswith(b"\r\n\r\n"):
            answer = self._answer(self._asked.split(b" ", 2)[1])
            self._asked = b""
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._write, answer)
            else:
                self._write(answer)


async def serve(answer: Callable[[bytes], bytes], latency: float = 0.0, more: Sequence[str] = ()) -> None:
    """Give out answers by the target of a GET; print the address, and what :func:`running` is to know beside it."""
    server = await asyncio.get_running_loop().create_server(lambda: Given(answer, latency), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", *more, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    memory = Memory(int(sys.argv[1]))
    asyncio.run(serve(memory.answer, float(sys.argv[2]), memory.numbers))
