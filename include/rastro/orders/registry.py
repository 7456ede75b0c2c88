"""The kinds of order source Rastro knows, by code. One line each; grep finds it and mypy checks it."""

from collections.abc import Mapping

from rastro.orders.base import SourceType
from rastro.orders.sql import SqlSource
from rastro.orders.vtex import FIELDS, Vtex

SOURCES: Mapping[str, SourceType] = {
    "vtex": SourceType(
        code="vtex",
        name="VTEX OMS",
        docs="https://developers.vtex.com/docs/api-reference/orders-api",
        covers="invoiced and partly invoiced orders of one account; progress and delivery are written on the order",
        writes_back=True,
        connects_by="account",
        build=Vtex,
        fields=FIELDS,
        credentials="Make an app key whose role has List Orders, View order and Notify invoice.",
    ),
    "sql": SourceType(
        code="sql",
        name="SQL table or view",
        docs="include/rastro/orders/sql.py",
        covers="shipments in any database an Airflow connection reaches; customers are mailed by us",
        writes_back=False,
        connects_by="engine",
        build=SqlSource,
    ),
}
