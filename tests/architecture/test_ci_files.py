"""What hosting services and git run: valid by their published schemas, pinned, and as the project itself does it."""

import json
import re
from pathlib import Path

import pytest
import yaml

from compose import remarks_of, services
from stack.state import REPOSITORY

pytestmark = pytest.mark.slow

WORKFLOW = REPOSITORY / ".github/workflows/ci.yaml"
HOOKS = REPOSITORY / ".pre-commit-config.yaml"
UPDATES = REPOSITORY / "renovate.json"


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.github-workflows", WORKFLOW),
        ("custom.github-workflows-require-timeout", WORKFLOW),
        ("vendor.renovate", UPDATES),
    ],
    ids=["workflow", "workflow's timeout", "updates"],
)
def test_a_file_is_as_its_reader_says(schema: str, file: Path) -> None:
    assert remarks_of("check-jsonschema", "--builtin-schema", schema, file) == ""


def test_ci_runs_what_a_person_runs_and_may_only_read() -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    (job,) = workflow["jobs"].values()
    assert "permissions" not in job
    assert [step["run"].split()[-1] for step in job["steps"] if "run" in step] == [".ci/run"]
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert used
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", one) for one in used)


def test_hooks_are_the_projects_own_tools() -> None:
    repos = yaml.safe_load(HOOKS.read_text())["repos"]
    assert {one["repo"] for one in repos} == {"local"}
    hooks = [hook for one in repos for hook in one["hooks"]]
    assert len(hooks) > 4
    for hook in hooks:
        assert set(hook) >= {"id", "name", "entry", "language"}
        (program,) = [word for word in hook["entry"].split() if word.startswith(".venv/")]
        assert (REPOSITORY / program).exists()
        re.compile(hook.get("files", "") + hook.get("exclude", ""))


def test_updates_keep_to_the_limits_that_the_requirements_state() -> None:
    rules = json.loads(UPDATES.read_text())["packageRules"]
    limits = {rule["matchPackageNames"][0]: rule["allowedVersions"] for rule in rules if "allowedVersions" in rule}
    stated: dict[str, str] = {}
    for file in ("requirements.in", "requirements-dev.in"):
        stated |= dict(re.findall(r"^([a-z-]+)(<[\d.]+)", (REPOSITORY / file).read_text(), re.MULTILINE))
    assert stated
    assert stated.items() <= limits.items()
    (python,) = set(re.findall(r"^FROM python:(\d+\.\d+)", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE))
    major, minor = python.split(".")
    assert limits["python"] == f"<{major}.{int(minor) + 1}"


def test_databases_are_not_moved_to_another_major_by_themselves() -> None:
    rules = json.loads(UPDATES.read_text())["packageRules"]
    (kept,) = [set(rule["matchPackageNames"]) for rule in rules if rule.get("enabled") is False]
    assert kept == {services()[name]["image"].partition(":")[0] for name in ("postgres", "valkey")}
