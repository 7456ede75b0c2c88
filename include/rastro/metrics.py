"""
What Rastro tells of itself as metrics: the one table of their names, and how figures become them. Pure.

Each is a gauge that the end of a run sets. A task lives for seconds in a process of its own, so what processes count by
themselves does not add up in OpenTelemetry; what a run did is read from the warehouse, and a rerun tells the same.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rastro.call_figures import ANSWERS, CallFigures
from rastro.models import Channel, NoticeState, Status

PREFIX = "airflow"  # of Airflow's options [metrics] otel_prefix and statsd_prefix
SILENT_NEWS = 5.0  # news to be expected meanwhile before no news means something


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """``labels`` are what tells its values apart: name → meaning."""

    about: str
    unit: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


CARRIER = {"carrier": "its code"}
CHANNEL = {"channel": ", ".join(Channel)}
OUTCOMES = ("unchanged", "changed", "refused", "quarantined", "unanswered")
COVERAGE = ("covered", "planned", "gap")
QUANTILES = (0.5, 0.95, 1.0)
SENT_BY = {
    "update_orders": Channel.ORDER,
    "email_customers": Channel.EMAIL,
    "confirm_marketplaces": Channel.MARKETPLACE,
    "alert_shop": Channel.ALERT,
}

METRICS: Mapping[str, Metric] = {
    "rastro.run.finished_at": Metric(unit="seconds since 1970", about="When the last run was summed up."),
    "rastro.run.seconds": Metric(unit="seconds", about="How long that run took until then."),
    "rastro.run.problems": Metric(about="What went wrong in it, each of which makes it red."),
    "rastro.run.events": Metric(about="New events that it loaded."),
    "rastro.run.sent": Metric(labels=CHANNEL, about="What it told: orders, customers, marketplaces, the shop."),
    "rastro.calls": Metric(
        labels={"peer": "who was called: a carrier, an order system, a marketplace", "answer": ", ".join(ANSWERS)},
        about="Its HTTP calls, repeats included, by the class of the answer; lost: no whole answer came.",
    ),
    "rastro.call.seconds": Metric(
        unit="seconds",
        labels={"peer": "who was called", "quantile": ", ".join(map(str, QUANTILES))},
        about="Within how many seconds that share of its calls was over; the end of a span, 90 at most.",
    ),
    "rastro.carrier.references": Metric(
        labels={**CARRIER, "answer": ", ".join(OUTCOMES)},
        about="What became of what it asked each carrier about.",
    ),
    "rastro.carrier.bytes": Metric(unit="bytes", labels=CARRIER, about="How much the carrier answered."),
    "rastro.carrier.silence": Metric(
        unit="seconds", labels=CARRIER, about="How long ago the carrier last had news of any parcel."
    ),
    "rastro.carrier.news_missing": Metric(
        labels=CARRIER,
        about=(
            "How much news it would have had meanwhile, if it had as much of what it was asked as in the same hours of "
            "the last four weeks."
        ),
    ),
    "rastro.budget.used": Metric(
        unit="share of 1", labels=CARRIER, about="Calls of the day that are used, of the setting `calls_per_day`."
    ),
    "rastro.coverage": Metric(
        labels={**CARRIER, "state": ", ".join(COVERAGE)},
        about="Parcels on their way in the last whole hour: answered about since, planned for later, left out.",
    ),
    "rastro.coverage.lag": Metric(
        unit="seconds", labels=CARRIER, about="How long ago the first hour began that has a gap, of a week; 0: none."
    ),
    "rastro.shipments": Metric(labels={"status": ", ".join(Status)}, about="Parcels that are followed, by status."),
    "rastro.notices": Metric(labels={**CHANNEL, "state": ", ".join(NoticeState)}, about="All notices, by state."),
    "rastro.notice.oldest": Metric(
        unit="seconds", labels=CHANNEL, about="How long the oldest notice has waited that could be told; 0: none waits."
    ),
    "rastro.quarantine": Metric(about="What was put aside and waits to be read."),
    "rastro.problems": Metric(about="Lines of `v_open_problem`."),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value of one metric."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if set(self.labels) != set(METRICS[self.name].labels):
            raise ValueError(f"{self.name} is told with {sorted(self.labels)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A carrier without news for so long; ``missing``: how much of it was to be expected meanwhile."""

    carrier: str
    span: timedelta
    missing: float

    def is_odd(self, after: timedelta) -> bool:
        return self.span >= after and self.missing >= SILENT_NEWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """
    What is known at the end of a run.

    ``sent`` by channel, ``references`` by carrier and outcome, ``budgets`` as shares that are used, ``coverage`` by
    carrier and hour and state, ``oldest`` in seconds by channel.
    """

    now: datetime
    began: datetime
    problems: int
    events: int
    sent: Mapping[str, int]
    calls: CallFigures
    references: Mapping[str, Mapping[str, int]]
    silences: Collection[Silence]
    budgets: Mapping[str, float]
    coverage: Mapping[str, Mapping[datetime, Mapping[str, int]]]
    shipments: Mapping[str, int]
    notices: Mapping[tuple[str, str], int]
    oldest: Mapping[str, float]
    quarantine: int
    open_problems: int


def samples(found: Figures, carriers: Collection[str]) -> Iterator[Sample]:
    """
    Every metric of a run.

    What there is none of is told as 0, since a gauge that is not set keeps what another run has set.

    :param carriers: those that have a connection.
    """
    yield Sample(name="rastro.run.finished_at", value=found.now.timestamp())
    yield Sample(name="rastro.run.seconds", value=(found.now - found.began).total_seconds())
    yield Sample(name="rastro.run.problems", value=found.problems)
    yield Sample(name="rastro.run.events", value=found.events)
    for channel in Channel:
        of = {"channel": channel.value}
        yield Sample(name="rastro.run.sent", value=found.sent.get(channel, 0), labels=of)
        yield Sample(name="rastro.notice.oldest", value=max(0.0, found.oldest.get(channel, 0.0)), labels=of)
        for state in NoticeState:
            value = found.notices.get((channel, state), 0)
            yield Sample(name="rastro.notices", value=value, labels={**of, "state": state.value})
    for status in Status:
        yield Sample(name="rastro.shipments", value=found.shipments.get(status, 0), labels={"status": status.value})
    yield Sample(name="rastro.quarantine", value=found.quarantine)
    yield Sample(name="rastro.problems", value=found.open_problems)
    yield from of_calls(found.calls, carriers)
    for carrier in sorted(carriers):
        yield from of_carrier(found, carrier)


def of_calls(calls: CallFigures, carriers: Collection[str]) -> Iterator[Sample]:
    for peer in sorted({*calls.names, *carriers}):
        for answer in ANSWERS:
            yield Sample(
                name="rastro.calls", value=calls.answers[peer, answer], labels={"peer": peer, "answer": answer}
            )
        for share in QUANTILES:
            yield Sample(
                name="rastro.call.seconds", value=calls.quantile(peer, share),
                labels={"peer": peer, "quantile": str(share)},
            )  # fmt: skip


def of_carrier(found: Figures, carrier: str) -> Iterator[Sample]:
    of = {"carrier": carrier}
    references = found.references.get(carrier, {})
    for outcome in OUTCOMES:
        yield Sample(
            name="rastro.carrier.references", value=references.get(outcome, 0), labels={**of, "answer": outcome}
        )
    yield Sample(name="rastro.carrier.bytes", value=references.get("bytes", 0), labels=of)
    silence = next((one for one in found.silences if one.carrier == carrier), None)
    yield Sample(name="rastro.carrier.silence", value=silence.span.total_seconds() if silence else 0, labels=of)
    yield Sample(name="rastro.carrier.news_missing", value=silence.missing if silence else 0, labels=of)
    yield Sample(name="rastro.budget.used", value=found.budgets.get(carrier, 0), labels=of)
    hours = found.coverage.get(carrier, {})
    last = hours.get(max(hours), {}) if hours else {}
    for state in COVERAGE:
        yield Sample(name="rastro.coverage", value=last.get(state, 0), labels={**of, "state": state})
    gaps = [hour for hour, states in hours.items() if states.get("gap")]
    lag = (found.now - min(gaps)).total_seconds() if gaps else 0
    yield Sample(name="rastro.coverage.lag", value=lag, labels=of)


def exposed(name: str, kind: str = "gauge", *, prefix: str = PREFIX) -> str:
    """
    A metric as Prometheus knows it, whichever way it goes there: an OpenTelemetry collector's exporter of Prometheus'
    format, or statsd_exporter.

    :param kind: gauge, counter or timer, which is a histogram of milliseconds.
    """
    ends = {"gauge": "", "counter": "_total", "timer": "_milliseconds"}
    return f"{prefix}_{name}".replace(".", "_").replace("-", "_") + ends[kind]
