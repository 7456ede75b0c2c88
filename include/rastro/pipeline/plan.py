"""Plan which references are asked about in a window, cut into a bounded number of slices."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from psycopg import Connection

from rastro.models import EVERYTHING, Selection, Window
from rastro.settings import Settings
from rastro.warehouse import by_hand, polls
from rastro.warehouse.polls import Slice


def plan(
    conn: Connection[Any],
    carriers: Iterable[str],
    window: Window,
    settings: Settings,
    batch_sizes: Mapping[str, int],
    *,
    now: datetime,
    selection: Selection = EVERYTHING,
) -> dict[str, list[Slice]]:
    """
    Slices by carrier, for the carriers that have anything due; at most ``settings.max_slices`` in all.

    :param carriers: codes of the carriers that have a connection.
    :param batch_sizes: references in one call by carrier; slices are cut at whole calls.
    """  # fmt: skip
    by_hand.stop_paused(conn)
    wanted = set(carriers)
    due = {
        carrier: count for carrier, count in polls.count_due(conn, window, now, selection).items() if carrier in wanted
    }
    slices = {}
    for carrier, number in share(due, settings).items():
        size = whole_calls(math.ceil(due[carrier] / number), batch_sizes[carrier])
        slices[carrier] = polls.slice_due(conn, carrier, size, window, now, selection)
    return slices


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
