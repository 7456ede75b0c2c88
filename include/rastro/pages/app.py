"""
The operators' pages put together: which there are, what each asks of who opens it, and what goes with every answer.

A page is a line of :data:`rastro.pages.routes.ROUTES`, and so has its permission; the application asks for the right
to look besides.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import cast

import psycopg
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from rastro.errors import RastroError
from rastro.pages import views
from rastro.pages.access import GUARDS, is_own_origin
from rastro.pages.rendering import CONTENT_SECURITY, page
from rastro.pages.routes import ROUTES, May

log = logging.getLogger(__name__)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def made() -> FastAPI:
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(GUARDS[May.SEE])],
    )
    app.router.redirect_slashes = False
    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(RequestValidationError, not_there)
    app.add_exception_handler(RastroError, away)
    app.add_exception_handler(psycopg.Error, away)
    app.middleware("http")(with_headers)
    for one in ROUTES:
        own = [Depends(GUARDS[one.may]), *([Depends(from_our_own_page)] if one.method == "POST" else [])]
        app.add_api_route(
            one.path,
            getattr(views, one.answer),
            methods=[one.method],
            dependencies=own,
            response_class=HTMLResponse,
            response_model=None,
        )
    return app


def from_our_own_page(request: Request) -> None:
    if not is_own_origin(request):
        raise HTTPException(403, "This form was not sent by a page of Rastro.")


async def with_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


SAID = {
    401: "Log in to Airflow first.",
    403: "You may not do this. Ask whoever administers Airflow for the right to trigger the DAG act_by_hand.",
    404: "There is no such page.",
    405: "There is no such page.",
}


def refused(request: Request, error: Exception) -> Response:
    said = cast("HTTPException", error)
    standard = said.detail in {"Forbidden", "Not Found", "Method Not Allowed"} or said.status_code == 401
    text = SAID.get(said.status_code, said.detail) if standard else said.detail
    return page(request, "refused.html", None, status=said.status_code, text=text)


def not_there(request: Request, _: Exception) -> Response:
    return page(request, "refused.html", None, status=404, text="There is no such page.")


def away(request: Request, error: Exception) -> Response:
    """The database's own words may repeat what was looked for, so they are not shown."""
    if isinstance(error, RastroError):
        text = str(error)
    else:
        text = f"The warehouse cannot answer now ({type(error).__name__})."
    log.error("503: %s", text)
    return page(request, "refused.html", None, status=503, text=text)
