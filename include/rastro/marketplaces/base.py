"""
What a marketplace adapter is: a :class:`~rastro.receivers.Receiver` made from its connection.

One adapter = one module here, which ends in its :class:`Marketplace`, one line in :mod:`rastro.marketplaces.registry`,
and one page of docs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec

from rastro import typed
from rastro.access import Access, Account, Field, Login, Tokens, with_pace
from rastro.errors import CredentialsRefused, Forbidden, Rejected, Unreadable
from rastro.http import Http, Limits, Request, Response
from rastro.models import SHIPPED, Status
from rastro.receivers import Message, Receiver

T = TypeVar("T")
# What decoding a body may raise: no JSON, another shape, not UTF-8, nested without end.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# A parcel of which one of these is true is shipped, for marketplaces that know no finer word.
ON_ITS_WAY = SHIPPED - {Status.DELIVERED}


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

    @property
    def connection_fields(self) -> tuple[Field, ...]:
        """All fields of its connection: its own, and those that every marketplace's may have."""
        return with_pace(self.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line to a marketplace that wants a token: one that is refused is renewed once; one that is known is not."""

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
        except Forbidden:
            raise
        except CredentialsRefused:
            renewed = self.tokens.renewed(access)
            if renewed is None:
                raise
            return self.http.send(request_with(renewed))


def decoded(answer: Response, kind: type[T], what: str) -> T:
    """
    The body of an answer as ``kind``; numbers written as text are numbers all the same.

    :param what: what was asked for, for the message: ``magalu: delivery 7``.
    :raises Unreadable: it is something else.
    """
    try:
        return typed.decode(answer.body, kind, strict=False)
    except UNREADABLE as error:
        raise Unreadable(f"{what} cannot be read: {error}", raw=answer.body) from None


def number_outside(message: Message, code: str) -> str:
    """
    The marketplace's own number of the order.

    :raises Rejected: it is not known.
    """
    if not message.marketplace_order_id:
        raise Rejected(f"{code}: order {message.order_id} has no marketplace order id to be told under")
    return message.marketplace_order_id
