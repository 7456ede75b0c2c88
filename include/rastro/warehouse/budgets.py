"""The calls that a carrier with a budget is given: how many are left of a day's, and which references they go to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Connection

from rastro.budget import Kind, day_of
from rastro.models import Selection, Status, Window
from rastro.warehouse.polls import within
from rastro.warehouse.queries import run


@dataclass(slots=True, kw_only=True)
class Purse:
    """
    Takes calls out of a contract's day for one slice, so that all runs together stay within its ``budget``.

    ``taken`` counts the calls that it was given, or made beyond that: one that is repeated after a fault counts too.
    """

    contract: str
    budget: int
    taken: int = field(default=0, init=False)

    def take(self, conn: Connection[Any], wanted: int, *, made: int, now: datetime) -> int:
        """
        As many calls as are wanted, or are left of the day's. Whoever wants none gives back what he did not use.

        :param made: all calls of this slice until now.
        """
        day = {"carrier": self.contract, "day": day_of(now)}
        run(conn, "begin_call_budget", **day)
        (row,) = run(
            conn, "take_calls", **day, correction=made - self.taken, wanted=wanted, budget=self.budget
        )  # fmt: skip
        self.taken = made + int(row.given)
        return int(row.given)


def spent(conn: Connection[Any], contract: str, now: datetime) -> int:
    """The calls of the contract's day, those included that tasks have just been given."""
    row = run(conn, "calls_of_day", carrier=contract, day=day_of(now)).fetchone()
    return int(row.calls) if row else 0


def kinds_due(conn: Connection[Any], contract: str, window: Window, now: datetime, selection: Selection) -> list[Kind]:
    rows = run(conn, "kinds_due", window_end=window.end, now=now, **within(contract), **selection.as_values())
    return [
        Kind(step=row.step, status=Status(row.status), near=row.near, silent=row.silent, waited=row.waited)
        for row in rows
    ]


def choose(
    conn: Connection[Any],
    contract: str,
    window: Window,
    now: datetime,
    selection: Selection,
    *,
    most: int,
    patient: int,
    ranked: Sequence[Kind],
) -> int:
    """
    Choose ``most`` of what is due for the window; how many were.

    :param patient: how many of them are those that have waited longest.
    :param ranked: the kinds of what is due, the most urgent first.
    """
    return run(
        conn, "choose_due", window_end=window.end, now=now, most=most, patient=patient, **within(contract),
        steps=[one.step for one in ranked], statuses=[one.status.value for one in ranked],
        nears=[one.near for one in ranked], silents=[one.silent for one in ranked],
        waiteds=[one.waited for one in ranked], **selection.as_values(),
    ).rowcount  # fmt: skip


def note_plan(conn: Connection[Any], contract: str, window: Window, put_off: int) -> None:
    """Remember how many references of the contract have to wait after this plan."""
    run(conn, "note_plan", carrier=contract, window_end=window.end, put_off=put_off)


def forget_other_plans(conn: Connection[Any], contracts: Collection[str]) -> None:
    """Of contracts that have no budget any more."""
    run(conn, "forget_other_plans", carriers=list(contracts))
