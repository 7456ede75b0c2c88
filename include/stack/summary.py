"""What a span of runs did, as the warehouse recorded it, in one short table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from psycopg import Connection
from psycopg.rows import dict_row

STAGES = """
SELECT stage, part, key, sum(value::numeric)::bigint AS total
FROM rastro.run_stage, jsonb_each_text(figures) AS figure (key, value)
WHERE started_at >= %(since)s AND value ~ '^[0-9]+$'
GROUP BY stage, part, key
"""
SECONDS = """
SELECT stage, count(DISTINCT run_id) AS runs,
       round(sum(extract(epoch FROM finished_at - started_at))::numeric, 1) AS seconds
FROM rastro.run_stage WHERE started_at >= %(since)s GROUP BY stage ORDER BY min(started_at)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """
    The figures that runs recorded, summed over a span.

    ``confirmed`` has the deliveries confirmed by marketplace, as adapter:connection.
    """

    added: int
    asked: int
    unchanged: int
    changed: int
    refused: int
    unanswered: int
    events: int
    orders: int
    mails: int
    alerts: int
    confirmed: Mapping[str, int]

    @classmethod
    def since(cls, conn: Connection[Any], since: datetime) -> Self:
        rows = conn.cursor(row_factory=dict_row).execute(STAGES, {"since": since}).fetchall()

        def total(stage: str, key: str) -> int:
            return sum(row["total"] for row in rows if (row["stage"], row["key"]) == (stage, key))

        confirmed = {r["part"]: r["total"] for r in rows if (r["stage"], r["key"]) == ("confirm_marketplaces", "sent")}
        return cls(
            added=total("sync_orders", "added"),
            asked=total("track", "asked"),
            unchanged=total("track", "unchanged"),
            changed=total("track", "changed"),
            refused=total("track", "refused"),
            unanswered=total("track", "unanswered"),
            events=total("load_changes", "events"),
            orders=total("update_orders", "sent"),
            mails=total("email_customers", "sent"),
            alerts=total("alert_shop", "sent"),
            confirmed=dict(sorted(confirmed.items())),
        )


def summary(conn: Connection[Any], since: datetime) -> str:
    """Figures since a moment: shipments, answers, events, orders, mails, confirmations, and seconds by stage."""
    totals = Totals.since(conn, since)
    lines = [
        ("shipments synced", totals.added),
        ("asked", totals.asked),
        ("  unchanged", totals.unchanged),
        ("  changed", totals.changed),
        ("  refused", totals.refused),
        ("  unanswered", totals.unanswered),
        ("events loaded", totals.events),
        ("orders updated", totals.orders),
        ("e-mails sent", totals.mails),
        ("alerts sent", totals.alerts),
        *((f"deliveries confirmed, {marketplace}", sent) for marketplace, sent in totals.confirmed.items()),
    ]
    stages = conn.cursor(row_factory=dict_row).execute(SECONDS, {"since": since}).fetchall()
    return "\n\n".join(
        (
            table(("what happened", ""), [(name, f"{value:,}") for name, value in lines]),
            table(("stage", "runs", "seconds"), [(s["stage"], str(s["runs"]), f"{s['seconds']}") for s in stages]),
        )
    )


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows as aligned columns under a ruled head."""
    cells = [tuple(titles), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])
