"""The image and the compose file fit together; there is no container engine here to start them with."""

import argparse
import re
from typing import Any

import pytest
import yaml

from rastro.cli import COMMANDS, serving
from stack.env_example import COMPOSE
from stack.state import REPOSITORY

SHARED = (
    "AIRFLOW__CORE__FERNET_KEY",
    "AIRFLOW__API__SECRET_KEY",
    "AIRFLOW__API_AUTH__JWT_SECRET",
    "AIRFLOW__API_AUTH__JWT_ISSUER",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    "AIRFLOW_CONN_RASTRO_WAREHOUSE",
)
AIRFLOW = {"airflow-init", "api-server", "scheduler", "dag-processor", "triggerer", "serve"}


@pytest.fixture(scope="module")
def text() -> str:
    return (REPOSITORY / "docker-compose.yaml").read_text()


@pytest.fixture(scope="module")
def services(text: str) -> dict[str, dict[str, Any]]:
    found = yaml.safe_load(text)["services"]
    assert set(found) >= AIRFLOW | {"postgres", "mail"}
    return dict(found)


def test_every_service_has_an_image_of_a_stated_version(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        _, _, tag = service["image"].partition(":")
        assert tag, name
        assert tag != "latest", name


def test_every_service_that_stays_up_says_whether_it_is_well(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        if name == "airflow-init":
            assert service["restart"].startswith("on-failure")
        else:
            assert service["healthcheck"]["test"], name
            assert service["restart"] == "unless-stopped", name


def test_airflows_services_share_what_must_be_the_same(services: dict[str, dict[str, Any]]) -> None:
    for key in SHARED:
        assert len({services[name]["environment"][key] for name in AIRFLOW}) == 1, key
    assert len({services[name]["image"] for name in AIRFLOW}) == 1


def test_airflows_services_start_after_the_databases_are_migrated(services: dict[str, dict[str, Any]]) -> None:
    for name in AIRFLOW - {"airflow-init"}:
        assert services[name]["depends_on"] == {"airflow-init": {"condition": "service_completed_successfully"}}
    script = services["airflow-init"]["command"][-1]
    for step in ("airflow db migrate", "rastro migrate", "airflow pools import", "airflow users create"):
        assert step in script


def test_ports_are_open_on_this_machine_only(services: dict[str, dict[str, Any]]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_the_public_calls_is_served_as_the_command_line_takes_it(services: dict[str, dict[str, Any]]) -> None:
    """Inside a container it listens to all, at the port that is passed on and looked at."""
    (program, *arguments) = services["serve"]["command"]
    assert program == "rastro"
    parser = argparse.ArgumentParser()
    serving.arguments(parser)
    (name, *options) = arguments
    assert name in {command.name for command in COMMANDS}
    chosen = parser.parse_args(options)
    assert chosen.host == "0.0.0.0"  # noqa: S104  in there, nobody else is near
    (port,) = services["serve"]["ports"]
    assert port.endswith(f":{chosen.port}")
    assert f":{chosen.port}/health" in services["serve"]["healthcheck"]["test"][-1]


def test_secrets_come_from_the_environment_and_are_explained_in_the_example(text: str) -> None:
    demanded = set(re.findall(r"\$\{(\w+):\?", text))
    assert demanded == set(COMPOSE)
    plain = [line for line in text.splitlines() if re.search(r"(PASSWORD|SECRET|KEY)\w*: ", line) and "${" not in line]
    assert not plain


def test_the_image_installs_with_hashes_and_does_not_run_as_root() -> None:
    dockerfile = (REPOSITORY / "Dockerfile").read_text()
    assert "--require-hashes -r" in dockerfile
    assert all(re.search(r":\d+\.\d+", line) for line in re.findall(r"^FROM .*", dockerfile, re.MULTILINE))
    assert re.findall(r"^USER (\w+)", dockerfile, re.MULTILINE)[-1] != "root"


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    dockerfile = (REPOSITORY / "Dockerfile").read_text()
    kept = {line[1:] for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source for line in re.findall(r"^COPY (?!--from)(.*)", dockerfile, re.MULTILINE) for source in line.split()[:-1]
    }
    assert copied
    assert copied == kept
    assert all((REPOSITORY / source).exists() for source in copied)
