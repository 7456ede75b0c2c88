"""``.env.example`` is written by ``python -m stack.env_example`` and shows everything that can be set."""

import json
import re
from pathlib import Path

import pytest

from rastro.access import Account, check
from rastro.carriers.base import Carrier
from rastro.carriers.described import all_carriers
from rastro.marketplaces.base import Marketplace
from rastro.marketplaces.registry import MARKETPLACES
from rastro.orders.registry import SOURCES
from rastro.settings import OPTIONS, settings_from
from stack import dotenv
from stack.env_example import CONNECTIONS, FILE, connection_id, text


def test_the_file_is_current() -> None:
    assert FILE.read_text("utf-8") == text(), "run: python -m stack.env_example"


def test_every_line_can_be_read_when_its_mark_is_taken_off(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text(re.sub(r"^# (?=[A-Z_]+=)", "", text(), flags=re.MULTILINE))
    values = dotenv.read(file)
    settings = {
        name.removeprefix("AIRFLOW__RASTRO__").lower(): value
        for name, value in values.items()
        if name.startswith("AIRFLOW__RASTRO__")
    }
    assert settings.keys() == OPTIONS.keys()
    settings_from(settings)
    connections = [json.loads(value) for name, value in values.items() if name.startswith("AIRFLOW_CONN_")]
    assert all(connection["conn_type"] for connection in connections)


def test_every_connection_that_a_setting_names_is_shown() -> None:
    settings = settings_from({name: option.example for name, option in OPTIONS.items()})
    endpoints = [*settings.sources, *settings.carriers, *settings.marketplaces]
    assert {endpoint.adapter for endpoint in endpoints} <= {*SOURCES, *all_carriers(), *MARKETPLACES}
    shown = [example.connection_id for example in CONNECTIONS]
    assert len(shown) == len(set(shown))
    assert {endpoint.connection for endpoint in endpoints} | {settings.warehouse, settings.smtp} <= set(shown)


@pytest.mark.parametrize("adapter", [*all_carriers().values(), *MARKETPLACES.values()], ids=lambda one: one.code)
def test_every_adapter_is_shown_with_a_connection_that_it_accepts(adapter: Carrier | Marketplace) -> None:
    wanted = {connection_id(setting, adapter.code) for setting in ("carriers", "marketplaces")}
    (shown,) = [one.connection for one in CONNECTIONS if one.connection_id in wanted]
    assert shown["conn_type"] in {adapter.code, "generic"}
    account = Account(
        base_url=shown.get("host") or adapter.base_url,
        login=shown.get("login", ""),
        password=shown.get("password", ""),
        extra=shown.get("extra", {}),
    )
    assert account.base_url.startswith("https://")
    check(adapter.code, account, adapter.fields)
    assert shown.get("extra", {}).keys() <= {one.name for one in adapter.fields}
