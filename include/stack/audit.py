"""
What happened in the demo, checked from outside: what the simulator received against what ought to have arrived.

The simulator's truth is written by hand beside each journey; the requests and mails are those that really came in; the
warehouse is only asked whether it agrees.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email import message_from_string, policy
from email.message import EmailMessage
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import dict_row

from stack.summary import Totals

LOCAL = ZoneInfo("America/Sao_Paulo")
WRITE = re.compile(r"^/vtex/(\w+)/api/oms/pvt/orders/([^/]+)/invoice/([^/]+)/tracking$")
CONFIRM = re.compile(r"^/market/(\w+)/pvt/orders/([^/]+)/invoice/[^/]+/tracking$")
HOOK = re.compile(r"^/webhook/(\w+)$")
ASK = re.compile(r"^/correios/")
ALERT = "alert"  # what stands in the Message-ID of a mail to the shop, where others name a status
FINAL = frozenset({"delivered", "returned", "lost", "cancelled"})
MARKETPLACES = {"vtex_protocol:market": CONFIRM, "webhook:hub": HOOK}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was checked: what ought to be and what is."""

    name: str
    expected: object
    found: object
    note: str = ""

    @property
    def holds(self) -> bool:
        return self.expected == self.found


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """
    Everything the audit looks at.

    ``parcels`` is the simulator's truth, ``orders`` the shop's orders as VTEX holds them, ``requests`` and ``mails``
    all that the simulator ever received, ``since`` when this session began. ``alert_to`` is where the shop wants its
    alerts, empty when it wants none sent. ``sold`` are the orders of marketplaces with protocols of their own.
    """

    parcels: Sequence[Mapping[str, Any]]
    orders: Sequence[Mapping[str, Any]]
    requests: Sequence[Mapping[str, Any]]
    mails: Sequence[Mapping[str, Any]]
    warehouse: str
    since: datetime
    alert_to: str = ""
    sold: Sequence[Mapping[str, Any]] = ()

    @property
    def to_customers(self) -> list[Mapping[str, Any]]:
        return [mail for mail in self.mails if kind_of(mail) != ALERT]

    @property
    def alerts(self) -> list[Mapping[str, Any]]:
        return [mail for mail in self.mails if kind_of(mail) == ALERT]

    @property
    def recent(self) -> list[Mapping[str, Any]]:
        return [one for one in self.requests if datetime.fromisoformat(one["time"]) >= self.since]

    def arrivals(self, method: str, path: re.Pattern[str]) -> list[Mapping[str, Any]]:
        """What came in this session and was taken."""
        return [
            one
            for one in self.recent
            if one["method"] == method and path.match(one["path"]) and 200 <= one["status"] < 300
        ]


def lines_of(log: Path) -> list[dict[str, Any]]:
    """The entries of a JSON lines file; none when there is no file yet."""
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []


def audit(evidence: Evidence) -> list[Finding]:
    """Every finding, in the order of the pipeline."""
    with psycopg.connect(evidence.warehouse, row_factory=dict_row) as conn:
        return [
            *shipments(evidence, conn),
            *asking(evidence, conn),
            *events(evidence, conn),
            *orders(evidence, conn),
            *mails(evidence),
            *alerts(evidence),
            *confirmations(evidence),
        ]


def wide_audit(evidence: Evidence) -> list[Finding]:
    """
    What must hold whoever carries the parcels and wherever they were sold.

    Some carriers are asked a look later than others, so a customer may be spared news that was overtaken meanwhile.
    """
    with psycopg.connect(evidence.warehouse, row_factory=dict_row) as conn:
        return [
            *shipments(evidence, conn),
            *states(evidence, conn),
            *orders(evidence, conn),
            *sales(evidence),
            *nothing_untrue(evidence),
        ]


def figures(evidence: Evidence) -> list[Finding]:
    """
    What Rastro recorded of this session, figure by figure, against what came in.

    Only for a session in which nothing was made to go wrong: where an answer was spoilt, what was asked and what was
    answered rightly differ.
    """
    with psycopg.connect(evidence.warehouse, row_factory=dict_row) as conn:
        totals = Totals.since(conn, evidence.since)
        known = conn.execute(
            "SELECT order_id, invoice_number, tracking_number FROM rastro.shipment WHERE first_seen_at < %s",
            [evidence.since],
        )
        known_before = {tuple(row.values()) for row in known}
        (loaded,) = conn.execute(
            "SELECT count(*) AS events FROM rastro.tracking_event WHERE recorded_at < %s", [evidence.since]
        )
    answers = totals.unchanged + totals.changed + totals.refused + totals.unanswered
    asked = sum(one["path"].count("codigosObjetos=") for one in evidence.arrivals("GET", ASK))
    revealed = sum(len(one["revealed"]) for one in evidence.parcels if one["follow"] and not one["refusal"])
    mailed, alerted = (
        sum(datetime.fromisoformat(mail["time"]) >= evidence.since for mail in sent)
        for sent in (evidence.to_customers, evidence.alerts)
    )
    return [
        Finding(
            name="shipments synced, as recorded", expected=totals.added, found=len(visible(evidence) - known_before)
        ),
        Finding(name="asked, as recorded", expected=totals.asked, found=asked),
        Finding(name="answers of every kind, together", expected=totals.asked, found=answers),
        Finding(name="events loaded, as recorded", expected=totals.events, found=revealed - loaded["events"]),
        Finding(name="e-mails sent, as recorded", expected=totals.mails, found=mailed),
        Finding(name="alerts sent, as recorded", expected=totals.alerts, found=alerted),
        *(
            Finding(
                name=f"deliveries confirmed, {marketplace}",
                expected=totals.confirmed.get(marketplace, 0),
                found=len(evidence.arrivals("POST", path)),
            )
            for marketplace, path in MARKETPLACES.items()
        ),
    ]


def visible(evidence: Evidence) -> set[tuple[str, str, str]]:
    """
    Order, invoice and number of every parcel that its source shows, followed or not.

    An order shows those of its output packages that have a number; an invoice that no address can hold is put aside.
    """
    shown = {
        (order["order_id"], package["invoice_number"])
        for order in evidence.orders
        for package in order["packages"]
        if package["type"] == "Output" and package["tracking_number"] and "/" not in package["invoice_number"]
    }
    return {
        (parcel["order_id"], parcel["invoice_number"], parcel["tracking_number"])
        for parcel in evidence.parcels
        if parcel["source"] == "sql" or (parcel["order_id"], parcel["invoice_number"]) in shown
    }


def shipments(evidence: Evidence, conn: psycopg.Connection[Any]) -> Iterator[Finding]:
    followed = sorted((one["order_id"], one["tracking_number"]) for one in evidence.parcels if one["follow"])
    rows = conn.execute("SELECT order_id, tracking_number FROM rastro.shipment WHERE skip = '' AND carrier IS NOT NULL")
    held = sorted((row["order_id"], row["tracking_number"]) for row in rows)
    yield Finding(name="parcels followed, each once", **differing(followed, held))


def asking(evidence: Evidence, conn: psycopg.Connection[Any]) -> Iterator[Finding]:
    calls = [one for one in evidence.recent if ASK.match(one["path"])]
    (told,) = conn.execute(
        "SELECT coalesce(sum(calls), 0)::int AS calls FROM rastro.poll_batch WHERE started_at >= %s", [evidence.since]
    )
    yield Finding(name="calls to Correios as recorded", expected=told["calls"], found=len(calls))
    largest = max((one["path"].count("codigosObjetos=") for one in calls), default=0)
    yield Finding(name="no call asks about more than 50", expected=True, found=largest <= 50)


def events(evidence: Evidence, conn: psycopg.Connection[Any]) -> Iterator[Finding]:
    followed = [parcel for parcel in evidence.parcels if parcel["follow"] and not parcel["refusal"]]
    revealed = Counter({parcel["tracking_number"]: len(parcel["revealed"]) for parcel in followed})
    rows = conn.execute(
        "SELECT s.tracking_number, count(*) AS events"
        " FROM rastro.tracking_event JOIN rastro.shipment s USING (shipment_id) GROUP BY 1"
    )
    held = Counter({row["tracking_number"]: row["events"] for row in rows})
    yield Finding(name="events revealed, each loaded once", **differing(sorted(revealed.items()), sorted(held.items())))
    yield from states(evidence, conn)


def states(evidence: Evidence, conn: psycopg.Connection[Any]) -> Iterator[Finding]:
    followed = [parcel for parcel in evidence.parcels if parcel["follow"] and not parcel["refusal"]]
    wanted = sorted((parcel["tracking_number"], parcel["status"]) for parcel in followed)
    rows = conn.execute("SELECT tracking_number, status FROM rastro.v_shipment WHERE skip = '' AND carrier IS NOT NULL")
    numbers = {parcel["tracking_number"] for parcel in followed}
    states = sorted((r["tracking_number"], r["status"]) for r in rows if r["tracking_number"] in numbers)
    yield Finding(name="states as the carrier means them", **differing(wanted, states))


def orders(evidence: Evidence, conn: psycopg.Connection[Any]) -> Iterator[Finding]:
    writes = [
        (match, one) for one in evidence.requests if one["method"] == "PUT" and (match := WRITE.match(one["path"]))
    ]
    yield Finding(name="orders written with what they had already", expected=[], found=repeats(writes))

    ours = [parcel for parcel in evidence.parcels if parcel["source"].startswith("vtex") and parcel["follow"]]
    delivered = sorted({(p["order_id"], p["invoice_number"]) for p in ours if p["package_delivered"]})
    written = {(match[2], match[3]) for match, one in writes if json.loads(one["body"])["isDelivered"]}
    held = sorted(key for key in written if finished(evidence.orders, key))
    yield Finding(name="packages delivered, and finished on their orders", **differing(delivered, held))
    meant = {(parcel["order_id"], parcel["invoice_number"]) for parcel in ours}
    strange = sorted({(match[2], match[3]) for match, _ in writes} - meant)
    yield Finding(name="orders written that are not ours to write", expected=[], found=strange)
    told = Totals.since(conn, evidence.since).orders
    yield Finding(name="order writes as recorded", expected=told, found=len(evidence.arrivals("PUT", WRITE)))


def repeats(writes: Sequence[tuple[re.Match[str], Mapping[str, Any]]]) -> list[tuple[str, str]]:
    """Packages written on with the very body that they held; a call that never came to act wrote nothing."""
    last: dict[tuple[str, str], str] = {}
    found = []
    for match, one in writes:
        package = (match[2], match[3])
        if one["acted"] and one["status"] in {0, 200}:
            if last.get(package) == one["body"]:
                found.append(package)
            last[package] = one["body"]
    return found


def finished(orders_held: Sequence[Mapping[str, Any]], key: tuple[str, str]) -> bool:
    """Whether the order system itself holds the package as delivered."""
    return any(
        order["order_id"] == key[0] and package["invoice_number"] == key[1] and package["finished"]
        for order in orders_held
        for package in order["packages"]
    )


def mails(evidence: Evidence) -> Iterator[Finding]:
    arrived = Counter((mail["subject"].split(":")[0].split()[-1], kind_of(mail)) for mail in evidence.to_customers)
    told = [
        ((parcel["order_id"], status), datetime.fromisoformat(revealed_at))
        for parcel in evidence.parcels
        if parcel["source"].startswith("sql") and parcel["follow"]
        for status, revealed_at in zip(parcel["tells"], parcel["revealed_at"], strict=True)
        if status
    ]
    either = {mail for mail, at in told if mail[1] == "out_for_delivery" and near_midnight(at)}
    wanted = Counter(mail for mail, _ in told if mail not in either)
    for mail in either:
        del arrived[mail]  # news of today, which had become news of yesterday or not when it was told
    yield Finding(name="mails to customers, each once", **differing(sorted(wanted.items()), sorted(arrived.items())))
    owners = {parcel["order_id"]: parcel["email"] for parcel in evidence.parcels if parcel["email"]}
    astray = [
        mail["message_id"]
        for mail in evidence.to_customers
        if mail["rcpt_tos"] != [owners.get(mail["subject"].split(":")[0].split()[-1])]
    ]
    yield Finding(name="mails to anybody but the order's customer", expected=[], found=astray)
    yield Finding(
        name="Message-IDs seen twice", expected=[], found=repeated(mail["message_id"] for mail in evidence.mails)
    )


def alerts(evidence: Evidence) -> Iterator[Finding]:
    """Every parcel of which only the shop can see to what follows, as often as that came up."""
    wanted = Counter(
        parcel["tracking_number"]
        for parcel in evidence.parcels
        if parcel["follow"] and evidence.alert_to
        for before, after in pairwise(("unknown", *parcel["statuses"]))
        if before != after and (after in {"lost", "returned"} or before in FINAL)
    )
    numbers = {parcel["tracking_number"] for parcel in evidence.parcels}
    lines = (line for mail in evidence.alerts for line in text_of(mail).splitlines())
    arrived = Counter(value for line in lines if (value := line.partition(": ")[2]) in numbers)
    yield Finding(name="alerts to the shop, each once", **differing(sorted(wanted.items()), sorted(arrived.items())))
    astray = [mail["message_id"] for mail in evidence.alerts if ", ".join(mail["rcpt_tos"]) != evidence.alert_to]
    yield Finding(name="alerts to anybody but the shop's people", expected=[], found=astray)


def text_of(mail: Mapping[str, Any]) -> str:
    """The plain text of a mail."""
    message = message_from_string(mail["raw"], policy=policy.default)
    body = message.get_body(("plain",)) if isinstance(message, EmailMessage) else None
    return str(body.get_content()) if body else ""


def kind_of(mail: Mapping[str, Any]) -> str:
    """The status a mail tells of, or that it is an alert, from the Message-ID that is made from our own row."""
    return str(mail["message_id"]).split(".")[2].partition("@")[0]


def confirmations(evidence: Evidence) -> Iterator[Finding]:
    direct = [p for p in evidence.parcels if p["follow"] and p["route"] == "direct" and p["package_delivered"]]
    arrived: list[str] = []
    for one in evidence.requests:
        if not 200 <= one["status"] < 300 or one["method"] != "POST":
            continue
        if (match := CONFIRM.match(one["path"])) and json.loads(one["body"])["isDelivered"]:
            arrived.append(match[2])
        elif HOOK.match(one["path"]):
            arrived.append(json.loads(one["body"])["data"]["marketplace_order_id"])
    wanted = sorted({parcel["marketplace_order_id"] for parcel in direct})
    yield Finding(name="deliveries confirmed to marketplaces, each once", **differing(wanted, sorted(arrived)))


def sales(evidence: Evidence) -> Iterator[Finding]:
    """Deliveries confirmed, marketplace by marketplace."""
    direct = [parcel for parcel in evidence.parcels if parcel["follow"] and parcel["route"] == "direct"]
    delivered = {(one["marketplace"], one["marketplace_order_id"]) for one in direct if one["package_delivered"]}
    for code in sorted({order["code"] for order in evidence.sold}):
        told = [
            order["order_id"] for order in evidence.sold if order["code"] == code for _ in range(order["deliveries"])
        ]
        wanted = sorted(order_id for market, order_id in delivered if market == code)
        yield Finding(name=f"deliveries confirmed to {code}, each once", **differing(wanted, sorted(told)))
    codes = {order["code"] for order in evidence.sold}
    others = [parcel for parcel in evidence.parcels if parcel["marketplace"] not in codes]
    yield from confirmations(replace(evidence, parcels=others))


def nothing_untrue(evidence: Evidence) -> Iterator[Finding]:
    """No customer was told anything twice, nor what was not so."""
    arrived = [(mail["subject"].split(":")[0].split()[-1], kind_of(mail)) for mail in evidence.to_customers]
    true = {(parcel["order_id"], status) for parcel in evidence.parcels for status in parcel["tells"] if status}
    again = {"out_for_delivery", "delivery_failed"}  # which may come true on several days
    yield Finding(name="mails to customers about what was not so", expected=[], found=sorted(set(arrived) - true))
    twice = repeated(mail for mail in arrived if mail[1] not in again)
    yield Finding(name="mails to customers that came twice", expected=[], found=twice)
    yield Finding(
        name="Message-IDs seen twice", expected=[], found=repeated(mail["message_id"] for mail in evidence.mails)
    )


def differing(expected: Collection[Any], found: Collection[Any]) -> dict[str, Any]:
    """Counts when the two agree; otherwise the counts with what is missing and what is too much."""
    missing, excess = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
    if not missing and not excess:
        return {"expected": len(expected), "found": len(found)}
    note = f"missing {list(missing)[:5]}, too much {list(excess)[:5]}"
    return {"expected": f"{len(expected)}, these", "found": f"{len(found)}, others", "note": note}


def repeated(things: Iterator[Any]) -> list[Any]:
    return [thing for thing, times in Counter(things).items() if times > 1]


def near_midnight(at: datetime, within: timedelta = timedelta(minutes=2)) -> bool:
    """Whether the customers' day ended so soon after that news of it may have been too late."""
    local = at.astimezone(LOCAL)
    return (local + within).date() != local.date()
