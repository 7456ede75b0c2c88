"""
The contract of everybody who is told something over HTTP: order systems and marketplaces.

None of them documents an idempotency key for "delivered", so all are written to in the same way: read; done already is
success; write once; read back. After a doubtful answer, read before any repeat.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from rastro.errors import RastroError
from rastro.models import Status


class Reading(StrEnum):
    """What the other side holds, compared with what we want to tell it."""

    OWED = "owed"  # it does not know yet
    DONE = "done"  # it knows already
    CLOSED = "closed"  # it must not be told any more (cancelled, returned, carried by the marketplace itself)
    CHANGED = "changed"  # the package is not as we knew it: its source is read again first
    NOT_READY = "not_ready"  # an earlier step is missing on its side; try later
    INCOMPLETE = "incomplete"  # it takes one word for the whole order, and not all parcels of it have come so far
    CANNOT_ASK = "cannot_ask"  # it has nothing that can be read


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A reading with the sentence a person is shown; ``trouble`` is what it cannot be asked for, where it was tried."""

    reading: Reading
    reason: str = ""
    trouble: RastroError | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One line of history as a receiver is told it. ``occurred_at`` is in the carrier's local time, with offset."""

    occurred_at: datetime
    description: str
    city: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """
    What is told about one package.

    ``key`` is made from our own rows and stays the same on every attempt. ``history`` stands oldest first, and holds
    the whole of it, of every parcel of the package. ``delivered_at`` is set when every one of them is in the
    recipient's hands; ``once_delivered`` when we had them delivered before, which may have been taken back. ``others``
    says where each other parcel of the order is, in this package or another; ``numbers`` are all that the order's
    parcels have or had. With ``new_number`` it is no news, and tells that this is the number of the parcel that has
    ``tracking_number`` so far.
    """

    key: str
    order_id: str
    invoice_number: str
    tracking_number: str
    courier: str
    tracking_url: str
    status: Status
    history: Sequence[Progress]
    delivered_at: datetime | None = None
    once_delivered: bool = False
    estimated_at: datetime | None = None
    marketplace_order_id: str = ""
    marketplace_endpoint: str = ""
    others: Sequence[Status] = ()
    numbers: Sequence[str] = ()
    new_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the other side answered to a write: its HTTP status and, where it gives one, its own receipt."""

    status: int
    number: str = ""


class Receiver(Protocol):
    """
    Somebody who can be told about a package.

    ``repeat_is_safe`` is true only where the receiver itself drops a second copy (a webhook with an id).
    """

    code: str
    repeat_is_safe: bool

    def read(self, message: Message) -> Answer:
        """What it knows now.

        :raises RastroError: it could not be read; nothing was written.
        """
        ...

    def write(self, message: Message) -> Receipt:
        """Tell it, once.

        :raises Doubtful: it may have taken it.
        :raises RastroError: it has not taken it.
        """
        ...
