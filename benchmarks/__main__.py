"""Runs the benchmarks: ``make bench``, ``make bench QUICK=1``, ``make bench ONLY=pages``."""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import bench, growth, loading, notices, pages, parsing, planning, polling, report, whole_run
from benchmarks.bench import Benchmark, Measured, Result, Size

BENCHMARKS: Sequence[Benchmark] = (polling, parsing, loading, planning, notices, pages, report, whole_run)
REPETITIONS = 3


def main() -> None:
    asked = argparse.ArgumentParser(prog="make bench", description=__doc__)
    asked.add_argument("--quick", action="store_true", help="smaller sizes")
    asked.add_argument("--only", choices=[one.NAME for one in BENCHMARKS], help="one benchmark")
    asked.add_argument("--times", type=int, help="repetitions, 3 where nothing is said and 1 with --quick")
    given = asked.parse_args()
    times = given.times or (1 if given.quick else REPETITIONS)
    chosen = [one for one in BENCHMARKS if given.only in {None, one.NAME}]

    print(bench.machine(), flush=True)
    results = [result for one in chosen for result in repeated(one, quick=given.quick, times=times)]
    print(f"\n{bench.table(results)}\n")
    if given.quick:
        print("These are the smaller sizes: nothing of it is kept.")
    else:
        growth.draw(bench.keep(results, whole=given.only is None))
    missed = [one.goal.name for one in results if one.holds is False]
    print(
        f"{len(missed)} of {len(results)} figures miss their goal: {', '.join(missed)}"
        if missed
        else "Every goal holds."
    )


def repeated(benchmark: Benchmark, *, quick: bool, times: int) -> list[Result]:
    """Its figures over all repetitions, in the order in which it yields them."""
    figures: dict[str, list[Measured]] = {}
    with tempfile.TemporaryDirectory(prefix="rastro-bench-") as scratch:
        Path(scratch).chmod(0o755)  # PostgreSQL, which does not run as root, has its data below
        size = Size(quick=quick, scratch=Path(scratch))
        for repetition in range(1, times + 1):
            started = time.monotonic()
            for measured in benchmark.measure(size):
                figures.setdefault(measured.goal.name, []).append(measured)
            print(f"{benchmark.NAME}: {repetition} of {times}, {time.monotonic() - started:.0f} s", flush=True)
    return [Result.of(repetitions) for repetitions in figures.values()]


if __name__ == "__main__":
    main()
