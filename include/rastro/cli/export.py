"""The command that copies the warehouse's views to Parquet, for whoever reads files rather than databases."""

import argparse
from pathlib import Path

from rastro.cli.warehouse import arguments, connected
from rastro.warehouse.datasets import DATASETS


def export_arguments(parser: argparse.ArgumentParser) -> None:
    arguments(parser)
    parser.add_argument("--to", metavar="FOLDER", type=Path, required=True, help="where the files are, or are to be")
    parser.add_argument(
        "--only",
        metavar="VIEW",
        action="append",
        default=[],
        help=f"one of {', '.join(one.name for one in DATASETS)}; may be given again",
    )
    parser.add_argument(
        "--whole", action="store_true", help="write every month anew, not only those with something new"
    )


def export(chosen: argparse.Namespace) -> int:
    from rastro.warehouse.export import export as bring_up_to_date  # noqa: PLC0415  a part of a second, for this alone

    with connected(chosen) as conn:
        conn.rollback()  # all that follows is of one moment
        written = bring_up_to_date(conn, chosen.to, chosen.only, say, whole=chosen.whole)
    say(f"{chosen.to} is up to date: {sum(written.values()):,} rows written.")
    return 0


def say(line: str) -> None:
    print(line, flush=True)
