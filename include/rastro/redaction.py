"""What may be shown of what others send us: nothing that points at a person or opens a door."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

import msgspec

SECRETIVE = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.-]+"  # e-mail addresses
    r"|\b\d{3}\.?\d{3}\.?\d{3}-?\d{2}\b"  # CPF
    r"|\b(?:eyJ[\w-]+\.[\w.-]+)"  # JWT
    r"|\+?\b\d{2}\s?\(?\d{2}\)?\s?9?\d{4}-?\d{4}\b"  # telephone
)


def redact(text: str) -> str:
    """``text`` without what points at a person or opens a door."""
    return SECRETIVE.sub("…", text)


OPEN_HEADERS = frozenset({"user-agent", "accept", "accept-encoding", "accept-language", "content-type"})


SHORTEST = 6  # anything shorter that we sent is no secret, and may be part of any word


def sent_in(headers: Mapping[str, str], params: Iterable[tuple[str, str]] = ()) -> set[str]:
    """The words of a request's headers and the values of its query, any of which may open a door."""
    words = {word for name, value in headers.items() if name.lower() not in OPEN_HEADERS for word in value.split()}
    return {one for one in words.union(value for _, value in params) if len(one) >= SHORTEST}


def without(text: str, values: Iterable[str]) -> str:
    """``text`` without any of the values, should the other side echo one, as it is or as it stands in a form."""
    forms = {form for value in values for form in (value, quote(value, safe=""), quote_plus(value))} - {""}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "…")
    return text


SAYING = ("message", "Message", "msgs", "mensagem", "msg", "detail", "error", "causa")


def excerpt(body: bytes, length: int = 120, *, hidden: Iterable[str] = ()) -> str:
    """
    The sentence an error answer carries, redacted; empty when it holds none that can be shown safely.

    :param hidden: what must not be shown of it either: what we sent.
    """
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "not JSON" if body.strip() else "empty"
    while isinstance(answer, dict):
        answer = next((answer[name] for name in SAYING if answer.get(name)), None)
    if isinstance(answer, list):
        answer = " ".join(part for part in answer[:3] if isinstance(part, str))
    return redact(without(answer, hidden))[:length] if isinstance(answer, str) else ""
