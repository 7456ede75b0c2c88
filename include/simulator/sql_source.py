"""The shop's own database: a table of shipments, as an ERP would keep it, in any PostgreSQL."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

COLUMNS = {
    "order_id": "text NOT NULL",
    "invoice_number": "text NOT NULL",
    "tracking_number": "text",
    "courier": "text",
    "service": "text",
    "carrier_id": "text",
    "shipper_cnpj": "text",
    "tracking_url": "text",
    "invoice_key": "text",
    "invoiced_at": "timestamptz NOT NULL",
    "promised_at": "timestamptz",
    "updated_at": "timestamptz NOT NULL",
    "customer_name": "text",
    "customer_email": "text",
    "locale": "text",
    "city_to": "text",
    "state_to": "text",
    "marketplace_order_id": "text",
    "marketplace": "text",
}


def insert(dsn: str, relation: str, rows: Sequence[dict[str, Any]]) -> None:
    """
    Add rows to the table ``schema.name``, made here when it is not there.

    :raises psycopg.Error: the database cannot be reached or refuses.
    """
    table = sql.Identifier(*relation.split("."))
    columns = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in COLUMNS.items()]
    with psycopg.connect(dsn, connect_timeout=10) as connection, connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE TABLE IF NOT EXISTS {} ({}, UNIQUE (order_id, invoice_number, tracking_number))").format(
                table, sql.SQL(", ").join(columns)
            )
        )
        names = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
        with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(table, names)) as copy:
            for row in rows:
                copy.write_row([row[name] for name in COLUMNS])
