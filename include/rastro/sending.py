"""
What follows from an attempt at sending: every decision between the claim of a notice and its settlement.

Pure. Whoever sends asks here before it hands a message over and after it learns what became of it. A message that
may have arrived is never simply sent again: it is read back where that is possible, and left to a person where not.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from rastro.errors import Forbidden, RastroError, Transient
from rastro.models import ENDINGS, SHIPPED, Channel, NoticeState, Status
from rastro.receivers import Answer, Reading, Receipt
from rastro.settings import Settings

LOCAL = ZoneInfo("America/Sao_Paulo")
BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120, 240, 480, 720, 1440))
UNTIL_A_PERSON_LOOKS = timedelta(days=36500)
ACCEPTED_IN_VAIN = 2  # writes that were accepted and cannot be read back, before a person has to look
IN_VAIN = "accepted in vain"  # the outcome by which such attempts are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """
    One claimed notice. ``attempts`` counts the present one; ``hand_overs`` are earlier attempts that may have arrived,
    ``in_vain`` those that the other side accepted, and then showed nothing of. ``told_before`` is true for news that a
    marketplace was told already for another parcel, or another number, of the same package, ``to_receiver`` for a mail
    to whoever receives what somebody else bought. ``released`` is true where a person wants it sent, whatever the caps.
    """

    notice_id: int
    shipment_id: int
    kind: str
    content: str
    event_at: datetime
    expires_at: datetime | None
    attempts: int
    message_id: str
    hand_overs: int
    in_vain: int = 0
    told_before: bool = False
    to_receiver: bool = False
    released: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def doubtful(self) -> bool:
        return self.hand_overs > 0

    @property
    def is_reminder(self) -> bool:
        return self.content == REMINDER


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """
    How an attempt ended: the notice's new state, why, and what the other side said.

    ``counts`` is false for an attempt that never came to the notice itself, ``may_have_arrived`` true for one of which
    nobody can tell whether the other side took it.
    """

    state: NoticeState
    reason: str = ""
    receipt: str = ""
    not_before: datetime | None = None
    outcome: str = ""
    answer: str = field(default="", repr=False)
    counts: bool = True
    may_have_arrived: bool = False

    @property
    def is_refusal(self) -> bool:
        """Whether it is the other side's plain no, and not the end of many attempts or of a doubt."""
        return self.state is NoticeState.DEAD and not (self.outcome or self.answer or self.may_have_arrived)


BEFORE_GO_LIVE = "happened before the go-live cut-off"
MOVED_ON = "the parcel has moved on"
TOO_OLD = "too old to be news"
NO_LAST_DAY = "its carrier states no last day for it any more, or one that is over"
REMINDER = "reminder"  # the content by which a second mail about a parcel that waits is told from the first
REMINDED_FROM = 9  # o'clock
NOT_AFTER_THE_FIRST = timedelta(days=1)  # how long before a reminder the first mail must have gone out
QUIET = "it is night: it waits for the end of the quiet hours"
AT_ANY_HOUR = frozenset({Status.OUT_FOR_DELIVERY, Status.READY_FOR_PICKUP})  # in the morning it would be too late
REROUTED = "its order's route to the marketplace is another one now"
MAY_HAVE_ARRIVED_ELSEWHERE = (
    "its order's route is another one now, and an attempt may have arrived by the old one; look, then release it"
)
MAY_HAVE_BEEN_TOLD = "it may have been told before the warehouse was restored; look, then release it"
CANNOT_BE_ASKED = (Channel.EMAIL, Channel.ALERT)  # a mail that went out can be read back nowhere
TOLD_BEFORE = "told before for another parcel or number of the package"

# How much one run may send

NAMED = {
    Channel.ORDER: "order updates",
    Channel.EMAIL: "e-mails",
    Channel.MARKETPLACE: "delivery confirmations",
    Channel.ALERT: "alerts",
}


def held_back(
    owed: Mapping[Channel, int], limits: Mapping[Channel, int], released: Collection[Channel]
) -> dict[Channel, str]:
    """Channels on which a run sends nothing, since more is owed there than its limit: each with the sentence for it."""
    return {
        channel: (
            f"{count:,} {NAMED[channel]} owed, limit {limits[channel]:,}: look at them (view rastro.open_notice, or a "
            f"dry run), then trigger a run that releases {channel}"
        )
        for channel, count in owed.items()
        if channel in limits and count > limits[channel] and channel not in released
    }


# Telling a receiver that can be read


def before_write(
    held: Answer, notices: Sequence[Claimed], settings: Settings, now: datetime, *, repeat_is_safe: bool
) -> Settlement | None:
    """
    The end of the attempt by what the receiver already holds; None when it is to be written to.

    :param repeat_is_safe: the receiver itself drops a second copy.
    """
    match held.reading:
        case Reading.DONE:
            return Settlement(state=NoticeState.SENT, outcome="already", reason=held.reason)
        case Reading.CLOSED:
            return Settlement(state=NoticeState.DROPPED, reason=held.reason)
        case Reading.NOT_READY | Reading.CHANGED:
            waiting = later(Transient(held.reason), notices, settings, now)
            return replace(waiting, outcome=held.reading.value)
        case Reading.INCOMPLETE:
            return unattempted(held.reason, notices)
        case Reading.CANNOT_ASK if any(notice.told_before for notice in notices):
            return Settlement(state=NoticeState.SENT, outcome="already", reason=TOLD_BEFORE)
        case Reading.CANNOT_ASK if is_doubtful(notices) and not repeat_is_safe:
            reason = f"an earlier attempt may have arrived, and it cannot be asked: {held.reason}"
            return Settlement(state=NoticeState.UNKNOWN, reason=reason, not_before=now + UNTIL_A_PERSON_LOOKS)
    return None


def unattempted(reason: str, notices: Sequence[Claimed]) -> Settlement:
    """Owed as before until other parcels have come as far, however long that takes: no attempt."""
    return Settlement(state=state_before(notices), reason=reason, outcome=Reading.INCOMPLETE.value, counts=False)


def not_of_all(step: Sequence[Claimed], statuses: Collection[Status]) -> Settlement | None:
    """
    What keeps an end from being told of a package: parcels of it that have not come to that end. None where all have.

    :param statuses: where the package's parcels are.
    """
    end = Status(step[0].kind)
    unlike = [status for status in statuses if status is not end]
    if end not in ENDINGS or not unlike:
        return None
    if any(not status.is_final for status in unlike):
        return unattempted(f"{end}, but not every parcel of the package is", step)
    ends = ", ".join(sorted({end, *unlike}))
    reason = f"the parcels of the package ended differently ({ends}): tell the marketplace by hand"
    return Settlement(state=NoticeState.DEAD, reason=reason)


def one_by_one(notices: Sequence[Claimed], statuses: Mapping[int, Status]) -> list[list[Claimed]]:
    """
    What a marketplace is told about a package, message by message, in the order in which it happened.

    News that its parcel has overtaken is left out. That it is shipped stays true, and is told before all that follows,
    its return or loss included where that is told.

    :param statuses: where the parcels are, by shipment.
    """
    ended = {notice.shipment_id for notice in notices if notice.kind == statuses[notice.shipment_id] in ENDINGS}
    messages: dict[str, list[Claimed]] = {}
    for notice in sorted(notices, key=lambda one: (one.kind != Status.IN_TRANSIT, one.event_at)):
        shipped = notice.kind == Status.IN_TRANSIT and notice.shipment_id in ended
        if shipped or is_true_still(notice, statuses[notice.shipment_id]):
            messages.setdefault(notice.kind, []).append(notice)
    return list(messages.values())


def is_true_still(notice: Claimed, status: Status) -> bool:
    """Whether news is not overtaken by what has become of its parcel."""
    return notice.kind == status or (notice.kind == Status.IN_TRANSIT and status in SHIPPED)


def before_go_live(
    notices: Sequence[Claimed], delivered_at: datetime | None, cut_off: datetime | None
) -> Settlement | None:
    """The end of news from before the go-live, which may have been set since; a delivery is told whatever its age."""
    if delivered_at or not cut_off or any(notice.event_at >= cut_off for notice in notices):
        return None
    return Settlement(state=NoticeState.DROPPED, reason=BEFORE_GO_LIVE)


def after_write(
    receipt: Receipt, held: Answer | RastroError, notices: Sequence[Claimed], settings: Settings, now: datetime
) -> Settlement:
    """The end of an attempt that was accepted, by what the receiver shows afterwards, or why it could not be read."""
    if isinstance(held, RastroError):
        settlement = in_doubt(f"written, but not read back: {held}", notices, settings, now)
    elif held.reading in {Reading.DONE, Reading.CANNOT_ASK}:
        outcome = "read back" if held.reading is Reading.DONE else "accepted"
        settlement = Settlement(state=NoticeState.SENT, outcome=outcome)
    else:
        shown = held.reason or "nothing of it is there"
        reason = f"accepted with {receipt.status}, but reading it back shows otherwise: {shown}"
        settlement = replace(in_doubt(reason, notices, settings, now), outcome=IN_VAIN)
        if max(notice.in_vain for notice in notices) + 1 >= ACCEPTED_IN_VAIN:
            settlement = replace(settlement, state=NoticeState.DEAD, reason=f"given up, {reason}", not_before=None)
    return replace(settlement, receipt=receipt.number, answer=str(receipt.status))


def in_doubt(reason: str, notices: Sequence[Claimed], settings: Settings, now: datetime) -> Settlement:
    """It may have arrived or not: read again after a pause, and left to a person when that came up too often."""
    tried = max(notice.attempts for notice in notices)
    if tried >= settings.max_attempts:
        reason = f"gave up after {tried} attempts: {reason}"
        return Settlement(state=NoticeState.DEAD, reason=reason, may_have_arrived=True)
    pause = BACK_OFF[min(tried, len(BACK_OFF)) - 1]
    return Settlement(state=NoticeState.UNKNOWN, reason=reason, not_before=now + pause, may_have_arrived=True)


# What did not arrive


def hindered(error: RastroError, notices: Sequence[Claimed], now: datetime) -> Settlement:
    """Owed as before: the way was barred for everybody, which counts as no attempt at this notice."""
    return Settlement(state=state_before(notices), reason=str(error), not_before=now + asked_for(error), counts=False)


def refused(error: RastroError, notices: Sequence[Claimed], now: datetime, *, alone: bool) -> Settlement:
    """
    The end of what the other side refuses: a person's, or owed still when others are refused, too.

    The pause grows all the same, so that the oldest orders do not always come first.

    :param alone: others get through, so it is about this one.
    """
    if not alone:
        pause = BACK_OFF[min(max(notice.attempts for notice in notices), len(BACK_OFF)) - 1]
        return Settlement(state=state_before(notices), reason=str(error), not_before=now + pause)
    reason = f"{error}. Others are told, so it is about this order" if isinstance(error, Forbidden) else str(error)
    return Settlement(state=NoticeState.DEAD, reason=reason)


def later(error: RastroError, notices: Sequence[Claimed], settings: Settings, now: datetime) -> Settlement:
    """Owed still, after a pause that grows with the attempts; given up when there were too many."""
    attempts = max(notice.attempts for notice in notices)
    if attempts >= settings.max_attempts:
        return Settlement(state=NoticeState.DEAD, reason=f"gave up after {attempts} attempts: {error}")
    pause = BACK_OFF[min(attempts, len(BACK_OFF)) - 1]
    not_before = now + max(pause, asked_for(error))
    return Settlement(state=state_before(notices), reason=str(error), not_before=not_before)


def state_before(notices: Sequence[Claimed]) -> NoticeState:
    """What notices go back to when this attempt surely did not arrive: earlier doubt stays."""
    return NoticeState.UNKNOWN if is_doubtful(notices) else NoticeState.OWED


def is_doubtful(notices: Sequence[Claimed]) -> bool:
    return any(notice.doubtful for notice in notices)


def asked_for(error: RastroError) -> timedelta:
    """The patience that the other side asked for."""
    return timedelta(seconds=getattr(error, "retry_after", None) or 0)


# Mail, which cannot be asked back


def reconsidered(
    notices: Sequence[Claimed],
    statuses: Mapping[int, Status],
    settings: Settings,
    now: datetime,
    *,
    last_days: Mapping[int, date],
    cut_off: datetime | None = None,
) -> list[tuple[Claimed, Settlement]]:
    """
    Mails that must not go out after all, each with the reason: of unknown fate, overtaken, too old by now, or at night.

    :param statuses: where the followed parcels of the order are, by shipment.
    :param last_days: the last days to collect that carriers state now, by shipment.
    :param cut_off: the account's go-live, which may have been set since the notice was owed.
    """
    out = []
    for notice in notices:
        if reason := why_of_unknown_fate(notice, settings):
            held = Settlement(state=NoticeState.UNKNOWN, reason=reason, not_before=now + UNTIL_A_PERSON_LOOKS)
            out.append((notice, held))
        elif statuses.get(notice.shipment_id) != notice.kind:
            out.append((notice, Settlement(state=NoticeState.SUPERSEDED, reason=MOVED_ON)))
        elif cut_off and notice.event_at < cut_off:
            out.append((notice, Settlement(state=NoticeState.DROPPED, reason=BEFORE_GO_LIVE)))
        elif notice.expires_at and notice.expires_at <= now:
            out.append((notice, Settlement(state=NoticeState.DROPPED, reason=TOO_OLD)))
        elif notice.is_reminder and last_days.get(notice.shipment_id, date.min) < now.astimezone(LOCAL).date():
            out.append((notice, Settlement(state=NoticeState.DROPPED, reason=NO_LAST_DAY)))
        elif settings.quiet_hours and can_wait(notice) and (ends := settings.quiet_hours.hold(now)):
            waits = Settlement(state=state_before([notice]), reason=QUIET, not_before=ends, counts=False)
            out.append((notice, waits))
    return out


def can_wait(notice: Claimed) -> bool:
    """Whether the morning is early enough for a mail."""
    return notice.kind not in AT_ANY_HOUR or notice.is_reminder


def days_reminded_of(now: datetime, before: int) -> tuple[date, date]:
    """
    From which last day to which parcels that wait are reminded of, in the morning of the first such day.

    :param before: how many days before its last day.
    """
    here = now.astimezone(LOCAL)
    reach = before if here.hour >= REMINDED_FROM else before - 1
    return here.date(), here.date() + timedelta(days=reach)


def by_mail(notices: Sequence[Claimed]) -> list[list[Claimed]]:
    """
    Notices that may go together, by the mail they go in.

    What may have arrived goes again in the mail that it was in, and nothing else with it: whoever has received that
    drops the second copy by its Message-ID, and must not drop anything new with it.
    """
    mails: dict[str, list[Claimed]] = {}
    for notice in notices:
        mails.setdefault(notice.message_id if notice.doubtful else "", []).append(notice)
    return list(mails.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class MailedBefore:
    """
    How many mails may have gone out to one reader before: about the parcel that has most of them, and about anything
    since midnight.
    """

    about_parcel: int
    today: int


def over_cap(before: MailedBefore, notices: Sequence[Claimed], settings: Settings) -> Settlement | None:
    """The end of a mail that would be one too many, until a person looks and releases it; None where it may go."""
    if any(notice.released for notice in notices):
        return None
    if before.about_parcel >= settings.mails_per_parcel:
        so_far = f"{before.about_parcel} mails about the parcel went to the same person (setting mails_per_parcel)"
    elif before.today >= settings.mails_per_day:
        so_far = f"{before.today} mails went to the same person today (setting mails_per_day)"
    else:
        return None
    return Settlement(state=NoticeState.DEAD, reason=f"{so_far}: look why, then release it")


def why_of_unknown_fate(notice: Claimed, settings: Settings) -> str:
    """Why a mail must wait for a person, since an earlier attempt may have gone out; empty when it may go."""
    if not notice.doubtful or (settings.resend_doubtful_mail and notice.hand_overs == 1):
        return ""
    return "an earlier attempt may have gone out, and a mail cannot be asked back; look, then release it"


def mail_in_doubt(error: RastroError, notices: Sequence[Claimed], settings: Settings, now: datetime) -> Settlement:
    """Nobody can tell whether it went out: it waits for a person, or for the one repeat that the settings allow."""
    again = settings.resend_doubtful_mail and not is_doubtful(notices)
    pause = settings.lease if again else UNTIL_A_PERSON_LOOKS
    return Settlement(state=NoticeState.UNKNOWN, reason=str(error), not_before=now + pause, may_have_arrived=True)
