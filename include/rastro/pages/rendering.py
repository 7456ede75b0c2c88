"""A page made of its template. Everything put into one is escaped."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from rastro.mail.render import legible
from rastro.next_look import local
from rastro.pages.access import Visitor
from rastro.pages.words import TONES, plain, utc
from rastro.redaction import redact

# What a page may load: its style from here, and nothing from anywhere else.
CONTENT_SECURITY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"

ENVIRONMENT = Environment(
    loader=PackageLoader("rastro.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def time(at: datetime | None) -> Markup:
    """A moment in local time, which shows itself in UTC when it is pointed at."""
    if at is None:
        return Markup("–")
    stamp = at.astimezone(UTC).isoformat(timespec="seconds")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(stamp, utc(at), local(at))


def word(text: str) -> Markup:
    """A status or state, in its colour."""
    return Markup('<span class="word {}">{}</span>').format(TONES.get(text, "plain"), plain(text) or "–")


def count(figure: int) -> str:
    return f"{figure:,}"


def money(amount: Decimal | None) -> str:
    """In the shop's currency, whichever that is."""
    return "–" if amount is None else f"{amount:,.2f}"


def link(*parts: object, **query: object) -> str:
    """The rest of an address: its parts, and what is asked."""
    path = "/".join(quote(str(part), safe="") for part in parts)
    asked = urlencode({name: value for name, value in query.items() if value not in {None, ""}})
    return f"{path}?{asked}" if asked else path


ENVIRONMENT.filters |= {
    "time": time,
    "word": word,
    "count": count,
    "money": money,
    "plain": plain,
    "redact": redact,
    "legible": legible,
}
ENVIRONMENT.globals |= {"link": link}


def page(request: Request, template: str, visitor: Visitor | None, *, status: int = 200, **values: Any) -> HTMLResponse:
    """
    :param visitor: who is asking; None on a page that says only what went wrong.
    """
    root = request.scope.get("root_path", "").rstrip("/")
    text = ENVIRONMENT.get_template(template).render(
        root=root, airflow=root.removesuffix("/rastro"), visitor=visitor, **values
    )
    return HTMLResponse(text, status)
