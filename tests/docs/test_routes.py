"""docs/operators-page.md and docs/serve.md list every address there is, each with a test that exists."""

import ast
import re
from typing import Any

import pytest

from rastro.pages.app import made
from rastro.pages.routes import ROUTES
from stack.docs import TRIED
from stack.state import REPOSITORY

OPERATORS = (REPOSITORY / "docs/operators-page.md").read_text("utf-8")
SERVE = (REPOSITORY / "docs/serve.md").read_text("utf-8")
SERVICE = (REPOSITORY / "include/rastro/web/app.py").read_text("utf-8")
TESTS = {
    "docs/operators-page.md": (REPOSITORY / "tests", OPERATORS),
    "docs/serve.md": (REPOSITORY / "tests/contract", SERVE),
}


def test_the_operators_pages_are_those_of_the_table() -> None:
    served: list[Any] = [one for one in made().routes if hasattr(one, "methods")]
    assert sorted((*one.methods, one.path) for one in served) == sorted((one.method, one.path) for one in ROUTES)
    assert TRIED.keys() == {one.answer for one in ROUTES}


def test_the_addresses_of_the_service_are_those_of_its_table() -> None:
    served = re.findall(r'Route\("([^"]+)"', SERVICE)
    assert "/health" in served
    assert sorted(re.findall(r"^\| `(/[^`]+)` \| (?:GET|POST)", SERVE, re.MULTILINE)) == sorted(served)


@pytest.mark.parametrize("page", TESTS)
def test_every_test_that_is_named_exists(page: str) -> None:
    folder, text = TESTS[page]
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", text)
    assert len(named) > 5
    for file, name in named:
        tree = ast.parse((folder / file).read_text("utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, name
