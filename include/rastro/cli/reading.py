"""``rastro parse``: what a carrier's raw response means, as JSON lines."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from rastro.carriers.described import SHIPPED, described_in
from rastro.carriers.registry import CARRIERS
from rastro.cli.command import complain
from rastro.diff import state_of
from rastro.errors import Unreadable
from rastro.models import Event, Refusal, Snapshot, Standing


def parse_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("carrier", metavar="CARRIER", help=f"one of: {', '.join(CARRIERS)}")
    parser.add_argument("file", metavar="FILE", nargs="?", default="-", help="the raw response; - or nothing: stdin")
    parser.add_argument(
        "--about",
        metavar="REFERENCE",
        action="append",
        default=[],
        help="what was asked about, where FILE does not say",
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        help=f"with generic: the carrier's description, or one that Rastro ships: {', '.join(SHIPPED)}",
    )
    parser.add_argument("--status", metavar="HTTP", type=int, default=200, help="the response's HTTP status")


def parse(chosen: argparse.Namespace) -> int:
    """Prints one JSON object for each reference; one line on stderr for each that cannot be read."""
    carrier = CARRIERS.get(chosen.carrier)
    if carrier is None:
        return complain(f"there is no carrier {chosen.carrier!r}; known are: {', '.join(CARRIERS)}", code=2)
    if chosen.config:
        if chosen.carrier != "generic":
            return complain("--config describes a carrier, so it goes with generic alone", code=2)
        carrier = described_in(chosen.config)
    body = sys.stdin.buffer.read() if chosen.file == "-" else Path(chosen.file).read_bytes()
    code = 0
    for part in carrier.cut(body, chosen.about, chosen.status):
        reference = next(iter(part.references), "")
        try:
            meaning = carrier.parse(part.raw, reference)
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
