"""The command that writes the letter about any days as a page."""

import argparse
from datetime import date
from functools import partial
from pathlib import Path

from rastro.carriers.described import all_carriers
from rastro.cli.command import complain
from rastro.cli.warehouse import arguments, connected
from rastro.errors import Misconfigured
from rastro.languages import Language
from rastro.letter import Span
from rastro.mail.letter import as_mail, as_page, write
from rastro.pipeline.letter import end_of
from rastro.warehouse import letter as letters
from rastro.warehouse.report import reported_until


def report_arguments(parser: argparse.ArgumentParser) -> None:
    arguments(parser)
    parser.add_argument("--from", dest="first", metavar="DAY", type=day, required=True, help="first day, YYYY-MM-DD")
    parser.add_argument("--to", dest="last", metavar="DAY", type=day, required=True, help="last day, itself included")
    parser.add_argument("--carrier", default="", metavar="CODE", help="of this carrier alone")
    parser.add_argument("--language", type=Language, default=Language.PORTUGUESE, choices=list(Language))
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="a page with its plots; else text to stdout")


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day of the form 2026-11-16") from None


def report(chosen: argparse.Namespace) -> int:
    if chosen.last < chosen.first:
        raise Misconfigured("--to lies before --from")
    names = {code: carrier.name for code, carrier in all_carriers().items()}
    if chosen.carrier and chosen.carrier not in names:
        raise Misconfigured(f"There is no carrier {chosen.carrier}; rastro carriers lists them")
    span = Span(first=chosen.first, last=chosen.last)
    with connected(chosen) as conn:
        until = reported_until(conn)
        letter = letters.read(conn, span, chosen.carrier)
    if until is None or until < end_of(span):
        reach = f"reach {until:%Y-%m-%d %H:%M} UTC, what was learnt later is missing" if until else "have not begun"
        complain(f"the reports {reach}: run the DAG report_deliveries")
    written = write(letter, chosen.language, partial(named, names))
    if chosen.output is None:
        print(as_mail(written).text, end="")
    else:
        chosen.output.write_text(as_page(written), encoding="utf-8")
        print(f"Written: {chosen.output}")
    return 0


def named(names: dict[str, str], code: str) -> str:
    return names.get(code, code)
