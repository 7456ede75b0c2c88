"""The HTTP client against a server on loopback that misbehaves in every way one can on the wire."""

import gzip
import json
import logging
import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlencode

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rastro.access import Account
from rastro.errors import (
    CredentialsRefused,
    Doubtful,
    Forbidden,
    Misconfigured,
    NotFound,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
)
from rastro.http import Http, Limits, Request, path_segment
from rastro.redaction import excerpt, redact
from rastro.wire import UNPACKED_AT_ONCE, Line

QUICK = Limits(connect_timeout=1.0, read_timeout=0.3, call_timeout=2.0, backoff=0.0, max_bytes=100_000)
SECRET = "chave-inventada-123456"

Behaviour = Callable[["Caller"], None]


class Caller(BaseHTTPRequestHandler):
    """One request as the fake sees it."""

    protocol_version = "HTTP/1.1"
    fake: "Fake"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def act(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        seen = Seen(
            method=self.command,
            path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(size),
            peer=self.client_address[1],
        )
        with self.fake.lock:
            self.fake.seen.append(seen)
            behaviour = self.fake.script.pop(0) if self.fake.script else self.fake.always
        behaviour(self)

    do_GET = do_POST = do_PUT = do_PATCH = act  # noqa: N815 - names that the server looks for

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int = 200, body: bytes = b"{}", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    peer: int


@dataclass
class Fake:
    """A server that does as ``script`` says, call by call, and then ``always``."""

    url: str = ""
    always: Behaviour = Caller.answer
    script: list[Behaviour] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)


def serving(fake: Fake, context: ssl.SSLContext | None = None) -> Iterator[Fake]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Caller,), {"fake": fake}))
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    fake.url = f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield fake
    fake.over.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def fake() -> Iterator[Fake]:
    yield from serving(Fake())


@pytest.fixture
def naps() -> list[float]:
    """Pauses the client would have made."""
    return []


@pytest.fixture
def client(fake: Fake, naps: list[float]) -> Iterator[Http]:
    with Http(fake.url, name="acme", limits=QUICK, headers={"X-Key": SECRET}, sleep=naps.append) as http:
        yield http


def get(path: str = "/v1/thing", **more: object) -> Request:
    return Request(method="GET", path=path, **more)  # type: ignore[arg-type]


WRITE = Request(method="PUT", path="/v1/thing", json={"a": 1}, repeatable=False)


def hang(caller: Caller) -> None:
    caller.fake.over.wait(10)
    caller.close_connection = True


def drop(caller: Caller) -> None:
    caller.close_connection = True
    caller.connection.close()


def drip_headers(caller: Caller) -> None:
    caller.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not caller.fake.over.wait(0.05):
        caller.wfile.write(b"z")
        caller.wfile.flush()


def drip_body(caller: Caller) -> None:
    caller.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n")
    while not caller.fake.over.wait(0.05):
        caller.wfile.write(b"z")
        caller.wfile.flush()


def cut_short(caller: Caller) -> None:
    caller.answer(body=b'{"half": ', Content_Length="500")
    drop(caller)


def status(code: int, body: bytes = b"{}", **headers: str) -> Behaviour:
    return lambda caller: caller.answer(code, body, **headers)


def test_a_good_answer_comes_whole_with_its_headers_and_is_counted(fake: Fake, client: Http) -> None:
    fake.always = status(200, b'{"ok": true}', X_Limit="7")
    answer = client.send(get(params=(("a", "1"), ("a", "2"))))
    assert (answer.status, answer.body, answer.headers["x-limit"]) == (200, b'{"ok": true}', "7")
    assert fake.seen[0].path == "/v1/thing?a=1&a=2"
    assert fake.seen[0].headers["x-key"] == SECRET
    assert (client.calls, client.bytes) == (1, 12)


def test_json_goes_out_with_its_content_type_and_an_own_one_is_kept(fake: Fake, client: Http) -> None:
    client.send(WRITE)
    client.send(Request(method="POST", path="/", json={}, headers={"Content-Type": "application/vnd.acme+json"}))
    assert [seen.headers["content-type"] for seen in fake.seen] == ["application/json", "application/vnd.acme+json"]
    assert fake.seen[0].body == b'{"a":1}'


def test_an_accepted_status_is_an_answer(fake: Fake, client: Http) -> None:
    fake.always = status(404, b'{"code": "SRO-020"}')
    assert client.send(get(accept=frozenset({404}))).status == 404


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (301, Rejected),
        (302, Rejected),
        (400, Rejected),
        (401, CredentialsRefused),
        (403, Forbidden),
        (404, NotFound),
        (409, Rejected),
        (422, Rejected),
        (408, Transient),
        (429, RateLimited),
        (500, Transient),
        (503, Transient),
    ],
)
def test_each_status_has_its_class_and_its_message_says_what_was_asked(
    fake: Fake, client: Http, code: int, error: type[Exception]
) -> None:
    fake.always = status(code, b'{"message": "porque sim"}', Location="/elsewhere")
    with pytest.raises(error, match=rf"acme: GET /v1/thing answered {code} \(porque sim\)"):
        client.send(get())
    assert {seen.path for seen in fake.seen} == {"/v1/thing"}, "a redirect is not followed"


def test_what_may_be_repeated_is_repeated_a_few_times_and_then_given_up(fake: Fake, client: Http) -> None:
    fake.script = [drop, status(502)]
    assert client.send(get()).status == 200
    fake.always = status(502)
    with pytest.raises(Transient):
        client.send(get())
    assert len(fake.seen) == 3 + 3


@pytest.mark.parametrize("misdeed", [drop, hang, cut_short, status(500), status(503, Retry_After="0"), status(408)])
def test_a_write_that_may_have_acted_is_doubtful_and_sent_once(fake: Fake, client: Http, misdeed: Behaviour) -> None:
    fake.always = misdeed
    with pytest.raises(Doubtful):
        client.send(WRITE)
    assert len(fake.seen) == 1


def test_a_write_refused_for_haste_has_not_acted_and_is_sent_again(fake: Fake, client: Http) -> None:
    fake.script = [status(429, b"", Retry_After="0")]
    assert client.send(WRITE).status == 200
    assert len(fake.seen) == 2


def test_a_write_that_never_left_is_not_doubtful() -> None:
    with (
        Http("http://127.0.0.1:9", name="acme", limits=QUICK) as client,
        pytest.raises(Transient, match="refused; is the host up") as caught,
    ):
        client.send(WRITE)
    assert not isinstance(caught.value, Doubtful)


def test_a_host_that_does_not_resolve_is_named_as_such() -> None:
    with (
        Http("http://nowhere.invalid", name="acme", limits=QUICK) as client,
        pytest.raises(Transient, match="host name does not resolve"),
    ):
        client.send(get())


def test_a_server_that_never_answers_is_given_up(fake: Fake, client: Http) -> None:
    fake.always = hang
    with pytest.raises(Transient, match="no answer in time"):
        client.send(get())


@pytest.mark.parametrize("drip", [drip_headers, drip_body])
def test_a_server_that_drips_is_given_up_when_the_whole_call_has_had_its_time(fake: Fake, drip: Behaviour) -> None:
    fake.always = drip
    limits = Limits(read_timeout=5.0, call_timeout=0.4, retries=5)
    with (
        Http(fake.url, name="acme", limits=limits) as client,
        pytest.raises(Transient, match="took too long as a whole"),
    ):
        client.send(get())
    assert len(fake.seen) == 1, "no time was left for a second attempt"


def test_retries_end_with_the_time_for_the_whole_call(fake: Fake, naps: list[float]) -> None:
    fake.always = hang
    limits = Limits(read_timeout=0.2, call_timeout=0.5, retries=50, backoff=0.0)
    with Http(fake.url, name="acme", limits=limits, sleep=naps.append) as client, pytest.raises(Transient):
        client.send(get())
    assert 1 < len(fake.seen) < 10


@pytest.mark.parametrize("misdeed", [cut_short, drop])
def test_an_answer_cut_short_is_a_failed_read_and_not_a_short_answer(
    fake: Fake, client: Http, misdeed: Behaviour
) -> None:
    fake.always = misdeed
    with pytest.raises(Transient, match=r"cut short|hung up"):
        client.send(get())


PACKED = gzip.compress(b'{"objetos": []}' * 50, mtime=0)


def test_gzip_is_unpacked_even_in_several_members(fake: Fake, client: Http) -> None:
    fake.always = status(200, PACKED + gzip.compress(b"fim", mtime=0), Content_Encoding="gzip")
    assert client.send(get()).body == b'{"objetos": []}' * 50 + b"fim"
    assert fake.seen[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    "size", [1, UNPACKED_AT_ONCE - 1, UNPACKED_AT_ONCE, UNPACKED_AT_ONCE + 1, 3 * UNPACKED_AT_ONCE]
)
def test_gzip_is_whole_wherever_a_piece_of_it_ends(fake: Fake, size: int) -> None:
    fake.always = status(200, gzip.compress(b"x" * size, mtime=0), Content_Encoding="gzip")
    with Http(fake.url, name="acme") as client:
        assert client.send(get()).body == b"x" * size


@pytest.mark.parametrize(
    ("body", "encoding", "words"),
    [
        (PACKED[: len(PACKED) // 2], "gzip", "cut short"),
        (PACKED[:-4], "gzip", "cut short"),
        (b"not gzip at all", "gzip", "compression is broken"),
        (b"whatever", "br", "not asked for"),
    ],
)
def test_a_body_that_is_not_what_its_encoding_says_is_a_failed_read(
    fake: Fake, client: Http, body: bytes, encoding: str, words: str
) -> None:
    fake.always = status(200, body, Content_Encoding=encoding)
    with pytest.raises(Transient, match=words):
        client.send(get())


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"x" * 100_001, {}),
        (gzip.compress(b"x" * 50_000_000, mtime=0), {"Content_Encoding": "gzip"}),
    ],
)
def test_a_body_over_the_bound_is_refused_once_and_not_read_to_its_end(
    fake: Fake, client: Http, body: bytes, headers: dict[str, str]
) -> None:
    fake.always = status(200, body, **headers)
    with pytest.raises(Permanent, match="over 100,000 bytes"):
        client.send(get())
    assert len(fake.seen) == 1
    with pytest.raises(Doubtful):
        client.send(WRITE)


def test_an_error_with_an_endless_body_is_still_that_error(fake: Fake, client: Http) -> None:
    fake.always = status(401, b"x" * 200_000)
    with pytest.raises(CredentialsRefused, match="answered 401"):
        client.send(get())


def test_retry_after_in_seconds_is_waited_for(fake: Fake, client: Http, naps: list[float]) -> None:
    fake.script = [status(429, b"", Retry_After="1")]
    client.send(get())
    assert naps == [1.0]


def test_retry_after_as_a_date_is_waited_for(fake: Fake, naps: list[float]) -> None:
    fake.script = [
        status(503, b"", Retry_After=format_datetime(datetime.now(UTC) + timedelta(seconds=12), usegmt=True))
    ]
    with Http(fake.url, name="acme", sleep=naps.append) as client:
        client.send(get())
    assert len(naps) == 1
    assert 8 < naps[0] <= 12


def test_a_date_gone_by_is_no_wait(fake: Fake, client: Http, naps: list[float]) -> None:
    fake.script = [status(429, b"", Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")]
    client.send(get())
    assert naps == [0.0]


@pytest.mark.parametrize(("value", "seconds"), [("3600", 3600.0), ("99999999999999999999999", 21_600.0)])
def test_a_long_retry_after_is_handed_to_the_caller_and_not_slept_through(
    fake: Fake, client: Http, naps: list[float], value: str, seconds: float
) -> None:
    fake.always = status(429, b"", Retry_After=value)
    with pytest.raises(RateLimited) as caught:
        client.send(get())
    assert caught.value.retry_after == seconds
    assert (len(fake.seen), naps) == (1, [])


@pytest.mark.parametrize("value", ["soon", "-5", "", "1e9999", "Thu, 99 Foo 2026"])
def test_a_senseless_retry_after_leaves_the_error_what_it_is(
    fake: Fake, client: Http, naps: list[float], value: str
) -> None:
    fake.always = status(429, b"", Retry_After=value)
    with pytest.raises(RateLimited) as caught:
        client.send(get())
    assert caught.value.retry_after is None
    assert len(fake.seen) == 3


def test_doubt_keeps_the_time_the_other_side_named(fake: Fake, client: Http) -> None:
    fake.always = status(503, b"", Retry_After="120")
    with pytest.raises(Doubtful) as caught:
        client.send(WRITE)
    assert caught.value.retry_after == 120


def test_one_connection_serves_call_after_call(fake: Fake, client: Http) -> None:
    for _ in range(10):
        client.send(get())
    assert len({seen.peer for seen in fake.seen}) == 1


def test_connections_are_shared_by_threads_and_errors_give_them_back(fake: Fake) -> None:
    fake.script = [status(400, b'{"message": "x"}')] * 5
    with Http(fake.url, name="acme", limits=QUICK, connections=4) as client, ThreadPoolExecutor(4) as threads:

        def call(_: int) -> None:
            with suppress(Rejected):
                client.send(get())

        list(threads.map(call, range(80)))
        assert client.calls == len(fake.seen) == 80
        assert len({seen.peer for seen in fake.seen}) <= 4


def test_the_pace_spaces_calls_of_all_threads(fake: Fake, naps: list[float]) -> None:
    limits = Limits(requests_per_second=0.01)
    with Http(fake.url, name="acme", limits=limits, sleep=naps.append) as client, ThreadPoolExecutor(3) as threads:
        list(threads.map(client.send, [get()] * 3))
    naps.sort()
    assert naps[0] == 0.0
    assert naps[1] > 90
    assert naps[2] > 190


def test_waiting_for_ones_own_turn_is_no_delay_of_the_other_side(fake: Fake, naps: list[float]) -> None:
    class Queue:
        """Each turn comes later than a call may take."""

        def wait(self) -> None:
            time.sleep(0.3)

        def close(self) -> None: ...

    limits = Limits(
        requests_per_second=1, shared=lambda **_: Queue(), read_timeout=0.25, call_timeout=0.25, retries=1, backoff=0
    )
    fake.script = [status(503)]
    with Http(fake.url, name="acme", limits=limits, sleep=naps.append) as client:
        assert client.send(get()).status == 200
    assert len(fake.seen) == 2


def test_cookies_and_netrc_add_nothing_to_a_call(
    fake: Fake, client: Http, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login alguem password segredo\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert os.environ["NETRC"]
    fake.always = status(200, b"{}", Set_Cookie="sticky=1; Path=/")
    client.send(get())
    client.send(get())
    assert all("authorization" not in seen.headers and "cookie" not in seen.headers for seen in fake.seen)


def test_a_proxy_that_the_environment_names_is_asked_for_the_whole_address(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", fake.url)
    monkeypatch.setenv("no_proxy", "internal.example")
    with Http("http://carrier.example/base", name="acme", limits=QUICK) as client:
        client.send(get(params=(("number", "AA 1"),)))
    assert [seen.path for seen in fake.seen] == ["http://carrier.example/base/v1/thing?number=AA+1"]
    with (
        Http("http://internal.example:1", name="acme", limits=QUICK) as client,
        pytest.raises(Transient, match=r"does not resolve|refused"),
    ):
        client.send(get())
    assert len(fake.seen) == 1


def test_no_message_shows_a_credential_a_query_or_a_person(fake: Fake, client: Http) -> None:
    said = f'{{"message": "key {SECRET} of maria@exemplo.example, CPF 123.456.789-09, tel +55 (11) 91234-5678"}}'
    fake.always = status(400, said.encode())
    with pytest.raises(Rejected) as caught:
        client.send(get(params=(("cpf", "123.456.789-09"),)))
    for hidden in (SECRET, "maria", "123.456", "91234", "cpf="):
        assert hidden not in str(caught.value)
    assert "key … of" in str(caught.value)


def test_no_message_shows_a_querys_value_that_the_other_side_echoes(fake: Fake, client: Http) -> None:
    fake.always = status(
        403, b'{"error": "error_auth", "message": "invalid access_token a%2Fb-0123456789, a/b-0123456789"}'
    )
    with pytest.raises(CredentialsRefused) as caught:
        client.send(get(params=(("access_token", "a/b-0123456789"), ("page", "1"))))
    assert "0123456789" not in str(caught.value)
    assert "invalid access_token …, …" in str(caught.value)


def test_no_message_shows_an_accounts_secret_that_a_body_held(fake: Fake) -> None:
    account = Account(
        base_url=fake.url,
        login="loja",
        password="S3-12345678901",
        extra={"refresh_token": "TG+1/12345678901-77", "shop_id": "4433"},
    )
    form = urlencode({"client_secret": account.password, "refresh_token": account.extra["refresh_token"]})
    fake.always = status(400, json.dumps({"message": f"{form} of shop 4433: {' '.join(account.secrets)}"}).encode())
    with (
        Http(fake.url, name="acme", limits=QUICK, secrets=account.secrets) as client,
        pytest.raises(Rejected) as caught,
    ):
        client.send(Request(method="POST", path="/oauth/token", body=form.encode(), repeatable=False))
    assert "(client_secret=…&refresh_token=… of shop 4433: … …)" in str(caught.value)


def test_no_log_line_shows_a_query(fake: Fake, client: Http, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "urllib3", "urllib3.connectionpool", "urllib3.util.retry"):
        caplog.set_level(logging.DEBUG, logger=name or None)
    client.send(get(params=(("access_token", SECRET),)))
    fake.always = drop
    with pytest.raises(Transient):
        client.send(get(params=(("access_token", SECRET),)))
    assert len(fake.seen) >= 2
    assert SECRET not in caplog.text
    logging.getLogger("urllib3.connectionpool").warning("awake")
    assert "awake" in caplog.text


def test_a_lost_call_leaves_no_address_or_header_in_the_chain_of_errors(fake: Fake, client: Http) -> None:
    fake.always = drop
    with pytest.raises(Transient) as caught:
        client.send(get(params=(("token", SECRET),)))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("key", ["chave\ncolada", "chave\n colada", " chave colada", "chavé—colada"])
def test_a_credential_with_stray_characters_is_the_connections_fault_and_is_not_shown(fake: Fake, key: str) -> None:
    with (
        Http(fake.url, name="acme", limits=QUICK, headers={"X-Key": key}) as client,
        pytest.raises(Misconfigured, match="stray characters") as caught,
    ):
        client.send(get())
    assert "colada" not in str(caught.value)
    assert fake.seen == []


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "host.example",
        "ftp://host.example",
        "https://",
        "https://ho st.example",
        "https://h:99999",
        "https://h/?a=1",
    ],
)
def test_a_base_url_that_is_none_is_refused_at_once(base_url: str) -> None:
    with pytest.raises(Misconfigured, match="acme"):
        Http(base_url, name="acme")


def test_credentials_in_a_base_url_are_refused_and_not_shown() -> None:
    with pytest.raises(Misconfigured) as caught:
        Http(f"https://user:{SECRET}@host.example", name="acme")
    assert SECRET not in str(caught.value)


def test_an_answer_that_is_not_http_is_named_as_such(fake: Fake, client: Http) -> None:
    fake.always = lambda caller: (caller.wfile.write(b"+OK ready\r\n\r\n"), drop(caller))[0]
    with pytest.raises(Transient, match="not HTTP"):
        client.send(get())


def self_signed(folder: Path, host: str) -> tuple[ssl.SSLContext, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    alternative = x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, path


@pytest.mark.parametrize("trusted", [True, False])
def test_tls_is_spoken_with_hosts_whose_certificate_can_be_trusted_and_with_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, trusted: bool
) -> None:
    context, bundle = self_signed(tmp_path, "127.0.0.1")
    if trusted:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    for fake in serving(Fake(), context):
        with Http(fake.url, name="acme", limits=QUICK) as client:
            if trusted:
                assert client.send(WRITE).body == b"{}"
                assert client.send(get()).body == b"{}"
            else:
                with pytest.raises(Transient, match="certificate cannot be trusted") as caught:
                    client.send(WRITE)
                assert not isinstance(caught.value, Doubtful), "nothing was sent"


def test_without_a_bundle_of_ones_own_the_certificates_are_those_that_came_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    line = Line("https://acme.example", 1)
    pool, _ = line._way
    assert (pool.ca_certs, pool.cert_reqs) == (certifi.where(), "CERT_REQUIRED")
    line.close()


def test_a_path_segment_is_one_segment_whatever_is_in_it() -> None:
    assert path_segment("Lojas Exemplo-15/17?#%") == "Lojas%20Exemplo-15%2F17%3F%23%25"
    assert path_segment("../..\r\n") == "..%2F..%0D%0A"
    for text in (".", ".."):
        with pytest.raises(Rejected, match="cannot stand in an address"):
            path_segment(text)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "target", ["{inside}/keys", "//{host}/keys", "http://169.254.169.254/latest/meta-data", "file:///etc/passwd"]
)
def test_nobody_is_called_because_another_says_so(fake: Fake, client: Http, code: int, target: str) -> None:
    for inside in serving(Fake()):
        where = target.format(inside=inside.url, host=inside.url.partition("//")[2])
        fake.always = status(code, Location=where)
        with pytest.raises(Rejected, match="a redirect is not followed"):
            client.send(get())
        assert inside.seen == []
    assert [seen.path for seen in fake.seen] == ["/v1/thing"]


@pytest.mark.parametrize("path", ["/v1/1 HTTP/1.1\r\nX-Evil: 1\r\n", "/v1/1\n", "/v1/1\r", "/v1/\0", "/v1/\x7f"])
def test_no_path_begins_another_line(fake: Fake, client: Http, path: str) -> None:
    with pytest.raises(Misconfigured, match="the address cannot be written") as caught:
        client.send(get(path))
    assert str(caught.value).isprintable()
    assert fake.seen == []


def test_a_query_and_a_header_are_what_they_were_whatever_is_in_them(fake: Fake, client: Http) -> None:
    client.send(get(params=(("n", "1&m=2#x\r\nX-Evil: 1"), ("o\r\n", "../?"))))
    assert fake.seen[0].path == "/v1/thing?n=1%26m%3D2%23x%0D%0AX-Evil%3A+1&o%0D%0A=..%2F%3F"
    assert "x-evil" not in fake.seen[0].headers
    with pytest.raises(Misconfigured, match="a header cannot be written"):
        client.send(get(headers={"X-One\r\nX-Evil": "1"}))
    assert len(fake.seen) == 1


def test_a_message_is_one_line_whatever_the_other_side_says(fake: Fake, client: Http) -> None:
    fake.always = status(400, json.dumps({"message": "no\r\nERROR all is lost\x1b[2J\u2028\u202e"}).encode())
    with pytest.raises(Rejected, match=r"no  ERROR all is lost") as caught:
        client.send(get())
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"<html>", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"error": {"code": "1", "message": "Acesso negado"}}', "Acesso negado"),
        (b'{"msgs": ["um", "dois", {"x": 1}]}', "um dois"),
        (b'{"nada": 1}', ""),
        (b"[]", ""),
        (b"7", ""),
    ],
)
def test_an_excerpt_is_the_sentence_an_error_carries(body: bytes, said: str) -> None:
    assert excerpt(body) == said


def test_redaction_leaves_tracking_numbers_alone() -> None:
    assert redact("objeto QB123456785BR de joao@exemplo.example") == "objeto QB123456785BR de …"


def test_waiting_is_real_when_nobody_takes_it_over(fake: Fake) -> None:
    fake.script = [status(502)]
    with Http(fake.url, name="acme", limits=Limits(backoff=0.01)) as client:
        started = time.monotonic()
        client.send(get())
    assert time.monotonic() > started
    assert len(fake.seen) == 2
