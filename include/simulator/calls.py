"""One HTTP call as the parts of the simulator see it, and what they answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

JSON = "application/json; charset=utf-8"


class Malformed(Exception):
    """A body that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """
    ``segments`` are the path's parts, each decoded by itself, so that an encoded slash stays inside its segment.

    ``headers`` have lower-case names. ``url`` is the address this simulator is reached at.
    """

    method: str
    path: str
    segments: tuple[str, ...]
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    url: str

    def first(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.query if key == name), default)

    def every(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name]

    def json(self) -> Any:
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError as error:
            raise Malformed(f"the body is not JSON: {error}") from None

    def record(self) -> dict[str, Any]:
        """The body as a JSON object."""
        value = self.json()
        if not isinstance(value, dict):
            raise Malformed("the body is not a JSON object")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status=status, body=msgspec.json.encode(value), headers=headers or {})


def call_from(scope: Mapping[str, Any], body: bytes, url: str) -> Call:
    """The ASGI scope of a request as a :class:`Call`."""
    raw = scope["raw_path"].decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    return Call(
        method=scope["method"],
        path=f"{raw}?{query}" if query else raw,
        segments=tuple(unquote(part) for part in raw.strip("/").split("/")),
        query=tuple(parse_qsl(query, keep_blank_values=True)),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
        url=url,
    )
