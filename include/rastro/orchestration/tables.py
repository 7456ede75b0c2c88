"""
Which tables of the warehouse a run reads and writes: as assets, that other DAGs can be scheduled on, and as lineage.

An asset is known by its name alone, the same in every installation. Lineage names the database, too; it is collected
where OpenLineage is told where to send it, and costs nothing elsewhere.
"""

from collections.abc import Mapping

from airflow.sdk import Asset
from airflow.sdk.lineage import get_hook_lineage_collector

SHIPMENT, EVENT, CHANGE = (Asset(f"rastro.{name}") for name in ("shipment", "tracking_event", "shipment_change"))
FACT, CARRIER_DAY, FORECAST = (Asset(f"rastro.{name}") for name in ("delivery_fact", "carrier_day", "forecast"))
NOTICES = ("notice", "notice_attempt")
READS: Mapping[str, tuple[str, ...]] = {
    "plan_polls": ("poll_state", "shipment"),
    "track": ("poll_state",),
    "receive_news": ("inbox",),
    "load_changes": ("staged_snapshot",),
    "make_report": ("shipment", "shipment_state", "tracking_event", "estimate", "notice"),
    "forecast_deliveries": ("delivery_fact", "shipment_change"),
    **dict.fromkeys(
        ("update_orders", "email_customers", "confirm_marketplaces", "alert_shop"),
        ("shipment", "shipment_state", "tracking_event"),
    ),
}
WRITES: Mapping[str, tuple[str, ...]] = {
    "sync_orders": ("shipment", "poll_state"),
    "track": ("poll_state", "staged_snapshot", "poll_batch"),
    "receive_news": ("staged_snapshot",),
    "load_changes": ("tracking_event", "shipment_change", "shipment_state", "estimate", "notice"),
    "make_report": ("delivery_fact", "carrier_day"),
    "forecast_deliveries": ("forecast",),
    **dict.fromkeys(("update_orders", "email_customers", "confirm_marketplaces", "alert_shop"), NOTICES),
}


def note_lineage(stage: str, database: str, task: object) -> None:
    """
    :param database: of the warehouse, as ``postgres://host:5432/name``.
    :param task: what the tables are noted for.
    """
    collector = get_hook_lineage_collector()
    for table in READS.get(stage, ()):
        collector.add_input_asset(task, uri=f"{database}/rastro/{table}")  # type: ignore[arg-type]
    for table in WRITES.get(stage, ()):
        collector.add_output_asset(task, uri=f"{database}/rastro/{table}")  # type: ignore[arg-type]
