"""The question to a described carrier: its request, and the login that some want before it."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from rastro.access import Access, Account, Token
from rastro.carriers import json_paths, lines, templates
from rastro.carriers.description import (
    Basic,
    Batch,
    Bearer,
    Description,
    Header,
    NoAuth,
    OAuth2,
    TokenInBody,
)
from rastro.errors import Misconfigured, Rejected, Unreadable
from rastro.http import Request, Response, path_segment
from rastro.oauth import LONGEST
from rastro.setting_values import span

FORM = "application/x-www-form-urlencoded"
GRANTS: Mapping[str, Mapping[str, str]] = {
    "client_credentials": {"client_id": "{login}", "client_secret": "{password}"},
    "password": {"username": "{login}", "password": "{password}"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedLogin:
    """A token obtained as a description says."""

    code: str
    how: OAuth2

    def host(self, account: Account) -> str:
        return self.how.host or account.base_url

    def needed(self, account: Account) -> bool:
        del account
        return True

    def request(self, account: Account, held: Token | None, now: datetime) -> Request:
        del held, now
        known = known_from(account)
        headers = {"Accept": "application/json", **dict(templates.pairs(self.how.headers, known))}
        if self.how.basic:
            headers["Authorization"] = basic(account.login, account.password)
        own = {"grant_type": self.how.grant, **({} if self.how.basic else GRANTS[self.how.grant])}
        wanted = self.how.values or own
        values = dict(templates.pairs(wanted, known))
        if lacking := lacking_in(list(wanted.values()), known):
            raise Misconfigured(f"{self.code}: the connection lacks {lacking}")
        path = filled_path(self.how.path, known) or ""
        if self.how.send == "json":
            return Request(method="POST", path=path, headers=headers, json=values)
        headers["Content-Type"] = FORM
        return Request(method="POST", path=path, headers=headers, body=urlencode(values).encode())

    def token(self, response: Response, now: datetime) -> Token:
        answer = lines.decoded(response.body, dict[str, Any], f"{self.code}: login")
        try:
            value = json_paths.text(answer, (self.how.token,))
            named = json_paths.text(answer, (self.how.expires_in,))
            lasts = timedelta(seconds=float(named)) if named else span(self.how.lifetime)
        except (ValueError, OverflowError):
            value, lasts = "", timedelta()
        if not value:
            raise Unreadable(
                f"{self.code}: the answer to the login holds no token at {self.how.token}; check the connection's host"
            )
        return Token(value=value, expires_at=now + min(max(lasts, timedelta(minutes=1)), LONGEST))


def known_from(account: Account, **given: str) -> dict[str, str]:
    """What placeholders stand for: what is given, and the fields of the connection."""
    return {**account.extra, "login": account.login, "password": account.password, **given}


def request(
    code: str, about: Description, references: Sequence[str], access: Access, accept: frozenset[int]
) -> Request:
    """
    :raises Misconfigured: the connection lacks what the carrier is told who asks by.
    :raises Rejected: the reference does not hold what the carrier wants to know.
    """
    question, batch = about.request, about.batch
    key, headers = key_and_headers(code, about, access)
    common = known_from(access.account, token=key)
    each = [known_from(access.account, token=key, **templates.values_of(reference)) for reference in references]
    known = common if batch else each[0]
    path = filled_path(question.path, known)
    if path is None:
        raise Rejected(f"{code}: {references[0]} does not hold what {question.path} wants to know")
    params = templates.pairs(question.query, known)
    form = templates.pairs(question.form, known) if question.form is not None else None
    body = templates.filled_in(question.json, known)
    if batch:
        items = [templates.filled_in(batch.item, one) for one in each]
        if batch.place == "query":
            params += repeated(batch, items)
        elif form is not None:
            form += repeated(batch, items)
        else:
            body = with_list(body, batch.list, items)
    headers = {**dict(templates.pairs(question.headers, known)), **headers}
    if form is not None:
        headers["Content-Type"] = FORM
    return Request(
        method=question.method, path=path, params=tuple(params), headers=headers, json=body,
        body=urlencode(form).encode() if form is not None else None, accept=accept,
    )  # fmt: skip


def key_and_headers(code: str, about: Description, access: Access) -> tuple[str, dict[str, str]]:
    """What stands for ``{token}``, and the headers that say who asks."""
    auth, known = about.auth, known_from(access.account)

    def held(template: str) -> str:
        text = templates.filled(template, known)
        if text is None:
            raise Misconfigured(f"{code}: the connection lacks {lacking_in(template, known)}")
        return text

    match auth:
        case NoAuth():
            return "", {}
        case Basic():
            return "", {"Authorization": basic(held(auth.user), held(auth.password))}
        case Bearer():
            return "", {"Authorization": f"Bearer {held(auth.token)}"}
        case Header():
            return "", {auth.name: held(auth.value)}
        case TokenInBody():
            return held(auth.token), {}
        case OAuth2():
            if access.token is None:
                raise Misconfigured(f"{code}: no token was obtained; check the connection's login and password")
            key = access.token.value
            value = templates.filled(auth.value, known_from(access.account, token=key)) or ""
            return key, {auth.header: value} if auth.place == "header" else {}


def lacking_in(template: Any, known: Mapping[str, str]) -> str:
    return ", ".join(dict.fromkeys(name for name in templates.named_in(template) if not known.get(name)))


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def filled_path(template: str, known: Mapping[str, str]) -> str | None:
    """A path in which each value stays within its segment."""
    quoted = {name: path_segment(known.get(name, "")) for name in templates.named_in(template)}
    return templates.filled(template, quoted)


def repeated(batch: Batch, items: Sequence[Any]) -> list[tuple[str, str]]:
    texts = [item for item in items if isinstance(item, str)]
    return [(batch.list, batch.joined_by.join(texts))] if batch.joined_by else [(batch.list, one) for one in texts]


def with_list(body: Any, path: str, items: list[Any]) -> Any:
    """The JSON body with the list in its place; objects on the way there are made."""
    if path == json_paths.WHOLE:
        return items
    holder = whole = body or {}
    *way, last = path.split(".")
    for name in way:
        holder = holder.setdefault(name, {})
    holder[last] = items
    return whole
