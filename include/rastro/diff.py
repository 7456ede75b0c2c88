"""
What a carrier's answer adds to what we knew, and what state follows from all of it.

Pure: the same facts give the same answer in whatever order they were learnt.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from rastro.models import BY_HAND, Event, Pickup, Proof, Snapshot, Standing, Status

# A carrier's clock may be a little ahead; more than this and the date is wrong.
CLOCK_SKEW = timedelta(days=1)


class Life(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    The span in which a parcel's events can lie. What is dated outside it is kept, and moves nothing: numbers are
    used again for other parcels, and some dates are simply wrong.
    """

    begins: datetime | None
    ends: datetime  # or when its number passes on to another parcel

    def holds(self, at: datetime) -> bool:
        return (self.begins is None or at >= self.begins) and at <= self.ends

    @classmethod
    def of(
        cls, begun: datetime | None, *, margin: timedelta, now: datetime, passed_on: datetime | None = None
    ) -> "Life":
        """
        From ``margin`` before its beginning to a day from now, or to ``margin`` before the beginning of the parcel that
        its number was passed on to.
        """
        ends = now + CLOCK_SKEW
        return cls(begins=begun - margin if begun else None, ends=min(ends, passed_on - margin) if passed_on else ends)


class State(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a parcel is by all we know: its status, since when, and by which event."""

    status: Status = Status.UNKNOWN
    since: datetime | None = None
    key: str = ""

    @property
    def delivered_at(self) -> datetime | None:
        return self.since if self.status is Status.DELIVERED else None


class Change(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    The difference one answer makes to one shipment.

    ``new`` are events never seen before, ``restated`` events whose standing or status is no longer what we recorded,
    ``history`` everything known now, oldest first. ``first_contact`` is true when the carrier had never answered
    about this shipment before. ``revision`` counts the shipment's changes, this one included if it says something.
    ``whole`` is false for an answer that held only what was new: it adds, and what was known stays as it was.
    """

    before: State
    after: State
    new: tuple[Event, ...]
    restated: tuple[Event, ...]
    history: tuple[Event, ...]
    estimated_at: datetime | None = None
    pickup: Pickup | None = None
    proof: Proof | None = None
    whole: bool = True
    first_contact: bool = False
    revision: int = 1

    @property
    def says_something(self) -> bool:
        return bool(self.new or self.restated or self.before.status is not self.after.status)

    @property
    def news(self) -> tuple[Event, ...]:
        """New events that anybody could be told about: they count, and we know what they mean."""
        return tuple(event for event in self.new if moves(event))


def moves(event: Event) -> bool:
    """Whether an event can decide where the parcel is."""
    return event.standing is Standing.EFFECTIVE and event.status is not Status.UNKNOWN


def state_of(events: Iterable[Event]) -> State:
    """The state by the newest event that counts; of several at the same time, the one given last."""
    newest: Event | None = None
    for event in events:
        if moves(event) and (newest is None or event.occurred_at >= newest.occurred_at):
            newest = event
    if newest is None:
        return State()
    return State(status=newest.status, since=newest.occurred_at, key=newest.key)


def compare(
    known: Sequence[Event],
    snapshot: Snapshot,
    *,
    life: Life,
    before: State,
    revision: int = 1,
    first_contact: bool = False,
    newest: bool = True,
    overtaken: bool = False,
) -> Change:
    """
    What ``snapshot`` changes.

    :param known: all events recorded for the shipment, oldest first, in the order they were recorded at equal times.
    :param revision: which change of the shipment this is if it is one, counted from 1.
    :param newest: false for an answer older than one already compared. It takes nothing back.
    :param overtaken: true for one older than a whole answer already compared. What only it has was taken back since.
    :param before: the state as it was recorded, which may differ from what ``known`` gives (a shipment given up).
    """
    recorded = {event.key: event for event in known}
    told = {event.key: placed(event, life) for event in snapshot.events}
    if overtaken:
        told = {key: outdated(event, known) for key, event in told.items()}
    reaches_back_to = min((event.occurred_at for event in snapshot.events), default=life.ends)

    new = tuple(event for key, event in told.items() if key not in recorded)
    restated = []
    for key, was in recorded.items():
        if not newest or not snapshot.whole:
            now = was  # nor does news say how a line is to be read that a whole answer may know better
        elif was.code == BY_HAND:
            now = was  # the carrier never had it
        elif key in told:
            now = replace(was, standing=told[key].standing, status=told[key].status)
        elif was.occurred_at > reaches_back_to:
            now = replace(was, standing=Standing.WITHDRAWN)
        else:
            now = was  # older than the answer reaches: trimmed, not taken back
        if now != was:
            restated.append(now)

    changed = {event.key: event for event in restated}
    kept = [changed.get(event.key, event) for event in known if event.key not in told]
    listed = [changed.get(key) or recorded.get(key) or event for key, event in told.items()]
    # Of one time stands first what was recorded first, so that an answer in another order moves nothing; a time that
    # gains an event is as the carrier tells it. What an older answer adds stands before what the newer one had.
    place = {event.key: position for position, event in enumerate(known)}
    gaining = {event.occurred_at for event in new} if newest else set()
    history = tuple(
        sorted(
            [*kept, *listed],
            key=lambda event: (event.occurred_at, 0 if event.occurred_at in gaining else place.get(event.key, -1)),
        )
    )
    moved = newest and any(moves(event) for event in (*new, *restated))
    given_up = before.status is Status.EXPIRED and not moved
    return Change(
        before=before,
        after=before if given_up else state_of(history),
        new=new,
        restated=tuple(restated),
        history=history,
        estimated_at=snapshot.estimated_at,
        pickup=snapshot.pickup,
        proof=snapshot.proof,
        whole=snapshot.whole,
        first_contact=first_contact,
        revision=revision,
    )


def taken_back(known: Sequence[Event], keys: Collection[str], *, before: State, revision: int) -> Change:
    """What it changes that a person takes back what was told by hand: these events count no longer."""
    history = tuple(replace(event, standing=Standing.WITHDRAWN) if event.key in keys else event for event in known)
    return Change(
        before=before,
        after=state_of(history),
        new=(),
        restated=tuple(event for event in history if event.key in keys),
        history=history,
        whole=False,
        revision=revision,
    )


def outdated(event: Event, known: Sequence[Event]) -> Event:
    """``event`` as it stands when a newer whole answer, of which we know, reached back to it and did not have it."""
    reached = bool(known) and event.occurred_at >= known[0].occurred_at
    return replace(event, standing=Standing.WITHDRAWN) if reached and moves(event) else event


def placed(event: Event, life: Life) -> Event:
    """``event`` as it stands for a parcel with this life."""
    if life.holds(event.occurred_at):
        return event
    return replace(event, standing=Standing.FOREIGN)
