"""
Everything that Rastro works with, looked at: for ``rastro doctor``, and for the test button of Airflow's connections.

Connections are read as ``rastro serve`` reads them, from wherever Airflow keeps them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from airflow.models.dag import DagModel
from airflow.models.pool import Pool
from airflow.sdk import Connection
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from rastro.access import Account, Login, Tokens, check
from rastro.carriers.base import Carrier
from rastro.carriers.described import described
from rastro.carriers.registry import CARRIERS
from rastro.errors import Misconfigured
from rastro.mail.server import server_from
from rastro.mail.smtp import Postman
from rastro.marketplaces.base import Marketplace
from rastro.marketplaces.registry import MARKETPLACES
from rastro.orchestration import incidents
from rastro.orchestration.serving import stored
from rastro.orchestration.workshop import (
    Workshop,
    account_of,
    adapter_of,
    by_feed,
    conninfo_of,
    missing,
    now,
    read_settings,
    sender_of,
    source_of,
)
from rastro.orders.base import Setup, SourceType
from rastro.orders.registry import SOURCES
from rastro.pipeline import probe
from rastro.pipeline.probe import Check, Finding, State
from rastro.pipeline.tokens import AccessKeeper, FreshTokens, is_good_once
from rastro.setting_values import Endpoint
from rastro.warehouse.connect import Connect, connector

DAG = "track_deliveries"
LONGEST_WAIT = 10.0  # seconds for each answer of a mail server
GOOD_ONCE = "its refresh token is good for one use, which is the runs': rastro doctor asks by the token that they keep"
NOBODY_IS_TOLD = "the rest of its address is not tried, since that would tell the data team"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Where the tokens of an account are kept between runs."""

    holder: str
    connect: Connect


def of_type(code: str, held: Connection) -> Finding:
    """What a connection of that type comes to, by itself: nothing else needs to be set up."""
    look: Callable[[], Finding]
    if code in CARRIERS:
        look = partial(carrier, CARRIERS[code], held)
    elif code in MARKETPLACES:
        look = partial(marketplace, MARKETPLACES[code], held)
    else:
        look = partial(source, SOURCES[code], held)
    return probe.found(Check(name=code, look=look))


def carrier(one: Carrier, held: Connection, kept: Kept | None = None) -> Finding:
    """
    :raises RastroError: the connection does not work.
    """
    account = account_of(held, one.base_url)
    check(one.code, account, one.fields)
    tokens = tokens_of(one.code, account, one.login, kept)
    if tokens is None:
        return probe.untried(one.code, account.base_url, GOOD_ONCE)
    if one.feed and by_feed(one, held):
        return probe.feed(one, one.feed.host(account), tokens)
    return probe.carrier(one, account, tokens)


def marketplace(kind: Marketplace, held: Connection, kept: Kept | None = None) -> Finding:
    """
    :raises RastroError: the connection does not work.
    """
    account = account_of(held, kind.base_url)
    check(kind.code, account, kind.fields)
    tokens = tokens_of(kind.code, account, kind.login, kept)
    if tokens is None:
        return probe.untried(kind.code, account.base_url, GOOD_ONCE)
    return probe.marketplace(kind, account, tokens)


def source(kind: SourceType, held: Connection, relation: str = "") -> Finding:
    """
    :raises RastroError: the connection does not work.
    """
    return probe.source(source_of(kind, held, Setup(relation=relation, limits=probe.LIMITS)))


def tokens_of(code: str, account: Account, login: Login | None, kept: Kept | None) -> Tokens | None:
    """None where a login would use up what only the runs may use."""
    if not is_good_once(login, account):
        return FreshTokens(holder=code, account=account, login=login, clock=now, limits=probe.LIMITS)
    if kept is None:
        return None
    return AccessKeeper(
        holder=kept.holder, account=account, login=login, connect=kept.connect, sealer=Workshop.vault(), clock=now
    )


class Doctor:
    """All that the settings name. The connections are read when it is made."""

    def __init__(self) -> None:
        """
        :raises Misconfigured: the settings are wrong; the message lists all of it.
        """
        self.settings = read_settings()
        folder = self.settings.carrier_files
        self.carriers: Mapping[str, Carrier] = {**CARRIERS, **described(Path(folder) if folder else None)}
        named = (*self.settings.sources, *self.settings.carriers, *self.settings.marketplaces)
        ids = {self.settings.warehouse, self.settings.smtp, *(one.connection for one in (*named, *self._posts()))}
        self._held = {conn_id: stored(conn_id) for conn_id in sorted(ids)}

    def checks(self) -> Iterator[Check]:
        yield Check(name="settings", look=self.of_settings)
        yield Check(name="database", look=self.of_warehouse)
        for look, endpoints in (
            (self.of_source, self.settings.sources),
            (self.of_carrier, self.settings.carriers),
            (self.of_marketplace, self.settings.marketplaces),
        ):
            yield from (Check(name=one.key, look=partial(look, one)) for one in endpoints)
        yield from (Check(name=one.key, look=partial(self.of_post, one)) for one in self._posts())
        yield Check(name="mail", look=self.of_mail)
        yield Check(name="airflow", look=self.of_airflow)

    def of_settings(self) -> Finding:
        """They could be read."""
        if not self.settings.sources:
            return Finding(state=State.LOOK, said="No order source is set, so there is nothing to follow: see sources")
        return Finding(state=State.OK, said="All make sense")

    def of_warehouse(self) -> Finding:
        return probe.warehouse(conninfo_of(self._connection(self.settings.warehouse, "the warehouse")))

    def of_source(self, one: Endpoint) -> Finding:
        kind = adapter_of(SOURCES, one, "sources")
        return source(kind, self._connection(one.connection, f"order source {one.key}"), one.relation)

    def of_carrier(self, one: Endpoint) -> Finding:
        kind = adapter_of(self.carriers, one, "carriers")
        return carrier(kind, self._connection(one.connection, f"carrier {kind.name}"), self._kept(one))

    def of_marketplace(self, one: Endpoint) -> Finding:
        kind = adapter_of(MARKETPLACES, one, "marketplaces")
        return marketplace(kind, self._connection(one.connection, f"marketplace {kind.name}"), self._kept(one))

    def of_mail(self) -> Finding:
        if not self._mails():
            return Finding(state=State.OK, said="Not tried: nothing is mailed from here")
        sender = sender_of(self.settings)
        held = self._connection(self.settings.smtp, "outgoing mail")
        server = server_from(held.host, held.port, held.login, held.password, held.extra_dejson)
        return probe.mail(Postman(replace(server, timeout=min(server.timeout, LONGEST_WAIT))), sender.address)

    def of_post(self, way: Endpoint) -> Finding:
        held = self._connection(way.connection, incidents.purpose_of(way))
        with incidents.line_to(way, held):
            return probe.untried(way.key, account_of(held, "").base_url, NOBODY_IS_TOLD)

    def of_airflow(self) -> Finding:
        Workshop.vault()
        try:
            with create_session() as session:
                pools = set(session.scalars(select(Pool.pool)))
                dag = session.get(DagModel, DAG)
                paused = dag.is_paused if dag else None
        except SQLAlchemyError as error:
            said = f"Airflow's database cannot be read from here ({type(error).__name__}), nor its pools and DAGs"
            return Finding(state=State.LOOK, said=said)
        used = {self.carriers[one.adapter].pool for one in self.settings.carriers if one.adapter in self.carriers}
        if missing := sorted(used - pools):
            raise Misconfigured(f"Airflow has no pool {', '.join(missing)}: see rastro pools")
        if paused is None:
            raise Misconfigured(
                f"Airflow knows no DAG {DAG}: does its DAG processor run, on the project's folder dags?"
            )
        if paused:
            return Finding(state=State.LOOK, said=f"{DAG} is paused: nothing is followed until it is unpaused")
        return Finding(state=State.OK, said=f"{DAG} is unpaused, and has the pools that it needs")

    def _connection(self, conn_id: str, purpose: str) -> Connection:
        """
        :raises Misconfigured: there is none.
        """
        if (held := self._held[conn_id]) is None:
            raise missing(conn_id, purpose)
        return held

    def _kept(self, one: Endpoint) -> Kept | None:
        held = self._held[self.settings.warehouse]
        return Kept(holder=one.key, connect=connector(conninfo_of(held))) if held else None

    def _mails(self) -> bool:
        """Whether anything is mailed from here."""
        held = [(one, self._held[one.connection]) for one in self.settings.sources]
        own = [one.adapter == "sql" or (there and there.extra_dejson.get("mailer") == "own") for one, there in held]
        return bool(self.settings.alert_to) or any(one.adapter == "mail" for one in self.settings.alert_by) or any(own)

    def _posts(self) -> list[Endpoint]:
        """The ways of ``alert_by`` that have a connection of their own."""
        return [one for one in self.settings.alert_by if one.adapter != "mail"]
