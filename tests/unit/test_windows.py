"""Which hour a run is responsible for."""

from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from rastro.errors import Misconfigured
from rastro.models import Window
from rastro.orchestration.windows import chosen_window, moment, typed_window, window_of

TEN = datetime(2026, 11, 20, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def context(**given: Any) -> dict[str, Any]:
    """What Airflow hands to a task of a run made some minutes past two."""
    return {
        "dag_run": SimpleNamespace(run_after=TEN + 4 * HOUR + timedelta(minutes=17, seconds=3, microseconds=5)),
        **given,
    }


def test_a_scheduled_run_covers_its_data_interval() -> None:
    given = context(data_interval_start=TEN, data_interval_end=TEN + HOUR, params={})
    assert window_of(given) == Window(start=TEN, end=TEN + HOUR)


def test_what_is_typed_into_the_form_comes_first() -> None:
    typed = {"window_start": "2026-11-17T00:00:00Z", "window_end": "2026-11-20T00:00:00Z"}
    given = context(data_interval_start=TEN, data_interval_end=TEN + HOUR, params=typed)
    assert window_of(given) == Window(start=datetime(2026, 11, 17, tzinfo=UTC), end=datetime(2026, 11, 20, tzinfo=UTC))


def test_a_window_may_be_typed_that_ends_when_the_run_begins_and_none_that_ends_later() -> None:
    begins = context()["dag_run"].run_after

    def typed(end: datetime) -> Window:
        return window_of(context(params={"window_start": TEN.isoformat(), "window_end": end.isoformat()}))

    assert typed(begins).end == begins
    with pytest.raises(
        Misconfigured, match=r"^window_end lies in the future: an hour can be covered when it has ended$"
    ):
        typed(begins + timedelta(microseconds=1))


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


def test_a_run_that_names_its_parcels_reaches_until_it_is_triggered() -> None:
    given = context(data_interval_start=TEN, data_interval_end=TEN + HOUR, params={"numbers": "QQ100000017BR"})
    triggered_at = given["dag_run"].run_after
    assert window_of(given) == Window(start=triggered_at - HOUR, end=triggered_at)


def test_a_run_that_names_its_parcels_and_its_window_covers_that_window() -> None:
    typed = {"numbers": "QQ1", "window_start": "2026-11-17T00:00:00Z", "window_end": "2026-11-18T00:00:00Z"}
    assert window_of(context(params=typed)).end == datetime(2026, 11, 18, tzinfo=UTC)


def by(run_type: str, **params: str) -> Window | None:
    """The window that was chosen for a run of this type."""
    given = context(data_interval_start=TEN, data_interval_end=TEN + HOUR, params=params)
    given["dag_run"].run_type = run_type
    return chosen_window(given)


@pytest.mark.parametrize("run_type", ["scheduled", "backfill"])
def test_the_window_of_a_scheduled_run_or_a_backfill_is_chosen_by_it(run_type: str) -> None:
    assert by(run_type) == Window(start=TEN, end=TEN + HOUR)


def test_nobody_chose_the_window_of_a_run_triggered_without_one() -> None:
    assert by("manual") is None
    assert by("operator_triggered") is None
    assert by("manual", window_start="", window_end="", numbers="QQ1") is None
    unfilled = context(params=None)
    unfilled["dag_run"].run_type = "manual"
    assert chosen_window(unfilled) is None


def test_a_window_that_is_typed_is_chosen_and_half_of_one_refused() -> None:
    assert by("manual", window_start="2026-11-20T10:00", window_end="2026-11-20T11:00") == Window(
        start=TEN, end=TEN + HOUR
    )
    for half in ({"window_start": "2026-11-20T10:00"}, {"window_end": "2026-11-20T10:00"}):
        with pytest.raises(Misconfigured, match="both window_start and window_end"):
            by("manual", **half)


@pytest.mark.parametrize(("start", "end"), [("2026-11-20T10:00", None), (None, "2026-11-20T10:00"), ("", "x")])
def test_half_a_window_is_refused(start: str | None, end: str | None) -> None:
    with pytest.raises(Misconfigured, match=r"^Give both window_start and window_end, or neither$"):
        typed_window(start, end)


@pytest.mark.parametrize("end", ["2026-11-20T10:00", "2026-11-20T09:59"])
def test_a_window_that_ends_where_it_starts_or_before_is_refused(end: str) -> None:
    with pytest.raises(Misconfigured, match=r"^window_start must lie before window_end$"):
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
