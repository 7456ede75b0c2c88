"""
Taking one of the product's safeguards away, to prove that the oracle would notice.

The only place where anything of the product is replaced, and only in the driver's own processes and databases.
"""

from collections.abc import Callable, Mapping

import psycopg

from rastro.marketplaces.vtex_protocol import VtexProtocol
from rastro.orders.vtex_tracking import VtexOrder
from rastro.receivers import Answer, Message, Reading, Receipt
from rastro.warehouse import queries

CLAIM_WHATEVER_IS_OPEN = """
WITH mine AS (
    SELECT * FROM rastro.open_notice
    WHERE channel = %(channel)s AND target = %(target)s AND account = %(account)s AND order_id = %(order_id)s
)
UPDATE rastro.notice n
SET state = 'claimed', lease_until = %(lease_until)s, claimed_by = %(claimed_by)s, attempts = n.attempts + 1
FROM mine
WHERE n.notice_id = mine.notice_id AND %(now)s::timestamptz IS NOT NULL
RETURNING n.notice_id, n.shipment_id, n.kind, n.content, n.event_at, n.expires_at, n.attempts, n.message_id,
          n.hand_overs, n.facts
"""
ON_CONFLICT = "ON CONFLICT ON CONSTRAINT notice_is_owed_once"
HELD = " AND state = 'claimed' AND claimed_by = %(claimed_by)s"


def lease(_: psycopg.Connection) -> None:
    """Whoever comes takes what is open, whether somebody else is at it or not, and hands it over all the same."""
    replace("claim_notices", lambda _: CLAIM_WHATEVER_IS_OPEN)
    replace("hand_over", lambda text: cut(text, HELD) + " AND %(claimed_by)s::text IS NOT NULL")


def unique_key(conn: psycopg.Connection) -> None:
    """What is owed is written down as often as it comes up."""
    conn.execute("ALTER TABLE rastro.notice DROP CONSTRAINT notice_is_owed_once")
    for name, text in queries._all().items():
        if ON_CONFLICT in text:
            replace(name, lambda text: text[: text.index(ON_CONFLICT)])


def read_back(_: psycopg.Connection) -> None:
    """Until we have written ourselves, nobody shows that they know already."""
    for receiver in (VtexOrder, VtexProtocol):
        forget(receiver)


def forget(receiver: type[VtexOrder] | type[VtexProtocol]) -> None:
    read, write = receiver.read, receiver.write
    written: set[str] = set()

    def read_nothing(self: VtexOrder, message: Message) -> Answer:
        answer = read(self, message)
        known = answer.reading is Reading.DONE and message.key not in written
        return Answer(reading=Reading.OWED) if known else answer

    def note(self: VtexOrder, message: Message) -> Receipt:
        written.add(message.key)
        return write(self, message)

    receiver.read, receiver.write = read_nothing, note


def replace(name: str, change: Callable[[str], str]) -> None:
    """Another text for a named statement."""
    statements = queries._all()
    statements[name] = change(statements[name])
    queries.statement.cache_clear()


def cut(text: str, part: str) -> str:
    if part not in text:
        raise ValueError(f"{part!r} is no part of the statement any more")
    return text.replace(part, "")


WITHOUT: Mapping[str, Callable[[psycopg.Connection], None]] = {
    "lease": lease,
    "unique_key": unique_key,
    "read_back": read_back,
}
