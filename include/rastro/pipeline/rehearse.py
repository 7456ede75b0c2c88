"""
A dry run: work out all that would be told to whom now, keep it to be looked at, and tell nobody.

What is staged is loaded, claimed and worded by the very code of a real run, in a transaction that is rolled back. Then
the receivers are read, as before every sending, to see what they know already. Nothing is written anywhere but in
``rastro.rehearsal``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import msgspec
from psycopg import Connection, Rollback

from rastro.errors import CredentialsRefused, Forbidden, Misconfigured, RastroError, RateLimited, Transient
from rastro.mail.compose import address_hash, masked
from rastro.mail.render import render
from rastro.models import EVERYTHING, Channel, Selection
from rastro.orders.base import Contact, OrderSource
from rastro.pipeline import alert_shop, mail_customers, messages, tell
from rastro.pipeline.load import load
from rastro.receivers import Answer, Message, Reading, Receiver
from rastro.sending import Claimed, Settlement, held_back, over_cap
from rastro.settings import Settings
from rastro.warehouse import outbox, rehearsals
from rastro.warehouse.connect import Connect
from rastro.warehouse.outbox import OrderKey
from rastro.warehouse.rehearsals import Rehearsed

T = TypeVar("T")

AT_A_TIME = 100
NOBODY = "dry run"  # who holds the claims that are rolled back
VERDICTS = {
    Reading.OWED: "send",
    Reading.CANNOT_ASK: "send",
    Reading.DONE: "keep",
    Reading.CLOSED: "drop",
    Reading.CHANGED: "wait",
    Reading.NOT_READY: "wait",
    Reading.INCOMPLETE: "wait",
}


@dataclass(slots=True, kw_only=True)
class WorkedOut:
    """What a run would have to tell, before the other sides are asked what they know."""

    owed: dict[Channel, int] = field(default_factory=dict)
    tellings: list[tuple[Channel, str, OrderKey, messages.Telling]] = field(default_factory=list)
    letters: list[tuple[OrderKey, mail_customers.Letter]] = field(default_factory=list)
    settled: list[Rehearsed] = field(default_factory=list)

    def count(self, channel: Channel, *together: Sequence[Claimed]) -> None:
        self.owed[channel] = self.owed.get(channel, 0) + sum(map(len, together))


@dataclass(slots=True, kw_only=True)
class Side:
    """
    Somebody who is read; ``open`` makes the adapter. Once it is clear that nobody answers, nobody is asked again, and
    everything else meets the same trouble.
    """

    open: Callable[[], Any]
    adapter: Any = None
    trouble: RastroError | None = None
    misses: int = 0

    def ask(self, question: Callable[[Any], T]) -> T:
        """
        :raises RastroError: it cannot be asked now.
        """
        if self.trouble:
            raise self.trouble
        try:
            self.adapter = self.adapter or self.open()
            answer = question(self.adapter)
        except (Forbidden, Transient) as error:
            self.misses += 1
            many = self.misses >= tell.MISSED_IN_A_ROW or isinstance(error, RateLimited)
            self.trouble = error if many else None
            raise
        except (CredentialsRefused, Misconfigured) as error:
            self.trouble = error
            raise
        self.misses = 0
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """Everything needed to work out what is owed to everybody, and to ask the other sides what they know already."""

    source_of: Callable[[str], OrderSource]
    marketplace_of: Callable[[str], Receiver]
    carrier_names: Mapping[str, str]
    pages: Mapping[str, Callable[[str], str]]
    address_key: bytes = field(repr=False)
    connect: Connect
    settings: Settings
    run_id: str
    clock: Callable[[], datetime]
    selection: Selection = EVERYTHING

    def rehearse(self, before_load: Callable[[Connection[Any]], None]) -> dict[str, object]:
        """
        Messages by channel and verdict, and the sentences about limits that a real run would stop at.

        A side that cannot be asked makes the messages to it wait, with the reason.

        :param before_load: what comes before the load, in the transaction that is rolled back.
        """
        worked_out = self._work_out(before_load)
        with self.connect() as conn:
            rehearsals.forget(conn, self.run_id)
            for count, rehearsed in enumerate(self._verdicts(conn, worked_out), start=1):
                rehearsals.add(conn, rehearsed, self.clock(), self.run_id)
                if count % AT_A_TIME == 0:
                    conn.commit()
            counts = rehearsals.counts(conn, self.run_id)
        held = held_back(worked_out.owed, self.settings.most_notices, ())
        figures: dict[str, object] = {f"{channel} {verdict}": messages for channel, verdict, messages in counts}
        return figures | {f"{channel} limit": sentence for channel, sentence in held.items()}

    def _work_out(self, before_load: Callable[[Connection[Any]], None]) -> WorkedOut:
        found = WorkedOut()
        with self.connect() as conn, conn.transaction():
            now = self.clock()
            before_load(conn)
            load(conn, self.settings, now=now, run_id=self.run_id)
            found.settled += rehearsals.dropped_by(conn, self.run_id, self.selection)
            outbox.owe_reminders(conn, self.settings.pickup_reminder_days, now, self.run_id)
            outbox.settle_rerouted(conn, now)
            for channel, targets in outbox.open_targets(conn, now, self.selection).items():
                if channel is Channel.ALERT and not self.settings.alert_to:
                    continue
                for target in targets:
                    for order in outbox.open_orders(conn, channel, target, now, self.selection):
                        with conn.transaction(force_rollback=True):  # which gives back the order's lock, too
                            self._one_order(conn, channel, target, order, found)
            raise Rollback
        return found

    def _one_order(
        self, conn: Connection[Any], channel: Channel, target: str, order: OrderKey, found: WorkedOut
    ) -> None:
        now = self.clock()
        claimed = outbox.claim(
            conn, channel, target, order, now=now, lease_until=now, claimed_by=NOBODY, run_id=self.run_id
        )
        if not claimed:
            return  # somebody is telling them right now
        left: Sequence[tuple[Sequence[Claimed], Settlement]]
        match channel:
            case Channel.EMAIL:
                letters, singles = mail_customers.worked_out(conn, order, claimed, self.settings, now)
                found.letters += [(order, letter) for letter in letters]
                found.count(channel, *(letter.notices for letter in letters))
                left = [([notice], settlement) for notice, settlement in singles]
            case Channel.ALERT:
                alerts, singles = alert_shop.worked_out(conn, order, claimed, self.settings, self.pages, now)
                found.settled += [alert_shop.rehearsed(order, letter, self.settings) for letter in alerts]
                found.count(channel, *(letter.notices for letter in alerts))
                left = [([notice], settlement) for notice, settlement in singles]
            case _:
                tellings, left = messages.worked_out(conn, channel, order, claimed, self.pages, self.settings)
                found.tellings += [(channel, target, order, telling) for telling in tellings]
                found.count(channel, *(telling.notices for telling in tellings))
        for notices, settlement in left:
            told = Rehearsed(
                channel=channel, target=target, account=order.account, order_id=order.order_id, kind=notices[0].kind,
                notices=len(notices), verdict="wait" if settlement.state.is_open else "drop", reason=settlement.reason,
            )  # fmt: skip
            found.settled.append(told)

    def _verdicts(self, conn: Connection[Any], worked_out: WorkedOut) -> Iterator[Rehearsed]:
        yield from worked_out.settled
        sides: dict[tuple[Channel, str], Side] = {}
        for channel, target, order, telling in worked_out.tellings:
            side = sides.setdefault((channel, target), Side(open=partial(self._receiver, channel, target)))
            verdict, reason = read(side, telling.message)
            yield Rehearsed(
                channel=channel, target=target, account=order.account, order_id=order.order_id,
                invoice_number=telling.message.invoice_number, kind=telling.notices[0].kind,
                notices=len(telling.notices), verdict=verdict, reason=reason,
                rendered=msgspec.to_builtins(telling.message), recipient=target,
            )  # fmt: skip
        for order, letter in worked_out.letters:
            account = order.account
            side = sides.setdefault((Channel.EMAIL, account), Side(open=partial(self.source_of, account)))
            yield self._mail(conn, order, letter, side)

    def _receiver(self, channel: Channel, target: str) -> Receiver:
        if channel is Channel.MARKETPLACE:
            return self.marketplace_of(target)
        receiver = self.source_of(target).receiver
        if receiver is None:
            raise Misconfigured("nothing can be written back to this source")
        return receiver

    def _mail(self, conn: Connection[Any], order: OrderKey, letter: mail_customers.Letter, side: Side) -> Rehearsed:
        def outcome(verdict: str, reason: str = "", **more: Any) -> Rehearsed:
            return Rehearsed(
                channel=Channel.EMAIL, target=order.account, account=order.account, order_id=order.order_id,
                kind=letter.kind, notices=len(letter.notices), verdict=verdict, reason=reason, **more,
            )  # fmt: skip

        try:
            contact: Contact | None = side.ask(
                lambda source: source.contact(order.order_id, to_receiver=letter.to_receiver)
            )
            if contact is None:
                return outcome("drop", mail_customers.NO_ADDRESS)
            hashed = address_hash(contact.email, self.address_key)
            if outbox.is_suppressed(conn, hashed):
                return outcome("drop", mail_customers.SUPPRESSED)
            before = mail_customers.mailed_before(conn, letter.notices, hashed, self.clock())
            if held := over_cap(before, letter.notices, self.settings):
                return outcome("drop", held.reason)
            mail = mail_customers.mail_about(letter, contact, self.settings, self.carrier_names, self.pages)
            rendered = msgspec.to_builtins(render(mail))
        except RastroError as error:
            return outcome("wait", str(error))
        return outcome("send", rendered=rendered, recipient=masked(contact.email))


def read(side: Side, message: Message) -> tuple[str, str]:
    """What would become of a message by what the receiver holds now, and why."""
    try:
        held: Answer = side.ask(lambda receiver: receiver.read(message))
    except RastroError as error:
        return "wait", str(error)
    return VERDICTS[held.reading], held.reason
