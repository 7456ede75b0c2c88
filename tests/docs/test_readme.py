"""What README.md and docs/ say is so: commands, tables, links, SQL and the drawing of the DAG."""

import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from rastro.marketplaces.registry import MARKETPLACES
from rastro.models import Channel
from rastro.orders.sql import COLUMNS
from rastro.pipeline import put_aside
from rastro.settings import OPTIONS
from rastro.warehouse import rehearsals
from rastro.warehouse.records import quarantine
from rastro.warehouse.rehearsals import Rehearsed
from rastro.warehouse.shipments import SourceTraits, awaited_orders, keep_source
from stack import demo, docs
from stack.airflow import environment
from stack.env_example import CONNECTIONS
from stack.state import REPOSITORY, secrets_of

README = (REPOSITORY / "README.md").read_text("utf-8")
PAGES = {path: path.read_text("utf-8") for path in (*docs.files(), REPOSITORY / "CHANGELOG.md")}
FENCED = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
NEEDS_WAREHOUSE = ("rastro migrate", "rastro status", "rastro rehearsal")
NOT_RUN = {
    "cp .env.example .env": "it would overwrite the settings of whoever runs the tests; the file has tests of its own",
    ". .rastro/env": "it is there only while a demo is up; tests/stack/test_commands_beside.py reads one",
    "curl": "it needs a running Airflow; stack.airflow_client sends the same calls to one in other tests",
}

ONE_SHIPMENT = """
WITH one AS (
    INSERT INTO rastro.shipment (account, order_id, invoice_number, tracking_number, first_seen_at, updated_at)
    VALUES ('vtex:shop_main', '1400120000001-01', '4711', 'QQ100000017BR', now(), now()) RETURNING shipment_id
)
INSERT INTO rastro.shipment_state (shipment_id, changed_at) SELECT shipment_id, now() FROM one
"""


def fenced(text: str, language: str) -> list[str]:
    return [re.sub(rf"^{indent}", "", body, flags=re.MULTILINE) for indent, kind, body in FENCED.findall(text)
            if kind == language]  # fmt: skip


def statements(page: Path | str) -> list[str]:
    """Every SQL statement of a page."""
    return [one for block in fenced(PAGES[REPOSITORY / page], "sql") for one in block.split(";\n") if one.strip()]


def commands(*programs: str) -> list[str]:
    """Every command of the README that starts with one of these words; without any, all of them."""
    lines = [re.sub(r"\s+#.*", "", line) for block in fenced(README, "sh") for line in block.splitlines()]
    return [line for line in lines if line and (not programs or line.split()[0] in programs)]


def run(command: str, folder: Path, **variables: str) -> str:
    """Runs a command as a person would at the top of the project, but what it writes falls into ``folder``."""
    if not (folder / "tests").exists():
        (folder / "tests").symlink_to(REPOSITORY / "tests")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=os.environ | variables | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{command}: {done.stderr[-2000:]}"
    return done.stdout


def test_every_command_is_run_or_has_its_reason() -> None:
    assert len(commands()) > 10
    rest = [line for line in commands() if line.split()[0] not in {"make", "rastro", "airflow"}]
    assert not [line for line in rest if not any(line.startswith(known) for known in NOT_RUN)]
    assert not [known for known in NOT_RUN if not any(line.startswith(known) for line in rest)]


def test_what_is_to_be_made_can_be_made() -> None:
    """Making itself is not tried here: these start everything, or run these very tests."""
    makefile = (REPOSITORY / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):.*##", makefile, re.MULTILINE))
    named = {line.split()[1] for line in commands("make")} | set(re.findall(r"`make ([a-z]+)", README))
    assert {"demo", "test", "up"} <= named <= targets
    assert {"EXIT", "REQUIRE_BROWSER"} <= set(re.findall(r"\b([A-Z_]+)=1", README))


@pytest.mark.parametrize("command", [one for one in commands("rastro") if not one.startswith(NEEDS_WAREHOUSE)])
def test_a_command_that_needs_no_warehouse_works(command: str, tmp_path: Path) -> None:
    said = run(command, tmp_path)
    assert said or ">" in command


@pytest.mark.slow
def test_commands_about_the_warehouse_work(warehouse, tmp_path: Path) -> None:
    warehouse.connection.execute(ONE_SHIPMENT)
    mail = Rehearsed(
        channel=Channel.EMAIL, target="sql:erp", account="sql:erp", order_id="900100-01", kind="delivered", notices=1,
        verdict="send", rendered={"subject": "Entregue", "text": "Seu pedido chegou."},
    )  # fmt: skip
    rehearsals.add(warehouse.connection, mail, datetime.now(UTC), "dry")
    warehouse.connection.commit()
    chosen = [one for one in commands("rastro") if one.startswith(NEEDS_WAREHOUSE)]
    assert len(chosen) > 2
    for command in chosen:
        assert run(command, tmp_path, RASTRO_WAREHOUSE_DSN=warehouse.dsn)


@pytest.mark.slow
def test_airflows_commands_work(postgres, tmp_path: Path) -> None:
    """On an Airflow database of this test's own, since they leave runs and pools behind."""
    name = "airflow_of_the_readme"
    postgres.create(name)
    mine = environment(home=tmp_path / "home", postgres=postgres, secrets=secrets_of(tmp_path), metadata=name)
    for needed in ("airflow db migrate", "airflow dags reserialize", "rastro pools > pools.json"):
        run(needed, tmp_path, **mine)
    assert len(commands("airflow")) > 3
    for command in commands("airflow"):
        run(command, tmp_path, **mine)
    with psycopg.connect(postgres.dsn(name)) as connection:
        runs = dict(connection.execute("SELECT run_type, count(*) FROM dag_run GROUP BY run_type").fetchall())
        assert runs == {"backfill": 72, "manual": 3}, "three days of hours, a window, two of the form"
        assert connection.execute("SELECT FROM slot_pool WHERE pool = 'correios'").rowcount == 1


@pytest.mark.parametrize("name", docs.MADE)
def test_a_table_is_current(name: str) -> None:
    found = [body for text in PAGES.values() for known, body in docs.blocks(text) if known == name]
    assert found == [docs.MADE[name]()], "run: python -m stack.docs"


@pytest.mark.slow
def test_tables_about_the_warehouse_are_current(warehouse) -> None:
    made = {name: make(warehouse.connection) for name, make in docs.MADE_FROM_WAREHOUSE.items()}
    found = {known: body for text in PAGES.values() for known, body in docs.blocks(text) if known in made}
    assert found == made, "run: python -m stack.docs"


def test_every_place_for_a_table_has_one_that_can_be_made() -> None:
    named = [name for text in PAGES.values() for name in re.findall(r"<!-- made: (.*?) -->", text)]
    assert sorted(named) == sorted([*docs.MADE, *docs.MADE_FROM_WAREHOUSE])


def links(text: str) -> Iterator[str]:
    bare = re.sub(r"(?<!\[)`[^`\n]+`", "", text)  # a regular expression is no link
    return (target for target in re.findall(r"\]\(([^)\s]+)\)", bare) if "://" not in target)


def headings(text: str) -> set[str]:
    """The anchors of a page, as they are made from its headings."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_what_is_linked_to_exists(page: Path) -> None:
    assert any(any(links(text)) for text in PAGES.values())
    for target in links(PAGES[page]):
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        assert not anchor or anchor in headings(linked.read_text("utf-8")), target


def test_every_page_is_reached_from_the_readme() -> None:
    reached, beyond = set(), {REPOSITORY / "README.md"}
    while beyond:
        reached |= beyond
        found = {(page.parent / target.partition("#")[0]).resolve() for page in beyond for target in links(PAGES[page])}
        beyond = found & set(PAGES) - reached
    assert reached == set(PAGES)


@pytest.mark.parametrize(("kind", "registry"), [("carriers", docs.KNOWN), ("marketplaces", MARKETPLACES)])
def test_every_adapter_has_its_page_and_every_page_its_adapter(kind: str, registry: Mapping[str, object]) -> None:
    assert registry
    there = {page.stem for page in (REPOSITORY / "docs" / kind).iterdir()}
    assert there == set(registry), "run: python -m stack.docs"
    index = PAGES[REPOSITORY / f"docs/{kind}.md"]
    assert {f"{kind}/{code}.md" for code in registry} <= set(links(index))


def test_no_heading_stands_over_nothing() -> None:
    empty = [
        (page.name, title)
        for page, text in PAGES.items()
        for title in re.findall(
            r"^(#+ .*)\n+(?=#{1,2} |\Z)", re.sub(r"^```.*?^```$", "x", text, flags=re.M | re.S), re.M
        )
    ]
    assert empty == []


def test_settings_and_connections_are_called_by_their_names() -> None:
    together = "\n".join(PAGES.values())
    named = set(re.findall(r"AIRFLOW__RASTRO__([A-Z_]+[A-Z])", together))
    assert named
    assert named <= {name.upper() for name in OPTIONS}
    shown = {example.connection_id.upper() for example in CONNECTIONS}
    assert set(re.findall(r"AIRFLOW_CONN_([A-Z0-9_]+[A-Z0-9])", together)) <= shown


def test_the_keys_of_the_demos_file_are_all_explained() -> None:
    written = set(re.findall(r'^ +"(\w+)":', inspect.getsource(demo.publish), re.MULTILINE))
    table = README.partition("| key | what it is |")[2].partition("\n\n")[0]
    explained = {key for row in table.splitlines() for key in re.findall(r"`(\w+)`", row.split("|")[1] if row else "")}
    assert written
    assert explained == written


def test_the_folders_that_are_drawn_exist() -> None:
    (tree,) = fenced(README, "text")
    parent, drawn = "", []
    for line in tree.splitlines():
        name = line.split()[0]
        parent = parent if line.startswith(" ") else name
        drawn.append(parent + name if line.startswith(" ") else name)
    assert len(drawn) > 10
    assert not [folder for folder in drawn if not (REPOSITORY / folder).is_dir()]


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page, text in PAGES.items() if fenced(text, "sql")], ids=lambda p: p.name)
def test_sql_can_be_run(page: Path, warehouse) -> None:
    for statement in statements(page):
        warehouse.connection.execute(statement)
    warehouse.connection.rollback()


@pytest.mark.slow
def test_an_order_taken_out_of_quarantine_is_read_again(warehouse) -> None:
    conn, now = warehouse.connection, datetime.now(UTC)
    quarantine(
        conn, origin="vtex:shop_main", subject="1400120000001-01 47/11", reason="invoice_unaddressable",
        detail="", raw=b"", now=now, run_id="",
    )  # fmt: skip
    keep_source(conn, "vtex:shop_main", SourceTraits(writes_back=True, own_mail=False))
    put_aside.retry(conn, {}, now=now, run_id="")
    assert awaited_orders(conn, "vtex:shop_main", now - timedelta(days=1)) == ["1400120000001-01"]
    for statement in statements("docs/warehouse.md"):
        conn.execute(statement)
    assert not conn.execute("SELECT FROM rastro.v_open_problem").rowcount
    conn.rollback()


@pytest.mark.slow
def test_the_view_that_is_shown_is_one_that_can_be_read(warehouse) -> None:
    (block,) = [one for one in fenced(PAGES[REPOSITORY / "docs/sources.md"], "sql") if "CREATE VIEW" in one]
    warehouse.connection.execute(block)
    shown = {column.name for column in warehouse.connection.execute("SELECT * FROM rastro_shipment").description}
    warehouse.connection.rollback()
    assert {column.name for column in COLUMNS if column.required} <= shown <= {column.name for column in COLUMNS}


def test_sql_that_is_shown_names_no_day_that_will_be_long_ago() -> None:
    shown = [block for text in PAGES.values() for block in fenced(text, "sql")]
    assert shown
    assert not [block for block in shown if re.search(r"'20\d\d-\d\d-\d\d", block)]


def test_pieces_of_json_are_json() -> None:
    found = [block for text in PAGES.values() for block in fenced(text, "json")]
    assert found
    for block in found:
        json.loads(block)


@pytest.mark.slow
def test_the_dag_is_drawn_as_it_is() -> None:
    spec = importlib.util.spec_from_file_location("track_deliveries", REPOSITORY / "dags/track_deliveries.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    dag = module.track_deliveries()

    def step(task_id: str) -> str:
        return task_id.partition(".")[0]

    wired = {(step(task.task_id), step(after)) for task in dag.tasks for after in task.downstream_task_ids}
    (drawing,) = fenced(README, "mermaid")
    drawn = re.findall(r'^ +(\w+)(?:\["[^"]*"\])? --> (\w+)', drawing, re.MULTILINE)
    assert len(drawn) > 10
    assert sorted(drawn) == sorted(edge for edge in wired if edge[0] != edge[1])
    mapped = {step(task.task_id) for task in dag.tasks if task.is_mapped}
    assert set(re.findall(r'(\w+)\["\1\[\]"\]', drawing)) == mapped
