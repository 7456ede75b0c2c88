"""What the operators' pages decide by themselves: forms, figures, and why a parcel is looked at next and then."""

import re
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from rastro.errors import Misconfigured
from rastro.models import RefusalReason, Status
from rastro.next_look import next_look
from rastro.pages import figures
from rastro.pages.acts import ACTS, LABELS, wish_of, wish_of_many
from rastro.polling import Look, Pace, next_poll_at, why
from rastro.warehouse.tally import Count
from rastro.wishes import Action

NOW = datetime(2026, 11, 26, 13, 30, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PACE = Pace(every=HOUR, last_look_after=3 * DAY, give_up_after=60 * DAY)
EVERYTHING = {
    "numbers": "QQ100000017BR", "notice_ids": "12, 13", "status": "in_transit", "occurred_at": "2026-11-26T10:00",
    "description": "Entregue ao porteiro", "city": "Recife", "state": "PE", "carrier": "correios",
    "number": "QQ100000025BR", "claim": "lost", "protocol": "123456", "amount": "1.234,56",
    "reason": " the customer called ", "once": "0123456789abcdef",
}  # fmt: skip


def test_everything_that_can_be_done_by_hand_has_its_form() -> None:
    assert set(ACTS) == set(Action)


@pytest.mark.parametrize("action", ACTS)
def test_every_act_sends_its_own_fields_and_no_others(action: Action) -> None:
    wish = wish_of({**EVERYTHING, "action": action})
    assert set(wish) == {"action", "reason", *ACTS[action].fields}
    assert set(ACTS[action].needs) <= set(ACTS[action].fields) <= set(LABELS)
    assert wish["reason"] == "the customer called"


def test_a_parcel_without_a_number_is_named_by_its_page_and_its_order_is_not() -> None:
    sent = {**EVERYTHING, "action": "pause", "shipment_ids": "17"}
    assert wish_of(sent) == {"action": "pause", "shipment_ids": "17", "reason": "the customer called"}


@pytest.mark.parametrize(
    ("action", "wrong", "said"),
    [
        ("confirm_delivery", {"occurred_at": "soon"}, "'soon' is no time"),
        ("confirm_delivery", {"numbers": "the blue one"}, "needs orders or tracking numbers"),
        ("confirm_delivery", {"reason": " "}, "say why"),
        ("add_event", {"status": "vanished"}, "'vanished' is none of"),
        ("change_carrier", {"carrier": ""}, "needs the carrier's code"),
        ("release", {"notice_ids": "the last"}, "the numbers of notices"),
        ("sell", {}, "'sell' is none of"),
    ],
)
def test_what_makes_no_sense_is_said(action: str, wrong: dict[str, str], said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        wish_of({**EVERYTHING, **wrong, "action": action})


def test_a_table_goes_as_it_is_and_its_wrong_lines_are_named() -> None:
    table = "action,numbers\npause,QQ100000017BR"
    assert wish_of_many(table, " strike ") == {"csv": table, "reason": "strike"}
    with pytest.raises(Misconfigured, match="line 3: the action 'sell'"):
        wish_of_many(f"{table}\nsell,QQ100000025BR", "strike")
    with pytest.raises(Misconfigured, match="say why"):
        wish_of_many(table, "")


# Why then


def look(**more: Any) -> Look:
    return Look(**{"at": NOW, "status": Status.IN_TRANSIT, "quiet_since": NOW - HOUR, **more})


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (look(), "it moves"),
        (look(status=Status.DELIVERED), "once more: carriers correct themselves"),
        (look(status=Status.DELIVERED, was_final=True), "was looked at once more since"),
        (look(not_ours=3), "3 times in a row"),
        (look(quiet_since=NOW - 61 * DAY), "for more than 60 days"),
        (look(refusal=RefusalReason.MALFORMED), "never know such a number"),
        (look(status=Status.OUT_FOR_DELIVERY, quiet_since=NOW - 20 * DAY), "it is out for delivery"),
        (look(estimated_at=NOW, quiet_since=NOW - 20 * DAY), "expected about now"),
        (look(quiet_since=NOW - 5 * DAY), "nothing new for 5 days: looked at after 3 hours"),
        (look(quiet_since=NOW - 40 * DAY), "nothing new for 40 days: looked at after 24 hours"),
    ],
)
def test_the_rule_behind_the_next_look_is_said(seen: Look, said: str) -> None:
    assert said in why(seen, PACE, next_poll_at(seen, PACE))
    ended = next_poll_at(seen, PACE) is None
    assert ended == (said in {"was looked at once more since", "3 times in a row", "for more than 60 days"})


def parcel(**more: Any) -> Any:
    return SimpleNamespace(
        **{
            "skip": "", "paused_at": None, "carrier": "correios", "carrier_reason": "", "poll_id": 1,
            "answered_at": NOW, "next_poll_at": NOW + HOUR, "failures": 0, "looked_status": "in_transit",
            "quiet_since": NOW - 2 * HOUR, "looked_estimated_at": None, "refusal": "", "not_ours": 0, "put_off": False,
            "promised_at": None, **more,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (parcel(), "At 26/11/2026 11:30, because it moves"),
        (parcel(next_poll_at=NOW - HOUR), "With the next run, because it moves"),
        (parcel(failures=4), r"\(4 looks in a row got no answer\)"),
        (parcel(skip="carried by the marketplace"), "Never: carried by the marketplace"),
        (parcel(paused_at=NOW), "Not while it is paused"),
        (parcel(carrier=None, carrier_reason="two could"), "no carrier claims it: two could"),
        (parcel(poll_id=None), "asked by is missing"),
        (parcel(answered_at=None, failures=2), "not answered about it yet; 2 looks got no answer"),
        (parcel(looked_status="delivered", next_poll_at=None), "Never again: it has come to its end"),
        (parcel(next_poll_at=NOW - HOUR, put_off=True), "With one of the next runs: .* parcels likelier to have news"),
    ],
)
def test_the_next_look_at_a_parcel_is_one_sentence(row: Any, said: str) -> None:
    assert re.search(said, next_look(row, PACE, NOW))


# Figures


def counted(subject: str, part: str, word: str, figure: int, since: datetime | None = None) -> Count:
    return Count(subject=subject, part=part, word=word, since=since, figure=figure, counted_at=NOW)


def test_every_status_is_in_a_group_and_every_parcel_is_counted_once() -> None:
    counts = [counted("shipment", "correios", status, 2) for status in Status] + [counted("shipment", "", "unknown", 1)]
    busy, unclaimed = figures.parcels(counts)
    assert (busy.name, unclaimed.name) == ("correios", "")
    assert busy.total == 2 * len(Status)
    assert dict(zip(figures.GROUPS, busy.figures, strict=True))[figures.DELIVERED] == 2
    assert dict(zip(figures.GROUPS, busy.figures, strict=True))[figures.IN_TROUBLE] == 14
    assert sum(part.width for part in figures.stretches(busy, busy.total)) == pytest.approx(100)


def test_hours_are_local_and_show_the_worst_of_what_they_hold() -> None:
    at = datetime(2026, 11, 26, 2, tzinfo=UTC)
    counts = [
        counted("coverage", "correios", "pending", 5, at),
        counted("coverage", "correios", "covered", 5, at),
        counted("coverage", "jadlog", "pending", 3, at),
        counted("coverage", "jadlog", "gap", 3, at),
    ]
    ((day, hours),) = figures.coverage(counts)
    assert (day, hours[23].word if hours[23] else "") == (date(2026, 11, 25), "gap")
    ((_, only),) = figures.coverage(counts, "correios")
    assert only[23] is not None
    assert (only[23].word, only[23].gap) == ("covered", 0)
    assert figures.first_and_last_gap(figures.coverage(counts)) == (at, at)
    assert figures.first_and_last_gap(figures.coverage(counts, "correios")) is None


def test_the_plot_of_deliveries_fits_its_picture() -> None:
    counts = [counted("delivery", "correios", "delivered", n, NOW - n * DAY) for n in range(1, 5)]
    bars = figures.deliveries(counts, NOW.date())
    assert [bar.figure for bar in bars][-5:] == [4, 3, 2, 1, 0]
    assert all(0 <= bar.top <= 100 and bar.top + bar.height == pytest.approx(100) for bar in bars)
    assert len(figures.deliveries([], NOW.date())) == len(bars)
