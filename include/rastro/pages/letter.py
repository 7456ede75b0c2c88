"""The page that tells what changed in the deliveries of any days; the week's letter, for whoever looks."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from secrets import token_hex
from typing import Any

from fastapi import HTTPException, Request
from fastapi.responses import Response
from psycopg import Connection

from rastro.languages import Language
from rastro.letter import Letter, Span, week_before
from rastro.mail.letter import COLUMNS, Written, write
from rastro.next_look import LOCAL
from rastro.pages import access
from rastro.pages.access import Visiting
from rastro.pages.rendering import CONTENT_SECURITY, page
from rastro.pipeline.letter import end_of
from rastro.warehouse import letter as letters
from rastro.warehouse.report import reported_until

MOST_DAYS = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A letter whose plots are drawn once. Their addresses have its ``key``, so that they show what the page tells."""

    key: str
    names: Mapping[str, str]
    written: Written


_kept: deque[Kept] = deque(maxlen=8)


def letter(
    request: Request, visitor: Visiting, first: str = "", last: str = "", carrier: str = "", language: str = "en"
) -> Response:
    """Days that make no sense are said, and those of the last whole week are shown."""
    week = week_before(datetime.now(LOCAL).date())
    wanted = span_of(first, last) if first or last else week
    span = wanted or week
    with access.warehouse() as conn:
        until = reported_until(conn)
        kept = kept_about(conn, span, carrier, language)
    written = kept.written
    answer = page(
        request,
        "letter.html",
        visitor,
        span=span,
        wrong=wanted is None,
        carrier=written.letter.carrier,
        carriers=sorted(kept.names.items(), key=lambda one: one[1].lower()),
        language=written.language,
        languages=list(Language),
        written=written,
        key=kept.key,
        titles=[written.words[f"column_{name}"] for name in COLUMNS],
        until=until,
        is_short=until is None or until < end_of(span),
    )
    answer.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY}; img-src 'self'"
    return answer


def plot(
    visitor: Visiting,  # noqa: ARG001  the same for everybody who may look
    name: str,
    first: str = "",
    last: str = "",
    carrier: str = "",
    language: str = "en",
    key: str = "",
) -> Response:
    """
    At an address of its own, so that the page does not wait until all of them are drawn.

    :param key: of the letter that the page told; where it is not kept any more, its figures are read anew.
    """
    kept = next((one for one in tuple(_kept) if one.key == key), None)
    span = span_of(first, last)
    if kept is None and span:
        with access.warehouse() as conn:
            kept = kept_about(conn, span, carrier, language)
    for one in kept.written.plots if kept else ():
        if one.name == name:
            return Response(one.png, media_type="image/png")
    raise HTTPException(404, "There is no such plot.")


def kept_about(conn: Connection[Any], span: Span, carrier: str, language: str) -> Kept:
    """Of a carrier that there is not, as of all; in a language that there is not, as in English."""
    names = {code: one.name for code, one in access.carriers().items()}
    told = letters.read(conn, span, carrier if carrier in names else "")
    return kept_of(told, Language(language) if language in set(Language) else Language.ENGLISH, names)


def kept_of(told: Letter, language: Language, names: Mapping[str, str]) -> Kept:
    """To draw a plot takes a tenth of a second, and the same figures make the same letter."""
    for one in tuple(_kept):
        if (one.names, one.written.letter, one.written.language) == (names, told, language):
            return one
    written = write(told, language, lambda code: names.get(code, code))
    kept = Kept(key=token_hex(8), names=names, written=written)
    _kept.append(kept)
    return kept


def span_of(first: str, last: str) -> Span | None:
    """None for what are no two days in their order, or too many."""
    try:
        span = Span(first=date.fromisoformat(first), last=date.fromisoformat(last))
    except ValueError:
        return None
    known = timedelta() <= span.last - span.first < timedelta(days=MOST_DAYS)
    return span if known and span.first.year > 2000 and span.last.year < 2100 else None
