"""Which pages there are, and what each asks of who opens it. Pure, so that the documentation is made from it."""

from dataclasses import dataclass
from enum import StrEnum


class May(StrEnum):
    """A right to open pages; each is a permission on a DAG (see :mod:`rastro.pages.access`)."""

    SEE = "see"  # read track_deliveries
    ACT = "act"  # trigger act_by_hand; sees personal data
    BACKFILL = "backfill"  # trigger track_deliveries


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """``answer`` is the name of the function in :mod:`rastro.pages.views`."""

    method: str
    path: str
    may: May
    answer: str
    what: str


def get(path: str, may: May, answer: str, what: str) -> Route:
    return Route(method="GET", path=path, may=may, answer=answer, what=what)


def post(path: str, may: May, answer: str, what: str) -> Route:
    return Route(method="POST", path=path, may=may, answer=answer, what=what)


ROUTES = (
    get("/", May.SEE, "overview", "today at a glance"),
    get("/style.css", May.SEE, "style", "how the pages look"),
    get("/search", May.SEE, "search", "finds orders and tracking numbers"),
    post("/search", May.ACT, "search_address", "finds the parcels of an e-mail address"),
    get("/shipments/{shipment_id}", May.SEE, "shipment", "all about one parcel"),
    get("/problems", May.SEE, "problems", "what waits for a person"),
    get("/hours/{hour}", May.SEE, "hour", "the coverage and the runs of one hour"),
    get("/runs/{dag_id}/{run_id}", May.SEE, "run", "the state of a run, and what it did"),
    get("/act", May.ACT, "act_form", "the forms of what can be done by hand"),
    post("/act", May.ACT, "act", "does it"),
    get("/csv", May.ACT, "csv_form", "the form for many acts at once"),
    post("/csv", May.ACT, "act_by_csv", "does them"),
    get(
        "/claims",
        May.SEE,
        "claims_page",
        "what can be claimed from carriers, what became of it, and the money at stake",
    ),
    get("/claims/{shipment_id}", May.SEE, "claim", "one claim, and what speaks for it"),
    get("/claims.csv", May.ACT, "claims_csv", "claims as a list"),
    get("/claims.xlsx", May.ACT, "claims_workbook", "the same for Excel"),
    get("/letter", May.SEE, "letter", "what changed in the deliveries of any days: sentences, plots, numbers"),
    get("/letter/{name}.png", May.SEE, "plot", "one plot of the letter, as an image"),
    get("/audit", May.ACT, "audit", "what was done by hand: who, what, why, before, after"),
    post("/backfill", May.BACKFILL, "backfill", "runs missed hours again"),
)
