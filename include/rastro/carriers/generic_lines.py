"""
What the lines of a described carrier mean: its own tables first, then the rules that hold whatever a description says.

These are: a line is the same line by its id, else by code, time and place; a second one of these that reads otherwise
is another one. Delivered is only what was handed to the recipient: where the words say that it was not, or that the
sender got it, no table makes a delivery of it. A line about the proof of a delivery (photo, receipt) moves nothing
after it. What no table knows is unknown.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from rastro.carriers import json_paths, lines
from rastro.carriers.description import Description, Outcome, Time, several
from rastro.carriers.description_checks import AUTO, EPOCH_MILLISECONDS, EPOCH_SECONDS, INFORMATIVE
from rastro.models import Event, Proof, Standing, Status
from rastro.redaction import redact
from rastro.routing import folded

EPOCHS = {EPOCH_SECONDS: 1, EPOCH_MILLISECONDS: 1000}

DENIED = re.compile(
    r"\bnao( \w+){0,2} entreg|\bentrega nao\b|\binsucesso|\bnot( \w+){0,2} deliver|\bundeliver"
    r"|\bentregue a (transportadora|base|unidade|filial|parceir)"
)
# What is still to happen, unless the same line says that it has.
AHEAD = re.compile(
    r"\b(saiu|rota|a caminho|aguarda\w*|previs\w*|agend\w*|pront\w|disponivel|tentativa|liberad\w)\b.* (?=entreg)"
    r"|\bentrega (agendad|programad|previst|reagendad|recusad|frustrad|cancelad|sem sucesso)"
    r"|\b(out for|awaiting|attempted|failed|missed|scheduled|expected|ready for) delivery"
    r"|\bdelivery (attempt|fail|except)|\bto be delivered"
)
DONE = re.compile(
    r"\bentregue\b|\bentrega (realizada|efetuada|concluida|finalizada)|\bdelivered\b|conclui|finaliz|recebid"
)
TO_SENDER = re.compile(
    r"\b(ao|para o|pelo|no|a) remetente\b|\bto (the )?(original )?(sender|shipper)\b"
    r"|\bdevolucao (entregue|concluid|finalizad|efetuad|realizad)"
)
PROOF = re.compile(
    r"comprovante|canhoto|\bfotos?\b|\bimage[mn]|\bassina|\bpod\b|\bproof\b|digitaliza|\bprotocolo\b|\bbaixa\b"
)
# A line about a proof is one of these by the tables, if it is anything.
CARRIED_ON = frozenset({Status.UNKNOWN, Status.INFO_RECEIVED, Status.IN_TRANSIT, Status.DELIVERED})
STATES = frozenset(re.findall("..", "ACALAMAPBACEDFESGOMAMGMSMTPAPBPEPIPRRJRNRORRRSSCSESPTO"))
PLACE = re.compile(r"(?P<city>.*?\S)\s*[-/,(–]\s*(?P<state>[A-Za-z]{2})\s*\)?")
BY_FLAG = {Status.DELIVERED: "Entregue", Status.RETURNED: "Devolvido ao remetente"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Meanings:
    """An outcome section, ready to be asked."""

    codes: Mapping[str, str]
    texts: Mapping[str, str]
    bound: Sequence[tuple[str, re.Pattern[str], str]]  # rules for one code, asked before the table
    free: Sequence[tuple[re.Pattern[str], str]]

    @classmethod
    def of(cls, outcome: Outcome) -> "Meanings":
        rules = [(one.code.strip().upper(), re.compile(one.pattern), one.status) for one in outcome.words]
        return cls(
            codes={code.strip().upper(): status for code, status in outcome.codes.items()},
            texts={code.strip().upper(): text for code, text in outcome.texts.items()},
            bound=[rule for rule in rules if rule[0]],
            free=[rule[1:] for rule in rules if not rule[0]],
        )

    def text(self, code: str) -> str:
        """What a code says, for a line without words."""
        return self.texts.get(code.upper(), "")

    def status(self, code: str, words: str) -> tuple[Status, Standing]:
        meant = next(filter(None, self._candidates(code.upper(), folded(words))), "")
        if meant == INFORMATIVE:
            return Status.UNKNOWN, Standing.INFORMATIVE
        return Status(meant or Status.UNKNOWN), Standing.EFFECTIVE

    def _candidates(self, code: str, bare: str) -> Iterator[str]:
        by_code = [status for known, pattern, status in self.bound if known == code and pattern.search(bare)]
        if code in self.codes:
            by_code.append(self.codes[code])
        for status in by_code:
            yield true_delivery(bare) if status == Status.DELIVERED else status
        for pattern, status in self.free:
            if pattern.search(bare):
                ahead = AHEAD.search(bare) and not DONE.search(bare)
                yield ("" if ahead else true_delivery(bare)) if status == Status.DELIVERED else status


def true_delivery(bare: str) -> str:
    """What a delivery is by its words: that, a return when the sender got it, nothing when they deny it."""
    if TO_SENDER.search(bare):
        return Status.RETURNED if DONE.search(bare) else ""
    return "" if DENIED.search(bare) else Status.DELIVERED


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one item of an answer says: its events, oldest first, and who has shown what for a delivery."""

    events: tuple[Event, ...]
    receiver: str = ""
    picture: str = ""


def told(item: Any, about: Description, meanings: Meanings) -> Told:
    """
    :raises ValueError: a line makes no sense.
    """
    written = entries(item, about)
    times = [when(entry, about.events.time) for entry in written]
    known = [(entry, at) for entry, at in zip(written, times, strict=True) if at]
    newest_first = about.events.newest_first
    if newest_first is None:
        in_order = lines.oldest_first(known, [at for _, at in known])
    else:
        in_order = known[::-1] if newest_first else known
    events: dict[str, Event] = {}
    receiver, picture = (json_paths.text(item, several(path)) for path in (about.proof.receiver, about.proof.picture))
    for entry, at in in_order:
        one = event(entry, at, about, meanings)
        same = events.get(one.key)
        if same and same.description != one.description:
            one = replace(one, key=f"{one.key} {lines.digest(one.description)}")
        events[one.key] = one
        if one.status is Status.DELIVERED:
            receiver = json_paths.text(entry, several(about.events.receiver)) or receiver
            picture = json_paths.text(entry, several(about.events.picture)) or picture
    return Told(events=flagged(item, about, lines.history(events.values())), receiver=receiver, picture=picture)


def entries(item: Any, about: Description) -> list[Any]:
    """
    The lines of an item as they are written.

    :raises ValueError: where they should be is something else.
    """
    found: list[Any] = []
    for path in several(about.events.list):
        for there in json_paths.every(item, path):
            found += there if isinstance(there, list) else [there] if there is not None else []
    if not all(isinstance(one, dict) for one in found):
        raise ValueError("a line is no object")
    return found


def has_lines(item: Any, about: Description) -> bool:
    """Whether an item has a place for its lines at all, be it empty."""
    return any(json_paths.every(item, path) for path in several(about.events.list))


def event(entry: Any, at: datetime, about: Description, meanings: Meanings) -> Event:
    paths = about.events
    raw, words = json_paths.text(entry, several(paths.code)), json_paths.text(entry, several(paths.text))
    words = " ".join(words.split()) or meanings.text(raw)
    status, standing = meanings.status(raw, words)
    city, state, country = (json_paths.text(entry, several(one)) for one in (paths.city, paths.state, paths.country))
    place = json_paths.text(entry, several(paths.place))
    if place:
        city, state = split_place(place)
    code = raw or lines.as_code(words) or "?"
    named = json_paths.text(entry, several(paths.id))
    return Event(
        key=named or f"{code} {at.isoformat()} {lines.as_code(f'{city} {state}')}".rstrip(),
        occurred_at=at,
        status=status,
        code=code,
        description=redact(words),
        city=city,
        state=state,
        country=country,
        standing=standing,
    )


def split_place(text: str) -> tuple[str, str]:
    """City and state of "CITY / UF", "City-UF", "City, UF" or "CITY (UF)"; without a UF all of it is the city."""
    match = PLACE.fullmatch(text.strip())
    if match and match["state"].upper() in STATES:
        return match["city"], match["state"].upper()
    return text.strip(), ""


def when(holder: Any, how: Time) -> datetime | None:
    """
    The time in an entry, aware; None where it has none and need not.

    :raises ValueError: it is none in any of its formats.
    """
    text = json_paths.text(holder, several(how.path))
    if not text and how.may_lack:
        return None
    return moment(text, how)


def moment(text: str, how: Time) -> datetime:
    zone = ZoneInfo(how.zone)
    for form in how.formats or (AUTO,):
        try:
            if form == AUTO:
                return lines.moment(text, zone)
            if form in EPOCHS:
                return datetime.fromtimestamp(float(text) / EPOCHS[form], UTC).astimezone(zone)
            at = datetime.strptime(text, form)  # noqa: DTZ007 -- its zone is put in below
        except (ValueError, OverflowError, OSError):
            continue
        return at if at.tzinfo else at.replace(tzinfo=zone)
    raise ValueError(f"{text[:40]!r} is no time of the formats {', '.join(how.formats or [AUTO])}")


def estimate(item: Any, about: Description) -> datetime | None:
    """When the parcel is promised for; a bare day means its end. None where that cannot be read."""
    if about.estimate is None:
        return None
    try:
        at = when(item, about.estimate)
        bare = ":" not in json_paths.text(item, several(about.estimate.path))
    except (ValueError, OverflowError):
        return None
    return lines.end_of_day(at) if bare else at


def flagged(item: Any, about: Description, events: tuple[Event, ...]) -> tuple[Event, ...]:
    """
    The events, and what the flags of an item say beyond them.

    :raises ValueError: a flag speaks of a delivery that has no time.
    """
    outcome = about.outcome
    if json_paths.says_yes(json_paths.first(item, outcome.returned)):
        # Brought back and handed to the sender: that is what a delivery in such a history was.
        events = tuple(
            replace(one, status=Status.RETURNED) if one.status is Status.DELIVERED else one for one in events
        )
        back = any(one.status is Status.RETURNED for one in events)
        return events if back else with_flag(item, about, events, Status.RETURNED, outcome.returned)
    dated = json_paths.text(item, several(outcome.delivered_at)) if outcome.delivered_at else ""
    if not dated and not json_paths.says_yes(json_paths.first(item, outcome.delivered)):
        return events
    if any(one.status in {Status.DELIVERED, Status.RETURNING, Status.RETURNED} for one in events):
        return events
    return with_flag(item, about, events, Status.DELIVERED, outcome.delivered_at if dated else outcome.delivered)


def with_flag(item: Any, about: Description, events: tuple[Event, ...], status: Status, flag: str) -> tuple[Event, ...]:
    dated = json_paths.text(item, several(about.outcome.delivered_at)) if about.outcome.delivered_at else ""
    newest = events[-1].occurred_at if events else None
    at = moment(dated, about.events.time) if dated else newest
    if at is None:
        raise ValueError(f"{flag} says {status} and nothing says when")
    if newest and ":" not in dated and at < newest:
        at = newest  # only the day is known, or nothing
    key = f"{flag} {dated}".strip()
    return lines.history(
        (*events, Event(key=key, occurred_at=at, status=status, code=flag, description=BY_FLAG[status]))
    )


def without_proofs(events: Sequence[Event]) -> tuple[Event, ...]:
    """Events, oldest first, of which those about the proof of a delivery move nothing after it."""
    found: list[Event] = []
    delivered = False
    for one in events:
        about_proof = one.status in CARRIED_ON and PROOF.search(folded(one.description))
        found.append(replace(one, standing=Standing.INFORMATIVE) if delivered and about_proof else one)
        delivered = delivered or (one.status is Status.DELIVERED and one.standing is Standing.EFFECTIVE)
    return tuple(found)


def proof_of(told_by: Sequence[Told], events: Sequence[Event]) -> Proof | None:
    """What is shown for a delivery; of the person who took it no more than the initials."""
    if not any(one.status is Status.DELIVERED for one in events):
        return None
    received_by = next(filter(None, (lines.initials(one.receiver) for one in told_by)), "")
    picture = next((one.picture for one in told_by if re.match(r"https?://\S+$", one.picture)), "")
    return Proof(received_by=received_by, picture=picture) if received_by or picture else None
