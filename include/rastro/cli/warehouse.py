"""Commands about the warehouse: bring it up to date, and ask it about a parcel."""

import argparse
import os
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection

from rastro.cli.command import complain, print_table
from rastro.errors import Misconfigured
from rastro.models import Route
from rastro.numbers import normalise
from rastro.warehouse.connect import connector
from rastro.warehouse.migrate import migrate as bring_up
from rastro.warehouse.queries import run

LOCAL = ZoneInfo("America/Sao_Paulo")
VARIABLE = "RASTRO_WAREHOUSE_DSN"

ROUTES = {
    Route.NONE: "to no marketplace",
    Route.CONNECTOR: "to the marketplace by its connector, from the order",
    Route.DIRECT: "to the marketplace directly",
    Route.REVIEW: "to nobody: give its affiliate a line in the setting routes",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dsn", help=f"libpq URI of the warehouse; instead of the variable {VARIABLE}")


def status_arguments(parser: argparse.ArgumentParser) -> None:
    arguments(parser)
    parser.add_argument("wanted", metavar="TRACKING_NUMBER|ORDER_ID", nargs="?", help="nothing: totals by carrier")


def dsn_of(chosen: argparse.Namespace) -> str:
    dsn = chosen.dsn or os.environ.get(VARIABLE, "")
    if not dsn:
        raise Misconfigured(f"no warehouse: set {VARIABLE}=postgresql://user:password@host/database, or give --dsn")
    return str(dsn)


def migrate(chosen: argparse.Namespace) -> int:
    dsn = dsn_of(chosen)
    with connector(dsn)():  # says in one line what is wrong, where Alembic would not
        pass
    print(f"The warehouse is at revision {bring_up(dsn)}.")
    return 0


def status(chosen: argparse.Namespace) -> int:
    with connector(dsn_of(chosen))() as conn:
        if not chosen.wanted:
            rows = run(conn, "totals").fetchall()
            print_table(("carrier", "status", "shipments"), [(r.carrier, r.status, f"{r.shipments:,}") for r in rows])
            return 0
        found = run(conn, "find_shipments", wanted=chosen.wanted.strip()).fetchall()
        found = found or run(conn, "find_shipments", wanted=normalise(chosen.wanted)).fetchall()
        if not found:
            return complain(f"nothing is known about {chosen.wanted}: neither a tracking number nor an order")
        for shipment in found:
            describe(conn, shipment)
    return 0


def describe(conn: Connection[Any], shipment: Any) -> None:
    """One shipment as a person reads it: what it is, what was said, what was told, what comes next."""
    print(
        f"{shipment.tracking_number}  order {shipment.order_id}, invoice {shipment.invoice_number} ({shipment.account})"
    )
    why = f": {shipment.carrier_reason}" if shipment.carrier_reason else ""
    print(f"  carrier   {shipment.carrier or 'none claims it'} (courier {shipment.courier or '-'}){why}")
    if shipment.warning:
        print(f"  doubt     {shipment.warning}")
    to = f", {shipment.marketplace}" if shipment.marketplace else ""
    print(f"  confirmed {ROUTES[shipment.route]}{to}")
    if shipment.skip:
        print(f"  followed  no: {shipment.skip}")
    print(f"  status    {shipment.status} since {when(shipment.status_at)}, expected {when(shipment.estimated_at)}")
    print(f"  looked at {when(shipment.answered_at)}; next {when(shipment.next_poll_at)}{refused(shipment.refusal)}")
    for event in run(conn, "events_of_shipment", shipment_id=shipment.shipment_id):
        place = ", ".join(filter(None, (event.city, event.state)))
        standing = "" if event.standing == "effective" else f" [{event.standing}]"
        said = f"{event.status}  {event.code}  {event.description}  {place}{standing}"
        print(f"  event     {when(event.occurred_at)}  {said}")
    for notice in run(conn, "notices_of_shipment", shipment_id=shipment.shipment_id):
        reason = f": {notice.reason}" if notice.reason else ""
        told = f"{notice.channel} {notice.kind} to {notice.recipient or notice.target}: {notice.state}{reason}"
        print(f"  notice    {when(notice.settled_at or notice.owed_at)}  {told}")


def when(at: object) -> str:
    return at.astimezone(LOCAL).strftime("%d/%m/%Y %H:%M") if isinstance(at, datetime) else "-"


def refused(reason: object) -> str:
    return f" (the carrier refuses it: {reason})" if reason else ""
