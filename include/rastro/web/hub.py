"""
VTEX's tracking hub, answered from what the warehouse knows.

API docs: https://developers.vtex.com/docs/guides/tracking-1 (read 2026-11).
The hub asks the tracking app of a carrier once an hour about all parcels that are under way there, and reaches nothing
but apps on VTEX IO: a thin app hands its question on to us and our answer back. Quirks: every number is answered; one
that nobody knows has no lines yet. Dates have seven digits of a second and Brasília's offset, lines stand newest first,
cities are in capitals. The hub waits two seconds.
"""

import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
from psycopg import Connection
from starlette.requests import Request
from starlette.responses import Response

from rastro import typed
from rastro.models import Status
from rastro.numbers import normalise
from rastro.warehouse import hub
from rastro.warehouse.hub import Parcel
from rastro.web.calls import body_of, refusal, too_many
from rastro.web.limits import Bucket, Limits
from rastro.web.pool import Pool

BRASILIA = timezone(timedelta(hours=-3))


class Asked(msgspec.Struct, rename="camel"):
    tracking_number: str


class Event(msgspec.Struct):
    city: str
    date: str
    description: str
    state: str


class Tracking(msgspec.Struct, rename="camel"):
    """All about one number."""

    delivered_date: str | None = None
    events: Sequence[Event] = ()
    has_returned_to_sender: bool = False
    is_delivered: bool = False


class Hub:
    """``POST /tracking``."""

    def __init__(self, key: str, pool: Pool, limits: Limits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._key = key
        self._pool = pool
        self._limits = limits
        self._clock = clock
        self._bucket = Bucket(rate=limits.questions, burst=limits.question_burst)

    async def answer(self, request: Request) -> Response:
        """
        What is known of each number.

        :raises HTTPException: the question is not answered.
        :raises Transient: the warehouse is away; that is no answer about any number.
        """
        request.state.address = "/tracking"
        if not is_bearer(request.headers.get("authorization", ""), self._key):
            raise refusal(401, headers={"WWW-Authenticate": "Bearer"})
        if seconds := self._bucket.wait(self._clock()):
            raise too_many(seconds)
        numbers = numbers_in(await body_of(request, limit=self._limits.body, seconds=self._limits.reading))
        if len(numbers) > self._limits.numbers:
            raise refusal(413, f"at most {self._limits.numbers:,} numbers are answered at once")
        wanted = {number: normalise(number) for number in numbers}

        def look(conn: Connection[Any]) -> dict[str, Parcel]:
            return hub.parcels(conn, set(wanted.values()))

        known = await self._pool.run(look) if wanted else {}
        return Response(msgspec.json.encode(answered(wanted, known)), media_type="application/json")


def numbers_in(body: bytes) -> list[str]:
    """
    The numbers that are asked about, as they are written.

    :raises HTTPException: it is no such question.
    """
    try:
        return [one.tracking_number for one in typed.decode(body, list[Asked])]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise refusal(400, 'the body must be [{"trackingNumber": "…"}]') from None


def answered(wanted: Mapping[str, str], known: Mapping[str, Parcel]) -> dict[str, Tracking]:
    """
    :param wanted: each number as it was asked about, and normalised.
    """
    return {number: tracking(known.get(plain)) for number, plain in wanted.items()}


def tracking(parcel: Parcel | None) -> Tracking:
    if parcel is None:
        return Tracking()
    delivered = parcel.status is Status.DELIVERED
    return Tracking(
        delivered_date=stamp(parcel.delivered_at) if delivered and parcel.delivered_at else None,
        events=[
            Event(city=line.city.upper(), date=stamp(line.occurred_at), description=line.description, state=line.state)
            for line in parcel.lines
        ],
        has_returned_to_sender=parcel.status is Status.RETURNED,
        is_delivered=delivered,
    )


def stamp(at: datetime) -> str:
    """``2026-11-20T14:19:48.0000000-03:00``"""
    return f"{at.astimezone(BRASILIA):%Y-%m-%dT%H:%M:%S.%f}0-03:00"


def is_bearer(authorization: str, key: str) -> bool:
    """Whether the header holds the key, compared in constant time."""
    scheme, _, shown = authorization.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), key.encode())
