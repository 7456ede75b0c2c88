"""Packages without a tracking number, whose carrier is asked by something else: followed, and numbered later on."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from rastro.models import Shipment
from rastro.warehouse import shipments
from rastro.warehouse.shipments import Routed
from stack.audit import kind_of

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WAITS = "it has no number: order and marketplace are told when it has one"


def mailed(shop):
    return Counter((mail["rcpt_tos"][0], kind_of(mail)) for mail in shop.simulator.mails())


def shipment_of(shop):
    return shop.ask("SELECT shipment_id, tracking_number, status, skip FROM rastro.v_shipment ORDER BY shipment_id")


def take_off_the_number(shop, carrier):
    """One parcel of this carrier, its row as a shop leaves it that types no numbers; the row as it was."""
    shop.cohort(1, carriers=[carrier], kinds=["delivered"])
    (row,) = shop.rows_held()
    shop.change_row(row["order_id"], tracking_number="", customer_email="sem.numero@cliente.example")
    return row


@pytest.mark.parametrize("carrier", ["rodonaves", "azul_cargo"])
def test_a_package_that_never_gets_a_number_is_followed_by_its_invoice_to_the_end(wide, carrier):
    take_off_the_number(wide, carrier)
    assert wide.hour().failures == {}
    assert [one.status for one in shipment_of(wide)] == ["in_transit"]
    while wide.advance():
        assert wide.hour().failures == {}
    (one,) = shipment_of(wide)
    assert (one.tracking_number, one.status, one.skip) == ("", "delivered", "")
    assert {kind for _, kind in mailed(wide)} >= {"delivered"}
    assert set(mailed(wide).values()) == {1}


def test_a_package_that_has_neither_number_nor_key_is_followed_by_its_order(wide):
    row = take_off_the_number(wide, "intelipost")
    wide.change_row(row["order_id"], invoice_key="", shipper_cnpj="", carrier_id="")
    assert wide.hour().failures == {}
    while wide.advance():
        assert wide.hour().failures == {}
    (one,) = shipment_of(wide)
    assert (one.tracking_number, one.status, one.skip) == ("", "delivered", "")


def test_a_package_that_nothing_can_be_asked_by_is_no_shipment_yet(wide):
    row = take_off_the_number(wide, "rodonaves")
    wide.change_row(row["order_id"], invoice_key="", shipper_cnpj="", carrier_id="")
    assert wide.hour().failures == {}
    assert shipment_of(wide) == []


def test_a_package_that_gains_its_number_stays_the_same_and_nobody_is_told_twice(wide):
    row = take_off_the_number(wide, "rodonaves")
    assert wide.hour().failures == {}
    (before,) = shipment_of(wide)
    mails, changes = mailed(wide), wide.ask("SELECT count(*) AS n FROM rastro.shipment_change")
    assert mails
    wide.change_row(row["order_id"], tracking_number=row["tracking_number"])
    assert wide.hour().failures == {}
    (after,) = shipment_of(wide)
    assert after == before._replace(tracking_number=row["tracking_number"])
    assert mailed(wide) == mails
    assert wide.ask("SELECT count(*) AS n FROM rastro.shipment_change") == changes
    while wide.advance():
        assert wide.hour().failures == {}
    assert set(mailed(wide).values()) == {1}


def test_a_marketplace_is_told_of_the_delivery_once_the_package_has_a_number(wide):
    wide.cohort(2, carriers=["rodonaves"], marketplaces=["magalu"], kinds=["delivered"])  # one of them is sold there
    (sold,) = wide.simulator.control("GET", "sold/magalu")
    (row,) = [one for one in wide.rows_held() if one["marketplace_order_id"] == sold["order_id"]]
    wide.change_row(row["order_id"], tracking_number="")
    wide.hour()
    while wide.advance():
        assert wide.hour().failures == {}
    (sold,) = wide.simulator.control("GET", "sold/magalu")
    assert sold["deliveries"] == 0
    waiting = "SELECT order_id FROM rastro.v_open_problem WHERE problem = %s"
    assert [one.order_id for one in wide.ask(waiting, WAITS)] == [row["order_id"]]
    for _ in range(2):
        wide.change_row(row["order_id"], tracking_number=row["tracking_number"])
        assert wide.hour().failures == {}
        (sold,) = wide.simulator.control("GET", "sold/magalu")
        assert sold["deliveries"] == 1
    assert wide.ask(waiting, WAITS) == []


def test_a_package_without_a_number_whose_carrier_wants_one_is_no_shipment_yet(wide):
    take_off_the_number(wide, "frenet")
    assert wide.hour().failures == {}
    assert shipment_of(wide) == []


# What the merge does


PACKAGE = Shipment(account="sql:erp", order_id="A-1", invoice_number="77", tracking_number="", courier="Rodonaves")


def merged(conn, *found, carrier="azul_cargo"):
    """The package as its source gives it now: (number, reference) each."""
    routed = [
        Routed(shipment=replace(PACKAGE, tracking_number=number), carrier=carrier, why="", reference=reference)
        for number, reference in found
    ]
    shipments.merge(conn, routed, NOW, whole_packages=True)
    conn.commit()
    rows = conn.execute("SELECT shipment_id, tracking_number, skip <> '' FROM rastro.shipment ORDER BY shipment_id")
    polls = conn.execute("SELECT reference FROM rastro.poll_state WHERE next_poll_at IS NOT NULL ORDER BY poll_id")
    return rows.fetchall(), [reference for (reference,) in polls.fetchall()]


@pytest.fixture
def conn(warehouse):
    with psycopg.connect(warehouse.dsn) as conn:
        shipments.keep_source(conn, "sql:erp", shipments.SourceTraits(writes_back=False, own_mail=True))
        yield conn
        conn.rollback()


KEY = "invoice_key:" + "1" * 44


def test_the_first_of_the_numbers_it_gains_goes_to_the_shipment_that_there_is(conn):
    ((first, _, _),), asked = merged(conn, ("", KEY))
    assert asked == [KEY]
    rows, asked = merged(conn, ("N2", KEY), ("N1", KEY))
    assert [(number, gone) for _, number, gone in rows] == [("N1", False), ("N2", False)]
    assert rows[0][0] == first
    assert asked == [KEY]


def test_what_it_was_asked_about_without_a_number_is_not_asked_about_any_more(conn):
    merged(conn, ("", KEY))
    rows, asked = merged(conn, ("N1", "N1"))
    assert [(number, gone) for _, number, gone in rows] == [("N1", False)]
    assert asked == ["N1"]


def test_a_package_whose_number_is_taken_off_stays_what_it_was(conn):
    before = merged(conn, ("N1", "N1"))
    assert merged(conn, ("", KEY)) == before


def test_a_number_that_the_package_has_already_is_given_to_no_other(conn):
    merged(conn, ("N1", "N1"))
    conn.execute("UPDATE rastro.shipment SET skip = 'elsewhere'")
    merged(conn, ("", KEY))
    rows, asked = merged(conn, ("N1", "N1"))
    assert [(number, gone) for _, number, gone in rows] == [("N1", False), ("", True)]
    assert "N1" in asked
