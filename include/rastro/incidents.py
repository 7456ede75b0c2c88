"""What the data team is alerted of: once when it begins, and again only if it ends and comes back. Pure."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from rastro.metrics import Silence
from rastro.redaction import redact

LONGEST_WAIT = timedelta(hours=1)  # of a notice that could be told
LATE_AFTER = timedelta(hours=1)  # since a run was due
LONGEST = 300
NUMBER = re.compile(r"\b[\w-]*\d{6,}[\w-]*\b")  # of an order, a parcel, a document


class Kind(StrEnum):
    RUN_LATE = "run_late"
    RUN_FAILED = "run_failed"
    CARRIER_SILENT = "carrier_silent"
    NOTICE_WAITS = "notice_waits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """``subject``: the part of a run, the DAG, the carrier or the channel that it is about; with ``kind`` its key."""

    kind: Kind
    subject: str
    said: str
    began_at: datetime

    @property
    def text(self) -> str:
        return f"Rastro: {self.said}\nWhat to do: docs/runbooks/{self.kind.replace('_', '-')}.md"


def silent(silences: Iterable[Silence], carriers: Collection[str], after: timedelta, now: datetime) -> list[Incident]:
    return [
        Incident(
            kind=Kind.CARRIER_SILENT,
            subject=one.carrier,
            said=(
                f"{one.carrier} has had no news for {hours(one.span)}; by its habit of four weeks it would have had "
                f"{one.missing:.0f}"
            ),
            began_at=now - one.span,
        )
        for one in silences
        if one.carrier in carriers and one.is_odd(after)
    ]


def waiting(oldest: Mapping[str, float], channels: Collection[str], now: datetime) -> list[Incident]:
    """:param oldest: seconds by channel."""
    spans = {channel: timedelta(seconds=seconds) for channel, seconds in oldest.items() if channel in channels}
    return [
        Incident(
            kind=Kind.NOTICE_WAITS,
            subject=channel,
            said=f"a notice ({channel}) has waited for {hours(span)} and is not told",
            began_at=now - span,
        )
        for channel, span in spans.items()
        if span > LONGEST_WAIT
    ]


def failed(run_id: str, dag_id: str, troubles: Iterable[tuple[str, str]], now: datetime) -> Iterator[Incident]:
    """One for each part of a run that met trouble; one for the run where nothing is recorded."""
    parts = dict(troubles)
    for part, trouble in parts.items():
        yield Incident(kind=Kind.RUN_FAILED, subject=part, said=f"{part}: {plainly(trouble)}", began_at=now)
    if not parts:
        said = f"the run {run_id} of {dag_id} has failed without a record; see the logs of its tasks"
        yield Incident(kind=Kind.RUN_FAILED, subject=dag_id, said=said, began_at=now)


def late(run_id: str, dag_id: str, now: datetime) -> Incident:
    said = f"the run {run_id} of {dag_id} has not come to its end an hour after it was due"
    return Incident(kind=Kind.RUN_LATE, subject=dag_id, said=said, began_at=now)


def plainly(trouble: str) -> str:
    """A sentence of ours without the number of any order or parcel, and without what points at a person."""
    return NUMBER.sub("…", redact(trouble))[:LONGEST]


def hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:.1f} h"
