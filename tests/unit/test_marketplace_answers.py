"""Which package of an order it is, and whether a platform that keeps a history of events knows it already."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from rastro.errors import Rejected
from rastro.http import Request
from rastro.marketplaces.answers import (
    Vocabulary,
    hushed,
    in_brasilia,
    of_whole_order,
    package_of,
    secrets_in,
    told_at,
)
from rastro.models import Status
from rastro.receivers import Answer, Message, Progress, Reading

AT = datetime(2026, 11, 20, 22, 30, tzinfo=timezone(timedelta(hours=-3)))
MESSAGE = Message(
    key="notice_7",
    order_id="LOJ-1",
    invoice_number="100001",
    tracking_number="QB123456785BR",
    courier="Correios",
    tracking_url="",
    status=Status.IN_TRANSIT,
    history=(Progress(occurred_at=AT, description="Objeto postado"),),
)
WORDS = Vocabulary(
    words={Status.IN_TRANSIT: "moving", Status.DELIVERY_FAILED: "tried", Status.DELIVERED: "there"},
    again=frozenset({"tried"}),
)


@pytest.mark.parametrize(
    ("packages", "whole", "ours"),
    [
        (["QB123456785BR"], True, 0),
        (["another"], True, None),
        (["of a parcel beside it"], True, 0),
        ([""], True, 0),
        (["another"], False, None),
        (["QB123456785BR"], False, 0),
        ([""], False, None),
        (["another", "qb 123.456.785 br"], True, 1),
        (["another", "the third"], True, None),
        (["another", ""], True, 1),
        (["another", ""], False, None),
        (["another", "", ""], True, None),
        (["another", "", "cancelled"], True, 1),
        ([], True, None),
    ],
)
def test_a_package_is_known_by_its_number_and_else_only_where_nothing_else_is_possible(
    packages: list[str], ours: int | None, *, whole: bool
) -> None:
    numbered = list(enumerate(packages))
    found = package_of(
        replace(MESSAGE, numbers=("OF A PARCEL BESIDE IT",)),
        numbered,
        lambda one: [one[1].removeprefix("cancelled")],
        is_cancelled=lambda one: one[1] == "cancelled",
        whole=whole,
    )
    assert (found and found[0]) == ours if ours else (found is None) == (ours is None)


@pytest.mark.parametrize(
    ("told", "when", "word", "known"),
    [
        ("moving", AT - timedelta(days=3), "moving", True),
        ("moving", None, "moving", True),
        ("tried", AT + timedelta(seconds=59), "tried", True),
        ("tried", AT - timedelta(seconds=59), "tried", True),
        ("tried", AT - timedelta(seconds=61), "tried", False),
        ("tried", None, "tried", False),
        ("tried", AT + timedelta(hours=1), "moving", True),
        ("tried", AT - timedelta(hours=1), "moving", False),
        ("there", AT - timedelta(hours=1), "moving", True),
        ("there", AT - timedelta(days=9), "there", True),
        ("moving", AT + timedelta(days=9), "there", False),
        ("tried", AT.replace(tzinfo=None), "moving", False),
    ],
)
def test_what_is_shown_already_or_overtaken_is_not_told_again(
    told: str, when: datetime | None, word: str, *, known: bool
) -> None:
    assert WORDS.is_known([(told, when)], word, AT) is known


@pytest.mark.parametrize(
    ("status", "delivered_at", "word"),
    [
        (Status.IN_TRANSIT, None, "moving"),
        (Status.DELIVERED, AT, "there"),
        (Status.DELIVERED, None, None),
        (Status.RETURNED, None, None),
        (Status.UNKNOWN, None, None),
    ],
)
def test_only_what_has_arrived_is_called_so(status: Status, delivered_at: datetime | None, word: str | None) -> None:
    assert WORDS.word_for(replace(MESSAGE, status=status, delivered_at=delivered_at)) == word


def test_a_delivery_is_told_with_its_own_time_and_news_with_that_of_the_newest_line() -> None:
    assert told_at(MESSAGE, "some") == AT
    assert told_at(replace(MESSAGE, delivered_at=AT + timedelta(hours=1)), "some") == AT + timedelta(hours=1)


def test_times_are_written_in_brasilia_whatever_zone_they_come_in() -> None:
    assert in_brasilia(datetime(2026, 11, 21, 1, 30, tzinfo=UTC)) == "2026-11-20T22:30:00.000-03:00"


def test_what_identifies_us_is_taken_out_of_an_answer() -> None:
    request = Request(
        method="GET",
        path="/",
        params=(("access_token", "segredo-um"), ("sign", "segredo-dois"), ("order_sn_list", "26112000000007")),
        headers={"X-Shopify-Access-Token": "segredo-tres"},
    )
    body = b"segredo-um segredo-dois segredo-tres 26112000000007"
    assert hushed(body, secrets_in(request)) == b"*** *** *** 26112000000007"


# One word for the whole order


@pytest.mark.parametrize("reading", [Reading.OWED, Reading.NOT_READY])
@pytest.mark.parametrize(
    ("status", "others", "waits"),
    [
        (Status.DELIVERED, (), False),
        (Status.DELIVERED, (Status.DELIVERED,), False),
        (Status.DELIVERED, (Status.DELIVERED, Status.IN_TRANSIT), True),
        (Status.DELIVERED, (Status.UNKNOWN, Status.RETURNED), True),
        (Status.RETURNED, (Status.OUT_FOR_DELIVERY,), True),
        (Status.LOST, (Status.LOST,), False),
        (Status.IN_TRANSIT, (Status.UNKNOWN,), False),
        (Status.DELIVERY_FAILED, (Status.DELIVERED,), False),
    ],
)
def test_an_end_that_would_be_told_of_the_whole_order_waits_for_its_other_parcels(
    reading: Reading, status: Status, others: tuple[Status, ...], *, waits: bool
) -> None:
    told = replace(MESSAGE, status=status, others=others, delivered_at=AT if status is Status.DELIVERED else None)
    held = Answer(reading=reading)
    found = of_whole_order(held, told)
    assert found.reading is Reading.INCOMPLETE if waits else found is held


@pytest.mark.parametrize("reading", [Reading.DONE, Reading.CLOSED])
def test_what_is_settled_there_waits_for_nothing(reading: Reading) -> None:
    held = Answer(reading=reading)
    assert of_whole_order(held, replace(MESSAGE, delivered_at=AT, others=(Status.IN_TRANSIT,))) is held


@pytest.mark.parametrize("other", [Status.RETURNED, Status.LOST, Status.CANCELLED, Status.EXPIRED])
def test_parcels_that_ended_differently_are_a_persons(other: Status) -> None:
    with pytest.raises(Rejected, match=rf"order LOJ-1 .* \({', '.join(sorted({'delivered', other}))}\)"):
        of_whole_order(Answer(reading=Reading.OWED), replace(MESSAGE, delivered_at=AT, others=(other,)))
