"""How long contents are kept: texts of messages, whom they went to and raw bodies go, facts and states stay."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from rastro.warehouse.queries import run

AT_MOST = 10_000
KINDS: Mapping[str, str] = {  # what is erased → the statement that does so
    "messages": "erase_messages",
    "contacts": "erase_contacts",
    "proofs": "erase_proofs",
    "quarantined bodies": "erase_quarantined_bodies",
    "raw answers": "erase_raw_answers",
    "letters": "erase_letters",
    "waiting parts": "erase_waiting_parts",
    "rehearsals": "erase_rehearsals",
    "tracking links": "erase_tracking_links",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    Since when things are kept.

    Contents since ``kept_since``. Whom mails went to, of orders of which a parcel is under way or ended after
    ``contacts_since``, and links to tracking pages likewise by ``links_since``. What a carrier told of a parcel that
    has not come to be followed since ``waited_since`` is nobody's: every run asks for the parcels of all that waits.
    """

    kept_since: datetime
    contacts_since: datetime
    waited_since: datetime
    links_since: datetime


def erase_some(conn: Connection[Any], kind: str, limits: Limits, now: datetime) -> int:
    """
    Erase the oldest of one kind, at most :data:`AT_MOST` rows so that it takes no time; how many.

    A notice that is still owed keeps everything.
    """
    return run(conn, KINDS[kind], now=now, most=AT_MOST, **asdict(limits)).rowcount
