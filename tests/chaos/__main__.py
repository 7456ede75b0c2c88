"""Work through many seeded schedules in several processes, and say what came of it."""

import argparse
import gc
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, islice
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from cryptography.fernet import Fernet
from psycopg import sql

from chaos.schedule import described, plan, presses_on
from stack.postgres import Server, embedded_postgres
from stack.processes import stop_when_told
from stack.state import REPOSITORY

if TYPE_CHECKING:
    from chaos.driver import Outcome

SAFEGUARDS = ("lease", "unique_key", "read_back")
NEWS_EVERY = 5.0  # seconds


@dataclass(slots=True, kw_only=True)
class Totals:
    """What all schedules came to so far."""

    seed: int
    planned: int
    began: float = field(default_factory=time.monotonic)
    told: float = 0.0
    done: int = 0
    runs: int = 0
    violations: int = 0
    families: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: "Outcome") -> None:
        self.done += 1
        self.runs += outcome.runs
        self.families += outcome.families
        self.violations += len(outcome.violations)
        if outcome.violations:
            faults = ", ".join(f"{fault.family} ({fault.task or 'the run'})" for fault in outcome.faults) or "none"
            say(f"\nschedule {outcome.number} of seed {self.seed}; faults: {faults}")
            for violation in outcome.violations:
                say(f"  VIOLATION {violation}")
            say(f"  again: make chaos SEED={self.seed} ONLY={outcome.number}")

    def tell(self) -> None:
        """How it goes, every few seconds."""
        if time.monotonic() - self.told >= NEWS_EVERY:
            self.told = time.monotonic()
            say(self.so_far)

    @property
    def so_far(self) -> str:
        seconds = time.monotonic() - self.began
        return (
            f"{self.done:,} of {self.planned:,} schedules, {self.runs:,} runs, {self.families.total():,} faults, "
            f"{self.violations:,} violations in {seconds:,.0f} s"
        )

    def table(self) -> Iterator[str]:
        """Faults that were really injected, by family."""
        yield f"\n{'faults injected':<40}{'times':>8}"
        for family, times in sorted(self.families.items()):
            yield f"  {family:<38}{times:>8,}"
        yield f"\n{self.so_far}"
        yield f"{self.done} schedules, {self.families.total()} faults, {self.violations} violations"


def main(arguments: Sequence[str] | None = None) -> int:
    told = options(arguments)
    stop_when_told()
    numbers = chosen(told)
    workers = max(1, min(told.workers, len(numbers)))
    say(f"seed {told.seed}: {len(numbers):,} schedules by {workers} workers; starting PostgreSQL and the simulators …")
    totals = Totals(seed=told.seed, planned=len(numbers))
    with tempfile.TemporaryDirectory(prefix="chaos-") as place, prepared(Path(place), told.without) as postgres:
        if told.only is not None:
            say("\n".join(described(plan(told.seed, told.only))))

        def share(worker: int, results: Connection) -> None:
            work(Path(place) / f"worker-{worker}", postgres, numbers[worker::workers], told.seed, results)

        for outcome in outcomes(share, workers):
            totals.add(outcome)
            totals.tell()
            if told.stop and totals.violations:
                break
    for line in totals.table():
        say(line)
    return int(totals.violations > 0 or not totals.done)


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--schedules", type=int, default=2000, help="how many")
    parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same schedules")
    parser.add_argument("--only", type=int, help="the number of one schedule, to be run by itself")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2, help="processes that share the work")
    parser.add_argument("--without", choices=SAFEGUARDS, help="take a safeguard away: there must be violations")
    parser.add_argument("--stop", action="store_true", help="stop after the first schedule with violations")
    return parser.parse_args(arguments)


def chosen(told: argparse.Namespace) -> list[int]:
    """The numbers of the schedules to run; without a safeguard, of those that press on it."""
    if told.only is not None:
        return [told.only]
    numbers: Iterator[int] = count()
    if told.without:
        numbers = (number for number in numbers if presses_on(plan(told.seed, number), told.without))
    return list(islice(numbers, told.schedules))


@contextmanager
def prepared(folder: Path, without: str | None) -> Iterator[Server]:
    """PostgreSQL with a migrated warehouse to copy, and Airflow imported once for all workers."""
    for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
        del os.environ[name]
    os.environ |= {
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__CORE__FERNET_KEY": Fernet.generate_key().decode(),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    from chaos.driver import TEMPLATE
    from chaos.sabotage import WITHOUT
    from rastro.orchestration import tasks  # noqa: F401 -- imported once, before the workers are forked
    from rastro.warehouse.migrate import migrate

    logging.disable(logging.CRITICAL)  # what the bodies log of their troubles would bury what is said of the schedules
    with embedded_postgres(folder / "postgres", durable=False) as postgres:
        migrate(postgres.create(TEMPLATE))
        with psycopg.connect(postgres.dsn(TEMPLATE)) as conn:
            few_partitions(conn)
            if without:
                WITHOUT[without](conn)
        yield postgres


def few_partitions(conn: psycopg.Connection) -> None:
    """Schedules live within one season: years of partitions cost every statement time. Loads make what is missing."""
    partitions = conn.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'rastro.tracking_event'::regclass"
        " AND inhrelid <> 'rastro.tracking_event_default'::regclass"
    ).fetchall()
    for (name,) in partitions:
        conn.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(*name.split("."))))


def work(folder: Path, postgres: Server, numbers: Sequence[int], seed: int, results: Connection) -> None:
    """One worker's share, schedule after schedule."""
    from chaos.driver import world

    with world(folder, postgres, folder.name.replace("-", "_")) as driven:
        gc.freeze()  # what is there now is shared with every fork, and left alone
        for number in numbers:
            results.send(driven.drive(plan(seed, number)))


def outcomes(share: Callable[[int, Connection], None], workers: int) -> Iterator["Outcome"]:
    """
    What the workers find, as they find it; workers that are not waited for to the end are ended.

    :raises SystemExit: a worker itself broke down.
    """
    context = get_context("fork")
    processes, open_ends = [], []
    for worker in range(workers):
        reading, writing = context.Pipe(duplex=False)
        process = context.Process(target=share, args=(worker, writing))
        process.start()
        writing.close()  # so that its end is seen when the worker ends
        processes.append(process)
        open_ends.append(reading)
    try:
        while open_ends:
            ready = wait(open_ends, NEWS_EVERY)
            for end in [end for end in open_ends if end in ready]:
                try:
                    yield end.recv()
                except EOFError:
                    open_ends.remove(end)
        for process in processes:
            process.join()
            if process.exitcode:
                raise SystemExit(f"a worker broke down (exit code {process.exitcode}); see its traceback above")
    finally:
        for process in processes:
            process.terminate()
            process.join()


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
