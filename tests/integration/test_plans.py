"""How the hot statements find their rows among a million, and that rows written again and again stay where they are."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from rastro.models import EVERYTHING, Window
from rastro.warehouse import loading, polls
from rastro.warehouse.queries import run, statement

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC).replace(microsecond=0)  # long ago, when other tests run before these
HOUR = timedelta(hours=1)
# A fiftieth is due and owed, as in an hour after long operation; a fifth is staged and was answered before; each has an
# event of the last thirty days.
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
INSERT INTO rastro.raw_answer (poll_id, answered_at, raw)
SELECT n, now() - interval '2 hours', 'raw' FROM generate_series(1, 1000000, 5) n;
"""
ALL_DUE = {"window_end": NOW, "now": NOW, "chosen": False, **EVERYTHING.as_values()}
SLICE = {"carrier": "correios", "contract": "", "first": 300_000, "last": 400_000, **ALL_DUE}
SOME = list(range(1, 100_001, 50))  # as many as the load takes at a time
FEW = list(range(1, 1_000_001, 20_000))  # from all over the million
A_FEW_PAGES = 50 * len(FEW)  # for each row those of every index on the way; the big tables have many times more
OWING = {
    "now": NOW, "run_id": "run", "in_doubt": "", "cannot_be_asked": ["email"], "much_later": NOW + 1000 * HOUR,
}  # fmt: skip
REFUSED = {
    "answered_at": NOW, "poll_ids": FEW, "next_polls": [NOW] * len(FEW), "digests": [b"d"] * len(FEW),
    "refusals": ["not_found"] * len(FEW), "texts": [""] * len(FEW), "not_ours": [0] * len(FEW),
}  # fmt: skip
KINDS = {"carrier": "correios", "contract": "", "window_end": NOW, "now": NOW, **EVERYTHING.as_values()}
CHOICE = {
    "most": 100, "patient": 10, "steps": [""], "statuses": ["in_transit"], "nears": [False], "silents": [0],
    "waiteds": [2], **KINDS,
}  # fmt: skip
CLAIM = {
    "channel": "order", "target": "vtex:loja", "account": "vtex:loja", "order_id": "O-500", "now": NOW,
    "lease_until": NOW, "claimed_by": "t", "in_vain": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def million(postgres: Any, warehouse_template: str) -> Iterator[str]:
    dsn = postgres.create("rastro_million", template=warehouse_template)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("SELECT rastro.make_event_partitions((CURRENT_DATE - interval '2 months')::date, 4)")
        # Nothing refers to what is not there, and to look that up by the million takes a third of the time.
        conn.execute("SET session_replication_role = replica")
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
    """By which rows are found, or that they are there already."""
    found = {node["Index Name"] for node in plan if "Index Name" in node}
    return found | {name for node in plan for name in node.get("Conflict Arbiter Indexes", [])}


def pages(plan: list[Mapping[str, Any]]) -> int:
    """How many were looked at, of a plan that was carried out."""
    return int(plan[0]["Shared Hit Blocks"] + plan[0]["Shared Read Blocks"])


def carried_out(conn: Any, name: str, **values: object) -> list[Mapping[str, Any]]:
    return explained(conn, name, options=", ANALYZE, BUFFERS", **values)


def test_a_table_that_is_read_from_end_to_end_is_noticed(conn: Any) -> None:
    plan = explained(conn, "known_sources") + explained(conn, "tally_notices", now=NOW)
    assert read_from_end_to_end(conn, plan) == {"notice"}
    assert pages(carried_out(conn, "tally_notices", now=NOW)) > 2 * A_FEW_PAGES


@pytest.mark.parametrize(
    ("name", "values", "by"),
    [
        ("count_due", {"carriers": ["correios", "loggi"], **ALL_DUE}, {"poll_state_due"}),
        ("slice_due", {"carrier": "correios", "contract": "", "size": 500, **ALL_DUE}, {"poll_state_due"}),
        ("due_in_turn", SLICE, {"poll_state_pkey"}),
        (
            "claim_due",
            {"poll_ids": SOME[:800], "contract": "", "named": False, "window_end": NOW, "now": NOW, "lease_until": NOW},
            {"poll_state_pkey", "shipment_by_poll"},
        ),
        (
            "count_due_still",
            {"poll_ids": SOME[:800], "contract": "", "named": False, "window_end": NOW, "now": NOW},
            {"poll_state_pkey"},
        ),
        ("settle_staged", {"answered_at": NOW, "poll_ids": SOME[:50]}, {"poll_state_pkey"}),
        (
            "settle_unchanged",
            {"answered_at": NOW, "poll_ids": SOME[:50], "next_polls": [NOW] * 50},
            {"poll_state_pkey"},
        ),
        ("settle_refused", REFUSED, {"poll_state_pkey"}),
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
        ("keep_raw", "staged_snapshot_pkey"),
        ("drop_staged", "staged_snapshot_pkey"),
    ]:
        plan = explained(conn, name, now=NOW)
        assert (name, by in indexes(plan), read_from_end_to_end(conn, plan)) == (name, True, set())


def test_what_is_known_already_is_found_by_its_key_in_a_few_pages(conn: Any) -> None:
    loading.begin(conn, NOW)
    conn.execute(
        "INSERT INTO incoming_look (staged_id, poll_id) SELECT n / 5 + 1, n FROM unnest(%s::bigint[]) n", [FEW]
    )
    conn.execute(
        """
        INSERT INTO incoming_event (shipment_id, occurred_at, event_key, position, status, standing, code, description,
            city, state, country)
        SELECT shipment_id, occurred_at, event_key, 1, 'delivered', standing, code, description, '', '', ''
        FROM rastro.tracking_event WHERE shipment_id = ANY(%s)
        """,
        [FEW],
    )
    owe(conn, content="1")
    for name, by, values in [
        ("merge_events", "tracking_event_is_told_once", {"now": NOW}),
        ("merge_notices", "notice_is_owed_once", OWING),
        ("keep_raw", "raw_answer_pkey", {}),
    ]:
        plan = carried_out(conn, name, **values)
        assert (name, by in indexes(plan), read_from_end_to_end(conn, plan)) == (name, True, set())
        assert (name, plan[0]["Tuples Inserted"], plan[0]["Conflicting Tuples"]) == (name, 0, len(FEW))
        assert pages(plan) < A_FEW_PAGES, name


def test_refusals_are_settled_in_a_few_pages(conn: Any) -> None:
    assert pages(carried_out(conn, "settle_refused", **REFUSED)) < A_FEW_PAGES


def owe(conn: Any, *, content: str) -> None:
    conn.execute(
        """
        INSERT INTO incoming_notice (shipment_id, channel, kind, content, target, state, reason, event_at, facts,
            to_receiver)
        SELECT n, 'order', 'tracking', %s, 'vtex:loja', 'owed', '', %s, '{}', false FROM unnest(%s::bigint[]) n
        """,
        [content, NOW, FEW],
    )


def test_whether_a_restored_warehouse_may_have_told_it_before_is_asked_once_for_each_notice(conn: Any) -> None:
    loading.begin(conn, NOW)
    conn.execute("UPDATE rastro.installation SET told_until = %s", [NOW - HOUR])
    owe(conn, content="2")
    plan = carried_out(conn, "merge_notices", **OWING)
    assert plan[0]["Tuples Inserted"] == len(FEW)
    assert [node["Actual Loops"] for node in plan if node.get("Relation Name") == "installation"] == [len(FEW)]
    assert read_from_end_to_end(conn, plan) == set()
    assert pages(plan) < A_FEW_PAGES


def test_a_few_answers_that_say_what_was_said_before_are_settled_in_a_few_pages(conn: Any) -> None:
    loading.begin(conn, NOW)
    conn.execute("TRUNCATE rastro.staged_snapshot")
    conn.execute("UPDATE rastro.poll_state SET meaning = 'm' WHERE poll_id = ANY(%s)", [FEW])
    conn.execute(
        """
        INSERT INTO rastro.staged_snapshot (poll_id, answered_at, digest, snapshot, raw, run_id, meaning)
        SELECT n, %s, 'd', 'said', 'raw', 'run', 'm' FROM unnest(%s::bigint[]) n
        """,
        [NOW, FEW],
    )
    plan = carried_out(conn, "settle_said_before", keep_raw=True)
    assert conn.execute("SELECT count(*) FROM rastro.staged_snapshot").fetchall() == [(0,)]
    assert {"poll_state_pkey", "raw_answer_pkey"} <= indexes(plan)
    assert read_from_end_to_end(conn, plan) == set()
    assert pages(plan) < A_FEW_PAGES


def test_references_that_were_answered_twice_are_gathered_once_however_much_is_staged(conn: Any) -> None:
    loading.begin(conn, NOW)
    plan = explained(conn, "settle_said_before", keep_raw=True)
    of_staged = [node for node in plan if node.get("Relation Name") == "staged_snapshot" and "Filter" in node]
    assert ["hashed SubPlan" in node["Filter"] for node in of_staged] == [True]


def test_what_fell_silent_costs_one_reading_of_the_references_and_of_nothing_else(conn: Any) -> None:
    # No index holds those that nobody asks about any more: they are the most, since each parcel ends so.
    long_ago = NOW - 2000 * HOUR
    conn.execute(
        "UPDATE rastro.poll_state SET next_poll_at = NULL, quiet_since = %s WHERE poll_id = ANY(%s)", [long_ago, FEW]
    )
    plan = carried_out(conn, "expire_silent", silent_since=NOW - 1000 * HOUR, now=NOW, run_id="run")
    assert read_from_end_to_end(conn, plan) == {"poll_state"}
    assert len([node for node in plan if node.get("Relation Name") == "poll_state" and "Seq" in node["Node Type"]]) == 1
    assert {"shipment_by_poll", "shipment_state_pkey", "poll_state_pkey"} <= indexes(plan)
    assert conn.execute("SELECT count(*) FROM rastro.shipment_change").fetchall() == [(len(FEW),)]


def test_an_hour_in_which_nothing_happens_reads_nothing_else_from_end_to_end(conn: Any) -> None:
    for name, values, by in [
        ("count_due", {"carriers": ["correios"], **ALL_DUE, "now": NOW - 9000 * HOUR}, "poll_state_due"),
        ("count_contradictions", {"since": NOW + 9000 * HOUR}, "shipment_state_changed"),
        ("count_unconfigured", {"carriers": ["correios", "jadlog"]}, "poll_state_due"),
    ]:
        plan = carried_out(conn, name, **values)
        assert (name, by in indexes(plan), read_from_end_to_end(conn, plan)) == (name, True, set())
        assert pages(plan) < A_FEW_PAGES, name


# Carriers whose calls are counted, and what was overtaken


def test_what_is_due_of_a_small_carrier_is_ranked_without_reading_what_others_carry(conn: Any) -> None:
    conn.execute("UPDATE rastro.poll_state SET carrier = 'loggi' WHERE poll_id <= 20000")
    conn.execute("ANALYZE rastro.poll_state")
    for name, values, by in [
        ("kinds_due", KINDS, {"poll_state_due", "shipment_by_poll"}),
        ("choose_due", CHOICE, {"poll_state_due", "shipment_by_poll", "poll_state_pkey"}),
    ]:
        plan = explained(conn, name, **{**values, "carrier": "loggi"})
        assert (name, by - indexes(plan), read_from_end_to_end(conn, plan)) == (name, set(), set())


def test_the_few_that_are_chosen_of_many_due_are_found_by_their_key(conn: Any) -> None:
    plan = explained(conn, "choose_due", **CHOICE)
    assert {"poll_state_due", "poll_state_pkey"} <= indexes(plan)
    assert "poll_state" not in read_from_end_to_end(conn, plan)
    assert conn.execute(statement("choose_due"), CHOICE).rowcount == CHOICE["most"]


def test_what_was_overtaken_is_sought_among_what_is_open(conn: Any) -> None:
    conn.execute("UPDATE rastro.notice SET state = 'sent' WHERE state = 'owed' AND notice_id > 10000")
    conn.execute("ANALYZE rastro.notice")
    plan = explained(
        conn, "settle_overtaken", accounts=["vtex:loja"], go_lives=[NOW + HOUR], now=NOW, moved_on="",
        before_go_live="", too_old="",
    )  # fmt: skip
    assert {"notice_open", "shipment_pkey", "shipment_state_pkey", "notice_pkey"} <= indexes(plan)
    assert read_from_end_to_end(conn, plan) == set()


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


def test_an_event_is_written_to_its_month_alone(conn: Any) -> None:
    run(conn, "make_incoming_event")
    conn.execute(
        """
        INSERT INTO incoming_event (shipment_id, occurred_at, event_key, position, status, standing, code, description,
            city, state, country)
        SELECT n, %s, 'DO 01', 1, 'in_transit', 'effective', 'DO 01', 'Objeto encaminhado', '', '', ''
        FROM unnest(%s::bigint[]) n
        """,
        [NOW, SOME],
    )
    assert run(conn, "merge_events", now=NOW).rowcount == len(SOME)
    opened = conn.execute(
        """
        SELECT relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
        WHERE l.pid = pg_backend_pid() AND l.mode = 'RowExclusiveLock' AND c.relispartition AND c.relkind = 'r'
        """
    ).fetchall()
    assert opened == [(f"tracking_event_{NOW:%Y%m}",)]


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
        window = Window(start=NOW - HOUR, end=NOW)
        turn = polls.due_in_turn(conn, part, window, NOW)
        claimed = polls.claim_due(conn, part, turn[:500], window, now=NOW, lease_until=NOW + HOUR)
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
