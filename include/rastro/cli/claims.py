"""``rastro claims``: what can be claimed from carriers, and what became of it, as a table to read or a list to file."""

import argparse
import sys
from pathlib import Path

from rastro.claim_sheet import TITLES, rows_of, said_of
from rastro.claims import ClaimState, Reason
from rastro.cli.command import complain, print_table
from rastro.cli.warehouse import arguments as about_warehouse
from rastro.cli.warehouse import connected
from rastro.setting_values import claim_days
from rastro.sheets import as_csv, as_workbook
from rastro.warehouse.claims import Wanted, listed


def arguments(parser: argparse.ArgumentParser) -> None:
    about_warehouse(parser)
    parser.add_argument("--carrier", default="", help="a carrier's code; nothing: all")
    parser.add_argument("--state", default=ClaimState.OPEN.value, choices=[*ClaimState, "all"], help="open by itself")
    parser.add_argument("--reason", default="", choices=list(Reason))
    parser.add_argument("--format", choices=("csv", "xlsx"), help="a list to file; nothing: a table to read")
    parser.add_argument("--days", default="", help="days of your contracts, as in the setting claim_days")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="instead of stdout; an .xlsx needs one")


def claims(chosen: argparse.Namespace) -> int:
    state = "" if chosen.state == "all" else chosen.state
    try:
        days = claim_days(chosen.days)
    except ValueError as error:
        return complain(error, 2)
    form = chosen.format or (chosen.output.suffix.lstrip(".") if chosen.output else "")
    if form not in {"", "csv", "xlsx"}:
        return complain(f"{chosen.output} is neither .csv nor .xlsx; say --format", 2)
    if form == "xlsx" and not chosen.output:
        return complain("a workbook goes into a file: say -o FILE", 2)
    with connected(chosen) as conn:
        found = listed(conn, Wanted(carrier=chosen.carrier, state=state, reason=chosen.reason))
    if not form:
        print_table(
            ("parcel", "order", "carrier", "reason", "state", "until", "at stake", "protocol"),
            (
                (one.tracking_number, one.order_id, one.carrier, one.reason, said_of(one), one.until.isoformat(),
                 "-" if one.at_stake is None else f"{one.at_stake:,.2f}", one.protocol)
                for one in found
            ),
        )  # fmt: skip
        return 0
    rows = rows_of(found, days)
    if form == "xlsx":
        chosen.output.write_bytes(as_workbook(TITLES, rows, "claims"))
    elif chosen.output:
        chosen.output.write_text(as_csv(TITLES, rows), "utf-8", newline="")
    else:
        sys.stdout.write(as_csv(TITLES, rows))
    if chosen.output:
        print(f"{len(found):,} claims are in {chosen.output}.")
    return 0
