"""docs/failures.md names tests that exist, and misses none of those that cause a fault."""

import ast
import re

from stack.state import REPOSITORY

TESTS = REPOSITORY / "tests"
PAGE = (REPOSITORY / "docs/failures.md").read_text("utf-8")
ROWS = re.findall(r"^\| (?!what goes wrong|---)(.*?) \| (.*?) \| (.*) \|$", PAGE, re.MULTILINE)


def named(cell: str) -> list[tuple[str, str]]:
    """File and function of the tests that a cell names."""
    return re.findall(r"`([\w/]+\.py)::(test_\w+)`", cell)


def functions_of(file: str) -> set[str]:
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_row_says_what_goes_wrong_what_follows_and_which_test_causes_it() -> None:
    assert len(ROWS) >= 18
    assert not [wrong for wrong, follows, cause in ROWS if not (wrong and follows and named(cause))]


def test_every_test_that_is_named_exists() -> None:
    missing = [(file, name) for *_, cause in ROWS for file, name in named(cause) if name not in functions_of(file)]
    assert missing == []


def test_every_fault_that_is_caused_is_named() -> None:
    caused = functions_of("integration/test_faults.py")
    assert caused
    assert caused <= {name for *_, cause in ROWS for _, name in named(cause)}
