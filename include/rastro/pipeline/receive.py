"""
Receive what carriers tell by themselves: fetch feeds, and read what stands in the inbox, for the load that follows.

Every body is kept and committed before it is read, since most of it comes once. What it says about a parcel that nobody
follows yet waits until somebody does: a carrier may speak of a parcel before its order has been read.
"""

import hashlib
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from msgspec import structs
from psycopg import Connection

from rastro.access import Access
from rastro.carriers.base import Carrier, Feed, Part
from rastro.errors import CredentialsRefused, Doubtful, RastroError, Transient, Unreadable
from rastro.http import Http
from rastro.models import Refusal
from rastro.pipeline.tokens import AccessKeeper
from rastro.pipeline.track import digest_of
from rastro.polling import interval_of
from rastro.settings import Settings
from rastro.warehouse import erased, inbox, records
from rastro.warehouse.inbox import Letter, Unasked, WaitingPart, Way

AT_A_TIME = 100
UNREADABLE = "unreadable push"  # the reason of what is put aside here, and read again from its letter

LOST = "If it had a lot in it, that is not handed out again by itself: see the fields of the carrier's connection"

encode = msgspec.json.Encoder().encode


@dataclass(slots=True, kw_only=True)
class Figures:
    """
    ``letters`` read, and the parts they were cut into: handed over for loading (``told``), about parcels that nobody
    follows yet (``waiting``), ``refused`` (no news in them) or ``quarantined``. ``late`` are parts of earlier letters
    whose parcels have come to be followed, ``passed_over`` those about parcels that were erased at a person's wish.
    """

    letters: int = 0
    told: int = 0
    waiting: int = 0
    refused: int = 0
    quarantined: int = 0
    late: int = 0
    passed_over: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a letter, wherever it has waited since."""

    inbox_id: int
    carrier: str
    contract: str
    part: Part
    received_at: datetime


def fetch(
    conn: Connection[Any],
    carrier: Carrier,
    feed: Feed,
    http: Http,
    keeper: AccessKeeper,
    settings: Settings,
    now: datetime,
    contract: str = "",
) -> bool:
    """
    Fetch a carrier's newest lot and keep it, before anything is read. False when it was asked too short a time ago.

    :param contract: whose feed it is, where that is not the carrier's first.
    :raises Unreadable: what came makes no sense, and is kept for the quarantine: a lot may be in it.
    :raises RastroError: nothing was handed out, as far as anybody can tell.
    """
    last = inbox.last_fetched(conn, carrier.code, contract)
    if last is not None and now - last < feed.every:
        return False
    access = keeper.access()
    try:
        take(conn, carrier.code, feed, http, access, now, contract)
    except CredentialsRefused:
        renewed = keeper.renewed(access)
        if renewed is None:
            raise
        take(conn, carrier.code, feed, http, renewed, now, contract)
    next_poll_at = interval_of(now, settings.poll_every).later[1]
    inbox.answered_by_feed(
        conn, carrier.code, contract, now, next_poll_at, silent_since=now - settings.give_up_after
    )  # fmt: skip
    conn.commit()
    return True


def take(
    conn: Connection[Any], carrier: str, feed: Feed, http: Http, access: Access, now: datetime, contract: str
) -> None:
    """
    One call, whose answer is kept and committed before anything is made of it, and let go where it is a refusal.

    :raises RastroError: as :func:`fetch`.
    """
    try:
        response = http.send(feed.request_for(access))
    except Doubtful as error:
        raise Transient(f"{error}. {LOST}") from error
    digest = feed_digest(response.body)
    inbox.receive(conn, carrier, Way.FEED, digest, zlib.compress(response.body, 1), now, contract)
    conn.commit()
    try:
        feed.check(response)
    except Unreadable:
        raise
    except RastroError:
        inbox.let_go(conn, carrier, contract, digest)
        conn.commit()
        raise


def feed_digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16).digest()


def read(
    conn: Connection[Any], carriers: Mapping[str, Carrier], *, now: datetime, run_id: str, hash_key: bytes
) -> Figures:
    """
    Read all that came, of these carriers. A letter about a parcel that was erased at a person's wish is not kept.

    Committed some letters at a time, each closed together with what it brought.
    """
    figures = Figures()
    while letters := inbox.take_unread(conn, carriers, AT_A_TIME):
        pieces = []
        unreadable: Counter[int] = Counter()
        for letter in letters:
            try:
                pieces += list(cut(letter, carriers[letter.carrier]))
            except Unreadable as error:
                raw = error.raw or zlib.decompress(letter.body)
                put_aside(conn, letter.carrier, f"letter {letter.inbox_id}", error, raw, letter.received_at, run_id)
                unreadable[letter.inbox_id] += 1
            except RastroError:
                figures.refused += 1  # no lot but a refusal, fetched by a run that was cut off before it saw that
        waiting = sort(conn, pieces, carriers, figures, run_id, unreadable)
        gone = erased.among(conn, {(one.carrier, name) for one in waiting for name in one.refs}, hash_key)
        passed_over = [one for one in waiting if gone & {(one.carrier, name) for name in one.refs}]
        waiting = [one for one in waiting if one not in passed_over]
        inbox.let_wait(conn, waiting)
        inbox.close_read(conn, letters, now)
        inbox.note_unreadable(conn, unreadable)
        inbox.forget_bodies(conn, {one.inbox_id for one in passed_over})
        figures.passed_over += len(passed_over)
        figures.quarantined += unreadable.total()
        figures.waiting += len(waiting)
        conn.commit()
        figures.letters += len(letters)
    read_late(conn, carriers, figures, run_id)
    return figures


def read_late(conn: Connection[Any], carriers: Mapping[str, Carrier], figures: Figures, run_id: str) -> None:
    """Parts that have waited for parcels which are followed by now."""
    after = 0
    while parts := inbox.take_waiting(conn, carriers, after, AT_A_TIME):
        after = parts[-1].part_id
        pieces = [
            Piece(
                inbox_id=one.inbox_id,
                carrier=one.carrier,
                contract=one.contract,
                part=Part(references=one.refs, raw=zlib.decompress(one.raw)),
                received_at=one.received_at,
            )
            for one in parts
        ]
        unreadable: Counter[int] = Counter()
        inbox.drop_waiting(conn, parts)
        again = sort(conn, pieces, carriers, figures, run_id, unreadable)  # of parcels no longer followed this moment
        inbox.let_wait(conn, again)
        inbox.note_unreadable(conn, unreadable)
        conn.commit()
        figures.quarantined += unreadable.total()
        figures.late += len(parts) - len(again)


def cut(letter: Letter, carrier: Carrier) -> Iterator[Piece]:
    """
    :raises Unreadable: it is not what this carrier sends in this way.
    :raises RastroError: it is no lot but a refusal.
    """
    body = zlib.decompress(letter.body)
    sender = carrier.push if letter.way is Way.PUSH else carrier.feed
    if sender is None:
        raise Unreadable(f"{carrier.code}: nothing is known of its {letter.way}", raw=body)
    for part in sender.parts(body):
        yield Piece(
            inbox_id=letter.inbox_id,
            carrier=letter.carrier,
            contract=letter.contract,
            part=part,
            received_at=letter.received_at,
        )


def sort(
    conn: Connection[Any],
    pieces: Sequence[Piece],
    carriers: Mapping[str, Carrier],
    figures: Figures,
    run_id: str,
    unreadable: Counter[int],
) -> list[WaitingPart]:
    """
    Hand over what is about parcels that we follow through the same contract; the rest is returned, and waits.

    However much of a parcel's life such news tells, it is as old as its sender pleases: it may have waited or been
    repeated, so what it does not have is not taken back. A part that makes no sense is kept by itself, too: the body of
    its letter may be erased at the wish of somebody else of whom it speaks.

    :param unreadable: counts the parts that make no sense, by letter.
    """
    wanted = {(piece.carrier, piece.contract, reference) for piece in pieces for reference in piece.part.references}
    followed = inbox.followed(conn, wanted)
    told: list[Unasked] = []
    waiting: list[WaitingPart] = []
    puzzling: dict[int, WaitingPart] = {}  # by the place of the piece
    for place, piece in enumerate(pieces):
        known = {
            poll_id: reference
            for reference in piece.part.references
            for poll_id in followed.get((piece.carrier, piece.contract, reference), ())
        }
        if not known:
            waiting.append(to_wait(piece))
            continue
        for poll_id, reference in known.items():
            try:
                meaning = carriers[piece.carrier].parse(piece.part.raw, reference)
            except Unreadable as error:
                put_aside(conn, piece.carrier, reference, error, piece.part.raw, piece.received_at, run_id)
                unreadable[piece.inbox_id] += 1
                puzzling[place] = replace(to_wait(piece), unreadable=True)
                continue
            if isinstance(meaning, Refusal):
                figures.refused += 1
            else:
                told.append(
                    Unasked(
                        poll_id=poll_id,
                        told_at=piece.received_at,
                        digest=digest_of(piece.part.raw),
                        snapshot=encode(structs.replace(meaning, whole=False)),
                        raw=zlib.compress(piece.part.raw, 1),
                    )
                )
    inbox.stage(conn, told, run_id)
    inbox.let_wait(conn, puzzling.values())
    figures.told += len(told)
    return waiting


def to_wait(piece: Piece) -> WaitingPart:
    return WaitingPart(
        inbox_id=piece.inbox_id,
        carrier=piece.carrier,
        contract=piece.contract,
        refs=piece.part.references,
        raw=zlib.compress(piece.part.raw, 1),
        received_at=piece.received_at,
    )


def put_aside(
    conn: Connection[Any], carrier: str, subject: str, error: Unreadable, raw: bytes, at: datetime, run_id: str
) -> None:
    records.quarantine(
        conn, origin=carrier, subject=subject, reason=UNREADABLE, detail=str(error), raw=raw, now=at, run_id=run_id
    )
