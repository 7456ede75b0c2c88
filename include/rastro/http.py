"""
The one HTTP client: timeouts, bounded answers, patience, pace, redaction, and errors sorted by what to do next.

Adapters describe a request (:class:`Request`) and read an answer (:class:`Response`); only this module does I/O.

The retries are our own and urllib3's are off: those cannot be held to a deadline for the whole call, repeat a request
that must not be repeated when a 503 names a time, and read an unwanted answer to its end whatever its size.
"""

import random
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote, urlsplit

import msgspec
import requests
from urllib3 import BaseHTTPResponse, Timeout
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from rastro.errors import Doubtful, Misconfigured, RastroError, RateLimited, Rejected, Transient, error_for
from rastro.redaction import excerpt, sent_in
from rastro.wire import DEADLINE, Line, TooLarge, is_ours, never_sent, plain_chunks, plain_reason

USER_AGENT = "rastro/0.1 (+parcel tracking)"
LONGEST_NAMED_WAIT = 21_600.0
MOST_CONNECTIONS = 64  # as many as tell a receiver at once, at most


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
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
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
class Call:
    """
    One request as it went over the wire, which one that is repeated does each time.

    ``status`` is None when no whole answer came, ``began`` in seconds since the epoch. Neither path nor query stands
    here: they hold numbers of parcels, and tokens.
    """

    name: str
    host: str
    method: str
    status: int | None
    bytes: int
    began: float
    seconds: float


# Who is told of each call of the clients that are made meanwhile; None: nobody, and it costs nothing.
LISTENER: ContextVar[Callable[[Call], None] | None] = ContextVar("LISTENER", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    Seconds, bytes and requests per second that one client may take.

    ``call_timeout`` holds for everything between :meth:`Http.send` and its return, retries and pauses included, but for
    what one waits by one's own pace; it is overrun by one ``read_timeout`` at most.
    """

    connect_timeout: float = 5.0
    read_timeout: float = 20.0
    call_timeout: float = 90.0
    max_bytes: int = 20 * 1024 * 1024
    retries: int = 2
    backoff: float = 0.5  # the first pause; each further one is twice as long
    longest_wait: float = 20.0  # a Retry-After beyond it is handed to the caller, not slept through
    requests_per_second: float = 0.0  # 0: as fast as the other side answers
    shared: "Sharing | None" = None  # who keeps the pace for all that call the account; None: each client its own


class Pace:
    """Spaces calls evenly, over all threads that share it."""

    def __init__(self, per_second: float, sleep: Callable[[float], None] = time.sleep) -> None:
        self._gap = 1 / per_second if per_second > 0 else 0.0
        self._next = 0.0
        self._lock = threading.Lock()
        self._sleep = sleep

    def close(self) -> None:
        """Nothing is held."""

    def wait(self) -> None:
        if not self._gap:
            return
        with self._lock:
            now = time.monotonic()
            at = max(now, self._next)
            self._next = at + self._gap
        self._sleep(at - now)


class Turns(Protocol):
    """What one waits for before each call."""

    def wait(self) -> None: ...

    def close(self) -> None: ...


class Sharing(Protocol):
    """
    Makes what the clients of one account wait for.

    :param per_second: calls that the account bears.
    :param abreast: calls that the client makes at once, at most.
    """

    def __call__(self, *, per_second: float, abreast: int) -> Turns: ...


class Http:
    """
    A client of one host. Threads may share it.

    :param base_url: scheme, host and an optional path prefix.
    :param name: how messages call the other side ("correios").
    :param headers: sent with each request; their values never appear in a message, nor do those of a query.
    :param secrets: what must not appear in a message either, wherever a request holds it.
    :param connections: how many are kept open between calls, of those that were needed at once.
    :raises Misconfigured: the base URL is none.
    """

    def __init__(
        self,
        base_url: str,
        *,
        name: str,
        limits: Limits | None = None,
        headers: Mapping[str, str] | None = None,
        secrets: Collection[str] = (),
        connections: int = MOST_CONNECTIONS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        check_base_url(base_url, name)
        self.base_url = base_url.rstrip("/")
        self.name = name
        self.limits = limits or Limits()
        self.calls = 0
        self.bytes = 0
        self.time_told = ""  # the other side's own, as its last answer writes it (RFC 9110, Date)
        self._secrets = frozenset(secrets)
        self._sleep = sleep
        self._pace = self._turns(self.limits.requests_per_second, connections)
        self._count = threading.Lock()
        self._headers = {
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            **(headers or {}),
        }
        self._timeout = Timeout(
            connect=self.limits.connect_timeout, read=min(self.limits.read_timeout, self.limits.call_timeout)
        )
        self._line = Line(self.base_url, connections)
        self._host = urlsplit(base_url).hostname or ""
        self._listener = LISTENER.get()

    def __enter__(self) -> "Http":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _turns(self, per_second: float, abreast: int) -> Turns:
        if self.limits.shared and per_second:
            return self.limits.shared(per_second=per_second, abreast=abreast)
        return Pace(per_second, self._sleep)

    def close(self) -> None:
        self._line.close()
        self._pace.close()

    def send(self, request: Request) -> Response:
        """
        The answer to one request, whole. What may be repeated is, a few times, as long as the call may take.

        :raises Transient: no connection, timeout, 408, 429, 5xx, body cut short.
        :raises Doubtful: as Transient, for a request that may have been acted on and must not be repeated blindly.
        :raises Permanent: body too large, and 3xx and the other 4xx by :func:`~rastro.errors.error_for`.
        """
        self._pace.wait()  # one's own pace is no delay of the other side's
        started = time.monotonic()
        deadline = started + self.limits.call_timeout
        attempt = 0
        while True:
            try:
                return self._once(request, started, deadline)
            except Transient as failure:
                wait = self._wait(failure, attempt)
                if isinstance(failure, Doubtful) or wait is None or time.monotonic() + wait > deadline:
                    raise
            attempt += 1
            self._sleep(wait)
            waiting = time.monotonic()
            self._pace.wait()
            deadline += time.monotonic() - waiting

    def _wait(self, failure: Transient, attempt: int) -> float | None:
        """Seconds to pause before the next attempt; None when there is none."""
        if attempt >= self.limits.retries:
            return None
        if failure.retry_after is not None:
            return failure.retry_after if failure.retry_after <= self.limits.longest_wait else None
        jitter = random.uniform(1, 1.5)  # noqa: S311 - it keeps threads apart, it guards nothing
        return min(self.limits.longest_wait, self.limits.backoff * (1 << attempt) * jitter)

    def _once(self, request: Request, started: float, deadline: float) -> Response:
        what = f"{self.name}: {request.method} {request.path}"
        headers = {**self._headers, **request.headers}
        body = request.body
        if request.json is not None:
            headers.setdefault("Content-Type", "application/json")
            body = msgspec.json.encode(request.json)
        with self._count:
            self.calls += 1
        answered: int | None = None
        began = time.time()
        DEADLINE.set(deadline)
        try:
            with self._line.asked(request.method, request.path, request.params, headers, body, self._timeout) as answer:
                answered = answer.status
                content = b"".join(plain_chunks(answer, self.limits.max_bytes))
        except (requests.RequestException, HTTPError, OSError, ValueError, TooLarge) as error:
            if answered is None or is_success(answered, request):
                self._tell(request, None, 0, began)
                # The chain is cut: urllib3's own messages show whole URLs and values of headers.
                reason = self._reason(error, late=time.monotonic() > deadline)
                raise lost(f"{what}: {reason}", error, request, sent=answered is not None) from None
            content = b""
        with self._count:
            self.bytes += len(content)
            self.time_told = answer.headers.get("Date", "")
        self._tell(request, answer.status, len(content), began)
        if not is_success(answer.status, request):
            hidden = self._secrets | sent_in(headers, request.params)
            raise failure_of(what, answer, excerpt(content, hidden=hidden), request)
        return Response(
            status=answer.status,
            body=content,
            headers=answer.headers,
            seconds=time.monotonic() - started,
        )

    def _tell(self, request: Request, status: int | None, size: int, began: float) -> None:
        if self._listener:
            self._listener(
                Call(
                    name=self.name, host=self._host, method=request.method, status=status, bytes=size, began=began,
                    seconds=max(0.0, time.time() - began),
                )
            )  # fmt: skip

    def _reason(self, error: Exception, *, late: bool) -> str:
        if isinstance(error, TooLarge):
            return f"the answer is over {self.limits.max_bytes:,} bytes and was not read further"
        return "the answer took too long as a whole and was given up" if late else plain_reason(error)


def is_success(status: int, request: Request) -> bool:
    return 200 <= status < 300 or status in request.accept


def lost(said: str, error: Exception, request: Request, *, sent: bool) -> RastroError:
    """The error for a call that brought no whole answer; ``sent`` when it is known to have been received."""
    if not sent and is_ours(error):
        return Misconfigured(f"{said}; check the connection's host, login and password for stray characters")
    if not request.repeatable and (sent or not never_sent(error)):
        return Doubtful(f"{said}; it may have acted, so it is asked before anything is sent again")
    if isinstance(error, TooLarge):
        return Rejected(f"{said}; less must be asked for at a time")
    return Transient(said if sent else f"{said}; is the host up and the connection's address right?")


def failure_of(what: str, answer: BaseHTTPResponse, said: str, request: Request) -> RastroError:
    failure = error_for(answer.status, what, answer=said, retry_after=retry_after(answer.headers))
    if isinstance(failure, Transient) and not isinstance(failure, RateLimited) and not request.repeatable:
        return Doubtful(str(failure), retry_after=failure.retry_after)
    return failure


def check_base_url(base_url: str, name: str) -> None:
    try:
        parts = urlsplit(base_url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise Misconfigured(f"{name}: the connection's host and port make no URL") from None
    if parts.username or parts.password:
        raise Misconfigured(
            f"{name}: credentials do not belong in the base URL; use the connection's login and password"
        )
    sound = parts.scheme in {"http", "https"} and parts.hostname and re.fullmatch(r"[\w.:-]+", parts.hostname)
    if not (sound and port_is_fine) or parts.query or parts.fragment or re.search(r"\s", base_url):
        raise Misconfigured(f"{name}: {base_url!r} is no base URL; give the connection a host such as https://host")


def path_segment(text: str) -> str:
    """
    ``text`` as one segment of a path.

    :raises Rejected: it is one or two dots, which on every server mean another path.
    """
    if text in {".", ".."}:
        raise Rejected(f"{text!r} cannot stand in an address; correct it where it comes from")
    return quote(text, safe="")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that Retry-After asks for, given as seconds or as a date; None when senseless, six hours at most."""
    value = headers.get("Retry-After")
    if value is None:
        return None
    try:
        return min(LONGEST_NAMED_WAIT, max(0.0, Retry().parse_retry_after(value)))
    except (HTTPError, ValueError, OverflowError):
        return None
