"""What the slices of one pool are told of each other."""

from rastro.orchestration.pools import SLOTS, shared
from rastro.warehouse.polls import Slice


def slices(carrier: str, many: int) -> list[Slice]:
    return [Slice(carrier=carrier, first=number, last=number, size=1) for number in range(many)]


def test_a_slice_that_is_alone_has_the_whole_time() -> None:
    (alone,) = shared({"usps": slices("usps", 1)})
    assert alone.turns == 1


def test_of_many_slices_no_more_are_worked_on_at_once_than_the_pool_has_slots() -> None:
    told = list(shared({"correios": slices("correios", 2 * SLOTS + 1)}))
    assert [one.first for one in told] == list(range(2 * SLOTS + 1))
    assert {one.turns for one in told} == {3}


def test_carriers_that_share_a_pool_share_its_time() -> None:
    told = list(shared({"patrus": slices("patrus", 1), "tnt": slices("tnt", SLOTS)}))
    assert [(one.carrier, one.turns) for one in told] == [("patrus", 2), *[("tnt", 2)] * SLOTS]
