"""
Load what tracking staged: events, state, changes and the notices they owe, in one transaction.

Whatever is staged is loaded, whichever run staged it, so a load that failed is made good by the next.
"""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypedDict

from msgspec.structs import replace
from psycopg import Connection

from rastro.carriers import lines
from rastro.diff import Life, State, compare
from rastro.habits import Habits, habit_for, lane_of
from rastro.marketplaces.registry import MARKETPLACES
from rastro.models import Channel, Standing, Status
from rastro.notices import Policy, owed
from rastro.polling import Look, next_poll_at
from rastro.settings import Settings
from rastro.warehouse import habits, loading
from rastro.warehouse.loading import Known, Loaded, NextLook, Plan, StagedAnswer
from rastro.warehouse.shipments import SourceTraits, known_sources

AT_A_TIME = 4000
UNTAUGHT: Mapping[str, Habits] = {}
# An invoice is written before the parcel is posted, or at most some days after it.
POSTED_BEFORE_INVOICE = timedelta(days=15)


@dataclass(slots=True, kw_only=True)
class Figures:
    """What a load did."""

    answers: int = 0
    events: int = 0
    changes: int = 0
    expired: int = 0
    owed: dict[str, int] = field(default_factory=dict)


def load(conn: Connection[Any], settings: Settings, *, now: datetime, run_id: str) -> Figures:
    """Everything staged becomes facts and owed notices."""
    figures = Figures()
    with conn.transaction(), no_search_for_garbage():
        loading.begin(conn, now)
        figures.answers += loading.settle_said_before(conn, keep_raw=settings.keep_raw_answers)
        sources = known_sources(conn)
        learnt = habits.read(conn)
        for staged in all_staged(conn):
            by_poll: dict[int, list[Loaded]] = {answer.poll_id: [] for answer in staged}
            answers = {answer.poll_id: answer for answer in staged}
            for known in loading.known_of(conn, list(answers)):
                by_poll[known.poll_id].append(judge(known, answers[known.poll_id], sources, settings, now))
            loaded = [one for several in by_poll.values() for one in several]
            looks = [next_look(answer, by_poll[answer.poll_id], settings, learnt) for answer in staged]
            loading.write(conn, loaded, now, run_id)
            loading.settle(conn, looks, keep_raw=settings.keep_raw_answers)
            count(figures, staged, loaded)
        figures.expired = loading.expire_silent(conn, now - settings.give_up_after, now, run_id)
    return figures


@contextmanager
def no_search_for_garbage() -> Iterator[None]:
    """A load makes objects by the million, none of them in a circle: to look for those takes a fifth of its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def all_staged(conn: Connection[Any]) -> Iterator[list[StagedAnswer]]:
    """Staged answers, some at a time; a reference answered twice comes twice, older first."""
    while staged := loading.take_staged(conn, 0, AT_A_TIME):
        while staged:
            yield staged
            staged = loading.take_staged(conn, staged[-1].poll_id, AT_A_TIME)


def judge(
    known: Known, answer: StagedAnswer, sources: Mapping[str, SourceTraits], settings: Settings, now: datetime
) -> Loaded:
    """What one answer changes for one shipment, and what that owes."""
    traits = sources[known.shipment.account]
    snapshot = answer.snapshot
    if not snapshot.whole:
        delivered = Status.UNKNOWN if answer.unasked else Status.RETURNED
        snapshot = replace(snapshot, events=lines.news_after(known.events, snapshot.events, delivered))
    change = compare(
        known.events,
        snapshot,
        life=life_of(known, answer.answered_at),
        before=known.state,
        revision=known.revision + 1,
        first_contact=answer.is_first and not known.events,
        newest=answer.is_newest,
        overtaken=answer.is_overtaken,
    )
    policy = Policy(
        now=now,
        writes_back=traits.writes_back,
        own_mail=traits.own_mail,
        notify_since=settings.cut_off(known.shipment.account),
        worked_out_again=answer.worked_out_again,
        **traits_of_marketplaces(settings),
    )
    notices = tuple(owed(change, known.shipment, policy))
    return Loaded(known=known, change=change, owed=notices, newest=answer.is_newest)


class MarketplaceTraits(TypedDict):
    """What :class:`rastro.notices.Policy` wants to know about marketplaces."""

    takes: Mapping[str, frozenset[Status]]
    mailing: frozenset[str]
    mail_buyers_of: frozenset[str]


def traits_of_marketplaces(settings: Settings) -> MarketplaceTraits:
    kinds = {one.key: MARKETPLACES[one.adapter] for one in settings.marketplaces if one.adapter in MARKETPLACES}
    return MarketplaceTraits(
        takes={key: kind.takes for key, kind in kinds.items() if key in settings.marketplace_news},
        mailing=frozenset(key for key, kind in kinds.items() if kind.mails_customer),
        mail_buyers_of=settings.mail_buyers_of,
    )


def life_of(known: Known, answered_at: datetime) -> Life:
    """The span in which an answer can speak of this parcel."""
    return Life.of(begun(known), margin=POSTED_BEFORE_INVOICE, now=answered_at, passed_on=known.passed_on_at)


def begun(known: Known) -> datetime:
    """When the parcel can have begun its life, by the best that its source told us."""
    return known.shipment.invoiced_at or known.shipment.ordered_at or known.first_seen_at


def next_look(
    answer: StagedAnswer, loaded: Sequence[Loaded], settings: Settings, learnt: Mapping[str, Habits] = UNTAUGHT
) -> NextLook:
    """
    When the reference is asked about again: as the least finished of its shipments wants it.

    News that came unasked answers no question, so it puts off no look. Where it brings something the carrier is asked
    at once, since it alone knows the whole; after an end that was told so, once more after some days as after any.
    """
    pending = [one for one in loaded if not one.change.after.status.is_final] or loaded
    snapshot = answer.snapshot
    state = pending[0].change.after if pending else State()
    quiet_since = max((quiet(one) for one in loaded), default=answer.answered_at)
    was_final = all(one.change.before.status.is_final for one in loaded)
    brings_news = any(brings(one) for one in loaded)
    shipment = pending[0].known.shipment if pending else None
    look = Look(
        at=answer.answered_at,
        status=state.status,
        was_final=was_final and not answer.awaited,
        quiet_since=min(quiet_since, answer.answered_at),
        estimated_at=snapshot.estimated_at,
        promised_at=shipment.promised_at if shipment else None,
        poll_id=answer.poll_id,
    )
    step = newest_code(pending[0]) if pending else ""
    habit = (
        habit_for(learnt.get(shipment.carrier or "", {}), step, lane_of(shipment.state_to, shipment.service))
        if shipment
        else None
    )
    return NextLook(
        staged_id=answer.staged_id,
        poll_id=answer.poll_id,
        newest=answer.is_newest,
        answered_at=answer.answered_at,
        digest=None if answer.unasked else answer.digest,
        status=Status(state.status),
        quiet_since=look.quiet_since,
        estimated_at=snapshot.estimated_at,
        next_poll_at=answer.answered_at if answer.unasked else next_poll_at(look, settings.pace, habit),
        step=step,
        plan=plan_after(answer, loaded, brings_news=brings_news),
        keeps_digest=answer.worked_out_again or (answer.unasked and not brings_news),
        whole=snapshot.whole,
        meaning=answer.meaning if snapshot.whole and all(map(is_settled_by_now, loaded)) else None,
        planned_at=answer.planned_at,
    )


def plan_after(answer: StagedAnswer, loaded: Sequence[Loaded], *, brings_news: bool) -> Plan:
    """What becomes of the plan that there is."""
    if is_settled(answer, loaded):
        return Plan.KEPT
    if not answer.unasked:
        return Plan.NEW
    wanted = any(not one.known.shipment.skip for one in loaded)
    return Plan.NO_LATER if wanted and brings_news else Plan.KEPT


def brings(loaded: Loaded) -> bool:
    """Whether there is a line that counts and was not known, be it one that nobody can explain."""
    return any(event.standing is Standing.EFFECTIVE for event in loaded.change.new)


def is_settled(answer: StagedAnswer, loaded: Sequence[Loaded]) -> bool:
    """Whether the plan made when this very answer came stands: it was only read again, and nobody is elsewhere now."""
    return answer.worked_out_again and all(one.change.before.status is one.change.after.status for one in loaded)


def is_settled_by_now(loaded: Loaded) -> bool:
    """Whether every line lies in the parcel's life, so that none comes to count by the passing of time."""
    return all(event.standing is not Standing.FOREIGN for event in loaded.change.history)


def newest_code(loaded: Loaded) -> str:
    """The carrier's code of the newest line that counts, empty before there is one."""
    told = [event for event in loaded.change.history if event.standing is Standing.EFFECTIVE]
    return max(told, key=lambda event: event.occurred_at).code if told else ""


def quiet(loaded: Loaded) -> datetime:
    """The newest event of this very parcel, or when we first knew it: a number's earlier life does not count."""
    own = [event.occurred_at for event in loaded.change.history if event.standing is not Standing.FOREIGN]
    return max([*own, loaded.known.first_seen_at])


def count(figures: Figures, staged: list[StagedAnswer], loaded: list[Loaded]) -> None:
    figures.answers += len(staged)
    for one in loaded:
        figures.events += len(one.change.new)
        figures.changes += one.change.says_something
        for owed_notice in one.owed:
            if not owed_notice.dropped:
                channel = Channel(owed_notice.notice.channel).value
                figures.owed[channel] = figures.owed.get(channel, 0) + 1
