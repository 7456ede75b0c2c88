"""docs/recover.md: its commands are run one after the other, on a database of the test's own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stack.postgres import Server, program
from stack.state import REPOSITORY

PAGE = (REPOSITORY / "docs/recover.md").read_text("utf-8")
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if line
]


@pytest.mark.slow
def test_a_backup_is_made_and_tried_out_as_it_is_shown(warehouse, postgres: Server, tmp_path: Path) -> None:
    assert [line.split()[0] for line in COMMANDS] == ["rastro", "createdb", "rastro", "dropdb"]
    path = os.pathsep.join([str(Path(sys.executable).parent), str(program("createdb").parent), os.environ["PATH"]])
    told = {
        "PATH": path, "PGHOST": str(postgres.socket_folder), "PGUSER": "postgres",
        "RASTRO_WAREHOUSE_DSN": warehouse.dsn,
    }  # fmt: skip
    for command in COMMANDS:
        here = re.sub(r"\$\(date \+%F\)|2026-11-26", "today", command).replace("/backup/", f"{tmp_path}/")
        done = subprocess.run(
            ["sh", "-c", here], env=os.environ | told, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
