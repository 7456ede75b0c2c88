"""The form and the body of the DAG ``act_by_hand``, and what asks a person whether a channel may go on."""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from airflow.sdk import Param

from rastro.carriers.registry import CARRIERS
from rastro.claims import Reason
from rastro.orchestration.stages import stage
from rastro.orchestration.workshop import Workshop
from rastro.pipeline import by_hand
from rastro.wishes import TOLD, Action, wishes_in

log = logging.getLogger(__name__)

WORDS: Mapping[Action, str] = {
    Action.ADD_EVENT: "Tell of a parcel what its carrier does not",
    Action.CONFIRM_DELIVERY: "Confirm a delivery",
    Action.UNDO: "Take back what was told by hand last",
    Action.POLL_NOW: "Ask the carrier now",
    Action.RESEND_MAIL: "Send the last mail once more",
    Action.RELEASE: "Send what is dead or unknown after all",
    Action.DROP: "Do not send what is dead, unknown or owed",
    Action.RETRY_QUARANTINE: "Read again what was put aside",
    Action.PAUSE: "Pause: do not ask, do not tell",
    Action.RESUME: "Resume",
    Action.CHANGE_CARRIER: "Ask another carrier",
    Action.CHANGE_NUMBER: "Correct the tracking number",
    Action.OPEN_CLAIM: "Open a claim at the carrier, or open it again",
    Action.FILE_CLAIM: "Note a claim as filed",
    Action.CLAIM_PAID: "Note a claim as paid",
    Action.CLAIM_REFUSED: "Note a claim as refused",
}
TOLD_FIELDS: dict[str, Any] = {"type": ["string", "null"], "section": "What happened (add_event, confirm_delivery)"}
RIGHT_FIELDS: dict[str, Any] = {"type": ["string", "null"], "section": "What is right (change_carrier, change_number)"}
CLAIM_FIELDS: dict[str, Any] = {"type": ["string", "null"], "section": "Claims (open_claim, file_claim, claim_paid)"}

PARAMS = {
    "action": Param(
        Action.POLL_NOW.value,
        title="What to do",
        type="string",
        enum=[one.value for one in Action],
        values_display={one.value: words for one, words in WORDS.items()},
    ),
    "numbers": Param(
        "",
        title="Orders or tracking numbers",
        description="Pasted as they are. An order stands for all of its parcels.",
        type=["string", "null"],
        format="multiline",
    ),
    "shipment_ids": Param(
        "",
        title="Parcels",
        description="By the numbers that their pages' addresses end with: instead of orders, or besides",
        type=["string", "null"],
    ),
    "notice_ids": Param(
        "",
        title="Notices",
        description="By their numbers, for resend_mail, release and drop: instead of orders, or besides",
        type=["string", "null"],
    ),
    "reason": Param("", title="Why", description="Kept beside what is done", type=["string", "null"]),
    "status": Param(None, title="Status", type=["string", "null"], enum=[None, *TOLD], section=TOLD_FIELDS["section"]),
    "occurred_at": Param(
        None, title="When", description="2026-11-20 14:30, or 20/11/2026 14:30; empty: now", **TOLD_FIELDS
    ),
    "description": Param("", title="Words", description="As order and customer may read them", **TOLD_FIELDS),
    "city": Param("", title="City", **TOLD_FIELDS),
    "state": Param("", title="State", **TOLD_FIELDS),
    "carrier": Param("", title="Carrier", description="Its code", examples=list(CARRIERS), **RIGHT_FIELDS),
    "number": Param("", title="Tracking number", **RIGHT_FIELDS),
    "claim": Param(None, title="What is claimed for", enum=[None, *(one.value for one in Reason)], **CLAIM_FIELDS),
    "protocol": Param("", title="Protocol", description="The carrier's number of the claim", **CLAIM_FIELDS),
    "amount": Param("", title="Amount", description="Asked or paid: 1234,56", **CLAIM_FIELDS),
    "csv": Param(
        "",
        title="Many at once",
        description=(
            "A table, its first line the names of fields of this form: action, numbers, reason … What it does not "
            "say, the form says for all lines. If one line is wrong, nothing is done."
        ),
        type=["string", "null"],
        format="multiline",
        section="Many at once",
    ),
}


def act_by_hand(run_id: str, context: Mapping[str, Any]) -> list[dict[str, object]]:
    """
    Do what the form asks; what ``track_deliveries`` is to be triggered with, nothing where nothing follows.

    :raises Misconfigured: something of it cannot be done; then nothing is.
    """
    shop = Workshop.open(run_id)
    wishes = wishes_in(context.get("params") or {})
    done_by = getattr(context["dag_run"], "triggering_user_name", None) or "nobody named"
    with stage(shop, "act_by_hand") as running, shop.connect() as conn:
        figures = by_hand.act(
            conn, wishes, shop.settings, list(shop.carriers()), done_by=done_by, run_id=run_id, now=shop.clock()
        )
        conn.commit()
        running.figures = {"wishes": len(wishes), **asdict(figures), "follow": len(figures.follow)}
    if figures.retry_quarantine:
        return [{"retry_quarantine": True}]
    return [{"numbers": "\n".join(figures.follow)}] if figures.follow else []
