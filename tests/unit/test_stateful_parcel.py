"""
Any life of a tracking number, whatever its carrier does to the history and in whatever order its answers are loaded.

The carrier is a list of lines that it adds to, rewords, takes back and cuts short. Its answers are loaded at once or
late, by the load's own judgement, for two parcels that were given the same number at different times. What holds is
checked after every step, against what the carrier said and what everybody was told.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import structs

from rastro.diff import CLOCK_SKEW, Change, Life, State, moves, placed
from rastro.models import Channel, Event, Notice, Route, Shipment, Snapshot, Standing, Status
from rastro.notices import MAILED
from rastro.pipeline.load import POSTED_BEFORE_INVOICE, judge
from rastro.settings import settings_from
from rastro.warehouse.loading import Known, Loaded, StagedAnswer
from rastro.warehouse.shipments import SourceTraits

BEGIN = datetime(2026, 11, 2, 12, tzinfo=UTC)
SOURCES = {"sql:erp": SourceTraits(writes_back=True, own_mail=True)}
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

# Several lines often share an hour, as they do at a depot; some are dated wrongly, or belong to another parcel.
lately = st.integers(-30, 0).map(lambda hours: hours * HOUR)
oddly = st.sampled_from([-120 * DAY, -50 * DAY, -20 * DAY, 5 * DAY])
ages = lately | lately | lately | oddly
# No carrier calls a parcel expired: that is what we call one that we gave up.
said_by_carriers = [status for status in Status if status is not Status.EXPIRED]
statuses = st.sampled_from([*said_by_carriers, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED])


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer of the carrier; a later one has a greater number."""

    number: int
    at: datetime
    events: tuple[Event, ...]


@dataclass(slots=True, kw_only=True)
class Parcel:
    """One of the shipments with this number: what is recorded of it, by which answer, and what its people were told."""

    known: Known
    newest: Said | None = None
    life: Life = field(default_factory=lambda: Life(begins=None, ends=BEGIN))
    told: dict[tuple[Channel, str, str], Notice] = field(default_factory=dict)

    @property
    def state(self) -> State:
        return self.known.state

    def live(self, now: datetime) -> None:
        """The span in which events count by what is known now."""
        begun, passed_on = self.known.shipment.invoiced_at, self.known.passed_on_at
        self.life = Life.of(begun, margin=POSTED_BEFORE_INVOICE, now=now, passed_on=passed_on)

    def told_by_the_newest_answer(self) -> list[Event]:
        """Its lines as they stand for this parcel."""
        return [placed(event, self.life) for event in self.newest.events] if self.newest else []


def parcel(shipment_id: int, invoiced_at: datetime) -> Parcel:
    shipment = Shipment(
        account="sql:erp", order_id=f"90010{shipment_id}", invoice_number=str(shipment_id), tracking_number="QQ1",
        route=Route.DIRECT, marketplace="webhook:hub", invoiced_at=invoiced_at,
    )  # fmt: skip
    return Parcel(
        known=Known(
            shipment_id=shipment_id, poll_id=1, shipment=shipment, first_seen_at=BEGIN, state=State(), events=()
        )
    )


class Number(RuleBasedStateMachine):
    """One tracking number, two parcels, and a carrier that changes its mind."""

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGIN
        self.settings = settings_from({})
        self.lines: list[Event] = []
        self.shortened_to: int | None = None
        self.written = 0
        self.said: list[Said] = []
        self.loaded: list[Said] = []
        self.parcels = [parcel(1, BEGIN - 10 * DAY)]

    @initialize(today=st.booleans())
    def a_shop_is_live_for_long_or_from_today(self, *, today: bool) -> None:
        self.settings = settings_from({"notify_since": BEGIN.isoformat() if today else ""})

    @precondition(lambda self: len(self.parcels) == 1)
    @rule(days=st.sampled_from([0, 3, 30, 120]))
    def the_number_is_given_to_another_parcel(self, days: int) -> None:
        self.now += days * DAY
        self.parcels.append(parcel(2, self.now))
        if days > 90:
            first = self.parcels[0]
            first.known = structs.replace(first.known, passed_on_at=self.now)

    # The carrier

    @rule(hours=st.integers(1, 40))
    def time_passes(self, hours: int) -> None:
        self.now += hours * HOUR

    @rule(status=statuses, age=ages, remark=st.booleans())
    def the_carrier_adds_a_line(self, status: Status, age: timedelta, *, remark: bool) -> None:
        self.written += 1
        event = Event(
            key=f"e{self.written}", occurred_at=self.now + age, status=status, code="X 01", description="a line",
            standing=Standing.INFORMATIVE if remark and not self.written % 4 else Standing.EFFECTIVE,
        )  # fmt: skip
        self.lines = sorted([*self.lines, event], key=lambda one: one.occurred_at)

    @precondition(lambda self: self.lines)
    @rule(which=st.integers(0, 99), wording=st.text(max_size=5))
    def the_carrier_rewords_a_line(self, which: int, wording: str) -> None:
        at = which % len(self.lines)
        self.lines[at] = structs.replace(self.lines[at], description=wording, city=wording)

    @precondition(lambda self: self.lines)
    @rule()
    def the_carrier_tells_lines_of_one_time_in_another_order(self) -> None:
        self.lines.reverse()
        self.lines.sort(key=lambda one: one.occurred_at)

    @precondition(lambda self: self.lines)
    @rule()
    def the_carrier_takes_back_its_newest_line(self) -> None:
        self.lines.pop()

    @precondition(lambda self: self.lines)
    @rule(which=st.integers(0, 99))
    def the_carrier_voids_a_line(self, which: int) -> None:
        at = which % len(self.lines)
        self.lines[at] = structs.replace(self.lines[at], standing=Standing.VOIDED)

    @precondition(lambda self: self.lines)
    @rule(lines=st.integers(1, 4))
    def the_carrier_tells_only_its_newest_lines(self, lines: int) -> None:
        self.shortened_to = lines

    @rule()
    def the_carrier_tells_everything_again(self) -> None:
        self.shortened_to = None

    # The load

    @precondition(lambda self: self.lines)
    @rule()
    def an_answer_is_loaded(self) -> None:
        self.load(self.ask())

    @precondition(lambda self: self.lines)
    @rule()
    def an_answer_is_left_lying(self) -> None:
        self.ask()

    @precondition(lambda self: self.said)
    @rule(which=st.integers(0, 99))
    def an_answer_is_loaded_that_lay_about_or_was_loaded_before(self, which: int) -> None:
        self.load(self.said[which % len(self.said)])

    @precondition(lambda self: self.loaded)
    @rule(which=st.integers(0, 99), status=statuses)
    def a_status_is_put_right_and_the_kept_answer_read_again(self, which: int, status: Status) -> None:
        events = self.newest.events
        key = events[which % len(events)].key

        def right(said: Said) -> Said:
            read = [structs.replace(event, status=status) if event.key == key else event for event in said.events]
            return replace(said, events=tuple(read))

        self.lines = [structs.replace(event, status=status) if event.key == key else event for event in self.lines]
        self.said, self.loaded = list(map(right, self.said)), list(map(right, self.loaded))
        for one in self.parcels:
            one.newest = right(one.newest) if one.newest else None
        self.load(self.newest, worked_out_again=True)

    @rule()
    def the_parcels_are_given_up(self) -> None:
        for one in self.parcels:
            if not one.state.status.is_final:
                given_up = State(status=Status.EXPIRED, since=self.now, key=one.state.key)
                one.known = structs.replace(one.known, state=given_up, revision=one.known.revision + 1)

    def ask(self) -> Said:
        self.now += timedelta(seconds=1)
        events = self.lines[-self.shortened_to :] if self.shortened_to else self.lines
        self.said.append(Said(number=len(self.said), at=self.now, events=tuple(events)))
        return self.said[-1]

    def load(self, said: Said, *, worked_out_again: bool = False) -> None:
        newest = not self.loaded or said.number >= self.newest.number
        for one in self.parcels:
            before = one.known
            if newest:
                one.newest = said
            if newest or not one.newest:
                one.live(said.at if newest else self.newest.at)
            loaded = self.judged(one, said, worked_out_again=worked_out_again)
            one.known = structs.replace(
                before, events=loaded.change.history, state=loaded.change.after, revision=loaded.revision
            )
            self.nothing_is_lost(before, one.known, said)
            self.an_end_is_left_only_on_the_carriers_newer_word(loaded, newest=newest)
            self.what_is_owed_is_right(one, loaded, said)
            assert not (worked_out_again and any(self.mailed(loaded))), "what we read anew is nobody's news"
        self.loaded.append(said)
        for one in self.parcels:
            again = self.judged(one, said)
            assert not again.change.says_something, "the same answer again changes nothing"
            assert again.owed == ()

    def judged(self, one: Parcel, said: Said, *, worked_out_again: bool = False) -> Loaded:
        answer = StagedAnswer(
            staged_id=said.number, poll_id=1, answered_at=said.at, digest=b"",
            snapshot=Snapshot(reference="QQ1", events=said.events),
            first_answered_at=min((each.at for each in self.loaded), default=said.at),
            loaded_at=self.newest.at if self.loaded else None, whole_at=self.newest.at if self.loaded else None,
            worked_out_again=worked_out_again,
        )  # fmt: skip
        return judge(one.known, answer, SOURCES, self.settings, self.now)

    @property
    def newest(self) -> Said:
        return max(self.loaded, key=lambda said: said.number)

    # What must hold of one load

    def nothing_is_lost(self, before: Known, after: Known, said: Said) -> None:
        keys = [event.key for event in after.events]
        assert len(keys) == len(set(keys)), "an event is recorded once"
        assert set(keys) == {event.key for event in before.events} | {event.key for event in said.events}
        assert list(after.events) == sorted(after.events, key=lambda event: event.occurred_at)

    def an_end_is_left_only_on_the_carriers_newer_word(self, loaded: Loaded, *, newest: bool) -> None:
        before, after = loaded.change.before.status, loaded.change.after.status
        if not before.is_final or before is after:
            return
        assert newest, "an older answer ends nothing and reopens nothing"
        assert loaded.change.new or loaded.change.restated, "an answer that brings nothing reopens nothing"
        alerts = [one.notice.kind for one in loaded.owed if one.notice.channel is Channel.ALERT]
        assert ("reopened" in alerts) is (before is not Status.EXPIRED)

    def what_is_owed_is_right(self, one: Parcel, loaded: Loaded, said: Said) -> None:
        change = loaded.change
        keys = [(owed.notice.channel, owed.notice.kind, owed.notice.content) for owed in loaded.owed]
        assert len(keys) == len(set(keys))
        for owed, key in zip(loaded.owed, keys, strict=True):
            notice = owed.notice
            if notice.channel in {Channel.ORDER, Channel.ALERT}:
                assert key not in one.told, "what is owed now is never mistaken for what was owed before"
            if notice.kind == Status.DELIVERED:
                self.is_the_carriers_word(one, change, said)
            one.told.setdefault(key, notice)
        for mail in self.mailed(loaded):
            self.is_news(mail, loaded)
        channels = [notice_key[0] for notice_key in keys]
        assert channels.count(Channel.EMAIL) <= 1
        if change.before.status is not change.after.status and not self.settings.notify_since:
            assert Channel.ORDER in channels, "another state is written on the order"

    def mailed(self, loaded: Loaded) -> list[Notice]:
        return [one.notice for one in loaded.owed if one.notice.channel is Channel.EMAIL and not one.dropped]

    def is_the_carriers_word(self, one: Parcel, change: Change, said: Said) -> None:
        assert change.after.status is Status.DELIVERED
        (event,) = [event for event in change.history if event.key == change.after.key]
        assert moves(event)
        assert one.life.holds(event.occurred_at)
        told = [line for line in said.events if line.key == event.key]
        assert event.occurred_at <= min(times(said.events)) or [line.status for line in told] == [Status.DELIVERED]

    def is_news(self, notice: Notice, loaded: Loaded) -> None:
        (event,) = [event for event in loaded.change.new if event.key == loaded.change.after.key]
        assert (notice.kind, notice.event_at) == (event.status, event.occurred_at)
        assert self.now - event.occurred_at <= MAILED[event.status]
        cut_off = self.settings.cut_off("sql:erp")
        assert cut_off is None or event.occurred_at >= cut_off
        assert not loaded.change.before.status.is_final

    # What must hold after every step

    @invariant()
    def the_state_is_that_of_the_newest_answer(self) -> None:
        for one in self.parcels:
            if one.state.status is Status.EXPIRED:
                continue  # given up, and nothing was heard since
            if counting := [event for event in one.told_by_the_newest_answer() if moves(event)]:
                assert one.state.since == max(times(counting))
                if one.state.since > min(times(counting)):  # else a line beside it may have been cut off
                    assert one.state.key in {event.key for event in counting if event.occurred_at == one.state.since}
            deciding = [event for event in one.known.events if event.key == one.state.key]
            assert all(event.status is one.state.status and moves(event) for event in deciding)
            assert one.state.delivered_at == (one.state.since if one.state.status is Status.DELIVERED else None)

    @invariant()
    def what_the_newest_answer_says_is_recorded_as_it_says_it(self) -> None:
        for one in self.parcels:
            told = {event.key: event for event in one.told_by_the_newest_answer()}
            recorded = {event.key: event for event in one.known.events}
            for key, event in told.items():
                assert (recorded[key].standing, recorded[key].status) == (event.standing, event.status)
            reach = min(times(told.values()), default=self.now)
            gone = [event for key, event in recorded.items() if key not in told and event.occurred_at > reach]
            assert not any(moves(event) for event in gone), "what the newest answer takes back counts no more"

    @invariant()
    def the_marketplace_waits_for_no_delivered_parcel(self) -> None:
        for one in self.parcels:
            if one.state.status is Status.DELIVERED:
                assert (Channel.MARKETPLACE, "delivered", "") in one.told

    @invariant()
    def no_line_of_another_life_decides(self) -> None:
        for one in self.parcels:
            if one.state.status is not Status.EXPIRED and one.state.since:
                assert one.life.holds(one.state.since)
                assert one.state.since <= self.now + CLOCK_SKEW


def times(events: Iterable[Event]) -> list[datetime]:
    return [event.occurred_at for event in events]


TestNumber = Number.TestCase
TestNumber.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
