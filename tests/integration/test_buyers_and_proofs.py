"""Whose customer a buyer is, what is shown of a delivery, and what is kept of nobody."""

import json

import psycopg
import pytest
from psycopg import sql
from psycopg.types.string import TextLoader

from rastro.carriers.lines import initials
from simulator.carriers import simulated_carriers
from simulator.world import World

pytestmark = pytest.mark.slow

CARRIED_BY = tuple(simulated_carriers(World()))
RECEIVER = "PESSOA INVENTADA"
DOCUMENT = "000.000.000-00"
# Who names the recipient, and who shows a picture, of those that are simulated.
NAME_THEM = {"aftership", "dhl", "fedex", "generic", "jadlog", "ssw", "ups", "usps"}


def mailed(shop):
    """By the marketplace that an order was sold on: the kinds of mail its buyer was sent."""
    sold_on = {one["email"]: one["marketplace"] for one in shop.simulator.truth()}
    kinds = {market: [] for market in sold_on.values()}
    for mail in shop.simulator.mails():
        (address,) = mail["rcpt_tos"]
        kinds[sold_on[address]].append(mail["message_id"].split(".")[2].partition("@")[0])
    return kinds


@pytest.mark.parametrize(
    ("setting", "magalu"),
    [("", False), ("magalu:magalu", True), ("magalu", True), ("nuvemshop:nuvemshop, SHP", False)],
)
def test_a_buyer_is_mailed_by_the_marketplace_unless_it_mails_nobody_or_the_shop_wants_it_so(wide, setting, magalu):
    wide.configure(mail_buyers_of=setting)
    wide.carried(3, carriers=["loggi"], marketplaces=["magalu", "nuvemshop"], kinds=["delivered_at_once"])
    assert [hour.failures for hour in wide.to_the_end() if hour.failures] == []
    told = ["in_transit", "delivered"]
    assert mailed(wide) == {"": told, "nuvemshop": told, "magalu": told if magalu else []}
    for code in ("magalu", "nuvemshop"):
        assert [one["deliveries"] for one in wide.simulator.control("GET", f"sold/{code}")] == [1]


def test_a_known_marketplaces_buyers_are_not_mailed_whoever_tells_it_of_the_delivery(shop):
    shop.rows("delivered_at_once", parcels=3)
    first, second, third = shop.rows_held()
    shop.change_row(first["order_id"], marketplace="VVJ")
    shop.change_row(second["order_id"], marketplace="Magazine Luiza")
    assert [hour.failures for hour in shop.to_the_end() if hour.failures] == []
    assert {address for mail in shop.simulator.mails() for address in mail["rcpt_tos"]} == {third["customer_email"]}


def test_of_whoever_took_a_parcel_the_initials_are_kept_and_where_the_picture_is(wide):
    wide.carried(len(CARRIED_BY), carriers=CARRIED_BY, kinds=["delivered_before"])
    for _ in range(2):
        assert wide.hour().failures == {}
    rows = wide.ask("SELECT carrier, received_by, proof_url FROM rastro.v_delivery")
    assert {one.carrier for one in rows} == set(CARRIED_BY)
    names = {one.carrier: one.received_by for one in rows if one.received_by}
    assert initials(RECEIVER) == "P. I."
    assert names == dict.fromkeys(NAME_THEM, "P. I.")
    pictures = {one.carrier: one.proof_url for one in rows if one.proof_url}
    assert pictures
    assert all(url.startswith("https://") for url in pictures.values())


def texts(shop):
    """Every value of every table of the warehouse by its column, bodies that are compressed left as they are."""
    with psycopg.connect(shop.warehouse) as conn:
        conn.adapters.register_loader("timestamptz", TextLoader)  # which may be infinite
        tables = conn.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'rastro'::regnamespace AND relkind IN ('r', 'p')"
        ).fetchall()
        for (table,) in tables:
            cursor = conn.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("rastro", table)))
            columns = [column.name for column in cursor.description]
            for row in cursor:
                for column, value in zip(columns, row, strict=True):
                    text = value.decode("latin-1") if isinstance(value, bytes) else json.dumps(value, default=str)
                    yield f"{table}.{column}", text


def test_nobodys_name_or_document_stands_anywhere_but_in_compressed_bodies(wide):
    wide.carried(
        2 * len(CARRIED_BY), carriers=CARRIED_BY, marketplaces=["netshoes", "casas_bahia"],
        kinds=["delivered_before", "second_attempt"],
    )  # fmt: skip
    wide.hour(params={"dry_run": True})  # which leaves staged what was answered
    told = [json.dumps(wide.said_of(number_of(one), one["carrier"])) for one in wide.simulator.truth()
            if one["carrier"] in {"ssw", "jt_express", "intelipost"}]  # fmt: skip
    assert any("INVENTADA" in one for one in told), "carriers do name people"
    staged = dict(texts(wide))
    assert staged["staged_snapshot.snapshot"]
    found = [column for column, text in texts(wide) if "INVENTADA" in text or DOCUMENT in text]
    assert found == []
    assert [hour.failures for hour in wide.to_the_end() if hour.failures] == []
    found = [column for column, text in texts(wide) if "INVENTADA" in text or DOCUMENT in text]
    assert found == []


def number_of(parcel):
    """What these carriers are asked about."""
    match parcel["carrier"]:
        case "ssw":
            return f"invoice_key:{parcel['invoice_key']}"
        case "intelipost":
            return f"order_id:{parcel['order_id']}"
    return parcel["tracking_number"]
