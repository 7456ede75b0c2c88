"""The warehouse on a real PostgreSQL: its schema, its partitions, what loading and claiming promise."""

import hashlib
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import psycopg
import pytest

from rastro.confirmation import OrderMarks, order_route
from rastro.models import Channel, Event, NoticeState, Route, Shipment, Snapshot, Status
from rastro.pipeline.load import load
from rastro.settings import settings_from
from rastro.warehouse import loading, outbox, polls, records, shipments
from rastro.warehouse.migrate import migrate
from rastro.warehouse.outbox import OrderKey, Settlement
from rastro.warehouse.shipments import Routed, SourceTraits
from stack.schema import SCHEMA, schema_of

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC).replace(microsecond=0)
ACCOUNT = "vtex:loja"
SETTINGS = settings_from({})
LEASE = timedelta(minutes=15)
NEXT_IF_SAME = NOW + timedelta(hours=7)
MOVING = (("PO-01", Status.IN_TRANSIT, 30), ("OEC-01", Status.OUT_FOR_DELIVERY, 4))
ARRIVED = (*MOVING, ("BDE-01", Status.DELIVERED, 1))


class Store:
    """A warehouse with one source, and the few things the tests do to it."""

    def __init__(self, warehouse):
        self.dsn = warehouse.dsn
        with self.open() as conn:
            shipments.keep_source(conn, ACCOUNT, SourceTraits(writes_back=True, own_mail=True))

    def open(self):
        return psycopg.connect(self.dsn)

    def ask(self, query, *values):
        with self.open() as conn:
            return conn.execute(query, values).fetchall()

    def ship(self, *numbers, order="O-1", invoice="100", at=NOW, **more):
        with self.open() as conn:
            routed = [
                Routed(
                    shipment=Shipment(
                        account=ACCOUNT, order_id=order, invoice_number=invoice, tracking_number=number,
                        invoiced_at=NOW - timedelta(days=3), **more,
                    ),
                    carrier="correios", why="", reference=number,
                )
                for number in numbers
            ]  # fmt: skip
            shipments.merge(conn, routed, at, whole_packages=False)

    def stage(self, number, lines, at=NOW, **otherwise):
        """What the carrier says about a number: lines of (code, status, hours ago)."""
        with self.open() as conn:
            ((poll_id,),) = conn.execute("SELECT poll_id FROM rastro.poll_state WHERE reference = %s", [number])
            events = tuple(
                Event(key=code, occurred_at=NOW - timedelta(hours=ago), status=status, code=code, description=code)
                for code, status, ago in lines
            )
            snapshot = msgspec.json.encode(Snapshot(reference=number, events=events))
            digest = hashlib.blake2b(snapshot, digest_size=16).digest()
            staged = polls.Staged(
                poll_id=poll_id, digest=digest, snapshot=snapshot, raw=b"z", meaning=digest, next_poll_at=NEXT_IF_SAME
            )
            polls.stage(conn, [replace(staged, **otherwise)], at, "run")

    def load(self, at=NOW):
        with self.open() as conn:
            return load(conn, SETTINGS, now=at, run_id="run")

    def everything(self):
        return [
            self.ask(f"SELECT * FROM rastro.{table} ORDER BY 1, 2, 3")
            for table in ("tracking_event", "shipment_state", "shipment_change", "notice")
        ]

    def claim(self, channel=Channel.ORDER, target=ACCOUNT, order="O-1", at=NOW, by="one"):
        with self.open() as conn:
            return outbox.claim(
                conn, channel, target, OrderKey(account=ACCOUNT, order_id=order), now=at, lease_until=at + LEASE,
                claimed_by=by, run_id="run",
            )  # fmt: skip


@pytest.fixture
def store(warehouse):
    return Store(warehouse)


# The schema


def test_migrating_twice_and_by_several_at_once_ends_at_the_same_schema(postgres):
    dsn = postgres.create("rastro_migrated_at_once")
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(migrate, [dsn, dsn])
    again = migrate(dsn)
    found = schema_of(postgres, "rastro_migrated_at_once")
    postgres.drop("rastro_migrated_at_once")
    assert first == second == again
    assert found == SCHEMA.read_text("utf-8"), "run python -m stack.schema"


def test_every_table_and_view_says_what_it_is(store):
    relations = store.ask(
        "SELECT relname, obj_description(c.oid) FROM pg_class c WHERE relnamespace = 'rastro'::regnamespace"
        " AND relkind IN ('r', 'p', 'v') AND NOT relispartition"
    )
    named = {name for name, _ in relations}
    assert {
        "shipment", "poll_state", "tracking_event", "shipment_change", "notice", "quarantine", "poll_batch",
        "v_shipment", "v_delivery", "v_change", "v_open_problem",
    } <= named  # fmt: skip
    assert not [name for name, comment in relations if not comment]


def test_every_column_of_the_analysts_views_says_what_it_is(store):
    columns = store.ask(
        "SELECT c.relname, a.attname, col_description(c.oid, a.attnum) FROM pg_class c JOIN pg_attribute a"
        " ON a.attrelid = c.oid WHERE c.relnamespace = 'rastro'::regnamespace AND c.relkind = 'v'"
        " AND starts_with(c.relname, 'v_') AND a.attnum > 0"
    )
    assert len(columns) > 40
    assert not [(view, column) for view, column, comment in columns if not comment]


def test_every_time_has_its_zone_and_is_named_so(store):
    columns = store.ask(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'rastro'"
        " AND data_type LIKE 'timestamp%%'"
    )
    assert columns
    assert {kind for *_, kind in columns} == {"timestamp with time zone"}
    others = {"window_start", "window_end", "quiet_since", "awaited_since", "lease_until", "synced_until", "told_until"}
    allowed = others | {"not_before", "since", "until", "chosen_for"}
    assert not [name for _, name, _ in columns if not name.endswith("_at") and name not in allowed]


# Partitions


def test_making_partitions_again_makes_none(store):
    with store.open() as conn:
        first = conn.execute("SELECT rastro.make_event_partitions('2031-01-15', 3)").fetchone()
        again = conn.execute("SELECT rastro.make_event_partitions('2031-01-01', 3)").fetchone()
    assert (first, again) == ((3,), (0,))


def add_event(conn, at, key="k"):
    conn.execute(
        "INSERT INTO rastro.tracking_event (shipment_id, occurred_at, event_key, position, status, standing, code,"
        " description, recorded_at) VALUES (1, %s, %s, 0, 'in_transit', 'effective', 'PO-01', 'Objeto postado', now())",
        [at, key],
    )


@pytest.mark.parametrize("at", ["1970-01-01T00:00Z", "2099-12-31T23:59Z"])
def test_dates_that_cannot_be_lie_in_the_default_partition(store, at):
    with store.open() as conn:
        add_event(conn, at)
        assert conn.execute("SELECT count(*) FROM rastro.tracking_event_default").fetchone() == (1,)


def test_rows_move_out_of_the_default_partition_when_their_month_is_made(store):
    with store.open() as conn:
        for at, key in [("2031-04-30T23:59:59Z", "a"), ("2031-05-01T00:00Z", "b"), ("2031-05-31T23:59:59Z", "c")]:
            add_event(conn, at, key)
        conn.execute("SELECT rastro.make_event_partitions('2031-05-01', 1)")
        moved = conn.execute("SELECT event_key FROM rastro.tracking_event_203105 ORDER BY 1").fetchall()
        left = conn.execute("SELECT event_key FROM rastro.tracking_event_default").fetchall()
        with pytest.raises(psycopg.errors.UniqueViolation):
            add_event(conn, "2031-05-01T00:00Z", "b")
    assert (moved, left) == ([("b",), ("c",)], [("a",)])


# Loading


def test_what_the_source_corrects_about_the_marketplace_is_kept_and_what_it_leaves_out_stays(store):
    marks = {
        "origin": "Fulfillment", "affiliate": "MKT", "marketplace_order_id": "1001",
        "marketplace_endpoint": "https://um.example/vtex",
    }  # fmt: skip
    mended = {
        "origin": "Chain", "affiliate": "NVO", "marketplace_order_id": "1002",
        "marketplace_endpoint": "https://dois.example/vtex",
    }  # fmt: skip
    held = "SELECT origin, affiliate, marketplace_order_id, marketplace_endpoint FROM rastro.shipment"
    store.ship("QQ000000019BR", **marks)
    for name, value in mended.items():
        store.ship("QQ000000019BR", **{**marks, name: value})
        marks[name] = value
        assert store.ask(held) == [tuple(marks.values())]
    store.ship("QQ000000019BR")
    assert store.ask(held) == [tuple(mended.values())]


def test_the_same_answer_staged_twice_changes_nothing(store):
    store.ship("AA1")
    store.stage("AA1", MOVING)
    figures = store.load()
    assert (figures.events, figures.changes) == (2, 1)
    before = store.everything()
    store.stage("AA1", MOVING, at=NOW + timedelta(minutes=1))
    again = store.load()
    assert (again.answers, again.events, again.changes, again.owed) == (1, 0, 0, {})
    assert store.everything() == before


def soon(minutes):
    return NOW + timedelta(minutes=minutes)


def standings(store):
    return dict(store.ask("SELECT event_key, standing FROM rastro.tracking_event"))


def test_an_answer_that_says_the_same_in_other_bytes_is_settled_without_being_read(store):
    store.ship("AA1")
    store.stage("AA1", MOVING)
    store.load()
    before = store.everything()
    store.stage("AA1", MOVING, at=soon(1), digest=b"other", raw=b"other bytes", snapshot=b"not to be read")
    figures = store.load(at=soon(2))
    assert (figures.answers, figures.events, figures.changes) == (1, 0, 0)
    assert store.everything() == before
    assert store.ask("SELECT digest, loaded_at, whole_at, next_poll_at, lease_until FROM rastro.poll_state") == [
        (b"other", soon(1), soon(1), NEXT_IF_SAME, None)
    ]
    assert store.ask("SELECT answered_at, raw FROM rastro.raw_answer") == [(soon(1), b"other bytes")]
    assert store.ask("SELECT count(*) FROM rastro.staged_snapshot") == [(0,)]


def test_what_is_to_be_read_again_since_is_not_settled_by_what_it_said_before(store):
    """Another parcel gets the number while a load has begun: its look is at once, and its answer is read."""
    store.ship("AA1")
    store.stage("AA1", MOVING)
    store.load()
    store.stage("AA1", MOVING, at=soon(1), digest=b"other")
    with ThreadPoolExecutor(1) as threads, store.open() as merging:
        merging.execute(
            "UPDATE rastro.poll_state SET digest = NULL, meaning = NULL, first_answered_at = NULL, next_poll_at = %s",
            [NOW],
        )
        load_of_another = threads.submit(store.load, soon(2))
        while not merging.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount:
            time.sleep(0.01)
        merging.commit()
        load_of_another.result()
    assert store.ask("SELECT digest, next_poll_at FROM rastro.poll_state") == [(None, NOW)]


def test_what_is_said_again_after_something_else_that_is_not_loaded_yet_is_compared(store):
    store.ship("AA1")
    store.stage("AA1", MOVING)
    store.load()
    store.stage("AA1", ARRIVED, at=soon(1))
    store.stage("AA1", MOVING, at=soon(2))
    assert store.load(at=soon(3)).answers == 2
    assert standings(store)["BDE-01"] == "withdrawn"
    assert store.ask("SELECT status FROM rastro.shipment_state") == [("out_for_delivery",)]


def test_what_is_said_again_is_compared_after_an_older_answer_was_loaded_late(store):
    store.ship("AA1")
    store.stage("AA1", MOVING, at=soon(5))
    store.load(at=soon(6))
    store.stage("AA1", (("PO-01", Status.IN_TRANSIT, 30), ("BLQ-01", Status.ON_HOLD, 2)), at=soon(1))
    store.load(at=soon(7))
    assert set(standings(store)) == {"PO-01", "OEC-01", "BLQ-01"}
    store.stage("AA1", MOVING, at=soon(8))
    store.load(at=soon(9))
    assert standings(store)["BLQ-01"] == "withdrawn"


def test_what_is_said_again_of_a_time_to_come_is_compared_since_the_time_may_have_come(store):
    store.ship("AA1")
    lines = (*MOVING, ("BDE-01", Status.DELIVERED, -48))
    store.stage("AA1", lines)
    store.load()
    assert standings(store)["BDE-01"] == "foreign"
    store.stage("AA1", lines, at=NOW + timedelta(days=2))
    store.load(at=NOW + timedelta(days=2))
    assert standings(store)["BDE-01"] == "effective"
    assert store.ask("SELECT status FROM rastro.shipment_state") == [("delivered",)]


def test_what_is_said_again_is_compared_for_a_parcel_that_has_come_to_share_the_number(store):
    store.ship("AA1")
    store.stage("AA1", MOVING)
    store.load()
    store.ship("AA1", order="O-2")
    store.stage("AA1", MOVING, at=soon(1))
    store.load(at=soon(2))
    recorded = Counter(order for (order,) in store.ask(
        "SELECT order_id FROM rastro.tracking_event JOIN rastro.shipment USING (shipment_id)"
    ))  # fmt: skip
    assert recorded == {"O-1": 2, "O-2": 2}


def plan_of(store):
    return store.ask("SELECT digest, meaning, next_poll_at FROM rastro.poll_state")


def test_an_answer_that_is_being_loaded_is_read_again_for_a_parcel_that_comes_to_share_the_number_meanwhile(store):
    store.ship("AA1")
    store.stage("AA1", MOVING)
    with ThreadPoolExecutor(1) as threads, store.open() as in_the_way:
        in_the_way.execute("LOCK TABLE rastro.shipment_change")  # which a load writes once it has read its parcels
        loading = threads.submit(store.load, soon(1))
        while not in_the_way.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount:
            time.sleep(0.01)
        store.ship("AA1", order="O-2", at=soon(2))
        in_the_way.commit()
        loading.result()
    assert plan_of(store) == [(None, None, soon(2))]
    store.stage("AA1", MOVING, at=soon(3))
    store.load(at=soon(4))
    assert store.ask("SELECT DISTINCT status FROM rastro.shipment_state") == [("out_for_delivery",)]


def test_an_unchanged_answer_is_asked_for_again_for_a_parcel_that_came_to_share_the_number_after_the_question(store):
    store.ship("AA1")
    store.stage("AA1", MOVING)
    store.load()
    ((poll_id,),) = store.ask("SELECT poll_id FROM rastro.poll_state")
    store.ship("AA1", order="O-2", at=soon(2))
    with store.open() as conn:
        polls.settle_unchanged(conn, [(poll_id, None)], soon(3))
    assert plan_of(store) == [(None, None, soon(2))]
    assert store.ask("SELECT answered_at FROM rastro.poll_state") == [(None,)]


def test_a_third_parcel_with_the_number_is_read_for_as_the_second_was(store):
    store.ship("AA1")
    store.stage("AA1", MOVING)
    store.ship("AA1", order="O-2", at=soon(1))
    store.load(at=soon(2))
    store.ship("AA1", order="O-3", at=soon(3))
    assert plan_of(store) == [(None, None, soon(3))]


def test_a_nul_in_any_text_is_left_out_and_holds_up_nobody(store):
    store.ship("AA1", courier="Transp\0ortes")
    store.ship("AA2", order="O-2")
    store.stage("AA1", (("PO\0-01", Status.IN_TRANSIT, 30), *MOVING[1:]))
    store.stage("AA2", ARRIVED)
    assert store.load().events == 5
    texts = "SELECT event_key, code, description FROM rastro.tracking_event ORDER BY occurred_at, shipment_id LIMIT 1"
    assert store.ask(texts) == [("PO-01",) * 3]
    assert store.ask("SELECT courier FROM rastro.shipment WHERE order_id = 'O-1'") == [("Transportes",)]
    with store.open() as conn:
        records.quarantine(
            conn, origin="a\0", subject="b\0", reason="r", detail="d\0", raw=b"\0", now=NOW, run_id="run"
        )
        assert records.resolve_quarantine(conn, "a", ["b\0"], NOW) == 1
        records.add_stage(
            conn, run_id="run", stage="s", part="", started_at=NOW, finished_at=NOW,
            figures={"said\0": ["x\0", {"y": ("z\0",)}]}, calls={},
        )  # fmt: skip
    assert store.ask("SELECT figures FROM rastro.run_stage") == [({"said": ["x", {"y": ["z"]}]},)]


def test_an_answer_staged_late_changes_nothing_that_newer_ones_brought(store):
    store.ship("AA1")
    store.stage("AA1", ARRIVED)
    store.load()
    store.stage("AA1", MOVING)
    store.load()
    ((events,),) = store.ask("SELECT count(*) FROM rastro.tracking_event")
    assert events == 3


def test_two_loaders_at_once_load_each_answer_once(store):
    numbers = [f"AA{number}" for number in range(60)]
    store.ship(*numbers)
    for number in numbers:
        store.stage(number, ARRIVED)
    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(lambda _: store.load(), range(2)))
    assert sum(figures.answers for figures in done) == len(numbers)
    assert store.ask("SELECT count(*) FROM rastro.tracking_event") == [(3 * len(numbers),)]
    assert store.ask("SELECT count(*) FROM rastro.shipment_change") == [(len(numbers),)]
    assert store.ask("SELECT count(*) FROM rastro.staged_snapshot") == [(0,)]


def test_a_load_that_fails_leaves_everything_staged(store):
    store.ship("AA1", "AA2")
    store.stage("AA1", MOVING)
    store.stage("AA2", MOVING)
    with store.open() as conn:
        conn.execute("UPDATE rastro.staged_snapshot SET snapshot = '{' WHERE staged_id = 2")
    before = store.everything()
    with pytest.raises(msgspec.DecodeError):
        store.load()
    assert store.everything() == before
    assert store.ask("SELECT count(*) FROM rastro.staged_snapshot") == [(2,)]


def test_what_was_known_at_a_time_can_be_asked(store):
    store.ship("AA1")
    store.stage("AA1", MOVING)
    store.load(at=NOW - timedelta(hours=2))
    store.stage("AA1", ARRIVED)
    store.load(at=NOW)
    known_then = (
        "SELECT status FROM rastro.tracking_event WHERE recorded_at <= %s AND standing = 'effective'"
        " ORDER BY occurred_at DESC LIMIT 1"
    )
    assert store.ask(known_then, NOW - timedelta(hours=1)) == [("out_for_delivery",)]
    assert store.ask(known_then, NOW) == [("delivered",)]


# Views


def test_coverage_shows_a_gap_until_the_carrier_has_answered(store):
    store.ship("AA1", "AA2")
    hour = NOW.replace(minute=0, second=0) - timedelta(hours=2)
    coverage = "SELECT pending, covered, gap FROM rastro.v_coverage WHERE window_start = %s"
    assert store.ask(coverage, hour) == [(2, 0, 2)]
    store.stage("AA1", MOVING)
    store.load()
    assert store.ask(coverage, hour) == [(2, 1, 1)]
    store.stage("AA2", MOVING)
    store.load()
    assert store.ask(coverage, hour) == [(2, 2, 0)]


def test_what_waits_for_a_person_is_listed_with_a_sentence(store):
    store.ship("AA1", route=Route.REVIEW, affiliate="XYZ")
    store.stage("AA1", (*MOVING, ("XQT-77", Status.UNKNOWN, 3), ("BDE-80", Status.LOST, 2)))
    store.load()
    listed = dict(store.ask("SELECT problem, detail FROM rastro.v_open_problem"))
    assert set(listed) == {"route to the marketplace is unknown", "carrier has an unknown code", "alert: lost"}
    assert "XYZ" in listed["route to the marketplace is unknown"]
    assert "XQT-77" in listed["carrier has an unknown code"]


def test_a_route_to_review_is_listed_with_the_reason_that_was_found(store):
    decided = order_route(OrderMarks(origin="Fulfillment", affiliate="AMZ", marketplace="Amazon"), {})
    store.ship("AA1", route=decided.route, route_reason=decided.why, affiliate="AMZ")
    assert store.ask("SELECT problem, detail FROM rastro.v_open_problem") == [
        ("route to the marketplace is unknown", decided.why)
    ]
    assert "the connector of Amazon passes a delivery on; add AMZ=connector" in decided.why


# Claims


@pytest.fixture
def owing(store):
    """A warehouse that owes twenty orders an update each."""
    for number in range(20):
        store.ship(f"AA{number}", order=f"O-{number}", invoice=str(number))
        store.stage(f"AA{number}", MOVING)
    store.load()
    return store


def test_two_claimers_never_get_the_same_notice(owing):
    orders = [f"O-{number}" for number in range(20)]

    def claim_all(name):
        return [one.notice_id for order in orders for one in owing.claim(order=order, by=name)]

    with ThreadPoolExecutor(4) as threads:
        claimed = [notice for each in threads.map(claim_all, "abcd") for notice in each]
    assert len(claimed) == len(set(claimed)) == len(orders)


def hand_over(owing, claimed, by="one", until=NOW + LEASE):
    with owing.open() as conn:
        return outbox.hand_over(
            conn, claimed, rendered={}, message_id="m", recipient="r", claimed_by=by, lease_until=until
        )


def test_a_claim_whose_lease_ended_before_anything_left_us_is_as_good_as_new(owing):
    (first,) = owing.claim(by="one")
    (second,) = owing.claim(at=NOW + LEASE + timedelta(seconds=1), by="two")
    assert (second.notice_id, second.doubtful, second.attempts) == (first.notice_id, False, 2)


def test_a_lease_begins_anew_with_the_hand_over(owing):
    claimed = owing.claim(by="one")
    assert hand_over(owing, claimed, until=NOW + 3 * LEASE)
    assert not owing.claim(at=NOW + 2 * LEASE, by="two")


def test_what_is_settled_while_a_claim_waits_for_it_is_not_claimed(owing):
    claimed = owing.claim(by="slow")
    at = NOW + 2 * LEASE
    with ThreadPoolExecutor(1) as other, owing.open() as settling:
        outbox.settle(settling, claimed, Settlement(state=NoticeState.SENT), now=at, claimed_by="slow")
        waiting = other.submit(owing.claim, at=at, by="quick")
        held = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND position('claim' IN query) > 0"
        until = time.monotonic() + 20
        while not owing.ask(held)[0][0] and time.monotonic() < until:
            time.sleep(0.02)
        settling.commit()
        assert waiting.result() == []


def test_a_claim_that_was_lost_may_not_be_handed_over(owing):
    claimed = owing.claim(by="slow")
    (second,) = owing.claim(at=NOW + 2 * LEASE, by="quick")
    assert not hand_over(owing, claimed, by="slow")
    assert hand_over(owing, [second], by="quick", until=NOW + 3 * LEASE)
    (third,) = owing.claim(at=NOW + 4 * LEASE, by="third")
    assert third.hand_overs == 1


def test_what_surely_did_not_arrive_is_no_hand_over_and_what_may_have_stays_one(owing):
    claimed = owing.claim(by="one")
    assert hand_over(owing, claimed)
    with owing.open() as conn:
        back = Settlement(state=NoticeState.OWED, not_before=NOW)
        outbox.settle(conn, claimed, back, now=NOW, claimed_by="one")
    again = owing.claim(by="two")
    assert again[0].hand_overs == 0
    assert hand_over(owing, again, by="two")
    with owing.open() as conn:
        doubt = Settlement(state=NoticeState.UNKNOWN, not_before=NOW, may_have_arrived=True)
        outbox.settle(conn, again, doubt, now=NOW, claimed_by="two")
    assert owing.claim(by="three")[0].hand_overs == 1


def test_a_claim_whose_lease_ended_after_the_message_was_handed_over_comes_back_as_doubtful(owing):
    (first,) = owing.claim(by="one")
    assert not first.doubtful
    assert hand_over(owing, [first])
    assert not owing.claim(at=NOW + LEASE - timedelta(seconds=1), by="two")
    (second,) = owing.claim(at=NOW + LEASE + timedelta(seconds=1), by="two")
    assert (second.notice_id, second.doubtful, second.attempts) == (first.notice_id, True, 2)


def test_a_settlement_by_one_who_lost_the_claim_changes_nothing(owing):
    claimed = owing.claim(by="slow")
    owing.claim(at=NOW + 2 * LEASE, by="quick")
    with owing.open() as conn:
        sent = Settlement(state=NoticeState.SENT)
        outbox.settle(conn, claimed, sent, now=NOW + 2 * LEASE, claimed_by="slow")
    notice = "SELECT state, claimed_by FROM rastro.notice WHERE notice_id = %s"
    assert owing.ask(notice, claimed[0].notice_id) == [("claimed", "quick")]


def test_an_order_that_somebody_is_telling_is_not_claimed_for_newer_news(owing):
    owing.claim(by="one")
    owing.stage("AA1", ARRIVED)
    owing.load(at=NOW + timedelta(minutes=1))
    later = NOW + timedelta(minutes=2)
    ((owed,),) = owing.ask(
        "SELECT count(*) FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id)"
        " WHERE order_id = 'O-1' AND channel = 'order' AND n.state = 'owed'"
    )
    assert owed == 1
    assert not owing.claim(at=later, by="two")
    assert len(owing.claim(at=NOW + 2 * LEASE, by="two")) == 2


def test_a_marketplace_waits_until_every_parcel_of_the_package_has_arrived(store):
    market = {"route": Route.DIRECT, "marketplace": "webhook:hub"}
    store.ship("AA1", "AA2", **market)
    store.stage("AA1", ARRIVED)
    store.stage("AA2", MOVING)
    store.load()
    assert not store.claim(Channel.MARKETPLACE, "webhook:hub")
    store.stage("AA2", ARRIVED)
    store.load()
    assert len(store.claim(Channel.MARKETPLACE, "webhook:hub")) == 2


def test_nothing_is_staged_and_nothing_owed_in_an_empty_warehouse(store):
    with store.open() as conn:
        assert loading.take_staged(conn, 0, 10) == []
        assert outbox.open_targets(conn, NOW) == {}
