"""docs/describe-a-carrier.md can be followed: its files, its command and what is said to come of it."""

import json
import re
from pathlib import Path

import msgspec
import pytest
import yaml

from rastro.carriers import description as typed
from rastro.carriers.described import SHIPPED, described
from rastro.carriers.description_reading import problems_of
from rastro.cli import main
from stack.state import REPOSITORY

PAGE = (REPOSITORY / "docs/describe-a-carrier.md").read_text("utf-8")


def fenced(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a reader of the page works, with the two files as the page has them."""
    (description,) = fenced("yaml")
    saved, _ = fenced("json")
    (tmp_path / "ligeirinho.yaml").write_text(description, "utf-8")
    (tmp_path / "saved.json").write_text(saved, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_prints_what_the_page_shows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (command,) = fenced("sh")
    program, *arguments = command.split()
    assert program == ".venv/bin/rastro"
    assert main(arguments) == 0
    _, shown = fenced("json")
    assert json.loads(capsys.readouterr().out) == json.loads(shown)


def test_the_mistakes_that_are_shown_are_told_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (folder / "ligeirinho.yaml").read_text("utf-8")
    wrong = text.replace("  time:\n    path: [data", "  tiem:\n    path: [data").replace(
        '"07": delivered', '"07": delivred'
    )
    (folder / "ligeirinho.yaml").write_text(wrong, "utf-8")
    assert main(["parse", "generic", "--config", "ligeirinho.yaml", "saved.json"]) == 1
    (shown,) = fenced("text")
    assert capsys.readouterr().err == f"rastro: {shown}"


def test_the_folder_can_be_given_as_carrier_files(folder: Path) -> None:
    carrier = described(folder)["ligeirinho"]
    assert carrier.code == "ligeirinho"
    (lines,) = fenced("ini")
    assert f"{carrier.code}:ligeirinho_contract" in lines


def cells() -> list[tuple[str, str]]:
    """The two columns of the table of a carrier's own ways."""
    section = PAGE.partition("## Find the line")[2].partition("\n## ")[0]
    return re.findall(r"^\| (?!the carrier|---)(.*?) \| (.*) \|$", section, re.MULTILINE)


@pytest.mark.parametrize("way", [ways for _, ways in cells()])
def test_a_line_that_is_shown_can_be_written(way: str) -> None:
    sections = [text for text in re.findall(r"`([^`]+)`", way) if re.match(r"[a-z_]+: *[\[{]", text)]
    for text in sections:
        ((name, value),) = yaml.safe_load(text).items()
        field = next((one for one in msgspec.structs.fields(typed.Description) if one.name == name), None)
        if field:
            about = {"asked_by": ["tracking_number", "invoice_key"], name: value}
            mistakes = [one for one in problems_of(about) if one.startswith(name)]
            assert [one for one in mistakes if "missing" not in one and "nothing tells" not in one] == []
        else:
            assert name in {"formats", "zone"}


def test_there_are_lines_for_a_carriers_own_ways() -> None:
    assert len(cells()) > 12


def test_the_shipped_descriptions_are_listed_as_they_are() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| ([ABC]) \|$", PAGE, re.MULTILINE)
    known = described()
    assert len(SHIPPED) > 5
    assert rows == [
        (code, known[code].name, ", ".join(known[code].references), known[code].confidence) for code in SHIPPED
    ]
