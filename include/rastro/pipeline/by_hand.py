"""
Do by hand what a person asks: tell of a parcel, take that back, ask at once, send again, release, pause, correct.

All that one run asks is done in one transaction, or none of it is, and each thing is recorded with who, why, before and
after. What somebody is to hear of it goes through the outbox as a carrier's news does, so that it is said once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from psycopg import Connection

from rastro.claims import ClaimState, Held, Reason, objection, rule_for
from rastro.diff import Change, State, compare, taken_back
from rastro.errors import Misconfigured
from rastro.models import BY_HAND, Event, Snapshot, Standing, Status
from rastro.notices import Policy, owed
from rastro.numbers import normalise
from rastro.pipeline.load import life_of, traits_of_marketplaces
from rastro.settings import Settings
from rastro.warehouse import by_hand, claims, loading
from rastro.warehouse.by_hand import Act, Message, Parcel
from rastro.warehouse.loading import Known, Loaded
from rastro.warehouse.shipments import await_order, known_sources
from rastro.wishes import ABOUT_NOTICES, OF_CLAIMS, Action, Wish

DELIVERED_BY_HAND = "Entrega confirmada pela loja"
TOLD_BY_HAND = "Informado pela loja"
Changed: TypeAlias = tuple[dict[str, object], dict[str, object]]  # what it was, and what it is


@dataclass(slots=True, kw_only=True)
class Figures:
    """
    ``done`` things, of which ``before`` had been done by an earlier attempt of the same run; ``follow`` are orders that
    are to be looked at now, ``retry_quarantine`` whether what was put aside is.
    """

    done: int = 0
    before: int = 0
    follow: list[str] = field(default_factory=list)
    retry_quarantine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Whoever acts, in one run. ``carriers`` are the codes of those that can be asked."""

    conn: Connection[Any]
    settings: Settings
    carriers: frozenset[str]
    done_by: str
    run_id: str
    now: datetime
    earlier: set[str]

    def act(self, wish: Wish) -> Iterator[Act]:
        """
        Everything that one wish comes to, done.

        :raises ValueError: it cannot be; the message says why.
        """
        if wish.action is Action.RETRY_QUARANTINE:
            yield from self._to_quarantine(wish)
        elif wish.action in ABOUT_NOTICES:
            for message in self._messages(wish):
                yield from self._to_message(wish, message)
        else:
            parcels = self._parcels(wish)
            if wish.action is Action.CHANGE_NUMBER and len({one.tracking_number for one in parcels}) > 1:
                raise ValueError(f"{wish.named} means several parcels: name the one whose number is wrong")
            for parcel in parcels:
                yield from self._to_parcel(wish, parcel)

    def _parcels(self, wish: Wish) -> list[Parcel]:
        found = by_hand.parcels(self.conn, wish.numbers, wish.shipment_ids)
        known = {name.casefold() for one in found for name in (one.tracking_number, one.order_id)}
        unknown = [one for one in wish.numbers if not known & {one.casefold(), normalise(one).casefold()}]
        if unknown:
            raise ValueError(f"nothing is known about {' '.join(unknown)}: neither a tracking number nor an order")
        if missing := sorted(set(wish.shipment_ids) - {one.shipment_id for one in found}):
            raise ValueError(f"there is no parcel {', '.join(map(str, missing))}")
        followed = [one for one in found if not one.skip]
        if not followed:
            raise ValueError(f"{found[0].name} is not followed: {found[0].skip}")
        return followed

    def _messages(self, wish: Wish) -> list[Message]:
        chosen = set(wish.notice_ids)
        if wish.numbers or wish.shipment_ids:
            shipment_ids = [one.shipment_id for one in self._parcels(wish)]
            find = by_hand.last_mails if wish.action is Action.RESEND_MAIL else by_hand.waiting
            chosen |= set(find(self.conn, shipment_ids))
        found = by_hand.messages(self.conn, chosen)
        if missing := sorted(chosen - {one.notice_id for one in found}):
            raise ValueError(f"there is no notice {', '.join(map(str, missing))}")
        if not found:
            sent = "no mail was sent about it" if wish.action is Action.RESEND_MAIL else "nothing waits for a person"
            raise ValueError(f"{wish.named}: {sent}")
        return found

    def _to_quarantine(self, wish: Wish) -> Iterator[Act]:
        """The run that follows reads it again; here it is only recorded who wished it."""
        act = Act(
            key=f"{self.run_id} {wish.line} quarantine", action=wish.action, reason=wish.reason,
            subject="quarantine", before={}, after={},
        )  # fmt: skip
        yield act if act.key in self.earlier else self._noted(act, {}, {})

    def _to_parcel(self, wish: Wish, parcel: Parcel) -> Iterator[Act]:
        act = Act(
            key=f"{self.run_id} {wish.line} {parcel.shipment_id}", action=wish.action, reason=wish.reason,
            account=parcel.account, order_id=parcel.order_id, subject=parcel.tracking_number,
            shipment_id=parcel.shipment_id, before={}, after={},
        )  # fmt: skip
        if act.key in self.earlier:
            yield act
            return
        before, after = TO_PARCEL[wish.action](self, wish, parcel, act.key)
        if before != after:
            yield self._noted(act, before, after)

    def _to_message(self, wish: Wish, message: Message) -> Iterator[Act]:
        act = Act(
            key=f"{self.run_id} {wish.line} notice {message.notice_id}", action=wish.action, reason=wish.reason,
            account=message.account, order_id=message.order_id, subject=message.tracking_number,
            shipment_id=message.shipment_id, notice_id=message.notice_id, before={}, after={},
        )  # fmt: skip
        if act.key in self.earlier:
            yield act
            return
        before = {"state": message.state, "channel": message.channel, "kind": message.kind, "reason": message.reason}
        yield self._noted(act, before, TO_MESSAGE[wish.action](self, message, act.key))

    def _noted(self, act: Act, before: Mapping[str, object], after: Mapping[str, object]) -> Act:
        noted = Act(
            key=act.key, action=act.action, reason=act.reason, account=act.account, order_id=act.order_id,
            subject=act.subject, shipment_id=act.shipment_id, notice_id=act.notice_id, before=before, after=after,
        )  # fmt: skip
        by_hand.note(self.conn, noted, done_by=self.done_by, run_id=self.run_id, now=self.now)
        return noted

    # To parcels: what it was and what it is, the same where there was nothing to do

    def tell(self, wish: Wish, parcel: Parcel, key: str) -> Changed:
        (known,) = loading.known_by_id(self.conn, [parcel.shipment_id])
        status = wish.status or Status.DELIVERED
        if status is known.state.status is Status.DELIVERED:
            return {}, {}  # it is so
        at = wish.occurred_at or self.now
        if at > self.now or not life_of(known, self.now).holds(at):
            raise ValueError(f"{parcel.name} cannot have been {status} at {at:%Y-%m-%d %H:%M}: {out_of(at, self.now)}")
        if known.state.since and status.is_final and at < known.state.since:
            raise ValueError(f"{parcel.name} was {known.state.status} later, at {known.state.since:%Y-%m-%d %H:%M}")
        event = Event(
            key=f"{BY_HAND}:{key}", occurred_at=at, status=status, code=BY_HAND,
            description=wish.description or (DELIVERED_BY_HAND if status is Status.DELIVERED else TOLD_BY_HAND),
            city=wish.city, state=wish.state,
        )  # fmt: skip
        snapshot = Snapshot(reference=parcel.tracking_number, events=(event,), whole=False)
        change = compare(
            known.events, snapshot, life=life_of(known, self.now), before=known.state, revision=known.revision + 1
        )
        self._write(known, change)
        by_hand.read_again(self.conn, parcel, self.now)
        return state_in(change.before), {**state_in(change.after), "told": status.value, "at": at.isoformat()}

    def undo(self, _: Wish, parcel: Parcel, __: str) -> Changed:
        (known,) = loading.known_by_id(self.conn, [parcel.shipment_id])
        told = [one for one in known.events if one.code == BY_HAND and one.standing is not Standing.WITHDRAWN]
        if not told:
            return {}, {}
        change = taken_back(known.events, {told[-1].key}, before=known.state, revision=known.revision + 1)
        self._write(known, change)
        by_hand.read_again(self.conn, parcel, self.now)
        back = {"taken_back": told[-1].status.value, "told_at": told[-1].occurred_at.isoformat()}
        return state_in(change.before), {**state_in(change.after), **back}

    def _write(self, known: Known, change: Change) -> None:
        account = known.shipment.account
        traits = known_sources(self.conn)[account]
        policy = Policy(
            now=self.now, writes_back=traits.writes_back, own_mail=traits.own_mail,
            notify_since=self.settings.cut_off(account), **traits_of_marketplaces(self.settings),
        )  # fmt: skip
        notices = tuple(owed(change, known.shipment, policy))
        loaded = Loaded(known=known, change=change, owed=notices)
        loading.write(self.conn, [loaded], self.now, self.run_id)

    def poll_now(self, _: Wish, parcel: Parcel, __: str) -> Changed:
        if not parcel.poll_id:
            raise ValueError(f"nobody can be asked about {parcel.name}")
        if parcel.paused_at:
            raise ValueError(f"{parcel.name} is paused: resume it")
        by_hand.ask_at_once(self.conn, parcel, self.now)
        return {"next_poll_at": moment(parcel.next_poll_at)}, {"next_poll_at": moment(self.now)}

    def pause(self, _: Wish, parcel: Parcel, __: str) -> Changed:
        if not parcel.paused_at:
            by_hand.pause(self.conn, parcel, self.now)
        return {"paused_at": moment(parcel.paused_at)}, {"paused_at": moment(parcel.paused_at or self.now)}

    def resume(self, _: Wish, parcel: Parcel, __: str) -> Changed:
        if parcel.paused_at:
            by_hand.resume(self.conn, parcel, self.now)
        return {"paused_at": moment(parcel.paused_at)}, {"paused_at": None}

    def change_carrier(self, wish: Wish, parcel: Parcel, _: str) -> Changed:
        if wish.carrier not in self.carriers:
            raise ValueError(
                f"{wish.carrier!r} is no carrier that can be asked; there are {', '.join(sorted(self.carriers))}"
            )
        by_hand.correct(self.conn, parcel, self.now, carrier=wish.carrier)
        await_order(self.conn, parcel.account, parcel.order_id, self.now)
        return {"carrier": parcel.carrier}, {"carrier": wish.carrier}

    def change_number(self, wish: Wish, parcel: Parcel, key: str) -> Changed:
        if parcel.paused_at:
            raise ValueError(f"{parcel.name} is paused: resume it before")
        if known_sources(self.conn)[parcel.account].writes_back:  # and from there it comes back with the next reading
            if wish.number != parcel.tracking_number:
                by_hand.owe_number(self.conn, parcel, wish.number, key, self.now, self.run_id)
        else:
            by_hand.correct(self.conn, parcel, self.now, number=wish.number)
            await_order(self.conn, parcel.account, parcel.order_id, self.now)
        return {"tracking_number": parcel.tracking_number}, {"tracking_number": wish.number}

    def claim(self, wish: Wish, parcel: Parcel, _: str) -> Changed:
        held, wanted = claims.held(self.conn, parcel.shipment_id), OF_CLAIMS[wish.action]
        if wrong := objection(parcel.name, held, wanted):
            raise ValueError(wrong)
        if wanted is ClaimState.OPEN:
            rule = rule_for(parcel.carrier or "", self.settings.claim_days)
            claims.open_by_hand(
                self.conn, parcel.shipment_id, wish.claim or Reason.LATE, within=rule.within, by=self.done_by,
                note=wish.reason, now=self.now,
            )  # fmt: skip
        else:
            claims.move(
                self.conn, parcel.shipment_id, wanted, protocol=wish.protocol, amount=wish.amount, by=self.done_by,
                note=wish.reason, now=self.now,
            )  # fmt: skip
        return claim_in(held), claim_in(claims.held(self.conn, parcel.shipment_id))

    # To messages: what becomes of one

    def release(self, message: Message, _: str) -> dict[str, object]:
        if message.state not in {"dead", "unknown"}:
            raise ValueError(f"notice {message.notice_id} is {message.state}: only dead and unknown ones are released")
        by_hand.release(self.conn, message, self.now)
        return {"state": "owed"}

    def drop(self, message: Message, _: str) -> dict[str, object]:
        if message.state not in {"dead", "unknown", "owed"}:
            raise ValueError(f"notice {message.notice_id} is {message.state}, and there is nothing to drop")
        by_hand.drop(self.conn, message, self.now)
        return {"state": "dropped"}

    def resend(self, message: Message, key: str) -> dict[str, object]:
        if message.channel != "email" or message.state not in {"sent", "dropped", "superseded"}:
            raise ValueError(
                f"notice {message.notice_id} is no mail that was sent ({message.channel}, {message.state}); what is "
                "dead or unknown is released"
            )
        if message.skip:
            raise ValueError(f"the parcel of notice {message.notice_id} is not followed: {message.skip}")
        if message.kind != message.status:
            raise ValueError(
                f"the mail of notice {message.notice_id} says {message.kind}, and {message.tracking_number} is "
                f"{message.status} now: it would tell something false"
            )
        return {"owed_again": by_hand.owe_again(self.conn, message, f"again {key}", self.now, self.run_id)}


TO_PARCEL = {
    Action.ADD_EVENT: Hand.tell,
    Action.CONFIRM_DELIVERY: Hand.tell,
    Action.UNDO: Hand.undo,
    Action.POLL_NOW: Hand.poll_now,
    Action.PAUSE: Hand.pause,
    Action.RESUME: Hand.resume,
    Action.CHANGE_CARRIER: Hand.change_carrier,
    Action.CHANGE_NUMBER: Hand.change_number,
    **dict.fromkeys(OF_CLAIMS, Hand.claim),
}
TO_MESSAGE = {Action.RESEND_MAIL: Hand.resend, Action.RELEASE: Hand.release, Action.DROP: Hand.drop}
QUIET = frozenset({Action.PAUSE, Action.DROP, *OF_CLAIMS})  # nothing follows from these


def act(
    conn: Connection[Any],
    wishes: Sequence[Wish],
    settings: Settings,
    carriers: Sequence[str],
    *,
    done_by: str,
    run_id: str,
    now: datetime,
) -> Figures:
    """
    Everything that is wished, in one transaction.

    :raises Misconfigured: something of it cannot be done; then nothing is.
    """
    figures = Figures()
    with conn.transaction():
        loading.begin(conn, now)
        hand = Hand(
            conn=conn, settings=settings, carriers=frozenset(carriers), done_by=done_by, run_id=run_id, now=now,
            earlier=by_hand.begin(conn, run_id),
        )  # fmt: skip
        wrong = []
        for wish in wishes:
            try:
                acts = list(hand.act(wish))
                if not acts and wish.action is Action.UNDO:
                    raise ValueError(f"nothing was told by hand of {wish.named}")  # noqa: TRY301
            except ValueError as error:
                wrong.append(f"line {wish.line}: {error}" if wish.line else str(error))
                continue
            figures.done += len(acts)
            figures.before += sum(one.key in hand.earlier for one in acts)
            figures.retry_quarantine |= wish.action is Action.RETRY_QUARANTINE
            if wish.action not in QUIET:
                figures.follow += [one.order_id for one in acts if one.order_id]
        if wrong:
            more = "; and more" if len(wrong) > 20 else ""
            raise Misconfigured(f"Nothing was done. {'; '.join(wrong[:20])}{more}")
    figures.follow = list(dict.fromkeys(figures.follow))
    return figures


def out_of(at: datetime, now: datetime) -> str:
    return "that is not yet" if at > now else "that is before it was sent"


def state_in(state: State) -> dict[str, object]:
    return {"status": state.status.value, "since": moment(state.since)}


def claim_in(held: Held | None) -> dict[str, object]:
    if held is None:
        return {"claim": None}
    money = {name: str(amount) for name in ("asked", "paid") if (amount := getattr(held, name)) is not None}
    return {"claim": held.state.value, "for": held.reason.value, "protocol": held.protocol, **money}


def moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
