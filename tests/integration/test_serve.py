"""``rastro serve`` as a person starts it: a process with Airflow's connections, from wherever these are kept."""

import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import requests

from contract.pushes import ACCOUNT, SECRET, message_of, signed
from stack.state import REPOSITORY
from webserver import HUB_KEY, Service

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "rastro.cli", "serve", "--port", "0"]
LOGGI = {
    "conn_type": "loggi",
    "login": "invented",
    "password": "invented",
    "extra": {"company_id": "42", "push_user": "invented-user", "push_password": SECRET},
}
AFTERSHIP = {"conn_type": "aftership", "password": "invented"}  # no secret of a webhook
TRACK17 = {"conn_type": "track17", "password": SECRET}


def variables(**connections: object) -> dict[str, str]:
    return {f"AIRFLOW_CONN_{name.upper()}": json.dumps(held) for name, held in connections.items()}


@contextmanager
def started(airflow_home, dsn: str, **variables: str) -> Iterator[tuple[Service, list[str]]]:
    """The service, and what it said when it started."""
    process = subprocess.Popen(
        COMMAND, env=airflow_home.environment | variables, cwd=REPOSITORY, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    assert process.stderr
    said: list[str] = []
    try:
        # Airflow may have something to say before it.
        greeting = next((line for line in process.stdout if line.startswith("Rastro is at http://127.0.0.1:")), "")
        assert greeting, process.communicate(timeout=20)
        said.append(greeting.strip())
        port = int(greeting.split(":")[2])
        wait_until_up(port)
        with requests.Session() as client:
            client.trust_env = False
            yield Service(port=port, dsn=dsn, client=client), said
    finally:
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=30)
        said += [*rest.splitlines(), *errors.splitlines()]
    assert process.returncode in {0, -signal.SIGTERM}


def wait_until_up(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            assert requests.get(f"http://127.0.0.1:{port}/health", timeout=5).text == "ok"
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the service is not up")


def refused(airflow_home, **variables: str) -> str:
    """The one line that a start in vain ends with."""
    done = subprocess.run(
        COMMAND, env=airflow_home.environment | variables, cwd=REPOSITORY, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("rastro: ")]
    assert "Traceback" not in done.stderr
    return line


def push(service: Service, code: str, body: bytes) -> int:
    proof = signed(code)
    return service.send(f"/push/{code}{proof.query}", body, **proof.headers).status_code


def test_connections_are_read_from_the_environment_and_from_airflows_database(airflow_home, warehouse) -> None:
    done = airflow_home.airflow("connections", "add", "kept_in_the_database", "--conn-json", json.dumps(LOGGI))
    assert done.returncode == 0, done.stderr
    try:
        told = variables(rastro_warehouse=warehouse.airflow_connection, seventeen=TRACK17, ship=AFTERSHIP)
        told["AIRFLOW__RASTRO__CARRIERS"] = "loggi:kept_in_the_database, track17:seventeen, aftership:ship"
        told["AIRFLOW__RASTRO__HUB_KEY_CMD"] = f"echo {HUB_KEY}"
        with started(airflow_home, warehouse.dsn, **told) as (web, said):
            assert push(web, "loggi", message_of("loggi")) == 200
            assert push(web, "track17", message_of("track17")) == 200
            assert push(web, "aftership", message_of("aftership")) == 404
            assert web.send("/tracking", b"[]", authorization=f"Bearer {HUB_KEY}").json() == {}
            assert [row[0] for row in web.inbox()] == ["loggi", "track17"]
            with psycopg.connect(warehouse.dsn) as conn:
                assert conn.execute("SELECT FROM rastro.inbox WHERE read_at IS NULL").rowcount == 2
    finally:
        airflow_home.airflow("connections", "delete", "kept_in_the_database")
    assert said[0].endswith(": /health, /push/loggi, /push/track17, /tracking")
    together = "\n".join(said)
    assert "rastro: aftership pushes, but its connection lacks extra.push_secret: its pushes are not taken" in said, (
        together
    )
    assert any("POST /push/loggi 200" in line for line in said)
    assert SECRET not in together
    assert HUB_KEY not in together
    assert ACCOUNT.password not in together


def test_all_connections_that_are_missing_are_named_at_once(airflow_home) -> None:
    line = refused(airflow_home, AIRFLOW__RASTRO__CARRIERS="loggi:nowhere, correios:nowhere_too, track17:neither")
    for name in ("rastro_warehouse (the warehouse)", "nowhere (carrier Loggi)", "neither (carrier 17TRACK)"):
        assert name in line
    assert "nowhere_too" not in line, "nothing is pushed by Correios"


def test_a_setting_that_makes_no_sense_is_named(airflow_home, warehouse) -> None:
    told = variables(rastro_warehouse=warehouse.airflow_connection)
    line = refused(airflow_home, **told, AIRFLOW__RASTRO__HUB_KEY="short")
    assert "hub_key: a key is at least 24" in line
    assert "short" not in line.replace("rastro: ", "")


def test_a_warehouse_that_was_never_migrated_or_lets_nobody_in_is_said_at_the_start(airflow_home, postgres) -> None:
    postgres.create("rastro_bare")
    bare = postgres.airflow_connection("rastro_bare")
    assert "rastro migrate" in refused(airflow_home, **variables(rastro_warehouse=bare))
    postgres.drop("rastro_bare")
    assert "The warehouse refuses us" in refused(airflow_home, **variables(rastro_warehouse=bare))


def test_it_starts_while_the_warehouse_is_away_and_takes_what_comes_once_it_is_back(airflow_home, warehouse) -> None:
    away = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "nobody", "schema": "rastro"}
    told = variables(rastro_warehouse=away, seventeen=TRACK17) | {"AIRFLOW__RASTRO__CARRIERS": "track17:seventeen"}
    with started(airflow_home, warehouse.dsn, **told) as (web, said):
        assert push(web, "track17", message_of("track17")) == 503
    assert any("until it can be, senders are told to come again" in line for line in said)
    assert any("/tracking is not answered" in line for line in said)


def test_a_port_that_is_taken_is_named(airflow_home, warehouse) -> None:
    told = variables(rastro_warehouse=warehouse.airflow_connection)
    with started(airflow_home, warehouse.dsn, **told) as (web, _):
        done = subprocess.run(
            [*COMMAND[:-1], str(web.port)], env=airflow_home.environment | told, cwd=REPOSITORY, capture_output=True,
            text=True, check=False, timeout=120,
        )  # fmt: skip
    assert done.returncode == 1
    assert f"rastro: 127.0.0.1:{web.port}: Address already in use" in done.stderr


def test_hundreds_one_after_the_other_are_all_kept(airflow_home, warehouse) -> None:
    """With ``-s`` it tells how long an answer takes."""
    told = variables(rastro_warehouse=warehouse.airflow_connection, parcels=LOGGI)
    told["AIRFLOW__RASTRO__CARRIERS"] = "loggi:parcels"
    body, times = message_of("loggi"), []
    with started(airflow_home, warehouse.dsn, **told) as (web, _):
        for number in range(500):
            one = body.replace(b"7008", b"%04d" % number)
            began = time.perf_counter()
            assert push(web, "loggi", one) == 200
            times.append(1000 * (time.perf_counter() - began))
        assert len(web.inbox()) == 500
    parts = statistics.quantiles(times, n=100)
    sys.stderr.write(f"\n500 pushes: median {parts[49]:.1f} ms, 95 of 100 within {parts[94]:.1f} ms\n")
