"""What is known of parcels by their tracking numbers, for whoever asks about many at once."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from rastro.models import Status
from rastro.warehouse.queries import run


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One event, as it is told."""

    occurred_at: datetime
    description: str
    city: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Where a parcel is, and its history, newest first."""

    status: Status
    delivered_at: datetime | None
    lines: tuple[Line, ...]


def parcels(conn: Connection[Any], numbers: Collection[str]) -> dict[str, Parcel]:
    """
    What is known of these numbers, by number; one that nobody has sent a parcel under is missing.

    :param numbers: normalised.
    """
    found: dict[str, tuple[Any, list[Line]]] = {}
    for row in run(conn, "parcels_of_numbers", numbers=list(numbers)):
        _, lines = found.setdefault(row.tracking_number, (row, []))
        if row.occurred_at is not None:
            lines.append(Line(occurred_at=row.occurred_at, description=row.description, city=row.city, state=row.state))
    return {
        number: Parcel(status=Status(row.status), delivered_at=row.delivered_at, lines=tuple(lines))
        for number, (row, lines) in found.items()
    }
