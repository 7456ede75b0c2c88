"""
What an order's receivers are told: messages about its packages, made of what is claimed and of what is known by now.

An order system hears of all that a package has come to at once, a marketplace of one step after the other.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from psycopg import Connection

from rastro.models import SHIPPED, Channel, NoticeState, Status
from rastro.notices import NUMBER
from rastro.receivers import Message, Progress
from rastro.sending import MOVED_ON, Claimed, Settlement, before_go_live, not_of_all, one_by_one
from rastro.settings import Settings
from rastro.warehouse import outbox
from rastro.warehouse.outbox import Line, OrderKey, Parcel

LOCAL = ZoneInfo("America/Sao_Paulo")


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
