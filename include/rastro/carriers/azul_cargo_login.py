"""
What each answer of Azul Cargo's toolkit is wrapped in, and the token that each question needs.

A token is good for eight hours. Whether a refusal is about the token, our haste or their trouble is told by its words.
"""

import re
from datetime import datetime, timedelta

import msgspec

from rastro.access import Account, Field, Token, check
from rastro.carriers import lines
from rastro.errors import CredentialsRefused, RateLimited, Transient, Unreadable
from rastro.http import Request, Response
from rastro.redaction import redact
from rastro.routing import folded

CODE = "azul_cargo"
LASTS = timedelta(hours=8)
FIELDS = (
    Field(
        name="login", label="E-mail", help="The e-mail address of the access to Azul's EDI.", example="edi@loja.example"
    ),
    Field(name="password", label="Password", secret=True),
)
ABOUT_TOKEN = r"\btoken\b|\bsenha\b|autentica|sessao expirad"  # noqa: S105 -- words of theirs
ABOUT_HASTE = r"muitas (requisic|consult)|limite (de|excedid)"
ABOUT_TROUBLE = r"indisponive|tente novamente|manutencao|erro interno|time-?out"


class Answer(msgspec.Struct, rename="pascal"):
    """``value`` is empty where there is none at all."""

    has_errors: bool
    error_text: str | None = None
    value: msgspec.Raw = msgspec.Raw()

    @property
    def words(self) -> str:
        return folded(self.error_text or "")

    @property
    def said(self) -> str:
        """The sentence of a refusal without what it may repeat of us."""
        return redact(re.sub(r"\S{20,}", "…", (self.error_text or "").strip()))[:120]


def answer_in(body: bytes) -> Answer:
    """
    :raises Unreadable: it is none.
    :raises RastroError: it refuses something else than what was asked about.
    """
    answer = lines.decoded(body, Answer, CODE)
    if not answer.has_errors:
        if not bytes(answer.value):
            raise Unreadable(f"{CODE}: an answer with neither an error nor a value", raw=body)
    elif re.search(ABOUT_TOKEN, answer.words):
        raise CredentialsRefused(f"{CODE}: refused ({answer.said}): check the connection's e-mail and password")
    elif re.search(ABOUT_HASTE, answer.words):
        raise RateLimited(f"{CODE}: too many questions ({answer.said}), the rest is left for later")
    elif re.search(ABOUT_TROUBLE, answer.words):
        raise Transient(f"{CODE}: the other side is in trouble ({answer.said}), try again later")
    return answer


class AzulLogin:
    """A token for an e-mail address and a password."""

    def needed(self, account: Account) -> bool:
        del account
        return True

    def host(self, account: Account) -> str:
        return account.base_url

    def request(self, account: Account, held: Token | None, now: datetime) -> Request:
        del held, now
        check(CODE, account, FIELDS)
        return Request(
            method="POST",
            path="/api/Autenticacao/AutenticarUsuario",
            json={"Email": account.login, "Senha": account.password},
        )

    def token(self, response: Response, now: datetime) -> Token:
        answer = answer_in(response.body)
        if answer.has_errors:
            raise CredentialsRefused(f"{CODE}: the login is refused ({answer.said}): check e-mail and password")
        value = lines.decoded(bytes(answer.value), object, CODE)
        if not isinstance(value, str) or not value:
            raise Unreadable(f"{CODE}: the answer to the login holds no token; check the connection's host")
        return Token(value=value, expires_at=now + LASTS)
