"""The task that sends the letter: what was asked and what was done, as in :mod:`rastro.orchestration.tasks`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rastro.letter import week_before
from rastro.orchestration.stages import stage
from rastro.orchestration.workshop import Workshop
from rastro.pipeline import letter

LOCAL = ZoneInfo("America/Sao_Paulo")


def send_letter(run_id: str, context: Mapping[str, Any]) -> dict[str, int]:
    """Mail the letter about the last whole week before the run's time, to whom the settings name; once."""
    shop = Workshop.open(run_id)
    with stage(shop, "send_letter") as running:
        if not shop.settings.letter_to:
            running.figures = {"sent": 0, "to": 0}
            return {"sent": 0, "to": 0}
        sending = letter.Sending(
            connect=shop.connect, postman=shop.postman, sender=shop.sender(), to=shop.settings.letter_to,
            language=shop.settings.mail_language, named=lambda code: shop.carrier_names.get(code, code),
            clock=shop.clock,
        )  # fmt: skip
        at = context.get("logical_date") or context["dag_run"].run_after
        # The moment itself belongs to the day that begins with it.
        sent = letter.send(sending, week_before((at + timedelta(seconds=1)).astimezone(LOCAL).date()))
        figures = {"sent": int(sent), "to": len(shop.settings.letter_to)}
        running.figures = dict(figures)
        return figures
