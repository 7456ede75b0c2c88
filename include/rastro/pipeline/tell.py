"""
Tell receivers over HTTP what they are owed: order systems about every change, marketplaces about deliveries.

Claim, read, write once, read back, settle. A crash or a lost answer leaves a notice doubtful, and what is doubtful is
read before anything is written again.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

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
from rastro.models import EVERYTHING, SHIPPED, Channel, NoticeState, Selection, Status
from rastro.notices import NUMBER
from rastro.receivers import Answer, Message, Progress, Reading, Receiver
from rastro.sending import (
    BACK_OFF,
    MOVED_ON,
    Claimed,
    Settlement,
    after_write,
    before_go_live,
    before_write,
    hindered,
    in_doubt,
    later,
    not_of_all,
    one_by_one,
    refused,
)
from rastro.settings import Settings
from rastro.warehouse import outbox
from rastro.warehouse.connect import Connect
from rastro.warehouse.outbox import Line, OrderKey, Parcel
from rastro.warehouse.shipments import await_order

LOCAL = ZoneInfo("America/Sao_Paulo")
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

    def _deliver(self, conn: Connection[Any], account: str, telling: "Telling", figures: Figures) -> None:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One message about one package, and the notices that it settles."""

    notices: Sequence[Claimed]
    message: Message


def worked_out(
    conn: Connection[Any],
    channel: Channel,
    order: OrderKey,
    claimed: Sequence[Claimed],
    pages: Mapping[str, Callable[[str], str]],
    settings: Settings,
) -> tuple[list[Telling], list[tuple[list[Claimed], Settlement]]]:
    """
    What is told about an order, and the notices that are not told, with the reason.

    An order system is told all about a package at once, and before that its right number; a marketplace step by step.
    """
    held = outbox.parcels_of(conn, order)
    parcels = [parcel for parcel in held if not parcel.skip]
    followed = {parcel.shipment_id for parcel in parcels}
    numbers = tuple(dict.fromkeys(parcel.tracking_number for parcel in held))
    news = [notice for notice in claimed if notice.kind != NUMBER]
    tellings, left = [about_number(notice, held, pages) for notice in claimed if notice.kind == NUMBER], []
    for package in packages(parcels):
        mine = [notice for notice in news if notice.shipment_id in {one.shipment_id for one in package}]
        if not mine:
            continue
        lines = outbox.history_of(conn, [parcel.shipment_id for parcel in package])
        message = replace(
            message_about(mine, package, lines, pages), others=others_of(package[0], parcels), numbers=numbers
        )
        if dropped := before_go_live(mine, message.delivered_at, settings.cut_off(order.account)):
            left.append((mine, dropped))
        elif channel is Channel.MARKETPLACE:
            statuses = {parcel.shipment_id: parcel.status for parcel in package}
            steps = one_by_one(mine, statuses)
            for step in steps:
                if kept := not_of_all(step, statuses.values()):
                    left.append((step, kept))
                else:
                    told_as = replace(message, key=key_of_step(order, message.invoice_number, step))
                    tellings.append(Telling(notices=step, message=about_step(told_as, step, lines)))
            told = {notice.notice_id for step in steps for notice in step}
            if overtaken := [notice for notice in mine if notice.notice_id not in told]:
                left.append((overtaken, Settlement(state=NoticeState.SUPERSEDED, reason=MOVED_ON)))
        else:
            tellings.append(Telling(notices=mine, message=message))
    if gone := [notice for notice in news if notice.shipment_id not in followed]:
        left.append((gone, Settlement(state=NoticeState.DROPPED, reason="the parcel is no longer followed")))
    return tellings, left


def about_number(notice: Claimed, held: Sequence[Parcel], pages: Mapping[str, Callable[[str], str]]) -> Telling:
    """Another number for a parcel, which may have been read back from the order already and be the parcel's own."""
    (parcel,) = (one for one in held if one.shipment_id == notice.shipment_id)
    message = message_about([notice], [parcel], (), pages)
    return Telling(notices=[notice], message=replace(message, new_number=notice.facts["number"]))


def about_step(message: Message, step: Sequence[Claimed], lines: Sequence[Line]) -> Message:
    """
    The message about one step of a package's way, as things stood then: its history ends with what the step is about.

    :param lines: those that the message's history was made from, one by one.
    """
    status, last = Status(step[0].kind), max(step, key=lambda notice: notice.event_at)
    if status is Status.DELIVERED:
        return message
    until = [place for place, line in enumerate(lines) if line.occurred_at <= last.event_at]
    itself = [place for place in until if is_about(lines[place], last)]
    end = max(itself or until, default=len(lines))
    return replace(message, status=status, history=message.history[: end + 1], delivered_at=None)


def is_about(line: Line, notice: Claimed) -> bool:
    """Whether a line is the event of which a notice is; that a parcel is shipped, any word may have said first."""
    same = (line.shipment_id, line.occurred_at) == (notice.shipment_id, notice.event_at)
    return same and line.status in (SHIPPED if notice.kind == Status.IN_TRANSIT else {Status(notice.kind)})


def others_of(first: Parcel, parcels: Sequence[Parcel]) -> tuple[Status, ...]:
    """Where the other parcels are that a marketplace knows under the same order."""
    return tuple(
        parcel.status
        for parcel in parcels
        if parcel is not first and parcel.marketplace_order_id == first.marketplace_order_id
    )


def shared(orders: Sequence[OrderKey]) -> Iterator[OrderKey]:
    """An iterator that several threads may take from."""
    lock = threading.Lock()
    rest = iter(orders)

    def take() -> OrderKey | None:
        with lock:
            return next(rest, None)

    return iter(take, None)


def packages(parcels: Sequence[Parcel]) -> Iterator[list[Parcel]]:
    """Parcels that share an invoice: what a receiver knows as one package."""
    for invoice in dict.fromkeys(parcel.invoice_number for parcel in parcels):
        yield [parcel for parcel in parcels if parcel.invoice_number == invoice]


def page_about(parcel: Parcel, pages: Mapping[str, Callable[[str], str]]) -> str:
    """Where people see the parcel: the link its order has, else the carrier's page."""
    page = pages.get(parcel.carrier or "")
    return parcel.tracking_url or (page(parcel.tracking_number) if page and parcel.tracking_number else "")


def key_of(notices: Sequence[Claimed]) -> str:
    """What a message is known by to its receiver, on every attempt."""
    return f"notice_{min(notice.notice_id for notice in notices)}"


def key_of_step(order: OrderKey, invoice_number: str, step: Sequence[Claimed]) -> str:
    """
    What a step of a package's way is known by to its receiver, whichever of its parcels it is owed for.

    What may have arrived keeps the name under which it went out.
    """
    first = min(step, key=lambda notice: notice.notice_id)
    if before := next((notice.message_id for notice in step if notice.doubtful and notice.message_id), ""):
        return before
    named = msgspec.json.encode((order.account, order.order_id, invoice_number, first.kind, first.content))
    return f"package_{hashlib.sha256(named).hexdigest()[:32]}"


def message_about(
    notices: Sequence[Claimed],
    package: Sequence[Parcel],
    lines: Sequence[Line],
    pages: Mapping[str, Callable[[str], str]],
) -> Message:
    """What is told about one package now: all of its history, and its delivery when every parcel has arrived."""
    number_of = {parcel.shipment_id: parcel.tracking_number for parcel in package}
    several = len(package) > 1
    first = package[0]
    delivered = [parcel.delivered_at for parcel in package if parcel.delivered_at]
    complete = len(delivered) == len(package)
    return Message(
        key=key_of(notices),
        order_id=first.order_id,
        invoice_number=first.invoice_number,
        tracking_number=first.tracking_number,
        courier=first.courier,
        tracking_url=page_about(first, pages),
        status=Status.DELIVERED if complete else next(one.status for one in package if not one.delivered_at),
        history=tuple(
            Progress(
                occurred_at=line.occurred_at.astimezone(LOCAL),
                description=f"{number_of[line.shipment_id]}: {line.description}" if several else line.description,
                city=line.city,
                state=line.state,
            )
            for line in lines
        ),
        delivered_at=max(delivered).astimezone(LOCAL) if complete else None,
        once_delivered=all(parcel.once_delivered for parcel in package),
        estimated_at=first.estimated_at,
        marketplace_order_id=first.marketplace_order_id,
        marketplace_endpoint=first.marketplace_endpoint,
    )
