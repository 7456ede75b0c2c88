"""Each database role can do its work and nothing else, on a real PostgreSQL."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from rastro.access import Account
from rastro.cli import main
from rastro.errors import Misconfigured
from rastro.models import Status
from rastro.pipeline.report import make_report
from rastro.tracking_links import new_token
from rastro.warehouse import tracking_links
from rastro.warehouse.migrate import migrate
from rastro.warehouse.queries import statement
from stack.postgres import Server
from webserver import BEARER, serving

pytestmark = pytest.mark.slow
REFUSED = psycopg.errors.InsufficientPrivilege
LOGGI = Account(base_url="https://carrier.example", extra={"push_user": "loja", "push_password": "the-push-password"})


def login_as(role: str, dsn: str) -> str:
    return dsn.replace("postgresql://postgres@", f"postgresql://{role}@")


@pytest.fixture
def guarded(warehouse: Any) -> str:
    """The DSN of a warehouse that was made before the roles were."""
    assert main(["roles", "--dsn", warehouse.dsn]) == 0
    return str(warehouse.dsn)


def refused(role: str, dsn: str, wanted: str) -> bool:
    with psycopg.connect(login_as(role, dsn)) as conn:
        try:
            conn.execute(wanted)
        except REFUSED:
            return True
    return False


def test_a_migrator_makes_a_warehouse_from_nothing_and_the_others_may_what_they_may(postgres: Server) -> None:
    dsn = postgres.create("guarded_from_nothing")
    assert main(["roles", "--dsn", dsn]) == 0
    migrate(login_as("rastro_migrator", dsn))
    migrate(login_as("rastro_migrator", dsn))
    with psycopg.connect(login_as("rastro_reader", dsn)) as conn:
        assert conn.execute("SELECT count(*) FROM rastro.v_shipment").fetchone() == (0,)
    postgres.drop("guarded_from_nothing")


def test_a_whole_day_is_run_by_the_writer(guarded: str, shop: Any) -> None:
    shop.connect_by("rastro_warehouse", login="rastro_writer")
    shop.cohort(6, kinds=["delivered"])
    shop.mail_all()
    with psycopg.connect(guarded) as conn:  # the owner's; as when a month begins
        months = conn.execute("SELECT relname FROM pg_class WHERE relname ~ '^tracking_event_[0-9]+$'").fetchall()
        for (month,) in months:
            conn.execute(f"DROP TABLE rastro.{month}")
    hours = shop.to_the_end()
    assert not [hour.failures for hour in hours if hour.failed]
    assert {row.status for row in shop.ask("SELECT status FROM rastro.v_shipment")} == {Status.DELIVERED}
    assert len(shop.ask("SELECT FROM pg_class WHERE relname ~ '^tracking_event_[0-9]+$'")) >= 5
    assert shop.wrong() == []
    shop.connect_by("rastro_warehouse", login="rastro_reader")
    refused = shop.hour()  # it is this connection by which the tasks have come
    assert {type(error) for error in refused.failures.values()} == {Misconfigured}
    assert "as rastro_writer or as the owner" in str(refused.failures["check_run"])


@pytest.mark.parametrize(
    "wanted",
    [
        "DROP TABLE rastro.notice",
        "ALTER TABLE rastro.notice ADD COLUMN more text",
        "TRUNCATE rastro.tracking_event",
        "CREATE TABLE rastro.mine ()",
        "CREATE FUNCTION rastro.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DELETE FROM rastro.tracking_event",
        "DELETE FROM rastro.manual_action",
        "DELETE FROM rastro.notice",
        "UPDATE rastro.migration SET version_num = '0000'",
        "DROP SCHEMA rastro CASCADE",
    ],
)
def test_a_writer_changes_no_schema_and_takes_out_no_fact(guarded: str, wanted: str) -> None:
    assert refused("rastro_writer", guarded, wanted)


@pytest.mark.parametrize(
    "table",
    [
        *("shipment", "tracking_event", "notice", "notice_attempt", "quarantine", "raw_answer", "inbox", "token"),
        *("rehearsal", "suppressed_address", "tracking_link", "manual_action", "v_rehearsal", "v_manual_action"),
        "open_notice",
    ],
)
def test_a_reader_reads_no_table_no_message_and_no_contact(guarded: str, table: str) -> None:
    assert refused("rastro_reader", guarded, f"SELECT FROM rastro.{table}")


def test_a_reader_has_the_views_for_analysts_without_anybodys_own_words(guarded: str) -> None:
    with psycopg.connect(login_as("rastro_reader", guarded)) as conn:
        for view in ("v_shipment", "v_change", "v_event", "v_coverage", "v_inbox"):
            conn.execute(f"SELECT * FROM rastro.{view}")
        conn.execute("SELECT carrier, avg(days_from_invoice) FROM rastro.v_delivery GROUP BY 1")
        conn.execute("SELECT problem, count(*) FROM rastro.v_open_problem GROUP BY 1")
    for kept in (
        "received_by FROM rastro.v_delivery",
        "proof_url FROM rastro.v_delivery",
        "detail FROM rastro.v_open_problem",
        "note FROM rastro.v_claim",
        "changed_by FROM rastro.v_claim",
    ):
        assert refused("rastro_reader", guarded, f"SELECT {kept}")
    for write in ("DELETE FROM rastro.v_inbox", "SELECT rastro.make_event_partitions('2031-01-01', 1)"):
        assert refused("rastro_reader", guarded, write)


def test_a_writer_reports_and_a_reader_reads_the_reports(guarded: str) -> None:
    with psycopg.connect(login_as("rastro_writer", guarded)) as conn:
        for _ in range(2):
            make_report(conn, None, datetime.now(UTC))
    with psycopg.connect(login_as("rastro_reader", guarded)) as conn:
        for table in ("delivery_fact", "carrier_day", "v_carrier_day", "estimate", "v_forecast", "v_notice"):
            conn.execute(f"SELECT * FROM rastro.{table}")
        assert conn.execute("SELECT rastro.wilson_low(8, 10) < 0.8, rastro.wilson_high(8, 10) > 0.8").fetchone() == (
            True,
            True,
        )
        assert conn.execute("SELECT max(ordinal) > 700 FROM rastro.working_day").fetchone() == (True,)
    assert refused("rastro_reader", guarded, "DELETE FROM rastro.delivery_fact")


def test_every_view_is_decided_for_the_reader(guarded: str) -> None:
    with psycopg.connect(guarded) as conn:
        views = {name for (name,) in conn.execute("SELECT viewname FROM pg_views WHERE schemaname = 'rastro'")}
        tables = {name for (name,) in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'rastro'")}
        read = {
            name
            for name in views | tables
            if conn.execute(
                "SELECT has_any_column_privilege('rastro_reader', %s, 'SELECT')", [f"rastro.{name}"]
            ).fetchone()
            == (True,)
        }
    for_analysts = {
        *("v_shipment", "v_change", "v_event", "v_coverage", "v_inbox", "v_delivery", "v_open_problem", "v_notice"),
        *("v_claim", "v_stalled"),
    }
    reports = {"delivery_fact", "carrier_day", "v_carrier_day", "estimate", "working_day", "forecast", "v_forecast"}
    assert read == for_analysts | reports | {"migration", "reported"}


def test_the_public_service_works_as_its_own_role(guarded: str) -> None:
    with serving(login_as("rastro_serve", guarded), {"loggi": LOGGI}) as web:
        auth = {"authorization": "Basic bG9qYTp0aGUtcHVzaC1wYXNzd29yZA=="}
        assert web.send("/push/loggi", b'{"packages": []}', **auth).status_code == 200
        assert web.send("/push/loggi", b'{"packages": []}', **auth).status_code == 200
        asked = web.send("/tracking", b'[{"trackingNumber": "QQ100000017BR"}]', **BEARER)
        assert asked.status_code == 200
    with psycopg.connect(login_as("rastro_serve", guarded)) as conn:
        assert tracking_links.follow(conn, new_token(), datetime.now(UTC), timedelta(days=1)) is None
        conn.execute(statement("steps_of_parcels"), {"shipment_ids": [1]})
    with psycopg.connect(guarded) as conn:
        assert conn.execute("SELECT times FROM rastro.inbox").fetchall() == [(2,)]


@pytest.mark.parametrize(
    "wanted",
    [
        "SELECT body FROM rastro.inbox",
        "DELETE FROM rastro.inbox",
        "UPDATE rastro.inbox SET body = NULL",
        "SELECT FROM rastro.notice",
        "SELECT FROM rastro.token",
        "SELECT FROM rastro.raw_answer",
        "SELECT received_by FROM rastro.shipment_state",
        "SELECT shipper_cnpj FROM rastro.shipment",
        "UPDATE rastro.tracking_link SET revoked_at = NULL",
        "INSERT INTO rastro.notice DEFAULT VALUES",
        "SELECT FROM rastro.v_shipment",
    ],
)
def test_the_public_service_reads_no_notice_and_rewrites_nothing(guarded: str, wanted: str) -> None:
    assert refused("rastro_serve", guarded, wanted)
