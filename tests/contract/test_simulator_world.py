"""The simulated world: its journeys, what it says is true, its memory, its logs and its process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import psycopg
import pytest

import simulator as package
from simulator.journeys import JOURNEYS, ON_REQUEST, ORDER_BOUND, journey
from simulator.numbers import access_key, s10
from simulator.testing import ControlError, Running, running
from simulator.variants import VARIANTS
from stack.postgres import Server

BRASILIA = ZoneInfo("America/Sao_Paulo")
STATUSES = {
    *("unknown", "info_received", "in_transit", "out_for_delivery", "delivery_failed", "ready_for_pickup"),
    *("delivered", "on_hold", "returning", "returned", "lost"),
}
MAILED = {
    *("in_transit", "out_for_delivery", "delivery_failed", "ready_for_pickup", "delivered", "on_hold", "returning"),
}


@pytest.mark.parametrize("kind", [*JOURNEYS, *ORDER_BOUND, *ON_REQUEST])
def test_a_journey_tells_each_status_at_most_once_and_only_on_entering_it(kind: str) -> None:
    life = journey(kind)
    steps = life.upto(len(life.steps))
    tells = [step.tells for step in steps if step.tells]
    assert {step.status for step in steps} <= STATUSES
    assert set(tells) <= MAILED
    assert len(tells) == len(set(tells))
    assert all(step.tells in {None, step.status} for step in steps)
    assert all(bool(step.lines) != bool(step.refusal) for step in steps)


def test_a_cohort_of_sixty_holds_every_journey_and_every_variant(simulator: Running) -> None:
    assert simulator.cohort(parcels=60)["parcels"] == 60
    parcels = simulator.truth()
    assert {parcel["kind"] for parcel in parcels} == set(JOURNEYS) | set(ORDER_BOUND)
    assert {parcel["variant"] for parcel in parcels} == set(VARIANTS)
    assert len({parcel["tracking_number"] for parcel in parcels}) == 60
    assert all(parcel["follow"] == (parcel["reason"] == "") for parcel in parcels)


def test_a_history_lies_in_the_missed_hours_each_of_which_has_news(simulator: Running) -> None:
    simulator.cohort(parcels=30, hours=3, variants=["own"], kinds=["delivered"])
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    hours = Counter(
        (hour - datetime.fromisoformat(parcel["revealed"][-1]["time"]).replace(tzinfo=BRASILIA)) // timedelta(hours=1)
        for parcel in simulator.truth()
    )
    assert hours == {0: 10, 1: 10, 2: 10}


def test_a_cohort_of_no_hours_was_sold_and_posted_just_now(simulator: Running) -> None:
    simulator.cohort(parcels=5, hours=0, variants=["own"], kinds=["delivered"])
    recent = datetime.now(BRASILIA).replace(tzinfo=None) - timedelta(minutes=2)
    assert len(simulator.truth()) == 5
    assert all(datetime.fromisoformat(parcel["revealed"][0]["time"]) > recent for parcel in simulator.truth())
    oldest = datetime.now(UTC) - timedelta(minutes=5)
    orders = simulator.control("GET", "vtex/loja/orders")
    assert all(datetime.fromisoformat(order["invoiced_at"]) > oldest for order in orders)


def test_time_goes_on_by_one_step_for_every_parcel_that_has_some_left(simulator: Running) -> None:
    simulator.cohort(parcels=2, variants=["own"], kinds=["delivered", "lost"])
    before = datetime.now(BRASILIA).replace(microsecond=0, tzinfo=None)
    first = simulator.advance()
    assert first == {"revealed": 2, "parcels": 2, "left": 2}
    newest = [datetime.fromisoformat(parcel["revealed"][-1]["time"]) for parcel in simulator.truth()]
    assert all(before <= at <= before + timedelta(seconds=30) for at in newest)
    assert simulator.advance(2) == {"revealed": 3, "parcels": 2, "left": 0}
    assert simulator.advance() == {"revealed": 0, "parcels": 0, "left": 0}
    delivered, lost = sorted(simulator.truth(), key=lambda parcel: parcel["kind"])
    assert delivered["tells"] == ["in_transit", None, "out_for_delivery", "delivered"]
    assert delivered["statuses"] == ["in_transit", "in_transit", "out_for_delivery", "delivered"]
    assert (delivered["delivered"], lost["delivered"], lost["status"]) == (True, False, "lost")


def test_steps_revealed_within_one_second_have_seconds_of_their_own(simulator: Running) -> None:
    simulator.cohort(parcels=1, variants=["own"], kinds=["voided_vanishes"])
    simulator.advance(5)
    (parcel,) = simulator.truth()
    times = [line["time"] for line in parcel["revealed"]]
    assert len(set(times)) == len(times) == 7
    assert [line["codigo"] for line in parcel["revealed"] if line["withdrawn"]] == ["BDE"]
    assert parcel["status"] == "delivered"


def test_a_package_of_two_codes_is_delivered_with_the_second(simulator: Running) -> None:
    simulator.cohort(parcels=2, variants=["two_codes"])
    simulator.advance(3)
    assert sorted(parcel["delivered"] for parcel in simulator.truth()) == [False, True]
    assert not any(parcel["package_delivered"] for parcel in simulator.truth())
    simulator.advance()
    parcels = simulator.truth()
    assert all(parcel["package_delivered"] for parcel in parcels)
    assert all(len(parcel["tracking_numbers"]) == 2 for parcel in parcels)


def test_the_same_seed_makes_the_same_world(tmp_path: Path) -> None:
    worlds = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        with running(tmp_path / name, seed=seed) as simulator:
            simulator.cohort(parcels=30)
            orders = simulator.control("GET", "vtex/loja/orders")
            worlds.append([(order["order_id"], order["customer"], order["city"]) for order in orders])
    assert worlds[0]
    assert worlds[0] == worlds[1] != worlds[2]


def test_a_world_goes_on_after_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as simulator:
        simulator.cohort(parcels=20)
        simulator.configure(index_lag=60)
        simulator.advance()
        before = simulator.truth()
    with running(tmp_path) as simulator:
        assert simulator.truth() == before
        assert simulator.control("GET", "settings")["index_lag"] == 60
        simulator.cohort(parcels=20)
        numbers = [parcel["tracking_number"] for parcel in simulator.truth()]
        assert len(set(numbers)) == len(numbers) == 40
        simulator.control("POST", "reset")
        assert simulator.truth() == []
    with running(tmp_path) as simulator:
        assert simulator.truth() == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("cohort", {"kinds": ["teleported"]}),
        ("cohort", {"variants": ["none"]}),
        ("cohort", {"parcel": 3}),
        ("cohort", {"parcels": 0}),
        ("cohort", {"sql_dsn": "postgresql://127.0.0.1:1/x", "sql_relation": "drop table"}),
        ("advance", {"steps": 0}),
        ("settings", {"index_lagg": 1}),
        ("settings", {"smtp_auth": 1}),
    ],
)
def test_a_control_call_that_makes_no_sense_says_so(simulator: Running, path: str, body: dict) -> None:
    with pytest.raises(ControlError, match="error"):
        simulator.control("POST", path, body)
    assert simulator.truth() == []


def test_every_request_is_logged_with_its_secrets_masked_and_control_is_not(simulator: Running) -> None:
    told = simulator.info()
    keys = {"X-VTEX-API-AppKey": told["vtex"]["app_key"], "X-VTEX-API-AppToken": told["vtex"]["app_token"]}
    httpx.get(f"{told['vtex']['urls']['loja']}/api/oms/pvt/orders", params={"page": 1}, headers=keys)
    correios = told["correios"]
    answer = httpx.post(
        f"{correios['url']}/token/v1/autentica/cartaopostagem",
        json={"numero": correios["posting_card"]},
        auth=(correios["user"], correios["access_code"]),
    )
    first, second = simulator.requests()
    assert set(first) == {"time", "method", "path", "headers", "body", "status", "acted", "answer"}
    assert (first["method"], first["path"], first["status"]) == ("GET", "/vtex/loja/api/oms/pvt/orders?page=1", 200)
    assert json.loads(first["answer"])["list"] == []
    assert first["headers"]["x-vtex-api-appkey"] == first["headers"]["x-vtex-api-apptoken"] == "***"
    assert second["headers"]["authorization"] == "***"
    assert json.loads(second["body"]) == {"numero": correios["posting_card"]}
    kept = json.dumps([first, second])
    assert keys["X-VTEX-API-AppToken"] not in kept
    assert answer.json()["token"] not in kept


def test_an_address_where_nobody_lives_is_404(simulator: Running) -> None:
    assert httpx.get(f"{simulator.url}/ups/track").status_code == 404


def test_check_digits_are_right() -> None:
    assert s10("RA", 47312482, "GB") == "RA473124829GB"
    assert len(access_key(7, "2611")) == 44


def parcels_of_a_process(folder: Path, ending: signal.Signals, *calls: tuple[str, str, object]) -> tuple[int, int]:
    """Start the simulator on a state folder, make some control calls, end it: parcels in its world, exit status."""
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "simulator", "--state", str(folder), "--ready", str(ready)]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(Path(package.__file__).parents[1])})
    try:
        deadline = time.monotonic() + 30
        while (not ready.exists() or json.loads(ready.read_text())["pid"] != process.pid) and process.poll() is None:
            assert time.monotonic() < deadline, "the simulator did not start"
            time.sleep(0.02)
        told = json.loads(ready.read_text())
        started = Running(url=told["url"], smtp_port=told["smtp_port"])
        for method, path, body in calls:
            started.control(method, path, body)
        parcels = len(started.truth())
        process.send_signal(ending)
        return parcels, process.wait(20)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("ending", "status"), [(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_process_keeps_its_world_however_it_ends(tmp_path: Path, ending: signal.Signals, status: int) -> None:
    cohort = ("POST", "cohort", {"parcels": 5})
    assert parcels_of_a_process(tmp_path, ending, cohort) == (5, status)
    assert parcels_of_a_process(tmp_path, signal.SIGTERM) == (5, 0)
    assert not (tmp_path / "ready.json").exists()


@pytest.mark.slow
def test_a_share_of_the_parcels_becomes_rows_of_a_table_that_is_made_when_missing(
    simulator: Running, postgres: Server
) -> None:
    dsn = postgres.create("erp_simulated")
    for cohort in (1, 2):
        made = simulator.cohort(parcels=20, sql_dsn=dsn, sql_relation="public.rastro_shipment", share_sql=0.5)
        assert (made["cohort"], made["rows"]) == (cohort, 10)
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT tracking_number, order_id, customer_email, invoiced_at < now(), marketplace "
            "FROM public.rastro_shipment"
        ).fetchall()
    of_sql = [parcel for parcel in simulator.truth() if parcel["source"] == "sql"]
    assert len(of_sql) == 20
    assert sorted(rows) == sorted(
        (parcel["tracking_number"], parcel["order_id"], parcel["email"], True, None) for parcel in of_sql
    )


def test_a_database_that_cannot_be_reached_makes_no_cohort(simulator: Running) -> None:
    with pytest.raises(ControlError, match="connection"):
        simulator.cohort(parcels=4, sql_dsn="postgresql://nobody@127.0.0.1:1/none?connect_timeout=2", share_sql=1)
    assert simulator.truth() == []


def test_a_world_may_live_at_another_time_than_the_machine(simulator: Running) -> None:
    day = timedelta(days=1).total_seconds()
    simulator.configure(clock_ahead=-30 * day)
    simulator.cohort(parcels=1, hours=0, variants=["own"], kinds=["delivered"])
    simulator.configure(clock_ahead=-29 * day)
    simulator.advance()
    (parcel,) = simulator.truth()
    first, second = map(datetime.fromisoformat, parcel["revealed_at"])
    assert timedelta(days=1) <= second - first < timedelta(days=1, minutes=5)
    assert timedelta(days=29) <= datetime.now(UTC) - second < timedelta(days=29, minutes=5)
    line = datetime.fromisoformat(parcel["revealed"][-1]["time"]).replace(tzinfo=BRASILIA)
    assert abs(line - second) < timedelta(minutes=1)
    simulator.control("POST", "reset")
    simulator.cohort(parcels=1, hours=0)
    assert datetime.now(UTC) - datetime.fromisoformat(simulator.truth()[0]["revealed_at"][0]) < timedelta(minutes=5)
