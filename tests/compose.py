"""``docker-compose.yaml`` as it is read where nobody has set a variable, and the programs that look at such files."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from stack.state import REPOSITORY

FILE = REPOSITORY / "docker-compose.yaml"
DEFAULT = re.compile(r"\$\{(\w+):-([^}]*)\}")
SECRETS = "/run/secrets"


def variables() -> set[str]:
    """Names that the file refers to; each has a default."""
    text = FILE.read_text("utf-8")
    named = set(re.findall(r"(?<!\$)\$\{?(\w+)", text))
    assert named == {name for name, _ in DEFAULT.findall(text)}
    return named


@cache
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load(DEFAULT.sub(r"\2", FILE.read_text("utf-8")).replace("$$", "$")))


def services() -> dict[str, dict[str, Any]]:
    return dict(compose()["services"])


def built() -> dict[str, dict[str, Any]]:
    """The services that run the project's own image."""
    return {name: service for name, service in services().items() if "build" in service}


def environment_of(service: str, secrets: Path) -> dict[str, str]:
    """
    What a service of ours is told.

    :param secrets: where the files lie that it finds below ``/run/secrets``.
    """
    return {name: value.replace(SECRETS, str(secrets)) for name, value in services()[service]["environment"].items()}


def make_secrets(folder: Path) -> Path:
    """The files that the services take their secrets from, made as an operator makes them."""
    subprocess.run(["sh", REPOSITORY / "deploy/make-secrets", folder], check=True, timeout=60)
    return folder


def remarks_of(program: str, *arguments: str | Path) -> str:
    """What a program of the test tools has to say against a file; empty when it is content."""
    command = [Path(sys.executable).with_name(program), *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=120)
    return "" if done.returncode == 0 else f"{done.stdout}{done.stderr}" or f"{program} ended with {done.returncode}"
