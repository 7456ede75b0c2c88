"""
What the warehouse holds of persons: every column that can hold text or bytes, and the sort of thing that stands in it.

``docs/privacy.md`` is made from it, and a column that is missing here fails a test.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """
    One sort of content.

    ``kept`` is for how long, ``readers`` who can read it besides whoever may query the warehouse itself, ``at_a_wish``
    what becomes of it when the person is erased.
    """

    name: str
    what: str
    why: str
    kept: str
    readers: str
    at_a_wish: str


OURS = Sort(
    name="ours",
    what="codes, states, accounts, ids of runs, digests, words of our own: nothing of a person",
    why="the work itself",
    kept="for ever",
    readers="whoever may read the DAG `track_deliveries`",
    at_a_wish="stays",
)
NUMBER = Sort(
    name="number",
    what="number of an order, package, parcel or invoice: leads to a person at the shop, a carrier or a marketplace",
    why="to ask carriers, to tell order systems and marketplaces",
    kept="until the person is erased",
    readers="whoever may read the DAG `track_deliveries`",
    at_a_wish="gone",
)
PLACE = Sort(
    name="place",
    what="city, state, and where a parcel waits to be collected",
    why="to tell the customer; to learn how long deliveries to a state take",
    kept="until the person is erased",
    readers="as numbers; the customer, on the order's tracking page",
    at_a_wish="the state stays, the rest is gone",
)
CONTACT = Sort(
    name="contact",
    what="address that a mail went to, masked (`j***@c***.example`), and its keyed hash",
    why="not to mail anybody too often, to find a customer's parcels by address, to show what was sent",
    kept="`keep_contacts` after the order's last parcel ended and nothing is owed",
    readers="whoever may trigger the DAG `act_by_hand`",
    at_a_wish="gone",
)
REFUSED = Sort(
    name="refused address",
    what="keyed hash of an address that a mail server refused for good",
    why="never to mail it again",
    kept="until the person is erased by e-mail",
    readers="nobody",
    at_a_wish="gone",
)
MESSAGE = Sort(
    name="message",
    what="text of a mail or of what else was told, without name and address",
    why="to show what was told; to send the very same again after a doubtful end",
    kept="`keep_contents`",
    readers="whoever may trigger the DAG `act_by_hand`",
    at_a_wish="gone",
)
PROOF = Sort(
    name="proof",
    what="initials of who took a parcel, address of the carrier's picture of it",
    why="to settle complaints about deliveries",
    kept="`keep_contents`",
    readers="whoever may trigger the DAG `act_by_hand`",
    at_a_wish="gone",
)
WORDS = Sort(
    name="others' words",
    what="sentences of carriers, servers and order systems; addresses, documents, telephone numbers are cut out first",
    why="to tell what happened, and what went wrong",
    kept="until the person is erased",
    readers="whoever may trigger the DAG `act_by_hand`; descriptions of events also the order system",
    at_a_wish="gone",
)
TYPED = Sort(
    name="typed by hand",
    what="what people of the shop typed: reasons of acts by hand, couriers",
    why="to know why something was done",
    kept="until the person is erased",
    readers="whoever may trigger the DAG `act_by_hand`",
    at_a_wish="gone",
)
STAFF = Sort(
    name="staff",
    what="user name of the shop's own person who acted",
    why="to know who did what",
    kept="for ever",
    readers="whoever may trigger the DAG `act_by_hand`",
    at_a_wish="stays, since it is of somebody else",
)
BODY = Sort(
    name="body",
    what="what carriers answered or sent, as it came: may name who receives or took a parcel, with address or document",
    why="to read it again when a table or parser is corrected; `keep_raw_answers` switches the last answers off",
    kept="`keep_contents`; news of parcels that nobody follows `sync_horizon`; answers not loaded yet to the next run",
    readers="whoever has the command line, by `rastro quarantine show`",
    at_a_wish="gone",
)
LINK = Sort(
    name="link",
    what="hash of a tracking page's token; the token is kept nowhere",
    why="to show the order's page to whoever has its link",
    kept="`tracking_link_for` after the order's last parcel ended",
    readers="nobody",
    at_a_wish="gone: the page is not there any more",
)
FORGOTTEN = Sort(
    name="forgotten",
    what="keyed hash of an order or number that was erased",
    why="not to keep it again when its source or carrier tells of it",
    kept="for ever",
    readers="nobody",
    at_a_wish="is made",
)
SECRET = Sort(
    name="secret",
    what="access tokens of carriers and marketplaces, encrypted: nothing of a person",
    why="to be let in",
    kept="until it ends",
    readers="tasks, with Airflow's Fernet key",
    at_a_wish="stays",
)
SORTS = (
    NUMBER, CONTACT, REFUSED, MESSAGE, PROOF, WORDS, TYPED, BODY, PLACE, LINK, STAFF, FORGOTTEN, SECRET, OURS,
)  # fmt: skip

# Table → sort → its columns.
HELD: Mapping[str, Mapping[Sort, str]] = {
    "awaited_order": {OURS: "account", NUMBER: "order_id"},
    "call_budget": {OURS: "carrier"},
    "carrier_day": {OURS: "carrier service state_from state_to city_to"},  # of parcels that are counted together
    "carrier_plan": {OURS: "carrier"},
    "contract": {OURS: "carrier account contract"},
    "correction": {OURS: "account carrier", NUMBER: "order_id invoice_number tracking_number new_number"},
    "delivery_fact": {
        OURS: "account carrier service ended_as status hours_in",
        PLACE: "state_from city_from state_to city_to",
    },
    "erased": {FORGOTTEN: "name_hash"},
    "forecast": {OURS: "lane_level"},
    "habit": {OURS: "carrier step lane"},
    "incident": {OURS: "kind subject said told"},
    "inbox": {OURS: "carrier contract way digest", BODY: "body"},
    "inbox_part": {OURS: "carrier", NUMBER: "refs", BODY: "raw"},
    "installation": {OURS: "schema_oid"},
    "manual_action": {
        OURS: "act_key run_id action account",
        NUMBER: "order_id subject before after",
        TYPED: "reason",
        STAFF: "done_by",
    },
    "notice": {
        OURS: "channel kind content target state claimed_by handed_over_by run_id",
        NUMBER: "message_id",
        CONTACT: "recipient recipient_hash",
        MESSAGE: "rendered facts",
        WORDS: "reason receipt",
    },
    "notice_attempt": {OURS: "outcome run_id claimed_by", WORDS: "answer"},
    "pace": {OURS: "account"},
    "poll_batch": {OURS: "run_id carrier contract", WORDS: "trouble"},
    "poll_state": {
        OURS: "carrier contract status digest meaning refusal step",
        NUMBER: "reference",
        WORDS: "refusal_text",
    },
    "quarantine": {OURS: "origin reason run_id", NUMBER: "subject", WORDS: "detail", BODY: "raw"},
    "raw_answer": {BODY: "raw"},
    "rehearsal": {
        OURS: "run_id channel target account kind verdict",
        NUMBER: "order_id invoice_number",
        CONTACT: "recipient",
        MESSAGE: "rendered",
        WORDS: "reason",
    },
    "run_stage": {OURS: "run_id stage part figures calls", WORDS: "trouble"},
    "shipment": {
        OURS: (
            "account shipper_cnpj carrier service origin affiliate marketplace_endpoint route route_reason marketplace "
            "locale skip warning declined_by"
        ),
        NUMBER: (
            "order_id invoice_number tracking_number tracking_text tracking_url invoice_key carrier_id "
            "marketplace_order_id"
        ),
        PLACE: "city_to state_to",
        WORDS: "carrier_reason",
        TYPED: "courier",
    },
    "shipment_change": {OURS: "from_status to_status run_id", NUMBER: "event_key"},
    "shipment_state": {OURS: "status", NUMBER: "status_key", PLACE: "pickup", PROOF: "received_by proof_url"},
    "source": {OURS: "account decided_by"},
    "staged_snapshot": {OURS: "digest meaning run_id", BODY: "snapshot raw"},
    "suppressed_address": {REFUSED: "address_hash", OURS: "reason"},
    "tally": {OURS: "subject part word"},
    "token": {OURS: "holder", SECRET: "sealed"},
    "tracking_event": {
        OURS: "status standing code",
        NUMBER: "event_key",
        WORDS: "description",
        PLACE: "city state country",
    },
    "tracking_link": {OURS: "account", NUMBER: "order_id", LINK: "token_hash"},
    "working_day": {OURS: "carrier state"},
}


def sort_of_columns() -> dict[str, Sort]:
    """``table.column`` → what stands in it."""
    return {
        f"{table}.{column}": sort
        for table, sorts in HELD.items()
        for sort, columns in sorts.items()
        for column in columns.split()
    }
