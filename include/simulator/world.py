"""The world that everybody asks about: parcels, orders, what marketplaces were told, and the passing of time in it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from simulator.calls import Malformed
from simulator.journeys import Line, Place, Step, journey
from simulator.places import unit
from simulator.records import Delivery, Meta, Order, Parcel, Settings, Sold
from simulator.store import Store

BRASILIA = ZoneInfo("America/Sao_Paulo")
TRACKING_PAGE = "https://rastreamento.correios.com.br/app/index.php?objetos="


@dataclass(slots=True)
class Clock:
    """What time it is for everybody in this process, ahead of the machine's own clock or behind it."""

    ahead: timedelta = timedelta()


CLOCK = Clock()


def now() -> datetime:
    return datetime.now(UTC) + CLOCK.ahead


def carrier_time(at: datetime) -> str:
    return at.astimezone(BRASILIA).strftime("%Y-%m-%dT%H:%M:%S")


def from_carrier_time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BRASILIA)


class World:
    """
    All state, in memory and written through to the store. One event loop owns it; nothing here waits.

    ``versions`` counts the changes of each record, so that whoever caches an answer knows when it is old. It outlives
    a reset, since the numbers of an emptied world are given out anew.
    """

    def __init__(self, folder: Path | None = None, seed: int = 0) -> None:
        self._store = Store(folder)
        self.meta = dict(self._store.load("meta", Meta)).get("", Meta(seed=seed))
        self.settings = dict(self._store.load("settings", Settings)).get("", Settings())
        self._set_clock()
        self.parcels = dict(self._store.load("parcel", Parcel))
        self.orders = dict(self._store.load("order", Order))
        self.market_orders = dict(self._store.load("market", Order))
        self.webhooks = dict(self._store.load("webhook", Delivery))
        self.sold = dict(self._store.load("sold", Sold))
        self._found: dict[str, dict[str, Parcel]] = {}
        self.versions: dict[str, int] = {}

    def reset(self) -> None:
        """An empty world with the same seed."""
        self._store.clear()
        self.meta, self.settings = Meta(seed=self.meta.seed), Settings()
        self._set_clock()
        self._found.clear()
        for records in (self.parcels, self.orders, self.market_orders, self.webhooks, self.sold):
            records.clear()

    def close(self) -> None:
        self._store.close()

    def configure(self, changes: dict[str, Any]) -> Settings:
        unknown = sorted(set(changes) - set(asdict(self.settings)))
        if unknown:
            raise Malformed(f"no such settings: {', '.join(unknown)}; there are {', '.join(asdict(self.settings))}")
        for name, value in changes.items():
            kind = type(getattr(self.settings, name))
            fits = str if kind is str else int | float
            if not isinstance(value, fits) or isinstance(value, bool) != (kind is bool):
                raise Malformed(f"{name} must be a {kind.__name__}")
        self.settings = replace(self.settings, **changes)
        self._set_clock()
        self._store.save("settings", [("", self.settings)])
        return self.settings

    def _set_clock(self) -> None:
        CLOCK.ahead = timedelta(seconds=self.settings.clock_ahead)

    def next_serial(self) -> int:
        """A number never given before; the caller saves the meta record when it has taken all it needs."""
        self.meta.serial += 1
        return self.meta.serial

    def save_meta(self) -> None:
        self._store.save("meta", [("", self.meta)])

    def parcel_by(self, field: str, value: str) -> Parcel | None:
        """The newest parcel whose field of that name has this value."""
        if field not in self._found:
            self._found[field] = {getattr(parcel, field): parcel for parcel in self.parcels.values()}
        return self._found[field].get(value) if value else None

    def save_sold(self, orders: Iterable[Sold]) -> None:
        self._keep("sold", self.sold, [(f"{order.code}/{order.order_id}", order) for order in orders])

    def save_parcels(self, parcels: Iterable[Parcel]) -> None:
        parcels = list(parcels)
        if any(parcel.number not in self.parcels for parcel in parcels):
            self._found.clear()
        self._keep("parcel", self.parcels, [(parcel.number, parcel) for parcel in parcels])

    def save_orders(self, orders: Iterable[Order]) -> None:
        self._keep("order", self.orders, [(order.key, order) for order in orders])

    def save_market_orders(self, orders: Iterable[Order]) -> None:
        self._keep("market", self.market_orders, [(order.key, order) for order in orders])

    def save_webhook(self, delivery: Delivery) -> None:
        self._keep("webhook", self.webhooks, [(f"{delivery.name}/{delivery.id}", delivery)])

    def _keep(self, kind: str, records: dict[str, Any], changed: list[tuple[str, Any]]) -> None:
        for key, record in changed:
            records[key] = record
            self.versions[f"{kind}:{key}"] = self.versions.get(f"{kind}:{key}", 0) + 1
        self._store.save(kind, changed)

    def advance(self, steps: int, cohort: int | None = None) -> dict[str, int]:
        """
        Reveal the next ``steps`` steps of every parcel that has some left.

        :return: events revealed, parcels moved, parcels with steps left.
        """
        chosen = [parcel for parcel in self.parcels.values() if cohort in {None, parcel.cohort}]
        events, moved, orders = 0, {}, {}
        for _ in range(steps):
            for parcel in chosen:
                life = journey(parcel.kind)
                if parcel.position >= len(life.steps):
                    continue
                step = life.steps[parcel.position]
                parcel.position += 1
                events += len(step.lines)
                moved[parcel.number] = parcel
                reveal(parcel, step, until=now())
                if step.numbers:
                    order = self.orders[f"{parcel.account}/{parcel.order_id}"]
                    order.packages[0].tracking_number = order.pending_number
                    order.packages[0].tracking_url = TRACKING_PAGE + parcel.number
                    parcel.follow, parcel.reason = True, ""
                    orders[order.key] = order
        self.save_parcels(moved.values())
        self.save_orders(orders.values())
        self.meta.advances += steps
        self.save_meta()
        left = sum(parcel.position < len(journey(parcel.kind).steps) for parcel in chosen)
        return {"revealed": events, "parcels": len(moved), "left": left}


def reveal(parcel: Parcel, step: Step, *, until: datetime, minutes_apart: float = 1 / 60) -> None:
    """
    Write a step's lines on the parcel, the newest stamped ``until``, each later than the one before it.

    Two reveals within one second push the second one into the next, since one parcel's lines never share a second.
    """
    if step.withdraws:
        parcel.withdrawn += parcel.lines[-step.withdraws :]
        del parcel.lines[-step.withdraws :]
    written = [from_carrier_time(line["dtHrCriado"]) for line in (*parcel.lines, *parcel.withdrawn)]
    last = max((at for at in written if at < until + timedelta(days=1)), default=None)  # misdated ones push nothing
    for place, line in enumerate(step.lines):
        if line.dated:
            parcel.lines.append(event(parcel, line, from_carrier_time(line.dated)))
            continue
        at = until - timedelta(minutes=minutes_apart * (len(step.lines) - 1 - place))
        if last is not None:
            at = max(at, last + timedelta(seconds=1))
        last = at
        parcel.lines.append(event(parcel, line, at))
    parcel.revealed_at.append(now().isoformat())


def event(parcel: Parcel, line: Line, at: datetime) -> dict[str, Any]:
    """One line as Correios writes it."""
    written: dict[str, Any] = {
        "codigo": line.codigo,
        "tipo": line.tipo,
        "dtHrCriado": carrier_time(at),
        "descricao": line.descricao,
        "unidade": unit(line.place, parcel.origin, parcel.destination, whole=line.place is Place.COUNTER),
    }
    if line.detalhe:
        written["detalhe"] = line.detalhe
    if line.towards is not None:
        written["unidadeDestino"] = unit(line.towards, parcel.origin, parcel.destination)
    if line.deadline_days is not None:
        written["dtLimiteRetirada"] = carrier_time(at + timedelta(days=line.deadline_days))[:10]
    return written
