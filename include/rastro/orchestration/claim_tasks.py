"""The body of the task that looks for claims and sleepers, after the day's report."""

from dataclasses import asdict

from rastro.orchestration.tasks import stage
from rastro.orchestration.workshop import Workshop
from rastro.pipeline import find_claims as finding


def find_claims(run_id: str) -> dict[str, int]:
    """What can be claimed now, and which parcels sleep; whichever day the report was about."""
    shop = Workshop.open(run_id)
    with stage(shop, "find_claims") as running, shop.connect() as conn:
        found = asdict(finding.find_claims(conn, shop.settings, shop.clock()))
        running.figures = dict(found)
        return found
