"""A copy of the warehouse in another database, or on another server, is not at home."""

from pathlib import Path

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    script = Path(__file__).with_name("0020.sql").read_text(encoding="utf-8")
    # The driver's own cursor, without parameters: a script may hold several statements, and its % is no placeholder.
    op.get_bind().connection.cursor().execute(script)
