"""What may be shown of what others send us: nothing that points at a person or opens a door."""

import re
from collections.abc import Mapping

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


def without_values(text: str, headers: Mapping[str, str]) -> str:
    """``text`` without any word of the headers we sent, should the other side echo one."""
    for name, value in headers.items():
        if name.lower() not in OPEN_HEADERS:
            for word in value.split():
                text = text.replace(word, "…") if len(word) >= 6 else text
    return text


SAYING = ("message", "Message", "msgs", "mensagem", "msg", "detail", "error", "causa")


def excerpt(body: bytes, length: int = 120) -> str:
    """The sentence an error answer carries, redacted; empty when it holds none that can be shown safely."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "not JSON" if body.strip() else "empty"
    while isinstance(answer, dict):
        answer = next((answer[name] for name in SAYING if answer.get(name)), None)
    if isinstance(answer, list):
        answer = " ".join(part for part in answer[:3] if isinstance(part, str))
    return redact(answer)[:length] if isinstance(answer, str) else ""
