"""
The services of ``docker-compose.yaml`` as processes, in its environment, secrets from files; one worker dies at work.

What differs from the containers: PostgreSQL and Valkey listen at sockets, ports are free ones, and users are Airflow's
own simple auth manager's, whose FAB counterpart ``tests/stack/test_roles.py`` looks at.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from compose import environment_of, make_secrets, services
from simulator.testing import Running
from stack.airflow import COMPONENTS, LOOPBACK, METADATA, AirflowStack, airflow_stack, free_port
from stack.audit import Evidence, Finding, audit
from stack.postgres import Server, embedded_postgres
from stack.processes import members, running
from stack.product import migrate_warehouse, pools
from stack.simulator import simulator
from stack.valkey import embedded_valkey
from stack.wiring import wiring

pytestmark = pytest.mark.slow

DAG = "track_deliveries"
PARCELS = 400
SLICE = 50  # as many as Correios takes in one call
WORKERS = {f"worker-{number}": 2 for number in range(1, services()["worker"]["deploy"]["replicas"] + 1)}
# Where the containers find each other; the stack says where that is here.
ADDRESSES = (
    "AIRFLOW__API__BASE_URL",
    "AIRFLOW__CELERY__BROKER_URL_CMD",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD",
)
BIN = Path(sys.executable).parent
PATIENCE = 240.0
ASKED = re.compile("codigosObjetos=([A-Z0-9]+)")
SETTINGS = {
    # Celery keeps beside what became of a task who carried it out.
    "AIRFLOW__CELERY__EXTRA_CELERY_CONFIG": '{"result_extended": true}',
    # Five minutes each where nobody waits for it: until a task counts as dead, until it is repeated.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "2",
}
CARRIED_OUT = """
SELECT done.worker, count(*)
FROM task_instance task JOIN celery_taskmeta done ON done.task_id = task.external_executor_id
WHERE task.dag_id = %s AND task.run_id = %s AND task.task_id = 'track.correios' AND done.status = 'SUCCESS'
GROUP BY 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoWorkers:
    """A running Airflow whose tasks two workers of Celery carry out."""

    stack: AirflowStack
    world: Running
    postgres: Server
    began: datetime
    ports: Mapping[str, int]
    serve: subprocess.Popen[bytes]

    def is_well(self, service: str, name: str = "$(hostname)") -> bool:
        """
        What the containers are asked by, put to a process here.

        :param name: of the worker.
        """
        kind, *test = services()[service]["healthcheck"]["test"]
        words = ["sh", "-c", *test] if kind == "CMD-SHELL" else test
        for port, here in self.ports.items():
            words = [word.replace(f"localhost:{port}", f"{LOOPBACK}:{here}") for word in words]
        words = [word.replace("$(hostname)", name) for word in words]
        told = {**self.stack.environment, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
        return subprocess.run(words, env=told, capture_output=True, check=False, timeout=PATIENCE).returncode == 0

    def first_run(self) -> dict[str, Any]:
        """The run that the scheduler begins by itself, when it has finished."""
        self.stack.client.unpause(DAG)
        wait_until(lambda: bool(self.stack.client.runs(DAG)))
        return self.stack.client.wait_for_run(DAG, self.stack.client.runs(DAG)[0]["dag_run_id"], seconds=PATIENCE)

    def trigger(self) -> str:
        now = datetime.now(UTC)
        return self.stack.client.trigger(DAG, window=(now - timedelta(hours=1), now), logical_date=now)

    def running(self) -> list[str]:
        return [run["dag_run_id"] for run in self.stack.client.runs(DAG, state="running")]

    def wait_for(self, run_id: str) -> dict[str, Any]:
        return self.stack.client.wait_for_run(DAG, run_id, seconds=PATIENCE)

    def slices_by_worker(self, run_id: str) -> dict[str, int]:
        with psycopg.connect(self.postgres.dsn(METADATA)) as conn:
            return dict(conn.execute(CARRIED_OUT, [DAG, run_id]).fetchall())

    def asked(self) -> Counter[str]:
        """How often Correios was asked about each number."""
        return Counter(number for call in self.world.requests() for number in ASKED.findall(call["path"]))

    def held(self) -> int:
        """How many parcels somebody is asking about, or died asking about."""
        return int(self.of_warehouse("SELECT count(*) FROM rastro.poll_state WHERE lease_until > now()")[0][0])

    def of_warehouse(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.postgres.dsn("rastro")) as conn:
            return conn.execute(statement).fetchall()

    def kill(self, worker: str) -> None:
        """Everything that the worker has started with it, as if its machine had lost its power."""
        process = self.stack.processes[worker]
        while alive := members({process.pid: process}):
            for pid in alive:
                os.kill(pid, signal.SIGKILL)

    def wrong(self) -> list[Finding]:
        """What has not arrived as it must, each thing once."""
        evidence = Evidence(
            parcels=self.world.truth(),
            orders=self.world.control("GET", "vtex/loja/orders"),
            requests=self.world.requests(),
            mails=self.world.mails(),
            warehouse=self.postgres.dsn("rastro"),
            since=self.began,
        )
        return [finding for finding in audit(evidence) if not finding.holds]


def wait_until(it_is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not it_is_so():
        assert time.monotonic() < deadline
        time.sleep(0.25)


def of_the_compose_file(secrets: Path, connections: Mapping[str, str], **others: str) -> dict[str, str]:
    """
    The environment of the containers, where they find each other aside.

    :param secrets: becomes the folder of their files.
    :param connections: as ``AIRFLOW_CONN_…``; they go into the file that has them there.
    """
    held = {name.removeprefix("AIRFLOW_CONN_").lower(): json.loads(value) for name, value in connections.items()}
    (make_secrets(secrets) / "connections.json").write_text(json.dumps(held))
    told = environment_of("worker", secrets)
    return {name: value for name, value in told.items() if name not in ADDRESSES} | others


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoWorkers]:
    folder: Path = tmp_path_factory.mktemp("celery")
    with (
        embedded_postgres(folder / "postgres", durable=False) as postgres,
        embedded_valkey(folder / "valkey") as broker,
        simulator(folder / "world") as one,
    ):
        world = Running(url=one.url, smtp_port=one.smtp_port, log=one.log, mail_log=one.mail_log)
        shop, warehouse = postgres.create("shop"), postgres.create("rastro")
        migrate_warehouse(warehouse)
        world.cohort(parcels=PARCELS, kinds=["delivered_at_once"], sql_dsn=shop)
        wired = wiring(
            world.info(),
            warehouse=postgres.airflow_connection("rastro"),
            shop=postgres.airflow_connection("shop"),
            slice_size=str(SLICE),
            lease="1m",
        )
        connections = {name: value for name, value in wired.items() if name.startswith("AIRFLOW_CONN_")}
        scheduler, serve = free_port(), free_port()
        told = of_the_compose_file(
            folder / "secrets",
            connections,
            AIRFLOW__CELERY__BROKER_URL=broker,
            AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT=str(scheduler),
        )
        with (
            airflow_stack(
                folder / "stack",
                postgres,
                settings={name: value for name, value in wired.items() if name not in connections} | told | SETTINGS,
                pools=pools(),
                workers=WORKERS,
            ) as stack,
            running(serving_at(serve), logs=folder / "serve", env=stack.environment) as served,
        ):
            stack.wait_for_dags([DAG])
            yield TwoWorkers(
                stack=stack,
                world=world,
                postgres=postgres,
                began=datetime.now(UTC),
                ports={"8080": int(stack.url.rpartition(":")[2]), "8974": scheduler, "8090": serve},
                serve=served["serve"],
            )


def serving_at(port: int) -> dict[str, list[str]]:
    """The command of the service for the public, at a port of this machine."""
    program, *arguments = services()["serve"]["command"]
    arguments = [LOOPBACK if word == "0.0.0.0" else word for word in arguments]  # noqa: S104  as it is in its container
    return {"serve": [str(BIN / program), *arguments, "--port", str(port)]}


def test_every_service_answers_as_its_container_is_asked(two_workers: TwoWorkers) -> None:
    wait_until(lambda: two_workers.is_well("serve"))
    assert [name for name in COMPONENTS if not two_workers.is_well(name)] == []
    assert [name for name in WORKERS if not two_workers.is_well("worker", name)] == []
    processes = [*two_workers.stack.processes.values(), two_workers.serve]
    assert len({process.pid for process in processes}) == len(COMPONENTS) + len(WORKERS) + 1


def test_two_workers_share_a_run_and_nobody_is_asked_or_told_twice(two_workers: TwoWorkers) -> None:
    two_workers.world.fault(
        "correios", "slow", times=0, seconds=5
    )  # so that no worker is done with all before another looks
    run = two_workers.first_run()
    two_workers.world.calm()
    assert run["state"] == "success", two_workers.stack.client.task_log(DAG, run["dag_run_id"], "check_run")

    slices = two_workers.slices_by_worker(run["dag_run_id"])
    assert set(slices) == {f"celery@{worker}" for worker in WORKERS}
    asked = two_workers.asked()
    assert sum(slices.values()) * SLICE >= len(asked) > SLICE * sum(WORKERS.values())
    assert set(asked.values()) == {1}

    calls = [one for one in two_workers.world.requests() if ASKED.search(one["path"])]
    ((turns,),) = two_workers.of_warehouse("SELECT turns FROM rastro.pace WHERE account LIKE 'correios:%'")
    assert turns >= len(calls) >= sum(slices.values())
    assert two_workers.wrong() == []


def test_nothing_but_logs_is_written_into_airflows_home(two_workers: TwoWorkers) -> None:
    """So the containers' can be read-only. The image has an empty configuration file, which else would be written."""
    home = two_workers.stack.home
    written = {path.relative_to(home).parts[0] for path in home.rglob("*") if path.is_file()}
    assert "logs" in written
    assert written - {"logs", "airflow.cfg"} == {"migrate.log", "migrated", "passwords.json"}  # of the stack's own


def test_a_worker_that_dies_at_work_loses_nothing_and_nobody_is_told_twice(two_workers: TwoWorkers) -> None:
    two_workers.world.advance(2)
    two_workers.world.fault("correios", "hang", times=0)
    two_workers.trigger()
    wait_until(lambda: two_workers.held() > SLICE * (sum(WORKERS.values()) - 1))  # every slot holds a slice
    (run_id,) = two_workers.running()  # another one if an hour has just ended
    two_workers.kill("worker-1")
    two_workers.world.calm()
    assert not two_workers.is_well("worker", "worker-1")

    two_workers.wait_for(run_id)
    again = [task for task in two_workers.stack.client.task_instances(DAG, run_id) if task["try_number"] > 1]
    assert {task["task_id"] for task in again} == {"track.correios"}
    assert set(two_workers.slices_by_worker(run_id)) == {"celery@worker-2"}

    wait_until(lambda: two_workers.held() == 0)
    rest = two_workers.wait_for(two_workers.trigger())
    assert rest["state"] == "success", two_workers.stack.client.task_log(DAG, rest["dag_run_id"], "check_run")
    # What a task did that was killed stands in no record of it.
    assert [one for one in two_workers.wrong() if one.name != "calls to Correios as recorded"] == []
    assert two_workers.is_well("serve")
