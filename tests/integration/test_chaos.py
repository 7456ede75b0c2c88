"""A short form of ``make chaos``, and the proof that its oracle is awake."""

import os
import re
import subprocess
import sys

import pytest

from chaos.schedule import Beside, Schedule, plan, presses_on
from stack.state import REPOSITORY

pytestmark = pytest.mark.slow

# Faults of every way to cause one; single kinds are too rare for a few schedules.
FAMILIES = (
    *("kill before", "kill after", "cut before", "cut after", "correios: ", "vtex: "),
    *("two runs of the hour at once", "a backfill beside the run", "a clock a minute off"),
)


def chaos(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{REPOSITORY / 'include'}:{REPOSITORY / 'tests'}"}
    return subprocess.run(
        [sys.executable, "-m", "chaos", *arguments],
        env=environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def test_nothing_is_lost_and_nothing_said_twice_whatever_breaks() -> None:
    done = chaos("--schedules", "25", "--seed", "7")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    last = done.stdout.splitlines()[-1]
    counts = re.fullmatch(r"25 schedules, (\d+) faults, 0 violations", last)
    assert counts, last
    assert int(counts[1]) >= 25
    injected = done.stdout.partition("faults injected")[2]
    assert [family for family in FAMILIES if family not in injected] == []


@pytest.mark.parametrize(("safeguard", "seed"), [("lease", 7), ("unique_key", 3), ("read_back", 7)])
def test_without_a_safeguard_something_is_said_twice_and_the_oracle_says_so(safeguard: str, seed: int) -> None:
    done = chaos("--schedules", "40", "--seed", str(seed), "--without", safeguard, "--stop")
    assert done.returncode == 1, done.stdout[-3000:] + done.stderr[-2000:]
    assert re.search(
        r"VIOLATION .*(arrived|confirmed to the marketplace|different mails|held already|without any doubt)",
        done.stdout,
    )
    assert re.search(rf"again: make chaos SEED={seed} ONLY=\d+", done.stdout)


def test_the_same_seed_and_number_give_the_same_schedule() -> None:
    made = [plan(seed, number) for seed in (1, 2) for number in range(50)]
    assert made == [plan(seed, number) for seed in (1, 2) for number in range(50)]
    assert len({repr(schedule) for schedule in made}) == len(made)


def test_every_way_to_go_wrong_is_common_among_the_schedules() -> None:
    schedules = [plan(7, number) for number in range(500)]
    ways = {
        "an ambush": lambda one: any(hour.ambushes for hour in one.hours),
        "somebody who misbehaves": lambda one: any(hour.misbehaviours for hour in one.hours),
        "a clock that is off": lambda one: any(hour.clocks for hour in one.hours),
        "two runs at once": lambda one: any(Beside.TWIN in hour.beside for hour in one.hours),
        "a backfill beside the run": lambda one: any(Beside.BACKFILL in hour.beside for hour in one.hours),
        "a token that ends": lambda one: any(hour.token_ends for hour in one.hours),
    }
    assert {way: share(schedules, is_so) for way, is_so in ways.items() if share(schedules, is_so) < 0.05} == {}
    assert all(any(presses_on(one, name) for one in schedules) for name in ("lease", "unique_key", "read_back"))


def share(schedules: list[Schedule], is_so) -> float:
    return sum(map(is_so, schedules)) / len(schedules)
