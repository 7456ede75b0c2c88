"""Runs through the real scheduler, and what a running Airflow knows of Rastro."""

import re
import subprocess
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import requests

from rastro.carriers.registry import CARRIERS

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)
ASKED = re.compile("codigosObjetos=([A-Z0-9]+)")


def asked_since(job: Any, began: datetime) -> Counter[str]:
    """How often the carrier was asked about each number."""
    calls = [one for one in job.shop.world.requests() if datetime.fromisoformat(one["time"]) >= began]
    return Counter(number for call in calls for number in ASKED.findall(call["path"]))


def test_the_run_that_the_scheduler_begins_by_itself_succeeds(job: Any) -> None:
    runs = job.stack.client.runs(job.dag_id)
    assert "scheduled" in {run["run_type"] for run in runs}


def test_a_triggered_run_with_another_window_asks_about_each_parcel_once(job: Any) -> None:
    job.shop.send(40)
    began = datetime.now(UTC)
    run = job.run(window=(began - timedelta(minutes=90), began))
    assert run["state"] == "success", job.why(run["dag_run_id"])
    asked = asked_since(job, began)
    assert len(asked) >= 40
    assert set(asked.values()) == {1}
    with psycopg.connect(job.shop.warehouse) as conn:
        windows = conn.execute(
            "SELECT DISTINCT window_start, window_end FROM rastro.poll_batch WHERE run_id = %s", [run["dag_run_id"]]
        ).fetchall()
    assert windows == [(began - timedelta(minutes=90), began)]


def test_times_in_the_form_that_make_no_window_fail_the_run_with_one_clear_line(job: Any) -> None:
    run = job.run(window_start="2026-03-01T06:00:00Z", window_end="2026-03-01T05:00:00Z")
    assert run["state"] == "failed"
    log = job.stack.client.task_log(job.dag_id, run["dag_run_id"], "plan_polls")
    assert "window_start must lie before window_end" in log
    assert "plan_polls" in job.why(run["dag_run_id"])
    states = {task["task_id"]: task["state"] for task in job.stack.client.task_instances(job.dag_id, run["dag_run_id"])}
    assert states["sync_orders"] == states["load_changes"] == "success"
    assert {task_id for task_id, state in states.items() if state == "failed"} == {"plan_polls", "check_run"}


def test_the_connection_form_offers_our_types_with_their_fields(job: Any) -> None:
    job.stack.client.unhealthy()  # logs in
    token = requests.post(
        f"{job.stack.url}/auth/token",
        json={"username": job.stack.user, "password": job.stack.password},
        timeout=10,
    ).json()["access_token"]
    offered = requests.get(
        f"{job.stack.url}/ui/connections/hook_meta", headers={"Authorization": f"Bearer {token}"}, timeout=30
    )
    assert offered.ok, offered.text
    types = {one["connection_type"]: one for one in offered.json()}
    assert {"vtex", "correios", "vtex_protocol", "webhook"} <= set(types)
    fields = {one.name for one in CARRIERS["correios"].connection_fields} - {"host", "login", "password"}
    assert "posting_card" in fields
    assert set(types["correios"]["extra_fields"]) == fields
    assert "mailer" in types["vtex"]["extra_fields"]
    assert types["vtex"]["standard_fields"]["password"]["title"] == "AppToken"


def test_the_settings_are_part_of_airflows_configuration(job: Any) -> None:
    without = {name: value for name, value in job.stack.environment.items() if "__RASTRO__" not in name}
    for environment, expected in ((without, "60m"), (job.stack.environment, "0")):
        done = subprocess.run(
            job.stack.command("config", "get-value", "rastro", "poll_every"),
            env=environment, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == expected  # before it, Airflow says where its metrics go


def by_hand(job: Any, **conf: object) -> dict[str, Any]:
    """A run of ``act_by_hand``, and the run of ``track_deliveries`` that it triggers, when both have finished."""
    client = job.stack.client
    job.stack.wait_for_dags(["act_by_hand"])
    began = datetime.now(UTC)
    run_id = client.trigger("act_by_hand", logical_date=began, conf={"reason": "a cliente ligou", **conf})
    acted = client.wait_for_run("act_by_hand", run_id)
    assert acted["state"] == "success", client.task_log("act_by_hand", run_id, "act")[-3000:]
    followed = client.xcoms("act_by_hand", run_id, "track", map_index=0)["trigger_run_id"]
    assert client.wait_for_run(job.dag_id, followed)["state"] == "success"
    return acted


def test_a_delivery_confirmed_by_hand_is_on_the_order_when_the_runs_have_ended_and_says_who_did_it(job: Any) -> None:
    job.shop.send(1, kinds=["delivered"], share_sql=0)
    assert job.run()["state"] == "success"
    parcel = job.shop.world.truth()[-1]
    acted = by_hand(job, action="confirm_delivery", numbers=parcel["order_id"])
    orders = {one["order_id"]: one for one in job.shop.world.control("GET", "vtex/loja/orders")}
    (package,) = orders[parcel["order_id"]]["packages"]
    assert package["finished"]
    with psycopg.connect(job.shop.warehouse) as conn:
        done = conn.execute(
            "SELECT done_by, action, subject FROM rastro.manual_action WHERE run_id = %s", [acted["dag_run_id"]]
        ).fetchall()
    assert done == [(job.stack.user, "confirm_delivery", parcel["tracking_number"])]


def test_a_form_that_makes_no_sense_fails_with_one_line_and_nothing_follows(job: Any) -> None:
    client = job.stack.client
    job.stack.wait_for_dags(["act_by_hand"])
    run_id = client.trigger(
        "act_by_hand",
        logical_date=datetime.now(UTC),
        conf={"action": "pause", "numbers": "ZZ999999999BR", "reason": "x"},
    )
    assert client.wait_for_run("act_by_hand", run_id)["state"] == "failed"
    assert "Nothing was done. nothing is known about ZZ999999999BR" in client.task_log("act_by_hand", run_id, "act")


@pytest.mark.parametrize("answer", ["Approve", "Reject"])
def test_a_channel_beyond_its_limit_is_released_by_the_person_who_approves_it(job: Any, answer: str) -> None:
    client = job.stack.client
    job.stack.wait_for_dags(["approve_release"])
    before = {run["dag_run_id"] for run in client.runs(job.dag_id)}
    conf = {"channel": "email", "why": "4,812 e-mails owed, limit 2,000"}
    run_id = client.trigger("approve_release", logical_date=datetime.now(UTC), conf=conf)
    where = f"/dags/approve_release/dagRuns/{run_id}/taskInstances/approve/-1/hitlDetails"
    deadline = time.monotonic() + 300
    while not (asked := client.call("GET", where, ok=[404])).ok and time.monotonic() < deadline:
        time.sleep(0.5)
    assert asked.json()["subject"] == "Release email? 4,812 e-mails owed, limit 2,000"
    # Nobody answers before the executor has told the scheduler of the asking, which would fail the task.
    told = re.compile(rf"Received executor event .*task_id='approve', run_id='{re.escape(run_id)}'")
    while not told.search((job.stack.logs / "scheduler.log").read_text()) and time.monotonic() < deadline:
        time.sleep(0.5)
    client.call("PATCH", where, json={"chosen_options": [answer], "params_input": {}})
    ended = client.wait_for_run("approve_release", run_id)
    assert ended["state"] == "success", client.task_log("approve_release", run_id, "approve")[-3000:]
    new = [run for run in client.runs(job.dag_id) if run["dag_run_id"] not in before]
    made = [run for run in new if run["run_type"] != "scheduled"]
    assert [run["conf"] for run in made] == ([{"release": ["email"]}] if answer == "Approve" else [])
    for run in made:
        assert client.wait_for_run(job.dag_id, run["dag_run_id"])["state"] == "success", job.why(run["dag_run_id"])


def note_of(job: Any, run_id: str, dag_id: str = "track_deliveries") -> str:
    """The note on a run, which the scheduler writes when it has ended."""
    deadline = time.monotonic() + 30
    while not (note := job.stack.client.run(dag_id, run_id)["note"]) and time.monotonic() < deadline:
        time.sleep(0.25)
    return str(note)


def test_each_run_has_a_note_that_says_what_it_did_or_what_went_wrong(job: Any) -> None:
    job.shop.send(12)
    run = job.run()
    assert re.match(r"[\d,]+ parcels asked about, .*[\d,]+ new events", note_of(job, run["dag_run_id"]))
    wrong = job.run(window_start="2026-03-01T06:00:00Z", window_end="2026-03-01T05:00:00Z")
    assert wrong["state"] == "failed"
    assert "\nWrong: " in note_of(job, wrong["dag_run_id"])
    assert "window_start must lie before window_end" in note_of(job, wrong["dag_run_id"])


def test_old_contents_are_erased_by_a_run_that_says_how_many_and_a_rerun_finds_none(job: Any) -> None:
    client = job.stack.client
    job.stack.wait_for_dags(["erase_contents"])
    for run in client.runs("erase_contents"):  # that of the day, which the scheduler began
        client.wait_for_run("erase_contents", run["dag_run_id"])
    with psycopg.connect(job.shop.warehouse) as conn:
        conn.execute(
            "INSERT INTO rastro.rehearsal (run_id, channel, target, account, order_id, kind, notices, verdict,"
            " rehearsed_at) SELECT 'dry', 'email', 'sql:erp', 'sql:erp', 'O', 'delivered', 1, 'send',"
            " now() - interval '1 year' FROM generate_series(1, 12)"
        )
    notes = []
    for expected in (12, 0):
        run_id = client.trigger("erase_contents", logical_date=datetime.now(UTC))
        assert client.wait_for_run("erase_contents", run_id)["state"] == "success"
        told = client.xcoms("erase_contents", run_id, "erase_contents")["return_value"]
        assert {kind: number for kind, number in told.items() if number} == ({"rehearsals": 12} if expected else {})
        assert f"rehearsals {expected}" in client.task_log("erase_contents", run_id, "erase_contents")
        notes.append(note_of(job, run_id, "erase_contents"))
    assert notes == ["Erased: 12 rehearsals.", "Nothing was old enough to be erased."]
