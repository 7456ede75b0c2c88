"""How many requests are let through."""

import pytest

from rastro.web.limits import Bucket


def test_a_heap_comes_through_at_once_and_then_as_many_as_the_rate_says() -> None:
    bucket = Bucket(rate=2.0, burst=3)
    assert [bucket.wait(100.0) for _ in range(5)] == [0, 0, 0, 0.5, 0.5]
    assert [bucket.wait(100.6) for _ in range(2)] == [0, pytest.approx(0.4)]
    assert bucket.wait(101.0) == 0


def test_a_long_silence_saves_no_more_than_a_heap() -> None:
    bucket = Bucket(rate=2.0, burst=3)
    assert [bucket.wait(1e9) == 0 for _ in range(4)] == [True, True, True, False]


def test_a_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    bucket = Bucket(rate=2.0, burst=1)
    assert bucket.wait(10.0) == 0
    assert bucket.wait(10.0) == 0.5
    assert bucket.wait(9.0) == 0.5
