"""How requests are read, refused, and written down."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rastro.web.limits import Bucket

log = logging.getLogger(__name__)

NOBODY = "-"  # written in place of a path that is none of ours, whatever stands in it
HEADERS = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]


def refusal(status: int, detail: str = "", headers: Mapping[str, str] | None = None) -> HTTPException:
    return HTTPException(status, detail, dict(headers or {}))


def too_many(seconds: float) -> HTTPException:
    """:param seconds: when it may be tried again."""
    return refusal(429, headers={"Retry-After": str(max(1, math.ceil(seconds)))})


async def body_of(request: Request, *, limit: int, seconds: float) -> bytes:
    """
    The whole body.

    :raises HTTPException: it is longer than ``limit`` bytes, and no more are read; or it does not arrive in time.
    """
    # What is left unread of the body must not be taken for the next request.
    closing = {"Connection": "close"}
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise refusal(413, headers=closing)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.stream():
                body += piece
                if len(body) > limit:
                    raise refusal(413, headers=closing)
    except TimeoutError:
        raise refusal(408, headers=closing) from None
    except ClientDisconnect:
        raise refusal(400) from None  # which nobody hears
    return bytes(body)


class Outermost:
    """
    Adds the headers that every answer has unless it has its own, and writes a line about it.

    A line names the method, which of our addresses, the status and the time it took. The rest of the address and its
    query string, headers and bodies may hold secrets. Of refusals only some are written, so that a flood of them does
    not fill a disk.
    """

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._clock = clock
        self._refusals = Bucket(rate=5.0, burst=100)
        self._unwritten = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = self._clock(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = list(message.get("headers", ()))
                named = {name for name, _ in given}
                message = {**message, "headers": [*given, *(one for one in HEADERS if one[0] not in named)]}
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            self._write(scope, status, self._clock() - began)

    def _write(self, scope: Scope, status: int, seconds: float) -> None:
        if 400 <= status < 500 and self._refusals.wait(self._clock()):
            self._unwritten += 1
            return
        if self._unwritten:
            log.warning("%d refusals more were not written down", self._unwritten)
            self._unwritten = 0
        address = scope.get("state", {}).get("address", NOBODY)
        method = scope["method"] if scope["method"] in {"GET", "HEAD", "POST"} else NOBODY
        log.info("%s %s %d %.1f ms", method, address, status, seconds * 1000)
