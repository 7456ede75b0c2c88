"""
The revisions of the schema that this version knows.

Apart from :mod:`rastro.warehouse.migrate`, since each task looks at them and few bring anything up to date: what that
takes is a third of all that a task imports.
"""

from pathlib import Path

MIGRATIONS = Path(__file__).parent / "migrations"


def revisions() -> list[str]:
    """All of them, the newest first."""
    return sorted((script.stem for script in MIGRATIONS.glob("versions/*.sql")), reverse=True)
