"""What the public service works with, read once where no task runs: settings, the warehouse, carriers' connections."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import psycopg
from airflow.models.connection import Connection as StoredConnection
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowException

from rastro.access import Account
from rastro.carriers.registry import CARRIERS
from rastro.errors import Misconfigured
from rastro.orchestration.workshop import Workshop, account_of, conninfo_of, read_settings
from rastro.settings import Settings
from rastro.warehouse import erased


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """``accounts`` are the connections of carriers that push, by contract; ``conninfo`` is the warehouse's."""

    settings: Settings
    conninfo: str = field(repr=False)
    accounts: Mapping[str, Account]

    @classmethod
    def read(cls) -> "Serving":
        """
        :raises Misconfigured: one message that lists every connection that is missing.
        """
        settings = read_settings()
        pushing = {
            name: one
            for name, one in settings.contracts.items()
            if one.adapter in CARRIERS and CARRIERS[one.adapter].push
        }
        wanted = {settings.warehouse: "the warehouse"}
        wanted |= {one.connection: f"carrier {CARRIERS[one.adapter].name}" for one in pushing.values()}
        held = {name: stored(name) for name in wanted}
        missing = [f"{name} ({wanted[name]})" for name, found in held.items() if found is None]
        if missing:
            raise Misconfigured(
                f"Connections are missing: {', '.join(missing)}; add them under Admin > Connections (and let Airflow's "
                "database be reached from here), or as variables AIRFLOW_CONN_… named by their ids in capitals"
            )
        there = {name: found for name, found in held.items() if found is not None}
        return cls(
            settings=settings,
            conninfo=conninfo_of(there[settings.warehouse]),
            accounts={
                name: account_of(there[one.connection], CARRIERS[one.adapter].base_url) for name, one in pushing.items()
            },
        )


def stored(conn_id: str) -> Connection | None:
    """
    A connection from wherever Airflow keeps them: a secrets backend, the environment, its database.

    Tasks get theirs from the process that started them; this asks as Airflow's own servers do.
    """
    try:
        return cast("Connection", StoredConnection.get_connection_from_secrets(conn_id))
    except AirflowException:
        return None


def hash_key(conn: psycopg.Connection[Any]) -> bytes:
    """
    What keys the hashes that addresses and erased orders are known by.

    :raises Misconfigured: Airflow has no Fernet key, or another one.
    """
    return erased.hash_key(conn, Workshop.vault())
