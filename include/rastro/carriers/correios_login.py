"""
The token of Correios' API: one for each contract, good for a day (token v1, read 2026-11).

Only tokens of a posting card or a contract may track. A running token is handed out again until about its last half
hour. ``expiraEm`` has no zone and is Brasília's, so the JWT's own end is preferred.
"""

import base64
from datetime import UTC, datetime

import msgspec

from rastro import typed
from rastro.access import Account, Token
from rastro.carriers.correios_lines import moment
from rastro.errors import Misconfigured, Unreadable
from rastro.http import Request, Response

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class CorreiosLogin:
    """The contract's token, good for a day; a ready-made key (``cws-…``) in the connection needs none."""

    def needed(self, account: Account) -> bool:
        return not ready_made_key(account)

    def host(self, account: Account) -> str:
        return account.base_url

    def request(self, account: Account, held: Token | None, now: datetime) -> Request:
        del held, now
        card, contract = account.extra.get("posting_card", ""), account.extra.get("contract", "")
        missing = [
            what
            for what, there in (
                ("login (the user of Meu Correios)", account.login),
                ("password (the access code made at cws.correios.com.br)", account.password),
                ("extra.posting_card or extra.contract", card or contract),
            )
            if not there
        ]
        regional = account.extra.get("dr", "")
        if regional and not regional.isdecimal():
            missing.append("a number in extra.dr")
        if missing:
            raise Misconfigured(f"correios: the connection lacks {', '.join(missing)}; or give extra.access_key, cws-…")
        body: dict[str, str | int] = {"numero": card or contract}
        if card and contract:
            body["contrato"] = contract
        if regional:
            body["dr"] = int(regional)
        basic = base64.b64encode(f"{account.login}:{account.password}".encode()).decode()
        return Request(
            method="POST",
            path=f"/token/v1/autentica/{'cartaopostagem' if card else 'contrato'}",
            headers={"Authorization": f"Basic {basic}", "Content-Type": "application/json"},
            json=body,
        )

    def token(self, response: Response, now: datetime) -> Token:
        try:
            answer = typed.decode(response.body, dict[str, object])
        except UNREADABLE:
            answer = {}
        value = answer.get("token")
        if not isinstance(value, str) or not value:
            raise Unreadable("correios: the answer to the login holds no token; check the connection's host")
        expires_at = end_of(value) or moment(answer.get("expiraEm"))
        if expires_at is None or expires_at <= now:
            raise Unreadable("correios: the token's end is missing or past; check this machine's clock")
        return Token(value=value, expires_at=expires_at)


def ready_made_key(account: Account) -> str:
    key = account.extra.get("access_key", "")
    return key if key.startswith("cws-") else ""


def end_of(jwt: str) -> datetime | None:
    """When a JWT says it ends, in UTC; None when it does not decode."""
    try:
        payload = typed.decode(base64.urlsafe_b64decode(jwt.split(".")[1] + "=="), dict[str, object])
        return datetime.fromtimestamp(float(str(payload["exp"])), UTC)
    except (*UNREADABLE, ValueError, LookupError, OverflowError, OSError):
        return None
