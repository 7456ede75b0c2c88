"""Commands for the worst day: a backup of the warehouse, the way back, and what a restored warehouse must be told."""

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from rastro.cli.warehouse import arguments, connected, dsn_of
from rastro.errors import Misconfigured
from rastro.models import Channel
from rastro.sending import CANNOT_BE_ASKED
from rastro.warehouse import backup
from rastro.warehouse.restored import settle_in


def backup_arguments(parser: argparse.ArgumentParser) -> None:
    arguments(parser)
    parser.add_argument("file", metavar="FILE", type=Path, help="where to; its figures are written to FILE.json")


def restored_arguments(parser: argparse.ArgumentParser) -> None:
    arguments(parser)
    parser.add_argument(
        "--lost-at",
        metavar="TIME",
        help="when the warehouse that was lost told anything last, in ISO 8601; without: now",
    )


def restore_arguments(parser: argparse.ArgumentParser) -> None:
    restored_arguments(parser)
    parser.add_argument("file", metavar="FILE", type=Path, help="what rastro backup wrote")
    parser.add_argument("--replace", action="store_true", help="lose what the schema rastro there holds")


def back_up(chosen: argparse.Namespace) -> int:
    made = backup.back_up(dsn_of(chosen), chosen.file, datetime.now(UTC), say)
    size = chosen.file.stat().st_size / 1e6
    say(f"{chosen.file}: {made.rows:,} rows of {len(made.tables)} tables, {size:,.1f} MB, complete.")
    return 0


def restore(chosen: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    until = told_until(chosen, now)
    dsn = dsn_of(chosen)
    doubted = backup.restore(dsn, chosen.file, told_until=until, now=now, replace=chosen.replace, say=say)
    say("All of it is there, row by row, and at the newest revision.")
    tell(doubted, until)
    return 0


def restored(chosen: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    until = told_until(chosen, now)
    with connected(chosen) as conn:
        doubted = settle_in(conn, until, now)
    tell(doubted, until)
    return 0


def told_until(chosen: argparse.Namespace, now: datetime) -> datetime:
    """
    :raises Misconfigured: it is no time, or one that has not come.
    """
    try:
        at = datetime.fromisoformat(chosen.lost_at) if chosen.lost_at else now
    except ValueError as error:
        raise Misconfigured(f"--lost-at: {error}") from error
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if at > now:
        raise Misconfigured("--lost-at lies in the future")
    return at


def tell(doubted: Mapping[Channel, int], until: datetime) -> None:
    say(f"What happened until {until:%Y-%m-%d %H:%M} UTC may have been told already, and is not told again unasked:")
    for channel in Channel:
        follows = "wait for a person" if channel in CANNOT_BE_ASKED else "are read before anything is written"
        say(f"  {channel:<12} {doubted.get(channel, 0):>10,} open; these and what is learnt of that time {follows}")


def say(line: str) -> None:
    print(line, flush=True)
