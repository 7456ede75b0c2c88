"""What tests need started. Everything is lazy: a test that asks for nothing starts nothing."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from simulator.testing import Running
from simulator.testing import running as simulator_running
from stack.airflow import AirflowStack, airflow_stack, environment
from stack.postgres import Server, embedded_postgres
from stack.product import copy_warehouse, migrate_warehouse, pools
from stack.simulator import simulator as simulator_process
from stack.state import REPOSITORY, secrets_of
from stack.wiring import wiring
from telemetry import Collector, collecting

SESSION = tempfile.TemporaryDirectory(prefix="rastro-tests-")
WITHOUT_PROCESSES = "airflow_without_processes"

# Airflow fixes these when it is first imported, whichever test does so; the person's own Airflow stays untouched.
for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
    del os.environ[name]
os.environ |= {
    "AIRFLOW_HOME": f"{SESSION.name}/home",
    "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}


# Started once however many processes the tests are shared out to: what takes long to start, or much memory.
STARTED_ONCE = ("stack", "airflow_here", "two_workers", "image")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that want the same of these stay together, under ``-n``."""
    for item in items:
        for name in STARTED_ONCE:
            if name in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.xdist_group(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Warehouse:
    """A database of a test's own, all migrations applied, and a connection to it."""

    dsn: str
    connection: psycopg.Connection
    airflow_connection: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AirflowHome:
    """What ``dag.test`` and ``airflow`` commands run on: a migrated database, its DSN ``metadata``; no process runs."""

    folder: Path
    environment: dict[str, str]
    metadata: str

    def airflow(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs an ``airflow`` command; whether it went well is the caller's to look at."""
        return self.python("-m", "airflow", *arguments, **variables)

    def python(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs Python beside Airflow's environment, with these variables more: connections, settings."""
        return subprocess.run(
            [sys.executable, *arguments],
            env=self.environment | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            cwd=REPOSITORY,
        )


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The embedded PostgreSQL, empty at the start of the session."""
    with embedded_postgres(Path(SESSION.name) / "postgres", durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def warehouse_template(postgres: Server) -> str:
    """The name of a migrated database that nobody writes to: copies of it cost less than migrating."""
    from rastro.warehouse.migrate import migrate

    migrate(postgres.create("rastro_template"))
    return "rastro_template"


_copies = count(1)


@pytest.fixture
def warehouse(postgres: Server, warehouse_template: str) -> Iterator[Warehouse]:
    """An empty warehouse for one test."""
    name = f"rastro_{next(_copies)}"
    dsn = copy_warehouse(postgres, name, warehouse_template)
    with psycopg.connect(dsn) as connection:
        yield Warehouse(dsn=dsn, connection=connection, airflow_connection=postgres.airflow_connection(name))
    postgres.drop(name)


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Running]:
    """The simulated services in a thread of this process, with nothing in them yet."""
    with simulator_running(tmp_path / "simulator") as running:
        yield running


def migrated_airflow(postgres: Server, folder: Path, metadata: str) -> AirflowHome:
    """Airflow's own database, new, with the pools in it and no DAG."""
    told = environment(home=folder / "home", postgres=postgres, secrets=secrets_of(folder), metadata=metadata)
    home = AirflowHome(folder=folder / "home", environment=told, metadata=postgres.create(metadata))
    wanted_pools = folder / "pools.json"
    wanted_pools.write_text(json.dumps(pools()))
    for command in (["db", "migrate"], ["pools", "import", str(wanted_pools)]):
        done = home.airflow(*command)
        assert done.returncode == 0, done.stderr
    return home


@pytest.fixture(scope="session")
def airflow_home(postgres: Server) -> AirflowHome:
    """Airflow made once for all tests: what some have run is there for the others."""
    return migrated_airflow(postgres, Path(SESSION.name), WITHOUT_PROCESSES)


@pytest.fixture
def new_airflow(postgres: Server, tmp_path: Path) -> AirflowHome:
    """An Airflow of a test's own, that has never seen a DAG."""
    return migrated_airflow(postgres, tmp_path, f"airflow_{next(_copies)}")


@pytest.fixture(scope="session")
def airflow_here(airflow_home: AirflowHome) -> Iterator[AirflowHome]:
    """
    Airflow in this process on the same database, for ``dag.test``.

    A test's own connections and settings go into the environment, which Airflow reads each time it is asked.
    """
    os.environ |= {name: value for name, value in airflow_home.environment.items() if name.startswith("AIRFLOW")}
    from airflow import settings

    settings.configure_vars()
    settings.reconfigure_orm()
    yield airflow_home
    settings.dispose_orm()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What the running Airflow works on: the simulated services, the shop's own database, and the warehouse."""

    world: Running
    dsn: str
    warehouse: str

    def send(self, parcels: int, **more: object) -> None:
        """The shop sends so many parcels, some through VTEX and some through its own database."""
        self.world.cohort(parcels=parcels, sql_dsn=self.dsn, **more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """``track_deliveries`` on the running Airflow, unpaused, with no run of its own under way."""

    stack: AirflowStack
    shop: Shop
    dag_id: str = "track_deliveries"

    def run(self, window: tuple[datetime, datetime] | None = None, **conf: object) -> dict[str, Any]:
        """One run over a window, by default the hour up to now, when it has finished."""
        now = datetime.now(UTC)
        run_id = self.stack.client.trigger(
            self.dag_id, window=window or (now - timedelta(hours=1), now), logical_date=now, conf=conf
        )
        return self.stack.client.wait_for_run(self.dag_id, run_id)

    def why(self, run_id: str) -> str:
        """What the run's last task says, for the message of a failed assertion."""
        return self.stack.client.task_log(self.dag_id, run_id, "check_run")[-3000:]


@pytest.fixture(scope="session")
def shop(postgres: Server) -> Iterator[Shop]:
    """The simulated services in a process of their own, where a first few parcels are on their way."""
    with simulator_process(Path(SESSION.name) / "world") as one:
        world = Running(url=one.url, smtp_port=one.smtp_port, log=one.log, mail_log=one.mail_log)
        made = Shop(world=world, dsn=postgres.create("shop"), warehouse=postgres.create("rastro"))
        made.send(40)
        yield made


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """What the running Airflow sends its metrics and traces to."""
    with collecting() as one:
        yield one


@pytest.fixture(scope="session")
def another_teams_dags() -> dict[str, str]:
    """The DAG of docs/watch.md in a folder of its own beside ours."""
    folder = Path(SESSION.name) / "another_team"
    folder.mkdir()
    (shown,) = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs/watch.md").read_text("utf-8"), re.DOTALL)
    (folder / "deliveries_of_the_hour.py").write_text(shown)
    local = "airflow.dag_processing.bundles.local.LocalDagBundle"
    bundles = [
        {"name": "dags-folder", "classpath": local, "kwargs": {}},
        {"name": "another-team", "classpath": local, "kwargs": {"path": str(folder)}},
    ]
    return {"AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles)}


@pytest.fixture(scope="session")
def stack_settings(
    postgres: Server, shop: Shop, collector: Collector, another_teams_dags: dict[str, str]
) -> dict[str, str]:
    """Connections and settings of the running Airflow: those of the simulated services."""
    return (
        collector.settings
        | another_teams_dags
        | wiring(
            shop.world.info(),
            warehouse=postgres.airflow_connection("rastro"),
            shop=postgres.airflow_connection("shop"),
            sync_overlap="3d",  # cohorts are invoiced in the past, and come while it runs
        )
    )


VIEWER = "viewer"


@pytest.fixture(scope="session")
def stack(postgres: Server, stack_settings: dict[str, str], shop: Shop) -> Iterator[AirflowStack]:
    """A whole Airflow with its scheduler and a viewer beside the administrator, on a migrated warehouse of its own."""
    migrate_warehouse(shop.warehouse)
    users = {"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"admin:admin,{VIEWER}:viewer"}
    with airflow_stack(
        Path(SESSION.name) / "stack", postgres, settings=stack_settings | users, pools=pools()
    ) as running:
        yield running


@pytest.fixture(scope="session")
def viewer_password(stack: AirflowStack) -> str:
    """Airflow makes one for each user that has none."""
    return str(json.loads((stack.home / "passwords.json").read_text())[VIEWER])


@pytest.fixture(scope="session")
def job(stack: AirflowStack, shop: Shop) -> Job:
    """The DAG at work; the run that the scheduler begins by itself has succeeded."""
    one = Job(stack=stack, shop=shop)
    stack.wait_for_dags([one.dag_id])
    stack.client.unpause(one.dag_id)
    deadline = time.monotonic() + 60
    while not (runs := stack.client.runs(one.dag_id)) and time.monotonic() < deadline:
        time.sleep(0.25)
    assert runs, "the scheduler has begun no run"
    first = stack.client.wait_for_run(one.dag_id, runs[0]["dag_run_id"])
    assert first["state"] == "success", one.why(first["dag_run_id"])
    return one
