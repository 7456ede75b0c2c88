"""The page that tells what changed in the deliveries of any days; the week's letter, for whoever looks."""

from collections import deque
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from fastapi import Request
from fastapi.responses import Response

from rastro.carriers.described import all_carriers
from rastro.languages import Language
from rastro.letter import Letter, Span, week_before
from rastro.mail.letter import COLUMNS, Written, as_address, write
from rastro.next_look import LOCAL
from rastro.pages import access
from rastro.pages.access import Visiting
from rastro.pages.rendering import CONTENT_SECURITY, page
from rastro.pipeline.letter import end_of
from rastro.warehouse import letter as letters
from rastro.warehouse.report import reported_until

MOST_DAYS = 366
_written: deque[tuple[Letter, Language, Mapping[str, str], Written]] = deque(maxlen=8)


def letter(
    request: Request, visitor: Visiting, first: str = "", last: str = "", carrier: str = "", language: str = "en"
) -> Response:
    """Days that make no sense are said, and those of the last whole week are shown."""
    week = week_before(datetime.now(LOCAL).date())
    wanted = span_of(first, last) if first or last else week
    spoken = Language(language) if language in set(Language) else Language.ENGLISH
    names = {code: one.name for code, one in all_carriers().items()}
    with access.warehouse() as conn:
        until = reported_until(conn)
        told = letters.read(conn, wanted or week, carrier if carrier in names else "")
    written = written_of(told, spoken, names)
    answer = page(
        request,
        "letter.html",
        visitor,
        span=wanted or week,
        wrong=wanted is None,
        carrier=told.carrier,
        carriers=sorted(names.items(), key=lambda one: one[1].lower()),
        language=spoken,
        languages=list(Language),
        written=written,
        titles=[written.words[f"column_{name}"] for name in COLUMNS],
        plots=[(as_address(one), one.says) for one in written.plots],
        until=until,
        is_short=until is None or until < end_of(wanted or week),
    )
    answer.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY}; img-src data:"
    return answer


def written_of(told: Letter, language: Language, names: Mapping[str, str]) -> Written:
    """To draw its plots takes half a second, and the same figures make the same letter."""
    for *known, written in tuple(_written):
        if known == [told, language, names]:
            return written
    written = write(told, language, lambda code: names.get(code, code))
    _written.append((told, language, names, written))
    return written


def span_of(first: str, last: str) -> Span | None:
    """None for what are no two days in their order, or too many."""
    try:
        span = Span(first=date.fromisoformat(first), last=date.fromisoformat(last))
    except ValueError:
        return None
    known = timedelta() <= span.last - span.first < timedelta(days=MOST_DAYS)
    return span if known and span.first.year > 2000 and span.last.year < 2100 else None
