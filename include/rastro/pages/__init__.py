"""
The operators' pages, inside Airflow's UI. All that knows Airflow stands in :mod:`rastro.pages.access`.

They are made at the first request, since a plugin is loaded by every process of Airflow and only one of them serves.
"""

from functools import cache
from typing import Any


async def pages(scope: Any, receive: Any, send: Any) -> None:
    """The application, as ASGI has it."""
    await _made()(scope, receive, send)


@cache
def _made() -> Any:
    from rastro.pages.app import made  # noqa: PLC0415  the api-server alone needs it

    return made()
