"""VTEX's tracking hub, answered over real HTTP from a real warehouse."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from rastro.models import Event, Pickup, Shipment, Snapshot, Standing, Status
from rastro.pipeline.load import load
from rastro.settings import settings_from
from rastro.warehouse import polls, shipments
from rastro.warehouse.hub import Line, Parcel
from rastro.warehouse.shipments import Routed, SourceTraits
from rastro.web.hub import is_bearer, stamp, tracking
from rastro.web.limits import Limits
from webserver import BEARER, HUB_KEY, Service, serving

ACCOUNT = "vtex:loja"
SETTINGS = settings_from({})
POSTED = datetime(2026, 9, 14, 13, 0, tzinfo=UTC)
DELIVERED = datetime(2026, 9, 17, 18, 30, 5, 120000, tzinfo=UTC)
NUMBER = "QQ100000017BR"
NOTHING = {"deliveredDate": None, "events": [], "hasReturnedToSender": False, "isDelivered": False}


def event(at: datetime, status: Status, description: str, city: str = "", standing: Standing = Standing.EFFECTIVE):
    return Event(
        key=f"{status} {at.isoformat()}", occurred_at=at, status=status, code=status, description=description,
        city=city, state="PE" if city else "", standing=standing,
    )  # fmt: skip


JOURNEY = (
    event(POSTED, Status.IN_TRANSIT, "Objeto postado", "São Bento"),
    event(DELIVERED, Status.DELIVERED, "Objeto entregue ao destinatário", "Morro Azul"),
)


@pytest.fixture
def web(warehouse) -> Iterator[Service]:
    with serving(warehouse.dsn) as service:
        yield service


def ship(
    conn, number: str, *events: Event, order: str = "O-1", invoiced_at: datetime = POSTED, pickup: Pickup | None = None,
    **more: Any,
) -> None:  # fmt: skip
    """A parcel whose carrier says so."""
    shipments.keep_source(conn, ACCOUNT, SourceTraits(writes_back=True, own_mail=True))
    sent = Shipment(
        account=ACCOUNT, order_id=order, invoice_number="100", tracking_number=number, invoiced_at=invoiced_at, **more
    )
    routed = Routed(shipment=sent, carrier=f"carrier_{order}".lower(), why="", reference=number)
    at = max([DELIVERED, *(event.occurred_at for event in events)]) + timedelta(days=1)
    shipments.merge(conn, [routed], at, whole_packages=False)
    if events:
        ((poll_id,),) = conn.execute(
            "SELECT poll_id FROM rastro.poll_state WHERE reference = %s AND carrier = %s", [number, routed.carrier]
        )
        said = msgspec.json.encode(Snapshot(reference=number, events=events, pickup=pickup))
        digest = hashlib.blake2b(said, digest_size=16).digest()
        polls.stage(conn, [polls.Staged(poll_id=poll_id, digest=digest, snapshot=said, raw=b"z")], at, "run")
        load(conn, SETTINGS, now=at, run_id="run")
    conn.commit()


def asked(service: Service, *numbers: str) -> Any:
    body = json.dumps([{"trackingNumber": number} for number in numbers]).encode()
    answer = service.send("/tracking", body, **BEARER)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


@pytest.mark.slow
def test_a_delivered_parcel_is_told_newest_first_as_the_hub_reads_it(warehouse, web: Service) -> None:
    ship(warehouse.connection, NUMBER, *JOURNEY)
    assert asked(web, NUMBER) == {
        NUMBER: {
            "deliveredDate": "2026-09-17T15:30:05.1200000-03:00",
            "events": [
                {
                    "city": "MORRO AZUL",
                    "date": "2026-09-17T15:30:05.1200000-03:00",
                    "description": "Objeto entregue ao destinatário",
                    "state": "PE",
                },
                {
                    "city": "SÃO BENTO",
                    "date": "2026-09-14T10:00:00.0000000-03:00",
                    "description": "Objeto postado",
                    "state": "PE",
                },
            ],
            "hasReturnedToSender": False,
            "isDelivered": True,
        }
    }


@pytest.mark.slow
def test_every_number_is_answered_under_the_name_it_was_asked_by(warehouse, web: Service) -> None:
    ship(warehouse.connection, NUMBER, *JOURNEY)
    ship(warehouse.connection, "QQ100000025BR", order="O-2")
    said = asked(web, "QQ100000025BR", " qq 100000017 br", "QQ999999999BR", NUMBER, NUMBER)
    assert list(said) == ["QQ100000025BR", " qq 100000017 br", "QQ999999999BR", NUMBER]
    assert said["QQ100000025BR"] == said["QQ999999999BR"] == NOTHING
    assert said[NUMBER]["isDelivered"] is True
    assert said[" qq 100000017 br"] == said[NUMBER]
    assert asked(web) == {}


@pytest.mark.slow
def test_what_a_carrier_took_back_is_not_told(warehouse, web: Service) -> None:
    taken_back = event(DELIVERED, Status.DELIVERED, "Objeto entregue", standing=Standing.VOIDED)
    remark = event(DELIVERED, Status.UNKNOWN, "Foto disponível", standing=Standing.INFORMATIVE)
    ship(warehouse.connection, NUMBER, JOURNEY[0], taken_back, remark)
    said = asked(web, NUMBER)[NUMBER]
    assert [one["description"] for one in said["events"]] == ["Objeto postado"]
    assert (said["isDelivered"], said["deliveredDate"]) == (False, None)


@pytest.mark.slow
def test_of_parcels_under_one_number_the_newest_that_is_followed_is_told(warehouse, web: Service) -> None:
    day = timedelta(days=1)
    ship(warehouse.connection, NUMBER, *JOURNEY, order="O-1")
    ship(warehouse.connection, NUMBER, JOURNEY[0], order="O-2", invoiced_at=POSTED + day)
    ship(warehouse.connection, NUMBER, order="O-3", invoiced_at=POSTED + 2 * day, skip="the marketplace carries it")
    said = asked(web, NUMBER)[NUMBER]
    assert (len(said["events"]), said["isDelivered"]) == (1, False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", f"Bearer {HUB_KEY[:-1]}", f"Bearer {HUB_KEY[:-1]}x", f"Basic {HUB_KEY}", HUB_KEY],
)
def test_who_does_not_show_the_key_is_told_nothing(web: Service, authorization: str | None) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    answer = web.send("/tracking", b'[{"trackingNumber": "QQ100000017BR"}]', **headers)
    assert (answer.status_code, answer.content) == (401, b"")


def test_the_key_is_told_from_others_by_all_of_it() -> None:
    assert is_bearer(f"Bearer {HUB_KEY}", HUB_KEY)
    assert is_bearer(f"bearer  {HUB_KEY} ", HUB_KEY)
    assert not is_bearer("Bearer é", HUB_KEY)
    assert not is_bearer(f"Bearer {HUB_KEY}{HUB_KEY}", HUB_KEY)


@pytest.mark.slow
def test_without_a_key_there_is_no_such_address(warehouse) -> None:
    with serving(warehouse.dsn, hub_key="") as web:
        for headers in (BEARER, {"authorization": "Bearer "}, {}):
            assert web.send("/tracking", b"[]", **headers).status_code == 404


@pytest.mark.slow
def test_what_is_no_question_is_refused_with_what_one_looks_like(web: Service) -> None:
    for body in (
        *(b"", b"{}", b"null", b"[1]", b'["QQ100000017BR"]', b'[{"number": "x"}]', b'[{"trackingNumber": 1}]'),
        *(b'[{"trackingNumber": null}]', b"\xff", b"[" * 100_000, b'[{"trackingNumber": "\\ud800"}]'),
    ):
        answer = web.send("/tracking", body, **BEARER)
        assert answer.status_code == 400, body[:40]
        assert "trackingNumber" in answer.text
    assert web.send("/tracking", method="GET").status_code == 405


@pytest.mark.slow
def test_odd_numbers_are_answered_too(web: Service) -> None:
    odd = ["", "\u0000", "x" * 10_000, "'; DROP TABLE rastro.shipment; --", "\U0001f4e6", "a\u0000b"]
    kept = [number.replace("\u0000", "") for number in odd]  # no number holds a NUL, and PostgreSQL keeps none
    assert asked(web, *odd) == dict.fromkeys(kept, NOTHING)


@pytest.mark.slow
def test_a_question_is_about_so_many_numbers_at_most_and_comes_so_often_at_most(warehouse) -> None:
    with serving(warehouse.dsn, limits=Limits(numbers=2, questions=0.01, question_burst=3)) as web:
        numbers = [{"trackingNumber": f"QQ{number:09}BR"} for number in range(3)]
        assert web.send("/tracking", json.dumps(numbers[:2]).encode(), **BEARER).status_code == 200
        many = web.send("/tracking", json.dumps(numbers).encode(), **BEARER)
        assert (many.status_code, many.text) == (413, "at most 2 numbers are answered at once")
        assert web.send("/tracking", b"[]", **BEARER).status_code == 200
        often = web.send("/tracking", b"[]", **BEARER)
        assert often.status_code == 429
        assert int(often.headers["retry-after"]) > 90


@pytest.mark.slow
def test_a_thousand_numbers_are_one_question_to_the_warehouse(warehouse, web: Service) -> None:
    ship(warehouse.connection, NUMBER, *JOURNEY)
    numbers = [f"QQ{number:09}BR" for number in range(999)]
    said = asked(web, NUMBER, *numbers)
    assert len(said) == 1000
    assert said[NUMBER]["isDelivered"]


@pytest.mark.parametrize("status", Status)
def test_delivered_and_returned_are_said_of_nothing_else(status: Status) -> None:
    line = Line(occurred_at=DELIVERED, description="x", city="", state="")
    said = tracking(Parcel(status=status, delivered_at=DELIVERED, lines=(line,)))
    assert said.is_delivered is (status is Status.DELIVERED)
    assert (said.delivered_date is not None) is said.is_delivered
    assert said.has_returned_to_sender is (status is Status.RETURNED)


def test_a_time_is_brasilias_with_seven_digits_of_a_second() -> None:
    assert stamp(datetime(2024, 1, 1, 2, 0, tzinfo=UTC)) == "2023-12-31T23:00:00.0000000-03:00"
    assert stamp(datetime(2010, 12, 1, 2, 0, 0, 7, tzinfo=UTC)) == "2010-11-30T23:00:00.0000070-03:00"
