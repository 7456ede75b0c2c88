"""The customers' tracking pages as a process of their own: ``rastro serve``, for the demo."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

from stack.processes import StackError, running, tail


@contextmanager
def tracking_pages(address: str, *, environment: Mapping[str, str], logs: Path) -> Iterator[None]:
    """
    Serves tracking pages for as long as the block lasts.

    :param address: where mails say that the pages are, with host and port.
    :raises StackError: it ends or does not get ready; the message holds the end of its log.
    """
    host, _, port = address.removeprefix("http://").partition(":")
    command = [sys.executable, "-m", "rastro.cli", "serve", "--host", host, "--port", port]
    with running({"serve": command}, logs=logs, env=environment) as processes:
        deadline = time.monotonic() + 60
        while not _answers(address):
            if processes["serve"].poll() is not None or time.monotonic() > deadline:
                log = logs / "serve.log"
                raise StackError(f"The tracking pages are not served. The end of {log}:\n{tail(log)}")
            time.sleep(0.25)
        yield


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/health", timeout=5).ok
    except requests.RequestException:
        return False
