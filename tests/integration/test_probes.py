"""Every adapter of the registries, tried out against its simulation: it works, or a line says what is wrong."""

import json
from typing import Any

import pytest
from airflow.sdk import Connection
from cryptography.fernet import Fernet

from rastro.carriers.registry import CARRIERS
from rastro.marketplaces.registry import MARKETPLACES
from rastro.orchestration import doctor
from rastro.orchestration.doctor import Kept
from rastro.orders.registry import SOURCES
from rastro.pipeline.probe import Check, Finding, State, found
from rastro.warehouse.connect import connector
from simulator.testing import Running
from stack.wiring import wiring

pytestmark = pytest.mark.slow

EVERYBODY = ["vtex", *CARRIERS, *MARKETPLACES]
EACH = pytest.mark.parametrize("code", EVERYBODY)
# How the simulated world calls those that it does not call by their code: their connection, and themselves.
CONNECTION = {"vtex": "loja", "vtex_protocol": "market", "webhook": "hub"}
TARGET = {"vtex_protocol": "market"}
# Those that nobody can be refused by before something is told.
OPEN = {"ssw", "webhook"}
SECRETS = ("login", "password", "token", "refresh_token", "api_key", "access_key", "access_token", "private_key")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())


def connection_of(simulator: Running, code: str, **changed: Any) -> Connection:
    nowhere = {"conn_type": "postgres"}
    wired = wiring(simulator.info(), warehouse=nowhere, shop=nowhere, wide=True)
    held = json.loads(wired[f"AIRFLOW_CONN_{CONNECTION.get(code, code).upper()}"])
    held = {"conn_id": "tried", **held, **changed}
    return Connection(**{**held, "conn_type": code, "extra": json.dumps(held.get("extra", {}))})


def wrong(simulator: Running, code: str) -> Connection:
    """Its connection, with a login, password and keys that are not those."""
    held = connection_of(simulator, code)
    extra = {name: "1" if name in SECRETS else value for name, value in held.extra_dejson.items()}
    changed = {name: "1" for name in ("login", "password") if getattr(held, name)}
    return connection_of(simulator, code, **changed, extra=extra)


def tried(code: str, held: Connection, warehouse) -> Finding:
    kept = Kept(holder=f"{code}:tried", connect=connector(warehouse.dsn))
    if code in CARRIERS:
        return found(Check(name=code, look=lambda: doctor.carrier(CARRIERS[code], held, kept)))
    if code in MARKETPLACES:
        return found(Check(name=code, look=lambda: doctor.marketplace(MARKETPLACES[code], held, kept)))
    return found(Check(name=code, look=lambda: doctor.source(SOURCES[code], held)))


@EACH
def test_a_connection_that_is_right_works_and_nothing_is_written(code: str, simulator: Running, warehouse) -> None:
    held = connection_of(simulator, code)
    finding = tried(code, held, warehouse)
    assert finding.state is State.OK, finding
    assert "\n" not in finding.said
    calls = [f"{one['method']} {one['path']}" for one in simulator.requests()]
    assert calls
    assert not [call for call in calls if call.startswith(("PUT", "PATCH", "DELETE"))]
    assert not [call for call in calls if "register" in call or call.endswith("POST /carrier/aftership/trackings")]
    assert not simulator.mails()


@EACH
def test_credentials_that_are_wrong_are_said_to_be(code: str, simulator: Running, warehouse) -> None:
    finding = tried(code, wrong(simulator, code), warehouse)
    if code in OPEN:
        assert finding.state is State.OK
        return
    assert finding.state is State.WRONG
    assert finding.said.startswith("The credentials are refused")
    assert "\n" not in finding.said


@EACH
def test_a_service_that_is_down_is_said_to_be(code: str, simulator: Running, warehouse) -> None:
    held = connection_of(simulator, code, host="http://127.0.0.1:1")
    finding = tried(code, held, warehouse)
    assert finding.state is State.WRONG
    assert finding.said.startswith("It cannot be reached, or is in trouble: ")


@EACH
def test_a_service_that_wants_patience_is_not_called_wrong_in_another_way(
    code: str, simulator: Running, warehouse
) -> None:
    simulator.fault(TARGET.get(code, code), "status", status=429, times=0)
    finding = tried(code, connection_of(simulator, code), warehouse)
    if code == "webhook":
        assert finding.state is State.OK, "any answer shows that it is there"
        return
    assert finding.state is State.WRONG
    assert finding.said.startswith("It is asked too often just now")


@EACH
@pytest.mark.parametrize("kind", ["html", "empty"])
def test_what_makes_no_sense_is_no_answer(code: str, kind: str, simulator: Running, warehouse) -> None:
    simulator.fault(TARGET.get(code, code), kind, times=0)
    finding = tried(code, connection_of(simulator, code), warehouse)
    if code == "webhook":
        assert finding.state is State.OK
        return
    assert finding.state is State.WRONG, finding
    assert finding.said.startswith("It answers, but not what it should")


@pytest.mark.parametrize("code", ["melhor_envio", "mercado_livre", "magalu", "shopee"])
def test_a_refresh_token_is_not_used_up_by_who_cannot_keep_what_it_brings(
    code: str, simulator: Running, warehouse
) -> None:
    held = connection_of(simulator, code)
    finding = doctor.of_type(code, held)
    assert finding.state is State.OK
    assert "good for one use" in finding.said
    assert [one["method"] for one in simulator.requests()] == ["HEAD"]
    assert tried(code, held, warehouse).state is State.OK
    assert tried(code, held, warehouse).state is State.OK, "by the token that was kept"


def test_a_feed_is_not_asked_since_it_hands_out_each_lot_once(simulator: Running, warehouse) -> None:
    held = connection_of(simulator, "total_express")
    held = connection_of(simulator, "total_express", extra={**held.extra_dejson, "feed": "true"})
    finding = tried("total_express", held, warehouse)
    assert finding.state is State.OK
    assert "hands out each lot once" in finding.said
    assert {one["method"] for one in simulator.requests()} == {"HEAD"}
