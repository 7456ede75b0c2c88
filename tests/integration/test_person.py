"""A person is told all that is kept of them, and forgotten at their wish, without a hole in what happened."""

import json
import os
import re
from collections import Counter
from datetime import UTC, datetime

import psycopg
import pytest
from cryptography.fernet import Fernet

from chaos.hours import context_of
from holdings import places_of
from rastro.cli import main
from rastro.models import Window
from rastro.orchestration import tasks
from rastro.orchestration.acts import PARAMS as FORM
from rastro.orchestration.acts import act_by_hand
from rastro.warehouse import records, tracking_links

pytestmark = pytest.mark.slow

TOLD = r"/(tracking|invoice)"


@pytest.fixture
def person(shop, monkeypatch, capsys):
    """The command; its exit code, what it printed and what it complained of."""
    monkeypatch.setenv("RASTRO_WAREHOUSE_DSN", shop.warehouse)

    def call(*arguments):
        code = main(["person", *arguments, "--by", "ana"])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def names_of(shop, parcel):
    """All that leads to the person who bought a parcel."""
    row = next((one for one in shop.rows_held() if one["order_id"] == parcel["order_id"]), {})
    email = row.get("customer_email") or parcel["email"]
    names = (row.get("customer_name") or "").split() + re.split(r"[.@]", email or "")[:2]
    return {
        parcel["order_id"], parcel["tracking_number"], parcel["invoice_number"], email,
        row.get("invoice_key"), *(name for name in names if len(name) > 5),
    } - {None, ""}  # fmt: skip


def by_hand(shop, **params):
    class Run:
        triggering_user_name = "ana"

    blank = {name: None if name == "status" else "" for name in FORM}
    act_by_hand(f"manual-{params['action']}", {"params": {**blank, **params}, "dag_run": Run()})


def everything_about(shop, parcel):
    """The parcel is on its way, its buyer mailed; and it has left traces wherever one can."""
    by_hand(shop, action="pause", numbers=parcel["order_id"], reason=f"{parcel['email']} ligou")
    by_hand(shop, action="resume", numbers=parcel["order_id"], reason=f"{parcel['email']} ligou")
    by_hand(shop, action="open_claim", numbers=parcel["order_id"], claim="damaged", reason=f"{parcel['email']} ligou")
    said = json.dumps({"recebedor": parcel["email"], "numero": parcel["tracking_number"]}).encode()
    shop.push("loggi", b"[%s]" % said)
    with psycopg.connect(shop.warehouse) as conn:
        now = datetime.now(UTC)
        account = conn.execute("SELECT account FROM rastro.shipment WHERE order_id = %s", [parcel["order_id"]])
        ((account,),) = account.fetchall()
        for origin, subject in (
            ("correios", parcel["tracking_number"]),
            (account, f"{parcel['order_id']} {parcel['invoice_number']}"),
            ("correios", "QQ999999990BR"),
        ):
            records.quarantine(
                conn, origin=origin, subject=subject, reason="test", detail="d", raw=said, now=now, run_id="r"
            )
        conn.execute("UPDATE rastro.inbox SET read_at = now(), carrier = 'correios'")
        conn.execute(
            "INSERT INTO rastro.inbox_part (inbox_id, carrier, refs, raw, received_at)"
            " SELECT inbox_id, carrier, %s, body, now() FROM rastro.inbox",
            [[parcel["tracking_number"]]],
        )
        records.add_stage(
            conn, run_id="r", stage="update_orders", part="", started_at=now, finished_at=now, calls={}, figures={},
            trouble=f"order {parcel['order_id']}: 500; order 1: 500",
        )  # fmt: skip
        tracking_links.give_out(conn, account, parcel["order_id"], "https://rastro.loja.example", now)
        conn.execute(
            "INSERT INTO rastro.correction VALUES (%s, %s, %s, %s, '', 'correios', now())",
            [account, parcel["order_id"], parcel["invoice_number"], parcel["tracking_number"]],
        )


def dry_run(shop):
    assert shop.hour(params={"dry_run": True}).failures == {}


def history(shop):
    """What happened, of whomever."""
    return [
        shop.ask(f"SELECT {columns} FROM rastro.{table} ORDER BY {columns}")
        for table, columns in (
            ("tracking_event", "shipment_id, occurred_at, position, status, standing, code, state, recorded_at"),
            ("shipment_change", "change_id, shipment_id, from_status, to_status, occurred_at, window_start"),
            ("shipment_state", "shipment_id, status, status_at, delivered_at, event_count, revision"),
            ("v_delivery", "shipment_id, carrier, delivered_at"),
            ("notice_attempt", "attempt_id, notice_id, started_at"),
        )
    ]


def under_way(shop, *, source):
    """Two parcels on their way of which the customers were mailed or the orders written; the first one's truth."""
    if source == "sql":
        shop.rows("delivered", parcels=2)
        shop.mail_all()
    else:
        shop.orders("delivered", parcels=2)
    assert shop.hour().failures == {}
    assert shop.advance()
    assert shop.hour().failures == {}
    one, other = shop.simulator.truth()
    return one, other


@pytest.mark.parametrize("source", ["sql", "vtex"])
def test_nothing_leads_to_a_person_who_is_erased_and_all_that_happened_is_still_there(shop, person, source):
    parcel, other = under_way(shop, source=source)
    everything_about(shop, parcel)
    dry_run(shop)
    names = names_of(shop, parcel)
    assert {table.partition(".")[0] for table, _ in places_of(shop.warehouse, names)} >= {
        "shipment", "poll_state", "tracking_link", "correction", "manual_action", "quarantine", "inbox", "inbox_part",
        "raw_answer", "run_stage",
    }  # fmt: skip
    before, of_the_other = history(shop), names_of(shop, other) - names
    kept_of_the_other = places_of(shop.warehouse, of_the_other)
    code, out, err = person("erase", "--order", parcel["order_id"])
    assert (code, err) == (0, "")
    assert places_of(shop.warehouse, names) == set()
    assert history(shop) == before
    assert places_of(shop.warehouse, of_the_other) >= kept_of_the_other, "nobody else is forgotten"
    counts = dict(re.findall(r"^(\w[\w, ]*?)  +(\d+)$", out, re.MULTILINE))
    assert (counts["orders"], counts["parcels made anonymous"], counts["tracking links ended"]) == ("1", "1", "1")
    assert "alone (VTEX: Master Data; a database: its table)" in out
    assert parcel["order_id"] not in out


@pytest.mark.parametrize("source", ["sql", "vtex"])
def test_later_runs_tell_nobody_of_an_erased_order_and_keep_nothing_of_it_again(shop, person, source):
    parcel, other = under_way(shop, source=source)
    names = names_of(shop, parcel)
    assert person("erase", "--order", parcel["order_id"])[0] == 0
    mails, writes = len(shop.simulator.mails()), len(shop.received("PUT", parcel["order_id"]))
    if source == "sql":
        shop.change_row(parcel["order_id"], courier="Correios PAC")  # so that it is read once more
    shop.execute("UPDATE rastro.source SET synced_until = NULL")
    hours = [shop.hour(params={"numbers": parcel["order_id"]}), *shop.to_the_end()]
    assert [hour.failures for hour in hours if hour.failures] == []
    assert sum(hour.figures[f"sync_orders {account(shop, other)}"]["passed_over"] for hour in hours) >= 1
    assert places_of(shop.warehouse, names) == set()
    assert len(shop.received("PUT", parcel["order_id"])) == writes
    told = [mail for mail in shop.simulator.mails()[mails:] if mail["rcpt_tos"] != [other["email"]]]
    assert told == []
    (state,) = shop.ask("SELECT status FROM rastro.v_shipment WHERE order_id = %s", other["order_id"])
    assert state.status == "delivered", "everybody else's parcels arrive"


def account(shop, parcel):
    ((found,),) = shop.ask("SELECT account FROM rastro.shipment WHERE order_id = %s", parcel["order_id"])
    return found


@pytest.mark.parametrize("source", ["sql", "vtex"])
def test_who_is_erased_stays_so_when_airflows_key_is_changed_and_the_old_one_taken_off(
    shop, person, source, monkeypatch
):
    parcel, _ = under_way(shop, source=source)
    assert person("erase", "--order", parcel["order_id"])[0] == 0
    old, new = os.environ["AIRFLOW__CORE__FERNET_KEY"], Fernet.generate_key().decode()
    for keys in (f"{new},{old}", new):
        monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", keys)
        shop.execute("UPDATE rastro.source SET synced_until = NULL")
        assert shop.hour().failures == {}
        assert places_of(shop.warehouse, names_of(shop, parcel)) == set()


def test_while_the_key_of_who_was_erased_cannot_be_opened_nobody_comes_back(shop, person, monkeypatch):
    parcel, other = under_way(shop, source="sql")
    assert person("erase", "--order", parcel["order_id"])[0] == 0
    old = os.environ["AIRFLOW__CORE__FERNET_KEY"]
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())
    shop.execute("UPDATE rastro.source SET synced_until = NULL")
    assert "put that one back, last in [core] fernet_key" in str(shop.hour().failures["sync_orders"])
    code, _, complaint = person("erase", "--order", other["order_id"])
    assert code == 1
    assert "docs/recover.md" in complaint
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", old)
    assert shop.hour().failures == {}
    assert places_of(shop.warehouse, names_of(shop, parcel)) == set()

    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())
    shop.execute("TRUNCATE rastro.erased")
    assert shop.hour().failures == {}, "what is lost is lost once somebody has said so"


def test_what_was_still_owed_is_dropped_and_never_sent(shop, person):
    shop.rows("delivered")
    shop.mail_all()
    shop.disconnect("rastro_smtp")
    assert shop.hour().failed == {"email_customers", "check_run"}
    (parcel,) = shop.simulator.truth()
    assert person("erase", "--order", parcel["order_id"])[0] == 0
    assert shop.ask("SELECT DISTINCT state, reason FROM rastro.notice") == [
        ("dropped", "erased at the wish of the person")
    ]
    shop.reconnect("rastro_smtp")
    shop.pauses_end()
    assert shop.hour().failures == {}
    assert shop.simulator.mails() == []


def test_a_mail_that_a_task_is_about_to_send_is_waited_for(shop, person):
    parcel, _ = under_way(shop, source="sql")
    shop.execute(
        "UPDATE rastro.notice SET state = 'claimed', claimed_by = 'task', lease_until = now() + interval '10 minutes'"
    )
    held = places_of(shop.warehouse, names_of(shop, parcel))
    code, _, err = person("erase", "--order", parcel["order_id"])
    assert code == 1
    assert "A task is at work on the order until" in err
    assert places_of(shop.warehouse, names_of(shop, parcel)) == held, "nothing is half erased"


def test_links_to_the_tracking_page_of_an_erased_order_lead_nowhere(shop, person):
    parcel, _ = under_way(shop, source="vtex")
    now = datetime.now(UTC)
    with psycopg.connect(shop.warehouse) as conn:
        link = tracking_links.give_out(conn, "vtex:loja", parcel["order_id"], "https://r.example", now)
        token = link.rpartition("/")[2]
        assert tracking_links.follow(conn, token, now, now - now) is not None
    assert person("erase", "--order", parcel["order_id"])[0] == 0
    with psycopg.connect(shop.warehouse) as conn:
        assert tracking_links.follow(conn, token, now, now - now) is None


def test_what_a_carrier_pushes_about_an_erased_parcel_is_read_once_and_not_kept(shop, person):
    parcel, _ = under_way(shop, source="sql")
    shop.execute(
        "UPDATE rastro.poll_state SET carrier = 'loggi', reference = 'LG1234567' WHERE reference = %s",
        parcel["tracking_number"],
    )
    shop.execute("UPDATE rastro.shipment SET carrier = 'loggi', tracking_number = 'LG1234567' WHERE order_id = %s",
                 parcel["order_id"])  # fmt: skip
    assert person("erase", "--order", parcel["order_id"])[0] == 0
    status = {"code": "1", "description": "Maria Inventada recebeu", "updatedTime": "2026-09-25T20:10:00Z"}
    shop.push("loggi", json.dumps({"trackingCode": "LG1234567", "status": status, "trackingHistory": []}).encode())
    context = context_of(Window(start=shop.since, end=datetime.now(UTC)), datetime.now(UTC))
    told = tasks.receive_news("push", context)
    assert (told["letters"], told["passed_over"], told["waiting"]) == (1, 1, 0)
    assert places_of(shop.warehouse, {"LG1234567", "Inventada"}) == set()


def test_a_person_is_found_by_the_address_that_was_mailed_and_by_no_other(shop, person):
    parcel, other = under_way(shop, source="sql")
    shop.execute("INSERT INTO rastro.suppressed_address VALUES ('0', 'refused', now())")
    code, _, err = person("erase", "--email", "ninguem@cliente.example")
    assert code == 1
    assert "No mail to this address is on record" in err
    assert "sql:erp" in err
    assert "ninguem" not in err
    code, out, _ = person("export", "--email", f" {parcel['email'].upper()}")
    assert code == 0
    assert [one["order_id"] for one in json.loads(out)["orders"]] == [parcel["order_id"]]
    assert person("erase", "--email", parcel["email"])[0] == 0
    assert places_of(shop.warehouse, names_of(shop, parcel)) == set()
    assert places_of(shop.warehouse, {other["order_id"]})
    assert person("export", "--email", parcel["email"])[0] == 1


def test_a_person_is_told_all_that_is_kept_and_nothing_of_anybody_else(shop, person, tmp_path):
    parcel, other = under_way(shop, source="sql")
    everything_about(shop, parcel)
    file = tmp_path / "told.json"
    code, out, _ = person("export", "--order", parcel["order_id"], "--to", str(file))
    assert code == 0
    assert "1 orders are written to" in out
    assert file.stat().st_mode & 0o077 == 0
    (told,) = json.loads(file.read_text("utf-8"))["orders"]
    assert {part for part, rows in told.items() if not rows} == {"rehearsals"}
    assert told["parcels"][0]["tracking_number"] == parcel["tracking_number"]
    assert len(told["events"]) == len(parcel["revealed"])
    mailed = [one for one in told["messages"] if one["channel"] == "email" and one["state"] == "sent"]
    assert parcel["order_id"] in mailed[0]["rendered"]["subject"]
    assert mailed[0]["recipient"].startswith(parcel["email"][0])
    assert parcel["tracking_number"] in told["raw_answers"][0]["body"]
    assert "ligou" in told["acts_by_hand"][0]["reason"]
    text = file.read_text("utf-8")
    assert not [name for name in names_of(shop, other) - names_of(shop, parcel) if name in text]
    assert "hash" not in text


def test_who_exported_and_erased_is_recorded_with_counts_and_without_whom(shop, person):
    parcel, _ = under_way(shop, source="sql")
    person("export", "--order", parcel["order_id"])
    person("erase", "--email", parcel["email"])
    acts = shop.ask("SELECT * FROM rastro.v_manual_action ORDER BY action_id")
    assert [(one.action, one.done_by, one.subject, one.order_id) for one in acts] == [
        ("export_person", "ana", "a person", ""), ("erase_person", "ana", "a person", ""),
    ]  # fmt: skip
    assert acts[0].after["events"] == acts[1].after["events made anonymous"] > 0
    assert Counter(type(value) for one in acts for value in one.after.values()).keys() == {int}


def test_an_order_that_two_accounts_have_is_erased_of_the_one_that_is_named(shop, person):
    parcel, _ = under_way(shop, source="vtex")
    shop.execute(
        "INSERT INTO rastro.shipment (account, order_id, invoice_number, tracking_number, first_seen_at, updated_at)"
        " VALUES ('vtex:other', %s, '1', 'N', now(), now())",
        parcel["order_id"],
    )
    code, _, err = person("erase", "--order", parcel["order_id"])
    assert code == 1
    assert "say --account, of vtex:loja, vtex:other" in err
    assert person("erase", "--order", parcel["order_id"], "--account", "vtex:loja")[0] == 0
    left = shop.ask("SELECT account FROM rastro.shipment WHERE order_id = %s", parcel["order_id"])
    assert left == [("vtex:other",)]


def test_a_number_that_another_order_shares_stays_that_orders(shop, person):
    parcel, other = under_way(shop, source="sql")
    shop.execute(
        "UPDATE rastro.shipment s SET poll_id = o.poll_id, tracking_number = o.tracking_number FROM rastro.shipment o"
        " WHERE s.order_id = %s AND o.order_id = %s",
        parcel["order_id"],
        other["order_id"],
    )
    assert person("erase", "--order", parcel["order_id"])[0] == 0
    assert places_of(shop.warehouse, {parcel["order_id"]}) == set()
    held = shop.ask("SELECT reference FROM rastro.raw_answer JOIN rastro.poll_state USING (poll_id)")
    assert (other["tracking_number"],) in held


def test_an_order_of_which_only_the_quarantine_knows_is_erased_and_put_aside_no_more(shop, person):
    shop.orders("delivered", variant="slash_invoice")
    assert shop.hour().failures == {}
    ((subject,),) = shop.ask("SELECT subject FROM rastro.quarantine")
    order_id = subject.split()[0]
    assert person("erase", "--order", order_id)[0] == 0
    shop.execute("UPDATE rastro.source SET synced_until = NULL")
    assert shop.hour().failures == {}
    assert places_of(shop.warehouse, {order_id}) == set()


def test_what_is_not_known_or_makes_no_sense_is_said_in_one_line(person):
    assert person("erase", "--order", "1400120009999-01")[2] == ("rastro: Nothing is kept of an order of this number\n")
    assert "is no address" in person("export", "--email", "ana")[2]
