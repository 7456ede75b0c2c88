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

from rastro.errors import CredentialsRefused, Doubtful, Misconfigured, RastroError, RateLimited, Transient
from rastro.http import Pace
from rastro.mail.compose import BadAddress, Sender, Stamp, address_hash, compose, masked
from rastro.mail.languages import language_for
from rastro.mail.render import Mail, Rendered, render
from rastro.mail.render import Parcel as MailedParcel
from rastro.mail.replies import HardRefusal, Unreachable
from rastro.mail.smtp import Postman
from rastro.models import Channel, NoticeState, Status
from rastro.orders.base import Contact, OrderSource
from rastro.pipeline.tell import UNTIL_A_PERSON_LOOKS, Figures, hindered, later, page_about
from rastro.settings import Settings
from rastro.warehouse import outbox
from rastro.warehouse.connect import Connect
from rastro.warehouse.outbox import Claimed, OrderKey, Parcel, Settlement

LOCAL = ZoneInfo("America/Sao_Paulo")


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
    name: str = field(default_factory=lambda: uuid4().hex)

    def mail(self) -> Figures:
        """
        Every mail owed now, to the customers of every source that leaves mailing to us; the figures' ``trouble`` is
        what kept some from being sent. A source that cannot be used does not keep the others' customers waiting.
        """
        figures = Figures()
        pace = Pace(self.settings.mails_per_second)
        with self.connect() as conn, self.postman:
            for account in outbox.open_targets(conn, self.clock()).get(Channel.EMAIL, []):
                try:
                    source = self.source_of(account)
                except RastroError as error:
                    figures.stop(error)
                    continue
                before = figures.trouble
                for order in outbox.open_orders(conn, Channel.EMAIL, account, self.clock()):
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
        parcels = outbox.parcels_of(conn, order)
        for kind in dict.fromkeys(notice.kind for notice in claimed):
            alike = [notice for notice in claimed if notice.kind == kind]
            for some, settlement in reconsidered(alike, parcels, self.settings, now):
                self._settle(conn, some, settlement, figures)
                alike = [notice for notice in alike if notice not in some]
            if alike:
                settlement = self._send(conn, alike, order, parcels, source, pace, figures)
                self._settle(conn, alike, settlement, figures)

    def _send(
        self, conn: Connection[Any], notices: Sequence[Claimed], order: OrderKey, parcels: Sequence[Parcel],
        source: OrderSource, pace: Pace, figures: Figures,
    ) -> Settlement:  # fmt: skip
        """One mail about the parcels these notices concern, and how it ended."""
        try:
            contact = source.contact(order.order_id)
            if contact is None:
                return Settlement(state=NoticeState.DROPPED, reason="the order has no address that may be written to")
            hashed = address_hash(contact.email, self.address_key)
            if outbox.is_suppressed(conn, hashed):
                return Settlement(state=NoticeState.DROPPED, reason="the mail server refused this address before")
            rendered = render(self._mail(notices, order, parcels, contact))
            stamp = Stamp(
                notice=str(notices[0].notice_id),
                message_id=notices[0].message_id or self._message_id(notices),
                date=self.clock().astimezone(LOCAL),
                language=language_for(contact.locale or parcels[0].locale),
            )
            message = compose(
                rendered, to=contact.email, first_name=contact.first_name, sender=self.sender, stamp=stamp
            )
            self._store(conn, notices, rendered, stamp.message_id, masked(contact.email))
            pace.wait()
            reply = self.postman.send(message)
        except HardRefusal as error:
            outbox.suppress(conn, hashed, "the mail server refused it for good", self.clock())
            return Settlement(state=NoticeState.DROPPED, reason=str(error))
        except BadAddress as error:
            return Settlement(state=NoticeState.DROPPED, reason=str(error))
        except (CredentialsRefused, Misconfigured, RateLimited, Unreachable) as error:
            figures.stop(error)
            return hindered(error, notices, self.clock())
        except Doubtful as error:
            return self._doubtful(error, notices)
        except Transient as error:
            return later(error, notices, self.settings, self.clock())
        except RastroError as error:
            return Settlement(state=NoticeState.DEAD, reason=str(error))
        return Settlement(state=NoticeState.SENT, outcome="accepted", answer=f"{reply.code} {reply.text}")

    def _doubtful(self, error: Doubtful, notices: Sequence[Claimed]) -> Settlement:
        again = self.settings.resend_doubtful_mail and max(notice.attempts for notice in notices) == 1
        pause = self.settings.lease if again else UNTIL_A_PERSON_LOOKS
        return Settlement(state=NoticeState.UNKNOWN, reason=str(error), not_before=self.clock() + pause)

    def _settle(
        self, conn: Connection[Any], notices: Sequence[Claimed], settlement: Settlement, figures: Figures
    ) -> None:
        outbox.settle(conn, notices, settlement, now=self.clock(), claimed_by=self.name, run_id=self.run_id)
        conn.commit()
        figures.count(settlement)

    def _store(
        self, conn: Connection[Any], notices: Sequence[Claimed], rendered: Rendered, message_id: str, recipient: str
    ) -> None:
        outbox.store_rendering(
            conn, notices, rendered=msgspec.to_builtins(rendered), message_id=message_id, recipient=recipient
        )
        conn.commit()

    def _message_id(self, notices: Sequence[Claimed]) -> str:
        domain = self.settings.mail_from.rpartition("@")[2]
        return f"<rastro.{notices[0].notice_id}.{notices[0].kind}@{domain}>"

    def _mail(self, notices: Sequence[Claimed], order: OrderKey, parcels: Sequence[Parcel], contact: Contact) -> Mail:
        followed = [parcel for parcel in parcels if not parcel.skip]
        concerned = {notice.shipment_id: notice for notice in notices}
        kind = notices[0].kind
        all_delivered = all(parcel.status is Status.DELIVERED for parcel in followed)
        partly = kind == Status.DELIVERED and not all_delivered
        language = language_for(contact.locale or parcels[0].locale)
        return Mail(
            message="delivered_partly" if partly else kind,
            language=language,
            order_id=order.order_id,
            shop_name=self.settings.shop_name,
            parcels=tuple(
                self._parcel(parcel, position, concerned[parcel.shipment_id])
                for position, parcel in enumerate(followed, start=1)
                if parcel.shipment_id in concerned
            ),
            total_parcels=len(followed),
            help_url=self.settings.help_url,
        )

    def _parcel(self, parcel: Parcel, position: int, notice: Claimed) -> MailedParcel:
        return MailedParcel(
            tracking_number=parcel.tracking_number,
            carrier_name=self.carrier_names.get(parcel.carrier or "", parcel.courier),
            occurred_at=notice.event_at.astimezone(LOCAL),
            city=parcel.city,
            state=parcel.state,
            estimated=parcel.estimated_at.astimezone(LOCAL).date() if parcel.estimated_at else None,
            pickup=parcel.pickup,
            position=position,
            tracking_url=page_about(parcel, self.pages),
        )


def reconsidered(
    notices: Sequence[Claimed], parcels: Sequence[Parcel], settings: Settings, now: datetime
) -> list[tuple[list[Claimed], Settlement]]:
    """Those that must not be sent after all, with the reason: overtaken, too old by now, or of unknown fate."""
    status = {parcel.shipment_id: parcel.status for parcel in parcels if not parcel.skip}
    out = []
    for notice in notices:
        if notice.doubtful and not (settings.resend_doubtful_mail and notice.attempts == 2):
            reason = "an earlier attempt may have gone out, and a mail cannot be asked back; look, then release it"
            waits = Settlement(state=NoticeState.UNKNOWN, reason=reason, not_before=now + UNTIL_A_PERSON_LOOKS)
            out.append(([notice], waits))
        elif status.get(notice.shipment_id) != notice.kind:
            out.append(([notice], Settlement(state=NoticeState.SUPERSEDED, reason="the parcel has moved on")))
        elif notice.expires_at and notice.expires_at <= now:
            out.append(([notice], Settlement(state=NoticeState.DROPPED, reason="too old to be news")))
    return out
