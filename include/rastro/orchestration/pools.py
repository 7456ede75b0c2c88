"""The Airflow pools: one per carrier, so that no carrier is asked by more tasks at once than it bears."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from rastro.carriers.registry import CARRIERS
from rastro.warehouse.polls import Slice

SLOTS = 4
POOLS = tuple(CARRIERS)  # a carrier's code is its pool's name


def shared(pool: Mapping[str, Sequence[Slice]]) -> Iterator[Slice]:
    """All slices of one pool, by carrier, each told in how many turns they share the time."""
    turns = math.ceil(sum(map(len, pool.values())) / SLOTS)
    for parts in pool.values():
        yield from (replace(part, turns=turns) for part in parts)


def pools_json() -> str:
    """The file that ``airflow pools import`` takes."""
    return json.dumps(
        {
            code: {"slots": SLOTS, "description": f"Tasks that ask {carrier.name} at once", "include_deferred": False}
            for code, carrier in CARRIERS.items()
        },
        indent=2,
    )
