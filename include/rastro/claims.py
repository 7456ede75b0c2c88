"""
Which parcels a claim can be made for at their carrier, why, from when, until when, and by what rule. Pure.

The rules are a table, :data:`RULES`, and those of a contract go before them: the setting ``claim_days`` changes days.
What a claim is measured by is the day the carrier gave first, else the day that the customer was promised: a carrier
moves its later estimates. Days are local ones, of São Paulo.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from rastro.habits import LOCAL, Habit, usual_silence
from rastro.models import Status


class Reason(StrEnum):
    """Why a claim is made."""

    LATE = "late"  # nobody was at the door, though the day is over
    CAME_LATE = "came_late"  # a part of the postage is owed, and what that was the warehouse does not know
    SILENT = "silent"  # no scan for so long, and no day to measure it by
    LOST = "lost"
    STOLEN = "stolen"
    DAMAGED = "damaged"
    RETURNED = "returned"  # without an attempt


class ClaimState(StrEnum):
    """The life of a claim: open → filed → paid or refused. People move it on, but for what the carrier says itself."""

    OPEN = "open"
    FILED = "filed"
    PAID = "paid"
    REFUSED = "refused"
    LAPSED = "lapsed"  # nobody filed it, and it cannot be any more: the parcel came, or the time is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    What one carrier grants. ``carrier`` is empty in the rule of all that have none of their own.

    ``late`` and ``silent`` are working days: past the expected one, and since the last scan, from which a claim can be
    made; without ``silent`` it cannot be for silence. ``settled`` are calendar days after posting before which none is
    taken. ``late_within`` are calendar days after the expected day until which lateness can be claimed, ``within``
    those after posting until which anything can. ``certain``: the carrier says so in public; else it is a guess.
    """

    carrier: str
    where: str
    source: str
    certain: bool
    late: int
    silent: int | None
    settled: int = 0
    late_within: int | None = None
    within: int = 90
    came_late: bool = False
    evidence: tuple[str, ...] = ("invoice", "proof of posting")
    codes: Mapping[str, Reason] = field(default_factory=dict)  # the carrier's codes that say more than their status
    paid: frozenset[str] = frozenset()  # those that say it has paid


DAYS = ("late", "silent", "settled", "late_within", "within")  # what the setting may change

OTHERS = Rule(
    carrier="",
    where="your contact at the carrier",
    source="your contract (Lei 11.442/2007 for freight by road): the days are a guess, set your own in claim_days",
    certain=False,
    late=7,
    silent=10,
    evidence=("invoice", "proof of posting", "bill of lading (CT-e), where there is one"),
)
RULES: Mapping[str, Rule] = {
    rule.carrier: rule
    for rule in (
        Rule(
            carrier="correios",
            where="https://www.correios.com.br/a-a-z/reclamacao",
            source=(
                "Correios de A a Z, Reclamação (30 days from the day after the expected one; before it none is taken "
                "up); Decreto 12.464/2025 (90 days). Read 2026-11"
            ),
            certain=True,
            late=1,
            silent=None,
            late_within=30,
            came_late=True,
            evidence=("proof of posting", "invoice or declaration of contents", "of damage: its record"),
            codes={
                **{f"{kind} {code}": Reason.STOLEN for kind in ("BDE", "BDI", "BDR") for code in ("50", "51", "52")},
                **{f"{kind} {code}": Reason.DAMAGED for kind in ("BDE", "BDI", "BDR") for code in ("28", "37", "86")},
                "FC 51": Reason.STOLEN,
            },
            paid=frozenset({*(f"IDC {kind:02d}" for kind in range(1, 8)), "BLQ 31"}),
        ),
        Rule(
            carrier="dhl",
            where="https://mydhl.express.dhl/br/pt/legal/terms-and-conditions.html",
            source="DHL Express, terms of carriage: in writing within 30 days of its taking the parcel over",
            certain=False,
            late=3,
            silent=5,
            within=30,
        ),
        Rule(
            carrier="fedex",
            where="https://www.fedex.com/en-us/customer-support/claims.html",
            source="FedEx: 60 days after delivery, abroad 21, nine months for what never came; told by others",
            certain=False,
            late=5,
            silent=10,
            late_within=21,
            within=60,
        ),
        Rule(
            carrier="ups",
            where="https://www.ups.com/us/en/support/file-a-claim",
            source="UPS: from a day after the expected one, within 60 days of posting; told by others",
            certain=False,
            late=1,
            silent=10,
            within=60,
        ),
        Rule(
            carrier="usps",
            where="https://www.usps.com/help/claims.htm",
            source="USPS, domestic claims: of what is lost from the 15th to the 60th day after mailing; told by others",
            certain=False,
            late=1,
            silent=10,
            settled=15,
            within=60,
            evidence=("proof of insurance", "proof of value", "mailing receipt"),
        ),
    )
}  # fmt: skip


def rule_for(carrier: str, changed: Mapping[str, Mapping[str, int]]) -> Rule:
    """
    :param changed: days of contracts, by carrier: ``{"jadlog": {"late": 5}}``.
    """
    rule = RULES.get(carrier) or replace(OTHERS, carrier=carrier)
    days = changed.get(carrier, {})
    return replace(rule, **days, certain=True, source="claim_days") if days else rule  # type: ignore[arg-type]


def longest_within(changed: Mapping[str, Mapping[str, int]]) -> int:
    """Days after its posting beyond which no parcel can be claimed for."""
    return max(rule_for(carrier, changed).within for carrier in {*RULES, *changed, ""})


def granting_lateness() -> list[str]:
    """Carriers that pay for what came late."""
    return [carrier for carrier, rule in RULES.items() if rule.came_late]


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """The working days of a place, in order."""

    days: Sequence[date]

    def after(self, day: date, many: int) -> date:
        """The ``many``-th working day after ``day``; ``day`` itself for none. Beyond the calendar: its last and on."""
        if many <= 0:
            return day
        place = bisect_left(self.days, day + timedelta(days=1)) + many - 1
        beyond = place - len(self.days) + 1
        return self.days[place] if beyond <= 0 else max([day, *self.days[-1:]]) + timedelta(days=beyond)

    def between(self, first: date, last: date) -> int:
        """Working days after ``first`` up to and including ``last``."""
        one = timedelta(days=1)
        return max(bisect_left(self.days, last + one) - bisect_left(self.days, first + one), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """
    What is known of a parcel. ``code`` is the carrier's own of the event that decides its status, ``expected_on`` the
    day it should have come, ``attempted_on`` when somebody first was at the door, or it came; ``stalled`` as
    :func:`is_stalled` has it.
    """

    carrier: str
    status: Status
    code: str = ""
    posted_on: date | None = None
    scanned_on: date | None = None
    expected_on: date | None = None
    attempted_on: date | None = None
    ended_on: date | None = None
    stalled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligible:
    """A claim that can be made: why, since which day, and until which."""

    reason: Reason
    since: date
    until: date


def eligible(case: Case, rule: Rule, days: WorkingDays, today: date) -> Eligible | None:
    """What can be claimed for a parcel today; None when nothing can, or the carrier has paid."""
    if case.posted_on is None or case.code in rule.paid:
        return None
    found = reason_for(case, rule, days)
    if found is None:
        return None
    reason, since = found
    since = max(since, case.posted_on + timedelta(days=rule.settled))
    until = case.posted_on + timedelta(days=rule.within)
    if reason in {Reason.LATE, Reason.CAME_LATE} and rule.late_within is not None and case.expected_on:
        until = min(until, case.expected_on + timedelta(days=rule.late_within))
    return Eligible(reason=reason, since=since, until=until) if since <= today <= until else None


def reason_for(case: Case, rule: Rule, days: WorkingDays) -> tuple[Reason, date] | None:
    """Why a claim can be made, and from which day on; which may be yet to come."""
    happened = case.ended_on or case.scanned_on or case.posted_on
    assert happened is not None  # noqa: S101  it was posted
    told = rule.codes.get(case.code)
    if told or case.status is Status.LOST:
        return told or Reason.LOST, happened
    if case.status is Status.RETURNED:
        return None if case.attempted_on else (Reason.RETURNED, happened)
    if case.attempted_on:
        came_late = rule.came_late and case.expected_on is not None and case.attempted_on > case.expected_on
        if came_late:
            return Reason.CAME_LATE, case.attempted_on
    if case.status in {Status.RETURNING, Status.CANCELLED, Status.READY_FOR_PICKUP, Status.DELIVERED}:
        return None
    if case.expected_on and not case.attempted_on:
        return Reason.LATE, days.after(case.expected_on, rule.late)
    if case.stalled and rule.silent is not None and case.scanned_on:
        return Reason.SILENT, days.after(case.scanned_on, rule.silent)
    return None


# Stalled

SELDOM = 0.05  # of the parcels in this step are silent for longer
FEWEST = 3  # working days: less is no silence
WEEK_HOURS, WEEK_DAYS = 168, 5
WAITING = frozenset({Status.INFO_RECEIVED, Status.UNKNOWN, Status.READY_FOR_PICKUP})  # for the shop, or the customer


@lru_cache  # asked for each parcel of a report
def usual_days(habit: Habit) -> int:
    """Working days within which the carrier has news of all but a few parcels in this step."""
    return max(math.ceil(usual_silence(habit, 1 - SELDOM) * WEEK_DAYS / WEEK_HOURS), FEWEST)


def is_stalled(status: Status, silent: int, usual: int) -> bool:
    """
    :param silent: working days without a scan.
    :param usual: as :func:`usual_days` has it.
    """
    return silent > usual and (status is Status.EXPIRED or not status.is_final) and status not in WAITING


# By hand

NEXT: Mapping[ClaimState | None, frozenset[ClaimState]] = {
    None: frozenset({ClaimState.OPEN}),  # there is none yet
    ClaimState.OPEN: frozenset({ClaimState.FILED, ClaimState.PAID, ClaimState.REFUSED}),
    ClaimState.LAPSED: frozenset({ClaimState.OPEN, ClaimState.FILED}),
    ClaimState.FILED: frozenset({ClaimState.OPEN, ClaimState.PAID, ClaimState.REFUSED}),
    ClaimState.PAID: frozenset({ClaimState.OPEN}),
    ClaimState.REFUSED: frozenset({ClaimState.OPEN}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A claim as it is kept; ``changed_by`` is empty where the rules or the carrier's events changed it last."""

    state: ClaimState
    reason: Reason
    protocol: str
    asked: Decimal | None
    paid: Decimal | None
    note: str
    changed_by: str
    changed_at: datetime


def objection(name: str, held: Held | None, wanted: ClaimState) -> str:
    """Why a person may not move a claim on so, as when somebody else has done it meanwhile; empty when it is fine."""
    if wanted in NEXT[held.state if held else None]:
        return ""
    if held is None:
        return f"nothing is claimed for {name} yet: open_claim begins it"
    whom = f" by {held.changed_by}" if held.changed_by else ""
    which = f", protocol {held.protocol}" if held.protocol else ""
    again = "" if held.state is ClaimState.OPEN else "; open_claim begins it anew, if that is wrong"
    when = held.changed_at.astimezone(LOCAL)
    return f"the claim for {name} is {held.state} already, since {when:%d/%m/%Y %H:%M}{whom}{which}{again}"
