"""What an order source is: where shipments come from, who their customers are, and where progress is written back."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Engine

from rastro.access import Account, Field
from rastro.http import Limits, Sharing
from rastro.models import Shipment
from rastro.receivers import Receiver
from rastro.setting_values import OrderRoute


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """An order or package that cannot be followed as it is, for the quarantine: what, why, and what to do about it."""

    order_id: str
    invoice_number: str
    reason: str  # short and stable, for counting
    detail: str  # a sentence for a person
    raw: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """An order of which a package has no tracking number yet; whoever is told names it to ``again`` later on."""

    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A buyer, or whoever receives what somebody else bought; read at the moment of sending and not kept."""

    email: str = field(repr=False)
    first_name: str = field(default="", repr=False)
    locale: str = ""


def is_masked(email: str) -> bool:
    """Whether an address is one of VTEX's aliases, which end when the order is invoiced."""
    return re.search(r"[@.]ct\.vtex\.com\.br$", email.strip(), re.IGNORECASE) is not None


class OrderSource(Protocol):
    """
    One account of one order system.

    ``whole_packages`` is true when each package is given with all of its numbers at once, so that others are gone.
    ``own_mail`` is true when the customer is mailed by us, false when writing on the order makes the system do it:
    never both for one change. ``receiver`` is None where nothing can be written back.
    """

    code: str
    whole_packages: bool
    own_mail: bool
    receiver: Receiver | None

    def shipments(self, since: datetime, until: datetime) -> Iterator[Shipment | Aside | Awaited]:
        """
        Every shipment that was made or changed in [since, until), each with ``account`` left empty.

        :raises RastroError: the source cannot be read; nothing of what was yielded before is wrong.
        """
        ...

    def again(self, order_ids: Iterable[str]) -> Iterator[Shipment | Aside | Awaited]:
        """
        The same of orders that were awaited, as they are now.

        :raises RastroError: as :meth:`shipments`.
        """
        ...

    def contact(self, order_id: str, *, to_receiver: bool = False) -> Contact | None:
        """
        The customer's real address, or None when there is none that may be written to.

        :param to_receiver: that of whoever receives the order, None when this is the buyer.

        :raises RastroError: it could not be read now.
        """
        ...

    def probe(self) -> str:
        """
        Read as little as shows whether all that is needed may be read; what that was, for a sentence.

        :raises RastroError: it may not, or cannot be reached.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """
    What a source is built from: its connection, as ``account`` or ``engine``, and the settings that concern it.

    ``new_link`` gives out the address of an order's tracking page; None where there are no such pages. ``limits`` are
    of a source that is called by HTTP, in place of its own; ``shared`` makes the pace that its clients keep together.
    """

    account: Account | None = None
    engine: Engine | None = None
    relation: str = ""
    routes: Mapping[str, OrderRoute] = field(default_factory=dict)
    events: str = "full"
    fill_tracking_url: bool = False
    new_link: Callable[[str], str] | None = None
    horizon: timedelta = timedelta(days=30)
    limits: Limits | None = None
    shared: Sharing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceType:
    """
    One kind of order source.

    ``connects_by`` is the field of :class:`Setup` that its connection goes into ("account" or "engine"). ``build``
    checks it and raises Misconfigured with all that is missing. ``fields`` are those of its connection; without them
    it uses a connection of a type that Airflow knows anyway. ``credentials`` says where a shop gets them.
    """

    code: str
    name: str
    docs: str
    covers: str
    writes_back: bool
    connects_by: str
    build: Callable[[Setup], OrderSource]
    base_url: str = ""
    fields: tuple[Field, ...] = ()
    credentials: str = ""
