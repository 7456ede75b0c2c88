"""What the stack asks of the product, by its own command line."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from stack.postgres import Server
from stack.processes import StackError

RASTRO = Path(sys.executable).with_name("rastro")


def migrate_warehouse(dsn: str) -> None:
    """Brings a warehouse to the newest schema."""
    _rastro("migrate", RASTRO_WAREHOUSE_DSN=dsn)


def copy_warehouse(postgres: Server, name: str, template: str) -> str:
    """A copy of a warehouse that is at home where it is; its DSN."""
    dsn = postgres.create(name, template=template)
    with psycopg.connect(dsn) as conn:
        conn.execute("UPDATE rastro.installation SET home = rastro.here()")
    return dsn


def pools() -> dict[str, dict[str, Any]]:
    """Airflow's pools that the DAGs name, in the form of ``airflow pools import``."""
    return dict(json.loads(_rastro("pools")))


def _rastro(*arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [str(RASTRO), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode:
        raise StackError(f"`rastro {' '.join(arguments)}` failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
