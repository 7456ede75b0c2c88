"""
Nothing personal and no secret stands in a log, an XCom, a metric, a trace, or a table that is not for it.

The real scheduler runs; then all that it left anywhere is searched for every name, address, document and credential
that the simulated shop has.
"""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from psycopg.rows import dict_row

from holdings import cells, places_of
from rastro.personal_data import BODY, CONTACT, HELD, sort_of_columns
from stack.airflow import METADATA
from stack.postgres import Server
from telemetry import Collector

pytestmark = pytest.mark.slow

BODIES = {name for name, sort in sort_of_columns().items() if sort is BODY}


@pytest.fixture(scope="module")
def lived(job: Any) -> Any:
    """The shop after some runs of every kind: mails that went and one that was refused, acts by hand, a dry run."""
    client = job.stack.client
    job.shop.send(40, share_sql=0.5)
    with psycopg.connect(job.shop.dsn) as conn:
        conn.execute("ALTER TABLE public.rastro_shipment ADD COLUMN IF NOT EXISTS receiver_email text")
        conn.execute("ALTER TABLE public.rastro_shipment ADD COLUMN IF NOT EXISTS receiver_name text")
        conn.execute(
            "UPDATE public.rastro_shipment SET receiver_email = 'presente.' || customer_email,"
            " receiver_name = 'Presenteada Inventada' WHERE customer_email IS NOT NULL"
        )
    job.shop.world.fault("smtp", "rcpt", status=550, times=1)
    assert job.run(dry_run=True)["state"] == "success"
    for _ in range(2):
        run = job.run()
        assert run["state"] == "success", job.why(run["dag_run_id"])
        job.shop.world.advance()
    wrong = job.run(window_start="2026-03-01T06:00:00Z", window_end="2026-03-01T05:00:00Z")
    assert wrong["state"] == "failed"
    job.stack.wait_for_dags(["act_by_hand", "erase_contents"])
    order_id = next(one["order_id"] for one in job.shop.world.truth() if one["follow"] and not one["refusal"])
    asked = {"action": "poll_now", "numbers": order_id, "reason": "a cliente ligou"}
    for dag_id, conf in (("act_by_hand", asked), ("erase_contents", {})):
        run_id = client.trigger(dag_id, logical_date=datetime.now(UTC), conf=conf)
        ended = client.wait_for_run(dag_id, run_id)
        assert ended["state"] == "success", client.task_log(dag_id, run_id, "act")[-2000:]
    return job


@pytest.fixture(scope="module")
def people(lived: Any) -> set[str]:
    """Whatever points at a person, as the shop's systems hold it."""
    world = lived.shop.world.info()["vtex"]
    found = {parcel["email"] for parcel in lived.shop.world.truth() if parcel["email"]}
    with psycopg.connect(lived.shop.dsn, row_factory=dict_row) as conn:
        for row in conn.execute("SELECT * FROM public.rastro_shipment").fetchall():
            found |= {row[name] for name in ("customer_name", "customer_email", "receiver_name", "receiver_email")}
    keys = {"X-VTEX-API-AppKey": world["app_key"], "X-VTEX-API-AppToken": world["app_token"]}
    for held in lived.shop.world.control("GET", "vtex/loja/orders"):
        url = f"{world['urls']['loja']}/api/oms/pvt/orders/{held['order_id']}"
        order = requests.get(url, headers=keys, timeout=30).json()
        client, address = order["clientProfileData"], order["shippingData"]["address"]
        found |= {client[name] for name in ("email", "document", "phone", "userProfileId", "lastName")}
        found |= {address["receiverName"], address["street"], f"{client['firstName']} {client['lastName']}"}
    found |= {name.split()[-1] for name in found if name and " " in name}  # family names
    return {one for one in found if one}


@pytest.fixture(scope="module")
def secrets(lived: Any) -> set[str]:
    world = lived.shop.world.info()
    return {
        world["vtex"]["app_token"], world["correios"]["access_code"], world["market"]["app_token"],
        world["webhook"]["secret"], world["smtp"]["password"], lived.stack.password,
    }  # fmt: skip


def told_in(texts: Iterator[tuple[str, str]], words: set[str]) -> set[tuple[str, str]]:
    """Which of the words stand in which of the texts, whatever their case."""
    wanted = {word: word.casefold() for word in words}
    return {
        (title, word) for title, text in texts for folded in [text.casefold()] for word, it in wanted.items()
        if it in folded
    }  # fmt: skip


def logs_of(job: Any) -> Iterator[tuple[str, str]]:
    """All that Airflow's processes and tasks have logged."""
    for folder in (job.stack.home / "logs", job.stack.logs):
        for path in sorted(one for one in Path(folder).rglob("*") if one.is_file()):
            yield str(path.relative_to(folder)), path.read_text("utf-8", errors="replace")


def test_the_shop_has_customers_of_every_sort_and_mails_went_to_them(lived: Any, people: set[str]) -> None:
    assert len(people) > 100
    assert "999.999.999-00" in people
    assert "+5500000000000" in people
    assert "Presenteada Inventada" in people
    mailed = {address for mail in lived.shop.world.mails() for address in mail["rcpt_tos"]}
    assert len(mailed & people) > 10
    assert any(address.startswith("presente.") for address in mailed)
    assert told_in(iter([("a log", "Enviado a ana.JASMIM")]), {"Jasmim"}), "the search is awake"


def test_no_log_names_a_person_or_a_secret(lived: Any, people: set[str], secrets: set[str]) -> None:
    logs = dict(logs_of(lived))
    tasks = {name: log for name, log in logs.items() if "task_id=" in name}
    assert any("task_id=email_customers" in name and "email_customers: sent" in log for name, log in tasks.items())
    assert any("task_id=erase_contents" in name for name in tasks)
    assert any("task_id=act" in name for name in tasks)
    assert {"api-server.log", "scheduler.log"} <= set(logs)
    assert told_in(iter(logs.items()), people | secrets) == set()
    assert not [name for name, log in tasks.items() if re.search(r"Bearer \S|eyJ[\w-]{8,}\.", log)]


def test_airflows_own_database_holds_no_person_and_no_secret(
    lived: Any, postgres: Server, people: set[str], secrets: set[str]
) -> None:
    dsn = postgres.dsn(METADATA)
    filled = {place for place, _ in cells(dsn)}
    assert {"xcom.value", "dag_run.conf", "dag_run_note.content", "rendered_task_instance_fields.rendered_fields"} <= (
        filled
    )
    assert {"log.event", "task_instance.task_id"} <= filled
    assert places_of(dsn, people | secrets) == set()


def test_the_warehouse_names_a_person_in_kept_bodies_alone(lived: Any, people: set[str], secrets: set[str]) -> None:
    dsn = lived.shop.warehouse
    filled = {place for place, _ in cells(dsn)}
    assert {"notice.rendered", "notice.recipient", "raw_answer.raw", "suppressed_address.address_hash"} <= filled
    assert {place.partition(".")[0] for place in filled} >= {"rehearsal", "manual_action", "run_stage"}
    assert filled & {f"{table}.{name}" for table in HELD for name in HELD[table].get(CONTACT, "").split()}
    assert places_of(dsn, people | secrets, passed_over=BODIES) == set()


def test_no_metric_and_no_trace_tells_of_a_person_or_a_secret(
    lived: Any, collector: Collector, people: set[str], secrets: set[str]
) -> None:
    deadline = time.monotonic() + 60
    while not (collector.spans and collector.metrics) and time.monotonic() < deadline:
        time.sleep(0.5)
    texts = {str(place): body.decode("utf-8", errors="replace") for place, body in enumerate(list(collector.bodies))}
    assert any("rastro.run.sent" in text for text in texts.values()), "metrics came in"
    assert any("track_deliveries" in text for text in texts.values()), "traces came in"
    numbers = {parcel[name] for parcel in lived.shop.world.truth() for name in ("order_id", "tracking_number")}
    assert told_in(iter(texts.items()), people | secrets | numbers - {""}) == set()
