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
from rastro.warehouse.polls import Slice, within


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Slices by contract, and of how many references the look is due and ``put_off``, since the calls go to others."""

    slices: dict[str, list[Slice]] = field(default_factory=dict)
    put_off: dict[str, int] = field(default_factory=dict)


def plan(
    conn: Connection[Any],
    contracts: Iterable[str],
    window: Window,
    settings: Settings,
    batch_sizes: Mapping[str, int],
    *,
    now: datetime,
    selection: Selection = EVERYTHING,
) -> Planned:
    """
    Slices for the contracts that have anything due; at most ``settings.max_slices`` in all.

    :param contracts: their names, as in :attr:`Settings.contracts`.
    :param batch_sizes: references in one call by contract; slices are cut at whole calls.
    """  # fmt: skip
    by_hand.stop_paused(conn)
    due = polls.count_due(conn, contracts, window, now, selection)
    put_off = put_off_by_budget(conn, due, window, settings, batch_sizes, now, selection)
    planned = {contract: count - put_off.get(contract, 0) for contract, count in due.items()}
    slices = {}
    for contract, number in share(planned, settings).items():
        size = whole_calls(math.ceil(planned[contract] / number), batch_sizes[contract])
        slices[contract] = polls.slice_due(conn, contract, size, window, now, selection, chosen=contract in put_off)
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
    Choose among what is due where there are too few calls for all of it; by contract how many have to wait.

    Who names parcels has asked for them himself: there is no choice, but the calls of the day end all the same.
    """
    budgets.forget_other_plans(conn, settings.budgets)
    put_off = {}
    for contract, budget in settings.budgets.items():
        if selection.numbers or contract not in due:
            continue
        carrier = within(contract)["carrier"]
        learnt = habits.read(conn, carrier).get(carrier, {})
        calls = share_of_now(budget, budgets.spent(conn, contract, now), learnt, now)
        most = calls * batch_sizes[contract]
        if due[contract] > most:
            ranked = by_urgency(budgets.kinds_due(conn, contract, window, now, selection), learnt, now)
            chosen = budgets.choose(
                conn, contract, window, now, selection, most=most, patient=for_the_patient(most), ranked=ranked
            )  # fmt: skip
            put_off[contract] = due[contract] - chosen
        if not selection.account:
            budgets.note_plan(conn, contract, window, put_off.get(contract, 0))
    return put_off


def share(due: Mapping[str, int], settings: Settings) -> dict[str, int]:
    """
    How many slices each contract gets: as many as its size asks for while there are enough, otherwise in proportion,
    and at least one. With more contracts than slices the bound gives way, since none is left out.
    """
    wanted = {contract: math.ceil(count / settings.slice_size) for contract, count in due.items() if count}
    total = sum(wanted.values())
    if total <= settings.max_slices:
        return wanted
    spare = max(0, settings.max_slices - len(wanted))
    return {contract: 1 + (count - 1) * spare // max(1, total - len(wanted)) for contract, count in wanted.items()}


def whole_calls(size: int, batch_size: int) -> int:
    """``size`` rounded up to whole calls, so that only a contract's last call is not full."""
    return math.ceil(size / batch_size) * batch_size
