"""
Airflow on one machine: its four processes with the LocalExecutor, their environment, and a client to drive them.
Where Celery's workers carry out the tasks, they run beside.

Users are Airflow's own simple auth manager's: one administrator with a random password, ready without a migration or
a command of its own. The containers use the FAB auth manager instead.
"""

import importlib.metadata
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import requests
from celery import Celery

from stack.airflow_client import AirflowClient
from stack.postgres import Server
from stack.processes import INCLUDE, StackError, running, tail
from stack.state import REPOSITORY, Secrets, secrets_of, write_private

METADATA = "airflow"
USER = "admin"
LOOPBACK = "127.0.0.1"
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
# The settings of ours and of others that must not leak into a stack whose every setting is written here.
FOREIGN = ("AIRFLOW", "RASTRO", "PYTHON", "PG", "VIRTUAL_ENV")


@dataclass(frozen=True, slots=True, kw_only=True)
class AirflowStack:
    """A running Airflow."""

    url: str
    user: str
    password: str = field(repr=False)
    client: AirflowClient = field(repr=False)
    home: Path
    environment: Mapping[str, str] = field(repr=False)
    processes: Mapping[str, subprocess.Popen[bytes]] = field(repr=False)
    logs: Path

    def command(self, *arguments: str) -> list[str]:
        """An ``airflow`` command, to be run with :attr:`environment`."""
        return [sys.executable, "-m", "airflow", *arguments]

    def stay(self) -> None:
        """
        Waits until somebody interrupts.

        :raises StackError: one of the processes has ended.
        """
        while True:
            check_alive(self.processes, self.logs)
            time.sleep(1)

    def wait_for_dags(self, dag_ids: Sequence[str], seconds: float = 60) -> None:
        """
        :raises StackError: a DAG file cannot be loaded, or a DAG does not show up in time.
        """
        deadline = time.monotonic() + seconds
        while missing := [dag_id for dag_id in dag_ids if not self.client.has_dag(dag_id)]:
            if errors := self.client.import_errors():
                raise StackError("Airflow cannot load " + "\n".join(errors))
            if time.monotonic() > deadline:
                raise StackError(f"Airflow does not know {', '.join(missing)} after {seconds:.0f} s")
            time.sleep(0.25)


def environment(
    *,
    home: Path,
    postgres: Server,
    secrets: Secrets,
    port: int = 0,
    dags: Path = REPOSITORY / "dags",
    plugins: Path = REPOSITORY / "plugins",
    settings: Mapping[str, str] | None = None,
    metadata: str = METADATA,
) -> dict[str, str]:
    """
    All that an Airflow process of ours is told: the machine's environment less foreign settings, ours, ``settings``.

    :param settings: connections as ``AIRFLOW_CONN_…``, options as ``AIRFLOW__RASTRO__…``, and whatever else overrides;
        an option that a command prints (``…_CMD``) or a secrets backend keeps (``…_SECRET``) takes the place of ours.
    """
    url = f"http://{LOOPBACK}:{port}"
    options: dict[str, dict[str, object]] = {
        "core": {
            "dags_folder": dags,
            "plugins_folder": plugins,
            "load_examples": False,
            "executor": "LocalExecutor",
            "parallelism": 16,  # tasks wait for others more than they compute: eight to a core
            "fernet_key": secrets.fernet_key,
            "execution_api_server_url": f"{url}/execution/",
            "hostname_callable": "socket.gethostname",  # the default asks DNS, which a laptop offline waits for
            "simple_auth_manager_users": f"{USER}:admin",
            "simple_auth_manager_passwords_file": home / "passwords.json",
            "min_serialized_dag_update_interval": 5,
            "test_connection": "Enabled",
        },
        "database": {
            "sql_alchemy_conn": postgres.sqlalchemy_url(metadata),
            "sql_alchemy_conn_async": postgres.sqlalchemy_url(metadata, "asyncpg"),
        },
        "api": {"host": LOOPBACK, "port": port, "base_url": url, "secret_key": secrets.api_secret_key},
        "api_auth": {"jwt_secret": secrets.jwt_secret, "jwt_issuer": "rastro"},
        "scheduler": {
            "scheduler_idle_sleep_time": 0.25,
            "max_tis_per_query": 64,  # a whole fan-out at once
            "scheduler_heartbeat_sec": 2,
        },
        "dag_processor": {"refresh_interval": 10, "min_file_process_interval": 10, "parsing_processes": 1},
        "logging": {"base_log_folder": home / "logs", "colored_console_log": False},
        "usage_data_collection": {"enabled": False},
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    ours = {
        f"AIRFLOW__{section.upper()}__{name.upper()}": str(value)
        for section, values in options.items()
        for name, value in values.items()
    }
    theirs = dict(settings or {})
    elsewhere = {name.removesuffix("_CMD").removesuffix("_SECRET") for name in theirs} - theirs.keys()
    ours = {name: value for name, value in ours.items() if name not in elsewhere}
    fixed = {"AIRFLOW_HOME": str(home), "PYTHONPATH": str(INCLUDE), "PYTHONUNBUFFERED": "1"}
    for name in ("NO_PROXY", "no_proxy"):  # each is read by some client
        fixed[name] = ",".join(filter(None, [os.environ.get(name), LOOPBACK, "localhost"]))
    return inherited | fixed | ours | theirs


def connection_variable(connection_id: str, connection: Mapping[str, object]) -> dict[str, str]:
    """One connection as an environment variable, for ``settings``."""
    return {f"AIRFLOW_CONN_{connection_id.upper()}": json.dumps(connection)}


@contextmanager
def airflow_stack(
    state: Path,
    postgres: Server,
    *,
    settings: Mapping[str, str] | None = None,
    pools: Mapping[str, Mapping[str, object]] | None = None,
    dags: Path = REPOSITORY / "dags",
    plugins: Path = REPOSITORY / "plugins",
    preferred_port: int = 0,
    workers: Mapping[str, int] | None = None,
    say: Callable[[str], None] = print,
) -> Iterator[AirflowStack]:
    """
    Runs Airflow for as long as the block lasts, its home and logs in ``state``.

    :param settings: see :func:`environment`.
    :param pools: name → slots, description, include_deferred.
    :param preferred_port: of the UI, taken when it is free.
    :param workers: of Celery, name → slots; they want ``settings`` with the CeleryExecutor and its broker.
    :param say: is told what is being waited for.
    :raises StackError: a process ends or does not get ready; the message holds the end of its log.
    """
    home, logs, secrets = state / "airflow", state / "logs", secrets_of(state)
    port = free_port(preferred_port)
    told = environment(
        home=home, postgres=postgres, secrets=secrets, port=port, dags=dags, plugins=plugins, settings=settings
    )
    write_private(home / "passwords.json", json.dumps({USER: secrets.ui_password}))
    migrate(home, postgres, told, say)
    url = f"http://{LOOPBACK}:{port}"
    client = AirflowClient(url=url, user=USER, password=secrets.ui_password)
    arguments = {name: _arguments(name) for name in COMPONENTS}
    arguments |= {name: _worker_arguments(name, slots) for name, slots in (workers or {}).items()}
    commands = {name: [sys.executable, "-m", "airflow", *these] for name, these in arguments.items()}
    with running(commands, logs=logs, env=told, patience=6) as processes:
        say("Waiting for Airflow's processes …")
        _wait_until_healthy(client, processes, logs)
        if workers:
            _wait_until_they_listen(workers, told["AIRFLOW__CELERY__BROKER_URL"], processes, logs)
        if pools:
            client.set_pools(pools)
        yield AirflowStack(
            url=url,
            user=USER,
            password=secrets.ui_password,
            client=client,
            home=home,
            environment=told,
            processes=processes,
            logs=logs,
        )


def migrate(
    home: Path, postgres: Server, told: Mapping[str, str], say: Callable[[str], None], metadata: str = METADATA
) -> None:
    """Creates or upgrades Airflow's own database; asks nothing of Airflow when the same version did so before."""
    stamp, version = home / "migrated", importlib.metadata.version("apache-airflow-core")
    dsn = postgres.create(metadata)
    with psycopg.connect(dsn) as connection:
        (known,) = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone() or (False,)
    if known and stamp.exists() and stamp.read_text() == version:
        return
    say("Creating Airflow's database …")
    home.mkdir(parents=True, exist_ok=True)
    log = home / "migrate.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        done = subprocess.run(command, env=dict(told), stdout=output, stderr=output, check=False, timeout=300)
    if done.returncode:
        raise StackError(f"Airflow's database could not be made. The end of {log}:\n{tail(log)}")
    stamp.write_text(version)


def check_alive(processes: Mapping[str, subprocess.Popen[bytes]], logs: Path) -> None:
    """
    :raises StackError: a process has ended; the message holds the end of its log.
    """
    for name, process in processes.items():
        if process.poll() is not None:
            log = logs / f"{name}.log"
            raise StackError(f"Airflow's {name} ended. The end of {log}:\n{tail(log)}")


def free_port(preferred: int = 0) -> int:
    """The preferred TCP port on loopback when nobody listens there, else any."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StackError("This machine has no free port left")


def _arguments(component: str) -> list[str]:
    """Logs are read from the disk that all processes share, so none of them needs to serve its own."""
    return [component, *(["--skip-serve-logs"] if component in {"scheduler", "triggerer"} else [])]


def _worker_arguments(name: str, slots: int) -> list[str]:
    return ["celery", "worker", "--celery-hostname", name, "--concurrency", str(slots), "--skip-serve-logs"]


def _wait_until_they_listen(
    workers: Collection[str],
    broker: str,
    processes: Mapping[str, subprocess.Popen[bytes]],
    logs: Path,
    seconds: float = 120,
) -> None:
    deadline = time.monotonic() + seconds
    with Celery(broker=broker) as app:
        while missing := set(workers) - {name.partition("@")[2] for one in app.control.ping() for name in one}:
            check_alive(processes, logs)
            if time.monotonic() > deadline:
                raise StackError(
                    f"Airflow is not ready after {seconds:.0f} s: {', '.join(sorted(missing))}. See {logs}"
                )


def _wait_until_healthy(
    client: AirflowClient, processes: Mapping[str, subprocess.Popen[bytes]], logs: Path, seconds: float = 120
) -> None:
    deadline = time.monotonic() + seconds
    waiting_for = list(processes)
    while waiting_for:
        check_alive(processes, logs)
        if time.monotonic() > deadline:
            raise StackError(f"Airflow is not ready after {seconds:.0f} s: {', '.join(waiting_for)}. See {logs}")
        time.sleep(0.25)
        try:
            waiting_for = client.unhealthy()
        except requests.ConnectionError:
            waiting_for = ["api-server"]
