"""Commands about the warehouse: bring it up to date, and ask it about a parcel."""

import argparse
import os
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection

from rastro.cli.command import complain, print_table
from rastro.errors import Misconfigured
from rastro.models import Route, Status
from rastro.next_look import local, next_look
from rastro.numbers import normalise
from rastro.settings import settings_from
from rastro.warehouse import lookup, roles
from rastro.warehouse.connect import connector
from rastro.warehouse.health import current
from rastro.warehouse.migrate import migrate as bring_up
from rastro.warehouse.queries import run
from rastro.wording import in_line

WIDTH = 110
MANY_FAILURES = 3
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


@contextmanager
def connected(chosen: argparse.Namespace) -> Iterator[Connection[Any]]:
    """
    :raises Misconfigured: the warehouse is not of this version.
    """
    with connector(dsn_of(chosen))() as conn:
        current(conn)
        yield conn


def migrate(chosen: argparse.Namespace) -> int:
    dsn = dsn_of(chosen)
    with connector(dsn)():  # says in one line what is wrong, where Alembic would not
        pass
    print(f"The warehouse is at revision {bring_up(dsn)}.")
    return 0


def make_roles(chosen: argparse.Namespace) -> int:
    with connector(dsn_of(chosen))() as conn:
        roles.make(conn)
    print("The roles are made. Set passwords where they log in by one; nobody can before: \\password rastro_writer")
    return 0


def status(chosen: argparse.Namespace) -> int:
    with connected(chosen) as conn:
        if not chosen.wanted:
            rows = run(conn, "totals").fetchall()
            print_table(("carrier", "status", "shipments"), [(r.carrier, r.status, f"{r.shipments:,}") for r in rows])
            return 0
        numbers = [chosen.wanted.strip(), normalise(chosen.wanted)]
        found = lookup.by_numbers(conn, numbers)
        if not found:
            if aside := lookup.put_aside_as(conn, numbers):
                describe_aside(aside)
                return 0
            return complain(f"nothing is known about {chosen.wanted}: neither a tracking number nor an order")
        for place, one in enumerate(found):
            if place:
                print()
            describe(conn, lookup.shipment(conn, one.shipment_id), datetime.now(UTC))
    return 0


def describe(conn: Connection[Any], parcel: Any, now: datetime) -> None:
    """One parcel as somebody reads it who has its recipient on the telephone."""
    known = lookup.history(conn, parcel)
    number = parcel.tracking_number or "(no number)"
    print(in_line(f"{number}  of order {parcel.order_id}, invoice {parcel.invoice_number}"))
    for title, lines in (
        ("now", where(parcel, known["events"])),
        ("expected", expected(parcel)),
        ("told", [told(one) for one in known["notices"]] or ["nobody anything yet"]),
        ("next", [next_look(parcel, settings_from({}).pace, now)]),
        ("problem", problems_of(parcel, [*lookup.put_aside(conn, parcel)])),
        ("you can", [f"{action}: {words}" for action, words in can_be_done(parcel, known["notices"])]),
        ("carrier", [
            f"{parcel.carrier or 'none claims it'} ({parcel.courier or '-'}): {parcel.carrier_reason}",
            *([f"asked through {parcel.contract}"] if parcel.contract else []),
        ]),
        ("confirmed", [f"{ROUTES[parcel.route]}{f', {parcel.marketplace}' if parcel.marketplace else ''}"]),
        ("history", [line_of(event) for event in reversed(known["events"])]),
        ("by hand", [f"{local(act.done_at)}  {act.action} by {act.done_by}: {act.reason}"
                     for act in lookup.acts_on(conn, parcel)]),
    ):  # fmt: skip
        for place, line in enumerate(lines):
            print_under("" if place else title, line)


def describe_aside(entries: Sequence[Any]) -> None:
    """What is known of an order or number that could not be followed."""
    for one in entries:
        print(in_line(f"{one.subject}  of {one.origin}: not followed, it is in quarantine since {local(one.first_at)}"))
        for title, line in (
            ("problem", f"{one.reason}: {one.detail}"),
            ("look", f"rastro quarantine show {one.quarantine_id}"),
            ("you can", f'rastro quarantine retry --subject "{one.subject}", once what is wrong is put right'),
        ):
            print_under(title, line)


def print_under(title: str, line: str) -> None:
    indent = f"  {title:<10}"
    print(textwrap.fill(in_line(line), WIDTH, initial_indent=indent, subsequent_indent=" " * 12))


def where(parcel: Any, events: Sequence[Any]) -> list[str]:
    """Where it is, and since when: the first of the events that have said so ever since."""
    lately = [one for one in events if one.standing == "effective" and one.status != "unknown"]
    since = parcel.status_at
    for event in reversed(lately):
        if event.status != parcel.status:
            break
        since = event.occurred_at
    place = ", ".join(filter(None, (lately[-1].city, lately[-1].state))) if lately else ""
    said = f"{parcel.status.replace('_', ' ').upper()}{f' since {local(since)}' if since else ''}"
    waits = parcel.pickup or {}
    return [
        f"{said}{f', last seen in {place}' if place else ''}",
        *([f"waits at {waits['place']}, {waits.get('address') or ''}, until {waits.get('deadline') or '(not said)'}"]
          if waits and parcel.status == "ready_for_pickup" else []),
    ]  # fmt: skip


def expected(parcel: Any) -> list[str]:
    if parcel.delivered_at:
        late = parcel.promised_at and parcel.delivered_at > parcel.promised_at
        return [
            f"delivered {local(parcel.delivered_at)}, promised {local(parcel.promised_at)}{': late' if late else ''}"
        ]
    return [f"{local(parcel.estimated_at)} by the carrier, promised {local(parcel.promised_at)}"]


def told(notice: Any) -> str:
    reason = f": {notice.reason}" if notice.reason else ""
    receiver = " (who receives it)" if notice.to_receiver else ""
    return (
        f"{local(notice.settled_at or notice.owed_at)}  {notice.channel} {notice.kind} to "
        f"{notice.recipient or notice.target}{receiver}: {notice.state}{reason} (notice {notice.notice_id})"
    )


def problems_of(parcel: Any, aside: Sequence[Any]) -> list[str]:
    said = {
        f"not followed: {parcel.skip}": parcel.skip,
        f"paused since {local(parcel.paused_at)}": parcel.paused_at,
        f"the number looks mistyped: {parcel.warning}": parcel.warning,
        f"the carrier refuses it ({parcel.refusal}): {parcel.refusal_text}": parcel.refusal,
        f"the last {parcel.failures} looks got no answer": (parcel.failures or 0) >= MANY_FAILURES,
        f"who confirms its delivery is not decided: {parcel.route_reason}": parcel.route == Route.REVIEW,
    }
    return [
        *(words for words, holds in said.items() if holds),
        *(f"in quarantine since {local(row.first_at)}: {row.reason}: {row.detail}" for row in aside),
    ]


def can_be_done(parcel: Any, notices: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """What the DAG ``act_by_hand`` can do about it now."""
    if parcel.skip:
        return
    if parcel.paused_at:
        yield "resume", "follow it again"
    elif parcel.poll_id:
        yield "poll_now", "ask the carrier now"
    if parcel.status != Status.DELIVERED:
        yield "confirm_delivery", "if you know that it has arrived"
    if parcel.carrier is None or parcel.refusal:
        yield "change_carrier", "if another carrier has it"
    for notice in notices:
        if notice.state in {"dead", "unknown"}:
            yield "release or drop", f"notice {notice.notice_id}, after looking whether it was told"
    mails = [one for one in notices if one.channel == "email" and one.state == "sent" and one.kind == parcel.status]
    if mails:
        yield "resend_mail", f"notice {mails[-1].notice_id} once more"


def line_of(event: Any) -> str:
    place = ", ".join(filter(None, (event.city, event.state)))
    standing = "" if event.standing == "effective" else f" [{event.standing}]"
    said = "  ".join(filter(None, (event.status, event.code, event.description, place)))
    return f"{local(event.occurred_at)}  {said}{standing}"
