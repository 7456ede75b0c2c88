"""The trigger form: what a person, a script or a backfill may ask of a run beyond its hour."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow.sdk import Param

from rastro.carriers.registry import CARRIERS
from rastro.errors import Misconfigured
from rastro.models import EVERYTHING, Channel, Selection
from rastro.numbers import numbers_in

TIME: dict[str, Any] = {"type": ["string", "null"], "format": "date-time", "section": "Window"}
ONLY: dict[str, Any] = {"type": "string", "section": "Only these shipments"}
HOW: dict[str, Any] = {"type": "boolean", "section": "How"}

PARAMS = {
    "dry_run": Param(
        False,  # noqa: FBT003 -- the default of a checkbox
        title="Dry run",
        description="Work everything out, send nothing. What would be sent stands in rastro.v_rehearsal.",
        **HOW,
    ),
    "account": Param("", title="Account", description="Source account, such as vtex:shop_main", **ONLY),
    "carrier": Param("", title="Carrier", description="Its code", examples=list(CARRIERS), **ONLY),
    "numbers": Param(
        "",
        title="Orders or tracking numbers",
        description="Pasted as they are: lines, commas, blanks. They are asked about now, whatever their plan says.",
        format="multiline",
        **ONLY,
    ),
    "window_start": Param(None, title="From", description="Not the run's own hour", **TIME),
    "window_end": Param(None, title="Until", **TIME),
    "reprocess": Param(
        False,  # noqa: FBT003 -- likewise
        title="Reprocess",
        description=(
            "Read the answers that were kept once more, with today's tables. No carrier is asked and no customer is "
            "mailed; orders and marketplaces are put right. Without a window: all that are kept."
        ),
        **HOW,
    ),
    "retry_quarantine": Param(
        False,  # noqa: FBT003 -- likewise
        title="Retry the quarantine",
        description="Read what was put aside once more: kept bodies with today's parsers, orders from their source.",
        **HOW,
    ),
    "release": Param(
        [],
        title="Release",
        description="Channels that this run sends on although more is owed than most_notices allows",
        type="array",
        items={"type": "string", "enum": list(Channel)},
        examples=list(Channel),
        section="How",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What was asked of a run."""

    selection: Selection = EVERYTHING
    dry_run: bool = False
    reprocess: bool = False
    retry_quarantine: bool = False
    release: frozenset[Channel] = frozenset()


def form_of(context: Mapping[str, Any]) -> Form:
    """
    :param context: Airflow's task context.
    :raises Misconfigured: what was pasted holds no number, or two wishes exclude each other.
    """
    params = context.get("params") or {}
    pasted = str(params.get("numbers") or "")
    numbers = numbers_in(pasted)
    if pasted.strip() and not numbers:
        raise Misconfigured("The field for orders and tracking numbers holds none")
    if params.get("dry_run") and params.get("retry_quarantine"):
        raise Misconfigured("Retrying the quarantine closes what can be read now: it cannot be rehearsed in a dry run")
    if params.get("reprocess") and params.get("retry_quarantine"):
        raise Misconfigured(
            "A run that reprocesses asks nobody, and retrying the quarantine asks: trigger one after the other"
        )
    return Form(
        selection=Selection(
            account=str(params.get("account") or "").strip(),
            carrier=str(params.get("carrier") or "").strip(),
            numbers=numbers,
        ),
        dry_run=bool(params.get("dry_run")),
        reprocess=bool(params.get("reprocess")),
        retry_quarantine=bool(params.get("retry_quarantine")),
        release=frozenset(Channel(channel) for channel in params.get("release") or ()),
    )
