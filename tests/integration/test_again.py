"""What is read once more, kept answers and what was put aside, by corrected tables and parsers; and what is erased."""

import json
import re
import zlib
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from msgspec import structs

from rastro.carriers.correios import Correios
from rastro.carriers.registry import CARRIERS
from rastro.errors import Unreadable
from rastro.models import EVERYTHING, Refusal, Selection, Status, Window
from rastro.pipeline import put_aside, reprocess, track
from rastro.pipeline.erase_contents import erase_contents, in_words
from rastro.settings import settings_from
from rastro.warehouse import records, retention, tracking_links
from rastro.warehouse.again import Filter
from rastro.warehouse.polls import Slice

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)
REPROCESS, RETRY = {"reprocess": True}, {"retry_quarantine": True}
STATES = (
    "SELECT s.tracking_number, t.status FROM rastro.shipment s JOIN rastro.shipment_state t USING (shipment_id)"
    " ORDER BY tracking_number"
)


class Release(Correios):
    """Another release of Rastro, which understands Correios in another way."""

    def __init__(self, *, understands=None, passes_over=(), cannot_read=(), knows_the_body=True, sees_pickups=True):
        """``understands`` codes as these statuses; ``cannot_read`` what is said about these numbers."""
        self.understands, self.passes_over, self.sees_pickups = understands or {}, passes_over, sees_pickups
        self.cannot_read, self.knows_the_body = cannot_read, knows_the_body

    def split(self, response, asked=()):
        if not self.knows_the_body:
            raise Unreadable("correios: the answer is of another shape", raw=response.body)
        return super().split(response, asked)

    def parse(self, raw, reference=""):
        meaning = super().parse(raw, reference)
        if meaning.reference in self.cannot_read:
            raise Unreadable("correios: an object makes no sense", raw=raw, reference=meaning.reference)
        if isinstance(meaning, Refusal):
            return meaning
        events = [
            structs.replace(one, status=self.understands.get(one.code, one.status))
            for one in meaning.events
            if one.code not in self.passes_over
        ]
        pickup = meaning.pickup if self.sees_pickups else None
        return structs.replace(meaning, events=tuple(events), pickup=pickup)


def lacking(*codes):
    return Release(understands=dict.fromkeys(codes, Status.UNKNOWN))


SAMPLING_UNDERSTOOD = Release(understands={"XQT 77": Status.ON_HOLD})


def tracked_by(shop, carrier):
    """An hour in which an older release asked and loaded, and told nobody."""
    from rastro.orchestration import tasks
    from rastro.orchestration.workshop import Workshop

    run_id, window = "an older release", Window(start=shop.since, end=datetime.now(UTC))
    context = {"data_interval_start": window.start, "data_interval_end": window.end}
    tasks.sync_orders(run_id, context)
    workshop = Workshop.open(run_id)
    keeper = workshop.keeper(carrier)
    with workshop.line_to(carrier, keeper.account) as http:
        tracker = track.Tracker(
            carrier=carrier, contract=keeper.holder, http=http, keeper=keeper, connect=workshop.connect,
            settings=workshop.settings, window=window, run_id=run_id, clock=workshop.clock,
        )  # fmt: skip
        for part in tasks.plan_polls(run_id, context)["correios"]:
            tracker.track(Slice(**part))
    tasks.load_changes(run_id, context)


def on_the_last_day(shop):
    """Parcels that the next look will find delivered, each followed so far."""
    shop.orders("delivered", parcels=1)
    shop.orders("delivered", parcels=1, variant="hub")
    shop.rows("delivered", parcels=1)
    for _ in range(3):
        assert shop.hour().failures == {}
        shop.advance()


def tell_what_is_owed(shop):
    """The run of an hour for which every carrier has been asked."""
    assert shop.hour(Window(start=shop.since - 2 * HOUR, end=shop.since - HOUR)).failures == {}


def read_again(shop, carrier=CARRIERS["correios"], selection=EVERYTHING, window=None):
    with psycopg.connect(shop.warehouse) as conn:
        return reprocess.reprocess(
            conn,
            {"correios": carrier},
            selection,
            window,
            now=datetime.now(UTC),
            run_id="reprocess",
            commit=conn.commit,
        )


def retried(shop, carrier=CARRIERS["correios"], **wanted):
    with psycopg.connect(shop.warehouse) as conn:
        return put_aside.retry(
            conn, {"correios": carrier}, now=datetime.now(UTC), run_id="retry", wanted=Filter(**wanted)
        )


def numbers_of_new_rows(shop, parcels):
    shop.rows("delivered", parcels=parcels)
    return [parcel["tracking_number"] for parcel in shop.simulator.truth()]


def statuses(shop):
    return [row.status for row in shop.ask(STATES)]


def hooks(shop):
    return [one for one in shop.received("POST", "^/webhook/") if one["status"] < 300]


def entries(shop):
    return shop.ask("SELECT * FROM rastro.quarantine ORDER BY quarantine_id")


@contextmanager
def nobody_is_asked(shop):
    asked = len(shop.asked_about())
    yield
    assert asked
    assert len(shop.asked_about()) == asked


# Reprocess


WRONG = {"not in the table": lacking("BDE 01"), "line passed over": Release(passes_over={"BDE 01"})}


@pytest.mark.parametrize("older", WRONG.values(), ids=WRONG)
def test_what_is_corrected_puts_state_order_and_marketplace_right_and_nobody_is_asked_or_mailed(shop, older):
    on_the_last_day(shop)
    tracked_by(shop, older)
    tell_what_is_owed(shop)
    assert statuses(shop) == ["out_for_delivery"] * 3
    assert hooks(shop) == []
    mails, writes = len(shop.simulator.mails()), len(shop.received("PUT", "/tracking$"))
    with nobody_is_asked(shop):
        run = shop.hour(params=REPROCESS)
    assert run.failures == {}
    assert run.figures["reprocess"] | {"seconds": 0} == {
        "read": 3, "changed": 3, "refused": 0, "unreadable": 0, "seconds": 0,
    }  # fmt: skip
    assert statuses(shop) == ["delivered"] * 3
    assert len(hooks(shop)) == 1
    assert len(shop.received("PUT", "/tracking$")) == writes + 2
    assert all(one["finished"] for one in packages(shop)), "the orders say that all has been delivered"
    assert len(shop.simulator.mails()) == mails
    told = shop.ask("SELECT state FROM rastro.notice WHERE channel = 'email' AND kind = 'delivered'")
    assert [row.state for row in told] in ([], ["dropped"])


def packages(shop):
    found = [one for order in shop.simulator.control("GET", "vtex/loja/orders") for one in order["packages"]]
    assert found
    return found


def test_a_second_reprocess_finds_nothing_to_change(shop):
    on_the_last_day(shop)
    tracked_by(shop, lacking("BDE 01"))
    shop.hour(params=REPROCESS)
    facts, writes = shop.facts(), len(shop.received("PUT", "/tracking$"))
    again = shop.hour(params=REPROCESS)
    assert (again.figures["reprocess"]["read"], again.figures["reprocess"]["changed"]) == (3, 0)
    assert shop.facts() == facts
    assert (len(hooks(shop)), len(shop.received("PUT", "/tracking$"))) == (1, writes)


def test_the_plan_of_looks_stays_where_the_state_stays(shop):
    shop.rows("delivered", parcels=2)
    shop.hour()
    shop.advance()
    tracked_by(shop, lacking("DO 01"))
    shop.advance()
    tracked_by(shop, lacking("DO 01"))
    assert statuses(shop) == ["out_for_delivery"] * 2
    shop.execute("UPDATE rastro.poll_state SET next_poll_at = now() + interval '5 days'")
    shop.execute("UPDATE rastro.poll_state SET refusal = 'not_found', digest = 'of it' WHERE poll_id = 1")
    plan = "SELECT next_poll_at, answered_at, digest, failures, refusal FROM rastro.poll_state ORDER BY poll_id"
    planned, revisions = shop.ask(plan), shop.ask("SELECT revision FROM rastro.shipment_state ORDER BY 1")
    run = shop.hour(params=REPROCESS)
    assert run.figures["reprocess"]["changed"] == 2
    assert not shop.ask("SELECT FROM rastro.tracking_event WHERE status = 'unknown'")
    assert shop.ask("SELECT revision FROM rastro.shipment_state ORDER BY 1") != revisions
    assert shop.ask(plan) == planned


def test_a_code_that_is_understood_only_later_moves_the_parcel_when_it_is(shop):
    shop.orders("odd_code", parcels=2)
    shop.hour()
    shop.advance()
    shop.hour()
    assert statuses(shop) == ["in_transit"] * 2
    with nobody_is_asked(shop):
        assert read_again(shop, SAMPLING_UNDERSTOOD).changed == 2
        load(shop)
    assert statuses(shop) == ["on_hold"] * 2
    assert read_again(shop, SAMPLING_UNDERSTOOD).changed == 0


def test_where_a_parcel_waits_is_put_right_though_nothing_has_happened(shop):
    shop.rows("collected", parcels=1)
    shop.hour()
    for _ in range(3):
        shop.advance()
    tracked_by(shop, Release(sees_pickups=False))
    assert statuses(shop) == ["ready_for_pickup"]
    tell_what_is_owed(shop)
    facts, mails = shop.facts(), len(shop.simulator.mails())
    assert shop.hour(params=REPROCESS).figures["reprocess"]["changed"] == 1
    assert shop.ask("SELECT pickup ->> 'place' AS place FROM rastro.shipment_state")[0].place
    assert (shop.facts(), len(shop.simulator.mails())) == (facts, mails)


def load(shop):
    from rastro.orchestration import tasks

    tasks.load_changes("load", {})


def test_only_the_chosen_parcels_are_read_again(shop):
    shop.orders("delivered", parcels=2)
    shop.rows("delivered", parcels=1)
    shop.hour()
    number, *_ = [row.tracking_number for row in shop.ask(STATES)]
    [order] = shop.ask("SELECT order_id FROM rastro.shipment WHERE tracking_number = %s", number)
    chosen = {
        Selection(numbers=(number,)): 1, Selection(numbers=(order.order_id,)): 1, Selection(account="sql:erp"): 1,
        Selection(carrier="correios"): 3, Selection(carrier="another"): 0, EVERYTHING: 3,
    }  # fmt: skip
    assert {selection: read_again(shop, selection=selection).read for selection in chosen} == chosen


def test_a_backfill_with_reprocess_takes_each_kept_answer_once_in_the_hour_it_came(shop):
    shop.rows("delivered", parcels=3)
    tracked_by(shop, lacking("PO 01"))
    end = datetime.now(UTC).replace(microsecond=0)
    shop.execute(
        "UPDATE rastro.raw_answer r SET answered_at = %s::timestamptz - numbered.row * interval '1 hour'"
        " FROM (SELECT poll_id, row_number() OVER (ORDER BY poll_id) AS row FROM rastro.raw_answer) AS numbered"
        " WHERE r.poll_id = numbered.poll_id",
        end,
    )
    windows = [Window(start=end - hours * HOUR, end=end - (hours - 1) * HOUR) for hours in (4, 3, 2, 1, 0)]
    with nobody_is_asked(shop):
        figures = [shop.hour(window, params=REPROCESS).figures["reprocess"] for window in windows]
    assert [(one["read"], one["changed"]) for one in figures] == [(0, 0), (1, 1), (1, 1), (1, 1), (0, 0)]


def test_an_answer_waiting_to_be_loaded_is_not_overtaken_by_an_older_one_that_is_read_again(shop):
    shop.orders("odd_code", parcels=1)
    shop.hour()
    shop.advance()
    tracked_by(shop, lacking("XQT 77"))
    shop.advance()
    shop.hour(params={"dry_run": True})
    assert read_again(shop, SAMPLING_UNDERSTOOD).changed == 1
    load(shop)
    assert statuses(shop) == ["out_for_delivery"]
    assert not shop.ask("SELECT FROM rastro.tracking_event WHERE standing <> 'effective'")


def test_an_answer_that_a_new_shipment_of_the_number_was_never_compared_with_is_left_to_the_next_look(shop):
    shop.rows("delivered", parcels=1)
    shop.hour()
    [number] = [row.tracking_number for row in shop.ask(STATES)]
    sold_again(shop)
    run_sync(shop)
    assert len(shop.ask("SELECT FROM rastro.shipment WHERE tracking_number = %s", number)) == 2
    assert read_again(shop).read == 0
    shop.hour()
    assert statuses(shop) == ["in_transit"] * 2
    assert read_again(shop).read == 1


def sold_again(shop):
    """The database's only parcel in a second order, too."""
    with psycopg.connect(shop.database) as conn:
        conn.execute(
            "INSERT INTO public.rastro_shipment"
            " SELECT (jsonb_populate_record(sold, jsonb_build_object('order_id', 'O-2', 'updated_at', now()))).*"
            " FROM public.rastro_shipment AS sold"
        )


def run_sync(shop):
    from rastro.orchestration import tasks

    tasks.sync_orders("sync", {})


def test_a_parcel_given_up_is_not_taken_up_again_by_its_old_answer(shop):
    shop.orders("delivered", parcels=1)
    shop.hour()
    shop.execute("UPDATE rastro.poll_state SET next_poll_at = NULL, quiet_since = now() - interval '90 days'")
    shop.hour(params=REPROCESS)
    assert statuses(shop) == ["expired"]
    facts = shop.facts()
    assert shop.hour(params=REPROCESS).figures["reprocess"]["changed"] == 0
    assert shop.facts() == facts


@pytest.mark.parametrize(
    ("kept_out", "let_in"),
    [("paused_at = now()", "paused_at = NULL"), ("skip = 'not ours'", "skip = ''")],
    ids=["paused", "not followed"],
)
def test_who_was_kept_out_when_the_other_order_of_a_number_was_given_up_is_given_up_later(shop, kept_out, let_in):
    shop.rows("delivered")
    sold_again(shop)
    shop.hour()
    shop.configure(sync_overlap="0")  # the sources say nothing of either again
    shop.execute(f"UPDATE rastro.shipment SET {kept_out} WHERE order_id = 'O-2'")
    shop.execute("UPDATE rastro.poll_state SET next_poll_at = NULL, quiet_since = now() - interval '90 days'")
    shop.hour()
    rows = shop.ask("SELECT status FROM rastro.v_shipment ORDER BY order_id = 'O-2'")
    given_up, waiting = (row.status for row in rows)
    assert (given_up, waiting == "expired") == ("expired", False)
    shop.execute(f"UPDATE rastro.shipment SET {let_in} WHERE order_id = 'O-2'")
    shop.hour()
    assert statuses(shop) == ["expired", "expired"]


def test_another_order_of_a_number_at_its_end_is_given_up_when_the_carrier_says_nothing_more(shop):
    shop.rows("delivered")
    shop.to_the_end()
    assert statuses(shop) == ["delivered"]
    sold_again(shop)
    run_sync(shop)
    shop.configure(sync_overlap="0")
    assert [row.status for row in shop.ask("SELECT status FROM rastro.poll_state")] == ["delivered"]
    shop.execute("UPDATE rastro.poll_state SET next_poll_at = NULL, quiet_since = now() - interval '90 days'")
    load(shop)
    assert sorted(statuses(shop)) == ["delivered", "expired"]


def test_a_kept_answer_that_can_no_longer_be_read_is_put_aside_until_it_can_and_the_others_are_read(shop):
    shop.orders("delivered", parcels=3)
    tracked_by(shop, lacking("PO 01"))
    number, *_ = [row.tracking_number for row in shop.ask(STATES)]
    worse = Release(cannot_read=[number])
    for times in (1, 2):
        figures = read_again(shop, worse)
        assert (figures.read, figures.unreadable) == (3, 1)
        [entry] = entries(shop)
        assert (entry.subject, entry.reason, entry.times) == (number, "kept answer unreadable", times)
        assert number.encode() in zlib.decompress(entry.raw)
    assert retried(shop, worse).still_unreadable == 1
    assert read_again(shop).unreadable == 0
    assert entries(shop)[0].resolved_at is not None


def test_a_kept_answer_put_aside_is_read_by_a_retry_too_and_is_nobodys_news(shop):
    shop.rows("delivered", parcels=1)
    shop.hour()
    shop.advance()
    shop.advance()
    tracked_by(shop, Release(passes_over={"OEC 01"}))
    [number] = [row.tracking_number for row in shop.ask(STATES)]
    tracked_by(shop, Release())  # the carrier says the same again
    assert read_again(shop, Release(passes_over={"OEC 01", "RO 01"})).changed == 1
    load(shop)
    read_again(shop, Release(cannot_read=[number]))
    assert asdict(retried(shop)) == figures_of(entries=1, read=1)
    load(shop)
    assert statuses(shop) == ["out_for_delivery"]
    told = shop.ask("SELECT state, reason FROM rastro.notice WHERE channel = 'email' AND kind = 'out_for_delivery'")
    assert [(row.state, "read again" in row.reason) for row in told] == [("dropped", True)]


# Quarantine


def figures_of(**numbers):
    return asdict(put_aside.Figures(**numbers))


@pytest.fixture
def remarks(caplog):
    """What ``check_run`` said about the quarantine since it was last asked."""

    def read():
        found = [one.getMessage() for one in caplog.get_records("call") if "in quarantine" in one.getMessage()]
        caplog.clear()
        return [re.sub("^To look at: ", "", line) for line in found]

    return read


def test_an_answer_that_could_not_be_read_is_kept_and_told_once_the_parser_is_mended(shop, remarks):
    shop.rows("delivered", parcels=2)
    shop.hour()
    shop.advance()
    shop.advance()
    number, *_ = [row.tracking_number for row in shop.ask(STATES)]
    tracked_by(shop, Release(cannot_read=[number]))
    remarks()
    with nobody_is_asked(shop):
        shop.hour(params=REPROCESS)
    assert remarks() == ["1 in quarantine: unreadable answer"]
    assert statuses(shop) == ["in_transit", "out_for_delivery"]
    [entry] = entries(shop)
    assert (entry.subject, entry.resolved_at) == (number, None)
    answered = "SELECT answered_at, next_poll_at FROM rastro.poll_state WHERE reference = %s"
    with nobody_is_asked(shop):
        assert asdict(retried(shop)) == figures_of(entries=1, read=1)
        assert shop.ask(answered, number)[0].answered_at == entry.last_at
        run = shop.hour(params=REPROCESS)
    assert run.failures == {}
    assert remarks() == []
    assert entries(shop)[0].resolved_at is not None
    assert statuses(shop) == ["out_for_delivery"] * 2
    told = shop.ask("SELECT state FROM rastro.notice WHERE channel = 'email' AND kind = 'out_for_delivery'")
    assert [row.state for row in told] == ["sent"] * 2, "it is news, since nobody could read it before"
    facts = shop.facts()
    shop.hour()
    assert shop.facts() == facts, "the same answer again says nothing new"


def test_the_form_retries_the_quarantine_before_anything_is_asked(shop):
    shop.orders("delivered", parcels=1)
    shop.hour()
    shop.advance()
    [number] = [row.tracking_number for row in shop.ask(STATES)]
    tracked_by(shop, Release(cannot_read=[number]))
    run = shop.hour(params=RETRY)
    assert run.failures == {}
    assert run.figures["retry_quarantine"]["read"] == 1
    assert entries(shop)[0].resolved_at is not None
    assert shop.wrong() == []


def test_a_whole_body_that_made_no_sense_is_cut_and_read_once_the_parser_is_mended(shop):
    older = Release(knows_the_body=False, cannot_read=numbers_of_new_rows(shop, 3))
    tracked_by(shop, older)
    [entry] = entries(shop)
    assert zlib.decompress(entry.raw).count(b"codObjeto") == 3
    assert retried(shop, older).still_unreadable == 1
    assert entries(shop)[0].resolved_at is None
    assert asdict(retried(shop)) == figures_of(entries=1, read=1)
    load(shop)
    assert len(shop.ask("SELECT DISTINCT shipment_id FROM rastro.tracking_event")) == 3
    firsts = shop.ask("SELECT first_answered_at, answered_at FROM rastro.poll_state")
    assert {moment for row in firsts for moment in (row.first_answered_at, row.answered_at)} == {entry.last_at}
    shop.hour()
    assert shop.wrong() == []


def test_what_makes_no_sense_even_now_is_asked_about_again_and_closed_by_the_answer(shop):
    shop.orders("delivered", parcels=1)
    shop.simulator.fault("correios", "odd_object", match="srorastro")
    shop.hour()
    shop.execute("UPDATE rastro.poll_state SET next_poll_at = now() + interval '5 days'")
    asked = len(shop.asked_about())
    shop.hour()
    assert len(shop.asked_about()) == asked, "its look is days away"
    assert asdict(retried(shop)) == figures_of(entries=1, still_unreadable=1, asked_again=1)
    assert entries(shop)[0].resolved_at is None
    shop.hour()
    assert len(shop.asked_about()) == asked + 1
    assert entries(shop)[0].resolved_at is not None


def test_an_answer_overtaken_by_a_later_one_is_closed_and_takes_nothing_back(shop):
    shop.orders("delivered", parcels=1)
    shop.hour()
    [number] = [row.tracking_number for row in shop.ask(STATES)]
    body = json.loads(zlib.decompress(shop.ask("SELECT raw FROM rastro.raw_answer")[0].raw))
    aside(shop, "correios", number, json.dumps({**body, "eventos": body["eventos"][1:]}).encode())
    [entry] = entries(shop)
    shop.hour()  # the carrier says again what it said before, which closes the entry
    shop.execute("UPDATE rastro.quarantine SET resolved_at = NULL")
    facts = shop.facts()
    assert shop.ask("SELECT FROM rastro.poll_state WHERE answered_at > %s", entry.last_at)
    assert asdict(retried(shop)) == figures_of(entries=1, read=1)
    load(shop)
    assert shop.facts() == facts
    assert len(facts["events"]) == 2


def aside(shop, origin, subject, raw=b"", reason="unreadable answer", at=None):
    with psycopg.connect(shop.warehouse) as conn:
        records.quarantine(
            conn, origin=origin, subject=subject, reason=reason, detail="it makes no sense", raw=raw,
            now=at or datetime.now(UTC), run_id="test",
        )  # fmt: skip


def test_entries_that_nothing_can_be_done_about_are_counted_and_stay(shop):
    shop.orders("delivered", parcels=1)
    shop.hour()
    aside(shop, "correios", "QQ999999999BR", b"{}")
    aside(shop, "vtex:loja", "invoicedDate 2026-11-20T00:00:00.000Z", reason="list_incomplete")
    aside(shop, "vtex:elsewhere", "1400120000001-01 4711", reason="invoice_unaddressable")
    aside(shop, "a_carrier_of_before", "QQ1", b"{}")
    assert asdict(retried(shop)) == figures_of(entries=4, unknown=1, left=2)
    assert not shop.ask("SELECT FROM rastro.awaited_order")
    assert [row.resolved_at for row in entries(shop)] == [None] * 4


def test_only_the_wanted_entries_are_retried(shop):
    for number in (1, 2):
        aside(shop, "correios", f"QQ{number}", b"{}")
        aside(shop, "correios", f"QQ{number}", b"{}", reason="another")
    wanted = [{}, {"origin": "correios"}, {"reason": "another"}, {"subject": "QQ1"}, {"origin": "vtex:loja"}]
    assert [retried(shop, **one).entries for one in wanted] == [4, 4, 2, 2, 0]


def test_an_order_put_aside_so_long_ago_that_it_is_no_longer_read_is_read_again_by_a_retry(shop):
    shop.orders("delivered", parcels=1, variant="slash_invoice")
    shop.hour()
    [entry] = entries(shop)
    order_id = entry.subject.split()[0]
    shop.execute("UPDATE rastro.awaited_order SET awaited_since = now() - interval '1 year'")
    shop.execute("UPDATE rastro.source SET synced_until = now() + interval '30 days'")
    read = f"orders/{order_id}$"
    before = len(shop.received("GET", read))
    shop.hour()
    assert len(shop.received("GET", read)) == before
    run = shop.hour(params=RETRY)
    assert run.figures["retry_quarantine"]["orders_awaited"] == 1
    assert len(shop.received("GET", read)) == before + 1
    assert entries(shop)[0].times == entry.times + 1


# Retention

NOW = datetime.now(UTC)
OLD, SINCE = NOW - timedelta(days=401), NOW - timedelta(days=400)
ALL_SINCE = retention.Limits(kept_since=SINCE, contacts_since=SINCE, waited_since=SINCE, links_since=SINCE)


def erased(conn, limits=ALL_SINCE):
    """One round of each kind; how much of it there was."""
    return {kind: number for kind in retention.KINDS if (number := retention.erase_some(conn, kind, limits, NOW))}


def add_notices(conn):
    """One old notice in each state, settled once even where it was released since, and a fresh one that was sent."""
    conn.execute(
        "WITH one AS (INSERT INTO rastro.shipment (account, order_id, invoice_number, tracking_number, first_seen_at,"
        " updated_at) VALUES ('vtex:loja', 'O-1', '1', 'QQ1', now(), now()) RETURNING shipment_id)"
        " INSERT INTO rastro.notice (shipment_id, channel, kind, content, target, state, event_at, owed_at, not_before,"
        " settled_at, rendered, recipient, recipient_hash, message_id, receipt, run_id)"
        " SELECT shipment_id, 'email', 'delivered', state || at, 'vtex:loja', state, at, at, at,"
        " at, '{}', 'a…@…', 'hash', '<id>', '250', '' FROM one,"
        " (SELECT unnest(%s::text[]) AS state, %s::timestamptz AS at UNION ALL SELECT 'sent', now()) AS told",
        [["owed", "claimed", "unknown", "sent", "superseded", "dropped", "dead"], OLD],
    )


def test_contents_of_old_settled_notices_are_erased_and_nothing_else_of_them(warehouse):
    conn = warehouse.connection
    add_notices(conn)
    columns = "state, kind, settled_at, message_id, receipt"
    told = conn.execute(f"SELECT {columns} FROM rastro.notice ORDER BY notice_id").fetchall()
    assert erased(conn) == {"messages": 4}
    gone = conn.execute(
        "SELECT state, recipient, recipient_hash FROM rastro.notice WHERE erased_at = %s AND rendered IS NULL"
        " ORDER BY state",
        [NOW],
    ).fetchall()
    assert gone == [(state, "", "") for state in ("dead", "dropped", "sent", "superseded")]
    kept = conn.execute("SELECT DISTINCT recipient, recipient_hash FROM rastro.notice WHERE rendered IS NOT NULL")
    assert kept.fetchall() == [("a…@…", "hash")]
    assert conn.execute(f"SELECT {columns} FROM rastro.notice ORDER BY notice_id").fetchall() == told
    assert erased(conn) == {}


def test_old_raw_bodies_and_rehearsals_are_erased_and_their_entries_stay(warehouse):
    conn = warehouse.connection
    for subject, at in (("old", OLD), ("fresh", NOW)):
        records.quarantine(
            conn, origin="correios", subject=subject, reason="r", detail="d", raw=b"body", now=at, run_id=""
        )
        conn.execute(
            "WITH one AS (INSERT INTO rastro.poll_state (carrier, reference, quiet_since)"
            " VALUES ('correios', %s, now()) RETURNING poll_id)"
            " INSERT INTO rastro.raw_answer SELECT poll_id, %s, 'z' FROM one",
            [subject, at],
        )
        add_rehearsals(conn, at, 1)
        add_letter(conn, subject, at, read_at=at)
        tracking_links.give_out(conn, "vtex:loja", subject, "https://rastro.loja.example", at)
    add_letter(conn, "old and unread", OLD, read_at=None)
    assert erased(conn) == {
        "quarantined bodies": 1, "raw answers": 1, "letters": 1, "waiting parts": 1,
        "rehearsals": 1, "tracking links": 1,
    }  # fmt: skip
    assert conn.execute("SELECT order_id FROM rastro.tracking_link").fetchall() == [("fresh",)]
    letters = conn.execute("SELECT digest, body IS NULL FROM rastro.inbox ORDER BY inbox_id").fetchall()
    assert letters == [(b"old", True), (b"fresh", False), (b"old and unread", False)]
    waiting = conn.execute("SELECT refs FROM rastro.inbox_part ORDER BY part_id").fetchall()
    assert waiting == [(["fresh"],)]
    bodies = conn.execute("SELECT subject, raw IS NULL, erased_at FROM rastro.quarantine ORDER BY subject").fetchall()
    assert bodies == [("fresh", False, None), ("old", True, NOW)]
    kept = conn.execute("SELECT reference FROM rastro.raw_answer JOIN rastro.poll_state USING (poll_id)").fetchall()
    assert kept == [("fresh",)]
    assert erased(conn) == {}


def test_news_that_nobody_came_for_is_erased_long_before_the_bodies_are_and_found_by_its_letter(warehouse):
    conn = warehouse.connection
    for subject, at in (("old", OLD), ("fresh", NOW)):
        add_letter(conn, subject, at, read_at=at)
    assert erased(conn, replace(ALL_SINCE, kept_since=OLD - timedelta(days=1))) == {"waiting parts": 1}
    assert conn.execute("SELECT refs FROM rastro.inbox_part").fetchall() == [(["fresh"],)]
    indexes = conn.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'inbox_part'").fetchall()
    assert sorted(definition.rpartition(" ")[2] for (definition,) in indexes) == ["(inbox_id)", "(part_id)"]


def add_letter(conn, name, at, *, read_at):
    """A push of which a part waits for its parcel."""
    conn.execute(
        "WITH one AS (INSERT INTO rastro.inbox (carrier, way, digest, body, received_at, last_at, read_at)"
        " VALUES ('loggi', 'push', %(digest)s, 'z', %(at)s, %(at)s, %(read_at)s) RETURNING inbox_id)"
        " INSERT INTO rastro.inbox_part (inbox_id, carrier, refs, raw, received_at)"
        " SELECT inbox_id, 'loggi', %(refs)s, 'z', %(at)s FROM one",
        {"digest": name.encode(), "at": at, "read_at": read_at, "refs": [name]},
    )


def add_rehearsals(conn, at, number):
    conn.execute(
        "INSERT INTO rastro.rehearsal (run_id, channel, target, account, order_id, kind, notices, verdict,"
        " rehearsed_at) SELECT 'run', 'email', 'sql:erp', 'sql:erp', 'O', 'delivered', 1, 'send', %s"
        " FROM generate_series(1, %s)",
        [at, number],
    )


def test_a_statement_erases_a_bounded_number_and_a_run_erases_all_of_it_and_a_rerun_nothing(warehouse):
    add_rehearsals(warehouse.connection, OLD, retention.AT_MOST + 1)
    assert erased(warehouse.connection) == {"rehearsals": retention.AT_MOST}
    add_rehearsals(warehouse.connection, OLD, retention.AT_MOST)
    warehouse.connection.commit()
    told = erase_contents(warehouse.connection, settings_from({}), NOW)
    assert told == {**dict.fromkeys(retention.KINDS, 0), "rehearsals": retention.AT_MOST + 1}
    assert in_words(told) == "Erased: 10,001 rehearsals."
    again = erase_contents(warehouse.connection, settings_from({}), NOW)
    assert in_words(again) == "Nothing was old enough to be erased."


ENDED, UNDER_WAY = NOW - timedelta(days=40), NOW - timedelta(days=20)


def add_told(conn, order_id, *parcels, at=ENDED):
    """An order whose parcels have these statuses, each changed then and with these states of mails about it."""
    for place, (status, changed_at, *states) in enumerate(parcels):
        conn.execute(
            "WITH one AS (INSERT INTO rastro.shipment (account, order_id, invoice_number, tracking_number,"
            " first_seen_at, updated_at) VALUES ('sql:erp', %(order)s, '1', %(number)s, %(at)s, %(at)s)"
            " RETURNING shipment_id), state AS (INSERT INTO rastro.shipment_state (shipment_id, status, changed_at)"
            " SELECT shipment_id, %(status)s, %(changed)s FROM one)"
            " INSERT INTO rastro.notice (shipment_id, channel, kind, content, target, state, event_at, owed_at,"
            " not_before, settled_at, rendered, recipient, recipient_hash, run_id)"
            " SELECT shipment_id, 'email', state, '', 'sql:erp', state, %(at)s, %(at)s, %(at)s, %(at)s, '{}',"
            " 'a…@…', 'hash', '' FROM one, unnest(%(states)s::text[]) AS state",
            {"order": order_id, "number": f"N{place}", "status": status, "changed": changed_at, "at": at,
             "states": states},
        )  # fmt: skip


def test_whom_mails_went_to_is_erased_once_nothing_can_be_owed_and_their_texts_are_kept(warehouse):
    conn = warehouse.connection
    add_told(conn, "over", ("delivered", ENDED, "sent", "superseded"), ("returned", ENDED, "dropped"))
    add_told(conn, "ended lately", ("delivered", UNDER_WAY, "sent"))
    add_told(conn, "under way in part", ("delivered", ENDED, "sent"), ("in_transit", ENDED, "sent"))
    add_told(conn, "waits for a person", ("delivered", ENDED, "sent", "dead"))
    add_told(conn, "still owed", ("delivered", ENDED, "sent"), ("delivered", ENDED, "owed"))
    told = erase_contents(conn, settings_from({}), NOW)
    assert {kind: number for kind, number in told.items() if number} == {"contacts": 3}
    left = conn.execute(
        "SELECT DISTINCT order_id, recipient <> '', recipient_hash <> '', rendered IS NOT NULL"
        " FROM rastro.notice JOIN rastro.shipment USING (shipment_id) ORDER BY 1"
    ).fetchall()
    assert left == [
        ("ended lately", True, True, True),
        ("over", False, False, True),
        ("still owed", True, True, True),
        ("under way in part", True, True, True),
        ("waits for a person", True, True, True),
    ]


def test_who_took_a_parcel_is_erased_with_the_contents(warehouse):
    conn = warehouse.connection
    add_told(conn, "old", ("delivered", OLD), at=OLD)
    add_told(conn, "fresh", ("delivered", NOW))
    conn.execute("UPDATE rastro.shipment_state SET received_by = 'A. B.', proof_url = 'https://carrier.example/p'")
    assert erased(conn) == {"proofs": 1}
    kept = conn.execute(
        "SELECT order_id, received_by, status FROM rastro.shipment_state JOIN rastro.shipment USING (shipment_id)"
        " ORDER BY 1"
    ).fetchall()
    assert kept == [("fresh", "A. B.", "delivered"), ("old", "", "delivered")]
