"""
Some hours of parcels' life against the simulated services, driven through Airflow's scheduler: ``make demo``.

``WORLD=wide`` adds 20,000 parcels over all carriers and marketplaces, on a state of its own.

First a backfill of hours that were missed, then hour after hour as the simulator reveals news, then an audit of what
really arrived. Each demo on the same state adds parcels of its own and leaves the finished ones alone, which is checked
too: the audit is over everything that was ever received.
"""

import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_string, policy
from pathlib import Path
from typing import Any

import psycopg
import requests

from stack.airflow import LOOPBACK, AirflowStack, airflow_stack, free_port
from stack.audit import Evidence, Finding, audit, figures, lines_of, wide_audit
from stack.postgres import embedded_postgres
from stack.processes import StackError, stop_when_told
from stack.product import migrate_warehouse, pools
from stack.shell_environment import shell_environment
from stack.simulator import Simulator, simulator
from stack.state import REPOSITORY, STATE, claimed, write_private
from stack.summary import summary, table
from stack.tracking_pages import tracking_pages
from stack.wiring import SHOPS_PEOPLE, wiring

DAG = "track_deliveries"
HOUR = timedelta(hours=1)
MISSED_HOURS = 3
PARCELS = 240
WIDE_PARCELS = 20_000
LONGEST_RUN = timedelta(minutes=30)
MOST_STEPS = 12
BACKFILL_FIRST = "Backfill of missed hours"
INTERRUPTED = 130
LINK = re.compile(r"http://\S+/r/[\w-]+")
MAILED = """
SELECT s.order_id, s.tracking_number FROM rastro.shipment s JOIN rastro.notice n USING (shipment_id)
WHERE n.channel = 'email' AND n.state = 'sent' AND s.tracking_number <> '' ORDER BY n.notice_id DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The simulator's control calls."""

    url: str

    def get(self, path: str) -> Any:
        return self._call("GET", path)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._call("POST", path, json=body)

    def _call(self, method: str, path: str, **options: Any) -> Any:
        answer = requests.request(method, f"{self.url}/control/{path}", timeout=60, **options)
        answer.raise_for_status()
        return answer.json()


def demo(*, stay: bool, wide: bool) -> bool:
    """Runs the demo; whether everything happened as it must."""
    began = time.monotonic()
    state = STATE / "wide" if wide else STATE
    where = state / "demo.json"
    with claimed(STATE), embedded_postgres(state / "postgres") as postgres:
        where.unlink(missing_ok=True)  # what the demo before left says where its logs are, and names dead ports
        say(f"PostgreSQL is up ({time.monotonic() - began:.0f} s). Migrating the warehouse …")
        warehouse, shop = postgres.create("rastro"), postgres.create("shop")
        migrate_warehouse(warehouse)
        with simulator(state) as world:
            control = Control(url=world.url)
            settings = wiring(
                control.get("info"),
                warehouse=postgres.airflow_connection("rastro"),
                shop=postgres.airflow_connection("shop"),
                alert_to=SHOPS_PEOPLE,
                wide=wide,
                tracking_page=(pages := f"http://{LOOPBACK}:{free_port()}"),
                **({"most_notices": ""} if wide else {}),
            )
            with (
                airflow_stack(state, postgres, settings=settings, pools=pools(), say=say) as airflow,
                tracking_pages(pages, environment=airflow.environment, logs=state / "logs"),
                shell_environment(state, airflow.environment, warehouse) as told,
            ):
                airflow.wait_for_dags([DAG])
                say(f"Airflow is up ({time.monotonic() - began:.0f} s).")
                publish(where, airflow, warehouse, world)
                since = datetime.now(UTC)
                live(airflow, control, shop, wide=wide)
                quiet(airflow)  # an hour may have ended meanwhile, and its run must not go on under the audit
                holds = report(control, world, warehouse, since, wide=wide)
                say(f"\nAll in {time.monotonic() - began:.0f} s.")
                if stay:
                    say(f"\nAirflow's UI: {airflow.url}\nUser:         {airflow.user}")
                    say(f"Password:     {airflow.password}")
                    say(what_to_look_at(warehouse, world, told))
                    say(f"\nIt stays up until Ctrl-C; scripts find everything in {where.relative_to(REPOSITORY)}.")
                    with suppress(KeyboardInterrupt):
                        airflow.stay()
                    say("\nStopping …")
    if not stay:
        say(where_it_stands(state, world))
    return holds


def what_to_look_at(warehouse: str, world: Simulator, told: Path) -> str:
    """One parcel of which a customer was mailed, the commands that tell of it, and a page that a mail links to."""
    with psycopg.connect(warehouse) as conn:
        order_id, number = conn.execute(MAILED).fetchone() or ("", "")
    return (
        f"\nIn another shell, at the top of the project:\n\n    . {told.relative_to(REPOSITORY)}\n"
        f"    rastro status {order_id}\n    rastro status {number}\n    airflow dags list-runs {DAG}\n\n"
        f"A customer's tracking page, as a mail links to it:\n\n    {newest_link(lines_of(world.mail_log))}"
    )


def where_it_stands(state: Path, world: Simulator) -> str:
    """What is left to be read when everything has ended."""
    logs = " and ".join(str(log.relative_to(REPOSITORY)) for log in (world.log, world.mail_log))
    return (
        f"\nEverything is ended. What the services received stands in {logs}; the databases are kept\n"
        f"below {state.relative_to(REPOSITORY)}: the same command without EXIT=1 brings them up, with Airflow's UI."
    )


def newest_link(mails: Sequence[Mapping[str, Any]]) -> str:
    """The tracking page that the newest mail with one links to; empty without any."""
    for mail in reversed(mails):
        text = message_from_string(mail["raw"], policy=policy.default).get_body(("plain",))
        if text and (found := LINK.search(text.get_content())):
            return found.group()
    return ""


def opens(page: str) -> bool:
    """Whether there is a tracking page at an address."""
    return bool(page) and requests.get(page, timeout=30).ok


def publish(where: Path, airflow: AirflowStack, warehouse: str, world: Simulator) -> None:
    """``demo.json``: where scripts find things; for its owner only. It stays after the end, for the logs it names."""
    found = {
        "ui_url": airflow.url,
        "ui_user": airflow.user,
        "ui_password": airflow.password,
        "warehouse_dsn": warehouse,
        "simulator_url": world.url,
        "simulator_log": str(world.log),
        "mail_log": str(world.mail_log),
    }
    write_private(where, json.dumps(found, indent=2) + "\n")


def live(airflow: AirflowStack, control: Control, shop: str, *, wide: bool) -> None:
    """The parcels' life: missed hours, then news hour by hour until no parcel has any left."""
    cohorts = {parcel["cohort"] for parcel in control.get("truth")["parcels"]}
    if cohorts:
        say(f"{len(cohorts)} earlier demo(s) on this state: their parcels stay, and new ones join.")
    asked = {
        "seed": len(cohorts) + 1,
        "parcels": PARCELS,
        "hours": 0 if cohorts else MISSED_HOURS,  # later ones are invoiced now
        "sql_dsn": shop,
        "share_sql": 0.3,
    }
    sent = control.post("cohort", asked)["parcels"]
    if wide:
        info = control.get("info")
        others = {"carriers": sorted(info["carriers"]), "marketplaces": sorted(info["marketplaces"])}
        sent += control.post("cohort", {**asked, **others, "parcels": WIDE_PARCELS - PARCELS})["parcels"]
        say(f"{len(others['carriers']) + 1} carriers and {len(others['marketplaces']) + 2} marketplaces.")
    say(f"The shop has sent {sent:,} parcels.\n")
    airflow.client.unpause(DAG)
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    backfill = airflow.client.backfill(DAG, start=this_hour - (MISSED_HOURS + 1) * HOUR, end=this_hour - 2 * HOUR)
    began = time.monotonic()
    airflow.client.wait_for_backfill(backfill, seconds=MISSED_HOURS * LONGEST_RUN.total_seconds())
    say(f"{BACKFILL_FIRST}: {MISSED_HOURS} runs in {time.monotonic() - began:.0f} s.")
    quiet(airflow)
    end = datetime.now(UTC)
    one_run(airflow, "The hour so far", this_hour, end)
    for step in range(1, MOST_STEPS + 1):
        advanced = control.post("advance", {"steps": 1})
        if not advanced["revealed"] and not advanced["left"]:
            break
        start, end = end, datetime.now(UTC)
        one_run(airflow, f"Hour {step}: {advanced['revealed']:,} new lines at the carriers", start, end)
    else:
        raise StackError(f"Parcels still have news after {MOST_STEPS} hours")
    if wide:  # what an aggregator only registered at the last look is read at this one
        one_run(airflow, "One more hour", end, datetime.now(UTC))


def one_run(airflow: AirflowStack, title: str, start: datetime, end: datetime) -> None:
    began = time.monotonic()
    run_id = airflow.client.trigger(DAG, window=(start, end), logical_date=end)
    run = airflow.client.wait_for_run(DAG, run_id, seconds=LONGEST_RUN.total_seconds())
    say(f"{title}: {run['state']} in {time.monotonic() - began:.0f} s.")
    if run["state"] != "success":
        log = airflow.client.task_log(DAG, run_id, "check_run")
        raise StackError(f"The run {run_id} failed. check_run says:\n{log[-2000:]}")


def quiet(airflow: AirflowStack, seconds: float = 120) -> None:
    """Wait for runs that the scheduler began by itself, such as that of the hour just past."""
    deadline = time.monotonic() + seconds
    while any(run["state"] in {"queued", "running"} for run in airflow.client.runs(DAG)):
        if time.monotonic() > deadline:
            raise StackError(f"Airflow still runs {DAG} after {seconds:.0f} s")
        time.sleep(0.5)


def report(control: Control, world: Simulator, warehouse: str, since: datetime, *, wide: bool) -> bool:
    """Prints what happened and whether what arrived is what ought to have; true when it is."""
    with psycopg.connect(warehouse) as conn:
        say("\n" + summary(conn, since))
    evidence = Evidence(
        parcels=control.get("truth")["parcels"],
        orders=control.get("vtex/loja/orders"),
        requests=lines_of(world.log),
        mails=lines_of(world.mail_log),
        warehouse=warehouse,
        since=since,
        alert_to=SHOPS_PEOPLE,
        sold=[order for code in control.get("info")["marketplaces"] for order in control.get(f"sold/{code}")],
    )
    page = Finding(
        name="the newest tracking page that was mailed opens",
        expected=True,
        found=opens(newest_link(evidence.mails)),
    )
    findings = [*(wide_audit(evidence) if wide else audit(evidence) + figures(evidence)), page]
    say("\n" + table(("what the simulator received", "ought to be", "is", ""), [row_of(one) for one in findings]))
    wrong = [finding for finding in findings if not finding.holds]
    for finding in wrong:
        say(f"WRONG  {finding.name}: {finding.note or f'{finding.found} instead of {finding.expected}'}")
    say(
        "\nEverything arrived as it must, each thing once."
        if not wrong
        else f"\n{len(wrong)} of {len(findings)} are wrong."
    )
    return not wrong


def row_of(finding: Finding) -> Sequence[str]:
    def worded(value: object) -> str:
        return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else (
            "none" if value == [] else str(value)[:60]
        )  # fmt: skip

    return finding.name, worded(finding.expected), worded(finding.found), "ok" if finding.holds else "WRONG"


def say(text: str) -> None:
    print(text, flush=True)


def world_asked_for() -> str:
    """
    :raises StackError: there is no such world.
    """
    world = os.environ.get("WORLD", "")
    if world not in {"", "wide"}:
        raise StackError(f"There is no WORLD={world}: leave it out, or WORLD=wide")
    return world


def main() -> int:
    stop_when_told()
    try:
        holds = demo(stay=not os.environ.get("EXIT"), wide=world_asked_for() == "wide")
    except KeyboardInterrupt:
        say("\nStopped before its end.")
        return INTERRUPTED
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
