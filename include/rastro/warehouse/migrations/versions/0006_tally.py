"""Figures counted once a run for those who look, and indexes by which single things are found."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    script = Path(__file__).with_name("0006.sql").read_text(encoding="utf-8")
    # The driver's own cursor, without parameters: a script may hold several statements, and its % is no placeholder.
    op.get_bind().connection.cursor().execute(script)
