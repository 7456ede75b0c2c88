"""``rastro person``: tell a person all that is kept of them, or erase it."""

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg import Connection

from rastro.cli.command import print_table
from rastro.cli.warehouse import arguments as about_warehouse
from rastro.cli.warehouse import dsn_of
from rastro.errors import Misconfigured
from rastro.pipeline import person as wishes
from rastro.pipeline.person import Wanted, kept_elsewhere
from rastro.warehouse.connect import connector


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    one = actions.add_parser("export", help="everything that is kept of a person, as JSON")
    who(one)
    one.add_argument("--to", metavar="FILE", type=Path, help="write it there, for its owner only; else to stdout")
    one.set_defaults(act=export)
    other = actions.add_parser("erase", help="erase it; what happened stays, and leads to nobody any more")
    who(other)
    other.set_defaults(act=erase)


def who(parser: argparse.ArgumentParser) -> None:
    about_warehouse(parser)
    by = parser.add_mutually_exclusive_group(required=True)
    by.add_argument("--order", metavar="ORDER_ID", help="one order, as its source numbers it")
    by.add_argument(
        "--email", metavar="ADDRESS", help="every order about which Rastro mailed this address; - reads it from stdin"
    )
    parser.add_argument("--account", default="", help="of the order, where several accounts have one of this number")
    parser.add_argument(
        "--by", default="", metavar="NAME", help="who does it, for the record (default: who is logged in)"
    )


def person(chosen: argparse.Namespace) -> int:
    act: Callable[[argparse.Namespace], int] = chosen.act
    return act(chosen)


def export(chosen: argparse.Namespace) -> int:
    with connector(dsn_of(chosen))() as conn:
        told = wishes.export(conn, wanted_by(chosen, conn), done_by=done_by(chosen), now=datetime.now(UTC))
    text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    if chosen.to is None:
        sys.stdout.write(text)
        return 0
    with os.fdopen(os.open(chosen.to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    print(f"{len(told['orders'])} orders are written to {chosen.to}.")
    for sentence in told["kept_elsewhere"]:
        print(sentence)
    return 0


def erase(chosen: argparse.Namespace) -> int:
    with connector(dsn_of(chosen))() as conn:
        counts = wishes.erase(conn, wanted_by(chosen, conn), done_by=done_by(chosen), now=datetime.now(UTC))
        elsewhere = kept_elsewhere(conn)
    print_table(("what", "how many"), ((name, f"{number:,}") for name, number in counts.items()))
    for sentence in elsewhere:
        print(sentence)
    return 0


def wanted_by(chosen: argparse.Namespace, conn: Connection[Any]) -> Wanted:
    email = (sys.stdin.readline() if chosen.email == "-" else chosen.email or "").strip()
    if chosen.email and "@" not in email:
        raise Misconfigured("What stands behind --email is no address")
    return Wanted(order_id=(chosen.order or "").strip(), email=email, account=chosen.account, key=hash_key(conn))


def done_by(chosen: argparse.Namespace) -> str:
    return str(chosen.by) or getpass.getuser()


def hash_key(conn: Connection[Any]) -> bytes:
    """
    The key of the hashes that addresses and erased orders are known by.

    :raises Misconfigured: Airflow, whose Fernet key it is, is not here or has none.
    """
    try:
        from rastro.orchestration.serving import hash_key as held  # noqa: PLC0415  likewise rastro serve
    except ModuleNotFoundError as error:
        raise Misconfigured(f"rastro person needs Airflow, for its Fernet key; here is no {error.name}") from error
    return held(conn)
