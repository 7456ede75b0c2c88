"""The image and the compose file fit together; there is no container engine here to start them with."""

import argparse
import re
import stat
import tomllib
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from compose import FILE, SECRETS, built, compose, environment_of, make_secrets, remarks_of, services, variables
from rastro.cli import COMMANDS, serving
from stack import dotenv
from stack.airflow import COMPONENTS
from stack.env_example import COMPOSE, text
from stack.state import REPOSITORY

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
SERVICES = services()
OURS = built()
ONCE = {"airflow-init"}
MONITORING = {"otel-collector", "prometheus", "alertmanager", "jaeger", "grafana"}
STATED = re.compile(r"[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-\w+)?")
BIND = re.compile(r"(\./[^:]+):[^:]+:ro")


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_secrets(tmp_path_factory.mktemp("made") / "secrets")


def test_the_services_are_those_of_the_topology() -> None:
    assert set(OURS) == {*COMPONENTS, "worker", "serve", "airflow-init"}
    assert set(SERVICES) >= {*OURS, "postgres", "valkey", "mail"}
    commands = {name: service["command"] for name, service in OURS.items()}
    assert all(commands[name][:2] == ["airflow", name] for name in COMPONENTS)
    assert commands["worker"] == ["airflow", "celery", "worker"]
    assert OURS["worker"]["deploy"]["replicas"] >= 2
    assert {name for name, service in SERVICES.items() if service.get("profiles") == ["demo"]} == {"mail"}
    assert {name for name, service in SERVICES.items() if service.get("profiles") == ["monitoring"]} == MONITORING


def test_the_compose_file_is_as_its_specification_says() -> None:
    assert remarks_of("check-jsonschema", "--builtin-schema", "vendor.compose-spec", FILE) == ""


def test_the_dockerfile_passes_its_linter() -> None:
    assert remarks_of("hadolint", "Dockerfile") == ""


def test_the_programs_that_look_at_files_have_something_to_say_about_a_wrong_one(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {one: {image: [1]}}")
    (tmp_path / "Dockerfile").write_text("FROM debian:latest\nRUN cd /tmp\n")
    assert remarks_of("check-jsonschema", "--builtin-schema", "vendor.compose-spec", tmp_path / "compose.yaml")
    assert remarks_of("hadolint", tmp_path / "Dockerfile")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_an_image_of_a_stated_version(name: str) -> None:
    assert STATED.fullmatch(SERVICES[name]["image"])


def test_the_image_is_of_the_projects_version() -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    assert {service["image"] for service in OURS.values()} == {f"rastro:{version}"}
    assert f'org.opencontainers.image.version="{version}"' in DOCKERFILE


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_that_stays_up_says_whether_it_is_well(name: str) -> None:
    if name in ONCE:
        assert SERVICES[name]["restart"].startswith("on-failure")
    else:
        assert SERVICES[name]["healthcheck"]["test"]
        assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_take_only_its_share_and_change_nothing_but_its_volumes(name: str) -> None:
    service = SERVICES[name]
    limits = service["deploy"]["resources"]["limits"]
    assert re.fullmatch(r"\d+[mg]", limits["memory"])
    assert float(limits["cpus"]) > 0
    assert re.fullmatch(r"[1-9]\d*:\d+", service["user"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"]["max-size"]
    assert not {"privileged", "cap_add", "network_mode", "pid"} & set(service)


def test_what_is_mounted_is_there_and_what_is_declared_is_used() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    bound = [mount for mount in mounts if mount.startswith(".")]
    assert all(BIND.fullmatch(mount) for mount in bound)
    assert not [mount for mount in bound if not (REPOSITORY / BIND.sub(r"\1", mount)).exists()]
    assert {mount.partition(":")[0] for mount in mounts if mount not in bound} == set(compose()["volumes"])
    assert {name for one in SERVICES.values() for name in one.get("secrets", [])} == set(compose()["secrets"])
    assert {name for one in SERVICES.values() for name in one.get("networks", ["default"])} == {*compose()["networks"]}


def test_databases_are_reached_by_our_services_only() -> None:
    assert compose()["networks"]["inside"]["internal"] is True
    assert [SERVICES[name]["networks"] for name in ("postgres", "valkey")] == [["inside"]] * 2
    assert {name for name, one in SERVICES.items() if "inside" in one.get("networks", [])} == {
        *OURS, "postgres", "valkey",
    }  # fmt: skip


def test_what_watches_finds_whom_it_asks_and_tells() -> None:
    """Every host that a file of the monitoring names is a service that runs beside it, or the mail catcher."""
    files = [path for path in (REPOSITORY / "deploy/monitoring").rglob("*.y*ml") if path.is_file()]
    assert len(files) > 4
    hosts = {host for path in files for host in re.findall(r"\b([a-z][a-z-]+):\d{4,5}\b", path.read_text())}
    assert hosts >= {"otel-collector", "alertmanager", "prometheus"}
    assert hosts - {"localhost"} <= {*MONITORING, "mail"}
    assert OURS["scheduler"]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://otel-collector:4318"


def test_airflows_services_share_what_must_be_the_same() -> None:
    one, *others = [
        {name: value for name, value in service["environment"].items() if name.startswith("AIRFLOW")}
        for service in OURS.values()
    ]
    assert len(one) > 10
    assert all(other == one for other in others)


def test_airflows_services_start_after_the_databases_are_migrated() -> None:
    for name in set(OURS) - ONCE:
        assert OURS[name]["depends_on"] == {"airflow-init": {"condition": "service_completed_successfully"}}
    script = OURS["airflow-init"]["command"][-1]
    for step in ("airflow db migrate", "rastro migrate", "airflow pools import", "airflow users create"):
        assert step in script


def test_ports_are_open_on_this_machine_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_the_public_calls_is_served_as_the_command_line_takes_it() -> None:
    """Inside a container it listens to all, at the port that is passed on and looked at."""
    (program, *arguments) = SERVICES["serve"]["command"]
    assert program == "rastro"
    parser = argparse.ArgumentParser()
    serving.arguments(parser)
    (name, *options) = arguments
    assert name in {command.name for command in COMMANDS}
    chosen = parser.parse_args(options)
    assert chosen.host == "0.0.0.0"  # noqa: S104  in there, nobody else is near
    assert chosen.proxy == "*", "the proxy's address is that of the containers' network, and differs"
    (port,) = SERVICES["serve"]["ports"]
    assert port.endswith(f":{chosen.port}")
    assert f":{chosen.port}/health" in SERVICES["serve"]["healthcheck"]["test"][-1]


def test_variables_are_explained_in_the_example(tmp_path: Path) -> None:
    assert variables() | {"COMPOSE_PROFILES"} == set(COMPOSE)
    (tmp_path / "env").write_text(re.sub(r"^# (?=[A-Z_]+=)", "", text(), flags=re.MULTILINE))
    assert set(COMPOSE) <= set(dotenv.read(tmp_path / "env"))


def test_no_secret_stands_in_the_environment() -> None:
    told = [
        (name, value)
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if re.search("PASSWORD|SECRET|KEY|CONN", name) and re.search("/|:", value)
    ]
    assert told
    assert all(SECRETS in value for name, value in told if not name.startswith("AIRFLOW__SECRETS__BACKEND"))
    assert not re.search(r"^ *\w*(PASSWORD|_KEY|JWT_SECRET): ", FILE.read_text(), re.MULTILINE)


def test_airflow_knows_every_option_and_takes_each_secret_from_its_file(secrets: Path) -> None:
    from airflow.configuration import conf

    told = environment_of("scheduler", secrets)
    written = {name: (secrets / name).read_text() for name in ("fernet_key", "jwt_secret", "postgres_password")}
    (secrets / "jwt_secret").write_text(f"{written['jwt_secret']}\n")  # as an editor leaves it
    options = [name.removesuffix("_CMD").split("__")[1:] for name in told if name.startswith("AIRFLOW__")]
    known = {(section, name) for section, about in conf.configuration_description.items() for name in about["options"]}
    assert {(section.lower(), option.lower()) for section, option in options} <= known
    commands = {name: value for name, value in told.items() if name.endswith("_CMD")}
    with pytest.MonkeyPatch.context() as patch:
        for name, command in commands.items():
            patch.delenv(name.removesuffix("_CMD"), raising=False)  # which goes before the command
            patch.setenv(name, command)
        read = {name: conf.get(*name.removesuffix("_CMD").lower().split("__")[1:]) for name in commands}
    assert read["AIRFLOW__CORE__FERNET_KEY_CMD"] == written["fernet_key"].strip()
    assert read["AIRFLOW__API_AUTH__JWT_SECRET_CMD"] == written["jwt_secret"]
    assert (
        read["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD"]
        == f"postgresql+psycopg2://rastro:{written['postgres_password']}@postgres/airflow"
    )


def test_every_secret_is_made_and_kept_and_its_folder_is_its_owners(secrets: Path) -> None:
    assert {file.name for file in secrets.iterdir()} == set(compose()["secrets"])
    assert {Path(one["file"]) for one in compose()["secrets"].values()} == {Path("secrets", one.name) for one in
                                                                            secrets.iterdir()}  # fmt: skip
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    Fernet((secrets / "fernet_key").read_text())
    before = {file: file.read_text() for file in secrets.iterdir()}
    make_secrets(secrets)
    assert {file: file.read_text() for file in secrets.iterdir()} == before
    assert len({before[secrets / name] for name in ("postgres_password", "valkey_password", "admin_password")}) == 3
    assert "secrets/" in (REPOSITORY / ".gitignore").read_text().splitlines()


def test_connections_come_from_a_file_of_airflows_own_form(secrets: Path) -> None:
    from airflow.secrets.local_filesystem import LocalFilesystemBackend

    held = LocalFilesystemBackend(connections_file_path=str(secrets / "connections.json"))
    warehouse = held.get_connection("rastro_warehouse")
    assert warehouse is not None
    assert (warehouse.host, warehouse.schema) == ("postgres", "rastro")
    assert warehouse.password == (secrets / "postgres_password").read_text()
    mail = held.get_connection("rastro_smtp")
    assert mail is not None
    assert mail.extra_dejson == {"disable_ssl": True, "disable_tls": True}


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.*)", DOCKERFILE, re.MULTILINE)


def test_the_image_installs_with_hashes_and_does_not_run_as_root() -> None:
    assert "--require-hashes -r" in DOCKERFILE
    assert all(re.match(r"python:\d+\.\d+\.\d+-", base) for base in instructions("FROM"))
    assert instructions("USER") == ["50000:0"]
    assert {service["user"] for service in OURS.values()} == {"50000:0"}


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    kept = {line[1:] for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {source for line in instructions("COPY") if "--from" not in line for source in line.split()[:-1]}
    assert copied
    assert copied == kept
    assert all((REPOSITORY / source).exists() for source in copied)
