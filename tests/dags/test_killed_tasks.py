"""Real task processes of a running Airflow, killed with SIGKILL at the worst places: what was begun is made good."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from chaos import oracle
from chaos.driver import world_behind
from chaos.oracle import Evidence, Fault
from chaos.proxy import Action, Kind, Proxy, Side, Trap, proxy
from chaos.schedule import HOUR, Sale, Schedule
from simulator.testing import Running
from stack.airflow import AirflowStack, airflow_stack
from stack.postgres import Server, embedded_postgres
from stack.product import migrate_warehouse, pools
from stack.simulator import simulator
from stack.wiring import wiring

pytestmark = pytest.mark.slow

DAG = "track_deliveries"
PATIENCE = 240.0
KILLED = {
    "load_changes": Trap(kind=Kind.COMMIT, side=Side.BEFORE, nth=1, action=Action.KILL, on="rastro.load"),
    "update_orders": Trap(kind=Kind.WRITE, side=Side.AFTER, nth=1, action=Action.KILL),
    "email_customers": Trap(kind=Kind.MAIL, side=Side.AFTER, nth=1, action=Action.KILL),
}
# Airflow waits five minutes before it repeats a task that was killed; a lease is held for a minute at least.
QUICK = {"AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A running Airflow whose every way out leads through the proxy."""

    stack: AirflowStack
    world: Running
    proxy: Proxy
    postgres: Server
    began: datetime

    def run(self) -> None:
        """One run, for the hour up to now; whether it is red does not matter here."""
        now = datetime.now(UTC)
        run_id = self.stack.client.trigger(DAG, window=(now - HOUR, now), logical_date=now)
        self.stack.client.wait_for_run(DAG, run_id, seconds=PATIENCE)

    def notices(self) -> list[tuple[object, ...]]:
        """How each notice stands, for the message of a failed assertion."""
        with psycopg.connect(self.postgres.dsn("rastro")) as conn:
            return conn.execute(
                "SELECT channel, kind, state, attempts, hand_overs, not_before, lease_until, reason FROM rastro.notice"
            ).fetchall()

    def waits(self) -> bool:
        """Whether somebody who is no more still holds something, or something is to be tried again soon."""
        with psycopg.connect(self.postgres.dsn("rastro")) as conn:
            return bool(conn.execute(HELD).fetchall())


HELD = """
SELECT lease_until FROM rastro.notice WHERE state = 'claimed' AND lease_until > now()
UNION ALL SELECT lease_until FROM rastro.poll_state WHERE lease_until > now()
"""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder: Path = tmp_path_factory.mktemp("killed")
    with embedded_postgres(folder / "postgres", durable=False) as postgres, simulator(folder / "world") as one:
        world = Running(url=one.url, smtp_port=one.smtp_port, log=one.log, mail_log=one.mail_log)
        shop, warehouse = postgres.create("shop"), postgres.create("rastro")
        migrate_warehouse(warehouse)
        world.cohort(parcels=3, kinds=["delivered_at_once"], sql_dsn=shop, share_sql=1.0, hours=0)
        world.cohort(parcels=2, kinds=["delivered_at_once"], variants=["own"], hours=0)
        world.cohort(parcels=2, kinds=["delivered_at_once"], variants=["marketplace", "hub"], hours=0)
        smtp_port, http_port = world.smtp_port, int(world.url.rpartition(":")[2])
        with proxy(
            folder / "proxy", postgres=postgres.socket_folder, http_port=http_port, smtp_port=smtp_port
        ) as front:
            there = {"host": str(front.folder)}
            settings = wiring(
                world_behind(front, world.info()),
                warehouse=postgres.airflow_connection("rastro") | there,
                shop=postgres.airflow_connection("shop") | there,
                lease="1m",
            )
            with airflow_stack(folder / "stack", postgres, settings=settings | QUICK, pools=pools()) as stack:
                stack.wait_for_dags([DAG])
                yield Watched(stack=stack, world=world, proxy=front, postgres=postgres, began=datetime.now(UTC))


def test_killed_task_processes_lose_nothing_and_tell_nobody_twice(watched: Watched) -> None:
    client = watched.stack.client
    watched.proxy.set(list(KILLED.values()))
    client.unpause(DAG)
    until = time.monotonic() + PATIENCE
    while not (runs := client.runs(DAG)) and time.monotonic() < until:
        time.sleep(0.25)
    client.wait_for_run(DAG, runs[0]["dag_run_id"], seconds=PATIENCE)
    fired = watched.proxy.fired()
    assert fired == list(KILLED.values())
    tried = client.task_instances(DAG, runs[0]["dag_run_id"])
    again = {task["task_id"].partition(".")[0] for task in tried if task["try_number"] > 1}
    assert again >= set(KILLED)

    while watched.waits() and time.monotonic() < until:
        time.sleep(0.5)
    watched.run()  # makes good what was begun
    watched.world.advance(2)
    watched.run()

    faults = [
        Fault(family=f"kill {trap.side} {trap.kind}", task=task, at=watched.began) for task, trap in KILLED.items()
    ]
    assert oracle.violations(evidence(watched, faults)) == [], watched.notices()


def evidence(watched: Watched, faults: list[Fault]) -> Evidence:
    world = watched.world
    return Evidence(
        parcels=world.truth(),
        orders=world.control("GET", "vtex/loja/orders"),
        market=world.control("GET", "market/one"),
        hooks=world.control("GET", "webhook/hub"),
        requests=world.requests(),
        mails=world.mails(),
        warehouse=watched.postgres.dsn("rastro"),
        schedule=Schedule(
            number=0,
            start=watched.began,
            sales=(Sale(kinds=("delivered_at_once",)),),
            hours=(),
            options={"resend_doubtful_mail": "false"},
            world={"finished_follows": True, "events_replace": False},
            mailer="vtex",
        ),
        faults=faults,
    )
