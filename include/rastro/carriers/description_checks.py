"""
What can be wrong with one value of a carrier's description: a path, a pattern, a placeholder, a zone, a format.

Each ``wrong_…`` returns the sentence that tells the writer, or nothing.
"""

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from rastro.carriers import json_paths, templates
from rastro.errors import Misconfigured
from rastro.http import check_base_url
from rastro.models import Status
from rastro.setting_values import span

INFORMATIVE = "informative"  # beside the statuses: a line that moves nothing
AUTO, EPOCH_SECONDS, EPOCH_MILLISECONDS = "auto", "epoch_seconds", "epoch_milliseconds"
ACCOUNT = frozenset({"login", "password"})
TOKEN = "token"  # noqa: S105 -- the name of a placeholder


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The placeholders that a file's own settings make known: of the connection, and of what it is asked about."""

    connection: frozenset[str] = ACCOUNT
    asked: frozenset[str] = frozenset()
    has_token: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """An annotation: ``by`` says what is wrong with the value; ``inside`` with each text in a piece of JSON."""

    by: Callable[[Any, Names], str]
    inside: bool = False


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: what may have been meant, or what there is to choose from."""
    choices = sorted(known)
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else f"; known are: {', '.join(choices)}" if choices else ""


def wrong_path(path: str, _: Names) -> str:
    return json_paths.problem(path)


def wrong_regex(pattern: str, _: Names) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        return f"{pattern!r} is no regular expression: {error}"
    return ""


def wrong_bare_regex(pattern: str, names: Names) -> str:
    """Of one that is searched in small letters without accents."""
    letters = re.sub(r"\\.|\(\?P?<\w+>", "", pattern)
    if any(letter.isupper() or (letter.isalpha() and not letter.isascii()) for letter in letters):
        return f"{pattern!r} can never be found, since texts are compared in small letters without accents"
    return wrong_regex(pattern, names)


def wrong_status(word: str, _: Names) -> str:
    known = {*Status, INFORMATIVE}
    return "" if word in known else f"there is no status {word!r}{nearest(word, known)}"


def wrong_zone(name: str, _: Names) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        close = difflib.get_close_matches(name, available_timezones(), n=1)
        hint = f"did you mean {close[0]}?" if close else "one is America/Sao_Paulo, another UTC"
        return f"there is no time zone {name!r}; {hint}"
    return ""


def wrong_format(form: str, _: Names) -> str:
    if form in {AUTO, EPOCH_SECONDS, EPOCH_MILLISECONDS}:
        return ""
    day = datetime(2026, 11, 25, 14, 35, 59)  # noqa: DTZ001 -- only its day is compared
    try:
        again = datetime.strptime(day.strftime(form), form)  # noqa: DTZ007 -- likewise
    except ValueError as error:
        return f"{form!r} is no time format: {error}"
    if again.date() != day.date():
        return (
            f"{form!r} names no day, month and year; one that does is %d/%m/%Y %H:%M:%S, others are auto, epoch_seconds"
        )
    return ""


def wrong_span(text: str, _: Names) -> str:
    try:
        return "" if span(text) else f"{text!r} is no time at all"
    except ValueError as error:
        return str(error)


def wrong_url(url: str, _: Names) -> str:
    try:
        check_base_url(url, "here")
    except Misconfigured:
        return f"{url!r} is no address such as https://api.carrier.example/v1"
    return ""


def wrong_login_path(template: str, names: Names) -> str:
    return wrong_in_login(template, names) or no_path(template)


def wrong_question_path(template: str, names: Names) -> str:
    return wrong_in_question(template, names) or no_path(template)


def no_path(template: str) -> str:
    sound = template.startswith("/") and not re.search(r"[\s?#]", template)
    return "" if sound else f"{template!r} is no path such as /v1/parcels/{{tracking_number}}; a query goes to query"


def wrong_in_question(template: str, names: Names) -> str:
    known = names.asked | names.connection | (frozenset({TOKEN}) if names.has_token else frozenset())
    elsewhere = next((name for name in templates.named_in(template) if name in templates.OF_PARCELS - names.asked), "")
    if elsewhere:
        kinds = " or ".join(kind for kind, fills in templates.FILLS.items() if elsewhere in fills)
        return f"{{{elsewhere}}} is only known where asked_by has {kinds}"
    said = unknown_placeholders(template, known)
    return f"{said}; an extra of the connection must stand under connection" if "known are" in said else said


def wrong_in_login(template: str, names: Names) -> str:
    return unknown_placeholders(template, names.connection)


def wrong_with_token(template: str, names: Names) -> str:
    return unknown_placeholders(template, names.connection | {TOKEN})


def wrong_page(template: str, _: Names) -> str:
    return unknown_placeholders(template, {"tracking_number"})


def unknown_placeholders(template: str, known: Iterable[str]) -> str:
    known = set(known)
    unknown = dict.fromkeys(name for name in templates.named_in(template) if name not in known)
    return "; ".join(f"there is no {{{name}}}{nearest(name, known)}" for name in unknown)


def wrong_quantity(number: float, _: Names) -> str:
    return "" if number > 0 else f"{number} is not above 0"


def wrong_http_status(status: int, _: Names) -> str:
    return "" if 200 <= status < 500 and status not in {200, 401, 403, 429} else f"{status} is never about one parcel"


def wrong_field_name(name: str, _: Names) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        return f"{name!r} is no name of small letters, digits and underscores"
    return f"{name!r} means something else already" if name in {*templates.OF_PARCELS, TOKEN, "host"} else ""
