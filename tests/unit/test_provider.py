"""The connection types that Airflow is given, over all registries, and what Airflow itself makes of them."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rastro.access import Field
from rastro.carriers.registry import CARRIERS
from rastro.marketplaces.registry import MARKETPLACES
from rastro.orchestration.provider import AIRFLOWS_OWN, connection_type, get_provider_info, hook_class
from rastro.orders.registry import SOURCES
from rastro.settings import OPTIONS
from stack.state import REPOSITORY

FIELDS: dict[str, tuple[str, str, Sequence[Field]]] = {
    **{one.code: (one.name, one.base_url, one.fields) for one in SOURCES.values() if one.fields},
    **{one.code: (one.name, one.base_url, one.connection_fields) for one in CARRIERS.values()},
    **{one.code: (one.name, one.base_url, one.connection_fields) for one in MARKETPLACES.values()},
}
OURS = [code for code in FIELDS if code not in AIRFLOWS_OWN]
EACH = pytest.mark.parametrize("code", OURS)
AIRFLOW = """
import json, sys
from airflow._shared.secrets_masker import should_hide_value_for_key
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
from airflow.providers_manager import ProvidersManager
hooks = ProvidersManager().hooks
forms = {one.connection_type: one.model_dump(mode="json") for one in HookMetaService.hook_meta_data()}
for code in sys.argv[1:]:
    forms[code]["hook"] = hooks[code] and [hooks[code].package_name, hooks[code].connection_type, hooks[code].hook_name]
    forms[code]["masked"] = [name for name in forms[code]["extra_fields"] or () if should_hide_value_for_key(name)]
forms["generic"]["hook"] = [hooks["generic"].package_name]
print(json.dumps(forms))
"""


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """The connection forms that Airflow's UI shows, by type, and what Airflow complained of while it made them."""
    done = subprocess.run(
        [sys.executable, "-c", AIRFLOW, *OURS],
        env={"PYTHONPATH": str(REPOSITORY / "include"), "AIRFLOW_HOME": str(tmp_path_factory.mktemp("home"))},
        cwd=Path(REPOSITORY),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr


def test_every_adapter_has_a_connection_type_of_its_own() -> None:
    types = [kind["connection-type"] for kind in get_provider_info()["connection-types"]]
    assert {"vtex", "correios", "webhook"} <= set(types)
    assert sorted(types) == sorted(OURS)
    assert len(types) == len({hook_class(code) for code in types})


def test_the_settings_are_all_told() -> None:
    assert get_provider_info()["config"]["rastro"]["options"].keys() == OPTIONS.keys()


def test_a_form_shows_the_fields_of_its_adapter_and_no_others() -> None:
    kind = connection_type(
        "acme_cargo",
        "Acme",
        "https://api.acme.example",
        (
            Field(name="login", label="Client id", help="Of the app."),
            Field(name="region", label="Region", required=False),
            Field(name="push_secret", label="Webhook secret", help="Shown once.", secret=True),
        ),
    )
    assert kind["hook-class-name"] == "rastro.orchestration.hooks.AcmeCargoHook"
    assert kind["ui-field-behaviour"] == {
        "hidden-fields": ["schema", "port", "password"],
        "relabeling": {"host": "Base URL", "login": "Client id"},
        "placeholders": {"login": "Of the app.", "host": "https://api.acme.example"},
    }
    assert {name: field["schema"].get("format") for name, field in kind["conn-fields"].items()} == {
        "region": None,
        "push_secret": "password",
    }


@EACH
def test_airflow_takes_the_type_and_finds_its_hook(code: str, airflow: tuple[dict[str, Any], str]) -> None:
    assert airflow[0][code]["hook"] == ["rastro", code, FIELDS[code][0]]


@EACH
def test_airflows_form_has_the_adapters_fields(code: str, airflow: tuple[dict[str, Any], str]) -> None:
    form, (name, base_url, fields) = airflow[0][code], FIELDS[code]
    assert form["hook_name"] == name
    standard = {one.name: one for one in fields if one.name in {"login", "password"}}
    for field in ("login", "password"):
        assert form["standard_fields"][field]["hidden"] is (field not in standard)
        assert form["standard_fields"][field]["title"] == (standard[field].label if field in standard else None)
    assert form["standard_fields"]["host"]["placeholder"] or not base_url
    extras = {one.name: one for one in fields if one.name not in {"host", "login", "password"}}
    assert (form["extra_fields"] or {}).keys() == extras.keys()
    for known, one in extras.items():
        schema = form["extra_fields"][known]["schema"]
        assert (schema["title"], schema.get("format")) == (one.label, "password" if one.secret else None)


@EACH
def test_airflow_masks_what_is_secret(code: str, airflow: tuple[dict[str, Any], str]) -> None:
    secret = {one.name for one in FIELDS[code][2] if one.secret} - {"password"}
    assert secret <= set(airflow[0][code]["masked"]), "a connection read by REST would show it: see rastro.access.Field"


def test_airflow_has_nothing_to_complain_of_and_keeps_its_own_types(airflow: tuple[dict[str, Any], str]) -> None:
    forms, said = airflow
    assert "rastro" not in said.replace(json.dumps(forms), "").lower()
    assert forms["generic"]["hook"] == [None]
