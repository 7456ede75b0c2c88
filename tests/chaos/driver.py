"""
Drives schedules: virtual time, task bodies in processes that can be killed, and the world put through its faults.

A worker is one process without threads of its own, with a simulator, a proxy and databases of its own; a body that
may be killed runs in a fork of it. Hours really pass, in virtual time: nothing in the warehouse is ever edited.
"""

import contextlib
import json
import os
import select
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import time_machine
from psycopg import sql

from chaos import oracle
from chaos.hours import Attempt, Body, context_of, run_hour
from chaos.oracle import Fault
from chaos.proxy import Action, Proxy, Trap, proxy
from chaos.schedule import HOUR, Beside, Hour, Sale, Schedule
from rastro.errors import Permanent, RastroError
from rastro.models import Window
from simulator.testing import Running
from stack.postgres import Server
from stack.product import copy_warehouse
from stack.simulator import simulator
from stack.wiring import SQL, VTEX, wiring

TEMPLATE = "chaos_template"
QUIET_RUNS = 24
# Seconds before a process that hangs is killed: one that runs a single body while somebody hangs, and any other.
HANGS_FOR, RUN_HANGS_FOR = 0.4, 10.0
REAL = time_machine.escape_hatch
_runs = count(1)


@dataclass(slots=True)
class Clock:
    """Virtual time, ours and the simulator's, which goes on by itself from wherever it is put."""

    traveller: Any = None
    place: Any = None

    def start(self, at: datetime) -> None:
        self.stop()
        self.traveller = time_machine.travel(at, tick=True)
        self.place = self.traveller.start()

    def stop(self) -> None:
        if self.traveller is not None:
            self.traveller.stop()
            self.traveller = None

    def put(self, at: datetime) -> None:
        self.place.move_to(at)

    def shift(self, span: timedelta) -> None:
        self.place.shift(span)

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    @property
    def ahead(self) -> float:
        """Seconds that virtual time is ahead of the machine's."""
        return time.time() - REAL.time.time()


@dataclass(slots=True, kw_only=True)
class Ended:
    """
    How one attempt at a body ended: with a result, with a failure that a task may have, killed, or with a crash, which
    no task may have.
    """

    result: Any = None
    failure: str = ""
    permanent: bool = False
    killed: bool = False
    crash: str = ""

    @property
    def well(self) -> bool:
        return not (self.failure or self.killed or self.crash)


def attempted(body: Body) -> Ended:
    """Run a body here; a lost database connection is a failure like any other of ours."""
    try:
        return Ended(result=body())
    except RastroError as error:
        return Ended(failure=f"{type(error).__name__}: {error}", permanent=isinstance(error, Permanent))
    except psycopg.OperationalError as error:
        return Ended(failure=f"OperationalError: {error}")
    except Exception:  # noqa: BLE001 -- whatever it is, it is reported as what no task may raise
        return Ended(crash=traceback.format_exc())


@dataclass(slots=True)
class Fork:
    """A body under way in a process of its own."""

    pid: int
    pipe: int

    @classmethod
    def of(cls, body: Body, *, before: Callable[[], object] = lambda: None) -> "Fork":
        reading, writing = os.pipe()
        pid = os.fork()
        if pid:
            os.close(writing)
            return cls(pid, reading)
        try:
            os.close(reading)
            before()
            ended = attempted(body)
            told = {name: getattr(ended, name) for name in Ended.__slots__}
            with os.fdopen(writing, "w") as out:
                json.dump(told, out, default=str)
        finally:
            os._exit(0)

    def ended(self, patience: float | None = None) -> Ended:
        """Wait for the end; after ``patience`` seconds the process is killed."""
        parts = []
        with os.fdopen(self.pipe, "rb") as pipe:
            while True:
                if not select.select([pipe], [], [], patience)[0]:
                    os.kill(self.pid, signal.SIGKILL)
                    break
                part = os.read(pipe.fileno(), 1 << 16)
                if not part:
                    break
                parts.append(part)
        os.waitpid(self.pid, 0)
        told = b"".join(parts)
        return Ended(**json.loads(told)) if told else Ended(killed=True)


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What one schedule came to."""

    number: int
    faults: list[Fault] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0
    runs: int = 0

    @property
    def families(self) -> Counter[str]:
        return Counter(fault.family for fault in self.faults)


@dataclass(slots=True, kw_only=True)
class World:
    """What one worker drives: the simulated services, the proxy before them, the databases."""

    world: Running
    proxy: Proxy
    postgres: Server
    shop: str
    warehouse: str
    clock: Clock = field(default_factory=Clock)

    @property
    def dsn(self) -> str:
        """The warehouse, past the proxy."""
        return self.postgres.dsn(self.warehouse)

    def empty(self) -> None:
        """Nothing is known of any earlier schedule, and nobody is at work for it any more."""
        with psycopg.connect(self.postgres.dsn(self.shop)) as conn:
            conn.execute("TRUNCATE public.rastro_shipment")
        with psycopg.connect(self.dsn) as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                [self.warehouse],
            )
            conn.execute("SET session_replication_role = replica")  # in whatever order, all of it goes
            tables = conn.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'rastro'::regnamespace AND relkind IN ('r', 'p')"
                " AND NOT relispartition AND relname NOT IN ('migration', 'installation')"
            ).fetchall()
            for (table,) in tables:
                conn.execute(sql.SQL("DELETE FROM rastro.{}").format(sql.Identifier(table)))
            conn.execute(
                "SELECT setval(format('rastro.%I', sequencename)::regclass, 1, false) FROM pg_sequences"
                " WHERE schemaname = 'rastro'"
            )

    def drive(self, schedule: Schedule) -> Outcome:
        """One schedule from its first hour until all is quiet, and what the oracle says of it."""
        began = time.monotonic()
        outcome = Outcome(number=schedule.number)
        try:
            Story(around=self, schedule=schedule, outcome=outcome).tell()
        finally:
            self.clock.stop()
        outcome.seconds = time.monotonic() - began
        return outcome


@dataclass(slots=True, kw_only=True)
class Story:
    """One schedule while it is driven."""

    around: World
    schedule: Schedule
    outcome: Outcome
    requests_from: int = 0
    mails_from: int = 0
    direct: dict[str, str] = field(default_factory=dict)
    watched: dict[str, str] = field(default_factory=dict)

    def tell(self) -> None:
        self.begin()
        clock, hour_starts = self.around.clock, self.schedule.start
        for hour in self.schedule.hours:
            hour_starts += hour.gap * HOUR
            clock.put(max(clock.now, hour_starts + timedelta(minutes=hour.minute)))  # retries may have taken that long
            self.hour(hour)
        self.around.world.calm()
        self.around.proxy.set([])
        if not self.quiet():
            self.outcome.violations.append(f"not quiet after {QUIET_RUNS} undisturbed runs: {self.restless()}")
        self.outcome.violations += oracle.violations(self.evidence())

    def begin(self) -> None:
        around, schedule = self.around, self.schedule
        world = around.world
        world.control("POST", "reset")
        around.empty()
        self.requests_from, self.mails_from = size_of(world.log), size_of(world.mail_log)
        around.clock.start(schedule.start)
        world.configure(clock_ahead=around.clock.ahead, **schedule.world)
        for sale in schedule.sales:
            self.sell(sale)
        info = world.info()
        self.direct = self.settings(info, around.postgres.socket_folder)
        self.watched = self.settings(world_behind(around.proxy, info), around.proxy.folder)

    def settings(self, info: Mapping[str, Any], socket_folder: Path) -> dict[str, str]:
        """Connections and options, to this world and the databases in this folder."""
        around, schedule = self.around, self.schedule
        there = {"host": str(socket_folder)}
        wired = wiring(
            info,
            warehouse=around.postgres.airflow_connection(around.warehouse) | there,
            shop=around.postgres.airflow_connection(around.shop) | there,
            **{"sources": self.sources, "alert_to": oracle.ALERT_TO, **schedule.options},
        )
        vtex = json.loads(wired["AIRFLOW_CONN_LOJA"])
        vtex["extra"]["mailer"] = schedule.mailer
        smtp = json.loads(wired["AIRFLOW_CONN_RASTRO_SMTP"])
        smtp["extra"] |= {"timeout": 0.3, "reply_timeout": 0.3}
        return wired | {"AIRFLOW_CONN_LOJA": json.dumps(vtex), "AIRFLOW_CONN_RASTRO_SMTP": json.dumps(smtp)}

    @property
    def sources(self) -> str:
        """Those that have something: looking into an empty one costs the most of all tasks and shows nothing."""
        schedule = self.schedule
        sales = [*schedule.sales, *(hour.sale for hour in schedule.hours if hour.sale)]
        return ", ".join(sorted({VTEX if sale.variant else SQL for sale in sales}))

    def sell(self, sale: Sale) -> None:
        request: dict[str, object] = {"parcels": sale.parcels, "kinds": list(sale.kinds), "hours": sale.hours}
        if sale.variant:
            request |= {"variants": [sale.variant]}
        else:
            request |= {"sql_dsn": self.around.postgres.dsn(self.around.shop), "share_sql": 1.0}
        self.around.world.cohort(**request)

    def hour(self, hour: Hour) -> None:
        """One disturbed run."""
        world = self.around.world
        world.calm()
        world.configure(clock_ahead=self.around.clock.ahead)
        if hour.sale:
            self.sell(hour.sale)
        if hour.steps:
            world.advance(hour.steps)
        if hour.token_ends:
            settings = world.control("GET", "settings")
            world.configure(token_generation=settings["token_generation"] + 1)
            self.count("the token ended")
        for one in hour.misbehaviours:
            world.control("POST", "faults", [one.told()])
        run = Run(story=self, hour=hour, clock=self.around.clock)
        run.go()
        for one in world.control("GET", "faults"):
            for _ in range(one["hits"]):
                self.count(f"{one['target']}: {one['kind']} {one['status'] or ''}".strip(), one["target"])

    def count(self, family: str, task: str = "") -> None:
        self.outcome.faults.append(Fault(family=family, task=task, at=self.around.clock.now))

    def crashed(self, task: str, ended: Ended) -> None:
        if ended.crash:
            self.outcome.violations.append(f"{task} crashed: {ended.crash}")

    def quiet(self) -> bool:
        """Undisturbed runs, in leaps to when something is due, until nothing is owed or due; whether that came."""
        self.leap_to(self.around.clock.now)
        for _ in range(QUIET_RUNS):
            calm_since = self.around.clock.now
            run = Run(story=self, hour=None, clock=self.around.clock)
            run.go()
            leap = self.next_due(calm_since)
            if leap is None:
                failed = run.failed - {"check_run"}  # which is red as long as something waits for a person
                self.outcome.violations += [f"{task} failed when nothing disturbed it" for task in sorted(failed)]
                return True
            self.leap_to(leap)
        return False

    def leap_to(self, due: datetime) -> None:
        """To the first hourly run from then on; a run asks only about hours that have ended."""
        clock = self.around.clock
        clock.put(max(due, clock.now).replace(minute=0, second=0, microsecond=0) + HOUR + timedelta(minutes=1))
        self.around.world.configure(clock_ahead=clock.ahead)

    def next_due(self, since: datetime) -> datetime | None:
        """When somebody has something to do that was not done in the run since then; None when all is done."""
        with psycopg.connect(self.around.dsn) as conn:
            row = conn.execute(RESTLESS, {"since": since, "far": since + timedelta(days=30)}).fetchone()
        return row[0] if row else None

    def restless(self) -> str:
        with psycopg.connect(self.around.dsn) as conn:
            rows = conn.execute(
                "SELECT channel, kind, state, attempts, reason FROM rastro.notice WHERE settled_at IS NULL"
            )
            return "; ".join(map(str, rows.fetchall())) or "a carrier is still to be asked"

    def evidence(self) -> oracle.Evidence:
        world = self.around.world
        return oracle.Evidence(
            parcels=world.truth(),
            orders=world.control("GET", "vtex/loja/orders"),
            market=world.control("GET", "market/one"),
            hooks=world.control("GET", "webhook/hub"),
            requests=lines_from(world.log, self.requests_from),
            mails=lines_from(world.mail_log, self.mails_from),
            warehouse=self.around.dsn,
            schedule=self.schedule,
            faults=self.outcome.faults,
        )


# The earliest of: a notice that may be tried again, an answer that waits to be loaded, a parcel that is being asked
# about, or was not answered in the last run though it will be asked about one day.
RESTLESS = """
SELECT min(at) AS at FROM (
    SELECT CASE state WHEN 'claimed' THEN lease_until ELSE not_before END AS at FROM rastro.open_notice
    UNION ALL SELECT answered_at FROM rastro.staged_snapshot
    UNION ALL SELECT coalesce(greatest(next_poll_at, lease_until), lease_until) FROM rastro.poll_state
    WHERE lease_until IS NOT NULL
       OR (next_poll_at IS NOT NULL AND (answered_at IS NULL OR answered_at < %(since)s
           OR status IN ('delivered', 'returned', 'lost')))
) AS due WHERE at < %(far)s HAVING min(at) IS NOT NULL
"""


@dataclass(slots=True, kw_only=True)
class Run:
    """One run of the hour, as its hour disturbs it."""

    story: Story
    hour: Hour | None
    clock: Clock
    failed: set[str] = field(default_factory=set)
    name: str = field(default_factory=lambda: f"run-{next(_runs)}")

    def go(self) -> None:
        self.story.outcome.runs += 1
        hour, around = self.hour, self.story.around
        if hour is None or not hour.beside:
            self.whole(window_before(self.clock.now), "scheduled", self.attempt)
            return
        os.environ |= self.story.watched
        around.proxy.set([one.trap for one in hour.ambushes])
        forks = [Fork.of(lambda: self.apart("scheduled", back=0))]
        for other in hour.beside:
            self.story.count(other)
            forks.append(Fork.of(lambda other=other: self.beside(other)))
        ends = [fork.ended(RUN_HANGS_FOR) for fork in forks]
        self.note_fired("", around.proxy.fired(), ends)
        for ended in ends:
            self.story.crashed("a whole run", ended)
            self.story.outcome.violations += ended.result or []

    def beside(self, other: Beside) -> list[str]:
        """The other run; descriptions of its crashes."""
        match other:
            case Beside.TWIN:
                return self.apart("manual", back=0)
            case Beside.BACKFILL:
                return [crash for back in (2, 1) for crash in self.apart("backfill", back=back)]
            case Beside.DRY_RUN:
                return self.apart("manual", back=0, params={"dry_run": True})
            case Beside.REPROCESS:
                return self.apart("manual", back=0, params={"reprocess": True})
            case Beside.QUARANTINE:
                return self.apart("manual", back=0, params={"retry_quarantine": True})

    def whole(self, window: Window, run_type: str, attempt: Attempt, params: Mapping[str, Any] | None = None) -> None:
        context = context_of(window, self.clock.now, run_type=run_type, params=params)
        run_id = f"{self.name}-{run_type}-{window.start:%d%H}"
        run_hour(run_id, context, self.clock.now, attempt, lambda: self.failed)

    def apart(self, run_type: str, *, back: int, params: Mapping[str, Any] | None = None) -> list[str]:
        """
        A whole run in this process, whatever its tasks come to, for the window so many hours back; descriptions of its
        crashes.
        """
        last = window_before(self.clock.now)
        window = Window(start=last.start - back * HOUR, end=last.end - back * HOUR)
        crashes: list[str] = []

        def attempt(task: str, body: Body) -> Any:
            ended = attempted(body)
            if ended.crash:
                crashes.append(f"{task} crashed: {ended.crash}")
            if not ended.well:
                self.failed.add(task)
            return ended.result

        self.whole(window, run_type, attempt, params)
        return crashes

    def attempt(self, task: str, body: Body) -> Any:
        """One task with its retries, as the scheduler runs it."""
        hour = self.hour
        for attempt in range(1 + (hour.retries if hour else 0)):
            if attempt and hour:
                self.clock.shift(timedelta(minutes=hour.pause))
                self.story.around.world.configure(clock_ahead=self.clock.ahead)
            ended = self.once(task, body, first=not attempt)
            self.story.crashed(task, ended)
            if ended.well:
                self.failed.discard(task)
                return ended.result
            self.failed.add(task)
            if ended.permanent:
                break
        return None

    def once(self, task: str, body: Body, *, first: bool) -> Ended:
        kind = task.partition(".")[0]
        hour = self.hour
        traps = [one.trap for one in hour.ambushes if one.task == kind] if hour and first else []
        skew = hour.clocks.get(kind, 0) if hour else 0
        hangs = hour is not None and any(one.kind == "hang" and one.target != "smtp" for one in hour.misbehaviours)
        os.environ |= self.story.watched if traps else self.story.direct
        if not (traps or skew or hangs):
            return attempted(body)
        if traps:
            self.story.around.proxy.set(traps)
        if skew:
            self.story.count("a clock a minute off", kind)
        fork = Fork.of(body, before=lambda: self.clock.shift(timedelta(seconds=skew)) if skew else None)
        ended = fork.ended(HANGS_FOR if hangs else RUN_HANGS_FOR)
        self.note_fired(kind, self.story.around.proxy.fired() if traps else [], [ended])
        if traps:
            self.story.around.proxy.set([])
        return ended

    def note_fired(self, task: str, fired: Sequence[Trap], ends: Sequence[Ended]) -> None:
        """Count the traps that went off, and processes that were killed because they hung."""
        for trap in fired:
            self.story.count(f"{trap.action} {trap.side} {trap.kind}", task)
        by_trap = sum(trap.action is Action.KILL for trap in fired)
        for _ in range(sum(ended.killed for ended in ends) - by_trap):
            self.story.count("kill at any moment", task)


def window_before(now: datetime) -> Window:
    """The last full hour."""
    end = now.replace(minute=0, second=0, microsecond=0)
    return Window(start=end - HOUR, end=end)


def world_behind(front: Proxy, info: Mapping[str, Any]) -> dict[str, Any]:
    """What the simulator says of itself, with the proxy's ports in place of its own."""
    url = info["url"]
    own, smtp = f":{url.rpartition(':')[2]}", info["smtp"]
    text = json.dumps({**info, "smtp": {**smtp, "port": front.smtp_port}})
    return dict(json.loads(text.replace(own, f":{front.http_port}")))


def size_of(log: Path | None) -> int:
    return log.stat().st_size if log and log.exists() else 0


def lines_from(log: Path | None, start: int) -> list[dict[str, Any]]:
    """What was written to a log since it had this size."""
    if log is None or not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(start)
        return [json.loads(line) for line in file]


@contextmanager
def world(folder: Path, postgres: Server, name: str) -> Iterator[World]:
    """Everything one worker needs, started and ended."""
    with contextlib.ExitStack() as stack:
        simulated = stack.enter_context(simulator(folder))
        front = stack.enter_context(
            proxy(
                folder / "proxy",
                postgres=postgres.socket_folder,
                http_port=int(simulated.url.rpartition(":")[2]),
                smtp_port=simulated.smtp_port,
            )
        )
        running = Running(
            url=simulated.url, smtp_port=simulated.smtp_port, log=simulated.log, mail_log=simulated.mail_log
        )
        dsn = postgres.create(name)
        running.cohort(parcels=1, sql_dsn=dsn, share_sql=1.0, kinds=["not_ours"])  # makes the shop's table
        warehouse = f"{name}_warehouse"
        copy_warehouse(postgres, warehouse, TEMPLATE)
        yield World(world=running, proxy=front, postgres=postgres, shop=name, warehouse=warehouse)
