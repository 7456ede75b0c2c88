"""Which account's parcels a carrier is asked about through which contract, where it has several."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg import Connection

from rastro.warehouse.queries import run


def keep(conn: Connection[Any], wanted: Mapping[tuple[str, str], str], now: datetime) -> int:
    """
    Keep what the settings say; if it has changed, parcels are asked about through their new contract from now on. How
    many have moved.

    :param wanted: further contracts, as ``adapter:connection``, by carrier and account.
    """
    held = {(row.carrier, row.account): row.contract for row in run(conn, "contracts")}
    if held == wanted:
        return 0
    run(conn, "lock_merging")
    run(conn, "forget_contracts")
    run(
        conn, "keep_contracts", carriers=[carrier for carrier, _ in wanted], accounts=[one for _, one in wanted],
        contracts=list(wanted.values()),
    )  # fmt: skip
    moved = run(conn, "move_references", now=now).rowcount
    run(conn, "add_parted_references", now=now)
    parted = run(conn, "part_shipments").fetchall()
    before, after = [one.before for one in parted], [one.after for one in parted]
    run(conn, "stage_for_parted", before=before, after=after)
    run(conn, "stop_polls_left", poll_ids=before)
    return moved + len(parted)
