"""The registries as tables."""

import argparse

from rastro.carriers.base import Asks, Carrier
from rastro.carriers.described import all_carriers
from rastro.cli.command import print_table
from rastro.marketplaces.registry import MARKETPLACES
from rastro.models import ReferenceKind, Status

SHORT = {
    ReferenceKind.TRACKING_NUMBER: "number",
    ReferenceKind.NUMBER_AND_SERVICE: "number and service",
    ReferenceKind.INVOICE_KEY: "invoice key",
    ReferenceKind.INVOICE_NUMBER: "invoice",
    ReferenceKind.ORDER: "order",
    ReferenceKind.CARRIER_ID: "its own id",
}


def carriers(_: argparse.Namespace) -> int:
    """A line for each; below it where to read more, and what is a guess."""
    known = all_carriers().values()
    print_table(
        ("code", "name", "asked", "about", "limits", "recognised by", "tells by", "sure"),
        (
            (
                carrier.code,
                carrier.name,
                how_asked(carrier),
                ", ".join(SHORT[kind] for kind in carrier.references),
                f"{pace(carrier.requests_per_second)}, {carrier.connections} at once",
                recognised_by(carrier),
                ", ".join(word for word, way in (("push", carrier.push), ("feed", carrier.feed)) if way) or "-",
                carrier.confidence,
            )
            for carrier in known
        ),
        (notes(carrier.docs, "", carrier.unsure) for carrier in known),
    )
    return 0


def how_asked(carrier: Carrier) -> str:
    return {
        Asks.SINGLE: "1 a call",
        Asks.BATCH: f"{carrier.batch_size} a call",
        Asks.REGISTER: f"{carrier.batch_size} a call, registered",
        Asks.FEED: "by its feed",
    }[carrier.asks]


def pace(per_second: float) -> str:
    """25/s, 30/min, 2.5/h."""
    return "/".join(counted(per_second))


def counted(per_second: float) -> tuple[str, str]:
    """A pace as people count it: how many, in which unit of time."""
    unit, seconds = ("s", 1) if per_second >= 1 else ("min", 60) if per_second * 60 >= 1 else ("h", 3600)
    return f"{per_second * seconds:g}", unit


def recognised_by(carrier: Carrier) -> str:
    claims = carrier.claims
    signs = {"name": claims.names, "link": claims.hosts, "number": claims.strong + claims.weak}
    found = [sign for sign, patterns in signs.items() if patterns]
    return ", ".join([*found, *(["the rest"] if claims.fallback else [])]) or "configuration only"


def notes(docs: str, takes: str, unsure: str) -> list[str]:
    said = {"Told beside delivery": takes, "Unsure": unsure}
    return [docs, *(f"{title}: {text}" for title, text in said.items() if text)]


def marketplaces(_: argparse.Namespace) -> int:
    """A line for each; below it where to read more, what else it is told, and what is a guess."""
    print_table(
        ("code", "name", "reads back", "mails the customer", "limit", "sure"),
        (
            (
                market.code,
                market.name,
                yes_no(market.reads_back),
                yes_no(market.mails_customer),
                pace(market.requests_per_second) if market.requests_per_second else "-",
                market.confidence,
            )
            for market in MARKETPLACES.values()
        ),
        (
            notes(market.docs, ", ".join(status for status in Status if status in market.takes), market.unsure)
            for market in MARKETPLACES.values()
        ),
    )
    return 0


def orders(_: argparse.Namespace) -> int:
    from rastro.orders.registry import SOURCES  # noqa: PLC0415  it brings SQLAlchemy along

    print_table(
        ("code", "name", "covers", "written back", "docs"),
        (
            (source.code, source.name, source.covers, yes_no(source.writes_back), source.docs)
            for source in SOURCES.values()
        ),
    )
    return 0


def yes_no(value: bool) -> str:  # noqa: FBT001  it words a boolean
    return "yes" if value else "no"


def pools(_: argparse.Namespace) -> int:
    from rastro.orchestration.pools import pools_json  # noqa: PLC0415  only this command concerns Airflow

    print(pools_json())
    return 0
