"""Misbehaviour on demand: each kind does what it says, to whom it says, as often as it says."""

from collections.abc import Iterator

import httpx
import pytest

from simulator.testing import ControlError, Running

ORDERS = "/api/oms/pvt/orders"


@pytest.fixture
def shop(simulator: Running) -> Iterator[httpx.Client]:
    simulator.cohort(parcels=2, variants=["own"], kinds=["delivered"])
    told = simulator.info()["vtex"]
    headers = {"X-VTEX-API-AppKey": told["app_key"], "X-VTEX-API-AppToken": told["app_token"]}
    with httpx.Client(base_url=told["urls"]["loja"], headers=headers, timeout=5) as client:
        yield client


def test_a_status_comes_with_its_retry_after_and_only_as_often_as_asked(simulator: Running, shop: httpx.Client) -> None:
    simulator.fault("vtex", "status", status=429, retry_after="7", times=2)
    answers = [shop.get(ORDERS) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert (answers[0].headers["Retry-After"], answers[0].content) == ("7", b"")


def test_a_fault_concerns_only_the_paths_and_targets_it_names(simulator: Running, shop: httpx.Client) -> None:
    simulator.fault("vtex", "status", status=503, match="page=2", times=0)
    simulator.fault("correios", "status", status=503, times=0)
    statuses = [shop.get(ORDERS, params={"page": page}).status_code for page in (1, 2, 1, 2)]
    assert statuses == [200, 503, 200, 503]
    simulator.calm()
    assert shop.get(ORDERS, params={"page": 2}).status_code == 200


def test_a_fault_may_let_some_pass_first(simulator: Running, shop: httpx.Client) -> None:
    simulator.fault("vtex", "status", status=500, skip=2)
    assert [shop.get(ORDERS).status_code for _ in range(4)] == [200, 200, 500, 200]


def test_chance_is_the_same_every_time(simulator: Running, shop: httpx.Client) -> None:
    def struck() -> list[int]:
        simulator.calm()
        simulator.fault("vtex", "status", status=500, times=0, probability=0.5)
        return [shop.get(ORDERS).status_code for _ in range(20)]

    first = struck()
    assert set(first) == {200, 500}
    assert struck() == first


def test_bodies_can_be_spoiled_in_every_way(simulator: Running, shop: httpx.Client) -> None:
    good = shop.get(ORDERS).content

    def spoiled(kind: str, **more: object) -> httpx.Response:
        simulator.fault("vtex", kind, **more)
        return shop.get(ORDERS)

    page = spoiled("html", status=503)
    assert page.status_code == 503
    assert page.headers["content-type"].startswith("text/html")
    assert spoiled("html").status_code == 200
    assert spoiled("empty").content == b""
    assert spoiled("truncated").content == good[: len(good) // 2]
    assert len(spoiled("huge", size=6_000_000).content) > 6_000_000
    order = f"{ORDERS}/{simulator.truth()[0]['order_id']}"
    simulator.fault("vtex", "latin1")
    assert shop.get(order).content.decode("latin-1") == shop.get(order).content.decode()
    simulator.fault("vtex", "gzip_cut")
    with shop.stream("GET", ORDERS) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert 0 < len(b"".join(answer.iter_raw())) < len(good)
    assert spoiled("slow", seconds=0.2).content == good


def test_a_connection_can_be_cut_before_and_after_the_request_took_effect(
    simulator: Running, shop: httpx.Client
) -> None:
    parcel = simulator.truth()[0]
    path = f"{ORDERS}/{parcel['order_id']}/invoice/{parcel['invoice_number']}/tracking"

    def writes_after(kind: str) -> int:
        simulator.fault("vtex", kind, method="PUT")
        with pytest.raises(httpx.TransportError):
            shop.put(path, json={"isDelivered": False, "deliveredDate": None, "events": []})
        (package,) = simulator.control("GET", f"vtex/loja/orders/{parcel['order_id']}")["packages"]
        return package["writes"]

    assert writes_after("drop_before") == 0
    assert writes_after("drop_after") == 1
    assert [line["status"] for line in simulator.requests() if line["method"] == "PUT"] == [0, 0]


def test_a_server_that_hangs_answers_nothing_and_goes_on_for_others(simulator: Running, shop: httpx.Client) -> None:
    simulator.fault("vtex", "hang")
    with pytest.raises(httpx.ReadTimeout):
        shop.get(ORDERS, timeout=0.3)
    assert shop.get(ORDERS).status_code == 200


def test_one_object_of_a_correios_answer_can_be_senseless_or_all_be_reworded_or_shortened(simulator: Running) -> None:
    simulator.cohort(parcels=3, variants=["own"], kinds=["delivered"])
    told = simulator.info()["correios"]
    auth = (told["user"], told["access_code"])
    card = {"numero": told["posting_card"]}
    token = httpx.post(f"{told['url']}/token/v1/autentica/cartaopostagem", json=card, auth=auth).json()["token"]
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "pt-BR"}
    asked = [("codigosObjetos", parcel["tracking_number"]) for parcel in simulator.truth()] + [("resultado", "T")]

    def objects() -> list[dict]:
        return httpx.get(f"{told['url']}/srorastro/v1/objetos", params=asked, headers=headers).json()["objetos"]

    good = objects()
    assert len(good) == 3
    simulator.fault("correios", "odd_object")
    odd = objects()
    assert isinstance(odd[0]["eventos"], str)
    assert odd[1:] == good[1:]
    simulator.fault("correios", "reworded")
    reworded = objects()
    assert [event["codigo"] for event in reworded[0]["eventos"]] == [
        event["codigo"] for event in reversed(good[0]["eventos"])
    ]
    simulator.fault("correios", "shortened")
    assert [one["eventos"] for one in objects()] == [one["eventos"][1:] for one in good]
    assert reworded[0]["eventos"][0]["descricao"] == good[0]["eventos"][-1]["descricao"].upper().replace(" ", "  ")


def test_what_people_read_can_have_other_words_behind_it(simulator: Running, shop: httpx.Client) -> None:
    path = f"{ORDERS}/{simulator.truth()[0]['order_id']}"
    good = shop.get(path).json()
    simulator.fault("vtex", "worded", words=" <b>\0")
    worded = shop.get(path).json()
    name = good["clientProfileData"].pop("firstName")
    assert worded["clientProfileData"].pop("firstName") == f"{name} <b>\0"
    assert (worded["orderId"], worded["status"]) == (good["orderId"], good["status"])
    simulator.fault("vtex", "status", status=503, words=" <b>")
    assert shop.get(path).json() == {"message": "An error has occurred. <b>"}


@pytest.mark.parametrize(
    ("target", "kind", "more"),
    [("vtex", "rcpt", {}), ("smtp", "html", {}), ("vtex", "status", {"match": "("}), ("vtex", "status", {"tims": 1})],
)
def test_a_fault_that_makes_no_sense_is_refused(simulator: Running, target: str, kind: str, more: dict) -> None:
    with pytest.raises(ControlError):
        simulator.fault(target, kind, **more)
