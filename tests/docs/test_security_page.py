"""docs/security.md: every claim names tests, and they exist."""

import ast
import re

from stack.state import REPOSITORY

PAGE = (REPOSITORY / "docs/security.md").read_text("utf-8")
ROWS = re.findall(r"^\| (?!who \||---)(.*?) \| (.*?) \| (.*?) \| (.*) \|$", PAGE, re.MULTILINE)
ROLES = (REPOSITORY / "include/rastro/warehouse/sql/roles.sql").read_text("utf-8")


def named(cell: str) -> list[tuple[str, str]]:
    return re.findall(r"`([\w/]+\.py)::(test_\w+)`", cell)


def test_every_claim_names_a_test_that_exists() -> None:
    assert len(ROWS) >= 18
    for *_, cell in ROWS:
        assert named(cell), cell
        for file, name in named(cell):
            tree = ast.parse((REPOSITORY / "tests" / file).read_text("utf-8"))
            assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"


def test_every_role_of_the_database_has_its_row() -> None:
    made = set(re.findall(r"'(rastro_\w+)'", ROLES))
    assert len(made) == 4
    assert {row[0].split("`")[1] for row in ROWS if row[0].startswith("`rastro_")} == made
