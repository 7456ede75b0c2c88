"""
What a change owes to whom: the order system, the customer, the marketplace, the shop.

Pure. The database makes each (shipment, channel, kind, content, to_receiver) unique for ever; here is decided what they
are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from rastro.confirmation import marketplace_called
from rastro.diff import Change, moves
from rastro.models import ENDINGS, SHIPPED, Channel, Event, Notice, Route, Shipment, Status
from rastro.sending import BEFORE_GO_LIVE, TOO_OLD

LOCAL = ZoneInfo("America/Sao_Paulo")

# Statuses the customer is mailed about, and how long the news of each is news.
MAILED = {
    Status.IN_TRANSIT: timedelta(days=3),
    Status.OUT_FOR_DELIVERY: timedelta(days=1),  # and only on its own day
    Status.DELIVERY_FAILED: timedelta(days=7),
    Status.READY_FOR_PICKUP: timedelta(days=7),
    Status.DELIVERED: timedelta(days=7),
    Status.ON_HOLD: timedelta(days=7),
    Status.RETURNING: timedelta(days=7),
}
FRESH_AT_FIRST_SIGHT = timedelta(hours=48)
MARKETPLACE_NEWS = timedelta(days=7)  # how long what is no delivery is news to a marketplace
MOST_FAILED_ATTEMPTS_MAILED = 3
TRACKING, NUMBER = "tracking", "number"  # what an order is told: how its package fares, and another number for it
BEFORE_MOVING = frozenset({Status.UNKNOWN, Status.INFO_RECEIVED, Status.IN_TRANSIT})

# What the shop itself is told, since only a person can decide what follows.
ALERTED = frozenset({Status.LOST, Status.RETURNED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """
    How one source's shipments are told about. ``now`` is the time of the decision; ``worked_out_again`` is true for
    what was read anew from an answer that had been kept, which is nobody's news. ``takes`` are the statuses that each
    direct marketplace is told of beside delivery, ``mailing`` the marketplaces that mail their buyers themselves, and
    ``mail_buyers_of`` those (or affiliates) whose buyers we mail all the same.
    """

    now: datetime
    writes_back: bool
    own_mail: bool
    notify_since: datetime | None = None
    worked_out_again: bool = False
    takes: Mapping[str, frozenset[Status]] = field(default_factory=dict)
    mailing: frozenset[str] = frozenset()
    mail_buyers_of: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A notice, or one that will not be sent: then ``dropped`` says why."""

    notice: Notice
    dropped: str = ""


def owed(change: Change, shipment: Shipment, policy: Policy) -> Iterator[Owed]:
    """Everything a change of this shipment makes us owe."""
    if shipment.skip or not change.says_something:
        return
    yield from to_order(change, shipment, policy)
    yield from to_customer(change, shipment, policy)
    yield from to_marketplace(change, shipment, policy)
    yield from to_shop(change, shipment, policy)


def to_order(change: Change, shipment: Shipment, policy: Policy) -> Iterator[Owed]:
    """
    The order is written whenever something that we understand is new, or the state is another one.

    What lay before the go-live is left alone, except a delivery: that is a fact somebody waits for.
    """
    moved = change.before.status is not change.after.status
    if not policy.writes_back or not change.history or not (change.news or moved):
        return
    at = newest(change).occurred_at
    before_go_live = policy.notify_since is not None and at < policy.notify_since
    if before_go_live and change.after.status is not Status.DELIVERED:
        return
    yield Owed(
        notice=Notice(
            channel=Channel.ORDER,
            kind=TRACKING,
            content=str(change.revision),
            target=shipment.account,
            event_at=at,
        )
    )


def to_customer(change: Change, shipment: Shipment, policy: Policy) -> Iterator[Owed]:
    """
    At most one mail to each, about the newest state; one that comes too late is recorded as dropped, with the reason.
    """
    status = change.after.status
    if not policy.own_mail or status not in MAILED or mailed_by_its_marketplace(shipment, policy):
        return
    if change.before.status.is_final or not is_news(change):
        return
    event = newest(change)
    notice = Notice(
        channel=Channel.EMAIL,
        kind=status.value,
        content=local_day(event).isoformat() if status in REPEATED else "",
        target=shipment.account,
        event_at=event.occurred_at,
        expires_at=expiry(event),
    )
    dropped = why_not_mailed(change, event, policy)
    yield Owed(notice=notice, dropped=dropped)
    if shipment.receiver_too:
        yield Owed(notice=replace(notice, to_receiver=True), dropped=dropped)


def mailed_by_its_marketplace(shipment: Shipment, policy: Policy) -> bool:
    """
    Whether the customer is the marketplace's to write to: it is a buyer of another shop's, or of a marketplace that is
    known to write to its buyers. What a direct one does, its adapter knows.
    """
    affiliate = shipment.affiliate.strip().upper()
    if policy.mail_buyers_of & {shipment.marketplace, affiliate}:
        return False
    if shipment.origin == "Fulfillment" or (shipment.origin == "Chain" and affiliate):
        return True
    if shipment.route is Route.DIRECT:
        return shipment.marketplace in policy.mailing
    elsewhere = shipment.route is Route.CONNECTOR or marketplace_called(affiliate) is not None
    return shipment.origin != "Marketplace" and elsewhere


REPEATED = frozenset({Status.OUT_FOR_DELIVERY, Status.DELIVERY_FAILED})


def is_news(change: Change) -> bool:
    """Whether the customer can learn something: a state entered by a new event, in the order such things happen."""
    event = newest(change)
    if event not in change.new:
        return False  # an older state came back by a correction
    earlier = [known for known in change.history if moves(known) and known is not event]
    match event.status:
        case Status.IN_TRANSIT:
            return all(known.status in BEFORE_MOVING for known in earlier) and change.before.status is not event.status
        case Status.OUT_FOR_DELIVERY:
            since = [known.status for known in earlier if known.status in REPEATED]
            return not since or since[-1] is Status.DELIVERY_FAILED
        case Status.DELIVERY_FAILED:
            failed = [known for known in earlier if known.status is Status.DELIVERY_FAILED]
            return len({local_day(known) for known in failed} - {local_day(event)}) < MOST_FAILED_ATTEMPTS_MAILED
        case _:
            return change.before.status is not event.status


def why_not_mailed(change: Change, event: Event, policy: Policy) -> str:
    """The reason a mail is not owed after all; empty when it is."""
    if policy.worked_out_again:
        return "learnt from an answer of before, read again"
    if policy.notify_since and event.occurred_at < policy.notify_since:
        return BEFORE_GO_LIVE
    if change.first_contact and event.status is Status.DELIVERED:
        return "already delivered when first seen"
    if change.first_contact and policy.now - event.occurred_at > FRESH_AT_FIRST_SIGHT:
        return "older than 48 hours when first seen"
    if policy.now >= expiry(event):
        return TOO_OLD
    return ""


def to_marketplace(change: Change, shipment: Shipment, policy: Policy) -> Iterator[Owed]:
    """
    Delivery is confirmed whatever its age: the marketplace holds the seller's money for it. Where it takes that a
    parcel is shipped, that is owed in the same way, since it takes nothing before it, not even that the parcel is back.
    What it takes besides is news.
    """
    before, after = change.before.status, change.after.status
    if shipment.route is not Route.DIRECT or before is after:
        return
    takes = {*policy.takes.get(shipment.marketplace, ()), Status.DELIVERED}
    if Status.IN_TRANSIT in takes and after in SHIPPED | (ENDINGS & takes) and (set_out := first_shipped(change)):
        yield Owed(notice=to_tell(Status.IN_TRANSIT, set_out, shipment))
    if after is Status.IN_TRANSIT or after not in takes:
        return
    event = newest(change)
    late = after is not Status.DELIVERED and policy.now - event.occurred_at > MARKETPLACE_NEWS
    yield Owed(notice=to_tell(after, event, shipment), dropped=TOO_OLD if late else "")


def to_tell(status: Status, event: Event, shipment: Shipment) -> Notice:
    """That the parcel is in this status since this event, for its marketplace."""
    return Notice(
        channel=Channel.MARKETPLACE,
        kind=status.value,
        content=local_day(event).isoformat() if status in REPEATED else "",
        target=shipment.marketplace,
        event_at=event.occurred_at,
    )


def first_shipped(change: Change) -> Event | None:
    """The event by which the parcel set out; one of a shipped parcel is there, one of a parcel that is back may not."""
    return next((event for event in change.history if moves(event) and event.status in SHIPPED), None)


def to_shop(change: Change, shipment: Shipment, policy: Policy) -> Iterator[Owed]:
    """What a person must look at: a parcel lost or back, a final state that was taken back, since the go-live."""
    before, after = change.before.status, change.after.status
    if before is after:
        return
    kinds = []
    if after in ALERTED:
        kinds.append(after.value)
    if before.is_final and before is not Status.EXPIRED:
        kinds.append("reopened")
    for kind in kinds:
        alert = Notice(
            channel=Channel.ALERT,
            kind=kind,
            content=str(change.revision),
            target=shipment.account,
            event_at=newest(change).occurred_at,
        )
        told = replace(alert, facts={"from": before.value, "to": after.value})
        early = policy.notify_since is not None and alert.event_at < policy.notify_since
        yield Owed(notice=told, dropped=BEFORE_GO_LIVE if early else "")


def newest(change: Change) -> Event:
    """The event that decides the state; the last known one when none does."""
    for event in reversed(change.history):
        if event.key == change.after.key:
            return event
    return change.history[-1]


def local_day(event: Event) -> date:
    """The calendar day on which the customer lived through the event."""
    return event.occurred_at.astimezone(LOCAL).date()


def expiry(event: Event) -> datetime:
    """When news of this event is no longer news."""
    at = event.occurred_at
    if event.status is Status.OUT_FOR_DELIVERY:
        midnight = at.astimezone(LOCAL).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + timedelta(days=1)
    return at + MAILED[event.status]
