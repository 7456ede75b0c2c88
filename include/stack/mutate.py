"""
Changes the pure core in a thousand small ways, and sees whether its unit tests notice: ``python -m stack.mutate``.

What is changed, and which tests have to notice, is said in ``pyproject.toml``, [tool.mutmut]. A mutant that no test
notices stands in ``tests/unit/surviving_mutants.toml`` with the reason why it does no harm; one that does not, one
that stands there and is noticed after all, and a module with too many of them each make this fail.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stack.state import REPOSITORY, STATE

FOLDER = STATE / "mutate"
EXPLAINED = REPOSITORY / "tests/unit/surviving_mutants.toml"
LEAST_PERCENT = 90
NOTICED = frozenset({"killed", "timeout"})  # a mutant that hangs is one that nobody overlooks
VERDICT = re.compile(r"^\s*(\S+): ([a-z ]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change to one function: the line as it was, and as the mutant has it."""

    function: str
    was: str
    becomes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of the mutant of this name."""

    name: str
    noticed: bool

    @property
    def module(self) -> str:
        return self.name.rpartition(".")[0]


def lay_out(folder: Path) -> None:
    """The product, its unit tests and nothing else, side by side: no other test's fixtures are loaded, all is new."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "tests").mkdir(parents=True)
    (folder / "rastro").symlink_to(REPOSITORY / "include/rastro")
    (folder / "tests/unit").symlink_to(REPOSITORY / "tests/unit")
    (folder / "pyproject.toml").symlink_to(REPOSITORY / "pyproject.toml")


def mutmut(folder: Path, *arguments: str, shown: bool = False) -> str:
    """Runs mutmut in the folder and gives what it printed, unless that was shown to a person as it came."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    output = None if shown else subprocess.PIPE
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"mutmut {' '.join(arguments)} failed:\n{(done.stdout or '')[-3000:]}")
    return done.stdout or ""


def verdicts(results: str) -> list[Verdict]:
    """Read from what ``mutmut results --all true`` prints."""
    return [Verdict(name=name, noticed=what in NOTICED) for name, what in VERDICT.findall(results)]


def mutant(name: str, shown: str) -> Mutant:
    """Read from what ``mutmut show`` prints, a unified diff of the function."""
    lines = [line for line in shown.splitlines() if not line.startswith(("---", "+++"))]
    was, becomes = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    return Mutant(function=function_of(name), was=was, becomes=becomes)


def function_of(name: str) -> str:
    """``rastro.diff.x_compare__mutmut_1`` is a mutant of ``rastro.diff.compare``, ``…xǁLifeǁof__…`` of ``…Life.of``."""
    module, _, mangled = name.partition("__mutmut_")[0].rpartition(".")
    return f"{module}.{mangled.removeprefix('x').removeprefix('_').strip('ǁ').replace('ǁ', '.')}"


def explained() -> Iterator[Mutant]:
    """The survivors that are known, each with its reason beside it."""
    for entry in tomllib.loads(EXPLAINED.read_text("utf-8"))["survivor"]:
        for becomes in entry["becomes"]:
            yield Mutant(function=entry["function"], was=entry["was"], becomes=becomes)


def table(judged: Sequence[Verdict]) -> Iterator[str]:
    """One line for each module."""
    made = Counter(verdict.module for verdict in judged)
    noticed = Counter(verdict.module for verdict in judged if verdict.noticed)
    yield f"{'module':32} {'mutants':>7} {'killed':>7} {'survived':>8} {'percent':>7}"
    for module, count in sorted(made.items()):
        killed = noticed[module]
        yield f"{module:32} {count:7} {killed:7} {count - killed:8} {100 * killed / count:7.1f}"
    killed = noticed.total()
    yield f"{'all':32} {len(judged):7} {killed:7} {len(judged) - killed:8} {100 * killed / len(judged):7.1f}"


def faults(judged: Sequence[Verdict], survivors: Iterable[Mutant], known: Iterable[Mutant]) -> Iterator[str]:
    """What makes the command fail, in sentences."""
    for module in sorted({verdict.module for verdict in judged}):
        own = [verdict.noticed for verdict in judged if verdict.module == module]
        if 100 * sum(own) < LEAST_PERCENT * len(own):
            yield f"{module}: fewer than {LEAST_PERCENT} % of its mutants are killed"
    found, listed = set(survivors), set(known)
    for one in sorted(found - listed, key=str):
        yield f"no test notices this mutant of {one.function}:\n  - {one.was}\n  + {one.becomes}"
    for one in sorted(listed - found, key=str):
        yield f"{EXPLAINED.name} lists a mutant of {one.function} that does not survive:\n  + {one.becomes}"


def main() -> None:
    print("Making mutants, and running the tests on each …", flush=True)
    lay_out(FOLDER)
    mutmut(FOLDER, "run", shown=sys.stdout.isatty())
    judged = verdicts(mutmut(FOLDER, "results", "--all", "true"))
    if not judged:
        raise SystemExit("No mutants were made: look at pyproject.toml, [tool.mutmut].")
    survivors = [mutant(one.name, mutmut(FOLDER, "show", one.name)) for one in judged if not one.noticed]
    print("\n".join(table(judged)))
    wrong = list(faults(judged, survivors, explained()))
    if wrong:
        raise SystemExit("\n" + "\n".join(wrong))
    print(f"Every survivor stands in {EXPLAINED.relative_to(REPOSITORY)} with its reason.")


if __name__ == "__main__":
    main()
