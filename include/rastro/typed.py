"""
JSON as a type, safely from several threads.

msgspec works out what it must know of a type at the type's first use. Two threads that do so at once end in a loop or
take the process down with them (seen with 0.22), so here it is done by one at a time, and once.
"""

import threading
from functools import cache
from typing import Any, TypeVar, cast

import msgspec

T = TypeVar("T")
_one_at_a_time = threading.Lock()


def decode(body: bytes | msgspec.Raw, kind: type[T], *, strict: bool = True) -> T:
    """
    The body as ``kind``; ``strict=False`` takes numbers written as text, and the other way round.

    :raises msgspec.DecodeError: it is none.
    """
    found: T = _decoder(cast("Any", kind), strict).decode(body)
    return found


@cache
def _decoder(kind: Any, strict: bool) -> msgspec.json.Decoder[Any]:  # noqa: FBT001 -- the key of a cache
    with _one_at_a_time:
        return msgspec.json.Decoder(kind, strict=strict)
