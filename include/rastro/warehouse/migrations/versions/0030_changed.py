"""What has changed lately, by an index."""

from pathlib import Path

from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    script = Path(__file__).with_name("0030.sql").read_text(encoding="utf-8")
    # The driver's own cursor, without parameters: a script may hold several statements, and its % is no placeholder.
    op.get_bind().connection.cursor().execute(script)
