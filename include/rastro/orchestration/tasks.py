"""
The bodies of the DAG's tasks: open the workshop, call one use case, record what it did.

Each returns ids and counts only, and says in one line of its log what happened. An error says in one line what to do.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import psycopg
from airflow.sdk.definitions.context import Context
from psycopg import Connection

from rastro.carriers.base import Carrier, Feed
from rastro.errors import Misconfigured, Permanent, RastroError, Transient
from rastro.metrics import samples
from rastro.models import EVERYTHING, Channel
from rastro.orchestration import incidents
from rastro.orchestration.form import Form, form_of
from rastro.orchestration.pools import shared
from rastro.orchestration.stages import SUMMARY, finished, in_a_line, stage
from rastro.orchestration.telemetry import emit, metrics_are_on
from rastro.orchestration.windows import chosen_window, window_of
from rastro.orchestration.workshop import Workshop
from rastro.pipeline import (
    check,
    learn_habits,
    load,
    mail_customers,
    plan,
    put_aside,
    receive,
    reprocess,
    sync,
    tell,
    track,
)
from rastro.pipeline import (
    erase_contents as old_contents,
)
from rastro.pipeline.alert_shop import Alerter
from rastro.pipeline.measure import measure
from rastro.pipeline.rehearse import Rehearsal
from rastro.receivers import Receiver
from rastro.sending import held_back
from rastro.warehouse import contracts, outbox, records, tally
from rastro.warehouse.again import Filter
from rastro.warehouse.polls import Slice, within
from rastro.warehouse.shipments import known_sources

log = logging.getLogger(__name__)
REHEARSAL = "rehearsal"  # stands among the channels when nothing is to be sent
HELD = "held"  # the XCom key of what a person is asked about, for each channel with more owed than its limit


def sync_orders(run_id: str, context: Mapping[str, Any]) -> dict[str, object]:
    """Every source, one after the other; one that fails does not keep the others from being read."""
    shop = Workshop.open(run_id)
    form = form_of(context)
    accounts = [endpoint.key for endpoint in shop.settings.sources]
    if form.selection.account and form.selection.account not in accounts:
        raise Misconfigured(f"There is no account {form.selection.account}; the sources are {', '.join(accounts)}")
    if form.selection.carrier and form.selection.carrier not in shop.known_carriers:
        known = ", ".join(sorted(shop.known_carriers))
        raise Misconfigured(f"There is no carrier {form.selection.carrier}; the carriers are {known}")
    if form.reprocess:
        return {}
    if form.retry_quarantine:
        wanted = Filter(origin=form.selection.carrier or form.selection.account)
        with stage(shop, "retry_quarantine") as running, shop.connect() as conn:
            retried = put_aside.retry(conn, shop.known_carriers, now=shop.clock(), run_id=run_id, wanted=wanted)
            running.figures = asdict(retried)
    totals: dict[str, object] = {}
    failures: list[RastroError] = []
    keep_contracts(shop)
    if offered := sync.offer_declined(shop.connect, shop.known_carriers, shop.settings, shop.clock()):
        log.info("offered to another carrier: %s", ", ".join(f"{code} {count}" for code, count in offered.items()))
    for endpoint in shop.settings.sources:
        if form.selection.account not in {"", endpoint.key}:
            continue
        try:
            with stage(shop, "sync_orders", endpoint.key) as running:
                look = sync.Sync(
                    account=endpoint.key, source=shop.source(endpoint.key), carriers=shop.known_carriers,
                    settings=shop.settings, now=shop.clock(), run_id=run_id, hash_key=shop.hash_key,
                    selection=form.selection,
                )  # fmt: skip
                running.figures = asdict(sync.sync(shop.connect, look))
            totals[endpoint.key] = running.figures
        except RastroError as error:
            failures.append(error)
    if failures:
        raise together(failures)
    return totals


def keep_contracts(shop: Workshop) -> None:
    """The warehouse is told what the settings say now, before anything is followed or planned by it."""
    with shop.connect() as conn:
        moved = contracts.keep(conn, shop.settings.further_contracts, shop.clock())
        conn.commit()
    if moved:
        log.info("asked about through another contract from now on: %d", moved)


def plan_polls(run_id: str, context: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """
    Slices by pool for the run's window, as plain values for XCom; only pools that have something due.

    A run that reprocesses asks nobody: it stages what was kept, read anew.
    """
    shop = Workshop.open(run_id)
    form = form_of(context)
    if form.reprocess:
        if not form.dry_run:
            with stage(shop, "reprocess") as running, shop.connect() as conn:
                running.figures = asdict(reprocessed(shop, context, conn, conn.commit))
        return {}
    with stage(shop, "plan_polls") as running, shop.connect() as conn:
        carriers = {name: one for name, one in shop.contracts().items() if not shop.feeds(one, name)}
        records.forget_slices(conn, run_id)
        sizes = {name: carrier.batch_size for name, carrier in carriers.items()}
        planned = plan.plan(
            conn, carriers, window_of(context), shop.settings, sizes, now=shop.clock(), selection=form.selection
        )
        for name, parts in planned.slices.items():
            running.figures[name] = sum(part.size for part in parts)
        running.figures["slices"] = sum(map(len, planned.slices.values()))
        if planned.put_off:
            running.figures["put_off"] = planned.put_off
    pools: dict[str, dict[str, list[Slice]]] = {}
    for name, parts in planned.slices.items():
        if parts:
            pools.setdefault(carriers[name].pool, {})[name] = parts
    return {pool: [asdict(part) for part in shared(parts)] for pool, parts in pools.items()}


def receive_news(run_id: str, context: Mapping[str, Any]) -> dict[str, object]:
    """
    Fetch the feeds of carriers that hand out what is new, and read all that has come by itself, for the load.

    A feed that fails keeps nothing else from being read. A dry run leaves everything where it is.
    """
    shop = Workshop.open(run_id)
    form = form_of(context)
    if form.dry_run or form.reprocess:
        return {}
    failures: list[RastroError] = []
    for name, carrier in shop.contracts().items():
        if carrier.feed and shop.feeds(carrier, name):
            try:
                with stage(shop, "fetch_feed", name) as running:
                    contract = within(name)["contract"]
                    running.figures = {"fetched": fetched(shop, carrier, carrier.feed, contract)}
            except RastroError as error:
                failures.append(error)
    with stage(shop, "receive_news") as running, shop.connect() as conn:
        running.figures = asdict(
            receive.read(conn, shop.known_carriers, now=shop.clock(), run_id=run_id, hash_key=shop.hash_key)
        )
    if failures:
        raise together(failures)
    return running.figures


def fetched(shop: Workshop, carrier: Carrier, feed: Feed, contract: str = "") -> int:
    keeper = shop.keeper(carrier, contract)
    host = feed.host(keeper.account)
    with shop.line_to(carrier, keeper.account, host, contract) as http, shop.connect() as conn:
        return int(receive.fetch(conn, carrier, feed, http, keeper, shop.settings, shop.clock(), contract))


def track_slice(run_id: str, context: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, int]:
    """Ask one carrier about one slice, through the slice's contract, for the run's window."""
    shop = Workshop.open(run_id)
    piece = Slice(**part)
    carrier = shop.known_carriers[piece.carrier]
    with stage(shop, "track", piece.part) as running:
        keeper = shop.keeper(carrier, piece.contract)
        with shop.line_to(carrier, keeper.account, contract=piece.contract) as http:
            tracker = track.Tracker(
                carrier=carrier, contract=keeper.holder, http=http, keeper=keeper, connect=shop.connect,
                settings=shop.settings, window=window_of(context), run_id=run_id, clock=shop.clock,
                selection=form_of(context).selection, habits=shop.habits_of(carrier.code),
                purse=shop.purse_of(piece.contract or piece.carrier),
            )  # fmt: skip
            return finished(running, tracker.track(piece))


def load_changes(run_id: str, context: Mapping[str, Any]) -> dict[str, object]:
    """Everything staged, by this run or an earlier one, becomes facts and owed notices; a dry run leaves it staged."""
    shop = Workshop.open(run_id)
    if form_of(context).dry_run:
        return {}
    with stage(shop, "load_changes") as running, shop.connect() as conn:
        figures = load.load(conn, shop.settings, now=shop.clock(), run_id=run_id)
        running.figures = asdict(figures)
    return running.figures


def open_targets(run_id: str, context: Mapping[str, Any]) -> dict[str, list[Any]]:
    """
    Whom something is owed to now, by channel; a channel with more owed than its limit is held back until it is
    released, and stands under :data:`HELD` with the sentence for it. A dry run rehearses instead.
    """
    shop = Workshop.open(run_id)
    form = form_of(context)
    if form.dry_run:
        return {REHEARSAL: [""]}
    with stage(shop, "choose_deliveries") as running, shop.connect() as conn:
        accounts = known_sources(conn)
        go_lives = {account: at for account in accounts if (at := shop.settings.cut_off(account))}
        outbox.owe_reminders(conn, shop.settings.pickup_reminder_days, shop.clock(), run_id)
        overtaken = outbox.settle_overtaken(conn, go_lives, shop.clock())
        rerouted = outbox.settle_rerouted(conn, shop.clock())
        owed, held = owed_now(shop, form, conn)
        running.figures = {channel.value: sum(targets.values()) for channel, targets in owed.items()}
        running.figures["overtaken"], running.figures["rerouted"] = overtaken, rerouted
        running.trouble = "; ".join(held.values())
        plan: dict[str, list[Any]] = {
            channel.value: sorted(targets) for channel, targets in owed.items() if channel not in held
        }
        if held:
            plan[HELD] = [{"channel": channel.value, "why": why} for channel, why in held.items()]
        return plan


def owed_now(
    shop: Workshop, form: Form, conn: Connection[Any]
) -> tuple[dict[Channel, dict[str, int]], dict[Channel, str]]:
    """What is owed to whom, and the channels that are held back, each with the sentence for it."""
    owed = outbox.open_targets(conn, shop.clock(), form.selection)
    if not shop.settings.alert_to:
        owed.pop(Channel.ALERT, None)  # they are listed, and wait
    counts = {channel: sum(targets.values()) for channel, targets in owed.items()}
    return owed, held_back(counts, shop.settings.most_notices, form.release)


def not_held_back(shop: Workshop, form: Form, channel: Channel) -> None:
    """
    Asked by every task that sends, since one that is run again finds more than its run had chosen.

    :raises Permanent: the channel is held back.
    """
    with shop.connect() as conn:
        _, held = owed_now(shop, form, conn)
    if channel in held:
        raise Permanent(held[channel])


def reprocessed(
    shop: Workshop, context: Mapping[str, Any], conn: Connection[Any], commit: Callable[[], object]
) -> reprocess.Figures:
    return reprocess.reprocess(
        conn, shop.known_carriers, form_of(context).selection, chosen_window(context), now=shop.clock(),
        run_id=shop.run_id, commit=commit,
    )  # fmt: skip


def rehearse(run_id: str, context: Mapping[str, Any]) -> dict[str, object]:
    """Work out what would be told to whom, and keep it to be looked at."""
    shop = Workshop.open(run_id)

    def before_load(conn: Connection[Any]) -> None:
        if form_of(context).reprocess:
            with stage(shop, "reprocess") as reading:
                reading.figures = asdict(reprocessed(shop, context, conn, lambda: None))

    with stage(shop, "rehearse") as running:
        rehearsal = Rehearsal(
            source_of=shop.source, marketplace_of=shop.marketplace, carrier_names=shop.carrier_names, pages=shop.pages,
            connect=shop.connect, settings=shop.settings, selection=form_of(context).selection,
            address_key=shop.hash_key, run_id=run_id, clock=shop.clock,
        )  # fmt: skip
        running.figures = rehearsal.rehearse(before_load)
    return running.figures


def update_orders(run_id: str, context: Mapping[str, Any], account: str) -> dict[str, int]:
    """Write what is owed to one account on its orders."""
    shop = Workshop.open(run_id)
    with stage(shop, "update_orders", account) as running:
        not_held_back(shop, form_of(context), Channel.ORDER)
        receiver = shop.source(account).receiver
        if receiver is None:
            raise Permanent(f"{account} is owed updates, and nothing can be written back to it; drop them")
        return finished(running, teller(shop, context, Channel.ORDER, account, receiver).tell())


def confirm_marketplaces(run_id: str, context: Mapping[str, Any], marketplace: str) -> dict[str, int]:
    """Confirm deliveries to one marketplace."""
    shop = Workshop.open(run_id)
    with stage(shop, "confirm_marketplaces", marketplace) as running:
        not_held_back(shop, form_of(context), Channel.MARKETPLACE)
        receiver = shop.marketplace(marketplace)
        return finished(running, teller(shop, context, Channel.MARKETPLACE, marketplace, receiver).tell())


def email_customers(run_id: str, context: Mapping[str, Any]) -> dict[str, int]:
    """Mail the customers of every source that leaves mailing to us."""
    shop = Workshop.open(run_id)
    with stage(shop, "email_customers") as running:
        not_held_back(shop, form_of(context), Channel.EMAIL)
        mailer = mail_customers.Mailer(
            source_of=shop.source,
            carrier_names=shop.carrier_names,
            pages=shop.pages,
            postman=shop.postman(),
            sender=shop.sender(),
            address_key=shop.hash_key,
            connect=shop.connect,
            settings=shop.settings,
            run_id=run_id,
            clock=shop.clock,
            selection=form_of(context).selection,
        )
        return finished(running, mailer.mail())


def alert_shop(run_id: str, context: Mapping[str, Any]) -> dict[str, int]:
    """Mail the shop's own people what only they can act on."""
    shop = Workshop.open(run_id)
    with stage(shop, "alert_shop") as running:
        not_held_back(shop, form_of(context), Channel.ALERT)
        alerter = Alerter(
            postman=shop.postman(), sender=shop.sender(), pages=shop.pages, address_key=shop.hash_key,
            connect=shop.connect, settings=shop.settings, run_id=run_id, clock=shop.clock,
            selection=form_of(context).selection,
        )  # fmt: skip
        return finished(running, alerter.alert())


def label_of(part: str | Mapping[str, Any]) -> str:
    """How Airflow's UI names a mapped task: by its target, or by the ids and size of its slice."""
    if isinstance(part, str):
        return part
    return f"{part['contract']} {part['first']}–{part['last']}: {part['size']}".strip()


def failed_tasks(context: Context) -> set[str]:
    """Ids of the run's tasks that have failed by now."""
    dag_id, run_id = context["dag"].dag_id, context["run_id"]
    states = context["ti"].get_task_states(dag_id=dag_id, run_ids=[run_id]).get(run_id, {})
    return {task_id for task_id, state in states.items() if state in {"failed", "upstream_failed"}}


def check_run(
    run_id: str, context: Mapping[str, Any], since: datetime, failed_tasks: Collection[str]
) -> dict[str, object]:
    """
    Sum up the run, count the figures of the operators' pages, and learn when carriers have news.

    :raises Permanent: something in it failed; the message lists what, and what to do.
    """
    shop = Workshop.open(run_id)
    with stage(shop, "check_run") as running, shop.connect() as conn:
        report = check.check(
            conn, run_id=run_id, since=since, carriers=shop.carriers(), failed_tasks=failed_tasks,
            selection=form_of(context).selection,
        )  # fmt: skip
        now = shop.clock()
        tally.count(conn, now)
        learn_habits.once_a_day(conn, now)
        report.findings += shop.misspelt()
        running.trouble = "; ".join(report.findings)
        if metrics_are_on():
            found = measure(
                conn, run_id=run_id, began=since, now=now, problems=len(report.problems),
                budgets_of_day=shop.settings.budgets,
            )  # fmt: skip
            emit(samples(found, shop.carriers()))
    for name, figures in report.figures.items():
        log.info("%s: %s", name, in_a_line(figures))
    if ti := context.get("ti"):
        ti.xcom_push(key=SUMMARY, value=report.in_words())
    for remark in report.remarks:
        log.warning("To look at: %s", remark)
    try:
        incidents.at_the_end_of(shop, run_id, since, whole=form_of(context).selection == EVERYTHING)
    except (RastroError, psycopg.Error) as error:  # what the run itself has to say is said all the same
        log.error("The data team could not be told: %s", error)  # noqa: TRY400
    if report.problems:
        for problem in report.problems:
            log.error("%s", problem)
        raise Permanent("This run did all it could, and this went wrong: " + "; ".join(report.problems))
    return dict(report.figures)


def erase_contents(run_id: str, context: Mapping[str, Any]) -> dict[str, int]:
    """Erase all contents that have been kept long enough; how many of each kind."""
    shop = Workshop.open(run_id)
    with stage(shop, "erase_contents") as running, shop.connect() as conn:
        erased = old_contents.erase_contents(conn, shop.settings, shop.clock())
        running.figures = dict(erased)
    if ti := context.get("ti"):
        ti.xcom_push(key=SUMMARY, value=old_contents.in_words(erased))
    return erased


def teller(
    shop: Workshop, context: Mapping[str, Any], channel: Channel, target: str, receiver: Receiver
) -> tell.Teller:
    return tell.Teller(
        channel=channel, target=target, receiver=receiver, connect=shop.connect, settings=shop.settings,
        pages=shop.pages, run_id=shop.run_id, clock=shop.clock, selection=form_of(context).selection,
    )  # fmt: skip


def together(failures: list[RastroError]) -> RastroError:
    """One error for several: worth a retry as soon as one of them is."""
    message = "; ".join(map(str, failures))
    worth_retrying = any(isinstance(failure, Transient) for failure in failures)
    return Transient(message) if worth_retrying else Permanent(message)
