"""What a command is, and how it speaks."""

import argparse
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from rastro.wording import in_line

WIDTH = 160
INDENT = "    "


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One sub-command: ``run`` does it, ``arguments`` declares what it takes."""

    name: str
    help: str
    run: Callable[[argparse.Namespace], int]
    arguments: Callable[[argparse.ArgumentParser], None] | None = None


class Interleaved(argparse.ArgumentParser):
    """Takes an optional argument behind an option, too: ``parse generic --config mine.yaml answer.json``."""

    _mixing = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self._mixing or any(action.nargs == argparse.PARSER for action in self._actions):
            return super().parse_known_args(args, namespace)
        self._mixing = True  # for it calls this method in its turn
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixing = False


def complain(reason: object, code: int = 1) -> int:
    print("rastro:", " ".join(in_line(str(reason)).split()), file=sys.stderr)
    return code


def print_table(titles: Sequence[str], rows: Iterable[Sequence[str]], notes: Iterable[Sequence[str]] = ()) -> None:
    """
    Columns as wide as their widest cell.

    :param notes: for each row the lines that stand below it, set in and wrapped.
    """
    table = [tuple(titles), *(tuple(map(in_line, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row, below in zip_longest(table, [(), *notes], fillvalue=()):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        for note in below:
            print(textwrap.fill(note, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False))
