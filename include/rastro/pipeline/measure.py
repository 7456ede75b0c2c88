"""Read from the warehouse what a run did and how things stand, to be told as metrics."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from rastro.call_figures import CallFigures
from rastro.metrics import OUTCOMES, SENT_BY, Figures, Silence
from rastro.warehouse import budgets, tally
from rastro.warehouse.queries import run


def measure(
    conn: Connection[Any],
    *,
    run_id: str,
    began: datetime,
    now: datetime,
    problems: int,
    budgets_of_day: Mapping[str, int],
) -> Figures:
    """What is known at the end of a run, after the tally was counted."""
    stages = run(conn, "stages_of_run", run_id=run_id).fetchall()
    sent: Counter[str] = Counter()
    for stage in stages:
        if channel := SENT_BY.get(stage.stage):
            sent[channel] += stage.figures.get("sent", 0)
    counts = tally.read(conn, ("shipment", "notice", "problem", "coverage"))
    shipments: Counter[str] = Counter()
    coverage: dict[str, dict[datetime, dict[str, int]]] = {}
    for one in counts:
        if one.subject == "shipment":
            shipments[one.word] += one.figure
        if one.subject == "coverage" and one.since:
            coverage.setdefault(one.part, {}).setdefault(one.since, {})[one.word] = one.figure
    (quarantine,) = run(conn, "quarantine_size")
    return Figures(
        now=now,
        began=began,
        problems=problems,
        events=sum(stage.figures.get("events", 0) for stage in stages if stage.stage == "load_changes"),
        sent=sent,
        calls=calls_of(conn, run_id),
        references={
            row.carrier: {name: getattr(row, name) for name in (*OUTCOMES, "bytes")}
            for row in run(conn, "references_of_run", run_id=run_id)
        },
        silences=silences(conn, now),
        budgets=used(conn, budgets_of_day, now),
        coverage=coverage,
        shipments=shipments,
        notices={(one.part, one.word): one.figure for one in counts if one.subject == "notice"},
        oldest=oldest_owed(conn, now),
        quarantine=quarantine.waiting,
        open_problems=sum(one.figure for one in counts if one.subject == "problem"),
    )


def used(conn: Connection[Any], budgets_of_day: Mapping[str, int], now: datetime) -> dict[str, float]:
    """By carrier, what share of its calls of the day is used, of the contract that has used most."""
    shares: dict[str, float] = {}
    for contract, most in budgets_of_day.items():
        carrier = contract.partition(":")[0]
        shares[carrier] = max(shares.get(carrier, 0.0), budgets.spent(conn, contract, now) / most)
    return shares


def calls_of(conn: Connection[Any], run_id: str) -> CallFigures:
    calls = CallFigures()
    for row in run(conn, "calls_of_run", run_id=run_id):
        calls.add_kept(row.calls)
    return calls


def silences(conn: Connection[Any], now: datetime) -> list[Silence]:
    return [
        Silence(carrier=row.carrier, span=timedelta(seconds=row.seconds), missing=row.asked * row.share)
        for row in run(conn, "silences", now=now)
    ]


def oldest_owed(conn: Connection[Any], now: datetime) -> dict[str, float]:
    """Seconds by channel."""
    return {row.channel: row.seconds for row in run(conn, "oldest_owed", now=now)}
