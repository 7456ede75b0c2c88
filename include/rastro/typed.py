"""
JSON as a type, safely from several threads, and without the one character that PostgreSQL keeps in no text.

msgspec works out what it must know of a type at the type's first use. Two threads that do so at once end in a loop or
take the process down with them (seen with 0.22), so here it is done by one at a time, and once.
"""

import re
import threading
from functools import cache
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")  # as JSON writes it; behind a backslash of its own it is plain text
BACKSLASH = ord("\\")
_one_at_a_time = threading.Lock()


def decode(body: bytes | msgspec.Raw, kind: type[T], *, strict: bool = True) -> T:
    """
    The body as ``kind``; ``strict=False`` takes numbers written as text, and the other way round.

    :raises msgspec.DecodeError: it is none.
    """
    found: T = _decoder(kind, strict).decode(without_nul(bytes(body)))  # type: ignore[arg-type]
    return found


def without_nul(body: bytes) -> bytes:
    """JSON whose texts have lost every NUL."""
    return NUL.sub(rb"\1", body) if BACKSLASH in body and b"\\u0000" in body else body  # the first look takes no time


@cache
def _decoder(kind: Any, strict: bool) -> msgspec.json.Decoder[Any]:  # noqa: FBT001 -- the key of a cache
    with _one_at_a_time:
        return msgspec.json.Decoder(kind, strict=strict)
