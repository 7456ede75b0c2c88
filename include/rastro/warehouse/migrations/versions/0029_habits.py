"""Habits of a silence and a part of the day together."""

from pathlib import Path

from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    script = Path(__file__).with_name("0029.sql").read_text(encoding="utf-8")
    # The driver's own cursor, without parameters: a script may hold several statements, and its % is no placeholder.
    op.get_bind().connection.cursor().execute(script)
