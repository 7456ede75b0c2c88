"""What is asked of a run in its form: some shipments only, a dry run, the release of what a limit holds back."""

import json

import pytest

from chaos.hours import context_of
from rastro.cli import main
from rastro.errors import Permanent
from rastro.models import Window
from rastro.orchestration import tasks

pytestmark = pytest.mark.slow

MAIL, TRACKING = "email_customers", "/tracking$"


def sent(shop):
    """Everything that anybody was told."""
    writes = [one for method in ("PUT", "POST", "PATCH") for one in shop.received(method, "/tracking$|^/webhook/")]
    return [*writes, *shop.simulator.mails()]


def of(shop, source):
    return [one for one in shop.simulator.truth() if one["source"].startswith(source)]


# Only these shipments


def test_an_account_alone_is_synced_asked_and_told(shop):
    shop.orders("delivered_before", parcels=2)
    shop.rows("delivered", parcels=3)
    assert not shop.hour(params={"account": "sql:erp"}).failures
    assert set(shop.asked_about()) == {one["tracking_number"] for one in of(shop, "sql")}
    assert shop.received("GET", "^/vtex/") == []
    assert len(shop.simulator.mails()) == 3
    assert not shop.hour().failures
    assert shop.wrong() == []


def test_numbers_and_orders_pasted_as_they_are_are_asked_about_though_their_next_look_is_far(shop):
    shop.rows("delivered", parcels=5)
    shop.hour()
    shop.execute("UPDATE rastro.poll_state SET next_poll_at = now() + interval '1 day'")
    first, second, third, *_ = shop.simulator.truth()
    number = first["tracking_number"]
    before = len(shop.asked_about())
    shop.advance()
    pasted = (
        f" {number[:2]} {number[2:5]} {number[5:8]} {number[8:11]} {number[11:]}\n{second['order_id']}, QQ000000000BR;"
    )
    run = shop.hour(params={"numbers": pasted})
    assert not run.failures
    named = {first["tracking_number"], second["tracking_number"]}
    assert set(shop.asked_about()[before:]) == named
    states = {
        one.tracking_number: one.status for one in shop.ask("SELECT tracking_number, status FROM rastro.v_shipment")
    }
    assert {states[one] for one in named} == {first["status"]}
    assert states[third["tracking_number"]] == "in_transit"


def test_a_run_that_names_its_parcels_asks_about_each_once_however_often_it_is_repeated(shop):
    shop.rows("delivered", parcels=2)
    number = shop.simulator.truth()[0]["tracking_number"]
    window = shop.hour().window
    before = len(shop.asked_about())
    times = {"window_start": window.start.isoformat(), "window_end": window.end.isoformat()}
    for _ in range(2):
        assert not shop.hour(params={"numbers": number, **times}).failures
    assert shop.asked_about()[before:] == [], "it was answered after that window"
    assert not shop.hour(params={"numbers": number}).failures
    assert shop.asked_about()[before:] == [number]


def test_pasted_text_without_any_number_is_refused_in_plain_words(shop):
    run = shop.hour(params={"numbers": "as soon as possible"})
    assert "holds none" in str(run.failures["sync_orders"])
    assert shop.asked_about() == []


def test_what_nobody_knows_is_named_at_the_end(shop, caplog):
    shop.rows("delivered")
    shop.hour(params={"numbers": f"{shop.simulator.truth()[0]['tracking_number']} QQ999999999BR SLR-4711-01"})
    remarks = [one.getMessage() for one in caplog.records if "neither a tracking number" in one.getMessage()]
    assert [one.endswith("that we know: QQ999999999BR, SLR-4711-01") for one in remarks] == [True]
    shop.hour(params={"numbers": "maria1980@cliente.example 111.222.333-44"})  # would fail for what stands in the log
    assert any("2 that may point at a person" in one.getMessage() for one in caplog.records)


# A dry run


def busy(shop):
    shop.orders("delivered", parcels=2)
    shop.orders("delivered_at_once", parcels=2, variant="marketplace")
    shop.orders("delivered_at_once", variant="hub")
    shop.rows("delivered", parcels=3)
    assert not shop.hour().failures
    shop.simulator.advance(3)


def test_a_dry_run_tells_nobody_and_keeps_what_it_would_have_told(shop):
    busy(shop)
    before, facts = len(sent(shop)), shop.facts()
    run = shop.hour(params={"dry_run": True})
    assert not run.failures
    assert len(sent(shop)) == before
    assert shop.facts() == facts, "events, states and notices are as they were"
    counted = {
        (one.channel, one.verdict): one.n
        for one in shop.ask("SELECT channel, verdict, count(*) AS n FROM rastro.v_rehearsal GROUP BY 1, 2")
    }
    assert counted["email", "send"] == 3
    assert counted["order", "send"] == 5
    assert counted["marketplace", "send"] == 3
    mails = shop.ask("SELECT recipient, subject, text, rendered FROM rastro.v_rehearsal WHERE channel = 'email'")
    assert all(one.subject and "entreg" in one.text.lower() and "*" in one.recipient for one in mails)
    assert not any(address in json.dumps(one.rendered) for one in mails for address in emails(shop))

    mails = len(shop.simulator.mails())
    assert not shop.hour().failures
    assert len(shop.simulator.mails()) == mails + 3
    assert [one for one in shop.wrong() if one.name != "mails to customers, each once"] == []  # some are overtaken


def emails(shop):
    found = {one["email"] for one in shop.simulator.truth() if one["email"]}
    assert found
    return found


def test_what_is_rehearsed_is_what_is_then_sent(shop):
    busy(shop)
    shop.hour(params={"dry_run": True})
    rehearsed = {
        (one.order_id, one.subject)
        for one in shop.ask(
            "SELECT order_id, subject FROM rastro.v_rehearsal WHERE channel = 'email' AND verdict = 'send'"
        )
    }
    before = len(shop.simulator.mails())
    shop.hour()
    arrived = {mail["subject"] for mail in shop.simulator.mails()[before:]}
    assert arrived == {subject for _, subject in rehearsed}
    orders = shop.ask("SELECT rendered FROM rastro.v_rehearsal WHERE channel = 'order'")
    stored = shop.ask(
        "SELECT rendered FROM rastro.notice WHERE channel = 'order' AND rendered ->> 'delivered_at' IS NOT NULL"
    )
    told = {(one.rendered["order_id"], json.dumps(one.rendered["history"])) for one in orders}
    assert {(one.rendered["order_id"], json.dumps(one.rendered["history"])) for one in stored} == told


def test_a_rerun_of_a_dry_run_replaces_what_it_worked_out(shop):
    busy(shop)
    for _ in range(2):
        shop.hour(run_id="rehearsal", params={"dry_run": True})
    assert shop.ask("SELECT count(*) AS n FROM rastro.rehearsal")[0].n == 11


def test_a_dry_run_says_what_it_would_not_send_and_why(shop):
    shop.rows("delivered_before", parcels=2)
    shop.hour(params={"dry_run": True})
    dropped = shop.ask("SELECT reason FROM rastro.v_rehearsal WHERE verdict = 'drop'")
    assert [one.reason for one in dropped] == ["already delivered when first seen"] * 2


def test_a_dry_run_that_finds_nothing_to_send_says_so(shop, capsys):
    asked = ["rehearsal", "--dsn", shop.warehouse]
    assert main(asked) == 1
    assert "no dry run yet" in capsys.readouterr().err
    assert not shop.hour(run_id="nothing", params={"dry_run": True}).failures
    for more, words in (([], ""), (["nothing", "--channel", "email"], " by email")):
        assert main([*asked, *more]) == 0
        assert capsys.readouterr().out == f"Dry run nothing found nothing to send{words}.\n"
    assert main([*asked, "another"]) == 1


def test_a_side_that_cannot_be_asked_makes_its_messages_wait_in_the_rehearsal_and_no_others(shop):
    busy(shop)
    shop.simulator.fault("market", "status", status=503, times=0)
    assert not shop.hour(params={"dry_run": True}).failures
    waiting = shop.ask("SELECT target, reason FROM rastro.v_rehearsal WHERE verdict = 'wait'")
    assert {one.target for one in waiting} == {"vtex_protocol:market"}
    assert all("503" in one.reason for one in waiting)


# A limit


def test_more_than_the_limit_is_not_sent_until_a_run_releases_it(shop):
    shop.configure(most_notices="email=2")
    shop.rows("delivered", parcels=3)
    shop.orders("delivered_before")
    held = shop.hour()
    assert held.failed == {"check_run"}
    assert "3 e-mails owed, limit 2" in str(held.failures["check_run"])
    assert shop.simulator.mails() == []
    assert len(shop.received("PUT", TRACKING)) == 1, "other channels go on"
    again = shop.hour()
    assert again.failed == {"check_run"}
    assert shop.simulator.mails() == []
    assert not shop.hour(params={"release": ["email"]}).failures
    assert len(shop.simulator.mails()) == 3
    assert not shop.hour().failures
    assert shop.wrong() == []


def test_up_to_the_limit_nothing_is_held_back(shop):
    shop.configure(most_notices="email=3")
    shop.rows("delivered", parcels=3)
    assert not shop.hour().failures
    assert len(shop.simulator.mails()) == 3


# Go-live


def test_each_account_goes_live_at_its_own_time(shop):
    shop.configure(notify_since="sql:erp=2099-01-01")
    shop.rows("delivered", parcels=2)
    shop.orders("delivered", parcels=2)
    assert not shop.hour().failures
    assert shop.simulator.mails() == []
    assert {one.reason for one in shop.ask("SELECT reason FROM rastro.notice WHERE channel = 'email'")} == {
        "happened before the go-live cut-off"
    }
    assert len(shop.received("PUT", TRACKING)) == 2


def test_a_go_live_that_is_set_while_a_limit_holds_mails_back_drops_them(shop):
    shop.configure(most_notices="email=1, order=1")
    shop.rows("delivered", parcels=2)
    shop.orders("delivered", parcels=2)
    shop.orders("delivered_before", parcels=1)
    assert shop.hour().failed == {"check_run"}
    shop.configure(notify_since="2099-01-01")
    assert not shop.hour().failures, "what is dropped counts no longer, and one delivery is within the limit"
    assert shop.simulator.mails() == []
    (written,) = shop.received("PUT", TRACKING)
    assert json.loads(written["body"])["isDelivered"], "a delivery is told whatever its age"


def test_a_dry_run_that_reprocesses_leaves_nothing_staged(shop):
    shop.rows("delivered", parcels=2)
    shop.hour()
    shop.execute("UPDATE rastro.tracking_event SET status = 'unknown'")  # as a table of before had it
    rehearsed = shop.hour(params={"dry_run": True, "reprocess": True})
    assert not rehearsed.failures
    assert rehearsed.figures["reprocess"]["read"] > 0
    assert shop.ask("SELECT count(*) AS n FROM rastro.staged_snapshot")[0].n == 0
    assert {one.status for one in shop.ask("SELECT status FROM rastro.tracking_event")} == {"unknown"}
    assert not shop.hour(params={"reprocess": True}).failures
    assert "unknown" not in {one.status for one in shop.ask("SELECT status FROM rastro.tracking_event")}


def test_the_quarantine_is_not_retried_in_a_dry_run(shop):
    run = shop.hour(params={"dry_run": True, "retry_quarantine": True})
    assert "cannot be rehearsed" in str(run.failures["sync_orders"])


def test_a_task_that_is_run_again_by_itself_does_not_send_more_than_the_limit(shop):
    shop.configure(most_notices="email=2")
    shop.rows("delivered", parcels=3)
    shop.hour()
    context = context_of(Window(start=shop.since, end=shop.since), shop.since)
    with pytest.raises(Permanent, match="3 e-mails owed, limit 2"):
        tasks.email_customers("cleared", context)
    assert shop.simulator.mails() == []


def test_an_account_that_is_none_is_refused_with_those_there_are(shop):
    run = shop.hour(params={"account": "sql:erpp"})
    assert "There is no account sql:erpp; the sources are vtex:loja, sql:erp" in str(run.failures["sync_orders"])


def test_a_window_that_has_not_ended_is_refused(shop):
    run = shop.hour(params={"window_start": "2026-01-01T00:00:00Z", "window_end": "2099-01-01T00:00:00Z"})
    assert "lies in the future" in str(run.failures["plan_polls"])


def test_a_side_that_is_down_is_not_asked_about_every_message_of_a_dry_run(shop):
    shop.orders("delivered_before", parcels=8)
    shop.simulator.fault("vtex", "status", method="GET", match="/pvt/orders/[^/?]+$", status=503, times=0, skip=8)
    shop.hour(params={"dry_run": True})
    waiting = shop.ask("SELECT reason FROM rastro.v_rehearsal WHERE channel = 'order' AND verdict = 'wait'")
    assert len(waiting) == 8
    asked = len(shop.received("GET", "/pvt/orders/[^/?]+$"))
    assert asked < 8 + 3 * 8, "three in vain, each with its few repeats, and no more"
