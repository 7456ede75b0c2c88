"""The simulator inside a test's own process: ``with running() as sim: sim.url``."""

import asyncio
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.serving import Address, Options, serve

PATIENCE = 60.0


class ControlError(Exception):
    """The simulator refused a control call; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A simulator that runs: where it is, and the control calls as methods."""

    url: str
    smtp_port: int
    log: Path | None = None
    mail_log: Path | None = None

    def control(self, method: str, path: str, body: object = None) -> Any:
        """``control("POST", "advance", {"steps": 1})``."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/control/{path}", data=data, method=method)  # noqa: S310 -- our own loopback
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 -- likewise
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ControlError(error.read().decode()) from None

    def info(self) -> Any:
        return self.control("GET", "info")

    def cohort(self, **request: object) -> Any:
        return self.control("POST", "cohort", request)

    def advance(self, steps: int = 1) -> Any:
        return self.control("POST", "advance", {"steps": steps})

    def truth(self) -> list[dict[str, Any]]:
        parcels: list[dict[str, Any]] = self.control("GET", "truth")["parcels"]
        return parcels

    def configure(self, **settings: object) -> Any:
        return self.control("POST", "settings", settings)

    def fault(self, target: str, kind: str, **more: object) -> Any:
        return self.control("POST", "faults", [{"target": target, "kind": kind, **more}])

    def calm(self) -> None:
        """No faults from here on."""
        self.control("DELETE", "faults")

    def requests(self) -> list[dict[str, Any]]:
        return lines(self.log)

    def mails(self) -> list[dict[str, Any]]:
        return lines(self.mail_log)


def lines(path: Path | None) -> list[dict[str, Any]]:
    if path is None:
        raise ControlError("this simulator was started without a log; give running() a folder")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@dataclass(slots=True)
class Start:
    """What the serving thread reports back."""

    event: threading.Event = field(default_factory=threading.Event)
    address: Address | None = None
    stop: Callable[[], object] | None = None
    failure: BaseException | None = None


@contextmanager
def running(folder: Path | None = None, *, seed: int = 1) -> Iterator[Running]:
    """
    A simulator on free ports, in a thread, for as long as the block lasts.

    ``folder`` keeps its state, ``requests.jsonl`` and ``mails.jsonl``; without one all is forgotten.
    """
    log, mail_log = (None, None) if folder is None else (folder / "requests.jsonl", folder / "mails.jsonl")
    options = Options(state=folder, log=log, mail_log=mail_log, seed=seed)
    start = Start()

    def started(address: Address, stop: Callable[[], object]) -> None:
        start.address, start.stop = address, stop
        start.event.set()

    def work() -> None:
        try:
            asyncio.run(serve(options, started=started, signals=False))
        except BaseException as error:  # noqa: BLE001 -- told to the thread that waits for it
            start.failure = error
        finally:
            start.event.set()

    thread = threading.Thread(target=work, name="simulator", daemon=True)
    thread.start()
    start.event.wait(PATIENCE)
    if start.address is None or start.stop is None:
        raise ControlError(f"the simulator did not start: {start.failure}")
    try:
        yield Running(url=start.address.url, smtp_port=start.address.smtp_port, log=log, mail_log=mail_log)
    finally:
        start.stop()
        thread.join(PATIENCE)
