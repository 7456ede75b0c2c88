"""
Ends what a process started when that process itself is gone, however it went.

Run as a program by :mod:`stack.processes`, which writes one line per child to its standard input:
``+SESSION SIGNAL PATIENCE`` when one starts, ``-SESSION`` when it has ended. End of input means the parent is gone.
"""

import signal
import sys
from collections.abc import Iterable

from stack.processes import end_sessions


def left_running(lines: Iterable[str]) -> list[tuple[int, signal.Signals, float]]:
    """Session, signal and patience of what has not ended by the last line, in order of starting."""
    running: dict[int, tuple[int, signal.Signals, float]] = {}
    for line in lines:
        if line.startswith("+"):
            session, stop, patience = line[1:].split()
            running[int(session)] = int(session), signal.Signals(int(stop)), float(patience)
        else:
            running.pop(int(line[1:]), None)
    return list(running.values())


def main() -> None:
    for one in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    for session, stop, patience in reversed(left_running(sys.stdin)):
        end_sessions({session: None}, stop, patience)


if __name__ == "__main__":
    main()
