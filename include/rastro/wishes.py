"""
What a person asks to be done by hand: read from the form of the DAG ``act_by_hand``, or from a table of many lines.

Pure. Whatever is wrong is said in one message, with the line it stands in, before anything is done.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from rastro.claims import ClaimState, Reason
from rastro.errors import Misconfigured
from rastro.models import Status
from rastro.numbers import normalise, numbers_in

LOCAL = ZoneInfo("America/Sao_Paulo")
MOST_LINES = 5000
LONGEST = 500


class Action(StrEnum):
    """The value is what the form says."""

    ADD_EVENT = "add_event"
    CONFIRM_DELIVERY = "confirm_delivery"
    UNDO = "undo"
    POLL_NOW = "poll_now"
    RESEND_MAIL = "resend_mail"
    RELEASE = "release"
    DROP = "drop"
    RETRY_QUARANTINE = "retry_quarantine"
    PAUSE = "pause"
    RESUME = "resume"
    CHANGE_CARRIER = "change_carrier"
    CHANGE_NUMBER = "change_number"
    OPEN_CLAIM = "open_claim"
    FILE_CLAIM = "file_claim"
    CLAIM_PAID = "claim_paid"
    CLAIM_REFUSED = "claim_refused"


ABOUT_NOTICES = frozenset({Action.RESEND_MAIL, Action.RELEASE, Action.DROP})
OF_CLAIMS = {
    Action.OPEN_CLAIM: ClaimState.OPEN,
    Action.FILE_CLAIM: ClaimState.FILED,
    Action.CLAIM_PAID: ClaimState.PAID,
    Action.CLAIM_REFUSED: ClaimState.REFUSED,
}
# What a person may say of a parcel; that nobody has heard of it is no news.
TOLD = tuple(status for status in Status if status not in {Status.UNKNOWN, Status.EXPIRED})
FIELDS = (
    *(
        "action",
        "numbers",
        "shipment_ids",
        "notice_ids",
        "status",
        "occurred_at",
        "description",
        "city",
        "state",
        "carrier",
        "number",
        "claim",
        "protocol",
        "amount",
    ),
    "reason",
)
NAMING = ("numbers", "shipment_ids", "notice_ids")  # a line that names anything names all that it means


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """
    One thing to be done to the parcels or notices named. ``line`` is where it stands, 0 for the form itself.

    ``shipment_ids`` name parcels one by one, which for those without a tracking number nothing else does.

    ``occurred_at`` None: now.
    """

    line: int
    action: Action
    reason: str
    numbers: tuple[str, ...] = ()
    shipment_ids: tuple[int, ...] = ()
    notice_ids: tuple[int, ...] = ()
    status: Status | None = None
    occurred_at: datetime | None = None
    description: str = ""
    city: str = ""
    state: str = ""
    carrier: str = ""
    number: str = ""
    claim: Reason | None = None
    protocol: str = ""
    amount: Decimal | None = None

    @property
    def named(self) -> str:
        """What is meant, as whoever wishes it named it."""
        return " ".join((*self.numbers, *(f"parcel {one}" for one in self.shipment_ids)))


def wishes_in(params: Mapping[str, object]) -> list[Wish]:
    """
    What the form asks for: its own fields, or each line of the table in ``csv``.

    The table's first line names its columns, which are the form's fields; what it does not have the form says for all.

    :raises Misconfigured: one message that lists everything that is wrong.
    """
    form = {name: text(params.get(name)) for name in FIELDS}
    table = text(params.get("csv"))
    lines = list(rows_in(table)) if table else [(0, {})]
    wishes, wrong = [], []
    for line, row in lines:
        said = {**form, **{name: value for name, value in row.items() if value}}
        if line and any(row.get(name) for name in NAMING):
            said |= {name: row.get(name, "") for name in NAMING}
        try:
            wishes.append(wish_from(line, said))
        except ValueError as error:
            wrong.append(f"line {line}: {error}" if line else str(error))
    if wrong:
        raise Misconfigured("Nothing was done. " + "; ".join(wrong[:20]) + ("; and more" if len(wrong) > 20 else ""))
    return wishes


def rows_in(table: str) -> list[tuple[int, dict[str, str]]]:
    """
    Each line below the head with its number, comma or semicolon between its cells.

    :raises Misconfigured: it is no such table.
    """
    head = table.splitlines()[0]
    reader = csv.reader(io.StringIO(table), delimiter=";" if head.count(";") > head.count(",") else ",", strict=True)
    found: list[tuple[int, dict[str, str]]] = []
    try:
        names = [re.sub(r"^(order|orders|number_or_order|tracking_number)$", "numbers", cell.strip().lower())
                 for cell in next(reader)]  # fmt: skip
        if unknown := sorted(set(names) - set(FIELDS)):
            known = ", ".join(FIELDS)
            raise Misconfigured(f"Nothing was done. The table has no column {', '.join(unknown)}; there are {known}")
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) > len(names):
                    raise Misconfigured(f"Nothing was done. Line {reader.line_num} has more cells than the first line")
                found.append((reader.line_num, dict(zip(names, map(str.strip, cells), strict=False))))
    except csv.Error as error:
        raise Misconfigured(f"Nothing was done. Line {reader.line_num} of the table: {error}") from None
    if not found or len(found) > MOST_LINES:
        raise Misconfigured(
            f"Nothing was done. The table has {len(found):,} lines; 1 to {MOST_LINES:,} are done at once"
        )
    return found


def wish_from(line: int, said: Mapping[str, str]) -> Wish:
    """
    :raises ValueError: something is missing or makes no sense.
    """
    if said["action"] not in set(Action):
        raise ValueError(f"the action {said['action']!r} is none of {', '.join(Action)}")
    action = Action(said["action"])
    if not said["reason"]:
        raise ValueError("say why, in the field reason: it is kept beside what is done")
    numbers = numbers_in(said["numbers"])
    shipment_ids, notice_ids = ids_in(said["shipment_ids"]), ids_in(said["notice_ids"])
    needs_none = action is Action.RETRY_QUARANTINE or (notice_ids and action in ABOUT_NOTICES)
    if not numbers and not shipment_ids and not needs_none:
        notices = " or the numbers of notices" if action in ABOUT_NOTICES else ""
        raise ValueError(f"{action} needs orders or tracking numbers{notices}")
    status = Status.DELIVERED if action is Action.CONFIRM_DELIVERY else None
    if action is Action.ADD_EVENT:
        if said["status"] not in set(TOLD):
            raise ValueError(f"the status {said['status']!r} is none of {', '.join(TOLD)}")
        status = Status(said["status"])
    number = normalise(said["number"])
    if action is Action.CHANGE_NUMBER and not re.search(r"\d", number):
        raise ValueError("change_number needs in the field number the right one")
    if action is Action.CHANGE_CARRIER and not said["carrier"]:
        raise ValueError("change_carrier needs the carrier's code")
    if action is Action.OPEN_CLAIM and said["claim"] not in set(Reason):
        raise ValueError(f"what is claimed for, {said['claim']!r}, is none of {', '.join(Reason)}")
    if action is Action.FILE_CLAIM and not said["protocol"]:
        raise ValueError("file_claim needs the carrier's number of the claim, in the field protocol")
    return Wish(
        line=line,
        action=action,
        reason=said["reason"][:LONGEST],
        numbers=numbers,
        shipment_ids=shipment_ids,
        notice_ids=notice_ids,
        status=status,
        occurred_at=time_in(said["occurred_at"]),
        description=said["description"][:LONGEST],
        city=said["city"][:LONGEST],
        state=said["state"][:LONGEST],
        carrier=said["carrier"],
        number=number,
        claim=Reason(said["claim"]) if action is Action.OPEN_CLAIM else None,
        protocol=said["protocol"][:LONGEST],
        amount=amount_in(said["amount"]),
    )


def ids_in(value: str) -> tuple[int, ...]:
    """
    Our own numbers of parcels or notices.

    :raises ValueError: something among them is none.
    """
    ids = re.split(r"[\s,;]+", value) if value else []
    if wrong := [one for one in ids if not re.fullmatch(r"[0-9]{1,18}", one)]:
        raise ValueError(f"{wrong[0]!r} is none of the numbers of notices or parcels, which are digits alone")
    return tuple(dict.fromkeys(map(int, ids)))


def amount_in(value: str) -> Decimal | None:
    """
    An amount of money as people write it, 1.234,56 or 1234.56; None where there is none.

    :raises ValueError: it is none, or a hundred million and more.
    """
    if not value:
        return None
    bare = re.sub(r"^R\$\s*", "", value)
    if re.fullmatch(r"\d{1,3}(\.\d{3})+(,\d{1,2})?|\d+,\d{1,2}", bare):
        bare = bare.replace(".", "").replace(",", ".")
    if not re.fullmatch(r"\d{1,8}(\.\d{1,2})?", bare):
        raise ValueError(f"{value!r} is no amount such as 1234,56")
    return Decimal(bare)


def time_in(value: str) -> datetime | None:
    """A time as people and the form write it; without an offset it is São Paulo's."""
    if not value:
        return None
    for form in ("%d/%m/%Y %H:%M", "%d/%m/%Y"):
        try:
            return datetime.strptime(value, form).replace(tzinfo=LOCAL)
        except ValueError:
            continue
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is no time such as 2026-11-20 14:30") from None
    return at if at.tzinfo else at.replace(tzinfo=LOCAL)


def text(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(map(str, value))
    return str(value or "").strip()
