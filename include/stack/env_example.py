"""
Writes ``.env.example``, the list of everything that can be set: ``python -m stack.env_example``.

Settings come from :data:`rastro.settings.OPTIONS`; adapters and the fields of their connections from the registries.
"""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rastro.access import Field
from rastro.carriers.base import Carrier
from rastro.carriers.described import all_carriers
from rastro.carriers.registry import CARRIERS
from rastro.marketplaces.base import Marketplace
from rastro.marketplaces.registry import MARKETPLACES
from rastro.orders.base import SourceType
from rastro.orders.registry import SOURCES
from rastro.setting_values import endpoints
from rastro.settings import OPTIONS
from stack.state import REPOSITORY

FILE = REPOSITORY / ".env.example"
WIDTH = 110
HEAD = """\
Everything that can be set. Copy this file to .env and take the # from the lines you need: `make up` and
docker compose read it, compose after secrets/connections.json. In any other Airflow set the same variables, or
use Admin > Connections and airflow.cfg. All names, addresses and keys here are invented. What each field of a
carrier's or marketplace's connection means stands on its page below docs/. A host may be given to each: that of
a test service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One connection: its id is ours to choose, the settings name it."""

    connection_id: str
    about: str
    connection: Mapping[str, object]

    @property
    def line(self) -> str:
        """As a variable that Airflow reads."""
        written = json.dumps(self.connection, ensure_ascii=False)
        return f"AIRFLOW_CONN_{self.connection_id.upper()}='{written}'"


def connection_id(setting: str, code: str) -> str:
    """The id of the connection that the example of a setting names for an adapter, else one made from its code."""
    named = {one.adapter: one.connection for one in endpoints(OPTIONS[setting].example)}
    return named.get(code, f"{code}_contract" if setting == "carriers" else f"{code}_main")


def connection(code: str, base_url: str, fields: Sequence[Field]) -> dict[str, object]:
    """
    A connection with all that must be there, and what may be there where an invented value of it is known.

    The host is left out where the adapter knows its own.
    """
    shown = [one for one in fields if one.required or one.example or one.name in {"login", "password"}]
    values: dict[str, object] = {
        one.name: one.example or invented(code, one) for one in shown if one.name != "host" or not base_url
    }
    standard: dict[str, object] = {name: values.pop(name) for name in ("host", "login", "password") if name in values}
    return {"conn_type": code, **standard, **({"extra": values} if values else {})}


def invented(code: str, field: Field) -> str:
    return f"https://{code.replace('_', '-')}.example" if field.name == "host" else "…"


def source_example(source: SourceType) -> Example:
    """Of a source that has a connection type of its own."""
    return Example(
        connection_id=connection_id("sources", source.code),
        about=f"{source.name}, a source of shipments. {source.credentials}",
        connection=connection(source.code, source.base_url, source.fields),
    )


def carrier_example(carrier: Carrier) -> Example:
    """A carrier that is described by a file has no connection type of its own, and uses Airflow's generic one."""
    shown = connection(carrier.code, carrier.base_url, carrier.fields)
    return Example(
        connection_id=connection_id("carriers", carrier.code),
        about=f"{carrier.name}, a carrier. {carrier.credentials}",
        connection={**shown, "conn_type": carrier.code if carrier.code in CARRIERS else "generic"},
    )


def marketplace_example(market: Marketplace) -> Example:
    return Example(
        connection_id=connection_id("marketplaces", market.code),
        about=f"{market.name}, a marketplace. {market.credentials}",
        connection=connection(market.code, market.base_url, market.fields),
    )


CONNECTIONS = (
    Example(
        connection_id="rastro_warehouse",
        about="The warehouse, PostgreSQL 14 or newer. Left out, `make up` uses its own.",
        connection={
            "conn_type": "postgres",
            "host": "db.loja.example",
            "port": 5432,
            "login": "rastro",
            "password": "…",
            "schema": "rastro",
            "extra": {"sslmode": "require"},
        },
    ),
    Example(
        connection_id="rastro_smtp",
        about=(
            "Mail to customers. Port 587 speaks STARTTLS with disable_ssl, port 465 TLS from the first byte with "
            "disable_tls; both are true only for a server on this machine."
        ),
        connection={
            "conn_type": "smtp",
            "host": "smtp.loja.example",
            "port": 587,
            "login": "pedidos@loja.example",
            "password": "…",
            "extra": {"disable_ssl": True},
        },
    ),
    Example(
        connection_id="erp_db",
        about="Any database that holds shipments in a table or view; docs/sources.md lists the columns.",
        connection={
            "conn_type": "postgres",
            "host": "erp.loja.example",
            "login": "rastro_reader",
            "password": "…",
            "schema": "erp",
        },
    ),
    Example(
        connection_id="team_slack",
        about="An incoming webhook of Slack's, for alerts to the data team; the password is the end of its address.",
        connection={"conn_type": "http", "host": "https://hooks.slack.com/services", "password": "…"},
    ),
    Example(
        connection_id="team_hook",
        about="Any other that takes alerts by POST; what of its address is secret stands as the password.",
        connection={"conn_type": "http", "host": "https://alerts.loja.example", "password": "…"},
    ),
    *(source_example(one) for one in SOURCES.values() if one.fields),
    *(carrier_example(one) for one in all_carriers().values()),
    *(marketplace_example(one) for one in MARKETPLACES.values()),
)
COMPOSE = {
    "COMPOSE_PROFILES": (
        "demo,monitoring",
        "what runs beside the rest: demo a mail catcher, monitoring what watches it",
    ),
    "RASTRO_IMAGE": ("registry.loja.example/rastro:0.1.0", "the image to run, where it is not built here"),
    "AIRFLOW_BASE_URL": ("https://airflow.loja.example", "where people reach Airflow's UI, behind a proxy"),
    "AIRFLOW__METRICS__OTEL_ON": ("True", "whether metrics are sent, as the profile monitoring wants"),
    "AIRFLOW__TRACES__OTEL_ON": ("True", "likewise traces"),
    "OTEL_EXPORTER_OTLP_ENDPOINT": ("https://otel.loja.example", "where to, if not to the collector of that profile"),
}


def lines() -> Iterator[str]:
    yield from comment(HEAD)
    yield from section("Connections: AIRFLOW_CONN_ and the id, as JSON")
    for example in CONNECTIONS:
        yield ""
        yield from comment(example.about)
        yield f"# {example.line}"
    yield from section("Settings: the section [rastro]; shown are examples")
    for name, option in OPTIONS.items():
        yield ""
        default = f"Default: {option.default}." if option.default else "Default: empty."
        yield from comment(f"{option.description} {default}")
        yield f"# AIRFLOW__RASTRO__{name.upper()}='{option.example}'"
    yield from section("docker compose only; its secrets are files: docs/deploy.md")
    for name, (value, about) in COMPOSE.items():
        yield ""
        yield from comment(f"{about[0].upper()}{about[1:]}.")
        yield f"# {name}='{value}'"


def section(title: str) -> Iterator[str]:
    yield ""
    yield f"# ---- {title} ".ljust(WIDTH, "-")


def comment(text: str) -> Iterator[str]:
    wrapped = textwrap.wrap(" ".join(text.split()), WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    yield from (f"# {line}" for line in wrapped)


def text() -> str:
    return "\n".join(lines()) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
