"""
docs/write-a-carrier.md and docs/write-a-marketplace.md are followed to the letter, in a copy of the project.

Whatever stands in a box under the path of a file is put there, the two lines go into the registry, and every command is
run. Nothing but these places may have to change.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from stack.state import REPOSITORY

BOX = re.compile(r"^(?:`(?P<path>[\w./]+)`:\n\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LEFT_BEHIND = (".git", ".venv", ".rastro", "__pycache__", ".*_cache", ".hypothesis", "*.egg-info", "build")
# What the commands of the pages make anew.
MADE = re.compile(r"README(\.pt-BR)?\.md|\.env\.example|docs/.*\.md")


@dataclass(frozen=True)
class Guide:
    kind: str
    code: str

    @property
    def text(self) -> str:
        return (REPOSITORY / f"docs/write-a-{self.kind}.md").read_text("utf-8")

    @property
    def files(self) -> dict[str, str]:
        return {box["path"]: box["text"] for box in BOX.finditer(self.text) if box["path"]}

    @property
    def registry(self) -> str:
        return f"include/rastro/{self.kind}s/registry.py"

    @property
    def lines(self) -> list[str]:
        """The two lines for the registry: an import, and an entry."""
        return [
            box["text"].removesuffix("\n")
            for box in BOX.finditer(self.text)
            if not box["path"] and box["language"] == "python"
        ]

    @property
    def commands(self) -> list[str]:
        boxes = [box["text"] for box in BOX.finditer(self.text) if box["language"] == "sh"]
        return [line for box in boxes for line in box.splitlines()]


GUIDES = (Guide("carrier", "veloz"), Guide("marketplace", "feira"))
EACH = pytest.mark.parametrize("guide", GUIDES, ids=lambda one: one.kind)


def contents(tree: Path) -> dict[str, bytes]:
    paths = (path for top in ("include", "tests", "docs", "dags", "plugins") for path in (tree / top).rglob("*"))
    found = [*paths, *(path for path in tree.iterdir())]
    return {
        str(path.relative_to(tree)): path.read_bytes()
        for path in found
        if path.is_file() and "__pycache__" not in path.parts
    }


@EACH
def test_a_guide_has_all_its_parts(guide: Guide) -> None:
    assert f"include/rastro/{guide.kind}s/{guide.code}.py" in guide.files
    assert len([path for path in guide.files if path.startswith(f"tests/recordings/{guide.code}/")]) >= 9
    assert len(guide.lines) == 2
    assert len(guide.commands) > 5
    idle = [
        box["text"] for box in BOX.finditer(guide.text) if not box["path"] and box["language"] not in {"python", "sh"}
    ]
    assert idle == [], "nothing is done with these boxes"


@pytest.mark.slow
@EACH
def test_a_guide_can_be_followed_to_the_letter_and_no_other_place_needs_a_change(guide: Guide, tmp_path: Path) -> None:
    tree = tmp_path / "project"
    shutil.copytree(REPOSITORY, tree, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    for path in guide.files:
        (tree / path).unlink(missing_ok=True)  # who has just followed it has them
    before = contents(tree)

    for path, text in guide.files.items():
        (tree / path).parent.mkdir(exist_ok=True)
        (tree / path).write_text(text, "utf-8")
    registry = (tree / guide.registry).read_text("utf-8")
    imported, entered = guide.lines
    if entered not in registry:
        registry = re.sub(r"\n\n(?=[A-Z]+: Mapping)", f"\n{imported}\n\n", registry, count=1)
        registry = registry.replace("] = {\n", f"] = {{\n{entered}\n", 1)
    (tree / guide.registry).write_text(registry, "utf-8")

    told = {command: run(command, tree) for command in guide.commands}

    changed = {path for path, content in contents(tree).items() if before.get(path) != content}
    assert {path for path in changed if not MADE.fullmatch(path)} == {*guide.files, guide.registry}
    assert f"docs/{guide.kind}s/{guide.code}.md" in changed
    assert f"AIRFLOW_CONN_{guide.code.upper()}_" in (tree / ".env.example").read_text("utf-8")
    assert (tree / f"include/rastro/{guide.kind}s/{guide.code}.py").read_text("utf-8") == guide.files[
        f"include/rastro/{guide.kind}s/{guide.code}.py"
    ], "the example is not formatted as the project is"
    parsed = [json.loads(said) for command, said in told.items() if " parse " in command]
    assert [one["tracking_number"] for one in parsed] == ["VZ0000000011", "VZ0000000014"] * (guide.kind == "carrier")


def run(command: str, tree: Path) -> str:
    """As a person would at the top of the project, with the Python of these tests for the one in ``.venv``."""
    own = command.replace(".venv/bin/rastro", "PYTHONPATH=include .venv/bin/python -m rastro.cli")  # of the copy
    done = subprocess.run(
        ["sh", "-c", own.replace(".venv/bin/python", sys.executable)],
        cwd=tree,
        env={name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-2000:]}"
    return done.stdout
