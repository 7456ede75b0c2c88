"""A seeded history of the simulator's journeys, in lanes whose pace is known: nothing in it changes as it goes on."""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

import pandas as pd

from simulator.journeys import JOURNEYS, Journey

FIRST, LAST = date(2026, 1, 5), date(2026, 5, 29)
DAY = timedelta(days=1)
# Of a hundred parcels; the rest of the simulator's journeys are about numbers and answers, not about ways.
KINDS = {"delivered": 78, "second_attempt": 10, "collected": 5, "delivered_at_once": 3, "returned": 3, "lost": 1}
PACES = {"SP": (1, 1, 2, 2, 3), "RJ": (2, 3, 3, 4, 6), "BA": (4, 5, 6, 8, 10), "AM": (7, 9, 10, 12, 16)}
PARCELS = {"SP": 900, "RJ": 500, "BA": 300, "AM": 40}
PROMISED = {"SP": 4, "RJ": 6, "BA": 9, "AM": 14}
ATTEMPTS = {"delivery_failed", "ready_for_pickup", "delivered"}
NEVER = LAST + 400 * DAY


def after(day: date, working_days: int) -> date:
    while working_days:
        day += DAY
        working_days -= day.weekday() < 5
    return day


def life(journey: Journey, state: str, posted: date, random: Random) -> dict[str, date]:
    """The days on which one parcel came to each status first. Its way takes the lane's time, other steps a few days."""
    day, reached = posted, {}
    for step in journey.steps:
        on_its_way = not reached and step.status in {"in_transit", "out_for_delivery", "delivered"}
        if on_its_way and step.status != "in_transit":
            day = after(posted, random.choice(PACES[state]))
        elif step.status == "lost":
            day = after(posted, 25)
        elif reached and step.status in ATTEMPTS and "out_for_delivery" in reached and not ATTEMPTS & set(reached):
            day = after(day, random.random() < 0.05)
        elif not on_its_way:
            day = after(day, random.choice((1, 1, 1, 2, 4)))
        if step.status != "in_transit":
            reached.setdefault(step.status, day)
    return reached


def rows(random: Random) -> Iterator[dict[str, object]]:
    kinds, weights = zip(*KINDS.items(), strict=True)
    for state, parcels in PARCELS.items():
        for _ in range(parcels):
            ordered = FIRST + random.randrange((LAST - FIRST).days) * DAY
            posted = after(ordered, random.choice((1, 1, 2)))
            came = life(JOURNEYS[random.choices(kinds, weights)[0]], state, posted, random)
            ended = min(came.get("returning", NEVER), came.get("lost", NEVER))
            marks = {
                "ordered_on": ordered, "posted_on": posted, "out_on": came.get("out_for_delivery", NEVER),
                "attempted_on": min((came[status] for status in ATTEMPTS & set(came)), default=NEVER),
                "delivered_on": NEVER if ended < NEVER else came.get("delivered", NEVER), "ended_on": ended,
            }  # fmt: skip
            yield {
                "carrier": "correios", "service": "PAC", "state_from": "SP", "state_to": state, "city_to": f"{state} 1",
                "cancelled": False, "promised_on": after(ordered, PROMISED[state]),
                **{name: on if on <= LAST else None for name, on in marks.items()},
            }  # fmt: skip


def parcels(seed: int) -> pd.DataFrame:
    """As :func:`rastro.forecast.known_on` wants them."""
    frame = pd.DataFrame(rows(Random(seed))).rename_axis("shipment_id")  # noqa: S311  seeded, so that it can be repeated
    days = [column for column in frame if column.endswith("_on")]
    frame[days] = frame[days].astype("datetime64[s]")
    return frame
