"""The languages customers are written to in, and how each says a day."""

import re
from datetime import date, datetime
from enum import StrEnum


class Language(StrEnum):
    """The value names the files in ``messages/``; :attr:`tag` is for ``lang`` and Content-Language."""

    PORTUGUESE = "pt"
    ENGLISH = "en"
    SPANISH = "es"

    @property
    def tag(self) -> str:
        return "pt-BR" if self is Language.PORTUGUESE else self.value


def language_for(locale: str | None, otherwise: Language = Language.PORTUGUESE) -> Language:
    """The language for an order's locale ("pt-BR", "en_US"), another one when it says none or none that we write."""
    return spoken_in(locale or "") or otherwise


def spoken_in(locale: str) -> Language | None:
    spoken = locale.strip().lower().replace("_", "-").partition("-")[0]
    return Language(spoken) if spoken in set(Language) else None


def language_accepted(header: str, otherwise: Language) -> Language:
    """
    Of the languages that we write the one that a browser wants most, another one when it wants none of them.

    :param header: Accept-Language, such as "es-AR,es;q=0.9,en;q=0.8" (RFC 9110, section 12.5.4).
    """
    wanted = []
    for one in header.split(","):
        locale, _, weight = one.replace(" ", "").partition(";q=")
        language = spoken_in(locale)
        if language and re.fullmatch(r"(0\.\d*[1-9]\d*|1(\.0*)?)?", weight):
            wanted.append((float(weight or 1), language))
    return max(wanted, key=lambda one: one[0])[1] if wanted else otherwise


# Monday first. Spelled out here, because the process's own locale says nothing about the reader's.
WEEKDAYS = {
    Language.PORTUGUESE: (
        "segunda-feira",
        "terça-feira",
        "quarta-feira",
        "quinta-feira",
        "sexta-feira",
        "sábado",
        "domingo",
    ),
    Language.ENGLISH: ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    Language.SPANISH: ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
}
ENGLISH_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day(on: date, language: Language) -> str:
    """``sexta-feira, 27/11``; ``Friday, Nov 27``; ``viernes 27/11``."""
    weekday = WEEKDAYS[language][on.weekday()]
    match language:
        case Language.ENGLISH:
            return f"{weekday}, {ENGLISH_MONTHS[on.month - 1]} {on.day}"
        case Language.SPANISH:
            return f"{weekday} {on:%d/%m}"
        case Language.PORTUGUESE:
            return f"{weekday}, {on:%d/%m}"


def moment(at: datetime, language: Language) -> str:
    """The day and the time on the clock that ``at`` itself carries; it is not converted."""
    return f"{day(at, language)}, {at:%H:%M}"
