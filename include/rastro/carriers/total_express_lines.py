"""
What the lines of a Total Express history mean, whether they came in an answer or in a lot of the feed.

The code decides (``total_express_status.csv``, from the carrier's own list of codes, read 2026-11), the words only
where they deny it. What a field is called differs between the services, so each is looked for by all its names, in
small letters.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

from rastro.carriers import correios_lines, lines
from rastro.models import Event, ReferenceKind, Status
from rastro.numbers import normalise
from rastro.references import reference_from


def status_table() -> dict[str, Status]:
    """Status by code, from the table beside this module."""
    rows = csv.DictReader((resources.files(__package__) / "total_express_status.csv").read_text("utf-8").splitlines())
    return {code: Status(row["status"]) for row in rows for code in row["codigo"].split()}


STATUS = status_table()
DENIED: Mapping[Status, lines.Words] = {
    Status.DELIVERED: (
        (r"\bremetente|devol", Status.RETURNED),
        (r"nao (foi )?(entregue|realizad)", Status.DELIVERY_FAILED),
    ),
}

LISTS = ("statuslist", "tracking", "statustotal", "arraystatustotal", "status", "ocorrencias", "eventos", "historico")
LISTS_OF_CORREIOS = ("arraystatusect", "statusect")
CODES = ("codstatus", "codigo", "id")
TEXTS = ("descstatus", "descricao", "status", "titulo")
TIMES = ("datastatus", "datahora", "data")


def history(parcel: Mapping[str, Any]) -> Iterator[Event]:
    """
    The lines of one record, and those of Correios where it was passed on to them.

    :raises ValueError: it has no list of lines, or one of them makes no sense.
    """
    parcel = in_small(parcel)
    own = list_in(parcel, LISTS)
    theirs = list_in(parcel, LISTS_OF_CORREIOS)
    if own is None and not theirs:
        raise ValueError("it has no list of what happened")
    if any(not isinstance(one, dict) for one in (*(own or ()), *(theirs or ()))):
        raise ValueError("it has a line that is none")
    events = [event(in_small(one)) for one in own or ()]
    yield from lines.oldest_first(events, [one.occurred_at for one in events])
    yield from (event_of_correios(in_small(one)) for one in theirs or ())


def event(line: Mapping[str, Any]) -> Event:
    text, at = first(line, *TEXTS), lines.moment(first(line, *TIMES))
    code = first(line, *CODES) or lines.as_code(text) or "?"
    status = STATUS.get(code.lstrip("0") or "0", Status.UNKNOWN)
    denied = lines.by_words(text, DENIED.get(status, ()))
    return Event(
        key=f"{code} {at.isoformat()}",
        occurred_at=at,
        status=status if denied is Status.UNKNOWN else denied,
        code=code,
        description=text,
        city=first(line, "cidade"),
        state=first(line, "uf"),
    )


def event_of_correios(line: Mapping[str, Any]) -> Event:
    """One of Correios' events, by their own table. Back with the sender means with Total Express there."""
    text = first(line, "ectdescricao")
    at = lines.moment(f"{first(line, 'ectdata')} {first(line, 'ecthora')}")
    code = f"{first(line, 'ecttipo').upper()} {first(line, 'ectstatus'):0>2}"
    status = correios_lines.status_of(code, text)
    return Event(
        key=f"ECT {code} {at.isoformat()}",
        occurred_at=at,
        status=Status.RETURNING if status is Status.RETURNED else status,
        code=f"ECT {code}",
        description=text,
        city=first(line, "ectcidade"),
        state=first(line, "ectuf"),
    )


def names_of(parcel: Mapping[str, Any]) -> tuple[str, ...]:
    """The references a record may be known by: its AWB, its order."""
    awb, order = awb_of(parcel), first(in_small(parcel), "pedido")
    return (*([awb] if awb else []), *([reference_from(ReferenceKind.ORDER, order)] if order else []))


def awb_of(parcel: Mapping[str, Any]) -> str:
    """The AWB of a record, normalised; empty when it has none."""
    return normalise(first(in_small(parcel), "awb"))


def in_small(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with its names in small letters."""
    return {name.lower(): value for name, value in record.items()}


def first(record: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that holds something, as text; empty when none does."""
    found = (written(record.get(name)) for name in names)
    return next((text for text in found if text), "")


def written(value: object) -> str:
    """A text or a number as text; empty for anything else."""
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def list_in(record: Mapping[str, Any], names: Sequence[str]) -> list[Any] | None:
    """The first of these fields that is a list, those with something in them before empty ones."""
    lists = [value for name in names if isinstance(value := record.get(name), list)]
    return max(lists, key=bool, default=None)
