"""
What must be true once all is quiet, whatever went wrong before.

Judged from outside: what the simulated world revealed, was asked, was told and was sent. The warehouse is asked only
for what must be in it, and for the reason why a mail did not go out.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import dict_row

from chaos.schedule import Schedule
from rastro.sending import ACCEPTED_IN_VAIN
from stack import audit

BRASILIA = ZoneInfo("America/Sao_Paulo")
HARMLESS_SKEW = timedelta(minutes=2)  # clocks may be a minute off in either direction
AROUND_A_RUN = timedelta(minutes=50)
FRESH_AT_FIRST_SIGHT = timedelta(hours=48)
# How long news is news; out for delivery ends with its own day.
NEWS = {
    "in_transit": timedelta(days=3),
    "delivery_failed": timedelta(days=7),
    "ready_for_pickup": timedelta(days=7),
    "delivered": timedelta(days=7),
    "on_hold": timedelta(days=7),
    "returning": timedelta(days=7),
}
ALERT_TO = "operacao@loja.example"
MAILING = ("email_customers", "alert_shop", "smtp")
REPEATED = ("out_for_delivery", "delivery_failed")  # news again on another day
UNDERSTOOD_BY_NOBODY = "XQT"
TAKEN_BACK = ("undone", "voided_vanishes", "voided_stays")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault that really happened: of which family, to which task (empty: any of the run), when."""

    family: str
    task: str
    at: datetime

    @property
    def leaves_doubt(self) -> bool:
        """Whether somebody may have been told without our knowing."""
        return self.family.startswith(("kill", "cut")) or "drop" in self.family or "hang" in self.family


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that the oracle looks at; requests and mails are those of this schedule alone."""

    parcels: Sequence[Mapping[str, Any]]
    orders: Sequence[Mapping[str, Any]]
    market: Sequence[Mapping[str, Any]]
    hooks: Sequence[Mapping[str, Any]]
    requests: Sequence[Mapping[str, Any]]
    mails: Sequence[Mapping[str, Any]]
    warehouse: str
    schedule: Schedule
    faults: Sequence[Fault]

    @cached_property
    def lives(self) -> list["Life"]:
        """The parcels that are to be followed."""
        told = answers(self.requests)
        return [
            Life(told=parcel, answers=told[parcel["tracking_number"]]) for parcel in self.parcels if parcel["follow"]
        ]

    @cached_property
    def known(self) -> list["Life"]:
        """Those of which it can be said where everybody must think they are."""
        return [life for life in self.lives if not self.misled(life)]

    @cached_property
    def owners(self) -> dict[str, str]:
        """The customer's address of each order whose customer we mail."""
        found = {one["order_id"]: one["email"] for one in self.parcels if one["email"]}
        if self.schedule.mailer == "own":
            orders = [order for order in self.orders if order["origin"] != "Fulfillment"]
            found |= {order["order_id"]: order["customer"]["email"] for order in orders}
        return found

    def doubt(self, *tasks: str) -> bool:
        """Whether something happened to one of these tasks that leaves it unknown who was told."""
        return any(fault.leaves_doubt and fault.task in {"", *tasks} for fault in self.faults)

    @property
    def shortened(self) -> bool:
        """Whether Correios left out its newest events for a while, so that it showed what was never so."""
        return any("shortened" in fault.family for fault in self.faults)

    def misled(self, life: "Life") -> bool:
        """Whether the last that Correios ever said of a parcel was such an answer."""
        return self.shortened and bool(life.answers) and self.disturbed(life.answers[-1].at)

    def disturbed(self, at: datetime) -> bool:
        return any(abs(fault.at - at) < AROUND_A_RUN for fault in self.faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What Correios said of one parcel: its lines as they stood at that time."""

    at: datetime
    lines: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Life:
    """A followed parcel: what is true of it, and what was said of it when."""

    told: Mapping[str, Any]
    answers: Sequence[Answer]

    @property
    def number(self) -> str:
        return str(self.told["tracking_number"])

    @property
    def package(self) -> tuple[str, str]:
        return self.told["order_id"], self.told["invoice_number"]

    @property
    def is_vtex(self) -> bool:
        return bool(self.told["source"].startswith("vtex"))

    @cached_property
    def revealed_at(self) -> list[datetime]:
        return [datetime.fromisoformat(at) for at in self.told["revealed_at"]]

    def position(self, at: datetime) -> int:
        """How many steps had been revealed; -1 before the first."""
        return sum(revealed <= at for revealed in self.revealed_at) - 1

    @cached_property
    def last(self) -> int:
        """The position at the last answer."""
        return self.position(self.answers[-1].at) if self.answers else -1

    @property
    def status(self) -> str:
        """Where the parcel is by all that anybody was told."""
        lines = self.answers[-1].lines if self.answers else ()
        return self.told["statuses"][self.last] if lines else "unknown"

    def was_delivered(self, at: datetime) -> bool:
        """Whether the carrier had called it delivered by then."""
        return "delivered" in self.told["statuses"][: self.position(at) + 1]

    @cached_property
    def entered(self) -> int:
        """The step with which the parcel came into its present status."""
        at = self.last
        while at > 0 and self.told["statuses"][at - 1] == self.told["statuses"][at]:
            at -= 1
        return at

    @cached_property
    def standing(self) -> list[Mapping[str, Any]]:
        """The lines that count, by the last answer: neither voided nor a correction."""
        out: list[Mapping[str, Any]] = []
        for line in oldest_first(self.answers[-1].lines if self.answers else ()):
            if line["codigo"] != "EST":
                out.append(line)
            elif out and out[-1]["codigo"].startswith("BD"):
                out.pop()
        return out


def answers(requests: Iterable[Mapping[str, Any]]) -> Mapping[str, list[Answer]]:
    """By number, every answer of Correios that can be read."""
    found: dict[str, list[Answer]] = defaultdict(list)
    for one in requests:
        if not one["path"].startswith("/correios/srorastro") or one["status"] != 200:
            continue
        try:
            objects = json.loads(one["answer"])["objetos"]
        except (ValueError, KeyError, TypeError):
            continue
        for each in objects:
            lines = each.get("eventos", [])
            if isinstance(lines, list):
                found[each["codObjeto"]].append(Answer(at=datetime.fromisoformat(one["time"]), lines=lines))
    return found


def oldest_first(lines: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(lines, key=lambda line: str(line["dtHrCriado"]))


def violations(evidence: Evidence) -> list[str]:
    """What is not as it must be, each in a sentence."""
    with psycopg.connect(evidence.warehouse, row_factory=dict_row) as conn:
        notices = conn.execute(
            "SELECT n.*, s.order_id, s.invoice_number, s.tracking_number FROM rastro.notice n JOIN rastro.shipment s"
            " USING (shipment_id)"
        ).fetchall()
        return [
            *followed(evidence, conn),
            *events(evidence, conn),
            *states(evidence, conn),
            *settled(evidence, notices),
            *orders(evidence),
            *marketplaces(evidence, notices),
            *webhooks(evidence),
            *false_deliveries(evidence),
            *mails(evidence, notices),
            *owed_mails(evidence, notices),
        ]


def followed(evidence: Evidence, conn: psycopg.Connection[Any]) -> Iterator[str]:
    seen = audit.Evidence(
        parcels=evidence.parcels, orders=evidence.orders, requests=evidence.requests, mails=evidence.mails,
        warehouse=evidence.warehouse, since=evidence.schedule.start,
    )  # fmt: skip
    yield from (f"{one.name}: {one.note}" for one in audit.shipments(seen, conn) if not one.holds)
    writes = [
        (match, one)
        for one in evidence.requests
        if one["method"] == "PUT" and (match := audit.WRITE.match(one["path"]))
    ]
    exempt = {life.package for life in evidence.lives if keeps_finished(evidence, life)}
    for package in audit.repeats(writes):
        if package not in exempt:
            yield f"the order {package} was written with what it held already"


def lied_to(evidence: Evidence, order_id: str) -> bool:
    """
    Whether two writes about an order were answered as if they had been taken, and were not: a person is asked then,
    since whoever accepts and shows nothing may have taken it all the same.
    """
    lies = Counter(
        one["path"]
        for one in evidence.requests
        if one["method"] in {"PUT", "POST"} and one["status"] == 200 and not one["acted"]
    )
    return any(times >= ACCEPTED_IN_VAIN and f"/{order_id}/" in path for path, times in lies.items())


def keeps_finished(evidence: Evidence, life: Life) -> bool:
    """Whether the order system does not take a delivery back, though this parcel's was."""
    taken_back = life.told["kind"] in TAKEN_BACK or evidence.shortened
    return taken_back and not evidence.schedule.world["finished_follows"]


def events(evidence: Evidence, conn: psycopg.Connection[Any]) -> Iterator[str]:
    rows = conn.execute(
        "SELECT s.tracking_number AS number, e.code, e.occurred_at, e.standing"
        " FROM rastro.tracking_event e JOIN rastro.shipment s USING (shipment_id)"
    ).fetchall()
    held: dict[str, list[tuple[str, str]]] = defaultdict(list)
    standing: dict[tuple[str, str, str], str] = {}
    for row in rows:
        key = (row["code"], row["occurred_at"].astimezone(BRASILIA).strftime("%Y-%m-%dT%H:%M:%S"))
        held[row["number"]].append(key)
        standing[row["number"], *key] = row["standing"]
    for life in evidence.lives:
        here = held[life.number]
        ever = {identity(line) for line in life.told["revealed"]}
        if len(here) != len(set(here)):
            yield f"{life.number}: an event is recorded twice: {here}"
        if strange := set(here) - ever:
            yield f"{life.number}: events that nobody revealed: {sorted(strange)}"
        if not life.answers:
            yield f"{life.number}: was never asked about"
            continue
        present = {identity(line) for line in life.answers[-1].lines}
        if missing := present - set(here):
            yield f"{life.number}: events revealed and not recorded: {sorted(missing)}"
        for answer in life.answers:
            gone = {identity(line) for line in answer.lines} - present
            if not evidence.disturbed(answer.at) and (lost := gone - set(here)):
                yield f"{life.number}: events withdrawn later were not recorded: {sorted(lost)}"
            if wrong := [key for key in gone & set(here) if standing[life.number, *key] != "withdrawn"]:
                yield f"{life.number}: withdrawn, and not marked so: {wrong}"


def identity(line: Mapping[str, Any]) -> tuple[str, str]:
    """Code and time of a line, as the carrier wrote it or as the simulator tells the truth of it."""
    return f"{line['codigo']} {line['tipo']}", str(line.get("dtHrCriado") or line["time"])


def states(evidence: Evidence, conn: psycopg.Connection[Any]) -> Iterator[str]:
    rows = conn.execute("SELECT tracking_number, status FROM rastro.v_shipment").fetchall()
    held = {row["tracking_number"]: row["status"] for row in rows}
    for life in evidence.known:
        if held.get(life.number) != life.status:
            yield f"{life.number}: is {held.get(life.number)}, and Correios said {life.status}"


def settled(evidence: Evidence, notices: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Nothing was given up, and what waits for a person does so for a reason."""
    exempt = {life.package for life in evidence.lives if keeps_finished(evidence, life)}
    lies = {
        life.package
        for life in evidence.lives
        if lied_to(evidence, life.told["order_id"]) or lied_to(evidence, life.told["marketplace_order_id"])
    }
    for one in notices:
        about = f"{one['channel']} {one['kind']} of {one['order_id']}"
        if one["state"] == "dead" and (one["order_id"], one["invoice_number"]) not in exempt | lies:
            yield f"{about} was given up: {one['reason']}"
        if one["state"] == "unknown" and not evidence.doubt(*TASKS_OF[one["channel"]]):
            yield f"{about} is of unknown fate though nothing happened to it: {one['reason']}"


TASKS_OF = {
    "order": ("update_orders", "vtex"),
    "email": ("email_customers", "smtp"),
    "marketplace": ("confirm", "market", "webhook"),
    "alert": ("alert_shop", "smtp"),
}


def orders(evidence: Evidence) -> Iterator[str]:
    """Each package's order holds the whole history, and is finished if and only if all of it is delivered."""
    packages: dict[tuple[str, str], list[Life]] = defaultdict(list)
    for life in evidence.known:
        if life.is_vtex:
            packages[life.package].append(life)
    held = {(order["order_id"], one["invoice_number"]): one for order in evidence.orders for one in order["packages"]}
    for key, lives in packages.items():
        package = held[key]
        if any(keeps_finished(evidence, life) for life in lives) or lied_to(evidence, key[0]):
            continue
        delivered = all(life.status == "delivered" for life in lives)
        if package["finished"] != delivered:
            parcels = [life.status for life in lives]
            yield f"the order {key} is {'' if package['finished'] else 'not '}finished, its parcels are {parcels}"
        wanted = {
            (line["dtHrCriado"][:10], plain((f"{life.number}: " if len(lives) > 1 else "") + line["descricao"]))
            for life in lives
            for line in life.standing
            if line["codigo"] != UNDERSTOOD_BY_NOBODY
        }
        there = {(event["lastChange"][:10], plain(event["description"])) for event in package["events"]}
        if missing := wanted - there:
            yield f"the order {key} lacks of its history: {sorted(missing)}"


def plain(text: str) -> str:
    """Wording without what carriers change about it."""
    return " ".join(text.casefold().split())


def marketplaces(evidence: Evidence, notices: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    waiting = {one["order_id"] for one in notices if one["channel"] == "marketplace" and one["state"] == "unknown"}
    confirmed = {one["order_id"]: sum(package["deliveries"] for package in one["packages"]) for one in evidence.market}
    hooked = Counter(one["body"]["data"]["marketplace_order_id"] for one in evidence.hooks)
    for life in evidence.known:
        if life.told["route"] != "direct":
            continue
        theirs = life.told["marketplace_order_id"]
        times = confirmed.get(theirs, 0) + hooked[theirs]
        least = int(
            life.status == "delivered" and life.told["order_id"] not in waiting and not lied_to(evidence, theirs)
        )
        if not least <= times <= 1:
            yield f"{life.number}: {life.status}, confirmed to the marketplace {times} times"


def webhooks(evidence: Evidence) -> Iterator[str]:
    for one in evidence.hooks:
        if one["times"] > 1 and not evidence.doubt("confirm", "webhook"):
            yield f"webhook {one['id']} came {one['times']} times without any doubt"


def false_deliveries(evidence: Evidence) -> Iterator[str]:
    """Nobody is told "delivered" about what the carrier had not called so by then."""
    by_package: dict[tuple[str, str], list[Life]] = defaultdict(list)
    by_market: dict[str, list[Life]] = defaultdict(list)
    for life in evidence.lives:
        by_package[life.package].append(life)
        by_market[life.told["marketplace_order_id"]].append(life)
    for one in evidence.requests:
        at = datetime.fromisoformat(one["time"])
        if one["method"] == "PUT" and (match := audit.WRITE.match(one["path"])):
            lives = by_package[match[2], match[3]]
            says = json.loads(one["body"])["isDelivered"]
        elif one["method"] == "POST" and (match := audit.CONFIRM.match(one["path"])):
            lives, says = by_market[match[2]], json.loads(one["body"])["isDelivered"]
        elif one["method"] == "POST" and audit.HOOK.match(one["path"]):
            lives, says = by_market[json.loads(one["body"])["data"]["marketplace_order_id"]], True
        else:
            continue
        if says and not (lives and all(life.was_delivered(at) for life in lives)):
            yield f"{one['method']} {one['path']} said delivered too early"


def mails(evidence: Evidence, notices: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each mail at most once, to the right person, about something that is so."""
    by_id: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for one in notices:
        if one["message_id"] and one["channel"] in {"email", "alert"}:
            by_id[one["message_id"]].append(one)
    for mail in evidence.mails:
        about = by_id.get(mail["message_id"], [])
        yield from mail_to_shop(mail, about) if is_alert(about) else mail_to_customer(evidence, mail, about)
    copies = Counter(mail["message_id"] for mail in evidence.mails)
    yield from repeats(evidence, copies, by_id)
    for message_id in [one for one in by_id if one not in copies]:
        for one in by_id[message_id]:
            if one["state"] == "sent":
                yield f"{one['kind']} of {one['order_id']} counts as sent, and no such mail came"


def repeats(
    evidence: Evidence, copies: Mapping[str, int], by_id: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Iterator[str]:
    """The same mail twice, or two mails that say the same."""
    again = evidence.schedule.options["resend_doubtful_mail"] == "true"
    for message_id, times in copies.items():
        if times > 1 + (again and evidence.doubt(*MAILING)):
            yield f"{message_id} arrived {times} times"
    told = [
        news
        for message_id in copies
        for news in {(one["order_id"], one["kind"]) for one in by_id.get(message_id, ()) if one["channel"] == "email"}
    ]
    for (order_id, kind), times in Counter(told).items():
        lives = [life for life in evidence.lives if life.told["order_id"] == order_id]
        if times > sum(most_mails(evidence, life, kind) for life in lives):
            yield f"{order_id}: {times} different mails say {kind}"


def most_mails(evidence: Evidence, life: Life, kind: str) -> int:
    """How many mails of a kind one parcel can be worth."""
    return life.told["statuses"].count(kind) + evidence.shortened if kind in REPEATED else 1


def is_alert(about: Sequence[Mapping[str, Any]]) -> bool:
    return bool(about) and about[0]["channel"] == "alert"


def mail_to_shop(mail: Mapping[str, Any], about: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if mail["rcpt_tos"] != [ALERT_TO]:
        yield f"{mail['message_id']} went to somebody else than the shop"
    if not all(one["order_id"] in mail["subject"] for one in about):
        yield f"{mail['message_id']} is not about {about[0]['order_id']}: {mail['subject']}"


def mail_to_customer(evidence: Evidence, mail: Mapping[str, Any], about: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not about:
        yield f"{mail['message_id']} is nobody's notice"
        return
    order_id, kind, at = about[0]["order_id"], about[0]["kind"], datetime.fromisoformat(mail["time"])
    if mail["rcpt_tos"] != [evidence.owners.get(order_id)]:
        yield f"{mail['message_id']} went to somebody else than the customer of {order_id}"
    if order_id not in mail["subject"]:
        yield f"{mail['message_id']} is not about {order_id}: {mail['subject']}"
    lives = [life for life in evidence.lives if life.told["order_id"] == order_id]
    if not evidence.shortened and not any(kind in life.told["statuses"][: life.position(at) + 1] for life in lives):
        yield f"{mail['message_id']}: {order_id} was not {kind} by then"
    untrue = {one["state"] for one in about} - {"sent", "unknown"}
    if untrue and not evidence.doubt(*MAILING):  # what was in doubt may be overtaken before its repeat
        yield f"{mail['message_id']} arrived, and its notice is {about[0]['state']}: {about[0]['reason']}"


def owed_mails(evidence: Evidence, notices: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The newest status that is worth a mail was mailed, or there is a good reason why not."""
    arrived = {mail["message_id"] for mail in evidence.mails}
    for life in evidence.known:
        if life.told["order_id"] not in evidence.owners or life.last < 0:
            continue
        kind = life.told["tells"][life.entered]
        if kind is None or not life.answers[-1].lines:
            continue
        mine = [
            one
            for one in notices
            if one["channel"] == "email" and one["tracking_number"] == life.number and one["kind"] == kind
        ]
        if not mine:
            yield f"{life.number}: nobody owes the mail about {kind}"
        elif not any(one["message_id"] in arrived or excused(evidence, life, one) for one in mine):
            said = [(one["state"], one["reason"]) for one in mine]
            yield f"{life.number}: the mail about {kind} has not arrived: {said}"


def excused(evidence: Evidence, life: Life, notice: Mapping[str, Any]) -> bool:
    if notice["state"] == "unknown":
        return evidence.doubt(*TASKS_OF["email"])
    if notice["state"] != "dropped":
        return False
    before = [answer for answer in life.answers if answer.lines and not life.was_delivered(answer.at)]
    if notice["kind"] == "delivered" and all(evidence.disturbed(answer.at) for answer in before):
        return True  # for all that ever reached us, it was delivered when first seen
    first = next(answer for answer in life.answers if answer.lines)
    if first.at - notice["event_at"] > FRESH_AT_FIRST_SIGHT - HARMLESS_SKEW:
        return True
    return bool(notice["settled_at"] + HARMLESS_SKEW >= end_of_news(notice["kind"], notice["event_at"]))


def end_of_news(kind: str, at: datetime) -> datetime:
    if kind == "out_for_delivery":
        return at.astimezone(BRASILIA).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC) + timedelta(
            days=1
        )
    return at + NEWS[kind]
