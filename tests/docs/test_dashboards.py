"""docs/dashboards.md: a reader may ask all that the dashboards ask, and Superset's files fit together."""

import json
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql

from papers import commands, run
from rastro.cli import main
from stack.state import REPOSITORY
from stack.ten_questions import fill

DASHBOARDS = REPOSITORY / "deploy/dashboards"
SUPERSET = DASHBOARDS / "superset"
FILES: Mapping[str, Any] = {
    str(path.relative_to(SUPERSET)): yaml.safe_load(path.read_text("utf-8"))
    for path in sorted(SUPERSET.rglob("*.yaml"))
}
QUESTIONS = (DASHBOARDS / "metabase/questions.sql").read_text("utf-8").strip().split(";\n")
# What Superset's import asks for, and of what else it knows what may be of use: keys that it does not know are refused.
# Read in the ImportV1…Schema of superset/*/schemas.py, 2026-11.
KEYS = {
    "databases": (
        "database_name sqlalchemy_uri uuid version",
        "cache_timeout expose_in_sqllab allow_run_async allow_ctas allow_cvas allow_dml allow_csv_upload extra",
    ),
    "datasets": (
        "table_name uuid version database_uuid",
        "main_dttm_col description offset cache_timeout schema sql params filter_select_enabled columns metrics",
    ),
    "charts": ("slice_name viz_type uuid version dataset_uuid", "description params query_context cache_timeout"),
    "dashboards": ("dashboard_title uuid version", "description css slug position metadata published"),
    "columns": (
        "column_name",
        "extra verbose_name is_dttm is_active type groupby filterable expression description python_date_format",
    ),
    "metrics": ("metric_name expression", "verbose_name metric_type description d3format currency extra warning_text"),
    "extra": (
        "",
        "metadata_params engine_params metadata_cache_timeout schemas_allowed_for_csv_upload cost_estimate_enabled",
    ),
}


def of(kind: str) -> list[Any]:
    found = [content for path, content in FILES.items() if path.startswith(f"{kind}/")]
    assert found
    return found


def pieces() -> Iterator[tuple[str, Any]]:
    """Each thing with its kind."""
    for kind in ("databases", "datasets", "charts", "dashboards"):
        yield from ((kind, one) for one in of(kind))
    for dataset in of("datasets"):
        yield from ((kind, one) for kind in ("columns", "metrics") for one in dataset[kind])
    yield from (("extra", one["extra"]) for one in of("databases"))


def charted(chart: Any) -> tuple[list[str], list[str], list[Any]]:
    """Columns, metrics and filters of a chart."""
    told = chart["params"]
    columns = [*told.get("groupby", []), *told.get("all_columns", []), *([told["x_axis"]] if "x_axis" in told else [])]
    metrics = [
        *told.get("metrics", []),
        *([told["timeseries_limit_metric"]] if "timeseries_limit_metric" in told else []),
    ]
    return columns, metrics, told["adhoc_filters"]


def test_each_file_has_the_keys_that_an_import_asks_for_and_no_others() -> None:
    assert FILES["metadata.yaml"]["version"] == "1.0.0"
    assert FILES["metadata.yaml"]["type"] == "Dashboard"
    for kind, one in pieces():
        required, known = (set(keys.split()) for keys in KEYS[kind])
        assert required <= set(one) <= required | known, one
    assert {one["version"] for kind in ("databases", "datasets", "charts", "dashboards") for one in of(kind)} == {
        "1.0.0"
    }


def test_numbers_are_unique_and_lead_somewhere() -> None:
    ids = {kind: [one["uuid"] for one in of(kind)] for kind in ("databases", "datasets", "charts", "dashboards")}
    every = [one for some in ids.values() for one in some]
    assert len(every) == len(set(every)) == len(FILES) - 1
    assert {one["database_uuid"] for one in of("datasets")} == set(ids["databases"])
    assert {one["dataset_uuid"] for one in of("charts")} == set(ids["datasets"])
    (dashboard,) = of("dashboards")
    places = {name: place for name, place in dashboard["position"].items() if isinstance(place, dict)}
    assert all(name == place["id"] and place["type"] for name, place in places.items())
    assert {below for place in places.values() for below in place.get("children", [])} == {*places} - {
        "ROOT_ID",
        "HEADER_ID",
    }
    shown = {place["meta"]["uuid"]: place["meta"]["sliceName"] for place in places.values() if place["type"] == "CHART"}
    assert shown == {one["uuid"]: one["slice_name"] for one in of("charts")}


def test_a_chart_speaks_of_what_its_dataset_has() -> None:
    datasets = {one["uuid"]: one for one in of("datasets")}
    for chart in of("charts"):
        dataset = datasets[chart["dataset_uuid"]]
        columns, metrics, filters = charted(chart)
        there = {one["column_name"] for one in dataset["columns"]}
        assert {*columns, *(one["subject"] for one in filters)} <= there
        assert {json.loads(one)[0] for one in chart["params"].get("order_by_cols", [])} <= there
        assert set(metrics) <= {one["metric_name"] for one in dataset["metrics"]}
        assert chart["params"]["viz_type"] == chart["viz_type"]
        assert columns
        assert filters


def test_no_password_is_kept() -> None:
    (database,) = of("databases")
    # As Superset writes a password that it does not give out, and asks for when the folder is imported.
    assert database["sqlalchemy_uri"].startswith("postgresql+psycopg2://rastro_reader:XXXXXXXXXX@")


def test_the_command_makes_a_file_as_an_export_is(tmp_path: Path) -> None:
    shutil.copytree(SUPERSET, tmp_path / "deploy/dashboards/superset")
    (command,) = commands("docs/dashboards.md")
    run(command, tmp_path)
    with zipfile.ZipFile(tmp_path / "rastro-superset.zip") as made:
        names = [name for name in made.namelist() if not name.endswith("/")]
        assert sorted(names) == sorted(f"superset/{path}" for path in FILES)


@pytest.mark.slow
def test_all_of_it_can_be_asked_by_a_reader(warehouse: Any) -> None:
    fill(warehouse.connection)
    assert main(["roles", "--dsn", warehouse.dsn]) == 0
    with psycopg.connect(warehouse.dsn.replace("postgresql://postgres@", "postgresql://rastro_reader@")) as conn:
        assert len(QUESTIONS) == len(of("charts"))
        for question in QUESTIONS:
            assert conn.execute(question).fetchall(), question
        for dataset in of("datasets"):
            columns = [sql.Identifier(one["column_name"]) for one in dataset["columns"]]
            cursor = conn.execute(sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(columns), table(dataset)))
            kinds = [conn.adapters.types[one.type_code].name for one in cursor.description or ()]
            assert [kind in {"date", "timestamptz"} for kind in kinds] == [one["is_dttm"] for one in dataset["columns"]]
            for metric in dataset["metrics"]:
                asked = sql.SQL("SELECT {} FROM {}").format(sql.SQL(metric["expression"]), table(dataset))
                assert conn.execute(asked).fetchone() != (None,), metric
        datasets = {one["uuid"]: one for one in of("datasets")}
        for chart in of("charts"):
            assert conn.execute(asked_for(chart, datasets[chart["dataset_uuid"]])).fetchall(), chart["slice_name"]


def table(dataset: Any) -> sql.Composable:
    return sql.Identifier(dataset["schema"], dataset["table_name"])


def asked_for(chart: Any, dataset: Any) -> sql.Composable:
    """What Superset asks for a chart, of all times."""
    columns, metrics, filters = charted(chart)
    formulas = {one["metric_name"]: one["expression"] for one in dataset["metrics"]}
    dimensions = sql.SQL(", ").join(sql.Identifier(one) for one in columns)
    wanted = [dimensions, *(sql.SQL(formulas[name]) for name in metrics)]
    where = [
        sql.SQL("{} {} {}").format(
            sql.Identifier(one["subject"]), sql.SQL(one["operator"].replace("==", "=")), sql.Literal(one["comparator"])
        )
        for one in filters
        if one["operator"] != "TEMPORAL_RANGE"
    ]
    return sql.SQL("SELECT {} FROM {} WHERE {} {}").format(
        sql.SQL(", ").join(wanted),
        table(dataset),
        sql.SQL(" AND ").join([sql.SQL("true"), *where]),
        sql.SQL("GROUP BY {}").format(dimensions) if metrics else sql.SQL(""),
    )
