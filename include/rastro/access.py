"""How we identify ourselves to others: what a connection holds, and tokens that come to an end."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from rastro.errors import Misconfigured
from rastro.http import Request, Response

SECRET_NAME = re.compile("secret|token|password|api_key|access_key")  # by which Airflow masks an extra, too


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """
    One contract with a carrier or marketplace, as its Airflow connection holds it.

    ``secrets`` are the values that no message may show: the password, and what stands in an extra whose name says so.
    """

    base_url: str
    login: str = ""
    password: str = field(default="", repr=False)
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def secrets(self) -> frozenset[str]:
        told = {value for name, value in self.extra.items() if SECRET_NAME.search(name)}
        return frozenset({self.password, *told} - {""})

    def value(self, name: str) -> str:
        """The field of that name, ``login``, ``password`` or one of the extras; empty when it has none."""
        return {"login": self.login, "password": self.password}.get(name) or self.extra.get(name, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """
    One field of an adapter's connection: ``login``, ``password``, ``host`` or the name of an extra.

    The connection form, the adapter's page and the message about what is missing are made from it. ``example`` is an
    invented value of its form; with one, a field that is not required is shown in the example of a connection, too.
    The name of a secret extra holds a word by which Airflow masks it: secret, token, password, api_key, access_key.
    """

    name: str
    label: str
    help: str = ""
    secret: bool = False
    required: bool = True
    example: str = ""


PACE = Field(
    name="requests_per_second",
    label="Calls a second",
    help="Where the contract bears more or fewer than other contracts do.",
    required=False,
)


def with_pace(fields: Sequence[Field]) -> tuple[Field, ...]:
    """All fields of a carrier's or marketplace's connection: its own, and the one that each may have."""
    return tuple(fields) if PACE.name in {one.name for one in fields} else (*fields, PACE)


def check(code: str, account: Account, fields: Sequence[Field]) -> None:
    """
    :raises Misconfigured: the connection lacks something that it must have; the message lists all of it.
    """
    missing = [
        f"{one.name if one.name in {'login', 'password'} else f'extra.{one.name}'} ({one.label})"
        for one in fields
        if one.required and one.name != "host" and not account.value(one.name)
    ]
    if missing:
        raise Misconfigured(f"{code}: the connection lacks {', '.join(missing)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """
    A key with an end; :class:`Login` obtains it, the warehouse keeps it encrypted between tasks.

    ``refresh`` is what the next one is obtained with, where the other side hands out such a thing.
    """

    value: str = field(repr=False)
    expires_at: datetime
    refresh: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a request may use to identify itself."""

    account: Account
    token: Token | None = None


class Login(Protocol):
    """How a token is obtained, in two pure halves."""

    def host(self, account: Account) -> str:
        """The base URL that the login is sent to, which may be another than the account's."""
        ...

    def needed(self, account: Account) -> bool:
        """False when the account holds a ready-made key, which the adapter uses as it is."""
        ...

    def request(self, account: Account, held: Token | None, now: datetime) -> Request:
        """
        :param held: the token of before, over or refused, for logins that are renewed by it.
        :raises Misconfigured: the account lacks something; the message lists all that is missing.
        """
        ...

    def token(self, response: Response, now: datetime) -> Token:
        """
        :raises Unreadable: the answer holds no token.
        """
        ...


class Tokens(Protocol):
    """Hands out what requests of one account identify themselves with."""

    def access(self) -> Access:
        """
        :raises RastroError: no token could be obtained.
        """
        ...

    def renewed(self, refused: Access) -> Access | None:
        """Access by a token other than the one that was just refused; None when there is no other."""
        ...
