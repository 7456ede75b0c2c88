"""
What a carrier adapter is: the request it would make and the meaning of what came back. It does no I/O.

One adapter = one module here, one line in :mod:`rastro.carriers.registry`, one folder of recordings.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Protocol

from rastro.access import Access, Login
from rastro.http import Request, Response
from rastro.models import ReferenceKind, Refusal, Snapshot
from rastro.routing import Claims


class Asks(StrEnum):
    """How a carrier is asked."""

    SINGLE = "single"  # one reference a call
    BATCH = "batch"
    REGISTER = "register"  # register first, read later
    FEED = "feed"  # hands out each change once; a lot is stored before it is read


class Carrier(Protocol):
    """One carrier. Attributes are constants of its module."""

    code: str  # module name = registry key = recordings folder = Airflow pool
    name: str
    docs: str
    confidence: str  # A official document, B several integrations agree, C one source
    base_url: str  # the default; the connection's host overrides it
    references: tuple[ReferenceKind, ...]  # any of them will do, in this order of preference
    asks: Asks
    batch_size: int
    connections: int  # calls at once that one contract bears
    requests_per_second: float  # for one contract
    login: Login | None
    claims: Claims

    def page_about(self, reference: str) -> str:
        """The address of the carrier's own page about a reference, for people; empty when there is none."""
        ...

    def doubt_about(self, reference: str) -> str:
        """What looks wrong about a reference that is asked about all the same; empty when nothing does."""
        ...

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        """The call that asks about these references, at most ``batch_size`` of them."""
        ...

    def split(self, response: Response) -> Iterator[tuple[str, bytes]]:
        """
        The answer cut into (reference, raw bytes about it), without reading more than needed to cut.

        An unchanged parcel must give the same bytes, since their digest decides whether anything is read at all.

        :raises Unreadable: the body as a whole is not what this carrier sends.
        """
        ...

    def parse(self, raw: bytes) -> Snapshot | Refusal:
        """
        What one part of :meth:`split` means.

        :raises Unreadable: this part makes no sense; the others are not concerned.
        """
        ...
