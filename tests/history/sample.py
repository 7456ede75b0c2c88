"""
The history that forecasts are tried on: some three thousand shipments of half a year, all invented.

It is odd on purpose. Parcels posted at the end of a week lie; one lane slows down in April; one carrier is on strike in
a week of May; some places see a parcel a week; some parcels are lost or sent back; carriers' estimates are too hopeful,
and are told anew once they have passed. ``python tests/history/sample.py`` writes ``parcels.csv`` and ``estimates.csv``
beside it, the same whenever it is run.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pandas as pd

HERE = Path(__file__).parent
PARCELS, ESTIMATES = HERE / "parcels.csv", HERE / "estimates.csv"
FIRST, LAST = date(2026, 1, 5), date(2026, 6, 26)
HOLIDAYS = {
    date(2026, 2, 16),
    date(2026, 2, 17),
    date(2026, 4, 3),
    date(2026, 4, 21),
    date(2026, 5, 1),
    date(2026, 6, 4),
}
SLOWS_DOWN = date(2026, 4, 6)
STRIKE = (date(2026, 5, 11), date(2026, 5, 17))
DAY = timedelta(days=1)
# Carrier, service, from, to, cities, parcels, working days on the way, what the shop promises beyond them, what the
# carrier does.
LANES = (
    ("correios", "SEDEX", "SP", "SP", ("São Paulo", "Campinas", "Santos"), 900, 2, 2, 0),
    ("correios", "PAC", "SP", "RJ", ("Rio de Janeiro", "Niterói"), 600, 4, 3, 1),
    ("correios", "PAC", "SP", "BA", ("Salvador", "Ilhéus", "Barreiras"), 450, 7, 2, 0),
    ("correios", "PAC", "SP", "AM", ("Manaus",), 60, 12, 3, -1),
    ("loggi", "", "SP", "SP", ("São Paulo", "Osasco"), 500, 1, 2, 0),
    ("loggi", "", "SP", "PR", ("Curitiba", "Londrina"), 300, 4, 1, 0),
    ("jadlog", ".PACKAGE", "SP", "MG", ("Belo Horizonte", "Uberlândia"), 180, 5, 2, 1),
    ("jadlog", ".PACKAGE", "SP", "AC", ("Rio Branco",), 20, 11, 3, 0),
)


def works(day: date, carrier: str) -> bool:
    strikes = carrier == "correios" and STRIKE[0] <= day <= STRIKE[1]
    return day.weekday() < 5 and day not in HOLIDAYS and not strikes


def after(day: date, working_days: int, carrier: str) -> date:
    """So many days on which the carrier works later."""
    while working_days:
        day += DAY
        working_days -= works(day, carrier)
    return day


def written(day: date | None) -> str:
    return day.isoformat() if day and day <= LAST else ""


def shipments(random: Random) -> Iterator[tuple[dict[str, object], list[tuple[date, date]]]]:
    """Each parcel, and what its carrier told when about its delivery."""
    for carrier, service, state_from, state_to, cities, parcels, days, slack, hope in LANES:
        for _ in range(parcels):
            ordered = FIRST + random.randrange((LAST - FIRST).days) * DAY
            posted = after(ordered, random.choice((0, 1, 1, 1, 2, 4)), "")
            slow = 4 if state_to == "BA" and posted >= SLOWS_DOWN else 0
            lies = 1 if posted.weekday() >= 4 else 0
            way = max(1, days + slow + lies + round(random.gauss(0, 0.25 * days)) + int(random.expovariate(1)))
            out = after(posted, way, carrier)
            attempted = after(out, 1 if random.random() < 0.06 else 0, carrier)
            delivered: date | None = after(
                attempted, random.choice((1, 1, 2, 5)) if random.random() < 0.12 else 0, carrier
            )
            promised = after(ordered, 2 + days + slack, "")
            fate, ended = random.random(), None
            if fate < 0.012:  # lost on its way, which is found out after weeks
                ended, out, attempted, delivered = after(posted, 20, ""), LAST + DAY, LAST + DAY, None
            elif fate < 0.03:  # nobody takes it
                ended, delivered = after(attempted, 3, carrier), None
            elif fate < 0.035:  # cancelled before it was posted
                ended, delivered = posted, None
                posted = out = attempted = LAST + DAY
            cancelled = 0.03 <= fate < 0.035
            hoped = after(posted, days - hope, "")
            told = [(posted, hoped)] if posted <= LAST else []
            while told and hoped < min(out, LAST):
                told.append((hoped + DAY, after(hoped, 3, "")))
                hoped = told[-1][1]
            yield (
                {
                    "carrier": carrier,
                    "service": service,
                    "state_from": state_from,
                    "state_to": state_to,
                    "city_to": random.choice(cities),
                    "ordered_on": written(ordered),
                    "posted_on": written(posted),
                    "out_on": written(out),
                    "attempted_on": written(attempted),
                    "delivered_on": written(delivered),
                    "ended_on": written(ended),
                    "cancelled": cancelled,
                    "promised_on": promised.isoformat(),
                },
                told,
            )


def main() -> None:
    facts, told = zip(*shipments(Random(20260626)), strict=True)  # noqa: S311  seeded, so that it can be repeated
    frame = pd.DataFrame(facts).rename_axis("shipment_id")
    frame.index += 1
    frame.to_csv(PARCELS, lineterminator="\n")
    estimates = [
        (number, told_on.isoformat(), estimated_on.isoformat())
        for number, several in enumerate(told, start=1)
        for told_on, estimated_on in several
    ]
    pd.DataFrame(estimates, columns=["shipment_id", "told_on", "estimated_on"]).to_csv(
        ESTIMATES, index=False, lineterminator="\n"
    )


if __name__ == "__main__":
    main()
