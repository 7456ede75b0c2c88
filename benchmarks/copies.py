"""
Correios with any number of parcels: each tells one of a few simulated histories under its own number, at once.

At first every parcel has :data:`LINES` lines; each ``GET /hour`` gives every :data:`ONE_IN`-th one more, others each time.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from benchmarks.answers import OK, asked, running, serve
from simulator.cohort import CohortRequest, keep, make
from simulator.correios import Correios
from simulator.world import World

PATH = "/srorastro/v1/objetos"
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
        return OK % (len(body), body)

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
        query = [*(("codigosObjetos", number) for number in world.parcels), ("resultado", "T")]
        body = asked(Correios(world), PATH, query)
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


@contextmanager
def copies() -> Iterator[str]:
    """The address of such a Correios, for as long as the block lasts."""
    with running("benchmarks.copies") as (url,):
        yield url


if __name__ == "__main__":
    asyncio.run(serve(Copies().answer))
