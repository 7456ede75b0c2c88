"""``track_deliveries`` as it is drawn, and run task by task in this process against the simulated services."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rastro.carriers.registry import CARRIERS
from simulator.testing import Running
from stack.postgres import Server
from stack.wiring import wiring

pytestmark = pytest.mark.slow

DAG_ID = "track_deliveries"
MOST_XCOM_BYTES = 64 * 1024
LONGEST_WORD_OF_OURS = 64  # an account, a carrier, a task, a label; never a body
HOUR = timedelta(hours=1)


@pytest.fixture
def dag(airflow_here: Any) -> Any:
    """The DAG as Airflow loads it from its folder."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag()
    assert bag.import_errors == {}
    dag = bag.dags[DAG_ID]
    assert dag.deadline
    dag.deadline = None  # with one, Airflow's dag.test breaks off when all is done: its issue 73428
    return dag


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One run: its state, the states of its tasks (one per mapped one), and what the tasks handed on."""

    run_id: str
    state: str
    tasks: dict[str, list[str]]
    xcoms: list[tuple[str, str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The DAG, the services it reaches, and the warehouse it fills."""

    dag: Any
    simulator: Running
    shop: str
    warehouse: psycopg.Connection
    metadata: str

    def send(self, parcels: int, **more: object) -> None:
        self.simulator.cohort(parcels=parcels, sql_dsn=self.shop, **more)

    def run(self, **conf: str) -> Ran:
        """One run with ``dag.test``, by default over the hour up to now."""
        now = datetime.now(UTC)
        typed = {"window_start": (now - HOUR).isoformat(), "window_end": now.isoformat()} | conf
        run = self.dag.test(logical_date=now, run_conf=typed)
        with psycopg.connect(self.metadata) as conn:
            states: dict[str, list[str]] = {}
            for task_id, state in conn.execute(
                "SELECT task_id, state FROM task_instance WHERE run_id = %s ORDER BY 1, 2", [run.run_id]
            ):
                states.setdefault(task_id, []).append(state)
            xcoms = conn.execute(
                "SELECT task_id, key, value FROM xcom WHERE run_id = %s ORDER BY 1, 2", [run.run_id]
            ).fetchall()
        return Ran(run_id=run.run_id, state=run.state, tasks=states, xcoms=xcoms)

    def one(self, query: str, *values: object) -> Any:
        row = self.warehouse.execute(query, values).fetchone()
        self.warehouse.rollback()
        assert row is not None, query
        return row[0]


@pytest.fixture
def settings(simulator: Running, warehouse: Any, postgres: Server) -> dict[str, str]:
    shop = postgres.airflow_connection(shop_beside(warehouse))
    return wiring(simulator.info(), warehouse=warehouse.airflow_connection, shop=shop)


@pytest.fixture
def bench(
    dag: Any, airflow_here: Any, simulator: Running, warehouse: Any, postgres: Server, settings: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Bench:  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return Bench(
        dag=dag, simulator=simulator, shop=postgres.create(shop_beside(warehouse)), warehouse=warehouse.connection,
        metadata=airflow_here.metadata,
    )  # fmt: skip


def shop_beside(warehouse: Any) -> str:
    return f"shop_of_{warehouse.connection.info.dbname}"


# The drawing


def test_the_tasks_stand_in_the_order_of_the_drawing(dag: Any) -> None:
    def after(task_id: str) -> set[str]:
        return set(dag.task_dict[task_id].downstream_task_ids)

    assert CARRIERS
    assert after("sync_orders") == {"plan_polls", "receive_news"}
    assert after("receive_news") == {"load_changes"}
    assert after("plan_polls") == {f"track.slices_{code}" for code in CARRIERS}
    for code in CARRIERS:
        assert after(f"track.slices_{code}") == {f"track.{code}"}
        assert after(f"track.{code}") == {"load_changes"}
    assert after("load_changes") == {"choose_deliveries"}
    ways = {
        *("update_orders.accounts", "email_customers", "confirm_marketplaces.marketplaces", "alert_shop"),
        *("rehearse", "nothing_to_tell", "held_channels"),
    }
    assert after("held_channels") == {"ask_for_release"}
    assert after("choose_deliveries") == ways
    ends = {
        *("update_orders.write", "email_customers", "confirm_marketplaces.confirm", "alert_shop", "rehearse"),
        *("nothing_to_tell", "ask_for_release"),
    }
    assert set(dag.task_dict["check_run"].upstream_task_ids) == ends
    assert [task.task_id for task in dag.leaves] == ["check_run"]


def test_asking_writing_and_confirming_are_mapped(dag: Any) -> None:
    mapped = {task.task_id for task in dag.tasks if task.is_mapped}
    asking = {f"track.{code}" for code in CARRIERS}
    assert mapped == {*asking, "update_orders.write", "confirm_marketplaces.confirm", "ask_for_release"}


def test_what_must_happen_whatever_fails_before_it_waits_only_for_the_end_of_it(dag: Any) -> None:
    patient = {task.task_id for task in dag.tasks if task.trigger_rule == "all_done"}
    assert patient == {"plan_polls", "receive_news", "load_changes", "choose_deliveries", "check_run"}


def test_each_carrier_is_asked_in_a_pool_of_its_own_that_exists(dag: Any, airflow_here: Any) -> None:
    assert CARRIERS
    with psycopg.connect(airflow_here.metadata) as conn:
        known = {name for (name,) in conn.execute("SELECT pool FROM slot_pool")}
    assert {dag.task_dict[f"track.{code}"].pool: code for code in CARRIERS} == {code: code for code in CARRIERS}
    assert set(CARRIERS) <= known


def test_every_task_is_repeated_by_the_policy_and_the_last_one_never(dag: Any) -> None:
    from rastro.orchestration.retry import RetryWhatMayHelp

    retries = {task.task_id: task.retries for task in dag.tasks}
    assert retries.pop("check_run") == 0
    assert min(retries.values()) >= 1
    assert {type(task.retry_policy) for task in dag.tasks} == {RetryWhatMayHelp}


def test_runs_follow_each_other_hour_by_hour(dag: Any) -> None:
    assert (dag.max_active_runs, dag.catchup) == (1, False)
    assert dag.doc_md.count("**") >= 10


def test_its_tasks_and_not_those_of_others_are_linked_with_the_operators_pages(dag: Any) -> None:
    from airflow.sdk import DAG, task
    from airflow.serialization.serialized_objects import DagSerialization

    def links(one: Any) -> dict[str, list[str]]:
        read = DagSerialization.from_dict(DagSerialization.to_dict(one))
        return {task.task_id: task.extra_links for task in read.tasks}

    with DAG("of_somebody_else", schedule=None) as other:
        parts = task(task_id="plan")(lambda: [1])()
        task(task_id="work")(lambda part: part).expand(part=parts)
    assert set(map(tuple, links(other).values())) == {()}
    ours = links(dag)
    assert ours.pop("ask_for_release") == ["Triggered DAG"]
    assert set(map(tuple, ours.values())) == {("Deliveries of this run",)}


# Runs


def test_a_run_tells_everyone_and_the_next_one_has_nothing_to_tell(bench: Bench) -> None:
    bench.send(80, share_sql=0.4)
    first = bench.run()
    for _ in range(3):
        bench.simulator.advance()
    told = bench.run()
    quiet = bench.run()

    assert [first.state, told.state, quiet.state] == ["success"] * 3
    done = {task_id for task_id, states in told.tasks.items() if set(states) == {"success"}}
    others = {f"track.{part}{code}" for code in CARRIERS if code != "correios" for part in ("", "slices_")}
    held = {"held_channels", "ask_for_release"}
    assert set(told.tasks) - done - others == {"nothing_to_tell", "alert_shop", "rehearse", *held}
    assert not done & others
    assert told.tasks["nothing_to_tell"] == told.tasks["rehearse"] == ["skipped"]
    assert len(told.tasks["confirm_marketplaces.confirm"]) == 2

    assert quiet.tasks["nothing_to_tell"] == ["success"]
    skipped = {task_id for task_id, states in quiet.tasks.items() if states == ["skipped"]}
    assert skipped >= {"email_customers", "update_orders.accounts", "confirm_marketplaces.marketplaces"}
    assert quiet.tasks["track.correios"] == ["success"]
    assert bench.one("SELECT sum(changed) FROM rastro.poll_batch WHERE run_id = %s", quiet.run_id) == 0
    assert len(bench.simulator.mails()) == bench.one(
        "SELECT count(*) FROM rastro.notice WHERE channel = 'email' AND state = 'sent'"
    )


def test_tasks_hand_on_ids_and_counts_and_nobodys_data(bench: Bench) -> None:
    bench.send(80, share_sql=0.4)
    bench.run()
    bench.simulator.advance()
    ran = bench.run()

    parcels = bench.simulator.truth()
    private = {
        one[name]
        for one in parcels
        for name in ("tracking_number", "email", "order_id", "invoice_number", "marketplace_order_id")
        if len(one[name]) > 3
    }
    assert len(private) > 100
    assert len(ran.xcoms) > 10
    handed_on = [json.dumps(value) for _, _, value in ran.xcoms]
    assert not [(secret, text) for secret in private for text in handed_on if secret in text]
    assert sum(map(len, handed_on)) < MOST_XCOM_BYTES
    words = [json.dumps(value) for _, key, value in ran.xcoms if key != "summary"]
    assert max(len(word) for text in words for word in re.findall('"([^"]*)"', text)) <= LONGEST_WORD_OF_OURS


def test_a_carrier_that_fails_leaves_the_rest_done_and_the_run_red_saying_why(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.send(60, share_sql=1.0, kinds=["delivered"])
    bench.simulator.fault("correios", "status", status=403, match="srorastro", skip=1, times=0)
    ran = bench.run()

    assert ran.state == "failed"
    failed = {task_id for task_id, states in ran.tasks.items() if "failed" in states}
    assert failed == {"track.correios", "check_run"}
    assert ran.tasks["load_changes"] == ran.tasks["email_customers"] == ["success"]
    answered = bench.one("SELECT count(*) FROM rastro.poll_state WHERE answered_at IS NOT NULL")
    assert 0 < answered < 60
    assert len(bench.simulator.mails()) == answered
    said = [line for line in capsys.readouterr().out.splitlines() if "did all it could" in line]
    assert said
    assert "correios: GET /srorastro/v1/objetos answered 403" in said[-1]
    assert "check the credentials of the connection" in said[-1]


def test_the_window_typed_into_the_form_is_the_runs_window(bench: Bench) -> None:
    bench.send(5, share_sql=1.0, kinds=["delivered"])
    ran = bench.run(window_start="2026-03-01T05:00:00+00:00", window_end="2026-03-01T06:00:00+00:00")
    assert ran.state == "success"
    (window,) = bench.warehouse.execute("SELECT window_start, window_end FROM rastro.poll_batch").fetchall()
    assert window == (datetime(2026, 3, 1, 5, tzinfo=UTC), datetime(2026, 3, 1, 6, tzinfo=UTC))


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2026-03-01T05:00:00Z", None, "Give both window_start and window_end"),
        ("2026-03-01T06:00:00Z", "2026-03-01T05:00:00Z", "window_start must lie before window_end"),
        ("2026-03-01T06:00:00Z", "2026-03-01T06:00:00Z", "window_start must lie before window_end"),
        ("yesterday", "2026-03-01T05:00:00Z", "must be ISO times"),
    ],
)
def test_times_that_make_no_window_are_refused_saying_why(start: str | None, end: str | None, said: str) -> None:
    from rastro.errors import Misconfigured
    from rastro.orchestration.windows import window_of

    with pytest.raises(Misconfigured, match=said):
        window_of({"params": {"window_start": start, "window_end": end}})


def test_the_window_is_the_runs_interval_or_else_the_last_full_hour() -> None:
    from types import SimpleNamespace

    from rastro.orchestration.windows import window_of

    five = datetime(2026, 3, 1, 5, tzinfo=UTC)
    window = window_of({"params": {}, "data_interval_start": five, "data_interval_end": five + HOUR})
    assert (window.start, window.end) == (five, five + HOUR)
    by_hand = SimpleNamespace(run_after=five + timedelta(minutes=20))
    window = window_of({"params": {}, "data_interval_start": None, "data_interval_end": None, "dag_run": by_hand})
    assert (window.start, window.end) == (five - HOUR, five)


def test_airflow_dags_test_works_from_the_command_line(
    airflow_here: Any, bench: Bench, settings: dict[str, str]
) -> None:
    bench.send(12, share_sql=0.5)
    done = airflow_here.airflow("dags", "test", DAG_ID, "2026-10-01T00:00:00", **settings)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    assert bench.one("SELECT count(*) FROM rastro.poll_batch WHERE trouble = ''") == 1
    emails = {parcel["email"] for parcel in bench.simulator.truth() if parcel["email"]}
    assert emails
    assert not [email for email in emails if email in said]


def test_lineage_names_the_tables_of_a_run_where_it_is_told_where_to_send_it(
    airflow_here: Any, bench: Bench, settings: dict[str, str], tmp_path: Path
) -> None:
    bench.send(12, share_sql=0.5)
    transport = {"type": "file", "log_file_path": str(tmp_path / "events.jsonl"), "append": True}
    told = {"AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport), "AIRFLOW__OPENLINEAGE__DISABLED_SOURCE_CODE": "1"}
    done = airflow_here.airflow("dags", "test", DAG_ID, "2026-10-02T00:00:00", **settings, **told)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    text = (tmp_path / "events.jsonl").read_text()
    events = [json.loads(line) for line in text.splitlines()]
    name = f"{bench.warehouse.info.dbname}.rastro"
    written = {
        (one["job"]["name"].removeprefix(f"{DAG_ID}."), table["name"])
        for one in events
        for table in one["outputs"]
        if one["eventType"] == "COMPLETE"
    }
    assert {table["namespace"] for one in events for table in one["outputs"]} == {"postgres://localhost:5432"}
    assert ("load_changes", f"{name}.tracking_event") in written
    assert ("track.correios", f"{name}.staged_snapshot") in written
    assert ("sync_orders", f"{name}.shipment") in written
    private = {one["email"] for one in bench.simulator.truth()} | {
        one["tracking_number"] for one in bench.simulator.truth()
    }
    assert len(private) > 10
    assert not [word for word in private if word and word in text]


# When a failed task is run again


@pytest.fixture
def decide(airflow_here: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], Any]:
    from rastro.orchestration.retry import RetryWhatMayHelp

    monkeypatch.setenv("AIRFLOW__RASTRO__RETRY_DELAY", "90s")
    return lambda error: RetryWhatMayHelp().evaluate(error, 1, 2)


def test_a_permanent_error_fails_at_once(decide: Callable[[BaseException], Any]) -> None:
    from rastro.errors import CredentialsRefused, Misconfigured, Permanent

    for error in (Permanent("no"), Misconfigured("no"), CredentialsRefused("no")):
        assert decide(error).action.value == "fail"


@pytest.mark.parametrize(
    ("asked", "pause"),
    [(None, timedelta(seconds=90)), (5.0, timedelta(seconds=90)), (300.0, timedelta(minutes=5)), (7200.0, HOUR / 6)],
)
def test_a_transient_error_waits_as_long_as_the_other_side_asked_within_reason(
    decide: Callable[[BaseException], Any], asked: float | None, pause: timedelta
) -> None:
    from rastro.errors import RateLimited, Transient

    for kind in (Transient, RateLimited):
        decision = decide(kind("later", retry_after=asked))
        assert (decision.action.value, decision.retry_delay) == ("retry", pause)


def test_an_error_nobody_foresaw_is_left_to_airflow(decide: Callable[[BaseException], Any]) -> None:
    assert decide(ValueError("odd")).action.value == "default"
