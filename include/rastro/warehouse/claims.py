"""Claims at carriers and parcels that sleep, as they are kept. Every function works in the caller's transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection

from rastro.claims import Case, ClaimState, Eligible, Held, Reason, WorkingDays
from rastro.habits import lane_of
from rastro.models import Status
from rastro.next_look import LOCAL
from rastro.warehouse.queries import copy_in, run

PAGE = 50
EVERYTHING = 2**31 - 1
FIRST_DAY = date(1, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A parcel that may be claimed for, or may sleep, and what its silence is measured by."""

    shipment_id: int
    state_to: str
    step: str
    lane: str
    case: Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleeper:
    """``silent`` working days, where within ``usual`` ones others have news."""

    shipment_id: int
    silent: int
    usual: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which claims; what is empty is no matter."""

    carrier: str = ""
    state: str = ""
    reason: str = ""


Calendars = Mapping[tuple[str, str], WorkingDays]  # by carrier and state, each empty for all others


def calendars(conn: Connection[Any], since: date) -> Calendars:
    days: dict[tuple[str, str], list[date]] = {}
    last: dict[tuple[str, str], int] = {}
    for row in run(conn, "calendar_since", since=since):
        place = row.carrier, row.state
        if row.ordinal > last.get(place, row.ordinal):
            days.setdefault(place, []).append(row.day)
        last[place] = row.ordinal
    return {place: WorkingDays(several) for place, several in days.items()}


def calendar_for(known: Calendars, carrier: str, state: str) -> WorkingDays:
    """Of the carrier in the state, or the next wider one."""
    wider = ((carrier, state), (carrier, ""), ("", state), ("", ""))
    return next((known[place] for place in wider if place in known), WorkingDays(()))


def cases(conn: Connection[Any], *, since: date, came_late: Sequence[str]) -> Iterator[Seen]:
    """
    :param since: those that were posted before and have ended are passed over.
    :param came_late: carriers that pay for what came late.
    """
    for row in run(conn, "cases", since=since, came_late=list(came_late)):
        yield Seen(
            shipment_id=row.shipment_id,
            state_to=row.state_to,
            step=row.step or "",
            lane=lane_of(row.state_to, row.service),
            case=Case(
                carrier=row.carrier, status=Status(row.status), code=row.code, posted_on=row.posted_on,
                scanned_on=row.scanned_on, expected_on=row.expected_on, attempted_on=row.attempted_on,
                ended_on=row.ended_on,
            ),
        )  # fmt: skip


def lock(conn: Connection[Any]) -> None:
    """Until the transaction ends nobody acts by hand."""
    run(conn, "lock_by_hand")


def keep(
    conn: Connection[Any],
    found: Iterable[tuple[Seen, Eligible]],
    paid: Iterable[tuple[Seen, Eligible]],
    sleepers: Iterable[Sleeper],
    now: datetime,
) -> tuple[int, int, int]:
    """All that a report found, in place of the one before; how many are new, lapsed, and paid by the carrier."""
    run(conn, "forget_stalled")
    copy_in(conn, "copy_stalled", ((one.shipment_id, one.silent, one.usual, now) for one in sleepers))
    run(conn, "make_found")
    rows = (
        (seen.shipment_id, seen.case.carrier, one.reason.value, one.since, one.until, by_carrier)
        for several, by_carrier in ((found, False), (paid, True))
        for seen, one in several
    )
    copy_in(conn, "copy_found", rows)
    settled = run(conn, "settle_claims", now=now).rowcount
    (merged,) = run(conn, "merge_claims", now=now)
    lapsed = run(conn, "lapse_claims", now=now).rowcount
    return merged.found, lapsed, settled


# By hand


def held(conn: Connection[Any], shipment_id: int) -> Held | None:
    """As it is, and stays until the transaction ends."""
    row = run(conn, "claim_held", shipment_id=shipment_id).fetchone()
    if row is None:
        return None
    said = {**row._asdict(), "state": ClaimState(row.state), "reason": Reason(row.reason)}
    return Held(**said)


def open_by_hand(
    conn: Connection[Any], shipment_id: int, reason: Reason, *, within: int, by: str, note: str, now: datetime
) -> None:
    """
    :param within: days after posting until which the carrier takes it.
    """
    run(
        conn, "open_claim", shipment_id=shipment_id, reason=reason.value, within=within, by=by, note=note, now=now,
        today=now.astimezone(LOCAL).date(),
    )  # fmt: skip


def move(
    conn: Connection[Any], shipment_id: int, state: ClaimState, *, protocol: str, amount: Decimal | None, by: str,
    note: str, now: datetime,
) -> None:  # fmt: skip
    run(
        conn, "move_claim", shipment_id=shipment_id, state=state.value, protocol=protocol, amount=amount, by=by,
        note=note, now=now,
    )  # fmt: skip


# To be looked at


def listed(
    conn: Connection[Any], wanted: Wanted, after: tuple[date, int] = (FIRST_DAY, 0), most: int = EVERYTHING
) -> list[Any]:
    """
    Those that end first, first.

    :param after: last day and number of the one that was shown last.
    """
    return run(
        conn, "claims_listed", carrier=wanted.carrier, state=wanted.state, reason=wanted.reason, after_day=after[0],
        after=after[1], most=most,
    ).fetchall()  # fmt: skip


def summed(conn: Connection[Any]) -> list[Any]:
    """Numbers and money by carrier and state."""
    return run(conn, "claims_summed").fetchall()


def one(conn: Connection[Any], shipment_id: int) -> Any | None:
    return run(conn, "claim_in_full", shipment_id=shipment_id).fetchone()


def estimates(conn: Connection[Any], shipment_id: int) -> list[Any]:
    """Each delivery date that the carrier told."""
    return run(conn, "estimates_of", shipment_id=shipment_id).fetchall()
