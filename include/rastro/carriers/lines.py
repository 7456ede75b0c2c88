"""
What adapters share when they read a history: times as people write them, words, order of events, several parcels.

What holds of every carrier's lines is in :func:`history`: which are about a receipt, what a delivery on the way back
is, and that nobody is named.
"""

import hashlib
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import chain
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from rastro import typed
from rastro.diff import moves
from rastro.errors import Unreadable
from rastro.models import Event, Standing, Status
from rastro.redaction import excerpt, redact
from rastro.routing import folded

BRASILIA = ZoneInfo("America/Sao_Paulo")
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, OverflowError)
T = TypeVar("T")

Words = Sequence[tuple[str, Status]]

RECEIPT = re.compile(
    r"comprovante|canhoto|\bpod\b|proof of delivery|\b(photo|picture|signature)\b.*\b(available|added|updated)"
)
PICTURE = re.compile(r"\bfotos?\b|\bimage(m|ns)\b|^(assinatura (digital|coletada|anexa)|digitaliza)")
IN_VAIN = r"\bnao (foi )?(entreg|realizad|efetuad|atendid|localizad)|\bausen|\brecus|\binsucesso|\btentativa"
# What a line says of the parcel before it comes to a receipt. "Devolvido o canhoto" says nothing of it.
OF_THE_PARCEL = re.compile(
    rf"\bentregue\b|\bdelivered\b|\bentrega (realizad|efetuad|concluid|finalizad|nao)|{IN_VAIN}"
    r"|\bdevolvid[oa]\b(?! (d?[oae] )?$)|\bdevolucao (ao|para|conclui|finalizad|realizad|efetuad)"
)

# After a line of the way back, what moves the parcel moves it towards its sender.
WAY_BACK = frozenset({Status.RETURNING, Status.RETURNED})
HOMEWARD: Mapping[Status, Status] = {
    Status.DELIVERED: Status.RETURNED,
    **dict.fromkeys(
        (
            Status.INFO_RECEIVED,
            Status.IN_TRANSIT,
            Status.OUT_FOR_DELIVERY,
            Status.DELIVERY_FAILED,
            Status.READY_FOR_PICKUP,
        ),
        Status.RETURNING,
    ),
}
RECIPIENT = re.compile(r"\b(destinatari|consignatari|cliente|comprador)")

# Who is named where it is said that a parcel changed hands, unless it is one of these parts that anybody may play.
HANDED_OVER = re.compile(
    r"\b(?P<deed>(?:(?:recebid|recibid|assinad|firmad|retirad|coletad|entregad)[oa]|entregue)(?=\s+(?:por|pel[oa])\b)"
    r"|(?:recebid|assinad)[oa](?=\s*:)|signed for(?=\s*:)"
    r"|(?:entregue|entregad[oa])(?=\s+(?:[aà]o?|para(?: [oa])?)\b)"
    r"|(?:signed|received|accepted|taken|collected|picked up)(?: for)?(?=\s+by\b)"
    r"|delivered(?=\s+to\b))"
    r"\s*(?::|(?:por|pel[oa]|[aà]o?|para(?: [oa])?|by|to)\b)[\s:]*",
    re.IGNORECASE,
)
PART = (
    r"(?:destinat[aá]ri|consignat[aá]ri|cliente|comprador|remetente|embarcador|expedidor|transport|parceir|empresa|operador"
    r"|unidade|base|filial|ag[eê]ncia|centro|cd\b|hub|correios|loja|ponto|dep[oó]sito|arm[aá]rio|portal|confer[eê]ncia"
    r"|vizinh|porteir|portaria|recep[cç]|zelador|morador|terceir|entregador|motorista|carteiro|equipe|setor|fiscaliza|receita"
    r"|recipient|addressee|consignee|sender|shipper|customer|agent|individual|neighbo|reception|front|mail ?room|locker"
    r"|parcel|access point|post|facility|depot|warehouse|carrier|courier|partner|shipping|airline|customs|line-?haul"
    r"|usps|ups|fedex|dhl)\w*"
)
PART_PLAYED = re.compile(
    rf"(?:(?:o|a|um|uma|outr[oa]|the|an?|your|original|local)\s+)*{PART}(?:\s+{PART})*", re.IGNORECASE
)
GOES_ON = re.compile(
    r"[.!]*\s*$|\s+(?:em|n[ao]s?|d[aeo]|com|sem|para|por|e|foi|at|in|on|from|with|and|for|was|is)\b", re.IGNORECASE
)
LABELLED = re.compile(r"\b(?:nome|recebedor|receptor|receiver|signatory|signat[aá]rio)\b[^:]{0,20}:", re.IGNORECASE)
DOCUMENT = re.compile(
    r"[\s,;(-]*\b(?:rg|cpf|rne|cnh|identidade|passaporte|doc(?:umento)?)\b[\s.:nº°#-]*\d[\d.x/-]{3,}\)?", re.IGNORECASE
)
LOOSE_END = " ,.:;(–-"

DAY_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")


def decoded(body: bytes, kind: type[T], code: str, *, strict: bool = False) -> T:
    """
    JSON as a type.

    :raises Unreadable: it is none, with a short and safe excerpt.
    """
    try:
        return typed.decode(body.removeprefix(b"\xef\xbb\xbf"), kind, strict=strict)
    except UNREADABLE as error:
        said = excerpt(body)
        raise Unreadable(f"{code}: the answer makes no sense ({said or error})", raw=body) from error


def moment(written: str | None, zone: tzinfo = BRASILIA) -> datetime:
    """
    A time in ISO 8601 or as ``dd/mm/yyyy HH:MM:SS``, aware: in ``zone`` unless it says otherwise.

    :raises ValueError: it is no time.
    """
    text = (written or "").strip()
    if match := DAY_FIRST.fullmatch(text):
        day, month, year, hour, minute, second = (int(part or 0) for part in match.groups())
        return datetime(year + 2000 if year < 100 else year, month, day, hour, minute, second, tzinfo=zone)
    # Some write seven digits of a second, and Python reads six.
    at = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    return at if at.tzinfo else at.replace(tzinfo=zone)


def moment_or_none(written: str | None, zone: tzinfo = BRASILIA) -> datetime | None:
    """As :func:`moment`; None for what is no time."""
    try:
        return moment(written, zone)
    except (ValueError, OverflowError):
        return None


def end_of_day(at: datetime | None) -> datetime | None:
    """A promise: midnight stands for a day without an hour, and promises its end."""
    return at + timedelta(days=1, seconds=-1) if at and at.time() == time.min else at


@lru_cache(maxsize=8192)
def by_words(text: str, words: Words) -> Status:
    """The status of the first pattern found in ``text`` without accents, in small letters; unknown when none is."""
    bare = folded(text)
    return next((status for pattern, status in words if re.search(pattern, bare)), Status.UNKNOWN)


def as_code(text: str) -> str:
    """A carrier's wording as the code it stands for, where it has no other: capitals without accents, cut at 80."""
    return folded(without_names(text)).upper()[:80]


def is_receipt(text: str) -> bool:
    """
    Whether a line is about the picture or paper that proves a delivery, and not about the parcel.

    It is about the parcel where it says of that what became of it before it comes to the paper, as in "entregue,
    comprovante anexado"; and a picture can show an attempt in vain, too.
    """
    bare = folded(text)
    found = RECEIPT.search(bare) or (None if re.search(IN_VAIN, bare) else PICTURE.search(bare))
    return found is not None and not OF_THE_PARCEL.search(bare[: found.start()])


@lru_cache(maxsize=8192)
def without_names(text: str) -> str:
    """
    ``text`` without who took the parcel, and without documents, addresses and telephones.

    It ends where somebody is named after "recebido por", "entregue a", "signed for by" and the like; parts that anybody
    may play ("ao destinatário", "to the sender") stay.
    """
    told, at = redact(DOCUMENT.sub("", text)), 0
    if label := LABELLED.search(told):
        told = told[: label.start()].rstrip(LOOSE_END) or told[: label.end()].rstrip(LOOSE_END)
    while match := HANDED_OVER.search(told, at):
        part = PART_PLAYED.match(told, match.end())
        if part and GOES_ON.match(told, part.end()):
            at = part.end()
            continue
        before = told[: match.start()].rstrip()
        if part:
            told = told[: part.end()]
        elif before and before[-1] in LOOSE_END:
            told = before.rstrip(LOOSE_END)  # what stands before says it by itself
        else:
            told = told[: match.end("deed")]
        break
    return told


def initials(name: str | None) -> str:
    """Of a person's name no more than ``A. B.``; empty when there is none."""
    words = re.findall(r"[^\W\d_]+", name or "")
    return " ".join(f"{word[0].upper()}." for word in words[:4])


def in_order(events: Iterable[Event]) -> tuple[Event, ...]:
    """Oldest first, each once; of the same time in the order given, which must be oldest first, too."""
    unique = {event.key: event for event in events}
    return tuple(sorted(unique.values(), key=lambda event: event.occurred_at))


def history(events: Iterable[Event], *, sure: Container[str] = (), aside: Container[str] = ()) -> tuple[Event, ...]:
    """
    The events of one parcel :func:`in_order`, as they are to be read beside each other, without names.

    What is read once is read the same when more is added to it and it is read again.

    :param sure: keys of deliveries that by their code are the recipient's.
    :param aside: keys of events that speak of a way back that may never begin.
    """
    told = way_back(without_receipts(in_order(events)), sure=sure, aside=aside)
    return tuple(replace(event, description=without_names(event.description)) for event in told)


def without_receipts(events: Iterable[Event]) -> list[Event]:
    """
    ``events``, oldest first, of which those about a receipt move nothing.

    What is a delivery by its code is none a second time, since the receipt is filed when it is over.
    """
    told, delivered = [], False
    for event in events:
        is_delivery = event.status is Status.DELIVERED
        if is_receipt(event.description) and (delivered or not is_delivery):
            told.append(replace(event, status=Status.UNKNOWN, standing=Standing.INFORMATIVE))
            continue
        told.append(event)
        delivered = delivered or (is_delivery and moves(event))
    return told


def way_back(events: Iterable[Event], *, sure: Container[str] = (), aside: Container[str] = ()) -> tuple[Event, ...]:
    """
    ``events``, oldest first, those after the beginning of the way back read as part of it.

    A delivery there is one to the sender, whatever its code, unless it names the recipient. A parcel announced anew
    after its return is another one of the same number. ``sure`` and ``aside`` as for :func:`history`.
    """
    told: list[Event] = []
    before: Status | None = None  # of the way back, the newest that was said
    for event in events:
        one = event
        if moves(event):
            if before is Status.RETURNED and event.status is Status.INFO_RECEIVED:
                before = None
            named = event.key in sure or RECIPIENT.search(folded(event.description))
            if before and not (event.status is Status.DELIVERED and named):
                one = replace(event, status=HOMEWARD.get(event.status, event.status))
            if one.status is Status.DELIVERED:
                before = None
            elif one.status in WAY_BACK and event.key not in aside:
                before = one.status
        told.append(one)
    return tuple(told)


def of_several(histories: Sequence[Sequence[Event]]) -> tuple[Event, ...]:
    """
    One history of all parcels under one reference.

    Of the lines that end a parcel's way only the last one counts, once all have ended: so it is news when it comes, and
    is never taken back. A delivery counts where every parcel was delivered; one without a line has not been. One that
    was cancelled does not go anywhere: it is waited for no longer, unless there is no other.
    """
    events = in_order(chain.from_iterable(histories))
    if len(histories) < 2:
        return events
    newest = [next((one for one in reversed(parcel) if moves(one)), None) for parcel in histories]
    going = [one for one in newest if one is None or one.status is not Status.CANCELLED] or newest
    ends = [one for one in going if one and one.status.is_final]
    last = max(ends, key=lambda one: one.occurred_at, default=None)
    alike = {one.status for one in ends}
    if last and (len(ends) < len(going) or (last.status is Status.DELIVERED and len(alike) > 1)):
        last = None
    return tuple(
        replace(one, standing=Standing.INFORMATIVE)
        if one.status.is_final and (last is None or one.key != last.key)
        else one
        for one in events
    )


def one_of_several(events: Sequence[Event]) -> tuple[Event, ...]:
    """
    What is told of one parcel where others may be under the same reference: an end of its own is not that of all.

    It is left unknown, since only an answer about all of them can say (:func:`of_several`).
    """
    return tuple(replace(one, status=Status.UNKNOWN) if one.status.is_final else one for one in events)


def news_after(known: Sequence[Event], news: Sequence[Event], delivered: Status) -> tuple[Event, ...]:
    """
    ``news``, told without what was before, as it is to be read after what is known.

    :param delivered: what is made of a delivery on the way back that does not name the recipient.
    """
    recorded = {event.key for event in known}
    back = {event.key for event in way_back(in_order([*known, *news])) if event.status is Status.RETURNED} - recorded
    return tuple(
        replace(one, status=delivered) if one.status is Status.DELIVERED and one.key in back else one for one in news
    )


def oldest_first(lines: Sequence[T], times: Sequence[datetime]) -> Sequence[T]:
    """``lines`` the other way round when their times say that the newest stands first."""
    return lines[::-1] if times and times[0] > times[-1] else lines


def digest(*parts: str) -> str:
    """A short name for parts that are too long for a key."""
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()
