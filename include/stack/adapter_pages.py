"""
What the page of a carrier or marketplace says, made from its adapter; :mod:`stack.docs` puts it there.

All of it is one block, and what is written by hand stands around it.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from rastro.access import Field
from rastro.carriers.base import Asks, Carrier, Feed
from rastro.carriers.described import SHIPPED
from rastro.cli.registries import counted
from rastro.marketplaces.base import Marketplace
from rastro.models import ReferenceKind, Status
from stack.env_example import Example, carrier_example, marketplace_example
from stack.state import REPOSITORY

SURE = {"A": "by its own documents", "B": "several integrations agree", "C": "one source"}
KINDS = {
    ReferenceKind.TRACKING_NUMBER: "the tracking number",
    ReferenceKind.NUMBER_AND_SERVICE: "the tracking number, with the service that the shop wrote beside it",
    ReferenceKind.INVOICE_KEY: "the invoice's access key, 44 digits",
    ReferenceKind.INVOICE_NUMBER: "the invoice's number, with the shipper's CNPJ",
    ReferenceKind.ORDER: "the shop's number of the order",
    ReferenceKind.CARRIER_ID: "the carrier's own id of the parcel",
}
UNITS = {"s": "a second", "min": "a minute", "h": "an hour"}
OUTSIDE = "https://rastro.loja.example"
MOST_CODES = 12


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") or " " for cell in line) + " |\n" for line in lines)


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def carrier_page(carrier: Carrier) -> str:
    sections = {
        "": about(carrier, "carriers"),
        "How is it connected?": connected(carrier_example(carrier), "carriers", carrier.connection_fields, carrier),
        "What is it asked?": asked(carrier),
        "What does it tell by itself?": tells(carrier),
        "What do its statuses mean?": statuses(carrier),
        "How are its parcels recognised?": recognised(carrier),
    }
    return page(sections)


def marketplace_page(market: Marketplace) -> str:
    sections = {
        "": about(market, "marketplaces"),
        "How is it connected?": connected(
            marketplace_example(market), "marketplaces", market.connection_fields, market
        ),
        "What is it told?": told(market),
    }
    return page(sections)


def page(sections: Mapping[str, str]) -> str:
    """The sections that hold something, each under its heading."""
    return "\n".join(f"## {title}\n\n{text}" if title else text for title, text in sections.items() if text)


def about(adapter: Carrier | Marketplace, package: str) -> str:
    source = source_of(adapter, package)
    sure = f"How sure this is: {adapter.confidence}, {SURE[adapter.confidence]}."
    return (
        f"{first_words(source)}\n\n"
        f"{sure}{f' {adapter.unsure}' if adapter.unsure else ''}\n\n"
        f"Read more in [its documents]({adapter.docs}); what is peculiar about it stands in "
        f"[{source}](../../{source}).\n"
    )


def source_of(adapter: Carrier | Marketplace, package: str) -> str:
    """The module of an adapter, or its description."""
    if adapter.code in SHIPPED:
        return str(SHIPPED[adapter.code].relative_to(REPOSITORY))
    return f"include/rastro/{package}/{adapter.code}.py"


def first_words(source: str) -> str:
    """The first paragraph of a module's docstring or of a description's comment, as Markdown."""
    text = (REPOSITORY / source).read_text("utf-8")
    said = ast.get_docstring(ast.parse(text)) if source.endswith(".py") else re.sub("(?m)^# ?", "", text)
    return re.sub(r"(?::\w+:)?`+[~.]?([^`]+)`+", r"`\1`", " ".join((said or "").partition("\n\n")[0].split()))


def connected(example: Example, setting: str, fields: Sequence[Field], adapter: Carrier | Marketplace) -> str:
    host = Field(name="host", label="Base URL", help=f"`{adapter.base_url}` where it is empty.", required=False)
    rows = [*fields, *([] if any(one.name == "host" for one in fields) else [host])]
    named, kind = f"{adapter.code}:{example.connection_id}", example.connection["conn_type"]
    lines = [example.line, f"AIRFLOW__RASTRO__{setting.upper()}='{named}'"]
    if setting == "marketplaces":
        lines.append(f"AIRFLOW__RASTRO__ROUTES='MKT=direct:{named}'")
    return (
        f"{adapter.credentials} The connection is of the type `{kind}` and has these fields:\n\n"
        + table(
            ("field", "in Airflow's form", "required", "what it is"),
            ((where(one), one.label, "yes" if one.required else "", one.help) for one in rows),
        )
        + f"\nAs variables, with invented values; {USED_BY[setting]}\n\n"
        + "```sh\n"
        + "".join(f"{line}\n" for line in lines)
        + "```\n"
    )


USED_BY = {
    "carriers": "further carriers stand in the same setting, parted by commas:",
    "marketplaces": "`MKT` stands for the affiliate code that its orders have, and further marketplaces and routes in "
    "the same settings, parted by commas:",
}


def where(field: Field) -> str:
    return code(field.name) if field.name in {"host", "login", "password"} else f"extra {code(field.name)}"


def asked(carrier: Carrier) -> str:
    if carrier.asks is Asks.FEED:
        return ""
    kinds = [KINDS[kind] for kind in carrier.references]
    which = f"About {kinds[0]}." if len(kinds) == 1 else "About the first of these that a shipment has:\n\n"
    if len(kinds) > 1:
        which += "".join(f"{number}. {kind}\n" for number, kind in enumerate(kinds, start=1)) + "\n"
    size = "One at a time" if carrier.batch_size == 1 else f"Up to {carrier.batch_size} in a call"
    sentences = [f"{size}, at most {pace(carrier.requests_per_second)}, {carrier.connections} at once."]
    if carrier.asks is Asks.REGISTER:
        sentences.append("What it does not know yet is registered with it, and read by a later run.")
    if link := carrier.page_about("NUMBER"):
        sentences.append(f"Its page about a parcel, for people: {code(link)}.")
    return f"{which}{' ' if len(kinds) == 1 else ''}{' '.join(sentences)}\n"


def pace(per_second: float) -> str:
    """25 calls a second, 1 call a minute."""
    number, unit = counted(per_second)
    return f"{number} call{'' if number == '1' else 's'} {UNITS[unit]}"


def tells(carrier: Carrier) -> str:
    said = []
    if carrier.push:
        ways = " or ".join(" and ".join(map(code, group)) for group in carrier.push.verified_by)
        said.append(
            f"It pushes news as they happen, to `{OUTSIDE}/push/{carrier.code}` with your own host in place of the "
            f"invented one, once [it may call Rastro](../serve.md#let-carriers-call-rastro). Only what proves to come "
            f"from it is taken; for that the connection must hold {ways}. Parcels are asked about all the same, since "
            "a push can be lost."
        )
    if carrier.feed:
        said.append(lots(carrier, carrier.feed))
    return "\n\n".join(said) + "\n" if said else ""


def lots(carrier: Carrier, feed: Feed) -> str:
    use = "" if carrier.asks is Asks.FEED else "With the extra `feed` = `true`, it is read in place of asking. "
    return (
        f"It hands out what is new by a feed, each change once. {use}It is called at most every {minutes(feed.every)}, "
        "and each lot is stored before it is read."
    )


def minutes(span: timedelta) -> str:
    count = int(span.total_seconds() // 60)
    return "minute" if count == 1 else f"{count} minutes"


def statuses(carrier: Carrier) -> str:
    """Its own codes or words under the status that they mean, the most of them cut short."""
    by_status: dict[Status, list[str]] = {}
    for known, status in carrier.statuses.items():
        by_status.setdefault(status, []).append(known)
    if not by_status:
        return ""
    whole = f"include/rastro/carriers/{carrier.code}_status.csv"
    said = (
        "What neither this table nor its wording explains is `unknown`: kept, listed in `v_open_problem`, never mailed."
    )
    if Path(REPOSITORY, whole).exists():
        said += f" The whole table is [{whole}](../../{whole})."
    rows = [(code(status), ", ".join(shown(by_status[status]))) for status in Status if status in by_status]
    return f"{table(('status', 'what the carrier says'), rows)}\n{said}\n"


def shown(known: Sequence[str]) -> Iterator[str]:
    yield from (code(one) for one in known[:MOST_CODES])
    if len(known) > MOST_CODES:
        yield f"and {len(known) - MOST_CODES} more"


def recognised(carrier: Carrier) -> str:
    claims = carrier.claims
    rows = [
        *(("the courier's name", code(one)) for one in claims.names),
        *(("the host of the tracking link", code(one)) for one in claims.hosts),
        *(("a number, of a form of its own", code(one)) for one in claims.strong),
        *(("a number, of a form that others use, too", code(one)) for one in claims.weak),
    ]
    said = ["[Which sign is believed first](../routing.md)."]
    if rows:
        said.append("They are searched without regard to case and accents; a number must be the whole of it.")
    if claims.check:
        said.append("Its numbers have a check digit; one whose digit is wrong is believed last.")
    if claims.gateway:
        said.append("It sells the freight of other carriers, and yields to the one that is named beside it.")
    if claims.fallback:
        said.append("It takes what no other carrier claims, and what one claims that has no connection.")
    signs = table(("sign", "regular expression"), rows) + "\n" if rows else ""
    return f"{signs}{' '.join(said)}\n"


def told(market: Marketplace) -> str:
    said = ["That an order was delivered, once every parcel of the package is."]
    takes = [code(status) for status in Status if status in market.takes]
    if takes:
        said.append(
            f"Beside that it takes {', '.join(takes)}, where the setting `marketplace_news` names its connection."
        )
    said.append(
        "It is read before it is told and afterwards, so a doubtful answer is cleared up by itself."
        if market.reads_back
        else "It cannot be read; what becomes of a doubtful answer says "
        "[never twice](../never-twice.md#what-if-nobody-can-tell-whether-it-was-told)."
    )
    said.append(
        "It mails its buyers itself, so Rastro does not, unless the setting `mail_buyers_of` names it."
        if market.mails_customer
        else "It does not mail the customer."
    )
    if market.requests_per_second:
        said.append(f"At most {pace(market.requests_per_second)}.")
    return " ".join(said) + "\n"
