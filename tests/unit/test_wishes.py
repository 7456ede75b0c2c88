"""What a person asks to be done by hand, as the form and the table say it."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rastro.errors import Misconfigured
from rastro.models import Status
from rastro.wishes import FIELDS, Action, wishes_in

BRASILIA = timezone(timedelta(hours=-3))


def one(**params):
    (wish,) = wishes_in({"reason": "o cliente ligou", **params})
    return wish


def refused(**params):
    with pytest.raises(Misconfigured) as said:
        wishes_in({"reason": "o cliente ligou", **params})
    return str(said.value)


def test_a_form_is_one_wish():
    wish = one(action="confirm_delivery", numbers="1400-01", occurred_at="2026-11-20 14:30", city="Vila Serena")
    assert (wish.action, wish.status, wish.line) == (Action.CONFIRM_DELIVERY, Status.DELIVERED, 0)
    assert wish.occurred_at == datetime(2026, 11, 20, 14, 30, tzinfo=BRASILIA)
    assert "1400-01" in wish.numbers
    assert wish.reason == "o cliente ligou"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("20/11/2026 14:30", datetime(2026, 11, 20, 14, 30, tzinfo=BRASILIA)),
        ("20/11/2026", datetime(2026, 11, 20, tzinfo=BRASILIA)),
        ("2026-11-20T17:30:00Z", datetime(2026, 11, 20, 14, 30, tzinfo=BRASILIA)),
        ("2026-11-20T14:30", datetime(2026, 11, 20, 14, 30, tzinfo=BRASILIA)),
        ("", None),
        (None, None),
    ],
)
def test_times_are_sao_paulos_unless_they_say_otherwise(written, meant):
    assert one(action="confirm_delivery", numbers="QQ100000017BR", occurred_at=written).occurred_at == meant


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"action": "dance", "numbers": "1"}, "the action 'dance' is none of add_event, "),
        ({"action": "pause", "numbers": "1", "reason": " "}, "say why"),
        ({"action": "pause", "numbers": "sem numero"}, "pause needs orders or tracking numbers"),
        ({"action": "release"}, "release needs orders or tracking numbers or the numbers of notices"),
        ({"action": "add_event", "numbers": "1", "status": "unknown"}, "the status 'unknown' is none of "),
        ({"action": "add_event", "numbers": "1"}, "the status '' is none of "),
        ({"action": "confirm_delivery", "numbers": "1", "occurred_at": "ontem"}, "'ontem' is no time such as"),
        ({"action": "change_number", "numbers": "1"}, "needs in the field number the right one"),
        ({"action": "change_carrier", "numbers": "1"}, "needs the carrier's code"),
        ({"action": "pause", "shipment_ids": "17 1400-01"}, "'1400-01' is none of the numbers of notices or parcels"),
        ({"action": "drop", "notice_ids": "9" * 19}, "is none of the numbers of notices or parcels"),
    ],
)
def test_what_makes_no_sense_is_said(params, says):
    assert says in refused(**params)


def test_what_needs_no_parcel_gets_along_without():
    assert one(action="retry_quarantine").numbers == ()
    assert one(action="drop", notice_ids="7, 9").notice_ids == (7, 9)


def test_parcels_are_named_by_our_own_numbers_too():
    wish = one(action="pause", shipment_ids="17; 19")
    assert (wish.numbers, wish.shipment_ids, wish.named) == ((), (17, 19), "parcel 17 parcel 19")
    table = "action,shipment_ids,numbers\npause,17,\npause,,1400-01\n"
    first, second = wishes_in({"reason": "férias", "csv": table, "numbers": "1400-09"})
    assert (first.numbers, first.shipment_ids) == ((), (17,)), "what the form names is meant by no line that names any"
    assert ("1400-01" in second.numbers, second.shipment_ids) == (True, ())


def test_a_table_is_a_wish_a_line_and_the_form_says_the_rest():
    table = "numbers,city,reason\nQQ100000017BR,Vila Serena,\n\n1400-02,,viu a foto\n"
    first, second = wishes_in({"action": "confirm_delivery", "reason": "lista da loja", "csv": table})
    assert (first.line, first.numbers, first.city, first.reason) == (
        2, ("QQ100000017BR",), "Vila Serena", "lista da loja",
    )  # fmt: skip
    assert (second.line, second.reason) == (4, "viu a foto")


def test_a_table_of_a_spreadsheet_in_portuguese_is_read():
    (wish,) = wishes_in({"csv": "Action;Order;Reason\npause;1400-01;férias, até segunda\n"})
    assert (wish.action, wish.reason) == (Action.PAUSE, "férias, até segunda")


def test_every_line_that_is_wrong_is_named_and_nothing_is_done():
    table = "action,numbers\npause,1400-01\ndance,1400-02\npause,nobody\n"
    said = refused(csv=table)
    assert said.startswith("Nothing was done. line 3: the action 'dance'")
    assert "; line 4: pause needs orders" in said


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("action,colour\npause,red\n", "The table has no column colour; there are action, numbers"),
        ("action,numbers\n", "The table has 0 lines"),
        ("action,numbers\npause,1,2\n", "Line 2 has more cells"),
        ('action,numbers\n"pause,1\n', "of the table: "),
        ("action,numbers\n" + "pause,1\n" * 5001, "The table has 5,001 lines"),
    ],
)
def test_what_is_no_such_table_is_refused(table, says):
    assert says in refused(csv=table)


@given(st.dictionaries(st.sampled_from([*FIELDS, "csv"]), st.text(max_size=60) | st.none() | st.lists(st.integers())))
def test_whatever_is_typed_is_a_wish_or_a_sentence(params):
    said = ""
    try:
        wishes_in(params)
    except Misconfigured as error:
        said = str(error)
    assert not said or said.startswith("Nothing was done. ")


def test_the_groups_of_a_number_are_no_orders():
    assert one(action="pause", numbers="DZ 087 632 119 BR").numbers == ("DZ087632119BR",)
