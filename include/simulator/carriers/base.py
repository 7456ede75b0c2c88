"""What the simulations of carriers share: a parcel's life in plain words, and ways to find the parcel."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from simulator.calls import Call, Reply
from simulator.records import Parcel
from simulator.world import World, from_carrier_time, now


class What(StrEnum):
    """What can happen to a parcel, whoever carries it."""

    LABEL = "label"
    POSTED = "posted"
    MOVED = "moved"
    OUT = "out"
    ABSENT = "absent"
    WAITING = "waiting"  # at a counter, to be collected
    DELIVERED = "delivered"
    RETURNING = "returning"
    RETURNED = "returned"
    LOST = "lost"
    HELD = "held"


# The lines of the journeys, which are written in Correios' codes.
IN_WORDS: Mapping[str, What] = {
    "FC 82": What.LABEL,
    "PO 01": What.POSTED,
    "RO 01": What.MOVED,
    "DO 01": What.MOVED,
    "PAR 16": What.MOVED,
    "PAR 10": What.MOVED,
    "PAR 31": What.MOVED,
    "PAR 17": What.HELD,
    "FC 05": What.MOVED,
    "OEC 01": What.OUT,
    "BDE 20": What.ABSENT,
    "BDE 02": What.ABSENT,
    "LDI 01": What.WAITING,
    "BDE 01": What.DELIVERED,
    "BDI 01": What.DELIVERED,
    "BDR 01": What.DELIVERED,
    "BDE 10": What.RETURNING,
    "OEC 09": What.RETURNING,
    "BDE 23": What.RETURNED,
    "BDE 80": What.LOST,
}

# Lives that any carrier can tell about; a simulation narrows them to what its carrier has words for.
LIVES = (
    "delivered", "second_attempt", "delivered_at_once", "returned", "lost", "posted_late", "label_then_posted",
    "delivered_before",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened. ``at`` is in Brasília's zone; ``city`` in capitals, ``state`` two letters."""

    what: What
    at: datetime
    city: str
    state: str


class SimulatedCarrier(ABC):
    """
    One carrier's service. ``connection`` is the Airflow connection that it accepts, without its host.

    ``courier`` is how shops name it, ``lives`` what its words suffice for, ``service`` what the shop writes beside the
    number where that is asked for.
    """

    code: ClassVar[str]
    courier: ClassVar[str]
    connection: ClassVar[Mapping[str, Any]]
    lives: ClassVar[tuple[str, ...]] = LIVES
    service: ClassVar[str] = ""

    def __init__(self, world: World) -> None:
        self.world = world

    @abstractmethod
    def number(self, serial: int) -> str:
        """A tracking number of the carrier's form."""

    def carrier_id(self, serial: int) -> str:
        """The carrier's own id of a parcel, for those that are asked by it; else empty."""
        del serial
        return ""

    @abstractmethod
    def answer(self, call: Call) -> Reply:
        """The answer to a call; ``call.segments`` begin behind ``/carrier/{code}``."""

    def parcels(self) -> Iterator[Parcel]:
        return (parcel for parcel in self.world.parcels.values() if parcel.carrier == self.code)

    def by_number(self, number: str) -> Parcel | None:
        """The parcel of that number, whatever the case of its letters."""
        parcel = self.world.parcels.get(number) or self.world.parcels.get(number.upper())
        return parcel if parcel and parcel.carrier == self.code else None

    def by(self, field: str, value: str) -> Parcel | None:
        """The parcel whose ``invoice_key``, ``invoice_number``, ``order_id`` or ``carrier_id`` is this."""
        parcel = self.world.parcel_by(field, value)
        return parcel if parcel and parcel.carrier == self.code else None

    @staticmethod
    def told(parcel: Parcel) -> list[Happening]:
        """What has happened to a parcel so far, oldest first; empty when the carrier knows nothing of it yet."""
        return [
            Happening(
                what=IN_WORDS[f"{line['codigo']} {line['tipo']}"],
                at=from_carrier_time(line["dtHrCriado"]),
                city=line["unidade"].get("endereco", {}).get("cidade", ""),
                state=line["unidade"].get("endereco", {}).get("uf", ""),
            )
            for line in parcel.lines
        ]

    @staticmethod
    def now() -> datetime:
        return now()
