"""What can be done by hand: the forms, and what of them goes to the DAG ``act_by_hand``. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from rastro.wishes import Action, wishes_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """
    ``fields`` are those of the form beside the reason, ``needs`` the ones that must be filled; ``does`` says what
    comes of it.
    """

    title: str
    does: str
    fields: tuple[str, ...]
    needs: tuple[str, ...]


def on_parcels(title: str, does: str, *needs: str, may: tuple[str, ...] = ()) -> Act:
    return Act(title=title, does=does, fields=("numbers", *needs, *may), needs=("numbers", *needs))


def on_notices(title: str, does: str) -> Act:
    return Act(title=title, does=does, fields=("notice_ids",), needs=("notice_ids",))


ACTS: Mapping[Action, Act] = {
    Action.CONFIRM_DELIVERY: on_parcels(
        "Confirm a delivery",
        "The parcel counts as delivered. Order, customer and marketplace are told as if the carrier had said so.",
        may=("occurred_at", "description"),
    ),
    Action.ADD_EVENT: on_parcels(
        "Add a tracking update",
        "It stands in the parcel's history as if the carrier had said so, and is told likewise.",
        "status",
        may=("occurred_at", "description", "city", "state"),
    ),
    Action.UNDO: on_parcels(
        "Undo what was added by hand",
        "The last update or delivery by hand is withdrawn; what was told already is put right where that can be done.",
    ),
    Action.POLL_NOW: on_parcels("Ask the carrier now", "The parcel is asked about at once, whatever its plan says."),
    Action.PAUSE: on_parcels(
        "Pause",
        "The parcel is not asked about and nothing is told about it; what is owed waits, with all that its order and "
        "marketplace are told of the whole package.",
    ),
    Action.RESUME: on_parcels("Resume", "The parcel is followed again, and due now."),
    Action.CHANGE_CARRIER: on_parcels(
        "Change the carrier",
        "The parcel is asked about at this carrier, whatever its source goes on saying.",
        "carrier",
    ),
    Action.CHANGE_NUMBER: on_parcels(
        "Change the tracking number",
        "The parcel has this number, whatever its source goes on saying. Where progress is written back to the order, "
        "the number is written there, and followed from the next run on.",
        "number",
    ),
    Action.OPEN_CLAIM: on_parcels(
        "Open a claim",
        "The parcel is listed among the claims to be filed at its carrier; one that was settled is open again.",
        "claim",
    ),
    Action.FILE_CLAIM: on_parcels(
        "Note a claim as filed",
        "It was filed at the carrier, which gave it a number. Without an amount the parcel's value counts.",
        "protocol",
        may=("amount",),
    ),
    Action.CLAIM_PAID: on_parcels("Note a claim as paid", "The carrier has paid it.", "amount"),
    Action.CLAIM_REFUSED: on_parcels(
        "Note a claim as refused", "The carrier refuses it, or nobody wants to make it; the reason says which."
    ),
    Action.RETRY_QUARANTINE: Act(
        title="Read what was put aside", does="All that is in quarantine is read once more.", fields=(), needs=()
    ),
    Action.RESEND_MAIL: on_notices("Send a mail again", "The same mail goes to the customer once more."),
    Action.RELEASE: on_notices("Release", "A notice that was given up, or is in doubt, is tried again."),
    Action.DROP: on_notices("Drop", "The notice is never sent."),
}
LABELS = {
    "numbers": "Orders or tracking numbers",
    "shipment_ids": "Parcels, by the numbers of their pages",
    "notice_ids": "Numbers of notices",
    "status": "Status",
    "occurred_at": "When it happened",
    "description": "What happened",
    "city": "City",
    "state": "State",
    "carrier": "Carrier",
    "number": "New tracking number",
    "claim": "What is claimed for",
    "protocol": "The carrier's number of the claim",
    "amount": "Amount",
    "reason": "Reason",
}


def fields_of(action: str, filled: Mapping[str, str]) -> tuple[str, ...]:
    """The fields of an action's form; parcels are named by the numbers of their pages where these are given."""
    by_id = bool(filled.get("shipment_ids"))
    return tuple("shipment_ids" if name == "numbers" and by_id else name for name in ACTS[Action(action)].fields)


def wish_of(filled: Mapping[str, str]) -> dict[str, str]:
    """
    The values of the DAG's form for what a person filled in; only the fields that the action has.

    :raises Misconfigured: something lacks or makes no sense; the message says all of it.
    """
    action = filled.get("action", "")
    fields = fields_of(action, filled) if action in set(Action) else ()
    given = {name: filled.get(name, "").strip() for name in ("action", *fields, "reason")}
    return read({name: value for name, value in given.items() if value})


def wish_of_many(table: str, reason: str) -> dict[str, str]:
    """
    Many acts at once, a line of the table for each.

    :raises Misconfigured: something lacks or makes no sense; the message says all of it, by line.
    """
    return read({"csv": table, "reason": reason.strip()})


def read(wish: dict[str, str]) -> dict[str, str]:
    """The wish, read as the DAG will read it, so that a person hears at once what is wrong with it."""
    wishes_in(wish)
    return wish
