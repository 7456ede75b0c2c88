"""The body of the task that looks for claims and sleepers, as in :mod:`rastro.orchestration.tasks`."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rastro.orchestration.stages import stage
from rastro.orchestration.workshop import Workshop
from rastro.pipeline import find_claims as finding


def find_claims(run_id: str, context: Mapping[str, Any]) -> dict[str, int]:  # noqa: ARG001  whatever the run is for
    """What can be claimed now, and which parcels sleep now; how many of each."""
    shop = Workshop.open(run_id)
    with stage(shop, "find_claims") as running, shop.connect() as conn:
        found = asdict(finding.find_claims(conn, shop.settings, shop.clock()))
        running.figures = dict(found)
    return found
