"""What the operators' pages read of a big warehouse: figures counted before, and single things by an index."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from rastro.warehouse import lookup, tally
from rastro.warehouse.queries import run, statement

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC)
MANY = 200_000
SEED = """
INSERT INTO rastro.poll_state (carrier, reference, status, quiet_since, answered_at, next_poll_at, failures, refusal)
SELECT 'correios', 'QQ' || n || 'BR', 'in_transit', now(), now() - interval '90 minutes', now(),
       CASE WHEN n % 5000 = 0 THEN 4 ELSE 0 END, CASE WHEN n % 4000 = 0 THEN 'not_ours' ELSE '' END
FROM generate_series(1, 200000) n;
INSERT INTO rastro.shipment (account, order_id, invoice_number, tracking_number, carrier, poll_id, first_seen_at,
    updated_at, warning, route)
SELECT 'vtex:loja', 'O-' || n / 2, n::text, 'QQ' || n || 'BR', CASE WHEN n % 3000 > 0 THEN 'correios' END,
       CASE WHEN n % 3000 > 0 AND n % 3500 > 0 THEN n END, now() - interval '3 days', now(),
       CASE WHEN n % 6000 = 0 THEN 'check digit' ELSE '' END, CASE WHEN n % 7000 = 0 THEN 'review' ELSE 'none' END
FROM generate_series(1, 200000) n;
INSERT INTO rastro.shipment_state (shipment_id, status, status_at, delivered_at, changed_at)
SELECT n, status, now(), CASE WHEN status = 'delivered' THEN now() END, now()
FROM (SELECT n, CASE WHEN n % 6000 = 0 THEN 'unknown' WHEN n % 4000 = 0 THEN 'expired' WHEN n % 2 = 0 THEN 'delivered'
                ELSE 'in_transit' END AS status FROM generate_series(1, 200000) n) AS parcel;
INSERT INTO rastro.tracking_event (shipment_id, occurred_at, event_key, position, status, standing, code, description,
    recorded_at)
SELECT n, now() - interval '1 hour', 'PO 01', 0, CASE WHEN n % 4500 = 0 THEN 'unknown' ELSE 'in_transit' END,
       'effective', 'PO 01', 'Objeto postado', now()
FROM generate_series(1, 200000) n;
INSERT INTO rastro.shipment_change (shipment_id, from_status, to_status, event_key, window_start, new_events, restated,
    first_contact, recorded_at, run_id)
SELECT n, 'unknown', 'in_transit', 'PO 01', now(), 1, 0, true, now(), 'run' FROM generate_series(1, 200000) n;
INSERT INTO rastro.notice (shipment_id, channel, kind, content, target, state, event_at, owed_at, not_before, run_id,
    recipient_hash)
SELECT n, 'email', 'in_transit', '', 'vtex:loja', CASE WHEN n % 5000 = 0 THEN 'dead' ELSE 'sent' END, now(), now(),
       now(), 'run', md5((n / 3)::text)
FROM generate_series(1, 200000) n;
INSERT INTO rastro.notice_attempt (notice_id, started_at, run_id) SELECT notice_id, now(), 'run' FROM rastro.notice;
INSERT INTO rastro.quarantine (origin, subject, reason, detail, first_at, last_at, run_id)
SELECT 'correios', 'QQ' || n || 'BR', 'unreadable', 'no JSON', now(), now(), 'run' FROM generate_series(1, 300) n;
"""
NOT_SEEDED = (
    "it has no number: order and marketplace are told when it has one",
    "a delivery is not confirmed: another parcel of its package has ended",
    "its carrier does not know it",
    "paused by hand",
)
KINDS = (
    "no carrier claims it", "what its carrier is asked by is missing", "the number looks mistyped", "not answered",
    "carrier refuses it: not_ours", "given up: nobody said anything for too long", "carrier has an unknown code",
    "route to the marketplace is unknown", "notice dead (email)", "quarantine: unreadable",
)  # fmt: skip


@pytest.fixture(scope="module")
def crowded(postgres: Any, warehouse_template: str) -> Any:
    dsn = postgres.create("rastro_crowded", template=warehouse_template)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(SEED)
        conn.execute("VACUUM ANALYZE")
        tally.count(conn, NOW)
        yield conn
    postgres.drop("rastro_crowded")


def read_whole(conn: Any, name: str, **values: object) -> list[str]:
    """The big tables that a statement reads from end to end."""
    ((told,),) = conn.execute(f"EXPLAIN (FORMAT JSON) {statement(name)}", values).fetchall()
    big = {table for (table,) in conn.execute("SELECT relname FROM pg_class WHERE reltuples >= %s", [MANY])}

    def scanned(node: dict[str, Any]) -> list[str]:
        own = [node["Relation Name"]] if node["Node Type"].endswith("Seq Scan") else []
        return own + [table for part in node.get("Plans", []) for table in scanned(part)]

    return [table for table in scanned(told[0]["Plan"]) if table in big]


def test_a_table_that_is_read_from_end_to_end_is_noticed(crowded: Any) -> None:
    assert read_whole(crowded, "tally_notices", now=NOW) == ["notice"]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("search_numbers", {"numbers": ["QQ77BR", "O-900"], "most": 201}),
        ("search_recipient", {"recipient_hash": "ab", "most": 201}),
        ("shipment_in_full", {"shipment_id": 77}),
        ("events_of_shipment", {"shipment_id": 77}),
        ("changes_of_shipment", {"shipment_id": 77}),
        ("notices_of_shipment", {"shipment_id": 77}),
        ("attempts_of_shipment", {"shipment_id": 77}),
        ("parcels_of_order", {"account": "vtex:loja", "order_id": "O-900"}),
        ("quarantine_of_shipment", {"origins": ["correios", "vtex:loja"], "subjects": ["QQ77BR", "O-38"]}),
        ("read_tally", {"subjects": ["shipment", "coverage"]}),
        ("count_notices_at_an_end", {}),
    ],
)
def test_what_a_page_asks_is_found_by_an_index(crowded: Any, name: str, values: dict[str, Any]) -> None:
    assert read_whole(crowded, name, **values) == []


@pytest.mark.parametrize(
    ("name", "values"),
    [
        (
            "mailed_before",
            {"notice_ids": [1], "shipment_ids": [77], "to_receiver": False, "recipient_hash": "ab", "since": NOW},
        ),
        (
            "owe_reminders",
            {
                "reminder": "reminder",
                "first": NOW.date(),
                "last": NOW.date(),
                "told_before": NOW,
                "days_before": 2,
                "from_hour": NOW.time(),
                "in_doubt": "it may have been told",
                "much_later": NOW,
                "now": NOW,
                "run_id": "",
            },
        ),
    ],
)
def test_what_is_asked_about_each_mail_and_in_each_run_is_found_by_an_index(
    crowded: Any, name: str, values: dict[str, Any]
) -> None:
    assert read_whole(crowded, name, **values) == []


@pytest.mark.parametrize("kind", [*KINDS, *NOT_SEEDED])
def test_problems_of_a_kind_are_found_by_an_index_of_theirs(crowded: Any, kind: str) -> None:
    first = {"account": "", "order_id": "", "subject": "", "detail": "", "before": MANY + 1}
    for beyond in (MANY - lookup.SPAN, 0):
        assert read_whole(crowded, "page_of_problems", problem=kind, most=51, beyond=beyond, **first) == []


def test_every_kind_of_problem_is_counted_and_all_of_it_is_listed_page_by_page(crowded: Any) -> None:
    counted = {one.part: one.figure for one in tally.read(crowded, ["problem"])}
    assert set(counted) == {*KINDS}
    for kind, figure in counted.items():
        seen: list[Any] = []
        while page := lookup.problems(crowded, kind, place(seen[-1]) if seen else ()):
            seen += page[: lookup.PAGE]
        assert len(seen) == len(set(seen)) == figure, kind


def test_a_problem_that_came_after_the_last_count_is_on_the_first_page(crowded: Any) -> None:
    kind = "route to the marketplace is unknown"
    with crowded.transaction(force_rollback=True):
        crowded.execute("UPDATE rastro.shipment SET route = 'review' WHERE shipment_id > %s", [MANY - 5])
        assert [row.place for row in lookup.problems(crowded, kind)][:5] == [*range(MANY, MANY - 5, -1)]
        crowded.execute("UPDATE rastro.shipment SET paused_at = now() WHERE shipment_id IN (1, %s)", [MANY])
        assert [row.place for row in lookup.problems(crowded, "paused by hand")] == [MANY, 1], "a kind not counted yet"


def place(row: Any) -> tuple[str, ...]:
    return str(row.place), row.account, row.order_id, row.subject, row.detail


def test_figures_are_those_of_the_tables(crowded: Any) -> None:
    counts = tally.read(crowded, ["shipment", "delivery", "notice", "coverage"])
    assert sum(one.figure for one in counts if one.subject == "shipment") == MANY
    delivered = sum(one.figure for one in counts if (one.subject, one.word) == ("shipment", "delivered"))
    assert delivered == sum(one.figure for one in counts if one.subject == "delivery")
    assert delivered == MANY // 2 - MANY // 4000 - MANY // 6000 + MANY // 12000
    assert {one.word: one.figure for one in counts if one.subject == "notice"} == {"sent": 199_960, "dead": 40}
    hours = {one.since for one in counts if one.subject == "coverage"}
    assert 71 <= len(hours) <= 73, "since the parcels were first seen"
    assert any(one.word == "gap" for one in counts)


def test_counting_again_and_by_two_runs_at_once_leaves_one_count(crowded: Any) -> None:
    before = [(one.subject, one.part, one.word, one.since) for one in tally.read(crowded, ["shipment", "notice"])]
    with psycopg.connect(crowded.info.dsn, password=crowded.info.password) as other, crowded.transaction():
        tally.count(crowded, NOW + timedelta(hours=1))
        other.execute("SET lock_timeout = '300ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            tally.count(other, NOW)
        other.rollback()
        assert run(other, "read_tally", subjects=["shipment"]).fetchall(), "those who look do not wait"
    assert before == [
        (one.subject, one.part, one.word, one.since) for one in tally.read(crowded, ["shipment", "notice"])
    ]


def counted_at(conn: Any) -> set[datetime]:
    return {one.counted_at for one in tally.read(conn, ["shipment", "delivery", "notice", "problem", "coverage"])}


@pytest.mark.parametrize(
    "write",
    [
        "UPDATE rastro.shipment SET warning = 'check digit' WHERE shipment_id = 5",
        "UPDATE rastro.shipment_state SET status = 'expired' WHERE shipment_id = 5",
        "UPDATE rastro.poll_state SET failures = 3 WHERE poll_id = 5",
        "UPDATE rastro.notice SET attempts = 1 WHERE shipment_id = 5",
        "DELETE FROM rastro.quarantine WHERE quarantine_id = (SELECT max(quarantine_id) FROM rastro.quarantine)",
    ],
)
def test_figures_stand_until_something_is_written_or_an_hour_ends(crowded: Any, write: str) -> None:
    noon = NOW.replace(minute=0) + timedelta(days=1)
    crowded.execute("SELECT pg_stat_force_next_flush()")
    tally.count(crowded, noon)
    tally.count(crowded, noon + timedelta(minutes=1))
    assert counted_at(crowded) == {noon}
    tally.count(crowded, noon + timedelta(hours=1))
    assert counted_at(crowded) == {noon + timedelta(hours=1)}
    with crowded.transaction():
        crowded.execute(write)
        crowded.execute("SELECT pg_stat_force_next_flush()")
    tally.count(crowded, noon + timedelta(hours=1, minutes=2))
    assert counted_at(crowded) == {noon + timedelta(hours=1, minutes=2)}


def test_parcels_of_an_address_and_of_pasted_numbers_are_found(crowded: Any) -> None:
    (hashed,) = crowded.execute("SELECT recipient_hash FROM rastro.notice WHERE shipment_id = 9").fetchone()
    assert [row.tracking_number for row in lookup.by_recipient(crowded, hashed)] == ["QQ9BR", "QQ10BR", "QQ11BR"]
    assert lookup.by_recipient(crowded, "") == []
    assert {row.shipment_id for row in lookup.by_numbers(crowded, ["QQ7BR", "O-4", "nothing"])} == {7, 8, 9}
    one = lookup.shipment(crowded, 7)
    assert {name: len(rows) for name, rows in lookup.history(crowded, one).items()} == {
        "events": 1, "changes": 1, "notices": 1, "attempts": 1, "parcels": 2,
    }  # fmt: skip
    assert [row.reason for row in lookup.put_aside(crowded, one)] == ["unreadable"]
    assert lookup.acts_on(crowded, one) == []
    assert lookup.shipment(crowded, MANY + 1) is None


def test_acts_are_listed_the_newest_first_page_by_page(crowded: Any) -> None:
    crowded.execute(
        "INSERT INTO rastro.manual_action (act_key, done_at, done_by, run_id, action, reason, account, order_id,"
        " subject, before, after) SELECT n, now(), 'someone', 'run', 'pause', 'strike', '', '', '', '{}', '{}'"
        " FROM generate_series(1, 60) n"
    )
    first = lookup.acts(crowded, 2**62)
    rest = lookup.acts(crowded, first[lookup.PAGE - 1].action_id)
    assert [row.action_id for row in (*first[: lookup.PAGE], *rest)] == list(range(60, 0, -1))
    crowded.execute("DELETE FROM rastro.manual_action")
