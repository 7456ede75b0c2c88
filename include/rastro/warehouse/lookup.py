"""One parcel, problem or act found by what a person knows of it, each by an index."""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from rastro.warehouse.queries import run

MOST = 200  # rows that a search shows
PAGE = 50
SPAN = 2_000  # places that are searched for a page at first
WIDER = 16
ANYWHERE = 2**62  # beyond all places


def by_numbers(conn: Connection[Any], numbers: Sequence[str]) -> list[Any]:
    """Shipments by tracking numbers and order ids, at most one more than :data:`MOST`."""
    return run(conn, "search_numbers", numbers=list(numbers), most=MOST + 1).fetchall()


def by_recipient(conn: Connection[Any], recipient_hash: str) -> list[Any]:
    """Shipments that a mail to this address was about, at most one more than :data:`MOST`."""
    return run(conn, "search_recipient", recipient_hash=recipient_hash, most=MOST + 1).fetchall()


def shipment(conn: Connection[Any], shipment_id: int) -> Any | None:
    return run(conn, "shipment_in_full", shipment_id=shipment_id).fetchone()


def history(conn: Connection[Any], parcel: Any) -> dict[str, Any]:
    """What is kept about a shipment: ``events``, ``changes``, ``notices``, ``attempts``, ``parcels`` of its order."""
    of_it = {"shipment_id": parcel.shipment_id}
    return {
        "events": run(conn, "events_of_shipment", **of_it).fetchall(),
        "changes": run(conn, "changes_of_shipment", **of_it).fetchall(),
        "notices": run(conn, "notices_of_shipment", **of_it).fetchall(),
        "attempts": run(conn, "attempts_of_shipment", **of_it).fetchall(),
        "parcels": run(conn, "parcels_of_order", account=parcel.account, order_id=parcel.order_id).fetchall(),
    }


def put_aside(conn: Connection[Any], parcel: Any) -> list[Any]:
    """What is in quarantine about a shipment."""
    known = {parcel.reference, parcel.tracking_number, parcel.order_id} - {"", None}
    origins = {parcel.account, parcel.carrier} - {None}
    return run(conn, "quarantine_of_shipment", origins=list(origins), subjects=list(known)).fetchall()


def put_aside_as(conn: Connection[Any], numbers: Sequence[str]) -> list[Any]:
    """What is in quarantine under tracking numbers and order ids, whether or not there is a shipment."""
    return run(conn, "quarantine_of_numbers", numbers=list(numbers)).fetchall()


def acts_on(conn: Connection[Any], parcel: Any) -> list[Any]:
    """What was done to a shipment by hand, oldest first."""
    return run(
        conn, "acts_on_shipment", shipment_id=parcel.shipment_id, account=parcel.account, order_id=parcel.order_id,
        tracking_number=parcel.tracking_number,
    ).fetchall()  # fmt: skip


def acts(conn: Connection[Any], before: int) -> list[Any]:
    """Acts by hand whose number is below ``before``, the newest first; at most one more than :data:`PAGE`."""
    return run(conn, "page_of_acts", before=before, most=PAGE + 1).fetchall()


def problems(conn: Connection[Any], problem: str, after: Sequence[str] = ()) -> list[Any]:
    """
    Open problems of one kind, the newest first; at most one more than :data:`PAGE`.

    A view of many kinds takes no limit, only a range of places: the range grows until it holds a page. It begins with
    what was the newest when the problems were last counted.

    :param after: place, account, order, subject and detail of the last one that was shown.
    """
    place, account, order_id, subject, detail = after or (ANYWHERE, "", "", "", "")
    start, span = int(after[0]) if after else newest_counted(conn, problem), SPAN
    while True:
        rows = run(
            conn, "page_of_problems", problem=problem, beyond=start - span, before=int(place), account=account,
            order_id=order_id, subject=subject, detail=detail, most=PAGE + 1,
        ).fetchall()  # fmt: skip
        if len(rows) > PAGE or span >= start:
            return rows
        span *= WIDER


def newest_counted(conn: Connection[Any], problem: str) -> int:
    """The place of the newest problem of a kind when they were last counted, 0 when there was none."""
    found = run(conn, "newest_problem", problem=problem).fetchone()
    return int(found.place) if found else 0


def stages(conn: Connection[Any], run_id: str) -> list[Any]:
    """What each stage of a run did."""
    return run(conn, "runs_stages", run_id=run_id).fetchall()
