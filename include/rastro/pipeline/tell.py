"""
Tell receivers over HTTP what they are owed: order systems about every change, marketplaces about deliveries.

Claim, read, write once, read back, settle. A crash or a lost answer leaves a notice doubtful, and what is doubtful is
read before anything is written again.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec
from psycopg import Connection

from rastro.errors import (
    CredentialsRefused,
    Doubtful,
    Forbidden,
    Misconfigured,
    Permanent,
    RastroError,
    RateLimited,
    Rejected,
    Transient,
    Unreadable,
)
from rastro.models import EVERYTHING, Channel, NoticeState, Selection
from rastro.pipeline.messages import Telling, worked_out
from rastro.receivers import Answer, Message, Reading, Receiver
from rastro.sending import (
    BACK_OFF,
    Claimed,
    Settlement,
    after_write,
    before_write,
    hindered,
    in_doubt,
    later,
    refused,
)
from rastro.settings import Settings
from rastro.warehouse import outbox
from rastro.warehouse.connect import Connect
from rastro.warehouse.outbox import OrderKey
from rastro.warehouse.shipments import await_order

MISSED_IN_A_ROW = 3  # orders nobody answered about before the other side is held to be down
REFUSED_IN_A_ROW = 5  # refusals before they are held to be about all orders


@dataclass(slots=True, kw_only=True)
class Figures:
    """What telling one target came to; ``trouble`` is the error that ended or marred it."""

    sent: int = 0
    already: int = 0
    dropped: int = 0
    later: int = 0
    doubtful: int = 0
    dead: int = 0
    trouble: RastroError | None = None
    reached: bool = False
    missed_in_a_row: int = 0
    last_miss: Transient | None = None
    refusals: list[tuple[Sequence[Claimed], RastroError]] = field(default_factory=list)
    refused_in_a_row: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, settlement: Settlement) -> None:
        with self.lock:
            match settlement.state:
                case NoticeState.SENT if settlement.outcome == "already":
                    self.already += 1
                case NoticeState.SENT:
                    self.sent += 1
                case NoticeState.DROPPED | NoticeState.SUPERSEDED:
                    self.dropped += 1
                case NoticeState.UNKNOWN:
                    self.doubtful += 1
                case NoticeState.DEAD:
                    self.dead += 1
                case _:
                    self.later += 1

    def stop(self, trouble: RastroError) -> None:
        with self.lock:
            self.trouble = trouble

    def miss(self, error: Transient) -> None:
        """An order about which the other side could not be reached: one may be bad luck, several are trouble."""
        with self.lock:
            self.missed_in_a_row, self.last_miss = self.missed_in_a_row + 1, error
            if self.missed_in_a_row >= MISSED_IN_A_ROW:
                self.trouble = error

    def reach(self) -> None:
        with self.lock:
            self.reached, self.missed_in_a_row, self.refused_in_a_row = True, 0, 0

    def refuse(self, notices: Sequence[Claimed], error: RastroError) -> None:
        """The other side says no: about this order, or about all of them, which only the others will tell."""
        with self.lock:
            self.reached, self.missed_in_a_row = True, 0
            self.refusals.append((notices, error))
            self.refused_in_a_row += 1
            if self.refused_in_a_row >= REFUSED_IN_A_ROW:
                said = f"{self.refused_in_a_row} refused in a row, so nothing more is told for now. The last: {error}"
                self.trouble = error if isinstance(error, Forbidden) else Rejected(said)

    def judged(self) -> list[tuple[Sequence[Claimed], RastroError, bool]]:
        """What was refused, each with whether that was about its own order alone."""
        many = self.refused_in_a_row >= REFUSED_IN_A_ROW
        alone = len(self.refusals) - (self.refused_in_a_row if many else 0)
        return [
            (notices, error, place < alone and (self.sent > 0 or not isinstance(error, Forbidden)))
            for place, (notices, error) in enumerate(self.refusals)
        ]

    def as_numbers(self) -> dict[str, int]:
        names = ("sent", "already", "dropped", "later", "doubtful", "dead")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """
    One receiver and what is owed to it. ``pages`` gives each carrier's own page about a number, by its code.
    """

    channel: Channel
    target: str
    receiver: Receiver
    connect: Connect
    settings: Settings
    pages: Mapping[str, Callable[[str], str]]
    run_id: str
    clock: Callable[[], datetime]
    selection: Selection = EVERYTHING
    name: str = field(default_factory=lambda: uuid4().hex)

    def tell(self) -> Figures:
        """
        Everything owed to the target now; the figures' ``trouble`` is what kept some of it from being told.
        """
        figures = Figures()
        with self.connect() as conn:
            orders = outbox.open_orders(conn, self.channel, self.target, self.clock(), self.selection)
        waiting = shared(orders)
        hands = min(self.settings.tellers, len(orders))
        with ThreadPoolExecutor(max(hands, 1), thread_name_prefix="tell") as threads:
            for done in [threads.submit(self._work, waiting, figures) for _ in range(hands)]:
                done.result()
        self._settle_refusals(figures)
        if not figures.reached:
            figures.trouble = figures.trouble or figures.last_miss
        if figures.trouble is figures.last_miss is not None:  # a retry before the notices' own pause would find nothing
            figures.trouble = Transient(str(figures.last_miss), retry_after=BACK_OFF[0].total_seconds())
        return figures

    def _settle_refusals(self, figures: Figures) -> None:
        """They are held until it shows whether others get through."""
        judged = figures.judged()
        if not judged:
            return
        with self.connect() as conn:
            for notices, error, alone in judged:
                if isinstance(error, Forbidden) and not alone:
                    figures.trouble = figures.trouble or error
                self._settle(conn, notices, refused(error, notices, self.clock(), alone=alone), figures)

    def _work(self, waiting: Iterator[OrderKey], figures: Figures) -> None:
        with self.connect() as conn:
            for order in waiting:
                if figures.trouble:
                    return
                self._tell_about(conn, order, figures)

    def _tell_about(self, conn: Connection[Any], order: OrderKey, figures: Figures) -> None:
        now = self.clock()
        claimed = outbox.claim(
            conn, self.channel, self.target, order, now=now, lease_until=now + self.settings.lease,
            claimed_by=self.name, run_id=self.run_id,
        )  # fmt: skip
        conn.commit()
        if not claimed:
            return
        tellings, left = worked_out(conn, self.channel, order, claimed, self.pages, self.settings)
        conn.commit()
        for telling in tellings:
            self._deliver(conn, order.account, telling, figures)
        for notices, settlement in left:
            self._settle(conn, notices, settlement, figures)

    def _deliver(self, conn: Connection[Any], account: str, telling: Telling, figures: Figures) -> None:
        message, notices = telling.message, telling.notices
        ours = outbox.hand_over(
            conn, notices, rendered=msgspec.to_builtins(message), message_id=message.key, recipient=self.target,
            claimed_by=self.name, lease_until=self.clock() + self.settings.lease,
        )  # fmt: skip
        if not ours:
            conn.rollback()
            return
        conn.commit()
        try:
            settlement = self._tell_once(message, notices)
        except Forbidden as error:
            figures.refuse(notices, error)
            return
        except (CredentialsRefused, Misconfigured, RateLimited) as error:
            figures.stop(error)  # not this notice's fault: it stays owed, and so do the others
            settlement = hindered(error, notices, self.clock())
        except Transient as error:
            figures.miss(error)
            settlement = later(error, notices, self.settings, self.clock())
        else:
            if settlement.is_refusal:
                figures.refuse(notices, Rejected(settlement.reason))
                return
            figures.reach()
        if settlement.outcome == Reading.CHANGED or message.new_number:
            await_order(conn, account, message.order_id, self.clock())
        self._settle(conn, notices, settlement, figures)

    def _settle(
        self, conn: Connection[Any], notices: Sequence[Claimed], settlement: Settlement, figures: Figures
    ) -> None:
        outbox.settle(conn, notices, settlement, now=self.clock(), claimed_by=self.name)
        conn.commit()
        figures.count(settlement)

    def _tell_once(self, message: Message, notices: Sequence[Claimed]) -> Settlement:
        """
        :raises CredentialsRefused, Misconfigured, RateLimited: nothing more can be told to this target now.
        :raises Transient: it could not be reached about this order.
        """
        now = self.clock()
        try:
            held = self.receiver.read(message)
        except (CredentialsRefused, Misconfigured, Transient):
            raise
        except Unreadable as error:  # a gateway's page, say: what makes no sense now may make sense later
            raise Transient(str(error)) from error
        except RastroError as error:
            return Settlement(state=NoticeState.DEAD, reason=str(error))
        settled = before_write(held, notices, self.settings, now, repeat_is_safe=self.receiver.repeat_is_safe)
        return settled or self._write(message, notices, now)

    def _write(self, message: Message, notices: Sequence[Claimed], now: datetime) -> Settlement:
        try:
            receipt = self.receiver.write(message)
        except Doubtful as error:
            return in_doubt(str(error), notices, self.settings, now)
        except (CredentialsRefused, Misconfigured, Transient):
            raise
        except Unreadable as error:  # what it looks up before it writes; nothing was written
            raise Transient(str(error)) from error
        except Permanent as error:
            return self._refused(message, error)
        try:
            held: Answer | RastroError = self.receiver.read(message)
        except RastroError as error:
            held = error
        return after_write(receipt, held, notices, self.settings, now)

    def _refused(self, message: Message, error: Permanent) -> Settlement:
        """The end of a write that was refused: what somebody else told meanwhile is refused, too."""
        if isinstance(error, Rejected):
            with suppress(RastroError):
                held = self.receiver.read(message)
                if held.reading is Reading.DONE:
                    return Settlement(state=NoticeState.SENT, outcome="already", reason=held.reason)
        return Settlement(state=NoticeState.DEAD, reason=str(error))


def shared(orders: Sequence[OrderKey]) -> Iterator[OrderKey]:
    """An iterator that several threads may take from."""
    lock = threading.Lock()
    rest = iter(orders)

    def take() -> OrderKey | None:
        with lock:
            return next(rest, None)

    return iter(take, None)
