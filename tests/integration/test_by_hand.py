"""What people do by hand: recorded, told once to whom it concerns, and taken back when it was wrong."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count

import psycopg
import pytest

from rastro.cli import main
from rastro.errors import Misconfigured
from rastro.models import Channel, NoticeState
from rastro.orchestration.acts import PARAMS as FORM
from rastro.orchestration.acts import act_by_hand
from rastro.orchestration.form import PARAMS
from rastro.sending import Settlement
from rastro.warehouse import outbox
from rastro.warehouse.outbox import OrderKey
from stack.audit import kind_of

pytestmark = pytest.mark.slow

_runs = count(1)


class Run:
    """What a task sees of the run that a person triggered."""

    triggering_user_name = "ana"


def do(run_id="", **params):
    """A run of ``act_by_hand`` alone; what it would trigger ``track_deliveries`` with."""
    blank = {name: None if name == "status" else "" for name in FORM}
    context = {"params": {**blank, "reason": "a cliente ligou", **params}, "dag_run": Run()}
    return act_by_hand(run_id or f"manual-{next(_runs)}", context)


def act(shop, run_id="", **params):
    """A run of ``act_by_hand``, and the run of ``track_deliveries`` that it triggers."""
    confs = do(run_id, **params)
    for conf in confs:
        assert set(conf) <= set(PARAMS)
        assert shop.hour(params=conf).failures == {}
    return confs


def refused(shop, **params):
    before = shop.facts(), audit(shop)
    with pytest.raises(Misconfigured, match=r"^Nothing was done") as said:
        act(shop, **params)
    assert (shop.facts(), audit(shop)) == before
    return str(said.value)


def audit(shop):
    return shop.ask("SELECT * FROM rastro.v_manual_action ORDER BY action_id")


def one_order(shop, *kinds, **more):
    """A VTEX order whose parcel is known; its truth."""
    shop.orders(*kinds, **more)
    assert shop.hour().failures == {}
    (parcel,) = shop.simulator.truth()
    return parcel


def state(shop, number):
    (row,) = shop.ask("SELECT * FROM rastro.v_shipment WHERE tracking_number = %s AND skip = ''", number)
    return row


def order_of(shop):
    (order,) = shop.simulator.control("GET", "vtex/loja/orders")
    return order


def mails(shop):
    return Counter(kind_of(mail) for mail in shop.simulator.mails())


def test_a_delivery_that_is_confirmed_by_hand_reaches_the_order_once_and_is_recorded(shop):
    parcel = one_order(shop, "delivered")
    writes = len(shop.received("PUT", r"/tracking$"))
    act(shop, action="confirm_delivery", numbers=parcel["order_id"], city="Vila Serena", state="MG")
    one = state(shop, parcel["tracking_number"])
    assert one.status == "delivered"
    (package,) = order_of(shop)["packages"]
    assert package["finished"]
    assert len(shop.received("PUT", r"/tracking$")) == writes + 1
    for _ in range(2):
        assert shop.hour().failures == {}
    assert len(shop.received("PUT", r"/tracking$")) == writes + 1
    (done,) = audit(shop)
    assert (done.action, done.done_by, done.reason) == ("confirm_delivery", "ana", "a cliente ligou")
    assert (done.order_id, done.subject) == (parcel["order_id"], parcel["tracking_number"])
    assert (done.before["status"], done.after["status"]) == ("in_transit", "delivered")


def test_the_same_run_again_does_nothing_twice_and_confirming_again_is_no_news(shop):
    parcel = one_order(shop, "delivered")
    for _ in range(2):
        act(shop, run_id="the-same", action="confirm_delivery", numbers=parcel["tracking_number"])
    act(shop, action="confirm_delivery", numbers=parcel["tracking_number"])
    assert len(audit(shop)) == 1
    assert len(shop.ask("SELECT FROM rastro.tracking_event WHERE code = 'by_hand'")) == 1


def test_what_was_told_by_hand_stays_whatever_the_carrier_says_after_it_and_can_be_taken_back(shop):
    parcel = one_order(shop, "delivered")
    number = parcel["tracking_number"]
    act(shop, action="confirm_delivery", numbers=number)
    act(shop, action="poll_now", numbers=number)
    assert state(shop, number).status == "delivered", "the carrier's answer takes nothing of it back"
    act(shop, action="undo", numbers=number)
    assert state(shop, number).status == "in_transit"
    (package,) = order_of(shop)["packages"]
    assert not package["finished"]
    (alert,) = shop.ask("SELECT kind FROM rastro.notice WHERE channel = 'alert'")
    assert alert.kind
    assert "nothing was told by hand" in refused(shop, action="undo", numbers=number)
    while shop.advance():
        shop.hour()
    assert state(shop, number).status == "delivered"
    assert [one.action for one in audit(shop)] == ["confirm_delivery", "poll_now", "undo"]


def test_what_was_told_by_hand_settles_when_its_carrier_is_asked_though_that_says_what_it_said(shop):
    parcel = one_order(shop, "delivered")
    shop.hour()
    act(shop, action="confirm_delivery", numbers=parcel["tracking_number"], occurred_at="")
    for _ in range(2):
        shop.hour()
    ((status, due),) = shop.ask("SELECT status, next_poll_at FROM rastro.poll_state")
    assert (status, due) == ("delivered", None), "it was looked at once more, and is not any more"


def test_the_customer_is_mailed_what_is_told_by_hand_once(shop):
    shop.rows("delivered")
    shop.mail_all()
    assert shop.hour().failures == {}
    (parcel,) = shop.simulator.truth()
    before = mails(shop)
    act(shop, action="add_event", numbers=parcel["order_id"], status="out_for_delivery")
    assert mails(shop) - before == Counter({"out_for_delivery": 1})
    act(shop, action="add_event", numbers=parcel["order_id"], status="out_for_delivery")
    assert mails(shop) - before == Counter({"out_for_delivery": 1}), "one mail a day"


def test_a_parcel_that_no_carrier_answers_to_is_told_of_by_hand(shop):
    shop.rows("delivered")
    (row,) = shop.rows_held()
    shop.change_row(row["order_id"], tracking_number="MOTO-1", courier="Motoboy", customer_email="a@cliente.example")
    assert shop.hour().failures == {}
    assert state(shop, "MOTO-1").carrier is None
    assert "nobody can be asked about MOTO-1" in refused(shop, action="poll_now", numbers="MOTO-1")
    act(shop, action="confirm_delivery", numbers="MOTO-1")
    assert state(shop, "MOTO-1").status == "delivered"
    assert mails(shop) == Counter({"delivered": 1})


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"action": "confirm_delivery", "numbers": "ZZ999999999BR"}, "nothing is known about"),
        ({"action": "change_number", "number": "x"}, "needs in the field number the right one"),
        ({"action": "confirm_delivery", "occurred_at": "2099-01-01"}, "that is not yet"),
        ({"action": "confirm_delivery", "occurred_at": "2001-01-01"}, "that is before it was sent"),
        ({"action": "change_carrier", "carrier": "nobody"}, "'nobody' is no carrier that can be asked"),
        ({"action": "resend_mail"}, "no mail was sent about it"),
        ({"action": "release"}, "nothing waits for a person"),
        ({"action": "drop", "notice_ids": "999999"}, "there is no notice 999999"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is(shop, params, says):
    parcel = one_order(shop, "delivered")
    assert says in refused(shop, **{"numbers": parcel["tracking_number"], **params})


def test_of_several_numbers_one_that_nobody_knows_is_named_and_nothing_is_done(shop):
    parcel = one_order(shop, "delivered")
    said = refused(
        shop, action="pause", numbers=f"{parcel['order_id'].lower()} {parcel['tracking_number']} ZZ999999999BR"
    )
    assert "nothing is known about ZZ999999999BR: " in said


def test_of_an_orders_parcels_the_one_that_has_no_number_is_meant_by_ours(wide):
    wide.cohort(2, carriers=["azul_cargo"], kinds=["delivered"])
    numbered, bare = wide.rows_held()
    wide.change_row(bare["order_id"], order_id=numbered["order_id"], tracking_number="")
    assert wide.hour().failures == {}
    ((shipment_id,),) = wide.ask("SELECT shipment_id FROM rastro.shipment WHERE tracking_number = ''")
    act(wide, action="confirm_delivery", shipment_ids=str(shipment_id))
    (done,) = audit(wide)
    assert (done.shipment_id, done.order_id, done.subject) == (shipment_id, numbered["order_id"], "")
    assert state(wide, numbered["tracking_number"]).status == "in_transit"
    assert state(wide, "").status == "delivered"
    assert "there is no parcel 999999" in refused(wide, action="undo", shipment_ids=f"{shipment_id}, 999999")
    act(wide, action="undo", shipment_ids=str(shipment_id))
    assert f"nothing was told by hand of parcel {shipment_id}" in refused(
        wide, action="undo", shipment_ids=str(shipment_id)
    )


def test_a_paused_parcel_is_resumed_before_anything_is_asked_or_corrected(shop):
    parcel = one_order(shop, "delivered")
    act(shop, action="pause", numbers=parcel["order_id"])
    assert "is paused: resume it" in refused(shop, action="poll_now", numbers=parcel["order_id"])


def test_a_number_that_passed_on_to_another_parcel_means_that_one(shop):
    shop.rows("delivered", "delivered", parcels=2)
    first, second = shop.rows_held()
    assert shop.hour().failures == {}
    shop.execute(
        "UPDATE rastro.shipment SET tracking_number = %s, invoiced_at = invoiced_at - interval '1 year'"
        " WHERE order_id = %s",
        second["tracking_number"], first["order_id"],
    )  # fmt: skip
    act(shop, action="pause", numbers=second["tracking_number"])
    assert [one.order_id for one in audit(shop)] == [second["order_id"]]


def test_of_a_table_with_one_bad_line_nothing_is_done(shop):
    parcel = one_order(shop, "delivered")
    table = f"action,numbers\npause,{parcel['order_id']}\npause,ZZ999999999BR\n"
    assert "line 3: nothing is known about" in refused(shop, csv=table)
    act(shop, csv=f"action,numbers\npause,{parcel['order_id']}\nresume,{parcel['order_id']}\n")
    assert [one.action for one in audit(shop)] == ["pause", "resume"]


def test_a_paused_parcel_is_not_asked_about_what_it_owes_waits_and_resumed_it_goes_on(shop):
    shop.rows("delivered")
    shop.mail_all()
    assert shop.hour().failures == {}
    (parcel,) = shop.simulator.truth()
    number = parcel["tracking_number"]
    shop.advance()
    asked = shop.asked_about()
    act(shop, action="pause", numbers=number)
    for _ in range(2):
        assert shop.hour().failures == {}
    assert shop.hour(params={"numbers": number}).failures == {}
    shop.change_row(parcel["order_id"], city_to="Vale Alto")
    assert shop.hour().failures == {}
    assert shop.asked_about() == asked
    assert [one.problem for one in shop.ask("SELECT problem FROM rastro.v_open_problem")] == ["paused by hand"]
    told = mails(shop)
    act(shop, action="add_event", numbers=number, status="on_hold")
    assert mails(shop) == told, "it waits"
    act(shop, action="resume", numbers=number)
    assert shop.asked_about() != asked
    shop.to_the_end()
    assert state(shop, number).status == "delivered"
    assert mails(shop)["delivered"] == 1


def test_a_delivery_taken_back_is_no_end_for_who_is_asked_about_either(shop):
    number = one_order(shop, "delivered")["tracking_number"]
    before = shop.ask("SELECT status FROM rastro.poll_state")
    act(shop, action="add_event", numbers=number, status="delivered")
    assert [one.status for one in shop.ask("SELECT status FROM rastro.poll_state")] == ["delivered"]
    do(action="undo", numbers=number)
    assert shop.ask("SELECT status FROM rastro.poll_state") == before


def test_a_paused_parcel_is_not_asked_about_though_something_plans_it(shop):
    parcel = one_order(shop, "delivered")
    act(shop, action="pause", numbers=parcel["tracking_number"])
    shop.execute("UPDATE rastro.poll_state SET next_poll_at = '-infinity'")
    asked = shop.asked_about()
    assert shop.hour().failures == {}
    assert shop.asked_about() == asked


@pytest.mark.parametrize(("variant", "written"), [("two_codes", 0), ("two_packages", 1)])
def test_what_is_told_of_a_whole_package_waits_while_one_of_its_parcels_is_paused(shop, variant, written):
    shop.orders(variant=variant, parcels=2)
    assert shop.hour().failures == {}
    paused, other = shop.simulator.truth()
    act(shop, action="pause", numbers=paused["tracking_number"])
    writes = len(shop.received("PUT", r"/tracking$"))
    act(shop, action="add_event", numbers=paused["tracking_number"], status="on_hold", description="Na alfândega")
    act(shop, action="add_event", numbers=other["tracking_number"], status="on_hold", description="Em greve")
    bodies = [one["body"] for one in shop.received("PUT", r"/tracking$")[writes:]]
    assert len(bodies) == written
    assert not [body for body in bodies if "Na alfândega" in body]
    act(shop, action="resume", numbers=paused["tracking_number"])
    bodies = [one["body"] for one in shop.received("PUT", r"/tracking$")[writes:]]
    assert len(bodies) == written + 1
    assert "Na alfândega" in bodies[-1]
    shop.to_the_end()
    assert all(package["finished"] for package in order_of(shop)["packages"])
    assert {one.state for one in shop.ask("SELECT state FROM rastro.notice")} == {"sent"}


def test_a_paused_parcel_that_is_no_longer_of_its_package_holds_up_nothing(shop):
    shop.orders(variant="two_codes", parcels=2)
    assert shop.hour().failures == {}
    paused, other = shop.simulator.truth()
    act(shop, action="pause", numbers=paused["tracking_number"])
    do(action="add_event", numbers=other["tracking_number"], status="on_hold")
    assert shop.ask("SELECT FROM rastro.open_notice") == []
    shop.execute("UPDATE rastro.shipment SET skip = 'gone' WHERE tracking_number = %s", paused["tracking_number"])
    assert len(shop.ask("SELECT FROM rastro.open_notice")) == 1


def test_whoever_is_telling_of_a_parcel_goes_on_alone_though_it_is_paused_meanwhile(shop):
    shop.orders(variant="two_packages", parcels=2)
    assert shop.hour().failures == {}
    paused, other = shop.simulator.truth()
    order = OrderKey(account="vtex:loja", order_id=paused["order_id"])

    def claimed_by(conn, name):
        now = datetime.now(UTC)
        notices = outbox.claim(
            conn, Channel.ORDER, order.account, order, now=now, lease_until=now + timedelta(minutes=5),
            claimed_by=name, run_id=name,
        )  # fmt: skip
        conn.commit()
        return notices

    do(action="add_event", numbers=paused["tracking_number"], status="on_hold")
    with psycopg.connect(shop.warehouse) as conn:
        (told,) = claimed_by(conn, "one")
        do(action="pause", numbers=paused["tracking_number"])
        do(action="add_event", numbers=other["tracking_number"], status="on_hold")
        assert claimed_by(conn, "another") == []
        sent = Settlement(state=NoticeState.SENT)
        outbox.settle(conn, [told], sent, now=datetime.now(UTC), claimed_by="one")
        assert len(claimed_by(conn, "another")) == 1


def test_what_was_taken_back_is_asked_about_again_though_it_had_come_to_its_end(shop):
    parcel = one_order(shop, "delivered")
    act(shop, action="confirm_delivery", numbers=parcel["tracking_number"])
    shop.execute("UPDATE rastro.poll_state SET status = 'delivered', next_poll_at = NULL")
    act(shop, action="undo", numbers=parcel["tracking_number"])
    (poll,) = shop.ask("SELECT status, next_poll_at FROM rastro.poll_state")
    assert poll.status == "in_transit"
    assert poll.next_poll_at


def test_a_mail_is_sent_once_more_while_it_is_true(shop):
    shop.rows("delivered")
    shop.mail_all()
    assert shop.hour().failures == {}
    (parcel,) = shop.simulator.truth()
    before = mails(shop)
    act(shop, action="resend_mail", numbers=parcel["order_id"])
    (kind,) = before
    assert mails(shop) == Counter({kind: 2})
    assert len({mail["message_id"] for mail in shop.simulator.mails()}) == 2
    (mail, _) = shop.ask("SELECT notice_id FROM rastro.notice WHERE channel = 'email' ORDER BY 1")
    shop.to_the_end()
    assert "would tell something false" in refused(shop, action="resend_mail", notice_ids=str(mail.notice_id))


@pytest.mark.parametrize("was", ["dead", "unknown"])
def test_a_dead_notice_is_released_or_dropped(shop, was):
    parcel = one_order(shop, "delivered")
    shop.simulator.fault("vtex", "status", status=400, times=0, match="/tracking")
    shop.advance()
    shop.hour()
    shop.execute(
        "UPDATE rastro.notice SET state = %s, reason = 'refused', attempts = 8, hand_overs = 1, not_before = 'infinity'"
        " WHERE state IN ('owed', 'dead')",
        was,
    )
    shop.simulator.calm()
    dead = shop.ask("SELECT notice_id FROM rastro.notice WHERE state = %s ORDER BY 1", was)
    assert dead
    writes = len(shop.received("PUT", r"/tracking$"))
    act(shop, action="release", numbers=parcel["order_id"])
    assert {(one.state, one.attempts) for one in shop.ask("SELECT state, attempts FROM rastro.notice")} == {("sent", 1)}
    assert len(shop.received("PUT", r"/tracking$")) == writes + 1
    shop.execute("UPDATE rastro.notice SET state = 'dead' WHERE notice_id = %s", dead[-1].notice_id)
    assert act(shop, action="drop", notice_ids=str(dead[-1].notice_id)) == []
    (dropped,) = shop.ask("SELECT state, reason FROM rastro.notice WHERE notice_id = %s", dead[-1].notice_id)
    assert dropped == ("dropped", "settled by hand")
    assert [one.before["state"] for one in audit(shop)] == [was] * len(dead) + ["dead"]


def test_another_carrier_is_asked_whatever_routing_and_carrier_say(wide):
    wide.carried(1, carriers=["loggi"], kinds=["delivered"])
    (parcel,) = wide.simulator.truth()
    wide.configure(couriers=f"{wide.rows_held()[0]['courier']}=jadlog")
    assert wide.hour().failures == {}
    number = parcel["tracking_number"]
    assert state(wide, number).carrier == "jadlog"
    act(wide, action="change_carrier", numbers=number, carrier="loggi")
    assert (state(wide, number).carrier, state(wide, number).status) == ("loggi", "in_transit")
    wide.change_row(parcel["order_id"], city_to="Vale Alto")
    wide.execute("UPDATE rastro.poll_state SET not_ours = 3 WHERE carrier = 'loggi'")
    assert wide.hour().failures == {}
    assert state(wide, number).carrier == "loggi"
    (why,) = wide.ask("SELECT carrier_reason FROM rastro.shipment")
    assert why.carrier_reason == "chosen by hand"


def test_a_corrected_number_stays_corrected_though_the_source_repeats_the_wrong_one(shop):
    shop.rows("delivered", "delivered", parcels=2)
    first, second = shop.rows_held()
    right = first["tracking_number"]
    shop.delete_row(second["order_id"])
    shop.change_row(first["order_id"], tracking_number="QQ999999994BR", customer_email="a@cliente.example")
    assert shop.hour().failures == {}
    act(shop, action="change_number", numbers=first["order_id"], number=right)
    shop.change_row(first["order_id"], city_to="Vale Alto")
    shop.to_the_end()
    assert state(shop, right).status == "delivered"
    (old,) = shop.ask("SELECT skip FROM rastro.shipment WHERE tracking_number = 'QQ999999994BR'")
    assert old.skip
    act(shop, action="change_number", numbers=right, number=second["tracking_number"])
    assert state(shop, second["tracking_number"]).order_id == first["order_id"]


@pytest.mark.parametrize("fault", [None, "drop_after"])
def test_a_corrected_number_is_written_on_a_vtex_order_once_and_followed_from_there(shop, fault):
    shop.orders("delivered", "delivered", parcels=2)
    first, second = shop.simulator.truth()
    right = second["tracking_number"]
    assert shop.hour().failures == {}
    if fault:
        shop.simulator.fault("vtex", fault, method="PATCH")
    act(shop, run_id="the-same", action="change_number", numbers=first["order_id"], number=right)
    act(shop, run_id="the-same", action="change_number", numbers=first["order_id"], number=right)
    shop.pauses_end()
    assert shop.hour().failures == {}
    (sent,) = shop.received("PATCH", r"/invoice/\d+$")
    assert first["order_id"] in sent["path"]
    (order,) = (
        one for one in shop.simulator.control("GET", "vtex/loja/orders") if one["order_id"] == first["order_id"]
    )
    (package,) = order["packages"]
    assert package["tracking_number"] == right
    assert right in package["tracking_url"]
    assert first["tracking_number"] not in package["tracking_url"]
    ((told,),) = shop.ask("SELECT state FROM rastro.notice WHERE kind = 'number'")
    assert told == "sent"
    (done,) = audit(shop)
    assert (done.before, done.after) == ({"tracking_number": first["tracking_number"]}, {"tracking_number": right})
    assert shop.hour().failures == {}
    (now, *others) = shop.ask(
        "SELECT tracking_number FROM rastro.shipment WHERE order_id = %s AND skip = ''", first["order_id"]
    )
    assert (now.tracking_number, others) == (right, [])


def test_of_two_numbers_for_one_parcel_the_order_is_told_the_later(shop):
    parcel = one_order(shop, "delivered")
    do(action="change_number", numbers=parcel["order_id"], number="QQ100000017BR")
    act(shop, action="change_number", numbers=parcel["order_id"], number="QQ100000025BR")
    (sent,) = shop.received("PATCH", r"/invoice/\d+$")
    assert "QQ100000025BR" in sent["body"]
    (package,) = order_of(shop)["packages"]
    assert package["tracking_number"] == "QQ100000025BR"


def test_the_quarantine_is_read_again_by_the_run_that_follows(shop):
    one_order(shop, "delivered")
    assert act(shop, action="retry_quarantine") == [{"retry_quarantine": True}]
    (done,) = audit(shop)
    assert (done.action, done.subject) == ("retry_quarantine", "quarantine")


def test_a_form_whose_time_is_before_what_is_known_is_refused(shop):
    parcel = one_order(shop, "delivered_before")
    earlier = datetime.now(UTC) - timedelta(days=3)
    said = refused(
        shop, action="add_event", numbers=parcel["tracking_number"], status="lost", occurred_at=earlier.isoformat()
    )
    assert "was delivered later" in said


def test_whoever_answers_the_telephone_sees_all_of_it_in_one_look(shop, capsys):
    shop.rows("delivered")
    shop.mail_all()
    (parcel,) = shop.simulator.truth()
    assert shop.hour().failures == {}
    act(shop, action="add_event", numbers=parcel["order_id"], status="out_for_delivery", city="Vila Serena", state="MG")
    shop.execute("UPDATE rastro.notice SET state = 'dead', reason = 'refused' WHERE kind = 'out_for_delivery'")
    capsys.readouterr()
    assert main(["status", parcel["order_id"], "--dsn", shop.warehouse]) == 0
    said = capsys.readouterr().out
    for words in (
        r"now       OUT FOR DELIVERY since \d\d/\d\d/\d{4} \d\d:\d\d, last seen in Vila Serena, MG",
        r"told      .* email in_transit to \w\*\*\*@\w\*\*\*\.example: sent \(notice \d+\)",
        r"email out_for_delivery to .*: dead: refused",
        r"next      (With the next run|At .*), because ",
        r"release or drop: notice \d+",
        r"history   .* out_for_delivery  by_hand  Informado pela loja  Vila Serena, MG",
        r"by hand   .* add_event by ana: a cliente ligou",
    ):
        assert re.search(words, said), words
    assert parcel["email"] not in said


@pytest.mark.parametrize("setting", ["mails_per_parcel", "mails_per_day"])
def test_a_mail_over_a_cap_is_not_sent_and_is_seen_and_goes_out_once_released(shop, setting):
    shop.configure(**{setting: "1"})
    shop.rows("delivered_at_once")
    hours = shop.to_the_end()
    assert mails(shop) == {"in_transit": 1}
    (problem,) = shop.ask("SELECT * FROM rastro.v_open_problem WHERE problem = 'notice dead (email)'")
    assert setting in problem.detail
    assert "check_run" in {task for hour in hours for task in hour.failed}
    release_held(shop)
    shop.hour()
    assert mails(shop) == {"in_transit": 1, "delivered": 1}
    assert shop.ask("SELECT FROM rastro.v_open_problem WHERE problem = 'notice dead (email)'") == []


def test_a_released_mail_that_is_tried_again_is_not_held_a_second_time(shop):
    shop.configure(mails_per_day="1")
    shop.rows("delivered_at_once")
    shop.to_the_end()
    shop.simulator.fault("smtp", "rcpt", status=451, times=0)
    release_held(shop)
    shop.simulator.calm()
    shop.pauses_end()
    assert shop.hour().failures == {}
    assert mails(shop) == {"in_transit": 1, "delivered": 1}


def test_a_mail_that_is_sent_again_by_hand_is_held_by_no_cap(shop):
    shop.configure(mails_per_day="1")
    shop.rows("delivered_at_once")
    shop.hour()
    (row,) = shop.rows_held()
    act(shop, action="resend_mail", numbers=row["order_id"])
    assert mails(shop) == {"in_transit": 2}


def release_held(shop):
    (notice,) = shop.ask("SELECT notice_id FROM rastro.notice WHERE state = 'dead'")
    act(shop, action="release", notice_ids=str(notice.notice_id))
