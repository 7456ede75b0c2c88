"""What README.md and docs/ say is so: tables, links, SQL, pieces of JSON and the drawing of the DAG."""

import importlib.util
import inspect
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from papers import PAGES, fenced, links, statements
from rastro.marketplaces.registry import MARKETPLACES
from rastro.orders.sql import COLUMNS
from rastro.pipeline import put_aside
from rastro.settings import OPTIONS
from rastro.warehouse.records import quarantine
from rastro.warehouse.shipments import SourceTraits, awaited_orders, keep_source
from stack import demo, docs, pictures
from stack.env_example import CONNECTIONS
from stack.state import REPOSITORY


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


def headings(text: str) -> set[str]:
    """The anchors of a page, as they are made from its headings."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_what_is_linked_to_exists(page: str) -> None:
    assert any(any(links(text)) for text in PAGES.values())
    for target in links(PAGES[page]):
        path, _, anchor = target.partition("#")
        linked = (REPOSITORY / page).parent / path if path else REPOSITORY / page
        assert linked.exists(), target
        assert not anchor or anchor in headings(linked.read_text("utf-8")), target


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, new = set(), {"README.md"}
    while new:
        reached |= new
        found = {
            str((REPOSITORY / page).parent.joinpath(target.partition("#")[0]).resolve().relative_to(REPOSITORY))
            for page in new
            for target in links(PAGES[page])
        }
        new = (found & set(PAGES)) - reached
    assert set(PAGES) - reached == set()


@pytest.mark.parametrize("picture", docs.PICTURES, ids=lambda path: path.name)
def test_a_picture_is_current(picture: Path) -> None:
    assert picture.read_text("utf-8") == docs.PICTURES[picture](), "run: python -m stack.docs"


def test_the_places_that_the_architecture_names_exist() -> None:
    words = " ".join(re.findall(r"<text.*?>(.*?)</text>", pictures.architecture()))
    told = re.findall(r"[\w/]+\.py|\b[a-z]+/", words)
    assert len(told) > 15
    there = [REPOSITORY / "include/rastro", REPOSITORY]
    assert [place for place in told if not any((top / place).exists() for top in there)] == []


@pytest.mark.parametrize(("kind", "registry"), [("carriers", docs.KNOWN), ("marketplaces", MARKETPLACES)])
def test_every_adapter_has_its_page_and_every_page_its_adapter(kind: str, registry: Mapping[str, object]) -> None:
    assert registry
    there = {page.stem for page in (REPOSITORY / "docs" / kind).iterdir()}
    assert there == set(registry), "run: python -m stack.docs"
    index = PAGES[f"docs/{kind}.md"]
    assert {f"{kind}/{code}.md" for code in registry} <= set(links(index))


def test_no_heading_stands_over_nothing() -> None:
    empty = [
        (page, title)
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
    beside = {f"{name}_{way}" for name, option in OPTIONS.items() if option.secret for way in ("cmd", "secret")}
    assert named <= {name.upper() for name in {*OPTIONS, *beside}}
    shown = {example.connection_id.upper() for example in CONNECTIONS}
    assert set(re.findall(r"AIRFLOW_CONN_([A-Z0-9_]+[A-Z0-9])", together)) <= shown


def test_the_keys_of_the_demos_file_are_all_explained() -> None:
    written = set(re.findall(r'^ +"(\w+)":', inspect.getsource(demo.publish), re.MULTILINE))
    table = PAGES["docs/start.md"].partition("| key | what it is |")[2].partition("\n\n")[0]
    explained = {key for row in table.splitlines() for key in re.findall(r"`(\w+)`", row.split("|")[1] if row else "")}
    assert written
    assert explained == written


def test_the_folders_that_are_drawn_exist() -> None:
    (tree,) = [one for one in fenced(PAGES["docs/architecture.md"], "text") if one.startswith("dags/")]
    parent, drawn = "", []
    for line in tree.splitlines():
        name = line.split()[0]
        parent = parent if line.startswith(" ") else name
        drawn.append(parent + name if line.startswith(" ") else name)
    assert len(drawn) > 10
    assert not [folder for folder in drawn if not (REPOSITORY / folder).is_dir()]


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page, text in PAGES.items() if fenced(text, "sql")])
def test_sql_can_be_run(page: str, warehouse) -> None:
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
    (block,) = [one for one in fenced(PAGES["docs/sources.md"], "sql") if "CREATE VIEW" in one]
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
    (drawing,) = fenced(PAGES["docs/dags.md"], "mermaid")
    drawn = pictures.edges_of(drawing)
    assert len(drawn) > 10
    assert sorted(drawn) == sorted(edge for edge in wired if edge[0] != edge[1])
    mapped = {step(task.task_id) for task in dag.tasks if task.is_mapped}
    assert set(re.findall(r'(\w+)\["\1\[\]"\]', drawing)) == mapped
    rows = PAGES["docs/dags.md"].partition("| task | what it does |")[2]
    told = {name for row in re.findall(r"^\| (`.*?) \|", rows, re.MULTILINE) for name in re.findall(r"`(\w+)", row)}
    assert told == {name for edge in drawn for name in edge}
