"""What a task works with: settings and connections, read once inside the task, made into adapters."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from airflow.sdk import BaseHook, Connection, conf
from airflow.sdk.exceptions import AirflowException
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from psycopg.conninfo import make_conninfo
from sqlalchemy import Engine

from rastro.access import Account, Login, check
from rastro.carriers.base import Asks, Carrier
from rastro.carriers.described import described
from rastro.carriers.registry import CARRIERS
from rastro.errors import Misconfigured
from rastro.habits import Habits
from rastro.http import Http, Limits
from rastro.mail.compose import Sender
from rastro.mail.server import server_from
from rastro.mail.smtp import Postman
from rastro.marketplaces.registry import MARKETPLACES
from rastro.orders.base import OrderSource, Setup, SourceType
from rastro.orders.registry import SOURCES
from rastro.pipeline.tokens import AccessKeeper
from rastro.receivers import Receiver
from rastro.setting_values import Endpoint
from rastro.settings import OPTIONS, Settings, settings_from
from rastro.warehouse import erased, habits, tracking_links
from rastro.warehouse.budgets import Purse
from rastro.warehouse.connect import Connect, connector
from rastro.warehouse.health import at_home, current
from rastro.warehouse.paces import SharedPace

SECTION = "rastro"
VARIABLES = f"AIRFLOW__{SECTION.upper()}__"
T = TypeVar("T")
# What libpq understands among a connection's extras.
LIBPQ = frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs", "host", "port", "dbname"})


def now() -> datetime:
    return datetime.now(UTC)


def read_settings() -> Settings:
    """
    The ``[rastro]`` section, typed.

    :raises Misconfigured: lists everything that is wrong.
    """
    given = {name: conf.get(SECTION, name, fallback=option.default) for name, option in OPTIONS.items()}
    strange = dict.fromkeys(written_names() - set(OPTIONS), "")
    return settings_from(strange | {name: str(value) for name, value in given.items() if value is not None})


def written_names() -> set[str]:
    """
    What stands in the section, in the environment or in a file; not a secret's ``_cmd`` and ``_secret``, which Airflow
    reads.
    """
    variables = {name.lower() for name in os.environ if name.startswith(VARIABLES)}
    names = {name.removeprefix(VARIABLES.lower()) for name in variables}
    names |= set(conf.options(SECTION)) if conf.has_section(SECTION) else set()
    return names - {
        f"{name}_{beside}" for name, option in OPTIONS.items() if option.secret for beside in ("cmd", "secret")
    }


def connection(conn_id: str, purpose: str) -> Connection:
    """
    :raises Misconfigured: there is no such connection.
    """
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowException as error:
        raise missing(conn_id, purpose) from error


def missing(conn_id: str, purpose: str) -> Misconfigured:
    return Misconfigured(
        f"The connection {conn_id} ({purpose}) is missing: add it under Admin > Connections, "
        f"or as the variable AIRFLOW_CONN_{conn_id.upper()}"
    )


def account_of(held: Connection, default_url: str) -> Account:
    """The neutral form of a connection; its host may be a host name or a whole URL, which stays as it is written."""
    url = held.host or default_url
    if "://" not in url:
        url = f"{held.schema or 'https'}://{url}"
    if held.port and not urlsplit(url).port:
        parts = urlsplit(url)
        url = parts._replace(netloc=f"{parts.netloc}:{held.port}").geturl()
    return Account(
        base_url=url,
        login=held.login or "",
        password=held.password or "",
        extra={name: text_of(value) for name, value in held.extra_dejson.items()},
    )


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


class Vault:
    """Encrypts with Airflow's own Fernet key, as Airflow does its connections."""

    def __init__(self, keys: str) -> None:
        if not keys:
            raise Misconfigured("Set [core] fernet_key: access tokens are kept encrypted with it")
        each = [key.strip() for key in keys.split(",")]
        self._newest = Fernet(each[0])
        self._keys = MultiFernet([Fernet(key) for key in each])
        self.oldest = each[-1].encode()

    def encrypt(self, data: bytes) -> bytes:
        return self._keys.encrypt(data)

    def decrypt(self, token: bytes) -> bytes:
        """
        :raises ValueError: sealed with another key.
        """
        try:
            return self._keys.decrypt(token)
        except InvalidToken as error:
            raise ValueError("sealed with another key") from error

    def is_newest(self, token: bytes) -> bool:
        try:
            self._newest.decrypt(token)
        except InvalidToken:
            return False
        return True


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """
    Settings and the ways to everything outside, for one task of one run.

    Adapters are made when asked for, so that a task meets only the faults of the connections it uses.
    """

    settings: Settings
    connect: Connect
    run_id: str
    database: str = ""  # of the warehouse, as postgres://host:5432/name
    clock: Callable[[], datetime] = now

    @classmethod
    def open(cls, run_id: str) -> "Workshop":
        """
        :raises Misconfigured: settings, the warehouse's connection or the warehouse itself must be put right.
        :raises Transient: it cannot be reached.
        """
        shop = cls.unasked(run_id)
        shop.ask_the_warehouse()
        return shop

    @classmethod
    def unasked(cls, run_id: str) -> "Workshop":
        """
        One whose warehouse may be away, or another.

        :raises Misconfigured: settings or the warehouse's connection must be put right.
        """
        settings = read_settings()
        held = connection(settings.warehouse, "the warehouse")
        return cls(
            settings=settings, connect=connector(conninfo_of(held)), run_id=run_id, database=database_of(held)
        )  # fmt: skip

    def ask_the_warehouse(self) -> None:
        """
        :raises Misconfigured: it is not of this version, or was restored or copied.
        :raises Transient: it cannot be reached.
        """
        with self.connect() as conn:
            current(conn)
            at_home(conn)

    def source(self, account: str) -> OrderSource:
        """
        :raises Misconfigured: no such source is set, or its connection lacks something.
        """
        endpoint = one_of(self.settings.sources, account, "sources")
        kind = adapter_of(SOURCES, endpoint, "sources")
        held = connection(endpoint.connection, f"order source {endpoint.key}")
        setup = Setup(
            relation=endpoint.relation,
            routes=self.settings.routes,
            events=self.settings.events,
            fill_tracking_url=self.settings.fill_tracking_url,
            new_link=partial(self._new_link, endpoint.key) if self.settings.tracking_page else None,
            horizon=self.settings.sync_horizon,
            shared=partial(SharedPace, self.connect, endpoint.key),
        )
        return source_of(kind, held, setup)

    def _new_link(self, account: str, order_id: str) -> str:
        """The address of a tracking page, good at once."""
        with self.connect() as conn:
            link = tracking_links.give_out(conn, account, order_id, self.settings.tracking_page, self.clock())
            conn.commit()
            return link

    @cached_property
    def known_carriers(self) -> Mapping[str, Carrier]:
        """
        Every carrier that there is an adapter or a description of, by code.

        :raises Misconfigured: a description is not sound.
        """
        folder = self.settings.carrier_files
        return {**CARRIERS, **described(Path(folder) if folder else None)}

    @cached_property
    def hash_key(self) -> bytes:
        """
        What keys the hashes of addresses and of what was erased.

        :raises Misconfigured: it cannot be opened.
        """
        with self.connect() as conn:
            key = erased.hash_key(conn, self.vault())
            conn.commit()
        return key

    @property
    def pages(self) -> dict[str, Callable[[str], str]]:
        """Each carrier's own page about a number."""
        return {code: carrier.page_about for code, carrier in self.known_carriers.items()}

    @property
    def carrier_names(self) -> dict[str, str]:
        return {code: carrier.name for code, carrier in self.known_carriers.items()}

    def carriers(self) -> dict[str, Carrier]:
        """Every carrier that has a connection, by code; names that no adapter has are :meth:`misspelt`."""
        known = self.known_carriers
        return {one.adapter: known[one.adapter] for one in self.settings.carriers if one.adapter in known}

    def contracts(self) -> dict[str, Carrier]:
        """The carriers of all contracts, as :attr:`Settings.contracts` names them."""
        known = self.known_carriers
        named = self.settings.contracts.items()
        return {contract: known[one.adapter] for contract, one in named if one.adapter in known}

    def feeds(self, carrier: Carrier, contract: str = "") -> bool:
        """Whether the carrier hands out to this contract by its feed what others are asked about."""
        if carrier.feed is None or carrier.asks is Asks.FEED:
            return carrier.feed is not None
        held = connection(self.contract(contract or carrier.code).connection, f"carrier {carrier.name}")
        return by_feed(carrier, held)

    def misspelt(self) -> list[str]:
        """Sentences about settings that name an adapter there is none of; the others work all the same."""
        named = (
            ("sources", self.settings.sources, SOURCES),
            ("carriers", self.settings.carriers, self.known_carriers),
            ("marketplaces", self.settings.marketplaces, MARKETPLACES),
        )
        return [
            f"{setting}: there is no {endpoint.adapter}; known are {', '.join(sorted(registry))}"
            for setting, endpoints, registry in named
            for endpoint in endpoints
            if endpoint.adapter not in registry
        ]

    def contract(self, name: str) -> Endpoint:
        """The connection of a contract, which is named as in :attr:`Settings.contracts`."""
        if endpoint := self.settings.contracts.get(name):
            return endpoint
        written = name if ":" in name else f"{name}:connection"
        raise Misconfigured(f"No connection for {name}: add {written} to the setting carriers")

    def habits_of(self, carrier: str) -> Habits:
        """When the carrier has news, as learnt; empty where nothing is."""
        with self.connect() as conn:
            return habits.read(conn, carrier).get(carrier, {})

    def purse_of(self, contract: str) -> Purse | None:
        """What the contract's calls of the day are taken from; None where they are not counted."""
        budget = self.settings.budgets.get(contract)
        return Purse(contract=contract, budget=budget) if budget else None

    def keeper(self, carrier: Carrier, contract: str = "") -> AccessKeeper:
        """
        The way into a contract with a carrier.

        :param contract: its name, where it is not the carrier's first.
        :raises Misconfigured: its connection is missing, or lacks something.
        """
        endpoint = self.contract(contract or carrier.code)
        account = account_of(connection(endpoint.connection, f"carrier {carrier.name}"), carrier.base_url)
        check(carrier.code, account, carrier.fields)
        return self._keeper(endpoint, account, carrier.login)

    def _keeper(self, endpoint: Endpoint, account: Account, login: Login | None) -> AccessKeeper:
        return AccessKeeper(
            holder=endpoint.key,
            account=account,
            login=login,
            connect=self.connect,
            sealer=self.vault(),
            clock=self.clock,
        )

    def line_to(self, carrier: Carrier, account: Account, host: str = "", contract: str = "") -> Http:
        """
        A client of the carrier that keeps to its pace, or to that of this contract, together with all others.

        :param host: where that is not the account's own (a feed).
        :param contract: its name, where it is not the carrier's first.
        :raises Misconfigured: the contract's pace makes no sense.
        """
        limits = self._limits(
            self.contract(contract or carrier.code), pace_of(carrier.code, account) or carrier.requests_per_second
        )
        return Http(
            host or account.base_url, name=carrier.code, limits=limits, secrets=account.secrets,
            connections=carrier.connections,
        )  # fmt: skip

    def _limits(self, endpoint: Endpoint, per_second: float) -> Limits:
        return Limits(requests_per_second=per_second, shared=partial(SharedPace, self.connect, endpoint.key))

    def marketplace(self, key: str) -> Receiver:
        """
        A receiver that keeps to the adapter's pace, or to that of this contract, together with all others.

        :raises Misconfigured: no such marketplace is set, or its connection lacks something.
        """
        endpoint = one_of(self.settings.marketplaces, key, "marketplaces")
        kind = adapter_of(MARKETPLACES, endpoint, "marketplaces")
        account = account_of(connection(endpoint.connection, f"marketplace {kind.name}"), kind.base_url)
        check(kind.code, account, kind.fields)
        pace = pace_of(kind.code, account) or kind.requests_per_second
        limits = self._limits(endpoint, pace) if pace else None
        return kind.build(account, self._keeper(endpoint, account, kind.login), limits=limits)

    def postman(self) -> Postman:
        held = connection(self.settings.smtp, "outgoing mail")
        return Postman(server_from(held.host, held.port, held.login, held.password, held.extra_dejson))

    def sender(self) -> Sender:
        return sender_of(self.settings)

    @staticmethod
    def vault() -> Vault:
        return Vault(str(conf.get("core", "fernet_key", fallback="") or ""))


def sender_of(settings: Settings) -> Sender:
    """
    :raises Misconfigured: the settings name none.
    """
    lacking = [name for name in ("shop_name", "mail_from") if not getattr(settings, name)]
    if lacking:
        raise Misconfigured(f"To send mail, set {' and '.join(lacking)} in [rastro]")
    return Sender(name=settings.shop_name, address=settings.mail_from, reply_to=settings.reply_to)


def pace_of(code: str, account: Account) -> float:
    """
    The calls a second that a contract allows, where its connection says so; else 0.

    :raises Misconfigured: what it says makes no sense.
    """
    told = account.value("requests_per_second")
    if not told:
        return 0.0
    try:
        pace = float(told)
    except ValueError:
        pace = 0.0
    if not 0 < pace <= 1000:
        raise Misconfigured(f"{code}: the connection's extra.requests_per_second, {told!r}, is no pace")
    return pace


def source_of(kind: SourceType, held: Connection, setup: Setup) -> OrderSource:
    """
    :raises Misconfigured: the connection lacks something.
    """
    if kind.connects_by == "engine":
        return kind.build(replace(setup, engine=engine_of(held)))
    return kind.build(replace(setup, account=account_of(held, kind.base_url)))


def by_feed(carrier: Carrier, held: Connection) -> bool:
    """Whether this connection of the carrier's is for its feed."""
    wanted = carrier.asks is Asks.FEED or str(held.extra_dejson.get("feed", "")).lower() == "true"
    return carrier.feed is not None and wanted


def conninfo_of(held: Connection) -> str:
    """A libpq connection string from an Airflow connection of type postgres; its ``schema`` is the database."""
    values = {
        "host": held.host, "port": held.port, "user": held.login, "password": held.password, "dbname": held.schema,
        **{name: value for name, value in held.extra_dejson.items() if name in LIBPQ},
    }  # fmt: skip
    return make_conninfo(**{name: value for name, value in values.items() if value})


def database_of(held: Connection) -> str:
    """How lineage names the database of a connection; one behind a socket is on this machine."""
    host = held.host if held.host and not held.host.startswith("/") else "localhost"
    return f"postgres://{host}:{held.port or 5432}/{held.schema}"


def engine_of(held: Connection) -> Engine:
    """The SQLAlchemy engine of any database that an Airflow provider has a hook for."""
    hook = held.get_hook()  # type: ignore[no-untyped-call]
    return cast("Engine", hook.get_sqlalchemy_engine())


def one_of(endpoints: tuple[Endpoint, ...], key: str, setting: str) -> Endpoint:
    for endpoint in endpoints:
        if endpoint.key == key:
            return endpoint
    raise Misconfigured(f"{key} is owed something, but no longer stands in the setting {setting}: add it again")


def adapter_of(registry: Mapping[str, T], endpoint: Endpoint, setting: str) -> T:
    found = registry.get(endpoint.adapter)
    if found is None:
        raise Misconfigured(f"{setting}: there is no {endpoint.adapter}; known are {', '.join(sorted(registry))}")
    return found
