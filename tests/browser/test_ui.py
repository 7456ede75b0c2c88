"""Airflow's UI in a real browser: the job's page, its doc, and the graph of a run."""

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def test_a_person_logs_in_reads_the_doc_and_sees_the_graph_of_a_run(job: Any, page: Any, tmp_path: Path) -> None:
    run = job.run()
    assert run["state"] == "success", job.why(run["dag_run_id"])

    page.goto(f"{job.stack.url}/dags/{job.dag_id}")
    page.locator("input[name=username]").fill(job.stack.user)
    page.locator("input[name=password]").fill(job.stack.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Dag Docs").click()
    doc = page.get_by_role("dialog")
    doc.get_by_text("Follow every parcel and tell everyone who waits for it").wait_for()
    assert "When it is red" in doc.inner_text()
    page.screenshot(path=tmp_path / "doc.png")

    page.goto(f"{job.stack.url}/dags/{job.dag_id}/runs/{run['dag_run_id']}")
    page.get_by_label("Show Graph").click()
    page.get_by_label("Expand all task groups").click()
    shown = page.locator(".react-flow__node")
    for task in ("plan_polls", "slices_correios", "check_run"):
        shown.filter(has_text=task).last.wait_for()
    states = {text.split("\n")[0]: text.split("\n")[-1] for text in shown.all_inner_texts()}
    assert states["check_run"] == states["load_changes"] == "success"
    picture = tmp_path / "graph.png"
    page.screenshot(path=picture)
    assert picture.stat().st_size > 20_000
