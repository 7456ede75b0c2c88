"""
What the lines of a Correios history mean: their status, time, place and standing.

Type and code decide (``correios_status.csv``), the wording only where one code has meant two things over the years.
Times have no zone and are Brasília's. Read 2026-11 from Correios' manuals of tracking and their lists of events.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

import msgspec

from rastro.models import Event, Pickup, Standing, Status
from rastro.routing import folded

BRASILIA = ZoneInfo("America/Sao_Paulo")


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

    @property
    def abroad(self) -> bool:
        return self.tipo is not None and ABROAD.fullmatch(self.tipo) is not None


class Line(msgspec.Struct, rename="camel"):
    codigo: str
    tipo: str | int
    dt_hr_criado: str
    descricao: str | None = None
    unidade: Unit | None = None
    dt_limite_retirada: str | None = None

    @property
    def code(self) -> str:
        return code_of(self.codigo, self.tipo)


@lru_cache(maxsize=4096)
def code_of(codigo: str, tipo: str | int) -> str:
    kind = str(tipo).strip()
    return f"{codigo.strip().upper()} {int(kind):02d}" if kind.isdecimal() else f"{codigo.strip()} {kind}"


def history(lines: Sequence[Line]) -> tuple[Event, ...]:
    """
    Oldest first, each once; at one minute in the carrier's own order, which is newest first nearly everywhere.

    :raises ValueError: a line without a readable time cannot be placed.
    """
    timed = [(local(line.dt_hr_criado), line) for line in lines]
    if timed and timed[0][0] >= timed[-1][0]:
        timed.reverse()
    events = {(event := event_of(at, line)).key: event for at, line in sorted(timed, key=lambda pair: pair[0])}
    return tuple(with_corrections(events.values()))


def event_of(at: datetime, line: Line) -> Event:
    unit = line.unidade or Unit()
    where = unit.endereco or Address()
    city, state = (where.cidade or "").strip(), (where.uf or "").strip()
    wording = (line.descricao or "").strip()
    place = unit.cod_sro or (f"{city}/{state}" if city else unit.nome or "")
    code, abroad = line.code, unit.abroad
    return Event(
        key=f"{code}@{at.replace(tzinfo=None).isoformat()}@{place}",
        occurred_at=at,
        status=status_of(code, wording),
        code=code,
        description=wording,
        city="" if abroad else city,
        state="" if abroad else state,
        country=(unit.nome or where.pais or "").strip() if abroad else "BR",
    )


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
    waiting = [line for line in lines if line.code.startswith("LDI ")]
    newest = max(waiting, key=lambda line: local(line.dt_hr_criado), default=None)
    where = newest.unidade.endereco if newest and newest.unidade else None
    if newest is None or newest.unidade is None or where is None or not (where.logradouro or where.cidade):
        return None
    street = " ".join(str(part).strip() for part in (where.logradouro, where.numero, where.complemento) if part)
    town = "/".join(part.strip() for part in (where.cidade, where.uf) if part)
    deadline = moment(newest.dt_limite_retirada)
    return Pickup(
        place=(newest.unidade.nome or newest.unidade.tipo or "Correios").strip(),
        address=", ".join(part for part in (street, (where.bairro or "").strip(), town, str(where.cep or "")) if part),
        deadline=deadline.date() if deadline else None,
    )


def local(written: str) -> datetime:
    """A time as Correios writes it, made aware: Brasília's unless it says otherwise."""
    at = datetime.fromisoformat(written.strip())
    return at.astimezone(BRASILIA) if at.tzinfo else at.replace(tzinfo=BRASILIA)


def moment(written: object) -> datetime | None:
    try:
        return local(str(written))
    except (ValueError, OverflowError):
        return None
