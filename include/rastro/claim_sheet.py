"""Claims as a list that can be filed: a row each, with what speaks for it. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from rastro.claims import Rule, rule_for
from rastro.habits import LOCAL
from rastro.sheets import Cell

TITLES = (
    "Carrier", "Reason", "State", "Tracking number", "Order", "Invoice", "Invoice access key", "Service", "City", "UF",
    "Status", "Posted", "Promised", "First estimate", "Last estimate", "Last scan", "First attempt", "Ended",
    "Claim from", "Claim until", "Value at stake", "Protocol", "Asked", "Paid", "Note", "Evidence wanted",
    "Where to file", "By the rule of",
)  # fmt: skip


def rows_of(claims: Iterable[Any], days: Mapping[str, Mapping[str, int]]) -> Iterator[list[Cell]]:
    """
    :param claims: rows of ``rastro.v_claim``.
    :param days: the setting ``claim_days``.
    """
    rules: dict[str, Rule] = {}
    for one in claims:
        rule = rules.get(one.carrier) or rules.setdefault(one.carrier, rule_for(one.carrier, days))
        yield [
            one.carrier, one.reason, said_of(one), one.tracking_number, one.order_id, one.invoice_number,
            one.invoice_key, one.service, one.city_to, one.state_to, one.status, *map(day, (
                one.posted_at, one.promised_at, one.first_estimate_at, one.last_estimate_at, one.last_scan_at,
                one.first_attempt_at, one.ended_at,
            )), one.since, one.until, one.at_stake, one.protocol, one.asked, one.paid, one.note,
            ", ".join(rule.evidence), rule.where, rule.source,
        ]  # fmt: skip


def said_of(claim: Any) -> str:
    """Its state, and whether the carrier paid by itself."""
    return "paid by the carrier" if claim.state == "paid" and claim.carrier_paid_at else str(claim.state)


def day(at: datetime | None) -> date | None:
    return at.astimezone(LOCAL).date() if at else None
