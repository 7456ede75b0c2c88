"""What the simulations of marketplaces share."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from simulator.calls import Call, Reply
from simulator.records import Sold
from simulator.world import World, now


class SimulatedMarketplace(ABC):
    """
    One marketplace's service. ``connection`` is the Airflow connection that it accepts, without its host.

    A new order stands at ``first``: ``shipped`` where that is the shop's ERP's work, else before it. ``writes`` is a
    pattern of what :meth:`named` gives for a call that tells it of a delivery; ``lacks`` are the states that it has no
    word for.
    """

    code: ClassVar[str]
    connection: ClassVar[Mapping[str, Any]]
    writes: ClassVar[str]
    first: ClassVar[str] = "shipped"
    lacks: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, world: World) -> None:
        self.world = world

    def order_id(self, serial: int) -> str:
        """The marketplace's number of an order."""
        return f"{self.code.upper()}-{serial:08d}"

    @abstractmethod
    def answer(self, call: Call) -> Reply:
        """The answer to a call; ``call.segments`` begin behind ``/marketplace/{code}``."""

    def named(self, call: Call) -> str:
        """What a fault's pattern is searched in: path and query, or more where one path is used for everything."""
        return call.path

    def sold(self, order_id: str) -> Sold | None:
        return self.world.sold.get(f"{self.code}/{order_id}")

    def tell(self, order: Sold, status: str, body: Any) -> None:
        """Take what we are told: the order's new status, and the whole body for whoever checks it."""
        order.told.append({"status": status, "body": body, "at": now().isoformat()})
        order.deliveries += status == "delivered"
        order.status = status
        self.world.save_sold([order])
