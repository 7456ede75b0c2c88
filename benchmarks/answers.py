"""
The simulator's Correios answers as fast as they can be given out: each is made once, and then read from memory.

A process of its own, so that what is measured is who asks. ``python benchmarks/answers.py PARCELS LATENCY`` prints its
address and, in the line after it, the numbers of its parcels.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from simulator.calls import Call
from simulator.cohort import CohortRequest, keep, make
from simulator.correios import Correios, signed
from simulator.world import World

INCLUDE = Path(__file__).resolve().parents[1] / "include"
CLAIMS = {"exp": 1e12, "kind": "cartaopostagem", "gen": 1}
HOURS_OF_LIFE = 4  # steps of each parcel's journey that have happened


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    url: str
    numbers: tuple[str, ...]


@contextmanager
def given_out(parcels: int, latency: float) -> Iterator[Answers]:
    """Correios with so many parcels, for as long as the block lasts; each answer takes ``latency`` seconds."""
    command = [sys.executable, __file__, str(parcels), str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(INCLUDE)}) as process:
        assert process.stdout is not None  # noqa: S101 -- it was asked for in the line above
        try:
            yield Answers(url=process.stdout.readline().strip(), numbers=tuple(process.stdout.readline().split()))
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
        self._correios = Correios(world)
        self._kept: dict[bytes, bytes] = {}
        self._headers = {"authorization": f"Bearer {signed(CLAIMS)}", "accept-language": "pt-BR"}

    def answer(self, target: bytes) -> bytes:
        if target not in self._kept:
            path, _, query = target.decode().partition("?")
            body = self.body(path, parse_qsl(query))
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            self._kept[target] = head.encode() + body
        return self._kept[target]

    def body(self, path: str, query: Sequence[tuple[str, str]]) -> bytes:
        segments = tuple(path.strip("/").split("/"))
        reply = self._correios.answer(
            Call(
                method="GET", path=path, segments=segments, query=tuple(query), headers=self._headers, body=b"", url="",
            )
        )  # fmt: skip
        if reply.status != 200:
            raise ValueError(f"the simulator refuses {path}: {reply.body.decode()}")
        return reply.body


class Given(asyncio.Protocol):
    """One connection, on which one question follows another's answer."""

    def __init__(self, memory: Memory, latency: float) -> None:
        self._memory = memory
        self._latency = latency
        self._asked = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 -- TCP's is one
        self._write = transport.write

    def data_received(self, data: bytes) -> None:
        self._asked += data
        if self._asked.endswith(b"\r\n\r\n"):
            answer = self._memory.answer(self._asked.split(b" ", 2)[1])
            self._asked = b""
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._write, answer)
            else:
                self._write(answer)


async def serve(parcels: int, latency: float) -> None:
    memory = Memory(parcels)
    server = await asyncio.get_running_loop().create_server(lambda: Given(memory, latency), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    print(*memory.numbers, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
