"""What only the shop can act on is mailed to its own people, once, and stays listed until it is."""

import email
import email.policy

import psycopg
import pytest

from rastro.errors import Misconfigured
from rastro.pipeline.alert_shop import Alerter
from stack.audit import kind_of, text_of
from stack.summary import Totals

pytestmark = pytest.mark.slow

PEOPLE = "expedicao@loja.example"
COLLEAGUE = "gerencia@loja.example"


def alerts(shop):
    return [mail for mail in shop.simulator.mails() if kind_of(mail) == "alert"]


def notices(shop):
    return shop.ask("SELECT * FROM rastro.notice WHERE channel = 'alert' ORDER BY notice_id")


def states(shop):
    return [notice.state for notice in notices(shop)]


def listed(shop):
    return sorted(row.problem for row in shop.ask("SELECT problem FROM rastro.v_open_problem"))


def until(shop, kind, count=1):
    """Hours until so many alerts of the kind are owed, without the run in which they could be sent."""
    shop.configure(alert_to="")
    while len([notice for notice in notices(shop) if notice.kind == kind]) < count:
        assert not shop.hour().failures
        assert shop.advance() or notices(shop)
    shop.configure(alert_to=PEOPLE)


@pytest.mark.parametrize(
    ("kind", "happened"),
    [
        ("lost", "volume extraviado"),
        ("returned", "volume devolvido à loja"),
        ("undone", "entrega desfeita"),
        ("voided_vanishes", "entrega desfeita"),
    ],
)
@pytest.mark.parametrize("source", ["orders", "rows"])
def test_each_alert_is_one_mail_to_the_shop_alone(shop, source, kind, happened):
    shop.configure(alert_to=PEOPLE)
    getattr(shop, source)(kind, parcels=2)
    runs = shop.to_the_end()
    assert [run.failures for run in runs] == [{}] * len(runs)
    parcels = shop.simulator.truth()
    mails = alerts(shop)
    assert sorted(mail["subject"] for mail in mails) == sorted(
        f"Pedido {one['order_id']}: {happened}" for one in parcels
    )
    assert all(mail["rcpt_tos"] == [PEOPLE] for mail in mails)
    assert set(states(shop)) == {"sent"}
    assert shop.wrong() == []
    shop.pauses_end()
    assert not shop.hour().failures
    assert alerts(shop) == mails


def test_among_parcels_of_every_kind_everybody_is_told_once_and_the_figures_say_so(shop):
    shop.configure(alert_to=PEOPLE)
    shop.cohort(60)
    runs = shop.to_the_end()
    assert [run.failures for run in runs] == [{}] * len(runs)
    assert {"lost", "returned", "reopened"} == {notice.kind for notice in notices(shop)}
    assert shop.wrong() == []
    with psycopg.connect(shop.warehouse) as conn:
        totals = Totals.since(conn, shop.since)
    assert totals.alerts == len(alerts(shop)) > 3
    assert totals.mails == len(shop.simulator.mails()) - totals.alerts > 3


def test_an_alert_names_parcel_change_and_what_to_do_and_nobody(shop):
    shop.configure(alert_to=PEOPLE)
    shop.orders("lost")
    shop.to_the_end()
    (parcel,) = shop.simulator.truth()
    (mail,) = alerts(shop)
    text = text_of(mail)
    for fact in (parcel["order_id"], parcel["invoice_number"], parcel["tracking_number"], "em trânsito → extraviado"):
        assert fact in text
    assert "abra a reclamação na transportadora" in text
    customer = shop.simulator.control("GET", f"vtex/loja/orders/{parcel['order_id']}")["customer"]
    for known in ("first_name", "last_name", "email", "alias", "user_id"):
        assert customer[known]
        assert customer[known].lower() not in mail["raw"].lower() + text.lower()


def test_what_is_kept_of_an_alert_has_its_text_and_no_address(shop):
    shop.configure(alert_to=f"{PEOPLE}, {COLLEAGUE}")
    shop.rows("lost", parcels=2)
    shop.to_the_end()
    first, second = notices(shop)
    assert {"subject", "text", "html"} == set(first.rendered)
    assert "extraviado" in first.rendered["text"]
    assert "@" not in str(first.rendered)
    assert first.recipient == "e***@l***.example, g***@l***.example"
    hashes = first.recipient_hash.split(", ")
    assert [len(one) for one in hashes] == [64, 64]
    assert first.recipient_hash == second.recipient_hash
    assert first.message_id in {mail["message_id"] for mail in alerts(shop)}
    assert first.message_id != second.message_id


def test_several_addresses_get_one_message_that_names_them_all(shop):
    shop.configure(alert_to=f"{PEOPLE}, {COLLEAGUE}")
    shop.rows("returned")
    shop.to_the_end()
    (mail,) = alerts(shop)
    assert mail["rcpt_tos"] == [PEOPLE, COLLEAGUE]
    message = email.message_from_string(mail["raw"], policy=email.policy.default)
    assert [one.addr_spec for one in message["To"].addresses] == [PEOPLE, COLLEAGUE]
    assert shop.wrong() == []


def test_alerts_about_parcels_of_one_order_go_as_one_mail(shop):
    shop.configure(alert_to=PEOPLE)
    shop.rows("lost", parcels=2)
    with psycopg.connect(shop.database) as conn:
        conn.execute("UPDATE public.rastro_shipment SET order_id = '1-01'")
    shop.to_the_end()
    assert states(shop) == ["sent", "sent"]
    (mail,) = alerts(shop)
    assert mail["subject"] == "Pedido 1-01: volume extraviado (2)"
    assert len({notice.message_id for notice in notices(shop)}) == 1
    assert [one for one in shop.wrong() if "alert" in one.name] == []


def test_without_addresses_alerts_are_listed_and_are_sent_once_there_are_some(shop):
    shop.configure(alert_to="")
    shop.rows("lost", parcels=2)
    shop.orders("returned")
    shop.to_the_end()
    shop.hour()
    assert alerts(shop) == []
    assert set(states(shop)) == {"owed"}
    assert [notice.attempts for notice in notices(shop)] == [0, 0, 0]
    assert listed(shop) == ["alert: lost", "alert: lost", "alert: returned"]
    shop.configure(alert_to=PEOPLE)
    for _ in range(2):
        assert not shop.hour().failures
    assert len(alerts(shop)) == 3
    assert set(states(shop)) == {"sent"}
    assert listed(shop) == []
    assert shop.wrong() == []


def test_an_alert_that_waited_says_where_the_parcel_is_now(shop):
    shop.orders("undone")
    until(shop, "reopened")
    shop.configure(alert_to="")
    shop.to_the_end()
    shop.configure(alert_to=PEOPLE)
    assert not shop.hour().failures
    (mail,) = alerts(shop)
    text = text_of(mail)
    assert "O que mudou: entregue → em trânsito" in text
    assert "\nAgora: entregue (" in text.replace("\r", "")


def test_a_dry_run_shows_the_alert_and_sends_none(shop):
    shop.orders("lost", parcels=2)
    until(shop, "lost", 2)
    run = shop.hour(params={"dry_run": True})
    assert not run.failures
    assert alerts(shop) == []
    assert states(shop) == ["owed", "owed"]
    rows = shop.ask("SELECT * FROM rastro.v_rehearsal WHERE channel = 'alert'")
    assert [(row.verdict, row.kind, row.notices, row.recipient) for row in rows] == [
        ("send", "lost", 1, "e***@l***.example")
    ] * 2
    assert all("volume extraviado" in row.text.lower() for row in rows)
    assert not shop.hour().failures
    assert {mail["subject"] for mail in alerts(shop)} == {row.subject for row in rows}


# The mail server in trouble


@pytest.mark.parametrize("resend", ["false", "true"])
def test_an_alert_of_unknown_fate_is_repeated_only_where_that_is_wanted_and_as_the_same_mail(shop, resend):
    shop.configure(resend_doubtful_mail=resend)
    shop.orders("lost")
    until(shop, "lost")
    shop.simulator.fault("smtp", "drop_after", times=0)
    for _ in range(4):
        shop.hour()
        shop.pauses_end()
    assert states(shop) == ["unknown"]
    assert "notice unknown (alert)" in listed(shop)
    assert len(alerts(shop)) == (2 if resend == "true" else 1)
    assert len({mail["message_id"] for mail in alerts(shop)}) == 1


def test_a_repeat_takes_nothing_new_along(shop):
    shop.configure(resend_doubtful_mail="true")
    shop.orders("undone")
    until(shop, "reopened")
    shop.simulator.fault("smtp", "drop_after", times=1)
    shop.hour()
    assert states(shop) == ["unknown"]
    shop.execute(
        "INSERT INTO rastro.notice"
        " (shipment_id, channel, kind, content, target, state, event_at, facts, owed_at, not_before, run_id)"
        " SELECT shipment_id, channel, 'lost', 'later', target, 'owed', event_at, facts, owed_at, now(), run_id"
        " FROM rastro.notice WHERE channel = 'alert'"
    )
    shop.pauses_end()
    assert not shop.hour().failures
    first, again, other = alerts(shop)
    assert text_of(again) == text_of(first)
    assert again["message_id"] == first["message_id"] != other["message_id"]
    assert "extraviado" not in again["subject"]
    assert "extraviado" in other["subject"]
    assert states(shop) == ["sent", "sent"]


def test_a_mail_server_that_is_away_leaves_alerts_owed_and_each_is_sent_once_when_it_is_back(shop):
    shop.configure(max_attempts="2")
    shop.orders("lost", "returned", parcels=2)
    until(shop, "lost")
    until(shop, "returned")
    shop.connect_by("rastro_smtp", port=9)
    for _ in range(3):
        run = shop.hour()
        assert run.failed == {"alert_shop", "check_run"}
        assert "is the host right" in str(run.failures["alert_shop"])
        shop.pauses_end()
    assert states(shop) == ["owed", "owed"]
    assert listed(shop) == ["alert: lost", "alert: returned"]
    shop.reconnect("rastro_smtp")
    assert not shop.hour().failures
    shop.hour()
    assert len(alerts(shop)) == 2
    assert shop.wrong() == []


def test_a_refused_address_of_the_shop_is_a_setting_to_correct_and_costs_no_alert(shop):
    shop.configure(max_attempts="2")
    shop.orders("lost", parcels=2)
    until(shop, "lost", 2)
    shop.configure(alert_to=f"{PEOPLE}, {COLLEAGUE}")
    shop.simulator.fault("smtp", "rcpt", status=550, match=COLLEAGUE.replace(".", r"\."), times=0)
    for _ in range(3):
        error = shop.hour().failures["alert_shop"]
        assert isinstance(error, Misconfigured)
        assert "alert_to" in str(error)
        assert "recipient 2 of 2" in str(error)
        shop.pauses_end()
    assert alerts(shop) == []
    assert states(shop) == ["owed", "owed"]
    assert shop.ask("SELECT FROM rastro.suppressed_address") == []
    shop.configure(alert_to=PEOPLE)
    assert not shop.hour().failures
    assert len(alerts(shop)) == 2


# Two runs at once


def alerter(run_id, meanwhile):
    """As the task makes it, except that something happens after the claim: when the carrier's page is asked for."""
    from rastro.orchestration.workshop import Workshop

    workshop = Workshop.open(run_id)

    def page(number):
        meanwhile()
        return f"https://correios.example/{number}"

    return Alerter(
        postman=workshop.postman(), sender=workshop.sender(), pages={"correios": page}, address_key=b"key",
        connect=workshop.connect, settings=workshop.settings, run_id=run_id, clock=workshop.clock,
    )  # fmt: skip


def run_beside():
    from rastro.orchestration import tasks

    return tasks.alert_shop("second", {})


@pytest.fixture
def one_lost(shop):
    shop.orders("lost")
    until(shop, "lost")
    shop.execute("UPDATE rastro.shipment SET tracking_url = ''")
    return shop


def test_a_run_beside_leaves_an_alert_to_whoever_holds_it(one_lost):
    beside = []
    first = alerter("first", lambda: beside.append(run_beside()))
    assert first.alert().sent == 1
    assert [figures["sent"] for figures in beside] == [0]
    assert len(alerts(one_lost)) == 1
    assert states(one_lost) == ["sent"]


def test_who_is_too_slow_and_loses_the_claim_sends_nothing(one_lost):
    beside = []

    def lease_ends_and_another_run_comes():
        if not beside:
            one_lost.pauses_end()
            beside.append(run_beside())

    figures = alerter("first", lease_ends_and_another_run_comes).alert()
    assert [figures["sent"] for figures in beside] == [1]
    assert sum(figures.as_numbers().values()) == 0
    (mail,) = alerts(one_lost)
    (notice,) = notices(one_lost)
    assert (notice.state, notice.message_id) == ("sent", mail["message_id"])
