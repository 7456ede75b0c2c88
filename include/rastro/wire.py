"""
What goes over the wire under :mod:`rastro.http`: a plain line, a deadline down to each read, bounded bodies.

``urllib3`` bounds the wait for each read and not their sum, so a server that drips could hold a call for ever; it
unpacks gzip without noticing that its end is missing, and unpacks all that there is.
"""

import io
import logging
import re
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from http.client import HTTPResponse
from typing import Any, cast
from urllib.parse import quote_plus

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidHeader, InvalidURL
from urllib3 import BaseHTTPResponse, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import LocationValueError

UNPACKED_AT_ONCE = 1 << 20
READ_AT_ONCE = 1 << 17  # an answer about fifty parcels: each read lets another thread in, and waits for its turn again
fits_a_line = re.compile(r"(\S[^\r\n]*)?").fullmatch
ends_a_line = re.compile(r"[\x00-\x1f\x7f]").search
# They write down whole addresses at DEBUG, and a query may hold a token.
TALKATIVE = ("urllib3.connectionpool", "urllib3.util.retry")


def says_enough(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.INFO


for _name in TALKATIVE:
    logging.getLogger(_name).addFilter(says_enough)

# Monotonic seconds at which the call that this thread is making must be over.
DEADLINE: ContextVar[float] = ContextVar("DEADLINE", default=float("inf"))


class TimelyReads(io.RawIOBase):
    """A socket's stream that stops at the call's deadline, however slowly and steadily the other side drips."""

    def __init__(self, inner: io.RawIOBase) -> None:
        self._inner = inner
        self._deadline = DEADLINE.get()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if time.monotonic() > self._deadline:
            raise TimeoutError("timed out")
        return self._inner.readinto(buffer)

    def close(self) -> None:
        self._inner.close()
        super().close()


class TimelyResponse(HTTPResponse):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fp: Any = io.BufferedReader(TimelyReads(self.fp.detach()), READ_AT_ONCE)


class TimelyConnection(HTTPConnection):
    response_class = TimelyResponse


class TimelySafeConnection(HTTPSConnection):
    response_class = TimelyResponse


class TimelyPool(HTTPConnectionPool):
    ConnectionCls = TimelyConnection


class TimelySafePool(HTTPSConnectionPool):
    ConnectionCls = TimelySafeConnection


class TimelyAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": TimelyPool, "https": TimelySafePool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": TimelyPool, "https": TimelySafePool}
        return manager


class Line:
    """
    The way to one host, which adds nothing of its own to a call: no .netrc, no cookies, no call to a redirect's target.

    requests finds the way, through whatever proxy and with whatever certificates the environment names. Once: what it
    does for that costs more than the whole of a call.
    """

    def __init__(self, base_url: str, connections: int) -> None:
        self._base_url = base_url
        self._adapter = TimelyAdapter(pool_connections=1, pool_maxsize=connections, max_retries=0)

    @cached_property
    def _way(self) -> tuple[HTTPConnectionPool, str]:
        """The connections, and what stands before each path."""
        with requests.Session() as session:
            found = session.merge_environment_settings(self._base_url, {}, True, None, None)  # noqa: FBT003 -- stream
        base = requests.Request("GET", self._base_url).prepare()
        pool = self._adapter.get_connection_with_tls_context(base, found["verify"], found["proxies"], found["cert"])
        # Else the machine's own store is trusted, which may be empty.
        self._adapter.cert_verify(pool, self._base_url, found["verify"], found["cert"])  # type: ignore[no-untyped-call]
        return cast("HTTPConnectionPool", pool), self._adapter.request_url(base, found["proxies"]).rstrip("/")

    @contextmanager
    def asked(
        self,
        method: str,
        path: str,
        params: Sequence[tuple[str, str]],
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: Timeout,
    ) -> Iterator[BaseHTTPResponse]:
        """
        The answer, of which nothing but the head has been read. What is not read by the end of the block is lost.

        :raises requests.exceptions.InvalidHeader: a header would begin with a blank or go over several lines.
        :raises requests.exceptions.InvalidURL: the path holds a line end or another control character.
        """
        if ends_a_line(path):
            raise InvalidURL("Invalid path")
        if not all(map(fits_a_line, headers.values())):
            raise InvalidHeader("Invalid header")
        pool, base = self._way
        query = "&".join(f"{quoted(name)}={quoted(value)}" for name, value in params)
        target = f"{base}{path}{'&' if '?' in path else '?'}{query}" if query else f"{base}{path}"
        answer = pool.urlopen(
            method, target, body, headers, retries=False, redirect=False, assert_same_host=False,
            timeout=timeout, preload_content=False, decode_content=False,
        )  # fmt: skip
        try:
            yield answer
        finally:
            answer.close()
            answer.release_conn()

    def close(self) -> None:
        self._adapter.close()


def quoted(text: str) -> str:
    """``text`` in a query. Most are letters and digits, and quoting many of those takes as long as sending them."""
    return text if text.isascii() and text.isalnum() else quote_plus(text)


class TooLarge(Exception):
    """More bytes than one answer may have."""


def plain_chunks(answer: BaseHTTPResponse, max_bytes: int) -> Iterator[bytes]:
    """
    The body in pieces, gzip undone here so that both its size and its end are checked.

    :raises TooLarge: it is over ``max_bytes`` once unpacked; little more than that is ever held.
    :raises ValueError: it is cut short or is not what its header says.
    """
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"gzip", "x-gzip", "identity", ""}:
        raise ValueError(f"unasked encoding {encoding[:20]!r}")
    raw = iter(lambda: answer.read1(65536, decode_content=False), b"")
    size = 0
    for chunk in raw if encoding in {"identity", ""} else gunzipped(raw):
        size += len(chunk)
        if size > max_bytes:
            raise TooLarge
        yield chunk


def gunzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    unzip, begun = zlib.decompressobj(wbits=31), False
    for chunk in chunks:
        rest, more = chunk, True
        while rest or more:
            if unzip.eof:
                unzip = zlib.decompressobj(wbits=31)
            begun = True
            try:
                piece = unzip.decompress(rest, UNPACKED_AT_ONCE)
            except zlib.error:
                raise ValueError("broken compression") from None
            yield piece
            # A full piece may leave output inside zlib although all input has gone in.
            rest, more = unzip.unused_data or unzip.unconsumed_tail, len(piece) == UNPACKED_AT_ONCE and not unzip.eof
    if begun and not unzip.eof:
        raise ValueError("compression cut short")


def is_ours(error: Exception) -> bool:
    """Whether the request could not even be written down: a header or address with characters that have no place."""
    return isinstance(
        error,
        (
            LocationValueError,
            InvalidURL,
            requests.exceptions.InvalidSchema,
            requests.exceptions.MissingSchema,
            UnicodeEncodeError,
        ),
    ) or "Invalid header" in repr(error)


def never_sent(error: Exception) -> bool:
    """Whether nothing of the request can have reached the other side."""
    signs = ("NewConnectionError", "NameResolutionError", "ConnectTimeout", "CERTIFICATE_VERIFY_FAILED")
    return any(sign in repr(error) for sign in signs)


def plain_reason(error: Exception) -> str:
    """What went wrong on the wire, in words, without addresses of objects or pools."""
    text = repr(error)
    for sign, words in (
        ("NameResolutionError", "the host name does not resolve"),
        ("Connection refused", "the connection is refused"),
        ("CERTIFICATE_VERIFY_FAILED", "the certificate cannot be trusted for this host"),
        ("SSLError", "no safe TLS connection"),
        ("ConnectTimeout", "no connection in time"),
        ("ReadTimeout", "no answer in time"),
        ("timed out", "no answer in time"),
        ("IncompleteRead", "the answer was cut short"),
        ("cut short", "the answer was cut short"),
        ("InvalidChunkLength", "the answer was cut short"),
        ("broken compression", "the answer's compression is broken"),
        ("unasked encoding", "the answer is encoded in a way that was not asked for"),
        ("RemoteDisconnected", "it hung up without an answer"),
        ("ConnectionResetError", "it hung up in the middle"),
        ("BrokenPipeError", "it hung up in the middle"),
        ("BadStatusLine", "the answer is not HTTP"),
        ("Invalid header", "a header cannot be written"),
        ("UnicodeEncodeError", "a header cannot be written"),
        ("InvalidURL", "the address cannot be written"),
        ("Network is unreachable", "the network is unreachable"),
    ):
        if sign in text:
            return words
    return f"the connection failed ({type(error).__name__})"
