"""
A warehouse that was restored: what was told after its backup was taken, it does not know.

Such a warehouse is told so once. From then on a notice about anything that happened before is of unknown fate, as if
its sender had been killed on the way: whoever can be asked is asked, and the rest waits for a person.
"""

from datetime import datetime
from typing import Any

from psycopg import Connection

from rastro.models import Channel
from rastro.sending import CANNOT_BE_ASKED, MAY_HAVE_BEEN_TOLD, UNTIL_A_PERSON_LOOKS
from rastro.warehouse.queries import run


def settle_in(conn: Connection[Any], told_until: datetime, now: datetime) -> dict[Channel, int]:
    """
    The restored warehouse is at home here; how many notices that it held as open are in doubt, by channel.

    :param told_until: when the one that was lost told anything last, or later.
    """
    run(conn, "settle_in_at_home", told_until=told_until)
    run(conn, "number_notices_anew", now=now)
    doubted = run(
        conn, "doubt_open_notices", in_doubt=MAY_HAVE_BEEN_TOLD, cannot_be_asked=list(CANNOT_BE_ASKED), now=now,
        much_later=now + UNTIL_A_PERSON_LOOKS,
    )  # fmt: skip
    return {Channel(row.channel): row.notices for row in doubted}
