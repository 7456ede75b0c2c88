"""Check a run: sum up what it did, look for what must never be, and name what a person has to do."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Connection

from rastro.incidents import NUMBER
from rastro.models import EVERYTHING, Selection
from rastro.redaction import redact
from rastro.warehouse import shipments
from rastro.warehouse.queries import run


@dataclass(slots=True, kw_only=True)
class Report:
    """
    ``figures`` by stage; what fails the run: ``troubles`` that stages met, ``findings`` that nobody but the check has
    made; ``remarks`` that do not. Each is a sentence.
    """

    figures: dict[str, dict[str, object]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        return [*self.troubles, *self.findings]

    def in_words(self) -> str:
        """What the run did, in a line, and what went wrong, in another; without the number of any order or parcel."""
        sums: Counter[str] = Counter()
        for title, figures in self.figures.items():
            stage = title.partition(" ")[0]
            if title == "track" or stage != "track":  # whose parts stand in the one sum
                sums.update({f"{stage} {name}": value for name, value in figures.items() if isinstance(value, int)})
        always = {"reprocess read", "reprocess changed"} if "reprocess" in self.figures else {"track asked"}
        told = [
            f"{sums[name]:,} {words}"
            for name, words in DID.items()
            if sums[name] or name in always | {"load_changes events"}
        ]
        wrong = f"\nWrong: {NUMBER.sub('…', '; '.join(self.problems))}" if self.problems else ""
        return f"{', '.join(told)}.{wrong}"[:LONGEST_NOTE]


DID = {
    "reprocess read": "kept answers read again",
    "reprocess changed": "with another meaning",
    "reprocess unreadable": "unreadable",
    "track asked": "parcels asked about",
    "track changed": "with news",
    "track unanswered": "unanswered",
    "receive_news told": "told of unasked",
    "load_changes events": "new events",
    "update_orders sent": "orders written",
    "email_customers sent": "customers mailed",
    "confirm_marketplaces sent": "marketplaces told",
    "alert_shop sent": "alerts sent",
}
LONGEST_NOTE = 1000
MOST_NAMED = 200  # of what nobody knows


def check(
    conn: Connection[Any],
    *,
    run_id: str,
    since: datetime,
    carriers: Collection[str],
    failed_tasks: Collection[str],
    selection: Selection = EVERYTHING,
) -> Report:
    """
    The report of one run.

    :param since: when the run began.
    :param carriers: codes of the carriers that have a connection.
    :param failed_tasks: ids of the run's tasks that failed.
    """
    troubles = troubles_of(conn, run_id)
    unrecorded = [] if troubles else sorted(failed_tasks)
    return Report(
        figures=figures_of(conn, run_id),
        troubles=troubles,
        findings=list(findings_of(conn, run_id, since, unrecorded)),
        remarks=[
            *unknown_of(conn, selection),
            *left_by(conn, run_id),
            *put_off_by(conn, run_id),
            *remarks_on(conn, since, carriers),
        ],
    )


def figures_of(conn: Connection[Any], run_id: str) -> dict[str, dict[str, object]]:
    (batches,) = run(conn, "sum_batches", run_id=run_id)
    figures: dict[str, dict[str, object]] = {"track": batches._asdict()}
    for row in run(conn, "stages_of_run", run_id=run_id):
        figures[f"{row.stage} {row.part}".strip()] = {**row.figures, "seconds": round(row.seconds, 2)}
    return figures


def troubles_of(conn: Connection[Any], run_id: str) -> list[str]:
    return sorted({f"{row.part}: {row.trouble}" for row in run(conn, "troubles_of_run", run_id=run_id)})


def findings_of(conn: Connection[Any], run_id: str, since: datetime, unrecorded: Sequence[str]) -> Iterator[str]:
    if unrecorded:
        yield f"failed without a record: {', '.join(unrecorded)}; see their logs"
    for row in run(conn, "failing_targets", run_id=run_id):
        yield f"{row.title}: {row.dead:,} given up and {row.doubtful:,} in doubt; see v_open_problem"
    (contradictions,) = run(conn, "count_contradictions", since=since)
    if contradictions.shipments:
        yield f"{contradictions.shipments:,} shipments are called delivered without an event: pause the DAG and look"


def unknown_of(conn: Connection[Any], selection: Selection) -> Iterator[str]:
    if not selection.numbers:
        return
    not_found = set(shipments.unknown_numbers(conn, selection.numbers))
    known = {number.upper() for number in selection.numbers if number not in not_found}
    unknown = sorted({number.upper() for number in not_found} - known)
    if unknown:
        numbers = [number for number in unknown if redact(number) == number]
        hidden = len(unknown) - len(numbers)
        named = [*numbers[:MOST_NAMED], *([f"{len(numbers) - MOST_NAMED:,} more"] if len(numbers) > MOST_NAMED else [])]
        named += [f"{hidden:,} that may point at a person"] if hidden else []
        yield (
            f"{len(unknown):,} of what was pasted are neither a tracking number nor an order that we know: "
            f"{', '.join(named)}"
        )


def left_by(conn: Connection[Any], run_id: str) -> Iterator[str]:
    for row in run(conn, "count_left_by_run", run_id=run_id):
        yield (
            f"{row.carrier}: {row.parcels:,} are left to the next run, since this one's time for a carrier is over "
            "(setting ask_within)"
        )


def put_off_by(conn: Connection[Any], run_id: str) -> Iterator[str]:
    for row in run(conn, "count_put_off_by_run", run_id=run_id):
        yield (
            f"{row.carrier}: {row.parcels:,} are due and put off, since the calls of the day go first to parcels "
            "likelier to have news (setting calls_per_day)"
        )


def remarks_on(conn: Connection[Any], since: datetime, carriers: Collection[str]) -> Iterator[str]:
    (unclaimed,) = run(conn, "count_unclaimed")
    if unclaimed.shipments:
        yield f"{unclaimed.shipments:,} shipments are claimed by no carrier (v_open_problem)"
    for row in run(conn, "count_unconfigured", carriers=list(carriers)):
        yield f"{row.shipments:,} shipments wait for a connection to {row.carrier}: add it to the setting carriers"
    (unknown,) = run(conn, "count_unknown_codes", since=since)
    if unknown.events:
        yield f"{unknown.events:,} events came with codes that no table explains (v_open_problem)"
    for row in run(conn, "count_quarantine"):
        yield f"{row.waiting:,} in quarantine: {row.reason}"
    for row in run(conn, "count_notices_at_an_end"):
        if row.state == "dead":
            yield f"{row.notices:,} notices to {row.channel} were given up and wait for a person (v_open_problem)"
        if row.state == "unknown":
            yield f"{row.notices:,} notices to {row.channel} may or may not have arrived (v_open_problem)"
    for row in run(conn, "count_alerts"):
        yield f"{row.notices:,} alerts: {row.kind}"
