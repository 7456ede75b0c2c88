"""Brings the warehouse to the newest schema. Forward only."""

from pathlib import Path
from typing import Any, cast

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import Connection
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from rastro.warehouse import roles

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(dsn: str) -> str:
    """
    Apply what is missing and return the revision reached; safe to repeat and to run twice at once.

    :param dsn: libpq URI of the database, ``postgresql://…``.
    """
    engine = create_engine(
        dsn.replace("postgresql://", "postgresql+psycopg://", 1),
        poolclass=NullPool,
        # Behind a long reader, a change of the schema would hold up everybody who comes after it.
        connect_args={"connect_timeout": 10, "options": "-c lock_timeout=1min -c timezone=UTC"},
    )
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(hashtext('rastro.migrate'))"))
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS rastro"))
        connection.commit()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        roles.grant(cast("Connection[Any]", connection.connection.driver_connection))
        connection.commit()
        return str(connection.execute(text("SELECT version_num FROM rastro.migration")).scalar_one())


def revisions() -> list[str]:
    """All revisions of the schema, the newest first."""
    return [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
