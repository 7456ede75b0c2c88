"""
What the shop's own people read about parcels that only they can do something about.

The words stand in ``messages/alert.LANGUAGE.txt``, around them one layout of text and one of HTML. Nothing personal is
in such a mail: it speaks of orders, invoices and parcels.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from rastro.languages import Language, moment
from rastro.mail.render import LONGEST_SUBJECT, Rendered, blocks, templates
from rastro.models import Status
from rastro.wording import https, plain, shortened

KINDS = frozenset({"lost", "returned", "reopened"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """
    One change of one parcel, and where the parcel is now, which may be further on.

    ``kinds`` are what the change means to the shop, each of :data:`KINDS`. Times are aware and shown as they stand.
    """

    kinds: tuple[str, ...]
    before: Status
    after: Status
    occurred_at: datetime
    tracking_number: str
    carrier_name: str
    invoice_number: str
    status: Status
    status_at: datetime | None = None
    city: str = ""
    state: str = ""
    tracking_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One mail about one order of one account."""

    account: str
    order_id: str
    language: Language
    incidents: tuple[Incident, ...]


def render_alert(alert: Alert) -> Rendered:
    """
    The mail in its language.

    :raises ValueError: there is nothing to tell, or something that no words exist for.
    """
    kinds = {kind for incident in alert.incidents for kind in incident.kinds}
    if not kinds or not kinds <= KINDS:
        raise ValueError(f"an alert tells of {', '.join(sorted(KINDS))}, not of {sorted(kinds)}")
    said = [words_about(incident, alert) for incident in alert.incidents]
    matters = [
        (words[kind], words[f"do_{kind}"])
        for incident, words in zip(alert.incidents, said, strict=True)
        for kind in incident.kinds
    ]
    times = Counter(title for title, _ in matters)
    counted = (f"{title} ({count})" if count > 1 else title for title, count in times.items())
    words = said[0]
    subject = shortened(" ".join(f"{words['order']}: {', '.join(counted)}".split()), LONGEST_SUBJECT)
    around = {
        "subject": subject,
        "words": words,
        "entries": [
            {
                "title": capitalized(", ".join(its[kind] for kind in incident.kinds)),
                "rows": list(rows(incident, its, alert.language)),
                "link": https(incident.tracking_url),
            }
            for incident, its in zip(alert.incidents, said, strict=True)
        ],
        "advice": [f"{capitalized(title)}: {' '.join(what.split())}" for title, what in dict.fromkeys(matters)],
        "tag": alert.language.tag,
    }
    text = templates().get_template("alert.txt").render(around)
    html = templates().get_template("alert.html").render(around)
    return Rendered(subject=subject, text=re.sub(r"\n{3,}", "\n\n", text).strip() + "\n", html=html.strip() + "\n")


def words_about(incident: Incident, alert: Alert) -> dict[str, str]:
    known = {"order": plain(alert.order_id), "account": plain(alert.account), "before": incident.before.value}
    return blocks(templates(), f"alert.{alert.language}.txt", known)


def rows(incident: Incident, words: Mapping[str, str], language: Language) -> Iterator[tuple[str, str]]:
    """Label and value of every fact known, as both layouts show them."""
    now = ""
    if incident.status is not incident.after:
        since = f" ({moment(incident.status_at, language)})" if incident.status_at else ""
        now = f"{words[f'is_{incident.status}']}{since}"
    told = {
        "number": plain(incident.tracking_number),
        "carrier": plain(incident.carrier_name),
        "invoice": plain(incident.invoice_number),
        "changed": f"{words[f'is_{incident.before}']} → {words[f'is_{incident.after}']}",
        "since": moment(incident.occurred_at, language),
        "now": now,
        "where": "/".join(filter(None, (plain(incident.city), plain(incident.state)))),
    }
    return ((words[label], value) for label, value in told.items() if value)


def capitalized(words: str) -> str:
    return words[:1].upper() + words[1:]
