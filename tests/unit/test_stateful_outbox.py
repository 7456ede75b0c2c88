"""
Any life of what is owed: senders that crash, stall and race, and receivers whose answers get lost.

The outbox is a table of rows that changes as its statements change it; what becomes of an attempt is decided by the
product. The other side is modelled from outside: it counts what it took, and that count is what must be right.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rastro.errors import Doubtful, RastroError, RateLimited, Rejected, Transient
from rastro.models import NoticeState, Status
from rastro.receivers import Answer, Reading, Receipt
from rastro.sending import (
    Claimed,
    Settlement,
    after_write,
    before_write,
    hindered,
    in_doubt,
    later,
    mail_in_doubt,
    reconsidered,
)
from rastro.settings import Settings, settings_from

BEGIN = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FOR_YEARS = timedelta(days=3650)  # what is due no sooner is a person's to decide
OPEN = frozenset({NoticeState.OWED, NoticeState.CLAIMED, NoticeState.UNKNOWN})


class Kind(Enum):
    """Who is told: each has its own way of being told once."""

    ORDER = auto()  # can be read
    WEBHOOK = auto()  # cannot be read, and drops a second copy itself
    BLIND = auto()  # cannot be read, and takes whatever comes
    MAIL = auto()


class Fate(Enum):
    """What happens to one attempt on its way."""

    ARRIVES = auto()
    ANSWER_LOST = auto()  # it was taken, and nobody hears of it
    REQUEST_LOST = auto()  # it was not taken, and that cannot be told from the above
    NOT_READ_BACK = auto()  # taken and accepted, but then the other side is down
    REFUSED = auto()
    DOWN = auto()
    BARRED = auto()  # too many requests, wrong password: the same for everybody


@dataclass(slots=True, kw_only=True)
class Row:
    """A notice as the outbox holds it."""

    notice_id: int
    not_before: datetime
    state: NoticeState = NoticeState.OWED
    attempts: int = 0
    hand_overs: int = 0
    message_id: str = ""
    claimed_by: int = 0
    handed_over_by: int = 0
    lease_until: datetime = BEGIN
    released: int = 0

    @property
    def waits_for_a_person(self) -> bool:
        return self.state is NoticeState.DEAD or (
            self.state is NoticeState.UNKNOWN and self.not_before - BEGIN > FOR_YEARS
        )


@dataclass(slots=True, kw_only=True)
class Sender:
    """
    One process at one claim, which may stop at any step. ``tells`` is what its message holds: a receiver that keeps a
    history is always told all of it. ``settlement`` is what it has yet to write down.
    """

    number: int
    claimed: list[Claimed]
    tells: frozenset[int]
    may_send_until: datetime
    handed_over: bool = False
    settlement: Settlement | None = None


@dataclass(slots=True, kw_only=True)
class OtherSide:
    """What was taken, each time; by the notices in it."""

    taken: list[tuple[str, frozenset[int]]] = field(default_factory=list)

    def take(self, message_id: str, notices: frozenset[int]) -> None:
        self.taken.append((message_id, notices))

    def holds(self, notices: frozenset[int]) -> bool:
        return notices <= frozenset().union(*(ids for _, ids in self.taken))

    def copies(self) -> Counter[int]:
        return Counter(notice_id for _, ids in self.taken for notice_id in ids)


class Outbox(RuleBasedStateMachine):
    """Everything owed about one order to one receiver."""

    kind = Kind.ORDER
    settings_of_the_shop = settings_from({"max_attempts": "5"})

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGIN
        self.rows: list[Row] = []
        self.senders: list[Sender] = []
        self.sent = 0
        self.other_side = OtherSide()

    @property
    def settings(self) -> Settings:
        return self.settings_of_the_shop

    @initialize()
    def something_is_owed(self) -> None:
        self.rows.append(Row(notice_id=len(self.rows) + 1, not_before=self.now))

    # What happens

    @precondition(lambda self: len(self.rows) < 3)
    @rule()
    def more_is_owed(self) -> None:
        self.something_is_owed()

    @rule(minutes=st.sampled_from([1, 4, 6, 16, 61, 600]))
    def time_passes(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @precondition(lambda self: self.due())
    @rule()
    def what_is_due_is_claimed(self) -> None:
        due = self.due()
        self.sent += 1
        for row in due:
            row.state, row.claimed_by, row.lease_until = NoticeState.CLAIMED, self.sent, self.now + self.settings.lease
            row.attempts += 1
        for claimed in self.messages([as_claimed(row) for row in due]):
            history = self.rows if self.kind is Kind.ORDER else claimed
            self.senders.append(
                Sender(
                    number=self.sent,
                    claimed=claimed,
                    tells=frozenset(one.notice_id for one in history),
                    may_send_until=self.now + self.settings.lease,
                )
            )

    def due(self) -> list[Row]:
        """All that is owed now; nothing while somebody is at it."""
        if any(row.state is NoticeState.CLAIMED and row.lease_until >= self.now for row in self.rows):
            return []
        open_ones = [row for row in self.rows if row.state in OPEN]
        return [row for row in open_ones if row.state is NoticeState.CLAIMED or row.not_before <= self.now]

    def messages(self, claimed: list[Claimed]) -> list[list[Claimed]]:
        """What goes together: all of it for a receiver that is told a history, else each mail by its id."""
        if self.kind is Kind.MAIL:
            ids = dict.fromkeys(one.message_id for one in claimed)
            return [[one for one in claimed if one.message_id == message_id] for message_id in ids]
        return [claimed] if self.kind is Kind.ORDER else [[one] for one in claimed]

    @precondition(lambda self: self.waiting(handed_over=False))
    @rule(which=st.integers(0, 9))
    def a_sender_hands_over(self, which: int) -> None:
        sender = pick(self.waiting(handed_over=False), which)
        if self.kind is Kind.MAIL:
            self.leave_out_what_must_not_go(sender)
        mine = [row for row in self.rows_of(sender) if row.claimed_by == sender.number]
        if not sender.claimed or len(mine) < len(sender.claimed):
            self.senders.remove(sender)  # nothing to send, or somebody else is at it by now
            return
        message_id = sender.claimed[0].message_id or f"<{sender.claimed[0].notice_id}@shop>"
        for row in mine:
            row.hand_overs += 1
            row.handed_over_by, row.message_id = sender.number, message_id
        sender.claimed = [replace(one, message_id=message_id) for one in sender.claimed]
        sender.handed_over = True

    def leave_out_what_must_not_go(self, sender: Sender) -> None:
        statuses = {one.shipment_id: Status.DELIVERED for one in sender.claimed}
        for notice, settlement in reconsidered(sender.claimed, statuses, self.settings, self.now, last_days={}):
            self.write_down(sender.number, [notice], settlement)
            sender.claimed.remove(notice)

    @precondition(lambda self: self.waiting(handed_over=True))
    @rule(which=st.integers(0, 9), fate=st.sampled_from([*Fate, Fate.ARRIVES, Fate.ANSWER_LOST]))
    def a_sender_sends(self, which: int, fate: Fate) -> None:
        sender = pick(self.waiting(handed_over=True), which)
        if self.now >= sender.may_send_until:
            self.senders.remove(sender)  # its calls end by their timeouts long before the lease does
            return
        sender.settlement = self.mailed(sender, fate) if self.kind is Kind.MAIL else self.told(sender, fate)

    @precondition(lambda self: self.settling())
    @rule(which=st.integers(0, 9))
    def a_sender_settles(self, which: int) -> None:
        sender = pick(self.settling(), which)
        assert sender.settlement
        self.write_down(sender.number, sender.claimed, sender.settlement)
        self.senders.remove(sender)

    @precondition(lambda self: self.senders)
    @rule(which=st.integers(0, 9))
    def a_sender_is_killed(self, which: int) -> None:
        self.senders.remove(pick(self.senders, which))

    @precondition(lambda self: self.visible())
    @rule(which=st.integers(0, 9))
    def a_person_looks_and_releases(self, which: int) -> None:
        row = pick(self.visible(), which)
        row.state, row.not_before = NoticeState.OWED, self.now
        row.attempts = row.hand_overs = 0
        row.released += 1

    # The other side

    def told(self, sender: Sender, fate: Fate) -> Settlement:
        """One attempt at telling a receiver over HTTP: read, write once, read back."""
        notices = sender.claimed
        try:
            held = self.read(sender, fate)
            settled = before_write(held, notices, self.settings, self.now, repeat_is_safe=self.kind is Kind.WEBHOOK)
            return settled or self.written(sender, fate)
        except RateLimited as error:
            return hindered(error, notices, self.now)
        except Transient as error:
            return later(error, notices, self.settings, self.now)

    def read(self, sender: Sender, fate: Fate) -> Answer:
        if fate is Fate.BARRED:
            raise RateLimited("429", retry_after=120)
        if fate is Fate.DOWN:
            raise Transient("503")
        if self.kind is not Kind.ORDER:
            return Answer(reading=Reading.CANNOT_ASK)
        return Answer(reading=Reading.DONE if self.other_side.holds(sender.tells) else Reading.OWED)

    def written(self, sender: Sender, fate: Fate) -> Settlement:
        notices = sender.claimed
        if fate is Fate.REFUSED:
            return Settlement(state=NoticeState.DEAD, reason="422")
        if fate is not Fate.REQUEST_LOST:
            self.other_side.take(f"notice_{notices[0].notice_id}", sender.tells)
        if fate in {Fate.ANSWER_LOST, Fate.REQUEST_LOST}:
            return in_doubt("no answer", notices, self.settings, self.now)
        try:
            held: Answer | RastroError = self.read(sender, Fate.DOWN if fate is Fate.NOT_READ_BACK else fate)
        except RastroError as error:
            held = error
        return after_write(Receipt(status=200), held, notices, self.settings, self.now)

    def mailed(self, sender: Sender, fate: Fate) -> Settlement:
        """One attempt at a mail, which nobody can ask for afterwards."""
        notices = sender.claimed
        if fate is Fate.BARRED:
            return hindered(RateLimited("421"), notices, self.now)
        if fate is Fate.DOWN:
            return later(Transient("451"), notices, self.settings, self.now)
        if fate is Fate.REFUSED:
            return Settlement(state=NoticeState.DEAD, reason=str(Rejected("554")))
        if fate is not Fate.REQUEST_LOST:
            self.other_side.take(notices[0].message_id, frozenset(one.notice_id for one in notices))
        if fate in {Fate.ANSWER_LOST, Fate.REQUEST_LOST}:
            return mail_in_doubt(Doubtful("cut off"), notices, self.settings, self.now)
        return Settlement(state=NoticeState.SENT)

    # The table

    def write_down(self, number: int, notices: Sequence[Claimed], settlement: Settlement) -> None:
        """What becomes of the rows that this sender still holds; of the others nothing."""
        for row in self.rows:
            mine = row.state is NoticeState.CLAIMED and row.claimed_by == number
            if not mine or row.notice_id not in {one.notice_id for one in notices}:
                continue
            row.state = settlement.state
            row.not_before = settlement.not_before or self.now
            row.attempts -= not settlement.counts
            row.hand_overs -= row.handed_over_by == row.claimed_by and not settlement.may_have_arrived
            row.handed_over_by = 0

    def rows_of(self, sender: Sender) -> list[Row]:
        ids = {one.notice_id for one in sender.claimed}
        return [row for row in self.rows if row.notice_id in ids and row.state is NoticeState.CLAIMED]

    def waiting(self, *, handed_over: bool) -> list[Sender]:
        return [one for one in self.senders if one.handed_over is handed_over and one.settlement is None]

    def settling(self) -> list[Sender]:
        return [one for one in self.senders if one.settlement]

    def visible(self) -> list[Row]:
        return [row for row in self.rows if row.waits_for_a_person]

    # What must hold

    @invariant()
    def nothing_is_heard_twice(self) -> None:
        taken = self.other_side.taken
        if self.kind is Kind.WEBHOOK:
            return  # it drops copies itself, by an id that every attempt has made from the same row
        if self.kind is Kind.ORDER:
            so_far = [frozenset().union(*(ids for _, ids in taken[:at])) for at in range(len(taken))]
            assert all(ids > before for (_, ids), before in zip(taken, so_far, strict=True)), (
                "each brings something new"
            )
            return
        copies = self.other_side.copies()
        repeats = self.kind is Kind.MAIL and self.settings.resend_doubtful_mail
        for row in self.rows:  # who releases one wants it sent anew, whatever became of it
            assert copies[row.notice_id] <= (1 + repeats) * (1 + row.released)

    @invariant()
    def a_copy_has_the_id_and_the_content_of_the_first(self) -> None:
        if self.kind is Kind.MAIL and not any(row.released for row in self.rows):
            assert len(set(self.other_side.taken)) == len({message_id for message_id, _ in self.other_side.taken})
            content_of_each = {notice_id: ids for _, ids in self.other_side.taken for notice_id in ids}
            assert set(content_of_each.values()) == {ids for _, ids in self.other_side.taken}

    @invariant()
    def what_counts_as_sent_was_taken(self) -> None:
        copies = self.other_side.copies()
        assert all(copies[row.notice_id] for row in self.rows if row.state is NoticeState.SENT)

    @invariant()
    def what_may_have_arrived_is_remembered(self) -> None:
        if self.kind is Kind.ORDER:
            return  # reading it finds out; it may also know from a message about another notice
        taken = self.other_side.copies()
        for row in self.rows:
            if row.state in {NoticeState.OWED, NoticeState.UNKNOWN} and taken[row.notice_id] and not row.released:
                assert row.hand_overs, "taken, and yet it would be sent as if for the first time"
                assert row.state is NoticeState.UNKNOWN

    def teardown(self) -> None:
        """When all goes well from here on, each notice comes to an end, or to where a person sees it."""
        self.senders.clear()
        for _ in range(2 * self.settings.max_attempts + 4):
            self.now += timedelta(days=2)
            if self.due():
                self.what_is_due_is_claimed()
            while self.senders:
                if self.settling():
                    self.a_sender_settles(0)
                elif self.waiting(handed_over=True):
                    self.a_sender_sends(0, Fate.ARRIVES)
                else:
                    self.a_sender_hands_over(0)
        self.nothing_is_heard_twice()
        self.what_counts_as_sent_was_taken()
        for row in self.rows:
            assert row.state is NoticeState.SENT or row.waits_for_a_person
            if row.state is NoticeState.UNKNOWN:
                assert self.kind in {Kind.MAIL, Kind.BLIND}, "what can be read, or repeated, needs no person"


def as_claimed(row: Row) -> Claimed:
    return Claimed(
        notice_id=row.notice_id, shipment_id=row.notice_id, kind="delivered", content="", event_at=BEGIN,
        expires_at=None, attempts=row.attempts, message_id=row.message_id, hand_overs=row.hand_overs,
    )  # fmt: skip


def pick(several: Sequence[Any], which: int) -> Any:
    return several[which % len(several)]


class Webhook(Outbox):
    kind = Kind.WEBHOOK


class Blind(Outbox):
    kind = Kind.BLIND


class Mail(Outbox):
    kind = Kind.MAIL


class MailWithOneRepeat(Mail):
    settings_of_the_shop = settings_from({"max_attempts": "5", "resend_doubtful_mail": "true"})


TestOrder, TestWebhook, TestBlind = Outbox.TestCase, Webhook.TestCase, Blind.TestCase
TestMail, TestMailWithOneRepeat = Mail.TestCase, MailWithOneRepeat.TestCase
TestOrder.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestWebhook.settings = TestBlind.settings = TestMail.settings = TestMailWithOneRepeat.settings = TestOrder.settings
