"""The bill of materials names what is installed, and is one that others can read."""

import json
import re
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from stack import sbom
from stack.state import REPOSITORY

pytestmark = pytest.mark.slow


def test_the_bill_of_materials_is_valid_and_holds_every_pinned_package(tmp_path: Path) -> None:
    sbom.write(tmp_path / "build" / "sbom.json")
    text = (tmp_path / "build" / "sbom.json").read_text("utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    pinned = set(
        re.findall(r"^([\w.-]+)==([^\s;]+)", (REPOSITORY / "requirements.txt").read_text("utf-8"), re.MULTILINE)
    )
    assert len(pinned) > 100
    bill = json.loads(text)
    assert {(one["name"], one["version"]) for one in bill["components"]} == pinned
    assert bill["metadata"]["component"]["name"] == "rastro"
    assert "/simple" not in text
