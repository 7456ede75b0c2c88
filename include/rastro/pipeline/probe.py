"""
Trying things out: does it work, and if not, what is wrong and what is to be done, in one line.

A probe asks what only reads, about something that cannot exist. It writes nothing, mails nobody, and keeps away from
calls that cost, register or use something up; its line says then what was tried in their place.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from urllib.parse import urlsplit

from rastro.access import Account, Tokens
from rastro.carriers.base import Carrier
from rastro.errors import (
    CredentialsRefused,
    Forbidden,
    Misconfigured,
    NotFound,
    Permanent,
    RastroError,
    RateLimited,
    Transient,
    Unreadable,
)
from rastro.http import Http, Limits, Request
from rastro.mail.smtp import Postman
from rastro.marketplaces.base import Marketplace
from rastro.models import Status
from rastro.orders.base import OrderSource
from rastro.pipeline.track import converse
from rastro.receivers import Message, Progress, Reading
from rastro.warehouse.connect import opened_promptly
from rastro.warehouse.health import health

LIMITS = Limits(connect_timeout=5.0, read_timeout=10.0, call_timeout=15.0, retries=1)
PATIENCE = 40.0  # seconds for all together, some of which call several times
CLOCKS_APART = timedelta(minutes=2)
ANY_ANSWER = frozenset(range(300, 500))
NO_ORDER = "1"
# Who mails by these cannot sign for them, so that many receivers refuse or hide the mails.
MAILBOXES = frozenset(
    {"gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "yahoo.com.br", "icloud.com"}
    | {"bol.com.br", "uol.com.br", "terra.com.br", "ig.com.br"}
)


class State(StrEnum):
    OK = "ok"
    LOOK = "look"  # it may do; a person should know
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a probe came to, in one line. ``ahead`` is by how much our clock is ahead of the other side's, if known."""

    state: State
    said: str
    ahead: timedelta | None = None

    @property
    def is_wrong(self) -> bool:
        return self.state is State.WRONG


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """``look`` raises a RastroError for what is wrong, or returns what is to be said."""

    name: str
    look: Callable[[], Finding]


# What an error means to whoever tries a connection; the error itself says the rest.
MEANINGS: Sequence[tuple[type[RastroError], str]] = (
    (Forbidden, "The credentials are refused, or may not do this"),
    (CredentialsRefused, "The credentials are refused"),
    (RateLimited, "It is asked too often just now, so that nothing can be told: try again later"),
    (Transient, "It cannot be reached, or is in trouble"),
    (Unreadable, "It answers, but not what it should: is the address right?"),
    (Misconfigured, "This must be put right"),
    (NotFound, "There is nothing under this address"),
    (Permanent, "It refuses the question"),
)


def judged(error: RastroError) -> Finding:
    meaning = next(said for kind, said in MEANINGS if isinstance(error, kind))
    return Finding(state=State.WRONG, said=f"{meaning}: {' '.join(str(error).split())}")


def found(check: Check) -> Finding:
    """What a check comes to, whatever happens to it."""
    try:
        return check.look()
    except RastroError as error:
        return judged(error)
    except Exception as error:  # noqa: BLE001 - one that breaks must not keep the others from being told
        # Its text is another's, and may show what nobody should see.
        return Finding(state=State.WRONG, said=f"The check itself broke off ({type(error).__name__})")


def all_of(checks: Sequence[Check], patience: float = PATIENCE) -> Iterator[tuple[Check, Finding]]:
    """The checks in their order, each as soon as it and those before it are done; they are made at the same time."""
    begun = [(check, begin(check)) for check in checks]
    deadline = time.monotonic() + patience
    for check, coming in begun:
        try:
            yield check, coming.result(timeout=max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            yield check, Finding(state=State.WRONG, said=f"No answer within {patience:g} seconds: is the host right?")


def begin(check: Check) -> Future[Finding]:
    coming: Future[Finding] = Future()
    # A daemon, so that what hangs does not keep the process from ending.
    threading.Thread(target=lambda: coming.set_result(found(check)), name=check.name, daemon=True).start()
    return coming


def carrier(one: Carrier, account: Account, tokens: Tokens) -> Finding:
    """
    :raises RastroError: it does not work.
    """
    with Http(account.base_url, name=one.code, limits=LIMITS, secrets=account.secrets) as http:
        answered = converse(http, one.probe(tokens.access()))
        ahead = clock_ahead(http.time_told, datetime.now(UTC))
    if answered.trouble:
        raise answered.trouble
    for reference, raw in answered.parts.items():
        one.parse(raw, reference)
    return Finding(state=State.OK, said="It answers a question about a parcel that cannot exist", ahead=ahead)


def feed(one: Carrier, host: str, tokens: Tokens) -> Finding:
    """
    :raises RastroError: it cannot be reached, or the login is refused.
    """
    tokens.access()
    why = "its feed hands out each lot once, so no probe asks for one"
    return untried(one.code, host, f"{why}: the first run tells whether the credentials are right")


def untried(code: str, base_url: str, why: str) -> Finding:
    """
    All that can be told of what must not be asked: that somebody is there.

    :raises RastroError: nobody is.
    """
    parts = urlsplit(base_url)  # whatever follows the host may be a secret, and may act
    with Http(f"{parts.scheme}://{parts.netloc}", name=code, limits=LIMITS) as http:
        http.send(Request(method="HEAD", path="/", accept=ANY_ANSWER))
        ahead = clock_ahead(http.time_told, datetime.now(UTC))
    return Finding(state=State.OK, said=f"It is there; {why}", ahead=ahead)


def marketplace(kind: Marketplace, account: Account, tokens: Tokens) -> Finding:
    """
    :raises RastroError: it does not work.
    """
    receiver = kind.build(account, tokens, limits=LIMITS)
    good = Finding(state=State.OK, said="It answers a question about an order that cannot exist")
    try:
        answer = receiver.read(about_nothing(datetime.now(UTC)))
    except NotFound:
        return good
    if isinstance(answer.trouble, NotFound):
        return good
    if answer.trouble:
        raise answer.trouble
    if answer.reading is Reading.CANNOT_ASK:
        return untried(kind.code, account.base_url, f"the credentials are not tried: {answer.reason}")
    return good


def about_nothing(now: datetime) -> Message:
    """A message for nobody: it is compared with what a marketplace holds, and never told."""
    return Message(
        key="probe", order_id=NO_ORDER, invoice_number=NO_ORDER, tracking_number="", courier="", tracking_url="",
        status=Status.DELIVERED, history=(Progress(occurred_at=now, description=""),), delivered_at=now,
        marketplace_order_id=NO_ORDER,
    )  # fmt: skip


def source(one: OrderSource) -> Finding:
    """
    :raises RastroError: it does not work.
    """
    return Finding(state=State.OK, said=f"It lets us read {one.probe()}")


def mail(postman: Postman, sender: str) -> Finding:
    """
    :raises RastroError: mail cannot be handed in.
    """
    postman.greet()
    domain = sender.rpartition("@")[2].lower()
    if domain in MAILBOXES:
        said = (
            f"The server takes us, but mail_from is an address of {domain}, for which nobody else can sign: many mails "
            "would be refused or end as spam; send from a domain of the shop's own"
        )
        return Finding(state=State.LOOK, said=said)
    return Finding(state=State.OK, said="The server takes us; no mail was sent")


def warehouse(conninfo: str) -> Finding:
    """
    :raises RastroError: it cannot be reached, or must be migrated.
    """
    with opened_promptly(conninfo) as conn:
        state = health(conn)
        ahead = datetime.now(UTC) - state.now
    if not state.is_ahead:
        said = (
            "Next month's events have no partition yet; the next run of track_deliveries makes it: when was the last?"
        )
        return Finding(state=State.LOOK, said=said, ahead=ahead)
    return Finding(state=State.OK, said=f"It is at revision {state.revision}, the newest", ahead=ahead)


def clock(ahead: Sequence[timedelta]) -> Finding:
    """What the others' clocks say about ours: the one in the middle, since any of them may be wrong itself."""
    if not ahead:
        return Finding(state=State.LOOK, said="Nobody told the time")
    off = sorted(ahead)[len(ahead) // 2]
    if abs(off) > CLOCKS_APART:
        said = f"{abs(off).total_seconds():,.0f} seconds {'fast' if off > timedelta(0) else 'slow'}: let NTP set it"
        return Finding(state=State.WRONG, said=f"This machine's clock is {said}, since logins and signatures hold it")
    return Finding(state=State.OK, said=f"Within {CLOCKS_APART.total_seconds() / 60:.0f} minutes of the others'")


def clock_ahead(told: str, now: datetime) -> timedelta | None:
    """
    How far our clock is ahead of the one that wrote a ``Date``; None where that makes no sense.

    :param now: when the answer came.
    """
    try:
        at = parsedate_to_datetime(told)
    except ValueError:
        return None
    return now - (at if at.tzinfo else at.replace(tzinfo=UTC))
