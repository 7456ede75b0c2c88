"""
What a marketplace adapter is: a :class:`~rastro.receivers.Receiver` made from its connection.

One adapter = one module here, which ends in its :class:`Marketplace`, one line in :mod:`rastro.marketplaces.registry`,
and one page of docs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rastro.access import Access, Account, Field, Login, Tokens
from rastro.errors import CredentialsRefused
from rastro.http import Http, Limits, Request, Response
from rastro.models import Status
from rastro.receivers import Receiver


class Build(Protocol):
    """
    Makes the receiver of one connection.

    :param tokens: what its requests identify themselves with, for those with a ``login``.
    :param limits: for tests; else the adapter's own.
    :raises Misconfigured: the connection lacks something; the message lists all that is missing.
    """

    def __call__(self, account: Account, tokens: Tokens, *, limits: Limits | None = None) -> Receiver: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Marketplace:
    """
    How one marketplace is reached.

    ``mails_customer`` is true where the marketplace itself mails the buyer, so that we do not. ``takes`` are the
    statuses that it can be told beside delivery, where the shop wants it to be. ``unsure`` says what is a guess.
    """

    code: str
    name: str
    docs: str
    confidence: str
    base_url: str
    fields: tuple[Field, ...]
    credentials: str
    reads_back: bool
    mails_customer: bool
    requests_per_second: float
    build: Build
    takes: frozenset[Status] = frozenset()
    login: Login | None = None
    unsure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line to a marketplace that wants a token: one that is refused is renewed once."""

    http: Http
    tokens: Tokens

    def send(self, request_with: Callable[[Access], Request]) -> Response:
        """
        The answer to the request that ``request_with`` makes from an access.

        :raises RastroError: as :meth:`rastro.http.Http.send`.
        """
        access = self.tokens.access()
        try:
            return self.http.send(request_with(access))
        except CredentialsRefused:
            renewed = self.tokens.renewed(access)
            if renewed is None:
                raise
            return self.http.send(request_with(renewed))
