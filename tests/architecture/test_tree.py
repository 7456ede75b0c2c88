"""What no file of this project may hold, and what belongs together."""

import re
from pathlib import Path

import pytest
from sources import Source

from rastro.carriers.registry import CARRIERS
from rastro.marketplaces.registry import MARKETPLACES
from stack.state import REPOSITORY

RECORDINGS = REPOSITORY / "tests/recordings"
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "handlers"}
# Built from pieces so that this file does not find itself.
PROMISES = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error"]) + r")\b")
GIVING_UP = re.compile(r"(pytest\.|mark\.)(" + "|".join(["sk" + "ip", "x" + "fail"]) + r")")
MACHINE = re.compile(r"(?<![\w.:/-])/(" + "|".join(["ro" + "ot", "home" + "/\\w", "Us" + "ers", "wo" + "rk"]) + r")/")
KEY = re.compile("-----BEGIN [A-Z ]*PRIVATE" + " KEY-----|\\bAKIA[0-9A-Z]{16}\\b|\\bghp_[A-Za-z0-9]{30,}\\b")


@pytest.mark.parametrize("pattern", [PROMISES, MACHINE, KEY], ids=["promises", "paths of one machine", "keys"])
def test_no_file_holds(text_files: dict[Path, str], pattern: re.Pattern[str]) -> None:
    found = [
        f"{path}:{number}"
        for path, text in text_files.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]
    assert not found


def test_what_no_file_may_hold_is_recognized() -> None:
    assert PROMISES.search("# TO" + "DO: later")
    assert MACHINE.search("see /ro" + "ot/notes")
    assert not MACHINE.search("https://shop.example/ro" + "ot/notes")
    assert KEY.search("-----BEGIN RSA PRIVATE" + " KEY-----")


def test_no_test_gives_up_but_for_a_missing_browser(text_files: dict[Path, str]) -> None:
    tests = {path: text for path, text in text_files.items() if path.parts[0] == "tests" and path.suffix == ".py"}
    assert tests
    assert not [path for path, text in tests.items() if path.parts[1] != "browser" and GIVING_UP.search(text)]


def test_no_module_has_a_name_that_says_nothing(
    packages: list[Source], dag_files: list[Source], plugin_files: list[Source]
) -> None:
    assert not [source.name for source in [*packages, *dag_files, *plugin_files] if VAGUE & set(source.name.split("."))]


def test_requirements_name_versions_and_hashes_but_no_place_to_get_them() -> None:
    files = sorted(REPOSITORY.glob("requirements*.txt"))
    assert len(files) == 2
    for file in files:
        text = file.read_text()
        pins = re.findall(r"^([a-z0-9._-]+(?:\[[a-z0-9,._-]+\])?)(.*)$", text, re.MULTILINE)
        assert len(pins) > 5
        assert not [name for name, rest in pins if not rest.startswith("==")]
        assert not re.search(r"--(extra-)?index-url|--find-links|://|^/|@ file", text, re.MULTILINE)
        hashed = re.findall(r"^[a-z0-9._-]+(?:\[.*\])?==[^\n]*\\\n    --hash=sha256:", text, re.MULTILINE)
        assert len(hashed) == len(pins)


def test_every_adapter_has_recordings_and_every_recording_has_its_adapter() -> None:
    assert CARRIERS
    assert MARKETPLACES
    folders = {folder.name for folder in RECORDINGS.iterdir() if folder.is_dir()}
    assert folders == {*CARRIERS, *MARKETPLACES}
    for code in folders:
        assert any(path.is_file() for path in (RECORDINGS / code).rglob("*")), f"{code} has no recordings"


def test_a_carriers_code_is_the_name_of_its_module() -> None:
    assert CARRIERS
    for code, carrier in CARRIERS.items():
        assert carrier.code == code
        assert type(carrier).__module__.startswith(f"rastro.carriers.{code}")
