"""
Other carriers than Correios, under ``/carrier/{code}``: one module each, found by its name.

Each speaks its own protocol about the same lives (:mod:`simulator.journeys`), translated to :class:`.base.Happening`.
"""

import importlib
import pkgutil
from collections.abc import Mapping

from simulator.carriers.base import SimulatedCarrier
from simulator.world import World


def simulated_carriers(world: World) -> Mapping[str, SimulatedCarrier]:
    """Each carrier's simulation by its code, which is the name of its module here."""
    codes = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "base")
    return {code: importlib.import_module(f"{__name__}.{code}").Simulated(world) for code in codes}
