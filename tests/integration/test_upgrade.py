"""An older warehouse in the midst of its work: brought up to date it goes on, and until then it is left alone."""

import psycopg
import pytest
from psycopg import sql

from integration.test_migrations import REVISIONS, tables, upgrade
from rastro.cli import main
from rastro.warehouse.migrate import migrate
from rastro.warehouse.revisions import revisions
from stack.schema import SCHEMA, schema_of

pytestmark = pytest.mark.slow

COLUMNS = (
    "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"
    " AND attgenerated = ''"
)


def as_left_by(dsn: str, revision: str) -> None:
    """The warehouse as code of that revision would have left it: in its schema, with what that has room for."""
    with psycopg.connect(dsn) as conn:
        conn.execute("ALTER SCHEMA rastro RENAME TO newer")
    upgrade(dsn, revision)
    with psycopg.connect(dsn) as conn:
        conn.execute("SET session_replication_role = replica")  # whatever the order of the tables
        copied = 0
        for table in [one for one in tables(conn) if one != "installation"]:  # which is of that revision's own making
            there, here = (
                [name for (name,) in conn.execute(COLUMNS, [f"{schema}.{table}"])] for schema in ("newer", "rastro")
            )
            columns = sql.SQL(", ").join(sql.Identifier(name) for name in here if name in there)
            copied += conn.execute(
                sql.SQL("INSERT INTO {} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {}").format(
                    sql.Identifier("rastro", table), sql.Identifier("newer", table), columns=columns
                )
            ).rowcount
        assert copied > 50
        for table, column in conn.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'rastro' AND is_identity = 'YES'"
        ).fetchall():
            conn.execute(
                sql.SQL(
                    "SELECT setval(pg_get_serial_sequence(%s, %s), (SELECT coalesce(max({}), 0) + 1 FROM {}))"
                ).format(sql.Identifier(column), sql.Identifier("rastro", table)),
                [f"rastro.{table}", column],
            )
        conn.execute("DROP SCHEMA newer CASCADE")


@pytest.mark.parametrize("revision", ["0001", "0010", REVISIONS[-2]])
def test_an_older_warehouse_goes_on_where_it_was_and_nobody_is_told_twice(shop, postgres, revision: str) -> None:
    shop.cohort(24)
    shop.hour()
    shop.advance()
    shop.hour()
    facts = shop.facts()
    told = len(shop.simulator.mails()), len(shop.received("PUT", "/tracking$"))
    assert all(told)
    as_left_by(shop.warehouse, revision)
    assert migrate(shop.warehouse) == REVISIONS[-1]
    assert {name: len(rows) for name, rows in shop.facts().items()} == {name: len(rows) for name, rows in facts.items()}
    assert shop.facts()["states"] == facts["states"]
    assert shop.hour().failures == {}
    assert (len(shop.simulator.mails()), len(shop.received("PUT", "/tracking$"))) == told
    assert shop.advance()
    assert not [hour.failures for hour in shop.to_the_end() if hour.failures]
    ignored = {"calls to Correios as recorded"} if revision == "0001" else set()
    assert [one for one in shop.wrong() if one.name not in ignored] == []


def test_new_code_on_an_old_schema_says_to_migrate_and_does_nothing(shop, capsys) -> None:
    shop.cohort(4)
    shop.execute("DROP SCHEMA rastro CASCADE")
    upgrade(shop.warehouse, REVISIONS[-2])
    asked = len(shop.simulator.requests())
    hour = shop.hour()
    assert len(hour.failures) >= 5
    said = f"is at revision {REVISIONS[-2]}, and {REVISIONS[-1]} is wanted: bring it up to date with rastro migrate"
    assert {said in str(error) for error in hour.failures.values()} == {True}
    assert len(shop.simulator.requests()) == asked
    for command in (["status"], ["quarantine"], ["rehearsal"], ["revoke", "O-1"], ["restored"]):
        assert main([*command, "--dsn", shop.warehouse]) == 1
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "rastro migrate" in said
    assert main(["migrate", "--dsn", shop.warehouse]) == 0
    assert shop.hour().failures == {}


def test_old_code_on_a_newer_schema_leaves_it_alone(shop, capsys) -> None:
    shop.cohort(4)
    shop.hour()
    facts = shop.facts()
    shop.execute("UPDATE rastro.migration SET version_num = '9999'")
    asked = len(shop.simulator.requests())
    hour = shop.hour()
    assert {"this Rastro is too old for it" in str(error) for error in hour.failures.values()} == {True}
    assert len(shop.simulator.requests()) == asked
    assert shop.facts() == facts
    assert main(["migrate", "--dsn", shop.warehouse]) == 1
    said = capsys.readouterr().err
    assert "too old for the warehouse" in said
    assert said.count("\n") == 1


def test_a_migration_that_fails_halfway_leaves_the_last_whole_one_and_is_made_good(postgres, capsys) -> None:
    dsn = postgres.create("rastro_halfway")
    upgrade(dsn, "0001")
    with psycopg.connect(dsn) as conn:
        conn.execute("CREATE TABLE rastro.pace (in_the_way int)")  # what 0013 makes
    assert main(["migrate", "--dsn", dsn]) == 1
    said = capsys.readouterr().err
    assert "stopped at revision 0012" in said
    assert 'relation "pace" already exists' in said
    assert said.count("\n") == 1
    with psycopg.connect(dsn) as conn:
        assert conn.execute("SELECT version_num FROM rastro.migration").fetchone() == ("0012",)
        conn.execute("DROP TABLE rastro.pace")
    assert main(["migrate", "--dsn", dsn]) == 0
    assert schema_of(postgres, "rastro_halfway") == SCHEMA.read_text("utf-8")
    postgres.drop("rastro_halfway")


def test_the_scripts_are_the_revisions_in_their_order() -> None:
    assert revisions() == REVISIONS[::-1]
