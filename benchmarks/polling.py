"""
The polling path with unchanged answers, from the request to the decision: against what people write, and a floor.

What people write is a loop in sixteen threads, a session each, that asks about one number a call and reads the JSON.
The floor is urllib3 alone with as many connections: the same bytes read off loopback and hashed, nothing taken apart.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import NoReturn
from urllib.parse import urlencode

import requests
import urllib3
from cryptography.fernet import Fernet

from benchmarks.answers import Answers, given_out
from benchmarks.bench import Goal, Measured, Size
from rastro.access import Account
from rastro.carriers.correios import Correios
from rastro.habits import ALIKE, HOUR, SILENCE, Habit, along
from rastro.http import Http, Limits
from rastro.models import Status, Window
from rastro.pipeline.tokens import AccessKeeper
from rastro.pipeline.track import Tracker, calls, digest_of
from rastro.settings import settings_from
from rastro.warehouse.polls import Due

Clock = Callable[[], float]

NAME = "polling"
CONNECTIONS = 16
BATCH = Correios.batch_size
LATENCY = 0.15
ROUNDS = 5
AT_ONCE = Goal(name="unchanged answers / a loop of requests, 0 ms", unit="parcels/s", at_least=10.0)
AFTER_LATENCY = Goal(name="unchanged answers / a loop of requests, 150 ms", unit="parcels/s", at_least=40.0)
FLOOR = Goal(name="unchanged answers / their bytes read and hashed", unit="parcels/s", at_least=0.6)
STEPS = [f"BDE {number:02}" for number in range(20)]
LANES = [
    f"{state} PAC"
    for state in [
        "AC",
        "AL",
        "AM",
        "AP",
        "BA",
        "CE",
        "DF",
        "ES",
        "GO",
        "MA",
        "MG",
        "MS",
        "MT",
        "PA",
        "PB",
        "PE",
        "PI",
        "PR",
        "RJ",
        "RN",
    ]
]
HABITS = {
    along(step, lane): Habit(
        by_silence=tuple(0.01 + 0.002 * (place + span) for span in range(len(SILENCE) + 1)), by_hour=ALIKE
    )
    for place, step in enumerate(STEPS)
    for lane in LANES
}
KEY = "cws-bench"
HEADERS = {"Authorization": f"Bearer {KEY}", "Accept-Language": "pt-BR"}


def measure(size: Size) -> Iterator[Measured]:
    parcels = 5_000 if size.quick else 20_000
    with given_out(parcels, 0.0) as answers, ThreadPoolExecutor(CONNECTIONS) as threads:
        due = seen_before(answers, threads)
        few = due[: parcels // 20]
        ours, floor, alone = side_by_side(
            decided(answers, due, threads), read_and_hashed(answers, due, threads), one_by_one(answers, few, threads)
        )
        yield Measured(AT_ONCE, len(due) / ours, len(few) / alone)
        yield Measured(FLOOR, len(due) / ours, len(due) / floor)
    parcels = CONNECTIONS * BATCH * (2 if size.quick else 8)
    with given_out(parcels, LATENCY) as answers, ThreadPoolExecutor(CONNECTIONS) as threads:
        due = seen_before(answers, threads)
        few = due[: CONNECTIONS * (2 if size.quick else 8)]
        ours, alone = side_by_side(decided(answers, due, threads), one_by_one(answers, few, threads))
        yield Measured(AFTER_LATENCY, len(due) / ours, len(few) / alone)


def side_by_side(*works: Callable[[], object], clock: Clock = time.perf_counter) -> list[float]:
    """Seconds that each takes, of several rounds the fastest: what else the machine does only makes them slower."""
    for work in works:
        work()  # connections are made
    rounds = [[timed(work, clock) for work in works] for _ in range(ROUNDS)]
    return [min(taken) for taken in zip(*rounds, strict=True)]


def timed(work: Callable[[], object], clock: Clock) -> float:
    started = clock()
    work()
    return clock() - started


def decided(answers: Answers, due: Sequence[Due], threads: ThreadPoolExecutor) -> Callable[[], None]:
    """Our own: a tracker asks batch by batch, and finds that nothing has changed."""
    tracker = tracker_of(answers)

    def work() -> None:
        for come in threads.map(tracker.ask, calls(due, BATCH)):
            told = tracker.decide(come, now())
            if len(told.unchanged) != len(come.due):
                raise AssertionError(f"something changed, or failed: {come.trouble}")

    return work


def tracker_of(answers: Answers) -> Tracker:
    account = Account(base_url=answers.url, extra={"access_key": KEY})
    keeper = AccessKeeper(
        holder="bench", account=account, login=None, connect=no_warehouse, sealer=Fernet(Fernet.generate_key()),
        clock=now,
    )  # fmt: skip
    http = Http(answers.url, name="correios", limits=Limits(), secrets=account.secrets, connections=CONNECTIONS)
    return Tracker(
        carrier=Correios(), contract="bench", http=http, keeper=keeper, connect=no_warehouse,
        settings=settings_from({}), window=Window(start=now() - HOUR, end=now()), run_id="bench", clock=now,
        habits=HABITS,
    )  # fmt: skip


def now() -> datetime:
    return datetime.now(UTC)


def no_warehouse() -> NoReturn:
    raise AssertionError("no decision needs the warehouse")


def seen_before(answers: Answers, threads: ThreadPoolExecutor) -> list[Due]:
    """
    All parcels as a run claims them, each with the digest of what is now said about it. Each answer exists then.

    They have been silent for up to twenty days, in twenty steps and as many lanes; a third has a promise.
    """
    tracker, at = tracker_of(answers), now()
    due = [
        Due(
            poll_id=place, reference=number, digest=None, status=Status.IN_TRANSIT,
            quiet_since=at - place % 480 * HOUR, estimated_at=at + place % 9 * 24 * HOUR, refusal=None,
            step=STEPS[place % len(STEPS)], lane=LANES[place // len(STEPS) % len(LANES)],
            promised_at=at + place % 12 * 24 * HOUR if place % 3 == 0 else None,
        )
        for place, number in enumerate(answers.numbers)
    ]  # fmt: skip
    with tracker.http:
        asked = list(threads.map(tracker.ask, calls(due, BATCH)))
    return [replace(one, digest=digest_of(come.raw[one.reference])) for come in asked for one in come.due]


def read_and_hashed(answers: Answers, due: Sequence[Due], threads: ThreadPoolExecutor) -> Callable[[], None]:
    addresses = [address_of(answers, batch) for batch in calls(due, BATCH)]
    pool = urllib3.PoolManager(maxsize=CONNECTIONS)

    def read(address: str) -> bytes:
        return hashlib.blake2b(pool.request("GET", address, headers=HEADERS).data, digest_size=16).digest()

    return lambda: exhaust(threads.map(read, addresses))


def one_by_one(answers: Answers, due: Sequence[Due], threads: ThreadPoolExecutor) -> Callable[[], None]:
    own = threading.local()

    def ask(one: Due) -> object:
        if not hasattr(own, "session"):
            own.session = requests.Session()
        answer = own.session.get(
            f"{answers.url}/srorastro/v1/objetos",
            params={"codigosObjetos": one.reference, "resultado": "T"}, headers=HEADERS, timeout=30,
        )  # fmt: skip
        return json.loads(answer.text)

    return lambda: exhaust(threads.map(ask, due))


def address_of(answers: Answers, batch: Sequence[Due]) -> str:
    query = urlencode([*(("codigosObjetos", one.reference) for one in batch), ("resultado", "T")])
    return f"{answers.url}/srorastro/v1/objetos?{query}"


def exhaust(results: Iterator[object]) -> None:
    for _ in results:
        pass
