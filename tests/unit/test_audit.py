"""What counts as writing an order twice, when answers were lost on the way."""

from datetime import UTC, datetime

import pytest

from stack.audit import WRITE, Evidence, repeats

PATH = "/vtex/loja/api/oms/pvt/orders/1-01/invoice/77/tracking"


@pytest.mark.parametrize(
    ("statuses", "writes_counted", "twice"),
    [
        ([200], 1, False),
        ([200, 200], 2, True),
        ([0, 200], 1, False),  # cut before it acted
        ([0, 200], 2, True),  # acted, answer lost, written again
        ([500, 200], 1, False),
    ],
)
def test_only_a_write_that_acted_can_be_a_repeat(statuses: list[int], writes_counted: int, *, twice: bool) -> None:
    requests = [{"method": "PUT", "path": PATH, "body": "{}", "status": status} for status in statuses]
    evidence = Evidence(
        parcels=[],
        orders=[{"order_id": "1-01", "packages": [{"invoice_number": "77", "writes": writes_counted}]}],
        requests=requests,
        mails=[],
        warehouse="",
        since=datetime(2026, 11, 20, tzinfo=UTC),
    )
    writes = [(match, one) for one in requests if (match := WRITE.match(one["path"]))]
    assert len(writes) == len(statuses)
    assert bool(repeats(evidence, writes)) is twice
