"""
What the data team is alerted of, and by which ways: looked for at the end of each run, and told by Airflow's callbacks.

Airflow calls :func:`run_is_late` in an executor and :func:`run_has_failed` in the dag-processor, both by their names.
"""

import html
import logging
import sys
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

import psycopg
from airflow.sdk import Connection
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from rastro.errors import Misconfigured, RastroError
from rastro.http import Http, Limits, Request
from rastro.incidents import LATE_AFTER, Incident, Kind, failed, late, silent, waiting
from rastro.languages import Language
from rastro.mail.compose import Stamp, enveloped
from rastro.mail.render import Rendered
from rastro.models import Channel
from rastro.orchestration.workshop import Workshop, account_of, connection
from rastro.pipeline.alert_team import Way, tell_what_is_untold
from rastro.pipeline.measure import oldest_owed, silences
from rastro.setting_values import Endpoint
from rastro.warehouse import incidents

log = logging.getLogger(__name__)
OVER = frozenset({"success", "failed"})
PATIENCE = Limits(call_timeout=30.0)


def at_the_end_of(shop: Workshop, run_id: str, since: datetime, *, whole: bool) -> None:
    """
    Note what has begun and what is over, and tell what nobody was told.

    :param whole: the run was not narrowed to some parcels, so that what did not fail in it works again.
    """
    now = shop.clock()
    with shop.connect() as conn:
        channels = [one for one in Channel if one is not Channel.ALERT or shop.settings.alert_to]
        found = [
            *silent(silences(conn, now), shop.carriers(), shop.settings.silent_after, now),
            *waiting(oldest_owed(conn, now), channels, now),
        ]
        incidents.begin(conn, found)
        for kind in (Kind.CARRIER_SILENT, Kind.NOTICE_WAITS):
            incidents.end_others(conn, kind, [one.subject for one in found if one.kind is kind], now)
        if now - since <= LATE_AFTER:
            incidents.end_others(conn, Kind.RUN_LATE, [], now)
        if whole:
            parts = [part for part, _ in incidents.troubled_parts(conn, run_id)]
            incidents.end_others(conn, Kind.RUN_FAILED, parts, now)
    tell(shop)


def run_is_late(context: Mapping[str, Any]) -> None:
    """
    Of a deadline that was missed. It is missed, too, by a run that has failed long before, which was told, and by runs
    of a backfill, which wait for each other.
    """
    run = context["dag_run"]
    if run["state"] in OVER or run.get("run_type") == "backfill":
        return
    shop = Workshop.unasked(run["dag_run_id"])
    found = [late(run["dag_run_id"], run["dag_id"], shop.clock())]
    try:
        shop.ask_the_warehouse()
        begin(shop, found)
    except (RastroError, psycopg.Error) as error:
        log.warning("The warehouse could not be asked: %s", error)
        tell_unremembered(shop, found)


def run_has_failed(context: Mapping[str, Any]) -> None:
    """
    Of a run that has failed, part by part.

    Without the warehouse nobody remembers what was told: then it is told each time.
    """
    run = context["dag_run"]
    shop = Workshop.unasked(run.run_id)
    try:
        shop.ask_the_warehouse()
        with shop.connect() as conn:
            troubles = incidents.troubled_parts(conn, run.run_id)
        begin(shop, list(failed(run.run_id, run.dag_id, troubles, shop.clock())))
    except (RastroError, psycopg.Error) as error:
        log.warning("The warehouse could not be asked: %s", error)
        tell_unremembered(shop, list(failed(run.run_id, run.dag_id, [("warehouse", str(error))], shop.clock())))


DEADLINE = DeadlineAlert(
    name="Done before the next hour's run",
    reference=DeadlineReference.DAGRUN_QUEUED_AT,
    interval=LATE_AFTER,
    callback=SyncCallback(run_is_late),
)
# `airflow dags test` breaks off at the end of a DAG with a deadline (Airflow's issue 73428), and is never late.
DEADLINES = [] if sys.argv[1:3] == ["dags", "test"] else [DEADLINE]


def begin(shop: Workshop, found: list[Incident]) -> None:
    with shop.connect() as conn:
        incidents.begin(conn, found)
    tell(shop)


def tell_unremembered(shop: Workshop, found: list[Incident]) -> None:
    for incident in found:
        for way in ways(shop).values():
            way(incident)


def tell(shop: Workshop) -> None:
    try:
        troubles = tell_what_is_untold(shop.connect, ways(shop))
    except RastroError as error:  # a way that makes no sense
        troubles = [str(error)]
    for trouble in troubles:
        log.error("The data team could not be told (setting alert_by): %s", trouble)


def ways(shop: Workshop) -> dict[str, Way]:
    """
    How the data team is told, by the name that stands in the setting.

    :raises Misconfigured: a connection is missing.
    """
    kinds = {"mail": by_mail, "slack": by_post, "webhook": by_post}
    return {one.key: partial(kinds[one.adapter], shop, one) for one in shop.settings.alert_by}


def by_mail(shop: Workshop, to: Endpoint, incident: Incident) -> None:
    sender = shop.sender()
    domain = sender.address.rpartition("@")[2]
    stamp = Stamp(
        notice=incident.kind.value, message_id=f"<rastro.{uuid4().hex}.{incident.kind}@{domain}>", date=shop.clock(),
        language=Language.ENGLISH,
    )  # fmt: skip
    written = Rendered(
        subject=f"Rastro: {incident.kind.replace('_', ' ')}: {incident.subject}",
        text=f"{incident.text}\n",
        html=f"<pre>{html.escape(incident.text)}</pre>\n",
    )
    with shop.postman() as postman:
        postman.send(enveloped(written, to=[to.connection], sender=sender, stamp=stamp))


def by_post(shop: Workshop, to: Endpoint, incident: Incident) -> None:
    """
    One POST. ``text`` is what Slack's incoming webhooks show; whoever else takes it finds the rest beside.
    """
    del shop
    body = {"text": incident.text}
    if to.adapter == "webhook":
        body |= {"kind": incident.kind, "subject": incident.subject, "began_at": incident.began_at.isoformat()}
    with line_to(to, connection(to.connection, purpose_of(to))) as http:
        http.send(Request(method="POST", path="", json=body, repeatable=True))


def line_to(to: Endpoint, held: Connection) -> Http:
    """
    The address is the connection's host and, since whoever knows it may post there, its end is the password.

    :raises Misconfigured: they make no URL.
    """
    account = account_of(held, "")
    address = "/".join(filter(None, (account.base_url.rstrip("/"), account.password.lstrip("/"))))
    try:
        return Http(address, name=to.key, limits=PATIENCE, secrets=account.secrets)
    except Misconfigured:  # which shows the address
        raise Misconfigured(f"{to.key}: the connection's host and password make no URL") from None


def purpose_of(to: Endpoint) -> str:
    return f"alerts by {to.adapter}"
