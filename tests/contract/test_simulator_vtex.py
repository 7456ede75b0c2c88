"""The simulated VTEX account, held against what VTEX's Orders API documents."""

from collections.abc import Iterator

import httpx
import pytest

from simulator.testing import Running

EVENT = {"city": "Vila Serena", "state": "SP", "description": "Objeto postado", "date": "2026-11-23"}
ALWAYS = "invoicedDate:[2020-01-01T00:00:00.000Z TO 2099-01-01T00:00:00.000Z]"


@pytest.fixture
def shop(simulator: Running) -> Iterator[httpx.Client]:
    told = simulator.info()["vtex"]
    headers = {"X-VTEX-API-AppKey": told["app_key"], "X-VTEX-API-AppToken": told["app_token"]}
    with httpx.Client(base_url=told["urls"]["loja"], headers=headers) as client:
        yield client


def made(simulator: Running, variant: str, kind: str = "delivered", parcels: int = 1) -> dict:
    """The truth about the first parcel of a cohort of one variant."""
    simulator.cohort(parcels=parcels, variants=[variant], kinds=[kind])
    found = [parcel for parcel in simulator.truth() if parcel["variant"] == variant]
    assert found
    return found[0]


def order(shop: httpx.Client, order_id: str) -> dict:
    answer = shop.get(f"/api/oms/pvt/orders/{order_id}")
    assert answer.status_code == 200
    return answer.json()


def put(shop: httpx.Client, parcel: dict, *events: dict, delivered: bool = False) -> httpx.Response:
    body = {
        "isDelivered": delivered,
        "deliveredDate": "2026-11-23 14:05" if delivered else None,
        "events": list(events),
    }
    path = f"/api/oms/pvt/orders/{parcel['order_id']}/invoice/{parcel['invoice_number']}/tracking"
    return shop.put(path, json=body)


def mails(simulator: Running) -> list[dict]:
    return simulator.control("GET", "vtex/loja/mails")


def test_a_call_without_keys_is_401_and_one_with_wrong_keys_403(simulator: Running, shop: httpx.Client) -> None:
    bare = httpx.get(f"{shop.base_url}api/oms/pvt/orders")
    wrong = shop.get("/api/oms/pvt/orders", headers={"X-VTEX-API-AppToken": "another"})
    assert (bare.status_code, wrong.status_code) == (401, 403)


def test_the_list_is_paged_and_says_how_much_there_is(simulator: Running, shop: httpx.Client) -> None:
    simulator.cohort(parcels=23, variants=["own"])
    pages = [
        shop.get("/api/oms/pvt/orders", params={"page": page, "per_page": 10, "orderBy": "creationDate,asc"}).json()
        for page in (1, 2, 3)
    ]
    ids = [line["orderId"] for page in pages for line in page["list"]]
    assert [len(page["list"]) for page in pages] == [10, 10, 3]
    assert len(set(ids)) == 23
    assert pages[0]["paging"] == {"total": 23, "pages": 3, "currentPage": 1, "perPage": 10}
    dates = [line["creationDate"] for page in pages for line in page["list"]]
    assert dates == sorted(dates)


@pytest.mark.parametrize(
    "asked", [{"page": 31}, {"page": 0}, {"per_page": 101}, {"orderBy": "invoicedDate,asc"}, {"f_invoicedDate": "now"}]
)
def test_the_list_refuses_what_vtex_has_not(simulator: Running, shop: httpx.Client, asked: dict) -> None:
    assert shop.get("/api/oms/pvt/orders", params=asked).status_code == 400


def test_the_list_is_filtered_by_invoice_date_and_status(simulator: Running, shop: httpx.Client) -> None:
    invoiced = made(simulator, "own")["order_id"]
    cancelled = made(simulator, "cancelled")["order_id"]

    def ids(**asked: str) -> set[str]:
        return {line["orderId"] for line in shop.get("/api/oms/pvt/orders", params=asked).json()["list"]}

    assert ids(f_invoicedDate=ALWAYS) == {invoiced, cancelled}
    assert ids(f_invoicedDate=ALWAYS.replace("2099", "2021")) == set()
    assert ids(f_status="invoiced") == {invoiced}
    assert ids(f_status="canceled") == {cancelled}


def test_a_new_order_stands_in_the_list_only_after_the_index_lag(simulator: Running, shop: httpx.Client) -> None:
    parcel = made(simulator, "own")
    assert shop.get("/api/oms/pvt/orders").json()["paging"]["total"] == 1
    simulator.configure(index_lag=240)
    assert shop.get("/api/oms/pvt/orders").json()["paging"]["total"] == 0
    assert order(shop, parcel["order_id"])["orderId"] == parcel["order_id"]


def test_an_order_shows_its_package_and_hides_its_customer(simulator: Running, shop: httpx.Client) -> None:
    parcel = made(simulator, "own")
    seen = order(shop, parcel["order_id"])
    (package,) = seen["packageAttachment"]["packages"]
    assert package["trackingNumber"] == parcel["tracking_number"]
    assert package["type"] == "Output"
    assert package["courierStatus"] is None
    assert seen["clientProfileData"]["email"].endswith("@ct.vtex.com.br")
    assert order(shop, f"seq{seen['sequence']}") == seen


def test_an_emptied_world_shows_nothing_of_the_orders_before(simulator: Running, shop: httpx.Client) -> None:
    parcel = made(simulator, "own")
    put(shop, parcel, EVENT)
    before = order(shop, parcel["order_id"])
    simulator.control("POST", "reset")
    assert shop.get(f"/api/oms/pvt/orders/{parcel['order_id']}").status_code == 404
    made(simulator, "own")
    after = order(shop, parcel["order_id"])
    assert before["packageAttachment"]["packages"][0]["courierStatus"]
    assert after["packageAttachment"]["packages"][0]["courierStatus"] is None


def test_an_unknown_order_is_404(simulator: Running, shop: httpx.Client) -> None:
    assert shop.get("/api/oms/pvt/orders/1-01").status_code == 404


def test_tracking_is_recorded_newest_first_and_mailed_once(simulator: Running, shop: httpx.Client) -> None:
    parcel = made(simulator, "own")
    later = EVENT | {"description": "Objeto saiu para entrega", "date": "2026-11-24"}
    first = put(shop, parcel, EVENT, later)
    again = put(shop, parcel, EVENT, later)
    assert set(first.json()) == {"date", "orderId", "receipt"}
    assert first.json()["receipt"] != again.json()["receipt"]
    (package,) = order(shop, parcel["order_id"])["packageAttachment"]["packages"]
    status = package["courierStatus"]
    assert [event["description"] for event in status["data"]] == [later["description"], EVENT["description"]]
    assert status["finished"] is False
    assert [mail["template"] for mail in mails(simulator)] == ["vtexcommerce-order-shipping-update"]
    (package,) = simulator.control("GET", f"vtex/loja/orders/{parcel['order_id']}")["packages"]
    assert package["writes"] == 2


def test_delivered_finishes_the_package_and_mails_that(simulator: Running, shop: httpx.Client) -> None:
    parcel = made(simulator, "own")
    assert put(shop, parcel, EVENT, delivered=True).status_code == 200
    (package,) = order(shop, parcel["order_id"])["packageAttachment"]["packages"]
    assert package["courierStatus"]["finished"] is True
    assert package["courierStatus"]["deliveredDate"] == "2026-11-23T14:05:00.0000000+00:00"
    assert [mail["template"] for mail in mails(simulator)] == ["vtexcommerce-order-shipping-finished"]
    messages = shop.get(f"/api/oms/pvt/orders/{parcel['order_id']}/conversation-message").json()
    assert len(messages) == 1


def test_a_delivery_can_be_taken_back_unless_the_setting_says_otherwise(simulator: Running, shop: httpx.Client) -> None:
    parcel = made(simulator, "own")

    def finished_after_taking_back() -> bool:
        put(shop, parcel, EVENT, delivered=True)
        put(shop, parcel, EVENT, delivered=False)
        (package,) = order(shop, parcel["order_id"])["packageAttachment"]["packages"]
        return package["courierStatus"]["finished"]

    assert finished_after_taking_back() is False
    simulator.configure(finished_follows=False)
    assert finished_after_taking_back() is True


def test_events_are_merged_or_replaced_as_the_setting_says(simulator: Running, shop: httpx.Client) -> None:
    parcel = made(simulator, "own")

    def recorded(description: str) -> list[str]:
        put(shop, parcel, EVENT | {"description": description})
        (package,) = order(shop, parcel["order_id"])["packageAttachment"]["packages"]
        return sorted(event["description"] for event in package["courierStatus"]["data"])

    assert recorded("um") == ["um"]
    assert recorded("dois") == ["dois", "um"]
    simulator.configure(events_replace=True)
    assert recorded("três") == ["três"]


@pytest.mark.parametrize("variant", ["no_url", "marketplace"])
def test_vtex_mails_nothing_without_a_url_and_nothing_for_marketplaces(
    simulator: Running, shop: httpx.Client, variant: str
) -> None:
    parcel = made(simulator, variant)
    assert put(shop, parcel, EVENT).status_code == 200
    assert mails(simulator) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"isDelivered": "yes", "deliveredDate": None, "events": []},
        {"isDelivered": False, "events": []},
        {"isDelivered": True, "deliveredDate": "2026-11-23T14:05:00", "events": []},
        {"isDelivered": False, "deliveredDate": None},
        {"isDelivered": False, "deliveredDate": None, "events": [EVENT | {"city": None}]},
        {"isDelivered": False, "deliveredDate": None, "events": [EVENT | {"date": "ontem"}]},
        {"isDelivered": False, "deliveredDate": None, "events": [EVENT | {"description": "x" * 5001}]},
    ],
)
def test_a_tracking_body_against_the_schema_is_400_and_changes_nothing(
    simulator: Running, shop: httpx.Client, body: dict
) -> None:
    parcel = made(simulator, "own")
    path = f"/api/oms/pvt/orders/{parcel['order_id']}/invoice/{parcel['invoice_number']}/tracking"
    assert shop.put(path, json=body).status_code == 400
    (package,) = order(shop, parcel["order_id"])["packageAttachment"]["packages"]
    assert package["courierStatus"] is None


def test_an_invoice_number_with_a_slash_cannot_be_addressed_however_it_is_written(
    simulator: Running, shop: httpx.Client
) -> None:
    parcel = made(simulator, "slash_invoice")
    assert "/" in parcel["invoice_number"]
    body = {"isDelivered": False, "deliveredDate": None, "events": [EVENT]}
    for number in (parcel["invoice_number"], parcel["invoice_number"].replace("/", "%2F")):
        answer = shop.put(f"/api/oms/pvt/orders/{parcel['order_id']}/invoice/{number}/tracking", json=body)
        assert answer.status_code == 404
    assert answer.json() == {"message": "Invoice Not Found"}


def test_an_unknown_invoice_is_404_and_one_with_a_blank_500(simulator: Running, shop: httpx.Client) -> None:
    parcel = made(simulator, "own")
    assert put(shop, parcel | {"invoice_number": "1"}, EVENT).json() == {"message": "Invoice Not Found"}
    assert put(shop, parcel | {"invoice_number": "1 2"}, EVENT).status_code == 500


def test_a_number_given_later_is_patched_and_mailed(simulator: Running, shop: httpx.Client) -> None:
    parcel = made(simulator, "late_number")
    assert not parcel["follow"]
    assert put(shop, parcel, EVENT).status_code == 400
    path = f"/api/oms/pvt/orders/{parcel['order_id']}/invoice/{parcel['invoice_number']}"
    patch = {"trackingNumber": "OV000000000BR", "trackingUrl": "https://rastreio.example", "courier": "Correios"}
    assert shop.patch(path, json=patch).status_code == 400
    assert shop.patch(path, json=patch | {"dispatchedDate": None}).status_code == 200
    (package,) = order(shop, parcel["order_id"])["packageAttachment"]["packages"]
    assert package["trackingNumber"] == "OV000000000BR"
    assert [mail["template"] for mail in mails(simulator)] == ["vtexcommerce-order-shipped"]


def test_the_shop_gives_a_late_number_by_itself_as_time_goes_on(simulator: Running, shop: httpx.Client) -> None:
    parcel = made(simulator, "late_number")
    simulator.advance()
    (package,) = order(shop, parcel["order_id"])["packageAttachment"]["packages"]
    assert package["trackingNumber"] == parcel["tracking_number"]
    (now,) = simulator.truth()
    assert now["follow"]
    assert now["tells"][-1] == "in_transit"


def test_master_data_gives_the_real_address_and_only_the_fields_asked_for(
    simulator: Running, shop: httpx.Client
) -> None:
    parcel = made(simulator, "own")
    user = order(shop, parcel["order_id"])["clientProfileData"]["userProfileId"]
    asked = {"_where": f"userId={user}", "_fields": "email,firstName"}
    answer = shop.get("/api/dataentities/CL/search", params=asked, headers={"REST-Range": "resources=0-9"})
    (person,) = answer.json()
    assert set(person) == {"email", "firstName"}
    assert person["email"].endswith("@cliente.example")
    assert answer.headers["REST-Content-Range"] == "resources 0-9/1"
    assert shop.get("/api/dataentities/CL/search", params=asked | {"_where": "userId=nobody"}).json() == []


@pytest.mark.parametrize(
    ("variant", "affiliate", "origin"),
    [
        ("own", "", "Marketplace"),
        ("marketplace", "MKT", "Fulfillment"),
        ("hub", "HUB", "Fulfillment"),
        ("connector", "BWW", "Fulfillment"),
        ("carried_by_marketplace", "MLF", "Fulfillment"),
    ],
)
def test_an_order_bears_the_marks_of_where_it_came_from(
    simulator: Running, shop: httpx.Client, variant: str, affiliate: str, origin: str
) -> None:
    parcel = made(simulator, variant)
    seen = order(shop, parcel["order_id"])
    assert (seen["affiliateId"], seen["origin"]) == (affiliate, origin)
    endpoint = seen["marketplaceServicesEndpoint"]
    assert endpoint.startswith(simulator.url) == (variant == "marketplace")
    assert bool(seen["shippingData"]["trackingHints"]) == (variant == "carried_by_marketplace")


def test_odd_orders_are_as_odd_as_they_claim(simulator: Running, shop: httpx.Client) -> None:
    def packages(variant: str, parcels: int = 1) -> list[dict]:
        parcel = made(simulator, variant, parcels=parcels)
        return order(shop, parcel["order_id"])["packageAttachment"]["packages"]

    assert [package["type"] for package in packages("return", 2)] == ["Output", "Input"]
    first, second = packages("two_packages", 2)
    assert first["invoiceNumber"] != second["invoiceNumber"]
    (both,) = packages("two_codes", 2)
    assert len(both["trackingNumber"].split("; ")) == 2
    assert packages("no_url")[0]["trackingUrl"] is None
    assert packages("late_number")[0]["trackingNumber"] is None
    assert packages("stranger")[0]["courier"] == "Motoboy do Zé"
    assert " " in packages("typed_badly")[0]["trackingNumber"]
