"""
What a marketplace adapter is: a :class:`~rastro.receivers.Receiver` made from its connection.

One adapter = one module here and one line in :mod:`rastro.marketplaces.registry`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rastro.access import Account
from rastro.receivers import Receiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Marketplace:
    """
    How one marketplace is reached.

    ``build`` makes the receiver from the connection; it checks it and raises Misconfigured with all that is missing.
    ``mails_customer`` is true where the marketplace itself mails the buyer, so that we do not.
    """

    code: str
    name: str
    docs: str
    confidence: str
    base_url: str
    reads_back: bool
    mails_customer: bool
    requests_per_second: float
    build: Callable[[Account], Receiver]
