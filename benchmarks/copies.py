"""
Correios with any number of parcels: each tells one of a few simulated histories under its own number, at once.

A process of its own, so that what is measured is who asks. ``python benchmarks/copies.py`` prints its address. At first
every parcel has :data:`LINES` lines; each ``GET /hour`` gives every :data:`ONE_IN`-th one more, others each time.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from simulator.calls import Call
from simulator.cohort import CohortRequest, keep, make
from simulator.correios import Correios, signed
from simulator.world import World

INCLUDE = Path(__file__).resolve().parents[1] / "include"
CLAIMS = {"exp": 1e12, "kind": "cartaopostagem", "gen": 1}
LINES = 5
ONE_IN = 50
MODELS = 40  # Correios takes 50 in one call
NUMBER = 13  # characters: AA123456789BR
ASKED = b"codigosObjetos="


class Answer(msgspec.Struct):
    objetos: list[msgspec.Raw]


class Parcel(msgspec.Struct):
    cod_objeto: str = msgspec.field(name="codObjeto")
    eventos: list[msgspec.Raw] = msgspec.field(default_factory=list)


Model = tuple[bytes, bytes]  # an object less its number, before and after it


class Copies:
    """HTTP answers by the target of a GET."""

    def __init__(self) -> None:
        self._hour = 0
        self._head, self._tail, self._earlier, self._later = models()

    def answer(self, target: bytes) -> bytes:
        if target == b"/hour":
            self._hour += 1
            body = b""
        else:
            numbers = (part[:NUMBER] for part in target.split(ASKED)[1:])
            body = self._head + b",".join(map(self.object, numbers)) + self._tail
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    def object(self, number: bytes) -> bytes:
        place = int(number[2:11])
        models = self._later if 1 <= place % ONE_IN <= self._hour else self._earlier
        before, after = models[place % len(models)]
        return before + number + after


def models() -> tuple[bytes, bytes, list[Model], list[Model]]:
    """What stands before and after an answer's objects, and the objects with so many lines and with one more."""
    world = World()
    kinds = ["delivered", "second_attempt"]
    keep(world, make(world, CohortRequest(parcels=MODELS, variants=["own"], kinds=kinds)))
    earlier: dict[str, Model] = {}
    later: dict[str, Model] = {}
    ends = (b"", b"")
    for _ in range(LINES + 10):
        body = told(world)
        objects = [bytes(raw) for raw in msgspec.json.decode(body, type=Answer).objetos]
        ends = body[: body.index(objects[0])], body[body.index(objects[-1]) + len(objects[-1]) :]
        for raw in objects:
            parcel = msgspec.json.decode(raw, type=Parcel)
            before, _, after = raw.partition(parcel.cod_objeto.encode())
            if len(parcel.eventos) == LINES:
                earlier[parcel.cod_objeto] = (before, after)
            elif len(parcel.eventos) == LINES + 1:
                later[parcel.cod_objeto] = (before, after)
        world.advance(1)
    both = sorted(earlier.keys() & later.keys())
    return *ends, [earlier[number] for number in both], [later[number] for number in both]


def told(world: World) -> bytes:
    """What the simulated Correios says of all its parcels."""
    query = [*(("codigosObjetos", number) for number in world.parcels), ("resultado", "T")]
    headers = {"authorization": f"Bearer {signed(CLAIMS)}", "accept-language": "pt-BR"}
    path = "/srorastro/v1/objetos"
    segments = tuple(path.strip("/").split("/"))
    reply = Correios(world).answer(
        Call(method="GET", path=path, segments=segments, query=tuple(query), headers=headers, body=b"", url="")
    )
    if reply.status != 200:
        raise ValueError(f"the simulator refuses {path}: {reply.body.decode()}")
    return reply.body


@contextmanager
def copies() -> Iterator[str]:
    """The address of such a Correios, for as long as the block lasts."""
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(INCLUDE)}) as process:
        assert process.stdout is not None  # noqa: S101 -- it was asked for in the line above
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


class Given(asyncio.Protocol):
    """One connection, on which one question follows another's answer."""

    def __init__(self, memory: Copies) -> None:
        self._memory = memory
        self._asked = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 -- TCP's is one
        self._write = transport.write

    def data_received(self, data: bytes) -> None:
        self._asked += data
        if self._asked.endswith(b"\r\n\r\n"):
            answer = self._memory.answer(self._asked.split(b" ", 2)[1])
            self._asked = b""
            self._write(answer)


async def serve() -> None:
    memory = Copies()
    server = await asyncio.get_running_loop().create_server(lambda: Given(memory), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
