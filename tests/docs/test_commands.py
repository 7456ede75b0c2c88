"""Every command that README, docs/ or another paper shows is run here or by a test that is named, or has its reason."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from papers import ASSIGNMENT, PAGES, commands, fenced, run
from rastro.carriers.described import all_carriers
from rastro.marketplaces.registry import MARKETPLACES
from rastro.models import Channel
from rastro.orders.registry import SOURCES
from rastro.settings import settings_from
from rastro.warehouse import rehearsals, tracking_links
from rastro.warehouse.records import quarantine
from rastro.warehouse.rehearsals import Rehearsed
from stack import dotenv
from stack.airflow import environment
from stack.state import REPOSITORY, secrets_of

pytestmark = pytest.mark.slow

# How a command begins → why it is run by no test.
NOT_RUN = {
    "cp .env.example .env": "it would overwrite the settings of whoever runs the tests; the file has tests of its own",
    "chmod 600 .env": "likewise",
    ". .rastro/env": "it is there only while a demo is up; tests/stack/test_commands_beside.py reads one",
    "curl --json": "it needs a running Airflow; stack.airflow_client sends the same calls to one in other tests",
    "curl --header": "likewise; tests/browser/test_pages.py goes the same way by hand",
    "curl https://rastro.loja.example/r/": "no such link is good; tests/contract/test_tracking_page.py asks for others",
    "rastro person export --email": "it waits for an address; tests/integration/test_person.py gives it one",
    "rastro roles --dsn": "it waits for an administrator's database; tests/integration/test_roles.py gives it one",
    "rastro serve": "it runs until it is stopped; tests/integration/test_serve.py starts one, on a free port",
    "PYTHONPATH=include .venv/bin/python -m stack.": (
        "it would rewrite what other tests compare; tests/docs/test_write_your_own.py runs two of them in a copy"
    ),
}
# Page and how a command begins → the test that does what the page says.
RUN_ELSEWHERE = {
    ("docs/deploy.md", ""): "tests/docs/test_deploy_page.py",
    ("docs/recover.md", ""): "tests/docs/test_recover_page.py",
    ("docs/write-a-carrier.md", ""): "tests/docs/test_write_your_own.py",
    ("docs/write-a-marketplace.md", ""): "tests/docs/test_write_your_own.py",
    ("docs/describe-a-carrier.md", ""): "tests/docs/test_describe_a_carrier.py",
    ("docs/serve.md", "curl -i"): "tests/docs/test_serve_page.py",
    ("docs/forecast.md", "rastro forecast --backtest --history"): "tests/unit/test_forecast.py",
    ("docs/forecast.md", "rastro forecast --backtest --from"): "tests/integration/test_forecast.py",
    ("docs/forecast.md", "rastro forecast --most"): "tests/integration/test_forecast.py",
    ("docs/dashboards.md", ""): "tests/docs/test_dashboards.py",
    ("docs/doctor.md", ""): "tests/docs/test_connect.py",
    ("docs/connect.md", "rastro doctor"): "tests/docs/test_connect.py",
    ("docs/connect.md", "rastro rehearsal"): "tests/docs/test_connect.py",
    ("docs/connect.md", "rastro status"): "tests/docs/test_connect.py",
    ("docs/connect.md", "airflow dags"): "tests/docs/test_connect.py",
}
NEEDS_WAREHOUSE = tuple(
    f"rastro {name}"
    for name in ("migrate", "status", "rehearsal", "quarantine", "revoke", "person", "claims", "export", "report")
)
ONE_SHIPMENT = """
WITH one AS (
    INSERT INTO rastro.shipment (account, order_id, invoice_number, tracking_number, first_seen_at, updated_at)
    VALUES ('vtex:shop_main', '1400120000001-01', '4711', 'QQ100000017BR', now(), now()) RETURNING shipment_id
)
INSERT INTO rastro.shipment_state (shipment_id, changed_at) SELECT shipment_id, now() FROM one
"""
ALL = [(page, command) for page in PAGES for command in commands(page)]


def elsewhere(page: str, command: str) -> list[tuple[str, str]]:
    return [(where, start) for where, start in RUN_ELSEWHERE if page == where and command.startswith(start)]


def here(*programs: str) -> list[str]:
    """Commands of these programs that this file runs, each once."""
    chosen = (
        command
        for page, command in ALL
        if command.split()[0] in programs and not command.startswith(tuple(NOT_RUN)) and not elsewhere(page, command)
    )
    return list(dict.fromkeys(chosen))


TESTED_BY_PYTEST = [one for one in here("PYTHONPATH=include") if " -m pytest " in one]


def test_every_command_is_run_or_has_its_reason() -> None:
    assert len(ALL) > 50
    run_here = {*here("make", "rastro", "airflow"), *TESTED_BY_PYTEST}
    left = [
        (page, command)
        for page, command in ALL
        if command not in run_here and not command.startswith(tuple(NOT_RUN)) and not elsewhere(page, command)
    ]
    assert left == [], "run them in a test, or say in NOT_RUN why not"


def test_no_reason_is_left_of_a_command_that_is_gone() -> None:
    assert [known for known in NOT_RUN if not any(command.startswith(known) for _, command in ALL)] == []
    named = {key for page, command in ALL for key in elsewhere(page, command)}
    assert set(RUN_ELSEWHERE) - named == set()


def test_a_test_that_is_said_to_run_a_pages_commands_reads_that_page() -> None:
    for (page, _), test in RUN_ELSEWHERE.items():
        text = (REPOSITORY / test).read_text("utf-8")
        assert page in text or re.sub(r"-(carrier|marketplace)\.md$", "-{self.kind}.md", page) in text, (page, test)


def test_what_is_to_be_made_can_be_made() -> None:
    """Making itself is not tried here: these start everything, or run these very tests."""
    makefile = (REPOSITORY / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):.*##", makefile, re.MULTILINE))
    together = "\n".join(PAGES.values())
    named = {command.split()[1] for command in here("make")} | set(re.findall(r"`make ([a-z]+)", together))
    assert {"demo", "test", "up", "docs"} <= named <= targets
    assert set(re.findall(r"\b([A-Z_]+)=1", " ".join(command for _, command in ALL))) <= set(
        re.findall(r"[A-Z_]+", makefile + (REPOSITORY / "tests/browser/conftest.py").read_text())
    )


@pytest.mark.parametrize("command", [one for one in here("rastro") if not one.startswith(NEEDS_WAREHOUSE)])
def test_a_command_that_needs_no_warehouse_works(command: str, tmp_path: Path) -> None:
    assert run(command, tmp_path) or ">" in command


@pytest.mark.parametrize("command", TESTED_BY_PYTEST)
def test_a_test_that_is_shown_passes(command: str) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTEST"))}
    done = subprocess.run(
        ["sh", "-ec", command.replace(".venv/bin/python", sys.executable)],
        cwd=REPOSITORY, env=clean, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.slow
def test_commands_about_the_warehouse_work(warehouse, tmp_path: Path) -> None:
    """There is what they name: an order with a link, a dry run, and the twelfth entry of the quarantine."""
    now = datetime.now(UTC)
    warehouse.connection.execute(ONE_SHIPMENT)
    mail = Rehearsed(
        channel=Channel.EMAIL, target="sql:erp", account="sql:erp", order_id="900100-01", kind="delivered", notices=1,
        verdict="send", rendered={"subject": "Entregue", "text": "Seu pedido chegou."},
    )  # fmt: skip
    rehearsals.add(warehouse.connection, mail, now, "dry")
    warehouse.connection.execute("SELECT setval(pg_get_serial_sequence('rastro.quarantine', 'quarantine_id'), 11)")
    quarantine(
        warehouse.connection, origin="correios", subject="QQ100000017BR", reason="unreadable answer",
        detail="", raw=b"<html>", now=now, run_id="",
    )  # fmt: skip
    tracking_links.give_out(
        warehouse.connection, "vtex:shop_main", "1400120000001-01", "https://rastro.loja.example", now
    )
    warehouse.connection.commit()
    chosen = [one for one in here("rastro") if one.startswith(NEEDS_WAREHOUSE)]
    assert {name for name in NEEDS_WAREHOUSE if any(one.startswith(name) for one in chosen)} == set(NEEDS_WAREHOUSE)
    told = {"RASTRO_WAREHOUSE_DSN": warehouse.dsn, "AIRFLOW__CORE__FERNET_KEY": secrets_of(tmp_path).fernet_key}
    for command in sorted(chosen, key=lambda one: " erase " in one):
        assert run(command, tmp_path, **told) or ">" in command
    assert (tmp_path / "body.json").read_text().strip() == "<html>"


@pytest.mark.slow
def test_airflows_commands_work(postgres, tmp_path: Path) -> None:
    """On an Airflow database of this test's own, since they leave runs and pools behind."""
    name = "airflow_of_the_readme"
    postgres.create(name)
    mine = environment(home=tmp_path / "home", postgres=postgres, secrets=secrets_of(tmp_path), metadata=name)
    for needed in ("airflow db migrate", "airflow dags reserialize", "rastro pools > pools.json"):
        run(needed, tmp_path, **mine)
    assert len(here("airflow")) > 5
    with psycopg.connect(postgres.dsn(name), autocommit=True) as connection:
        for command in here("airflow"):
            run(command, tmp_path, **mine)
            connection.execute("UPDATE backfill SET completed_at = now()")  # one at a time is allowed
        runs = dict(connection.execute("SELECT run_type, count(*) FROM dag_run GROUP BY run_type").fetchall())
        assert runs == {"backfill": 72, "manual": 3}, "three days of hours, a window, two of the form"
        assert connection.execute("SELECT FROM slot_pool WHERE pool = 'correios'").rowcount == 1


@pytest.mark.parametrize(
    "page", [page for page, text in PAGES.items() if "AIRFLOW_" in text and fenced(text, "sh", "ini")]
)
def test_variables_that_are_shown_can_be_set(page: str, tmp_path: Path) -> None:
    file = tmp_path / "env"
    lines = (line for block in fenced(PAGES[page], "sh", "ini") for line in block.splitlines())
    file.write_text("".join(f"{line}\n" for line in lines if ASSIGNMENT.match(line)), "utf-8")
    shown = dotenv.read(file)
    told = {
        name.removeprefix("AIRFLOW__RASTRO__").lower(): value
        for name, value in shown.items()
        if name.startswith("AIRFLOW__RASTRO__")
    }
    settings_from(told)
    known = {*all_carriers(), *MARKETPLACES, *SOURCES, "smtp", "postgres", "generic", "http"}
    assert set(re.findall(r'"conn_type": "(\w+)"', " ".join(shown.values()))) <= known
    if page == "docs/connect.md" or page.startswith(("docs/carriers/", "docs/marketplaces/")):
        assert told
