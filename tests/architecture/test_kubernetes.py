"""
Values for Airflow's Helm chart, and what stands beside it: keys, names and the image fit together.

The chart's own schema is on no registry; ``chart_values.schema.json`` has what it says of the keys that are set here.
"""

import argparse
import re
from typing import Any

import pytest
import yaml

from compose import built, remarks_of
from rastro.cli import serving
from rastro.settings import OPTIONS
from stack.state import REPOSITORY

pytestmark = pytest.mark.slow

FOLDER = REPOSITORY / "deploy/kubernetes"
SCHEMA = REPOSITORY / "tests/architecture/chart_values.schema.json"
VALUES: dict[str, Any] = yaml.safe_load((FOLDER / "values.yaml").read_text())
ITEMS = {item["kind"]: item for item in yaml.safe_load((FOLDER / "rastro.yaml").read_text())["items"]}
PODS = {kind: ITEMS[kind]["spec"]["template"]["spec"] for kind in ("Job", "Deployment")}
DEPLOY = (REPOSITORY / "docs/deploy.md").read_text()


@pytest.mark.parametrize("name", ["values.yaml", "values-git-sync.yaml"])
def test_the_chart_takes_the_values(name: str) -> None:
    assert remarks_of("check-jsonschema", "--schemafile", SCHEMA, FOLDER / name) == ""


def test_a_key_that_the_chart_does_not_know_is_found(tmp_path) -> None:
    (tmp_path / "values.yaml").write_text("workers: {replicas: 2}")
    assert remarks_of("check-jsonschema", "--schemafile", SCHEMA, tmp_path / "values.yaml")


def test_airflow_knows_every_option_that_is_set() -> None:
    from airflow.configuration import conf

    known = {section: set(about["options"]) for section, about in conf.configuration_description.items()}
    assert len(VALUES["config"]) > 3
    assert all(set(options) <= known[section] for section, options in VALUES["config"].items())
    settings = {name.removeprefix("AIRFLOW__RASTRO__").lower() for name in ITEMS["ConfigMap"]["data"]}
    assert settings
    assert settings <= set(OPTIONS)


def test_all_of_it_is_one_image_that_is_of_the_projects_version() -> None:
    image = f"{VALUES['defaultAirflowRepository']}:{VALUES['defaultAirflowTag']}"
    assert {pod["containers"][0]["image"] for pod in PODS.values()} == {image}
    assert image.endswith(built()["serve"]["image"])
    assert f"apache-airflow=={VALUES['airflowVersion']}" in (REPOSITORY / "requirements.in").read_text()
    assert f"{VALUES['uid']}:{VALUES['gid']}" == built()["serve"]["user"]


@pytest.mark.parametrize("kind", PODS)
def test_a_pod_can_take_only_its_share_and_change_nothing_but_its_volumes(kind: str) -> None:
    pod = PODS[kind]
    assert pod["securityContext"] == VALUES["securityContexts"]["pod"]
    assert pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    assert container["securityContext"] == {**VALUES["securityContexts"]["containers"], "readOnlyRootFilesystem": True}
    assert container["resources"]["limits"]["memory"]


def test_what_the_public_calls_is_reached_by_the_ingress_only() -> None:
    (container,) = PODS["Deployment"]["containers"]
    (program, command, *options) = container["command"]
    assert [program, command] == built()["serve"]["command"][:2]
    parser = argparse.ArgumentParser()
    serving.arguments(parser)
    assert parser.parse_args(options).port == container["ports"][0]["containerPort"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/health", "port": "http"}
    labels = ITEMS["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert ITEMS["Service"]["spec"]["selector"] == labels
    assert ITEMS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    paths = {one["path"] for one in ITEMS["Ingress"]["spec"]["rules"][0]["http"]["paths"]}
    assert paths == {"/push/", "/tracking", "/r/"}


def test_every_secret_is_made_on_the_page_that_says_how_to_begin() -> None:
    text = "".join((FOLDER / name).read_text() for name in ("values.yaml", "values-git-sync.yaml", "rastro.yaml"))
    text = re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE)
    named = set(re.findall(r"(?:Secret(?:Name)?|jwtSecretName): (rastro-[a-z-]+)", text))
    named |= set(re.findall(r"secret(?:Key)?Ref:\s*\{?\s*name: (rastro-[a-z-]+)", text))
    named -= {"rastro-tls"}  # certificates are another's affair
    assert len(named) > 5
    made = set(re.findall(r"kubectl create secret \w+ --namespace rastro (rastro-[a-z-]+)", DEPLOY))
    assert named == made
