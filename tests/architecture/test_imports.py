"""Imports point one way: dags → orchestration → pipeline → the outside's packages → the heart."""

import graphlib
import subprocess
import sys
from collections.abc import Iterable

import pytest
from sources import Source

# What a package of rastro may import of rastro besides itself and the heart (the modules right below rastro).
SIBLINGS = ("carriers", "orders", "marketplaces", "mail", "warehouse")
MAY_IMPORT = {
    **dict.fromkeys(SIBLINGS, frozenset[str]()),
    "pipeline": frozenset(SIBLINGS),
    "pages": frozenset({*SIBLINGS, "pipeline"}),
    # Open to strangers, it reads nothing of what it keeps, and sends nothing.
    "web": frozenset({"carriers", "warehouse"}),
    "orchestration": frozenset({*SIBLINGS, "pipeline"}),
    # The command line runs where there is no Airflow: of orchestration it may read the pools, which need none, and what
    # `rastro serve` and `rastro doctor` work with, which these commands alone load.
    "cli": frozenset({*SIBLINGS, "pipeline", "web"}),
}
CLI_EXCEPTIONS = frozenset(
    {"rastro.orchestration.pools", "rastro.orchestration.serving", "rastro.orchestration.doctor"}
)
# All that the operators' pages know of Airflow, and of how connections and settings are read from it, stands here.
PAGES_OF_AIRFLOW = "rastro.pages.access"


def part(name: str, packages: Iterable[str] = MAY_IMPORT) -> str:
    """``rastro.mail.smtp`` → ``mail``; a module right below rastro → empty, for the heart."""
    pieces = name.split(".")
    return pieces[1] if len(pieces) > 1 and pieces[1] in packages else ""


def of(name: str, top: str) -> bool:
    return name == top or name.startswith(f"{top}.")


def test_every_package_of_rastro_has_its_place_in_the_order(rastro: list[Source]) -> None:
    found = {source.name.split(".")[1] for source in rastro if source.name.count(".") > 1}
    assert found
    assert found <= set(MAY_IMPORT)


def test_packages_import_only_what_lies_below_them(rastro: list[Source]) -> None:
    checked, wrong = 0, []
    for source in rastro:
        own = part(source.name)
        allowed = MAY_IMPORT[own] | {own, ""} if own else {""}
        for name in source.imports:
            if of(name, "rastro"):
                checked += 1
                excepted = own == "cli" and any(of(name, exception) for exception in CLI_EXCEPTIONS)
                excepted |= source.name == PAGES_OF_AIRFLOW and part(name) == "orchestration"
                if part(name) not in allowed and not excepted:
                    wrong.append(f"{source.name} imports {name}")
    assert checked > 50
    assert not wrong


def test_modules_of_rastro_do_not_import_each_other_in_a_circle(rastro: list[Source]) -> None:
    names = {source.name for source in rastro}
    graph = {source.name: {name for name in source.imports & names if name != source.name} for source in rastro}
    # A package's own file is imported on the way to any of its modules, so it is no dependency by itself.
    packages = {name for name in names if any(other.startswith(f"{name}.") for other in names)}
    order = list(graphlib.TopologicalSorter({name: graph[name] - packages for name in names}).static_order())
    assert set(order) >= names


def test_only_orchestration_plugins_and_dags_import_airflow(packages: list[Source], dag_files: list[Source]) -> None:
    importing = {source.name for source in packages if any(of(name, "airflow") for name in source.imports)}
    elsewhere = {name for name in importing if not name.startswith("rastro.orchestration.")}
    assert elsewhere == {PAGES_OF_AIRFLOW}
    assert any(of(name, "airflow") for source in dag_files for name in source.imports)


def test_dag_files_do_no_work_of_ours_themselves(dag_files: list[Source]) -> None:
    """They name orchestration's task bodies, and may loop over a registry."""
    ours = [(source.name, name) for source in dag_files for name in source.imports if of(name, "rastro")]
    assert any(of(name, "rastro.orchestration") for _, name in ours)
    registries = {"rastro.carriers.registry", "rastro.marketplaces.registry", "rastro.orders.registry"}
    allowed = [*registries, "rastro.orchestration"]
    assert not [pair for pair in ours if part(pair[1]) and not any(of(pair[1], name) for name in allowed)]


def test_plugins_import_nothing_of_ours_but_pages_and_orchestration(plugin_files: list[Source]) -> None:
    ours = [(source.name, name) for source in plugin_files for name in source.imports if of(name, "rastro")]
    assert not [pair for pair in ours if part(pair[1]) not in {"pages", "orchestration"} and pair[1] != "rastro"]


@pytest.mark.parametrize(
    ("importing", "imported"),
    [("rastro", "simulator"), ("rastro", "stack"), ("simulator", "rastro"), ("simulator", "stack")],
)
def test_the_product_the_simulator_and_the_stack_stay_apart(
    packages: list[Source], importing: str, imported: str
) -> None:
    sources = [source for source in packages if of(source.name, importing)]
    assert sources
    assert not [source.name for source in sources if any(of(name, imported) for name in source.imports)]


def test_nothing_imports_relatively_across_packages(packages: list[Source]) -> None:
    assert packages
    assert not [source.name for source in packages if "from .." in source.text]


def test_the_command_line_runs_without_airflow() -> None:
    program = "import sys, rastro.cli; sys.argv = ['rastro', 'pools']; sys.modules['airflow'] = None; rastro.cli.main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert '"slots"' in done.stdout


def test_what_needs_airflow_says_so_where_there_is_none() -> None:
    program = "import sys, rastro.cli; sys.modules['airflow'] = None; sys.exit(rastro.cli.main(['serve']))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("rastro: rastro serve needs Airflow")


def test_xml_is_read_in_one_place_which_refuses_document_types(rastro: list[Source]) -> None:
    parsers = ("xml", "lxml", "defusedxml", "xmltodict", "bs4", "html.parser")
    reading = {source.name for source in rastro if any(of(name, one) for name in source.imports for one in parsers)}
    assert reading == {"rastro.carriers.total_express_lots"}


def test_one_client_speaks_http(rastro: list[Source]) -> None:
    clients = ("requests", "urllib3", "httpx", "aiohttp", "http.client", "urllib.request")
    speaking = {source.name for source in rastro if any(of(name, one) for name in source.imports for one in clients)}
    assert speaking == {"rastro.http", "rastro.wire"}
