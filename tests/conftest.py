"""What tests need started. Everything is lazy: a test that asks for nothing starts nothing."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest

from simulator.testing import Running
from simulator.testing import running as simulator_running
from stack.airflow import AirflowStack, airflow_stack, connection_variable, environment
from stack.postgres import Server, embedded_postgres
from stack.product import migrate_warehouse, pools
from stack.state import REPOSITORY, secrets_of

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Warehouse:
    """A database of a test's own, all migrations applied, and a connection to it."""

    dsn: str
    connection: psycopg.Connection
    airflow_connection: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AirflowHome:
    """What ``dag.test`` and ``airflow`` commands run on: a migrated metadata database, no running process."""

    folder: Path
    environment: dict[str, str]

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
    dsn = postgres.create(name, template=warehouse_template)
    with psycopg.connect(dsn) as connection:
        yield Warehouse(dsn=dsn, connection=connection, airflow_connection=postgres.airflow_connection(name))
    postgres.drop(name)


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Running]:
    """The simulated services in a thread of this process, with nothing in them yet."""
    with simulator_running(tmp_path / "simulator") as running:
        yield running


@pytest.fixture(scope="session")
def airflow_home(postgres: Server) -> AirflowHome:
    """Airflow's own database with the pools in it, made once; no process runs."""
    folder = Path(SESSION.name)
    told = environment(home=folder / "home", postgres=postgres, secrets=secrets_of(folder), metadata=WITHOUT_PROCESSES)
    home = AirflowHome(folder=folder / "home", environment=told)
    postgres.create(WITHOUT_PROCESSES)
    wanted_pools = folder / "pools.json"
    wanted_pools.write_text(json.dumps(pools()))
    for command in (["db", "migrate"], ["pools", "import", str(wanted_pools)]):
        done = home.airflow(*command)
        assert done.returncode == 0, done.stderr
    return home


@pytest.fixture(scope="session")
def airflow_here(airflow_home: AirflowHome) -> AirflowHome:
    """
    Airflow in this process on the same database, for ``dag.test``.

    A test's own connections and settings go into the environment, which Airflow reads each time it is asked.
    """
    os.environ |= {name: value for name, value in airflow_home.environment.items() if name.startswith("AIRFLOW")}
    from airflow import settings

    settings.configure_vars()
    settings.reconfigure_orm()
    return airflow_home


@pytest.fixture(scope="session")
def stack_settings() -> dict[str, str]:
    """Connections and settings of the running Airflow; folders whose tests need others override this."""
    return {}


@pytest.fixture(scope="session")
def stack(postgres: Server, stack_settings: dict[str, str]) -> Iterator[AirflowStack]:
    """A whole Airflow with its scheduler, on a migrated warehouse of its own (database ``rastro``)."""
    migrate_warehouse(postgres.create("rastro"))
    settings = connection_variable("rastro_warehouse", postgres.airflow_connection("rastro")) | stack_settings
    with airflow_stack(Path(SESSION.name) / "stack", postgres, settings=settings, pools=pools()) as running:
        yield running
