"""
Any carrier with an HTTP-JSON service, by description: one YAML file instead of a module.

``described/generic.yaml`` is the commented example that people copy, and the carrier ``generic`` itself; it speaks for
no company. The descriptions beside it are of carriers that need no code. What holds for a line whatever a description
says stands in :mod:`rastro.carriers.generic_lines`.

Quirks: a part is one item of the answer, written anew with its names in order and without what the description says
changes by itself; several items about one reference are a list. A parcel that is refused by an HTTP status, or by not
being in the answer, gets a part of our own that says so.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from rastro.access import Access, Field
from rastro.carriers import generic_lines, generic_question, json_paths, lines, templates
from rastro.carriers.base import Asks, Carrier
from rastro.carriers.description import ConnectionField, Description, OAuth2, several
from rastro.carriers.description_reading import description_from
from rastro.carriers.generic_rules import complaint_in
from rastro.errors import Unreadable
from rastro.http import Request, Response
from rastro.models import ReferenceKind, Refusal, RefusalReason, Snapshot, Status
from rastro.numbers import normalise
from rastro.references import kind_of
from rastro.routing import Claims

TEMPLATE = Path(__file__).parent / "described" / "generic.yaml"
OURS = "$not_found"  # the one name in a part that we wrote ourselves
BY_NAME = "@name"
ACCOUNT = {
    "login": ConnectionField(name="login", label="User"),
    "password": ConnectionField(name="password", label="Password or key", secret=True),
}


class Generic(Carrier):
    """A carrier whose attributes come from a description; ``code`` is the name of its file."""

    def __init__(self, code: str, description: Description) -> None:
        self.description = description
        self.meanings = generic_lines.Meanings.of(description.outcome)
        for name, value in attributes(code, description).items():
            setattr(self, name, value)  # constants of the description, as those of others are of their module

    @classmethod
    def from_file(cls, path: Path) -> "Generic":
        """
        :raises Misconfigured: the file is no sound description; the message lists all that is wrong.
        :raises OSError: there is no such file.
        """
        return cls(path.stem, description_from(path))

    @property
    def pool(self) -> str:
        """All of them are asked in one pool, since pools are made before anybody describes a carrier."""
        return TEMPLATE.stem

    def page_about(self, number: str) -> str:
        return templates.filled(self.description.page, {"tracking_number": quote(number, safe="")}) or ""

    def doubt_about(self, reference: str) -> str:
        if kind_of(reference) is ReferenceKind.INVOICE_KEY and "invoice_number" not in templates.values_of(reference):
            return "it is not of the form of an access key, 44 digits"
        return ""

    def request_for(self, references: Sequence[str], access: Access) -> Request:
        return generic_question.request(self.code, self.description, references, access, self.answers)

    def split(self, response: Response, asked: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
        about = self.description
        try:
            if response.status in about.not_found.http and (response.status >= 300 or not response.body.strip()):
                return iter(self._unknown(response, asked))
            body = self._decoded(response.body)
            items = items_of(body, about.reply.items, by_name=BY_NAME in several(about.reply.key))
            complaint = complaint_in(body, about)
            if complaint:
                complaint.raise_if_of_all(self.code)
            if items is None and complaint and complaint.reason is RefusalReason.NOT_FOUND:
                return iter([(one, ours(complaint.message)) for one in asked or ("",)])
            if items is None:
                raise ValueError(str(complaint or f"nothing stands at {about.reply.items}"))
            return iter(self._parts(items, asked))
        except lines.UNREADABLE as error:
            raise Unreadable(f"{self.code}: the answer makes no sense ({error})", raw=response.body) from error

    def parse(self, raw: bytes, reference: str = "") -> Snapshot | Refusal:
        part = self._decoded(raw)
        if isinstance(part, dict) and OURS in part:
            return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, message=str(part[OURS] or ""))
        in_a_list = bool(self.description.reply.items) and isinstance(part, list)
        try:
            return self._meaning(part if in_a_list else [part], reference)
        except lines.UNREADABLE as error:
            raise Unreadable(f"{self.code}: a line makes no sense ({error})", raw=raw, reference=reference) from error

    def _decoded(self, body: bytes) -> Any:
        return lines.decoded(body, dict[str, Any] | list[Any], self.code)  # type: ignore[arg-type]  # as it is meant

    def _unknown(self, response: Response, asked: Sequence[str]) -> list[tuple[str, bytes]]:
        """
        The parts of an answer whose HTTP status says that a parcel is not known.

        :raises ValueError: it is of that status for another reason.
        """
        rule, said = self.description.not_found, ""
        if response.body.strip():
            body = self._decoded(response.body)
            complaint = complaint_in(body, self.description)
            if complaint:
                complaint.raise_if_of_all(self.code)
                said = complaint.message
            known = complaint.reason is RefusalReason.NOT_FOUND if complaint else not (rule.path or rule.pattern)
            if not known:
                raise ValueError(f"HTTP {response.status} that is not about a parcel: {complaint or 'no such error'}")
        return [(reference, ours(said)) for reference in asked or ("",)]

    def _parts(self, items: Sequence[tuple[str, Any]], asked: Sequence[str]) -> list[tuple[str, bytes]]:
        """
        :raises ValueError: the answer is about another parcel than the one that was asked about.
        """
        reply, not_found = self.description.reply, self.description.not_found
        identities = Counter(comparable(self._key_of(reference)) for reference in asked)
        # What two references would repeat alike is nobody's: it stays unanswered rather than go to the wrong parcel.
        wanted = {key: one for one in asked if identities[key := comparable(self._key_of(one))] == 1}
        found: dict[str, list[Any]] = {}
        for name, item in items:
            keys = [name if path == BY_NAME else json_paths.text(item, (path,)) for path in several(reply.key)]
            keys = [key for key in keys if key]
            reference = next((wanted[comparable(key)] for key in keys if comparable(key) in wanted), None)
            if not asked:
                reference = normalise(keys[0]) if keys else ""
            elif len(asked) == 1 and not several(
                reply.key
            ):  # one that ought to name its parcel and does not is nobody's
                reference = asked[0]
            if reference is not None:
                for path in reply.ignore:
                    json_paths.leave_out(item, path)
                found.setdefault(reference, []).append(item)
        if len(asked) == 1 and items and not found:
            raise ValueError("it is about another parcel than the one asked about")
        parts = [(one, encoded(told if len(told) > 1 else told[0])) for one, told in found.items()]
        if not_found.absent or (not_found.empty and not items and len(asked) <= 1):
            parts += [(one, ours("")) for one in asked or ([] if items else [""]) if one not in found]
        return parts

    def _key_of(self, reference: str) -> str:
        """What an item repeats of a reference."""
        values = templates.values_of(reference)
        if self.description.reply.key_is:
            return templates.filled(self.description.reply.key_is, values) or ""
        of_invoice = kind_of(reference) is ReferenceKind.INVOICE_NUMBER
        return values.get("invoice_number", "") if of_invoice else next(iter(values.values()))

    def _meaning(self, items: Sequence[Any], reference: str) -> Snapshot | Refusal:
        """
        :raises ValueError: it is neither a history nor a refusal.
        """
        told, refusals, estimated_at = [], [], None
        for item in items:
            complaint = complaint_in(item, self.description)
            if complaint is None:
                told.append(generic_lines.told(item, self.description, self.meanings))
                estimated_at = generic_lines.estimate(item, self.description) or estimated_at
            elif complaint.reason is None:
                raise ValueError(f"an error of its own: {complaint.message or complaint.means}")
            else:
                refusals.append(Refusal(reference=reference, reason=complaint.reason, message=complaint.message))
        events = generic_lines.without_proofs(lines.history(event for one in told for event in one.events))
        if events:
            proof = generic_lines.proof_of(told, events)
            return Snapshot(reference=reference, events=events, estimated_at=estimated_at, proof=proof)
        if refusals:
            return refusals[0]
        if not any(generic_lines.has_lines(item, self.description) for item in items):
            raise ValueError(f"nothing stands at {', '.join(several(self.description.events.list))}")
        if not self.description.not_found.empty:
            raise ValueError("there is no line in it")
        return Refusal(reference=reference, reason=RefusalReason.NOT_FOUND, message="no line yet")


def items_of(body: Any, path: str, *, by_name: bool) -> list[tuple[str, Any]] | None:
    """
    The items of an answer, with the names they have where they are kept by name; None where there is no place for any.

    A single object in the place of the list is the only item.
    """
    if not path:
        return [("", body)]
    there = json_paths.every(body, path)
    found: list[tuple[str, Any]] = []
    for one in there:
        if by_name and isinstance(one, dict):
            found += one.items()
        elif isinstance(one, list):
            found += [("", item) for item in one]
        elif one is not None:
            found.append(("", one))
    return found if there else None


def comparable(key: str) -> str:
    """What two writings of one reference have in common: letter case, blanks and zeros in front do not matter."""
    plain = normalise(key)
    return plain.lstrip("0") or plain


def encoded(item: Any) -> bytes:
    return msgspec.json.encode(item, order="sorted")


def ours(message: str) -> bytes:
    return encoded({OURS: message})


def attributes(code: str, about: Description) -> dict[str, Any]:
    """What a description says, as the attributes of a carrier."""
    claims = about.claims
    return {
        "code": code,
        "name": about.name,
        "docs": about.docs,
        "confidence": about.confidence,
        "unsure": "" if about.confidence == "A" else about.unsure,
        "base_url": about.base_url,
        "fields": tuple(fields_of(about)),
        "credentials": about.credentials,
        "references": tuple(about.asked_by),
        "asks": Asks.BATCH if about.batch and about.batch.max > 1 else Asks.SINGLE,
        "batch_size": about.batch.max if about.batch else 1,
        "connections": about.pace.connections,
        "requests_per_second": about.pace.requests_per_second,
        "answers": frozenset(status for status in about.not_found.http if status >= 300),
        "statuses": {one: Status(to) for one, to in about.outcome.codes.items() if to in set(Status)},
        "login": generic_question.DescribedLogin(code=code, how=about.auth) if isinstance(about.auth, OAuth2) else None,
        "claims": Claims(
            names=tuple(claims.names), hosts=tuple(claims.hosts), strong=tuple(claims.strong), weak=tuple(claims.weak)
        ),
    }


def fields_of(about: Description) -> Iterator[Field]:
    """The fields of the connection: login and password also where they are only used, before what is described."""
    described = {one.name: one for one in about.connection}
    used = set(templates.named_in(msgspec.to_builtins([about.auth, about.request, about.batch])))
    if isinstance(about.auth, OAuth2) and (about.auth.basic or not about.auth.values):
        used |= set(ACCOUNT)
    only_used = {name: one for name, one in ACCOUNT.items() if name in used and name not in described}
    for one in (only_used | described).values():
        yield Field(name=one.name, label=one.label, help=one.help, secret=one.secret, required=one.required)
