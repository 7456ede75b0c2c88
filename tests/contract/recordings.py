"""
Recorded answers of carriers: ``recordings/<carrier>/<case>[.<HTTP status>].<ext>``, ``<case>.expected.json`` beside it.

An expectation is written by hand. It holds ``parcels`` as ``rastro parse`` prints them (and ``pickup``, ``proof`` where
there is one), or ``unreadable`` (a pattern of the message), or ``error`` (a class of :mod:`rastro.errors`, ``says`` a
pattern of its message). ``asked`` are the references that were asked about, where the body does not repeat them;
``push`` or ``feed`` true marks a body that came without a question; in place of the true of one push stands what proves
it (see :mod:`.pushes`). ``<case>.none.txt`` says in a sentence why a carrier can have no such recording.
"""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from rastro.carriers.base import Carrier
from rastro.carriers.registry import CARRIERS
from rastro.cli.reading import told
from rastro.errors import RastroError, Unreadable, error_for
from rastro.http import Response
from rastro.models import Refusal, Snapshot

RECORDINGS = Path(__file__).parents[1] / "recordings"
CASES_OF_ALL = (
    *("delivered", "in_transit", "failed_attempt", "returned"),
    *("not_found", "refused_credentials", "rate_limit", "garbage"),
)


@dataclass(frozen=True)
class Recording:
    code: str
    path: Path

    @property
    def carrier(self) -> Carrier:
        return CARRIERS[self.code]

    @property
    def case(self) -> str:
        return self.path.name.partition(".")[0]

    @property
    def status(self) -> int:
        """The HTTP status it came with."""
        return next((int(word) for word in self.path.name.split(".")[1:-1] if word.isdecimal()), 200)

    @property
    def body(self) -> bytes:
        return self.path.read_bytes()

    @cached_property
    def expected(self) -> dict:
        return json.loads(self.path.with_name(f"{self.case}.expected.json").read_text("utf-8"))

    def parts(self, body: bytes | None = None) -> list[tuple[str, bytes]]:
        """
        The recording cut up as the pipeline would.

        :param body: what arrived in its place.
        :raises RastroError: it is no answer.
        """
        body = self.body if body is None else body
        for way in ("push", "feed"):
            if self.expected.get(way):
                return [(part.references[0], part.raw) for part in getattr(self.carrier, way).parts(body)]
        if not 200 <= self.status < 300 and self.status not in self.carrier.answers:
            raise error_for(self.status, self.code)
        return list(self.carrier.split(Response(status=self.status, body=body), self.expected.get("asked", ())))

    def everything(self, body: bytes | None = None) -> list[Snapshot | Refusal | RastroError]:
        """All that it means; any error but ours comes through."""
        try:
            parts = self.parts(body)
        except RastroError as error:
            return [error]
        found: list[Snapshot | Refusal | RastroError] = []
        for reference, raw in parts:
            try:
                found.append(self.carrier.parse(raw, reference))
            except Unreadable as error:
                found.append(error)
        return found


def all_recordings() -> list[Recording]:
    return [
        Recording(code=folder.name, path=path)
        for folder in sorted(RECORDINGS.iterdir())
        if folder.name in CARRIERS
        for path in sorted(folder.iterdir())
        if not {"expected", "none", "exchange"} & set(path.name.split("."))
    ]


def meaning(carrier: Carrier, reference: str, raw: bytes) -> dict:
    """One part of an answer as an expectation file words it."""
    try:
        said = carrier.parse(raw, reference)
    except Unreadable as error:
        return {"tracking_number": reference, "unreadable": str(error)}
    more = {}
    if isinstance(said, Snapshot):
        more = {name: asdict(value) for name in ("pickup", "proof") if (value := getattr(said, name))}
    return json.loads(json.dumps({**told(said), **more}, default=str))
