"""
What carriers push: verified, kept as it came, answered. The next run reads it.

A message that is not genuine is refused without a word, and nothing of it is kept.
"""

import asyncio
import hashlib
import logging
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection
from starlette.requests import Request
from starlette.responses import Response

from rastro.access import Account
from rastro.carriers.base import Carrier, Push, Pushed
from rastro.warehouse import inbox
from rastro.warehouse.inbox import Way
from rastro.warehouse.polls import within
from rastro.web.calls import body_of, refusal, too_many
from rastro.web.limits import Bucket, Limits
from rastro.web.pool import Pool

log = logging.getLogger(__name__)

COUNTED_FOR = 10.0  # seconds that a count of unread bodies is good for
PAUSE = 300.0  # seconds; a run has to come
AT_ONCE = 1 << 16  # bytes whose verification takes no time worth a thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """
    A carrier that pushes, and the connections by which its messages are verified: each is genuine by one or more.

    ``accounts`` are by what stands for their contract beside references, the empty text for the carrier's first.
    ``signature`` is the header that messages have and a trial of the address has not, where the carrier makes one.
    """

    push: Push
    accounts: Mapping[str, Account]
    signature: str = ""


def sources_of(carriers: Mapping[str, Carrier], accounts: Mapping[str, Account]) -> tuple[dict[str, Source], list[str]]:
    """
    Whose pushes can be taken, by carrier, and a sentence about each carrier that pushes and cannot be verified.

    :param accounts: the connection of each contract, by the carrier's code or ``adapter:connection``.
    """
    sources: dict[str, Source] = {}
    unverified = []
    for name, account in accounts.items():
        code, contract = within(name).values()
        push = carriers[code].push if code in carriers else None
        if push is None:
            continue
        if any(all(account.value(one) for one in names) for names in push.verified_by):
            known = sources[code].accounts if code in sources else {}
            sources[code] = Source(
                push=push, accounts={**known, contract: account}, signature=carriers[code].push_signature
            )
        else:
            wanted = " or ".join(" and ".join(map(written, names)) for names in push.verified_by)
            unverified.append(f"{name} pushes, but its connection lacks {wanted}: its pushes are not taken")
    return sources, unverified


def written(name: str) -> str:
    """A field of a connection as a person finds it."""
    return name if name in {"login", "password"} else f"extra.{name}"


def now() -> datetime:
    return datetime.now(UTC)


class Pushes:
    """``POST /push/CARRIER``."""

    def __init__(
        self,
        sources: Mapping[str, Source],
        pool: Pool,
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = now,
    ) -> None:
        self._sources = sources
        self._pool = pool
        self._limits = limits
        self._clock = clock
        self._now = now
        self._buckets = {code: Bucket(rate=limits.pushes, burst=limits.push_burst) for code in sources}
        self._unread: dict[str, int] = {}
        self._counted_at = float("-inf")

    async def answer(self, request: Request) -> Response:
        """
        200 once it is kept, or was before.

        :raises HTTPException: it is not taken.
        :raises Transient: the warehouse is away; the sender repeats it.
        """
        code = request.path_params["carrier"]
        source = self._sources.get(code)
        if source is None:
            raise refusal(404)
        request.state.address = f"/push/{code}"
        body = b""
        if request.method == "POST":
            body = await body_of(request, limit=self._limits.body, seconds=self._limits.reading)
        if source.signature and (request.method != "POST" or source.signature not in request.headers):
            return Response()
        if request.method != "POST":
            raise refusal(405, headers={"Allow": "POST"})
        pushed = Pushed(
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            params=dict(request.query_params),
        )
        contracts = await verified_by(source, pushed)
        if not contracts:
            raise refusal(401)
        await self._make_room(code)
        await self._keep(code, contracts, body)
        answer = source.push.answer
        return Response(answer, media_type="application/json" if answer else None)

    async def _make_room(self, code: str) -> None:
        """
        :raises HTTPException: too much comes, or too much has come that nobody has read.
        """
        if seconds := self._buckets[code].wait(self._clock()):
            raise too_many(seconds)
        if self._clock() - self._counted_at > COUNTED_FOR:
            self._counted_at = self._clock()
            self._unread = await self._pool.run(inbox.unread)
            for full in [one for one, letters in self._unread.items() if letters >= self._limits.unread]:
                log.error(
                    "%s: %d pushes wait to be read, no more are taken: is the DAG paused?", full, self._unread[full]
                )
        if self._unread.get(code, 0) >= self._limits.unread:
            raise too_many(PAUSE)

    async def _keep(self, code: str, contracts: Sequence[str], body: bytes) -> None:
        """Once for each contract: it is news of the parcels of these, and of no others."""
        at = self._now()

        def keep(conn: Connection[Any]) -> int:
            digest, packed = hashlib.blake2b(body, digest_size=16).digest(), zlib.compress(body, 1)
            return sum(inbox.receive(conn, code, Way.PUSH, digest, packed, at, contract) for contract in contracts)

        self._unread[code] = self._unread.get(code, 0) + await self._pool.run(keep)


async def verified_by(source: Source, pushed: Pushed) -> list[str]:
    """The contracts by whose connections a message is genuine: several where they share a secret."""

    def verified() -> list[str]:
        return [contract for contract, account in source.accounts.items() if source.push.is_genuine(pushed, account)]

    return verified() if len(pushed.body) <= AT_ONCE else await asyncio.to_thread(verified)
