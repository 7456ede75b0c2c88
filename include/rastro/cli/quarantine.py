"""``rastro quarantine``: what was put aside, body by body, and the way back."""

import argparse
import sys
import zlib
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rastro.carriers.registry import CARRIERS
from rastro.cli.command import complain, print_table
from rastro.cli.warehouse import arguments as about_warehouse
from rastro.cli.warehouse import connected
from rastro.next_look import local
from rastro.pipeline.put_aside import retry as read_again
from rastro.warehouse.again import Filter, find_entry, list_entries

TITLES = ("id", "origin", "subject", "reason", "since", "times", "detail")


def arguments(parser: argparse.ArgumentParser) -> None:
    which_entries(parser)
    parser.add_argument("--all", action="store_true", help="also what has been closed")
    parser.set_defaults(act=listed)
    # An action's options have no default of their own, so that those said before it hold for it, too.
    actions = parser.add_subparsers(metavar="ACTION", title="actions; without one, the entries are listed")
    one = actions.add_parser("show", argument_default=argparse.SUPPRESS, help="the raw body that was kept, to stdout")
    about_warehouse(one)
    one.add_argument("id", metavar="ID", type=int)
    one.set_defaults(act=show)
    again = actions.add_parser(
        "retry", argument_default=argparse.SUPPRESS, help="read the entries again with today's parsers and sources"
    )
    which_entries(again)
    again.set_defaults(act=retry)


def which_entries(parser: argparse.ArgumentParser) -> None:
    about_warehouse(parser)
    parser.add_argument("--origin", help="a carrier's code, or an account such as vtex:shop_main")
    parser.add_argument("--reason", help="as it is listed, in quotes")
    parser.add_argument("--subject", help="a tracking number, or an order with its invoice, as it is listed")


def quarantine(chosen: argparse.Namespace) -> int:
    act: Callable[[argparse.Namespace], int] = chosen.act
    return act(chosen)


def wanted_by(chosen: argparse.Namespace) -> Filter:
    return Filter(origin=chosen.origin or "", reason=chosen.reason or "", subject=chosen.subject or "")


def listed(chosen: argparse.Namespace) -> int:
    with connected(chosen) as conn:
        entries = list_entries(conn, wanted_by(chosen), resolved=chosen.all)
    titles = (*TITLES, "closed") if chosen.all else TITLES
    print_table(titles, rows_of(entries, closed=chosen.all))
    return 0


def rows_of(entries: Iterable[Any], *, closed: bool) -> Iterable[tuple[str, ...]]:
    for entry in entries:
        row = (
            str(entry.quarantine_id), entry.origin, entry.subject, entry.reason, local(entry.first_at),
            f"{entry.times:,}", " ".join(entry.detail.split()),
        )  # fmt: skip
        yield (*row, local(entry.resolved_at)) if closed else row


def show(chosen: argparse.Namespace) -> int:
    """Prints the body as it came, byte for byte."""
    with connected(chosen) as conn:
        entry = find_entry(conn, chosen.id)
    if entry is None:
        return complain(f"there is no entry {chosen.id}; `rastro quarantine --all` lists them")
    if entry.raw is None:
        why = f"its body was erased on {local(entry.erased_at)}" if entry.erased_at else "no body was kept with it"
        return complain(f"entry {chosen.id}: {why}")
    complain(f"this is what {entry.origin} sent about {entry.subject}; it may hold personal data")
    sys.stdout.flush()
    sys.stdout.buffer.write(zlib.decompress(entry.raw))
    sys.stdout.buffer.flush()
    return 0


def retry(chosen: argparse.Namespace) -> int:
    with connected(chosen) as conn:
        now = datetime.now(UTC)
        figures = read_again(conn, CARRIERS, now=now, run_id="rastro quarantine retry", wanted=wanted_by(chosen))
    print_table(
        ("what", "entries"), ((name.replace("_", " "), f"{count:,}") for name, count in asdict(figures).items())
    )
    if figures.read or figures.asked_again or figures.letters_again or figures.orders_awaited:
        print("The next run loads what was read, and asks for the rest.")
    return 0
