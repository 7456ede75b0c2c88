"""
Child processes that surely end: each in a session of its own, so that none of its descendants can be missed.

:func:`running` is the one way in. Should this process be killed, :mod:`stack.watchdog` ends its children.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

INCLUDE = Path(__file__).resolve().parents[1]


class StackError(Exception):
    """Something that had to run does not; the message says what to do and where its log is."""


@contextmanager
def running(
    commands: Mapping[str, Sequence[str | Path]],
    *,
    logs: Path,
    env: Mapping[str, str] | None = None,
    stop: signal.Signals = signal.SIGTERM,
    patience: float = 20.0,
) -> Iterator[Mapping[str, subprocess.Popen[bytes]]]:
    """
    Runs commands side by side for as long as the block lasts.

    :param commands: name → command; its output goes to the end of ``NAME.log`` in ``logs``.
    :param stop: asks a command to stop, and once more after half of ``patience`` seconds; then its session is killed.
    """
    logs.mkdir(parents=True, exist_ok=True)
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            children[name] = child = _start(command, logs / f"{name}.log", env)
            _watch(child.pid, stop, patience)
        yield children
    finally:
        end_sessions({child.pid: child for child in children.values()}, stop, patience)
        for child in children.values():
            _unwatch(child.pid)


def end_sessions(leaders: Mapping[int, subprocess.Popen[bytes] | None], stop: signal.Signals, patience: float) -> None:
    """
    Ends sessions side by side: asks their leaders, then whatever outlives its leader, and kills what does not listen.

    :param leaders: session → its leader, where that is a child of this process and wants to be collected.
    """
    started = time.monotonic()
    asked: dict[int, int] = {}
    while left := members(leaders):
        waited = time.monotonic() - started
        for pid, session in left.items():
            if waited > patience:
                _send(pid, signal.SIGKILL)
            elif pid == session and asked.get(pid, 0) < (2 if waited > patience / 2 else 1):
                asked[pid] = asked.get(pid, 0) + 1
                _send(pid, stop)
            elif session not in left and pid not in asked:
                asked[pid] = 1
                _send(pid, signal.SIGTERM)
        time.sleep(0.05)


def members(leaders: Mapping[int, subprocess.Popen[bytes] | None]) -> dict[int, int]:
    """Processes that live in these sessions, process → session; the dead that wait to be collected do not count."""
    for leader in leaders.values():
        if leader is not None:
            leader.poll()
    found = {pid: _session_of(pid) for pid in _all_pids()}
    return {pid: session for pid, session in found.items() if session in leaders and not _is_zombie(pid)}


def command_of(pid: int) -> str:
    """The command line of a process; empty when there is no such process."""
    line = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self").exists():
        with suppress(OSError):
            return line.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        return ""
    return subprocess.run(["ps", "-p", str(pid), "-o", "args="], capture_output=True, text=True, check=False).stdout


def stop_when_told() -> None:
    """Makes a request to terminate, or a closed terminal, unwind the stack like Ctrl-C, so that children are ended."""

    def unwind(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, unwind)
    signal.signal(signal.SIGHUP, unwind)


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, for an error message."""
    with suppress(OSError):
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    return f"(no log at {log})"


def _start(command: Sequence[str | Path], log: Path, env: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            [os.fspath(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            start_new_session=True,
        )


@dataclass(slots=True, kw_only=True)
class _Watch:
    """The watchdog of this process, for as long as there is something to watch."""

    owner: int
    program: subprocess.Popen[bytes]
    watched: set[int] = field(default_factory=set)

    def tell(self, line: str) -> None:
        if self.program.stdin is not None:
            self.program.stdin.write(f"{line}\n".encode())
            self.program.stdin.flush()


_watches: list[_Watch] = []


def _watch(child: int, stop: signal.Signals, patience: float) -> None:
    if not _watches or _watches[0].owner != os.getpid():  # a fork of ours must not speak for its parent
        program = subprocess.Popen(
            [sys.executable, "-m", "stack.watchdog"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(INCLUDE)},
            start_new_session=True,
        )
        _watches[:] = [_Watch(owner=os.getpid(), program=program)]
    _watches[0].watched.add(child)
    _watches[0].tell(f"+{child} {stop.value} {patience}")


def _unwatch(child: int) -> None:
    watch = _watches[0]
    watch.watched.discard(child)
    watch.tell(f"-{child}")
    if not watch.watched:
        _watches.clear()
        watch.program.communicate()


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _all_pids() -> list[int]:
    if Path("/proc/self").exists():
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    listing = subprocess.run(["ps", "-axo", "pid="], capture_output=True, text=True, check=True).stdout
    return [int(line) for line in listing.split()]


def _session_of(pid: int) -> int:
    """0, which no session has, for a process that is gone or not ours to ask about."""
    with suppress(ProcessLookupError, PermissionError):
        return os.getsid(pid)
    return 0


def _is_zombie(pid: int) -> bool:
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return False
