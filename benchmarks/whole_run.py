"""
Whole runs by Airflow's own scheduler: parcels at first contact, an hour in which one in fifty has news, an idle hour.

PostgreSQL, the four processes of Airflow, their tasks and the carrier, which answers at once, share the machine. The
shop is a table that is not written back to and whose parcels were all synchronised before, so nobody is told anything:
what is measured is planning, asking, reading, loading and counting. The idle hour is compared with a DAG of the same
shape whose tasks do nothing.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg
import requests

from benchmarks.bench import Goal, Measured, Size
from benchmarks.copies import LINES, ONE_IN, copies
from benchmarks.warehouse import filled
from stack.airflow import AirflowStack, airflow_stack, connection_variable
from stack.demo import quiet
from stack.postgres import Server
from stack.product import copy_warehouse, pools
from stack.state import REPOSITORY

NAME = "run"
DAG, EMPTY = "track_deliveries", "same_shape"
HOUR = timedelta(hours=1)
PATIENCE = 3 * 3600
FILL = (
    "INSERT INTO rastro.source (account, writes_back, own_mail) VALUES ('sql:erp:public.rastro_shipment', false, true)",
    """
    INSERT INTO rastro.poll_state (carrier, reference, quiet_since, next_poll_at)
    SELECT 'correios', 'QQ' || lpad(n::text, 9, '0') || 'BR', now() - interval '6 days', now()
    FROM generate_series(1, {many}) n
    """,
    """
    INSERT INTO rastro.shipment (account, order_id, invoice_number, tracking_number, carrier, poll_id, invoiced_at, first_seen_at, updated_at)
    SELECT 'sql:erp:public.rastro_shipment', 'O-' || poll_id, poll_id::text, reference, carrier, poll_id, now() - interval '6 days',
           now() - interval '6 days', now()
    FROM rastro.poll_state
    """,
    "INSERT INTO rastro.shipment_state (shipment_id, changed_at) SELECT shipment_id, now() FROM rastro.shipment",
)
SHOP = """
    CREATE TABLE IF NOT EXISTS rastro_shipment (order_id text, invoice_number text, tracking_number text, updated_at timestamptz)
"""
GROWTH = Goal(name="run: time per parcel at the most / at a tenth of them", unit="µs", at_most=1.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One run: how long it took, the most memory of any task, how many were mapped, and what they handed on."""

    seconds: float
    memory: float
    mapped: int
    xcom: int


def measure(size: Size) -> Iterator[Measured]:
    sizes = (5_000,) if size.quick else (10_000, 100_000, 1_000_000)
    each: dict[int, float] = {}
    for parcels in sizes:
        most = parcels == 1_000_000
        with copies() as carrier, world(size, parcels, carrier) as (airflow, dsn):
            nothing = min(run(airflow, EMPTY).seconds for _ in range(2))
            first = run(airflow, DAG, by=unpaused)
            check(dsn, parcels, parcels * LINES)
            requests.get(f"{carrier}/hour", timeout=30).raise_for_status()
            fall_due(dsn)
            steady = run(airflow, DAG)
            check(dsn, parcels, parcels * LINES + parcels // ONE_IN)
            idle = run(airflow, DAG, by=asked_for_long_ago)
            warehouse = size_of(dsn)
        title = f"run: {parcels:,} parcels"
        yield Measured(Goal(name=f"{title}, first contact", unit="s", at_most=12 * 60 if most else None), first.seconds)
        yield Measured(Goal(name=f"{title}, 2 % with news", unit="s", at_most=5 * 60 if most else None), steady.seconds)
        memory = Goal(name=f"{title}, the largest task", unit="MiB", at_most=400, always=True)
        yield Measured(memory, max(first.memory, steady.memory))
        mapped = Goal(name=f"{title}, mapped tasks", unit="tasks", at_most=64, always=True)
        yield Measured(mapped, max(first.mapped, steady.mapped))
        yield Measured(Goal(name=f"{title}, the warehouse", unit="MiB"), warehouse)
        xcoms = Goal(name=f"{title}, XCom", unit="KiB", at_most=64, always=True)
        yield Measured(xcoms, max(first.xcom, steady.xcom) / 1024)
        none_due = Goal(name=f"{title}, nothing is due / tasks that do nothing", unit="s", at_most=1.3)
        yield Measured(none_due, idle.seconds, nothing)
        each[parcels] = (first.seconds + steady.seconds) / parcels * 1e6
    if len(sizes) > 1:
        yield Measured(GROWTH, each[sizes[-1]], each[sizes[-2]])


@contextmanager
def world(size: Size, parcels: int, carrier: str) -> Iterator[tuple[AirflowStack, str]]:
    """A running Airflow and the DSN of a warehouse that knows so many parcels, of which nobody has heard yet."""
    name = f"run-{parcels}"
    with filled(size, name, FILL, parcels) as (postgres, _):
        postgres.drop("now")
        dsn, shop = copy_warehouse(postgres, "now", name), postgres.create("shop")
        with psycopg.connect(shop) as conn:
            conn.execute(SHOP)
        state = size.scratch / name / "stack"
        with airflow_stack(
            state,
            postgres,
            settings=told(postgres, carrier),
            pools=pools(),
            dags=dags(state),
            say=lambda _: None,
        ) as airflow:
            airflow.wait_for_dags([DAG, EMPTY])
            airflow.client.unpause(EMPTY)
            yield airflow, dsn


def told(postgres: Server, carrier: str) -> Mapping[str, str]:
    correios = {
        "conn_type": "correios",
        "host": carrier,
        "extra": {"access_key": "cws-bench", "requests_per_second": "1000"},
    }
    options = {
        "sources": "sql:erp:public.rastro_shipment",
        "carriers": "correios:correios",
        "shop_name": "Loja",
        "mail_from": "pedidos@loja.example",
        "notify_since": "2099-01-01",
    }
    return {
        **connection_variable("rastro_warehouse", postgres.airflow_connection("now")),
        **connection_variable("erp", postgres.airflow_connection("shop")),
        **connection_variable("correios", correios),
        **{f"AIRFLOW__RASTRO__{name.upper()}": value for name, value in options.items()},
    }


def dags(state: Path) -> Path:
    """A folder with the DAG that is measured and those of the benchmarks: no report follows on its heels."""
    folder = state / "dags"
    folder.mkdir(parents=True, exist_ok=True)
    for source in (REPOSITORY / "dags" / f"{DAG}.py", *(REPOSITORY / "benchmarks" / "dags").glob("*.py")):
        link = folder / source.name
        link.unlink(missing_ok=True)
        link.symlink_to(source)
    return folder


def asked_for(airflow: AirflowStack, dag_id: str) -> str:
    """A run for the hour up to now."""
    now = datetime.now(UTC)
    return airflow.client.trigger(dag_id, window=(now - HOUR, now), logical_date=now)


def asked_for_long_ago(airflow: AirflowStack, dag_id: str) -> str:
    """A run for an hour after which everything that is known was answered, so that nothing is due."""
    now = datetime.now(UTC)
    return airflow.client.trigger(dag_id, window=(now - 100 * HOUR, now - 99 * HOUR), logical_date=now)


def unpaused(airflow: AirflowStack, dag_id: str) -> str:
    """The run that the scheduler begins by itself, for the hour just past."""
    airflow.client.unpause(dag_id)
    while not (runs := airflow.client.runs(dag_id)):
        time.sleep(0.5)
    return str(runs[0]["dag_run_id"])


def run(airflow: AirflowStack, dag_id: str, *, by: Callable[[AirflowStack, str], str] = asked_for) -> Ran:
    quiet(airflow, PATIENCE)
    with memory_of(airflow.processes["scheduler"].pid) as peaks:
        run_id = by(airflow, dag_id)
        ended = airflow.client.wait_for_run(dag_id, run_id, seconds=PATIENCE)
    if ended["state"] != "success":
        raise AssertionError(why(airflow, dag_id, run_id))
    start, stop = (datetime.fromisoformat(ended[name]) for name in ("start_date", "end_date"))
    mapped = sum(one["map_index"] >= 0 for one in airflow.client.task_instances(dag_id, run_id))
    return Ran(
        seconds=(stop - start).total_seconds(), memory=max(peaks.values()), mapped=mapped, xcom=xcom(airflow, run_id)
    )


def why(airflow: AirflowStack, dag_id: str, run_id: str) -> str:
    """The errors of a run that failed, as its last task says them."""
    log = airflow.client.task_log(dag_id, run_id, "check_run")
    return "\n".join(line[:500] for line in log.splitlines() if " error " in line)


def xcom(airflow: AirflowStack, run_id: str) -> int:
    """Bytes that the tasks of a run handed on to one another."""
    with psycopg.connect(airflow.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")) as conn:
        ((size,),) = conn.execute(
            "SELECT coalesce(sum(octet_length(value::text)), 0) FROM xcom WHERE run_id = %s", [run_id]
        ).fetchall()
    return int(size)


@contextmanager
def memory_of(scheduler: int) -> Iterator[dict[int, float]]:
    """The most MiB that each process below the scheduler has held so far, by its id, until the block ends."""
    peaks: dict[int, float] = {0: 0.0}
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.5):
            for process in psutil.Process(scheduler).children(recursive=True):
                peaks[process.pid] = max(peaks.get(process.pid, 0.0), most_held(process.pid))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield peaks
    finally:
        ended.set()
        watching.join()


def most_held(pid: int) -> float:
    """MiB, by what Linux keeps of each process; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    (held,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")] or ["0"]
    return int(held) / 1024


def fall_due(dsn: str) -> None:
    """As if an interval had passed; what that leaves behind is cleared away as it is in the course of an hour."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("UPDATE rastro.poll_state SET next_poll_at = now()")
        conn.execute("VACUUM ANALYZE rastro.poll_state")


def size_of(dsn: str) -> float:
    """MiB of the whole database, indexes and what is not yet vacuumed included."""
    with psycopg.connect(dsn) as conn:
        ((size,),) = conn.execute("SELECT pg_database_size(current_database())").fetchall()
    return int(size) / 2**20


def check(dsn: str, parcels: int, lines: int) -> None:
    """
    :raises AssertionError: not every parcel was answered, or not every line is known.
    """
    with psycopg.connect(dsn) as conn:
        ((answered, known),) = conn.execute(
            "SELECT (SELECT count(*) FROM rastro.poll_state WHERE loaded_at IS NOT NULL), (SELECT count(*) FROM rastro.tracking_event)"
        ).fetchall()
    if (answered, known) != (parcels, lines):
        raise AssertionError(
            f"{answered:,} of {parcels:,} parcels were heard of, and {known:,} of {lines:,} lines kept"
        )
