"""What adapters share: finding the package in an answer, times, and refusals hidden in a 200."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from rastro.errors import Doubtful, RateLimited, Rejected, Transient, Unreadable
from rastro.http import Http, Limits, Request, Response
from rastro.models import ENDINGS, Status
from rastro.numbers import normalise
from rastro.receivers import Answer, Message, Reading
from rastro.redaction import redact

BRASILIA = ZoneInfo("America/Sao_Paulo")
SAME_MINUTE = timedelta(seconds=60)
# Statuses by which a step is refused that does not follow, or whose body breaks a rule.
REFUSED = frozenset({400, 409, 422})
SECRET = re.compile(r"token|sign|key", re.IGNORECASE)
T = TypeVar("T")


class Candid(Http):
    """
    A client of a service that answers 200 to what it refuses, too.

    ``judge`` is given what was asked and the answer, and raises for such a refusal what its HTTP status should have
    said; Unreadable for what is no answer.
    """

    def __init__(
        self,
        base_url: str,
        *,
        name: str,
        judge: Callable[[str, Response], None],
        limits: Limits | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(base_url, name=name, limits=limits, headers=headers)
        self._judge = judge

    def send(self, request: Request) -> Response:
        """
        :raises Doubtful: trouble, or an answer that says nothing, about what must not be repeated blindly.
        """
        answer = super().send(request)
        response = replace(answer, body=hushed(answer.body, secrets_in(request)))
        try:
            self._judge(f"{self.name}: {request.method} {request.path}", response)
        except RateLimited:
            raise
        except (Transient, Unreadable) as error:
            if request.repeatable:
                raise
            raise in_doubt(str(error)) from error
        return response


def secrets_in(request: Request) -> list[str]:
    """What a request identifies itself with, in its query or headers."""
    return [value for name, value in (*request.params, *request.headers.items()) if SECRET.search(name)]


def hushed(body: bytes, secrets: Iterable[str]) -> bytes:
    """An answer without what we identify ourselves with, should it be echoed, since sentences of it are shown."""
    for secret in secrets:
        body = body.replace(secret.encode(), b"***") if len(secret) >= 6 else body
    return body


def in_doubt(said: str) -> Doubtful:
    return Doubtful(f"{said}; it may have acted, so it is asked before anything is sent again")


def refusal(code: str, step: str, answer: Response, *sentences: str | None) -> Rejected:
    """For an answer of :data:`REFUSED`, with what it says."""
    said = redact("; ".join(sentence for sentence in sentences if sentence))[:200]
    return Rejected(f"{code}: {step} is refused with {answer.status}: {said or 'no reason given'}")


def not_told(message: Message, name: str) -> Answer:
    """For a read about a status of which the marketplace is not told."""
    return Answer(reading=Reading.CLOSED, reason=f"the parcel is {message.status}, of which {name} is not told")


def no_word(message: Message, code: str) -> Rejected:
    """For a write about a status that the marketplace cannot be told."""
    return Rejected(f"{code}: order {message.order_id} is {message.status}, and it has no word for that")


def of_whole_order(answer: Answer, message: Message) -> Answer:
    """
    The answer of a marketplace whose word for an end stands for the whole order, parcels elsewhere included.

    :raises Rejected: other parcels of the order have ended differently, so no word is true of all.
    """
    end = Status.DELIVERED if message.delivered_at else message.status
    unlike = [status for status in message.others if status is not end]
    if answer.reading not in {Reading.OWED, Reading.NOT_READY} or end not in ENDINGS or not unlike:
        return answer
    ends = ", ".join(sorted({end, *unlike}))
    if any(not status.is_final for status in unlike):
        return Answer(
            reading=Reading.INCOMPLETE, reason=f"it takes one word for the whole order, whose parcels are {ends}"
        )
    raise Rejected(
        f"order {message.order_id} is told with one word, and its parcels ended differently ({ends}): tell it by hand"
    )


def told_at(message: Message, code: str) -> datetime:
    """
    When that happened which is told.

    :raises Rejected: nothing has.
    """
    at = message.delivered_at or (message.history[-1].occurred_at if message.history else None)
    if at is None:
        raise Rejected(f"{code}: order {message.order_id} has no history to tell")
    return at


def shipped_at(message: Message, code: str) -> datetime:
    """
    When the parcel set out, which its first line is taken for.

    :raises Rejected: it has none.
    """
    if not message.history:
        raise Rejected(f"{code}: order {message.order_id} has no history to tell")
    return message.history[0].occurred_at


def in_brasilia(at: datetime) -> str:
    """``2026-11-20T22:30:00.000-03:00``"""
    return at.astimezone(BRASILIA).isoformat(timespec="milliseconds")


def package_of(
    message: Message,
    packages: Sequence[T],
    numbers: Callable[[T], Iterable[str | None]],
    *,
    is_cancelled: Callable[[T], bool] = lambda _: False,
    whole: bool = True,
) -> T | None:
    """
    The package that has the message's tracking number; where the order goes in but one, that, unless it has a number
    that no parcel of the order has or had.

    Where none has the number, the only one that waits for some. None where nothing tells which of several it is.

    :param whole: the packages are all that the order will ever go in; else only the number tells.
    """
    ours = normalise(message.tracking_number)
    known = [(one, {normalise(number) for number in numbers(one) if number}) for one in packages]
    if whole and len(packages) == 1:
        (its,) = (its for _, its in known)
        return packages[0] if not its or its & numbers_of(message) else None
    if ours and (found := [one for one, its in known if ours in its]):
        return found[0]
    waiting = [one for one, its in known if not its and not is_cancelled(one)]
    return waiting[0] if whole and len(waiting) == 1 else None


def numbers_of(message: Message) -> set[str]:
    """All numbers that the order's parcels have or had."""
    return {normalise(number) for number in (message.tracking_number, *message.numbers) if number}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """
    What a platform that keeps a history of events calls them.

    ``again`` are those of which a later one is news by itself.
    """

    words: Mapping[Status, str]
    again: frozenset[str]

    def word_for(self, message: Message) -> str | None:
        """None where it has none."""
        if message.delivered_at:
            return self.words[Status.DELIVERED]
        return None if message.status is Status.DELIVERED else self.words.get(message.status)

    def is_known(self, events: Iterable[tuple[str, datetime | None]], word: str, at: datetime) -> bool:
        """Whether one of the events is what is to be told, or makes it old news; a delivery is never old."""
        return any(self._is_it(told, when, word, at) for told, when in events)

    def _is_it(self, told: str, when: datetime | None, word: str, at: datetime) -> bool:
        if told == word and word not in self.again:
            return True
        if when is None or when.tzinfo is None:
            return False
        if told == word:
            return when > at - SAME_MINUTE
        delivered = self.words[Status.DELIVERED]
        return word != delivered and (told == delivered or when > at + SAME_MINUTE)
