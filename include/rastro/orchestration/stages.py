"""What a task did and how it ended, recorded in the warehouse and told in one line of its log."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from rastro.call_figures import CallFigures
from rastro.errors import RastroError
from rastro.http import LISTENER, Call
from rastro.orchestration.tables import note_lineage
from rastro.orchestration.telemetry import traced
from rastro.orchestration.workshop import Workshop
from rastro.pipeline import tell, track
from rastro.warehouse import records

log = logging.getLogger(__name__)
SUMMARY = "summary"  # the XCom key of what a run did in words, which becomes its note


@dataclass(slots=True, kw_only=True)
class Stage:
    """The figures a stage gathers while it runs; ``trouble`` is what a person must hear though the task goes on."""

    started_at: datetime
    figures: dict[str, object] = field(default_factory=dict)
    trouble: str = ""


@contextmanager
def listening(*listeners: Callable[[Call], None] | None) -> Iterator[None]:
    """They hear of each HTTP call of the clients that are made meanwhile."""
    awake = [listener for listener in listeners if listener]

    def hear(call: Call) -> None:
        for listener in awake:
            listener(call)

    before = LISTENER.set(hear)
    try:
        yield
    finally:
        LISTENER.reset(before)


@contextmanager
def stage(shop: Workshop, name: str, part: str = "") -> Iterator[Stage]:
    """Record what a stage did and how it ended, in the warehouse and in one line of the log."""
    running, calls = Stage(started_at=shop.clock()), CallFigures()
    try:
        with traced(name, part, shop.run_id) as trace, listening(calls.add, trace):
            yield running
    except RastroError as error:
        running.trouble = str(error)
        raise
    except Exception as error:
        running.trouble = f"{type(error).__name__}: see the log of {name}"
        raise
    finally:
        note_lineage(name, shop.database, shop)
        title = f"{name} {part}".strip()
        if running.trouble:
            log.error("%s: %s", title, running.trouble)
        log.info("%s: %s", title, in_a_line(running.figures))
        with shop.connect() as conn:
            records.add_stage(
                conn, run_id=shop.run_id, stage=name, part=part, started_at=running.started_at,
                finished_at=shop.clock(), figures=running.figures, calls=calls.kept(), trouble=running.trouble,
            )  # fmt: skip


def finished(running: Stage, figures: track.Figures | tell.Figures) -> dict[str, int]:
    """
    The figures of a use case, recorded even when it met trouble.

    :raises RastroError: that trouble.
    """
    numbers = figures.as_numbers()
    running.figures = dict(numbers)
    if figures.trouble:
        raise figures.trouble
    return numbers


def in_a_line(figures: Mapping[str, object]) -> str:
    """``asked 240, changed 52, owed order 12 email 3``"""
    return (
        ", ".join(
            f"{name} {' '.join(f'{key} {one}' for key, one in value.items()) or 0}"
            if isinstance(value, Mapping)
            else f"{name} {value}"
            for name, value in figures.items()
        )
        or "nothing"
    )
