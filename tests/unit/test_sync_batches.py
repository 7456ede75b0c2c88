"""What a source yields, cut into batches: orders stay whole, and trouble loses nothing that came before it."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from rastro.errors import Transient
from rastro.models import Shipment
from rastro.pipeline.sync import AT_A_TIME, Found, in_batches


def shipment(order: int, number: int = 0) -> Shipment:
    return Shipment(account="", order_id=f"{order}", invoice_number="1", tracking_number=f"QB{order}{number}")


def test_an_order_is_never_parted() -> None:
    found = [shipment(order, number) for order in range(AT_A_TIME) for number in range(3)]
    batches = list(in_batches(found))
    assert len(batches) > 1
    assert [one for batch in batches for one in batch] == found
    ends = [(before[-1].order_id, after[0].order_id) for before, after in pairwise(batches)]
    assert all(last != first for last, first in ends)


def test_what_came_before_trouble_is_given_before_the_trouble() -> None:
    def source() -> Iterator[Found]:
        yield shipment(1)
        yield shipment(2)
        raise Transient("the source is in trouble")

    batches = in_batches(source())
    assert next(batches) == [shipment(1), shipment(2)]
    with pytest.raises(Transient, match="in trouble"):
        next(batches)


def test_nothing_found_is_no_batch() -> None:
    assert list(in_batches([])) == []
