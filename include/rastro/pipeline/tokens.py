"""Tokens shared by all tasks: obtained once, kept encrypted in the warehouse, renewed under a lock."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from rastro import typed
from rastro.access import Access, Account, Login, Token
from rastro.errors import CredentialsRefused, Doubtful, Rejected, Transient
from rastro.http import Http, Limits
from rastro.warehouse import tokens as kept
from rastro.warehouse.connect import Connect

MARGIN = timedelta(minutes=2)
LIMITS = Limits(read_timeout=20.0, call_timeout=45.0)


class Sealer(Protocol):
    """Encrypts what is kept (a Fernet key of Airflow's)."""

    def encrypt(self, data: bytes) -> bytes: ...

    def decrypt(self, token: bytes) -> bytes: ...


class Contents(msgspec.Struct):
    """What is sealed. ``begun_by`` tells whether the connection's own credentials have been replaced since."""

    value: str
    refresh: str
    begun_by: str


@dataclass(slots=True, kw_only=True)
class AccessKeeper:
    """
    Hands out a valid :class:`~rastro.access.Access` for one account.

    ``holder`` names the account in the warehouse. One task logs in, the others wait for its token: carriers count
    logins, too, and a refresh token that may be used once must be used by one.
    """

    holder: str
    account: Account
    login: Login | None
    connect: Connect
    sealer: Sealer
    clock: Callable[[], datetime]
    logins: int = 0  # calls made to obtain tokens
    _token: Token | None = field(default=None, repr=False)

    def access(self) -> Access:
        """
        :raises RastroError: no token could be obtained.
        """
        if self.login is None or not self.login.needed(self.account):
            return Access(account=self.account)
        if self._token is None or not self._is_good(self._token):
            self._token = self._shared(self.login, unlike=None)
        return Access(account=self.account, token=self._token)

    def renewed(self, refused: Access) -> Access | None:
        """Access by a token other than the one that was just refused; None when there is no other."""
        if self.login is None or not self.login.needed(self.account):
            return None
        self._token = self._shared(self.login, unlike=refused.token)
        return self.access()

    def _shared(self, login: Login, unlike: Token | None) -> Token:
        with self.connect() as conn, conn.transaction():
            kept.lock(conn, self.holder)
            token = self._opened(kept.load(conn, self.holder))
            if token is None or not self._is_good(token) or (unlike and token.value == unlike.value):
                token = self._logged_in(login, token)
                contents = Contents(value=token.value, refresh=token.refresh, begun_by=self._begun_by())
                kept.save(conn, self.holder, self.sealer.encrypt(msgspec.json.encode(contents)), token.expires_at)
        return token

    def _logged_in(self, login: Login, held: Token | None) -> Token:
        request = login.request(self.account, held, self.clock())
        with Http(login.host(self.account), name=self.holder.partition(":")[0], limits=LIMITS) as http:
            self.logins += 1
            try:
                token = login.token(http.send(request), self.clock())
            except Doubtful as error:  # the next run finds out
                raise Transient(f"{error}. If the next one is refused, the token it refreshes by was spent") from error
            except Rejected as error:
                raise CredentialsRefused(f"{error}. The login is refused: {self._remedy()}") from error
        if not token.refresh and held and held.refresh:
            return Token(value=token.value, expires_at=token.expires_at, refresh=held.refresh)
        return token

    def _remedy(self) -> str:
        check = "check the connection's credentials"
        if not self.account.extra.get("refresh_token"):
            return check
        return (
            f"{check}; if its refresh token is spent, consent anew, and put the new refresh token into the connection"
        )

    def _opened(self, sealed: kept.Sealed | None) -> Token | None:
        """What is kept; None when nothing is, or nothing that was begun with the connection as it is now."""
        if sealed is None:
            return None
        try:
            contents = typed.decode(self.sealer.decrypt(sealed.value), Contents)
        except (ValueError, msgspec.DecodeError):  # sealed with a key no longer in use, or by an earlier version
            return None
        if contents.begun_by != self._begun_by():
            return None
        return Token(value=contents.value, expires_at=sealed.expires_at, refresh=contents.refresh)

    def _begun_by(self) -> str:
        credentials = (self.account.login, self.account.password, self.account.extra.get("refresh_token", ""))
        return hashlib.blake2b("\0".join(credentials).encode(), digest_size=12).hexdigest()

    def _is_good(self, token: Token) -> bool:
        return token.expires_at - MARGIN > self.clock()
