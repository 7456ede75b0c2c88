"""Alembic's entry: runs the migrations over the connection that :mod:`rastro.warehouse.migrate` hands it."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, version_table="migration", version_table_schema="rastro", transaction_per_migration=True
)
with context.begin_transaction():
    context.run_migrations()
