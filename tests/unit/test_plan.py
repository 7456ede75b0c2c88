"""How what is due is shared out into slices."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rastro.pipeline.plan import share, whole_calls
from rastro.settings import Settings, settings_from

BY_DEFAULT = settings_from({})


def limits(max_slices: int, slice_size: int) -> Settings:
    return replace(BY_DEFAULT, max_slices=max_slices, slice_size=slice_size)


@pytest.mark.parametrize(
    ("due", "slices"),
    [
        ({}, {}),
        ({"correios": 0}, {}),
        ({"correios": 1}, {"correios": 1}),
        ({"correios": 2000}, {"correios": 1}),
        ({"correios": 2001}, {"correios": 2}),
        ({"correios": 5000, "veloz": 10}, {"correios": 3, "veloz": 1}),
        ({"correios": 128_000}, {"correios": 64}),
        ({"correios": 1_000_000}, {"correios": 64}),
    ],
)
def test_a_carrier_gets_as_many_slices_as_its_size_asks_for_while_there_are_enough(
    due: dict[str, int], slices: dict[str, int]
) -> None:
    assert share(due, limits(64, 2000)) == slices


def test_short_of_slices_each_carrier_gets_its_part_and_the_smallest_still_one() -> None:
    shared = share({"correios": 900_000, "veloz": 90_000, "andante": 5}, limits(64, 1000))
    assert shared == {"correios": 56, "veloz": 6, "andante": 1}


def test_with_more_carriers_than_slices_each_has_one_of_its_own() -> None:
    due = {f"carrier{number}": 10_000 for number in range(5)}
    assert share(due, limits(3, 1000)) == dict.fromkeys(due, 1)


@pytest.mark.parametrize(("size", "batch", "whole"), [(1, 50, 50), (50, 50, 50), (51, 50, 100), (7, 1, 7), (0, 50, 0)])
def test_a_slice_is_cut_at_whole_calls(size: int, batch: int, whole: int) -> None:
    assert whole_calls(size, batch) == whole


dues = st.dictionaries(st.sampled_from([f"carrier{number}" for number in range(12)]), st.integers(0, 3_000_000))
many = st.builds(limits, st.integers(1, 512), st.integers(1, 100_000))


@given(dues, many)
def test_there_are_never_more_slices_than_allowed_but_for_one_a_carrier(
    due: dict[str, int], settings: Settings
) -> None:
    shared = share(due, settings)
    assert set(shared) == {carrier for carrier, count in due.items() if count}
    assert all(number >= 1 for number in shared.values())
    assert sum(shared.values()) <= max(settings.max_slices, len(shared))


@given(dues, many)
def test_no_carrier_gets_more_slices_than_it_can_fill_and_a_larger_one_never_fewer(
    due: dict[str, int], settings: Settings
) -> None:
    shared = share(due, settings)
    for carrier, number in shared.items():
        assert number <= math.ceil(due[carrier] / settings.slice_size)
        assert all(number >= other for rival, other in shared.items() if due[rival] <= due[carrier])


@given(dues, many)
def test_short_of_slices_few_are_left_over(due: dict[str, int], settings: Settings) -> None:
    shared = share(due, settings)
    wanted = sum(math.ceil(count / settings.slice_size) for count in due.values())
    if wanted > settings.max_slices:
        assert sum(shared.values()) > settings.max_slices - len(shared)


@given(dues, many, st.integers(1, 500))
def test_the_slices_hold_everything_that_is_due(due: dict[str, int], settings: Settings, batch: int) -> None:
    for carrier, number in share(due, settings).items():
        size = whole_calls(math.ceil(due[carrier] / number), batch)
        assert size % batch == 0
        assert size * number >= due[carrier]
        assert math.ceil(due[carrier] / size) <= number
