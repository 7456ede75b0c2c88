"""
Marketplaces that do not speak VTEX's protocol, under ``/marketplace/{code}``: one module each, found by its name.

Each keeps its orders as :class:`simulator.records.Sold`, and counts how often it was told the same thing.
"""

import importlib
import pkgutil
from collections.abc import Mapping

from simulator.marketplaces.base import SimulatedMarketplace
from simulator.world import World


def simulated_marketplaces(world: World) -> Mapping[str, SimulatedMarketplace]:
    """Each marketplace's simulation by its code, which is the name of its module here."""
    codes = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "base")
    return {code: importlib.import_module(f"{__name__}.{code}").Simulated(world) for code in codes}
