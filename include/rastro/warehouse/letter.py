"""What a letter about deliveries is made of, and which letters were sent."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from rastro.letter import CarrierFigures, DayShare, Figures, Lane, LaneFigures, Letter, Share, Span, days_of
from rastro.warehouse.queries import run

WEEKS = 8  # of the series


def read(conn: Connection[Any], span: Span, carrier: str) -> Letter:
    """
    :param carrier: of whom alone it tells; empty: of all.
    """
    back = timedelta(days=max(7 * WEEKS, 2 * span.days))
    series = run(conn, "letter_series", first=span.last - back, last=span.last, carrier=carrier)
    return Letter(
        span=span,
        carrier=carrier,
        now=figures(conn, span, carrier),
        before=figures(conn, span.before, carrier),
        series=[
            DayShare(carrier=row.carrier, day=row.day, promise=Share(kept=row.kept, known=row.known)) for row in series
        ],
    )


def figures(conn: Connection[Any], span: Span, carrier: str) -> Figures:
    wanted = {"first": span.first, "last": span.last, "carrier": carrier}
    of_carriers: dict[str, Counter[int]] = defaultdict(Counter)
    of_lanes: dict[tuple[str, Lane], Counter[int]] = defaultdict(Counter)
    for row in run(conn, "letter_days", **wanted):
        of_carriers[row.carrier][row.days] += row.parcels
        of_lanes[row.carrier, Lane(state_from=row.state_from, state_to=row.state_to)][row.days] += row.parcels
    return Figures(
        carriers=[
            CarrierFigures(
                carrier=row.carrier, posted=row.posted, delivered=row.delivered,
                promise=Share(kept=row.kept, known=row.known), lost=row.lost, returned=row.returned,
                failed_attempts=row.failed_attempts, pending=row.pending, silent=row.silent,
                days=days_of(of_carriers[row.carrier]),
            )
            for row in run(conn, "letter_carriers", **wanted)
        ],
        lanes=[
            LaneFigures(
                carrier=row.carrier,
                lane=(lane := Lane(state_from=row.state_from, state_to=row.state_to)),
                promise=Share(kept=row.kept, known=row.known),
                days=days_of(of_lanes[row.carrier, lane]),
            )
            for row in run(conn, "letter_lanes", **wanted)
        ],
    )  # fmt: skip


def claim(
    conn: Connection[Any], span: Span, message_id: str, now: datetime, *, most: int, lease: timedelta
) -> str | None:
    """The Message-ID for an attempt to send it; None when it was sent, is being sent, or was tried often enough."""
    row = run(
        conn, "claim_letter", first=span.first, last=span.last, message_id=message_id, now=now, most=most,
        given_up_since=now - lease,
    ).fetchone()  # fmt: skip
    return row.message_id if row else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoFar:
    sent_at: datetime | None
    attempts: int
    claimed_at: datetime


def so_far(conn: Connection[Any], span: Span) -> SoFar:
    """What became of a letter that was claimed."""
    (row,) = run(conn, "letter_so_far", first=span.first, last=span.last)
    return SoFar(sent_at=row.sent_at, attempts=row.attempts, claimed_at=row.claimed_at)


def release(conn: Connection[Any], span: Span) -> None:
    run(conn, "release_letter", first=span.first, last=span.last)


def settle(conn: Connection[Any], span: Span, now: datetime) -> None:
    run(conn, "settle_letter", first=span.first, last=span.last, now=now)
