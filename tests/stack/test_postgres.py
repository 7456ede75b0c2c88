"""The embedded PostgreSQL: everybody who needs it gets in, nothing is left of it afterwards."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine

from stack.postgres import Server, cache_in, embedded_postgres, memory
from stack.processes import StackError, command_of, members
from stack.state import REPOSITORY

pytestmark = pytest.mark.slow


def test_psycopg_airflows_driver_and_its_asynchronous_one_all_get_in(postgres: Server) -> None:
    dsn = postgres.create("a base")
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("a base",)
    with sqlalchemy.create_engine(postgres.sqlalchemy_url("a base")).connect() as engine:
        assert engine.execute(sqlalchemy.text("SELECT current_database()")).scalar() == "a base"

    async def ask() -> object:
        async with create_async_engine(postgres.sqlalchemy_url("a base", "asyncpg")).connect() as engine:
            return (await engine.execute(sqlalchemy.text("SELECT current_database()"))).scalar()

    assert asyncio.run(ask()) == "a base"


def test_it_listens_on_no_port(postgres: Server) -> None:
    with psycopg.connect(postgres.dsn()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_creating_a_database_twice_changes_nothing(postgres: Server) -> None:
    assert postgres.create("twice") == postgres.create("twice")


def test_data_outlives_the_server_in_a_folder_with_a_space(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path / "with space", durable=False) as server:
        server.create("kept")
    with (
        embedded_postgres(tmp_path / "with space", durable=False) as server,
        psycopg.connect(server.dsn("kept")) as connection,
    ):
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_it_starts_where_the_path_is_too_long_for_a_socket(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path / ("deep" * 30), durable=False) as server:
        psycopg.connect(server.dsn()).close()
    assert not server.socket_folder.exists()


def test_a_stale_note_about_a_process_that_is_not_ours_does_no_harm(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path, durable=False):
        note = (tmp_path / "data/postmaster.pid").read_text().splitlines()
    stale = "\n".join([str(os.getpid()), *note[1:]])
    (tmp_path / "data/postmaster.pid").write_text(stale + "\n")
    with embedded_postgres(tmp_path, durable=False) as server:
        psycopg.connect(server.dsn()).close()


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import sys, time
        from pathlib import Path
        from stack.postgres import embedded_postgres
        with embedded_postgres(Path(sys.argv[1]), durable=False) as server:
            print(server.pid, flush=True)
            time.sleep(600)
    """)
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "include")}
    parent = subprocess.Popen([sys.executable, "-c", program, tmp_path], env=environment, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    server = int(parent.stdout.readline())
    assert "postgres" in command_of(server)
    parent.send_signal(signal.SIGKILL)
    parent.communicate(timeout=30)
    wait_until_gone(server)
    assert not (tmp_path / "data/postmaster.pid").exists()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path, durable=False):
        pass
    (tmp_path / "data/global/pg_control").unlink()
    with pytest.raises(StackError, match="pg_control"), embedded_postgres(tmp_path, durable=False):
        pass


def wait_until_gone(session: int) -> None:
    for _ in range(200):
        if not members({session: None}):
            return
        signal.sigtimedwait([], 0.1)
    raise AssertionError(f"session {session} still runs")


@pytest.mark.parametrize(("machine", "kept"), [(1 << 29, 128 << 20), (24 << 30, 3 << 30), (1 << 40, 4 << 30)])
def test_the_cache_is_an_eighth_of_the_memory_and_neither_tiny_nor_huge(machine: int, kept: int) -> None:
    assert cache_in(machine) == kept


def test_the_server_is_given_that_cache(postgres: Server) -> None:
    with psycopg.connect(postgres.dsn()) as conn:
        ((pages,),) = conn.execute("SELECT setting::bigint FROM pg_settings WHERE name = 'shared_buffers'").fetchall()
    assert pages * 8192 >> 20 == cache_in(memory()) >> 20
