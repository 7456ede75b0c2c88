"""
Writes ``.env.example``, the list of everything that can be set: ``python -m stack.env_example``.

Settings come from :data:`rastro.settings.OPTIONS`; connections are shown by one invented example each.
"""

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rastro.settings import OPTIONS
from stack.state import REPOSITORY

FILE = REPOSITORY / ".env.example"
WIDTH = 110
HEAD = """\
Everything that can be set. Copy this file to .env and take the # from the lines you need: `make up` and
docker compose read it. In any other Airflow set the same variables, or use Admin > Connections and airflow.cfg.
All names, addresses and keys here are invented."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One connection: its id is ours to choose, the settings name it."""

    connection_id: str
    about: str
    connection: Mapping[str, object]


CONNECTIONS = (
    Example(
        connection_id="rastro_warehouse",
        about="The warehouse, PostgreSQL 14 or newer. Left out, `make up` and docker compose use their own.",
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
        connection_id="shop_main",
        about=(
            "A VTEX account: app key and app token. mailer: vtex (what is written on the order makes VTEX mail the "
            "customer) or own (we mail)."
        ),
        connection={
            "conn_type": "vtex",
            "host": "https://lojaexemplo.vtexcommercestable.com.br",
            "login": "vtexappkey-lojaexemplo-…",
            "password": "…",
            "extra": {"mailer": "vtex"},
        },
    ),
    Example(
        connection_id="erp_db",
        about="Any database that holds shipments in a table or view; the columns are in include/rastro/orders/sql.py.",
        connection={
            "conn_type": "postgres",
            "host": "erp.loja.example",
            "login": "rastro_reader",
            "password": "…",
            "schema": "erp",
        },
    ),
    Example(
        connection_id="correios_contract",
        about="A Correios contract: the user of Meu Correios and the access code made at cws.correios.com.br.",
        connection={
            "conn_type": "correios",
            "host": "https://api.correios.com.br",
            "login": "lojaexemplo",
            "password": "…",
            "extra": {"posting_card": "0000000000"},
        },
    ),
    Example(
        connection_id="market_one",
        about="A marketplace on VTEX's marketplace protocol: its service endpoint, app key and app token.",
        connection={
            "conn_type": "vtex_protocol",
            "host": "https://mercado.example/api/oms?an=mercado",
            "login": "vtexappkey-mercado-…",
            "password": "…",
        },
    ),
    Example(
        connection_id="our_hub",
        about="A signed webhook (Standard Webhooks): the whole address to post to, and the secret both sides share.",
        connection={
            "conn_type": "webhook",
            "host": "https://hub.loja.example/deliveries",
            "extra": {"secret": "whsec_…"},
        },
    ),
)
COMPOSE = {
    "POSTGRES_PASSWORD": "letters and digits only: it stands in URLs",
    "AIRFLOW_ADMIN_PASSWORD": "of the user admin in Airflow's UI",
    "AIRFLOW_FERNET_KEY": (
        "encrypts connections and carriers' tokens: python -c \"import base64, os; "
        'print(base64.urlsafe_b64encode(os.urandom(32)).decode())"'
    ),
    "AIRFLOW_JWT_SECRET": 'at least 64 characters: python -c "import secrets; print(secrets.token_urlsafe(64))"',
    "AIRFLOW_API_SECRET_KEY": "likewise",
}


def lines() -> Iterator[str]:
    yield from comment(HEAD)
    yield from section("Connections: AIRFLOW_CONN_ and the id, as JSON; every host can be a stand-in's base URL")
    for example in CONNECTIONS:
        yield ""
        yield from comment(example.about)
        written = json.dumps(example.connection, ensure_ascii=False)
        yield f"# AIRFLOW_CONN_{example.connection_id.upper()}='{written}'"
    yield from section("Settings: the section [rastro]; shown are examples")
    for name, option in OPTIONS.items():
        yield ""
        default = f"Default: {option.default}." if option.default else "Default: empty."
        yield from comment(f"{option.description} {default}")
        yield f"# AIRFLOW__RASTRO__{name.upper()}='{option.example}'"
    yield from section("docker compose only: without these it does not start")
    for name, about in COMPOSE.items():
        yield ""
        yield from comment(about[0].upper() + about[1:])
        yield f"# {name}="


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
