"""What a change owes to whom."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from rastro.diff import Change, Life, State, compare, state_of
from rastro.models import SHIPPED, Channel, Event, Route, Shipment, Snapshot, Standing, Status
from rastro.notices import LOCAL, MAILED, Owed, Policy, expiry, local_day, owed

# A Friday noon in São Paulo.
NOON = datetime(2026, 11, 20, 15, tzinfo=UTC)
LIFE = Life(begins=NOON - timedelta(days=60), ends=NOON + timedelta(days=60))
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

SHIPMENT = Shipment(
    account="sql:erp_db", order_id="900100-01", invoice_number="4711", tracking_number="QQ100000017BR", origin="Own"
)
DIRECT = replace(SHIPMENT, route=Route.DIRECT, marketplace="webhook:our_hub")


def event(status: Status, hours: float = 0, *, key: str = "", standing: Standing = Standing.EFFECTIVE) -> Event:
    """An event so many hours from now."""
    return Event(
        key=key or f"{status}@{hours}",
        occurred_at=NOON + timedelta(hours=hours),
        status=status,
        code="X",
        description="a line",
        standing=standing,
    )


POSTED = event(Status.IN_TRANSIT, -30)
OUT = event(Status.OUT_FOR_DELIVERY, -4)
FAILED = event(Status.DELIVERY_FAILED, -2)
DELIVERED = event(Status.DELIVERED, -1)


def changed(known: Sequence[Event], *told: Event, before: Status | None = None, first: bool = False) -> Change:
    """The change an answer makes that adds ``told`` to what is known."""
    state = state_of(known) if before is None else State(status=before)
    snapshot = Snapshot(reference="QQ100000017BR", events=(*known, *told))
    return compare(known, snapshot, life=LIFE, before=state, first_contact=first)


def taken_back(known: Sequence[Event], *kept: Event) -> Change:
    """The change an answer makes that no longer holds all that is known."""
    snapshot = Snapshot(reference="QQ100000017BR", events=kept)
    return compare(known, snapshot, life=LIFE, before=state_of(known))


def policy(**changes) -> Policy:
    return Policy(**{"now": NOON, "writes_back": True, "own_mail": True, **changes})


def on(channel: Channel, change: Change, shipment: Shipment = SHIPMENT, how: Policy | None = None) -> list[Owed]:
    return [one for one in owed(change, shipment, how or policy()) if one.notice.channel is channel]


def mails(change: Change, shipment: Shipment = SHIPMENT, how: Policy | None = None) -> list[str]:
    """The kinds of mail that will go out."""
    return [one.notice.kind for one in on(Channel.EMAIL, change, shipment, how) if not one.dropped]


def dropped(change: Change, how: Policy | None = None) -> list[str]:
    """Why mails will not go out."""
    found = on(Channel.EMAIL, change, SHIPMENT, how)
    assert len(found) <= 1
    return [one.dropped for one in found if one.dropped]


# Nobody is told


def test_an_answer_that_says_nothing_new_owes_nothing() -> None:
    assert list(owed(changed([POSTED, OUT]), DIRECT, policy())) == []


def test_a_parcel_that_is_not_ours_to_follow_owes_nothing() -> None:
    change = changed([POSTED], DELIVERED)
    assert list(owed(change, DIRECT, policy()))
    assert list(owed(change, replace(DIRECT, skip="the marketplace carries it"), policy())) == []


def test_a_code_that_no_table_explains_is_told_to_nobody() -> None:
    change = changed([POSTED], event(Status.UNKNOWN, -1))
    assert change.says_something
    assert list(owed(change, DIRECT, policy())) == []


@pytest.mark.parametrize("standing", [Standing.INFORMATIVE, Standing.VOIDED])
def test_a_line_that_counts_for_nothing_is_told_to_nobody(standing: Standing) -> None:
    change = changed([POSTED], structs.replace(DELIVERED, standing=standing))
    assert change.says_something
    assert list(owed(change, DIRECT, policy())) == []


def test_an_event_from_before_the_parcel_is_told_to_nobody() -> None:
    change = changed([], event(Status.DELIVERED, -24 * 61), first=True)
    assert change.says_something
    assert list(owed(change, DIRECT, policy())) == []


def test_an_event_dated_far_ahead_is_told_to_nobody() -> None:
    change = changed([POSTED], event(Status.DELIVERED, 24 * 61))
    assert change.says_something
    assert list(owed(change, DIRECT, policy())) == []


# The customer


@pytest.mark.parametrize("status", sorted(MAILED))
def test_the_first_entry_into_a_status_worth_a_mail_is_mailed(status: Status) -> None:
    prepared = event(Status.INFO_RECEIVED, -40)
    (one,) = on(Channel.EMAIL, changed([prepared], event(status, -1)))
    assert one.dropped == ""
    assert one.notice.kind == status
    assert one.notice.target == SHIPMENT.account
    assert one.notice.event_at == NOON - HOUR
    assert one.notice.expires_at == expiry(event(status, -1))


@pytest.mark.parametrize("status", sorted(set(Status) - set(MAILED)))
def test_other_statuses_are_never_mailed(status: Status) -> None:
    assert {Status.UNKNOWN, Status.INFO_RECEIVED, Status.LOST, Status.RETURNED} <= set(Status) - set(MAILED)
    assert on(Channel.EMAIL, changed([POSTED], event(status, -1))) == []


def test_no_mail_where_the_source_mails_its_customers_itself() -> None:
    change = changed([POSTED], DELIVERED)
    assert mails(change) == ["delivered"]
    assert on(Channel.EMAIL, change, how=policy(own_mail=False)) == []


def test_no_mail_to_a_marketplaces_customer() -> None:
    change = changed([POSTED], DELIVERED)
    assert on(Channel.EMAIL, change, replace(SHIPMENT, origin="Fulfillment")) == []
    assert mails(change, replace(SHIPMENT, origin="Marketplace")) == ["delivered"]


def test_of_several_new_states_only_the_newest_is_mailed() -> None:
    assert mails(changed([POSTED], OUT, DELIVERED)) == ["delivered"]
    assert len(on(Channel.EMAIL, changed([POSTED], OUT, DELIVERED))) == 1


def test_the_same_status_again_is_not_mailed() -> None:
    assert on(Channel.EMAIL, changed([POSTED], event(Status.IN_TRANSIT, -1))) == []
    held = event(Status.ON_HOLD, -10)
    assert on(Channel.EMAIL, changed([POSTED, held], event(Status.ON_HOLD, -1))) == []


@pytest.mark.parametrize(
    "status",
    sorted(set(MAILED) - {Status.OUT_FOR_DELIVERY, Status.DELIVERY_FAILED}),
)
def test_a_status_entered_twice_has_one_mail_for_ever(status: Status) -> None:
    first = on(Channel.EMAIL, changed([], event(status, -40)))
    again = on(Channel.EMAIL, changed([], event(status, -1)))
    assert [one.notice.content for one in first] == [one.notice.content for one in again] == [""]


def test_an_older_event_learnt_late_is_not_mailed() -> None:
    held = event(Status.ON_HOLD, -20)
    assert on(Channel.EMAIL, compared([POSTED, OUT], POSTED, held, OUT)) == []


def compared(known: Sequence[Event], *told: Event) -> Change:
    return compare(
        known, Snapshot(reference="QQ100000017BR", events=told), life=LIFE, before=state_of(known), first_contact=False
    )


def test_a_state_that_came_back_by_a_correction_is_not_mailed() -> None:
    change = taken_back([POSTED, OUT, FAILED], POSTED, OUT)
    assert change.after.status is Status.OUT_FOR_DELIVERY
    assert on(Channel.EMAIL, change) == []


def test_a_code_understood_later_is_not_mailed() -> None:
    strange = structs.replace(DELIVERED, status=Status.UNKNOWN)
    change = compared([POSTED, strange], POSTED, DELIVERED)
    assert change.after.status is Status.DELIVERED
    assert on(Channel.EMAIL, change) == []


@pytest.mark.parametrize(
    "earlier", sorted(set(MAILED) - {Status.IN_TRANSIT, Status.DELIVERED} | {Status.LOST, Status.RETURNED})
)
def test_a_parcel_on_its_way_again_is_no_news(earlier: Status) -> None:
    assert on(Channel.EMAIL, changed([POSTED, event(earlier, -10)], event(Status.IN_TRANSIT, -1))) == []


def test_on_its_way_is_mailed_after_nothing_but_a_label_or_unexplained_codes() -> None:
    known = [event(Status.INFO_RECEIVED, -40), event(Status.UNKNOWN, -35)]
    assert mails(changed(known, event(Status.IN_TRANSIT, -1))) == ["in_transit"]


@pytest.mark.parametrize("final", [Status.DELIVERED, Status.RETURNED, Status.LOST, Status.CANCELLED, Status.EXPIRED])
@pytest.mark.parametrize("status", sorted(MAILED))
def test_nothing_is_mailed_after_a_final_status(final: Status, status: Status) -> None:
    assert on(Channel.EMAIL, changed([POSTED, event(final, -5)], event(status, -1), before=final)) == []


# Out for delivery


def test_out_for_delivery_is_mailed_once_while_no_attempt_failed() -> None:
    yesterday = event(Status.OUT_FOR_DELIVERY, -24)
    assert mails(changed([POSTED], OUT)) == ["out_for_delivery"]
    assert on(Channel.EMAIL, changed([POSTED, yesterday], OUT)) == []
    assert on(Channel.EMAIL, changed([POSTED, yesterday, event(Status.IN_TRANSIT, -10)], OUT)) == []


def test_out_for_delivery_is_mailed_again_after_a_failed_attempt() -> None:
    known = [POSTED, event(Status.OUT_FOR_DELIVERY, -28), event(Status.DELIVERY_FAILED, -26)]
    (one,) = on(Channel.EMAIL, changed(known, OUT))
    assert one.dropped == ""
    assert one.notice.content == "2026-11-20"
    assert mails(changed([*known, event(Status.IN_TRANSIT, -20)], OUT)) == ["out_for_delivery"]


def test_out_for_delivery_twice_on_one_day_is_one_mail() -> None:
    early, late = event(Status.OUT_FOR_DELIVERY, -6), event(Status.OUT_FOR_DELIVERY, -1)
    contents = {
        one.notice.content
        for change in (changed([POSTED], early), changed([POSTED, early, event(Status.DELIVERY_FAILED, -3)], late))
        for one in on(Channel.EMAIL, change)
    }
    assert contents == {"2026-11-20"}


@pytest.mark.parametrize(
    ("out_at", "now", "told"),
    [
        (datetime(2026, 11, 20, 7, tzinfo=LOCAL), datetime(2026, 11, 20, 23, 59, 59, tzinfo=LOCAL), True),
        (datetime(2026, 11, 20, 7, tzinfo=LOCAL), datetime(2026, 11, 21, 0, 0, 1, tzinfo=LOCAL), False),
        (datetime(2026, 11, 20, 7, tzinfo=LOCAL), datetime(2026, 11, 21, 0, tzinfo=LOCAL), False),
        (datetime(2026, 11, 20, 23, 30, tzinfo=LOCAL), datetime(2026, 11, 21, 0, 30, tzinfo=LOCAL), False),
        (datetime(2026, 11, 20, 22, tzinfo=LOCAL), datetime(2026, 11, 20, 23, tzinfo=LOCAL), True),
    ],
)
def test_out_for_delivery_is_news_only_on_its_own_day_where_the_customer_lives(
    out_at: datetime, now: datetime, told
) -> None:
    out = structs.replace(OUT, occurred_at=out_at.astimezone(UTC))
    change = changed([POSTED], out)
    how = policy(now=now.astimezone(UTC))
    assert mails(change, how=how) == (["out_for_delivery"] if told else [])
    assert dropped(change, how) == ([] if told else ["too old to be news"])


def test_a_day_is_a_day_in_sao_paulo() -> None:
    assert local_day(structs.replace(OUT, occurred_at=datetime(2026, 11, 21, 2, 59, tzinfo=UTC))) == date(2026, 11, 20)
    assert local_day(structs.replace(OUT, occurred_at=datetime(2026, 11, 21, 3, 0, tzinfo=UTC))) == date(2026, 11, 21)


# Failed attempts


def attempts(days: int) -> list[Event]:
    """A failed attempt on each of so many days before today."""
    return [event(Status.DELIVERY_FAILED, -24 * ago) for ago in range(days, 0, -1)]


@pytest.mark.parametrize(("days_before", "told"), [(0, True), (1, True), (2, True), (3, False), (4, False)])
def test_failed_attempts_are_mailed_on_three_days_at_most(days_before: int, told) -> None:
    change = changed([POSTED, *attempts(days_before)], FAILED)
    assert mails(change) == (["delivery_failed"] if told else [])
    assert dropped(change) == []


def test_failed_attempts_of_one_day_are_one_mail_and_count_as_one() -> None:
    twice_a_day = [event(Status.DELIVERY_FAILED, -24 * ago + hour) for ago in (2, 1) for hour in (0, 3)]
    (one,) = on(Channel.EMAIL, changed([POSTED, *twice_a_day, event(Status.DELIVERY_FAILED, -5)], FAILED))
    assert (one.dropped, one.notice.content) == ("", "2026-11-20")


def test_failed_out_failed_is_three_mails() -> None:
    known: list[Event] = [POSTED]
    told = []
    for one in (event(Status.DELIVERY_FAILED, -22), OUT, FAILED):
        told += [
            (mail.notice.kind, mail.notice.content)
            for mail in on(Channel.EMAIL, changed(known, one), how=policy(now=one.occurred_at + HOUR))
            if not mail.dropped
        ]
        known.append(one)
    assert told == [
        ("delivery_failed", "2026-11-19"),
        ("out_for_delivery", "2026-11-20"),
        ("delivery_failed", "2026-11-20"),
    ]


# News that comes too late, and the first sight of a parcel


@pytest.mark.parametrize(
    ("status", "days"),
    [
        (Status.IN_TRANSIT, 3),
        (Status.DELIVERY_FAILED, 7),
        (Status.READY_FOR_PICKUP, 7),
        (Status.DELIVERED, 7),
        (Status.ON_HOLD, 7),
        (Status.RETURNING, 7),
    ],
)
def test_news_has_its_time(status: Status, days: int) -> None:
    change = changed([], event(status))
    assert dropped(change, policy(now=NOON + days * DAY - HOUR)) == []
    assert dropped(change, policy(now=NOON + days * DAY + HOUR)) == ["too old to be news"]


def test_out_for_delivery_is_news_until_the_very_midnight() -> None:
    out_at = datetime(2026, 11, 20, 7, 31, 12, 5000, tzinfo=LOCAL)
    assert expiry(structs.replace(OUT, occurred_at=out_at)) == datetime(2026, 11, 21, tzinfo=LOCAL)


def test_every_status_worth_a_mail_says_how_long_it_is_news() -> None:
    assert all(expiry(event(status)) > NOON for status in MAILED)


def test_first_sight_of_a_long_history_owes_at_most_its_newest_state() -> None:
    history = [event(Status.INFO_RECEIVED, -240), event(Status.IN_TRANSIT, -200), OUT, FAILED]
    assert mails(changed([], *history, first=True)) == ["delivery_failed"]


def test_first_sight_of_an_old_state_is_quiet() -> None:
    held = event(Status.ON_HOLD, -47)
    assert mails(changed([], held, first=True)) == ["on_hold"]
    assert mails(changed([], event(Status.ON_HOLD, -48), first=True)) == ["on_hold"]
    older = event(Status.ON_HOLD, -49)
    assert dropped(changed([], older, first=True)) == ["older than 48 hours when first seen"]
    assert mails(changed([], older)) == ["on_hold"]


def test_first_sight_of_a_delivered_parcel_is_quiet() -> None:
    assert dropped(changed([], POSTED, DELIVERED, first=True)) == ["already delivered when first seen"]
    assert mails(changed([], POSTED, DELIVERED)) == ["delivered"]


def test_nothing_from_before_the_go_live_is_mailed() -> None:
    change = changed([POSTED], DELIVERED)
    assert mails(change, how=policy(notify_since=DELIVERED.occurred_at)) == ["delivered"]
    how = policy(notify_since=DELIVERED.occurred_at + timedelta(seconds=1))
    assert dropped(change, how) == ["happened before the go-live cut-off"]


def test_what_is_read_anew_from_a_kept_answer_is_nobodys_news_and_still_written_and_confirmed() -> None:
    change, how = changed([POSTED], DELIVERED), policy(worked_out_again=True)
    assert dropped(change, how) == ["learnt from an answer of before, read again"]
    assert len(on(Channel.ORDER, change, DIRECT, how)) == len(on(Channel.MARKETPLACE, change, DIRECT, how)) == 1


# The order


def test_a_change_is_written_on_the_order() -> None:
    change = changed([POSTED], OUT)
    (one,) = on(Channel.ORDER, change)
    assert (one.notice.kind, one.notice.target, one.dropped) == ("tracking", SHIPMENT.account, "")
    assert one.notice.content == str(change.revision)
    assert one.notice.event_at == OUT.occurred_at
    assert one.notice.expires_at is None


def test_nothing_is_written_where_the_source_takes_nothing() -> None:
    assert on(Channel.ORDER, changed([POSTED], OUT), how=policy(writes_back=False)) == []


def test_a_line_in_the_same_status_is_written_on_the_order_too() -> None:
    assert len(on(Channel.ORDER, changed([POSTED], event(Status.IN_TRANSIT, -1)))) == 1


def test_a_delivery_taken_back_is_written_on_the_order() -> None:
    (one,) = on(Channel.ORDER, taken_back([POSTED, OUT, DELIVERED], POSTED, OUT))
    assert one.notice.event_at == OUT.occurred_at


def test_a_withdrawn_line_that_moves_nothing_is_not_written() -> None:
    change = taken_back([POSTED, event(Status.IN_TRANSIT, -20), OUT], POSTED, OUT)
    assert change.says_something
    assert on(Channel.ORDER, change) == []


def test_the_only_event_withdrawn_leaves_an_order_to_write_and_nobody_to_mail() -> None:
    voided = structs.replace(DELIVERED, standing=Standing.VOIDED)
    change = compared([DELIVERED], voided)
    assert change.after == State()
    assert [one.notice.channel for one in owed(change, DIRECT, policy())] == [Channel.ORDER, Channel.ALERT]


def test_the_order_is_written_however_old_the_news() -> None:
    change = changed([], event(Status.DELIVERED, -24 * 50), first=True)
    assert len(on(Channel.ORDER, change)) == 1


def test_before_the_go_live_only_deliveries_are_written_on_the_order() -> None:
    how = policy(notify_since=NOON)
    assert on(Channel.ORDER, changed([POSTED], OUT), how=how) == []
    assert len(on(Channel.ORDER, changed([POSTED], DELIVERED), how=how)) == 1
    assert len(on(Channel.ORDER, changed([POSTED], event(Status.OUT_FOR_DELIVERY)), how=how)) == 1


def test_a_marketplaces_order_is_written_though_its_customer_is_not_mailed() -> None:
    fulfillment = replace(SHIPMENT, origin="Fulfillment")
    assert len(on(Channel.ORDER, changed([POSTED], DELIVERED), fulfillment)) == 1


# The marketplace


def test_a_delivery_is_confirmed_to_the_marketplace_we_call() -> None:
    (one,) = on(Channel.MARKETPLACE, changed([POSTED], DELIVERED), DIRECT)
    assert (one.notice.kind, one.notice.target, one.dropped) == ("delivered", "webhook:our_hub", "")
    assert (one.notice.content, one.notice.expires_at) == ("", None)
    assert one.notice.event_at == DELIVERED.occurred_at


@pytest.mark.parametrize("route", [route for route in Route if route is not Route.DIRECT])
def test_no_other_route_confirms_by_a_call_of_ours(route: Route) -> None:
    change = changed([POSTED], DELIVERED)
    assert on(Channel.MARKETPLACE, change, replace(DIRECT, route=route)) == []


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.DELIVERED}))
def test_only_a_delivery_is_confirmed(status: Status) -> None:
    assert on(Channel.MARKETPLACE, changed([POSTED], event(status, -1)), DIRECT) == []


def test_a_delivery_is_confirmed_once() -> None:
    first = on(Channel.MARKETPLACE, changed([POSTED], DELIVERED), DIRECT)
    second_line = event(Status.DELIVERED, -0.5)
    assert on(Channel.MARKETPLACE, changed([POSTED, DELIVERED], second_line), DIRECT) == []
    again = on(Channel.MARKETPLACE, changed([POSTED, event(Status.RETURNING, -3)], second_line), DIRECT)
    assert [one.notice.content for one in first] == [one.notice.content for one in again] == [""]


# What a marketplace takes besides, where the shop wants it told

EVERYTHING_ELSE = frozenset(Status) - {Status.DELIVERED}


def taking(*statuses: Status, **more) -> Policy:
    return policy(takes={"webhook:our_hub": frozenset(statuses)}, **more)


def told(change: Change, how: Policy, shipment: Shipment = DIRECT) -> list[tuple[str, str, str]]:
    """What the marketplace is owed: the kind, what tells it apart, and why it will not be told."""
    return [
        (one.notice.kind, one.notice.content, one.dropped) for one in on(Channel.MARKETPLACE, change, shipment, how)
    ]


@pytest.mark.parametrize("status", sorted(EVERYTHING_ELSE - SHIPPED - {Status.UNKNOWN}))
def test_a_status_that_the_marketplace_takes_is_told_when_it_is_entered(status: Status) -> None:
    change = changed([POSTED], event(status, -1))
    (one,) = on(Channel.MARKETPLACE, change, DIRECT, taking(status))
    assert (one.notice.kind, one.notice.target, one.notice.content) == (status, "webhook:our_hub", "")
    assert (one.notice.event_at, one.notice.expires_at) == (NOON - HOUR, None)
    assert told(change, taking(*EVERYTHING_ELSE - {status, Status.IN_TRANSIT})) == []
    assert told(change, policy(takes={"webhook:another": frozenset({status})})) == []
    assert told(changed([POSTED, event(status, -5)], event(status, -1)), taking(status)) == []


@pytest.mark.parametrize("status", [Status.OUT_FOR_DELIVERY, Status.DELIVERY_FAILED])
def test_what_may_happen_again_is_told_once_a_day(status: Status) -> None:
    change = changed([POSTED], event(status, -1))
    assert told(change, taking(status)) == [(status, "2026-11-20", "")]
    yesterday = changed([POSTED], event(status, -20))
    assert told(yesterday, taking(status)) == [(status, "2026-11-19", "")]


@pytest.mark.parametrize("status", sorted(SHIPPED - {Status.IN_TRANSIT}))
def test_that_it_is_shipped_is_owed_whatever_a_parcel_was_first_seen_as(status: Status) -> None:
    assert len(SHIPPED) == 5
    change = changed([], event(Status.INFO_RECEIVED, -40), POSTED, event(status, -1), first=True)
    shipped, *further = on(Channel.MARKETPLACE, change, DIRECT, taking(Status.IN_TRANSIT, status))
    assert (shipped.notice.kind, shipped.notice.content, shipped.dropped) == ("in_transit", "", "")
    assert shipped.notice.event_at == POSTED.occurred_at
    assert [one.notice.kind for one in further] == [status]
    assert told(changed([], event(status, -1)), taking(Status.IN_TRANSIT))[0] == ("in_transit", "", "")


@pytest.mark.parametrize("status", sorted(EVERYTHING_ELSE - SHIPPED))
def test_a_parcel_that_is_not_on_its_way_to_the_recipient_is_not_told_as_shipped(status: Status) -> None:
    assert told(changed([POSTED], event(status, -1)), taking(Status.IN_TRANSIT)) == []


@pytest.mark.parametrize("status", [Status.RETURNED, Status.LOST])
def test_that_it_is_shipped_is_owed_before_an_end_that_the_marketplace_takes(status: Status) -> None:
    change = changed([], POSTED, event(status, -1), first=True)
    shipped, end = on(Channel.MARKETPLACE, change, DIRECT, taking(Status.IN_TRANSIT, status))
    assert (shipped.notice.kind, shipped.notice.event_at) == ("in_transit", POSTED.occurred_at)
    assert end.notice.kind == status
    assert told(change, taking(status)) == [(status, "", "")]
    only_the_end = changed([], event(status, -1), first=True)
    assert told(only_the_end, taking(Status.IN_TRANSIT, status)) == [(status, "", "")], "nobody saw it set out"


@pytest.mark.parametrize("status", [Status.RETURNING, Status.CANCELLED, Status.EXPIRED])
def test_before_what_is_no_end_for_it_nothing_is_owed_as_shipped(status: Status) -> None:
    change = changed([POSTED], event(status, -1))
    assert told(change, taking(Status.IN_TRANSIT, status)) == [(status, "", "")]


def test_a_line_that_does_not_count_is_not_when_a_parcel_was_shipped() -> None:
    voided = structs.replace(event(Status.IN_TRANSIT, -40), standing=Standing.VOIDED)
    (shipped,) = on(Channel.MARKETPLACE, changed([], voided, OUT), DIRECT, taking(Status.IN_TRANSIT))
    assert shipped.notice.event_at == OUT.occurred_at


def test_news_for_a_marketplace_grows_old_and_what_it_waits_for_does_not() -> None:
    at_last = policy(now=OUT.occurred_at + 7 * DAY)
    too_late = replace(at_last, now=at_last.now + timedelta(microseconds=1))
    takes = {"webhook:our_hub": frozenset({Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY})}
    change = changed([POSTED], OUT)
    assert [dropped for _, _, dropped in told(change, replace(at_last, takes=takes))] == ["", ""]
    assert [dropped for _, _, dropped in told(change, replace(too_late, takes=takes))] == ["", "too old to be news"]
    delivered = changed([POSTED], DELIVERED)
    assert [dropped for _, _, dropped in told(delivered, replace(too_late, now=NOON + 90 * DAY, takes=takes))] == [
        "",
        "",
    ]


@pytest.mark.parametrize("route", [route for route in Route if route is not Route.DIRECT])
def test_news_takes_no_other_route_either(route: Route) -> None:
    assert told(changed([POSTED], OUT), taking(*EVERYTHING_ELSE), replace(DIRECT, route=route)) == []


# Whose customer it is

ON_A_MARKET = replace(DIRECT, affiliate="HUB")


@pytest.mark.parametrize(
    ("shipment", "how", "mailed"),
    [
        (SHIPMENT, {}, True),
        (ON_A_MARKET, {}, True),
        (ON_A_MARKET, {"mailing": frozenset({"webhook:another"})}, True),
        (ON_A_MARKET, {"mailing": frozenset({"webhook:our_hub"})}, False),
        (replace(SHIPMENT, origin="Fulfillment", affiliate="HUB"), {}, False),
        (ON_A_MARKET, {"mailing": frozenset({"webhook:our_hub"}), "mail_buyers_of": {"webhook:our_hub"}}, True),
        (ON_A_MARKET, {"mailing": frozenset({"webhook:our_hub"}), "mail_buyers_of": {"HUB"}}, True),
        (ON_A_MARKET, {"mailing": frozenset({"webhook:our_hub"}), "mail_buyers_of": {"MKT"}}, False),
        (replace(ON_A_MARKET, affiliate="hub"), {"mailing": {"webhook:our_hub"}, "mail_buyers_of": {"HUB"}}, True),
        (replace(SHIPMENT, origin="Fulfillment", affiliate="HUB"), {"mail_buyers_of": {"HUB"}}, True),
        (replace(SHIPMENT, origin="Fulfillment"), {"mail_buyers_of": {"HUB"}}, False),
        (replace(SHIPMENT, origin="Chain", affiliate="HUB"), {}, False),
        (replace(SHIPMENT, origin="Chain", affiliate=" hub"), {"mail_buyers_of": {"HUB"}}, True),
        (replace(SHIPMENT, origin="Chain", affiliate=" "), {}, True),
        # What came through a connector, and what a source calls by the name or code of a marketplace that is known.
        (replace(SHIPMENT, origin="Chain", route=Route.CONNECTOR), {}, False),
        (replace(SHIPMENT, origin="", affiliate="vvj ", route=Route.REVIEW), {}, False),
        (replace(SHIPMENT, origin="", affiliate="Casas Bahia", route=Route.REVIEW), {}, False),
        (replace(SHIPMENT, origin="", affiliate="Casas Bahia"), {"mail_buyers_of": {"CASAS BAHIA"}}, True),
        (replace(SHIPMENT, origin="", affiliate="Feira Nova", route=Route.REVIEW), {}, True),
        (replace(SHIPMENT, origin="Marketplace", affiliate="BWW", route=Route.CONNECTOR), {}, True),
        (replace(DIRECT, origin="", affiliate="SHP"), {}, True),
    ],
)
def test_a_buyer_is_mailed_by_the_marketplace_or_by_us_and_never_by_both(
    shipment: Shipment, how: dict[str, set[str]], *, mailed: bool
) -> None:
    assert mails(changed([POSTED], DELIVERED), shipment, policy(**how)) == (["delivered"] if mailed else [])


def test_a_delivery_is_confirmed_whatever_its_age_and_the_go_live() -> None:
    change = changed([], event(Status.DELIVERED, -24 * 50), first=True)
    assert len(on(Channel.MARKETPLACE, change, DIRECT, policy(notify_since=NOON))) == 1


# The shop


@pytest.mark.parametrize("status", [Status.LOST, Status.RETURNED])
def test_a_parcel_lost_or_back_is_shown_to_the_shop(status: Status) -> None:
    change = changed([POSTED], event(status, -1))
    (one,) = on(Channel.ALERT, change)
    assert (one.notice.kind, one.notice.target) == (status.value, SHIPMENT.account)
    assert one.notice.facts == {"from": "in_transit", "to": status.value}
    assert one.notice.event_at == NOON - HOUR


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.LOST, Status.RETURNED}))
def test_other_news_disturbs_nobody_in_the_shop(status: Status) -> None:
    assert on(Channel.ALERT, changed([POSTED], event(status, -1))) == []


def test_the_shop_is_not_told_twice_that_a_parcel_is_lost() -> None:
    assert on(Channel.ALERT, changed([POSTED, event(Status.LOST, -5)], event(Status.LOST, -1))) == []


@pytest.mark.parametrize("final", [Status.DELIVERED, Status.RETURNED, Status.LOST, Status.CANCELLED])
def test_a_final_state_taken_back_is_shown_to_the_shop(final: Status) -> None:
    (one,) = on(Channel.ALERT, changed([POSTED, event(final, -5)], event(Status.IN_TRANSIT, -1)))
    assert one.notice.kind == "reopened"
    assert one.notice.facts == {"from": final.value, "to": "in_transit"}


def test_a_delivery_gone_from_the_answer_is_shown_to_the_shop() -> None:
    kinds = [one.notice.kind for one in on(Channel.ALERT, taken_back([POSTED, DELIVERED], POSTED))]
    assert kinds == ["reopened"]


def test_one_end_that_becomes_another_is_both_shown() -> None:
    change = changed([POSTED, DELIVERED], event(Status.RETURNED, -0.5))
    assert [one.notice.kind for one in on(Channel.ALERT, change)] == ["returned", "reopened"]


def test_a_given_up_parcel_that_speaks_again_alarms_nobody() -> None:
    assert on(Channel.ALERT, changed([POSTED], OUT, before=Status.EXPIRED)) == []


# The digest that tells two changes apart


def test_each_change_of_a_parcel_is_a_notice_of_its_own_however_often_it_flips() -> None:
    known, before, written = [POSTED], State(), []
    for revision, told in enumerate([(POSTED, DELIVERED), (POSTED,)] * 3, start=1):
        change = compare(
            known, Snapshot(reference="QQ100000017BR", events=told), life=LIFE, before=before, revision=revision
        )
        written += [one.notice.content for one in on(Channel.ORDER, change)]
        known, before = list(change.history), change.after
    assert len(set(written)) == len(written) == 6


def test_an_alert_of_before_the_go_live_is_recorded_and_not_owed() -> None:
    change = changed([POSTED], event(Status.LOST, -1))
    (lost,) = on(Channel.ALERT, change)
    at = lost.notice.event_at
    assert lost.dropped == ""
    (early,) = on(Channel.ALERT, change, how=policy(notify_since=at + timedelta(microseconds=1)))
    (in_time,) = on(Channel.ALERT, change, how=policy(notify_since=at))
    assert (early.dropped, in_time.dropped) == ("happened before the go-live cut-off", "")


# What holds for any life of a parcel

lives = st.lists(st.tuples(st.integers(-24 * 12, 0), st.sampled_from(list(Status))), min_size=1, max_size=9).map(
    lambda drawn: [event(status, hours, key=f"e{n}") for n, (hours, status) in enumerate(sorted(drawn))]
)


@given(lives, st.sampled_from([SHIPMENT, DIRECT, replace(DIRECT, origin="Fulfillment")]))
def test_followed_line_by_line_no_life_tells_anybody_the_same_thing_twice(
    life: list[Event], shipment: Shipment
) -> None:
    known: tuple[Event, ...] = ()
    keys: list[tuple[str, str, str]] = []
    failed_days = set()
    for number, one in enumerate(life):
        change = structs.replace(changed(known, one, first=number == 0), revision=number + 1)
        told = list(owed(change, shipment, policy(now=one.occurred_at + HOUR)))
        assert sum(each.notice.channel is Channel.EMAIL for each in told) <= 1
        for each in told:
            notice = each.notice
            if notice.channel in {Channel.ORDER, Channel.ALERT}:
                keys.append((notice.channel, notice.kind, notice.content))
            if notice.channel is Channel.EMAIL:
                assert shipment.origin != "Fulfillment"
                assert not change.before.status.is_final
                assert Status(notice.kind) is one.status
            if notice.kind == Status.DELIVERY_FAILED:
                failed_days.add(notice.content)
            if notice.channel is Channel.MARKETPLACE:
                assert (shipment.route, notice.kind) == (Route.DIRECT, "delivered")
        known = change.history
    assert len(keys) == len(set(keys))
    assert len(failed_days) <= 3


# Whoever receives what somebody else bought


def test_a_receiver_who_is_not_the_buyer_is_owed_each_mail_too_and_nobody_else_anything_twice() -> None:
    change = changed([POSTED], OUT)
    both = on(Channel.EMAIL, change, replace(SHIPMENT, receiver_too=True))
    assert [one.notice.to_receiver for one in both] == [False, True]
    assert replace(both[1].notice, to_receiver=False) == both[0].notice
    assert len(on(Channel.ORDER, change, replace(SHIPMENT, receiver_too=True))) == 1


def test_what_the_buyer_is_not_told_the_receiver_is_not_either() -> None:
    change = changed([], event(Status.DELIVERED, -80), first=True)
    both = on(Channel.EMAIL, change, replace(SHIPMENT, receiver_too=True))
    assert len({one.dropped for one in both}) == 1
    assert all(one.dropped for one in both)
