"""Airflow's processes on this machine: ready for the product's DAGs, closed to everybody else."""

import json
import os
from pathlib import Path

import pytest
import requests

from stack.airflow import USER, AirflowStack, environment
from stack.airflow_client import AirflowClient
from stack.postgres import Server
from stack.processes import StackError, members
from stack.state import secrets_of

pytestmark = pytest.mark.slow


def test_all_four_processes_are_well_and_know_the_dags(stack: AirflowStack) -> None:
    assert stack.client.unhealthy() == []
    stack.wait_for_dags(["track_deliveries"])
    assert stack.client.import_errors() == []


def test_every_carrier_has_its_pool(stack: AirflowStack) -> None:
    pools = {pool["name"] for pool in stack.client.everything("/pools", "pools")}
    assert "correios" in pools


def test_nobody_gets_in_without_the_password(stack: AirflowStack) -> None:
    assert requests.get(f"{stack.url}/api/v2/dags", timeout=10).status_code == 401
    stranger = AirflowClient(url=stack.url, user=USER, password="guess")
    with pytest.raises(StackError, match="does not let admin in"):
        stranger.get("/dags")


def test_what_the_person_has_set_for_another_airflow_is_not_passed_on(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ELSEWHERE", "http://elsewhere.example")
    monkeypatch.setenv("PGHOST", "elsewhere.example")
    told = environment(home=tmp_path, postgres=postgres, secrets=secrets_of(tmp_path))
    assert "AIRFLOW_CONN_ELSEWHERE" not in told
    assert "PGHOST" not in told


def test_secrets_are_for_their_owner_only(stack: AirflowStack) -> None:
    passwords = stack.home / "passwords.json"
    assert json.loads(passwords.read_text())[USER] == stack.password
    assert passwords.stat().st_mode & 0o777 == 0o600
    assert stack.password not in repr(stack)


def test_each_process_leads_a_session_of_its_own(stack: AirflowStack) -> None:
    sessions = {process.pid: None for process in stack.processes.values()}
    assert len(sessions) == 4
    assert set(members(sessions).values()) == set(sessions)
    assert os.getsid(0) not in sessions
