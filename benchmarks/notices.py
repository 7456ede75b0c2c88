"""
Order updates owed to a VTEX account that answers after 150 ms: against the bound of latency and connections.

Three calls an order: read, write, read back. With ``HANDS`` orders at a time, no more than ``HANDS / LATENCY`` calls a
second can be made. Once more at a configured rate below that, which is never to be exceeded.
"""

import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from benchmarks.bench import Goal, Measured, Size
from rastro.access import Account
from rastro.carriers.registry import CARRIERS
from rastro.http import Limits
from rastro.models import Channel
from rastro.orders.base import Setup
from rastro.orders.vtex import Vtex
from rastro.pipeline.sync import Sync, sync
from rastro.pipeline.tell import Teller
from rastro.settings import settings_from
from rastro.warehouse.connect import Connect, connector
from rastro.warehouse.migrate import migrate
from rastro.warehouse.paces import SharedPace
from simulator.testing import Running
from stack.postgres import embedded_postgres
from stack.simulator import simulator

NAME = "notices"
ACCOUNT = "vtex:loja"
HANDS = 32
LATENCY = 0.15
CALLS = 3  # an order
PACE = 100.0
SPEED = Goal(name="order updates at 150 ms a call / what latency and connections allow", unit="orders/s", at_least=0.8)
WHILE = timedelta(seconds=4)
# A call may come in some hundredths of a second after it was let go, and the last of a while on time.
HASTE = Goal(name="calls in the busiest four seconds / the configured rate", unit="calls/s", at_most=1.01, always=True)
SETTINGS = replace(settings_from({}), tellers=HANDS)

# Each parcel was posted, which its order does not say.
OWE = """
WITH posted AS (
    INSERT INTO rastro.tracking_event
        (shipment_id, occurred_at, event_key, position, status, standing, code, description, recorded_at)
    SELECT shipment_id, now(), 'PO 01@' || now(), 0, 'in_transit', 'effective', 'PO 01', 'Posted ' || %(run_id)s, now()
    FROM rastro.shipment WHERE skip = '' ORDER BY shipment_id LIMIT %(count)s
    RETURNING shipment_id, occurred_at, event_key),
state AS (
    UPDATE rastro.shipment_state t
    SET status = 'in_transit', status_at = occurred_at, status_key = event_key, changed_at = now()
    FROM posted WHERE posted.shipment_id = t.shipment_id)
INSERT INTO rastro.notice
    (shipment_id, channel, kind, content, target, state, event_at, owed_at, not_before, run_id)
SELECT shipment_id, 'order', 'in_transit', %(run_id)s, %(target)s, 'owed', occurred_at, now(), now(), %(run_id)s
FROM posted
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Orders of one account, known and not yet told anything."""

    connect: Connect
    services: Running

    def owe(self, run_id: str, count: int) -> None:
        with self.connect() as conn:
            conn.execute(OWE, {"run_id": run_id, "count": count, "target": ACCOUNT})

    def told(self, run_id: str, count: int, pace: float) -> float:
        """Orders a second."""
        receiver = self.account(pace).receiver
        assert receiver is not None  # noqa: S101 -- VTEX's orders are written on
        teller = Teller(
            channel=Channel.ORDER, target=ACCOUNT, receiver=receiver, connect=self.connect,
            settings=SETTINGS, pages={}, run_id=run_id, clock=now,
        )  # fmt: skip
        started = time.perf_counter()
        figures = teller.tell()
        took = time.perf_counter() - started
        if figures.sent != count:
            raise AssertionError(f"{figures.as_numbers()}: {figures.trouble}")
        return count / took

    def account(self, pace: float = 0.0) -> Vtex:
        keys = self.services.info()["vtex"]
        account = Account(base_url=keys["urls"]["loja"], login=keys["app_key"], password=keys["app_token"])
        shared = partial(SharedPace, self.connect, "vtex:loja")
        return Vtex(Setup(account=account), limits=Limits(requests_per_second=pace, shared=shared))


@contextmanager
def shop_with(orders: int, folder: Path) -> Iterator[Shop]:
    with embedded_postgres(folder / "postgres") as server, simulator(folder) as process:
        warehouse = server.create("rastro")
        migrate(warehouse)
        shop = Shop(connect=connector(warehouse), services=Running(url=process.url, smtp_port=0, log=process.log))
        shop.services.cohort(parcels=orders, variants=["own"], kinds=["delivered"])
        look = Sync(
            account=ACCOUNT,
            source=shop.account(),
            carriers=CARRIERS,
            settings=SETTINGS,
            now=now(),
            run_id="sync",
            hash_key=b"key",
        )
        sync(shop.connect, look)
        yield shop


def measure(size: Size) -> Iterator[Measured]:
    orders = 480 if size.quick else 50_000
    folder = Path(mkdtemp(dir=size.scratch))
    with shop_with(orders, folder) as shop:
        shop.services.configure(latency=LATENCY)
        shop.owe("fast", orders)
        yield Measured(SPEED, shop.told("fast", orders, 0.0), HANDS / LATENCY / CALLS)
        began, few = now(), 480
        shop.owe("paced", few)
        shop.told("paced", few, PACE)
        yield Measured(HASTE, most_a_second(shop.services, began), PACE)


def most_a_second(services: Running, since: datetime) -> float:
    """The rate of calls as they came in, over the busiest few seconds."""
    times = [at for line in services.requests() if (at := datetime.fromisoformat(line["time"])) > since]
    most = max(bisect_left(times, at + WHILE) - place for place, at in enumerate(times))
    return (most - 1) / WHILE.total_seconds()


def now() -> datetime:
    return datetime.now(UTC)
