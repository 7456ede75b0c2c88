"""docs/ten-questions: the page is the notebook's, and the notebook runs, as an analyst, on made-up parcels."""

import json
import re
from difflib import unified_diff
from pathlib import Path
from typing import Any

import nbformat
import psycopg
import pytest
from nbclient.exceptions import CellExecutionError

from rastro.cli import main
from stack.ten_questions import PAGE, PICTURES, execute, fill, page, pictures, read

RUN = "run: python -m stack.ten_questions"
ANSWER = re.compile(r"^(```text\n.*?\n```|!\[.*?\]\(.*?\))\n\n", re.MULTILINE | re.DOTALL)
ANSWERS = ["word", "sleepers", "worse", "days", "weekdays", "hours", "attempts", "estimates", "late", "notices"]
# Hands out the answers as they are when every cell has run.
LAST_CELL = f"""
import json
from pathlib import Path

Path("answers.json").write_text(json.dumps({{
    name: json.loads(globals()[name].reset_index().to_json(orient="records")) for name in {ANSWERS}
}}))
"""
# From the facts, where the notebook asks the days of lanes.
KEPT = """
    SELECT carrier, service, count(*) AS parcels, round(avg(on_time::int), 6)::float AS kept
    FROM (
        SELECT *, (promised_at AT TIME ZONE 'America/Sao_Paulo')::date AS promised_on FROM rastro.delivery_fact
    ) AS fact
    WHERE promised_on BETWEEN '2026-04-06' AND '2026-05-03' AND posted_at IS NOT NULL AND on_time IS NOT NULL
    GROUP BY carrier, service
"""
# From the scans, where the notebook asks the files.
BY_HOUR = """
    SELECT extract(hour FROM occurred_at AT TIME ZONE 'America/Sao_Paulo')::int AS hour, carrier, count(*)
    FROM rastro.tracking_event JOIN rastro.shipment USING (shipment_id)
    GROUP BY 1, 2
"""
# From the scans, where the notebook asks the facts.
TRIED_AGAIN = """
    SELECT state_to, count(*), count(*) FILTER (WHERE tries > 1)
    FROM (
        SELECT shipment_id, max(occurred_at) FILTER (WHERE status = 'delivered') AS at,
               count(DISTINCT (occurred_at AT TIME ZONE 'America/Sao_Paulo')::date) AS tries
        FROM rastro.tracking_event WHERE status IN ('delivered', 'delivery_failed') GROUP BY shipment_id
    ) AS tried JOIN rastro.shipment USING (shipment_id)
    WHERE (at AT TIME ZONE 'America/Sao_Paulo')::date > '2026-03-08'
    GROUP BY state_to
"""


def test_the_page_has_what_the_notebook_has() -> None:
    notebook = read()
    assert [cell for cell in notebook.cells if cell.get("outputs")] == [], "kept without what came out of it"
    without_answers = ANSWER.sub("", PAGE.read_text("utf-8"))
    assert without_answers == page(notebook), RUN


@pytest.mark.slow
def test_every_question_has_its_answer(warehouse: Any, tmp_path: Path) -> None:
    fill(warehouse.connection)
    assert main(["roles", "--dsn", warehouse.dsn]) == 0
    notebook = read()
    notebook.cells.append(nbformat.v4.new_code_cell(LAST_CELL))
    execute(notebook, warehouse.dsn.replace("postgresql://postgres@", "postgresql://rastro_reader@"), tmp_path)

    notebook.cells.pop()
    changed = list(unified_diff(PAGE.read_text("utf-8").splitlines(), page(notebook).splitlines(), n=0, lineterm=""))
    assert not changed, "\n".join([RUN, *changed])
    assert sorted(pictures(notebook)) == sorted(one.name for one in PICTURES.iterdir()), RUN
    assert len(pictures(notebook)) == 10

    answers = json.loads((tmp_path / "answers.json").read_text())
    assert [name for name in ANSWERS if not answers[name]] == []
    found = [(one["carrier"], one["service"], one["parcels"], round(one["kept"], 6)) for one in answers["word"]]
    assert sorted(found) == sorted(rows(warehouse.connection, KEPT))
    by_hour = {(hour["hour"], carrier): hour[carrier] for hour in answers["hours"] for carrier in hour}
    counted = rows(warehouse.connection, BY_HOUR)
    assert len(counted) > 30
    assert all(by_hour[hour, carrier] == scans for hour, carrier, scans in counted)
    again = [(one["state_to"], one["delivered"], one["again"]) for one in answers["attempts"]]
    assert sorted(again) == sorted(rows(warehouse.connection, TRIED_AGAIN))
    assert answers["worse"][0] | {"carrier": "jadlog", "state_to": "BA"} == answers["worse"][0]


@pytest.mark.slow
def test_a_cell_that_fails_is_told(warehouse: Any, tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell('raise LookupError("no such lane")')])
    with pytest.raises(CellExecutionError, match="no such lane"):
        execute(notebook, warehouse.dsn, tmp_path)


def rows(conn: psycopg.Connection, sql: str) -> list[tuple[Any, ...]]:
    return conn.execute(sql).fetchall()
