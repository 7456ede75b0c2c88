"""What a command is, and how it speaks."""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One sub-command: ``run`` does it, ``arguments`` declares what it takes."""

    name: str
    help: str
    run: Callable[[argparse.Namespace], int]
    arguments: Callable[[argparse.ArgumentParser], None] | None = None


def complain(reason: object, code: int = 1) -> int:
    print("rastro:", " ".join(str(reason).split()), file=sys.stderr)
    return code


def print_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as their widest cell."""
    table = [tuple(titles), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
