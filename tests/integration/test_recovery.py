"""The warehouse is kept while runs go on, comes back from a backup, and nobody is told anything twice for it."""

import json
import os
import stat
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest

from integration.test_migrations import upgrade
from rastro.cli import main
from rastro.errors import Misconfigured
from rastro.next_look import LOCAL
from rastro.sending import MAY_HAVE_BEEN_TOLD
from rastro.warehouse import health
from rastro.warehouse.migrate import migrate
from stack.audit import ALERT, FINAL, kind_of, text_of
from stack.postgres import embedded_postgres, program
from stack.wiring import SHOPS_PEOPLE

pytestmark = pytest.mark.slow

MOST = 12
# What the audit reads in records that were lost, or by the number of calls where a second copy has its first one's id.
OF_LOST_RECORDS = {
    "calls to Correios as recorded",
    "order writes as recorded",
    "mails to customers, each once",
    "alerts to the shop, each once",
    "deliveries confirmed to marketplaces, each once",
}
IN_DOUBT = "SELECT channel, order_id, kind, tracking_number FROM rastro.notice JOIN rastro.shipment USING (shipment_id)"
WAITING = f"{IN_DOUBT} WHERE state = 'unknown' AND not_before > now() + interval '1 year'"


@pytest.fixture(autouse=True)
def _programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own programs, of the server's version."""
    monkeypatch.setenv("PATH", f"{program('pg_dump').parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def busy(shop):
    """A shop amid its parcels' lives, some of which the customers, the shop and marketplaces have been told of."""
    shop.configure(alert_to=SHOPS_PEOPLE)
    shop.cohort(24)
    shop.mail_all()
    shop.hour()
    shop.advance()
    shop.hour()
    return shop


def rastro(shop, *arguments: str) -> int:
    return main([*arguments, "--dsn", shop.warehouse])


def lost(shop) -> None:
    all_has_happened(shop)
    shop.execute("DROP SCHEMA rastro CASCADE")


def all_has_happened(shop) -> None:
    """Hours pass in a second here, and so the carrier dates some news ahead by some seconds: let these pass."""
    now = datetime.now(LOCAL)
    told = [
        datetime.fromisoformat(line["time"]).replace(tzinfo=LOCAL)
        for parcel in shop.simulator.truth()
        for line in parcel["revealed"]
    ]
    ahead = [at - now for at in told if now < at < now + timedelta(minutes=1)]
    time.sleep(max(ahead, default=timedelta()).total_seconds())


def goes_on(shop) -> None:
    """Hour after hour to the parcels' ends, with all that waits for a pause."""
    for _ in range(MOST):
        assert shop.hour().failures == {}
        shop.pauses_end()
        if not shop.advance():
            break
    assert shop.hour().failures == {}


def told(shop) -> tuple[int, int, int]:
    return (
        len(shop.simulator.mails()),
        len(shop.received("PUT", "/tracking$")),
        len(shop.received("POST", "^/(market|webhook)")),
    )


def nothing_is_told_twice_or_lost(shop) -> None:
    findings = {one.name: one for one in shop.findings()}
    assert [one for name, one in findings.items() if not one.holds and name not in OF_LOST_RECORDS] == []
    waiting = shop.ask(WAITING)

    parcels = shop.simulator.truth()
    mails = shop.simulator.mails()
    news = Counter(
        (parcel["order_id"], status)
        for parcel in parcels
        if parcel["source"].startswith("sql") and parcel["follow"]
        for status in parcel["tells"]
        if status
    )
    mailed = Counter((mail["subject"].split(":")[0].split()[-1], kind_of(mail)) for mail in mails)
    mailed = Counter({mail: times for mail, times in mailed.items() if mail[1] != ALERT})
    assert news
    assert mailed - news == Counter(), "told twice"
    assert set(news - mailed) <= {(one.order_id, one.kind) for one in waiting if one.channel == "email"}, "lost"

    wanted = Counter(parcel["tracking_number"] for parcel in parcels if parcel["follow"] for _ in incidents(parcel))
    lines = [line for mail in mails if kind_of(mail) == ALERT for line in text_of(mail).splitlines()]
    alerted = Counter(value for line in lines if (value := line.partition(": ")[2]) in wanted)
    assert alerted - wanted == Counter(), "told twice"
    assert set(wanted - alerted) <= {one.tracking_number for one in waiting if one.channel == "alert"}, "lost"

    delivered = {
        parcel["marketplace_order_id"]
        for parcel in parcels
        if parcel["follow"] and parcel["route"] == "direct" and parcel["package_delivered"]
    }
    market, hooks = shop.simulator.control("GET", "market/one"), shop.simulator.control("GET", "webhook/hub")
    confirmed = Counter(one["order_id"] for one in market for _ in range(sum(p["deliveries"] for p in one["packages"])))
    confirmed += Counter(one["body"]["data"]["marketplace_order_id"] for one in hooks)  # a second copy has its id
    assert delivered
    assert confirmed == Counter(delivered)


def incidents(parcel):
    """What of a parcel only the shop can see to."""
    return [
        after
        for before, after in pairwise(("unknown", *parcel["statuses"]))
        if before != after and (after in {"lost", "returned"} or before in FINAL)
    ]


def test_a_backup_made_while_a_run_goes_on_is_restored_row_by_row(busy, postgres, tmp_path: Path, capsys) -> None:
    busy.advance()
    file = tmp_path / "warehouse.dump"
    with ThreadPoolExecutor(1) as threads:
        run = threads.submit(busy.hour)
        assert rastro(busy, "backup", str(file)) == 0
        assert run.result().failures == {}
    assert "tracking_event" in capsys.readouterr().out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = json.loads((tmp_path / "warehouse.dump.json").read_text())
    assert kept["tables"]["notice"]["rows"] > 10

    trial = postgres.create("rastro_trial")
    assert main(["restore", str(file), "--dsn", trial]) == 0
    assert "All of it is there" in capsys.readouterr().out
    with psycopg.connect(trial) as conn:
        assert conn.execute("SELECT count(*) FROM rastro.notice").fetchone() == (kept["tables"]["notice"]["rows"],)
    postgres.drop("rastro_trial")


def test_after_a_restore_from_an_old_backup_nobody_is_told_twice_and_what_is_in_doubt_is_listed(
    busy, tmp_path: Path, capsys
) -> None:
    file = str(tmp_path / "old.dump")
    assert rastro(busy, "backup", file) == 0
    for _ in range(2):
        busy.advance()
        busy.hour()
    mails = len(busy.simulator.mails())
    lost(busy)
    assert rastro(busy, "restore", file) == 0
    assert "may have been told already" in capsys.readouterr().out

    goes_on(busy)
    nothing_is_told_twice_or_lost(busy)
    assert len(busy.simulator.mails()) > mails, "what happened since is told"
    waiting = busy.ask(WAITING)
    assert "email" in {one.channel for one in waiting} <= {"email", "alert"}
    problems = busy.ask("SELECT detail FROM rastro.v_open_problem WHERE family = 'notice'")
    assert len([one for one in problems if MAY_HAVE_BEEN_TOLD in one.detail]) == len(waiting)


def test_what_was_being_told_when_the_backup_was_taken_is_in_doubt_too(busy, tmp_path: Path) -> None:
    busy.advance()
    busy.simulator.fault("smtp", "rcpt", status=451, times=0)
    busy.simulator.fault("vtex", "status", status=503, method="PUT", times=0)
    busy.hour()
    owed = busy.ask("SELECT channel FROM rastro.notice WHERE state IN ('owed', 'unknown')")
    assert {one.channel for one in owed} >= {"email", "order"}
    file = str(tmp_path / "amid.dump")
    assert rastro(busy, "backup", file) == 0
    busy.simulator.calm()
    busy.pauses_end()
    busy.advance()
    busy.hour()
    lost(busy)
    assert rastro(busy, "restore", file) == 0
    goes_on(busy)
    nothing_is_told_twice_or_lost(busy)


def test_a_mail_in_doubt_goes_out_once_a_person_has_released_it(busy, tmp_path: Path) -> None:
    file = str(tmp_path / "old.dump")
    assert rastro(busy, "backup", file) == 0
    busy.advance()
    lost(busy)  # before anybody could be told
    assert rastro(busy, "restore", file) == 0
    before = len(busy.simulator.mails())
    assert busy.hour().failures == {}
    assert len(busy.simulator.mails()) == before
    held = busy.ask(
        f"{IN_DOUBT.replace('channel,', 'notice_id, channel,', 1)} WHERE state = 'unknown' AND channel = 'email'"
    )
    assert held
    numbers = [one.notice_id for one in held]
    with psycopg.connect(busy.warehouse) as conn:
        conn.execute(
            "UPDATE rastro.notice SET state = 'owed', attempts = 0, hand_overs = 0, not_before = now(), released = true"
            " WHERE notice_id = ANY(%s)",
            [numbers],
        )
    assert busy.hour().failures == {}
    assert len(busy.simulator.mails()) > before
    assert {one.state for one in busy.ask("SELECT state FROM rastro.notice WHERE notice_id = ANY(%s)", numbers)} == {
        "sent"
    }


def came_to_that_before(busy, notice, lost_at: datetime) -> bool:
    return bool(
        busy.ask(
            "SELECT 1 AS one FROM rastro.tracking_event WHERE shipment_id = %s AND status = %s AND occurred_at <= %s",
            notice.shipment_id, notice.kind, lost_at,
        )
    )  # fmt: skip


def test_what_happened_after_the_loss_is_told_though_the_restore_came_later(busy, tmp_path: Path) -> None:
    file = str(tmp_path / "old.dump")
    which = "SELECT shipment_id, channel, kind, content, event_at, owed_at FROM rastro.notice WHERE state"
    was_open = {
        one[:4] for one in busy.ask(f"{which} IN ('owed', 'claimed', 'unknown')")
    }  # and may have been told since
    assert rastro(busy, "backup", file) == 0
    all_has_happened(busy)
    lost_at = datetime.now(UTC)
    busy.advance()
    assert rastro(busy, "restore", file, "--replace", "--lost-at", lost_at.isoformat()) == 0
    goes_on(busy)
    nothing_is_told_twice_or_lost(busy)
    held = [one for one in busy.ask(f"{which} = 'unknown'") if one[:4] not in was_open]
    of_after = [one for one in held if lost_at < one.event_at <= one.owed_at]  # what is dated ahead stays in doubt
    assert [one for one in of_after if not came_to_that_before(busy, one, lost_at)] == []


def test_a_warehouse_that_came_back_otherwise_tells_nothing_before_it_is_said_so(busy, tmp_path: Path, capsys) -> None:
    file = tmp_path / "old.dump"
    assert rastro(busy, "backup", str(file)) == 0
    busy.advance()
    busy.hour()
    lost(busy)
    subprocess.run(["pg_restore", f"--dbname={busy.warehouse}", str(file)], check=True)
    before = told(busy)
    hour = busy.hour()
    assert len(hour.failures) >= 4
    assert {"rastro restored" in str(error) for error in hour.failures.values()} == {True}
    assert told(busy) == before
    assert rastro(busy, "restored") == 0
    goes_on(busy)
    nothing_is_told_twice_or_lost(busy)


def test_a_warehouse_lost_for_good_begins_anew_and_mails_nobody_of_what_was(busy, capsys) -> None:
    lost(busy)
    assert rastro(busy, "migrate") == 0
    assert rastro(busy, "restored") == 0
    goes_on(busy)
    nothing_is_told_twice_or_lost(busy)


@pytest.mark.parametrize("can_be_asked", [True, False])
def test_a_route_added_after_the_backup_confirms_nothing_twice(shop, tmp_path: Path, *, can_be_asked: bool) -> None:
    with_route = os.environ["AIRFLOW__RASTRO__ROUTES"]
    without = with_route.replace("MKT=direct:vtex_protocol:market, ", "")
    assert without != with_route
    shop.connect_by("market", extra={"reads_back": can_be_asked})
    shop.configure(routes=without)
    shop.orders("delivered_at_once", parcels=2, variant="marketplace")
    shop.to_the_end()
    file = str(tmp_path / "old.dump")
    assert rastro(shop, "backup", file) == 0
    shop.configure(routes=with_route)
    assert shop.hour().failures == {}
    confirmed = len(shop.received("POST", "^/market"))
    assert confirmed >= 2
    lost(shop)
    assert rastro(shop, "restore", file) == 0
    for _ in range(2):
        assert shop.hour().failures == {}
        shop.pauses_end()
    assert len(shop.received("POST", "^/market")) == confirmed
    states = [one.state for one in shop.ask("SELECT state FROM rastro.notice WHERE channel = 'marketplace'")]
    assert states == ["sent" if can_be_asked else "unknown"] * 2
    assert len(shop.ask(WAITING)) == (0 if can_be_asked else 2)


def test_numbers_of_notices_are_not_given_out_again(busy, tmp_path: Path) -> None:
    file = str(tmp_path / "old.dump")
    assert rastro(busy, "backup", file) == 0
    busy.advance()
    busy.hour()
    (newest,) = busy.ask("SELECT max(notice_id) AS id FROM rastro.notice")
    lost(busy)
    assert rastro(busy, "restore", file) == 0
    (before,) = busy.ask("SELECT max(notice_id) AS id FROM rastro.notice")
    busy.hour()
    (first,) = busy.ask("SELECT min(notice_id) AS id FROM rastro.notice WHERE notice_id > %s", before.id)
    assert first.id > newest.id


# What is refused


def test_a_restore_over_a_schema_in_use_is_refused_unless_told(busy, tmp_path: Path, capsys) -> None:
    file = str(tmp_path / "w.dump")
    assert rastro(busy, "backup", file) == 0
    facts = busy.facts()
    assert rastro(busy, "restore", file) == 1
    assert "give --replace to lose them" in capsys.readouterr().err
    assert busy.facts() == facts
    assert rastro(busy, "restore", file, "--replace") == 0


def test_a_backup_that_is_damaged_or_not_what_it_was_leaves_all_as_it_is(busy, tmp_path: Path, capsys) -> None:
    file = tmp_path / "w.dump"
    assert rastro(busy, "backup", str(file)) == 0
    facts = busy.facts()
    figures = tmp_path / "w.dump.json"
    kept = json.loads(figures.read_text())
    kept["tables"]["notice"]["checksum"] = "1"
    figures.write_text(json.dumps(kept))
    assert rastro(busy, "restore", str(file), "--replace") == 1
    assert "is not what was kept, in notice" in capsys.readouterr().err
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert rastro(busy, "restore", str(file), "--replace") == 1
    assert capsys.readouterr().err.count("\n") == 1
    figures.unlink()
    assert rastro(busy, "restore", str(file), "--replace") == 1
    assert "two files, which belong together" in capsys.readouterr().err
    assert busy.facts() == facts
    assert busy.hour().failures == {}, "it is at home still"


def test_a_backup_is_not_written_over_another_nor_left_half_made(busy, tmp_path: Path, capsys) -> None:
    file = tmp_path / "w.dump"
    assert rastro(busy, "backup", str(file)) == 0
    assert rastro(busy, "backup", str(file)) == 1
    assert "is there already" in capsys.readouterr().err
    other = tmp_path / "other"
    other.mkdir()
    broken = other / "pg_dump"
    broken.write_text("#!/bin/sh\necho 'pg_dump: error: No space left on device' >&2\nexit 1\n")
    broken.chmod(0o755)
    busy.environment.setenv("PATH", f"{other}{os.pathsep}{os.environ['PATH']}")
    assert rastro(busy, "backup", str(tmp_path / "full.dump")) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("full")) == []
    busy.environment.setenv("PATH", str(tmp_path))
    assert rastro(busy, "backup", str(tmp_path / "none.dump")) == 1
    assert "pg_dump is not installed here" in capsys.readouterr().err


def test_a_password_stands_in_the_environment_of_the_program_and_on_no_command_line(tmp_path: Path) -> None:
    from rastro.warehouse.backup import program as started

    spy = tmp_path / "spy"
    spy.write_text('#!/bin/sh\necho "$0 $*|$PGHOST|$PGPASSWORD|$PGDATABASE" >&2\n')
    spy.chmod(0o755)
    with started([str(spy), "--flag"], "postgresql://me:s3cret@db.example/rastro") as at_work:
        _, said = at_work.communicate(timeout=60)
    assert said.strip() == f"{spy} --flag|db.example|s3cret|rastro"


@pytest.mark.parametrize(
    "at", ["yesterday", (datetime.now(UTC) + timedelta(days=400)).isoformat()], ids=["no time", "future"]
)
def test_a_time_of_loss_that_cannot_be_is_refused(busy, at: str, capsys) -> None:
    assert rastro(busy, "restored", "--lost-at", at) == 1
    assert "--lost-at" in capsys.readouterr().err


# Where a warehouse is at home


def at_home(dsn: str) -> bool:
    with psycopg.connect(dsn) as conn:
        try:
            health.at_home(conn)
        except Misconfigured:
            return False
    return True


def at_home_by(dsn: str) -> tuple[str, ...]:
    """What of the server, the database and the schema makes the home of a warehouse that is in them."""
    with psycopg.connect(dsn) as conn:
        return tuple(conn.execute("SELECT rastro.here()").fetchone()[0].split())


def test_a_copy_of_the_database_is_not_at_home_though_its_schema_has_the_same_number(postgres, capsys) -> None:
    dsn = postgres.create("rastro_copied")
    migrate(dsn)
    copy = postgres.create("rastro_copy", template="rastro_copied")
    (server, database, schema), (same_server, other_database, same_schema) = map(at_home_by, (dsn, copy))
    assert (server, schema) == (same_server, same_schema)
    assert database != other_database
    assert at_home(dsn)
    assert not at_home(copy)
    assert main(["restored", "--dsn", copy]) == 0
    assert at_home(copy)
    postgres.drop("rastro_copy")
    postgres.drop("rastro_copied")


def test_a_warehouse_of_another_server_is_not_at_home_though_all_its_numbers_are_the_same(tmp_path: Path) -> None:
    with (
        embedded_postgres(tmp_path / "one", durable=False) as one,
        embedded_postgres(tmp_path / "another", durable=False) as another,
    ):
        dsns = [server.create("rastro") for server in (one, another)]
        for dsn in dsns:
            migrate(dsn)
            assert at_home(dsn)
        (server, *numbers), (another_server, *same_numbers) = map(at_home_by, dsns)
        assert numbers == same_numbers
        assert server != another_server
        with psycopg.connect(dsns[1]) as conn:  # as its rows come, with the schema
            conn.execute("UPDATE rastro.installation SET home = %s", [" ".join((server, *numbers))])
        assert not at_home(dsns[1])


def test_an_upgrade_leaves_at_home_what_was_and_nothing_else(postgres) -> None:
    for name, was_at_home in (("rastro_settled", True), ("rastro_restored", False)):
        dsn = postgres.create(name)
        upgrade(dsn, "0018")
        if not was_at_home:
            with psycopg.connect(dsn) as conn:
                conn.execute("UPDATE rastro.installation SET schema_oid = 1")
        migrate(dsn)
        assert at_home(dsn) is was_at_home
        postgres.drop(name)
