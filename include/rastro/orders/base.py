"""What an order source is: where shipments come from, who their customers are, and where progress is written back."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from rastro.models import Shipment
from rastro.receivers import Receiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """An order or package that cannot be followed as it is, for the quarantine: what, why, and what to do about it."""

    order_id: str
    invoice_number: str
    reason: str  # short and stable, for counting
    detail: str  # a sentence for a person
    raw: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A customer, read at the moment of sending and not kept."""

    email: str = field(repr=False)
    first_name: str = field(default="", repr=False)
    locale: str = ""


class OrderSource(Protocol):
    """
    One account of one order system.

    ``own_mail`` is true when the customer is mailed by us, false when writing on the order makes the system do it:
    never both for one change. ``receiver`` is None where nothing can be written back.
    """

    code: str
    own_mail: bool
    receiver: Receiver | None

    def shipments(self, since: datetime, until: datetime) -> Iterator[Shipment | Aside]:
        """
        Every shipment that was made or changed in [since, until), each with ``account`` left empty.

        :raises RastroError: the source cannot be read; nothing of what was yielded before is wrong.
        """
        ...

    def contact(self, order_id: str) -> Contact | None:
        """
        The customer's real address, or None when there is none that may be written to.

        :raises RastroError: it could not be read now.
        """
        ...
