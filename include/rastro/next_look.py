"""When a parcel is looked at next, and why then, as a sentence for people. Pure."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rastro.models import RefusalReason, Status
from rastro.polling import Look, Pace, why

LOCAL = ZoneInfo("America/Sao_Paulo")


def local(at: datetime | None) -> str:
    return at.astimezone(LOCAL).strftime("%d/%m/%Y %H:%M") if at else "–"


def next_look(parcel: Any, pace: Pace, now: datetime) -> str:
    """
    When a parcel is looked at next and why then, as a sentence.

    :param parcel: a row of ``shipment_in_full``.
    """
    if parcel.skip:
        return f"Never: {parcel.skip}."
    if parcel.paused_at:
        return f"Not while it is paused (since {local(parcel.paused_at)})."
    if parcel.carrier is None:
        return f"Never, since no carrier claims it: {parcel.carrier_reason or 'nothing about it says whose it is'}."
    if parcel.poll_id is None:
        return f"Not yet: {parcel.carrier_reason or 'what its carrier is asked by is missing'}."
    if parcel.put_off:
        return (
            "With one of the next runs: it is due, and its carrier's calls of the day go first to parcels likelier to "
            "have news."
        )
    if parcel.answered_at is None:
        silent = f"; {parcel.failures} looks got no answer" if parcel.failures else ""
        return f"{soon(parcel.next_poll_at, now)}: its carrier has not answered about it yet{silent}."
    because = why(look_of(parcel), pace, parcel.next_poll_at)
    if parcel.next_poll_at is None:
        return f"Never again: {because}."
    silent = f" ({parcel.failures} looks in a row got no answer)" if parcel.failures else ""
    return f"{soon(parcel.next_poll_at, now)}, because {because}{silent}."


def soon(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "Not planned"
    return "With the next run" if at <= now + timedelta(minutes=1) else f"At {local(at)}"


def look_of(parcel: Any) -> Look:
    """What the last look showed, as the plan was made from it."""
    status = Status(parcel.looked_status)
    return Look(
        at=parcel.answered_at,
        status=status,
        quiet_since=min(parcel.quiet_since, parcel.answered_at),
        was_final=status.is_final and parcel.next_poll_at is None,
        estimated_at=parcel.looked_estimated_at,
        promised_at=parcel.promised_at,
        refusal=RefusalReason(parcel.refusal) if parcel.refusal else None,
        not_ours=parcel.not_ours,
    )
