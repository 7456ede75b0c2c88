"""How we identify ourselves to others: what a connection holds, and tokens that come to an end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from rastro.http import Request, Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One contract with a carrier or marketplace, as its Airflow connection holds it."""

    base_url: str
    login: str = ""
    password: str = field(default="", repr=False)
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A key with an end; :class:`Login` obtains it, the warehouse keeps it encrypted between tasks."""

    value: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a request may use to identify itself."""

    account: Account
    token: Token | None = None


class Login(Protocol):
    """How a token is obtained, in two pure halves."""

    def needed(self, account: Account) -> bool:
        """False when the account holds a ready-made key, which the adapter uses as it is."""
        ...

    def request(self, account: Account) -> Request:
        """
        :raises Misconfigured: the account lacks something; the message lists all that is missing.
        """
        ...

    def token(self, response: Response, now: datetime) -> Token:
        """
        :raises Unreadable: the answer holds no token.
        """
        ...
