"""Tokens shared by all tasks: obtained once, kept encrypted in the warehouse, renewed under a lock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from rastro.access import Access, Account, Login, Token
from rastro.http import Http
from rastro.warehouse import tokens as kept
from rastro.warehouse.connect import Connect

MARGIN = timedelta(minutes=2)


class Sealer(Protocol):
    """Encrypts what is kept (a Fernet key of Airflow's)."""

    def encrypt(self, data: bytes) -> bytes: ...

    def decrypt(self, token: bytes) -> bytes: ...


@dataclass(slots=True, kw_only=True)
class AccessKeeper:
    """
    Hands out a valid :class:`~rastro.access.Access` for one account.

    ``holder`` names the account in the warehouse. One task logs in, the others wait for its token: carriers count
    logins, too.
    """

    holder: str
    account: Account
    login: Login | None
    http: Http
    connect: Connect
    sealer: Sealer
    clock: Callable[[], datetime]
    _token: Token | None = field(default=None, repr=False)

    def access(self) -> Access:
        """
        :raises RastroError: no token could be obtained.
        """
        if self.login is None or not self.login.needed(self.account):
            return Access(account=self.account)
        if self._token is None or self._token.expires_at - MARGIN <= self.clock():
            self._token = self._shared(self.login, unlike=None)
        return Access(account=self.account, token=self._token)

    def renewed(self, refused: Access) -> Access:
        """Access by a token other than the one that was just refused."""
        if self.login is not None and self.login.needed(self.account):
            self._token = self._shared(self.login, unlike=refused.token)
        return self.access()

    def _shared(self, login: Login, unlike: Token | None) -> Token:
        with self.connect() as conn, conn.transaction():
            kept.lock(conn, self.holder)
            token = self._usable(kept.load(conn, self.holder))
            if token is None or token == unlike:
                token = login.token(self.http.send(login.request(self.account)), self.clock())
                kept.save(conn, self.holder, self.sealer.encrypt(token.value.encode()), token.expires_at)
        return token

    def _usable(self, sealed: kept.Sealed | None) -> Token | None:
        if sealed is None or sealed.expires_at - MARGIN <= self.clock():
            return None
        try:
            value = self.sealer.decrypt(sealed.value).decode()
        except ValueError:  # sealed with a key that is no longer in use
            return None
        return Token(value=value, expires_at=sealed.expires_at)
