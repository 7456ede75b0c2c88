"""How long contents are kept: texts of messages, masked recipients and raw bodies go, facts and states stay."""

from datetime import datetime
from typing import Any

from psycopg import Connection

from rastro.warehouse.queries import run

AT_MOST = 10_000


def erase(
    conn: Connection[Any], kept_since: datetime, now: datetime, *, waited_since: datetime, links_since: datetime
) -> dict[str, int]:
    """
    Erase contents older than ``kept_since``, the oldest first and at most :data:`AT_MOST` rows of each kind; how many.

    Each run erases some, so none takes long. A notice that is still owed keeps everything. What a carrier told of a
    parcel that has not come to be followed since ``waited_since`` is nobody's: every run asks for the parcels of all
    that waits. A link to a tracking page stays as long as a parcel of its order is on its way or ended
    after ``links_since``.
    """
    old = {"kept_since": kept_since, "most": AT_MOST}
    return {
        "messages": run(conn, "erase_messages", now=now, **old).rowcount,
        "quarantined bodies": run(conn, "erase_quarantined_bodies", now=now, **old).rowcount,
        "raw answers": run(conn, "erase_raw_answers", **old).rowcount,
        "letters": run(conn, "erase_letters", **old).rowcount,
        "waiting parts": run(conn, "erase_waiting_parts", waited_since=waited_since, most=AT_MOST).rowcount,
        "rehearsals": run(conn, "erase_rehearsals", **old).rowcount,
        "tracking links": run(conn, "erase_tracking_links", ended_before=links_since, **old).rowcount,
    }
