"""What ``rastro export`` copies."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """``rows`` and ``months`` are statements: the rows of one month, and the months with something new since then."""

    name: str
    rows: str
    months: str


DATASETS = (
    Dataset(name="v_shipment", rows="export_v_shipment", months="months_of_v_shipment"),
    # A delivery that is taken back is missing in the month of its parcel.
    Dataset(name="v_delivery", rows="export_v_delivery", months="months_of_v_shipment"),
    Dataset(name="v_change", rows="export_v_change", months="months_of_v_change"),
    Dataset(name="v_event", rows="export_v_event", months="months_of_v_event"),
    Dataset(name="delivery_fact", rows="export_delivery_fact", months="months_of_delivery_fact"),
    Dataset(name="carrier_day", rows="export_carrier_day", months="months_of_carrier_day"),
    Dataset(name="forecast", rows="export_forecast", months="months_of_forecast"),
)
