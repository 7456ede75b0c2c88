"""VTEX as a source and as a receiver, against the simulated OMS; and the pure halves by hand-made orders."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from rastro.access import Account
from rastro.errors import CredentialsRefused, Doubtful, Misconfigured, NotFound, RateLimited, Rejected, Transient
from rastro.http import Limits
from rastro.models import Route, Shipment, Status
from rastro.orders.base import Aside, Awaited, Setup
from rastro.orders.registry import SOURCES
from rastro.orders.vtex import Vtex
from rastro.orders.vtex_order import order_in
from rastro.orders.vtex_packages import shipments_of, unaddressable
from rastro.orders.vtex_tracking import reading, tracking
from rastro.receivers import Message, Progress, Reading, Receiver
from rastro.setting_values import OrderRoute
from simulator.testing import Running

LIMITS = Limits(connect_timeout=1.0, read_timeout=1.0, call_timeout=4.0, retries=1, backoff=0.0, longest_wait=0.5)
ROUTES = {
    "MKT": OrderRoute(route=Route.DIRECT, marketplace="vtex_protocol:one"),
    "HUB": OrderRoute(route=Route.DIRECT, marketplace="webhook:hub"),
    "MLF": OrderRoute(route=Route.NONE),
}
OWN = frozenset({"1"})
NOON = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)


@pytest.fixture
def sim(simulator: Running) -> Running:
    return simulator


def source(
    sim: Running, account: str = "loja", *, limits: Limits = LIMITS, setup: dict[str, Any] | None = None, **extra: str
) -> Vtex:
    vtex = sim.info()["vtex"]
    account_ = Account(
        base_url=f"{sim.url}/vtex/{account}", login=vtex["app_key"], password=vtex["app_token"], extra=extra
    )
    return Vtex(Setup(account=account_, routes=ROUTES, **(setup or {})), limits=limits)


def look(vtex: Vtex, *, back: timedelta = timedelta(days=5)) -> list[Shipment | Aside | Awaited]:
    now = datetime.now(UTC)
    return list(vtex.shipments(now - back, now + timedelta(seconds=1)))


def shipments(found: list[Shipment | Aside | Awaited]) -> list[Shipment]:
    return [one for one in found if isinstance(one, Shipment)]


# ---- reading ----


def test_what_the_simulated_shop_ships_is_found_and_nothing_else(sim: Running) -> None:
    sim.cohort(parcels=120)
    found = look(source(sim))
    followed = {(one.order_id, one.invoice_number, one.tracking_number) for one in shipments(found) if not one.skip}
    truth = [one for one in sim.truth() if one["variant"] != "stranger"]
    wanted = {(one["order_id"], one["invoice_number"], one["tracking_number"]) for one in truth if one["follow"]}
    assert len(wanted) > 50
    assert wanted <= followed
    others = {one["tracking_number"] for one in truth if not one["follow"]}
    assert others
    assert not others & {number for _, _, number in followed}


def test_each_peculiar_order_is_shown_with_its_reason(sim: Running) -> None:
    variants = [
        "cancelled",
        "carried_by_marketplace",
        "pickup_in_store",
        "slash_invoice",
        "late_number",
        "returned_whole",
    ]
    for variant in variants:
        sim.cohort(parcels=2 if variant == "returned_whole" else 1, variants=[variant])
    found = look(source(sim))
    skips = sorted(one.skip for one in shipments(found) if one.tracking_number)
    assert [sentence.split(" ")[0:3] for sentence in skips] == [
        ["A", "return", "invoice"],
        ["Mercado", "Livre", "carries"],
        ["The", "customer", "collects"],
        ["The", "order", "was"],
    ]
    [aside] = [one for one in found if isinstance(one, Aside)]
    assert aside.reason == "invoice_unaddressable"
    assert "correct the invoice number on the order" in aside.detail
    assert [type(one) for one in found].count(Awaited) == 1


def test_a_number_that_comes_later_is_found_when_the_order_is_read_again(sim: Running) -> None:
    sim.cohort(parcels=1, variants=["late_number"])
    vtex = source(sim)
    numberless, awaited = look(vtex)
    assert isinstance(awaited, Awaited)
    assert isinstance(numberless, Shipment)
    assert (numberless.tracking_number, len(numberless.invoice_key)) == ("", 44)
    assert list(vtex.again([awaited.order_id])) == [numberless, awaited]
    sim.advance(3)
    [shipment] = vtex.again([awaited.order_id])
    assert isinstance(shipment, Shipment)
    assert shipment.tracking_number == sim.truth()[0]["tracking_number"]


def test_several_numbers_in_one_field_are_several_shipments_of_one_invoice(sim: Running) -> None:
    sim.cohort(parcels=2, variants=["two_codes"])
    one, other = shipments(look(source(sim)))
    assert (one.order_id, one.invoice_number, one.tracking_text) == (
        other.order_id,
        other.invoice_number,
        other.tracking_text,
    )
    assert one.tracking_text == f"{one.tracking_number}; {other.tracking_number}"


def test_a_shipment_says_where_it_came_from_and_who_confirms_it(sim: Running) -> None:
    sim.cohort(parcels=1, variants=["marketplace"])
    [shipment] = shipments(look(source(sim)))
    [truth] = sim.truth()
    assert (shipment.origin, shipment.affiliate, shipment.route, shipment.marketplace) == (
        "Fulfillment",
        "MKT",
        Route.DIRECT,
        "vtex_protocol:one",
    )
    assert shipment.route_reason == "setting routes, MKT"
    assert shipment.marketplace_order_id == truth["marketplace_order_id"]
    assert shipment.marketplace_endpoint == f"{sim.url}/market/one"
    assert shipment.account == ""
    assert shipment.carrier is None
    assert len(shipment.invoice_key) == 44
    assert shipment.shipper_cnpj == shipment.invoice_key[6:20]
    assert shipment.invoiced_at
    assert shipment.ordered_at
    assert shipment.promised_at
    assert shipment.ordered_at < shipment.invoiced_at < shipment.promised_at
    assert shipment.skip == ""


def test_a_package_marked_delivered_gives_nothing_more(sim: Running) -> None:
    sim.cohort(parcels=1, variants=["own"])
    vtex = source(sim)
    [shipment] = shipments(look(vtex))
    receiver(vtex).write(message(shipment, delivered_at=NOON))
    assert look(vtex) == []


def test_a_window_too_full_for_one_query_is_read_by_halves_without_losing_an_order(sim: Running) -> None:
    sim.cohort(parcels=3300, variants=["own"], hours=200)
    now = datetime.now(UTC)
    vtex = source(sim)
    ids = [id_ for page in vtex._listed({}, "invoicedDate", now - timedelta(days=30), now) for id_ in page]
    assert len(set(ids)) == 3300


def test_orders_invoiced_in_part_are_looked_for_among_those_still_being_handled(sim: Running) -> None:
    look(source(sim, setup={"horizon": timedelta(days=12)}))
    asked = [parse_qs(urlsplit(request["path"]).query) for request in sim.requests()]
    assert [query.get("f_status") for query in asked] == [None, ["payment-approved"], ["handling"]]
    assert "f_invoicedDate" in asked[0]
    start, end = re.findall(r"[\d-]+T[\d:.]+Z", asked[1]["f_creationDate"][0])
    assert datetime.fromisoformat(end) - datetime.fromisoformat(start) == timedelta(days=12)


def test_accounts_with_data_protection_are_asked_by_their_own_route(sim: Running) -> None:
    sim.cohort(parcels=1, variants=["own"])
    [aside] = look(source(sim, pii_reason="entrega"))
    assert isinstance(aside, Aside), "the simulated account has no such route"
    assert [one["path"] for one in sim.requests() if "document" in one["path"]] == [
        f"/vtex/loja/api/orders/pvt/document/{aside.order_id}"
    ]


class Lists(Vtex):
    """A shop with so many orders at each instant that no window gets small enough."""

    asked: int = 0

    def _page(self, filters: Any, page: int) -> tuple[list[str], int]:
        del filters
        self.asked += 1
        return [f"{page}-{number}" for number in range(100)], 3001


def test_more_orders_in_a_second_than_can_be_listed_are_said_and_not_lost_silently() -> None:
    vtex = Lists(Setup(account=Account(base_url="http://127.0.0.1:9", login="key", password="token")))
    found = list(vtex._listed({}, "invoicedDate", NOON, NOON + timedelta(seconds=1)))
    assert sum(len(page) for page in found if isinstance(page, list)) == 3000
    aside = found[-1]
    assert isinstance(aside, Aside)
    assert aside.reason == "list_incomplete"
    assert "3,001 orders" in aside.detail


def test_orders_that_cannot_be_read_are_put_aside_and_the_others_come(sim: Running) -> None:
    sim.cohort(parcels=6, variants=["own"])
    orders = [one["order_id"] for one in sim.truth()]
    sim.fault("vtex", "status", status=404, match=f"/orders/{orders[0]}$", times=0)
    sim.fault("vtex", "html", match=f"/orders/{orders[1]}$", times=0)
    sim.fault("vtex", "truncated", match=f"/orders/{orders[2]}$", times=0)
    found = look(source(sim))
    asides = {one.order_id: one for one in found if isinstance(one, Aside)}
    assert {id_: aside.reason for id_, aside in asides.items()} == {
        orders[0]: "order_not_given",
        orders[1]: "order_unreadable",
        orders[2]: "order_unreadable",
    }
    assert all(aside.raw == b"" for aside in asides.values()), "an order names a person"
    assert len(shipments(found)) == 3


def test_an_order_in_trouble_is_raised_only_after_the_others_have_come(sim: Running) -> None:
    sim.cohort(parcels=6, variants=["own"])
    sick = sim.truth()[0]["order_id"]
    sim.fault("vtex", "status", status=500, match=f"/orders/{sick}$", times=0)
    came = []
    with pytest.raises(Transient, match="1 order could not be read now"):
        came.extend(source(sim).shipments(datetime.now(UTC) - timedelta(days=5), datetime.now(UTC)))
    # `extend` keeps what a generator gave before it failed.
    assert len(came) == 5


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 401}, CredentialsRefused),
        ({"kind": "status", "status": 403}, CredentialsRefused),
        ({"kind": "status", "status": 429, "retry_after": "60"}, RateLimited),
    ],
)
def test_what_concerns_the_whole_account_stops_the_reading(
    sim: Running, fault: dict[str, Any], error: type[Exception]
) -> None:
    sim.cohort(parcels=3, variants=["own"])
    sim.fault("vtex", match=r"/orders/\d", times=0, **fault)
    with pytest.raises(error):
        look(source(sim))


def test_a_wrong_key_is_refused_with_what_to_do(sim: Running) -> None:
    wrong = Account(base_url=f"{sim.url}/vtex/loja", login="outra", password="chave-inventada")
    with pytest.raises(CredentialsRefused, match="check the credentials") as caught:
        look(Vtex(Setup(account=wrong), limits=LIMITS))
    assert "chave-inventada" not in str(caught.value)


def test_a_list_that_cannot_be_read_is_a_failed_read_and_not_an_empty_shop(sim: Running) -> None:
    sim.fault("vtex", "html", match=r"/orders\?", times=0)
    with pytest.raises(Exception, match="page 1 of the list of orders makes no sense"):
        look(source(sim))


def test_a_connection_that_lacks_something_is_told_all_of_it_at_once() -> None:
    bad = Account(base_url="", extra={"mailer": "pigeon", "requests_per_second": "fast"})
    with pytest.raises(Misconfigured) as caught:
        SOURCES["vtex"].build(Setup(account=bad))
    for name in ("host", "login", "password", "mailer", "requests_per_second"):
        assert name in str(caught.value)


# ---- customers ----


def test_the_real_address_is_read_from_master_data_only_where_we_mail(sim: Running) -> None:
    sim.cohort(parcels=1, variants=["own"])
    order_id = sim.truth()[0]["order_id"]
    assert source(sim).contact(order_id) is None
    own = source(sim, mailer="own")
    contact = own.contact(order_id)
    assert own.own_mail
    assert contact
    assert contact.email.endswith("@cliente.example")
    assert contact.first_name
    assert contact.locale == "pt-BR"
    assert contact.email not in repr(contact)


def test_customers_of_other_marketplaces_are_nobody_to_write_to(sim: Running) -> None:
    sim.cohort(parcels=1, variants=["marketplace"])
    assert source(sim, mailer="own").contact(sim.truth()[0]["order_id"]) is None


# ---- writing ----


def message(shipment: Shipment, steps: int = 2, **changes: Any) -> Message:
    history = [
        Progress(occurred_at=NOON + timedelta(hours=hour), description=f"Passo {hour}", city="Vale Alto", state="MG")
        for hour in range(steps)
    ]
    base = Message(
        key="row-1",
        order_id=shipment.order_id,
        invoice_number=shipment.invoice_number,
        tracking_number=shipment.tracking_number,
        courier=shipment.courier,
        tracking_url="https://rastreio.exemplo.example/x",
        status=Status.DELIVERED if changes.get("delivered_at") else Status.IN_TRANSIT,
        history=history,
    )
    return replace(base, **changes)


def receiver(vtex: Vtex) -> Receiver:
    assert vtex.receiver
    return vtex.receiver


def package(sim: Running, shipment: Shipment) -> dict[str, Any]:
    order = sim.control("GET", f"vtex/loja/orders/{shipment.order_id}")
    [found] = [one for one in order["packages"] if one["invoice_number"] == shipment.invoice_number]
    assert isinstance(found, dict)
    return found


def one_shipment(sim: Running, vtex: Vtex, variant: str = "own") -> Shipment:
    sim.cohort(parcels=1, variants=[variant])
    return shipments(look(vtex))[0]


def test_read_write_read_tells_an_order_once(sim: Running) -> None:
    vtex = source(sim)
    shipment = one_shipment(sim, vtex)
    note = message(shipment)
    assert receiver(vtex).read(note).reading is Reading.OWED
    receipt = receiver(vtex).write(note)
    assert receipt.status == 200
    assert len(receipt.number) == 32
    assert receiver(vtex).read(note).reading is Reading.DONE
    assert [event["description"] for event in package(sim, shipment)["events"]] == ["Passo 1", "Passo 0"]
    assert package(sim, shipment)["finished"] is False


def test_delivery_goes_with_the_local_minute_and_marks_the_package(sim: Running) -> None:
    vtex = source(sim)
    shipment = one_shipment(sim, vtex)
    receiver(vtex).write(message(shipment))
    late = datetime(2026, 3, 11, 1, 30, tzinfo=UTC)  # half past ten in the evening of the 10th
    steps = [*message(shipment).history, Progress(occurred_at=late, description="Entregue")]
    note = message(shipment, history=steps, delivered_at=late)
    assert receiver(vtex).read(note).reading is Reading.OWED
    receiver(vtex).write(note)
    assert receiver(vtex).read(note).reading is Reading.DONE
    kept = package(sim, shipment)
    assert kept["finished"] is True
    assert kept["delivered_date"].startswith("2026-03-10T22:30")
    assert kept["events"][0]["lastChange"].startswith("2026-03-10")


def test_a_delta_carries_only_what_is_new_and_never_nothing(sim: Running) -> None:
    vtex = source(sim, setup={"events": "delta"})
    shipment = one_shipment(sim, vtex)
    receiver(vtex).write(message(shipment, 2))
    order = vtex.order(shipment.order_id)
    news = tracking(order.packages[0], message(shipment, 3), delta=True)
    assert [told.description for told in news.events] == ["Passo 2"]
    only_delivered = tracking(order.packages[0], message(shipment, 2, delivered_at=NOON), delta=True)
    assert [told.description for told in only_delivered.events] == ["Passo 1"]
    assert only_delivered.is_delivered
    whole = tracking(order.packages[0], message(shipment, 3), delta=False)
    assert len(whole.events) == 3


@pytest.mark.parametrize("allowed", [False, True])
def test_a_missing_link_is_filled_in_only_where_the_setting_allows_it(sim: Running, *, allowed: bool) -> None:
    vtex = source(sim, setup={"fill_tracking_url": allowed})
    shipment = one_shipment(sim, vtex, "no_url")
    before = package(sim, shipment)
    receiver(vtex).write(message(shipment))
    after = package(sim, shipment)
    assert after["tracking_url"] == ("https://rastreio.exemplo.example/x" if allowed else None)
    assert (after["tracking_number"], after["courier"]) == (before["tracking_number"], before["courier"])
    mails = [mail["template"] for mail in sim.control("GET", "vtex/loja/mails")]
    assert bool(mails) is allowed, "without a link VTEX mails nothing"


def test_a_page_of_our_own_goes_before_the_carriers(sim: Running) -> None:
    vtex = source(sim, setup={"fill_tracking_url": True, "new_link": "https://rastro.loja.example/r/{}".format})
    shipment = one_shipment(sim, vtex, "no_url")
    receiver(vtex).write(message(shipment))
    assert package(sim, shipment)["tracking_url"] == f"https://rastro.loja.example/r/{shipment.order_id}"


def test_a_link_that_is_there_is_left_as_it_is_and_none_is_made(sim: Running) -> None:
    vtex = source(sim, setup={"fill_tracking_url": True, "new_link": {}.__getitem__})
    shipment = one_shipment(sim, vtex)
    receiver(vtex).write(message(shipment))
    assert package(sim, shipment)["tracking_url"] == shipment.tracking_url


@pytest.mark.parametrize("variant", ["own", "two_codes", "late_number"])
def test_another_number_goes_in_the_place_of_the_one_it_corrects(sim: Running, variant: str) -> None:
    vtex = source(sim)
    sim.cohort(parcels=2, variants=[variant])
    shipment = shipments(look(vtex))[0]
    before = package(sim, shipment)
    note = message(shipment, history=[], new_number="QQ100000017BR")
    assert receiver(vtex).read(note).reading is Reading.OWED
    assert receiver(vtex).write(note).number
    after = package(sim, shipment)
    assert receiver(vtex).read(note).reading is Reading.DONE
    assert after["courier"] == before["courier"]
    written = [
        (before[name] or "").replace(shipment.tracking_number or "nothing", "QQ100000017BR") or None
        for name in ("tracking_number", "tracking_url")
    ]
    assert after["tracking_number"] == (written[0] or "QQ100000017BR")
    assert after["tracking_url"] == written[1]
    assert receiver(vtex).read(replace(note, tracking_number="QQ100000017BR")).reading is Reading.DONE
    news = message(shipment)
    assert receiver(vtex).read(news).reading is Reading.CHANGED, "what is told under the old number waits"


def test_a_number_that_somebody_corrected_on_the_order_is_left_as_it_is(sim: Running) -> None:
    vtex = source(sim)
    shipment = one_shipment(sim, vtex)
    receiver(vtex).write(message(shipment, new_number="QQ100000017BR"))
    later = message(shipment, new_number="QQ100000025BR")
    assert receiver(vtex).read(later).reading is Reading.CLOSED
    assert package(sim, shipment)["tracking_number"] == "QQ100000017BR"


def test_an_empty_history_is_refused_before_anything_is_sent(sim: Running) -> None:
    vtex = source(sim)
    shipment = one_shipment(sim, vtex)
    with pytest.raises(Rejected, match="without any history"):
        receiver(vtex).write(message(shipment, history=[]))
    assert package(sim, shipment)["writes"] == 0


def test_an_invoice_that_cannot_be_addressed_is_refused_before_anything_is_sent(sim: Running) -> None:
    vtex = source(sim)
    shipment = one_shipment(sim, vtex)
    with pytest.raises(Rejected, match="correct the invoice number"):
        receiver(vtex).write(message(shipment, invoice_number="12/34"))


def test_an_invoice_that_is_gone_closes_the_matter(sim: Running) -> None:
    vtex = source(sim)
    shipment = one_shipment(sim, vtex)
    gone = message(shipment, invoice_number="999")
    assert receiver(vtex).read(gone).reading is Reading.CLOSED
    with pytest.raises(NotFound, match="no invoice 999"):
        receiver(vtex).write(gone)


@pytest.mark.parametrize(
    ("kind", "taken"), [("drop_before", False), ("drop_after", True), ("hang", False), ("gzip_cut", True)]
)
def test_after_a_lost_answer_reading_tells_whether_it_was_taken(sim: Running, kind: str, *, taken: bool) -> None:
    vtex = source(sim)
    shipment = one_shipment(sim, vtex)
    note = message(shipment)
    sim.fault("vtex", kind, method="PUT")
    with pytest.raises(Doubtful):
        receiver(vtex).write(note)
    assert receiver(vtex).read(note).reading is (Reading.DONE if taken else Reading.OWED)
    assert package(sim, shipment)["writes"] == int(taken)


def test_a_server_error_on_a_write_is_doubtful_too(sim: Running) -> None:
    vtex = source(sim)
    shipment = one_shipment(sim, vtex)
    sim.fault("vtex", "status", status=503, method="PUT", times=0)
    with pytest.raises(Doubtful):
        receiver(vtex).write(message(shipment))


def test_haste_is_refused_without_doubt(sim: Running) -> None:
    vtex = source(sim)
    shipment = one_shipment(sim, vtex)
    sim.fault("vtex", "status", status=429, retry_after="60", method="PUT", times=0)
    with pytest.raises(RateLimited) as caught:
        receiver(vtex).write(message(shipment))
    assert caught.value.retry_after == 60


def test_an_answer_without_a_receipt_does_not_undo_the_write(sim: Running) -> None:
    vtex = source(sim)
    shipment = one_shipment(sim, vtex)
    sim.fault("vtex", "truncated", method="PUT")
    assert receiver(vtex).write(message(shipment)).number == ""
    assert package(sim, shipment)["writes"] == 1


# ---- the pure halves ----


def order(**changes: Any) -> dict[str, Any]:
    return {
        "orderId": "1-01",
        "status": "invoiced",
        "origin": "Marketplace",
        "creationDate": "2026-03-01T10:10:20.5322681+00:00",
        "sellers": [{"id": "1"}],
        "items": [{"seller": "1"}, {"seller": "1"}],
        "packageAttachment": {"packages": [pack()]},
        **changes,
    }


def pack(**changes: Any) -> dict[str, Any]:
    return {
        "type": "Output",
        "invoiceNumber": "77",
        "courier": "Correios PAC",
        "trackingNumber": "QB123456785BR",
        "items": [{"itemIndex": 0, "quantity": 2}],
        **changes,
    }


def found_in(document: dict[str, Any]) -> list[Shipment | Aside | Awaited]:
    return list(shipments_of(order_in(json.dumps(document).encode(), "1-01"), own_sellers=OWN, routes={}))


def with_packages(*packages: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return order(packageAttachment={"packages": list(packages)}, **changes)


@pytest.mark.parametrize(
    "document",
    [
        {"orderId": "1-01"},
        order(packageAttachment=None),
        order(packageAttachment={"packages": None}),
        with_packages(pack(type="Input")),
        with_packages(pack(type=None)),
        with_packages(pack(courierStatus={"status": "unknown", "finished": True, "data": None})),
    ],
)
def test_orders_with_nothing_on_its_way_give_nothing(document: dict[str, Any]) -> None:
    assert found_in(document) == []


@pytest.mark.parametrize(
    ("said", "numbers", "worth"),
    [
        (123456, "QB123456785BR", Decimal("1234.56")),
        (99.0, "QB123456785BR", Decimal("0.99")),
        ("500", "", Decimal(5)),
        (500, "QB123456785BR; QB000000024BR", None),
        (0, "QB123456785BR", None),
        (None, "QB123456785BR", None),
        (-5, "QB123456785BR", None),
        ("muito", "QB123456785BR", None),
    ],
)
def test_a_package_with_one_number_is_worth_what_its_invoice_says_in_cents(
    said: object, numbers: str, worth: Decimal | None
) -> None:
    found = found_in(with_packages(pack(invoiceValue=said, trackingNumber=numbers)))
    assert {one.declared_value for one in found if isinstance(one, Shipment)} == {worth}


@pytest.mark.parametrize("nothing", [None, "", "  ", "N/A"])
def test_a_package_without_a_number_is_awaited_and_may_be_known_by_its_order(nothing: str | None) -> None:
    shipment, awaited = found_in(with_packages(pack(trackingNumber=nothing)))
    assert isinstance(shipment, Shipment)
    assert (shipment.order_id, shipment.tracking_number, shipment.invoice_key) == ("1-01", "", "")
    assert awaited == Awaited(order_id="1-01")


KEY = "3526 1111 1111 1111 1111 5500 1000 0001 2310 0000 1234"


def test_a_package_without_a_number_that_may_be_known_by_its_invoice_is_a_shipment_and_awaited_all_the_same() -> None:
    shipment, awaited = found_in(with_packages(pack(trackingNumber="", invoiceKey=KEY)))
    assert isinstance(shipment, Shipment)
    assert (shipment.tracking_number, shipment.tracking_text, shipment.skip) == ("", "", "")
    assert (shipment.invoice_key, shipment.shipper_cnpj) == (KEY.replace(" ", ""), "11111111111111")
    assert awaited == Awaited(order_id="1-01")


def test_such_a_package_is_given_up_with_its_order_and_never_read_where_vtex_cannot_tell_it_apart() -> None:
    [shipment] = found_in(with_packages(pack(trackingNumber="", invoiceKey=KEY), status="canceled"))
    assert isinstance(shipment, Shipment)
    assert shipment.skip == "The order was cancelled."
    unclear = with_packages(pack(trackingNumber="", invoiceKey=KEY, invoiceNumber="1/2"))
    assert found_in(unclear) == [Awaited(order_id="1-01")]


def test_seven_digits_of_a_second_and_the_year_one_are_read_for_what_they_are() -> None:
    [shipment] = found_in(
        with_packages(pack(issuanceDate="0001-01-01T00:00:00"), creationDate="2026-03-01T10:10:20.5322681+00:00")
    )
    assert isinstance(shipment, Shipment)
    assert shipment.ordered_at == datetime(2026, 3, 1, 10, 10, 20, 532268, tzinfo=UTC)
    assert shipment.invoiced_at is None


@pytest.mark.parametrize(
    ("back", "skipped"),
    [
        ([], False),
        ([pack(type="Input", invoiceNumber="78", items=[{"itemIndex": 0, "quantity": 1}])], False),
        ([pack(type="Input", invoiceNumber="78", items=[{"itemIndex": 1, "quantity": 2}])], False),
        ([pack(type="Input", invoiceNumber="78")], True),
        ([pack(type="Input", invoiceNumber=n, items=[{"itemIndex": 0, "quantity": 1}]) for n in ("78", "79")], True),
    ],
)
def test_only_returns_that_cover_all_of_a_package_end_it(back: list[dict[str, Any]], *, skipped: bool) -> None:
    [shipment] = shipments(found_in(with_packages(pack(), *back)))
    assert bool(shipment.skip) is skipped


@pytest.mark.parametrize(
    ("changes", "skipped"),
    [
        ({}, False),
        ({"items": [{"seller": "vizinha"}]}, True),
        ({"items": [{"seller": "vizinha"}], "origin": "Fulfillment"}, False),
        ({"items": [], "sellers": [{"id": "vizinha"}]}, True),
        ({"items": [], "sellers": [{"id": "vizinha"}, {"id": "1"}]}, False),
        ({"status": "canceled"}, True),
        ({"status": "cancellation-requested"}, False),
        ({"status": None}, False),
        ({"status": "handling", "cancellationData": {"CancellationDate": "2026-03-02T10:00:00Z"}}, True),
        ({"shippingData": {"trackingHints": [{"trackingId": "1", "courierName": "Mercado Envios"}]}}, True),
        ({"shippingData": {"logisticsInfo": [{"itemIndex": 0, "selectedSla": "VTEX Log"}]}}, True),
        ({"shippingData": {"logisticsInfo": [{"itemIndex": 1, "selectedSla": "VTEX Log"}, {"itemIndex": 0}]}}, False),
    ],
)
def test_what_somebody_else_follows_is_shown_with_a_sentence(changes: dict[str, Any], *, skipped: bool) -> None:
    [shipment] = shipments(found_in(order(**changes)))
    assert bool(shipment.skip) is skipped
    assert shipment.skip == "" or shipment.skip.endswith(".")


@pytest.mark.parametrize(
    "number", ["", " ", "12/34", "12#4", "12?4", "12%4", "1 2", "12\u00a034", "12\t4", "..", "1\\2"]
)
def test_invoice_numbers_that_vtex_cannot_find_are_put_aside_with_what_to_do(number: str) -> None:
    [aside] = found_in(with_packages(pack(invoiceNumber=number)))
    assert isinstance(aside, Aside)
    assert aside.reason == "invoice_unaddressable"
    assert "in VTEX" in aside.detail


@pytest.mark.parametrize("number", ["24382", "NF-24382", "1.234-5", "A_1", "série1"])
def test_ordinary_invoice_numbers_are_addressable(number: str) -> None:
    assert unaddressable(number, times=1) == ""


def test_two_packages_under_one_invoice_number_are_put_aside() -> None:
    found = found_in(with_packages(pack(), pack(trackingNumber="QB123456799BR")))
    assert [type(one) for one in found] == [Aside, Aside]


def test_an_unreadable_order_is_told_by_its_place_and_not_by_its_content() -> None:
    body = json.dumps(with_packages(pack(items="Maria Exemplo"))).encode()
    with pytest.raises(Exception, match=r"1-01.*packages") as caught:
        order_in(body, "1-01")
    assert "Maria" not in str(caught.value)


SHIPMENT = Shipment(account="", order_id="1-01", invoice_number="77", tracking_number="QB123456785BR")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (order(), Reading.OWED),
        (order(status="canceled"), Reading.CLOSED),
        (order(status="request-cancel"), Reading.NOT_READY),
        (with_packages(), Reading.CLOSED),
        (with_packages(pack(type="Input")), Reading.CLOSED),
        (with_packages(pack(), pack(type="Input", invoiceNumber="78")), Reading.CLOSED),
        (with_packages(pack(trackingNumber="QB000000014BR")), Reading.CHANGED),
        (with_packages(pack(trackingNumber=None)), Reading.CHANGED),
    ],
)
def test_an_order_is_told_only_what_it_may_be_told(document: dict[str, Any], expected: Reading) -> None:
    answer = reading(order_in(json.dumps(document).encode(), "1-01"), message(SHIPMENT))
    assert answer.reading is expected
    assert bool(answer.reason) is (expected is not Reading.OWED)


@pytest.mark.parametrize(
    ("finished", "description", "done"),
    [(False, "Passo  0 ", True), (False, "PASSO 0", True), (False, "Outro", False), (True, "Passo 0", False)],
)
def test_events_are_the_same_whatever_their_blanks_and_case(finished: bool, description: str, *, done: bool) -> None:  # noqa: FBT001
    held = {
        "lastChange": "2026-03-10T00:00:00.0000000+00:00",
        "city": "VALE ALTO",
        "state": "mg",
        "description": description,
    }
    document = with_packages(pack(courierStatus={"status": None, "finished": finished, "data": [held]}))
    answer = reading(order_in(json.dumps(document).encode(), "1-01"), message(SHIPMENT, 1))
    assert (answer.reading is Reading.DONE) is done


@pytest.mark.parametrize(("once_delivered", "expected"), [(False, Reading.CLOSED), (True, Reading.OWED)])
def test_only_a_delivery_that_was_ours_is_taken_back(once_delivered: bool, expected: Reading) -> None:  # noqa: FBT001
    document = with_packages(pack(courierStatus={"status": None, "finished": True, "data": []}))
    told = message(SHIPMENT, 1, once_delivered=once_delivered)
    assert reading(order_in(json.dumps(document).encode(), "1-01"), told).reading is expected


def test_descriptions_end_where_vtex_ends_them_and_texts_are_never_null() -> None:
    long = [Progress(occurred_at=NOON, description="x" * 6000)]
    body = tracking(
        order_in(json.dumps(order()).encode(), "1-01").packages[0], message(SHIPMENT, history=long), delta=False
    )
    [event] = body.events
    assert len(event.description) == 5000
    assert (event.city, event.state) == ("", "")
    assert body.delivered_date is None
