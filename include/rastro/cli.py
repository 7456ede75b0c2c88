"""
The command line: ``rastro COMMAND``. Each command is one function and one line in :data:`COMMANDS`.

A command returns its exit code: 0 fine, 1 something could not be done (one line on stderr says what), 2 wrong usage.
"""

import argparse
import io
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from rastro.carriers.base import Asks, Carrier
from rastro.carriers.registry import CARRIERS
from rastro.diff import state_of
from rastro.errors import RastroError, Unreadable
from rastro.http import Response
from rastro.models import Event, Refusal, Snapshot, Standing

# Registries other than the carriers' are imported by the commands that print them: they bring SQLAlchemy along, which
# `rastro parse` in a loop over files would pay for every time.


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One sub-command: ``run`` does it, ``arguments`` declares what it takes."""

    name: str
    help: str
    run: Callable[[argparse.Namespace], int]
    arguments: Callable[[argparse.ArgumentParser], None] | None = None


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="rastro", description="Follows every parcel a shop has sent.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        sub = commands.add_parser(command.name, help=command.help, description=command.help)
        if command.arguments:
            command.arguments(sub)
        sub.set_defaults(run=command.run)
    chosen = parser.parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # JSON is UTF-8, and so are our names, whatever the terminal's locale
    try:
        run: Callable[[argparse.Namespace], int] = chosen.run
        return run(chosen)
    except RastroError as error:
        return complain(error)
    except OSError as error:
        return complain(f"{error.filename or 'input or output'}: {error.strerror or error}")


def complain(reason: object, code: int = 1) -> int:
    print("rastro:", " ".join(str(reason).split()), file=sys.stderr)
    return code


def parse_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("carrier", metavar="CARRIER", help=f"one of: {', '.join(CARRIERS)}")
    parser.add_argument("file", metavar="FILE", nargs="?", default="-", help="the raw response; - or nothing: stdin")


def parse(chosen: argparse.Namespace) -> int:
    """Prints one JSON object for each reference; one line on stderr for each that cannot be read."""
    carrier = CARRIERS.get(chosen.carrier)
    if carrier is None:
        return complain(f"there is no carrier {chosen.carrier!r}; known are: {', '.join(CARRIERS)}", code=2)
    body = sys.stdin.buffer.read() if chosen.file == "-" else Path(chosen.file).read_bytes()
    code = 0
    for reference, raw in carrier.split(Response(status=200, body=body)):
        try:
            meaning = carrier.parse(raw)
        except Unreadable as error:
            code = complain(f"{reference or 'a part without a number'}: {error}")
        else:
            print(msgspec.json.encode(told(meaning)).decode())
    return code


def told(meaning: Snapshot | Refusal) -> dict[str, object]:
    """What ``rastro parse`` prints about one reference, newest event last."""
    events: Iterable[Event] = () if isinstance(meaning, Refusal) else meaning.events
    state = state_of(events)
    estimated_at = None if isinstance(meaning, Refusal) else meaning.estimated_at
    refusal = (
        {"reason": meaning.reason, "code": meaning.code, "message": meaning.message}
        if isinstance(meaning, Refusal)
        else None
    )
    return {
        "tracking_number": meaning.reference,
        "status": state.status,
        "delivered_at": state.delivered_at.isoformat() if state.delivered_at else None,
        "estimated_at": estimated_at.isoformat() if estimated_at else None,
        "refusal": refusal,
        "events": [line_of(event) for event in events],
    }


def line_of(event: Event) -> dict[str, object]:
    """An event as it is printed; ``standing`` is added where the event does not count as it stands."""
    line: dict[str, object] = {
        "occurred_at": event.occurred_at.isoformat(),
        "status": event.status,
        "code": event.code,
        "description": event.description,
        "city": event.city,
        "state": event.state,
        "country": event.country,
    }
    if event.standing is not Standing.EFFECTIVE:
        line["standing"] = event.standing
    return line


def carriers(_: argparse.Namespace) -> int:
    print_table(
        ("code", "name", "asked", "about", "limits", "recognised by", "confidence", "docs"),
        (
            (
                carrier.code,
                carrier.name,
                how_asked(carrier),
                ", ".join(carrier.references),
                f"{carrier.requests_per_second:g} calls/s, {carrier.connections} at once",
                recognised_by(carrier),
                carrier.confidence,
                carrier.docs,
            )
            for carrier in CARRIERS.values()
        ),
    )
    return 0


def how_asked(carrier: Carrier) -> str:
    return f"{carrier.asks}, {carrier.batch_size} a call" if carrier.asks is not Asks.SINGLE else f"{carrier.asks}"


def recognised_by(carrier: Carrier) -> str:
    signs = {"name": carrier.claims.names, "link": carrier.claims.hosts, "number": carrier.claims.numbers}
    return ", ".join(sign for sign, patterns in signs.items() if patterns) or "configuration only"


def marketplaces(_: argparse.Namespace) -> int:
    from rastro.marketplaces.registry import MARKETPLACES  # noqa: PLC0415  see the head of this module

    print_table(
        ("code", "name", "reads back", "mails the customer", "limits", "confidence", "docs"),
        (
            (
                market.code,
                market.name,
                yes_no(market.reads_back),
                yes_no(market.mails_customer),
                f"{market.requests_per_second:g} calls/s" if market.requests_per_second else "-",
                market.confidence,
                market.docs,
            )
            for market in MARKETPLACES.values()
        ),
    )
    return 0


def orders(_: argparse.Namespace) -> int:
    from rastro.orders.registry import SOURCES  # noqa: PLC0415  see the head of this module

    print_table(
        ("code", "name", "covers", "written back", "docs"),
        (
            (source.code, source.name, source.covers, yes_no(source.writes_back), source.docs)
            for source in SOURCES.values()
        ),
    )
    return 0


def yes_no(value: bool) -> str:  # noqa: FBT001  it words a boolean
    return "yes" if value else "no"


def print_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as their widest cell."""
    table = [tuple(titles), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


COMMANDS = (
    Command(name="parse", help="What a carrier's raw response means.", run=parse, arguments=parse_arguments),
    Command(name="carriers", help="The carriers that can be asked.", run=carriers),
    Command(name="marketplaces", help="The marketplaces that can be told.", run=marketplaces),
    Command(name="orders", help="The order systems that shipments come from.", run=orders),
)


if __name__ == "__main__":
    sys.exit(main())
