"""The file ``env`` below ``.rastro``: what a shell is told so that ``rastro`` and ``airflow`` mean what runs here."""

import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from stack.airflow import FOREIGN
from stack.state import write_private


@contextmanager
def shell_environment(state: Path, environment: Mapping[str, str], warehouse: str = "") -> Iterator[Path]:
    """
    The file for as long as the block lasts, for its owner only: it holds passwords, and names what runs now.

    :param environment: of Airflow's processes; what is the machine's own of it is left out.
    :param warehouse: libpq URI, where it is known.
    """
    told = {name: value for name, value in environment.items() if name.startswith((*FOREIGN, "NO_PROXY", "no_proxy"))}
    if warehouse:
        told["RASTRO_WAREHOUSE_DSN"] = warehouse
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(told.items())]
    lines.append(f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"')
    file = state / "env"
    write_private(file, "\n".join(lines) + "\n")
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)
