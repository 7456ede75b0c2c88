"""The simulated world as Airflow is told of it: connections and the ``[rastro]`` settings, as environment variables."""

import json
from collections.abc import Mapping
from typing import Any

VTEX, SQL = "vtex:loja", "sql:erp:public.rastro_shipment"
SHOPS_PEOPLE = "expedicao@loja.example"  # who acts on alerts, for whoever wants them sent
ROUTES = ("MKT=direct:vtex_protocol:market", "HUB=direct:webhook:hub", "BWW=connector", "MLF=none")
QUICK = "1000"  # calls a second, of carriers and marketplaces that otherwise want to be asked slowly


def wiring(
    world: Mapping[str, Any],
    *,
    warehouse: Mapping[str, str],
    shop: Mapping[str, str],
    wide: bool = False,
    **settings: str,
) -> dict[str, str]:
    """
    Everything a task needs to reach the simulator.

    :param world: what the simulator answers to ``GET /control/info``.
    :param warehouse: Airflow connection of the warehouse; ``shop`` that of the database with the SQL source.
    :param wide: with every other carrier and marketplace that is simulated, each by a connection named like it.
    :param settings: options of ``[rastro]`` that differ from these.
    """
    vtex, correios, market, webhook, smtp = (world[name] for name in ("vtex", "correios", "market", "webhook", "smtp"))
    connections: dict[str, Mapping[str, Any]] = {
        "rastro_warehouse": warehouse,
        "erp": shop,
        "loja": {
            "conn_type": "vtex", "host": vtex["urls"]["loja"], "login": vtex["app_key"], "password": vtex["app_token"],
            "extra": {"requests_per_second": "0"},
        },
        "correios": {
            "conn_type": "correios", "host": correios["url"], "login": correios["user"],
            "password": correios["access_code"], "extra": {"posting_card": correios["posting_card"]},
        },
        "market": {
            "conn_type": "vtex_protocol", "host": market["url"], "login": market["app_key"],
            "password": market["app_token"],
        },
        "hub": {"conn_type": "webhook", "host": webhook["url"], "extra": {"secret": webhook["secret"]}},
        "rastro_smtp": {
            "conn_type": "smtp", "host": smtp["host"], "port": smtp["port"], "login": smtp["user"],
            "password": smtp["password"], "extra": {"disable_ssl": True, "disable_tls": True},
        },
    }  # fmt: skip
    carriers = quick(world["carriers"]) if wide else {}
    marketplaces = quick(world["marketplaces"]) if wide else {}
    options = {
        "sources": f"{VTEX}, {SQL}",
        "carriers": ", ".join(["correios:correios", *map(key_of, carriers)]),
        "marketplaces": ", ".join(["vtex_protocol:market", "webhook:hub", *map(key_of, marketplaces)]),
        "routes": ", ".join([*ROUTES, *(f"{code.upper()}=direct:{key_of(code)}" for code in marketplaces)]),
        "shop_name": "Loja Exemplo",
        "mail_from": "pedidos@loja.example",
        "help_url": "https://loja.example/ajuda",
        "fill_tracking_url": "true",
        "poll_every": "0",  # hours pass in seconds here: every parcel is looked at in every run
        "last_look_after": "0",
        "mails_per_second": "200",
        "mails_per_day": "100",
        "retry_delay": "2s",
        **settings,
    }
    return {
        **{
            f"AIRFLOW_CONN_{name.upper()}": json.dumps(value)
            for name, value in {**connections, **carriers, **marketplaces}.items()
        },
        **{f"AIRFLOW__RASTRO__{name.upper()}": value for name, value in options.items()},
    }


def key_of(code: str) -> str:
    """How the settings name a carrier or marketplace whose connection is named like it."""
    return f"{code}:{code}"


def quick(connections: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """These connections with the pace of a simulated service."""
    return {
        code: {**one, "extra": {**one.get("extra", {}), "requests_per_second": QUICK}}
        for code, one in connections.items()
    }
