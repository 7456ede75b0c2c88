"""The map of what is held of persons has every column, and says of each what becomes of it."""

import re
from email import message_from_string, policy

import psycopg
import pytest

from holdings import TABLES, places_of
from rastro import personal_data
from rastro.carriers.registry import CARRIERS
from rastro.personal_data import BODY, HELD, OURS, SORTS, sort_of_columns
from stack import docs

pytestmark = pytest.mark.slow

CAN_HOLD_ANYTHING = """
SELECT c.relname || '.' || a.attname
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'rastro'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'migration'
  AND a.attnum > 0 AND NOT a.attisdropped
  AND a.atttypid NOT IN ('bigint'::regtype, 'integer'::regtype, 'smallint'::regtype, 'boolean'::regtype, 'date'::regtype,
                         'timestamptz'::regtype, 'interval'::regtype, 'double precision'::regtype, 'real[]'::regtype,
                         'real'::regtype, 'numeric'::regtype, 'date[]'::regtype, 'datemultirange'::regtype)
"""  # noqa: E501  a statement


def test_every_column_that_can_hold_text_or_bytes_has_its_place_in_the_map(warehouse) -> None:
    there = {name for (name,) in warehouse.connection.execute(CAN_HOLD_ANYTHING)}
    assert {"notice.recipient", "inbox_part.refs", "raw_answer.raw", "shipment_state.pickup"} <= there
    assert there - sort_of_columns().keys() == set(), "say in rastro.personal_data what stands in it"
    assert sort_of_columns().keys() - there == set(), "there is no such column any more"


def test_a_new_column_is_missed(warehouse) -> None:
    warehouse.connection.execute("ALTER TABLE rastro.shipment ADD COLUMN receiver_name text")
    there = {name for (name,) in warehouse.connection.execute(CAN_HOLD_ANYTHING)}
    assert there - sort_of_columns().keys() == {"shipment.receiver_name"}


def test_each_column_stands_in_the_map_once_and_each_sort_is_of_some_column() -> None:
    named = [
        f"{table}.{column}" for table, sorts in HELD.items() for columns in sorts.values() for column in columns.split()
    ]
    assert len(named) == len(set(named))
    used = set(sort_of_columns().values())
    assert used == set(SORTS)
    assert len({one.name for one in SORTS}) == len(SORTS)
    assert not [one.name for one in SORTS if not (one.what and one.why and one.kept and one.readers and one.at_a_wish)]


def test_the_page_tells_of_every_column_that_is_not_ours_alone() -> None:
    page = (docs.DOCS / "privacy.md").read_text("utf-8")
    missing = [name for name, sort in sort_of_columns().items() if sort is not OURS and f"`{name}`" not in page]
    assert missing == []
    assert personal_data.__doc__


def test_what_is_searched_for_leaks_is_every_table(warehouse) -> None:
    with psycopg.connect(warehouse.dsn) as conn:
        searched = {name for schema, name in conn.execute(TABLES).fetchall() if schema == "rastro"}
    assert set(HELD) <= searched


def test_what_carriers_say_of_people_stands_in_their_bodies_alone(wide, caplog) -> None:
    wide.configure(tracking_page="https://rastro.loja.example")
    simulated = sorted(set(wide.simulator.info()["carriers"]) & set(CARRIERS))
    assert len(simulated) > 10
    wide.carried(len(simulated), carriers=simulated, kinds=["delivered"])
    assert [hour.failures for hour in wide.to_the_end() if hour.failures] == []
    sent = [message_from_string(mail["raw"], policy=policy.default) for mail in wide.simulator.mails()]
    links = {found for mail in sent for found in re.findall(r"/r/([\w-]{22})", mail.get_body(["plain"]).get_content())}
    assert len(sent) > 10
    assert links
    bodies = {name for name, sort in sort_of_columns().items() if sort is BODY}
    said = {"pessoa inventada", "pessoa.inventada", "000.000.000-00"}
    assert {place for place, _ in places_of(wide.warehouse, said)} & bodies, "carriers do name people"
    people = {row[name] for row in wide.rows_held() for name in ("customer_name", "customer_email") if row[name]}
    assert places_of(wide.warehouse, said | people | links, passed_over=bodies) == set()
    log = "\n".join(one.getMessage() for one in caplog.get_records("call") if one.name.startswith("rastro")).casefold()
    assert "email_customers: sent" in log
    assert not [word for word in said | people | links if word.casefold() in log]
