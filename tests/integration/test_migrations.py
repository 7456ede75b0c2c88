"""A warehouse in use survives every migration, and no connection to it waits for ever."""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from rastro.models import Channel, Event, Snapshot, Status
from rastro.pipeline.load import load
from rastro.settings import settings_from
from rastro.warehouse import outbox
from rastro.warehouse.connect import connector
from rastro.warehouse.migrate import migrate
from rastro.warehouse.outbox import OrderKey
from rastro.warehouse.revisions import MIGRATIONS
from stack.postgres import Server
from stack.schema import SCHEMA, schema_of

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC).replace(microsecond=0)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ACCOUNT, HUB = "vtex:loja", "webhook:hub"


def config(connection: Any = None) -> Config:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes["connection"] = connection
    return made


REVISIONS = [one.revision for one in ScriptDirectory.from_config(config()).walk_revisions()][::-1]


def upgrade(dsn: str, revision: str) -> None:
    """As ``migrate`` does it, but only so far."""
    engine = create_engine(dsn.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS rastro"))
        connection.commit()
        command.upgrade(config(connection), revision)


SAID_OTHERWISE = {("installation", "schema_oid")}  # part of its home since

# A warehouse in use: for each revision the rows of the tables that it brought, in the order they are written

Row = Mapping[str, object]


def event(shipment_id: int, key: str, at: datetime, status: str = "in_transit", standing: str = "effective") -> Row:
    return {
        "shipment_id": shipment_id, "event_key": key, "occurred_at": at, "position": 0, "status": status,
        "standing": standing, "code": key, "description": f"Objeto {key}", "city": "Recife", "state": "PE",
        "country": "BR", "recorded_at": NOW - DAY,
    }  # fmt: skip


def notice(shipment_id: int, channel: str, kind: str, state: str, **more: object) -> Row:
    return {
        "shipment_id": shipment_id, "channel": channel, "kind": kind, "content": state,
        "target": HUB if channel == "marketplace" else ACCOUNT, "state": state, "reason": f"why {state}",
        "event_at": NOW - DAY, "owed_at": NOW - DAY, "not_before": NOW - HOUR, "attempts": 1,
        "rendered": Jsonb({"subject": "Pedido", "text": "Olá"}), "recipient": "a…@c…", "run_id": "old", **more,
    }  # fmt: skip


SAID_MEANWHILE = Snapshot(
    reference="QQ100000017BR",
    events=(
        Event(key="PO 01", occurred_at=NOW - 2 * DAY, status=Status.IN_TRANSIT, code="PO 01", description="Postado"),
        Event(key="BDE 01", occurred_at=NOW - HOUR, status=Status.DELIVERED, code="BDE 01", description="Entregue"),
    ),
)
ORDER = {"account": ACCOUNT, "first_seen_at": NOW - 3 * DAY, "updated_at": NOW - DAY, "invoiced_at": NOW - 3 * DAY}
STARTED = {"started_at": NOW - HOUR, "finished_at": NOW - HOUR}
ROWS: Mapping[str, Mapping[str, list[Row]]] = {
    "0001": {
        "source": [{"account": ACCOUNT, "writes_back": True, "own_mail": True, "synced_until": NOW - HOUR}],
        "awaited_order": [{"account": ACCOUNT, "order_id": "O-4", "awaited_since": NOW - DAY}],
        "poll_state": [
            {
                "carrier": "correios", "reference": number, "status": status, "quiet_since": NOW - DAY, "digest": b"d",
                "first_answered_at": NOW - 2 * DAY, "answered_at": NOW - HOUR, "loaded_at": NOW - HOUR,
                "next_poll_at": due, "lease_until": lease,
            }
            for number, status, due, lease in (
                ("QQ100000017BR", "in_transit", NOW - HOUR, NOW - HOUR),
                ("QQ100000025BR", "delivered", None, None),
            )
        ],
        "shipment": [
            {**ORDER, "order_id": "O-1", "invoice_number": "1", "tracking_number": "QQ100000017BR", "poll_id": 1,
             "carrier": "correios"},
            {**ORDER, "order_id": "O-2", "invoice_number": "2", "tracking_number": "QQ100000025BR", "poll_id": 2,
             "carrier": "correios", "route": "direct", "marketplace": HUB, "marketplace_order_id": "77-01"},
            {**ORDER, "order_id": "O-3", "invoice_number": "3", "tracking_number": "MZ-1", "courier": "Motoboy"},
            {**ORDER, "order_id": "O-5", "invoice_number": "5", "tracking_number": "QQ100000034BR", "skip": "return"},
        ],
        "shipment_state": [
            {"shipment_id": 1, "status": "in_transit", "status_at": NOW - 2 * DAY, "status_key": "PO 01",
             "event_count": 5, "changed_at": NOW - DAY, "pickup": Jsonb({"place": "AC Centro"})},
            {"shipment_id": 2, "status": "delivered", "status_at": NOW - DAY, "status_key": "BDE 01",
             "delivered_at": NOW - DAY, "event_count": 2, "changed_at": NOW - DAY},
            {"shipment_id": 3, "changed_at": NOW - DAY},
            {"shipment_id": 4, "changed_at": NOW - DAY},
        ],
        "tracking_event": [
            event(1, "PO 01", NOW - 2 * DAY),
            event(1, "RO 01", NOW - 40 * DAY, standing="foreign"),
            event(1, "DO 01", NOW - 400 * DAY, standing="foreign"),
            event(1, "LDI 01", datetime(1970, 1, 1, tzinfo=UTC), standing="foreign"),
            event(1, "OEC 01", datetime(2099, 12, 31, tzinfo=UTC), standing="foreign"),
            event(2, "PO 01", NOW - 3 * DAY),
            event(2, "OEC 01", NOW - 2 * DAY, "out_for_delivery", "withdrawn"),
            event(2, "BDE 01", NOW - DAY, "delivered"),
        ],
        "shipment_change": [
            {"shipment_id": shipment_id, "from_status": before, "to_status": after, "event_key": key,
             "occurred_at": NOW - DAY, "window_start": NOW - DAY, "new_events": 1, "restated": 0,
             "first_contact": before == "unknown", "recorded_at": NOW - DAY, "run_id": "old"}
            for shipment_id, before, after, key in (
                (1, "unknown", "in_transit", "PO 01"),
                (2, "unknown", "in_transit", "PO 01"),
                (2, "in_transit", "delivered", "BDE 01"),
            )
        ],
        "staged_snapshot": [
            {"poll_id": 1, "answered_at": NOW, "digest": b"new", "snapshot": msgspec.json.encode(SAID_MEANWHILE),
             "raw": zlib.compress(b"{}"), "run_id": "cut off"},
        ],
        "raw_answer": [{"poll_id": 2, "answered_at": NOW - DAY, "raw": zlib.compress(b"{}")}],
        "notice": [
            notice(1, "order", "tracking", "sent", settled_at=NOW - DAY, receipt="r-1"),
            notice(1, "order", "tracking", "unknown"),
            notice(1, "email", "in_transit", "superseded", settled_at=NOW - DAY),
            notice(1, "email", "out_for_delivery", "owed"),
            notice(2, "email", "delivered", "dropped", settled_at=NOW - DAY),
            notice(2, "order", "tracking", "dead", settled_at=NOW - DAY),
            notice(2, "marketplace", "delivered", "claimed", lease_until=NOW - HOUR, claimed_by="killed"),
            notice(2, "alert", "reopened", "owed"),
        ],
        "notice_attempt": [
            {"notice_id": 1, "started_at": NOW - DAY, "finished_at": NOW - DAY, "outcome": "accepted", "run_id": "old"},
            {"notice_id": 7, "started_at": NOW - HOUR, "run_id": "cut off"},
        ],
        "suppressed_address": [{"address_hash": "ab12", "reason": "refused", "suppressed_at": NOW - DAY}],
        "quarantine": [
            {"origin": origin, "subject": subject, "reason": reason, "detail": "why", "raw": zlib.compress(b"<html>"),
             "first_at": NOW - DAY, "last_at": NOW - DAY, "resolved_at": resolved, "run_id": "old"}
            for origin, subject, reason, resolved in (
                ("correios", "QQ100000017BR", "unreadable answer", None),
                (ACCOUNT, "O-9 4/5", "invoice_unaddressable", NOW - HOUR),
            )
        ],
        "poll_batch": [
            {"run_id": "old", "carrier": "correios", "contract": "correios:c", "window_start": NOW - DAY,
             "window_end": NOW, "from_poll_id": 1, "to_poll_id": 2, "calls": 1, "asked": 2, "unchanged": 1,
             "changed": 1, "refused": 0, "quarantined": 0, "unanswered": 0, "bytes": 9, **STARTED},
        ],
        "run_stage": [{"run_id": "old", "stage": "load_changes", "figures": Jsonb({"events": 2}), **STARTED}],
        "token": [{"holder": "correios:c", "sealed": b"sealed", "expires_at": NOW + HOUR}],
    },
    "0002": {
        "rehearsal": [
            {"run_id": "dry", "channel": "email", "target": ACCOUNT, "account": ACCOUNT, "order_id": "O-1",
             "kind": "in_transit", "notices": 1, "verdict": "send", "rendered": Jsonb({"subject": "Pedido"}),
             "rehearsed_at": NOW - DAY},
        ],
    },
    "0003": {
        "inbox": [
            {"carrier": "loggi", "way": "push", "digest": b"d", "body": zlib.compress(b"{}"), "received_at": NOW - DAY,
             "last_at": NOW - DAY, "read_at": NOW - HOUR},
        ],
        "inbox_part": [
            {"inbox_id": 1, "carrier": "loggi", "refs": ["LG1"], "raw": zlib.compress(b"{}"), "received_at": NOW - DAY},
        ],
    },
    "0004": {
        "tracking_link": [
            {"token_hash": b"hash", "account": ACCOUNT, "order_id": "O-1", "created_at": NOW - DAY},
        ],
    },
    "0005": {
        "manual_action": [
            {"act_key": "run 0 1", "done_at": NOW - DAY, "done_by": "ana", "run_id": "run", "action": "pause",
             "reason": "r", "shipment_id": 1, "account": ACCOUNT, "order_id": "O-1", "subject": "N",
             "before": Jsonb({}), "after": Jsonb({})},
        ],
        "correction": [
            {"account": ACCOUNT, "order_id": "O-1", "invoice_number": "1", "tracking_number": "N", "new_number": "M",
             "corrected_at": NOW - DAY},
        ],
    },
    "0006": {
        "tally": [
            {"subject": "shipment", "part": "correios", "word": "in_transit", "since": NOW - DAY, "figure": 1,
             "counted_at": NOW - HOUR},
        ],
    },
    "0007": {
        "habit": [{"carrier": "correios", "step": "PO 01", "by_silence": [0.05] * 16, "by_hour": [1.0] * 168}],
        "habits_learnt": [{"learnt_at": NOW - HOUR}],
    },
    "0009": {
        "notice": [
            {"shipment_id": 1, "channel": "email", "kind": "delivered", "content": "", "target": ACCOUNT,
             "state": "owed", "event_at": NOW - DAY, "owed_at": NOW - DAY, "not_before": NOW - DAY, "run_id": "run",
             "to_receiver": reader}
            for reader in (False, True)
        ],
    },
    "0012": {
        "carrier_day": [{"carrier": "correios", "day": NOW.date(), "calls": 7}],
        "carrier_plan": [{"carrier": "correios", "window_end": NOW, "put_off": 3}],
    },
    "0013": {"pace": [{"account": "correios:correios", "per_second": 25.0, "free_at": NOW, "turns": 7}]},
    "0014": {"erased": [{"name_hash": b"hash", "erased_at": NOW - DAY}]},
    "0015": {"incident": [{"kind": "carrier_silent", "subject": "correios", "said": "…", "began_at": NOW}]},
    "0016": {"contract": [{"carrier": "correios", "account": ACCOUNT, "contract": "correios:two"}]},
    "0021": {
        "estimate": [{"shipment_id": 1, "told_at": NOW - HOUR, "estimated_at": NOW + DAY}],
        "working_day": [{"carrier": "", "state": "SP", "day": NOW.date(), "ordinal": 1}],
        "delivery_fact": [
            {"shipment_id": 1, "account": ACCOUNT, "carrier": "correios", "service": "PAC", "state_from": "PE",
             "city_from": "RECIFE", "state_to": "SP", "city_to": "CAMPINAS", "ended_as": "", "status": "in_transit",
             "attempts": 0, "failed_on": [], "silent_on": "{}", "hours_in": Jsonb({}), "notices": 0,
             "computed_at": NOW},
        ],
        "carrier_day": [
            {"carrier": "correios", "service": "PAC", "state_from": "PE", "state_to": "SP", "city_to": "CAMPINAS",
             "day": NOW.date(), "posted": 1, "attempted": 0, "delivered": 0, "on_time": 0, "on_time_known": 0,
             "lost": 0, "returned": 0, "failed_attempts": 0, "pending": 1, "silent": 0, "computed_at": NOW},
        ],
        "reported": [{"until": NOW}],
    },
    "0022": {
        "forecast": [{"shipment_id": 1, "day": NOW.date(), "median_on": NOW.date(), "miss_probability": 0.25,
                      "lane_level": "city", "sample": 40, "computed_at": NOW}],
    },
    "0023": {
        "claim": [
            {"shipment_id": 1, "carrier": "correios", "reason": "late", "state": "filed", "since": NOW.date(),
             "until": NOW.date(), "found_at": NOW, "protocol": "123", "changed_at": NOW},
        ],
        "stalled": [{"shipment_id": 1, "silent": 9, "usual": 3, "found_at": NOW}],
    },
    "0025": {
        "letter": [
            {"first_day": NOW.date(), "last_day": NOW.date(), "message_id": "<a@b>", "claimed_at": NOW, "attempts": 1},
        ],
    },
}  # fmt: skip


# Tables that a later revision calls by another name, with the revision.
RENAMED = {"carrier_day": ("call_budget", "0021")}


def fill(conn: psycopg.Connection[Any], revision: str) -> None:
    for table, rows in ROWS.get(revision, {}).items():
        for row in rows:
            statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                sql.Identifier("rastro", table),
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(map(sql.Placeholder, row)),
            )
            conn.execute(statement, dict(row))


def tables(conn: psycopg.Connection[Any]) -> list[str]:
    """Every table but single partitions and the migrations' own."""
    rows = conn.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'rastro'::regnamespace AND relkind IN ('r', 'p')"
        " AND NOT relispartition AND relname <> 'migration' ORDER BY 1"
    )
    return [name for (name,) in rows]


def contents(conn: psycopg.Connection[Any]) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for table in tables(conn):
        rows = conn.execute(sql.SQL("SELECT to_jsonb(t) FROM {} AS t").format(sql.Identifier("rastro", table)))
        found[table] = [row for (row,) in rows]
    return found


@pytest.fixture
def database(postgres: Server) -> Iterator[str]:
    """The name of an empty database."""
    postgres.create("rastro_in_use")
    yield "rastro_in_use"
    postgres.drop("rastro_in_use")


def in_use(dsn: str, revision: str) -> dict[str, list[dict[str, Any]]]:
    """A warehouse that came to this revision through those before it, in use all the time; what it holds."""
    for one in REVISIONS[: REVISIONS.index(revision) + 1]:
        upgrade(dsn, one)
        with psycopg.connect(dsn) as conn:
            fill(conn, one)
    with psycopg.connect(dsn) as conn:
        held = contents(conn)
    assert held
    assert not [table for table, rows in held.items() if not rows], "rows of each table belong into ROWS"
    return held


def test_there_are_revisions_to_come_from() -> None:
    assert len(REVISIONS) >= 2
    assert set(ROWS) <= set(REVISIONS)


def test_what_is_put_in_lies_in_months_of_its_own_and_in_the_default_partition(postgres: Server, database: str) -> None:
    in_use(postgres.dsn(database), REVISIONS[0])
    with psycopg.connect(postgres.dsn(database)) as conn:
        partitions = conn.execute("SELECT DISTINCT tableoid::regclass::text FROM rastro.tracking_event").fetchall()
        states = conn.execute("SELECT count(DISTINCT state) FROM rastro.notice").fetchone()
    assert ("rastro.tracking_event_default",) in partitions
    assert len(partitions) >= 4
    assert states == (7,)


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_warehouse_in_use_loses_nothing_when_it_is_migrated(postgres: Server, database: str, revision: str) -> None:
    dsn = postgres.dsn(database)
    before = in_use(dsn, revision)
    assert migrate(dsn) == REVISIONS[-1]
    assert schema_of(postgres, database) == SCHEMA.read_text("utf-8")
    with psycopg.connect(dsn) as conn:
        after = contents(conn)
        for old_name, held in before.items():
            name, since = RENAMED.get(old_name, (old_name, revision))
            table = name if revision < since else old_name
            rows = [{name: value for name, value in row.items() if (table, name) not in SAID_OTHERWISE} for row in held]
            assert len(after[table]) == len(rows), table
            assert not [row for row in rows if not any(row.items() <= now.items() for now in after[table])], table
    migrate(dsn)
    with psycopg.connect(dsn) as conn:
        assert contents(conn) == after, "migrating again changes nothing"


@pytest.mark.parametrize("revision", REVISIONS)
def test_views_answer_about_what_was_there_before_the_migration(postgres: Server, database: str, revision: str) -> None:
    dsn = postgres.dsn(database)
    in_use(dsn, revision)
    migrate(dsn)
    with psycopg.connect(dsn) as conn:
        views = conn.execute("SELECT viewname FROM pg_views WHERE schemaname = 'rastro' ORDER BY 1").fetchall()
        rows = {
            view: conn.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("rastro", view))).rowcount
            for (view,) in views
        }
    assert len(rows) >= 6
    assert (rows["v_shipment"], rows["v_delivery"], rows["v_change"]) == (4, 1, 3)
    assert rows["v_coverage"] > 24
    assert rows["v_open_problem"] >= 4


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_run_goes_on_where_the_last_one_before_the_migration_ended(
    postgres: Server, database: str, revision: str
) -> None:
    dsn = postgres.dsn(database)
    in_use(dsn, revision)
    migrate(dsn)
    with psycopg.connect(dsn) as conn:
        figures = load(conn, settings_from({}), now=NOW, run_id="new")
        assert (figures.answers, figures.events, figures.changes) == (1, 1, 1)
        state = conn.execute("SELECT status, delivered_at FROM rastro.v_shipment WHERE order_id = 'O-1'").fetchone()
        assert state == ("delivered", NOW - HOUR)
        events = conn.execute("SELECT count(*), count(DISTINCT event_key) FROM rastro.tracking_event").fetchone()
        assert events == (len(ROWS["0001"]["tracking_event"]) + 1, 6)

        def claimed(channel: Channel, target: str, order_id: str) -> dict[str, bool]:
            order = OrderKey(account=ACCOUNT, order_id=order_id)
            notices = outbox.claim(
                conn, channel, target, order, now=NOW, lease_until=NOW + HOUR, claimed_by="me", run_id="new"
            )
            return {one.content: one.doubtful for one in notices}

        written = claimed(Channel.ORDER, ACCOUNT, "O-1")
        assert written.pop("unknown"), "what may have arrived is still in doubt"
        assert list(written.values()) == [False]
        assert claimed(Channel.MARKETPLACE, HUB, "O-2") == {"claimed": True}, "and so is what a killed task had claimed"
        assert claimed(Channel.ORDER, ACCOUNT, "O-2") == {}, "what was given up stays with a person"


# Nothing waits for ever


@contextmanager
def impatient(dsn: str, limit: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection as every task opens it, with one of its limits cut down to a moment."""
    with connector(dsn)() as conn:
        (longest,) = conn.execute("SELECT setting::int FROM pg_settings WHERE name = %s", [limit]).fetchone() or (0,)
        assert 0 < longest <= timedelta(minutes=30).total_seconds() * 1000, f"{limit} is set on every connection"
        conn.execute("SELECT set_config(%s, '200ms', false)", [limit])
        conn.commit()
        yield conn


@pytest.fixture
def staged(warehouse: Any) -> str:
    """The DSN of a warehouse with an answer that waits to be loaded."""
    with psycopg.connect(warehouse.dsn) as conn:
        fill(conn, "0001")
    return str(warehouse.dsn)


def facts(dsn: str) -> dict[str, list[dict[str, Any]]]:
    with psycopg.connect(dsn) as conn:
        return contents(conn)


def completes(dsn: str) -> bool:
    with connector(dsn)() as conn:
        return load(conn, settings_from({}), now=NOW, run_id="again").events == 1


def test_a_load_that_waits_too_long_for_a_lock_is_ended_and_has_done_nothing(staged: str) -> None:
    before = facts(staged)
    with psycopg.connect(staged) as other:
        other.execute("SELECT FROM rastro.shipment_state FOR UPDATE")  # met half-way through, when events are in
        with (
            pytest.raises(psycopg.errors.LockNotAvailable, match="lock timeout"),
            impatient(staged, "lock_timeout") as c,
        ):
            load(c, settings_from({}), now=NOW, run_id="impatient")
    assert facts(staged) == before
    assert completes(staged)


def test_a_statement_that_takes_too_long_is_ended_and_its_load_has_done_nothing(staged: str) -> None:
    with psycopg.connect(staged) as conn:
        conn.execute(
            "CREATE FUNCTION rastro.dawdle() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$"
        )
        conn.execute(
            "CREATE TRIGGER dawdle BEFORE INSERT ON rastro.notice FOR EACH ROW EXECUTE FUNCTION rastro.dawdle()"
        )
    before = facts(staged)
    with (
        pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"),
        impatient(staged, "statement_timeout") as c,
    ):
        load(c, settings_from({}), now=NOW, run_id="impatient")
    assert facts(staged) == before
    with psycopg.connect(staged) as conn:
        conn.execute("DROP TRIGGER dawdle ON rastro.notice")
    assert completes(staged)


def test_a_task_that_falls_asleep_in_mid_transaction_loses_it_and_holds_up_nobody(staged: str) -> None:
    before = facts(staged)
    with impatient(staged, "idle_in_transaction_session_timeout") as asleep:
        asleep.execute("SELECT pg_advisory_xact_lock(hashtext('rastro.load'))")
        asleep.execute("UPDATE rastro.shipment_state SET status = 'lost'")
        with psycopg.connect(staged) as other:  # waits until the sleeper has been sent away
            other.execute("SELECT pg_advisory_xact_lock(hashtext('rastro.load'))")
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            asleep.execute("SELECT 1")
    assert facts(staged) == before
    assert completes(staged)
