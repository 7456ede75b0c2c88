"""The service put together: its addresses, and what is answered when something cannot be done."""

import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import psycopg
from psycopg import Connection
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from rastro.errors import RastroError
from rastro.web.calls import Outermost
from rastro.web.hub import Hub
from rastro.web.limits import Limits
from rastro.web.pool import Pool, reason
from rastro.web.pushes import Pushes, Source
from rastro.web.tracking_page import Shown, TrackingPage

log = logging.getLogger(__name__)

TRY_AGAIN = "30"  # seconds
SAID_FOR = 10.0  # seconds in which the same trouble is not written down again
LIMITS = Limits()


def service(
    *,
    connect: Callable[[], Connection[Any]],
    sources: Mapping[str, Source],
    hub_key: str,
    shown: Shown | None = None,
    limits: Limits = LIMITS,
) -> ASGIApp:
    """
    :param connect: opens a connection to the warehouse that commits by itself.
    :param sources: whose pushes are taken, by carrier.
    :param hub_key: what whoever asks as the hub does must show; empty: nobody is answered.
    :param shown: what tracking pages look like; None: there are none.
    """
    pool = Pool(connect)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        pool.close()

    routes = [
        Route("/health", health),
        Route("/push/{carrier}", Pushes(sources, pool, limits).answer, methods=["GET", "POST"]),
    ]
    if hub_key:
        routes.append(Route("/tracking", Hub(hub_key, pool, limits).answer, methods=["POST"]))
    if shown:
        page = TrackingPage(shown=shown, pool=pool, limits=limits)
        routes += [Route("/r/{token}.json", page.json), Route("/r/{token}", page.html)]
    away = Away()
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers={HTTPException: refused, RastroError: away.answer, psycopg.Error: away.answer},
    )
    app.router.redirect_slashes = False
    return Outermost(app)


async def health(request: Request) -> Response:
    """Whether the service itself is up; it answers also while the warehouse is away, and so must not be ended then."""
    request.state.address = "/health"
    return PlainTextResponse("ok")


async def refused(_: Request, error: Exception) -> Response:
    said = cast("HTTPException", error)
    if said.detail:
        return PlainTextResponse(said.detail, said.status_code, said.headers)
    return Response(status_code=said.status_code, headers=said.headers)


class Away:
    """503 for whatever the warehouse cannot do now; why stands in the log, once for a while."""

    def __init__(self) -> None:
        self._said_at = float("-inf")

    async def answer(self, _: Request, error: Exception) -> Response:
        if time.monotonic() - self._said_at > SAID_FOR:
            self._said_at = time.monotonic()
            log.error("503: %s", reason(cast("RastroError | psycopg.Error", error)))
        return Response(status_code=503, headers={"Retry-After": TRY_AGAIN})
