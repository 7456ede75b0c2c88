"""
What a customer reads, from what we know.

A message is a folder in ``messages/`` with one file of words per language (subject, preview, headline, body). Two
layouts, one of text and one of HTML, put the same words and the same rows of facts around them.

Rendered mail is stored, so it holds nothing personal: the greeting ends in :data:`SLOT`, and where the order has a
tracking page :data:`LINK` stands for its address, which whoever has it may follow. :func:`fill` puts in both at the
moment of sending.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from html import escape

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
    select_autoescape,
)
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from rastro.colours import ink_on
from rastro.errors import Misconfigured
from rastro.languages import Language, day, moment
from rastro.models import Pickup
from rastro.reasons import Reason
from rastro.wording import https, plain, shortened

# Characters of Unicode's private use area. Values lose such characters before they are shown, so they stand alone.
SLOT = "\ue000"
LINK = "\ue001"
LONGEST_SUBJECT = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Shows:
    """Which facts a message shows of a parcel, beside carrier, number, place and time."""

    estimate: bool = False
    pickup: bool = False
    links: bool = True


SHOWS: Mapping[str, Shows] = {
    "in_transit": Shows(estimate=True),
    "out_for_delivery": Shows(),
    "delivery_failed": Shows(),
    "ready_for_pickup": Shows(pickup=True),
    "pickup_reminder": Shows(pickup=True),
    "delivered": Shows(),
    "delivered_partly": Shows(),
    "on_hold": Shows(links=False),  # this is the mail that swindlers imitate, with a link to pay
    "returning": Shows(),
}
MESSAGES = frozenset(SHOWS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """
    One parcel a mail speaks of.

    ``occurred_at`` is aware and in the parcel's local time: it is shown as it stands. ``position`` is the parcel's
    place among all of the order, from 1, where it is known. ``tracking_url`` is the carrier's page about this parcel.
    """

    tracking_number: str
    carrier_name: str
    occurred_at: datetime
    city: str = ""
    state: str = ""
    estimated: date | None = None
    pickup: Pickup | None = None
    reason: Reason | None = None
    position: int | None = None
    tracking_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """
    One mail about one order: every parcel in it has reached the same status.

    ``message`` is one of :data:`MESSAGES`. ``has_page`` says whether the order has a tracking page of ours. Of all URLs
    only https ones are shown. ``replies`` says whether somebody reads the answers, ``to_receiver`` whether it is for
    whoever receives what somebody else bought. ``logo`` is the address of a picture and ``colour`` the button's,
    ``#rrggbb``. ``markup`` adds schema.org's ParcelDelivery for machines. ``templates`` is a folder whose files take
    the place of ours.
    """

    message: str
    order_id: str
    shop_name: str
    language: Language
    parcels: tuple[Parcel, ...]
    total_parcels: int = 1
    to_receiver: bool = False
    has_page: bool = False
    help_url: str = ""
    replies: bool = True
    logo: str = ""
    colour: str = "#0b57a4"
    markup: bool = False
    templates: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A mail without recipient and name, fit to be stored."""

    subject: str
    text: str
    html: str


def render(mail: Mail) -> Rendered:
    """
    The mail in its language.

    :raises Misconfigured: the shop has no name, or a template of its own cannot be used.
    :raises ValueError: there is no such message, or no parcel to speak of.
    """
    try:
        return rendered_by(templates(mail.templates), mail)
    except TemplateError as error:
        if not mail.templates:
            raise
        raise Misconfigured(f"mail_templates: {fault_in(error)}") from error


def fault_in(error: TemplateError) -> str:
    """Where a template is wrong, and why."""
    if isinstance(error, TemplateSyntaxError):
        return f"{error.name or error.filename}, line {error.lineno}: {error.message}"
    return f"{error.message or error}"


def rendered_by(environment: Environment, mail: Mail) -> Rendered:
    if mail.message not in MESSAGES or not mail.parcels:
        raise ValueError(f"a mail is one of {', '.join(sorted(MESSAGES))} about at least one parcel: {mail.message!r}")
    if not plain(mail.shop_name):
        raise Misconfigured("shop_name in [rastro] is empty: set it to the name that customers know the shop by")
    known = facts(mail)
    words = blocks(environment, f"words.{mail.language}.txt", known)
    known["suffix"] = f" ({words['volume']})" if words["volume"] else ""
    said = blocks(environment, f"{mail.message}/{mail.language}.txt", known)
    subject = shortened(" ".join(said["subject"].split()), LONGEST_SUBJECT)
    shows = SHOWS[mail.message]
    parcels = [
        {
            "title": title(environment, parcel, mail),
            "rows": list(rows(parcel, mail.language, words, shows)),
            "link": https(parcel.tracking_url) if shows.links else "",
        }
        for parcel in mail.parcels
    ]
    around = {
        "subject": subject,
        "said": said,
        "words": words,
        "paragraphs": [" ".join(part.split()) for part in re.split(r"\n\s*\n", said["body"]) if part.strip()],
        "parcels": parcels,
        "link": LINK if mail.has_page else "",
        "help_url": known["help_url"],
        "shop": known["shop"],
        "logo": https(mail.logo),
        "colour": mail.colour,
        "colour_ink": ink_on(mail.colour),
        "markup": [Markup(in_html(one)) for one in markup(mail)] if mail.markup else (),  # noqa: S704 -- escaped
        "tag": mail.language.tag,
        "slot": SLOT,
    }
    text = environment.get_template("layout.txt").render(around)
    html = environment.get_template("layout.html").render(around)
    return Rendered(subject=subject, text=re.sub(r"\n{3,}", "\n\n", text).strip() + "\n", html=html.strip() + "\n")


def fill(rendered: Rendered, *, first_name: str, link: str = "") -> Rendered:
    """
    The mail with the customer's first name in its greeting, or with none when it does not look like a name, and with
    the address of the order's tracking page.

    :raises Misconfigured: it was written with such an address, and there is none.
    """
    if has_link(rendered) and not link:
        raise Misconfigured("tracking_page in [rastro] is empty, and mails that link to it wait: set it as it was")
    name = greetable(first_name)
    filled = f", {name}" if name else ""
    return replace(
        rendered,
        text=rendered.text.replace(SLOT, filled).replace(LINK, link),
        html=rendered.html.replace(SLOT, escape(filled, quote=True)).replace(LINK, escape(link, quote=True)),
    )


def legible(text: str) -> str:
    """A stored text as a person may read it: the places of what is not stored say what belongs there."""
    return text.replace(SLOT, ", [first name]").replace(LINK, "[link to the tracking page]")


def has_link(rendered: Rendered) -> bool:
    """Whether it has a place for the address of the order's tracking page."""
    return LINK in rendered.text


def facts(mail: Mail) -> dict[str, object]:
    """What the words may speak of; where the parcels differ, a fact is empty and only the rows tell it."""
    shows = SHOWS[mail.message]
    pickups = {parcel.pickup for parcel in mail.parcels}
    pickup = pickups.pop() if len(pickups) == 1 else None
    estimated = {parcel.estimated for parcel in mail.parcels}
    days = {parcel.occurred_at.date() for parcel in mail.parcels}
    reasons = {parcel.reason for parcel in mail.parcels}
    count = len(mail.parcels)
    return {
        "order": plain(mail.order_id),
        "shop": plain(mail.shop_name),
        "count": count,
        "total": max(mail.total_parcels, count),
        "some": count < mail.total_parcels,
        "position": mail.parcels[0].position if count == 1 < mail.total_parcels else None,
        "estimated": only_day(estimated, mail.language) if shows.estimate else "",
        "forecast": shows.estimate and any(parcel.estimated for parcel in mail.parcels),
        "recorded_day": only_day(days, mail.language),
        "place": all(parcel.pickup and plain(parcel.pickup.place) for parcel in mail.parcels),
        "deadline": day(pickup.deadline, mail.language) if pickup and pickup.deadline else "",
        "reason": reasons.pop() if len(reasons) == 1 else None,
        "help_url": https(mail.help_url),
        "replies": mail.replies,
        "to_receiver": mail.to_receiver,
    }


def markup(mail: Mail) -> list[dict[str, object]]:
    """Each parcel as schema.org has it, with nothing that the mail itself does not say."""
    return [
        {
            "@context": "http://schema.org",
            "@type": "ParcelDelivery",
            "carrier": {"@type": "Organization", "name": plain(parcel.carrier_name)},
            "trackingNumber": plain(parcel.tracking_number),
            "partOfOrder": {
                "@type": "Order",
                "orderNumber": plain(mail.order_id),
                "merchant": {"@type": "Organization", "name": plain(mail.shop_name)},
            },
            **({"expectedArrivalUntil": parcel.estimated.isoformat()} if parcel.estimated else {}),
            **({"trackingUrl": LINK} if mail.has_page else {}),
        }
        for parcel in mail.parcels
    ]


def in_html(value: object) -> str:
    """JSON as it may stand in HTML; :data:`LINK` stays what it is."""
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e").replace("'", r"\u0027")


def only_day(days: set[date] | set[date | None], language: Language) -> str:
    found = list(days)
    return day(found[0], language) if len(found) == 1 and found[0] else ""


def title(environment: Environment, parcel: Parcel, mail: Mail) -> str:
    """What tells one parcel of several apart, at the head of its rows."""
    if len(mail.parcels) == 1:
        return ""
    if parcel.position is None:
        return plain(parcel.tracking_number)
    known = {"position": parcel.position, "total": max(mail.total_parcels, len(mail.parcels))}
    said = blocks(environment, f"words.{mail.language}.txt", known, only="volume")["volume"]
    return said[:1].upper() + said[1:]


def rows(parcel: Parcel, language: Language, words: Mapping[str, str], shows: Shows) -> Iterator[tuple[str, str]]:
    """Label and value of every fact known about the parcel, as both layouts show them."""
    told = {}
    if shows.pickup and parcel.pickup:
        told["pickup_place"] = plain(parcel.pickup.place)
        told["pickup_address"] = plain(parcel.pickup.address)
        told["pickup_deadline"] = day(parcel.pickup.deadline, language) if parcel.pickup.deadline else ""
    if shows.estimate and parcel.estimated:
        told["estimated"] = day(parcel.estimated, language)
    told["recorded"] = moment(parcel.occurred_at, language)
    told["where"] = "/".join(filter(None, (plain(parcel.city), plain(parcel.state))))
    told["carrier"] = plain(parcel.carrier_name)
    told["number"] = plain(parcel.tracking_number)
    return ((words[label], value) for label, value in told.items() if value)


@cache
def templates(folder: str = "") -> Environment:
    """
    HTML is escaped, text is not; a variable that nobody gave is an error, not a gap in a customer's mail.

    :param folder: of files that go before ours. They are a shop's own, and can do no more than ours do.
    """
    ours = PackageLoader("rastro.mail", "messages")
    return SandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(folder), ours]) if folder else ours,
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def blocks(environment: Environment, name: str, known: Mapping[str, object], only: str = "") -> dict[str, str]:
    """Every block of a file of words, as plain text by the block's name."""
    template = environment.get_template(name)
    context = template.new_context(dict(known))
    return {block: "".join(write(context)).strip() for block, write in template.blocks.items() if only in {"", block}}


def greetable(first_name: str) -> str:
    """The first word when it is a name and nothing else; capitals throughout are calmed down."""
    first = unicodedata.normalize("NFC", plain(first_name)).partition(" ")[0]
    if len(first) > 30 or not re.fullmatch(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", first):
        return ""
    return first.title() if first.isupper() and len(first) > 1 else first
