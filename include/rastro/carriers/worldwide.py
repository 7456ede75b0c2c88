"""
What carriers that deliver worldwide have in common: clocks of other countries, wording, order, check digits.

Their times are local at the place of the event. Most come with an offset; those without are read in the zone that the
country's capital or largest cities keep, which is a guess for countries of several zones.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TypeVar
from zoneinfo import ZoneInfo

from rastro.carriers import lines

T = TypeVar("T")

ZONES: Mapping[str, tzinfo] = {
    "BR": lines.BRASILIA,
    **{
        country: ZoneInfo(zone)
        for zone, countries in (
            ("America/New_York", "US"),
            ("America/Toronto", "CA"),
            ("America/Mexico_City", "MX"),
            ("America/Argentina/Buenos_Aires", "AR"),
            ("America/Montevideo", "UY"),
            ("America/Asuncion", "PY"),
            ("America/Santiago", "CL"),
            ("America/La_Paz", "BO"),
            ("America/Lima", "PE"),
            ("America/Bogota", "CO"),
            ("America/Panama", "PA"),
            ("Europe/Lisbon", "PT"),
            ("Europe/London", "GB IE"),
            ("Europe/Brussels", "AT BE CH CZ DE DK ES FR HU IT LU NL NO PL SE"),
            ("Asia/Shanghai", "CN HK MO SG TW"),
            ("Asia/Tokyo", "JP KR"),
        )
        for country in countries.split()
    },
}

# English wording. What goes back to a depot is no return, and "returned" does not say that it is over.
SENDER = r"(the )?(original )?(sender|shipper|consignor)"
TO_SENDER = rf"\bdeliver\w*\b.*\bto {SENDER}\b"
RETURNING = (
    r"(\breturn(?!ed receipt)\w*\b(?! receipt)"
    r"(?!.*\b(facility|depot|cent(er|re)|base|station|terminal|hub|warehouse)\b))"
)
WAITING = r"\b(ready|available|awaiting|waiting)\b.*\b(pick[ -]?up|collect)"


def zone_of(country: str | None) -> tzinfo:
    """The zone of local times in a country (two letters); UTC where it is not known."""
    return ZONES.get((country or "").strip().upper(), UTC)


def wall_clock(at: datetime) -> str:
    """What the clock at the place showed: the same whether the carrier wrote an offset or not."""
    return at.replace(tzinfo=None).isoformat()


def oldest_first(told: Sequence[T], times: Sequence[datetime]) -> Sequence[T]:
    """``told`` the other way round, since the newest stands first, unless their times say that the oldest does."""
    return told if times and times[0] < times[-1] else told[::-1]


def gs1_check_digit_fits(number: str) -> bool:
    """Whether the last digit is GS1's check digit of those before it: weights 3, 1 from the right, modulus 10."""
    total = sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(reversed(number)))
    return total % 10 == 0
