"""What carriers push, over real HTTP into a real warehouse: kept once if it is genuine, and not at all if it is not."""

import inspect
import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import psycopg
import pytest
import requests

from rastro.access import Account
from rastro.carriers.base import Part, Pushed
from rastro.carriers.registry import CARRIERS
from rastro.errors import Transient
from rastro.models import Shipment
from rastro.pipeline import receive
from rastro.pipeline.load import load
from rastro.settings import settings_from
from rastro.warehouse import shipments
from rastro.warehouse.shipments import Routed, SourceTraits
from rastro.web.limits import Limits
from rastro.web.pushes import Source, sources_of
from webserver import BEARER, LOOPBACK, Service, serving

from .pushes import ACCOUNT, PUSHING, forged, message_of, proven, signed

SETTINGS = settings_from({})
TRIFLE = b'{"news":%d}'


class Trusting:
    """A way of pushing that is easily satisfied: a header says yes. For what concerns no scheme."""

    answer, scheme, query = b"", "a header says yes", ""
    verified_by = (("push_secret",),)

    def is_genuine(self, pushed: Pushed, _: Account) -> bool:
        return pushed.headers.get("genuine") == "yes"

    def parts(self, _: bytes) -> Iterator[Part]:
        return iter(())


TRUSTING = Source(push=Trusting(), accounts={"": ACCOUNT})
FAKES = {"one": TRUSTING, "another": TRUSTING}


@pytest.fixture
def web(warehouse) -> Iterator[Service]:
    """All carriers that push, each with a connection."""
    with serving(warehouse.dsn, dict.fromkeys(PUSHING, ACCOUNT)) as service:
        yield service


def push(service: Service, code: str, body: bytes) -> requests.Response:
    proof = signed(code)
    return service.send(f"/push/{code}{proof.query}", body, **proof.headers)


# Every carrier that pushes


def test_every_carrier_that_pushes_has_a_recorded_message_with_news_and_its_proof() -> None:
    assert len(PUSHING) >= 4
    for code in PUSHING:
        assert any(parcel["events"] for parcel in proven(code).expected["parcels"]), code


@pytest.mark.parametrize("code", PUSHING)
def test_a_message_is_genuine_by_its_carriers_scheme_alone(code: str) -> None:
    adapter, body = PUSHING[code], message_of(code)
    assert adapter.is_genuine(signed(code).pushed(body), ACCOUNT)
    for proof, sent in forged(code):
        assert not adapter.is_genuine(proof.pushed(sent), ACCOUNT), proof


@pytest.mark.parametrize("code", PUSHING)
def test_proofs_are_compared_in_constant_time(code: str) -> None:
    source = inspect.getsource(type(PUSHING[code]).is_genuine)
    assert "compare_digest(" in source
    assert "==" not in source


@pytest.mark.parametrize("code", PUSHING)
def test_without_what_verifies_it_nothing_is_genuine_and_nothing_is_taken(code: str) -> None:
    nobody = Account(base_url=ACCOUNT.base_url)
    for proof, sent in [(signed(code), message_of(code)), *forged(code)]:
        assert not PUSHING[code].is_genuine(proof.pushed(sent), nobody)
    sources, remarks = sources_of(CARRIERS, {code: nobody})
    assert not sources
    assert len(remarks) == 1
    assert code in remarks[0]


@pytest.mark.parametrize("code", PUSHING)
def test_what_is_said_to_verify_a_message_is_what_does(code: str) -> None:
    """Each group of fields alone; the others of the connection are empty."""
    body, adapter = message_of(code), PUSHING[code]
    assert adapter.verified_by
    for names in adapter.verified_by:
        filled = {name: ACCOUNT.value(name) for name in names}
        account = Account(
            base_url=ACCOUNT.base_url,
            login=filled.pop("login", ""),
            password=filled.pop("password", ""),
            extra=filled,
        )
        assert sources_of(CARRIERS, {code: account}) == (
            {code: Source(push=adapter, accounts={"": account}, signature=CARRIERS[code].push_signature)},
            [],
        )
        assert adapter.is_genuine(signed(code).pushed(body), account)


@pytest.mark.slow
@pytest.mark.parametrize("code", PUSHING)
def test_a_genuine_message_is_kept_as_it_came_and_a_repeat_only_counted(web: Service, code: str) -> None:
    body = message_of(code)
    for times in (1, 2, 3):
        answer = push(web, code, body)
        assert (answer.status_code, answer.content) == (200, PUSHING[code].answer)
        assert web.inbox() == [(code, "push", body, times)]


@pytest.mark.slow
@pytest.mark.parametrize("code", PUSHING)
def test_what_is_not_genuine_is_refused_without_a_word_and_not_kept(web: Service, code: str) -> None:
    tried = 0
    for proof, sent in forged(code):
        if any(not value.isascii() for value in proof.headers.values()):
            continue  # the client does not send such a header
        if (needed := CARRIERS[code].push_signature) and needed not in proof.headers:
            continue
        tried += 1
        answer = web.send(f"/push/{code}{proof.query}", sent, **proof.headers)
        assert (answer.status_code, answer.content) == (401, b""), proof
    assert tried >= 5
    assert web.inbox() == []


@pytest.mark.slow
@pytest.mark.parametrize("code", PUSHING)
def test_what_was_pushed_becomes_the_events_that_it_tells(warehouse, web: Service, code: str) -> None:
    recording = proven(code)
    parcel = recording.expected["parcels"][0]
    reference, told = parcel["tracking_number"], parcel["events"]
    times = [datetime.fromisoformat(event["occurred_at"]) for event in told]
    sent = Shipment(
        account="vtex:loja",
        order_id="O-1",
        invoice_number="100",
        tracking_number=reference.rpartition(":")[2],
        invoiced_at=times[0] - timedelta(days=1),
    )
    conn, now = warehouse.connection, times[-1] + timedelta(hours=1)
    shipments.keep_source(conn, sent.account, SourceTraits(writes_back=True, own_mail=True))
    shipments.merge(conn, [Routed(shipment=sent, carrier=code, why="", reference=reference)], now, whole_packages=False)
    conn.commit()
    assert push(web, code, recording.body).status_code == 200

    figures = receive.read(conn, CARRIERS, now=now, run_id="run", hash_key=b"key")
    load(conn, SETTINGS, now=now, run_id="run")
    conn.commit()
    assert (figures.letters, figures.told, figures.quarantined) == (1, 1, 0)
    rows = conn.execute(
        "SELECT occurred_at, status, code, description FROM rastro.tracking_event ORDER BY 1"
    ).fetchall()
    assert rows == [
        (at, event["status"], event["code"], event["description"]) for at, event in zip(times, told, strict=True)
    ]
    assert conn.execute("SELECT status FROM rastro.shipment_state").fetchall() == [(parcel["status"],)]

    before = conn.execute("SELECT * FROM rastro.tracking_event").fetchall()
    assert push(web, code, recording.body).status_code == 200
    assert receive.read(conn, CARRIERS, now=now, run_id="next", hash_key=b"key").letters == 0
    load(conn, SETTINGS, now=now, run_id="next")
    assert conn.execute("SELECT * FROM rastro.tracking_event").fetchall() == before


# Whoever it is


@pytest.mark.slow
def test_who_does_not_push_or_has_no_connection_is_not_there(web: Service) -> None:
    assert CARRIERS["correios"].push is None
    for path in ("/push/correios", "/push/nobody", "/push/", "/push", "/push/loggi/", "/", "/docs"):
        assert web.send(path, b"{}").status_code == 404, path
    for method in ("GET", "PUT", "DELETE"):
        assert web.send("/push/loggi", method=method).status_code == 405
    assert web.inbox() == []


@pytest.mark.slow
def test_an_address_that_is_tried_without_a_signature_says_yes_and_keeps_nothing(warehouse) -> None:
    with serving(warehouse.dsn, more={"trying": replace(TRUSTING, signature="x-signature")}) as web:
        assert web.send("/push/trying", b"{}").status_code == 200
        assert web.send("/push/trying", method="GET").status_code == 200
        assert web.send("/push/trying", b"{}", x_signature="wrong").status_code == 401
        assert web.inbox() == []
        assert web.send("/push/trying", b"{}", x_signature="right", genuine="yes").status_code == 200
        assert len(web.inbox()) == 1


@pytest.mark.slow
def test_what_is_too_long_is_refused_and_read_no_further(warehouse) -> None:
    with serving(warehouse.dsn, more=FAKES, limits=Limits(body=1000)) as web:
        assert web.send("/push/one", b"x" * 1000, genuine="yes").status_code == 200
        assert status_of(web, b"content-length: 1001\r\n\r\n") == 413, "before any of it came"
        assert status_of(web, b"transfer-encoding: chunked\r\n\r\n" + b"258\r\n" + b"x" * 600 + b"\r\n") is None
        piece = b"258\r\n" + b"x" * 600 + b"\r\n"
        assert status_of(web, b"transfer-encoding: chunked\r\n\r\n" + piece + piece) == 413
        assert len(web.inbox()) == 1


def status_of(service: Service, rest: bytes, seconds: float = 1.0) -> int | None:
    """The status that a request which is not sent to its end is answered by before the connection ends; None: none."""
    with socket.create_connection((LOOPBACK, service.port), timeout=seconds) as conn:
        conn.sendall(b"POST /push/one HTTP/1.1\r\nhost: x\r\ngenuine: yes\r\n" + rest)
        said = b""
        try:
            while piece := conn.recv(4096):
                said += piece
        except TimeoutError:
            return None
    assert b"connection: close" in said.lower()
    return int(said.split()[1])


@pytest.mark.slow
def test_a_body_that_does_not_come_to_its_end_holds_nobody_up(warehouse, capfd) -> None:
    with serving(warehouse.dsn, more=FAKES, limits=Limits(reading=0.2)) as web:
        assert status_of(web, b"content-length: 10\r\n\r\nhalf", seconds=5) == 408
        assert status_of(web, b"content-length: 10\r\n\r\nhalf", seconds=0.05) is None
        assert web.inbox() == []
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.slow
def test_a_flood_is_refused_with_the_time_to_come_again_and_harms_no_other(warehouse) -> None:
    with serving(warehouse.dsn, more=FAKES, limits=Limits(pushes=0.01, push_burst=3)) as web:
        for number in range(20):
            assert web.send("/push/one", TRIFLE % number).status_code == 401, "strangers use nothing up"
        answers = [web.send("/push/one", TRIFLE % number, genuine="yes") for number in range(5)]
        assert [one.status_code for one in answers] == [200, 200, 200, 429, 429]
        assert 90 <= int(answers[-1].headers["retry-after"]) <= 100
        assert web.send("/push/another", b"{}", genuine="yes").status_code == 200
        assert len(web.inbox()) == 4


@pytest.mark.slow
def test_no_more_is_taken_while_too_much_is_unread(warehouse) -> None:
    with serving(warehouse.dsn, more=FAKES, limits=Limits(unread=3)) as web:
        for number in range(3):
            assert web.send("/push/one", TRIFLE % number, genuine="yes").status_code == 200
        assert web.send("/push/one", TRIFLE % 0, genuine="yes").status_code == 429
        full = web.send("/push/one", TRIFLE % 3, genuine="yes")
        assert (full.status_code, full.headers["retry-after"]) == (429, "300")
        assert web.send("/push/another", b"{}", genuine="yes").status_code == 200
    warehouse.connection.execute("UPDATE rastro.inbox SET read_at = now()")
    warehouse.connection.commit()
    with serving(warehouse.dsn, more=FAKES, limits=Limits(unread=3)) as web:
        assert web.send("/push/one", TRIFLE % 3, genuine="yes").status_code == 200


@pytest.mark.slow
def test_the_same_message_from_many_at_once_is_kept_once(warehouse) -> None:
    with serving(warehouse.dsn, more=FAKES) as web, ThreadPoolExecutor(16) as threads:
        sent = [threads.submit(requests.post, f"{web.url}/push/one", data=b"{}", headers={"genuine": "yes"}, timeout=20)
                for _ in range(48)]  # fmt: skip
        assert {one.result().status_code for one in sent} == {200}
        assert web.inbox() == [("one", "push", b"{}", 48)]


# The warehouse


@pytest.mark.slow
def test_while_the_warehouse_is_away_the_sender_is_told_to_come_again(warehouse, caplog) -> None:
    def gone() -> None:
        raise Transient("The warehouse cannot be reached: no route")

    with serving(warehouse.dsn, more=FAKES, connect=gone) as web:
        for path, headers in (("/push/one", {"genuine": "yes"}), ("/tracking", BEARER)):
            answer = web.send(path, b'[{"trackingNumber": "QQ100000017BR"}]', **headers)
            assert (answer.status_code, answer.content, answer.headers["retry-after"]) == (503, b"", "30")
        assert web.send("/health", method="GET").status_code == 200
    assert [one.message for one in caplog.records if one.levelno >= logging.ERROR] == [
        "503: The warehouse cannot be reached: no route"
    ]


@pytest.mark.slow
def test_connections_that_ended_meanwhile_are_opened_anew(postgres, warehouse) -> None:
    with serving(warehouse.dsn, more=FAKES) as web, psycopg.connect(postgres.dsn(), autocommit=True) as conn:
        for number in range(3):
            assert web.send("/push/one", TRIFLE % number, genuine="yes").status_code == 200
            ended = conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rastro serve'"
            ).rowcount
            assert ended >= 1
        assert len(web.inbox()) == 3


@pytest.mark.slow
def test_a_warehouse_that_does_not_answer_is_not_waited_for(warehouse, caplog) -> None:
    with serving(warehouse.dsn, more=FAKES) as web:
        assert web.send("/push/one", b"1", genuine="yes").status_code == 200
        with warehouse.connection.transaction():
            warehouse.connection.execute("LOCK TABLE rastro.inbox IN ACCESS EXCLUSIVE MODE")
            began = time.monotonic()
            assert web.send("/push/one", b"a secret", genuine="yes").status_code == 503
            assert time.monotonic() - began < 6
        assert web.send("/push/one", b"a secret", genuine="yes").status_code == 200
    assert "LockNotAvailable" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.slow
def test_of_more_than_the_warehouse_can_do_the_rest_is_refused_at_once(warehouse) -> None:
    with serving(warehouse.dsn, more=FAKES) as web, ThreadPoolExecutor(100) as threads:
        assert web.send("/push/one", b"1", genuine="yes").status_code == 200
        with warehouse.connection.transaction():
            warehouse.connection.execute("LOCK TABLE rastro.inbox IN ACCESS EXCLUSIVE MODE")
            sent = [threads.submit(requests.post, f"{web.url}/push/one", data=TRIFLE % number,
                                   headers={"genuine": "yes"}, timeout=30) for number in range(100)]  # fmt: skip
            assert {one.result().status_code for one in sent} == {503}
        assert web.send("/push/one", b"2", genuine="yes").status_code == 200


# What is seen of it from outside, and in the log


@pytest.mark.slow
def test_every_answer_forbids_to_be_kept_or_shown(web: Service) -> None:
    for path, method, status in (("/health", "GET", 200), ("/nothing", "GET", 404), ("/push/loggi", "POST", 401)):
        answer = web.send(path, method=method)
        assert answer.status_code == status
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers


@pytest.mark.slow
def test_nothing_that_was_sent_stands_in_the_log(warehouse, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(warehouse.dsn, more=FAKES) as web:
        web.send("/push/one?secret=hush", b'{"hush": 1}', genuine="yes", cookie="hush")
        web.send("/push/one?secret=hush", b'{"hush": 1}', authorization="hush")
        web.send("/push/hush", b"hush")
        web.send("/hush/hush", method="GET")
        web.send("/tracking", b'[{"trackingNumber": "HUSH0001BR"}]', **BEARER)
        web.send("/health", method="HUSH")
    lines = [one.message for one in caplog.records if one.name.startswith("rastro.web")]
    assert [line.split()[:3] for line in lines] == [
        ["POST", "/push/one", "200"],
        ["POST", "/push/one", "401"],
        ["POST", "-", "404"],
        ["GET", "-", "404"],
        ["POST", "/tracking", "200"],
        ["-", "-", "405"],
    ]
    assert not [
        one for one in caplog.records if not one.name.startswith("urllib3") and "hush" in one.getMessage().lower()
    ]


@pytest.mark.slow
def test_a_flood_of_refusals_does_not_fill_the_log(warehouse, caplog) -> None:
    caplog.set_level(logging.INFO)
    with serving(warehouse.dsn, more=FAKES) as web:
        for _ in range(300):
            web.send("/push/one", b"{}")
        web.send("/health", method="GET")
    lines = [one.message for one in caplog.records if one.name.startswith("rastro.web")]
    assert 100 <= len(lines) < 200
    assert any("refusals more were not written down" in line for line in lines)


@pytest.mark.slow
def test_what_is_no_request_at_all_does_not_fill_the_log_either(warehouse, capfd) -> None:
    with serving(warehouse.dsn, more=FAKES) as web:
        for _ in range(300):
            with socket.create_connection((LOOPBACK, web.port), timeout=5) as conn:
                conn.sendall(b"\x16\x03\x01\x02\x00 hush\r\n\r\n")
                conn.recv(100)
        assert web.send("/push/one", b"{}", genuine="yes").status_code == 200
    said = capfd.readouterr().err
    assert 0 < said.count("Invalid HTTP request") < 200
    assert "hush" not in said


@pytest.mark.slow
def test_the_head_of_a_request_may_not_grow_for_ever(warehouse) -> None:
    with serving(warehouse.dsn, more=FAKES) as web:
        with socket.create_connection((LOOPBACK, web.port), timeout=5) as conn:
            conn.sendall(b"POST /push/one HTTP/1.1\r\nhost: x\r\n" + b"a: " + b"x" * 70_000)
            assert conn.recv(100).startswith(b"HTTP/1.1 400")
        assert web.send("/health", method="GET").status_code == 200
