"""Marketplaces against the simulated ones, and the signed webhook against the specification's own arithmetic."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rastro.access import Account
from rastro.errors import CredentialsRefused, Doubtful, Misconfigured, Permanent, RateLimited, Rejected, Transient
from rastro.http import Limits
from rastro.marketplaces.registry import MARKETPLACES
from rastro.marketplaces.vtex_protocol import VtexProtocol
from rastro.marketplaces.webhook import Webhook, signatures
from rastro.models import Status
from rastro.receivers import Message, Progress, Reading
from simulator.testing import Running

LIMITS = Limits(connect_timeout=1.0, read_timeout=1.0, call_timeout=4.0, retries=0, backoff=0.0)
BRASILIA = timezone(timedelta(hours=-3))
AT = datetime(2026, 11, 20, 22, 30, tzinfo=BRASILIA)
MESSAGE = Message(
    key="shipment-7-delivered",
    order_id="MKT-7000001-01",
    invoice_number="100001",
    tracking_number="QB123456785BR",
    courier="Correios",
    tracking_url="",
    status=Status.DELIVERED,
    history=(Progress(occurred_at=AT, description="Entregue", city="Vale Alto", state="MG"),),
    delivered_at=AT,
    marketplace_order_id="7000001-01",
)


@dataclass
class Recorder:
    """A server that answers as told and remembers what it got."""

    url: str = ""
    status: int = 200
    body: bytes = b'{"date": "2026-11-21", "orderId": "1", "receipt": "r-1", "status": "invoiced"}'
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()

    class Handler(BaseHTTPRequestHandler):
        def take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            recorder.got.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(recorder.status)
            for name, value in recorder.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(recorder.body)

        do_GET = do_POST = take  # noqa: N815 - names that the server looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    recorder.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield recorder
    server.shutdown()
    server.server_close()


# ---- VTEX's marketplace protocol ----


def protocol(url: str, **extra: str) -> VtexProtocol:
    return VtexProtocol(Account(base_url=url, login="chave", password="senha-inventada", extra=extra), limits=LIMITS)


def simulated(sim: Running) -> tuple[VtexProtocol, Message]:
    """A marketplace with one order, and the message that it was delivered."""
    sim.cohort(parcels=1, variants=["marketplace"])
    [truth] = sim.truth()
    market = sim.info()["market"]
    account = Account(base_url=market["url"], login=market["app_key"], password=market["app_token"])
    note = replace(
        MESSAGE,
        order_id=truth["order_id"],
        invoice_number=truth["invoice_number"],
        marketplace_order_id=truth["marketplace_order_id"],
        marketplace_endpoint=f"{sim.url}/market/one",
    )
    return VtexProtocol(account, limits=LIMITS), note


def told(sim: Running) -> dict[str, Any]:
    [order] = sim.control("GET", "market/one")
    [package] = order["packages"]
    assert isinstance(package, dict)
    return package


def test_read_write_read_tells_a_marketplace_once(simulator: Running) -> None:
    market, note = simulated(simulator)
    assert market.read(note).reading is Reading.OWED
    receipt = market.write(note)
    assert (receipt.status, len(receipt.number)) == (200, 32)
    assert market.read(note).reading is Reading.DONE
    package = told(simulator)
    assert (package["finished"], package["deliveries"]) == (True, 1)
    assert package["events"][0]["lastChange"].startswith("2026-11-20"), "the local day"


@pytest.mark.parametrize(("kind", "taken"), [("drop_before", False), ("drop_after", True), ("hang", False)])
def test_after_a_lost_answer_the_marketplace_is_asked(simulator: Running, kind: str, *, taken: bool) -> None:
    market, note = simulated(simulator)
    simulator.fault("market", kind, method="POST")
    with pytest.raises(Doubtful):
        market.write(note)
    assert market.read(note).reading is (Reading.DONE if taken else Reading.OWED)
    assert told(simulator)["deliveries"] == int(taken)


def test_an_invoice_the_marketplace_lacks_is_not_ready(simulator: Running) -> None:
    market, note = simulated(simulator)
    assert market.read(replace(note, invoice_number="999")).reading is Reading.NOT_READY


def test_an_order_the_marketplace_cancelled_is_closed(recorder: Recorder) -> None:
    recorder.body = b'{"status": "canceled", "packageAttachment": null}'
    assert protocol(recorder.url).read(MESSAGE).reading is Reading.CLOSED


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_marketplace_that_keeps_its_orders_to_itself_cannot_be_asked(recorder: Recorder, status: int) -> None:
    recorder.status = status
    answer = protocol(recorder.url).read(MESSAGE)
    assert answer.reading is Reading.CANNOT_ASK
    assert str(status) in answer.reason


def test_a_marketplace_in_trouble_is_a_failed_read_and_not_one_that_cannot_be_asked(recorder: Recorder) -> None:
    recorder.status = 500
    with pytest.raises(Transient):
        protocol(recorder.url).read(MESSAGE)


def test_nothing_is_asked_where_the_connection_says_so(recorder: Recorder) -> None:
    assert protocol(recorder.url, reads_back="false").read(MESSAGE).reading is Reading.CANNOT_ASK
    assert recorder.got == []


@pytest.mark.parametrize(
    ("base", "endpoint", "post", "read"),
    [
        ("", "", "/pvt", "/api/oms/pvt"),
        ("/api/oms?an=mercado", "", "/api/oms/pvt", "/api/oms/pvt"),
        ("", "{url}/api/oms?an=outro", "/api/oms/pvt", "/api/oms/pvt"),
        ("/market/one/", "https://elsewhere.example/evil", "/market/one/pvt", "/market/one/api/oms/pvt"),
    ],
)
def test_an_orders_own_endpoint_is_used_only_on_the_connections_host(
    recorder: Recorder, base: str, endpoint: str, post: str, read: str
) -> None:
    market = protocol(recorder.url + base)
    note = replace(
        MESSAGE,
        marketplace_order_id="Loja 15/1",
        marketplace_endpoint=endpoint.format(url=recorder.url),
    )
    market.write(note)
    market.read(note)
    query = ("?" + (endpoint or base).partition("?")[2]) if "?" in endpoint + base else ""
    assert [path for _, path, _, _ in recorder.got] == [
        f"{post}/orders/Loja%2015%2F1/invoice/100001/tracking{query}",
        f"{read}/orders/Loja%2015%2F1{query}",
    ]
    assert all(headers["x-vtex-api-appkey"] == "chave" for _, _, headers, _ in recorder.got)


def test_the_protocols_body_has_what_its_schema_asks_for(recorder: Recorder) -> None:
    protocol(recorder.url).write(MESSAGE)
    method, _, headers, body = recorder.got[0]
    assert (method, headers["content-type"]) == ("POST", "application/json")
    assert json.loads(body) == {
        "isDelivered": True,
        "events": [{"city": "Vale Alto", "state": "MG", "description": "Entregue", "date": "2026-11-20"}],
    }


@pytest.mark.parametrize("changes", [{"history": ()}, {"marketplace_order_id": ""}])
def test_what_cannot_be_told_is_refused_before_anything_is_sent(recorder: Recorder, changes: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        protocol(recorder.url).write(replace(MESSAGE, **changes))
    assert recorder.got == []


def test_a_wrong_key_is_refused_and_not_shown(simulator: Running) -> None:
    _, note = simulated(simulator)
    with pytest.raises(CredentialsRefused) as caught:
        protocol(f"{simulator.url}/market/one").write(note)
    assert "senha-inventada" not in str(caught.value)


def test_a_protocol_connection_that_lacks_something_is_told_all_of_it() -> None:
    with pytest.raises(Misconfigured, match=r"host.*login.*password.*reads_back"):
        MARKETPLACES["vtex_protocol"].build(Account(base_url="", extra={"reads_back": "maybe"}))


# ---- the signed webhook ----

SECRET = "whsec_" + base64.b64encode(b"a secret of no value, 32 bytes..").decode()
OLDER = "whsec_" + base64.b64encode(b"an older one, not worth more....").decode()


def webhook(url: str, *, at: datetime = AT, **extra: str) -> Webhook:
    account = Account(base_url=url, extra={"secret": SECRET, **extra})
    return Webhook(account, clock=lambda: at, limits=LIMITS)


def test_the_simulated_hub_takes_a_webhook_and_drops_its_second_copy(simulator: Running) -> None:
    info = simulator.info()["webhook"]
    hook = Webhook(Account(base_url=info["url"], extra={"secret": info["secret"]}))
    assert hook.repeat_is_safe
    assert hook.write(MESSAGE).status == 204
    assert hook.write(MESSAGE).status == 204
    [delivery] = simulator.control("GET", "webhook/hub")
    assert (delivery["id"], delivery["times"]) == (MESSAGE.key, 2)
    assert delivery["body"]["type"] == "order.delivered"


def test_a_webhook_signed_with_another_secret_is_refused(simulator: Running) -> None:
    info = simulator.info()["webhook"]
    with pytest.raises(CredentialsRefused):
        Webhook(Account(base_url=info["url"], extra={"secret": SECRET})).write(MESSAGE)


def test_the_signature_is_what_the_specification_computes(recorder: Recorder) -> None:
    webhook(recorder.url + "/hook").write(MESSAGE)
    _, path, headers, body = recorder.got[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(b"a secret of no value, 32 bytes..", signed, hashlib.sha256).digest()
    assert path == "/hook"
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert headers["webhook-timestamp"] == str(int(AT.timestamp()))
    assert headers["content-type"] == "application/json"


def test_a_known_vector_gives_the_known_signature() -> None:
    key = base64.b64decode("cmFzdHJvLXRlc3Qta2V5LTMyLWJ5dGVzLWxvbmchISE=")
    body = b'{"type":"order.delivered"}'
    assert signatures((key,), "msg_1", 1700000000, body) == "v1,gqu+7jMqZrWtdSzrXVonrVKHPqLBpyXydz71KPFuOdQ="


def test_while_a_secret_changes_both_sign_and_the_present_one_comes_first(recorder: Recorder) -> None:
    webhook(recorder.url, secret_previous=OLDER).write(MESSAGE)
    webhook(recorder.url).write(MESSAGE)
    both, one = (headers["webhook-signature"].split(" ") for _, _, headers, _ in recorder.got)
    assert len(both) == 2
    assert both[0] == one[0]
    assert both[1].startswith("v1,")


def test_the_id_stays_and_the_time_moves_from_attempt_to_attempt(recorder: Recorder) -> None:
    note = replace(MESSAGE, key="row.7.delivered")
    webhook(recorder.url).write(note)
    webhook(recorder.url, at=AT + timedelta(minutes=5)).write(note)
    first, second = (headers for _, _, headers, _ in recorder.got)
    assert first["webhook-id"] == second["webhook-id"] == "row-7-delivered"
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 300
    assert recorder.got[0][3] == recorder.got[1][3]


def test_the_body_says_what_happened_and_nothing_about_anybody(recorder: Recorder) -> None:
    webhook(recorder.url).write(MESSAGE)
    body = json.loads(recorder.got[0][3])
    assert (body["type"], body["timestamp"]) == ("order.delivered", "2026-11-21T01:30:00Z")
    assert set(body["data"]) == {
        "order_id",
        "marketplace_order_id",
        "invoice_number",
        "tracking_number",
        "courier",
        "delivered_at",
    }
    assert b"Vale Alto" not in recorder.got[0][3]


@pytest.mark.parametrize(
    ("status", "error"),
    [(301, Rejected), (400, Rejected), (404, Permanent), (410, Permanent), (429, RateLimited), (503, Transient)],
)
def test_only_2xx_is_success_and_no_redirect_is_followed(
    recorder: Recorder, status: int, error: type[Exception]
) -> None:
    recorder.status, recorder.headers = status, {"Location": f"{recorder.url}/elsewhere", "Retry-After": "9"}
    with pytest.raises(error):
        webhook(recorder.url + "/hook/segredo?token=oculto").write(MESSAGE)
    assert {path for _, path, _, _ in recorder.got} == {"/hook/segredo?token=oculto"}


def test_an_endpoint_that_has_gone_is_said_to_have_gone(recorder: Recorder) -> None:
    recorder.status = 410
    with pytest.raises(Misconfigured, match="gone for good; take it out of the setting marketplaces"):
        webhook(recorder.url).write(MESSAGE)


def test_an_address_with_a_secret_in_it_stands_in_no_message(recorder: Recorder) -> None:
    recorder.status = 400
    with pytest.raises(Rejected) as caught:
        webhook(recorder.url + "/hook/segredo?token=oculto").write(MESSAGE)
    assert "segredo" not in str(caught.value)
    assert "oculto" not in str(caught.value)


def test_a_webhook_cannot_be_asked_and_tells_deliveries_only(recorder: Recorder) -> None:
    assert webhook(recorder.url).read(MESSAGE).reading is Reading.CANNOT_ASK
    with pytest.raises(Rejected, match="not delivered"):
        webhook(recorder.url).write(replace(MESSAGE, delivered_at=None))
    assert recorder.got == []


@pytest.mark.parametrize(
    ("url", "extra", "faults"),
    [
        ("", {}, ["host", "secret is missing"]),
        ("http://hub.example/hook", {"secret": SECRET}, ["https"]),
        ("ftp://hub.example/hook", {"secret": SECRET}, ["whole URL"]),
        ("http://cafe.de/hook", {"secret": SECRET}, ["https"]),
        ("https://hub.example/hook", {"secret": SECRET, "allow_private": "yes"}, ["allow_private is neither"]),
        ("https://hub.example/hook", {"secret": "whsec_c2hvcnQ="}, ["24 to 64 bytes"]),
        ("https://hub.example/hook", {"secret": SECRET.removeprefix("whsec_")}, ["whsec_"]),
        ("https://hub.example/hook", {"secret": SECRET, "secret_previous": "whsec_***"}, ["secret_previous"]),
    ],
)
def test_a_webhook_connection_that_is_wrong_is_told_all_of_it(
    url: str, extra: dict[str, str], faults: list[str]
) -> None:
    with pytest.raises(Misconfigured) as caught:
        MARKETPLACES["webhook"].build(Account(base_url=url, extra=extra))
    for fault in faults:
        assert fault in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://localhost:1/x", "http://127.0.0.1:1/x", "http://[::1]:1/x", "https://hub.example"]
)
def test_plain_http_is_for_ones_own_machine(url: str) -> None:
    assert webhook(url).code == "webhook"


INSIDE = (
    *("10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "224.0.0.1", "10.1", "0"),
    *("0xa9fea9fe", "2852039166", "[fe80::1]", "[fd00::1]", "[::]", "[::ffff:10.0.0.1]", "[ff02::1]"),
)


@pytest.mark.parametrize("host", INSIDE)
def test_an_endpoint_within_a_private_network_must_be_meant(host: str) -> None:
    with pytest.raises(Misconfigured, match="private network"):
        webhook(f"https://{host}/hook", allow_private="false")
    assert webhook(f"https://{host}/hook", allow_private="true").code == "webhook"
    with pytest.raises(Misconfigured, match="https"):
        webhook(f"http://{host}/hook", allow_private="true")


@pytest.mark.parametrize(
    "host", ["8.8.8.8", "[2606:4700::1111]", "127.0.0.1", "[::1]", "10.hub.example", "fd00.example"]
)
def test_an_endpoint_anywhere_else_is_taken_as_it_is(host: str) -> None:
    assert webhook(f"https://{host}:8443/hook").code == "webhook"


def test_every_marketplace_has_its_line_and_its_docs() -> None:
    assert {"vtex_protocol", "webhook"} <= set(MARKETPLACES)
    for code, marketplace in MARKETPLACES.items():
        assert marketplace.code == code
        assert marketplace.docs.startswith("https://")
    assert MESSAGE.delivered_at
    assert MESSAGE.delivered_at.astimezone(UTC).day == 21
