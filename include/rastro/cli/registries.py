"""The registries as tables."""

import argparse

from rastro.carriers.base import Asks, Carrier
from rastro.carriers.registry import CARRIERS
from rastro.cli.command import print_table
from rastro.marketplaces.registry import MARKETPLACES


def carriers(_: argparse.Namespace) -> int:
    print_table(
        ("code", "name", "asked", "about", "limits", "recognised by", "confidence", "docs"),
        (
            (
                carrier.code,
                carrier.name,
                how_asked(carrier),
                ", ".join(carrier.references),
                f"{carrier.requests_per_second:g} calls/s, {carrier.connections} at once",
                recognised_by(carrier),
                carrier.confidence,
                carrier.docs,
            )
            for carrier in CARRIERS.values()
        ),
    )
    return 0


def how_asked(carrier: Carrier) -> str:
    return f"{carrier.asks}, {carrier.batch_size} a call" if carrier.asks is not Asks.SINGLE else f"{carrier.asks}"


def recognised_by(carrier: Carrier) -> str:
    signs = {
        "name": carrier.claims.names,
        "link": carrier.claims.hosts,
        "number": carrier.claims.strong + carrier.claims.weak,
    }
    return ", ".join(sign for sign, patterns in signs.items() if patterns) or "configuration only"


def marketplaces(_: argparse.Namespace) -> int:
    print_table(
        ("code", "name", "reads back", "mails the customer", "limits", "confidence", "docs"),
        (
            (
                market.code,
                market.name,
                yes_no(market.reads_back),
                yes_no(market.mails_customer),
                f"{market.requests_per_second:g} calls/s" if market.requests_per_second else "-",
                market.confidence,
                market.docs,
            )
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
