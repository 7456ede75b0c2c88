"""How the hot statements find their rows among a million, and that rows written again and again stay where they are."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from rastro.models import EVERYTHING, Window
from rastro.warehouse import loading, polls
from rastro.warehouse.queries import statement

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC).replace(microsecond=0)  # long ago, when other tests run before these
HOUR = timedelta(hours=1)
# A fiftieth is due and owed, as in an hour after long operation; a fifth is staged; each has one event of this month.
SEED = """
INSERT INTO rastro.source (account, writes_back, own_mail) VALUES ('vtex:loja', true, false);
INSERT INTO rastro.poll_state (carrier, reference, status, quiet_since, answered_at, loaded_at, next_poll_at)
SELECT CASE WHEN n % 3 = 0 THEN 'jadlog' ELSE 'correios' END, 'QQ' || n || 'BR', 'in_transit', now(),
       now() - interval '2 hours', now() - interval '2 hours',
       now() + CASE WHEN n % 50 = 0 THEN interval '-1 minute' ELSE interval '5 hours' END
FROM generate_series(1, 1000000) n;
INSERT INTO rastro.shipment (account, order_id, invoice_number, tracking_number, carrier, poll_id, first_seen_at,
    updated_at)
SELECT 'vtex:loja', 'O-' || n, n::text, 'QQ' || n || 'BR', 'correios', n, now() - interval '3 days', now()
FROM generate_series(1, 1000000) n;
INSERT INTO rastro.shipment_state (shipment_id, status, status_at, status_key, event_count, changed_at)
SELECT n, 'in_transit', CURRENT_DATE - (n % 30)::integer, 'PO 01', 1, now()
FROM generate_series(1, 1000000) n;
INSERT INTO rastro.tracking_event (shipment_id, occurred_at, event_key, position, status, standing, code, description,
    recorded_at)
SELECT n, CURRENT_DATE - (n % 30)::integer, 'PO 01', 0, 'in_transit', 'effective', 'PO 01', 'Objeto postado', now()
FROM generate_series(1, 1000000) n;
INSERT INTO rastro.notice (shipment_id, channel, kind, content, target, state, event_at, owed_at, not_before, run_id)
SELECT n, 'order', 'tracking', '1', 'vtex:loja', CASE WHEN n % 50 = 0 THEN 'owed' ELSE 'sent' END, now(), now(), now(),
       'run'
FROM generate_series(1, 1000000) n;
INSERT INTO rastro.staged_snapshot (poll_id, answered_at, digest, snapshot, raw, run_id)
SELECT n, now(), 'd', 'said', 'raw', 'run' FROM generate_series(1, 1000000, 5) n;
"""
ALL_DUE = {"window_end": NOW, "now": NOW, "chosen": False, **EVERYTHING.as_values()}
SLICE = {"carrier": "correios", "contract": "", "first": 300_000, "last": 400_000, **ALL_DUE}
SOME = list(range(1, 100_001, 50))  # as many as the load takes at a time
CLAIM = {
    "channel": "order", "target": "vtex:loja", "account": "vtex:loja", "order_id": "O-500", "now": NOW,
    "lease_until": NOW, "claimed_by": "t", "in_vain": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def million(postgres: Any, warehouse_template: str) -> Iterator[str]:
    dsn = postgres.create("rastro_million", template=warehouse_template)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("SELECT rastro.make_event_partitions((CURRENT_DATE - interval '2 months')::date, 4)")
        conn.execute(SEED.replace("now()", f"timestamptz '{NOW.isoformat()}'"))
        conn.execute("VACUUM ANALYZE")
    yield dsn
    postgres.drop("rastro_million")


@pytest.fixture
def conn(million: str) -> Iterator[Any]:
    """What a test does is undone."""
    with psycopg.connect(million) as conn:
        yield conn
        conn.rollback()


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def explained(conn: Any, name: str, *, options: str = "", **values: object) -> list[Mapping[str, Any]]:
    ((told,),) = conn.execute(f"EXPLAIN (FORMAT JSON{options}) {statement(name)}", values).fetchall()
    return list(nodes(told[0]["Plan"]))


def read_from_end_to_end(conn: Any, plan: list[Mapping[str, Any]]) -> set[str]:
    big = {name for (name,) in conn.execute("SELECT relname FROM pg_class WHERE reltuples >= 10000")}
    return {node["Relation Name"] for node in plan if node["Node Type"].endswith("Seq Scan")} & big


def indexes(plan: list[Mapping[str, Any]]) -> set[str]:
    return {node["Index Name"] for node in plan if "Index Name" in node}


def test_a_table_that_is_read_from_end_to_end_is_noticed(conn: Any) -> None:
    plan = explained(conn, "known_sources") + explained(conn, "count_notices")
    assert read_from_end_to_end(conn, plan) == {"notice"}


@pytest.mark.parametrize(
    ("name", "values", "by"),
    [
        ("count_due", ALL_DUE, {"poll_state_due"}),
        ("slice_due", {"carrier": "correios", "contract": "", "size": 500, **ALL_DUE}, {"poll_state_due"}),
        ("claim_due", {**SLICE, "size": 800, "lease_until": NOW, "passed_over": []}, {"poll_state_pkey"}),
        ("count_left", {**SLICE, "passed_over": []}, {"poll_state_pkey"}),
        ("settle_staged", {"answered_at": NOW, "poll_ids": SOME[:50]}, {"poll_state_pkey"}),
        (
            "settle_unchanged",
            {"answered_at": NOW, "poll_ids": SOME[:50], "next_polls": [NOW] * 50},
            {"poll_state_pkey"},
        ),
        ("take_staged", {"after": 300_000, "size": 2000}, {"staged_snapshot_by_poll", "poll_state_pkey"}),
        ("shipments_of_polls", {"poll_ids": SOME}, {"shipment_by_poll", "shipment_state_pkey"}),
        ("shipments_by_id", {"shipment_ids": SOME[:5]}, {"shipment_pkey", "shipment_state_pkey"}),
        ("claim_notices", CLAIM, {"shipment_by_order"}),
        (
            "followed_references", {"carriers": ["correios"], "contracts": [""], "references": ["QQ7BR"]},
            {"shipment_by_number"},
        ),
        ("search_numbers", {"numbers": ["QQ77BR", "O-900"], "most": 201}, {"shipment_by_number", "shipment_by_order"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_hot_statement_finds_its_rows_among_a_million_by_its_index(
    conn: Any, name: str, values: dict[str, object], by: set[str]
) -> None:
    plan = explained(conn, name, **values)
    assert by <= indexes(plan)
    assert read_from_end_to_end(conn, plan) == set()


def test_what_is_owed_is_found_among_what_was_sent_by_the_index_of_what_is_open(conn: Any) -> None:
    for name in ("open_targets", "open_orders"):
        plan = explained(conn, name, channel="order", target="vtex:loja", now=NOW, **EVERYTHING.as_values())
        assert "notice" not in read_from_end_to_end(conn, plan)
        assert "notice_open" in indexes(plan)


def test_the_load_finds_what_it_writes_by_its_index(conn: Any) -> None:
    loading.begin(conn, NOW)
    conn.execute("INSERT INTO incoming_state (shipment_id) SELECT unnest(%s::bigint[])", [SOME])
    conn.execute("INSERT INTO incoming_look (staged_id, poll_id) SELECT n, n FROM unnest(%s::bigint[]) n", [SOME])
    for name, by in [
        ("merge_states", "shipment_state_pkey"),
        ("settle_loaded", "poll_state_pkey"),
        ("settle_loaded_late", "poll_state_pkey"),
        ("drop_staged", "staged_snapshot_pkey"),
    ]:
        plan = explained(conn, name, now=NOW)
        assert (name, by in indexes(plan), read_from_end_to_end(conn, plan)) == (name, True, set())


# Partitions


def test_the_events_of_some_shipments_are_found_by_the_key_of_each_month(conn: Any) -> None:
    plan = explained(conn, "events_of_shipments", shipment_ids=SOME)
    assert read_from_end_to_end(conn, plan) == set()
    assert {name[:14] for name in indexes(plan)} == {"tracking_event"}


def test_an_event_whose_time_is_known_is_sought_in_its_month_alone(conn: Any) -> None:
    plan = explained(
        conn, "package_of_order", options=", ANALYZE", account="vtex:loja", order_id="O-500", invoice_number="500"
    )
    of_events = [node for node in plan if node.get("Relation Name", "").startswith("tracking_event")]
    assert len(of_events) > 1, "nobody knows the month before the statement runs"
    assert len([node for node in of_events if node["Actual Loops"]]) == 1


# Rows that are written again and again


def written(conn: Any, table: str) -> tuple[int, int]:
    """Updates of the table so far, and how many of them left all indexes alone."""
    conn.execute("SELECT pg_stat_force_next_flush()")
    conn.commit()
    (counts,) = conn.execute(
        "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE schemaname = 'rastro' AND relname = %s", [table]
    ).fetchall()
    return counts


def since(before: tuple[int, int], now: tuple[int, int]) -> tuple[int, int]:
    return now[0] - before[0], now[1] - before[1]


def test_claiming_and_staging_leave_the_indexes_alone(million: str) -> None:
    with psycopg.connect(million) as conn:
        before = written(conn, "poll_state")
        part = polls.Slice(carrier="correios", first=1, last=50_000, size=500)
        claimed = polls.claim_due(
            conn, part, Window(start=NOW - HOUR, end=NOW), size=500, now=NOW, lease_until=NOW + HOUR
        )
        conn.commit()
        staged = [polls.Staged(poll_id=one.poll_id, digest=b"d", snapshot=b"s", raw=b"r") for one in claimed]
        polls.stage(conn, staged, NOW, "run")
        assert len(claimed) == 500
        assert since(before, written(conn, "poll_state")) == (1000, 1000)


def test_a_state_that_is_written_again_leaves_the_indexes_alone_while_its_status_is_the_same(million: str) -> None:
    with psycopg.connect(million) as conn:
        before = written(conn, "shipment_state")
        for repetition in range(1, 4):
            now = NOW + repetition * HOUR
            loading.begin(conn, now)
            conn.execute(
                """
                INSERT INTO incoming_state
                SELECT shipment_id, status, status_at + interval '1 hour', 'DO 01', NULL, NULL, NULL, %s, %s, true,
                       true, '', '', status, 1, 0, false, true
                FROM rastro.shipment_state WHERE shipment_id = ANY(%s)
                """,
                [repetition, repetition, SOME[:500]],
            )
            conn.execute(statement("merge_states"), {"now": now})
            conn.commit()
        assert since(before, written(conn, "shipment_state")) == (1500, 1500)
