"""
Mail the shop's own people what only they can act on: parcels lost or returned, final states taken back.

One mail for each order, to all of ``alert_to`` at once: they are colleagues, and each sees who else knows. It goes to
all of them or to none, so that it has one outcome. An alert is a fact and never too old; when the parcel has moved on
since, the mail says where it is now.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec
from psycopg import Connection

from rastro.errors import Misconfigured, RastroError
from rastro.http import Pace
from rastro.languages import language_for
from rastro.mail.alert import Alert, Incident, render_alert
from rastro.mail.compose import BadAddress, Sender, Stamp, address_hash, enveloped, masked
from rastro.mail.render import Rendered
from rastro.mail.replies import HardRefusal
from rastro.mail.smtp import Postman
from rastro.models import EVERYTHING, Channel, NoticeState, Selection, Status
from rastro.pipeline.messages import page_about
from rastro.pipeline.post import hand_in, message_id, unsent
from rastro.pipeline.tell import Figures
from rastro.sending import UNTIL_A_PERSON_LOOKS, Claimed, Settlement, by_mail, why_of_unknown_fate
from rastro.settings import Settings
from rastro.warehouse import outbox
from rastro.warehouse.connect import Connect
from rastro.warehouse.outbox import OrderKey, Parcel
from rastro.warehouse.rehearsals import Rehearsed

LOCAL = ZoneInfo("America/Sao_Paulo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerter:
    """
    Everything needed to mail the shop.

    :param pages: each carrier's own page about a number, by code.
    :param address_key: keys the hash that is kept of the addresses.
    """

    postman: Postman
    sender: Sender
    pages: Mapping[str, Callable[[str], str]]
    address_key: bytes = field(repr=False)
    connect: Connect
    settings: Settings
    run_id: str
    clock: Callable[[], datetime]
    selection: Selection = EVERYTHING
    name: str = field(default_factory=lambda: uuid4().hex)

    def alert(self) -> Figures:
        """
        Every alert owed now; without anybody in ``alert_to`` none, and they stay listed. The figures' ``trouble`` is
        what kept some from being sent.
        """
        figures = Figures()
        if not self.settings.alert_to:
            return figures
        pace = Pace(self.settings.mails_per_second)
        with self.connect() as conn, self.postman:
            for account in outbox.open_targets(conn, self.clock(), self.selection).get(Channel.ALERT, []):
                for order in outbox.open_orders(conn, Channel.ALERT, account, self.clock(), self.selection):
                    conn.commit()
                    self._alert_about(conn, order, pace, figures)
                    if figures.trouble:
                        return figures
        return figures

    def _alert_about(self, conn: Connection[Any], order: OrderKey, pace: Pace, figures: Figures) -> None:
        now = self.clock()
        claimed = outbox.claim(
            conn, Channel.ALERT, order.account, order, now=now, lease_until=now + self.settings.lease,
            claimed_by=self.name, run_id=self.run_id,
        )  # fmt: skip
        conn.commit()
        if not claimed:
            return
        letters, left = worked_out(conn, order, claimed, self.settings, self.pages, now)
        conn.commit()
        for notice, settlement in left:
            self._settle(conn, [notice], settlement, figures)
        for letter in letters:
            ended = self._send(conn, letter, pace, figures)
            if ended:
                self._settle(conn, letter.notices, ended, figures)

    def _send(self, conn: Connection[Any], letter: "Letter", pace: Pace, figures: Figures) -> Settlement | None:
        """One mail and how it ended; None when the claim was lost meanwhile, and nothing was sent."""
        notices, people = letter.notices, self.settings.alert_to
        stamp = Stamp(
            notice=str(notices[0].notice_id),
            message_id=message_id(notices, Channel.ALERT, self.settings),
            date=self.clock().astimezone(LOCAL),
            language=letter.alert.language,
        )
        rendered = render_alert(letter.alert)
        if notices[0].doubtful:  # it goes out as it was
            rendered = msgspec.convert(outbox.rendering_of(conn, notices[0]), Rendered)
        try:
            message = enveloped(rendered, to=people, sender=self.sender, stamp=stamp)
            return hand_in(
                conn, notices, rendered, message, recipient=recipients(self.settings),
                recipient_hash=", ".join(address_hash(one, self.address_key) for one in people), claimed_by=self.name,
                lease_until=self.clock() + self.settings.lease, postman=self.postman, pace=pace, together=True,
            )  # fmt: skip
        except (BadAddress, HardRefusal) as error:
            wrong = Misconfigured(f"alert_to in [rastro] holds an address that takes no mail; correct it: {error}")
            return unsent(wrong, notices, self.settings, self.clock(), figures)
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
    """One mail to be, and the notices it settles."""

    notices: Sequence[Claimed]
    alert: Alert


def worked_out(
    conn: Connection[Any],
    order: OrderKey,
    claimed: Sequence[Claimed],
    settings: Settings,
    pages: Mapping[str, Callable[[str], str]],
    now: datetime,
) -> tuple[list[Letter], list[tuple[Claimed, Settlement]]]:
    """What the shop is mailed about an order, and the notices of unknown fate that wait for a person."""
    parcels = outbox.parcels_of(conn, order)
    mails, left = sorted_out(claimed, settings, now)
    letters = [Letter(notices=notices, alert=alert_about(order, notices, parcels, pages)) for notices in mails]
    return letters, left


def rehearsed(order: OrderKey, letter: Letter, settings: Settings) -> Rehearsed:
    """The mail as a dry run keeps it."""
    return Rehearsed(
        channel=Channel.ALERT,
        target=order.account,
        account=order.account,
        order_id=order.order_id,
        kind=", ".join(dict.fromkeys(notice.kind for notice in letter.notices)),
        notices=len(letter.notices),
        verdict="send",
        rendered=msgspec.to_builtins(render_alert(letter.alert)),
        recipient=recipients(settings),
    )


def recipients(settings: Settings) -> str:
    """Whom alerts go to, as it may be stored."""
    return ", ".join(map(masked, settings.alert_to))


def sorted_out(
    claimed: Sequence[Claimed], settings: Settings, now: datetime
) -> tuple[list[list[Claimed]], list[tuple[Claimed, Settlement]]]:
    """Notices by the mail they go in, and those that must wait for a person."""
    left = [
        (notice, Settlement(state=NoticeState.UNKNOWN, reason=reason, not_before=now + UNTIL_A_PERSON_LOOKS))
        for notice in claimed
        if (reason := why_of_unknown_fate(notice, settings))
    ]
    held = {notice.notice_id for notice, _ in left}
    return by_mail([notice for notice in claimed if notice.notice_id not in held]), left


def alert_about(
    order: OrderKey,
    notices: Sequence[Claimed],
    parcels: Sequence[Parcel],
    pages: Mapping[str, Callable[[str], str]],
) -> Alert:
    """
    What the shop is told about one order, oldest change first; what one change means in several ways stands together.

    It is told in the language of the order, which is one the shop sells in.
    """
    parcel_of = {parcel.shipment_id: parcel for parcel in parcels}
    changes: dict[tuple[int, str], list[Claimed]] = {}
    for notice in sorted(notices, key=lambda one: (one.event_at, one.notice_id)):
        changes.setdefault((notice.shipment_id, notice.content), []).append(notice)
    return Alert(
        account=order.account,
        order_id=order.order_id,
        language=language_for(parcels[0].locale),
        incidents=tuple(
            incident(parcel_of[shipment_id], together, pages) for (shipment_id, _), together in changes.items()
        ),
    )


def incident(parcel: Parcel, notices: Sequence[Claimed], pages: Mapping[str, Callable[[str], str]]) -> Incident:
    """One change of a parcel, from what the notices of it hold."""
    first = notices[0]
    return Incident(
        kinds=tuple(notice.kind for notice in notices),
        before=Status(first.facts["from"]),
        after=Status(first.facts["to"]),
        occurred_at=first.event_at.astimezone(LOCAL),
        tracking_number=parcel.tracking_number,
        carrier_name=parcel.courier or parcel.carrier or "",
        invoice_number=parcel.invoice_number,
        status=parcel.status,
        status_at=parcel.status_at.astimezone(LOCAL) if parcel.status_at else None,
        city=parcel.city,
        state=parcel.state,
        tracking_url=page_about(parcel, pages),
    )
