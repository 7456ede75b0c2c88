"""
Misbehaviour on demand: which requests go wrong, in what way, how often. Seeded, so a run can be repeated.

Kinds for HTTP targets (``acts``: the request takes effect all the same):

=============  ====  =========================================================================
status         no    the status asked for, with ``retry_after`` as header; 429 has an empty body, others ``words``
hang           no    the connection is taken and nothing ever comes
drop_before    no    the connection is cut
drop_after     yes   the connection is cut in place of the answer
html           no    an HTML error page (status 200 unless another is given)
empty          no    an empty body (200)
truncated      yes   the first half of the body, complete as HTTP
huge           no    ``size`` bytes of JSON that nobody asked for
latin1         yes   the body in Latin-1, announced as UTF-8
gzip_cut       yes   half of a gzip stream
slow           yes   the body drips over ``seconds``
odd_object     yes   Correios: the first object of the answer has text where its events belong
reworded       yes   Correios: the same events in other letter case and spacing, in another order
shortened      yes   Correios: the newest event of each object is missing
worded         yes   ``words`` stand behind every description, name and place in a body of JSON
=============  ====  =========================================================================

Kinds for the target ``smtp``: mail, rcpt, data (``status`` at that point; rcpt may ``match`` an address), hang and
drop_before (before the mail is taken), drop_after (the mail is taken, the connection cut in place of the answer),
hang_after (the mail is taken, and nothing ever comes).
"""

import gzip
import re
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import msgspec

from simulator.calls import Malformed, Reply

HTTP_KINDS = {
    *("status", "hang", "drop_before", "drop_after", "html", "empty", "truncated"),
    *("huge", "latin1", "gzip_cut", "slow", "odd_object", "reworded", "shortened", "worded"),
}
SMTP_KINDS = {"mail", "rcpt", "data", "hang", "drop_before", "drop_after", "hang_after"}
ACTING = {"drop_after", "truncated", "latin1", "gzip_cut", "slow", "odd_object", "reworded", "shortened", "worded"}
# What people write and read, at Correios and in VTEX's orders and profiles.
WORDED = {
    *("descricao", "detalhe", "nome", "cidade", "uf", "logradouro", "bairro"),
    *("firstName", "lastName", "receiverName"),
}
PAGE = "<!DOCTYPE html><html><head><title>503</title></head><body><h1>Serviço indisponível</h1></body></html>"


class Fault(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One line of ``POST /control/faults``. ``times`` 0 means for ever; ``match`` searches path and query."""

    target: str  # correios, vtex, market, webhook, smtp, or the code of another carrier or marketplace
    kind: str
    match: str = ""
    method: str = ""
    status: int = 0
    retry_after: str = ""
    times: int = 1
    probability: float = 1.0
    skip: int = 0  # let so many matching requests pass first
    seconds: float = 2.0
    size: int = 5 * 1024 * 1024
    words: str = ""
    hits: int = 0

    @property
    def acts(self) -> bool:
        return self.kind in ACTING


class Faults:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.all: list[Fault] = []
        self._chance = Random(seed)

    def add(self, body: bytes) -> list[Fault]:
        try:
            fresh = msgspec.json.decode(body, type=list[Fault])
        except msgspec.DecodeError as error:
            raise Malformed(f"faults: {error}") from None
        for fault in fresh:
            kinds = SMTP_KINDS if fault.target == "smtp" else HTTP_KINDS
            if fault.kind not in kinds:
                raise Malformed(f"{fault.kind!r} is no kind of {fault.target}: {', '.join(sorted(kinds))}")
            try:
                re.compile(fault.match)
            except re.error as error:
                raise Malformed(f"match {fault.match!r}: {error}") from None
        self.all += fresh
        return self.all

    def clear(self) -> None:
        self.all.clear()
        self._chance.seed(self._seed)

    def pick(self, target: str, text: str, *, method: str = "", kinds: frozenset[str] = frozenset()) -> Fault | None:
        """The first fault that concerns this request; it is used up by being picked."""
        for fault in self.all:
            if fault.target != target or (kinds and fault.kind not in kinds):
                continue
            if (fault.times and fault.hits >= fault.times) or (fault.method and fault.method != method):
                continue
            if not re.search(fault.match, text):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.probability >= 1 or self._chance.random() < fault.probability:
                fault.hits += 1
                return fault
        return None


BODIES: Mapping[str, Callable[[Fault, bytes], bytes]] = {
    "status": lambda fault, _: b"" if fault.status == 429 else complaint(fault.words),
    "html": lambda _, __: PAGE.encode(),
    "empty": lambda _, __: b"",
    "truncated": lambda _, body: cut(body),
    "huge": lambda fault, _: b'{"padding":"' + b"x" * fault.size + b'"}',
    "latin1": lambda _, body: body.decode().encode("latin-1", "replace"),
    "gzip_cut": lambda _, body: cut(gzip.compress(body)),
    "odd_object": lambda fault, body: told_otherwise(fault.kind, body),
    "reworded": lambda fault, body: told_otherwise(fault.kind, body),
    "shortened": lambda fault, body: told_otherwise(fault.kind, body),
    "worded": lambda fault, body: msgspec.json.encode(worded(msgspec.json.decode(body), fault.words)),
}


def bent(fault: Fault, reply: Reply) -> Reply:
    """The answer that a fault makes of a good one; those that cut or wait are left to the server."""
    headers = dict(reply.headers)
    if fault.retry_after:
        headers["Retry-After"] = fault.retry_after
    if fault.kind == "gzip_cut":
        headers["Content-Encoding"] = "gzip"
    return Reply(
        status=fault.status or (500 if fault.kind == "status" else reply.status),
        body=BODIES[fault.kind](fault, reply.body) if fault.kind in BODIES else reply.body,
        content_type="text/html; charset=utf-8" if fault.kind == "html" else reply.content_type,
        headers=headers,
    )


def complaint(words: str) -> bytes:
    return msgspec.json.encode({"message": f"An error has occurred.{words}"})


def worded(value: Any, words: str) -> Any:
    """The same with these words behind whatever people read of it."""
    if isinstance(value, list):
        return [worded(one, words) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: f"{one}{words}" if name in WORDED and isinstance(one, str) else worded(one, words)
        for name, one in value.items()
    }


def cut(body: bytes) -> bytes:
    return body[: len(body) // 2]


def told_otherwise(kind: str, body: bytes) -> bytes:
    """A Correios answer with one senseless object, in other words or without its news; any other body unchanged."""
    answer: Any = msgspec.json.decode(body)
    objects = answer.get("objetos") if isinstance(answer, dict) else None
    if not objects:
        return body
    if kind == "odd_object":
        objects[0] = {"codObjeto": objects[0]["codObjeto"], "eventos": "indisponível"}
    elif kind == "shortened":
        for one in objects:
            one["eventos"] = one.get("eventos", [])[1:]
    else:
        for one in objects:
            for event in one.get("eventos", []):
                event["descricao"] = event["descricao"].upper().replace(" ", "  ")
            one.get("eventos", []).reverse()
    return msgspec.json.encode(answer)
