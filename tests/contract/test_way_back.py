"""On the way back nothing that is called delivered is, proven on what each carrier has been recorded to say."""

from collections.abc import Iterator
from functools import cache

import pytest

from rastro.carriers import lines
from rastro.carriers.base import Carrier
from rastro.diff import moves
from rastro.errors import RastroError
from rastro.models import Event, Snapshot, Status
from rastro.routing import folded

from .recordings import Recording, all_recordings
from .test_described_carriers import CASES as DESCRIBED
from .way_back import then

# A gateway that tells milestones of an order, none of them a way back.
TELLS_OF_NONE = {"melhor_envio"}
MOST_LINES = 6  # of a recorded delivery
# What by its code alone is the recipient's.
SURE = {"jt_express": {"10 100"}}
CASES: dict[str, list[Recording]] = {}
for one in (*all_recordings(), *DESCRIBED):
    CASES.setdefault(one.code, []).append(one)


@cache
def told_by(recording: Recording) -> list[tuple[str, bytes, tuple[Event, ...]]]:
    """Its parts that can be read, and what they say."""
    found = []
    try:
        for reference, raw in recording.parts():
            said = read(recording.carrier, raw, reference)
            if said:
                found.append((reference, raw, said))
    except RastroError:
        pass
    return found


def read(carrier: Carrier, raw: bytes, reference: str) -> tuple[Event, ...]:
    try:
        said = carrier.parse(raw, reference)
    except RastroError:
        return ()
    return said.events if isinstance(said, Snapshot) and said.whole else ()


def called_delivered_on_the_way_back(code: str) -> Iterator[tuple[Event, ...]]:
    """What is read of each parcel on its way back to which a line of each one that was delivered is added."""
    told = [(one.carrier, part) for one in CASES[code] for part in told_by(one)]
    back = [(carrier, *part) for carrier, part in told if part[2][-1].status is Status.RETURNING]
    back += [(carrier, *part) for carrier, part in told if part[2][-1].status is Status.RETURNED]
    delivered = [raw for _, (_, raw, events) in told if any(one.status is Status.DELIVERED for one in events)]
    for carrier, reference, raw, _ in back:
        for later in delivered:
            for which in range(MOST_LINES):
                yield read(carrier, then(raw, later, which), reference)


def on_the_way_back(events: tuple[Event, ...]) -> list[Event]:
    """What moves the parcel after its way back began, until it is announced anew after its return."""
    found: list[Event] = []
    for one in filter(moves, events):
        if found and found[-1].status is Status.RETURNED and one.status is Status.INFO_RECEIVED:
            break
        if found or one.status in lines.WAY_BACK:
            found.append(one)
    return found


@pytest.mark.parametrize("code", sorted(CASES.keys() - TELLS_OF_NONE))
def test_what_is_called_delivered_on_the_way_back_is_no_delivery_unless_it_names_the_recipient(code: str) -> None:
    ends = []
    for events in called_delivered_on_the_way_back(code):
        after = on_the_way_back(events)
        ends += [one for one in after if one.occurred_at.year == 2027 and one.status.is_final]
        for one in after:
            if one.status is Status.DELIVERED:
                assert one.code in SURE.get(code, ()) or lines.RECIPIENT.search(folded(one.description))
                break
    assert ends
