"""
The letter about deliveries, as a mail and as a page that stands by itself.

The words stand in ``messages/letter.LANGUAGE.txt``: a block for each kind of finding, and the titles of the plots.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from email.message import EmailMessage
from typing import cast

from rastro.languages import Language
from rastro.letter import Finding, Letter, Named, Plot, Share, Value, findings
from rastro.mail.render import Rendered, blocks, templates

THIN = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The letter before it is put in an envelope or on a page."""

    letter: Letter
    subject: str
    words: Mapping[str, str]
    sentences: Sequence[str]
    rows: Sequence[Sequence[str]]
    plots: Sequence[Plot]
    language: Language


def write(letter: Letter, language: Language, named: Named) -> Written:
    """
    :param named: a carrier's name, by its code.
    """
    from rastro.letter_plots import plots  # noqa: PLC0415  a second, and a cache of fonts, only for who wants plots

    known = {
        "first": day(letter.span.first, language),
        "last": day(letter.span.last, language),
        "days": letter.span.days,
        "carrier": named(letter.carrier) if letter.carrier else "",
    }
    words = dict(blocks(templates(), f"letter.{language}.txt", {**known, **AROUND}))
    words["thousands"] = "," if language is Language.ENGLISH else "."
    said = [] if letter.is_empty else [sentence(one, language, named) for one in findings(letter)]
    return Written(
        letter=letter,
        subject=words["subject"],
        words=words,
        sentences=said or [words["empty"]],
        rows=table(letter, language, named),
        plots=plots(letter, words, named),
        language=language,
    )


def sentence(finding: Finding, language: Language, named: Named) -> str:
    """One finding in words."""
    values: dict[str, object] = {**AROUND, "first": "", "last": "", "days": 0, "carrier": ""}
    for name, value in finding.values.items():
        values[name] = shown(name, value, language, named)
        if isinstance(value, Share):
            values[f"{name}_known"] = number(value.known, language)
        if name == "difference" and isinstance(value, float):
            values["better"] = value > 0
            values["points"] = points(abs(value), language)
    found = blocks(templates(), f"letter.{language}.txt", values, only=finding.kind.value)
    return re.sub(r"[ \n]+", " ", found[finding.kind.value])


def shown(name: str, value: Value, language: Language, named: Named) -> str | int:
    """As a reader of the language sees a value of a finding."""
    if isinstance(value, Share):
        return percent(value.value, language)
    if name in {"carrier", "other"}:
        return named(cast("str", value))
    if isinstance(value, float):
        return decimal(value, language)
    if isinstance(value, int):
        return number(value, language)
    return value


# What the words of every block may speak of, so that a file of words can be read as a whole.
AROUND: Mapping[str, object] = dict.fromkeys(
    (
        *("posted", "delivered", "promise", "promise_known", "before", "before_known", "better", "points", "lane"),
        *("late", "next", "other", "next_days", "silent", "pending", "lost", "returned", "difference", "next_known"),
    ),
    "",
)


def table(letter: Letter, language: Language, named: Named) -> list[list[str]]:
    """A row for each carrier: what the plots show, for whoever reads numbers."""
    earlier = {one.carrier: one.promise for one in letter.before.carriers}
    return [
        [
            named(one.carrier),
            number(one.posted, language),
            number(one.delivered, language),
            percent(one.promise.value, language) if one.promise.known else "–",
            percent(earlier[one.carrier].value, language)
            if one.carrier in earlier and earlier[one.carrier].known
            else "–",
            decimal(one.days.p50, language) if one.days.parcels else "–",
            number(one.lost + one.returned, language),
            number(one.silent, language),
        ]
        for one in letter.now.carriers
    ]


def number(value: int, language: Language) -> str:
    return f"{value:,}".replace(",", "," if language is Language.ENGLISH else ".")


def decimal(value: float, language: Language) -> str:
    text = f"{value:.1f}".removesuffix(".0")
    return text if language is Language.ENGLISH else text.replace(".", ",")


def percent(value: float, language: Language) -> str:
    """To a tenth where it is near all or nothing, for 99.7 % is not all."""
    text = decimal(100 * value, language) if min(value, 1 - value) < 0.02 and 0 < value < 1 else f"{100 * value:.0f}"
    return f"{text}{THIN if language is Language.SPANISH else ''}%"


def points(value: float, language: Language) -> str:
    return decimal(100 * value, language)


def day(one: date, language: Language) -> str:
    return f"{one:%Y-%m-%d}" if language is Language.ENGLISH else f"{one:%d/%m/%Y}"


def rendered(written: Written, source: Callable[[Plot], str]) -> Rendered:
    """
    Text and HTML; in the text, what the plots show stands in the table.

    :param source: where a plot's image is.
    """
    around = {
        "subject": written.subject,
        "words": written.words,
        "sentences": written.sentences,
        "rows": written.rows,
        "titles": [written.words[f"column_{name}"] for name in COLUMNS],
        "plots": [(source(one), one.says) for one in written.plots],
        "tag": written.language.tag,
    }
    text = templates().get_template("letter.txt").render(around)
    html = templates().get_template("letter.html").render(around)
    return Rendered(
        subject=written.subject, text=re.sub(r"\n{3,}", "\n\n", text).strip() + "\n", html=html.strip() + "\n"
    )


COLUMNS = ("carrier", "posted", "delivered", "kept", "kept_before", "median", "bad", "silent")


def as_page(written: Written) -> str:
    """HTML with everything in it."""
    return rendered(written, as_address).html


def as_address(plot: Plot) -> str:
    """The image itself, where an address stands."""
    return f"data:image/png;base64,{b64encode(plot.png).decode()}"


def as_mail(written: Written) -> Rendered:
    """What :func:`with_plots` puts the images to."""
    return rendered(written, lambda plot: f"cid:{plot.name}@rastro")


def with_plots(message: EmailMessage, written: Written) -> EmailMessage:
    """The message with the images that its HTML shows, which no server has to be asked for."""
    html = cast("EmailMessage", message.get_body(("html",)))
    for plot in written.plots:
        html.add_related(
            plot.png, "image", "png", cid=f"<{plot.name}@rastro>", filename=f"{plot.name}.png", disposition="inline"
        )
    return message
