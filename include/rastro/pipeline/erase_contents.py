"""Erase contents that have been kept long enough. What happened, and that it was told, stays."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg import Connection

from rastro.settings import Settings
from rastro.warehouse import retention
from rastro.warehouse.retention import AT_MOST, KINDS, Limits


def erase_contents(conn: Connection[Any], settings: Settings, now: datetime) -> dict[str, int]:
    """
    All that is old enough, however much of it there is; how many rows of each kind.

    Committed some thousand rows at a time: one that is cut off has erased what it had got to, and another goes on.
    """
    limits = Limits(
        kept_since=now - settings.keep_contents,
        contacts_since=now - settings.keep_contacts,
        waited_since=now - settings.sync_horizon,
        links_since=now - settings.tracking_link_for,
    )
    erased = dict.fromkeys(KINDS, 0)
    for kind in KINDS:
        some = AT_MOST
        while some == AT_MOST:
            some = retention.erase_some(conn, kind, limits, now)
            conn.commit()
            erased[kind] += some
    return erased


def in_words(erased: Mapping[str, int]) -> str:
    """``Erased: 1,204 messages, 3 letters.``"""
    told = ", ".join(f"{number:,} {kind}" for kind, number in erased.items() if number)
    return f"Erased: {told}." if told else "Nothing was old enough to be erased."
