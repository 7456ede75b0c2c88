"""Tokens shared by all tasks: obtained once, kept encrypted in the warehouse, renewed under a lock."""

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec
import psycopg

from rastro import typed
from rastro.access import Access, Account, Login, Token
from rastro.errors import CredentialsRefused, Doubtful, Rejected, Transient
from rastro.http import Http, Limits, Request
from rastro.warehouse import tokens as kept
from rastro.warehouse.connect import Connect

MARGIN = timedelta(minutes=2)
LIMITS = Limits(read_timeout=20.0, call_timeout=45.0)
# Seconds before each further try at keeping a token that has been handed out: a database that starts anew needs some.
PAUSES = (0.0, 2.0, 5.0, 15.0, 30.0)


class Sealer(Protocol):
    """Encrypts what is kept (a Fernet key of Airflow's)."""

    def encrypt(self, data: bytes) -> bytes: ...

    def decrypt(self, token: bytes) -> bytes: ...


class Contents(msgspec.Struct):
    """What is sealed. ``begun_by`` tells whether what the connection began with has been replaced since."""

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
    sleep: Callable[[float], None] = time.sleep
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
        before, obtained = None, None
        try:
            with self.connect() as conn, conn.transaction():
                kept.lock(conn, self.holder)
                before = kept.load(conn, self.holder)
                token = self._opened(before)
                if token is None or not self._is_good(token) or (unlike and token.value == unlike.value):
                    token = obtained = self._logged_in(login, token)
                    self._keep(conn, obtained)
        except psycopg.Error as error:
            if obtained is None:
                raise
            return self._kept_after_all(obtained, before, error)
        return token

    def _keep(self, conn: psycopg.Connection[Any], token: Token) -> None:
        contents = Contents(value=token.value, refresh=token.refresh, begun_by=self._begun_by())
        kept.save(conn, self.holder, self.sealer.encrypt(msgspec.json.encode(contents)), token.expires_at)

    def _kept_after_all(self, token: Token, before: kept.Sealed | None, lost: psycopg.Error) -> Token:
        """
        A token that was handed out while the warehouse was lost, kept over a connection of its own.

        The lock went with the connection: what others have kept meanwhile is newer, and stays.

        :raises Transient: the warehouse stays away.
        """
        for pause in PAUSES:
            self.sleep(pause)
            with suppress(psycopg.Error, Transient):
                with self.connect() as conn, conn.transaction():
                    kept.lock(conn, self.holder)
                    now = kept.load(conn, self.holder)
                    if now == before:
                        self._keep(conn, token)
                    else:
                        token = self._opened(now) or token
                return token
        said = f"{self.holder}: a new token was handed out, but the warehouse was lost before it could be kept"
        raise Transient(f"{said}. If the next one is refused, {remedy(self.account)}") from lost

    def _logged_in(self, login: Login, held: Token | None) -> Token:
        request = login.request(self.account, held, self.clock())
        self.logins += 1
        return obtained_by(request, login, self.holder, self.account, held, self.clock(), LIMITS)

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
        # A consent outlives the application's secret, which may be changed at any time.
        consent = self.account.extra.get("refresh_token", "")
        credentials = (self.account.login, "" if consent else self.account.password, consent)
        return hashlib.blake2b("\0".join(credentials).encode(), digest_size=12).hexdigest()

    def _is_good(self, token: Token) -> bool:
        return token.expires_at - MARGIN > self.clock()


@dataclass(slots=True, kw_only=True)
class FreshTokens:
    """Logs in anew, keeps nothing: so the credentials themselves are tried, and not a token of before."""

    holder: str
    account: Account
    login: Login | None
    clock: Callable[[], datetime]
    limits: Limits

    def access(self) -> Access:
        """
        :raises RastroError: no token could be obtained.
        """
        if self.login is None or not self.login.needed(self.account):
            return Access(account=self.account)
        request = self.login.request(self.account, None, self.clock())
        token = obtained_by(request, self.login, self.holder, self.account, None, self.clock(), self.limits)
        return Access(account=self.account, token=token)

    def renewed(self, refused: Access) -> None:
        """There is no other."""
        del refused


def is_good_once(login: Login | None, account: Account) -> bool:
    """Whether the account logs in by what the first login uses up, so that whoever logs in must keep what he gets."""
    return login is not None and login.needed(account) and bool(account.extra.get("refresh_token"))


def obtained_by(
    request: Request, login: Login, holder: str, account: Account, held: Token | None, now: datetime, limits: Limits
) -> Token:
    """
    :param held: the token of before, whose refresh token stays where none is handed out anew.
    :raises RastroError: none is given; it says what to do.
    """
    secrets = {*account.secrets, *((held.refresh,) if held else ())}
    with Http(login.host(account), name=holder.partition(":")[0], limits=limits, secrets=secrets) as http:
        try:
            token = login.token(http.send(request), now)
        except Doubtful as error:  # the next run finds out
            raise Transient(f"{error}. If the next one is refused, the token it refreshes by was spent") from error
        except Rejected as error:
            raise CredentialsRefused(f"{error}. The login is refused: {remedy(account)}") from error
    if not token.refresh and held and held.refresh:
        return Token(value=token.value, expires_at=token.expires_at, refresh=held.refresh)
    return token


def remedy(account: Account) -> str:
    check = "check the connection's credentials"
    if not account.extra.get("refresh_token"):
        return check
    return f"{check}; if its refresh token is spent, consent anew, and put the new refresh token into the connection"
