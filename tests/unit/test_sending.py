"""What is decided between the claim of a notice and its settlement."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from rastro.errors import Doubtful, Forbidden, RastroError, RateLimited, Rejected, Transient
from rastro.models import Channel, NoticeState, Status
from rastro.receivers import Answer, Reading, Receipt
from rastro.sending import (
    ACCEPTED_IN_VAIN,
    BACK_OFF,
    IN_VAIN,
    UNTIL_A_PERSON_LOOKS,
    Claimed,
    MailedBefore,
    Settlement,
    after_write,
    before_go_live,
    before_write,
    by_mail,
    days_reminded_of,
    held_back,
    hindered,
    in_doubt,
    mail_in_doubt,
    not_of_all,
    one_by_one,
    over_cap,
    reconsidered,
    refused,
)
from rastro.settings import Settings, settings_from

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
SETTINGS = settings_from({"max_attempts": "8"})
ONE_REPEAT = settings_from({"resend_doubtful_mail": "true"})
GO_LIVE = "happened before the go-live cut-off"


def notice(**changes: Any) -> Claimed:
    by_default: dict[str, Any] = {
        "notice_id": 1, "shipment_id": 1, "kind": "delivered", "content": "", "event_at": NOW - HOUR,
        "expires_at": None, "attempts": 1, "message_id": "", "hand_overs": 0,
    }  # fmt: skip
    return Claimed(**by_default | changes)


# How much one run may send


def test_a_channel_on_which_more_is_owed_than_a_run_may_send_is_held_back_in_a_sentence() -> None:
    owed = {Channel.EMAIL: 4812, Channel.ORDER: 4812}
    assert held_back(owed, {Channel.EMAIL: 2000, Channel.ORDER: 50000}, ()) == {
        Channel.EMAIL: (
            "4,812 e-mails owed, limit 2,000: look at them (view rastro.open_notice, or a dry run), then trigger a "
            "run that releases email"
        )
    }


@pytest.mark.parametrize(("count", "held"), [(1999, False), (2000, False), (2001, True)])
def test_a_run_may_send_as_much_as_its_limit(count: int, *, held: bool) -> None:
    assert bool(held_back({Channel.EMAIL: count}, {Channel.EMAIL: 2000}, ())) is held


def test_a_channel_without_a_limit_is_never_held_back() -> None:
    assert held_back({Channel.EMAIL: 10**6}, {Channel.ORDER: 1}, ()) == {}


def test_a_released_channel_is_not_held_back_and_the_others_are() -> None:
    owed, limits = {Channel.EMAIL: 11, Channel.ALERT: 11}, {Channel.EMAIL: 10, Channel.ALERT: 10}
    assert set(held_back(owed, limits, {Channel.EMAIL})) == {Channel.ALERT}


@pytest.mark.parametrize("channel", Channel)
def test_whatever_is_held_back_has_a_name(channel: Channel) -> None:
    assert channel in held_back({channel: 2}, {channel: 1}, ())[channel]


# Receivers that can be read


def before(reading: Reading, *notices: Claimed, repeat_is_safe: bool = False) -> Settlement | None:
    held = Answer(reading=reading, reason=f"it is {reading}")
    return before_write(held, notices or (notice(),), SETTINGS, NOW, repeat_is_safe=repeat_is_safe)


@pytest.mark.parametrize("notices", [(notice(),), (notice(hand_overs=1), notice())])
def test_only_what_is_not_there_yet_is_written(notices: tuple[Claimed, ...]) -> None:
    assert before(Reading.OWED, *notices) is None
    assert before(Reading.DONE, *notices) == Settlement(state=NoticeState.SENT, outcome="already", reason="it is done")
    assert before(Reading.CLOSED, *notices) == Settlement(state=NoticeState.DROPPED, reason="it is closed")


@pytest.mark.parametrize("reading", [Reading.NOT_READY, Reading.CHANGED])
def test_what_cannot_be_written_yet_waits_longer_each_time_and_not_for_ever(reading: Reading) -> None:
    waiting = before(reading, notice(attempts=2))
    assert waiting == Settlement(
        state=NoticeState.OWED, reason=f"it is {reading}", outcome=reading.value, not_before=NOW + BACK_OFF[1]
    )
    given_up = before(reading, notice(attempts=SETTINGS.max_attempts))
    assert given_up
    assert (given_up.state, given_up.outcome) == (NoticeState.DEAD, reading.value)


@pytest.mark.parametrize("repeat_is_safe", [True, False])
def test_what_was_told_for_another_parcel_of_the_package_is_not_told_again_where_nothing_can_be_read(
    *, repeat_is_safe: bool
) -> None:
    again = (notice(hand_overs=1), notice(told_before=True))
    settled = before(Reading.CANNOT_ASK, *again, repeat_is_safe=repeat_is_safe)
    reason = "told before for another parcel or number of the package"
    assert settled == Settlement(state=NoticeState.SENT, outcome="already", reason=reason)
    assert before(Reading.OWED, *again) is None, "what can be read is believed"


@pytest.mark.parametrize(("hand_overs", "state"), [(0, NoticeState.OWED), (1, NoticeState.UNKNOWN)])
def test_what_waits_for_other_parcels_waits_for_ever_and_that_is_no_attempt(
    hand_overs: int, state: NoticeState
) -> None:
    assert before(Reading.INCOMPLETE, notice(attempts=SETTINGS.max_attempts, hand_overs=hand_overs)) == Settlement(
        state=state, reason="it is incomplete", outcome="incomplete", counts=False
    )


@pytest.mark.parametrize("kind", ["in_transit", "delivery_failed", "ready_for_pickup"])
def test_what_is_no_end_is_told_of_one_parcel(kind: str) -> None:
    assert not_of_all([notice(kind=kind)], [Status.IN_TRANSIT, Status.DELIVERED]) is None


@pytest.mark.parametrize("kind", ["returned", "lost", "delivered"])
def test_an_end_is_told_when_every_parcel_of_the_package_has_come_to_it(kind: str) -> None:
    assert not_of_all([notice(kind=kind)], [Status(kind), Status(kind)]) is None
    assert not_of_all([notice(kind=kind)], [Status(kind), Status.IN_TRANSIT]) == Settlement(
        state=NoticeState.OWED,
        reason=f"{kind}, but not every parcel of the package is",
        outcome="incomplete",
        counts=False,
    )


def test_parcels_of_a_package_that_ended_differently_are_a_persons() -> None:
    assert not_of_all([notice(kind="returned")], [Status.RETURNED, Status.DELIVERED]) == Settlement(
        state=NoticeState.DEAD,
        reason="the parcels of the package ended differently (delivered, returned): tell the marketplace by hand",
    )


@pytest.mark.parametrize(
    ("hand_overs", "repeat_is_safe", "written"), [(0, False, True), (0, True, True), (1, True, True), (1, False, False)]
)
def test_where_nothing_can_be_read_only_a_safe_repeat_is_written(
    hand_overs: int, *, repeat_is_safe: bool, written: bool
) -> None:
    settled = before(Reading.CANNOT_ASK, notice(), notice(hand_overs=hand_overs), repeat_is_safe=repeat_is_safe)
    assert settled == (
        None
        if written
        else Settlement(
            state=NoticeState.UNKNOWN,
            reason="an earlier attempt may have arrived, and it cannot be asked: it is cannot_ask",
            not_before=NOW + UNTIL_A_PERSON_LOOKS,
        )
    )


@pytest.mark.parametrize(
    ("event_at", "delivered", "cut_off", "told"),
    [
        (NOW - 2 * HOUR, False, NOW - HOUR, False),
        (NOW - 2 * HOUR, True, NOW - HOUR, True),
        (NOW - 2 * HOUR, False, None, True),
        (NOW - HOUR, False, NOW - HOUR, True),
        (NOW, False, NOW - HOUR, True),
    ],
)
def test_news_from_before_the_go_live_is_told_only_of_what_is_delivered(
    event_at: datetime, cut_off: datetime | None, *, delivered: bool, told: bool
) -> None:
    settled = before_go_live([notice(event_at=event_at)], NOW if delivered else None, cut_off)
    assert settled == (None if told else Settlement(state=NoticeState.DROPPED, reason=GO_LIVE))


def test_one_piece_of_news_after_the_go_live_takes_the_older_ones_along() -> None:
    older, newer = notice(event_at=NOW - 2 * HOUR), notice(event_at=NOW)
    assert before_go_live([older, newer], None, NOW - HOUR) is None


# Telling a marketplace step by step


def step(notice_id: int, kind: Status, minutes: int = 0, shipment_id: int = 1) -> Claimed:
    at = NOW + timedelta(minutes=minutes)
    return notice(notice_id=notice_id, kind=kind.value, event_at=at, shipment_id=shipment_id)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("kind", Status)
def test_news_is_true_still_while_the_parcel_is_where_it_says_and_shipped_as_long_as_it_is_not_on_its_way_back(
    kind: Status, status: Status
) -> None:
    shipped = {"in_transit", "out_for_delivery", "delivery_failed", "ready_for_pickup", "delivered"}
    told = one_by_one([step(1, kind)], {1: status})
    assert bool(told) is (kind is status or (kind is Status.IN_TRANSIT and status in shipped))


def test_each_step_is_told_by_itself_in_the_order_in_which_it_happened() -> None:
    shipped, late = step(4, Status.IN_TRANSIT, 9), step(2, Status.DELIVERED, 8)
    assert one_by_one([late, shipped], {1: Status.DELIVERED}) == [[shipped], [late]], "shipped goes before all else"
    out, other = step(1, Status.OUT_FOR_DELIVERY, 5, shipment_id=2), step(3, Status.READY_FOR_PICKUP, 4)
    assert one_by_one([out, other], {1: Status.READY_FOR_PICKUP, 2: Status.OUT_FOR_DELIVERY}) == [[other], [out]]


@pytest.mark.parametrize("end", [Status.RETURNED, Status.LOST])
def test_that_it_is_shipped_is_told_before_an_end_that_is_told(end: Status) -> None:
    shipped, ended = step(1, Status.IN_TRANSIT, 9), step(2, end, 1)
    assert one_by_one([ended, shipped], {1: end}) == [[shipped], [ended]]
    assert one_by_one([shipped], {1: end}) == []
    assert one_by_one([shipped, step(2, end, 1, shipment_id=2)], {1: Status.RETURNING, 2: end}) == [
        [step(2, end, 1, shipment_id=2)]
    ]
    assert one_by_one([shipped, ended], {1: Status.RETURNING}) == []


def test_the_same_step_of_several_parcels_of_a_package_is_one_message() -> None:
    first, second = step(1, Status.DELIVERED, 5), step(2, Status.DELIVERED, 3, shipment_id=2)
    assert one_by_one([first, second], dict.fromkeys((1, 2), Status.DELIVERED)) == [[second, first]]


def test_each_parcels_news_is_overtaken_by_what_became_of_itself() -> None:
    here, there = step(1, Status.OUT_FOR_DELIVERY), step(2, Status.OUT_FOR_DELIVERY, 1, shipment_id=2)
    assert one_by_one([here, there], {1: Status.DELIVERY_FAILED, 2: Status.OUT_FOR_DELIVERY}) == [[there]]


def after(held: Answer | RastroError, *notices: Claimed) -> Settlement:
    return after_write(Receipt(status=202, number="R-1"), held, notices or (notice(),), SETTINGS, NOW)


@pytest.mark.parametrize(("reading", "outcome"), [(Reading.DONE, "read back"), (Reading.CANNOT_ASK, "accepted")])
def test_an_accepted_write_that_nothing_contradicts_is_sent(reading: Reading, outcome: str) -> None:
    assert after(Answer(reading=reading)) == Settlement(
        state=NoticeState.SENT, outcome=outcome, receipt="R-1", answer="202"
    )


@pytest.mark.parametrize("reading", [Reading.OWED, Reading.CLOSED, Reading.CHANGED, Reading.NOT_READY])
def test_an_accepted_write_that_cannot_be_seen_is_doubtful_and_the_second_time_a_persons(reading: Reading) -> None:
    held = Answer(reading=reading, reason="nothing there")
    why = "accepted with 202, but reading it back shows otherwise: nothing there"
    assert after(held) == Settlement(
        state=NoticeState.UNKNOWN, reason=why, not_before=NOW + BACK_OFF[0], may_have_arrived=True, receipt="R-1",
        answer="202", outcome=IN_VAIN,
    )  # fmt: skip
    assert after(held, notice(attempts=7, in_vain=ACCEPTED_IN_VAIN - 1), notice()) == Settlement(
        state=NoticeState.DEAD, reason=f"given up, {why}", may_have_arrived=True, receipt="R-1", answer="202",
        outcome=IN_VAIN,
    )  # fmt: skip


def test_attempts_that_failed_before_are_no_acceptance_in_vain() -> None:
    assert after(Answer(reading=Reading.OWED), notice(attempts=5, hand_overs=1)).state is NoticeState.UNKNOWN
    assert after(Answer(reading=Reading.OWED)).reason.endswith(": nothing of it is there")


def test_an_accepted_write_that_could_not_be_read_back_is_read_again_with_patience() -> None:
    doubt = after(Transient("503"), notice(attempts=7))
    assert (doubt.state, doubt.not_before) == (NoticeState.UNKNOWN, NOW + BACK_OFF[6])
    assert doubt.reason == "written, but not read back: 503"
    assert doubt.may_have_arrived
    assert after(Transient("503"), notice(attempts=8)).state is NoticeState.DEAD


@pytest.mark.parametrize(("attempts", "state"), [(1, NoticeState.UNKNOWN), (3, NoticeState.DEAD)])
def test_what_may_have_arrived_is_remembered_as_such_whatever_becomes_of_it(attempts: int, state: NoticeState) -> None:
    doubt = in_doubt("no answer", [notice(attempts=attempts), notice()], replace(SETTINGS, max_attempts=3), NOW)
    assert (doubt.state, doubt.may_have_arrived) == (state, True)


def test_doubt_that_came_up_too_often_is_given_up_with_the_reason() -> None:
    doubt = in_doubt("no answer", [notice(attempts=3)], replace(SETTINGS, max_attempts=3), NOW)
    assert doubt.reason == "gave up after 3 attempts: no answer"


def test_the_pause_after_a_doubt_grows_and_then_stays() -> None:
    doubts = [
        in_doubt("no answer", [notice(attempts=attempts)], replace(SETTINGS, max_attempts=99), NOW)
        for attempts in range(1, 21)
    ]
    waits = [doubt.not_before - NOW for doubt in doubts if doubt.not_before]
    assert waits == [*BACK_OFF, *[BACK_OFF[-1]] * (20 - len(BACK_OFF))]


def test_a_barred_way_does_not_count() -> None:
    assert hindered(RateLimited("429"), [notice()], NOW).counts is False


@pytest.mark.parametrize("error", [Forbidden("403"), Rejected("wrong")])
def test_what_is_refused_with_others_waits_longer_each_time_and_never_ends(error: RastroError) -> None:
    for attempts, pause in enumerate((*BACK_OFF, BACK_OFF[-1]), start=1):
        settlement = refused(error, [notice(), notice(attempts=attempts)], NOW, alone=False)
        assert settlement == Settlement(state=NoticeState.OWED, reason=str(error), not_before=NOW + pause)
    assert refused(error, [notice(hand_overs=1)], NOW, alone=False).state is NoticeState.UNKNOWN


def test_what_is_refused_alone_is_a_persons() -> None:
    (forbidden, wrong) = (
        refused(error, [notice()], NOW, alone=True) for error in (Forbidden("403"), Rejected("wrong"))
    )
    assert forbidden == Settlement(state=NoticeState.DEAD, reason="403. Others are told, so it is about this order")
    assert wrong == Settlement(state=NoticeState.DEAD, reason="wrong")


def test_a_refusal_is_told_from_other_ends() -> None:
    dead = Settlement(state=NoticeState.DEAD, reason="wrong")
    assert dead.is_refusal
    assert not replace(dead, state=NoticeState.DROPPED).is_refusal
    assert not replace(dead, outcome="accepted in vain").is_refusal
    assert not replace(dead, answer="200").is_refusal
    assert not replace(dead, may_have_arrived=True).is_refusal


# Mail


def test_what_may_have_arrived_goes_in_the_mail_it_was_in_and_all_else_together() -> None:
    new, tried = notice(notice_id=1), notice(notice_id=2, message_id="<a@b>")
    doubtful = [notice(notice_id=n, message_id="<c@d>", hand_overs=1) for n in (3, 4)]
    other = notice(notice_id=5, message_id="<e@f>", hand_overs=1)
    unnamed = notice(notice_id=6, message_id="", hand_overs=1)
    mails = by_mail([new, doubtful[0], tried, other, doubtful[1], unnamed])
    assert mails == [[new, tried, unnamed], doubtful, [other]]


def settled(one: Claimed, *, settings: Settings = SETTINGS, cut_off: datetime | None = None) -> Settlement | None:
    """How a mail about a delivered parcel ends before it goes out; None when it goes."""
    found = reconsidered([one], {1: Status.DELIVERED}, settings, NOW, cut_off=cut_off, last_days={})
    assert [held for held, _ in found] in ([], [one])
    return found[0][1] if found else None


def test_a_mail_of_unknown_fate_is_held_with_the_sentence_that_says_what_to_do() -> None:
    assert settled(notice(hand_overs=1)) == Settlement(
        state=NoticeState.UNKNOWN,
        reason="an earlier attempt may have gone out, and a mail cannot be asked back; look, then release it",
        not_before=NOW + UNTIL_A_PERSON_LOOKS,
    )


@pytest.mark.parametrize(("cut_off", "goes"), [(NOW - 2 * HOUR, True), (NOW - HOUR, True), (NOW, False), (None, True)])
def test_a_mail_about_what_happened_before_the_go_live_does_not_go_out(cut_off: datetime | None, *, goes: bool) -> None:
    expected = None if goes else Settlement(state=NoticeState.DROPPED, reason=GO_LIVE)
    assert settled(notice(event_at=NOW - HOUR), cut_off=cut_off) == expected


def test_a_repeat_too_must_be_news_of_after_the_go_live() -> None:
    once = notice(hand_overs=1)
    assert settled(once, settings=ONE_REPEAT) is None
    assert settled(once, settings=ONE_REPEAT, cut_off=NOW) == Settlement(state=NoticeState.DROPPED, reason=GO_LIVE)
    too_late = replace(once, expires_at=NOW)
    assert settled(too_late, settings=ONE_REPEAT) == Settlement(state=NoticeState.DROPPED, reason="too old to be news")


def test_a_mail_whose_answer_was_lost_says_so_and_may_have_arrived() -> None:
    assert mail_in_doubt(Doubtful("cut off after DATA"), [notice()], SETTINGS, NOW) == Settlement(
        state=NoticeState.UNKNOWN,
        reason="cut off after DATA",
        not_before=NOW + UNTIL_A_PERSON_LOOKS,
        may_have_arrived=True,
    )


@pytest.mark.parametrize(
    ("kind", "waits"), [("delivered", True), ("out_for_delivery", False), ("ready_for_pickup", False)]
)
def test_in_quiet_hours_a_mail_waits_for_their_end_unless_the_morning_would_be_too_late(
    kind: str, *, waits: bool
) -> None:
    settings = settings_from({"quiet_hours": "21:00-08:00"})
    night = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)  # half past eleven in the evening in São Paulo
    one = replace(notice(), kind=kind, expires_at=None)
    found = reconsidered([one], {1: Status(kind)}, settings, night, last_days={})
    if waits:
        ((held, settlement),) = found
        assert held is one
        assert (settlement.state, settlement.counts) == (NoticeState.OWED, False)
        assert settlement.not_before == datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
    else:
        assert found == []
    assert reconsidered([one], {1: Status(kind)}, settings, night + timedelta(hours=9), last_days={}) == []


# Reminders of what waits to be collected

MIDDAY = datetime(2026, 11, 21, 15, tzinfo=UTC)  # noon in São Paulo
DAY = timedelta(days=1)


def reminder() -> Claimed:
    return replace(notice(), kind="ready_for_pickup", content="reminder", expires_at=None)


@pytest.mark.parametrize(
    ("status", "last_day", "state"),
    [
        (Status.READY_FOR_PICKUP, date(2026, 11, 22), None),
        (Status.READY_FOR_PICKUP, date(2026, 11, 21), None),
        (Status.READY_FOR_PICKUP, date(2026, 11, 20), NoticeState.DROPPED),
        (Status.READY_FOR_PICKUP, None, NoticeState.DROPPED),
        (Status.DELIVERED, date(2026, 11, 22), NoticeState.SUPERSEDED),
        (Status.RETURNING, date(2026, 11, 22), NoticeState.SUPERSEDED),
    ],
)
def test_a_reminder_goes_out_while_the_parcel_waits_and_a_last_day_is_stated_that_is_not_over(
    status: Status, last_day: date | None, state: NoticeState | None
) -> None:
    found = reconsidered([reminder()], {1: status}, SETTINGS, MIDDAY, last_days={1: last_day} if last_day else {})
    assert [settlement.state for _, settlement in found] == ([state] if state else [])


def test_a_reminder_waits_for_the_morning_though_the_first_mail_about_a_pickup_does_not() -> None:
    quiet, night = settings_from({"quiet_hours": "21:00-08:00"}), MIDDAY + timedelta(hours=11)
    first = replace(reminder(), content="")
    found = reconsidered(
        [first, reminder()], {1: Status.READY_FOR_PICKUP}, quiet, night, last_days={1: date(2026, 11, 25)}
    )
    assert [(held.content, one.not_before) for held, one in found] == [("reminder", MIDDAY + timedelta(hours=20))]


@pytest.mark.parametrize(("hour", "reach"), [(0, 1), (8, 1), (9, 2), (23, 2)])
def test_a_reminder_is_owed_from_nine_in_the_morning_of_its_first_day(hour: int, reach: int) -> None:
    midnight = MIDDAY - timedelta(hours=12)
    assert days_reminded_of(midnight + timedelta(hours=hour), 2) == (
        date(2026, 11, 21),
        date(2026, 11, 21) + reach * DAY,
    )


# One mail too many


@pytest.mark.parametrize(
    ("about_parcel", "today", "setting"),
    [(7, 2, None), (8, 0, "mails_per_parcel"), (0, 3, "mails_per_day"), (9, 4, "mails_per_parcel")],
)
def test_a_mail_over_a_cap_waits_for_a_person_who_is_told_which(
    about_parcel: int, today: int, setting: str | None
) -> None:
    held = over_cap(MailedBefore(about_parcel=about_parcel, today=today), [notice()], settings_from({}))
    assert (held and held.state) == (setting and NoticeState.DEAD)
    assert setting is None or (held and setting in held.reason)


def test_what_a_person_wants_sent_is_sent_whatever_the_caps() -> None:
    before = MailedBefore(about_parcel=100, today=100)
    assert over_cap(before, [notice(), replace(notice(), released=True)], settings_from({})) is None
