"""Airflow's own database is lost for good: the warehouse is enough to go on, and nobody is told anything twice."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from simulator.testing import Running
from stack.airflow import METADATA, AirflowStack, airflow_stack
from stack.audit import Evidence, audit
from stack.postgres import Server, embedded_postgres
from stack.product import migrate_warehouse, pools
from stack.simulator import simulator
from stack.wiring import wiring

pytestmark = pytest.mark.slow

DAG = "track_deliveries"
PATIENCE = 300.0
SMTP = "rastro_smtp"  # the connection that is typed in, and so is lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What outlives Airflow's database: the warehouse, the shop, the world, the configuration with its secrets."""

    folder: Path
    postgres: Server
    world: Running
    settings: dict[str, str]
    typed_in: dict[str, Any]

    @contextmanager
    def airflow(self) -> Iterator[AirflowStack]:
        with airflow_stack(self.folder / "stack", self.postgres, settings=self.settings, pools=pools()) as stack:
            stack.wait_for_dags([DAG])
            yield stack

    def type_in(self, stack: AirflowStack) -> None:
        subprocess.run(
            stack.command("connections", "add", SMTP, "--conn-json", json.dumps(self.typed_in)),
            env=stack.environment, capture_output=True, check=True, timeout=180,
        )  # fmt: skip

    def lose(self) -> None:
        self.postgres.drop(METADATA)

    def owed_mails(self) -> int:
        with psycopg.connect(self.postgres.dsn("rastro")) as conn:
            owed = conn.execute("SELECT FROM rastro.notice WHERE channel = 'email' AND state = 'owed'")
            return owed.rowcount


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with embedded_postgres(tmp_path / "postgres", durable=False) as postgres, simulator(tmp_path / "world") as one:
        world = Running(url=one.url, smtp_port=one.smtp_port, log=one.log, mail_log=one.mail_log)
        shop, warehouse = postgres.create("shop"), postgres.create("rastro")
        migrate_warehouse(warehouse)
        world.cohort(parcels=30, sql_dsn=shop, share_sql=0.5)
        settings = wiring(
            world.info(), warehouse=postgres.airflow_connection("rastro"), shop=postgres.airflow_connection("shop")
        )
        typed_in = json.loads(settings.pop(f"AIRFLOW_CONN_{SMTP.upper()}"))
        yield Place(folder=tmp_path, postgres=postgres, world=world, settings=settings, typed_in=typed_in)


def first_run(stack: AirflowStack) -> dict[str, Any]:
    """The run that the scheduler begins by itself."""
    stack.client.unpause(DAG)
    deadline = time.monotonic() + PATIENCE
    while not (runs := stack.client.runs(DAG)) and time.monotonic() < deadline:
        time.sleep(0.5)
    return stack.client.wait_for_run(DAG, runs[0]["dag_run_id"], seconds=PATIENCE)


def run(stack: AirflowStack) -> dict[str, Any]:
    now = datetime.now(UTC)
    run_id = stack.client.trigger(DAG, window=(now - timedelta(hours=1), now), logical_date=now)
    return stack.client.wait_for_run(DAG, run_id, seconds=PATIENCE)


def test_the_warehouse_alone_is_enough_to_go_on(place: Place) -> None:
    began = datetime.now(UTC)
    with place.airflow() as stack:
        place.type_in(stack)
        assert first_run(stack)["state"] == "success"
        place.world.advance(2)
        assert run(stack)["state"] == "success"
        place.world.advance(1)
    mails = len(place.world.mails())
    assert mails

    place.lose()
    with place.airflow() as stack:
        assert stack.client.runs(DAG) == []
        first_run(
            stack
        )  # of the hour just over, which answers from before the loss cover: nobody may be owed a mail yet
        place.world.advance(1)
        lacking = run(stack)
        assert place.owed_mails(), "what keeps them is the missing connection"
        assert lacking["state"] == "failed", "and the rest is done"
        log = stack.client.task_log(DAG, lacking["dag_run_id"], "check_run")
        assert f"The connection {SMTP} (outgoing mail) is missing" in log
        assert len(place.world.mails()) == mails
        place.type_in(stack)
        for _ in range(2):
            last = run(stack)
            assert last["state"] == "success", stack.client.task_log(DAG, last["dag_run_id"], "check_run")
            assert not place.owed_mails()
            place.world.advance(12)
        assert run(stack)["state"] == "success"
        assert len([one for one in stack.client.runs(DAG) if one["run_type"] == "scheduled"]) <= 2, "no catching up"

    evidence = Evidence(
        parcels=place.world.truth(),
        orders=place.world.control("GET", "vtex/loja/orders"),
        requests=place.world.requests(),
        mails=place.world.mails(),
        warehouse=place.postgres.dsn("rastro"),
        since=began,
    )
    overtaken = {"mails to customers, each once"}  # several steps at once: only the newest is mailed
    assert [one for one in audit(evidence) if not one.holds and one.name not in overtaken] == []
    with psycopg.connect(place.postgres.dsn("rastro")) as conn:
        twice = conn.execute(
            "SELECT shipment_id, kind FROM rastro.notice WHERE channel = 'email' AND state = 'sent'"
            " GROUP BY shipment_id, kind, content, to_receiver HAVING count(*) > 1"
        ).fetchall()
        sent = conn.execute("SELECT count(*) FROM rastro.notice WHERE channel = 'email' AND state = 'sent'").fetchone()
        hours, gaps = conn.execute("SELECT count(*), sum(gap) FROM rastro.v_coverage").fetchone() or (0, 0)
    assert twice == []
    assert sent == (len(place.world.mails()),)
    assert hours
    assert gaps == 0
