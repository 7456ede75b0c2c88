"""What was received, as JSON lines: one per HTTP request, one per mail. Appended and flushed, secrets masked."""

from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from simulator.calls import Call
from simulator.world import now

SECRET_HEADERS = {
    "authorization",
    "cookie",
    "proxy-authorization",
    "webhook-signature",
    "x-vtex-api-appkey",
    "x-vtex-api-apptoken",
}
MASK = "***"


class JsonLines:
    """A file of JSON lines; without a path, nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO | None = None if path is None else path.open("ab", buffering=0)

    def write(self, record: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(msgspec.json.encode(record) + b"\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def request_line(call: Call, status: int, body: bytes, *, acted: bool = True) -> dict[str, Any]:
    """
    One request and its answer; status 0 means that none was given. ``acted`` is false when it was not even looked at.
    """
    shown = body.decode("utf-8", "replace")
    if call.segments[:1] == ("correios",) and call.segments[1:2] == ("token",) and status == 201:
        shown = msgspec.json.encode({**msgspec.json.decode(body), "token": MASK}).decode()
    return {
        "time": now().isoformat(),
        "method": call.method,
        "path": call.path,
        "headers": {name: MASK if name in SECRET_HEADERS else value for name, value in call.headers.items()},
        "body": call.body.decode("utf-8", "replace"),
        "status": status,
        "acted": acted,
        "answer": shown,
    }
