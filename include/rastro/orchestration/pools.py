"""The Airflow pools: one per carrier, so that no carrier is asked by more tasks at once than it bears."""

import json

from rastro.carriers.registry import CARRIERS

SLOTS = 4
POOLS = tuple(CARRIERS)  # a carrier's code is its pool's name


def pools_json() -> str:
    """The file that ``airflow pools import`` takes."""
    return json.dumps(
        {
            code: {"slots": SLOTS, "description": f"Tasks that ask {carrier.name} at once", "include_deferred": False}
            for code, carrier in CARRIERS.items()
        },
        indent=2,
    )
