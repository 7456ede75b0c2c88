"""Brings the warehouse to the newest schema. Forward only."""

from typing import Any, cast

import psycopg
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from rastro.errors import Misconfigured, Permanent
from rastro.warehouse import roles
from rastro.warehouse.revisions import MIGRATIONS


def migrate(dsn: str) -> str:
    """
    Apply what is missing and return the revision reached; safe to repeat and to run twice at once.

    :param dsn: libpq URI of the database, ``postgresql://…``.
    :raises Misconfigured: the schema is newer than this version.
    :raises Permanent: one of them failed; those before it stay, and nothing of it does.
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
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise Misconfigured(f"This Rastro is too old for the warehouse: {error}") from error
        except (DBAPIError, psycopg.Error) as error:
            connection.rollback()
            said = str(getattr(error, "orig", error)).strip().split("\n")[0]
            raise Permanent(
                f"The migration stopped at revision {revision_of(connection) or 'none'}, and what it had begun beyond "
                f"that is undone: {said}. Put that right, then run rastro migrate again"
            ) from error
        roles.grant(cast("psycopg.Connection[Any]", connection.connection.driver_connection))
        connection.commit()
        return revision_of(connection)


def revision_of(connection: Connection) -> str:
    if connection.execute(text("SELECT to_regclass('rastro.migration')")).scalar_one() is None:
        return ""
    return str(connection.execute(text("SELECT version_num FROM rastro.migration")).scalar_one())
