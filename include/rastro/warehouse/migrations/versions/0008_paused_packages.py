"""What is told about a whole package waits while one of its parcels is paused."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    script = Path(__file__).with_name("0008.sql").read_text(encoding="utf-8")
    # The driver's own cursor, without parameters: a script may hold several statements, and its % is no placeholder.
    op.get_bind().connection.cursor().execute(script)
