"""What people do by hand, and the record of it. Every function works in the caller's transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from rastro.models import Status
from rastro.notices import NUMBER
from rastro.sending import MOVED_ON
from rastro.warehouse.queries import run


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A shipment that somebody named; ``number_at_source`` is its number as the source says it."""

    shipment_id: int
    account: str
    order_id: str
    invoice_number: str
    tracking_number: str
    tracking_text: str
    number_at_source: str
    carrier: str | None
    poll_id: int | None
    skip: str
    paused_at: datetime | None
    status: Status
    status_at: datetime | None
    next_poll_at: datetime | None

    @property
    def name(self) -> str:
        """What people know it by."""
        return self.tracking_number or self.order_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A notice that somebody named, and where its parcel is."""

    notice_id: int
    shipment_id: int
    channel: str
    kind: str
    content: str
    target: str
    state: str
    reason: str
    event_at: datetime
    account: str
    order_id: str
    tracking_number: str
    skip: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing done by hand, as it is recorded; ``before`` and ``after`` are what it changed."""

    key: str
    action: str
    reason: str
    account: str = ""
    order_id: str = ""
    subject: str = ""
    shipment_id: int | None = None
    notice_id: int | None = None
    before: Mapping[str, object]
    after: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What a person knows better than the source; what is empty stays as the source and the routing have it."""

    new_number: str
    carrier: str


def begin(conn: Connection[Any], run_id: str) -> set[str]:
    """Wait until nobody else acts or merges shipments; the keys of what this run has done before."""
    run(conn, "lock_by_hand")
    run(conn, "lock_merging")
    return {row.act_key for row in run(conn, "acts_of_run", run_id=run_id)}


def note(conn: Connection[Any], act: Act, *, done_by: str, run_id: str, now: datetime) -> None:
    run(
        conn, "note_act", act_key=act.key, now=now, done_by=done_by, run_id=run_id, action=act.action,
        reason=act.reason, shipment_id=act.shipment_id, notice_id=act.notice_id, account=act.account,
        order_id=act.order_id, subject=act.subject, before=Jsonb(dict(act.before)), after=Jsonb(dict(act.after)),
    )  # fmt: skip


def parcels(conn: Connection[Any], numbers: Sequence[str], shipment_ids: Sequence[int]) -> list[Parcel]:
    """What is meant by tracking numbers and orders, and by our own numbers of parcels."""
    rows = run(conn, "shipments_named", numbers=list(numbers), shipment_ids=list(shipment_ids))
    return [Parcel(**{**row._asdict(), "status": Status(row.status)}) for row in rows]


def messages(conn: Connection[Any], notice_ids: Collection[int]) -> list[Message]:
    rows = run(conn, "notices_named", notice_ids=sorted(notice_ids))
    return [Message(**{**row._asdict(), "status": Status(row.status)}) for row in rows]


def waiting(conn: Connection[Any], shipment_ids: Sequence[int]) -> list[int]:
    """Notices of these shipments that wait for a person."""
    return [row.notice_id for row in run(conn, "notices_waiting_for_a_person", shipment_ids=list(shipment_ids))]


def last_mails(conn: Connection[Any], shipment_ids: Sequence[int]) -> list[int]:
    return [row.notice_id for row in run(conn, "last_mails", shipment_ids=list(shipment_ids))]


def ask_at_once(conn: Connection[Any], parcel: Parcel, now: datetime) -> None:
    if parcel.poll_id:
        run(conn, "ask_at_once", poll_id=parcel.poll_id, now=now)


def read_again(conn: Connection[Any], parcel: Parcel, now: datetime) -> None:
    """Ask at once, and work out from the answer when it is asked again, whatever was worked out before."""
    ask_at_once(conn, parcel, now)
    if parcel.poll_id:
        run(conn, "read_again", poll_id=parcel.poll_id)


def stop_paused(conn: Connection[Any]) -> None:
    run(conn, "stop_paused_polls")


def pause(conn: Connection[Any], parcel: Parcel, now: datetime) -> None:
    """Its reference is not asked about any more, unless another shipment wants it."""
    run(conn, "pause_shipment", shipment_id=parcel.shipment_id, now=now)
    if parcel.poll_id:
        run(conn, "stop_paused_poll", poll_id=parcel.poll_id)


def resume(conn: Connection[Any], parcel: Parcel, now: datetime) -> None:
    run(conn, "resume_shipment", shipment_id=parcel.shipment_id)
    ask_at_once(conn, parcel, now)


def release(conn: Connection[Any], message: Message, now: datetime) -> None:
    run(conn, "release_notice", notice_id=message.notice_id, now=now)


def drop(conn: Connection[Any], message: Message, now: datetime) -> None:
    run(conn, "drop_notice", notice_id=message.notice_id, now=now)


def owe_again(conn: Connection[Any], message: Message, content: str, now: datetime, run_id: str) -> int:
    """The number of a new notice that says the same to the same."""
    (row,) = run(conn, "owe_mail_again", notice_id=message.notice_id, content=content, now=now, run_id=run_id)
    return int(row.notice_id)


def owe_number(conn: Connection[Any], parcel: Parcel, number: str, content: str, now: datetime, run_id: str) -> None:
    """Owe the order the number, in place of any other that it was not told yet."""
    run(
        conn, "owe_number", shipment_id=parcel.shipment_id, account=parcel.account, kind=NUMBER, content=content,
        number=number, now=now, run_id=run_id, reason=MOVED_ON,
    )  # fmt: skip


def correct(conn: Connection[Any], parcel: Parcel, now: datetime, *, number: str = "", carrier: str = "") -> None:
    """From the next reading of the order on."""
    run(
        conn, "correct_shipment", account=parcel.account, order_id=parcel.order_id,
        invoice_number=parcel.invoice_number, tracking_number=parcel.number_at_source, new_number=number,
        carrier=carrier, now=now,
    )  # fmt: skip


def corrections_of(
    conn: Connection[Any], account: str, order_ids: Sequence[str]
) -> dict[tuple[str, str, str], Correction]:
    """By order, invoice and the number as the source says it."""
    return {
        (row.order_id, row.invoice_number, row.tracking_number): Correction(
            new_number=row.new_number, carrier=row.carrier
        )
        for row in run(conn, "corrections_of", account=account, order_ids=list(order_ids))
    }
