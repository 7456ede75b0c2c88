"""What a span of runs did, as the warehouse recorded it, in one short table."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

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


def summary(conn: Connection[Any], since: datetime) -> str:
    """Figures since a moment: shipments, answers, events, orders, mails, confirmations, and seconds by stage."""
    cursor = conn.cursor(row_factory=dict_row)
    rows = cursor.execute(STAGES, {"since": since}).fetchall()

    def total(stage: str, key: str, part: str = "") -> int:
        return sum(r["total"] for r in rows if (r["stage"], r["key"]) == (stage, key) and r["part"].startswith(part))

    marketplaces = sorted({row["part"] for row in rows if row["stage"] == "confirm_marketplaces"})
    lines = [
        ("shipments synced", total("sync_orders", "added")),
        ("asked", total("track", "asked")),
        ("  unchanged", total("track", "unchanged")),
        ("  changed", total("track", "changed")),
        ("  refused", total("track", "refused")),
        ("  unanswered", total("track", "unanswered")),
        ("events loaded", total("load_changes", "events")),
        ("orders updated", total("update_orders", "sent")),
        ("e-mails sent", total("email_customers", "sent")),
        *((f"deliveries confirmed, {part}", total("confirm_marketplaces", "sent", part)) for part in marketplaces),
    ]
    stages = cursor.execute(SECONDS, {"since": since}).fetchall()
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
