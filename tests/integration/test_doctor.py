"""``rastro doctor`` as a person runs it, and the test of a connection as Airflow runs it."""

import json
import subprocess
import sys
from typing import Any

import psycopg
import pytest

from rastro.carriers.registry import CARRIERS
from rastro.marketplaces.registry import MARKETPLACES
from simulator.testing import Running
from stack.postgres import Server
from stack.product import pools
from stack.state import REPOSITORY
from stack.wiring import wiring
from telemetry import collecting

pytestmark = pytest.mark.slow

# As Airflow's API does it: the connection goes into a variable as a URI, and its type's hook finds it there.
TEST_BUTTON = """
import json, os, sys
os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
from airflow.models.connection import Connection
said = {}
for name, held in json.load(sys.stdin).items():
    conn = Connection(conn_id="transient", **{**held, "extra": json.dumps(held.get("extra", {}))})
    os.environ["AIRFLOW_CONN_TRANSIENT"] = conn.get_uri()
    said[name] = conn.test_connection()
print(json.dumps(said))
"""


@pytest.fixture
def shop(postgres: Server) -> Any:
    dsn = postgres.create("doctors_shop")
    yield dsn
    postgres.drop("doctors_shop")


@pytest.fixture
def told(simulator: Running, warehouse, postgres: Server, shop: str) -> dict[str, str]:
    """Settings and connections of the whole simulated world, where all is well."""
    simulator.cohort(parcels=20, sql_dsn=shop)
    return wiring(
        simulator.info(),
        warehouse=warehouse.airflow_connection,
        shop=postgres.airflow_connection("doctors_shop"),
        wide=True,
    )


def doctor(home, told: dict[str, str], *arguments: str) -> tuple[int, dict[str, tuple[str, str]], str]:
    """Exit code, state and sentence by name, and all that was printed."""
    done = home.python("-m", "rastro.cli", "doctor", *arguments, **told)
    assert "Traceback" not in done.stderr
    rows = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    found = {row[0]: (row[1], row[2]) for row in rows if len(row) == 3 and row[1] in {"ok", "look", "wrong"}}
    return done.returncode, found, done.stdout + done.stderr


def test_where_all_is_well_every_thing_has_its_line_and_nothing_is_wrong(
    airflow_home, told: dict[str, str], simulator: Running
) -> None:
    before = len(simulator.requests())
    code, found, printed = doctor(airflow_home, told)
    assert {name: row for name, row in found.items() if row[0] == "wrong" and name != "airflow"} == {}, printed
    assert code == (found["airflow"][0] == "wrong"), printed
    assert list(found)[:4] == ["settings", "database", "vtex:loja", "sql:erp"]
    assert list(found)[-4:] == ["mail", "airflow", "serve", "clock"]
    assert len(found) > len(CARRIERS) + len(MARKETPLACES)
    assert len(simulator.requests()) > before
    assert not simulator.mails()
    held = [json.loads(value) for name, value in told.items() if name.startswith("AIRFLOW_CONN_")]
    secrets = {one["password"] for one in held if len(one.get("password", "")) > 6}
    assert secrets
    assert not [secret for secret in secrets if secret in printed]


def test_everything_that_is_wrong_is_said_in_a_line_of_its_own(
    airflow_home, told: dict[str, str], simulator: Running
) -> None:
    def changed(name: str, **values: object) -> dict[str, str]:
        return {
            f"AIRFLOW_CONN_{name.upper()}": json.dumps({**json.loads(told[f"AIRFLOW_CONN_{name.upper()}"]), **values})
        }

    broken = {
        **told,
        **changed("loja", password="another"),
        **changed("correios", host="http://127.0.0.1:1"),
        **changed("rastro_smtp", password="another"),
        "AIRFLOW__RASTRO__CARRIERS": told["AIRFLOW__RASTRO__CARRIERS"] + ", dhll:dhl, patrus:nowhere",
    }
    simulator.fault("jadlog", "html", times=0)
    simulator.fault("ups", "hang", times=0)
    code, found, printed = doctor(airflow_home, broken)
    assert code == 1, printed
    for name, state, said in (
        ("settings", "ok", "All make sense"),
        (
            "vtex:loja",
            "wrong",
            "The credentials are refused, or may not do this: vtex: GET /api/oms/pvt/orders answered 403",
        ),
        ("correios:correios", "wrong", "It cannot be reached, or is in trouble: correios: "),
        ("jadlog:jadlog", "wrong", "It answers, but not what it should"),
        ("ups:ups", "wrong", "It cannot be reached, or is in trouble: ups: "),
        ("dhll:dhl", "wrong", "This must be put right: carriers: there is no dhll; known are "),
        ("patrus:nowhere", "wrong", "This must be put right: The connection nowhere (carrier "),
        ("mail", "wrong", "The credentials are refused: SMTP "),
        ("database", "ok", "It is at revision "),
    ):
        assert found[name][0] == state, found[name]
        assert found[name][1].startswith(said)
    assert "another" not in printed


def test_the_ways_by_which_the_data_team_is_told_are_looked_at_and_nobody_is_told(
    airflow_home, told: dict[str, str], simulator: Running
) -> None:
    with collecting() as team:
        ways = {
            "AIRFLOW__RASTRO__SOURCES": "vtex:loja",  # whose customers VTEX mails
            "AIRFLOW__RASTRO__ALERT_BY": "slack:team, slack:nowhere, webhook:blank, mail:dados@loja.example",
            "AIRFLOW_CONN_TEAM": json.dumps({"conn_type": "http", "host": team.url, "password": "T0/B0/a-secret-end"}),
            "AIRFLOW_CONN_BLANK": json.dumps({"conn_type": "http", "password": "T0/B0/a-secret-end"}),
        }
        code, found, printed = doctor(airflow_home, {**told, **ways})
        assert not team.posts
    assert code == 1
    assert found["slack:team"] == (
        "ok", "It is there; the rest of its address is not tried, since that would tell the data team"
    )  # fmt: skip
    assert found["slack:nowhere"][1].startswith("This must be put right: The connection nowhere (alerts by slack) is")
    assert found["webhook:blank"] == (
        "wrong", "This must be put right: webhook:blank: the connection's host and password make no URL"
    )  # fmt: skip
    assert found["mail"] == ("ok", "The server takes us; no mail was sent")
    assert not simulator.mails()
    assert "a-secret-end" not in printed
    smtp = {**json.loads(told["AIRFLOW_CONN_RASTRO_SMTP"]), "password": "another"}
    refused = {**told, **ways, "AIRFLOW_CONN_RASTRO_SMTP": json.dumps(smtp)}
    assert doctor(airflow_home, refused, "--only", "mail")[1]["mail"][0] == "wrong"


def test_a_dag_that_is_unknown_or_paused_is_said(new_airflow, told: dict[str, str]) -> None:
    def airflow() -> tuple[int, str, str]:
        code, found, printed = doctor(new_airflow, told, "--only", "airflow")
        assert list(found) == ["airflow"], printed
        return code, *found["airflow"]

    code, state, said = airflow()
    assert (code, state) == (1, "wrong")
    assert said.startswith("This must be put right: Airflow knows no DAG track_deliveries")
    assert new_airflow.airflow("dags", "reserialize").returncode == 0
    code, state, said = airflow()
    assert (code, state) == (0, "look")
    assert said.startswith("track_deliveries is paused")
    assert new_airflow.airflow("dags", "unpause", "--yes", "track_deliveries").returncode == 0
    assert airflow() == (0, "ok", "track_deliveries is unpaused, and has the pools that it needs")


def test_one_thing_alone_can_be_looked_at(airflow_home, told: dict[str, str]) -> None:
    assert doctor(airflow_home, told, "--only", "correios")[:2] == (
        0, {"correios:correios": ("ok", "It answers a question about a parcel that cannot exist")}
    )  # fmt: skip
    assert list(doctor(airflow_home, told, "--only", "loja")[1]) == ["vtex:loja"]
    code, found, printed = doctor(airflow_home, told, "--only", "nobody")
    assert (code, found) == (2, {})
    assert "there is nothing called nobody; there are settings, database, " in printed


def test_settings_that_make_no_sense_are_all_said(airflow_home, told: dict[str, str]) -> None:
    code, found, printed = doctor(
        airflow_home, {**told, "AIRFLOW__RASTRO__SLICE_SIZE": "0", "AIRFLOW__RASTRO__EVENTS": "some"}
    )
    assert code == 1
    assert list(found) == ["settings"]
    assert "slice_size: " in found["settings"][1]
    assert "events: " in found["settings"][1]
    assert "nothing else can be looked at" in printed


def test_a_database_says_what_it_lacks(airflow_home, told: dict[str, str], warehouse, postgres: Server) -> None:
    def said() -> tuple[str, str]:
        return doctor(airflow_home, told, "--only", "database")[1]["database"]

    with psycopg.connect(warehouse.dsn, autocommit=True) as conn:
        (newest,) = conn.execute("SELECT version_num FROM rastro.migration").fetchone() or ("",)
        assert said() == ("ok", f"It is at revision {newest}, the newest")
        conn.execute("SELECT 1; DO $$ BEGIN EXECUTE (SELECT 'DROP TABLE rastro.tracking_event_' || "
                     "to_char(now() AT TIME ZONE 'UTC' + interval '1 month', 'YYYYMM')); END $$")  # fmt: skip
        assert said()[0] == "look"
        assert "no partition yet" in said()[1]
        conn.execute("UPDATE rastro.migration SET version_num = '0001'")
        assert said()[0] == "wrong"
        assert "bring it up to date with rastro migrate" in said()[1]
        conn.execute("UPDATE rastro.migration SET version_num = '9999_later'")
        assert "this Rastro is too old for it" in said()[1]
    bare = postgres.create("doctors_bare")
    assert bare
    told["AIRFLOW_CONN_RASTRO_WAREHOUSE"] = json.dumps(postgres.airflow_connection("doctors_bare"))
    assert "no tables yet: make them with rastro migrate" in said()[1]
    postgres.drop("doctors_bare")
    assert said()[0] == "wrong"
    assert "The warehouse refuses us" in said()[1]


@pytest.mark.parametrize(
    ("changed", "state", "said"),
    [
        ({"MAIL_FROM": "loja.exemplo@gmail.com"}, "look", "send from a domain of the shop's own"),
        ({"SHOP_NAME": ""}, "wrong", "set shop_name in [rastro]"),
        ({"SOURCES": "vtex:loja"}, "ok", "nothing is mailed from here"),
        ({}, "ok", "no mail was sent"),
    ],
)
def test_mail_is_looked_at_by_a_greeting(
    changed: dict[str, str], state: str, said: str, airflow_home, told: dict[str, str], simulator: Running
) -> None:
    more = {f"AIRFLOW__RASTRO__{name}": value for name, value in changed.items()}
    _, found, _ = doctor(airflow_home, told | more, "--only", "mail")
    assert found["mail"][0] == state
    assert said in found["mail"][1]
    assert not simulator.mails()


def test_what_serve_lacks_is_said(airflow_home, told: dict[str, str]) -> None:
    state, said = doctor(airflow_home, told, "--only", "serve")[1]["serve"]
    assert state == "look"
    assert "pushes, but its connection lacks" in said
    assert "/tracking is not answered: the setting hub_key is empty" in said
    told["AIRFLOW__RASTRO__HUB_KEY"] = "invented-key-of-the-hub-0001"
    assert "/tracking" not in doctor(airflow_home, told, "--only", "serve")[1]["serve"][1]


def test_a_pool_that_is_missing_is_named(airflow_home, told: dict[str, str]) -> None:
    assert "dhl" in pools()
    deleted = airflow_home.airflow("pools", "delete", "dhl")
    assert deleted.returncode == 0, deleted.stderr
    try:
        assert "Airflow has no pool dhl" in doctor(airflow_home, told, "--only", "airflow")[1]["airflow"][1]
    finally:
        airflow_home.airflow("pools", "set", "dhl", "4", "Tasks that ask DHL at once")


def test_without_airflows_database_the_rest_is_looked_at(airflow_home, told: dict[str, str]) -> None:
    away = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://nobody@127.0.0.1:1/nowhere"}
    _, found, _ = doctor(airflow_home, told | away, "--only", "airflow")
    assert found["airflow"][0] == "look"
    assert found["airflow"][1].startswith("Airflow's database cannot be read from here")
    assert doctor(airflow_home, told | away, "--only", "correios")[0] == 0


def test_airflows_own_test_of_a_connection_says_the_same(
    airflow_home, told: dict[str, str], simulator: Running
) -> None:
    names = {"vtex": "loja", "vtex_protocol": "market", "webhook": "hub"}
    types = [code for code in ("vtex", *CARRIERS, *MARKETPLACES) if code != "generic"]
    held = {
        code: {**json.loads(told[f"AIRFLOW_CONN_{names.get(code, code).upper()}"]), "conn_type": code} for code in types
    }
    held["wrong"] = {**held["fedex"], "password": "another"}
    held["lacking"] = {"conn_type": "fedex"}
    done = subprocess.run(
        [sys.executable, "-c", TEST_BUTTON], env=airflow_home.environment, input=json.dumps(held), capture_output=True,
        text=True, check=False, timeout=300, cwd=REPOSITORY,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert [code for code in types if not said[code][0]] == [], said
    assert said["wrong"][0] is False
    assert said["wrong"][1].startswith("The credentials are refused: fedex: POST /oauth/token answered 4")
    assert said["lacking"][0] is False
    assert "the connection lacks login (API key), password (Secret key)" in said["lacking"][1]
    assert not [one for one in simulator.requests() if one["method"] in {"PUT", "PATCH", "DELETE"}]


def test_the_test_button_is_switched_on(airflow_home, told: dict[str, str]) -> None:
    done = airflow_home.airflow("connections", "test", "correios", **told)
    assert "Connection success!" in done.stdout, done.stdout + done.stderr
