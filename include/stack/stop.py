"""Stops what runs on the state folder, and nothing else: ``python -m stack.stop``, for ``make clean``."""

import os
import signal
import time
from contextlib import suppress

from stack.state import STATE, holder

PATIENCE_SECONDS = 60.0


def main() -> None:
    pid = holder(STATE)
    if pid is None:
        return
    print(f"Stopping Rastro (process {pid}) …", flush=True)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while holder(STATE) is not None:
        if time.monotonic() > deadline:
            raise SystemExit(f"Process {pid} does not stop; stop it yourself, then try again.")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
