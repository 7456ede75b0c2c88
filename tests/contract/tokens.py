"""Tokens kept in memory, for adapters that are tried without a warehouse."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rastro.access import Access, Account, Login, Token
from rastro.http import Http, Limits

LIMITS = Limits(connect_timeout=1.0, read_timeout=1.0, call_timeout=4.0, retries=0, backoff=0.0)


@dataclass
class MemoryTokens:
    """``logins`` counts how often a token was obtained."""

    account: Account
    login: Login | None
    held: Token | None = None
    logins: int = field(default=0)

    def access(self) -> Access:
        if self.login is None or not self.login.needed(self.account):
            return Access(account=self.account)
        if self.held is None or self.held.expires_at <= datetime.now(UTC):
            self._log_in(self.login)
        return Access(account=self.account, token=self.held)

    def renewed(self, refused: Access) -> Access | None:
        if self.login is None or not self.login.needed(self.account):
            return None
        if self.held and refused.token and self.held.value == refused.token.value:
            self._log_in(self.login)
        return self.access()

    def _log_in(self, login: Login) -> None:
        request = login.request(self.account, self.held, datetime.now(UTC))
        with Http(login.host(self.account), name="login", limits=LIMITS) as http:
            self.held = login.token(http.send(request), datetime.now(UTC))
        self.logins += 1


def account_from(connection: dict[str, Any], **changed: Any) -> Account:
    """The account that an Airflow connection of the simulator's describes, with some of it changed."""
    held = {**connection, **changed}
    return Account(
        base_url=held["host"],
        login=held.get("login", ""),
        password=held.get("password", ""),
        extra={name: str(value) for name, value in held.get("extra", {}).items()},
    )
