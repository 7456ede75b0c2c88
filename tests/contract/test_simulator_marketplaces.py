"""The simulated marketplaces: VTEX's marketplace protocol, and signed webhooks."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator

import httpx
import pytest

from simulator.testing import Running

DELIVERED = {
    "isDelivered": True,
    "events": [{"city": "Porto Luar", "state": "RJ", "description": "Entregue", "date": "2026-11-23"}],
}
BODY = {"type": "order.delivered", "timestamp": "2026-11-23T18:04:05Z", "data": {"order_id": "7000001-01"}}


@pytest.fixture
def market(simulator: Running) -> Iterator[httpx.Client]:
    told = simulator.info()["market"]
    headers = {"X-VTEX-API-AppKey": told["app_key"], "X-VTEX-API-AppToken": told["app_token"]}
    with httpx.Client(base_url=told["url"], headers=headers) as client:
        yield client


@pytest.fixture
def sold(simulator: Running) -> dict:
    """A parcel of an order that came from the marketplace."""
    simulator.cohort(parcels=1, variants=["marketplace"], kinds=["delivered"])
    (parcel,) = simulator.truth()
    assert parcel["marketplace"] == "one"
    return parcel


def invoice(parcel: dict) -> str:
    return f"/pvt/orders/{parcel['marketplace_order_id']}/invoice/{parcel['invoice_number']}"


def package(market: httpx.Client, parcel: dict) -> dict:
    seen = market.get(f"/api/oms/pvt/orders/{parcel['marketplace_order_id']}")
    assert seen.status_code == 200
    return seen.json()["packageAttachment"]["packages"][0]


def test_the_marketplace_wants_its_own_keys(simulator: Running, market: httpx.Client, sold: dict) -> None:
    shop = simulator.info()["vtex"]
    other = {"X-VTEX-API-AppKey": shop["app_key"], "X-VTEX-API-AppToken": shop["app_token"]}
    assert market.post(f"{invoice(sold)}/tracking", json=DELIVERED, headers=other).status_code == 403


def test_a_delivery_is_taken_and_can_be_read_back(market: httpx.Client, sold: dict) -> None:
    assert package(market, sold)["courierStatus"] is None
    answer = market.post(f"{invoice(sold)}/tracking", json=DELIVERED)
    assert set(answer.json()) == {"date", "orderId", "receipt"}
    assert package(market, sold)["courierStatus"]["finished"] is True


def test_a_second_delivery_is_taken_and_counted(simulator: Running, market: httpx.Client, sold: dict) -> None:
    for _ in range(2):
        assert market.post(f"{invoice(sold)}/tracking", json=DELIVERED).status_code == 200
    (order,) = simulator.control("GET", "market/one")
    assert order["packages"][0]["deliveries"] == 2


def test_events_are_optional_and_is_delivered_is_not(market: httpx.Client, sold: dict) -> None:
    assert market.post(f"{invoice(sold)}/tracking", json={"isDelivered": False}).status_code == 200
    assert market.post(f"{invoice(sold)}/tracking", json={"events": []}).status_code == 400


def test_an_unknown_order_or_invoice_is_404(market: httpx.Client, sold: dict) -> None:
    assert market.post("/pvt/orders/1/invoice/1/tracking", json=DELIVERED).status_code == 404
    assert market.post(f"{invoice(sold | {'invoice_number': '1'})}/tracking", json=DELIVERED).status_code == 404
    assert market.get("/api/oms/pvt/orders/1").status_code == 404


def test_an_invoice_and_its_number_can_be_sent(market: httpx.Client, sold: dict) -> None:
    orders = f"/pvt/orders/{sold['marketplace_order_id']}/invoice"
    body = {"type": "Output", "invoiceNumber": "NFe-2", "items": [{"id": "18", "quantity": 1, "price": 4990}]}
    assert market.post(orders, json=body | {"items": [{"id": "18"}]}).status_code == 400
    assert market.post(orders, json=body).status_code == 200
    number = {"courier": "Correios", "trackingNumber": "QQ000000001BR", "trackingUrl": "https://rastreio.example"}
    assert market.post(f"{orders}/NFe-2", json=number).status_code == 400
    assert market.post(f"{orders}/NFe-2", json=number | {"dispatchedDate": "2026-11-23"}).status_code == 200
    assert market.post(f"{orders}/NFe-2/tracking", json=DELIVERED).status_code == 200


def signed(simulator: Running, body: bytes, key: str = "msg_1", at: float | None = None) -> dict[str, str]:
    """Headers by the Standard Webhooks specification, made from the published secret."""
    secret = base64.b64decode(simulator.info()["webhook"]["secret"].removeprefix("whsec_"))
    assert 24 <= len(secret) <= 64
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret, f"{key}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": key,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,AAAA v1,{base64.b64encode(digest).decode()}",
    }


def test_a_signed_webhook_is_taken_and_copies_are_counted(simulator: Running) -> None:
    address, body = simulator.info()["webhook"]["url"], json.dumps(BODY).encode()
    for _ in range(2):
        assert httpx.post(address, content=body, headers=signed(simulator, body)).status_code == 204
    (delivery,) = simulator.control("GET", "webhook/hub")
    assert (delivery["id"], delivery["times"], delivery["body"]) == ("msg_1", 2, BODY)


def test_a_webhook_with_a_bad_signature_is_401_and_forgotten(simulator: Running) -> None:
    address, body = simulator.info()["webhook"]["url"], json.dumps(BODY).encode()
    good = signed(simulator, body)
    wrong = [
        {},
        good | {"webhook-id": "msg_2"},
        good | {"webhook-id": "msg.1"},
        good | {"webhook-signature": "v1,AAAA"},
        signed(simulator, body, at=time.time() - 3600),
        signed(simulator, body + b" "),
    ]
    assert [httpx.post(address, content=body, headers=headers).status_code for headers in wrong] == [401] * len(wrong)
    assert simulator.control("GET", "webhook/hub") == []


def test_a_signed_webhook_that_says_nothing_is_400(simulator: Running) -> None:
    body = b'{"type":"order.delivered"}'
    answer = httpx.post(simulator.info()["webhook"]["url"], content=body, headers=signed(simulator, body))
    assert answer.status_code == 400
