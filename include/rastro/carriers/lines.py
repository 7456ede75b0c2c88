"""What adapters share when they read a history: times as people write them, words, initials, order of events."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from rastro import typed
from rastro.errors import Unreadable
from rastro.models import Event, Status
from rastro.redaction import excerpt
from rastro.routing import folded

BRASILIA = ZoneInfo("America/Sao_Paulo")
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, OverflowError)
T = TypeVar("T")

Words = Sequence[tuple[str, Status]]

RECEIPT = re.compile(r"comprovante|canhoto|\bfotos?\b|\bpod\b")

DAY_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")


def decoded(body: bytes, kind: type[T], code: str, *, strict: bool = False) -> T:
    """
    JSON as a type.

    :raises Unreadable: it is none, with a short and safe excerpt.
    """
    try:
        return typed.decode(body.removeprefix(b"\xef\xbb\xbf"), kind, strict=strict)
    except UNREADABLE as error:
        said = excerpt(body)
        raise Unreadable(f"{code}: the answer makes no sense ({said or error})", raw=body) from error


def moment(written: str | None, zone: tzinfo = BRASILIA) -> datetime:
    """
    A time in ISO 8601 or as ``dd/mm/yyyy HH:MM:SS``, aware: in ``zone`` unless it says otherwise.

    :raises ValueError: it is no time.
    """
    text = (written or "").strip()
    if match := DAY_FIRST.fullmatch(text):
        day, month, year, hour, minute, second = (int(part or 0) for part in match.groups())
        return datetime(year + 2000 if year < 100 else year, month, day, hour, minute, second, tzinfo=zone)
    # Some write seven digits of a second, and Python reads six.
    at = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    return at if at.tzinfo else at.replace(tzinfo=zone)


def moment_or_none(written: str | None, zone: tzinfo = BRASILIA) -> datetime | None:
    """As :func:`moment`; None for what is no time."""
    try:
        return moment(written, zone)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=8192)
def by_words(text: str, words: Words) -> Status:
    """The status of the first pattern found in ``text`` without accents, in small letters; unknown when none is."""
    bare = folded(text)
    return next((status for pattern, status in words if re.search(pattern, bare)), Status.UNKNOWN)


def as_code(text: str) -> str:
    """A carrier's wording as the code it stands for, where it has no other: capitals without accents, cut at 80."""
    return folded(text).upper()[:80]


def is_receipt(text: str) -> bool:
    """Whether a line is about the picture or paper that proves a delivery, and not about the parcel."""
    return RECEIPT.search(folded(text)) is not None


def initials(name: str | None) -> str:
    """Of a person's name no more than ``A. B.``; empty when there is none."""
    words = re.findall(r"[^\W\d_]+", name or "")
    return " ".join(f"{word[0].upper()}." for word in words[:4])


def history(events: Iterable[Event]) -> tuple[Event, ...]:
    """Oldest first, each once; of the same time in the order given, which must be oldest first, too."""
    unique = {event.key: event for event in events}
    return tuple(sorted(unique.values(), key=lambda event: event.occurred_at))


def oldest_first(lines: Sequence[T], times: Sequence[datetime]) -> Sequence[T]:
    """``lines`` the other way round when their times say that the newest stands first."""
    return lines[::-1] if times and times[0] > times[-1] else lines


def digest(*parts: str) -> str:
    """A short name for parts that are too long for a key."""
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()
