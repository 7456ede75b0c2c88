"""
Plan which references are asked about in a window, cut into a bounded number of slices.

Of a carrier that takes so many calls a day, only as many are planned as this run has a share of.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Connection

from rastro.budget import by_urgency, for_the_patient, share_of_now
from rastro.models import EVERYTHING, Selection, Window
from rastro.settings import Settings
from rastro.warehouse import budgets, by_hand, habits, polls
from rastro.warehouse.polls import Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Slices by carrier, and how many references of a carrier are due and ``put_off``, since its calls go to others."""

    slices: dict[str, list[Slice]] = field(default_factory=dict)
    put_off: dict[str, int] = field(default_factory=dict)


def plan(
    conn: Connection[Any],
    carriers: Iterable[str],
    window: Window,
    settings: Settings,
    batch_sizes: Mapping[str, int],
    *,
    now: datetime,
    selection: Selection = EVERYTHING,
) -> Planned:
    """
    Slices for the carriers that have anything due; at most ``settings.max_slices`` in all.

    :param carriers: codes of the carriers that have a connection.
    :param batch_sizes: references in one call by carrier; slices are cut at whole calls.
    """  # fmt: skip
    by_hand.stop_paused(conn)
    wanted = set(carriers)
    due = {
        carrier: count for carrier, count in polls.count_due(conn, window, now, selection).items() if carrier in wanted
    }
    put_off = put_off_by_budget(conn, due, window, settings, batch_sizes, now, selection)
    planned = {carrier: count - put_off.get(carrier, 0) for carrier, count in due.items()}
    slices = {}
    for carrier, number in share(planned, settings).items():
        size = whole_calls(math.ceil(planned[carrier] / number), batch_sizes[carrier])
        slices[carrier] = polls.slice_due(conn, carrier, size, window, now, selection, chosen=carrier in put_off)
    return Planned(slices=slices, put_off=put_off)


def put_off_by_budget(
    conn: Connection[Any],
    due: Mapping[str, int],
    window: Window,
    settings: Settings,
    batch_sizes: Mapping[str, int],
    now: datetime,
    selection: Selection,
) -> dict[str, int]:
    """
    Choose among what is due where there are too few calls for all of it; by carrier how many have to wait.

    Who names parcels has asked for them himself: there is no choice, but the calls of the day end all the same.
    """
    budgets.forget_other_plans(conn, settings.calls_per_day)
    put_off = {}
    for carrier, budget in settings.calls_per_day.items():
        if selection.numbers or carrier not in due:
            continue
        learnt = habits.read(conn, carrier).get(carrier, {})
        calls = share_of_now(budget, budgets.spent(conn, carrier, now), learnt, now)
        most = calls * batch_sizes[carrier]
        if due[carrier] > most:
            ranked = by_urgency(budgets.kinds_due(conn, carrier, window, now, selection), learnt, now)
            chosen = budgets.choose(
                conn, carrier, window, now, selection, most=most, patient=for_the_patient(most), ranked=ranked
            )  # fmt: skip
            put_off[carrier] = due[carrier] - chosen
        if not selection.account:
            budgets.note_plan(conn, carrier, window, put_off.get(carrier, 0))
    return put_off


def share(due: Mapping[str, int], settings: Settings) -> dict[str, int]:
    """
    How many slices each carrier gets: as many as its size asks for while there are enough, otherwise in proportion,
    and at least one. With more carriers than slices the bound gives way, since each carrier has a pool of its own.
    """
    wanted = {carrier: math.ceil(count / settings.slice_size) for carrier, count in due.items() if count}
    total = sum(wanted.values())
    if total <= settings.max_slices:
        return wanted
    spare = max(0, settings.max_slices - len(wanted))
    return {carrier: 1 + (count - 1) * spare // max(1, total - len(wanted)) for carrier, count in wanted.items()}


def whole_calls(size: int, batch_size: int) -> int:
    """``size`` rounded up to whole calls, so that only a carrier's last call is not full."""
    return math.ceil(size / batch_size) * batch_size
