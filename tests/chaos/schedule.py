"""
What one schedule consists of, and the seeded plan that makes it. Pure: the same seed and number give the same plan.

Everything that must be common is common: a kill, a cut, a carrier or receiver that misbehaves, two runs at once, a
backfill beside them, a clock that is off.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import accumulate
from random import Random

from chaos.proxy import Action, Kind, Side, Trap

FIRST_DAY = datetime(2026, 6, 1, tzinfo=UTC)
DAYS = 20
HOUR = timedelta(hours=1)

TASKS = (
    "sync_orders",
    "plan_polls",
    "track",
    "load_changes",
    "choose_deliveries",
    "update_orders",
    "email_customers",
    "confirm",
    "alert_shop",
    "check_run",
)

KINDS = (
    *("delivered", "delivered_at_once", "second_attempt", "collected", "undone", "returned", "lost", "customs"),
    *(
        "returned_by_wording",
        "voided_vanishes",
        "voided_stays",
        "posted_late",
        "label_then_posted",
        "odd_code",
        "delivered_before",
    ),
)
ENDING_IN_DELIVERY = (
    *("delivered", "delivered_at_once", "second_attempt", "delivered_before"),
    *("undone", "undone", "voided_vanishes"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """Parcels made together: one order or row. ``variant`` empty: a row of the shop's own database."""

    kinds: tuple[str, ...]
    variant: str = ""
    parcels: int = 1
    hours: int = 0  # how far back their history reaches; 0: posted just now


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambush:
    """A trap of the proxy, set while one task runs, or during the whole run when ``task`` is empty."""

    task: str
    trap: Trap


@dataclass(frozen=True, slots=True, kw_only=True)
class Misbehaviour:
    """A fault of the simulated world, for one hour; ``times`` 0: all through it."""

    target: str
    kind: str
    match: str = ""
    method: str = ""
    status: int = 0
    retry_after: str = ""
    times: int = 1
    skip: int = 0

    def told(self) -> dict[str, object]:
        """As the simulator takes it."""
        more = {"seconds": 0.1} if self.kind == "slow" else {}
        shown = {name: getattr(self, name) for name in self.__slots__}
        return {**shown, **more}


class Beside(StrEnum):
    """Another run at the same time, in a process of its own."""

    TWIN = "two runs of the hour at once"
    BACKFILL = "a backfill beside the run"
    DRY_RUN = "a dry run beside the run"
    REPROCESS = "reprocessing beside the run"
    QUARANTINE = "a retry of the quarantine beside the run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """
    One hourly run: how many steps of every parcel's life come first, and what goes wrong.

    It begins ``gap`` hours after the one before, at this ``minute``; ``clocks`` says how many seconds a task's clock
    is ahead.
    """

    steps: int
    minute: int
    gap: int = 1
    sale: Sale | None = None
    ambushes: tuple[Ambush, ...] = ()
    misbehaviours: tuple[Misbehaviour, ...] = ()
    clocks: Mapping[str, int] = field(default_factory=dict)
    beside: tuple[Beside, ...] = ()
    token_ends: bool = False
    retries: int = 1
    pause: int = 1  # minutes before a retry


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A small world, its settings, and its hours."""

    number: int
    start: datetime
    sales: tuple[Sale, ...]
    hours: tuple[Hour, ...]
    options: Mapping[str, str]  # of [rastro]
    world: Mapping[str, bool]  # of the simulator
    mailer: str  # who mails the customers of VTEX's orders: vtex or own


def plan(seed: int, number: int) -> Schedule:
    """The schedule of that number."""
    chance = Random(f"{seed}/{number}")  # noqa: S311 -- seeded so that it can be repeated; nothing secret comes of it
    events = chance.choice(("full", "full", "delta"))
    hours = tuple(hour(chance) for _ in range(chance.choice((2, 2, 3, 3, 4))))
    return Schedule(
        number=number,
        start=FIRST_DAY + timedelta(hours=chance.randrange(DAYS * 24)),
        sales=tuple(sale(chance, hours=chance.choice((0, 0, 1, 3))) for _ in range(chance.choice((1, 2, 2, 3, 4)))),
        hours=hours,
        options={
            "events": events,
            "resend_doubtful_mail": chance.choice(("true", "false")),
            "poll_every": chance.choice(("0", "60m")),
            "last_look_after": chance.choice(("3d", "3h", "0")),
        },
        world={
            "finished_follows": chance.random() < 0.8,
            # What replaces the history and is told only what is new would forget the rest, whoever writes it.
            "events_replace": events == "full" and chance.random() < 0.3,
        },
        mailer=chance.choice(("vtex", "own")),
    )


def described(schedule: Schedule) -> Iterator[str]:
    """The schedule in lines for a person: what is sold, how it is set, and each hour's faults."""
    yield f"schedule {schedule.number} begins {schedule.start:%Y-%m-%d %H:%M}, {schedule.mailer} mails; sold: "
    yield from (f"  {sold(sale)}" for sale in schedule.sales)
    yield f"  {', '.join(f'{name} = {value}' for name, value in {**schedule.options, **schedule.world}.items())}"
    for hour in schedule.hours:
        faults = [
            *(f"{trap.action} {trap.side} {trap.kind} {trap.nth} of {task}" for task, trap in traps(hour)),
            *(f"{one.target} {one.method} {one.kind} {one.status or ''}" for one in hour.misbehaviours),
            *(f"the clock of {task} {seconds:+} s" for task, seconds in hour.clocks.items()),
            *hour.beside,
            *(["the token ends"] if hour.token_ends else []),
        ]
        new = f", sold: {sold(hour.sale)}" if hour.sale else ""
        yield f"{hour.gap} h later, {hour.steps} steps{new}; {hour.retries} retries: {'; '.join(faults) or 'no fault'}"


def sold(sale: Sale) -> str:
    return f"{sale.variant or 'row of the database'} {', '.join(sale.kinds)}".strip()


def traps(hour: Hour) -> Iterator[tuple[str, Trap]]:
    yield from ((one.task or "the run", one.trap) for one in hour.ambushes)


def presses_on(schedule: Schedule, safeguard: str) -> bool:
    """Whether a schedule does what this safeguard is there for."""
    match safeguard:
        case "lease":
            mails = schedule.mailer == "own" or not all(sale.variant for sale in schedule.sales)
            return mails and any(Beside.TWIN in hour.beside and hour.steps for hour in schedule.hours)
        case "unique_key":
            undone = any(sale.kinds == ("undone",) for sale in schedule.sales)
            return undone and schedule.options["last_look_after"] == "0" and delivers_again(schedule.hours)
        case "read_back":
            return any(
                one.trap.kind is Kind.WRITE and one.trap.side is Side.AFTER and one.trap.nth == 1
                for hour in schedule.hours
                for one in hour.ambushes
            )
    raise ValueError(f"there is no safeguard {safeguard}")


def delivers_again(hours: tuple[Hour, ...]) -> bool:
    """Whether runs see a delivery that is undone: delivered with the second step, not so with two more, then again."""
    seen = list(accumulate(hour.steps for hour in hours))
    return 2 in seen and bool({3, 4} & set(seen)) and seen[-1] >= 5


def sale(chance: Random, *, hours: int) -> Sale:
    variant = chance.choices(
        ("", "own", "marketplace", "hub", "two_codes", "two_packages", "late_number", "connector", "no_url"),
        (40, 14, 12, 12, 6, 6, 4, 3, 3),
    )[0]
    if variant in {"marketplace", "hub"}:
        return Sale(kinds=(chance.choice(ENDING_IN_DELIVERY),), variant=variant, hours=hours)
    if variant in {"two_codes", "two_packages"}:
        return Sale(kinds=(), variant=variant, parcels=2, hours=hours)
    return Sale(kinds=(chance.choice(KINDS),), variant=variant, hours=hours)


def hour(chance: Random) -> Hour:
    """An hour with up to two faults, now and then more."""
    ambushes: list[Ambush] = []
    misbehaviours: list[Misbehaviour] = []
    clocks: dict[str, int] = {}
    beside: list[Beside] = []
    token_ends = False
    for _ in range(chance.choice((0, 1, 1, 2, 2, 3))):
        match chance.choices(("ambush", "misbehaviour", "clock", "beside", "token"), (50, 28, 6, 14, 4))[0]:
            case "ambush":
                ambushes.append(ambush(chance))
            case "misbehaviour":
                misbehaviours.append(misbehaviour(chance))
            case "clock":
                clocks[chance.choice(TASKS)] = chance.choice((-60, 60))
            case "beside":
                beside.append(chance.choices(tuple(Beside), (6, 4, 1, 2, 1))[0])
            case "token":
                token_ends = True
    return Hour(
        steps=chance.choice((0, 1, 1, 2, 2)),
        minute=chance.randint(1, 20),
        gap=chance.choice((1, 1, 1, 1, 1, 4)),
        sale=sale(chance, hours=0) if chance.random() < 0.1 else None,
        ambushes=tuple(ambushes),
        misbehaviours=tuple(misbehaviours),
        clocks=clocks,
        beside=tuple(dict.fromkeys(beside)),
        token_ends=token_ends,
        retries=chance.choice((0, 1, 1, 2)),
        pause=chance.choice((1, 1, 5, 16)),
    )


# Which steps a task has that are worth an ambush, and about how many of each there are in one run of it.
AIMS: tuple[tuple[str, Kind, int, int], ...] = (
    # task, kind of step, steps, weight
    ("sync_orders", Kind.COMMIT, 6, 6),
    ("plan_polls", Kind.COMMIT, 2, 1),
    ("track", Kind.COMMIT, 4, 10),
    ("track", Kind.ASK, 1, 6),
    ("load_changes", Kind.COMMIT, 2, 12),
    ("update_orders", Kind.COMMIT, 4, 10),
    ("update_orders", Kind.WRITE, 2, 16),
    ("email_customers", Kind.COMMIT, 5, 12),
    ("email_customers", Kind.MAIL, 2, 20),
    ("confirm", Kind.COMMIT, 3, 8),
    ("confirm", Kind.WRITE, 1, 14),
    ("alert_shop", Kind.COMMIT, 3, 4),
    ("alert_shop", Kind.MAIL, 1, 4),
    ("check_run", Kind.COMMIT, 1, 1),
    ("sync_orders", Kind.ANY, 25, 4),
    ("track", Kind.ANY, 20, 6),
    ("load_changes", Kind.ANY, 25, 6),
    ("update_orders", Kind.ANY, 20, 8),
    ("email_customers", Kind.ANY, 25, 8),
    ("confirm", Kind.ANY, 15, 5),
)


def ambush(chance: Random) -> Ambush:
    task, kind, steps, _ = chance.choices(AIMS, [one[3] for one in AIMS])[0]
    trap = Trap(
        kind=kind,
        side=chance.choice(tuple(Side)),
        nth=chance.randint(1, steps),
        action=chance.choices(tuple(Action), (65, 35))[0],
    )
    return Ambush(task=task, trap=trap)


LIST, ORDER, WRITTEN, ASKED = r"/orders\?", r"/pvt/orders/[^/?]+$", "/tracking$", "^/correios/srorastro"
UNREADABLE = ("html", "empty", "truncated")


def misbehaviour(chance: Random) -> Misbehaviour:
    target = chance.choices(("correios", "vtex", "market", "webhook", "smtp"), (30, 25, 13, 12, 20))[0]
    times, skip = chance.choice((1, 1, 1, 2, 0)), chance.choice((0, 0, 0, 1, 2))
    if target == "smtp":
        kind, status = chance.choice(SMTP)
        return Misbehaviour(target=target, kind=kind, status=status, times=times, skip=skip)
    method, match, kinds = chance.choice(HTTP[target])
    kind = chance.choice(kinds)
    status, retry_after = 0, ""
    if kind == "status":
        status = chance.choice((503, 503, 429, 401, 500))
        retry_after = chance.choice(("", "1", "3600")) if status == 429 else ""
    return Misbehaviour(
        target=target, kind=kind, match=match, method=method, status=status, retry_after=retry_after, times=times,
        skip=skip,
    )  # fmt: skip


SMTP = (
    *(("mail", 454), ("rcpt", 450), ("rcpt", 452), ("data", 451), ("data", 452)),
    *(("drop_before", 0), ("drop_after", 0), ("drop_after", 0), ("hang", 0), ("hang_after", 0)),
)
LOST = ("status", "status", "drop_before", "drop_after", "hang")
# A webhook is answered by its status alone: a page with status 200 that took nothing is a lie nobody can find out.
HTTP: Mapping[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "correios": (
        (
            "GET",
            ASKED,
            (*LOST, *UNREADABLE, "latin1", "gzip_cut", "slow", "odd_object", "reworded", "shortened", "huge"),
        ),
        ("POST", "/token", ("status", "drop_before", "html", "empty")),
    ),
    "vtex": (
        ("GET", LIST, (*LOST, *UNREADABLE, "gzip_cut")),
        ("GET", ORDER, (*LOST, *UNREADABLE, "gzip_cut", "slow")),
        ("PUT", WRITTEN, (*LOST, "drop_after", "drop_after", "html", "empty", "truncated", "slow")),
    ),
    "market": (
        ("GET", ORDER, (*LOST, *UNREADABLE)),
        ("POST", WRITTEN, (*LOST, "drop_after", "drop_after", "html", "empty", "truncated")),
    ),
    "webhook": (("POST", "", (*LOST, "drop_after", "truncated", "slow")),),
}
