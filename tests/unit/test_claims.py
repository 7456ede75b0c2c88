"""When a claim can be made at a carrier, why, and until when: worked by hand on November 2026 with its two holidays."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from rastro.carriers.correios_lines import STATUS
from rastro.carriers.registry import CARRIERS
from rastro.claims import (
    DAYS,
    NEXT,
    OTHERS,
    RULES,
    Case,
    ClaimState,
    Held,
    Reason,
    WorkingDays,
    eligible,
    is_stalled,
    longest_within,
    objection,
    rule_for,
    usual_days,
)
from rastro.errors import Misconfigured
from rastro.habits import ALIKE, SILENCE, Habit
from rastro.models import Status
from rastro.settings import settings_from
from rastro.wishes import Action, wishes_in

HOLIDAYS = {date(2026, 11, 2), date(2026, 11, 20)}  # Finados; Consciência Negra
YEAR = [date(2026, 1, 1) + timedelta(days=ahead) for ahead in range(500)]
DAYS_OF_WORK = WorkingDays([day for day in YEAR if day.weekday() < 5 and day not in HOLIDAYS])
CORREIOS = RULES["correios"]
THURSDAY = date(2026, 11, 19)
SENT = Case(
    carrier="correios", status=Status.IN_TRANSIT, posted_on=date(2026, 11, 9), scanned_on=date(2026, 11, 12),
    expected_on=THURSDAY,
)  # fmt: skip


def november(day: int) -> date:
    return date(2026, 11, day)


def found(today: date, case: Case = SENT, rule: Any = CORREIOS) -> Any:
    return eligible(case, rule, DAYS_OF_WORK, today)


def test_working_days_pass_over_weekends_and_holidays() -> None:
    assert DAYS_OF_WORK.after(THURSDAY, 1) == november(23)
    assert DAYS_OF_WORK.after(THURSDAY, 0) == THURSDAY
    assert DAYS_OF_WORK.after(november(21), 1) == november(23)
    assert DAYS_OF_WORK.after(date(2026, 10, 30), 1) == november(3)
    assert DAYS_OF_WORK.between(THURSDAY, november(22)) == 0
    assert DAYS_OF_WORK.between(THURSDAY, november(24)) == 2
    assert DAYS_OF_WORK.between(november(24), THURSDAY) == 0


def test_beyond_the_calendar_every_day_counts() -> None:
    assert WorkingDays(()).after(THURSDAY, 2) == november(21)
    assert WorkingDays([november(23)]).after(THURSDAY, 3) == november(25)


@pytest.mark.parametrize(
    ("today", "can"),
    [
        (THURSDAY, False),
        (november(20), False),  # a holiday
        (november(22), False),
        (november(23), True),
        (date(2026, 12, 19), True),  # thirty days after the expected one
        (date(2026, 12, 20), False),
    ],
)
def test_a_late_parcel_of_correios_can_be_claimed_from_the_next_working_day_for_thirty_days(
    today: date,
    can: bool,  # noqa: FBT001
) -> None:
    one = found(today)
    assert (one is not None) is can
    if one:
        assert (one.reason, one.since, one.until) == (Reason.LATE, november(23), date(2026, 12, 19))


def test_nothing_can_be_claimed_more_than_ninety_days_after_posting() -> None:
    lost = replace(SENT, status=Status.LOST, code="BDE 80", ended_on=november(30))
    last = date(2027, 2, 7)
    assert found(last, lost).reason is Reason.LOST
    assert found(last, lost).until == last
    assert found(last + timedelta(days=1), lost) is None


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"status": Status.LOST, "code": "BDE 50", "ended_on": november(25)}, Reason.STOLEN),
        ({"status": Status.LOST, "code": "BDR 86", "ended_on": november(25)}, Reason.DAMAGED),
        ({"status": Status.ON_HOLD, "code": "BDI 28"}, Reason.DAMAGED),
        ({"status": Status.RETURNED, "ended_on": november(25)}, Reason.RETURNED),
        ({"status": Status.DELIVERED, "attempted_on": november(23), "ended_on": november(23)}, Reason.CAME_LATE),
        ({"status": Status.DELIVERY_FAILED, "attempted_on": november(23)}, Reason.CAME_LATE),
        ({"status": Status.EXPIRED, "ended_on": november(25)}, Reason.LATE),
        ({"status": Status.LOST, "code": "IDC 03", "ended_on": november(25)}, None),  # it has paid
        ({"status": Status.RETURNED, "attempted_on": november(18), "ended_on": november(25)}, None),
        ({"status": Status.DELIVERED, "attempted_on": THURSDAY, "ended_on": THURSDAY}, None),
        ({"status": Status.DELIVERY_FAILED, "attempted_on": THURSDAY}, None),  # it was there in time
        ({"status": Status.DELIVERED, "attempted_on": november(23), "expected_on": None}, None),
        ({"status": Status.RETURNING}, None),
        ({"status": Status.CANCELLED}, None),
        ({"status": Status.READY_FOR_PICKUP}, None),
        ({"posted_on": None}, None),
        ({"expected_on": None, "stalled": True}, None),  # Correios takes no claim for silence
    ],
)
def test_the_reason_is_what_became_of_the_parcel(more: dict[str, Any], reason: Reason | None) -> None:
    one = found(november(27), replace(SENT, **more))
    assert (one.reason if one else None) == reason


def test_of_a_carrier_that_nobody_knows_the_rules_of_silence_counts_where_there_is_no_day_to_measure_by() -> None:
    rule = rule_for("jadlog", {})
    assert not rule.certain
    asleep = replace(SENT, carrier="jadlog", expected_on=None, scanned_on=THURSDAY, stalled=True)
    assert found(date(2026, 12, 3), asleep, rule) is None
    assert found(date(2026, 12, 4), asleep, rule).reason is Reason.SILENT  # the tenth working day
    assert found(date(2026, 12, 4), replace(asleep, stalled=False), rule) is None
    tried = replace(asleep, expected_on=THURSDAY, attempted_on=november(18))  # in time, and never seen again
    assert found(date(2026, 12, 4), tried, rule).reason is Reason.SILENT
    assert found(date(2026, 12, 4), replace(tried, status=Status.DELIVERED), rule) is None
    late = replace(asleep, expected_on=THURSDAY)
    assert found(november(30), late, rule) is None
    assert found(date(2026, 12, 1), late, rule).reason is Reason.LATE  # the seventh


def test_a_contract_goes_before_the_table() -> None:
    changed = settings_from({"claim_days": "jadlog.late=1, jadlog.within=200"}).claim_days
    rule = rule_for("jadlog", changed)
    assert (rule.late, rule.silent, rule.within, rule.certain) == (1, OTHERS.silent, 200, True)
    assert rule_for("correios", changed) is CORREIOS
    assert longest_within(changed) == 200
    assert longest_within({}) == 90


@pytest.mark.parametrize("wrong", ["jadlog=5", "jadlog.soon=5", "jadlog.late=x", "jadlog.late=1, jadlog.late=2"])
def test_days_that_make_no_sense_are_said(wrong: str) -> None:
    with pytest.raises(Misconfigured, match="claim_days"):
        settings_from({"claim_days": wrong})


def test_a_carrier_that_takes_nothing_before_some_days_is_waited_for() -> None:
    rule = RULES["usps"]
    lost = replace(SENT, carrier="usps", status=Status.LOST, ended_on=november(12))
    assert found(november(23), lost, rule) is None
    assert found(november(24), lost, rule).since == november(24)


def test_every_rule_says_where_a_claim_is_made_and_by_what() -> None:
    assert set(RULES) <= set(CARRIERS)
    for rule in (*RULES.values(), OTHERS):
        assert rule.where
        assert rule.source
        assert rule.evidence
        assert all(getattr(rule, name, "") != "" for name in DAYS)
    assert {*CORREIOS.codes, *CORREIOS.paid} <= {*STATUS}


# Sleepers


def steady(lines: float) -> Habit:
    return Habit(by_silence=(lines,) * (len(SILENCE) + 1), by_hour=ALIKE)


@pytest.mark.parametrize(
    ("lines_an_hour", "days"),
    [
        (0.01, 9),  # ln 20 ÷ 0.01 = 299.6 hours of an average week: 8.9 of its five working days
        (0.05, 3),  # 59.9 hours are 1.8 days, and less than three is no silence
        (0.0, 22),  # 30 days are as long as anybody waits
    ],
)
def test_usual_is_what_ninety_five_of_a_hundred_keep_to(lines_an_hour: float, days: int) -> None:
    assert usual_days(steady(lines_an_hour)) == days


def test_the_hours_of_each_span_count_with_its_own_lines() -> None:
    habit = Habit(by_silence=(0.0,) * 9 + (0.125,) * 7, by_hour=ALIKE)  # nothing for 48 hours, then 24 hours at ⅛
    assert usual_days(habit) == 3  # 48 + 23.97 hours are 2.1 days


def test_a_parcel_sleeps_when_it_is_silent_for_longer_than_usual_on_its_way() -> None:
    assert is_stalled(Status.IN_TRANSIT, 4, 3)
    assert is_stalled(Status.EXPIRED, 4, 3)
    assert not is_stalled(Status.IN_TRANSIT, 3, 3)
    for status in (Status.DELIVERED, Status.INFO_RECEIVED, Status.READY_FOR_PICKUP):
        assert not is_stalled(status, 40, 3)


# By hand


def held(state: ClaimState) -> Held:
    return Held(
        state=state, reason=Reason.LATE, protocol="987", asked=None, paid=None, note="", changed_by="ana",
        changed_at=datetime(2026, 11, 26, 17, 2, tzinfo=UTC),
    )  # fmt: skip


def test_who_comes_second_is_told_who_was_first() -> None:
    said = objection("QQ1", held(ClaimState.FILED), ClaimState.FILED)
    assert "filed already, since 26/11/2026 14:02 by ana, protocol 987" in said
    assert objection("QQ1", held(ClaimState.PAID), ClaimState.REFUSED)
    assert objection("QQ1", None, ClaimState.FILED)
    assert not objection("QQ1", held(ClaimState.OPEN), ClaimState.FILED)


def test_every_state_leads_somewhere_but_none_to_lapsed() -> None:
    assert set(NEXT) == {None, *ClaimState}
    assert all(NEXT.values())
    assert ClaimState.LAPSED not in {one for several in NEXT.values() for one in several}


@pytest.mark.parametrize(
    ("said", "amount"),
    [("1.234,56", "1234.56"), ("1234.56", "1234.56"), ("R$ 80", "80"), ("0,5", "0.5"), ("1.234", "1234")],
)
def test_amounts_are_read_as_people_write_them(said: str, amount: str) -> None:
    (wish,) = wishes_in({"action": "claim_paid", "numbers": "QQ1", "reason": "r", "amount": said})
    assert wish.amount == Decimal(amount)


@pytest.mark.parametrize(
    ("action", "wrong", "said"),
    [
        (Action.CLAIM_PAID, {"amount": "much"}, "'much' is no amount"),
        (Action.CLAIM_PAID, {"amount": "-5"}, "'-5' is no amount"),
        (Action.FILE_CLAIM, {"protocol": ""}, "needs the carrier's number of the claim"),
        (Action.OPEN_CLAIM, {"claim": "anger"}, "'anger', is none of late"),
    ],
)
def test_a_claim_that_makes_no_sense_is_said(action: Action, wrong: dict[str, str], said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        wishes_in({"action": action, "numbers": "QQ1", "reason": "r", **wrong})
