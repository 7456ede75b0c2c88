"""README, docs/ and what else is written for people, and the pieces of them that tests try."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from stack import docs
from stack.state import REPOSITORY

# Path below the project → text.
PAGES = {
    str(path.relative_to(REPOSITORY)): path.read_text("utf-8")
    for path in dict.fromkeys((*docs.files(), *sorted(REPOSITORY.glob("*.md"))))
}
README = PAGES["README.md"]
FENCED = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"(?:^|\s+)# .*")
ASSIGNMENT = re.compile(r"(?:export )?[A-Z][A-Z0-9_]*=\S*('.*')?$")


def fenced(text: str, *languages: str) -> list[str]:
    """What stands in the boxes of these kinds."""
    return [
        re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)
        for indent, kind, body in FENCED.findall(text)
        if kind in languages
    ]


def statements(page: str) -> list[str]:
    """Every SQL statement of a page."""
    return [one for block in fenced(PAGES[page], "sql") for one in block.split(";\n") if one.strip()]


def commands(page: str) -> list[str]:
    """Every command of a page as it is typed, less its comment; what only sets variables is none."""
    lines = (
        COMMENT.sub("", line) for block in fenced(PAGES[page], "sh", "bash", "console") for line in block.splitlines()
    )
    return [line for line in lines if line and not ASSIGNMENT.match(line)]


def links(text: str) -> Iterator[str]:
    """Where it leads to within the project."""
    bare = re.sub(r"(?<!\[)`[^`\n]+`", "", text)  # a regular expression is no link
    return (target for target in re.findall(r"\]\(([^)\s]+)\)", bare) if "://" not in target)


def run(command: str, folder: Path, **variables: str) -> str:
    """Runs a command as a person would at the top of the project, but what it writes falls into ``folder``."""
    if not (folder / "tests").exists():
        (folder / "tests").symlink_to(REPOSITORY / "tests")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-ec", command],
        cwd=folder,
        env=os.environ | variables | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def built_site(folder: Path) -> Path:
    """docs/ as the site that it is, built as ``make docs`` does."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": "include", "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return folder
