"""
Track one slice: ask the carrier about what is due, pass over what is unchanged, stage what changed.

Cost follows change: an answer whose bytes are as they were costs one digest and is never read. What calls made at
once have brought is committed together: a slice that is cut off has lost little, and a rerun asks about the rest only.
"""

import hashlib
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection

from rastro import __version__
from rastro.carriers.base import Answered, Asking, Carrier
from rastro.errors import CredentialsRefused, Permanent, RastroError, RateLimited, Rejected, Unreadable
from rastro.habits import Habits, habit_for
from rastro.http import Http
from rastro.models import EVERYTHING, Refusal, RefusalReason, Selection, Snapshot, Window
from rastro.pipeline.tokens import AccessKeeper
from rastro.polling import Look, Pace, next_poll_at
from rastro.settings import Settings
from rastro.warehouse import polls, records
from rastro.warehouse.budgets import Purse
from rastro.warehouse.connect import Connect
from rastro.warehouse.polls import Due, Refused, Slice, Staged

FAILED_CALLS_IN_A_ROW = 3
REFUSED_ALONE = 3  # single references refused before the call itself is held to be wrong

encode = msgspec.json.Encoder().encode


@dataclass(slots=True, kw_only=True)
class Figures:
    """
    What a slice came to; ``left`` is what it had no time for, ``put_off`` what there were no calls for, ``trouble`` the
    error that ended or marred it.
    """

    asked: int = 0
    unchanged: int = 0
    changed: int = 0
    refused: int = 0
    quarantined: int = 0
    unanswered: int = 0
    left: int = 0
    put_off: int = 0
    trouble: RastroError | None = None

    def add(self, decided: "Decided", *, asked: int) -> None:
        self.asked += asked
        self.unchanged += len(decided.unchanged)
        self.changed += len(decided.staged)
        self.refused += len(decided.refused)
        self.quarantined += len(decided.unreadable)
        self.unanswered += len(decided.unanswered)

    def as_numbers(self) -> dict[str, int]:
        names = ("asked", "unchanged", "changed", "refused", "quarantined", "unanswered", "left", "put_off")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """
    What one call, or the halves it was cut into, brought: raw parts by reference, and what went wrong.

    ``heard`` tells whether any of it was answered, ``sound`` how many well-formed references were refused alone.
    """

    due: Sequence[Due]
    heard: bool = False
    sound: int = 0
    raw: Mapping[str, bytes] = field(default_factory=dict)
    refused_calls: Mapping[str, Rejected] = field(default_factory=dict)
    trouble: RastroError | None = None

    @property
    def in_vain(self) -> bool:
        """Whether nothing at all was answered."""
        return self.trouble is not None and not self.raw

    def put_back(self, *, blame: bool) -> "Answers":
        """The same without its refusals, which say nothing about the references; ``blame`` makes one the trouble."""
        error = next(iter(self.refused_calls.values()), None) if blame else None
        return replace(self, refused_calls={}, trouble=self.trouble or error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """
    What the answers of some calls come to. ``unchanged`` are ids, each with its next look; ``unanswered`` ids that stay
    due; ``unreadable`` what goes to the quarantine: subject, fault, body.
    """

    unchanged: list[tuple[int, datetime | None]] = field(default_factory=list)
    staged: list[Staged] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    unanswered: list[int] = field(default_factory=list)
    unreadable: list[tuple[str, Unreadable, bytes]] = field(default_factory=list)

    @classmethod
    def of(cls, several: Sequence["Decided"]) -> "Decided":
        """All of it together."""
        return cls(**{part.name: [one for each in several for one in getattr(each, part.name)] for part in fields(cls)})


@dataclass(slots=True)
class Tally:
    """
    Whether anything was answered, and how many sound references were refused alone, by a call cut in halves or by the
    calls of a slice. Where many are refused and nothing is answered, it is not the references that are wrong.
    """

    heard: bool = False
    refused: int = 0

    def add(self, *, heard: bool = False, refused: int = 0) -> None:
        self.heard = self.heard or heard
        self.refused += refused

    @property
    def all_refused(self) -> bool:
        return self.refused >= REFUSED_ALONE and not self.heard

    @property
    def is_open(self) -> bool:
        """Whether nobody can tell yet what was wrong about what was refused."""
        return 0 < self.refused < REFUSED_ALONE and not self.heard


class Turns:
    """
    The references of a slice that wait for their turn, by id. One that others hold when it comes has another at the
    end, since most are held for a moment only.
    """

    def __init__(self, ids: Sequence[int]) -> None:
        self._waiting, self._held = deque(ids), list[int]()
        self._is_last = False

    def __bool__(self) -> bool:
        return bool(self._waiting or self._held)

    @property
    def waiting(self) -> list[int]:
        return [*self._waiting, *self._held]

    def take(self, size: int) -> list[int]:
        """The next so many."""
        if not self._waiting:
            self._waiting, self._held, self._is_last = deque(self._held), [], True
        return [self._waiting.popleft() for _ in range(min(size, len(self._waiting)))]

    def were_held(self, ids: Iterable[int]) -> None:
        """They were taken, and could not be had."""
        if not self._is_last:
            self._held.extend(ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracker:
    """One carrier, reached through one contract, for one run."""

    carrier: Carrier
    contract: str
    http: Http
    keeper: AccessKeeper
    connect: Connect
    settings: Settings
    window: Window
    run_id: str
    clock: Callable[[], datetime]
    selection: Selection = EVERYTHING
    habits: Habits = field(default_factory=dict)
    purse: Purse | None = None

    def track(self, part: Slice) -> Figures:
        """
        Work through the slice and record its figures; their ``trouble`` is what kept some of it from being asked about.
        It ends in its time: what is ``left`` then stays due.
        """
        figures = Figures()
        started_at = self.clock()
        calls, size = self._calls, self.http.bytes
        with self.connect() as conn:
            try:
                self._work(conn, part, figures)
            finally:
                conn.rollback()
                self._give_back(conn)
                batch = polls.Batch(
                    run_id=self.run_id, carrier=self.carrier.code, contract=self.contract,
                    window_start=self.window.start, window_end=self.window.end, first=part.first, last=part.last,
                    calls=self._calls - calls, asked=figures.asked, unchanged=figures.unchanged,
                    changed=figures.changed, refused=figures.refused, quarantined=figures.quarantined,
                    unanswered=figures.unanswered, bytes=self.http.bytes - size, started_at=started_at,
                    finished_at=self.clock(), trouble=str(figures.trouble or ""),
                )  # fmt: skip
                polls.add_batch(conn, batch)
        return figures

    @property
    def _calls(self) -> int:
        return self.http.calls + self.keeper.logins

    def _work(self, conn: Connection[Any], part: Slice, figures: Figures) -> None:
        failed, stopped = 0, False
        tally, undecided = Tally(), list[Answers]()
        time_is_over = self.clock() + self.settings.ask_within / part.turns
        polls.need_not_wait_for_disk(conn)
        turns = Turns(polls.due_in_turn(conn, part, self.window, self.clock(), self.selection))
        conn.commit()
        with ThreadPoolExecutor(self.carrier.connections, thread_name_prefix=self.carrier.code) as threads:
            while not stopped and (due := self._claim(conn, part, turns)) is not None:
                come_in, at = list[tuple[Answers, Decided]](), None
                try:
                    for come in threads.map(self.ask, calls(due, self.carrier.batch_size)):
                        at = at or self.clock()  # what comes unasked until the slowest has answered is newer
                        tally.add(heard=come.heard, refused=come.sound)
                        if come.sound and not come.trouble and tally.is_open:
                            undecided.append(come)
                            continue
                        decided = [come]
                        if not tally.is_open:
                            decided, undecided = [*undecided, come], []
                        for one in decided:
                            answers = one.put_back(blame=True) if tally.all_refused else one
                            come_in.append((answers, self.decide(answers, at)))
                            failed = failed + 1 if answers.in_vain else 0
                            figures.trouble = answers.trouble or figures.trouble
                            stopped = stopped or (answers.in_vain and is_the_end(answers.trouble))
                finally:  # whatever ended it
                    if at:
                        self._settle(conn, come_in, at, figures)
                stopped = stopped or failed >= FAILED_CALLS_IN_A_ROW
                if not stopped and self.clock() >= time_is_over:
                    stopped, figures.left = True, self._count_due_still(conn, part, turns)
        if not stopped:
            figures.put_off = self._count_due_still(conn, part, turns)
        # So few that it must be them, if only because nothing else was asked about.
        last, at = [one.put_back(blame=False) if stopped else one for one in undecided], self.clock()
        self._settle(conn, [(answers, self.decide(answers, at)) for answers in last], at, figures)

    def _claim(self, conn: Connection[Any], part: Slice, turns: Turns) -> list[Due] | None:
        """Those whose turn it is, but for what others have; None where none is left, or no call."""
        now = self.clock()
        size = self.carrier.batch_size * self._calls_at_once(conn, now) if turns else 0
        ids = turns.take(size)
        due = polls.claim_due(
            conn, part, ids, self.window, now=now, lease_until=now + self.settings.lease,
            named=bool(self.selection.numbers),
        )  # fmt: skip
        conn.commit()
        had = {one.poll_id for one in due}
        turns.were_held(one for one in ids if one not in had)
        return due if ids else None

    def _count_due_still(self, conn: Connection[Any], part: Slice, turns: Turns) -> int:
        if not turns:
            return 0
        named = bool(self.selection.numbers)
        return polls.count_due_still(conn, part, turns.waiting, self.window, self.clock(), named=named)

    def _calls_at_once(self, conn: Connection[Any], now: datetime) -> int:
        """As many as the carrier takes at once, within what is left of the calls of its day."""
        if self.purse is None:
            return self.carrier.connections
        return self.purse.take(conn, self.carrier.connections, made=self._calls, now=now)

    def _give_back(self, conn: Connection[Any]) -> None:
        if self.purse:
            self.purse.take(conn, 0, made=self._calls, now=self.clock())

    def ask(self, due: Sequence[Due]) -> Answers:
        """One call; refused as a whole, it is cut in halves until the reference that is at fault stands alone."""
        return self._ask_in_parts(due, Tally())

    def _ask_in_parts(self, due: Sequence[Due], tally: Tally) -> Answers:
        try:
            answered = self._call([one.reference for one in due])
        except Rejected as error:
            if len(due) == 1:
                sound = int(not self.carrier.doubt_about(due[0].reference))  # a mistyped one proves nothing
                tally.add(refused=sound)
                return Answers(due=due, sound=sound, refused_calls={due[0].reference: error})
            half = len(due) // 2
            first = self._ask_in_parts(due[:half], tally)
            if tally.all_refused:
                return Answers(due=due, trouble=error)  # it is not the references that are wrong
            second = self._ask_in_parts(due[half:], tally)
            return Answers(
                due=due,
                heard=first.heard or second.heard,
                sound=first.sound + second.sound,
                raw={**first.raw, **second.raw},
                refused_calls={**first.refused_calls, **second.refused_calls},
                trouble=first.trouble or second.trouble,
            )
        except RastroError as error:
            return Answers(due=due, trouble=error)
        tally.add(heard=True)
        return Answers(due=due, heard=True, raw=answered.parts, trouble=answered.trouble)

    def _call(self, references: Sequence[str]) -> Answered:
        access = self.keeper.access()
        try:
            return converse(self.http, self.carrier.ask(references, access))
        except CredentialsRefused:
            renewed = self.keeper.renewed(access)
            if renewed is None:
                raise
            return converse(self.http, self.carrier.ask(references, renewed))

    def decide(self, answers: Answers, at: datetime) -> Decided:
        """What is to be done about each reference; an answer whose digest is known is not read."""
        decided, pace = Decided(), self.settings.pace
        for one in answers.due:
            raw = answers.raw.get(one.reference)
            if one.reference in answers.refused_calls:
                error = answers.refused_calls[one.reference]
                decided.refused.append(self._refusal(one, at, pace, b"", RefusalReason.MALFORMED, str(error)))
            elif raw is None:
                decided.unanswered.append(one.poll_id)
            elif (digest := digest_of(raw)) == one.digest and one.refusal is not RefusalReason.NOT_OURS:
                decided.unchanged.append((one.poll_id, self._next(one, at, pace, one.refusal)))
            else:
                try:
                    meaning = self.carrier.parse(raw, one.reference)
                except Unreadable as error:
                    decided.unanswered.append(one.poll_id)
                    decided.unreadable.append((one.reference, error, raw))
                    continue
                if isinstance(meaning, Refusal):
                    said = f"{meaning.code} {meaning.message}".strip()
                    if meaning.reason is RefusalReason.NOT_OURS:
                        said = f"{said} (asked through {self.contract})"
                    decided.refused.append(self._refusal(one, at, pace, digest, meaning.reason, said))
                else:
                    if_same = self._next(one, at, pace, None)
                    decided.staged.append(to_stage(one, digest, meaning, raw, if_same))
        if isinstance(answers.trouble, Unreadable):
            decided.unreadable.append((answers.due[0].reference, answers.trouble, answers.trouble.raw))
        return decided

    def _settle(
        self, conn: Connection[Any], come_in: Sequence[tuple[Answers, Decided]], at: datetime, figures: Figures
    ) -> None:
        """Keep what some calls brought, in one transaction; what was asked about in vain stays due."""
        if not come_in:
            return
        decided = Decided.of([one for _, one in come_in])
        due = [one for answers, _ in come_in for one in answers.due]
        in_vain = set(decided.unanswered)
        read = [one.reference for one in due if one.poll_id not in in_vain]
        if put_aside := records.put_aside_of(conn, self.carrier.code, read):
            records.resolve_quarantine(conn, self.carrier.code, sorted(put_aside), at)
        for subject, error, raw in decided.unreadable:  # last, or what is put aside now would be closed at once
            self._quarantine(conn, subject, error, raw, at)
        if decided.unchanged:
            polls.settle_unchanged(conn, decided.unchanged, at)
        if decided.refused:
            polls.settle_refused(conn, decided.refused, at)
        if decided.staged:
            polls.stage(conn, decided.staged, at, self.run_id)
        if decided.unanswered:
            polls.settle_unanswered(conn, decided.unanswered)
        conn.commit()
        figures.add(decided, asked=len(due))

    def _refusal(self, due: Due, at: datetime, pace: Pace, digest: bytes, reason: RefusalReason, text: str) -> Refused:
        not_ours = due.not_ours + 1 if reason is RefusalReason.NOT_OURS else 0
        return Refused(
            poll_id=due.poll_id,
            next_poll_at=self._next(due, at, pace, reason, not_ours),
            digest=digest,
            reason=reason,
            text=text.strip(),
            not_ours=not_ours,
        )

    def _next(
        self, due: Due, at: datetime, pace: Pace, refusal: RefusalReason | None, not_ours: int = 0
    ) -> datetime | None:
        look = Look(
            at=at,
            status=due.status,
            was_final=due.status.is_final,
            quiet_since=due.quiet_since,
            estimated_at=due.estimated_at,
            promised_at=due.promised_at,
            poll_id=due.poll_id,
            refusal=refusal,
            not_ours=not_ours,
        )
        return next_poll_at(look, pace, habit_for(self.habits, due.step, due.lane))

    def _quarantine(self, conn: Connection[Any], subject: str, error: Unreadable, raw: bytes, at: datetime) -> None:
        records.quarantine(
            conn, origin=self.carrier.code, subject=subject, reason="unreadable answer", detail=str(error), raw=raw,
            now=at, run_id=self.run_id,
        )  # fmt: skip


def converse(http: Http, asking: Asking) -> Answered:
    """
    Send what is to be sent until the answer is complete. A call that fails is thrown into the conversation, which may
    return what it has learnt before.

    :raises RastroError: it did not.
    """
    try:
        request = next(asking)
        while True:
            try:
                response = http.send(request)
            except RastroError as error:
                request = asking.throw(error)
            else:
                request = asking.send(response)
    except StopIteration as end:
        answered: Answered = end.value
        return answered


def calls(due: Sequence[Due], batch_size: int) -> Iterator[Sequence[Due]]:
    for start in range(0, len(due), batch_size):
        yield due[start : start + batch_size]


def to_stage(due: Due, digest: bytes, snapshot: Snapshot, raw: bytes, next_poll_at: datetime | None) -> Staged:
    told = encode(snapshot)
    return Staged(
        poll_id=due.poll_id,
        digest=digest,
        snapshot=told,
        raw=zlib.compress(raw, 1),
        meaning=meaning_of(told),
        next_poll_at=next_poll_at,
    )


def meaning_of(told: bytes, release: str = __version__) -> bytes:
    """Digest of what an answer says. Each release compares it anew, since it may make something else of it."""
    return digest_of(release.encode() + told)


def digest_of(raw: bytes) -> bytes:
    return hashlib.blake2b(raw, digest_size=16).digest()


def is_the_end(trouble: RastroError | None) -> bool:
    """Whether asking on would only make it worse."""
    return isinstance(trouble, RateLimited | Permanent)
