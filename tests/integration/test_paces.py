"""The pace of an account: kept by all who call it together, whichever process they are."""

from contextlib import ExitStack, contextmanager
from itertools import pairwise
from time import monotonic
from typing import Any

import psycopg
import pytest

from rastro.errors import Transient
from rastro.warehouse.connect import connector
from rastro.warehouse.paces import SharedPace

pytestmark = pytest.mark.slow

ACCOUNT = "loggi:loggi"
GAP = 10.0  # seconds between two calls: so many that what the machine takes for a call does not count


class Calls:
    """When the clients of one account would call, if they did not wait for it."""

    def __init__(self, warehouse: str, held: ExitStack) -> None:
        self.warehouse, self.held = warehouse, held
        self.times: list[float] = []

    def client(self, account: str = ACCOUNT, per_second: float = 1 / GAP, abreast: int = 4) -> SharedPace:
        pace = SharedPace(connector(self.warehouse), account, per_second=per_second, abreast=abreast, sleep=self.sleep)
        self.held.callback(pace.close)
        return pace

    def sleep(self, seconds: float) -> None:
        self.times.append(monotonic() + seconds)

    def row(self, account: str = ACCOUNT) -> Any:
        with psycopg.connect(self.warehouse) as conn:
            return conn.execute(
                "SELECT per_second, turns, extract(epoch FROM waited) FROM rastro.pace WHERE account = %s", [account]
            ).fetchone()


@pytest.fixture
def calls(warehouse: Any) -> Any:
    with ExitStack() as held:
        yield Calls(warehouse.dsn, held)


def test_two_calls_are_never_closer_than_the_pace_whoever_makes_them(calls: Calls) -> None:
    clients = [calls.client() for _ in range(3)]
    for _ in range(5):
        for client in clients:
            client.wait()
    assert len(calls.times) == 15
    assert all(later - earlier > 0.9 * GAP for earlier, later in pairwise(sorted(calls.times)))
    assert max(calls.times) - min(calls.times) < 15 * GAP, "no turn is taken in vain"


def test_who_comes_last_waits_no_longer_than_the_others_take_once(calls: Calls) -> None:
    busy = calls.client(per_second=100, abreast=4)
    for _ in range(8):
        busy.wait()
    began = monotonic()
    calls.client(per_second=100, abreast=4).wait()
    assert calls.times[-1] - began < 8 / 100 + 1, "the turns that were taken, and no more"


def test_who_uses_all_its_turns_takes_more_at_once_and_who_does_not_takes_no_more_than_it_used(calls: Calls) -> None:
    client = calls.client(per_second=1000, abreast=200)
    for _ in range(1 + 2 + 4 + 1):
        client.wait()
    assert calls.row()[1] == 1 + 2 + 4 + 8
    client._end -= 10  # as if that much time had passed
    client._next -= 10
    client.wait()
    assert calls.row()[1] == 1 + 2 + 4 + 8 + 1
    assert calls.times[-1] - calls.times[0] > 14 / 1000, "behind the turns that nobody used, which are not made up for"


def test_accounts_do_not_wait_for_each_other(calls: Calls) -> None:
    for _ in range(3):
        calls.client().wait()
    began = monotonic()
    calls.client(account="jadlog:jadlog").wait()
    assert calls.times[-1] - began < GAP


def test_the_warehouse_says_how_long_was_waited(calls: Calls) -> None:
    for _ in range(3):
        calls.client().wait()
    per_second, turns, waited = calls.row()
    assert (per_second, turns) == (pytest.approx(1 / GAP), 3)
    assert float(waited) == pytest.approx(3 * GAP, abs=GAP)  # the second waited once, the third twice as long


def test_a_lost_connection_is_made_anew_and_a_lost_warehouse_is_said(calls: Calls) -> None:
    client = calls.client()
    client.wait()
    with psycopg.connect(calls.warehouse, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'rastro'"
        )
    client.wait()
    assert calls.row()[1] == 2

    @contextmanager
    def lost() -> Any:
        raise Transient("The warehouse cannot be reached")
        yield

    with pytest.raises(Transient):
        SharedPace(lost, ACCOUNT, per_second=1, abreast=1).wait()
