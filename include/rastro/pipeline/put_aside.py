"""
Retry the quarantine: what was put aside is read once more.

A carrier's answer is read with today's parser, from the body that was kept. What still cannot be read is asked about
again; what came unasked goes back into the inbox, and orders are read again at their source. An entry that is not
closed here closes itself once that succeeds.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection

from rastro.carriers.base import Carrier
from rastro.errors import Unreadable
from rastro.models import Refusal, Snapshot
from rastro.pipeline.receive import UNREADABLE
from rastro.pipeline.track import digest_of
from rastro.warehouse import again, inbox
from rastro.warehouse.again import EVERY_ENTRY, Entry, Filter, ReadAgain, Reference

AT_A_TIME = 50  # a body may be a whole answer about many references
ABOUT_NO_ORDER = frozenset({"list_incomplete"})  # reasons of entries that name no order to be read again

encode = msgspec.json.Encoder().encode


@dataclass(slots=True, kw_only=True)
class Figures:
    """
    ``entries`` that were open, and what became of them: ``read`` and closed, or ``still_unreadable``; references
    ``asked_again``, ``letters_again`` to be read by the next run, ``orders_awaited``; ``unknown`` are about references
    that nobody follows, and ``left`` are for a person alone.
    """

    entries: int = 0
    read: int = 0
    still_unreadable: int = 0
    asked_again: int = 0
    letters_again: int = 0
    orders_awaited: int = 0
    unknown: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One reference's share of a body, and what it means today."""

    reference: str
    raw: bytes = field(repr=False)
    meaning: Snapshot | Refusal


@dataclass(slots=True, kw_only=True)
class Outcome:
    """
    What is to be done about some entries: answers staged, entries closed, references asked about, letters of carriers
    read again, orders awaited.
    """

    answers: list[ReadAgain] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    ask: set[int] = field(default_factory=set)
    pushed_by: set[str] = field(default_factory=set)
    orders: list[int] = field(default_factory=list)


def retry(
    conn: Connection[Any],
    carriers: Mapping[str, Carrier],
    *,
    now: datetime,
    run_id: str,
    wanted: Filter = EVERY_ENTRY,
) -> Figures:
    """
    Read the wanted open entries again. Answers are staged for the next load, orders are left to the next sync.

    Committed some at a time, an entry closed together with what it brought: one that is cut off loses nothing.
    """
    figures = Figures()
    after = 0
    while entries := again.take_entries(conn, wanted, after, AT_A_TIME):
        after = entries[-1].quarantine_id
        outcome = worked_out(conn, carriers, entries, figures)
        again.stage(conn, outcome.answers, run_id)
        again.settle_read_late(conn, [answer for answer in outcome.answers if not answer.worked_out_again])
        again.close_entries(conn, outcome.closed, now)
        figures.asked_again += again.ask_now(conn, outcome.ask, now)
        figures.letters_again += inbox.read_again(conn, outcome.pushed_by)
        again.close_entries_of(conn, outcome.pushed_by, UNREADABLE, now)
        figures.orders_awaited += again.await_orders(conn, outcome.orders, now)
        conn.commit()
        figures.entries += len(entries)
    return figures


def worked_out(
    conn: Connection[Any], carriers: Mapping[str, Carrier], entries: Sequence[Entry], figures: Figures
) -> Outcome:
    """Read the entries' bodies, and decide what follows."""
    outcome = Outcome()
    parts: dict[int, list[Part] | None] = {}
    for entry in entries:
        if entry.reason == UNREADABLE and entry.raw is not None:
            outcome.pushed_by.add(entry.origin)
        elif carrier := carriers.get(entry.origin):
            parts[entry.quarantine_id] = parts_of(carrier, entry)
        elif ":" in entry.origin and entry.reason not in ABOUT_NO_ORDER:  # an account
            outcome.orders.append(entry.quarantine_id)
        else:
            figures.left += 1
    answered = [entry for entry in entries if entry.quarantine_id in parts]
    named = {(entry.origin, entry.subject) for entry in answered}
    named |= {(entry.origin, part.reference) for entry in answered for part in parts[entry.quarantine_id] or ()}
    followed = again.known_references(conn, named)
    for entry in answered:
        judge(entry, parts[entry.quarantine_id], followed, outcome, figures)
    return outcome


def judge(
    entry: Entry,
    parts: Sequence[Part] | None,
    followed: Mapping[tuple[str, str], Sequence[Reference]],
    outcome: Outcome,
    figures: Figures,
) -> None:
    """
    What follows from one entry about a carrier's answer; ``parts`` is None when nothing of it can be read.

    It was an answer to the contract through which its subject is asked about, and is none about what is asked about
    through another. Where it may have been either's, the carrier is asked again.
    """
    about = {(entry.origin, part.reference) for part in parts or ()} or {(entry.origin, entry.subject)}
    if not about & followed.keys():
        figures.unknown += 1
        return
    if parts is None:
        figures.still_unreadable += 1
        for reference in followed[entry.origin, entry.subject]:
            if reference.answered_at is None or reference.answered_at < entry.last_at:
                outcome.ask.add(reference.poll_id)
        return
    figures.read += 1
    outcome.closed.append(entry.quarantine_id)
    contracts = {one.contract for one in followed.get((entry.origin, entry.subject), ())}
    for part in parts:
        for told in followed.get((entry.origin, part.reference), ()):  # none of a number that the carrier added
            if isinstance(part.meaning, Refusal) or len(contracts) != 1:
                outcome.ask.add(told.poll_id)  # whether it is refused today, only the carrier can tell
            elif told.contract in contracts and not is_overtaken(told, entry.last_at):
                outcome.answers.append(to_stage(told, part, part.meaning, entry.last_at))


def is_overtaken(reference: Reference, at: datetime) -> bool:
    """Whether the carrier has answered since, with the whole history. Not so the very answer that is loaded."""
    if is_loaded(reference, at):
        return False
    return any(later is not None and later > at for later in (reference.answered_at, reference.whole_at))


def is_loaded(reference: Reference, at: datetime) -> bool:
    """Whether the answer of that time was loaded before, by another reading."""
    return at in {reference.loaded_at, reference.whole_at}


def to_stage(reference: Reference, part: Part, snapshot: Snapshot, at: datetime) -> ReadAgain:
    """An answer that was loaded before, by another reading, is nobody's news and leaves the last digest as it is."""
    loaded = is_loaded(reference, at)
    return ReadAgain(
        poll_id=reference.poll_id,
        answered_at=at,
        digest=(reference.digest if loaded else None) or digest_of(part.raw),
        snapshot=encode(snapshot),
        raw=zlib.compress(part.raw, 1),
        worked_out_again=loaded,
    )


def parts_of(carrier: Carrier, entry: Entry) -> list[Part] | None:
    """
    What the kept body means today: one reference's part, or a whole answer that is cut first.

    None when there is no body, or when any of it still makes no sense.
    """
    if entry.raw is None:
        return None
    raw = zlib.decompress(entry.raw)
    try:
        meaning = carrier.parse(raw, entry.subject)
        if meaning.reference == entry.subject:
            return [Part(reference=entry.subject, raw=raw, meaning=meaning)]
    except Unreadable:
        pass  # it may be a whole answer
    try:
        return [
            Part(reference=reference, raw=part.raw, meaning=carrier.parse(part.raw, reference))
            for part in carrier.cut(raw, (entry.subject,))
            for reference in part.references
        ] or None
    except Unreadable:
        return None
