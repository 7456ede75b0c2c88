"""The table of metrics, and how the figures of a run become them."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from rastro.call_figures import ANSWERS, LOST, SPANS, CallFigures
from rastro.carriers.registry import CARRIERS
from rastro.http import Call
from rastro.metrics import METRICS, SENT_BY, SILENT_NEWS, Figures, Sample, Silence, exposed, samples
from rastro.models import Channel

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOTHING = Figures(
    now=NOW, began=NOW - HOUR, problems=0, events=0, sent={}, calls=CallFigures(), references={}, silences=(),
    budgets={}, coverage={}, shipments={}, notices={}, oldest={}, quarantine=0, open_problems=0,
)  # fmt: skip


def call(seconds: float, status: int | None = 200, name: str = "correios") -> Call:
    return Call(
        name=name, host="carrier.example", method="GET", status=status, bytes=9, began=NOW.timestamp(), seconds=seconds
    )


def test_every_metric_is_told_by_each_run_even_when_there_is_nothing_to_tell() -> None:
    told = list(samples(NOTHING, CARRIERS))
    assert len(METRICS) > 10
    assert {one.name for one in told} == set(METRICS)
    assert {one.value for one in told if one.name != "rastro.run.finished_at"} == {0, HOUR.total_seconds()}
    assert len({(one.name, *sorted(one.labels.items())) for one in told}) == len(told)


def test_a_value_has_the_labels_of_the_table_and_no_others() -> None:
    with pytest.raises(ValueError, match=r"rastro\.quarantine"):
        Sample(name="rastro.quarantine", value=1, labels={"order": "1400120000001-01"})
    with pytest.raises(KeyError):
        Sample(name="rastro.made_up", value=1)


def test_what_was_sent_is_counted_for_every_channel() -> None:
    assert set(SENT_BY.values()) == set(Channel)


def test_calls_are_counted_by_who_was_called_and_how_it_was_answered() -> None:
    calls = CallFigures()
    for one in (call(0.02), call(0.02, 404), call(3.0, None), call(500.0, 503, "vtex")):
        calls.add(one)
    assert calls.answers == Counter(
        {("correios", "2xx"): 1, ("correios", "4xx"): 1, ("correios", LOST): 1, ("vtex", "5xx"): 1}
    )
    assert {answer for _, answer in calls.answers} <= set(ANSWERS)
    assert calls.quantile("correios", 0.5) == 0.025
    assert calls.quantile("correios", 1.0) == 5.0
    assert calls.quantile("vtex", 0.5) == SPANS[-1]
    assert calls.quantile("nobody", 0.95) == 0


def test_figures_of_calls_come_back_as_they_were_kept_and_add_up() -> None:
    calls, again = CallFigures(), CallFigures()
    for seconds in (0.001, 0.3, 0.3):
        calls.add(call(seconds))
    again.add_kept(calls.kept())
    assert again == calls
    again.add_kept(calls.kept())
    assert again.answers["correios", "2xx"] == 6


def test_a_gap_is_as_old_as_its_first_hour_and_the_last_hour_is_told() -> None:
    hours = {NOW - 5 * HOUR: {"gap": 2}, NOW - 2 * HOUR: {"gap": 1, "covered": 7}, NOW - HOUR: {"covered": 8}}
    found = Figures(**{name: getattr(NOTHING, name) for name in Figures.__slots__} | {"coverage": {"correios": hours}})
    told = {(one.name, one.labels.get("state")): one.value for one in samples(found, ["correios"])}
    assert told["rastro.coverage.lag", None] == 5 * 3600
    assert (told["rastro.coverage", "covered"], told["rastro.coverage", "gap"]) == (8, 0)


@pytest.mark.parametrize(
    ("hours", "missing", "odd"),
    [(7, SILENT_NEWS, True), (5, 500.0, False), (100, SILENT_NEWS - 0.1, False)],
    ids=["long and unusual", "not for long", "long and usual"],
)
def test_silence_is_odd_when_it_is_long_and_there_would_have_been_news(hours: int, missing: float, odd: bool) -> None:  # noqa: FBT001
    assert Silence(carrier="correios", span=hours * HOUR, missing=missing).is_odd(6 * HOUR) is odd


def test_prometheus_names_follow_from_ours() -> None:
    assert exposed("rastro.run.finished_at") == "airflow_rastro_run_finished_at"
    assert exposed("ti.finish", "counter") == "airflow_ti_finish_total"
    assert exposed("task.duration", "timer", prefix="x") == "x_task_duration_milliseconds"
