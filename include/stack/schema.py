"""
The warehouse's schema as one file, ``include/rastro/warehouse/schema.sql``: what all migrations together come to.

``python -m stack.schema`` writes it; a test compares it with a database that was just migrated.
"""

import re
import subprocess
import tempfile
from pathlib import Path

from stack.postgres import Server, embedded_postgres, program
from stack.processes import INCLUDE
from stack.product import migrate_warehouse

SCHEMA = INCLUDE / "rastro" / "warehouse" / "schema.sql"
HEAD = "-- The schema that all migrations together make. Written by `python -m stack.schema`; not to be edited.\n\n"
# Which months have a partition depends on the day of the migration.
MONTHS = "rastro.tracking_event_[0-9]*"


def schema_of(server: Server, database: str) -> str:
    """The schema ``rastro`` of a database in SQL, the same for the same migrations on any day and machine."""
    done = subprocess.run(
        [
            program("pg_dump"), "--schema-only", "--schema=rastro", "--no-owner", "--no-privileges",
            f"--exclude-table={MONTHS}", server.dsn(database),
        ],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return HEAD + normalised(done.stdout)


def normalised(dump: str) -> str:
    """A dump without its own remarks, its session's settings and what is different each time."""
    statements = re.sub(r"^(--.*|\\\w+ .*|SET .*;|SELECT pg_catalog\.set_config\(.*)\n", "", dump, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", statements).strip() + "\n"


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="rastro-schema-") as folder,
        embedded_postgres(Path(folder) / "postgres", durable=False) as server,
    ):
        migrate_warehouse(server.create("schema"))
        SCHEMA.write_text(schema_of(server, "schema"), encoding="utf-8")
    print(f"Written: {SCHEMA}")


if __name__ == "__main__":
    main()
