"""
Mail customers what they are owed, each message once.

The exact message is stored and committed before the mail server sees it, the address only looked up for the sending.
A mail whose fate nobody can tell is not sent again, unless the settings allow one repeat with the same Message-ID.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec
from psycopg import Connection

from rastro.errors import RastroError
from rastro.http import Pace
from rastro.languages import language_for
from rastro.mail.compose import BadAddress, Sender, Stamp, address_hash, compose, masked
from rastro.mail.render import Mail, Rendered, has_link, render
from rastro.mail.render import Parcel as MailedParcel
from rastro.mail.replies import HardRefusal
from rastro.mail.smtp import Postman
from rastro.models import EVERYTHING, Channel, NoticeState, Selection, Status
from rastro.orders.base import Contact, OrderSource
from rastro.pipeline.messages import page_about
from rastro.pipeline.post import hand_in, message_id, unsent
from rastro.pipeline.tell import Figures
from rastro.sending import Claimed, MailedBefore, Settlement, by_mail, over_cap, reconsidered
from rastro.settings import Settings
from rastro.warehouse import outbox, tracking_links
from rastro.warehouse.connect import Connect
from rastro.warehouse.outbox import OrderKey, Parcel

LOCAL = ZoneInfo("America/Sao_Paulo")
NO_ADDRESS = "the order has no address that may be written to"
SUPPRESSED = "the mail server refused this address before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailer:
    """
    Everything needed to mail the customers of several sources.

    :param source_of: the source of an account, where the customers' addresses are.
    :param carrier_names: how customers know each carrier, by code.
    :param pages: each carrier's own page about a number, by code.
    :param address_key: keys the hashes by which refused addresses are remembered.
    """

    source_of: Callable[[str], OrderSource]
    carrier_names: Mapping[str, str]
    pages: Mapping[str, Callable[[str], str]]
    postman: Postman
    sender: Sender
    address_key: bytes = field(repr=False)
    connect: Connect
    settings: Settings
    run_id: str
    clock: Callable[[], datetime]
    selection: Selection = EVERYTHING
    name: str = field(default_factory=lambda: uuid4().hex)

    def mail(self) -> Figures:
        """
        Every mail owed now, to the customers of every source that leaves mailing to us; the figures' ``trouble`` is
        what kept some from being sent. A source that cannot be used does not keep the others' customers waiting.
        """
        figures = Figures()
        pace = Pace(self.settings.mails_per_second)
        with self.connect() as conn, self.postman:
            for account in outbox.open_targets(conn, self.clock(), self.selection).get(Channel.EMAIL, []):
                try:
                    source = self.source_of(account)
                except RastroError as error:
                    figures.stop(error)
                    continue
                before = figures.trouble
                for order in outbox.open_orders(conn, Channel.EMAIL, account, self.clock(), self.selection):
                    conn.commit()
                    self._mail_about(conn, account, order, source, pace, figures)
                    if figures.trouble is not before:
                        break
        return figures

    def _mail_about(
        self, conn: Connection[Any], account: str, order: OrderKey, source: OrderSource, pace: Pace, figures: Figures
    ) -> None:
        now = self.clock()
        claimed = outbox.claim(
            conn, Channel.EMAIL, account, order, now=now, lease_until=now + self.settings.lease, claimed_by=self.name,
            run_id=self.run_id,
        )  # fmt: skip
        conn.commit()
        if not claimed:
            return
        letters, left = worked_out(conn, order, claimed, self.settings, now)
        conn.commit()
        for notice, settlement in left:
            self._settle(conn, [notice], settlement, figures)
        for letter in letters:
            ended = self._send(conn, letter, source, pace, figures)
            if ended:
                self._settle(conn, letter.notices, ended, figures)

    def _send(
        self, conn: Connection[Any], letter: "Letter", source: OrderSource, pace: Pace, figures: Figures
    ) -> Settlement | None:
        """One mail and how it ended; None when the claim was lost meanwhile, and nothing was sent."""
        notices = letter.notices
        try:
            contact = source.contact(letter.order_id, to_receiver=letter.to_receiver)
            if contact is None:
                return Settlement(state=NoticeState.DROPPED, reason=NO_ADDRESS)
            hashed = address_hash(contact.email, self.address_key)
            if outbox.is_suppressed(conn, hashed):
                return Settlement(state=NoticeState.DROPPED, reason=SUPPRESSED)
            if held := over_cap(mailed_before(conn, notices, hashed, self.clock()), notices, self.settings):
                return held
            mail = mail_about(letter, contact, self.settings, self.carrier_names, self.pages)
            rendered = render(mail)
            if notices[0].doubtful:  # it goes out as it was
                rendered = msgspec.convert(outbox.rendering_of(conn, notices[0]), Rendered)
            stamp = Stamp(
                notice=str(notices[0].notice_id),
                message_id=message_id(notices, letter.kind, self.settings),
                date=self.clock().astimezone(LOCAL),
                language=mail.language,
            )
            page, link = self.settings.tracking_page, ""
            if page and has_link(rendered):  # committed before the mail leaves
                link = tracking_links.give_out(conn, letter.account, letter.order_id, page, self.clock())
            message = compose(
                rendered, to=contact.email, first_name=contact.first_name, sender=self.sender, stamp=stamp, link=link
            )
            return hand_in(
                conn, notices, rendered, message, recipient=masked(contact.email), recipient_hash=hashed,
                claimed_by=self.name, lease_until=self.clock() + self.settings.lease, postman=self.postman, pace=pace,
            )  # fmt: skip
        except HardRefusal as error:
            outbox.suppress(conn, hashed, "the mail server refused it for good", self.clock())
            return Settlement(state=NoticeState.DROPPED, reason=str(error))
        except BadAddress as error:
            return Settlement(state=NoticeState.DROPPED, reason=str(error))
        except RastroError as error:
            return unsent(error, notices, self.settings, self.clock(), figures)

    def _settle(
        self, conn: Connection[Any], notices: Sequence[Claimed], settlement: Settlement, figures: Figures
    ) -> None:
        outbox.settle(conn, notices, settlement, now=self.clock(), claimed_by=self.name)
        conn.commit()
        figures.count(settlement)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One mail to be: news of one kind about one order for one reader, and where all parcels of the order are."""

    account: str
    order_id: str
    notices: Sequence[Claimed]
    parcels: Sequence[Parcel]

    @property
    def kind(self) -> str:
        return self.notices[0].kind

    @property
    def to_receiver(self) -> bool:
        return self.notices[0].to_receiver

    @property
    def is_reminder(self) -> bool:
        return self.notices[0].is_reminder


def worked_out(
    conn: Connection[Any], order: OrderKey, claimed: Sequence[Claimed], settings: Settings, now: datetime
) -> tuple[list[Letter], list[tuple[Claimed, Settlement]]]:
    """What is mailed about an order, one letter a kind of news and reader, and the notices that are not, with why."""
    parcels = outbox.parcels_of(conn, order)
    statuses = {parcel.shipment_id: parcel.status for parcel in parcels if not parcel.skip}
    last_days = {one.shipment_id: one.pickup.deadline for one in parcels if one.pickup and one.pickup.deadline}
    cut_off = settings.cut_off(order.account)
    left = reconsidered(claimed, statuses, settings, now, last_days=last_days, cut_off=cut_off)
    out = {notice.notice_id for notice, _ in left}
    told = [notice for notice in claimed if notice.notice_id not in out]
    sorts = dict.fromkeys(map(sort_of, told))
    letters = [
        Letter(account=order.account, order_id=order.order_id, notices=alike, parcels=parcels)
        for sort in sorts
        for alike in by_mail([notice for notice in told if sort_of(notice) == sort])
    ]
    return letters, left


def mailed_before(
    conn: Connection[Any], notices: Sequence[Claimed], recipient_hash: str, now: datetime
) -> MailedBefore:
    """What the notices' reader was mailed before, about the parcel and today."""
    midnight = now.astimezone(LOCAL).replace(hour=0, minute=0, second=0, microsecond=0)
    return outbox.mailed_before(conn, notices, recipient_hash, midnight)


def sort_of(notice: Claimed) -> tuple[str, bool, bool]:
    """What notices have in common that may go in one mail."""
    return notice.kind, notice.to_receiver, notice.is_reminder


def mail_about(
    letter: Letter,
    contact: Contact,
    settings: Settings,
    carrier_names: Mapping[str, str],
    pages: Mapping[str, Callable[[str], str]],
) -> Mail:
    """What the letter says, in the customer's language if that is known, else in the order's."""
    followed = [parcel for parcel in letter.parcels if not parcel.skip]
    concerned = {notice.shipment_id: notice for notice in letter.notices}
    all_delivered = all(parcel.status is Status.DELIVERED for parcel in followed)
    message = "pickup_reminder" if letter.is_reminder else letter.kind
    if letter.kind == Status.DELIVERED and not all_delivered:
        message = "delivered_partly"
    return Mail(
        message=message,
        language=language_for(contact.locale or letter.parcels[0].locale, settings.mail_language),
        order_id=letter.order_id,
        shop_name=settings.shop_name,
        parcels=tuple(
            mailed_parcel(parcel, position, concerned[parcel.shipment_id].event_at, carrier_names, pages)
            for position, parcel in enumerate(followed, start=1)
            if parcel.shipment_id in concerned
        ),
        total_parcels=len(followed),
        to_receiver=letter.to_receiver,
        has_page=bool(settings.tracking_page),
        help_url=settings.help_url,
        logo=settings.shop_logo,
        colour=settings.shop_colour,
        markup=settings.mail_markup,
        templates=settings.mail_templates,
    )


def mailed_parcel(
    parcel: Parcel,
    position: int,
    occurred_at: datetime,
    carrier_names: Mapping[str, str],
    pages: Mapping[str, Callable[[str], str]],
) -> MailedParcel:
    return MailedParcel(
        tracking_number=parcel.tracking_number,
        carrier_name=carrier_names.get(parcel.carrier or "", parcel.courier),
        occurred_at=occurred_at.astimezone(LOCAL),
        city=parcel.city,
        state=parcel.state,
        estimated=parcel.estimated_at.astimezone(LOCAL).date() if parcel.estimated_at else None,
        pickup=parcel.pickup,
        reason=parcel.reason,
        position=position,
        tracking_url=page_about(parcel, pages),
    )
