"""Each benchmark, at its small size: what it measures beside must still be there. How fast is no test's concern."""

import pytest
from benchmarks.__main__ import BENCHMARKS, repeated
from benchmarks.bench import Benchmark

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=[one.NAME for one in BENCHMARKS])
def test_it_measures_something(benchmark: Benchmark) -> None:
    figures = [figure for result in repeated(benchmark, quick=True, times=1) for figure in result.judged]
    assert figures
    assert min(figures) > 0
