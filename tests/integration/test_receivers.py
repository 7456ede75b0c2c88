"""Mails to whoever receives a parcel and did not buy it."""

from email import message_from_string, policy

import psycopg
import pytest

pytestmark = pytest.mark.slow

GIVEN = "quem.recebe@presente.example"


def give(shop, order_id, address=GIVEN):
    """The shop learns whom the order goes to."""
    with psycopg.connect(shop.database) as conn:
        conn.execute("ALTER TABLE public.rastro_shipment ADD COLUMN IF NOT EXISTS receiver_email text")
        conn.execute("ALTER TABLE public.rastro_shipment ADD COLUMN IF NOT EXISTS receiver_name text")
    shop.change_row(order_id, receiver_email=address, receiver_name="Outra Pessoa")


def mails_to(shop, address):
    return [mail for mail in shop.simulator.mails() if mail["rcpt_tos"] == [address]]


def seen(mail):
    """All that its reader can see of a mail, and its headers."""
    message = message_from_string(mail["raw"], policy=policy.default)
    bodies = [message.get_body([kind]).get_content() for kind in ("plain", "html")]
    return "\n".join([*message.values(), *bodies])


def kinds(mails):
    return [mail["message_id"].split(".")[2].partition("@")[0] for mail in mails]


def test_the_receiver_is_mailed_all_that_the_buyer_is_once_and_nobody_sees_the_others_address(shop):
    shop.rows("delivered_at_once")
    (row,) = shop.rows_held()
    give(shop, row["order_id"])
    assert [hour.failures for hour in shop.to_the_end() if hour.failures] == []
    shop.hour()
    to_buyer, to_receiver = mails_to(shop, row["customer_email"]), mails_to(shop, GIVEN)
    assert kinds(to_buyer) == kinds(to_receiver) == ["in_transit", "delivered"]
    assert len(shop.simulator.mails()) == 4
    assert len({mail["message_id"] for mail in shop.simulator.mails()}) == 4
    buyer = row["customer_name"].split()[0]
    assert all(f"Olá, {buyer}," in seen(mail) for mail in to_buyer)
    assert all("Olá, Outra," in seen(mail) for mail in to_receiver)
    assert not any(row["customer_email"] in seen(mail) or buyer in seen(mail) for mail in to_receiver)
    assert not any(GIVEN in seen(mail) for mail in to_buyer)
    kept = shop.ask("SELECT recipient, rendered::text AS text FROM rastro.notice WHERE to_receiver")
    assert {one.recipient for one in kept} == {"q***@p***.example"}
    assert not any(GIVEN in one.text or "Outra" in one.text for one in kept)


def test_a_receiver_whose_address_is_refused_does_not_keep_the_buyer_from_being_told(shop):
    shop.rows("delivered_at_once")
    (row,) = shop.rows_held()
    give(shop, row["order_id"])
    shop.simulator.fault("smtp", "rcpt", status=550, match=GIVEN.replace(".", r"\."), times=0)
    shop.to_the_end()
    assert kinds(mails_to(shop, row["customer_email"])) == ["in_transit", "delivered"]
    assert mails_to(shop, GIVEN) == []
    states = shop.ask("SELECT to_receiver, state FROM rastro.notice WHERE channel = 'email' ORDER BY 1, 2")
    assert [(one.to_receiver, one.state) for one in states] == [
        (False, "sent"), (False, "sent"), (True, "dropped"), (True, "dropped")]  # fmt: skip
    assert shop.ask("SELECT count(*) AS n FROM rastro.suppressed_address")[0].n == 1


def test_a_receiver_that_the_shop_takes_away_again_is_mailed_no_more(shop):
    shop.rows("delivered_at_once")
    (row,) = shop.rows_held()
    give(shop, row["order_id"])
    shop.hour()
    give(shop, row["order_id"], address=row["customer_email"].upper())
    shop.to_the_end()
    assert kinds(mails_to(shop, GIVEN)) == ["in_transit"]
    assert kinds(mails_to(shop, row["customer_email"])) == ["in_transit", "delivered"]
