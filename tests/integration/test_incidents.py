"""The data team hears of what goes wrong: once, by every way that is set, and again only when it comes back."""

import json
import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from rastro.incidents import Kind
from telemetry import Collector, collecting

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)
BUSY = """
INSERT INTO rastro.poll_batch (run_id, carrier, contract, window_start, window_end, from_poll_id, to_poll_id, calls,
    asked, unchanged, changed, refused, quarantined, unanswered, bytes, started_at, finished_at)
SELECT 'r', 'correios', 'c', now(), now(), 1, 9, 1, 100, 0, %s, 0, 0, 0, 10, now() - ago, now() - ago
FROM unnest(%s::interval[]) AS ago
"""
WEEKS = [week * timedelta(days=7) + 2 * HOUR for week in range(1, 5)]
OWED = """
INSERT INTO rastro.notice (shipment_id, channel, kind, content, target, state, event_at, owed_at, not_before, run_id)
SELECT shipment_id, 'marketplace', 'delivered', 'x', 'webhook:gone', 'owed', now(), now() - interval '3 hours',
       now() - interval '3 hours', 'r'
FROM rastro.shipment ORDER BY shipment_id LIMIT 1
"""


@pytest.fixture
def team() -> Iterator[Collector]:
    with collecting() as one:
        yield one


@pytest.fixture
def watched(shop: Any, team: Collector) -> Any:
    """A shop whose data team is told by Slack."""
    shop.configure(alert_by="slack:team_slack")
    shop.environment.setenv("AIRFLOW_CONN_TEAM_SLACK", slack_at(team.url))
    return shop


def slack_at(url: str) -> str:
    return json.dumps({"conn_type": "http", "host": f"{url}/services", "password": "T0/B0/a-secret-end"})


def said(team: Collector) -> list[str]:
    return [body["text"].splitlines()[0] for _, body in team.posts]


def silence(shop: Any) -> None:
    """Correios has been asked for hours in vain, which it is not wont to."""
    shop.execute(BUSY, 10, WEEKS)
    shop.execute(BUSY, 5, [8 * HOUR])
    shop.execute(BUSY, 0, [3 * HOUR, HOUR])


def test_a_silent_carrier_is_told_once_and_again_only_when_it_falls_silent_again(watched: Any, team: Collector) -> None:
    silence(watched)
    for _ in range(3):
        watched.hour()
    ((path, body),) = team.posts
    assert path == "/services/T0/B0/a-secret-end"
    assert set(body) == {"text"}
    assert "correios has had no news for 8.0 h" in body["text"]
    assert "docs/runbooks/carrier-silent.md" in body["text"]

    watched.rows("delivered")
    watched.hour()  # which has news
    watched.hour()
    assert len(team.posts) == 1
    watched.execute("UPDATE rastro.poll_batch SET finished_at = now() - interval '9 hours' WHERE run_id <> 'r'")
    watched.hour()
    watched.hour()
    assert len(team.posts) == 2
    states = watched.ask("SELECT kind, resolved_at IS NULL AS open FROM rastro.incident ORDER BY incident_id")
    assert states == [(Kind.CARRIER_SILENT, False), (Kind.CARRIER_SILENT, True)]


def test_a_way_that_fails_is_tried_again_and_fails_no_run_and_is_no_secret(
    watched: Any, team: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    silence(watched)
    team.refusing = True
    assert not watched.hour().failures
    assert "could not be told" in caplog.text
    assert "slack:team_slack" in caplog.text
    assert "a-secret-end" not in caplog.text
    team.refusing = False
    watched.hour()
    watched.hour()
    assert len(team.posts) == 1


def test_an_incident_that_is_not_taken_keeps_no_other_from_being_told(
    watched: Any, team: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    watched.execute(
        "INSERT INTO rastro.incident (kind, subject, said, began_at)"
        " SELECT 'run_failed', part, part || ': broken', now() FROM unnest('{first,middle,last}'::text[]) AS part"
    )
    narrowed = {"numbers": "1400120000001-01"}  # which ends none of them
    team.unwanted = "middle: broken"
    for _ in range(2):
        caplog.clear()
        watched.hour(params=narrowed)
        assert said(team) == ["Rastro: first: broken", "Rastro: last: broken"]
        assert "slack:team_slack" in caplog.text
        assert "answered 400" in caplog.text
    team.unwanted = ""
    watched.hour(params=narrowed)
    assert said(team)[2:] == ["Rastro: middle: broken"]


def test_each_way_tells_for_itself_and_a_webhook_is_given_the_parts(watched: Any, team: Collector) -> None:
    watched.configure(alert_by="webhook:team_hook, mail:dados@loja.example")
    watched.environment.setenv("AIRFLOW_CONN_TEAM_HOOK", json.dumps({"conn_type": "http", "host": f"{team.url}/hook"}))
    silence(watched)
    watched.hour()
    watched.hour()
    ((path, body),) = team.posts
    assert (path, body["kind"], body["subject"]) == ("/hook", "carrier_silent", "correios")
    assert datetime.fromisoformat(body["began_at"]) < datetime.now(UTC) - 7 * HOUR
    (mail,) = watched.simulator.mails()
    assert mail["rcpt_tos"] == ["dados@loja.example"]
    assert mail["subject"] == "Rastro: carrier silent: correios"


def test_a_notice_that_has_waited_too_long_is_told_of_until_it_waits_no_more(watched: Any, team: Collector) -> None:
    watched.rows("lost")
    watched.hour()
    watched.execute(OWED)
    watched.hour()
    watched.hour()
    assert [text for text in said(team) if "marketplace" in text and "waited for 3.0 h" in text] == said(team)[:1]
    watched.execute("UPDATE rastro.notice SET state = 'dropped', settled_at = now() WHERE target = 'webhook:gone'")
    watched.hour()
    ((over,),) = watched.ask("SELECT count(*) FROM rastro.incident WHERE kind = 'notice_waits' AND resolved_at IS NULL")
    assert over == 0


def context_of(run_id: str) -> dict[str, Any]:
    """What Airflow gives the callback of a failed run."""
    return {"dag_run": SimpleNamespace(run_id=run_id, dag_id="track_deliveries")}


def test_a_run_that_failed_is_told_by_its_parts_once_until_they_work_again(watched: Any, team: Collector) -> None:
    from rastro.orchestration.incidents import run_has_failed

    watched.rows("delivered", parcels=3)
    watched.simulator.fault("correios", "status", status=403, match="srorastro", times=0)
    for _ in range(3):
        run_has_failed(context_of(watched.hour().run_id))
    (text,) = said(team)
    assert text.startswith("Rastro: track correios: correios: GET")
    assert "403" in text
    watched.simulator.control("DELETE", "faults")
    watched.pauses_end()
    assert not watched.hour().failures
    ((still,),) = watched.ask("SELECT count(*) FROM rastro.incident WHERE resolved_at IS NULL")
    assert still == 0


def test_what_only_the_check_of_a_run_has_found_is_told_once_until_it_is_mended(watched: Any, team: Collector) -> None:
    from rastro.orchestration.incidents import run_has_failed

    carriers = os.environ["AIRFLOW__RASTRO__CARRIERS"]
    watched.configure(carriers=f"{carriers}, coreios:correios")
    for _ in range(3):
        hour = watched.hour()
        assert hour.failed == {"check_run"}
        assert str(hour.failures["check_run"]).count("there is no coreios") == 1
        run_has_failed(context_of(hour.run_id))
    (text,) = said(team)
    assert text.startswith("Rastro: check_run: carriers: there is no coreios")
    assert len(watched.ask("SELECT FROM rastro.incident")) == 1
    watched.configure(carriers=carriers)
    assert not watched.hour().failures
    assert not watched.ask("SELECT FROM rastro.incident WHERE resolved_at IS NULL")


def test_a_run_narrowed_to_some_parcels_says_nothing_about_the_others(watched: Any) -> None:
    watched.execute(
        "INSERT INTO rastro.incident (kind, subject, said, began_at) VALUES ('run_failed', 'track jadlog', 's', now())"
    )
    watched.hour(params={"numbers": "1400120000001-01"})
    assert watched.ask("SELECT 1 FROM rastro.incident WHERE resolved_at IS NULL")
    watched.hour()
    assert not watched.ask("SELECT 1 FROM rastro.incident WHERE resolved_at IS NULL")


def test_a_late_run_is_told_once_until_one_is_in_time_and_one_that_has_ended_is_not_late(
    watched: Any, team: Collector
) -> None:
    from rastro.orchestration.incidents import run_is_late

    def missed(run_id: str, state: str = "running") -> None:
        run_is_late({"dag_run": {"dag_run_id": run_id, "dag_id": "track_deliveries", "state": state}})

    missed("failed-before", "failed")
    assert not team.posts
    missed("one")
    missed("two")
    assert said(team) == ["Rastro: the run one of track_deliveries has not come to its end an hour after it was due"]
    watched.hour()
    missed("three")
    assert len(team.posts) == 2


def test_without_the_warehouse_a_failed_run_is_told_of_all_the_same(watched: Any, team: Collector) -> None:
    from rastro.orchestration.incidents import run_has_failed

    watched.connect_by("rastro_warehouse", host="127.0.0.1", port=1)
    run_has_failed(context_of("lost"))
    (text,) = said(team)
    assert "warehouse: The warehouse cannot be reached" in text


def test_two_runs_that_end_at_once_tell_it_once(watched: Any, team: Collector) -> None:
    from rastro.orchestration.incidents import begin
    from rastro.orchestration.workshop import Workshop

    shop = Workshop.open("r")
    begin(shop, [])
    watched.execute(
        "INSERT INTO rastro.incident (kind, subject, said, began_at)"
        " SELECT 'run_failed', 'part ' || n, 'said', now() FROM generate_series(1, 20) AS n"
    )
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(begin, shop, []) for _ in range(4)]:
            done.result()
    begin(shop, [])
    assert len(team.posts) == 20
    assert watched.ask("SELECT DISTINCT told FROM rastro.incident") == [(["slack:team_slack"],)]


def test_nobody_is_told_where_no_way_is_set(shop: Any, team: Collector) -> None:
    silence(shop)
    shop.hour()
    assert not team.posts
    assert len(shop.ask("SELECT 1 FROM rastro.incident WHERE told = '{}'")) == 1
