"""All that is kept of a person, found by their orders. Every function works in the caller's transaction."""

import re
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from rastro.warehouse import inbox
from rastro.warehouse.erased import Name
from rastro.warehouse.outbox import OrderKey
from rastro.warehouse.queries import run

SHORTEST = 6  # a name shorter than this is part of many a word, and proves nothing about a text that has it
AT_A_TIME = 500
# What is told of an order, part by part, and the statements that read it. Those with a body give that, too.
TOLD: Mapping[str, str] = {
    "parcels": "person_parcels",
    "states": "person_states",
    "looks": "person_looks",
    "events": "person_events",
    "changes": "person_changes",
    "messages": "person_messages",
    "attempts": "person_attempts",
    "tracking_links": "person_links",
    "acts_by_hand": "person_acts",
    "corrections": "person_corrections",
    "claims": "person_claims",
    "rehearsals": "person_rehearsals",
    "quarantine": "person_quarantine",
    "raw_answers": "person_answers",
    "news_waiting": "person_news_waiting",
}
# What is erased of an order, in this order, and the statements that do so; what has a name is counted under it.
ERASED: tuple[tuple[str, str], ...] = (
    ("owed, never sent", "drop_owed"),
    ("messages", "erase_told"),
    ("events made anonymous", "erase_history"),
    ("acts by hand made anonymous", "erase_acts"),
    ("tracking links ended", "erase_links"),
    ("", "erase_corrections"),
    ("", "erase_claims"),
    ("", "erase_waiting"),
    ("rehearsals", "erase_rehearsed"),
    ("quarantined", "erase_put_aside"),
    ("raw answers", "erase_answers"),
    ("news waiting", "erase_news_waiting"),
    ("", "erase_facts"),
    ("parcels made anonymous", "erase_parcels"),
    ("", "erase_looks"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """
    An order and all that it is known by.

    ``poll_ids`` are of what carriers are asked about on its behalf alone, ``carriers`` all that carry its parcels,
    ``names`` all that its parcels are called, the order included, and ``numbers`` what carriers call them.
    """

    order: OrderKey
    shipment_ids: tuple[int, ...]
    poll_ids: tuple[int, ...]
    carriers: frozenset[str]
    names: frozenset[str]
    numbers: frozenset[Name]

    @property
    def telling(self) -> frozenset[str]:
        """The names that show by themselves that a text is about this order."""
        return frozenset(name for name in self.names if len(name) >= SHORTEST)

    def as_values(self) -> dict[str, object]:
        return {
            "account": self.order.account,
            "order_id": self.order.order_id,
            "shipment_ids": list(self.shipment_ids),
            "poll_ids": list(self.poll_ids),
            "names": sorted(self.names - {self.order.order_id}),
        }


def hold_still(conn: Connection[Any]) -> None:
    """Until the transaction ends nobody loads, merges shipments or acts by hand."""
    for lock in ("lock_loading", "lock_by_hand", "lock_merging"):  # as whoever acts by hand takes them
        run(conn, lock)


def orders_named(conn: Connection[Any], order_id: str) -> list[OrderKey]:
    return [OrderKey(**row._asdict()) for row in run(conn, "orders_named", order_id=order_id)]


def orders_mailed(conn: Connection[Any], address_hash: str) -> list[OrderKey]:
    return [OrderKey(**row._asdict()) for row in run(conn, "orders_mailed", address_hash=address_hash)]


def belongings_of(conn: Connection[Any], order: OrderKey) -> Belongings:
    rows = run(conn, "names_of_parcels", account=order.account, order_id=order.order_id).fetchall()
    own = [row for row in rows if not row.is_shared]
    names = {
        name
        for row in own
        for name in (
            row.reference, row.tracking_number, row.tracking_text, row.invoice_key, row.carrier_id,
            row.marketplace_order_id,
        )
    }  # fmt: skip
    return Belongings(
        order=order,
        shipment_ids=tuple(row.shipment_id for row in rows),
        poll_ids=tuple(sorted({row.poll_id for row in own if row.poll_id})),
        carriers=frozenset(row.carrier for row in own if row.carrier),
        names=frozenset(names | {order.order_id}) - {""},
        numbers=frozenset(
            (row.carrier, name) for row in own for name in (row.reference, row.tracking_number) if row.carrier and name
        ),
    )


def busy_until(conn: Connection[Any], one: Belongings, now: datetime) -> datetime | None:
    """
    Until when a task may be asking or telling about the order; None when none is.

    Until the transaction ends nothing more is handed over for loading about what carriers are asked on its behalf.
    """
    run(conn, "hold_looks", poll_ids=list(one.poll_ids))
    (row,) = run(
        conn, "busy_until", poll_ids=list(one.poll_ids), shipment_ids=list(one.shipment_ids), now=now
    )  # fmt: skip
    at: datetime | None = row.at
    return at


def told_of(conn: Connection[Any], one: Belongings) -> dict[str, list[dict[str, Any]]]:
    """Everything that is kept of an order, part by part, fit for JSON."""
    return {
        part: [with_body(row) for row in run(conn, statement, **one.as_values())] for part, statement in TOLD.items()
    }


def with_body(row: Any) -> dict[str, Any]:
    told: dict[str, Any] = row.told
    if raw := getattr(row, "raw", None):
        told = {**told, "body": zlib.decompress(raw).decode("utf-8", errors="replace")}
    return told


def erase(conn: Connection[Any], one: Belongings, why: str, now: datetime) -> dict[str, int]:
    """Everything that leads from the order to a person; how much of each sort. Events, states and times stay."""
    counts: dict[str, int] = {}
    letters = mentioning(conn, "read_letters", one.telling, carriers=sorted(one.carriers))
    entries = mentioning(conn, "quarantined_bodies", one.telling)
    counts["letters"] = inbox.forget_bodies(conn, letters)
    for name, statement in ERASED:
        count = run(conn, statement, why=why, now=now, **one.as_values()).rowcount
        if name:
            counts[name] = count
    counts["quarantined"] += run(conn, "erase_bodies_put_aside", ids=entries, now=now).rowcount
    if one.telling:
        pattern = "|".join(re.escape(name) for name in sorted(one.telling, key=len, reverse=True))
        run(conn, "erase_troubles", pattern=pattern)
    return counts


def forget_suppression(conn: Connection[Any], address_hash: str) -> int:
    return run(conn, "erase_suppression", address_hash=address_hash).rowcount


def mentioning(conn: Connection[Any], statement: str, names: Collection[str], **values: object) -> list[int]:
    """Ids of the bodies that hold any of the names."""
    wanted = [name.encode() for name in names]
    return [
        row.id
        for row in bodies(conn, statement, **values)
        if any(name in body for body in [zlib.decompress(row.raw)] for name in wanted)
    ]


def bodies(conn: Connection[Any], statement: str, **values: object) -> Iterator[Any]:
    """Some at a time, since they are many and large."""
    after = 0
    while rows := run(conn, statement, after=after, most=AT_A_TIME, **values).fetchall():
        yield from rows
        after = rows[-1].id
