"""
A table or view of shipments, in any database that SQLAlchemy and an Airflow connection reach, as a source.

The relation has one row for each package, or several that share order and invoice number, with the columns of
:data:`COLUMNS`; the optional ones may be absent. A shop whose names differ makes a view. Timestamps without an offset
are read as UTC. A package is read again, with all of its rows, whenever the ``updated_at`` of one of them moves: it
must move when the tracking number is filled in, until when the row is passed over, and when it is corrected. Nothing
is written back, so the customers are mailed by us, at the addresses the row holds at that moment.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import cached_property
from itertools import groupby
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    DateTime,
    MetaData,
    Select,
    Table,
    and_,
    case,
    func,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.exc import DBAPIError, InterfaceError, NoSuchTableError, OperationalError
from sqlalchemy.types import NullType

from rastro.confirmation import Carriage, Confirmation, OrderMarks, not_ours, order_route
from rastro.errors import Misconfigured, Rejected, Transient
from rastro.models import Route, Shipment
from rastro.numbers import split_numbers
from rastro.orders.base import Aside, Contact, Setup, is_masked
from rastro.receivers import Receiver
from rastro.setting_values import OrderRoute

ROWS_AT_ONCE = 1000
# How long one statement may take, in the words of the databases that have such words: a locked table holds up no run.
PATIENCE = {
    "postgresql": "SET LOCAL statement_timeout = '10min'",
    "mysql": "SET SESSION max_execution_time = 600000",
    "mariadb": "SET SESSION max_statement_time = 600",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceColumn:
    """One column of the relation: ``kind`` is text, number or timestamp; ``personal`` ones are for mails alone."""

    name: str
    kind: str
    meaning: str
    required: bool = False
    personal: bool = False


COLUMNS = (
    SourceColumn(name="order_id", kind="text", required=True, meaning="the shop's number of the order; indexed"),
    SourceColumn(name="invoice_number", kind="text", required=True, meaning="the invoice the package went out with"),
    SourceColumn(
        name="tracking_number",
        kind="text",
        required=True,
        meaning=(
            "the carrier's number, or several parted by semicolons; empty until there is one. A package that has an "
            "invoice_key, a shipper_cnpj or a carrier_id is followed without, where its carrier is asked by these"
        ),
    ),
    SourceColumn(
        name="updated_at", kind="timestamp", required=True, meaning="when anything in the row last changed; indexed"
    ),
    SourceColumn(name="courier", kind="text", meaning="the carrier's name as people write it"),
    SourceColumn(name="service", kind="text", meaning="the carrier's or gateway's code of the service"),
    SourceColumn(
        name="carrier_id", kind="text", meaning="the carrier's own id of the parcel, for those that are asked by it"
    ),
    SourceColumn(name="tracking_url", kind="text", meaning="the carrier's page about the parcel"),
    SourceColumn(name="invoice_key", kind="text", meaning="the invoice's access key, 44 digits"),
    SourceColumn(name="shipper_cnpj", kind="text", meaning="CNPJ of whoever posted it; else taken from the key"),
    SourceColumn(name="invoiced_at", kind="timestamp", meaning="when the invoice was issued"),
    SourceColumn(name="promised_at", kind="timestamp", meaning="the delivery date the customer was promised"),
    SourceColumn(name="ordered_at", kind="timestamp", meaning="when the order was placed"),
    SourceColumn(
        name="customer_name", kind="text", personal=True, meaning="for the greeting; only its first word is used"
    ),
    SourceColumn(
        name="customer_email",
        kind="text",
        personal=True,
        meaning="the customer's real address; empty where nobody may be mailed, as for marketplaces that do it",
    ),
    SourceColumn(
        name="receiver_name", kind="text", personal=True, meaning="the same of whoever receives it and is not the buyer"
    ),
    SourceColumn(
        name="receiver_email",
        kind="text",
        personal=True,
        meaning=(
            "that person's address, mailed beside the customer's; empty where nobody else is to be told. Where nobody "
            "is mailed at customer_email, nobody is mailed here"
        ),
    ),
    SourceColumn(
        name="declared_value",
        kind="number",
        meaning="what the invoice says the package is worth, in the shop's currency; counted where it has one number",
    ),
    SourceColumn(name="locale", kind="text", meaning="language of the mails, such as pt-BR"),
    SourceColumn(name="city_to", kind="text", meaning="city of the destination"),
    SourceColumn(name="state_to", kind="text", meaning="state of the destination, two letters"),
    SourceColumn(name="affiliate", kind="text", meaning="code of the marketplace, as in the setting routes"),
    SourceColumn(name="marketplace", kind="text", meaning="its name, used as the code where there is no affiliate"),
    SourceColumn(name="marketplace_order_id", kind="text", meaning="the marketplace's number of the order"),
)
MOST_WORTH = 10**8
RECEIVER_TOO = "receiver_too"
TIMES = tuple(column.name for column in COLUMNS if column.kind == "timestamp")


class SqlSource:
    """One relation of one database."""

    code = "sql"
    whole_packages = True
    own_mail = True
    receiver: Receiver | None = None

    def __init__(self, setup: Setup) -> None:
        self._routes = setup.routes
        schema, _, name = setup.relation.rpartition(".")
        if setup.engine is None or not name or "." in schema:
            raise Misconfigured(
                f"sql: {setup.relation!r} is no relation; write the source as sql:connection:schema.table"
            )
        self._engine = setup.engine
        self._schema, self._name = schema or None, name

    def shipments(self, since: datetime, until: datetime) -> Iterator[Shipment | Aside]:
        """Packages of which a row's ``updated_at`` is in [since, until), streamed, order by order."""
        table = self._table
        changed, order, invoice = table.c.updated_at, table.c.order_id, table.c.invoice_number
        in_window = and_(changed >= like(changed, since), changed < like(changed, until))
        moved = select(order, invoice).where(in_window).distinct().subquery()
        same = and_(order == moved.c.order_id, invoice == moved.c.invoice_number)
        whole = self._select().select_from(table.join(moved, same))
        of_no_package = self._select().where(in_window, or_(order.is_(None), invoice.is_(None)))
        yield from self._packages(union_all(whole, of_no_package))

    def again(self, order_ids: Iterable[str]) -> Iterator[Shipment | Aside]:
        """The orders' packages as they are now."""
        order = self._table.c.order_id
        keys = [key for order_id in order_ids if (key := key_of(order, order_id)) is not None]
        yield from self._packages(self._select().where(order.in_(keys)))

    def contact(self, order_id: str, *, to_receiver: bool = False) -> Contact | None:
        table = self._table
        key = table.c.order_id
        names = [one.name for one in COLUMNS if (one.personal or one.name == "locale") and one.name in table.c]
        wanted = key_of(key, order_id)
        if "customer_email" not in names or wanted is None:
            return None
        rows = select(*(table.c[name] for name in names)).where(key == wanted)
        with self._asked() as connection:
            found = connection.execute(rows.order_by(table.c.updated_at.desc()).limit(1)).mappings().first()
        row = {name: text(value) for name, value in (found or {}).items()}
        buyer = contact_in(row, "customer")
        if buyer is None or not to_receiver:
            return buyer
        receiver = contact_in(row, "receiver")
        return receiver if receiver and receiver.email.lower() != buyer.email.lower() else None

    def probe(self) -> str:
        with self._asked() as connection:
            connection.execute(self._select().limit(1)).first()
        return f"a row of {self._name}"

    def _select(self) -> Select[Any]:
        """
        Every column but the personal ones, as the driver gives it: an odd value must not spoil the whole batch. Of the
        receiver's address only that there is one, beside another of the customer.
        """
        table = self._table
        names = [column.name for column in COLUMNS if column.name in table.c and not column.personal]
        wanted: list[ColumnElement[Any]] = [type_coerce(table.c[name], NullType()).label(name) for name in names]
        if {"customer_email", "receiver_email"} <= set(table.c.keys()):
            buyer, receiver = (func.lower(func.trim(table.c[name])) for name in ("customer_email", "receiver_email"))
            wanted.append(case((and_(buyer != "", receiver != "", receiver != buyer), 1), else_=0).label(RECEIVER_TOO))
        return select().add_columns(*wanted)

    def _packages(self, rows: Select[Any] | CompoundSelect[Any]) -> Iterator[Shipment | Aside]:
        """The packages of these rows, each whole or, when one of its rows cannot be used, not at all."""
        with self._asked() as connection:
            streamed = connection.execution_options(stream_results=True, yield_per=ROWS_AT_ONCE)
            found = streamed.execute(rows.order_by("order_id", "invoice_number", "updated_at")).mappings()
            for _, package in groupby(found, lambda row: (text(row["order_id"]), text(row["invoice_number"]))):
                whole: dict[str, Shipment] = {}
                spoiled = False
                for row in package:
                    for one in self._read(dict(row)):
                        if isinstance(one, Aside):
                            spoiled = True
                            yield one
                        else:
                            whole[one.tracking_number] = one  # the row that changed last has the say
                if len(whole) > 1:
                    whole.pop("", None)  # a row of it has a number
                if not spoiled:
                    yield from whole.values()

    def _read(self, row: Mapping[str, Any]) -> Iterator[Shipment | Aside]:
        texts = {column.name: text(row.get(column.name)) for column in COLUMNS if column.kind == "text"}
        numbers = split_numbers(texts["tracking_number"])
        times, odd = moments(row)
        faults = [f"{name} is empty" for name in ("order_id", "invoice_number") if not texts[name]]
        faults += [f"{name} is no time" for name in odd]
        try:
            value = amount(row.get("declared_value"))
        except ValueError:
            value = None
            faults.append("declared_value is no amount")
        if faults and not numbers:
            return  # it is not finished
        if faults:
            yield Aside(
                order_id=texts["order_id"],
                invoice_number=texts["invoice_number"],
                reason="row_unusable",
                detail=f"In the row of tracking number {numbers[0]}: {', '.join(faults)}; correct it in {self._name}.",
            )
            return
        for number in numbers or [""]:
            one = self._shipment(number, texts, times, receiver_too=bool(row.get(RECEIVER_TOO)))
            yield replace(one, declared_value=value if len(numbers) < 2 else None)

    def _shipment(
        self, number: str, texts: Mapping[str, str], times: Mapping[str, datetime | None], *, receiver_too: bool
    ) -> Shipment:
        affiliate = texts["affiliate"] or texts["marketplace"]
        confirmation = confirmed_by(affiliate, self._routes)
        key = re.sub(r"\D", "", texts["invoice_key"])
        key = key if len(key) == 44 else ""
        return Shipment(
            account="",
            order_id=texts["order_id"],
            invoice_number=texts["invoice_number"],
            tracking_number=number,
            tracking_text=texts["tracking_number"],
            courier=texts["courier"],
            tracking_url=texts["tracking_url"],
            invoice_key=key,
            service=texts["service"],
            carrier_id=texts["carrier_id"],
            shipper_cnpj=re.sub(r"\D", "", texts["shipper_cnpj"]) or key[6:20],
            affiliate=affiliate,
            marketplace_order_id=texts["marketplace_order_id"],
            route=confirmation.route,
            route_reason=confirmation.why,
            marketplace=confirmation.marketplace,
            locale=texts["locale"] or "",
            ordered_at=times.get("ordered_at"),
            invoiced_at=times.get("invoiced_at"),
            promised_at=times.get("promised_at"),
            city_to=texts["city_to"],
            state_to=texts["state_to"],
            receiver_too=receiver_too,
            skip=not_ours(Carriage(couriers=(texts["courier"],), affiliate=affiliate), self._routes),
        )

    @cached_property
    def _table(self) -> Table:
        with self._asked() as connection:
            try:
                table = Table(self._name, MetaData(), schema=self._schema, autoload_with=connection, resolve_fks=False)
            except NoSuchTableError:
                where = f"{self._schema}.{self._name}" if self._schema else self._name
                raise Misconfigured(
                    f"sql: there is no table or view {where}, or the connection's user may not see it"
                ) from None
        missing = [column.name for column in COLUMNS if column.required and column.name not in table.c]
        if missing:
            raise Misconfigured(f"sql: {self._name} lacks the columns {', '.join(missing)}; a view can provide them")
        if not isinstance(table.c.updated_at.type, DateTime | NullType):
            raise Misconfigured(
                f"sql: {self._name}.updated_at is of type {table.c.updated_at.type}; a view can cast it to a timestamp"
            )
        return table

    @contextmanager
    def _asked(self) -> Iterator[Connection]:
        """A connection whose faults are told without the statement, which would show its values."""
        try:
            with self._engine.connect() as connection:
                if patience := PATIENCE.get(connection.dialect.name):
                    connection.exec_driver_sql(patience)
                yield connection
        except DBAPIError as error:
            said = f"sql: reading {self._name} failed ({type(error.orig).__name__})"
            if isinstance(error, OperationalError | InterfaceError):
                raise Transient(f"{said}; is the database up, and are the connection's host and login right?") from None
            raise Rejected(f"{said}; check the relation's columns and what the connection's user may read") from None


def confirmed_by(affiliate: str, routes: Mapping[str, OrderRoute]) -> Confirmation:
    """Who confirms a delivery. No connector does: it passes on what is written on an order, and here nothing is."""
    confirmation = order_route(OrderMarks(affiliate=affiliate), routes)
    if confirmation.route is not Route.CONNECTOR:
        return confirmation
    code = affiliate.strip().upper()
    return Confirmation(
        route=Route.REVIEW,
        why="a connector passes on what is written on an order, and on one of a database nothing is: "
        f"write {code}=direct:adapter:connection in the setting routes, or confirm its deliveries at the marketplace",
    )


def contact_in(row: Mapping[str, str], whose: str) -> Contact | None:
    """
    :param whose: customer or receiver, as the columns' names begin.
    """
    email = row.get(f"{whose}_email", "")
    if "@" not in email or is_masked(email):
        return None
    name = row.get(f"{whose}_name", "").split()
    return Contact(email=email, first_name=name[0] if name else "", locale=row.get("locale", ""))


def key_of(column: Column[Any], order_id: str) -> Any:
    """The order's number as the column's own kind of value; None when it can hold no such number."""
    try:
        return column.type.python_type(order_id)
    except ValueError:
        return None


def like(column: Column[Any], at: datetime) -> Any:
    """``at`` as the column's own kind of timestamp, with or without an offset."""
    aware = bool(getattr(column.type, "timezone", False))
    utc = at.astimezone(UTC)
    return type_coerce(utc if aware else utc.replace(tzinfo=None), DateTime(timezone=aware))


def text(value: object) -> str:
    return "" if value is None else str(value).strip()


def amount(value: object) -> Decimal | None:
    """
    :raises ValueError: it is no amount of money, to the cent and below a hundred million.
    """
    if value is None or value == "":
        return None
    try:
        cents = Decimal(str(value).strip()).quantize(Decimal("0.01"))
        possible = 0 <= cents < MOST_WORTH
    except InvalidOperation:
        possible = False
    if not possible:
        raise ValueError("no amount of money")
    return cents


def moments(row: Mapping[str, Any]) -> tuple[dict[str, datetime | None], list[str]]:
    """The times of a row, and the names of those that are none. ``updated_at`` is only for finding rows."""
    times: dict[str, datetime | None] = {}
    odd = []
    for name in TIMES:
        if name in row and name != "updated_at":
            try:
                times[name] = moment(row[name])
            except ValueError:
                odd.append(name)
    return times, odd


def moment(value: object) -> datetime | None:
    """
    :raises ValueError: the value is neither a date, a time nor the ISO text of one.
    """
    if value is None or value == "":
        return None
    at = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
    if isinstance(at, date) and not isinstance(at, datetime):
        at = datetime.combine(at, time())
    if not isinstance(at, datetime):
        raise ValueError(f"{type(value).__name__} is no time")  # noqa: TRY004 - one odd value like any other
    return at if at.tzinfo else at.replace(tzinfo=UTC)
