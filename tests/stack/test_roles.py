"""The operators' pages behind the login that the containers have, FAB's, and the roles that come with it."""

import json
from typing import Any

import pytest

from rastro.pages.routes import ROUTES, May

pytestmark = pytest.mark.slow

FAB = {"AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"}
MAY = {
    "anonymous": (),
    "Public": (),
    "Viewer": (May.SEE,),
    "User": tuple(May),
    "Op": tuple(May),
    "Admin": tuple(May),
}
AIRFLOW = """
import json, sys
from airflow.api_fastapi.app import create_app
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
from fastapi.testclient import TestClient

roles, routes = map(json.loads, sys.argv[1:])
PASSWORD, HERE = "a-password-of-this-test", "http://testserver"
with get_application_builder() as builder:
    builder.sm.sync_roles()
    for role in roles:
        if role != "anonymous":
            made = builder.sm.add_user(role, role, role, f"{role}@shop.example", builder.sm.find_role(role), PASSWORD)
            assert made, role
answers = {role: {} for role in roles}
with TestClient(create_app(apps="core"), base_url=HERE, headers={"Origin": HERE}) as visitor:
    for role in roles:
        visitor.cookies.clear()
        if role != "anonymous":
            token = visitor.post("/auth/token", json={"username": role, "password": PASSWORD}).json()["access_token"]
            visitor.cookies.set("_token", token)
        for method, path in routes:
            answer = visitor.request(method, f"/rastro{path}", follow_redirects=False)
            answers[role][f"{method} {path}"] = answer.status_code
print(json.dumps(answers))
"""
VALUES = {
    "shipment_id": "1", "hour": "2026-11-20T10:00:00+00:00", "dag_id": "track_deliveries", "run_id": "none",
    "name": "promise",
}  # fmt: skip


def test_each_role_may_what_the_permissions_of_its_dags_say(new_airflow: Any) -> None:
    migrated = new_airflow.airflow("db", "migrate", **FAB)
    assert migrated.returncode == 0, migrated.stderr
    routes = [(one.method, one.path.format(**VALUES)) for one in ROUTES]
    done = new_airflow.python("-c", AIRFLOW, json.dumps(list(MAY)), json.dumps(routes), **FAB)
    assert done.returncode == 0, done.stderr[-3000:]
    answers = json.loads(done.stdout.splitlines()[-1])
    for role, may in MAY.items():
        wrong = 401 if role == "anonymous" else 403
        refused = {f"{method} {path}" for (method, path), one in zip(routes, ROUTES, strict=True) if one.may not in may}
        assert {route for route, status in answers[role].items() if status in {401, 403}} == refused, role
        assert {answers[role][route] for route in refused} <= {wrong}, role
