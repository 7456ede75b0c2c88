"""The project's files, found once for all rules; every search proves that it found something."""

import sys
from pathlib import Path

import pytest

from stack.state import REPOSITORY

sys.path.insert(0, str(Path(__file__).parent))  # test folders are no packages, so sources.py is found by its folder

from sources import NOT_OURS, Source, python_files


@pytest.fixture(scope="session")
def packages() -> list[Source]:
    """All of ``include/``: rastro, simulator, stack."""
    found = list(python_files(REPOSITORY / "include"))
    assert len(found) > 30
    return found


@pytest.fixture(scope="session")
def rastro(packages: list[Source]) -> list[Source]:
    found = [source for source in packages if source.name.split(".")[0] == "rastro"]
    assert len(found) > 20
    return found


@pytest.fixture(scope="session")
def dag_files() -> list[Source]:
    found = list(python_files(REPOSITORY / "dags", "dags"))
    assert found, "no DAG files found"
    return found


@pytest.fixture(scope="session")
def plugin_files() -> list[Source]:
    return list(python_files(REPOSITORY / "plugins", "plugins"))


@pytest.fixture(scope="session")
def text_files() -> dict[Path, str]:
    """Every file of the project that is text: path from the repository's root → text."""
    found: dict[Path, str] = {}
    for path in sorted(REPOSITORY.rglob("*")):
        inside = path.relative_to(REPOSITORY)
        if not path.is_file() or not NOT_OURS.isdisjoint(inside.parts) or "egg-info" in str(inside):
            continue
        try:
            found[inside] = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # a picture
    assert len(found) > 50
    return found
