"""The simulated services as a process of their own, for the demo and for tests that need them outside."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack.processes import INCLUDE, StackError, running, tail


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulator:
    """Where the running simulator listens, and where it writes down what it received, as JSON lines."""

    url: str
    smtp_port: int
    log: Path
    mail_log: Path


@contextmanager
def simulator(state: Path, *, options: Sequence[str] = ()) -> Iterator[Simulator]:
    """
    Runs the simulator for as long as the block lasts, on free ports, its state and logs below ``state``.

    :param options: further options of ``python -m simulator``.
    :raises StackError: it ends or does not get ready; the message holds the end of its log.
    """
    own, logs = state / "simulator", state / "logs"
    own.mkdir(parents=True, exist_ok=True)
    log, mail_log, ready = logs / "simulator.jsonl", logs / "mail.jsonl", own / "ready.json"
    ready.unlink(missing_ok=True)
    files: list[str | Path] = ["--state", own / "state", "--log", log, "--mail-log", mail_log, "--ready", ready]
    command = [sys.executable, "-m", "simulator", "--port", "0", "--smtp-port", "0", *files, *options]
    with running({"simulator": command}, logs=logs, env={**os.environ, "PYTHONPATH": str(INCLUDE)}) as processes:
        _wait_until_ready(ready, processes["simulator"], logs / "simulator.log")
        told = json.loads(ready.read_text())
        yield Simulator(url=told["url"], smtp_port=told["smtp_port"], log=log, mail_log=mail_log)


def _wait_until_ready(ready: Path, process: subprocess.Popen[bytes], log: Path, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise StackError(f"The simulator did not start. The end of {log}:\n{tail(log)}")
        time.sleep(0.05)
