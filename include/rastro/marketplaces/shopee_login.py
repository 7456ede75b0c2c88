"""
How Shopee is called: signed requests, a login that hands out a new refresh token each time, refusals inside a 200.

API docs: https://open.shopee.com/documents (v2, read 2026-11). What is called is in :mod:`rastro.marketplaces.shopee`.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from rastro.access import Account, Token
from rastro.errors import (
    CredentialsRefused,
    Forbidden,
    Misconfigured,
    NotFound,
    RastroError,
    RateLimited,
    Rejected,
    Transient,
    Unreadable,
    error_for,
)
from rastro.http import Request, Response
from rastro.marketplaces.base import decoded
from rastro.redaction import redact

REFRESH = "/api/v2/auth/access_token/get"
# What an error says of the next step, by its last part; any other means that the request is wrong.
REFUSALS: Mapping[str, type[RastroError]] = {
    "error_auth": CredentialsRefused,
    "error_permission": Forbidden,
    "error_sign": CredentialsRefused,
    "error_access_token": CredentialsRefused,
    "invalid_access_token": CredentialsRefused,
    "invalid_acceess_token": CredentialsRefused,
    "error_rate_limit": RateLimited,
    "error_limit": RateLimited,
    "error_not_found": NotFound,
    "order_not_found": NotFound,
    "error_order_not_found": NotFound,
    "error_server": Transient,
    "error_inner": Transient,
    "error_network": Transient,
    "error_system_busy": Transient,
}
# A 403 may mean a token that has ended, or a shop that may not do this: its body tells.
SPOKEN = frozenset({403})
LIFETIME = timedelta(hours=4)


class Envelope(msgspec.Struct):
    error: str | None = None
    message: str | None = None
    request_id: str | None = None


class Grant(msgspec.Struct):
    access_token: str = ""
    refresh_token: str = ""
    expire_in: float | None = None


def sign(key: str, *parts: str) -> str:
    """The signature over the parts as one, in hex."""
    return hmac.new(key.encode(), "".join(parts).encode(), hashlib.sha256).hexdigest()


def number(account: Account, field: str) -> int:
    """
    :raises Misconfigured: it is none.
    """
    value = account.value(field).strip()
    if not (value.isascii() and value.isdecimal()):
        raise Misconfigured(f"shopee: the connection's {field} is not a number")
    return int(value)


def signed(account: Account, path: str, at: datetime, token: Token | None = None) -> tuple[tuple[str, str], ...]:
    """The parameters that every call carries; before the login, those without token and shop."""
    partner, timestamp = str(number(account, "login")), str(int(at.timestamp()))
    if token is None:
        return (
            ("partner_id", partner),
            ("timestamp", timestamp),
            ("sign", sign(account.password, partner, path, timestamp)),
        )
    shop = str(number(account, "shop_id"))
    return (
        ("partner_id", partner),
        ("timestamp", timestamp),
        ("access_token", token.value),
        ("shop_id", shop),
        ("sign", sign(account.password, partner, path, timestamp, token.value, shop)),
    )


def judge(what: str, response: Response) -> None:
    """
    :raises RastroError: the answer is a refusal, or none.
    """
    try:
        envelope = decoded(response, Envelope, what)
    except Unreadable:
        envelope = Envelope()
        if response.status not in SPOKEN:
            raise
    if not envelope.error:
        if response.status in SPOKEN:
            raise error_for(response.status, what)
        return
    if "timestamp" in (envelope.message or "").lower():
        raise Misconfigured(f"{what} is refused for its time: set this machine's clock right")
    said = f"{what} is refused with {redact(envelope.error)[:60]} ({redact(envelope.message or '')[:120]})"
    kind = REFUSALS.get(envelope.error.rpartition(".")[2], Forbidden if response.status in SPOKEN else Rejected)
    if issubclass(kind, CredentialsRefused):
        raise kind(f"{said}: check the connection's keys, and the shop's consent")
    raise kind(said)


@dataclass(frozen=True, slots=True)
class ByConsent:
    """The login of a shop that has consented: a signed exchange of a refresh token that is good for one use."""

    def host(self, account: Account) -> str:
        return account.base_url

    def needed(self, account: Account) -> bool:
        del account
        return True

    def request(self, account: Account, held: Token | None, now: datetime) -> Request:
        refresh = (held.refresh if held else "") or account.extra.get("refresh_token", "")
        if not refresh:
            raise Misconfigured("shopee: the connection lacks extra.refresh_token, which the shop's consent gives")
        return Request(
            method="POST",
            path=REFRESH,
            params=signed(account, REFRESH, now),
            json={
                "refresh_token": refresh,
                "partner_id": number(account, "login"),
                "shop_id": number(account, "shop_id"),
            },
            repeatable=False,  # the first of two may spend the token
            accept=SPOKEN,
        )

    def token(self, response: Response, now: datetime) -> Token:
        """
        :raises RastroError: it is refused, in a 200 too.
        """
        judge("shopee: the login", response)
        grant = decoded(response, Grant, "shopee: the answer to the login")
        if not grant.access_token:
            raise Unreadable("shopee: the answer to the login holds no token; check the connection's host")
        lasts = timedelta(seconds=min(max(grant.expire_in or LIFETIME.total_seconds(), 60.0), 86_400.0))
        return Token(value=grant.access_token, expires_at=now + lasts, refresh=grant.refresh_token)
