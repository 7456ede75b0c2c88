"""docs/deploy.md: what it says of services, files and addresses is so, and its commands name what there is."""

import json
import re
import shlex
import tomllib

import yaml

from compose import built, compose, services
from stack.env_example import COMPOSE
from stack.state import REPOSITORY

PAGE = (REPOSITORY / "docs/deploy.md").read_text("utf-8")
PROGRAMS = {"cp", "sh", "git", "docker", "kubectl", "helm"}


def fenced(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def commands(*start: str) -> list[list[str]]:
    lines = [shlex.split(line) for block in fenced("sh") for line in block.splitlines()]
    return [words for words in lines if words[: len(start)] == list(start)]


def test_its_table_has_the_services_and_what_they_may_take() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| (\d+[mg]) \|$", PAGE, re.MULTILINE))
    always = {name: one["deploy"]["resources"]["limits"]["memory"] for name, one in services().items()
              if "profiles" not in one}  # fmt: skip
    assert rows == always


def test_its_commands_are_of_programs_that_it_names_and_of_services_that_there_are() -> None:
    assert {words[0] for words in commands()} == PROGRAMS
    for words in commands("docker", "compose"):
        named = [word.partition("=")[0] for word in words if word.partition("=")[0] in services()]
        assert named or words[2] in {"up", "ps", "build"}, words
    profiles = {profile for one in services().values() for profile in one.get("profiles", [])}
    assert f"COMPOSE_PROFILES={','.join(sorted(profiles))}" in PAGE


def test_its_files_of_secrets_are_those_of_the_compose_file() -> None:
    section = PAGE.partition("## Take secrets from files")[2].partition("\n## ")[0]
    rows = [cell for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for cell in re.findall("`(.*?)`", row)]
    assert set(rows) == set(compose()["secrets"])
    (shown,) = fenced("json")
    assert all(one["conn_type"] for one in json.loads(shown).values())


def test_what_it_overrides_is_there() -> None:
    files, worker = (yaml.safe_load(text)["services"] for text in fenced("yaml"))
    assert set(files) <= set(built())
    assert built()["worker"]["volumes"][0] in files["worker"]["volumes"]
    assert set(worker["worker"]["environment"]) <= set(built()["worker"]["environment"])
    set_in_env = {line.partition("=")[0] for text in fenced("ini") for line in text.splitlines()}
    assert set_in_env - {"AIRFLOW__FAB__ENABLE_PROXY_FIX"} <= set(COMPOSE)


def test_its_files_and_tags_are_those_of_the_project() -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    assert set(re.findall(r"loja\.example/rastro:(\S+)", PAGE)) == {version}
    files = {word for words in commands() for word in words if word.startswith("deploy/")}
    assert len(files) > 3
    assert all((REPOSITORY / file).exists() for file in files)
    tests = re.findall(r"`(tests/\S+\.py)`", PAGE)
    assert len(tests) == 3
    assert all((REPOSITORY / test).exists() for test in tests)
