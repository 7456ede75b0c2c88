"""
The parse of changed bodies, down to typed snapshots with their events: against ``json.loads`` of the same bytes.

Of the processor's time, since nothing is waited for. The lines are of nearly four thousand units,
some of them oftener than others. Nothing is remembered of them from one round to the next: a task begins with nothing.
"""

import json
import random
import re
import time
from collections.abc import Iterator, Sequence

from benchmarks.answers import Memory, asked
from benchmarks.bench import Goal, Measured, Size
from benchmarks.polling import BATCH, side_by_side
from rastro.carriers.correios import Correios
from rastro.carriers.correios_lines import meaning_of, place_of
from rastro.http import Response
from rastro.models import Snapshot

NAME = "parsing"
ALIKE, UNIT = 130, re.compile(rb'"codSro":"\d+"')
SNAPSHOTS = Goal(name="changed bodies as snapshots with events / json.loads", unit="s", at_most=1.2)


def measure(size: Size) -> Iterator[Measured]:
    bodies = bodies_of(1_000 if size.quick else 10_000)
    snapshots, plain = side_by_side(lambda: meant(bodies), lambda: loaded(bodies), clock=time.process_time)
    yield Measured(SNAPSHOTS, snapshots, plain)


def bodies_of(parcels: int) -> list[bytes]:
    """Answers of the simulator about fifty parcels each."""
    memory = Memory(parcels)
    batches = [memory.numbers[start : start + BATCH] for start in range(0, parcels, BATCH)]
    units = random.Random(1)
    return [
        UNIT.sub(
            lambda _: b'"codSro":"%08d"' % int(ALIKE * units.random() ** 2),
            asked(
                memory.correios,
                "/srorastro/v1/objetos",
                [*(("codigosObjetos", one) for one in batch), ("resultado", "T")],
            ),
        )
        for batch in batches
    ]


def meant(bodies: Sequence[bytes]) -> None:
    """All the way: statuses, aware times, keys, what was taken back."""
    carrier = Correios()
    meaning_of.cache_clear()
    place_of.cache_clear()
    for body in bodies:
        for reference, raw in carrier.split(Response(status=200, body=body)):
            if not isinstance(carrier.parse(raw, reference), Snapshot):
                raise TypeError("an answer without events is no changed body")


def loaded(bodies: Sequence[bytes]) -> None:
    for body in bodies:
        json.loads(body)
