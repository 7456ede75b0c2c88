"""Dashboard, alert rules and runbooks: they speak of metrics that are told, and belong together."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rastro.metrics import METRICS, exposed
from stack import docs
from stack.state import REPOSITORY

MONITORING = REPOSITORY / "deploy/monitoring"
RUNBOOKS = REPOSITORY / "docs/runbooks"
DASHBOARD = json.loads((MONITORING / "grafana/dashboards/rastro.json").read_text("utf-8"))
NAMES = re.compile(r"\bairflow_\w+")
SECTIONS = ["What does it mean?", "What do I look at?", "What do I press?"]


def read(path: str) -> Any:
    return yaml.safe_load((MONITORING / path).read_text("utf-8"))


def alerts() -> list[dict[str, Any]]:
    return docs.alert_rules()


def panels() -> list[dict[str, Any]]:
    return [one for one in DASHBOARD["panels"] if one["type"] != "row"]


def expressions() -> Iterator[str]:
    yield from (target["expr"] for panel in panels() for target in panel["targets"])
    yield from (one["definition"] for one in DASHBOARD["templating"]["list"])
    yield from (one["expr"] for one in alerts())


def airflows_own() -> set[str]:
    """Airflow's own metrics, by the list that it ships, as Prometheus knows them."""
    from airflow._shared.observability.metrics import metrics_registry

    found = yaml.safe_load(metrics_registry.YAML_REGISTRY_PATH.read_text("utf-8"))["metrics"]
    return {exposed(one["name"], one["type"]) for one in found if "{" not in one["name"]}


def test_no_panel_and_no_rule_speaks_of_a_metric_that_nobody_tells() -> None:
    used = {name for text in expressions() for name in NAMES.findall(text)}
    assert len(used) > 15
    assert not used - {exposed(name) for name in METRICS} - airflows_own()


def test_every_metric_of_ours_is_shown_or_watched() -> None:
    used = {name for text in expressions() for name in NAMES.findall(text)}
    assert not {exposed(name) for name in METRICS} - used


def test_what_is_chosen_by_a_label_is_one_that_the_metric_has() -> None:
    labels_of = {exposed(name): set(one.labels) for name, one in METRICS.items()}
    chosen = [
        (name, label)
        for text in expressions()
        for name, inside in re.findall(r"\b(airflow_rastro_\w+)\{([^}]*)\}", text)
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside)
    ]
    assert len(chosen) > 10
    assert not [pair for pair in chosen if pair[1] not in labels_of[pair[0]]]


def test_the_collector_passes_on_what_the_dashboard_and_the_rules_need() -> None:
    filters = read("otel-collector.yaml")["processors"]
    kept = {
        name: re.compile(re.search(r'"(.*)"', one["metrics"]["metric"][0])[1].replace(r"\\.", r"\."))  # type: ignore[index]
        for name, one in filters.items()
        if name.startswith("filter/")
    }
    assert all(one["metrics"]["metric"][0].startswith("not IsMatch") for one in map(filters.get, kept))
    assert all(kept["filter/of_rastro"].match(f"airflow.{name}") for name in METRICS)
    own = {name for text in expressions() for name in NAMES.findall(text)} - {exposed(name) for name in METRICS}
    dotted = {name.removesuffix("_total").replace("_", "[._]") for name in own}
    told = {"airflow.scheduler_heartbeat", "airflow.dag_processing.import_errors", "airflow.pool.queued_slots"}
    told |= {"airflow.executor.running_tasks", "airflow.executor.queued_tasks"}
    assert own
    assert {pattern for pattern in dotted if any(re.fullmatch(pattern, name) for name in told)} == dotted
    assert all(kept["filter/of_airflow"].match(name) for name in told)


def test_a_metric_is_kept_longer_than_an_hour_and_not_by_the_process_that_told_it() -> None:
    collector = read("otel-collector.yaml")
    assert collector["exporters"]["prometheus/rastro"]["metric_expiration"] == "3h"
    assert "resource/nobody_in_particular" in collector["service"]["pipelines"]["metrics/rastro"]["processors"]
    for pipeline in collector["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(collector[kind])


def test_prometheus_fetches_what_the_collector_offers_and_tells_the_alertmanager() -> None:
    config = read("prometheus/prometheus.yml")
    offered = {
        f"otel-collector:{one['endpoint'].rpartition(':')[2]}"
        for name, one in read("otel-collector.yaml")["exporters"].items()
        if name.startswith("prometheus")
    }
    fetched = {target for job in config["scrape_configs"] for one in job["static_configs"] for target in one["targets"]}
    assert fetched == offered
    assert config["rule_files"] == ["alerts.yml"]
    assert len(read("alertmanager.yml")["receivers"]) == 1


def test_panels_have_places_of_their_own_and_are_read_from_a_source_that_is_provided() -> None:
    places = [
        (x, y)
        for one in DASHBOARD["panels"]
        for x in range(one["gridPos"]["x"], one["gridPos"]["x"] + one["gridPos"]["w"])
        for y in range(one["gridPos"]["y"], one["gridPos"]["y"] + one["gridPos"]["h"])
    ]
    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24
    assert len({one["title"] for one in panels()}) == len(panels()) > 20
    assert len({one["id"] for one in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    provided = {one["uid"] for one in read("grafana/provisioning/datasources/rastro.yaml")["datasources"]}
    assert {target["datasource"]["uid"] for one in panels() for target in one["targets"]} <= provided


def test_every_alert_has_a_runbook_and_every_runbook_its_alert() -> None:
    assert len(alerts()) > 8
    named = {one["alert"]: one["annotations"]["runbook"] for one in alerts()}
    kebab = {name: re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower() for name in named}
    assert named == {name: f"docs/runbooks/{page}.md" for name, page in kebab.items()}
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == set(kebab.values())


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("*.md")), ids=lambda page: page.stem)
def test_a_runbook_says_what_it_means_what_to_look_at_and_what_to_press(page: Path) -> None:
    """That its SQL runs is tried with that of all pages."""
    text = page.read_text("utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS
    meaning, look, press = re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]
    assert len(meaning) > 100
    assert "```sql" in look
    assert re.search(r"^- ", press, re.MULTILINE)
