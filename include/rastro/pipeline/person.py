"""
Tell a person all that is kept of them, or erase it, as they may wish by law.

A person is found by an order, or by the address that mails went to as long as that is known: the warehouse holds no
name and no address, and what it holds of a person is what it holds of their orders. Who wished what is recorded as an
act by hand, with counts alone.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from psycopg import Connection

from rastro.errors import Misconfigured, Transient
from rastro.mail.compose import address_hash
from rastro.warehouse import by_hand, erased, person
from rastro.warehouse.by_hand import Act
from rastro.warehouse.outbox import OrderKey
from rastro.warehouse.shipments import known_sources

ERASED_AT_A_WISH = "erased at the wish of the person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    Who is meant: by an ``order_id``, of one ``account`` where several have it, or by an ``email``.

    ``key`` keys the hashes of addresses and of what was erased.
    """

    order_id: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    account: str = ""
    key: bytes = field(repr=False)

    @property
    def address_hash(self) -> str:
        return address_hash(self.email, self.key) if self.email else ""


def orders_of(conn: Connection[Any], wanted: Wanted) -> list[OrderKey]:
    """
    :raises Misconfigured: nothing is known, or several accounts have the order.
    """
    if wanted.email:
        found = person.orders_mailed(conn, wanted.address_hash)
    else:
        found = person.orders_named(conn, wanted.order_id)
    if wanted.account:
        found = [one for one in found if one.account == wanted.account]
    accounts = sorted({one.account for one in found})
    if wanted.order_id and len(accounts) > 1:
        raise Misconfigured(f"Several accounts have an order of this number: say --account, of {', '.join(accounts)}")
    return found


def export(conn: Connection[Any], wanted: Wanted, *, done_by: str, now: datetime) -> dict[str, Any]:
    """
    Everything that is kept of the person, fit for JSON.

    :raises Misconfigured: nothing is known of them.
    """
    found = orders_of(conn, wanted)
    if not found:
        raise Misconfigured(nothing_known(conn, wanted))
    orders = [
        {"account": one.account, "order_id": one.order_id, **person.told_of(conn, person.belongings_of(conn, one))}
        for one in found
    ]
    counts = Counter({"orders": len(orders)})
    for order in orders:
        counts.update({part: len(rows) for part, rows in order.items() if isinstance(rows, list)})
    record(conn, "export_person", counts, done_by=done_by, now=now)
    conn.commit()
    return {"made_at": now.isoformat(), "orders": orders, "kept_elsewhere": kept_elsewhere(conn)}


def erase(conn: Connection[Any], wanted: Wanted, *, done_by: str, now: datetime) -> dict[str, int]:
    """
    Erase everything that leads to the person, in one transaction; how much of each sort.

    What is owed about their orders is never sent, to nobody. What comes in about them later is not kept.

    :raises Misconfigured: nothing is known of them.
    :raises Transient: a task holds something of an order now.
    """
    person.hold_still(conn)
    found = orders_of(conn, wanted)
    forgotten = person.forget_suppression(conn, wanted.address_hash) if wanted.email else 0
    if not found and not forgotten:
        raise Misconfigured(nothing_known(conn, wanted))
    counts = Counter({"orders": len(found)})
    for order in found:
        one = person.belongings_of(conn, order)
        if until := person.busy_until(conn, one, now):
            raise Transient(
                f"A task is at work on the order until {until:%H:%M} UTC at the latest; nothing was erased. "
                "Give the command again then"
            )
        counts.update(person.erase(conn, one, ERASED_AT_A_WISH, now))
        erased.note(conn, {(order.account, order.order_id), *one.numbers}, wanted.key, now)
    if forgotten:
        counts["refused address forgotten"] = forgotten
    record(conn, "erase_person", counts, done_by=done_by, now=now)
    conn.commit()
    return dict(counts)


def record(conn: Connection[Any], action: str, counts: Mapping[str, int], *, done_by: str, now: datetime) -> None:
    act = Act(
        key=f"{action} {uuid4()}", action=action, reason="at the wish of the person", subject="a person", before={},
        after={name: number for name, number in counts.items() if number},
    )  # fmt: skip
    by_hand.note(conn, act, done_by=done_by, run_id=f"rastro person {action.partition('_')[0]}", now=now)


def nothing_known(conn: Connection[Any], wanted: Wanted) -> str:
    if not wanted.email:
        return "Nothing is kept of an order of this number"
    return (
        "No mail to this address is on record: whom a mail went to is known for keep_contacts after its order's end, "
        f"and only of mails that Rastro sent itself. {kept_elsewhere(conn)[0]} Look up the person's orders there, and "
        "name each with --order"
    )


def kept_elsewhere(conn: Connection[Any]) -> Sequence[str]:
    """Sentences on who else holds data of the person, which nobody can reach from here."""
    accounts = ", ".join(known_sources(conn)) or "the order system"
    return (
        f"Names, addresses and documents stand at {accounts} alone (VTEX: Master Data; a database: its table).",
        "Carriers, marketplaces, mail servers and Airflow's own logs and records keep theirs; see docs/privacy.md.",
    )
