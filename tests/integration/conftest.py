"""A shop in miniature: the simulated services, a warehouse, and the hourly run's task bodies without a scheduler."""

import importlib
import json
import logging
import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet
from psycopg import sql
from psycopg.rows import dict_row, namedtuple_row

from chaos.hours import context_of, run_hour
from contract.tokens import LIMITS, MemoryTokens, account_from
from rastro.carriers.registry import CARRIERS
from rastro.errors import RastroError
from rastro.http import Http
from rastro.models import Window
from rastro.pipeline.track import converse, digest_of
from rastro.warehouse import inbox
from simulator.testing import Running
from stack.audit import Evidence, Finding, audit
from stack.postgres import Server
from stack.wiring import wiring

TASK_LOG = "rastro.orchestration"
# What must not stand in a log: addresses, tokens, the simulator's passwords and the names of its customers.
CONFIDENTIAL = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.-]+|eyJ[\w-]{8,}|simulated-|codigo-de-acesso|whsec_|wrong-secret"
    r"|\b(Alvorada|Bonança|Cachoeira|Delmar|Estrela|Fontana|Girassol|Horizonte|Jasmim)\b"
)
_shops = count(1)


@dataclass(slots=True, kw_only=True)
class Hour:
    """How one run ended: the errors by task, and what ``check_run`` returned."""

    run_id: str
    window: Window
    failures: dict[str, RastroError] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> set[str]:
        return set(self.failures)

    def attempt(self, task: str, body: Callable[[], Any]) -> Any:
        """What the body returns; None when it fails as a task fails, which is recorded."""
        try:
            return body()
        except RastroError as error:
            self.failures[task] = error
            return None


@dataclass(slots=True, kw_only=True)
class Shop:
    """Everything around the task bodies, and the DAG's order of them."""

    simulator: Running
    warehouse: str
    database: str
    environment: pytest.MonkeyPatch
    connections: dict[str, dict[str, Any]]
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    def connect_by(self, name: str, **changes: object) -> None:
        """Change fields of a connection; ``extra`` is merged."""
        held = self.connections[name]
        extra = {**held.get("extra", {}), **changes.pop("extra", {})}  # type: ignore[dict-item]
        self._write(name, {**held, **changes, "extra": extra})

    def reconnect(self, name: str) -> None:
        """The connection as it was at first."""
        self._write(name, self.connections[name])

    def disconnect(self, name: str) -> None:
        self.environment.delenv(f"AIRFLOW_CONN_{name.upper()}")

    def _write(self, name: str, connection: Mapping[str, Any]) -> None:
        self.environment.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(connection))

    def configure(self, **options: str) -> None:
        for name, value in options.items():
            self.environment.setenv(f"AIRFLOW__RASTRO__{name.upper()}", value)

    def cohort(self, parcels: int = 12, **request: object) -> None:
        """New parcels, a third of them known only to the shop's database unless told otherwise."""
        self.simulator.cohort(**{"parcels": parcels, "sql_dsn": self.database, "share_sql": 0.34, **request})

    def carried(self, parcels: int, carriers: Sequence[str], kinds: Sequence[str] = (), **request: object) -> None:
        """New parcels of other carriers in turn, all of whose customers the shop knows an address of."""
        self.cohort(parcels, carriers=list(carriers), kinds=list(kinds), **request)
        with psycopg.connect(self.database) as conn, conn.cursor() as cursor:
            cursor.executemany(
                "UPDATE public.rastro_shipment SET customer_email = %(email)s WHERE order_id = %(order_id)s",
                self.simulator.truth(),
            )

    def orders(self, *kinds: str, parcels: int = 1, variant: str = "own") -> None:
        """Parcels of VTEX orders alone, each of these kinds in turn."""
        self.simulator.cohort(parcels=parcels, kinds=list(kinds) or ["delivered"], variants=[variant])

    def rows(self, *kinds: str, parcels: int = 1) -> None:
        """Parcels of the database alone, whose customers we mail."""
        self.cohort(parcels, kinds=list(kinds) or ["delivered"], share_sql=1.0)

    def rows_held(self) -> list[dict[str, Any]]:
        """What the shop's own database says of its packages."""
        with psycopg.connect(self.database, row_factory=dict_row) as conn:
            return conn.execute("SELECT * FROM public.rastro_shipment ORDER BY order_id").fetchall()

    def mail_all(self) -> None:
        """Give every customer in the shop's own database an address, so that it is the shop that mails them."""
        for one in self.simulator.truth():
            self.change_row(one["order_id"], customer_email=one["email"])

    def change_row(self, order_id: str, /, **values: object) -> None:
        """As somebody of the shop corrects an order."""
        columns = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in values)
        statement = sql.SQL("UPDATE public.rastro_shipment SET {}, updated_at = now() WHERE order_id = %s")
        with psycopg.connect(self.database) as conn:
            conn.execute(statement.format(columns), [*values.values(), order_id])

    def add_row(self, row: Mapping[str, object]) -> None:
        """As somebody of the shop enters another parcel."""
        columns = sql.SQL(", ").join(map(sql.Identifier, row))
        values = sql.SQL(", ").join(sql.Placeholder() * len(row))
        statement = sql.SQL("INSERT INTO public.rastro_shipment ({}) VALUES ({})").format(columns, values)
        with psycopg.connect(self.database) as conn:
            conn.execute(statement, list({**row, "updated_at": datetime.now(UTC)}.values()))

    def delete_row(self, order_id: str) -> None:
        """An order that the shop's database does not know, though its carrier does."""
        with psycopg.connect(self.database) as conn:
            conn.execute("DELETE FROM public.rastro_shipment WHERE order_id = %s", [order_id])

    def hour(self, window: Window | None = None, run_id: str = "", params: Mapping[str, Any] | None = None) -> Hour:
        """All task bodies in the DAG's order, each whatever became of those before it; ``params`` as in the form."""
        began = datetime.now(UTC)
        run = Hour(run_id=run_id or f"run-{next(_shops)}", window=window or Window(start=self.since, end=began))
        context = context_of(run.window, began, run_type="backfill" if window else "manual", params=params)
        run.figures = run_hour(run.run_id, context, began, run.attempt, lambda: set(run.failures))
        return run

    def push(self, carrier: str, body: bytes) -> bool:
        """A body that a carrier sends us, kept as the web service keeps it; false when it is here already."""
        with psycopg.connect(self.warehouse) as conn:
            return inbox.receive(conn, carrier, inbox.Way.PUSH, digest_of(body), zlib.compress(body), datetime.now(UTC))

    def said_of(self, reference: str, carrier: str) -> Any:
        """What the simulated carrier says about a reference now, as its adapter is given it."""
        account = account_from(self.simulator.info()["carriers"][carrier])
        asked = CARRIERS[carrier]
        access = MemoryTokens(account, asked.login).access()
        with Http(account.base_url, name=carrier, limits=LIMITS) as http:
            return json.loads(converse(http, asked.ask([reference], access)).parts[reference])

    def advance(self) -> bool:
        """The carrier's next news; false when no parcel has any left."""
        told = self.simulator.advance()
        return bool(told["revealed"] or told["left"])

    def to_the_end(self, most: int = 12) -> list[Hour]:
        """Hour after hour until no parcel has any news left."""
        hours = [self.hour()]
        while len(hours) < most and self.advance():
            hours.append(self.hour())
        return hours

    def pauses_end(self) -> None:
        """As if hours had passed: what waits for another attempt may have it now, what is held is held no longer."""
        self.execute(
            "UPDATE rastro.notice SET not_before = least(not_before, now()), lease_until = least(lease_until, now())"
            " WHERE not_before < now() + interval '1 year'"
        )
        self.execute("UPDATE rastro.poll_state SET lease_until = NULL")

    def ask(self, query: str, *values: object) -> list[Any]:
        with psycopg.connect(self.warehouse, row_factory=namedtuple_row) as conn:
            return conn.execute(query, values).fetchall()

    def execute(self, statement: str, *values: object) -> None:
        with psycopg.connect(self.warehouse) as conn:
            conn.execute(statement, values)

    def facts(self) -> dict[str, list[Any]]:
        """Everything that a rerun must leave as it is."""
        return {
            "events": self.ask("SELECT * FROM rastro.tracking_event ORDER BY shipment_id, occurred_at, event_key"),
            "changes": self.ask("SELECT * FROM rastro.shipment_change ORDER BY change_id"),
            "states": self.ask(
                "SELECT shipment_id, status, status_at, delivered_at FROM rastro.shipment_state ORDER BY 1"
            ),
            "notices": self.ask("SELECT notice_id, state, kind, attempts FROM rastro.notice ORDER BY notice_id"),
        }

    def received(self, method: str, pattern: str) -> list[dict[str, Any]]:
        """The requests that reached the simulator, those it cut off too."""
        return [one for one in self.simulator.requests() if one["method"] == method and re.search(pattern, one["path"])]

    def asked_about(self) -> list[str]:
        """Tracking numbers that Correios was asked about, in order."""
        found = re.compile(r"codigosObjetos=(\w+)")
        return [number for one in self.received("GET", "^/correios/srorastro") for number in found.findall(one["path"])]

    def findings(self) -> list[Finding]:
        control = self.simulator.control
        evidence = Evidence(
            parcels=self.simulator.truth(),
            orders=control("GET", "vtex/loja/orders"),
            requests=self.simulator.requests(),
            mails=self.simulator.mails(),
            warehouse=self.warehouse,
            since=self.since,
            alert_to=os.environ.get("AIRFLOW__RASTRO__ALERT_TO", ""),
        )
        return audit(evidence)

    def wrong(self) -> list[Finding]:
        """Findings of the audit that do not hold."""
        findings = self.findings()
        assert findings
        return [finding for finding in findings if not finding.holds]


@pytest.fixture
def shop(
    postgres: Server, warehouse: Any, simulator: Running, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> Iterator[Shop]:
    """A shop with nothing in it yet. Whatever a test does, nothing confidential may stand in the tasks' log."""
    with shop_around(postgres, warehouse, simulator, monkeypatch, caplog) as one:
        yield one


@pytest.fixture
def wide(
    postgres: Server, warehouse: Any, simulator: Running, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> Iterator[Shop]:
    """Such a shop with a contract with every carrier and marketplace that is simulated."""
    with shop_around(postgres, warehouse, simulator, monkeypatch, caplog, wide=True) as one:
        yield one


@contextmanager
def shop_around(
    postgres: Server,
    warehouse: Any,
    simulator: Running,
    monkeypatch: pytest.MonkeyPatch,
    caplog: Any,
    *,
    wide: bool = False,
) -> Iterator[Shop]:
    name = f"shop_{next(_shops)}"
    database = postgres.create(name)
    told = wiring(
        simulator.info(),
        warehouse=warehouse.airflow_connection,
        shop=postgres.airflow_connection(name),
        wide=wide,
        sync_overlap="3d",  # cohorts made later on were invoiced in the past
    )
    for variable, value in told.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())
    connections = {
        variable.removeprefix("AIRFLOW_CONN_").lower(): json.loads(value)
        for variable, value in told.items()
        if variable.startswith("AIRFLOW_CONN_")
    }
    simulator.cohort(parcels=1, sql_dsn=database, share_sql=1.0, kinds=["not_ours"])  # makes the shop's table
    simulator.control("POST", "reset")
    with psycopg.connect(database) as conn:
        conn.execute("TRUNCATE public.rastro_shipment")
    importlib.import_module(
        "rastro.orchestration.tasks"
    )  # Airflow sets up logging when it is imported, and must not do so in mid-test
    caplog.set_level(logging.INFO, logger=TASK_LOG)
    yield Shop(
        simulator=simulator,
        warehouse=warehouse.dsn,
        database=database,
        environment=monkeypatch,
        connections=connections,
    )
    lines = task_lines(caplog)
    assert CONFIDENTIAL.search("ana.jasmim.7@cliente.example")
    assert not [line for line in lines if CONFIDENTIAL.search(line)]
    postgres.drop(name)


def task_lines(caplog: Any) -> list[str]:
    """What the task bodies logged during the test."""
    return [one.getMessage() for one in caplog.get_records("call") if one.name.startswith(TASK_LOG)]
