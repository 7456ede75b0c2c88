"""
The one HTTP client: timeouts, bounded answers, patience, pace, redaction, and errors sorted by what to do next.

Adapters describe a request (:class:`Request`) and read an answer (:class:`Response`); only this module does I/O.
"""

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgspec
import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.util import Retry

from rastro.errors import Doubtful, Misconfigured, RastroError, Transient, error_for

USER_AGENT = "rastro/0.1 (+parcel tracking)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """
    One call an adapter would make. ``path`` is joined to the connection's base URL.

    ``repeatable`` says that sending it twice does no harm: such a request is retried after a lost connection, any
    other raises :class:`~rastro.errors.Doubtful`. ``accept`` lists statuses beside 2xx that are answers, not faults.
    """

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    json: object = None
    body: bytes | None = None
    repeatable: bool = True
    accept: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds, bytes and requests per second that one client may take."""

    connect_timeout: float = 5.0
    read_timeout: float = 20.0
    call_timeout: float = 90.0
    max_bytes: int = 20 * 1024 * 1024
    retries: int = 2
    longest_wait: float = 20.0
    requests_per_second: float = 0.0  # 0: as fast as the other side answers


class Pace:
    """Spaces calls evenly, over all threads that share it."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second if per_second > 0 else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        if not self._gap:
            return
        with self._lock:
            now = time.monotonic()
            at = max(now, self._next)
            self._next = at + self._gap
        time.sleep(at - now)


class Patience(Retry):
    """urllib3's retry, except that a Retry-After beyond the cap is handed back at once, not slept through."""

    longest_wait: float = 20.0

    def new(self, **kw: Any) -> "Patience":
        patience = super().new(**kw)
        patience.longest_wait = self.longest_wait
        return patience

    def increment(self, *args: Any, **kw: Any) -> "Patience":
        response = kw.get("response")
        if response is not None:
            after = retry_after(response.headers)
            if after is not None and after > self.longest_wait:
                raise MaxRetryError(kw["_pool"], None, None)
        return super().increment(*args, **kw)


class Http:
    """
    A client of one host. Threads may share it.

    :param base_url: scheme, host and an optional path prefix.
    :param name: how messages call the other side ("correios").
    :param headers: sent with each request; their values never appear in a message.
    """

    def __init__(
        self,
        base_url: str,
        *,
        name: str,
        limits: Limits | None = None,
        headers: Mapping[str, str] | None = None,
        connections: int = 4,
    ) -> None:
        if not re.match(r"^https?://[^/]", base_url):
            raise Misconfigured(f"{name}: {base_url!r} is no base URL; give the connection a host such as https://host")
        self.base_url = base_url.rstrip("/")
        self.name = name
        self.limits = limits or Limits()
        self.calls = 0
        self.bytes = 0
        self._pace = Pace(self.limits.requests_per_second)
        self._headers = {"User-Agent": USER_AGENT, "Accept": "application/json", **(headers or {})}
        self._sessions = {repeatable: self._session(connections, repeatable=repeatable) for repeatable in (True, False)}

    def __enter__(self) -> "Http":
        return self

    def __exit__(self, *_: object) -> None:
        for session in self._sessions.values():
            session.close()

    def _session(self, connections: int, *, repeatable: bool) -> requests.Session:
        session = requests.Session()
        session.auth = as_it_is
        patience = self._patience(repeatable=repeatable)
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=connections, max_retries=patience)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session

    def send(self, request: Request) -> Response:
        """
        The answer to one request, whole.

        :raises Transient: no connection, timeout, 408, 429, 5xx, body cut short or too large.
        :raises Doubtful: as Transient, for a request that may have been acted on and must not be repeated blindly.
        :raises Permanent: 3xx and the other 4xx, by :func:`~rastro.errors.error_for`.
        """
        what = f"{self.name}: {request.method} {request.path}"
        self._pace.wait()
        started = time.monotonic()
        self.calls += 1
        try:
            with self._sessions[request.repeatable].request(
                request.method,
                self.base_url + request.path,
                params=list(request.params),
                headers={**self._headers, **request.headers},
                data=request.body if request.json is None else msgspec.json.encode(request.json),
                timeout=(self.limits.connect_timeout, self.limits.read_timeout),
                allow_redirects=False,
                stream=True,
            ) as answer:
                body = self._read(answer, started, what)
        except requests.ConnectTimeout as error:
            raise Transient(
                f"{what}: no connection in {self.limits.connect_timeout:g} s; is the host right?"
            ) from error
        except (requests.RequestException, HTTPError, OSError) as error:
            raise self._lost(what, error, request) from error
        self.bytes += len(body)
        if not 200 <= answer.status_code < 300 and answer.status_code not in request.accept:
            failure = error_for(answer.status_code, what, answer=excerpt(body), retry_after=retry_after(answer.headers))
            raise self._doubt(failure, request)
        return Response(
            status=answer.status_code,
            body=body,
            headers=CaseInsensitiveDict(answer.headers),
            seconds=time.monotonic() - started,
        )

    def _patience(self, *, repeatable: bool) -> Patience:
        faults = self.limits.retries
        patience = Patience(
            total=faults,
            connect=faults,
            read=faults if repeatable else 0,
            other=0,
            redirect=0,
            status=faults,
            allowed_methods=None,
            status_forcelist={429, 502, 503, 504} if repeatable else {429},
            backoff_factor=0.5,
            backoff_jitter=0.3,
            raise_on_status=False,
        )
        patience.longest_wait = self.limits.longest_wait
        return patience

    def _read(self, answer: requests.Response, started: float, what: str) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while chunk := answer.raw.read1(65536, decode_content=True):
            size += len(chunk)
            if size > self.limits.max_bytes:
                raise Transient(f"{what}: the answer is over {self.limits.max_bytes:,} bytes and was not read further")
            if time.monotonic() - started > self.limits.call_timeout:
                raise Transient(f"{what}: the answer took over {self.limits.call_timeout:g} s and was given up")
            chunks.append(chunk)
        return b"".join(chunks)

    def _lost(self, what: str, error: Exception, request: Request) -> RastroError:
        reason = f"{what}: {plain_reason(error)}"
        never_sent = "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error)
        if request.repeatable or never_sent:
            return Transient(f"{reason}; is the host up and the connection's address right?")
        return Doubtful(f"{reason}; it may have acted, so it is asked before anything is sent again")

    @staticmethod
    def _doubt(failure: RastroError, request: Request) -> RastroError:
        unsure = type(failure) is Transient and not request.repeatable
        return Doubtful(str(failure)) if unsure else failure


def as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No authentication of requests' own: a .netrc of the machine must not add credentials to a carrier's call."""
    return request


def path_segment(text: str) -> str:
    """``text`` as one segment of a path."""
    return quote(text, safe="")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that Retry-After asks for, given as seconds or as a date; None when absent or senseless."""
    value = headers.get("Retry-After")
    if value is None:
        return None
    try:
        return max(0.0, Retry().parse_retry_after(value))
    except (HTTPError, ValueError, OverflowError):
        return None


def plain_reason(error: Exception) -> str:
    """What went wrong on the wire, in words, without addresses of objects or pools."""
    text = repr(error)
    for sign, words in (
        ("NameResolutionError", "the host name does not resolve"),
        ("Connection refused", "the connection is refused"),
        ("CertificateError", "the certificate is not for this host"),
        ("SSLError", "no safe TLS connection"),
        ("ReadTimeout", "no answer in time"),
        ("timed out", "no answer in time"),
        ("IncompleteRead", "the answer was cut short"),
        ("DecodeError", "the answer's compression is broken"),
        ("RemoteDisconnected", "it hung up without an answer"),
        ("ConnectionResetError", "it hung up in the middle"),
        ("Network is unreachable", "the network is unreachable"),
    ):
        if sign in text:
            return words
    return f"the connection failed ({type(error).__name__})"


SECRETIVE = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.-]+"  # e-mail addresses
    r"|\b\d{3}\.?\d{3}\.?\d{3}-?\d{2}\b"  # CPF
    r"|\b(?:eyJ[\w-]+\.[\w.-]+)"  # JWT
    r"|\+?\b\d{2}\s?\(?\d{2}\)?\s?9?\d{4}-?\d{4}\b"  # telephone
)


def redact(text: str) -> str:
    """``text`` without what points at a person or opens a door."""
    return SECRETIVE.sub("…", text)


def excerpt(body: bytes, length: int = 120) -> str:
    """The sentence an error answer carries, redacted; empty when it holds none that can be shown safely."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "not JSON" if body.strip() else "empty"
    said = answer
    for name in ("message", "Message", "msgs", "mensagem", "msg", "detail", "error", "causa"):
        if isinstance(said, dict) and said.get(name):
            said = said[name]
    if isinstance(said, list):
        said = " ".join(str(part) for part in said[:3])
    return redact(str(said))[:length] if isinstance(said, str) else ""
