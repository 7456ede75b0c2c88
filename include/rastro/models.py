"""
What the whole product speaks of: shipments, what carriers say about them, and what is owed to people.

Every type here is frozen and compared by value. Times are aware; ``date`` is a local calendar day.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import msgspec


class Status(StrEnum):
    """Where a parcel is, in the one vocabulary every carrier is translated to."""

    UNKNOWN = "unknown"  # the carrier said something that no table explains; never mailed, never a step
    INFO_RECEIVED = "info_received"  # a label exists, nothing has been handed over
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERY_FAILED = "delivery_failed"  # tried, not handed over; it goes on
    READY_FOR_PICKUP = "ready_for_pickup"
    DELIVERED = "delivered"  # in the recipient's hands and nobody else's
    ON_HOLD = "on_hold"
    RETURNING = "returning"
    RETURNED = "returned"  # back with the sender
    LOST = "lost"  # lost, stolen, destroyed
    CANCELLED = "cancelled"
    EXPIRED = "expired"  # nobody has said anything for so long that we stopped asking

    @property
    def is_final(self) -> bool:
        return self in FINAL


FINAL = frozenset({Status.DELIVERED, Status.RETURNED, Status.LOST, Status.CANCELLED, Status.EXPIRED})
# Ends of which a marketplace is told once and for all, and which must be true of all that its word stands for.
ENDINGS = frozenset({Status.DELIVERED, Status.RETURNED, Status.LOST})
# A parcel of which one of these is true has been shipped, and its recipient has it or may still have it.
SHIPPED = frozenset(
    {
        Status.IN_TRANSIT,
        Status.OUT_FOR_DELIVERY,
        Status.DELIVERY_FAILED,
        Status.READY_FOR_PICKUP,
        Status.DELIVERED,
    }
)


class Standing(StrEnum):
    """What an event counts for. Events are never deleted; what changes is how they stand."""

    EFFECTIVE = "effective"
    INFORMATIVE = "informative"  # a remark that moves nothing ("photo available")
    VOIDED = "voided"  # the carrier took it back by a later line
    WITHDRAWN = "withdrawn"  # the carrier's answer no longer has it
    FOREIGN = "foreign"  # older than the parcel itself: from an earlier life of the same number


BY_HAND = "by_hand"  # the code of an event that a person told us, who knows better than the carrier


# Made by the million, and a frozen dataclass takes ten times as long to make.
class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    One line of a parcel's history, as its carrier tells it or, with the code :data:`BY_HAND`, a person.

    ``key`` is what the carrier itself would call the same event (for Correios type, code, time and unit), never its
    wording; it is unique within a shipment. ``code`` is the carrier's raw code, always kept.
    """

    key: str
    occurred_at: datetime
    status: Status
    code: str
    description: str
    city: str = ""
    state: str = ""
    country: str = ""
    standing: Standing = Standing.EFFECTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Pickup:
    """Where a parcel waits to be collected, and the last day the carrier names for it."""

    place: str
    address: str = ""
    deadline: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a carrier shows for a delivery: the initials of who took it, and the address of a picture; both may lack."""

    received_by: str = ""
    picture: str = ""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a carrier says about one reference now. Events stand oldest first.

    ``whole`` is false where it told only what is new (a feed, a push): it adds events and says nothing of others.
    ``reference`` is empty where the answer does not repeat it.
    """

    reference: str
    events: tuple[Event, ...]
    estimated_at: datetime | None = None
    pickup: Pickup | None = None
    proof: Proof | None = None
    whole: bool = True


class RefusalReason(StrEnum):
    """Why a carrier says nothing about a number. None of these is a failed call, and none means "no events"."""

    NOT_FOUND = "not_found"  # unknown, not posted yet, or forgotten: ask again, slower
    NOT_OURS = "not_ours"  # posted under somebody else's contract
    MALFORMED = "malformed"  # the carrier will never know such a number


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A carrier's answer about one reference that is not a snapshot."""

    reference: str
    reason: RefusalReason
    code: str = ""
    message: str = ""


class ReferenceKind(StrEnum):
    """What a carrier can be asked about; :mod:`rastro.references` says which fields of a shipment each is made of."""

    TRACKING_NUMBER = "tracking_number"
    NUMBER_AND_SERVICE = "number_and_service"  # a gateway's carrier and service beside the number
    INVOICE_KEY = "invoice_key"  # the NF-e access key, 44 digits
    INVOICE_NUMBER = "invoice_number"  # with the shipper's CNPJ
    ORDER = "order_id"
    CARRIER_ID = "carrier_id"  # the carrier's own id of the parcel


class Route(StrEnum):
    """Who tells the marketplace that an order was delivered. One route per order, never two."""

    NONE = "none"  # no marketplace behind the order, or it carries the parcel itself
    CONNECTOR = "connector"  # the order system's connector relays what we write on the order
    DIRECT = "direct"  # we call the marketplace
    REVIEW = "review"  # unknown: the order is written, and a person is asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """
    One package on its way, as its source describes it. Holds no contact data: that is read when it is needed.

    ``account`` is the source it came from ("vtex:main"). ``tracking_number`` is normalised; ``tracking_text`` is what
    the shop typed. ``declared_value`` is what the invoice of the package says it is worth, in the shop's currency; None
    where nobody says, or the package has several numbers. ``receiver_too`` is true where somebody else than the buyer
    receives it and may be mailed, ``skip`` is a sentence when the parcel is not ours to follow.
    """

    account: str
    order_id: str
    invoice_number: str
    tracking_number: str
    tracking_text: str = ""
    courier: str = ""
    tracking_url: str = ""
    invoice_key: str = ""
    shipper_cnpj: str = ""
    carrier_id: str = ""
    carrier: str | None = None
    service: str = ""
    origin: str = ""
    affiliate: str = ""
    marketplace_order_id: str = ""
    marketplace_endpoint: str = ""
    route: Route = Route.NONE
    route_reason: str = ""
    marketplace: str = ""
    locale: str = "pt-BR"
    ordered_at: datetime | None = None
    invoiced_at: datetime | None = None
    promised_at: datetime | None = None
    state_to: str = ""
    city_to: str = ""
    receiver_too: bool = False
    declared_value: Decimal | None = None
    skip: str = ""


class Channel(StrEnum):
    """Whom a notice goes to."""

    ORDER = "order"
    EMAIL = "email"
    MARKETPLACE = "marketplace"
    ALERT = "alert"


class NoticeState(StrEnum):
    """The life of a notice: owed → claimed → sent, or one of the ends that a person can see."""

    OWED = "owed"
    CLAIMED = "claimed"  # somebody is sending it, until the lease ends
    UNKNOWN = "unknown"  # sent or not, nobody can tell: read before any repeat
    SENT = "sent"
    SUPERSEDED = "superseded"  # newer news overtook it
    DROPPED = "dropped"  # too old to be told, or nobody to tell it to; the reason is beside it
    DEAD = "dead"  # gave up; a person looks and releases

    @property
    def is_open(self) -> bool:
        return self in {NoticeState.OWED, NoticeState.CLAIMED, NoticeState.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """
    One message owed to somebody. (shipment, channel, kind, content, to_receiver) is unique for ever, so nothing is owed
    twice.

    ``content`` tells two notices of the same kind apart (a day, an attempt, a digest of events), ``target`` is the
    account or marketplace it goes to; ``to_receiver`` is true for a mail to whoever receives what somebody else bought.
    ``event_at`` is the time of the news, ``expires_at`` when it stops being news.
    """

    channel: Channel
    kind: str
    content: str
    target: str
    event_at: datetime
    expires_at: datetime | None = None
    to_receiver: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The hour [start, end) a run is responsible for."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """
    Which shipments a run is about; what is empty selects all.

    ``numbers`` are tracking numbers and order ids. Who names them wants them asked about now, whatever the plan says.
    """

    account: str = ""
    carrier: str = ""
    numbers: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        return self == EVERYTHING

    def as_values(self) -> dict[str, object]:
        """For SQL: null where nothing is chosen."""
        return {
            "chosen_account": self.account or None,
            "chosen_carrier": self.carrier or None,
            "chosen_numbers": list(self.numbers) or None,
        }


EVERYTHING = Selection()
