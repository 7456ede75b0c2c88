"""
OAuth 2 tokens, in the shapes that carriers and marketplaces ask for them.

The grants are RFC 6749's: client credentials, password, and refresh token. A refresh token that is handed out anew with
each token may be used once only, so whoever keeps tokens keeps the newest under a lock.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

import msgspec

from rastro import typed
from rastro.access import Account, Token
from rastro.errors import Misconfigured, Unreadable
from rastro.http import Request, Response

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
LONGEST = timedelta(days=400)


class Grant(msgspec.Struct):
    access_token: str = ""
    expires_in: float | str | None = None
    refresh_token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """
    One way of obtaining a token.

    ``body`` is ``form`` or ``json``. The client's id and secret are the connection's login and password, sent in the
    body, or by Basic authentication with ``basic``. The grant ``password`` sends login and password as user's, with
    what else the service wants in ``more``. The grant ``refresh_token`` begins with the connection's extra
    ``refresh_token`` and goes on with the newest that was handed out. ``ready`` names an extra that holds a ready-made
    token, which makes all this unneeded. ``lifetime`` stands in where the answer names none.
    """

    code: str
    path: str
    grant: str = "client_credentials"
    body: str = "form"
    basic: bool = False
    base_url: str = ""
    ready: str = ""
    lifetime: timedelta = timedelta(hours=1)
    more: Mapping[str, str] = field(default_factory=dict)

    def host(self, account: Account) -> str:
        return account.extra.get("login_url", "") or self.base_url or account.base_url

    def needed(self, account: Account) -> bool:
        return not (self.ready and account.extra.get(self.ready))

    def request(self, account: Account, held: Token | None, now: datetime) -> Request:
        del now
        values = {"grant_type": self.grant, **self.more}
        if self.grant == "refresh_token":
            values["refresh_token"] = self._refresh(account, held)
        if self.grant == "password":
            values |= {"username": account.login, "password": account.password}
        elif not self.basic:
            values |= {"client_id": account.login, "client_secret": account.password}
        headers = {"Accept": "application/json"}
        if self.basic:
            pair = base64.b64encode(f"{account.login}:{account.password}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        # A refresh token may be spent by the first of two requests, so it is never sent twice.
        repeatable = self.grant != "refresh_token"
        if self.body == "json":
            return Request(method="POST", path=self.path, headers=headers, json=values, repeatable=repeatable)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return Request(
            method="POST", path=self.path, headers=headers, body=urlencode(values).encode(), repeatable=repeatable
        )

    def _refresh(self, account: Account, held: Token | None) -> str:
        refresh = (held.refresh if held else "") or account.extra.get("refresh_token", "")
        if not refresh:
            raise Misconfigured(f"{self.code}: the connection lacks extra.refresh_token, which its consent page gives")
        return refresh

    def token(self, response: Response, now: datetime) -> Token:
        try:
            answer = typed.decode(response.body, Grant, strict=False)
            lasts = timedelta(seconds=float(answer.expires_in)) if answer.expires_in else self.lifetime
        except (*UNREADABLE, ValueError, OverflowError):
            answer, lasts = Grant(), self.lifetime
        if not answer.access_token:
            raise Unreadable(f"{self.code}: the answer to the login holds no token; check the connection's host")
        return Token(
            value=answer.access_token,
            expires_at=now + min(max(lasts, timedelta(minutes=1)), LONGEST),
            refresh=answer.refresh_token,
        )
