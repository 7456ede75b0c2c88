"""
What the lines of a Correios history mean: their status, time, place and standing.

Type and code decide (``correios_status.csv``), the wording only where one code has meant two things over the years.
Times have no zone and are Brasília's. Read 2026-11 from Correios' manuals of tracking and their lists of events.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from importlib import resources
from operator import attrgetter
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from rastro import typed
from rastro.models import Event, Pickup, Standing, Status
from rastro.routing import folded

BRASILIA = ZoneInfo("America/Sao_Paulo")
combine = datetime.combine  # to find it in its class takes as long as it takes itself


def status_table() -> dict[str, Status]:
    """Status by code and type, ``BDE 01``, from the table beside this module."""
    rows = csv.DictReader((resources.files(__package__) / "correios_status.csv").read_text("utf-8").splitlines())
    return {f"{code} {row['tipo']}": Status(row["status"]) for row in rows for code in row["codigo"].split()}


STATUS = status_table()

# Where the words decide: searched in "CODE TYPE status", then in the wording without accents; the first fit counts.
# Single letters are left open where old bodies have lost their accents.
WORDS_DECIDE: tuple[tuple[str, str, Status], ...] = (
    (r" delivered$", r"ser. devolvid|em devolu..o", Status.RETURNING),
    (r" delivered$", r"\bn.o (foi )?(entregue|realizad|efetuad)|\bn.o p.de ser", Status.DELIVERY_FAILED),
    (r" delivered$", r"\bao remetente", Status.RETURNED),
    (r" delivered$", r"(aguardando|dispon.vel para) retirada|correios inteligente", Status.READY_FOR_PICKUP),
    (r" out_for_delivery$", r"\bao remetente", Status.RETURNING),
    (r"^BD. 07", r"sujeito a atraso", Status.DELIVERY_FAILED),
    (r"^BD. 09", r"n.o localizado", Status.LOST),
    (r"^BD. 14", r"entregue ao remetente", Status.RETURNED),
    (r"^BD. 33", r"^(?!.*devol).", Status.DELIVERY_FAILED),
    (r"^LDI ", r"(aguardando|dispon.vel para) retirada", Status.READY_FOR_PICKUP),
    (r"^LDI ", r"encaminhado", Status.IN_TRANSIT),
    (r"^PAR 17", r"liberad", Status.IN_TRANSIT),
)


ABROAD = re.compile("pa.s", re.IGNORECASE)
NOWHERE = msgspec.Raw(b"null")


class Address(msgspec.Struct, rename="camel"):
    logradouro: str | None = None
    numero: str | int | None = None
    complemento: str | None = None
    bairro: str | None = None
    cidade: str | None = None
    uf: str | None = None
    cep: str | int | None = None
    pais: str | None = None


class Unit(msgspec.Struct, rename="camel"):
    cod_sro: str | int | None = None
    nome: str | None = None
    tipo: str | None = None
    endereco: Address | None = None


class Line(msgspec.Struct, rename="camel", gc=False):
    codigo: str
    tipo: str | int
    dt_hr_criado: str
    descricao: str | None = None
    unidade: msgspec.Raw = NOWHERE
    dt_limite_retirada: str | None = None


def history(lines: Sequence[Line]) -> tuple[Event, ...]:
    """
    Oldest first, each once; at one minute in the carrier's own order, which is newest first nearly everywhere.

    :raises ValueError: a line without a readable time cannot be placed.
    """
    told = [event_of(line) for line in lines]
    if told and told[0].occurred_at >= told[-1].occurred_at:
        told.reverse()
    told.sort(key=attrgetter("occurred_at"))  # by what the clocks in Brasília showed, as all are in one zone
    return tuple(with_corrections({event.key: event for event in told}.values()))


def event_of(line: Line) -> Event:
    """:raises ValueError: its time cannot be read."""
    written = line.dt_hr_criado
    at = in_brasilia(written)
    stamp = written if written[4::3] == "--T::" else at.replace(tzinfo=None).isoformat()  # 2026-09-14T10:00:00 is both
    code, wording, status = meaning_of(line.codigo, line.tipo, line.descricao)
    unit, city, state, country = place_of(bytes(line.unidade))
    return Event(
        key=f"{code}@{stamp}@{unit}",
        occurred_at=at,
        status=status,
        code=code,
        description=wording,
        city=city,
        state=state,
        country=country,
    )


# Thousands of lines say the same of the same units, so what that means is worked out once.


@lru_cache(maxsize=4096)
def meaning_of(codigo: str, tipo: str | int, descricao: str | None) -> tuple[str, str, Status]:
    """Code, wording and status."""
    kind, wording = str(tipo).strip(), (descricao or "").strip()
    code = f"{codigo.strip().upper()} {int(kind):02d}" if kind.isdecimal() else f"{codigo.strip()} {kind}"
    return code, wording, status_of(code, wording)


@lru_cache(maxsize=16384)  # Correios has some ten thousand units
def place_of(unidade: bytes) -> tuple[str, str, str, str]:
    """What tells the unit from others, and its city, state and country."""
    unit = unit_in(unidade)
    where = unit.endereco or Address()
    city, state = (where.cidade or "").strip(), (where.uf or "").strip()
    name = str(unit.cod_sro or (f"{city}/{state}" if city else unit.nome or ""))
    if unit.tipo and ABROAD.fullmatch(unit.tipo):
        return name, "", "", (unit.nome or where.pais or "").strip()
    return name, city, state, "BR"


def unit_in(raw: bytes | msgspec.Raw) -> Unit:
    return Unit() if bytes(raw) == bytes(NOWHERE) else typed.decode(raw, Unit)


@lru_cache(maxsize=4096)
def status_of(code: str, wording: str) -> Status:
    """A pair that the table does not have stays unknown, whatever its words say."""
    by_table = STATUS.get(code, Status.UNKNOWN)
    if by_table is Status.UNKNOWN:
        return by_table
    words = folded(wording)
    for line, pattern, by_words in WORDS_DECIDE:
        if re.search(line, f"{code} {by_table}") and re.search(pattern, words):
            return by_words
    return by_table


def with_corrections(events: Iterable[Event]) -> list[Event]:
    """
    What an EST line takes back is voided: the line right before it, where that is an outcome.

    Correios mostly drops the line it takes back. Then another stands in that place, out for delivery or on its way,
    and is innocent.
    """
    stood: list[Event] = []
    for event in events:
        if not event.code.startswith("EST "):
            stood.append(event)
            continue
        last = next((at for at in reversed(range(len(stood))) if stood[at].standing is Standing.EFFECTIVE), None)
        if last is not None and (stood[last].code.startswith("BD") or stood[last].status.is_final):
            stood[last] = replace(stood[last], standing=Standing.VOIDED)
        stood.append(replace(event, standing=Standing.INFORMATIVE))
    return stood


def pickup(lines: Sequence[Line]) -> Pickup | None:
    """Where the newest pickup line says the parcel waits; None when it gives no address."""
    waiting = [line for line in lines if line.codigo.strip().upper() == "LDI"]
    if not waiting:
        return None
    newest = max(waiting, key=lambda line: in_brasilia(line.dt_hr_criado))
    unit = unit_in(newest.unidade)
    where = unit.endereco
    if where is None or not (where.logradouro or where.cidade):
        return None
    street = " ".join(str(part).strip() for part in (where.logradouro, where.numero, where.complemento) if part)
    town = "/".join(part.strip() for part in (where.cidade, where.uf) if part)
    deadline = moment(newest.dt_limite_retirada)
    return Pickup(
        place=(unit.nome or unit.tipo or "Correios").strip(),
        address=", ".join(part for part in (street, (where.bairro or "").strip(), town, str(where.cep or "")) if part),
        deadline=deadline.date() if deadline else None,
    )


def in_brasilia(written: str) -> datetime:
    """A time as Correios writes it: what the clocks in Brasília show, unless it says otherwise."""
    at = datetime.fromisoformat(written.strip())
    return at.astimezone(BRASILIA) if at.tzinfo else combine(at, at.time(), BRASILIA)  # replace takes six times as long


def moment(written: object) -> datetime | None:
    try:
        return in_brasilia(str(written))
    except (ValueError, OverflowError):
        return None
