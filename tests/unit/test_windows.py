"""Which hour a run is responsible for."""

from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from rastro.errors import Misconfigured
from rastro.models import Window
from rastro.orchestration.windows import moment, typed_window, window_of

TEN = datetime(2026, 11, 20, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def context(**given: Any) -> dict[str, Any]:
    """What Airflow hands to a task of a run made some minutes past two."""
    return {"dag_run": SimpleNamespace(run_after=TEN + 4 * HOUR + timedelta(minutes=17, seconds=3)), **given}


def test_a_scheduled_run_covers_its_data_interval() -> None:
    given = context(data_interval_start=TEN, data_interval_end=TEN + HOUR, params={})
    assert window_of(given) == Window(start=TEN, end=TEN + HOUR)


def test_what_is_typed_into_the_form_comes_first() -> None:
    typed = {"window_start": "2026-11-17T00:00:00Z", "window_end": "2026-11-20T00:00:00Z"}
    given = context(data_interval_start=TEN, data_interval_end=TEN + HOUR, params=typed)
    assert window_of(given) == Window(start=datetime(2026, 11, 17, tzinfo=UTC), end=datetime(2026, 11, 20, tzinfo=UTC))


@pytest.mark.parametrize("params", [None, {}, {"window_start": None, "window_end": None}, {"window_start": ""}])
def test_an_empty_form_leaves_the_data_interval(params: dict[str, Any] | None) -> None:
    given = context(data_interval_start=TEN, data_interval_end=TEN + HOUR, params=params)
    assert window_of(given).start == TEN


@pytest.mark.parametrize(
    "interval",
    [
        {},
        {"data_interval_start": None, "data_interval_end": None},
        {"data_interval_start": TEN, "data_interval_end": TEN},
        {"data_interval_start": TEN, "data_interval_end": None},
    ],
)
def test_a_run_without_an_interval_covers_the_last_full_hour_before_it(interval: dict[str, Any]) -> None:
    assert window_of(context(**interval)) == Window(start=TEN + 3 * HOUR, end=TEN + 4 * HOUR)


@pytest.mark.parametrize(("start", "end"), [("2026-11-20T10:00", None), (None, "2026-11-20T10:00"), ("", "x")])
def test_half_a_window_is_refused(start: str | None, end: str | None) -> None:
    with pytest.raises(Misconfigured, match="both window_start and window_end"):
        typed_window(start, end)


@pytest.mark.parametrize("end", ["2026-11-20T10:00", "2026-11-20T09:59"])
def test_a_window_that_ends_where_it_starts_or_before_is_refused(end: str) -> None:
    with pytest.raises(Misconfigured, match="must lie before"):
        typed_window("2026-11-20T10:00", end)


def test_what_is_no_time_is_refused_with_what_was_typed() -> None:
    with pytest.raises(Misconfigured, match=r"must be ISO times: .*yesterday"):
        window_of(context(params={"window_start": "yesterday", "window_end": "2026-11-20T10:00"}))


def test_a_time_without_an_offset_is_utc_and_others_are_kept() -> None:
    assert moment("2026-11-20T10:00") == TEN
    assert moment("2026-11-20T07:00:00-03:00") == TEN.astimezone(timezone(-3 * HOUR))
    assert typed_window("2026-11-20T07:00:00-03:00", "2026-11-20T10:30") == Window(
        start=TEN, end=TEN + timedelta(minutes=30)
    )
