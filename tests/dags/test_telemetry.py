"""What a running Airflow sends to a collector while a run goes through its scheduler."""

from typing import Any

import pytest

from rastro.metrics import METRICS, PREFIX
from telemetry import Collector

pytestmark = pytest.mark.slow


def private_words(world: Any) -> set[str]:
    """What points at a person, a parcel or an order, or opens a door."""
    info = world.info()
    named = ("tracking_number", "email", "order_id", "invoice_number", "marketplace_order_id")
    words = {parcel[name] for parcel in world.truth() for name in named if len(parcel[name] or "") > 3}
    return words | {info["vtex"]["app_token"], info["correios"]["access_code"], info["smtp"]["password"]}


def test_a_run_sends_every_metric_of_the_table_and_nobodys_data(job: Any, collector: Collector) -> None:
    job.shop.send(40, share_sql=0.5)
    run = job.run()
    assert run["state"] == "success", job.why(run["dag_run_id"])
    told = collector.last(f"{PREFIX}.rastro.")
    assert {name for name, _ in told} == {f"{PREFIX}.{name}" for name in METRICS}
    assert (
        told["airflow.rastro.carrier.references", frozenset({"carrier": "correios", "answer": "changed"}.items())] > 0
    )
    assert told["airflow.rastro.calls", frozenset({"peer": "correios", "answer": "2xx"}.items())] > 0
    private = {word.encode() for word in private_words(job.shop.world)}
    assert len(private) > 100
    assert not [word for word in private for body in collector.bodies if word in body]
